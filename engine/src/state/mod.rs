//! Stores: memory first, changes committed with the outputs, cold entries read back from the local database.
//!
//! ```text
//! operator ── slot of key ──> Store { index, entries } ── Values (columns of states, rows, lists), by slot
//!                drain: dirty entries, encoded once ──> Commit.writes ──> Kv       misses, restore <── Kv
//! ```
//!
//! * A *slot* is the place of a key's value in memory. Slots stay where they are until [`Store::committed`], so an
//!   operator looks up a whole batch of keys first and works on slots afterwards.
//! * Only [`Store::committed`] evicts and expires, and gives the slots of removed keys back.
//! * Pull queries read what operators keep as a [`Table`]; scans read the database, and from memory only what is newer.
//! * A store may be cut into time *segments*, each its own space of the local database, so that what is past
//!   retention goes in one piece.

mod budget;
mod commit;
mod key;
mod key_set;
mod restore;
mod rows;
mod scan;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use budget::Budget;
pub(crate) use key_set::KeySet;
pub(crate) use rows::{Row, Stored};
pub(crate) use scan::Entries;
pub(crate) use store::{Layout, Place, Store, Values};
pub(crate) use table::{Cursor, Found, Table, TableKind, ToRows};
