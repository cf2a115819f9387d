//! Servers that share nothing but Kafka have the same streams, tables and queries: they follow one command topic.

use std::thread;

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use serde_json::{Value, json};

use crate::kafka::Client;

const TOPIC: &str = "_confluent-ksql-default__command_topic";
const STATEMENTS: &str = "
    CREATE STREAM s (id VARCHAR KEY, n BIGINT) WITH (kafka_topic='s', value_format='json', partitions=2);
    CREATE TABLE sums AS SELECT id, SUM(n) AS total FROM s GROUP BY id;";

fn start(broker: &Kafka, data: &tempfile::TempDir, more: &[(&str, &str)]) -> Server {
    Server::start(data.path(), &[&[("bootstrap.servers", broker.bootstrap.as_str())], more].concat())
}

fn execute(server: &Server, statements: &str) -> Value {
    ksql(&server.url, statements, &json!({"auto.offset.reset": "earliest"}))
}

/// Ids of queries, and names of streams and tables.
fn exists(server: &Server) -> (Vec<String>, Vec<String>) {
    let names = |statement: &str, list: &str, name: &str| {
        let shown = execute(server, statement);
        let mut names: Vec<String> = shown[0][list]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one[name].as_str().expect("a name").to_owned())
            .collect();
        names.sort();
        names
    };
    let tables = names("SHOW TABLES;", "tables", "name");
    (names("SHOW QUERIES;", "queries", "id"), [names("SHOW STREAMS;", "streams", "name"), tables].concat())
}

fn refused(server: &Server, statement: &str) -> String {
    let body = json!({ "ksql": statement, "streamsProperties": {} }).to_string();
    let answer = request(&server.url, "POST", "/ksql", &[], &body);
    assert_ne!(answer.status, 200, "{statement}: {}", answer.json());
    answer.json()["message"].as_str().expect("a message").to_owned()
}

#[test]
fn servers_of_a_service_carry_out_the_same_statements() {
    let broker = Kafka::start_alone();
    let client = Client::new(&broker);
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let (one, other) = (start(&broker, &first, &[]), start(&broker, &second, &[]));

    // Ids of queries end in what ksqlDB's would: the offset of the last command that made or dropped something, and one.
    execute(&one, STATEMENTS);
    eventually("the other has it, too", || (exists(&other) == exists(&one)).then_some(()));
    execute(&other, "PAUSE ALL; RESUME ALL;");
    execute(&one, "CREATE STREAM copied AS SELECT * FROM s;");
    execute(&other, "CREATE STREAM again AS SELECT * FROM copied;");
    assert_eq!(exists(&other).0, ["CSAS_AGAIN_9", "CSAS_COPIED_3", "CTAS_SUMS_1"]);
    let commands = client.read(TOPIC);
    let keys: Vec<&str> = commands.iter().map(|record| record.key.as_deref().expect("a key")).collect();
    assert_eq!(keys[..2], ["\"stream/`S`/create\"", "\"table/`SUMS`/create\""]);

    // Both at once, again and again: none is lost, and none counts twice.
    thread::scope(|scope| {
        for (server, name) in [(&one, "x"), (&other, "y")] {
            scope.spawn(move || {
                for n in 0..5 {
                    execute(server, &format!("CREATE STREAM {name}{n} AS SELECT * FROM s; DROP STREAM {name}{n};"));
                    execute(
                        server,
                        &format!("CREATE STREAM {name}_{n} (v INT) WITH (kafka_topic='s', value_format='json');"),
                    );
                }
            });
        }
    });
    eventually("both have all of it", || {
        let (ours, theirs) = (exists(&one), exists(&other));
        (ours == theirs && ours.1.len() == 4 + 10 && ours.0.len() == 3).then_some(())
    });

    // A server that has lost its directory has its statements and its state from Kafka.
    execute(&one, "INSERT INTO s VALUES ('a', 1); INSERT INTO s VALUES ('a', 2); INSERT INTO s VALUES ('b', 5);");
    assert!(other.terminate());
    let sums = |server: &Server| {
        let mut sums = rows(&server.url, "SELECT id, total FROM sums;", &json!({}));
        sums.sort_by_key(Value::to_string);
        sums
    };
    let before = exists(&one);
    assert!(one.terminate());
    let empty = tempfile::tempdir().expect("a directory");
    let one = start(&broker, &empty, &[]);
    assert_eq!(exists(&one), before);
    eventually("the table is there", || (sums(&one) == [json!(["a", 3]), json!(["b", 5])]).then_some(()));

    // Somebody deletes the topic: queries go on, statements do not, and there is a way out.
    let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", &broker.bootstrap];
    broker.tool(&[&tool[..], &["--delete", "--topic", TOPIC]].concat());
    eventually("it is told", || {
        refused(&one, "DROP STREAM x_0;").contains("millstream.command.topic.restore=true").then_some(())
    });
    execute(&one, "INSERT INTO s VALUES ('b', 1);");
    eventually("queries go on", || (sums(&one) == [json!(["a", 3]), json!(["b", 6])]).then_some(()));
    assert!(one.terminate());
    let one = start(&broker, &empty, &[("millstream.command.topic.restore", "true")]);
    assert_eq!(exists(&one), before);
    execute(&one, "DROP STREAM x_0;");
    assert_eq!(client.read(TOPIC).len(), 2 + 2 + 2 + 30 + 1);
    assert!(one.terminate());
}
