//! Millstream's engine, in the order data travels:
//!
//! ```text
//! text ─sql→ statement ─plan→ steps ─commands→ catalog, topology ─runtime→ tasks
//! record: log → formats → Changes → operators (state) → formats → log           serving: push and pull queries
//! ```

pub mod catalog;
pub mod clock;
pub mod commands;
pub mod config;
pub mod counters;
pub mod engine;
pub mod error;
pub mod expr;
pub mod failure;
pub mod formats;
pub mod incident;
pub mod kv;
pub mod log;
pub mod operators;
pub mod plan;
pub mod rows;
pub mod runtime;
pub mod serving;
pub mod state;
pub mod statements;
pub mod steps;
pub mod types;
