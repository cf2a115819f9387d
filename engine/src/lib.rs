//! Millstream's engine, in the order data travels:
//!
//! ```text
//! text ─sql→ statement ─plan→ steps ─commands→ catalog, topology ─runtime→ tasks
//! record: log → formats → Changes → operators (state) → formats → log           serving: push and pull queries
//! ```

pub mod catalog;
pub mod clock;
mod commands;
pub mod config;
pub mod counters;
#[doc(hidden)]
pub mod crash;
pub mod engine;
pub mod error;
pub mod expr;
mod failure;
pub mod formats;
mod incident;
pub mod keystore;
pub mod kv;
pub mod log;
mod operators;
pub mod plan;
pub mod registry;
pub mod rows;
pub mod runtime;
pub mod schemas;
pub mod serving;
mod state;
pub mod statements;
pub mod steps;
pub mod types;
