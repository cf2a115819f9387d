//! What others do to the topics of queries: only the query that it concerns stops, and says what to do.

use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use serde_json::{Value, json};

use crate::kafka::Client;

const STATEMENTS: &str = "
    CREATE STREAM fine (id INT KEY, v INT) WITH (kafka_topic='fine', value_format='json', partitions=2);
    CREATE STREAM copied AS SELECT * FROM fine;
    CREATE STREAM gone (id INT KEY, v INT) WITH (kafka_topic='gone', value_format='json', partitions=2);
    CREATE STREAM of_gone AS SELECT * FROM gone;
    CREATE STREAM grown (id INT KEY, v INT) WITH (kafka_topic='grown', value_format='json', partitions=1);
    CREATE STREAM of_grown AS SELECT * FROM grown;
    CREATE TABLE counts AS SELECT id, COUNT(*) AS c FROM grown GROUP BY id;
    CREATE STREAM small WITH (kafka_topic='small') AS SELECT * FROM fine WHERE v > 100;
    CREATE STREAM anew (id INT KEY, v INT) WITH (kafka_topic='anew', value_format='json', partitions=1);
    CREATE STREAM of_anew AS SELECT * FROM anew;";

struct Run {
    broker: Kafka,
    server: Server,
}

impl Run {
    fn execute(&self, statements: &str) {
        ksql(&self.server.url, statements, &json!({"auto.offset.reset": "earliest"}));
    }

    fn topics(&self, args: &[&str]) {
        let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", &self.broker.bootstrap];
        self.broker.tool(&[&tool[..], args].concat());
    }

    /// State and last error of the query that makes a stream or table.
    fn query(&self, sink: &str) -> (String, String) {
        let shown = ksql(&self.server.url, "SHOW QUERIES EXTENDED;", &json!({}));
        let queries = shown[0]["queryDescriptions"].as_array().expect("queries").clone();
        let query = queries.iter().find(|query| query["sinks"] == json!([sink])).expect("the query");
        let errors = query["queryErrors"].as_array().expect("errors");
        let last = errors.last().and_then(|error| error["errorMessage"].as_str()).unwrap_or_default();
        (query["state"].as_str().expect("a state").to_owned(), last.to_owned())
    }

    fn fails(&self, sink: &str, parts: &[&str]) {
        eventually(&format!("the query of {sink} says {parts:?}"), || {
            let (state, said) = self.query(sink);
            (state == "ERROR" && parts.iter().all(|part| said.contains(part))).then_some(())
        });
    }

    fn runs(&self, sink: &str) {
        assert_eq!(self.query(sink).0, "RUNNING", "{sink}: {}", self.query(sink).1);
    }

    fn values(&self, stream: &str) -> Vec<i64> {
        let rows = rows(&self.server.url, &format!("SELECT v FROM {stream};"), &json!({}));
        let mut values: Vec<i64> = rows.iter().filter_map(|row: &Value| row[0].as_i64()).collect();
        values.sort_unstable();
        values
    }
}

