//! What the registry makes of a topic that is not as it left it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::log::forwarding::ForwardingLog;
use crate::log::{
    Bounds, Log, LogError, Output, Position, RawBatch, Reader, RecordsBuilder, Result as LogResult, Signal, Topic,
    TopicPartition, TopicSpec,
};
use crate::schemas::{SchemaError, Schemas};

use super::tests::{avro, in_memory, over};
use super::*;

/// A log of which an append may fail and be carried out all the same, just before the next one.
struct Late {
    inner: Arc<dyn Log>,
    holds_next: AtomicBool,
    held: Mutex<Option<Vec<Output>>>,
    /// Appends before one that fails.
    until_failure: AtomicUsize,
}

fn late(until_failure: usize) -> Arc<dyn Log> {
    let (holds_next, held) = (true.into(), Mutex::default());
    Arc::new(Late { inner: in_memory(), holds_next, held, until_failure: until_failure.into() })
}

impl ForwardingLog for Late {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>, LogError> {
        if self.until_failure.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(LogError::Broker("it is down".to_owned()));
        }
        if self.holds_next.swap(false, Ordering::SeqCst) {
            *self.held.lock() = Some(outputs);
            return Err(LogError::Broker("no answer".to_owned()));
        }
        if let Some(held) = self.held.lock().take() {
            self.inner.append(held)?;
        }
        self.inner.append(outputs)
    }
}

#[test]
fn an_append_that_comes_late_gives_no_id_two_meanings() {
    for subject in ["b", "a"] {
        let log = late(1_000);
        let registry = over(&log);
        assert_eq!(registry.register("a", &avro("\"int\"")).unwrap_err().code(), 50001);
        // It gets the id of the other one, which is written before it.
        let told = registry.register(subject, &avro("\"string\"")).unwrap_err();
        assert!(told.to_string().contains("another process writes topic _schemas"), "{told}");
        for registry in [&registry, &over(&log)] {
            assert_eq!(&*registry.by_id(1).unwrap().text, "\"int\"");
            let latest = registry.version("a", VersionNumber::Latest, Which::Live).unwrap();
            assert_eq!((latest.version, latest.id, &*latest.schema.text), (1, 1, "\"int\""));
            assert_eq!(registry.subjects("", Which::All), Ok(vec!["a".to_owned()]));
        }
        assert_eq!(registry.register("c", &avro("\"string\"")), Ok(2));
    }
}

pub(super) fn read_all(log: &Arc<dyn Log>) -> Vec<(usize, RawBatch)> {
    let of = TopicPartition { topic: TOPIC.into(), partition: 0 };
    log.reader(vec![Position { of, offset: 0 }], Arc::default()).unwrap().poll(1 << 20).unwrap()
}

/// A log with the last record of each key.
pub(super) fn compacted(log: &Arc<dyn Log>) -> Arc<dyn Log> {
    let mut last = BTreeMap::new();
    for (_, batch) in read_all(log) {
        for ((offset, key), value) in batch.offsets.iter().zip(&batch.records.keys).zip(&batch.records.values) {
            last.insert(key.map(<[u8]>::to_vec), (*offset, value.map(<[u8]>::to_vec)));
        }
    }
    let mut last: Vec<_> = last.into_iter().map(|(key, (offset, value))| (offset, key, value)).collect();
    last.sort();
    let mut records = RecordsBuilder::default();
    last.iter().for_each(|(_, key, value)| records.push(5, key.as_deref(), value.as_deref()));
    let (log, config) = (in_memory(), BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]));
    log.create_topic(TOPIC, &TopicSpec { partitions: 1, replicas: 1, config }).unwrap();
    let to = TopicPartition { topic: TOPIC.into(), partition: 0 };
    log.append(vec![Output { to, records: records.finish() }]).unwrap();
    log
}

#[test]
fn what_an_append_that_came_late_left_has_one_meaning_after_a_start() {
    // Neither was told an id. Of the same version the last one counts, of two with one id the first.
    for (subject, first) in [("b", "\"int\""), ("a", "\"string\"")] {
        // The third one would have taken it back.
        let log = late(2);
        let registry = over(&log);
        registry.register("a", &avro("\"int\"")).unwrap_err();
        registry.register(subject, &avro("\"string\"")).unwrap_err();
        let restarted = over(&log);
        assert_eq!(restarted.register("c", &avro("\"long\"")), Ok(2));
        let registry = over(&compacted(&log));
        for (id, text) in [(1, first), (2, "\"long\"")] {
            assert_eq!(&*registry.by_id(id).unwrap().text, text);
        }
        assert_eq!(registry.subjects("", Which::All), Ok(vec!["a".to_owned(), "c".to_owned()]));
    }
}

/// A log of which the first reader comes to the end too early.
struct Stale {
    inner: Arc<dyn Log>,
    is_stale: AtomicBool,
}

struct Ended;

impl Reader for Ended {
    fn poll(&mut self, _: usize) -> LogResult<Vec<(usize, RawBatch)>> {
        Ok(Vec::new())
    }

