//! What a real ksqlDB has left on its broker (reading room, `kafka-recording`) goes on with our server.

use std::fs;
use std::time::Duration;

use e2e::eventually;
use e2e::http::ksql;
use e2e::kafka::Kafka;
use e2e::process::{Server, run};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::kafka::Client;

const SERVICE: &str = "oracle_";
const COMMANDS: &str = "_confluent-ksql-oracle__command_topic";
/// The commands before it are those of an earlier run, which were dropped by commands that the recording lacks.
const LAST_RUN: i64 = 86;
const PATIENCE: Duration = Duration::from_secs(20);

/// A broker with what ksqlDB left.
struct Left {
    broker: Kafka,
    topics: serde_json::Map<String, Value>,
}

fn config(broker: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &broker.bootstrap);
    config
}

/// Bytes that stand in the recording as text, a byte a character.
fn bytes(text: &Value) -> Option<Vec<u8>> {
    text.as_str().map(|text| text.chars().map(|character| character as u8).collect())
}

impl Left {
    fn load() -> Option<Self> {
        let file = e2e::shared("kafka-recording")?.join("ksqldb-8.3.1.json");
        let mut recording: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let Value::Object(topics) = recording["topics"].take() else { panic!("no topics") };
        let left = Self { broker: Kafka::start(), topics };
        left.make_topics();
        left.write_records();
        left.set_positions();
        Some(left)
    }

