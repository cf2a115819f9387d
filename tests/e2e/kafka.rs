//! The server on a real broker: what it writes is what an independent client expects, and it survives being killed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, open, request, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

const PARTITIONS: i32 = 4;
const ORDERS: i64 = 200;
const REGIONS: [&str; 5] = ["north", "south", "west", "Größe", ""];
const PATIENCE: Duration = Duration::from_secs(10);

/// A record as an independent client sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) time: i64,
    /// As text; of keys with windows only [`Record::key_bytes`] tells all.
    pub(crate) key: Option<String>,
    pub(crate) key_bytes: Vec<u8>,
    pub(crate) value: Option<String>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Kafka's own client on the broker, with the partitioner of the Java client.
pub(crate) struct Client {
    bootstrap: String,
    producer: BaseProducer,
}

impl Client {
    pub(crate) fn new(broker: &Kafka) -> Self {
        let bootstrap = broker.bootstrap.clone();
        let producer = config(&bootstrap, &[("partitioner", "murmur2_random")]).create().unwrap();
        Self { bootstrap, producer }
    }

    pub(crate) fn create_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = config(&self.bootstrap, &[]).create().unwrap();
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
        let made = futures_block(admin.create_topics([&topic], &AdminOptions::new()));
        assert!(made.unwrap().iter().all(Result::is_ok), "topic {name}");
        eventually("the topic is there", || (self.partitions(name) == partitions as usize).then_some(()));
    }

    pub(crate) fn produce(
        &self,
        topic: &str,
        time: i64,
        key: Option<&str>,
        value: Option<&str>,
        header: Option<(&str, &[u8])>,
    ) {
        let mut record: BaseRecord<'_, str, str> = BaseRecord::to(topic).timestamp(time);
        record.key = key;
        record.payload = value;
        record.headers = header.map(|(key, value)| OwnedHeaders::new().insert(Header { key, value: Some(value) }));
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    /// Records `{"n": …}` at 1,000 ms and n, of `keys` keys in turn; they are there on return.
    pub(crate) fn produce_numbers(&self, topic: &str, numbers: Range<i64>, keys: i64) {
        for n in numbers {
            let (id, value) = (format!("k{}", n % keys), json!({ "n": n }).to_string());
            self.produce(topic, 1_000 + n, Some(&id), Some(&value), None);
        }
        self.flush();
    }

    pub(crate) fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    fn topics(&self) -> Vec<String> {
        let consumer: BaseConsumer = config(&self.bootstrap, &[]).create().unwrap();
        let metadata = consumer.fetch_metadata(None, PATIENCE).unwrap();
        metadata.topics().iter().map(|topic| topic.name().to_owned()).collect()
    }

    fn partitions(&self, topic: &str) -> usize {
        let consumer: BaseConsumer = config(&self.bootstrap, &[]).create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        metadata.topics().iter().map(|topic| topic.partitions().len()).sum()
    }

    /// Everything in a topic now, partition by partition.
    pub(crate) fn read(&self, topic: &str) -> Vec<Record> {
        // A client that meets a broker which has just been started may be left without an answer; another one is not.
        let mut silent = String::new();
        for _ in 0..3 {
            match self.try_to_read(topic) {
                Ok(records) => return records,
                Err(what) => {
                    eprintln!("{what}");
                    silent = what;
                }
            }
        }
        panic!("three times in vain: {silent}")
    }

    /// The same, or from which partitions nothing came in time.
    fn try_to_read(&self, topic: &str) -> Result<Vec<Record>, String> {
        let consumer: BaseConsumer =
            config(&self.bootstrap, &[("group.id", "the-test"), ("enable.partition.eof", "true")]).create().unwrap();
        let (mut from, mut left) = (TopicPartitionList::new(), BTreeSet::new());
        for partition in 0..self.partitions(topic) as i32 {
            let (begin, end) = consumer.fetch_watermarks(topic, partition, PATIENCE).unwrap();
            if begin < end {
                from.add_partition_offset(topic, partition, Offset::Offset(begin)).unwrap();
                left.insert(partition);
            }
        }
        consumer.assign(&from).unwrap();
        let mut records = Vec::new();
        while !left.is_empty() {
            let message = match consumer.poll(PATIENCE) {
                None => return Err(format!("{topic}: nothing comes of partitions {left:?} of {from:?}")),
                // Marks of transactions are no records, so the last offset may have none.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    left.remove(&partition);
                    continue;
                }
                Some(message) => message.unwrap(),
            };
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
            records.push(Record {
                partition: message.partition(),
                offset: message.offset(),
                time: message.timestamp().to_millis().unwrap(),
                key: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
                key_bytes: message.key().unwrap_or_default().to_vec(),
                value: message.payload().map(text),
                headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
            });
        }
        records.sort();
        Ok(records)
    }

    /// Reads until there are so many records.
    fn read_all(&self, topic: &str, count: usize) -> Vec<Record> {
        eventually(&format!("{count} records in {topic}"), || {
            Some(self.read(topic)).filter(|records| records.len() >= count)
        })
    }

    /// What a group has told the broker it has read, summed over the partitions of a topic.
    fn committed(&self, group: &str, topic: &str) -> i64 {
        let consumer: BaseConsumer = config(&self.bootstrap, &[("group.id", group)]).create().unwrap();
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, PARTITIONS - 1);
        let offsets = consumer.committed_offsets(asked, PATIENCE).unwrap();
        offsets.elements().iter().filter_map(|element| element.offset().to_raw()).map(|offset| offset.max(0)).sum()
    }
}

