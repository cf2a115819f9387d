//! `Changes`: the one type between operators.

use arrow::array::{ArrayRef, ListArray};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};

/// One version of the value side of a batch of rows.
#[derive(Debug, Clone)]
pub struct Side {
    /// Value columns, each as long as the batch. Rows that are not present hold NULL in every column.
    pub columns: Vec<ArrayRef>,
    /// Which rows have a value at all; `None` means every row. A row that is not present is a record with a null
    /// value: on a stream it is passed along, on a table it is "there is no such row" (a tombstone on the new side).
    pub present: Option<BooleanBuffer>,
}

impl Side {
    /// Whether row `i` has a value.
    pub fn is_present(&self, i: usize) -> bool {
        self.present.as_ref().is_none_or(|present| present.value(i))
    }
}

/// Bounds of the window in the key of each row, milliseconds. For time windows `end` is exclusive, for sessions it is
/// the timestamp of the last record.
#[derive(Debug, Clone)]
pub struct Windows {
    /// First millisecond of each row's window.
    pub start: ScalarBuffer<i64>,
    /// End of each row's window.
    pub end: ScalarBuffer<i64>,
}

/// A batch of rows between two operators, in the order in which they happened.
///
/// *Streams*: every row is an insert, `old` is `None`. *Tables*: every row replaces `old` by `new` for its key; either
/// may be absent; `old` is `None` when no operator downstream reads it (the plan knows) .
///
/// `seq` numbers the input record a row comes from within the task's current step (never decreasing). Two inputs of one
/// operator are walked by (`seq`, port), so results equal those of one-record-at-a-time processing.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Key columns. A null key is NULL in all of them.
    pub key: Vec<ArrayRef>,
    /// Window in the key, for windowed streams and tables.
    pub windows: Option<Windows>,
    /// What each row is now.
    pub new: Side,
    /// What each row was before (tables, only where somebody reads it).
    pub old: Option<Side>,
    /// ROWTIME of each row, milliseconds since the epoch.
    pub time: ScalarBuffer<i64>,
    /// Number of the input record within the step.
    pub seq: ScalarBuffer<u64>,
    /// Headers of the input record (`List<Struct<KEY Utf8, VALUE Binary>>`); `None` when no row has any.
    pub headers: Option<ListArray>,
}

impl Changes {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Key columns, then the columns of `side`: the row layout expressions are compiled against.
    pub fn row<'a>(&'a self, side: &'a Side) -> impl Iterator<Item = &'a ArrayRef> {
        self.key.iter().chain(&side.columns)
    }
}
