//! Commands that cannot be carried out again: they stop what they made, and not the start.

use std::ops::Bound;
use std::sync::Arc;

use crate::clock::Manual;
use crate::config::Config;
use crate::kv::Write;
use crate::log::{Commit, Embedded, Log, TopicSpec};
use crate::serving::Client;
use crate::statements::{Outcome, QueryLine, Session};

use super::tests::{ask, engine_on, engine_with, in_memory, query_with, rows, run};
use super::{Engine, Parts};

/// Puts another statement into the place of a command's, as a version without plans would have written it.
fn damage(log: &dyn Log, number: u64, written: &str) {
    change(log, number, |command| {
        let topic = serde_json::json!({"partitions": 2, "replicas": 1, "retention_ms": 604_800_000});
        *command = serde_json::json!({
            "written": written,
            "command_id": command["command_id"],
            "query_id": command["query_id"],
            "message": command["message"],
            "properties": {},
            "topics": {"s": topic, "A": topic, "B": topic, "OTHER": topic, "C": topic},
            "time_ms": command["time_ms"],
        });
    });
}

fn entry(log: &dyn Log, number: u64) -> Option<serde_json::Value> {
    log.kv().get("commands", &number.to_be_bytes()).unwrap().map(|value| serde_json::from_slice(&value).unwrap())
}

fn change(log: &dyn Log, number: u64, change: impl FnOnce(&mut serde_json::Value)) {
    let mut command = entry(log, number).unwrap();
    change(&mut command);
    let value = Some(serde_json::to_vec(&command).unwrap());
    let key = number.to_be_bytes().to_vec();
    log.kv().write(Write { space: Arc::from("commands"), key, value }.into()).unwrap();
}

fn queries(engine: &Engine) -> Vec<(String, String)> {
    let answers = engine.execute("SHOW QUERIES;", Session::default(), None).unwrap();
    let Outcome::Queries(lines) = &answers[0].outcome else { panic!("{answers:?}") };
    lines.iter().map(|QueryLine { id, status, .. }| (id.clone(), status.clone())).collect()
}

fn refused(engine: &Engine, text: &str) -> String {
    engine.execute(text, Session::default(), None).unwrap_err().message
}

const SETUP: &str = "CREATE STREAM s (i INT) WITH (kafka_topic='s', value_format='json', partitions=1);
    CREATE STREAM a AS SELECT i AS x FROM s;
    CREATE STREAM b AS SELECT x + 1 AS y FROM a;
    CREATE STREAM other AS SELECT i FROM s;
    INSERT INTO other SELECT y AS i FROM b;
    INSERT INTO other SELECT i FROM s;";

fn set(entry: &mut serde_json::Value, pointer: &str, value: serde_json::Value) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    entry.pointer_mut(parent).unwrap()[field] = value;
}

fn pair(id: &str, status: &str) -> (String, String) {
    (id.to_owned(), status.to_owned())
}

#[test]
fn one_command_that_fails_stops_what_it_made_and_what_hangs_on_it() {
    for wrong in ["CREATE STREAM a AS SELECT nosuch AS x FROM s;", "THIS IS NO STATEMENT;", ""] {
        check_damaged(wrong, &|log| damage(log, 1, wrong));
    }
    let no_function = serde_json::json!({"call": {"function": "ABS", "variation": "(PLUTO) INT", "args": []}});
    for (pointer, value) in [
        ("/version", 3.into()),
        ("/action", "nothing".into()),
        ("/action", serde_json::Value::Null),
        ("/action/changes/0/put_source/topic", 7.into()),
        ("/action/changes/0/put_source/colour", "red".into()),
        ("/action/changes/1/put_query/plan/root/kind", serde_json::json!({"teleport": {}})),
        ("/action/changes/1/put_query/plan/root/kind/project/value/0/kind", no_function),
    ] {
        check_damaged(pointer, &|log| change(log, 1, |entry| set(entry, pointer, value.clone())));
    }
}