fn config(bootstrap: &str, more: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    for (name, value) in more {
        config.set(*name, *value);
    }
    config
}

fn futures_block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn start(broker: &Kafka, data: &tempfile::TempDir) -> Server {
    Server::start(data.path(), &[("bootstrap.servers", &broker.bootstrap)])
}

fn earliest() -> Value {
    json!({"auto.offset.reset": "earliest"})
}

fn produce_orders(client: &Client, range: std::ops::Range<i64>) {
    for n in range {
        let region = REGIONS[n as usize % REGIONS.len()];
        let value = json!({"region": region, "n": n}).to_string();
        let id = format!("order-{}", n % 50);
        client.produce("orders", 1_000 + n, Some(&id), Some(&value), Some(("trace", &[0, n as u8, 255])));
    }
    client.flush();
}

const STATEMENTS: &str = "
    CREATE STREAM orders (id VARCHAR KEY, region VARCHAR, n BIGINT) WITH (kafka_topic='orders', value_format='json');
    CREATE STREAM even AS SELECT id, n * 10 AS tenfold, UCASE(region) AS region FROM orders WHERE n % 2 = 0;
    CREATE TABLE totals AS SELECT region, COUNT(*) AS c, SUM(n) AS s FROM orders GROUP BY region;
    CREATE TABLE per_id AS SELECT id, COUNT(*) AS c FROM orders GROUP BY id;";

fn query_ids(answer: &Value) -> Vec<String> {
    let statements = answer.as_array().unwrap().iter();
    statements.filter_map(|one| one["commandStatus"]["queryId"].as_str()).map(str::to_owned).collect()
}

#[test]
fn everything_goes_over_the_broker() {
    let broker = Kafka::start();
    let client = Client::new(&broker);
    client.create_topic("orders", PARTITIONS);
    produce_orders(&client, 0..ORDERS);
    let data = tempfile::tempdir().unwrap();
    let server = start(&broker, &data);
    let ids = query_ids(&ksql(&server.url, STATEMENTS, &earliest()));
    assert_eq!(ids.len(), 3, "{ids:?}");

    the_sink_has_the_bytes(&client);
    rows_are_repartitioned(&client, &server, &ids[1]);
    topics_are_shown(&server);
    topics_are_printed(&server);
    clients_get_rows(&server);
    inserts_arrive(&client, &server);
    transactions_are_read_to_their_end(&client, &server);
    topics_are_deleted(&client, &server, &ids[0]);

    drop(broker);
    for statement in ["SHOW TOPICS;", "CREATE STREAM late (n INT) WITH (kafka_topic='regions', value_format='json');"] {
        let answer = request(&server.url, "POST", "/ksql", &[], &json!({"ksql": statement}).to_string());
        assert_eq!(answer.status, 500, "{}", answer.body);
        assert!(answer.body.contains("Kafka did not do what it was asked for"), "{}", answer.body);
    }
}

