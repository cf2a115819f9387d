//! Statements end to end, on the log in memory, driven by hand.

use std::sync::Arc;

use crate::clock::Manual;
use crate::config::Config;
use crate::log::{Embedded, Log, Output, Position, RecordsBuilder, Signal, TopicPartition};
use crate::rows::{Event, RowFormat, RowReceiver};
use crate::serving::{Answer, Client};
use crate::statements::{Failure, FailureKind, Outcome, Session};

use super::{Engine, Parts};

pub(super) fn in_memory() -> Arc<dyn Log> {
    Arc::new(Embedded::in_memory())
}

pub(super) fn engine_on(log: Arc<dyn Log>, step_rows: &str) -> Engine {
    engine_with(&log, &[("millstream.max.records.per.step", step_rows)])
}

/// An engine that is driven by hand and reads from the beginning.
pub(super) fn engine_with(log: &Arc<dyn Log>, settings: &[(&str, &str)]) -> Engine {
    let settings = [&[("auto.offset.reset", "earliest")], settings].concat();
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(Manual::at(1_000)), Config::new(settings).unwrap());
    Engine::new(parts).unwrap()
}

pub(super) fn engine() -> Engine {
    engine_on(in_memory(), "8192")
}

pub(super) fn run(engine: &Engine, text: &str) {
    if let Err(failure) = engine.execute(text, Session::default(), None) {
        panic!("{text}: {failure}");
    }
    engine.run_until_idle(None);
}

pub(super) fn ask(engine: &Engine, text: &str) -> RowReceiver {
    match query_with(engine, text, &[], &Client::default()) {
        Ok(answer) => answer.rows,
        Err(failure) => panic!("{text}: {failure}"),
    }
}

pub(super) fn query_with(
    engine: &Engine,
    text: &str,
    properties: &[(&str, &str)],
    client: &Client,
) -> Result<Answer, Failure> {
    let parsed = sql::parse_one(text, &sql::Variables::default()).unwrap();
    let session = Session::new(properties.iter().map(|(name, value)| (*name, (*value).to_owned())), []);
    engine.query(&parsed, session, RowFormat::Json, client)
}

pub(super) fn rows(engine: &Engine, receiver: &mut RowReceiver) -> Vec<String> {
    engine.run_until_idle(None);
    let mut rows = Vec::new();
    while let Some(event) = receiver.try_next() {
        match event {
            Event::Rows(batch) => rows.extend(
                batch
                    .iter()
                    .map(|(row, gone)| String::from_utf8(row.to_vec()).unwrap() + if gone { " gone" } else { "" }),
            ),
            Event::End(end) => {
                rows.push(format!("{end:?}"));
                break;
            }
        }
    }
    rows
}

pub(super) fn records(log: &dyn Log, topic: &str) -> Vec<String> {
    let mut all = Vec::new();
    for partition in 0..log.topic(topic).unwrap().unwrap().spec.partitions {
        let from = Position { of: TopicPartition { topic: Arc::from(topic), partition }, offset: 0 };
        let mut reader = log.reader(vec![from], Arc::<Signal>::default()).unwrap();
        while let Some((_, batch)) = reader.poll(1 << 20).unwrap().pop() {
            for row in 0..batch.offsets.len() {
                let text =
                    |bytes: Option<&[u8]>| bytes.map_or("-".to_owned(), |b| String::from_utf8_lossy(b).into_owned());
                let key = batch.records.keys.iter().nth(row).unwrap();
                let value = batch.records.values.iter().nth(row).unwrap();
                all.push(format!("@{} {} {}", batch.records.timestamps[row], text(key), text(value)));
            }
        }
    }
    all
}

const ORDERS: &str = "CREATE STREAM orders (id STRING KEY, item STRING, qty INT) \
                      WITH (kafka_topic='orders', value_format='json', partitions=1);";

