//! What the registry makes of a topic that is not as it left it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::log::forwarding::ForwardingLog;
use crate::log::{Bounds, Log, LogError, Output, Topic, TopicPartition, TopicSpec};
use crate::schemas::{SchemaError, Schemas};

use super::tests::{avro, in_memory, over};
use super::*;

/// A log of which an append may fail and be carried out all the same, just before the next one.
struct Late {
    inner: Arc<dyn Log>,
    holds_next: AtomicBool,
    held: Mutex<Option<Vec<Output>>>,
}

impl ForwardingLog for Late {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>, LogError> {
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
        let late = Arc::new(Late { inner: in_memory(), holds_next: true.into(), held: Mutex::default() });
        let log: Arc<dyn Log> = late;
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
    blind.is_blind.store(true, Ordering::SeqCst);
    let registry = over(&log);
    let told = registry.by_id(1).unwrap_err();
    assert!(told.may_pass() && told.to_string().contains("is not there now"), "{told}");
    assert_eq!(registry.register("y", &avro("\"long\"")).unwrap_err().code(), 50001);
    blind.is_blind.store(false, Ordering::SeqCst);
    assert_eq!(&*registry.by_id(1).unwrap().text, "\"int\"");
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
