//! What the shell shows: `entities` for statements, `rows` for queries, both over `table`, as wide as `layout` allows;
//! `records` for other programs.

mod entities;
mod layout;
mod records;
mod rows;
mod table;

pub(crate) use entities::entity;
pub(crate) use layout::{Layout, grouped};
pub(crate) use records::Answer;
pub(crate) use rows::{Line, Results};
pub(crate) use table::{list, more, printable};
