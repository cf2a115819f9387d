//! ksqlDB's HTTP interface over the engine.
//!
//! ```text
//! socket ─listen.rs→ connection/ ─app.rs→ route ─body.rs→ wire request ─→ engine ─→ Answer ─entities.rs→ wire entity
//!                                                          └──→ rows ──rows.rs──→ lines of a stream
//! ```
//!
//! registry/ is Confluent's schema registry over the engine's, on the same port.
//!
//! limits.rs says how much of everything there may be, gate.rs how calls reach the engine. entrance.rs is what every request
//! passes, also while the engine opens: origin.rs and cors.rs say which web pages are let in. Only this crate knows HTTP; what a failure of the engine looks like from outside is decided in `error.rs`.

mod accept;
mod app;
mod body;
mod config;
mod connection;
mod cors;
mod entities;
mod entrance;
mod error;
mod gate;
mod headers;
mod health;
mod limits;
mod listen;
mod opening;
mod origin;
mod registry;
mod reply;
mod request_log;
mod routes;
mod rows;
mod run;
mod session;
mod start_query;
mod trace;
mod upgrade;

pub use config::{ServerConfig, is_property, misspelt};
pub use run::{look_at_take_over, run, serve};
pub use trace::trace_to_stderr;