fn the_sink_has_the_bytes(client: &Client) {
    let source = client.read("orders");
    let mut expected: Vec<Record> = Vec::new();
    for record in source {
        let row: Value = serde_json::from_str(record.value.as_deref().unwrap()).unwrap();
        let n = row["n"].as_i64().unwrap();
        if n % 2 == 0 {
            let region = row["region"].as_str().unwrap().to_uppercase();
            let value = format!("{{\"TENFOLD\":{},\"REGION\":\"{region}\"}}", n * 10);
            expected.push(Record { offset: 0, value: Some(value), ..record });
        }
    }
    // As many partitions, so every key is where Kafka's own client put it, in the same order.
    let found = client.read_all("EVEN", expected.len()).into_iter();
    assert_eq!(found.map(|record| Record { offset: 0, ..record }).collect::<Vec<_>>(), expected);
}

fn rows_are_repartitioned(client: &Client, server: &Server, query: &str) {
    let prefix = format!("_confluent-ksql-default_query_{query}-");
    let topics = client.topics();
    let internal: Vec<_> = topics.iter().filter(|name| name.starts_with(&prefix)).collect();
    let kinds = ["Aggregate-GroupBy-repartition", "Aggregate-Aggregate-Materialize-changelog"];
    assert_eq!(internal.len(), kinds.len(), "{topics:?}");
    for kind in kinds {
        assert_eq!(client.partitions(&format!("{prefix}{kind}")), PARTITIONS as usize);
    }

    client.create_topic("regions", PARTITIONS);
    REGIONS.iter().for_each(|region| client.produce("regions", 1, Some(region), None, None));
    client.flush();
    let place = |records: Vec<Record>| records.into_iter().map(|r| (r.key, r.partition)).collect::<BTreeSet<_>>();
    let places = place(client.read("regions"));
    assert!(places.len() == REGIONS.len());

    let expected = totals(0..ORDERS);
    eventually("the totals are there", || (read_totals(server) == expected).then_some(()));
    let changes = eventually("the last totals are in the topic", || {
        let changes = client.read("TOTALS");
        let mut last = BTreeMap::new();
        for record in &changes {
            let row: Value = serde_json::from_str(record.value.as_deref().unwrap()).unwrap();
            last.insert(record.key.clone().unwrap(), (row["C"].as_i64().unwrap(), row["S"].as_i64().unwrap()));
        }
        (last == expected).then_some(changes)
    });
    assert_eq!(place(changes), places, "grouped rows are where Kafka's own client would put their keys");
}

fn totals(range: std::ops::Range<i64>) -> BTreeMap<String, (i64, i64)> {
    let mut totals = BTreeMap::new();
    for n in range {
        let total: &mut (i64, i64) = totals.entry(REGIONS[n as usize % REGIONS.len()].to_owned()).or_default();
        *total = (total.0 + 1, total.1 + n);
    }
    totals
}

fn read_totals(server: &Server) -> BTreeMap<String, (i64, i64)> {
    let rows = rows(&server.url, "SELECT region, c, s FROM totals;", &json!({}));
    rows.iter()
        .map(|row| (row[0].as_str().unwrap().to_owned(), (row[1].as_i64().unwrap(), row[2].as_i64().unwrap())))
        .collect()
}