    fn make_topics(&self) {
        let admin: AdminClient<DefaultClientContext> = config(&self.broker).create().unwrap();
        let partitions = |topic: &Value| topic["partitions"].as_i64().unwrap() as i32;
        let mut topics: Vec<NewTopic<'_>> = Vec::new();
        for (name, topic) in &self.topics {
            topics.push(NewTopic::new(name, partitions(topic), TopicReplication::Fixed(1)));
        }
        let made = admin.create_topics(&topics, &AdminOptions::new());
        let made = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(made).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    fn write_records(&self) {
        let producer: BaseProducer = config(&self.broker).create().unwrap();
        for (name, topic) in &self.topics {
            for record in topic["records"].as_array().unwrap() {
                if name == COMMANDS && record[1].as_i64().unwrap() < LAST_RUN {
                    continue;
                }
                let (key, value) = (bytes(&record[4]), bytes(&record[5]));
                let mut headers = OwnedHeaders::new();
                for header in record[6].as_array().into_iter().flatten() {
                    let value = bytes(&header[1]);
                    headers = headers.insert(Header { key: header[0].as_str().unwrap(), value: value.as_ref() });
                }
                let mut new: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(name).headers(headers);
                new = new.partition(record[0].as_i64().unwrap() as i32).timestamp(record[3].as_i64().unwrap());
                (new.key, new.payload) = (key.as_deref(), value.as_deref());
                producer.send(new).map_err(|(error, _)| error).unwrap();
            }
            producer.flush(PATIENCE).unwrap();
        }
    }

    /// Every query has read all that there is.
    fn set_positions(&self) {
        for command in self.commands() {
            let Some(id) = command["plan"]["queryPlan"]["queryId"].as_str() else { continue };
            let group = format!("_confluent-ksql-{SERVICE}query_{id}");
            let client: BaseConsumer = config(&self.broker).set("group.id", &group).create().unwrap();
            let mut ends = TopicPartitionList::new();
            let is_read = |name: &str| {
                name.starts_with("pk_") || (name.starts_with(&format!("{group}-")) && name.ends_with("-repartition"))
            };
            for (name, topic) in self.topics.iter().filter(|(name, _)| is_read(name)) {
                for partition in 0..topic["partitions"].as_i64().unwrap() as i32 {
                    let (_, end) = client.fetch_watermarks(name, partition, PATIENCE).unwrap();
                    ends.add_partition_offset(name, partition, Offset::Offset(end)).unwrap();
                }
            }
            client.commit(&ends, CommitMode::Sync).unwrap();
        }
    }

    fn commands(&self) -> Vec<Value> {
        let records = self.topics[COMMANDS]["records"].as_array().unwrap().iter();
        let records = records.filter(|record| record[1].as_i64().unwrap() >= LAST_RUN);
        records.map(|record| serde_json::from_str(record[5].as_str().unwrap()).unwrap()).collect()
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        vec![("bootstrap.servers", self.broker.bootstrap.as_str()), ("ksql.service.id", SERVICE)]
    }

    fn dry_run(&self) -> String {
        let settings: Vec<String> = self.settings().iter().map(|(name, value)| format!("-D{name}={value}")).collect();
        let args: Vec<&str> = ["server", "--dry-run"].into_iter().chain(settings.iter().map(String::as_str)).collect();
        let output = run(&args, "");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

/// More input changes what ksqlDB has counted, joined and grouped.
fn state_goes_on(client: &Client) {
    const T: i64 = 1_796_000_000_000;
    let expect = |what: &str, topic: &str, count: usize, key: &str, value: &str| {
        let made = || client.read(topic).into_iter().filter(|record| record.time > T);
        eventually(what, || {
            let found = made().filter(|record| record.key.as_deref().is_some_and(|found| found.starts_with(key)));
            let values: Vec<_> = found.filter_map(|record| record.value).collect();
            (values.iter().filter(|found| *found == value).count() == count).then_some(())
        });
    };
    client.produce("pk_users", T + 300_000, Some("u4"), Some(r#"{"NAME":"n4","CITY":"Rome"}"#), None);
    client.produce("pk_clicks", T + 91_000, Some("user3"), Some(r#"{"PAGE":"p1","N":1}"#), None);
    client.produce("pk_o", T + 120_500, Some("zz2"), Some(r#"{"ITEM":"late"}"#), None);
    client.produce("pk_fc", T + 300_000, Some("c0"), Some(r#"{"NM":"again"}"#), None);
    client.produce("pk_orders", T + 30_000, None, Some(r#"{"UID":"u7","AMOUNT":1.25,"ATS":5}"#), None);
    let place = r#"{"PROFILEID":"18f4ea86","LATITUDE":37.7877,"LONGITUDE":-122.4205}"#;
    client.produce("pk_locations", T + 7_000, None, Some(place), None);
    client.flush();
    expect("a window counts on", "PKW_TUMBLE", 1, "user3", r#"{"C":3,"S":19}"#);
    expect("a session grows", "PKW_SESS", 1, "user3", r#"{"C":2,"S":10}"#);
    expect("an order finds its user", "PKJ_LEFT", 1, "u7", r#"{"OID":null,"NAME":"n7","AMOUNT":1.25,"ATS":5}"#);
    let riders = r#"{"RIDERS":["c2309eec","4ddad000","4ab5cbad","18f4ea86"],"COUNT":4}"#;
    expect("a row of a table of groups moves", "PKRIDERSNEARMOUNTAINVIEW", 1, "@I", riders);
    expect("a row leaves its group", "PKCITY", 1, "Oslo", r#"{"C":1,"NAMES":["n7"]}"#);
    expect("and joins another", "PKCITY", 1, "Rome", r#"{"C":5,"NAMES":["n0","n3","n6","new2","n4"]}"#);
    expect("a group counts on", "PKW_TWO", 1, r#"{"PAGE":"p1","ID":"user3"}"#, r#"{"C":4}"#);
    expect("a row of a stream finds another", "PKSS_IN", 1, "zz2", r#"{"ITEM":"late","WH":"x"}"#);
    expect("rows of a table find those they name", "PKFK_IN", 1, "", r#"{"CID":"c0","NM":"again","QTY":8}"#);
}

#[test]
fn what_ksqldb_left_goes_on() {
    let Some(left) = Left::load() else { return };
    let told = left.dry_run();
    let commands = left.commands().len();
    assert!(
        told.contains(&format!("{COMMANDS} holds {commands} commands of ksqlDB; {commands} are in effect")),
        "{told}"
    );
    assert!(told.contains("CSAS_PKF_D_153 goes on, 0 records behind"), "{told}");

    // Nothing was changed by looking; and nothing is taken over unasked.
    let data = tempfile::tempdir().unwrap();
    let (_, refused) = Server::try_start(data.path(), &left.settings()).err().unwrap();
    assert!(refused.contains("--dry-run") && refused.contains("millstream.take.over"), "{refused}");

    // A ksqlDB that runs on is seen by its groups.
    let group = format!("_confluent-ksql-{SERVICE}query_CSAS_PKF_D_153");
    let member: BaseConsumer = config(&left.broker).set("group.id", &group).create().unwrap();
    member.subscribe(&["pk_f"]).unwrap();
    eventually("ksqlDB's query runs", || {
        member.poll(Duration::from_millis(100));
        left.dry_run().contains("still runs CSAS_PKF_D_153").then_some(())
    });
    let taking = [left.settings(), vec![("millstream.take.over", "possible")]].concat();
    let (_, refused) = Server::try_start(data.path(), &taking).err().unwrap();
    assert!(refused.contains("still runs CSAS_PKF_D_153"), "{refused}");
    member.unsubscribe();
    drop(member);
    eventually("ksqlDB has stopped", || (!left.dry_run().contains("still runs")).then_some(()));

    let server = Server::start(data.path(), &taking);
    let client = Client::new(&left.broker);
    let before = client.read("PKF_D").len();
    let streams = ksql(&server.url, "SHOW QUERIES;", &json!({})).to_string();
    assert!(streams.contains("CSAS_PKF_D_153"), "{streams}");
    let value = left.topics["pk_f"]["records"][0][5].as_str();
    client.produce("pk_f", 1_796_000_300_000, Some(r#"{"K1":7,"K2":"k7"}"#), value, None);
    client.flush();
    eventually("the next record is read, and none before it", || {
        let records = client.read("PKF_D");
        (records.len() == before + 1).then_some(records)
    });
    state_goes_on(&client);
    assert!(server.terminate());
    // From here on it is a service of Millstream's.
    let other = tempfile::tempdir().unwrap();
    let server = Server::start(other.path(), &left.settings());
    assert!(ksql(&server.url, "SHOW QUERIES;", &json!({})).to_string().contains("CSAS_PKF_D_153"));
    assert!(left.dry_run().contains("nothing to take over"));
    assert!(server.terminate());
}
