//! The command log: every statement that changed something, durable, replayed on start.
//!
//! A command holds what planning it again needs: the statement's text, the id its query got, the properties it ran with
//! and what it was told about topics. So the replay does not depend on what the world looks like then.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::kv::{Kv, KvError, Write};

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
}

/// What came of the commands so far. It can be asked while another command is carried out.
#[derive(Debug, Default)]
pub struct Outcomes(RwLock<Done>);

#[derive(Debug, Default)]
struct Done {
    /// How many commands have been carried out.
    count: i64,
    /// By command id; the latest of an id counts.
    statuses: BTreeMap<String, Status>,
}

/// What a command answered, and the query it started.
pub type Status = (String, Option<String>);

impl Outcomes {
    /// The outcomes of the commands of a log.
    pub fn of(commands: &[Logged]) -> Self {
        let outcomes = Self::default();
        for (number, command) in (0..).zip(commands) {
            outcomes.note(number, &command.command_id, (command.message.clone(), command.query_id.clone()));
        }
        outcomes
    }

    /// A command has been carried out.
    pub fn note(&self, number: i64, command_id: &str, status: Status) {
        let mut done = self.0.write();
        done.count = number + 1;
        done.statuses.insert(command_id.to_owned(), status);
    }

    /// Whether the command of that number has been carried out.
    pub fn includes(&self, number: i64) -> bool {
        number < self.0.read().count
    }

    /// Ids of all commands.
    pub fn ids(&self) -> Vec<String> {
        self.0.read().statuses.keys().cloned().collect()
    }

    /// What came of a command.
    pub fn status(&self, id: &str) -> Option<Status> {
        self.0.read().statuses.get(id).cloned()
    }
}

impl CommandLog {
    /// Opens it and reads what is in it, oldest first.
    pub fn open(kv: Arc<dyn Kv>) -> Result<(Self, Vec<Logged>), KvError> {
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
            return Err(KvError::Corrupt { file: SPACE.to_owned(), problem });
        }
        Ok((Self { kv, space: Arc::from(SPACE), next: commands.len() as u64 }, commands))
    }

    /// Appends a command; durable on return. Returns its sequence number.
    pub fn append(&mut self, command: &Logged) -> Result<i64, KvError> {
        let value = serde_json::to_vec(command).map_err(|error| KvError::Invalid(error.to_string()))?;
        let key = self.next.to_be_bytes().to_vec();
        self.kv.write(Write { space: Arc::clone(&self.space), key, value: Some(value) }.into())?;
        self.next += 1;
        Ok(self.last())
    }

    /// Sequence number of the last command, -1 before the first.
    pub fn last(&self) -> i64 {
        self.next as i64 - 1
    }
}
