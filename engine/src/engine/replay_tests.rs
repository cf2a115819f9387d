//! Commands that cannot be carried out again: they stop what they made, and not the start.

use std::ops::Bound;
use std::sync::Arc;

use crate::log::{Embedded, Log, Write};
use crate::statements::{Outcome, QueryLine, Session};

use super::Engine;
use super::tests::{ask, engine_on, rows, run};

/// Puts another statement into the place of a command's.
fn damage(log: &dyn Log, number: u64, written: &str) {
    let key = number.to_be_bytes();
    let mut command = None;
    let bound = Bound::Included(key.as_slice());
    log.kv()
        .scan("commands", bound, bound, &mut |_, value| {
            command = serde_json::from_slice::<serde_json::Value>(value).ok();
            false
        })
        .unwrap();
    let mut command = command.unwrap();
    command["written"] = written.into();
    let value = Some(serde_json::to_vec(&command).unwrap());
    log.kv().write(Write { space: Arc::from("commands"), key: key.to_vec(), value }.into()).unwrap();
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

fn pair(id: &str, status: &str) -> (String, String) {
    (id.to_owned(), status.to_owned())
}

#[test]
fn one_command_that_fails_stops_what_it_made_and_what_hangs_on_it() {
    for wrong in ["CREATE STREAM a AS SELECT nosuch AS x FROM s;", "THIS IS NO STATEMENT;", ""] {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let engine = engine_on(Arc::clone(&log), "8192");
        run(&engine, SETUP);
        drop(engine);
        damage(&*log, 1, wrong);
        let engine = engine_on(Arc::clone(&log), "8192");
        let lost = ["CSAS_A_0", "CSAS_B_1", "INSERTQUERY_3"].map(|id| pair(id, "ERROR"));
        let running = ["CSAS_OTHER_2", "INSERTQUERY_4"].map(|id| pair(id, "RUNNING"));
        assert_eq!(queries(&engine), [running.as_slice(), &lost].concat(), "{wrong}");
        // what does not hang on it goes on
        run(&engine, "INSERT INTO s (i) VALUES (7);");
        let mut found = ask(&engine, "SELECT * FROM other EMIT CHANGES LIMIT 2;");
        assert_eq!(rows(&engine, &mut found).len(), 3);
        // and what does says why
        for text in ["DESCRIBE a;", "CREATE STREAM z AS SELECT * FROM a;", "DESCRIBE b;", "PAUSE CSAS_A_0;"] {
            assert!(refused(&engine, text).contains("could not be brought back"), "{text}");
        }
        let again = refused(&engine, "CREATE STREAM a AS SELECT i AS x FROM s;");
        assert!(again.contains("Drop it first"), "{again}");
        let explained = engine.execute("EXPLAIN CSAS_A_0;", Session::default(), None).unwrap();
        let Outcome::QueryDescription(explained) = &explained[0].outcome else { panic!() };
        assert!(explained.errors[0].message.contains("could not be brought back"));
    }
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
fn a_limit_on_new_windows_keeps_no_old_ones_from_coming_back() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(
        &engine,
        "CREATE STREAM s (i INT) WITH (kafka_topic='s', value_format='json', partitions=1);
         CREATE TABLE t AS SELECT i, COUNT(*) FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY i;",
    );
    drop(engine);
    damage(
        &*log,
        1,
        "CREATE TABLE t AS SELECT i, COUNT(*) FROM s WINDOW HOPPING (SIZE 30 DAYS, ADVANCE BY 1 MINUTE) GROUP BY i;",
    );
    let engine = engine_on(log, "8192");
    assert_eq!(queries(&engine), [pair("CTAS_T_0", "RUNNING")]);
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
fn types_and_drops_that_fail_do_not_keep_the_rest() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, "CREATE TYPE p AS STRUCT<a INT>;");
    run(&engine, "CREATE STREAM s (i p) WITH (kafka_topic='s', value_format='json', partitions=1);");
    run(&engine, "CREATE STREAM r (i INT) WITH (kafka_topic='s', value_format='json');");
    run(&engine, "DROP TYPE p;");
    drop(engine);
    damage(&*log, 0, "CREATE TYPE p AS NOSUCH;");
    let engine = engine_on(log, "8192");
    assert!(refused(&engine, "DESCRIBE s;").contains("could not be brought back"));
    run(&engine, "DESCRIBE r; DROP STREAM s;");
}
