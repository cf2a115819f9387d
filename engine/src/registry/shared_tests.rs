//! What the registry makes of a topic that Confluent's registry, or another process, writes too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::log::forwarding::ForwardingLog;
use crate::log::{Bounds, Log, LogError, Output, RecordsBuilder, TopicPartition, TopicSpec};
use crate::schemas::Schemas;

use super::tests::{avro, in_memory, over};
use super::topic_tests::{compacted, read_all};
use super::*;

fn outputs(records: &[(Value, Option<Value>)]) -> Vec<Output> {
    let mut built = RecordsBuilder::default();
    for (key, value) in records {
        let value = value.as_ref().map(|value| value.to_string().into_bytes());
        built.push(5, Some(key.to_string().as_bytes()), value.as_deref());
    }
    vec![Output { to: TopicPartition { topic: TOPIC.into(), partition: 0 }, records: built.finish() }]
}

fn topic_of(records: &[(Value, Option<Value>)]) -> Arc<dyn Log> {
    let (log, config) = (in_memory(), BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]));
    log.create_topic(TOPIC, &TopicSpec { partitions: 1, replicas: 1, config }).unwrap();
    log.append(outputs(records)).unwrap();
    log
}

/// A version with members beside those that every version has.
fn version(subject: &str, version: i32, id: i32, text: &str, others: Value) -> (Value, Option<Value>) {
    let key = json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1});
    let mut value = json!({"subject": subject, "version": version, "id": id, "schema": text, "deleted": false});
    for (name, member) in others.as_object().unwrap() {
        value[name] = member.clone();
    }
    (key, Some(value))
}

/// The last value of each key.
fn last_values(log: &Arc<dyn Log>) -> Vec<(String, Option<Value>)> {
    let mut last = BTreeMap::new();
    for (_, batch) in read_all(log) {
        for (key, value) in batch.records.keys.iter().zip(&batch.records.values) {
            let key = String::from_utf8_lossy(key.unwrap()).into_owned();
            last.insert(key, value.map(|value| serde_json::from_slice(value).unwrap()));
        }
    }
    last.into_iter().collect()
}

fn last_value(log: &Arc<dyn Log>, key: &Value) -> Option<Value> {
    let key = key.to_string();
    last_values(log).into_iter().find(|(it, _)| *it == key).unwrap().1
}

#[test]
fn what_is_written_again_keeps_what_only_confluents_registry_knows() {
    let others = json!({
        "guid": "5d51b5a0-8f0e-4c7a-9c53-8f6a3b1c2d3e",
        "metadata": {"tags": {"**.ssn": ["PII"]}, "properties": {"owner": "a", "n": "1"}, "sensitive": []},
        "ruleSet": {"domainRules": [{"name": "r", "kind": "CONDITION", "params": {"p": "q"}, "disabled": false}]},
        "schemaTags": [{"schemaEntity": {"entityType": "sr_field"}, "tags": ["PII"]}],
        "ts": 1_764_547_200_000_i64,
        "offset": 12_345_678_901_234_567_890_u64,
    });
    let with_others = version("x", 1, 5, "\"int\"", others.clone());
    let config = json!({"keytype": "CONFIG", "subject": "x", "magic": 0});
    let mode = json!({"keytype": "MODE", "subject": "x", "magic": 0});
    let said = json!({"subject": "x", "alias": "y", "compatibilityLevel": "NONE", "compatibilityGroup": "major",
        "defaultRuleSet": {"migrationRules": []}, "overrideMetadata": {"properties": {"a": "b"}}});
    let log = topic_of(&[
        (json!({"keytype": "NOOP", "magic": 0}), None),
        with_others.clone(),
        version("x", 2, 6, "\"long\"", json!({"references": null, "schemaType": null})),
        (config.clone(), Some(said.clone())),
        (mode.clone(), Some(json!({"subject": "x", "mode": "READWRITE"}))),
    ]);
    let registry = over(&log);
    registry.set_rules(Some("x"), Rules { level: None, normalize: Some(true) }).unwrap();
    let mut expected = said;
    expected["normalize"] = json!(true);
    assert_eq!(last_value(&log, &config), Some(expected));
    registry.set_mode(Some("x"), Mode::Import, true).unwrap();
    assert_eq!(last_value(&log, &mode), Some(json!({"subject": "x", "mode": "IMPORT"})));
    // As a program that copies registries does when it is started again.
    let again = NewSchema { id: Some(5), version: Some(1), ..avro("\"int\"") };
    assert_eq!(registry.register("x", &again), Ok(5));
    assert_eq!(last_value(&log, &with_others.0), with_others.1);
    registry.set_mode(Some("x"), Mode::Readwrite, true).unwrap();
    registry.delete_version("x", VersionNumber::Is(1), false).unwrap();
    let mut expected = with_others.1.unwrap();
    expected["deleted"] = json!(true);
    for registry in [registry, over(&compacted(&log))] {
        assert_eq!(last_value(&log, &with_others.0), Some(expected.clone()));
        assert_eq!(registry.versions("x", Which::All), Ok(vec![1, 2]));
    }
    // It comes back as another version, without what was said of the old one, which therefore stays.
    let registry = over(&log);
    assert_eq!(registry.register("x", &avro("\"int\"")), Ok(5));
    assert_eq!(registry.versions("x", Which::All), Ok(vec![1, 2, 3]));
    assert_eq!(last_value(&log, &with_others.0), Some(expected));
}

