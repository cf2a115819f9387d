//! Topics of the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use parking_lot::Mutex;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigEntry, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::{Offset, TopicPartitionList};

use crate::log::kafka::connection::{Call, Connection, Events};
use crate::log::{Bounds, LogError, Position, Result, Topic, TopicPartition, TopicSpec, topic_rules};

/// How long the first question may take before it is looked whether the client is let in.
const FIRST_TRY: Duration = Duration::from_millis(500);
/// How long a question to the cluster may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a topic may take until all brokers know it (or know it is gone).
const SPREAD: Duration = Duration::from_secs(15);
/// How long to wait for the broker that keeps a consumer group.
const COORDINATOR: Duration = Duration::from_secs(5);
/// How long to listen to what the client has to report.
const REPORTS: Duration = Duration::from_millis(20);
const SPREAD_CHECK: Duration = Duration::from_millis(20);

/// Asks and changes the cluster.
pub(super) struct Admin {
    connection: Arc<Connection>,
    admin: AdminClient<Events>,
    /// For metadata and watermarks: unlike a producer, a consumer never makes topics by asking for them.
    client: BaseConsumer<Events>,
    /// Partitions of topics known to exist.
    known: Mutex<HashMap<String, u32>>,
}

impl Admin {
    /// Connects lazily.
    pub(super) fn new(connection: Arc<Connection>) -> Result<Admin> {
        // The end of a partition is what has been written for the one, and what may be read for the other.
        let config = connection.config(&[("isolation.level", "read_uncommitted")]);
        let admin = connection.made(AdminClient::from_config_and_context(&config, connection.events()))?;
        let config = connection.config(&[("isolation.level", "read_committed")]);
        let client = connection.made(BaseConsumer::from_config_and_context(&config, connection.events()))?;
        Ok(Admin { connection, admin, client, known: Mutex::default() })
    }

    /// Fails unless a broker answers.
    pub(super) fn check_reachable(&self) -> Result<()> {
        self.metadata(Some("_")).map(drop)
    }

    /// The id that the cluster gave itself when it was made.
    pub(super) fn cluster_id(&self) -> Option<String> {
        self.client.client().fetch_cluster_id(TIMEOUT)
    }

    /// Fails unless the partition exists.
    pub(super) fn check_partition(&self, of: &TopicPartition) -> Result<()> {
        let known = self.known.lock().get(&*of.topic).copied();
        let partitions = match known {
            Some(partitions) if of.partition < partitions => partitions,
            _ => {
                let metadata = self.metadata(Some(&of.topic))?;
                self.check_seen(&metadata)?;
                let topic = existing(&metadata).next();
                let topic = topic.ok_or_else(|| LogError::UnknownTopic(of.topic.to_string()))?;
                let partitions = topic.partitions().len() as u32;
                self.known.lock().insert(of.topic.to_string(), partitions);
                partitions
            }
        };
        match of.partition < partitions {
            true => Ok(()),
            false => Err(LogError::UnknownPartition { topic: of.topic.to_string(), partition: of.partition }),
        }
    }