fn check_damaged(wrong: &str, damage: &dyn Fn(&dyn Log)) {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, SETUP);
    drop(engine);
    damage(&*log);
    let engine = engine_on(Arc::clone(&log), "8192");
    let lost = ["CSAS_A_0", "CSAS_B_1", "INSERTQUERY_3"].map(|id| pair(id, "ERROR"));
    let running = ["CSAS_OTHER_2", "INSERTQUERY_4"].map(|id| pair(id, "RUNNING"));
    assert_eq!(queries(&engine), [running.as_slice(), &lost].concat(), "{wrong}");
    // what does not hang on it goes on
    run(&engine, "INSERT INTO s (i) VALUES (7);");
    let mut found = ask(&engine, "SELECT * FROM other EMIT CHANGES LIMIT 2;");
    assert_eq!(rows(&engine, &mut found).len(), 3);
    // and what does says why
    for text in [
        "DESCRIBE a;",
        "CREATE STREAM z AS SELECT * FROM a;",
        "DESCRIBE b;",
        "PAUSE CSAS_A_0;",
        "ALTER STREAM a ADD COLUMN z INT;",
        "INSERT INTO a SELECT i AS x FROM s;",
        "INSERT INTO a VALUES (1);",
    ] {
        assert!(refused(&engine, text).contains("could not be brought back"), "{text}");
    }
    let again = refused(&engine, "CREATE STREAM a AS SELECT i AS x FROM s;");
    assert!(again.contains("Drop it first"), "{again}");
    let explained = engine.execute("EXPLAIN CSAS_A_0;", Session::default(), None).unwrap();
    let Outcome::QueryDescription(explained) = &explained[0].outcome else { panic!() };
    assert!(explained.errors[0].message.contains("could not be brought back"));
}

#[test]
fn a_topic_made_again_by_a_lost_command_is_kept() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    for statement in [
        "CREATE STREAM s (i INT) WITH (kafka_topic='s', value_format='json', partitions=1);",
        "CREATE STREAM a AS SELECT i FROM s;",
        "DROP STREAM a DELETE TOPIC;",
        "CREATE STREAM a AS SELECT i + 1 AS i FROM s;",
    ] {
        run(&engine, statement);
    }
    drop(engine);
    damage(&*log, 3, "THIS IS NO STATEMENT;");
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(queries(&engine), [pair("CSAS_A_1", "ERROR")]);
    assert!(log.topic("A").unwrap().is_some());
}