#[test]
fn an_id_may_stand_with_other_references_or_in_another_form() {
    let to = |version: i32| json!({"references": [{"name": "R", "subject": "r", "version": version}]});
    let records = [
        version("r", 1, 1, r#"{"type":"record","name":"R","fields":[]}"#, json!({})),
        version("r", 2, 2, r#"{"type":"record","name":"R","fields":[],"doc":"2"}"#, json!({})),
        version("a", 1, 3, r#"{"type":"array","items":"R"}"#, to(1)),
        version("b", 1, 3, r#"{"type":"array","items":"R"}"#, to(2)),
        version("c", 1, 3, r#"{"type":"array","items":"R"}"#, to(1)),
        version("d", 1, 4, r#""int""#, json!({})),
        version("e", 1, 4, r#"{"type": "int"}"#, json!({})),
    ];
    let log = topic_of(&records);
    let registry = over(&log);
    let subjects_of = |id| registry.places(id, Which::Live).map(|places| places.len());
    assert_eq!((subjects_of(3), subjects_of(4)), (Ok(3), Ok(2)));
    // Each keeps what its record says.
    for subject in ["b", "c", "d", "e"] {
        registry.delete_version(subject, VersionNumber::Is(1), false).unwrap();
    }
    for (key, value) in &records[3..] {
        let mut expected = value.clone().unwrap();
        expected["deleted"] = json!(true);
        assert_eq!(last_value(&log, key), Some(expected));
    }
    assert_eq!(registry.delete_version("r", VersionNumber::Is(2), false).unwrap_err().code(), 42206);
    registry.delete_version("b", VersionNumber::Is(1), true).unwrap();
    registry.delete_version("r", VersionNumber::Is(2), false).unwrap();
    assert_eq!(registry.delete_version("r", VersionNumber::Is(1), false).unwrap_err().code(), 42206);
    registry.delete_subject("a", false).unwrap();
    registry.delete_subject("a", true).unwrap();
    assert_eq!(registry.by_id(3).unwrap().references[0].version, 1);
}

#[test]
fn of_a_version_that_is_written_again_the_last_record_counts() {
    let log = topic_of(&[version("x", 1, 1, "\"int\"", json!({})), version("x", 1, 1, "\"long\"", json!({}))]);
    let registry = over(&log);
    assert_eq!(&*registry.by_id(1).unwrap().text, "\"long\"");
    assert_eq!(registry.register("y", &avro("\"long\"")), Ok(1));
    log.append(outputs(&[version("y", 1, 7, "\"string\"", json!({}))])).unwrap();
    assert_eq!(&*registry.version("y", VersionNumber::Latest, Which::Live).unwrap().schema.text, "\"string\"");
}

#[test]
fn what_another_has_written_is_never_taken_back() {
    let records = [
        version("a", 1, 1, "\"int\"", json!({})),
        version("b", 1, 1, "\"string\"", json!({"metadata": {"properties": {"a": "b"}}})),
        version("c", 3, 9, "a text of its own", json!({"schemaType": "THRIFT"})),
    ];
    let log = topic_of(&records);
    let registry = over(&log);
    assert_eq!(registry.subjects("", Which::All), Ok(vec!["a".to_owned()]), "one id has one meaning here");
    // Others know these versions, and have told their ids.
    assert_eq!(registry.register("b", &avro("\"long\"")), Ok(10));
    assert_eq!(registry.versions("b", Which::All), Ok(vec![2]));
    assert_eq!(registry.register("c", &avro("\"long\"")), Ok(10));
    assert_eq!(registry.versions("c", Which::All), Ok(vec![4]));
    for (subject, number) in [("b", 1), ("c", 3)] {
        registry.set_mode(Some(subject), Mode::Import, true).unwrap();
        let over_it = NewSchema { id: Some(12), version: Some(number), ..avro("\"double\"") };
        let problem = registry.register(subject, &over_it).unwrap_err();
        assert!(problem.to_string().contains("is not permitted"), "{problem}");
    }
    let late = version("d", 1, 1, "\"float\"", json!({}));
    log.append(outputs(std::slice::from_ref(&late))).unwrap();
    registry.set_mode(Some("d"), Mode::Readwrite, false).unwrap();
    for (key, value) in records.into_iter().chain([late]) {
        assert_eq!(last_value(&log, &key), value);
    }
    // Once the id has no other meaning, the record counts.
    registry.delete_subject("a", false).unwrap();
    registry.delete_subject("a", true).unwrap();
    for registry in [registry, over(&compacted(&log))] {
        assert_eq!(&*registry.by_id(1).unwrap().text, "\"string\"");
        assert_eq!(registry.versions("b", Which::All), Ok(vec![1, 2]));
    }
}

#[test]
fn clearing_a_subject_takes_what_was_deleted_softly() {
    let key = |keytype: &str| json!({"keytype": keytype, "subject": "x", "magic": 0});
    let log = topic_of(&[
        version("a", 1, 1, "\"int\"", json!({})),
        version("x", 1, 1, "\"string\"", json!({})),
        version("x", 2, 2, "\"long\"", json!({})),
        (key("DELETE_SUBJECT"), Some(json!({"subject": "x", "version": 2}))),
        version("x", 3, 3, "\"double\"", json!({})),
        (key("CLEAR_SUBJECT"), Some(json!({"subject": "x"}))),
    ]);
    let registry = over(&log);
    assert_eq!(registry.versions("x", Which::All), Ok(vec![3]));
    registry.delete_subject("a", false).unwrap();
    registry.delete_subject("a", true).unwrap();
    assert_eq!(registry.versions("x", Which::All), Ok(vec![3]), "what was left out is cleared, too");
}

/// A log to which another process appends just before this one does, or before this one asks for the second time what there
/// is.
struct Shared {
    inner: Arc<dyn Log>,
    others: Mutex<Option<Vec<Output>>>,
    at_question: AtomicUsize,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self { inner: topic_of(&[]), others: Mutex::default(), at_question: AtomicUsize::new(0) })
    }

    fn write_others(&self) {
        if let Some(others) = self.others.lock().take() {
            self.inner.append(others).unwrap();
        }
    }
}

impl ForwardingLog for Shared {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>, LogError> {
        self.write_others();
        self.inner.append(outputs)
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds, LogError> {
        if self.at_question.load(Ordering::SeqCst) > 0 && self.at_question.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.write_others();
        }
        self.inner.bounds(of)
    }
}

#[test]
fn of_two_that_write_at_once_the_first_one_counts() {
    let shared = Shared::new();
    let log: Arc<dyn Log> = shared.clone();
    let registry = over(&log);
    let first = version("x", 1, 1, "\"int\"", json!({"guid": "g"}));
    *shared.others.lock() = Some(outputs(std::slice::from_ref(&first)));
    let told = registry.register("x", &avro("\"string\"")).unwrap_err();
    assert!(told.to_string().contains("another process writes topic _schemas"), "{told}");
    assert_eq!(last_value(&log, &first.0), first.1);
    for registry in [&registry, &over(&log), &over(&compacted(&log))] {
        assert_eq!(&*registry.by_id(1).unwrap().text, "\"int\"");
    }
    let second = version("z", 1, 2, "\"long\"", json!({}));
    *shared.others.lock() = Some(outputs(std::slice::from_ref(&second)));
    registry.register("y", &avro("\"string\"")).unwrap_err();
    let key = json!({"keytype": "SCHEMA", "subject": "y", "version": 1, "magic": 1});
    assert_eq!((last_value(&log, &second.0), last_value(&log, &key)), (second.1, None));
    assert_eq!(registry.register("y", &avro("\"string\"")), Ok(3));
}

#[test]
fn what_another_writes_beside_hinders_nobody() {
    let shared = Shared::new();
    let log: Arc<dyn Log> = shared.clone();
    let registry = over(&log);
    let beside = || Some(outputs(&[(json!({"keytype": "NOOP", "magic": 0}), None)]));
    *shared.others.lock() = beside();
    assert_eq!(registry.register("x", &avro("\"string\"")), Ok(1));
    *shared.others.lock() = beside();
    assert_eq!(registry.delete_version("x", VersionNumber::Is(1), false), Ok(1));
    *shared.others.lock() = beside();
    assert_eq!(registry.delete_version("x", VersionNumber::Is(1), true), Ok(1));
}

#[test]
fn what_changes_while_a_schema_is_compared_counts() {
    let shared = Shared::new();
    let log: Arc<dyn Log> = shared.clone();
    let registry = over(&log);
    registry.register("x", &avro("\"int\"")).unwrap();
    *shared.others.lock() = Some(outputs(&[version("x", 2, 2, "\"string\"", json!({}))]));
    shared.at_question.store(2, Ordering::SeqCst);
    // It goes with the version that was there.
    assert_eq!(registry.register("x", &avro("\"long\"")).unwrap_err().code(), 409);
    assert_eq!(registry.versions("x", Which::All), Ok(vec![1, 2]));
}

#[test]
fn a_version_gives_way_only_to_one_that_stands() {
    let shared = Shared::new();
    let log: Arc<dyn Log> = shared.clone();
    let registry = over(&log);
    registry.register("x", &avro("\"int\"")).unwrap();
    registry.delete_version("x", VersionNumber::Latest, false).unwrap();
    *shared.others.lock() = Some(outputs(&[version("x", 2, 2, "\"string\"", json!({}))]));
    registry.register("x", &avro("\"int\"")).unwrap_err();
    assert_eq!(registry.versions("x", Which::All), Ok(vec![1, 2]));
    assert_eq!(&*registry.by_id(1).unwrap().text, "\"int\"");
}
