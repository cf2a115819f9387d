//! Pull queries on tables: look keys up, or scan, in what a query keeps of its rows.
//!
//! ```text
//! SELECT ─analyze.rs─> Pull { access, filter, projection } ─read.rs─> columns ─> filter ─> projection ─> rows ─send.rs─> client
//!            └ lookup.rs: WHERE → keys and windows       refuse.rs: what ksqlDB refuses, in its words
//! ```
//!
//! The whole WHERE is checked again on every row that was read, so `access` may be wider than it says.

mod analyze;
mod lookup;
mod read;
mod refuse;
mod send;

use std::sync::Arc;

use crate::catalog::Source;
use crate::expr::Evaluator;
use crate::types::Column;

pub(crate) use analyze::{Env, analyze, locate};
pub(crate) use read::PullError;
pub(crate) use refuse::{check_clauses, check_stream, explain};
pub(crate) use send::answer;

/// A pull query on a table, ready to run.
pub(crate) struct Pull {
    pub(crate) source: Arc<Source>,
    /// The query that keeps the rows.
    pub(crate) query: String,
    /// Columns of the answer.
    pub(crate) columns: Vec<Column>,
    /// Which of them are key columns under their own name.
    pub(crate) keys: Vec<bool>,
    projection: Vec<Evaluator>,
    filter: Option<Evaluator>,
    /// The value columns that filter and projection are compiled against, behind the key columns.
    layout: Vec<From>,
    access: Access,
    limit: Option<u64>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The stored column at that position.
    Stored(usize),
    RowTime,
    WindowStart,
    WindowEnd,
}

/// Which rows to read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Access {
    /// The rows of these keys (serialised), each within its windows.
    Keys(Vec<KeyLookup>),
    /// All rows.
    Scan,
}

/// One key, and the starts of windows that matter (inclusive).
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyLookup {
    key: Vec<u8>,
    from: i64,
    to: i64,
}