    fn has_reached_end(&self, _: usize) -> bool {
        true
    }
}

impl ForwardingLog for Stale {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> LogResult<Box<dyn Reader>> {
        match self.is_stale.swap(false, Ordering::SeqCst) {
            true => Ok(Box::new(Ended)),
            false => self.inner.reader(from, wake),
        }
    }
}

#[test]
fn an_end_before_the_one_that_was_told_is_not_believed_at_once() {
    let inner = in_memory();
    over(&inner).register("x", &avro("\"int\"")).unwrap();
    let log: Arc<dyn Log> = Arc::new(Stale { inner, is_stale: true.into() });
    assert_eq!(&*over(&log).by_id(1).unwrap().text, "\"int\"");
}

/// A log that has not heard of topics.
struct Blind {
    inner: Arc<dyn Log>,
    is_blind: AtomicBool,
}

impl ForwardingLog for Blind {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn knows_all_topics(&self) -> bool {
        false
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds, LogError> {
        if self.is_blind.load(Ordering::SeqCst) {
            return Err(LogError::UnknownTopic(of.topic.to_string()));
        }
        self.inner.bounds(of)
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>, LogError> {
        if self.is_blind.load(Ordering::SeqCst) { Ok(None) } else { self.inner.topic(name) }
    }
}

#[test]
fn a_topic_that_brokers_have_not_heard_of_yet_is_no_empty_registry() {
    let blind = Arc::new(Blind { inner: in_memory(), is_blind: true.into() });
    let log: Arc<dyn Log> = blind.clone();
    assert_eq!(over(&log).by_id(1), Err(SchemaError::UnknownId(1)), "there has never been one");
    blind.is_blind.store(false, Ordering::SeqCst);
    over(&log).register("x", &avro("\"int\"")).unwrap();
    // What it says is the same for who has read the topic and for who has not.
    let reader = over(&log);
    reader.by_id(1).unwrap();
    blind.is_blind.store(true, Ordering::SeqCst);
    assert!(reader.by_id(2).unwrap_err().to_string().contains("is not there now"));
    let registry = over(&log);
    let told = registry.by_id(1).unwrap_err();
    assert!(told.may_pass() && told.to_string().contains("is not there now"), "{told}");
    assert_eq!(registry.register("y", &avro("\"long\"")).unwrap_err().code(), 50001);
    blind.is_blind.store(false, Ordering::SeqCst);
    assert_eq!(&*registry.by_id(1).unwrap().text, "\"int\"");
}

/// A cluster that does not let everybody see how topics are configured.
struct Discreet(Arc<dyn Log>);

impl ForwardingLog for Discreet {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.0
    }

    fn knows_all_topics(&self) -> bool {
        false
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>, LogError> {
        let mut topic = self.0.topic(name)?;
        topic.iter_mut().for_each(|topic| topic.spec.config.clear());
        Ok(topic)
    }
}

#[test]
fn a_policy_that_is_not_told_is_not_called_a_wrong_one() {
    let inner = in_memory();
    over(&inner).register("x", &avro("\"int\"")).unwrap();
    let log: Arc<dyn Log> = Arc::new(Discreet(Arc::clone(&inner)));
    let told = over(&log).by_id(1).unwrap_err();
    assert!(told.may_pass() && told.to_string().contains("does not tell its cleanup.policy"), "{told}");
}

#[test]
fn a_topic_of_a_cluster_that_lost_records_is_told() {
    let inner = in_memory();
    let log: Arc<dyn Log> = Arc::new(Blind { inner: Arc::clone(&inner), is_blind: false.into() });
    let registry = over(&log);
    registry.register("x", &avro("\"int\"")).unwrap();
    let config = inner.topic(TOPIC).unwrap().unwrap().spec;
    inner.delete_topic(TOPIC).unwrap();
    inner.create_topic(TOPIC, &config).unwrap();
    let told = registry.register("y", &avro("\"int\"")).unwrap_err().to_string();
    assert!(told.contains("was made anew, or its brokers have lost records of it; start the server again"), "{told}");
}

#[test]
fn a_topic_that_would_lose_schemas_is_refused() {
    let with = |partitions: u32, policy: Option<&str>| {
        let log = in_memory();
        let config = policy.map(|policy| ("cleanup.policy".to_owned(), policy.to_owned()));
        let config: BTreeMap<String, String> = config.into_iter().collect();
        log.create_topic(TOPIC, &TopicSpec { partitions, replicas: 1, config }).unwrap();
        over(&log).register("x", &avro("\"int\"")).map_err(|problem| (problem.code(), problem.to_string()))
    };
    assert_eq!(with(1, Some("compact")), Ok(1));
    for (partitions, policy, told) in [
        (1, None, "cleanup.policy=delete"),
        (1, Some("compact,delete"), "cleanup.policy=compact,delete"),
        (2, Some("compact"), "has 2 partitions"),
    ] {
        let (code, message) = with(partitions, policy).unwrap_err();
        assert!(code == 50001 && message.contains(told), "{message}");
    }
}
