//! What the shell shows: `entities` for statements, `rows` for queries, both over `table`.

mod entities;
mod rows;
mod table;

pub(crate) use entities::entity;
pub(crate) use rows::{Line, RowPrinter};
pub(crate) use table::list;