#[test]
fn a_topic_made_again_after_it_was_dropped_outlives_restarts() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let settings =
        [("ksql.logging.processing.topic.auto.create", "true"), ("ksql.logging.processing.topic.name", "told")];
    let open = || engine_with(&log, &settings);
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, &format!("CREATE STREAM s (i INT) {WITH};"));
    run(&engine, "CREATE STREAM told (i INT) WITH (kafka_topic='told', value_format='json', partitions=2);");
    for (drop_it, topic) in [("DROP STREAM s DELETE TOPIC;", "s"), ("DROP STREAM told DELETE TOPIC;", "told")] {
        let engine = engine_on(Arc::clone(&log), "8192");
        run(&engine, drop_it);
        assert!(log.topic(topic).unwrap().is_none());
        drop(engine);
        let spec = TopicSpec { partitions: 3, replicas: 1, config: Default::default() };
        log.create_topic(topic, &spec).unwrap();
        for _ in 0..2 {
            drop(open());
            let there = log.topic(topic).unwrap();
            assert_eq!(there.map(|topic| topic.spec.partitions), Some(3), "{topic}");
        }
    }
    // A server that died before it came to that does it when it starts, once; and has a processing log again.
    let with = WITH.replace("partitions=2", "partitions=3");
    run(&engine_on(Arc::clone(&log), "8192"), &format!("CREATE STREAM s (i INT) {with};"));
    leave(&*log, 1, r#"{"topic": "told"}"#);
    leave(&*log, 2, r#"{"connectors": ["of a later version"]}"#);
    leave(&*log, 4, r#"{"topic": "s"}"#);
    drop(open());
    assert_eq!(log.topic("told").unwrap().map(|topic| topic.spec.partitions), Some(3), "that was long ago");
    leave(&*log, 4, r#"{"topic": "told"}"#);
    drop(open());
    let partitions = |topic: &str| log.topic(topic).unwrap().map(|topic| topic.spec.partitions);
    assert_eq!((partitions("told"), partitions("s")), (Some(1), Some(3)), "one is used by a stream again");
    let left =
        (1..=4_u64).filter(|number| log.kv().get("commands/unfinished", &number.to_be_bytes()).unwrap().is_some());
    assert_eq!(left.collect::<Vec<_>>(), [2]);
}

/// Notes what a command has left to clean up.
fn leave(log: &dyn Log, number: u64, cleanup: &str) {
    let (space, value) = (Arc::from("commands/unfinished"), Some(cleanup.as_bytes().to_vec()));
    log.kv().write(Write { space, key: number.to_be_bytes().to_vec(), value }.into()).unwrap();
}

#[test]
fn the_first_start_after_an_upgrade_deletes_no_topic_that_was_made_again() {
    let log = in_memory();
    let engine = engine_on(Arc::clone(&log), "8192");
    let source = format!("CREATE STREAM s (i INT) {WITH};");
    run(&engine, &format!("{source} CREATE STREAM a AS SELECT i FROM s; TERMINATE CSAS_A_0; DROP STREAM a;"));
    run(&engine, "DROP STREAM s DELETE TOPIC;");
    drop(engine);
    damage(&*log, 0, &source);
    damage(&*log, 4, "DROP STREAM s DELETE TOPIC;");
    log.create_topic("s", &TopicSpec { partitions: 3, replicas: 1, config: Default::default() }).unwrap();
    for _ in 0..2 {
        drop(engine_on(Arc::clone(&log), "8192"));
        assert_eq!(log.topic("s").unwrap().map(|topic| topic.spec.partitions), Some(3));
    }
}

#[test]
fn what_an_earlier_version_was_killed_over_is_removed() {
    let log = in_memory();
    let engine = engine_on(Arc::clone(&log), "8192");
    run(
        &engine,
        &format!("CREATE STREAM s (i INT) {WITH}; CREATE STREAM a AS SELECT i FROM s; INSERT INTO s VALUES (1);"),
    );
    let group = crate::runtime::group("default_", "CSAS_A_0");
    let positions = log.positions(&group).unwrap();
    run(&engine, "TERMINATE CSAS_A_0;");
    drop(engine);
    assert!(!positions.is_empty() && log.positions(&group).unwrap().is_empty());
    log.commit(Commit { group: Arc::from(group.as_str()), positions, ..Commit::default() }).unwrap();
    damage(&*log, 2, "TERMINATE CSAS_A_0;");
    drop(engine_on(Arc::clone(&log), "8192"));
    assert!(log.positions(&group).unwrap().is_empty());
}

/// Makes every command unreadable that begins like this, as if a later version had written it.
fn make_unreadable(log: &dyn Log, begins: &str) {
    for number in 0.. {
        let Some(found) = entry(log, number) else { return };
        if found["text"].as_str().unwrap().starts_with(begins) {
            change(log, number, |entry| {
                set(entry, "/version", 3.into());
                set(entry, "/action", serde_json::json!({"erase": 7}));
            });
        }
    }
}

#[test]
fn what_a_command_ended_that_cannot_be_read_does_not_come_back() {
    let log = in_memory();
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, SETUP);
    for statement in ["TERMINATE INSERTQUERY_4;", "TERMINATE INSERTQUERY_3;", "DROP STREAM b;", "PAUSE CSAS_A_0;"] {
        run(&engine, statement);
    }
    let expected = queries(&engine);
    assert_eq!(expected, [pair("CSAS_A_0", "PAUSED"), pair("CSAS_OTHER_2", "RUNNING")]);
    drop(engine);
    for begins in ["DROP", "TERMINATE", "PAUSE"] {
        make_unreadable(&*log, begins);
        let engine = engine_on(Arc::clone(&log), "8192");
        assert_eq!(queries(&engine), expected, "{begins}");
        assert!(engine.catalog().source("B").is_none() && engine.catalog().source("A").is_some());
    }
}

fn refused_start(log: &Arc<dyn Log>) -> String {
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(Manual::at(1_000)), Config::default());
    Engine::new(parts).map(drop).unwrap_err().to_string()
}

#[test]
fn a_log_that_would_bring_back_what_was_ended_is_refused_with_the_number() {
    let damaged = |damage: &dyn Fn(&dyn Log)| {
        let log = in_memory();
        run(&engine_on(Arc::clone(&log), "8192"), &format!("{SETUP} TERMINATE INSERTQUERY_4;"));
        damage(&*log);
        refused_start(&log)
    };
    let of_nothing_known = damaged(&|log| {
        make_unreadable(log, "TERMINATE");
        change(log, 6, |entry| set(entry, "/ends", serde_json::Value::Null));
    });
    assert!(
        of_nothing_known.starts_with("command 6 of the command log (TERMINATE INSERTQUERY_4;)"),
        "{of_nothing_known}"
    );
    let of_what_it_ended_too = damaged(&|log| {
        make_unreadable(log, "CREATE STREAM a");
        change(log, 1, |entry| set(entry, "/ends", serde_json::json!({"connectors": ["C"]})));
    });
    assert!(of_what_it_ended_too.starts_with("command 1 of the command log"), "{of_what_it_ended_too}");
    let of_a_later_version = damaged(&|log| {
        change(log, 1, |entry| {
            set(entry, "/version", 3.into());
            set(entry, "/source", serde_json::json!(["view", "A"]));
        });
    });
    assert!(
        of_a_later_version.contains("command 1") && of_a_later_version.contains("a later version"),
        "{of_a_later_version}"
    );
    let of_garbage = damaged(&|log| change(log, 2, |entry| set(entry, "/overrides", 7.into())));
    assert!(of_garbage.contains("command 2 is damaged"), "{of_garbage}");
    let of_a_gap = damaged(&|log| {
        let key = 3_u64.to_be_bytes().to_vec();
        log.kv().write(Write { space: Arc::from("commands"), key, value: None }.into()).unwrap();
    });
    assert!(of_a_gap.contains("command 3 is missing"), "{of_a_gap}");
}

#[test]
fn a_command_that_cannot_be_planned_again_is_kept_for_a_version_that_can() {
    let log = in_memory();
    run(&engine_on(Arc::clone(&log), "8192"), SETUP);
    let text = "CREATE STREAM a AS SELECT nosuch AS x FROM s;";
    damage(&*log, 1, text);
    change(&*log, 1, |entry| {
        set(entry, "/properties", serde_json::json!({"a.password": "hunter2", "ksql.sink.partitions": "2"}))
    });
    for _ in 0..2 {
        let engine = engine_on(Arc::clone(&log), "8192");
        assert_eq!(queries(&engine)[2], pair("CSAS_A_0", "ERROR"));
        let kept = entry(&*log, 1).unwrap();
        assert_eq!((&kept["written"], &kept["topics"]["s"]["partitions"]), (&text.into(), &2.into()));
        assert_eq!(kept["properties"], serde_json::json!({"ksql.sink.partitions": "2"}));
    }
}

const WITH: &str = "WITH (kafka_topic='s', value_format='json', partitions=2)";

#[test]
fn limits_on_what_is_new_keep_nothing_old_from_coming_back() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(
        &engine,
        &format!(
            "CREATE TYPE w AS STRUCT<a INT>;
             CREATE STREAM s (i INT) {WITH};
             ALTER STREAM s ADD COLUMN j INT;
             CREATE STREAM c AS SELECT CAST(NULL AS STRUCT<a INT>) AS x FROM s;
             CREATE TABLE t AS SELECT i, COUNT(*) FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY i;"
        ),
    );
    drop(engine);
    // What an older version would have accepted.
    let many = |kind: &str, count: usize| (0..count).map(|i| format!("f{i} {kind}")).collect::<Vec<_>>().join(", ");
    damage(&*log, 0, &format!("CREATE TYPE w AS STRUCT<{}>;", many("INT", 2500)));
    damage(&*log, 1, &format!("CREATE STREAM s (i INT, {}) {WITH};", many("w", 5)));
    damage(&*log, 2, "ALTER STREAM s ADD COLUMN more w;");
    damage(&*log, 3, "CREATE STREAM c AS SELECT *, CAST(NULL AS w) AS x FROM s;");
    let window = "HOPPING (SIZE 30 DAYS, ADVANCE BY 1 MINUTE)";
    damage(&*log, 4, &format!("CREATE TABLE t AS SELECT i, COUNT(*) FROM s WINDOW {window} GROUP BY i;"));
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(engine.catalog().lost().map(|lost| lost.problem.clone()).collect::<Vec<_>>(), <[String; 0]>::default());
    assert_eq!(queries(&engine), ["CSAS_C_0", "CTAS_T_1"].map(|id| pair(id, "RUNNING")));
    for text in [
        format!("CREATE TYPE y AS STRUCT<{}>;", many("INT", 2500)),
        "CREATE STREAM d AS SELECT * FROM c;".to_owned(),
        "ALTER STREAM s ADD COLUMN another INT;".to_owned(),
        format!("CREATE TABLE u AS SELECT i, COUNT(*) FROM s WINDOW {window} GROUP BY i;"),
    ] {
        assert!(!refused(&engine, &text).is_empty(), "{text}");
    }
}