fn topics_are_shown(server: &Server) {
    let names = |statement: &str| {
        let answer = ksql(&server.url, statement, &json!({}));
        let topics = answer[0]["topics"].as_array().unwrap().clone();
        topics.iter().map(|topic| topic["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("SHOW TOPICS;"), ["EVEN", "PER_ID", "TOTALS", "orders", "regions"]);
    assert!(names("SHOW ALL TOPICS;").iter().any(|name| name.ends_with("-repartition")));
}

fn topics_are_printed(server: &Server) {
    let body = json!({"ksql": "PRINT orders FROM BEGINNING LIMIT 7;"}).to_string();
    let mut stream = open(&server.url, "POST", "/query", &[], &body);
    assert_eq!(stream.head().0, 200);
    let mut text = String::new();
    while let Some(piece) = stream.piece() {
        text.push_str(&piece);
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("rowtime: ")).count(), 7, "{text}");
    assert!(text.contains("key: order-") && text.contains("\"region\":"), "{text}");
}

fn clients_get_rows(server: &Server) {
    let pushed = rows(&server.url, "SELECT id, n FROM orders EMIT CHANGES LIMIT 150;", &earliest());
    assert_eq!(pushed.iter().filter_map(|row| row[1].as_i64()).collect::<BTreeSet<_>>().len(), 150);
    let pulled = rows(&server.url, "SELECT c, s FROM totals WHERE region = 'west';", &json!({}));
    assert_eq!(pulled, [json!([40, (0..ORDERS).filter(|n| n % 5 == 2).sum::<i64>()])]);
    let scanned = rows(&server.url, "SELECT n FROM orders;", &json!({}));
    assert_eq!(scanned.len() as i64, ORDERS);
}

fn inserts_arrive(client: &Client, server: &Server) {
    let statement = "INSERT INTO orders (rowtime, id, region, n) VALUES (77, 'order-7', 'north', 1001);";
    ksql(&server.url, statement, &json!({}));
    let records = client.read("orders");
    let found = records.iter().find(|record| record.time == 77).expect("it is there at once");
    assert_eq!(found.key.as_deref(), Some("order-7"));
    assert_eq!(found.value.as_deref(), Some("{\"REGION\":\"north\",\"N\":1001}"));
    let same_key = records.iter().find(|record| record.time == 1_007).unwrap();
    assert_eq!(found.partition, same_key.partition);
}

/// The last offset of such a partition belongs to no record: whoever reads to the end must not wait for it.
fn transactions_are_read_to_their_end(client: &Client, server: &Server) {
    client.create_topic("paid", 1);
    let producer: BaseProducer = config(&client.bootstrap, &[("transactional.id", "t")]).create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    for (n, is_kept) in [(1, true), (2, false)] {
        producer.begin_transaction().unwrap();
        let value = format!("{{\"n\":{n}}}");
        let record: BaseRecord<'_, str, str> = BaseRecord::to("paid").key("k").payload(&value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
        match is_kept {
            true => producer.commit_transaction(PATIENCE).unwrap(),
            false => producer.abort_transaction(PATIENCE).unwrap(),
        }
    }
    let create = "CREATE STREAM paid (id VARCHAR KEY, n INT) WITH (kafka_topic='paid', value_format='json');";
    ksql(&server.url, create, &json!({}));
    assert_eq!(rows(&server.url, "SELECT n FROM paid;", &json!({})), [json!([1])], "aborted records are not read");
}

fn topics_are_deleted(client: &Client, server: &Server, query: &str) {
    ksql(
        &server.url,
        &format!("TERMINATE {query}; DROP STREAM even DELETE TOPIC; DROP TABLE totals DELETE TOPIC;"),
        &json!({}),
    );
    let topics = eventually("topics are gone", || {
        Some(client.topics()).filter(|topics| !topics.iter().any(|name| name == "EVEN" || name == "TOTALS"))
    });
    assert!(!topics.iter().any(|name| name.ends_with("-repartition")), "{topics:?}");
    assert!(topics.iter().any(|name| name == "orders"));
}

#[test]
fn a_killed_server_goes_on_where_it_was() {
    let broker = Kafka::start();
    let client = Client::new(&broker);
    client.create_topic("orders", PARTITIONS);
    produce_orders(&client, 0..ORDERS);
    let data = tempfile::tempdir().unwrap();
    let mut server = start(&broker, &data);
    let ids = query_ids(&ksql(&server.url, STATEMENTS, &earliest()));
    client.read_all("EVEN", ORDERS as usize / 2);
    let group = format!("_confluent-ksql-default_query_{}", ids[0]);
    eventually("lag tools see the position", || (client.committed(&group, "orders") == ORDERS).then_some(()));
    server.kill();
    server = start(&broker, &data);

    let mut next = ORDERS;
    for round in 0..5 {
        let until = next + 2_000;
        produce_orders(&client, next..until);
        std::thread::sleep(Duration::from_millis(150 * round));
        server.kill();
        next = until;
        produce_orders(&client, next..next + 10);
        next += 10;
        server = start(&broker, &data);
    }
    let expected: BTreeMap<String, i64> = (0..next).fold(BTreeMap::new(), |mut counts, n| {
        *counts.entry(format!("order-{}", n % 50)).or_default() += 1;
        counts
    });
    eventually("every record is counted once", || {
        let rows = rows(&server.url, "SELECT id, c FROM per_id;", &json!({}));
        let counts: BTreeMap<String, i64> =
            rows.iter().map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_i64().unwrap())).collect();
        (counts == expected).then_some(())
    });
    let sink = eventually("every record is in the sink", || {
        let sink = client.read("EVEN");
        (sink.len() as i64 >= next / 2).then_some(sink)
    });
    let distinct: BTreeSet<_> = sink.iter().map(|record| record.value.clone()).collect();
    assert_eq!((distinct.len(), sink.len() as i64), (sink.len(), next / 2), "each record is there once");
    eventually("every record is in the totals once, behind a repartition topic", || {
        (read_totals(&server) == totals(0..next)).then_some(())
    });
    let last: BTreeMap<_, _> = client.read("TOTALS").into_iter().map(|record| (record.key, record.value)).collect();
    assert_eq!(last.len(), REGIONS.len(), "{last:?}");
    assert!(server.terminate(), "it stops cleanly on a broker, too");
}

