//! Pull queries on tables: look keys up, or scan, in what a query keeps of its rows.
//!
//! ```text
//! SELECT ─analyze.rs─> Pull { access, filter, projection } ─read.rs─> columns ─> filter ─> projection ─> rows ─send.rs─> client
//!            └ lookup.rs, windows.rs: WHERE → keys and windows       refuse.rs, judge.rs: what ksqlDB refuses, in its words
//!              conditions.rs: WHERE → alternatives             expressions.rs: constants, walks
//! ```
//!
//! The whole WHERE is checked again on every row that was read, so `access` may be wider than it says.

mod analyze;
mod conditions;
mod expressions;
mod judge;
mod lookup;
mod read;
mod refuse;
mod send;
mod windows;

use arrow::array::ArrayRef;

use crate::expr::Evaluator;
use crate::types::Column;

pub(crate) use analyze::{analyze, locate};
pub(crate) use expressions::Env;
pub(crate) use read::PullError;
pub(crate) use refuse::{check_clauses, check_stream, explain};
pub(crate) use send::answer;

/// What a client reads whose answer cannot be read from a table's state; the log tells more.
pub(crate) const UNREADABLE: &str =
    "The rows of the table cannot be read: its state could not be read back. The server's log says more.";

/// A pull query on a table, ready to run.
pub(crate) struct Pull {
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
#[derive(Debug)]
enum Access {
    /// The rows of some keys.
    Keys(Lookups),
    /// All rows.
    Scan,
}

/// Keys, and the starts of windows (inclusive) that matter of each. A key may occur more than once.
#[derive(Debug, Default)]
struct Lookups {
    /// The key columns, one row per key.
    columns: Vec<ArrayRef>,
    windows: Vec<(i64, i64)>,
}