#[test]
fn settings_that_become_lower_keep_nothing_from_coming_back() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let open = |settings: &[(&str, &str)]| engine_with(&log, settings);
    run(
        &open(&[]),
        &format!(
            "CREATE STREAM s (i INT) {WITH};
             CREATE STREAM a_name AS SELECT i + 1 AS i FROM s;
             CREATE TABLE t AS SELECT i, COUNT(*) FROM s WINDOW HOPPING (SIZE 100 SECONDS, ADVANCE BY 1 SECOND) GROUP BY i;"
        ),
    );
    let engine = open(&[
        ("millstream.sql.max.bytes", "20"),
        ("millstream.sql.max.tokens", "3"),
        ("millstream.sql.max.statements", "1"),
        ("millstream.sql.max.name.bytes", "2"),
        ("millstream.window.max.per.record", "10"),
        ("millstream.topic.max.partitions", "1"),
        ("ksql.query.persistent.active.limit", "1"),
        ("ksql.create.or.replace.enabled", "false"),
        ("ksql.suppress.enabled", "false"),
    ]);
    assert_eq!(queries(&engine), ["CSAS_A_NAME_0", "CTAS_T_1"].map(|id| pair(id, "RUNNING")));
    drop(engine);
    // What a setting could be once, and cannot any more.
    change(&*log, 1, |command| {
        command["overrides"] = serde_json::json!({"ksql.streams.auto.offset.reset": "sometimes"});
    });
    assert_eq!(queries(&open(&[])), ["CSAS_A_NAME_0", "CTAS_T_1"].map(|id| pair(id, "RUNNING")));
}

