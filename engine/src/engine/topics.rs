//! What the planner asks about topics, and what it was told: entries of earlier versions' command logs hold it, so that
//! planning them again gets the same answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::commands::OldTopic;
use crate::config::{Config, KafkaClient, setting};
use crate::log::kafka::{Given, MemberSettings, Security};
use crate::log::{ClientSettings, Kafka, KafkaSettings, Log, LogError};
use crate::plan::{DEFAULT_RETENTION_MS, NewTopic, TopicInfo, Topics};

/// Answers from the log, from topics that are about to be made, or from a remembered conversation.
pub(super) struct KnownTopics<'a> {
    log: Option<&'a dyn Log>,
    planned: &'a [NewTopic],
    answers: RefCell<BTreeMap<String, Option<TopicInfo>>>,
    /// Why the log could not be asked: the planner then took a topic for missing.
    failed: RefCell<Option<LogError>>,
}

impl<'a> KnownTopics<'a> {
    /// Asks the log, then what is planned.
    pub(super) fn of_log(log: &'a dyn Log, planned: &'a [NewTopic]) -> Self {
        Self { log: Some(log), planned, answers: RefCell::default(), failed: RefCell::default() }
    }

    /// Repeats what was said.
    pub(super) fn remembered(answers: BTreeMap<String, Option<OldTopic>>) -> Self {
        let told = |OldTopic { partitions, replicas, retention_ms }| TopicInfo { partitions, replicas, retention_ms };
        let answers = answers.into_iter().map(|(name, topic)| (name, topic.map(told))).collect();
        Self { log: None, planned: &[], answers: RefCell::new(answers), failed: RefCell::default() }
    }

    /// If the log could not be asked, that is what failed, whatever the planner said.
    pub(super) fn check(self) -> Result<(), LogError> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }

    fn look(&self, name: &str) -> Option<TopicInfo> {
        let planned = || self.planned.iter().find(|topic| topic.name == name);
        match self.log?.topic(name) {
            Ok(Some(topic)) => Some(TopicInfo {
                partitions: topic.spec.partitions,
                replicas: topic.spec.replicas,
                retention_ms: topic
                    .spec
                    .config
                    .get("retention.ms")
                    .and_then(|ms| ms.parse().ok())
                    .unwrap_or(DEFAULT_RETENTION_MS),
            }),
            Ok(None) => planned().map(|topic| TopicInfo {
                partitions: topic.partitions,
                replicas: topic.replicas,
                retention_ms: topic.retention_ms.unwrap_or(DEFAULT_RETENTION_MS),
            }),
            Err(error) => {
                tracing::warn!(topic = name, "cannot look at the topic: {error}");
                self.failed.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

impl Topics for KnownTopics<'_> {
    fn topic(&self, name: &str) -> Option<TopicInfo> {
        let known = self.answers.borrow().get(name).copied();
        known.unwrap_or_else(|| {
            let answer = self.look(name);
            self.answers.borrow_mut().insert(name.to_owned(), answer);
            answer
        })
    }
}

/// The log of a Kafka cluster; state stands in the data directory.
pub(super) fn kafka(brokers: &str, dir: &Path, config: &Config, threads: usize) -> Result<Arc<dyn Log>, LogError> {
    let settings = KafkaSettings {
        transactions: config.is_exactly_once().then(|| format!("_confluent-ksql-{}", config.service_id())),
        member: Some(member(config)),
        ..kafka_settings(brokers, config, threads)?
    };
    Ok(Arc::new(Kafka::open(&settings, dir)?))
}

/// The same for one who only looks, and is none of the processes that share the work.
pub(super) fn kafka_to_look_at(brokers: &str, scratch: &Path, config: &Config) -> Result<Arc<dyn Log>, LogError> {
    Ok(Arc::new(Kafka::open(&kafka_settings(brokers, config, 1)?, scratch)?))
}

fn kafka_settings(brokers: &str, config: &Config, threads: usize) -> Result<KafkaSettings, LogError> {
    let client = |client| {
        Ok::<_, LogError>(ClientSettings { security: security(config, client)?, tuning: config.kafka_tuning(client) })
    };
    Ok(KafkaSettings {
        bootstrap_servers: brokers.to_owned(),
        admin: client(KafkaClient::Admin)?,
        producer: client(KafkaClient::Producer)?,
        consumer: client(KafkaClient::Consumer)?,
        // What ksqlDB's documents ask to be allowed covers it.
        readers: format!("_confluent-ksql-{}reader", config.service_id()),
        transactions: None,
        threads,
        member: None,
    })
}

fn member(config: &Config) -> MemberSettings {
    MemberSettings {
        group: format!("_confluent-ksql-{}_members", config.service_id()),
        replicas: config.get(setting::INTERNAL_TOPIC_REPLICAS) as u16,
        session_timeout_ms: config.get(setting::SESSION_TIMEOUT_MS) as u32,
        instance: config.get(setting::GROUP_INSTANCE_ID).map(str::to_owned).filter(|id| !id.is_empty()),
    }
}

fn security(config: &Config, client: KafkaClient) -> Result<Security, LogError> {
    let mut security = Security::default();
    for setting in config.kafka_security(client).map_err(|error| LogError::Invalid(error.to_string()))? {
        match setting.own {
            Some(own) => drop(security.own.insert(own.to_owned(), setting.value.to_owned())),
            None => {
                let given = Given { name: setting.name.to_owned(), value: setting.value.to_owned() };
                security.java.insert(setting.bare, given);
            }
        }
    }
    Ok(security)
}