    /// Makes a topic and waits until it can be used.
    pub(super) fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        topic_rules::check(name, spec.partitions)?;
        // no replicas = as many as the broker thinks right
        let replicas = if spec.replicas == 0 { -1 } else { i32::from(spec.replicas) };
        let mut topic = NewTopic::new(name, spec.partitions as i32, TopicReplication::Fixed(replicas));
        for (key, value) in &spec.config {
            topic = topic.set(key, value);
        }
        let call = Call { does: "creating", needs: "Create", topic: name };
        let answer = block_on(self.admin.create_topics([&topic], &options()));
        match first(answer.map_err(|error| self.connection.failed(call, &error))?) {
            Ok(()) => {}
            Err(RDKafkaErrorCode::TopicAlreadyExists) => return Err(LogError::TopicExists(name.to_owned())),
            Err(
                code @ (RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::InvalidPartitions
                | RDKafkaErrorCode::InvalidReplicationFactor
                | RDKafkaErrorCode::InvalidConfig
                | RDKafkaErrorCode::PolicyViolation),
            ) => return Err(LogError::Invalid(format!("{call}: {code}"))),
            Err(code) => return Err(self.connection.failed_with(call, Some(code), &code.to_string())),
        }
        let is_led = |topic: &MetadataTopic| {
            topic.partitions().len() == spec.partitions as usize && topic.partitions().iter().all(|p| p.leader() >= 0)
        };
        self.wait_until(name, |topic| topic.is_some_and(is_led))
    }

    /// Removes a topic and waits until it is gone.
    pub(super) fn delete_topic(&self, name: &str) -> Result<()> {
        let call = Call { does: "deleting", needs: "Delete", topic: name };
        let answer = block_on(self.admin.delete_topics(&[name], &options()));
        self.known.lock().remove(name);
        match first(answer.map_err(|error| self.connection.failed(call, &error))?) {
            Ok(()) => self.wait_until(name, |topic| topic.is_none()),
            Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Err(LogError::UnknownTopic(name.to_owned()))
            }
            Err(code) => Err(self.connection.failed_with(call, Some(code), &code.to_string())),
        }
    }

    /// A topic. Its configuration is empty where it may not be seen.
    pub(super) fn topic(&self, name: &str) -> Result<Option<Topic>> {
        // What no topic can be called is none of the broker's business.
        if topic_rules::check_name(name).is_err() {
            return Ok(None);
        }
        let deadline = Instant::now() + SPREAD;
        loop {
            let metadata = self.metadata(Some(name))?;
            self.check_seen(&metadata)?;
            let Some((topic, problem)) = self.described(existing(&metadata).collect())?.pop() else { return Ok(None) };
            match problem {
                None | Some(RDKafkaErrorCode::TopicAuthorizationFailed) => return Ok(Some(topic)),
                // Not every broker has heard of it yet, or some have heard already that it is gone.
                problem if is_passing(problem) && Instant::now() < deadline => std::thread::sleep(SPREAD_CHECK),
                Some(code) => {
                    let does = "asking for the configuration of";
                    let call = Call { does, needs: "DescribeConfigs", topic: name };
                    return Err(self.connection.failed_with(call, Some(code), &code.to_string()));
                }
            }
        }
    }

    /// All topics, by name. The configuration of one is empty where it cannot be seen.
    pub(super) fn topics(&self) -> Result<Vec<Topic>> {
        let metadata = self.metadata(None)?;
        let described = self.described(existing(&metadata).collect())?;
        let mut topics: Vec<Topic> = described.into_iter().map(|(topic, _)| topic).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// How many partitions each topic has.
    pub(super) fn partitions(&self) -> Result<BTreeMap<String, u32>> {
        let metadata = self.metadata(None)?;
        let counts: BTreeMap<_, _> =
            existing(&metadata).map(|topic| (topic.name().to_owned(), topic.partitions().len() as u32)).collect();
        let mut known = self.known.lock();
        known.retain(|topic, partitions| counts.get(topic) == Some(partitions));
        Ok(counts)
    }

    /// Where a partition begins and what can be read of it ends: before the first record of a transaction that is open.
    pub(super) fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        self.watermarks(of, || self.client.fetch_watermarks(&of.topic, of.partition as i32, TIMEOUT))
    }

    /// Offset behind all that has been written, transactions that are open among it.
    pub(super) fn written_end(&self, of: &TopicPartition) -> Result<i64> {
        let ask = || self.admin.inner().fetch_watermarks(&of.topic, of.partition as i32, TIMEOUT);
        Ok(self.watermarks(of, ask)?.end)
    }

    fn watermarks(&self, of: &TopicPartition, ask: impl Fn() -> KafkaResult<(i64, i64)>) -> Result<Bounds> {
        let call = Call { does: "asking for the bounds of", needs: "Describe", topic: &of.topic };
        let deadline = Instant::now() + SPREAD;
        loop {
            match ask() {
                Ok((begin, end)) => return Ok(Bounds { begin, end }),
                Err(error) if is_passing(error.rdkafka_error_code()) && Instant::now() < deadline => {
                    std::thread::sleep(SPREAD_CHECK);
                }
                Err(error) => {
                    return Err(match error.rdkafka_error_code() {
                        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => LogError::UnknownTopic(of.topic.to_string()),
                        _ => self.connection.failed(call, &error),
                    });
                }
            }
        }
    }

    /// Removes the records before the positions.
    pub(super) fn delete_records(&self, before: &[Position]) -> Result<()> {
        let call = |topic| Call { does: "deleting records of", needs: "Delete", topic };
        let mut offsets = TopicPartitionList::with_capacity(before.len());
        let added = before.iter().try_for_each(|Position { of, offset }| {
            offsets.add_partition_offset(&of.topic, of.partition as i32, Offset::Offset(*offset))
        });
        let answer = added.and_then(|()| block_on(self.admin.delete_records(&offsets, &options())));
        let answer = answer.map_err(|error| self.connection.failed(call(""), &error))?;
        let elements = answer.elements();
        let refused = elements.iter().find_map(|element| element.error().err().map(|error| (element.topic(), error)));
        match refused {
            Some((topic, error)) => Err(self.connection.failed(call(topic), &error)),
            None => Ok(()),
        }
    }

    /// Whether a group has members. All brokers must answer.
    pub(super) fn has_members(&self, group: &str) -> Result<bool> {
        let call = Call { does: "asking who is in a query's consumer group", needs: "Describe", topic: "" };
        let groups = self.client.fetch_group_list(Some(group), COORDINATOR);
        let groups = groups.map_err(|error| self.connection.failed(call, &error))?;
        Ok(groups.groups().iter().any(|found| found.name() == group && !found.members().is_empty()))
    }

    /// Removes a group's positions from the broker; it need not know the group.
    pub(super) fn delete_group(&self, group: &str) -> Result<()> {
        let deadline = Instant::now() + COORDINATOR;
        loop {
            let answer = block_on(self.admin.delete_groups(&[group], &options()));
            let code = match answer.map(first) {
                Ok(Ok(()) | Err(RDKafkaErrorCode::GroupIdNotFound)) => return Ok(()),
                Ok(Err(code)) => Some(code),
                Err(error) => error.rdkafka_error_code(),
            };
            // A cluster that has just started or moved the group needs a moment to find who keeps it.
            let is_moving = matches!(
                code,
                Some(
                    RDKafkaErrorCode::CoordinatorLoadInProgress
                        | RDKafkaErrorCode::CoordinatorNotAvailable
                        | RDKafkaErrorCode::NotCoordinator
                )
            );
            if !is_moving || Instant::now() > deadline {
                let text = code.map(|code| code.to_string()).unwrap_or_default();
                let call = Call { does: "deleting a query's consumer group", needs: "Delete", topic: "" };
                return Err(self.connection.failed_with(call, code, &text));
            }
            std::thread::sleep(SPREAD_CHECK);
        }
    }

    /// Topics with the configuration that was set for them, or why it is not told.
    fn described(&self, topics: Vec<&MetadataTopic>) -> Result<Vec<(Topic, Option<RDKafkaErrorCode>)>> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic.name())).collect();
        let answer = block_on(self.admin.describe_configs(&resources, &options()));
        let call = Call { does: "asking for topic configurations", needs: "DescribeConfigs", topic: "" };
        let answer = answer.map_err(|error| self.connection.failed(call, &error))?;
        let with_config = topics.into_iter().zip(answer).map(|(topic, config)| {
            let (entries, problem) = match config {
                Ok(config) => (config.entries, None),
                Err(code) => (Vec::new(), Some(code)),
            };
            let is_set = |entry: &ConfigEntry| entry.source == ConfigSource::DynamicTopic;
            // A broker may compact whatever nobody has said otherwise of. If this is missing it was not told.
            let is_policy = |entry: &ConfigEntry| entry.name == "cleanup.policy";
            let set = entries.into_iter().filter(|entry| is_set(entry) || is_policy(entry));
            let config: BTreeMap<_, _> = set.filter_map(|entry| Some((entry.name, entry.value?))).collect();
            let replicas = topic.partitions().first().map_or(0, |partition| partition.replicas().len() as u16);
            let partitions = topic.partitions().len() as u32;
            (Topic { name: topic.name().to_owned(), spec: TopicSpec { partitions, replicas, config } }, problem)
        });
        Ok(with_config.collect())
    }

    fn wait_until(&self, name: &str, is_right: impl Fn(Option<&MetadataTopic>) -> bool) -> Result<()> {
        let deadline = Instant::now() + SPREAD;
        while !is_right(existing(&self.metadata(Some(name))?).next()) {
            if Instant::now() > deadline {
                return Err(LogError::Broker(format!("the brokers do not agree about topic {name} yet")));
            }
            std::thread::sleep(SPREAD_CHECK);
        }
        Ok(())
    }

    fn metadata(&self, topic: Option<&str>) -> Result<Metadata> {
        let call = Call { does: "asking for topics", needs: "Describe", topic: topic.unwrap_or_default() };
        let deadline = Instant::now() + TIMEOUT;
        let mut patience = FIRST_TRY;
        loop {
            // serves what the client wants to report
            let _ = self.client.poll(Duration::ZERO);
            let left = deadline.saturating_duration_since(Instant::now());
            match self.client.fetch_metadata(topic, patience.min(left)) {
                Ok(metadata) => {
                    self.connection.answered();
                    return Ok(metadata);
                }
                Err(error) => {
                    // A call without patience would serve one report, and the refusal may stand behind others.
                    while self.client.poll(REPORTS).is_some() {}
                    if self.connection.is_refused() || patience >= left {
                        return Err(self.connection.failed(call, &error));
                    }
                }
            }
            patience *= 20;
        }
    }

    /// Fails if the brokers do not let the client see a topic it asked for; it may be there or not.
    fn check_seen(&self, metadata: &Metadata) -> Result<()> {
        let denied = |topic: &&MetadataTopic| {
            topic.error().map(RDKafkaErrorCode::from) == Some(RDKafkaErrorCode::TopicAuthorizationFailed)
        };
        match metadata.topics().iter().find(denied) {
            None => Ok(()),
            Some(topic) => {
                let code = RDKafkaErrorCode::TopicAuthorizationFailed;
                let call = Call { does: "asking for", needs: "Describe", topic: topic.name() };
                Err(self.connection.failed_with(call, Some(code), &code.to_string()))
            }
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

/// What a partition that was made or moved just now answers.
fn is_passing(code: Option<RDKafkaErrorCode>) -> bool {
    matches!(
        code,
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::UnknownTopicOrPartition
        )
    )
}

/// Topics the cluster has (it also answers with those one asked for in vain).
fn existing(metadata: &Metadata) -> impl Iterator<Item = &MetadataTopic> {
    metadata.topics().iter().filter(|topic| topic.error().is_none() && !topic.partitions().is_empty())
}

/// The answer about the one thing asked for.
fn first(
    answers: Vec<std::result::Result<String, (String, RDKafkaErrorCode)>>,
) -> std::result::Result<(), RDKafkaErrorCode> {
    match answers.into_iter().next() {
        Some(Err((_, code))) => Err(code),
        _ => Ok(()),
    }
}