#[test]
fn what_was_lost_can_be_dropped_and_made_again() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    run(&engine_on(Arc::clone(&log), "8192"), SETUP);
    damage(&*log, 1, "CREATE STREAM a AS SELECT nosuch AS x FROM s;");
    let engine = engine_on(Arc::clone(&log), "8192");
    assert!(refused(&engine, "DROP STREAM a DELETE TOPIC;").contains("without DELETE TOPIC"));
    run(&engine, "TERMINATE INSERTQUERY_3; DROP STREAM b; DROP STREAM a;");
    run(&engine, "CREATE STREAM a AS SELECT i AS x FROM s; CREATE STREAM b AS SELECT x + 1 AS y FROM a;");
    let all = ["CSAS_OTHER_2", "INSERTQUERY_4", "CSAS_A_5", "CSAS_B_6"].map(|id| pair(id, "RUNNING"));
    assert_eq!(queries(&engine), all, "ids are not given twice");
    drop(engine);
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(queries(&engine), all);
    assert_eq!(engine.catalog().lost().count(), 0);
}

#[test]
fn what_takes_the_place_of_something_lost_leaves_nothing_of_it() {
    for replaced in ["CREATE OR REPLACE TABLE t AS SELECT i, COUNT(*) AS m FROM s GROUP BY i;", "DROP TABLE t;"] {
        let log = in_memory();
        let engine = engine_on(Arc::clone(&log), "8192");
        run(&engine, "CREATE STREAM s (i INT) WITH (kafka_topic='s', value_format='json', partitions=2);");
        run(&engine, "CREATE TABLE t AS SELECT i, COUNT(*) AS n FROM s GROUP BY i; INSERT INTO s VALUES (1);");
        drop(engine);
        make_unreadable(&*log, "CREATE TABLE t");
        // What it has left is called after the service that it was made in.
        let engine = engine_with(&log, &[("ksql.service.id", "other_")]);
        let of_lost = || {
            let positions = log.positions("_confluent-ksql-default_query_CTAS_T_0").unwrap().len();
            let topics = log.topics().unwrap().into_iter().filter(|topic| topic.name.contains("CTAS_T_0")).count();
            let mut entries = 0;
            for task in ["1_0", "1_1"] {
                let mut count = |_: &[u8], _: &[u8]| {
                    entries += 1;
                    true
                };
                let (space, all) = (format!("state/CTAS_T_0/{task}/Aggregate/Aggregate"), Bound::Unbounded);
                log.kv().scan(&space, all, all, &mut count).unwrap();
            }
            (positions, topics, entries)
        };
        assert_eq!(of_lost(), (4, 1, 1), "{replaced}");
        run(&engine, replaced);
        assert_eq!(of_lost(), (0, 0, 0), "{replaced}");
        assert_eq!(engine.catalog().lost().count(), 0);
        drop(engine_on(Arc::clone(&log), "8192"));
    }
}

