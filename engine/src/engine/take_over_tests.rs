//! What is left of a ksqlDB in its command topic goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::clock::Manual;
use crate::config::Config;
use crate::log::{Log, Output, RecordsBuilder, TopicPartition, TopicSpec};

use super::follow_tests::{Brokers, TOPIC, of, queries, refused, sources};
use super::tests::run;
use super::{Engine, Parts};

const ALL: &[(&str, &str)] = &[("millstream.take.over", "all")];
const POSSIBLE: &[(&str, &str)] = &[("millstream.take.over", "possible")];
const S: &str = "CREATE STREAM S (V INTEGER) WITH (KAFKA_TOPIC='s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');";
const A: &str = "CREATE STREAM A WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='A', PARTITIONS=1, REPLICAS=1, \
                 RETENTION_MS=604800000) AS SELECT * FROM S S EMIT CHANGES;";

/// A command as ksqlDB writes it; with a query id it has a plan that starts a query.
fn write(brokers: &Brokers, id: &str, statement: &str, query_id: Option<&str>) {
    let plan = query_id.map(|id| json!({"@type": "ksqlPlanV1", "queryPlan": {"queryId": id, "sources": ["S"]}}));
    let value = json!({
        "statement": statement,
        "streamsProperties": {"auto.offset.reset": "earliest", "ksql.streams.num.stream.threads": 1},
        "originalProperties": {"ksql.service.id": "default_"},
        "plan": plan,
        "version": 18,
    });
    let mut records = RecordsBuilder::default();
    records.push(5, Some(json!(id).to_string().as_bytes()), Some(value.to_string().as_bytes()));
    let to = TopicPartition { topic: Arc::from(TOPIC), partition: 0 };
    brokers.log.append(vec![Output { to, records: records.finish() }]).unwrap();
}

/// Topics as ksqlDB leaves them, with nothing in its command topic yet.
fn brokers() -> Brokers {
    let brokers = Brokers::new();
    for topic in [TOPIC, "s", "A"] {
        brokers.log.create_topic(topic, &TopicSpec { partitions: 1, replicas: 1, config: BTreeMap::new() }).unwrap();
    }
    brokers
}

fn opened(brokers: &Brokers, settings: &[(&str, &str)]) -> Result<Engine, String> {
    let log: Arc<dyn Log> = brokers.process();
    let parts = Parts::by_hand(log, Arc::new(Manual::at(1_000)), Config::new(settings.iter().copied()).unwrap());
    Engine::new(parts).map_err(|error| error.to_string())
}

#[test]
fn statements_in_effect_go_on_under_the_same_ids() {
    let brokers = brokers();
    write(&brokers, "stream/`S`/create", S, None);
    write(&brokers, "stream/`A`/create", A, Some("CSAS_A_1"));
    write(&brokers, "stream/`A`/create", "INSERT INTO A SELECT * FROM S;", Some("INSERTQUERY_3"));
    write(&brokers, "terminate/INSERTQUERY_3/execute", "TERMINATE INSERTQUERY_3;", None);
    write(&brokers, "stream/`A`/create", "INSERT INTO A SELECT * FROM S WHERE V > 1;", Some("INSERTQUERY_7"));
    write(&brokers, "terminate/INSERTQUERY_7/pause", "PAUSE INSERTQUERY_7;", None);
    write(&brokers, "type/T/create", "CREATE TYPE T AS STRUCT<X INTEGER>;", None);
    write(&brokers, "type/T/drop", "DROP TYPE T;", None);
    let one = opened(&brokers, ALL).unwrap();
    assert_eq!(sources(&one), ["A", "S"]);
    assert_eq!(queries(&one), of(&[("CSAS_A_1", "RUNNING"), ("INSERTQUERY_7", "PAUSED")]));
    assert_eq!(one.command_ids().len(), 3, "of S, of A, the pause: {:?}", one.command_ids());
    // From here on the topic is Millstream's.
    let other = opened(&brokers, &[]).unwrap();
    assert_eq!((sources(&other), queries(&other)), (sources(&one), queries(&one)));
    run(&other, "CREATE STREAM b AS SELECT * FROM s;");
    one.follow().unwrap();
    assert_eq!(queries(&one), queries(&other));
    let id = queries(&one).into_iter().map(|(id, _)| id).find(|id| id.starts_with("CSAS_B_")).unwrap();
    assert!(id.trim_start_matches("CSAS_B_").parse::<u64>().unwrap() > 7, "{id}");
    let again = opened(&brokers, ALL).unwrap();
    assert_eq!(queries(&again), queries(&one));
}

#[test]
fn what_was_dropped_is_not_missed() {
    let brokers = brokers();
    write(&brokers, "stream/`G`/create", &S.replace("STREAM S", "STREAM G").replace("'s'", "'gone'"), None);
    write(&brokers, "stream/`H`/create", "CREATE STREAM H AS SELECT NO_SUCH(V) FROM G;", Some("CSAS_H_1"));
    write(&brokers, "stream/`H`/drop", "DROP STREAM H;", None);
    write(&brokers, "stream/`G`/drop", "DROP STREAM IF EXISTS G DELETE TOPIC;", None);
    write(&brokers, "stream/`S`/create", S, None);
    let engine = opened(&brokers, ALL).unwrap();
    assert_eq!(sources(&engine), ["S"]);
    assert_eq!(engine.command_ids(), ["stream/`S`/create"]);
}

#[test]
fn a_query_that_was_terminated_stays_so() {
    let brokers = brokers();
    write(&brokers, "stream/`S`/create", S, None);
    write(&brokers, "stream/`A`/create", A, Some("CSAS_A_1"));
    write(&brokers, "terminate/CSAS_A_1/execute", "TERMINATE CSAS_A_1;", None);
    let engine = opened(&brokers, ALL).unwrap();
    assert_eq!(sources(&engine), ["A", "S"]);
    assert_eq!(queries(&engine), []);
}

#[test]
fn all_is_taken_over_or_nothing_unless_less_is_wanted() {
    let brokers = brokers();
    write(&brokers, "stream/`S`/create", S, None);
    write(&brokers, "stream/`A`/create", &A.replace('*', "NO_SUCH(V)"), Some("CSAS_A_1"));
    let refused = |settings| opened(&brokers, settings).err().unwrap();
    let before = brokers.log.bounds(&TopicPartition { topic: Arc::from(TOPIC), partition: 0 }).unwrap();
    assert!(refused(&[]).contains("--dry-run"), "{}", refused(&[]));
    let error = refused(ALL);
    assert!(error.contains("stream/`A`/create (offset 1)") && error.contains("NO_SUCH"), "{error}");
    let after = brokers.log.bounds(&TopicPartition { topic: Arc::from(TOPIC), partition: 0 }).unwrap();
    assert_eq!(before, after);
    assert_eq!(sources(&opened(&brokers, POSSIBLE).unwrap()), ["S"]);
}

#[test]
fn a_ksqldb_that_runs_on_is_noticed() {
    let brokers = brokers();
    write(&brokers, "stream/`S`/create", S, None);
    let engine = opened(&brokers, ALL).unwrap();
    write(&brokers, "stream/`A`/create", A, Some("CSAS_A_1"));
    let error = refused(&engine, "CREATE STREAM b AS SELECT * FROM s;");
    assert!(error.contains("ksqlDB"), "{error}");
    assert!(opened(&brokers, ALL).err().unwrap().contains("a ksqlDB server still runs"));
}