#[test]
fn only_the_query_stops_whose_topics_are_not_what_it_needs() {
    let broker = Kafka::start();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("bootstrap.servers", broker.bootstrap.as_str())]);
    let client = Client::new(&broker);
    let mut run = Run { broker, server };
    run.execute(STATEMENTS);
    run.execute("INSERT INTO fine VALUES (1, 1); INSERT INTO grown VALUES (1, 1); INSERT INTO anew VALUES (1, 1);");
    for stream in ["copied", "of_grown", "of_anew"] {
        eventually(&format!("{stream} has a row"), || (run.values(stream) == [1]).then_some(()));
    }

    run.topics(&["--delete", "--topic", "gone"]);
    run.fails("OF_GONE", &["topic gone, which the query uses, does not exist. Make it again"]);

    run.topics(&["--alter", "--topic", "grown", "--partitions", "3"]);
    run.fails("COUNTS", &["the query needs 3 partitions of its internal topic", "which has 1", "CREATE that anew"]);
    for id in 2..8 {
        run.execute(&format!("INSERT INTO grown VALUES ({id}, {id});"));
    }
    eventually("what needs no state goes on with all partitions", || {
        (run.values("of_grown") == [1, 2, 3, 4, 5, 6, 7]).then_some(())
    });

    let limit =
        ["--alter", "--entity-type", "topics", "--entity-name", "small", "--add-config", "max.message.bytes=100"];
    let tool = ["kafka.admin.ConfigCommand", "--bootstrap-server", &run.broker.bootstrap];
    run.broker.tool(&[&tool[..], &limit].concat());
    run.execute("INSERT INTO fine VALUES (2, 200);");
    std::thread::sleep(Duration::from_millis(100));
    let long: String = (0..40).map(|_| "INSERT INTO fine VALUES (3, 300);").collect();
    run.execute(&long);
    run.fails("SMALL", &["a record is too large for topic small"]);

    // Made anew while the server is away, with fewer records than were read.
    let Run { server, broker } = run;
    assert!(server.terminate());
    run = Run { server: Server::start(data.path(), &[("bootstrap.servers", broker.bootstrap.as_str())]), broker };
    run.execute("INSERT INTO anew VALUES (2, 2);");
    eventually("it goes on", || (run.values("of_anew") == [1, 2]).then_some(()));
    let Run { server, broker } = run;
    assert!(server.terminate());
    let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", &broker.bootstrap];
    broker.tool(&[&tool[..], &["--delete", "--topic", "anew"]].concat());
    client.create_topic("anew", 1);
    let server = Server::start(data.path(), &[("bootstrap.servers", broker.bootstrap.as_str())]);
    let run = Run { server, broker };
    run.fails("OF_ANEW", &["up to offset 2, and the partition ends at 0: the topic was made anew"]);

    run.execute("INSERT INTO fine VALUES (9, 9);");
    eventually("the others go on", || run.values("copied").contains(&9).then_some(()));
    for sink in ["COPIED", "OF_GROWN"] {
        run.runs(sink);
    }
    assert!(run.server.terminate());
}

/// A server of an earlier version had its changelogs under names without numbers: they are gone on with, so that nothing in
/// them is lost.
#[test]
fn a_query_whose_changelog_has_the_earlier_name_keeps_it() {
    let broker = Kafka::start();
    let data = tempfile::tempdir().unwrap();
    let start = |broker: &Kafka| Server::start(data.path(), &[("bootstrap.servers", broker.bootstrap.as_str())]);
    let server = start(&broker);
    let run = Run { broker, server };
    run.execute(
        "CREATE STREAM a (id INT KEY, v INT) WITH (kafka_topic='a', value_format='json', partitions=1);
         CREATE STREAM b (id INT KEY, w INT) WITH (kafka_topic='b', value_format='json', partitions=1);
         CREATE STREAM joined AS SELECT a.id, v, w FROM a JOIN b WITHIN 1 HOUR GRACE PERIOD 1 HOUR ON a.id = b.id;",
    );
    let changelogs = |broker: &Kafka| -> Vec<String> {
        let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", &broker.bootstrap, "--list"];
        let topics = broker.tool(&tool);
        topics.lines().filter(|topic| topic.ends_with("-changelog")).map(str::to_owned).collect()
    };
    let before = changelogs(&run.broker);
    let [other, this] = &before[..] else { panic!("two changelogs are expected") };
    assert!(this.ends_with("-KSTREAM-JOINTHIS-0000000008-store-changelog"), "{this}");
    assert!(run.server.terminate());

    let earlier = this.replace("-KSTREAM-JOINTHIS-0000000008", "-Join-KSTREAM-JOINTHIS");
    let broker = run.broker;
    broker.tool(&[
        "org.apache.kafka.tools.TopicCommand",
        "--bootstrap-server",
        &broker.bootstrap,
        "--delete",
        "--topic",
        this,
    ]);
    Client::new(&broker).create_topic(&earlier, 1);
    let server = start(&broker);
    let run = Run { broker, server };
    run.execute("INSERT INTO a VALUES (1, 7); INSERT INTO b VALUES (1, 8);");
    eventually("the rows are joined", || (run.values("joined") == [7]).then_some(()));
    assert_eq!(changelogs(&run.broker), [earlier.clone(), other.clone()]);
    let bootstrap = run.broker.bootstrap.as_str();
    let ends = ["org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", bootstrap, "--topic", &earlier];
    let ends = run.broker.tool(&ends);
    let end: Option<i64> = ends.trim().rsplit(':').next().and_then(|end| end.parse().ok());
    assert!(end.is_some_and(|end| end > 0), "{ends}");
    assert!(run.server.terminate());
}