#[test]
fn what_hangs_on_a_change_that_cannot_be_read_is_shown_with_the_reason() {
    let log = in_memory();
    let engine = engine_on(Arc::clone(&log), "8192");
    run(
        &engine,
        &format!(
            "{SETUP} CREATE STREAM more (i INT) WITH (kafka_topic='more', value_format='json', partitions=1);
             INSERT INTO s SELECT i FROM more;
             CREATE STREAM apart AS SELECT i FROM more;
             ALTER STREAM s ADD COLUMN j INT;
             INSERT INTO more (i) VALUES (1);"
        ),
    );
    drop(engine);
    make_unreadable(&*log, "ALTER");
    let engine = engine_on(Arc::clone(&log), "8192");
    let mut found = queries(&engine);
    found.sort();
    let mut expected: Vec<_> =
        ["CSAS_A_0", "CSAS_B_1", "CSAS_OTHER_2", "INSERTQUERY_3", "INSERTQUERY_4", "INSERTQUERY_5"]
            .map(|id| pair(id, "ERROR"))
            .to_vec();
    expected.insert(0, pair("CSAS_APART_6", "RUNNING"));
    assert_eq!(found, expected);
    let explained = engine.execute("EXPLAIN INSERTQUERY_5;", Session::default(), None).unwrap();
    let Outcome::QueryDescription(explained) = &explained[0].outcome else { panic!() };
    let problem = &explained.errors[0].message;
    assert!(problem.contains("`S` could not be brought back") && problem.contains("later version"), "{problem}");
    let group = crate::runtime::group("default_", "INSERTQUERY_5");
    assert_eq!(log.positions(&group).unwrap().len(), 1, "a version that can read it goes on there");
    run(&engine, "TERMINATE INSERTQUERY_5;");
    assert!(log.positions(&group).unwrap().is_empty());
    run(&engine, "TERMINATE ALL; DROP STREAM a; DROP STREAM b; DROP STREAM other; DROP STREAM s;");
    assert_eq!(queries(&engine), []);
    assert_eq!(engine.catalog().lost().count(), 0);
    run(&engine, "CREATE STREAM c AS SELECT i FROM more;");
    assert_eq!(queries(&engine), [pair("CSAS_C_7", "RUNNING")], "none is counted twice");
}

