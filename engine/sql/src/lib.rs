//! Text ⟷ statements. Knows the grammar and nothing about topics, types of columns or whether a name exists.
//!
//! ```text
//! text ──split──> statements' texts ──substitute──> ──parse──> Statement ──format──> canonical text
//! ```

pub mod ast;

pub use ast::*;
