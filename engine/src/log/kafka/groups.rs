//! Consumer groups of queries: how far each is, on the broker. They have no members, so that positions are set by whoever
//! owns the query's tasks; a group that has some is another program's, and the broker refuses to set its positions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use crate::log::kafka::connection::{Call, Connection, Events};
use crate::log::{LogError, Position, Result, TopicPartition};

/// How long the broker that keeps a group may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Whoever commits does so within this time.
const BRIEFLY: Duration = Duration::from_secs(1);
/// How long transactions of others may keep positions undecided: longer than a transaction may take.
const UNDECIDED: Duration = Duration::from_secs(70);
/// How long a broker that answers takes at most.
const ANSWERING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);

/// What is known of groups.
pub(super) struct Groups {
    connection: Arc<Connection>,
    /// Clients of the groups that were asked about last, newest last: a query's tasks are made one after the other.
    clients: Mutex<Vec<(String, BaseConsumer<Events>)>>,
    /// How many of these are kept.
    kept: usize,
    /// What a transaction has to say of a group.
    metadata: Mutex<HashMap<String, Arc<ConsumerGroupMetadata>>>,
}

impl Groups {
    /// Connects nothing yet; keeps so many clients at most.
    pub(super) fn new(connection: Arc<Connection>, kept: usize) -> Groups {
        Groups { connection, clients: Mutex::default(), kept: kept.max(1), metadata: Mutex::default() }
    }

    /// Where a group stands in some partitions, once no transaction leaves that open. Calls `waits` when that takes its time.
    pub(super) fn committed(&self, group: &str, of: &[TopicPartition], waits: impl Fn()) -> Result<Vec<Position>> {
        let mut partitions = TopicPartitionList::with_capacity(of.len());
        for TopicPartition { topic, partition } in of {
            partitions.add_partition(topic, *partition as i32);
        }
        let deadline = Instant::now() + UNDECIDED;
        let mut patience = BRIEFLY;
        let answer = loop {
            let answer = self.with(group, |client| client.committed_offsets(partitions.clone(), patience))?;
            match answer {
                Err(error) if Instant::now() < deadline && self.is_undecided(group, of, &error)? => {
                    if patience == BRIEFLY {
                        waits();
                        patience = TIMEOUT;
                    }
                    std::thread::sleep(PAUSE);
                }
                answer => break answer,
            }
        };
        let call = Call { does: "asking how far a query is in", needs: "Read", topic: "" };
        let answer = answer.map_err(|error| self.connection.failed(call, &error))?;
        let mut found = Vec::new();
        for (of, element) in of.iter().zip(of.iter().map(|of| answer.find_partition(&of.topic, of.partition as i32))) {
            let Some(element) = element else { continue };
            element.error().map_err(|error| self.connection.failed(call, &error))?;
            if let Offset::Offset(offset) = element.offset() {
                found.push(Position { of: of.clone(), offset });
            }
        }
        Ok(found)
    }

    /// Whether a transaction that has set positions is not over. The library may ask again and again until its time is over:
    /// then a broker answers other questions.
    fn is_undecided(&self, group: &str, of: &[TopicPartition], error: &KafkaError) -> Result<bool> {
        let answers = || {
            let topic = of.first().map(|of| &*of.topic);
            self.with(group, |client| client.fetch_metadata(topic, ANSWERING).is_ok())
        };
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::UnstableOffsetCommit) => Ok(true),
            Some(RDKafkaErrorCode::OperationTimedOut) => answers(),
            _ => Ok(false),
        }
    }

    /// What a transaction has to say of a group, to set its positions.
    pub(super) fn metadata(&self, group: &str) -> Result<Arc<ConsumerGroupMetadata>> {
        if let Some(known) = self.metadata.lock().get(group) {
            return Ok(Arc::clone(known));
        }
        let metadata = self.with(group, |client| client.group_metadata())?;
        let missing = || LogError::Broker(format!("consumer group {group} cannot be named to the brokers"));
        let metadata = Arc::new(metadata.ok_or_else(missing)?);
        self.metadata.lock().insert(group.to_owned(), Arc::clone(&metadata));
        Ok(metadata)
    }

    /// Forgets what it knows of a group.
    pub(super) fn forget(&self, group: &str) {
        self.metadata.lock().remove(group);
        self.clients.lock().retain(|(name, _)| name != group);
    }

    /// Tells the brokers a group's positions, without waiting.
    pub(super) fn tell(&self, group: &str, positions: &[Position]) -> Result<()> {
        if positions.is_empty() {
            return Ok(());
        }
        let mut offsets = TopicPartitionList::with_capacity(positions.len());
        let added = positions.iter().try_for_each(|Position { of, offset }| {
            offsets.add_partition_offset(&of.topic, of.partition as i32, Offset::Offset(*offset))
        });
        self.with(group, |client| {
            if let Err(error) = added.and_then(|()| client.commit(&offsets, CommitMode::Async)) {
                tracing::debug!("the brokers were not told the positions of group {group}: {error}");
            }
            // Serves the answers to earlier commits.
            let _ = client.poll(Duration::ZERO);
        })
    }

    /// Asks a client of the group, which is no member of it.
    fn with<T>(&self, group: &str, ask: impl FnOnce(&BaseConsumer<Events>) -> T) -> Result<T> {
        let mut clients = self.clients.lock();
        if let Some((_, client)) = clients.iter().find(|(name, _)| name == group) {
            return Ok(ask(client));
        }
        let config = self.connection.config(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            // Positions that a transaction may still set are waited for.
            ("isolation.level", "read_committed"),
        ]);
        let client = self.connection.made(BaseConsumer::from_config_and_context(&config, self.connection.events()))?;
        let answer = ask(&client);
        if clients.len() >= self.kept {
            clients.remove(0);
        }
        clients.push((group.to_owned(), client));
        Ok(answer)
    }
}
