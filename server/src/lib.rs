//! ksqlDB's HTTP interface over the engine.
//!
//! ```text
//! connection ─app.rs→ route ─body.rs→ wire request ─→ engine ─→ Answer ─entities.rs→ wire entity
//!                                                          └──→ rows ──rows.rs──→ lines of a stream
//! ```
//!
//! Only this crate knows HTTP; what a failure of the engine looks like from outside is decided in `error.rs`.

mod accept;
mod app;
mod body;
mod config;
mod cors;
mod entities;
mod error;
mod query;
mod reply;
mod routes;
mod rows;
mod run;
mod session;
mod trace;
mod upgrade;

pub use app::{Server, app};
pub use config::ServerConfig;
pub use run::{run, serve};
pub use trace::trace_to_stderr;
