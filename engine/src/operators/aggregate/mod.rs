//! GROUP BY.
//!
//! ```text
//! rows ─ group of each (key bytes [++ window]) ─> slots ─ ops in order ─> one typed loop per function ─> columns
//! ```
//!
//! | file | what |
//! |---|---|
//! | `stream` | a stream, without windows or with tumbling and hopping ones |
//! | `session` | a stream, with session windows |
//! | `table` | a table: a row leaves its old group and enters its new one |
//! | `taken` | groups that a ksqlDB has left |
//! | `groups`, `emit` | the state of all groups; rows put together from results |
//! | `kept` | the groups as a table for pull queries |

mod emit;
mod groups;
mod kept;
mod session;
mod stream;
mod table;
mod taken;
#[cfg(test)]
pub(super) mod tests;

pub(crate) use groups::GroupCall;
pub(crate) use session::SessionAggregate;
pub(crate) use stream::StreamAggregate;
pub(crate) use table::{AggregateTable, GroupTable, regrouped_schema};

use crate::operators::KeyForm;
use crate::state::Place;

/// What every aggregation is made of.
pub(crate) struct Grouping<'a> {
    /// The step's name, for the processing log.
    pub step: &'a str,
    /// The aggregate functions, in the order of the output's value columns.
    pub calls: Vec<GroupCall>,
    /// How the grouping columns stand in the store.
    pub keys: KeyForm,
    /// Where the groups are kept.
    pub place: &'a Place,
    /// What a group was before each change is told, too.
    pub with_old: bool,
    /// Which updates go out.
    pub updates: Updates,
}

/// Which updates of a group within one step go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Updates {
    /// All of them, as with `cache.max.bytes.buffering=0`.
    Every,
    /// The last one.
    Last,
}
