//! What is asked of the runtime: queries to start, and how.

use std::sync::Arc;

use crate::config::Config;
use crate::rows::{RowFormat, RowSender};
use crate::steps::QueryPlan;

use super::taken::Taken;

/// How a runtime runs.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Threads; 0: none, the driver calls `Runtime::run_until_idle`.
    pub threads: usize,
    /// Rows a task takes at once.
    pub step_rows: usize,
    /// Bytes all stores may hold in memory.
    pub state_bytes: usize,
    /// Every query is one task over all partitions, in the order of a single partition.
    pub uncut: bool,
}

/// A plan that a query had before CREATE OR REPLACE gave it another.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The plan.
    pub plan: Arc<QueryPlan>,
    /// Number of the command that gave it to the query.
    pub command: i64,
}

/// A persistent query to start.
#[derive(Debug, Clone)]
pub struct PersistentStart {
    /// Its steps.
    pub plan: Arc<QueryPlan>,
    /// The server's properties with those the statement ran with on top.
    pub config: Arc<Config>,
    /// Number of the command that makes it.
    pub command: i64,
    /// The plans it had before, oldest first.
    pub earlier: Vec<Earlier>,
    /// What a ksqlDB has left it, if it was one's.
    pub taken: Option<Arc<Taken>>,
}

impl PersistentStart {
    /// All plans of the query, for one that takes its place.
    pub fn into_earlier(self) -> Vec<Earlier> {
        let Self { plan, command, mut earlier, .. } = self;
        earlier.push(Earlier { plan, command });
        earlier
    }
}

/// Where a column of a client's answer comes from. Keys and window bounds are taken from the key, so that a tombstone
/// shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientColumn {
    /// The column at that position of the root's row layout.
    Layout(usize),
    /// Start of the window in the key.
    WindowStart,
    /// End of the window in the key.
    WindowEnd,
}

/// A query for one client.
pub struct Transient {
    /// Its steps.
    pub plan: Arc<QueryPlan>,
    /// As above.
    pub config: Arc<Config>,
    /// Where its rows go.
    pub sender: RowSender,
    /// Where the columns the client gets come from.
    pub columns: Vec<ClientColumn>,
    /// Ends at the ends its topics have now, instead of never.
    pub to_current_end: bool,
    /// Leaves out rows whose key is NULL.
    pub keyed_only: bool,
    /// How its rows are written.
    pub format: RowFormat,
}
