//! Positions on the broker. Nobody here reads them back; they let Kafka's tools show how far a query is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::log::kafka::connection::{Connection, Events};
use crate::log::{Position, Result};

/// One client per group that has committed.
pub(super) struct Groups {
    connection: Arc<Connection>,
    clients: Mutex<HashMap<String, BaseConsumer<Events>>>,
}

impl Groups {
    /// No group yet.
    pub(super) fn new(connection: Arc<Connection>) -> Groups {
        Groups { connection, clients: Mutex::default() }
    }

    /// Tells the broker a group's positions, without waiting. The positions that count are in the local database, so a
    /// broker that does not take them is only worth a note.
    pub(super) fn commit(&self, group: &str, positions: &[Position]) -> Result<()> {
        if positions.is_empty() {
            return Ok(());
        }
        let mut clients = self.clients.lock();
        if !clients.contains_key(group) {
            let config = self.connection.config(&[("group.id", group), ("enable.auto.commit", "false")]);
            let client =
                self.connection.made(BaseConsumer::from_config_and_context(&config, self.connection.events()))?;
            clients.insert(group.to_owned(), client);
        }
        let Some(client) = clients.get(group) else { return Ok(()) };
        let mut offsets = TopicPartitionList::with_capacity(positions.len());
        let added = positions.iter().try_for_each(|Position { of, offset }| {
            offsets.add_partition_offset(&of.topic, of.partition as i32, Offset::Offset(*offset))
        });
        if let Err(error) = added.and_then(|()| client.commit(&offsets, CommitMode::Async)) {
            tracing::debug!("the broker was not told the positions of group {group}: {error}");
        }
        // serves the answers to earlier commits
        let _ = client.poll(Duration::ZERO);
        Ok(())
    }

    /// Closes a group's client.
    pub(super) fn forget(&self, group: &str) {
        let client = self.clients.lock().remove(group);
        drop(client);
    }
}