#[test]
fn a_replacement_that_fails_stops_what_it_replaced() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, "CREATE STREAM s (i INT) WITH (kafka_topic='s', value_format='json', partitions=1);");
    run(&engine, "CREATE STREAM a AS SELECT i FROM s;");
    run(&engine, "CREATE OR REPLACE STREAM a AS SELECT i FROM s WHERE i > 0;");
    drop(engine);
    damage(&*log, 2, "CREATE OR REPLACE STREAM a AS SELECT i FROM s WHERE nosuch > 0;");
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(queries(&engine), [pair("CSAS_A_0", "ERROR")]);
    run(&engine, "TERMINATE ALL; DROP STREAM a;");
    drop(engine);
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(queries(&engine), []);
    assert_eq!(engine.catalog().lost().count(), 0);
}

#[test]
fn what_was_altered_after_it_was_lost_says_why_it_is() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, &format!("CREATE STREAM s (i INT) {WITH}; ALTER STREAM s ADD COLUMN j INT;"));
    drop(engine);
    damage(&*log, 0, &format!("CREATE STREAM s (i NOSUCH) {WITH};"));
    // What a later command left has all there is to know.
    let whole = entry(&*log, 1).unwrap();
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, "DESCRIBE s;");
    drop(engine);
    damage(&*log, 0, &format!("CREATE STREAM s (i NOSUCH) {WITH};"));
    change(&*log, 1, |command| *command = whole);
    damage(&*log, 1, "ALTER STREAM s ADD COLUMN j INT;");
    let engine = engine_on(log, "8192");
    for text in ["DESCRIBE s;", "ALTER STREAM s ADD COLUMN k INT;", "SELECT * FROM s;"] {
        let said = match text.starts_with("SELECT") {
            true => query_with(&engine, text, &[], &Client::default()).unwrap_err().message,
            false => refused(&engine, text),
        };
        assert!(said.contains("Cannot resolve unknown type: NOSUCH"), "{text}: {said}");
    }
}

#[test]
fn types_and_drops_that_fail_do_not_keep_the_rest() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, "CREATE TYPE p AS STRUCT<a INT>;");
    run(&engine, "CREATE STREAM s (i p) WITH (kafka_topic='s', value_format='json', partitions=1);");
    run(&engine, "CREATE STREAM r (i INT) WITH (kafka_topic='s', value_format='json');");
    run(&engine, "DROP TYPE p;");
    drop(engine);
    damage(&*log, 0, "CREATE TYPE p AS NOSUCH;");
    damage(&*log, 1, "CREATE STREAM s (i p) WITH (kafka_topic='s', value_format='json', partitions=1);");
    let engine = engine_on(log, "8192");
    assert!(refused(&engine, "DESCRIBE s;").contains("could not be brought back"));
    run(&engine, "DESCRIBE r; DROP STREAM s;");
}
