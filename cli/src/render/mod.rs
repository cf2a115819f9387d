//! What the shell shows: `entities` for statements, `rows` for queries, both over `table`, as wide as `layout` allows.

mod entities;
mod layout;
mod rows;
mod table;

pub(crate) use entities::entity;
pub(crate) use layout::Layout;
pub(crate) use rows::{Line, RowPrinter};
pub(crate) use table::list;
