//! The command log: every statement that changed something, durable, replayed on start.
//!
//! A command holds what planning it again needs: the statement's text, the id its query got, the properties it ran with
//! and what it was told about topics. So the replay does not depend on what the world looks like then.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::log::{Kv, LogError, Write};

/// Space of the local database that holds the commands.
const SPACE: &str = "commands";

/// One statement that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// The statement as it was written, variables replaced: what was accepted once is accepted again. (Logs of earlier
    /// versions also have it in canonical form, which has more brackets.)
    pub written: String,
    /// How clients call the command.
    pub command_id: String,
    /// Id of the query it started.
    pub query_id: Option<String>,
    /// What it answered.
    pub message: String,
    /// Every property that was set when it ran.
    pub properties: BTreeMap<String, String>,
    /// What the planner asked about topics, and what it was told.
    pub topics: BTreeMap<String, Option<LoggedTopic>>,
    /// When it ran, milliseconds since the epoch.
    pub time_ms: i64,
}

/// A topic as the planner saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedTopic {
    /// Number of partitions.
    pub partitions: u32,
    /// Number of replicas.
    pub replicas: u16,
    /// `retention.ms`
    pub retention_ms: i64,
}

/// The command log over the local database.
pub struct CommandLog {
    kv: Arc<dyn Kv>,
    space: Arc<str>,
    next: u64,
    /// Outcome of every command of this log, by command id; the latest of an id counts.
    statuses: BTreeMap<String, (String, Option<String>)>,
}

impl CommandLog {
    /// Opens it and reads what is in it, oldest first.
    pub fn open(kv: Arc<dyn Kv>) -> Result<(Self, Vec<Logged>), LogError> {
        let mut commands = Vec::new();
        let mut problem = None;
        kv.scan(SPACE, Bound::Unbounded, Bound::Unbounded, &mut |_, value| {
            match serde_json::from_slice::<Logged>(value) {
                Ok(command) => commands.push(command),
                Err(error) => problem = Some(error.to_string()),
            }
            problem.is_none()
        })?;
        if let Some(problem) = problem {
            return Err(LogError::Corrupt { file: SPACE.to_owned(), problem });
        }
        let mut log = Self { kv, space: Arc::from(SPACE), next: commands.len() as u64, statuses: BTreeMap::new() };
        commands.iter().for_each(|command| log.note(command));
        Ok((log, commands))
    }

    /// Appends a command; durable on return. Returns its sequence number.
    pub fn append(&mut self, command: &Logged) -> Result<i64, LogError> {
        let value = serde_json::to_vec(command).map_err(|error| LogError::Invalid(error.to_string()))?;
        let key = self.next.to_be_bytes().to_vec();
        self.kv.write(Write { space: Arc::clone(&self.space), key, value: Some(value) }.into())?;
        self.next += 1;
        self.note(command);
        Ok(self.last())
    }

    /// Sequence number of the last command, -1 before the first.
    pub fn last(&self) -> i64 {
        self.next as i64 - 1
    }

    /// Command ids with what they answered and the query they started.
    pub fn statuses(&self) -> &BTreeMap<String, (String, Option<String>)> {
        &self.statuses
    }

    fn note(&mut self, command: &Logged) {
        self.statuses.insert(command.command_id.clone(), (command.message.clone(), command.query_id.clone()));
    }
}