#[test]
fn a_filter_and_a_projection_reach_topic_and_client() {
    let engine = engine();
    run(&engine, ORDERS);
    run(&engine, "CREATE STREAM big AS SELECT id, UCASE(item) AS item, qty * 2 AS twice FROM orders WHERE qty > 1;");
    run(
        &engine,
        "INSERT INTO orders (rowtime, id, item, qty) VALUES (5, 'a', 'tea', 1); \
                  INSERT INTO orders (rowtime, id, item, qty) VALUES (6, 'b', 'rice', 3);",
    );
    assert_eq!(records(&**engine.log(), "BIG"), [r#"@6 b {"ITEM":"RICE","TWICE":6}"#]);
    let mut push = ask(&engine, "SELECT twice, id, ROWTIME FROM big EMIT CHANGES LIMIT 2;");
    assert_eq!(rows(&engine, &mut push), [r#"[6,"b",6]"#]);
    run(&engine, "INSERT INTO orders (rowtime, id, item, qty) VALUES (7, 'c', 'salt', 9);");
    assert_eq!(rows(&engine, &mut push), [r#"[18,"c",7]"#, "LimitReached"]);
}

#[test]
fn a_pull_query_on_a_stream_reads_to_its_present_end() {
    let engine = engine();
    run(&engine, ORDERS);
    let mut nothing = ask(&engine, "SELECT * FROM orders;");
    assert_eq!(rows(&engine, &mut nothing), ["Completed"]);
    // No rows are wanted, so none are waited for.
    for text in ["SELECT * FROM orders EMIT CHANGES LIMIT 0;", "SELECT * FROM orders LIMIT 0;"] {
        assert_eq!(rows(&engine, &mut ask(&engine, text)), ["LimitReached"], "{text}");
    }
    run(&engine, "INSERT INTO orders VALUES ('a', 'tea', 1); INSERT INTO orders VALUES ('b', 'rice', 3);");
    let mut scan = ask(&engine, "SELECT id, qty FROM orders WHERE qty > 1;");
    assert_eq!(rows(&engine, &mut scan), [r#"["b",3]"#, "Completed"]);
    assert!(!engine.close_query("nope"));
}

#[test]
fn a_push_query_is_listed_until_its_thread_has_let_go_of_it() {
    let engine = engine_with(&in_memory(), &[("ksql.max.push.queries", "1")]);
    run(&engine, ORDERS);
    let listed = || {
        let answers = engine.execute("SHOW QUERIES;", Session::default(), None).unwrap();
        let Outcome::Queries(lines) = &answers[0].outcome else { panic!("no queries") };
        lines.iter().map(|line| line.status.clone()).collect::<Vec<_>>()
    };
    let query = "SELECT * FROM orders EMIT CHANGES;";
    let first = query_with(&engine, query, &[], &Client::default()).unwrap();
    assert_eq!(listed(), ["RUNNING"]);
    drop(first.rows);
    assert_eq!(listed(), ["TERMINATED"]);
    assert!(!engine.close_query(&first.id), "it is closed");
    assert!(query_with(&engine, query, &[], &Client::default()).is_err(), "its thread may still be at work");
    engine.run_until_idle(None);
    assert!(listed().is_empty());
    ask(&engine, query);
}

#[test]
fn queries_go_on_where_they_were_after_a_restart() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, ORDERS);
    run(&engine, "CREATE STREAM big AS SELECT * FROM orders WHERE qty > 1;");
    run(&engine, "CREATE STREAM gone AS SELECT * FROM orders; DROP STREAM gone DELETE TOPIC;");
    run(&engine, "INSERT INTO orders (rowtime, id, item, qty) VALUES (5, 'a', 'tea', 2);");
    drop(engine);
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(engine.catalog().queries().map(|query| query.id.clone()).collect::<Vec<_>>(), ["CSAS_BIG_0"]);
    run(&engine, "INSERT INTO orders (rowtime, id, item, qty) VALUES (6, 'b', 'rice', 3);");
    let expected = [r#"@5 a {"ITEM":"tea","QTY":2}"#, r#"@6 b {"ITEM":"rice","QTY":3}"#];
    assert_eq!(records(&*log, "BIG"), expected);
    run(&engine, "TERMINATE CSAS_BIG_0; PAUSE ALL;");
    assert_eq!(log.positions("_confluent-ksql-default_query_CSAS_BIG_0").unwrap().len(), 0);
}

#[test]
fn nothing_of_a_text_happens_when_its_last_statement_is_wrong() {
    let engine = engine();
    let text = format!("{ORDERS} CREATE STREAM x AS SELECT nope FROM orders;");
    assert!(engine.execute(&text, Session::default(), None).is_err());
    assert!(engine.catalog().source("ORDERS").is_none());
    assert!(engine.log().topic("orders").unwrap().is_none());
}

#[test]
fn threads_and_a_data_directory_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("auto.offset.reset", "earliest"),
        ("data.dir", dir.path().to_str().unwrap()),
        ("ksql.streams.num.stream.threads", "2"),
    ];
    let open = || Engine::open(Config::new(settings).unwrap()).unwrap();
    let engine = open();
    let execute = |engine: &Engine, text: &str| engine.execute(text, Session::default(), None).unwrap();
    execute(
        &engine,
        "CREATE STREAM orders (id STRING KEY, item STRING, qty INT) \
         WITH (kafka_topic='orders', value_format='json', partitions=2);
         CREATE STREAM by_item AS SELECT * FROM orders PARTITION BY item;",
    );
    for i in 0..20 {
        execute(&engine, &format!("INSERT INTO orders VALUES ('k{i}', 'item{}', {i});", i % 3));
    }
    let wait_for = |engine: &Engine, count: usize| {
        for _ in 0..400 {
            if records(&**engine.log(), "BY_ITEM").len() >= count {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        records(&**engine.log(), "BY_ITEM").len()
    };
    assert_eq!(wait_for(&engine, 20), 20);
    engine.shut_down();
    drop(engine);
    let engine = open();
    execute(&engine, "INSERT INTO orders VALUES ('k20', 'item9', 20);");
    assert_eq!(wait_for(&engine, 21), 21);
    engine.shut_down();
}

#[test]
fn a_change_of_key_goes_through_a_repartition_topic_to_where_the_key_belongs() {
    let engine = engine();
    run(
        &engine,
        "CREATE STREAM orders (id STRING KEY, item STRING, qty INT) \
         WITH (kafka_topic='orders', value_format='json', partitions=4);
         CREATE STREAM by_item AS SELECT item, id, qty FROM orders PARTITION BY item;",
    );
    run(&engine, "INSERT INTO orders (rowtime, id, item, qty) VALUES (1, 'a', 'tea', 1);");
    run(&engine, "INSERT INTO orders (rowtime, id, item, qty) VALUES (2, 'b', 'tea', 2);");
    let expected = [r#"@1 tea {"ID":"a","QTY":1}"#, r#"@2 tea {"ID":"b","QTY":2}"#];
    assert_eq!(records(&**engine.log(), "BY_ITEM"), expected);
}

#[test]
fn pull_queries_look_up_and_scan_what_a_table_keeps() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(
        &engine,
        "CREATE TABLE users (id INT PRIMARY KEY, name STRING) \
         WITH (kafka_topic='users', value_format='json', partitions=2);
         CREATE TABLE named AS SELECT id, UCASE(name) AS name FROM users;",
    );
    for (id, name) in [(1, "ann"), (2, "bob"), (3, "cid"), (1, "amy")] {
        run(&engine, &format!("INSERT INTO users VALUES ({id}, '{name}');"));
    }
    let asked = |engine: &Engine, text: &str| rows(engine, &mut ask(engine, text));
    assert_eq!(asked(&engine, "SELECT * FROM named WHERE id = 1;"), [r#"[1,"AMY"]"#, "Completed"]);
    assert_eq!(
        asked(&engine, "SELECT name FROM named WHERE id IN (2, 3) AND name > 'BZ';"),
        [r#"["CID"]"#, "Completed"]
    );
    assert_eq!(asked(&engine, "SELECT id FROM named WHERE name LIKE 'B%';"), ["[2]", "Completed"]);
    assert_eq!(asked(&engine, "SELECT * FROM named;").len(), 4);
    assert_eq!(asked(&engine, "SELECT * FROM named LIMIT 2;").len(), 3);
    let failure = |text: &str| {
        let parsed = sql::parse_one(text, &sql::Variables::default()).unwrap();
        engine.query(&parsed, Session::default(), RowFormat::Json, &Client::default()).unwrap_err().message
    };
    assert!(failure("SELECT * FROM users WHERE id = 1;").starts_with("The `USERS` table isn't queryable."));
    assert!(failure("SELECT * FROM named WHERE id IN (NULL);").starts_with("Primary key columns can not be NULL"));
    let mut push = ask(&engine, "SELECT id, name FROM named WHERE id = 1 EMIT CHANGES;");
    drop(rows(&engine, &mut push));
    run(&engine, "INSERT INTO users VALUES (1, NULL);");
    assert_eq!(rows(&engine, &mut push), ["[1,null]"]);
    drop(engine);
    let engine = engine_on(log, "8192");
    assert_eq!(asked(&engine, "SELECT * FROM named WHERE id = 2;"), [r#"[2,"BOB"]"#, "Completed"]);
}

const CLICKS: &str = "CREATE STREAM clicks (user STRING KEY, page STRING, ms INT) \
                      WITH (kafka_topic='clicks', value_format='json', partitions=2);";

fn click(engine: &Engine, time: i64, user: &str, page: &str, ms: i32) {
    run(engine, &format!("INSERT INTO clicks (rowtime, user, page, ms) VALUES ({time}, '{user}', '{page}', {ms});"));
}

#[test]
fn groups_are_counted_kept_and_pulled_across_a_restart() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, CLICKS);
    run(&engine, "CREATE TABLE pages AS SELECT page, COUNT(*) AS n, SUM(ms) AS total FROM clicks GROUP BY page;");
    for (time, user, page, ms) in [(1, "a", "home", 5), (2, "b", "cart", 1), (3, "b", "home", 7)] {
        click(&engine, time, user, page, ms);
    }
    let asked = |engine: &Engine, text: &str| rows(engine, &mut ask(engine, text));
    assert_eq!(asked(&engine, "SELECT * FROM pages WHERE page = 'home';"), [r#"["home",2,12]"#, "Completed"]);
    drop(engine);
    let engine = engine_on(Arc::clone(&log), "8192");
    click(&engine, 4, "c", "home", 8);
    assert_eq!(asked(&engine, "SELECT n, total FROM pages WHERE page = 'home';"), ["[3,20]", "Completed"]);
    run(&engine, "CREATE TABLE busy AS SELECT page, n FROM pages WHERE n > 2;");
    assert_eq!(asked(&engine, "SELECT * FROM busy;"), [r#"["home",3]"#, "Completed"]);
    run(&engine, "CREATE TABLE by_n AS SELECT n, COUNT(*) AS pages FROM pages GROUP BY n;");
    assert_eq!(asked(&engine, "SELECT * FROM by_n WHERE n = 3;"), ["[3,1]", "Completed"]);
    click(&engine, 5, "c", "cart", 8);
    click(&engine, 6, "c", "cart", 8);
    assert_eq!(asked(&engine, "SELECT * FROM by_n WHERE n = 3;"), ["[3,2]", "Completed"]);
    let mut push = ask(&engine, "SELECT page, COUNT(*) AS n FROM clicks GROUP BY page EMIT CHANGES;");
    assert_eq!(rows(&engine, &mut push).len(), 2);
}

#[test]
fn windows_are_pulled_by_key_and_bounds() {
    let engine = engine();
    run(&engine, CLICKS);
    run(
        &engine,
        "CREATE TABLE per_minute AS SELECT page, COUNT(*) AS n FROM clicks \
         WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY page;
         CREATE TABLE visits AS SELECT user, COUNT(*) AS n FROM clicks WINDOW SESSION (30 SECONDS) GROUP BY user;",
    );
    for (time, user, page) in [(1_000, "a", "home"), (2_000, "a", "home"), (61_000, "a", "home"), (62_000, "b", "cart")]
    {
        click(&engine, time, user, page, 1);
    }
    let asked = |text: &str| rows(&engine, &mut ask(&engine, text));
    let home = [r#"["home",0,60000,2]"#, r#"["home",60000,120000,1]"#, "Completed"];
    assert_eq!(asked("SELECT * FROM per_minute WHERE page = 'home';"), home);
    assert_eq!(asked("SELECT n FROM per_minute WHERE page = 'home' AND WINDOWSTART = 60000;"), ["[1]", "Completed"]);
    assert_eq!(asked("SELECT * FROM per_minute;").len(), 4);
    assert_eq!(
        asked("SELECT * FROM visits WHERE user = 'a';"),
        [r#"["a",1000,2000,2]"#, r#"["a",61000,61000,1]"#, "Completed"]
    );
}

#[test]
fn joins_find_their_partners() {
    let engine = engine();
    run(&engine, CLICKS);
    run(
        &engine,
        "CREATE TABLE pages (page STRING PRIMARY KEY, title STRING) \
         WITH (kafka_topic='pages', value_format='json', partitions=2);
         CREATE STREAM titled AS SELECT c.page, c.user, p.title FROM clicks c JOIN pages p ON c.page = p.page;
         CREATE TABLE users (id STRING PRIMARY KEY, home STRING) \
         WITH (kafka_topic='users', value_format='json', partitions=2);
         CREATE TABLE homes AS SELECT u.id, u.home, p.title FROM users u LEFT JOIN pages p ON u.home = p.page;",
    );
    run(&engine, "INSERT INTO pages (rowtime, page, title) VALUES (1, 'home', 'Home');");
    run(&engine, "INSERT INTO users (rowtime, id, home) VALUES (2, 'a', 'home');");
    click(&engine, 3, "a", "home", 1);
    click(&engine, 4, "b", "cart", 1);
    assert_eq!(records(&**engine.log(), "TITLED"), [r#"@3 home {"USER":"a","TITLE":"Home"}"#]);
    let asked = |text: &str| rows(&engine, &mut ask(&engine, text));
    assert_eq!(asked("SELECT * FROM homes WHERE id = 'a';"), [r#"["a","home","Home"]"#, "Completed"]);
}

#[test]
fn an_aggregate_without_groups_is_one_group() {
    let engine = engine();
    run(&engine, CLICKS);
    let mut push = ask(&engine, "SELECT COUNT(*) AS n FROM clicks EMIT CHANGES LIMIT 2;");
    click(&engine, 1, "a", "home", 1);
    assert_eq!(rows(&engine, &mut push), ["[1]"]);
    click(&engine, 2, "b", "home", 1);
    assert_eq!(rows(&engine, &mut push), ["[2]", "LimitReached"]);
}

#[test]
fn a_topic_that_was_deleted_is_the_statements_failure() {
    let engine = engine();
    run(&engine, ORDERS);
    run(&engine, "CREATE STREAM again (id STRING KEY, item STRING) WITH (kafka_topic='orders', value_format='json');");
    run(&engine, "DROP STREAM orders DELETE TOPIC;");
    for text in ["INSERT INTO again VALUES ('a', 'b');", "CREATE STREAM x AS SELECT * FROM again;"] {
        let failure = engine.execute(text, Session::default(), None).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Statement, "{text}");
        assert!(failure.message.ends_with("topic orders does not exist"), "{text}: {failure}");
    }
    let query = sql::parse_one("SELECT * FROM again EMIT CHANGES;", &sql::Variables::default()).unwrap();
    assert_eq!(
        engine.query(&query, Session::default(), RowFormat::Json, &Client::default()).unwrap_err().kind,
        FailureKind::Statement
    );
    assert!(engine.catalog().source("X").is_none(), "nothing came of it");
}

#[test]
fn a_row_of_a_table_needs_a_key() {
    let engine = engine();
    let with = "kafka_topic='t', format='json', partitions=1";
    run(&engine, &format!("CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY, v INT) WITH ({with});"));
    for (row, missing) in [
        ("(v) VALUES (1)", "A, B"),
        ("(a, v) VALUES (1, 1)", "B"),
        ("(b, v) VALUES (NULL, 1)", "A"),
        ("VALUES (NULL, NULL, 1)", "A, B"),
    ] {
        let failure = engine.execute(&format!("INSERT INTO t {row};"), Session::default(), None).unwrap_err();
        let expected = format!("Value for primary key column(s) {missing} is required for tables");
        assert!(failure.message.ends_with(&expected), "{failure}");
    }
    let failure = engine.execute("INSERT INTO t VALUES (1, 2, v + 1);", Session::default(), None).unwrap_err();
    assert!(failure.message.ends_with("Unsupported column reference in insert value: (V + 1)"), "{failure}");
    // NULL may stand there if it is said, and of two values for one column the last counts.
    run(&engine, "INSERT INTO t VALUES (1, NULL, 2); INSERT INTO t (a, b, v, a) VALUES (3, 4, 5, 6);");
    let written = [r#"@1000 {"A":1,"B":null} {"V":2}"#, r#"@1000 {"A":6,"B":4} {"V":5}"#];
    assert_eq!(records(&**engine.log(), "t"), written);
}

#[test]
fn a_key_of_several_columns_is_written_even_if_all_are_null() {
    let engine = engine();
    let with = "format='json', partitions=1";
    run(&engine, &format!("CREATE STREAM two (a INT KEY, b INT KEY, v INT) WITH (kafka_topic='two', {with});"));
    run(&engine, &format!("CREATE STREAM one (a INT KEY, v INT) WITH (kafka_topic='one', {with});"));
    run(&engine, "CREATE STREAM copy AS SELECT * FROM two WHERE v > 0;");
    run(&engine, "INSERT INTO two (v) VALUES (1); INSERT INTO one (v) VALUES (1);");
    assert_eq!(records(&**engine.log(), "two"), [r#"@1000 {"A":null,"B":null} {"V":1}"#]);
    assert_eq!(records(&**engine.log(), "one"), [r#"@1000 - {"V":1}"#]);
    // One without a key stays so.
    let mut keyless = RecordsBuilder::default();
    keyless.push(1000, None, Some(br#"{"V":2}"#));
    let to = TopicPartition { topic: Arc::from("two"), partition: 0 };
    engine.log().append(vec![Output { to, records: keyless.finish() }]).unwrap();
    engine.run_until_idle(None);
    let copied = [r#"@1000 {"A":null,"B":null} {"V":1}"#, r#"@1000 - {"V":2}"#];
    assert_eq!(records(&**engine.log(), "COPY"), copied);
}
