//! Push and pull queries.
//!
//! ```text
//! SELECT ─┬─ push: a transient dataflow ──┐
//!         ├─ pull on a stream: a scan ────┼──> RowBatch ──rows.rs──> client
//!         └─ pull on a table: the store ──┘
//!                 └ forward: the stores of other servers
//! ```

pub(crate) mod forward;
pub(crate) mod pull;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::rows::RowReceiver;
use crate::types::Column;

/// Whether who asked is still there, until the answer's rows are on their way ([`RowReceiver`] tells from then on).
#[derive(Debug, Clone, Default)]
pub struct Client(Arc<AtomicBool>);

impl Client {
    /// Says that nobody waits for the answer any more.
    pub fn leave(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether nobody does.
    pub fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A query whose rows are on their way to a client.
#[derive(Debug)]
pub struct Answer {
    /// `transient_X_123`, `query_1617…`, `SCALABLE_PUSH_QUERY_…`
    pub id: String,
    /// Columns of its rows, in order.
    pub columns: Vec<Column>,
    /// Which of the columns the header marks as key (pull queries on tables only); as long as `columns`.
    pub keys: Vec<bool>,
    /// The schema of its rows, if they are Protobuf messages.
    pub proto_schema: Option<String>,
    /// What kind of query it is.
    pub kind: Kind,
    /// Its rows.
    pub rows: RowReceiver,
}

/// Kinds of queries; they differ in how they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `EMIT CHANGES`
    Push,
    /// A stream read to its end.
    StreamPull,
    /// A table looked up.
    TablePull,
}
