//! Joins. Every join keeps what it needs of its inputs in stores of its own, keyed by serialised key, and walks its two
//! inputs in the order in which their rows happened, so its results do not depend on how rows are cut into steps.
//!
//! ```text
//! left  ─ keys, row bytes ─┐                       ┌─ matches ─> Output (bytes of key, left, right → columns)
//!                          ├─ runs by (seq, port) ─┤
//! right ─ keys, row bytes ─┘                       └─ stores
//! ```
//!
//! | file | what |
//! |---|---|
//! | `stream_table` | a stream looks up a table |
//! | `table_table` | two tables on equal keys |
//! | `stream_stream` | two streams within a time window; `buffer`: their rows, `unmatched`: rows that wait for a match |
//! | `foreign_key` | a table finds its rows' partners in another; `subscribers`: who refers to whom |
//! | `input`, `output` | batches made ready to be walked; rows put together |

mod buffer;
mod foreign_key;
mod input;
mod output;
mod stream_stream;
mod stream_table;
mod subscribers;
mod table_table;
#[cfg(test)]
mod testing;
mod unmatched;

pub(crate) use foreign_key::ForeignKeyJoin;
pub(crate) use stream_stream::{JoinWindow, StreamStreamJoin};
pub(crate) use stream_table::StreamTableJoin;
pub(crate) use table_table::TableTableJoin;

use crate::operators::EncodeKeys;
use crate::state::Place;
use crate::types::Schema;

/// What two inputs that are joined on equal keys are made of. Both have the same key columns.
pub(crate) struct Inputs<'a> {
    /// Columns of the left input.
    pub left: &'a Schema,
    /// Columns of the right input.
    pub right: &'a Schema,
    /// Serialises the keys of both.
    pub keys: EncodeKeys,
    /// Where the join keeps its state.
    pub place: &'a Place,
}

/// Which rows a join keeps that have no partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outer {
    /// LEFT and FULL joins: left rows.
    pub left: bool,
    /// RIGHT and FULL joins: right rows.
    pub right: bool,
}

const LEFT: usize = 0;
const RIGHT: usize = 1;