#[test]
fn a_server_without_its_broker_says_so() {
    let mut broker = Kafka::start();
    let data = tempfile::tempdir().unwrap();
    let statements = "CREATE STREAM s (v INT) WITH (kafka_topic='s', value_format='json', partitions=1);
                      CREATE STREAM t AS SELECT v * 2 AS w FROM s;";
    let server = start(&broker, &data);
    ksql(&server.url, statements, &earliest());
    assert!(server.terminate());
    broker.kill();

    let url = format!("http://127.0.0.1:{}", e2e::process::free_port());
    let servers = ("bootstrap.servers", broker.bootstrap.as_str());
    let server = Server::opening(data.path(), &url, &[servers]);
    eventually("it says what it waits for", || {
        let answer = request(&server.url, "POST", "/ksql", &[], r#"{"ksql": "SHOW STREAMS;"}"#);
        let said = format!("It waits for Kafka: kafka: no broker of {} answers", broker.bootstrap);
        (answer.status == 503 && answer.body.contains(&said)).then_some(())
    });
    let health = request(&server.url, "GET", "/healthcheck", &[], "").json();
    assert_eq!((&health["isHealthy"], &health["serverState"]), (&json!(false), &json!("INITIALIZING")));
    let why = health["details"]["kafka"]["reason"].as_str().unwrap_or_default();
    assert!(why.contains("no broker of"), "{health}");
    assert_eq!(request(&server.url, "GET", "/chc/live", &[], "").status, 200);

    broker.restart();
    eventually("it goes on", || {
        let insert = json!({"ksql": "INSERT INTO s (v) VALUES (21);"}).to_string();
        (request(&server.url, "POST", "/ksql", &[], &insert).status == 200).then_some(())
    });
    eventually("its query, too", || {
        let rows = rows(&server.url, "SELECT w FROM t;", &json!({}));
        (rows.first()?[0] == 42).then_some(())
    });
    assert!(server.terminate());
}
