//! Steps → operators → tasks → threads; commits; life of a query.
//!
//! ```text
//! QueryPlan ─topology→ sub-topologies ─build→ tasks ─worker→ steps ─→ commits
//!                                              task: input (source, exchange) ─ merge ─ pipeline: operators ─ target
//!                                                                                        (sink, exchange, client)
//! registry: which queries run, in which state, what went wrong       supervisor: starts failed ones again
//! request: what is asked of it       life: a query's state and errors       error: why one cannot start or go on
//! ```

mod build;
mod error;
mod event_time;
mod exchange;
mod input;
mod key_form;
mod life;
mod operators;
mod pace;
mod partitions;
mod pipeline;
mod processing_log;
mod registry;
mod reports;
mod request;
mod sink;
mod source;
mod supervisor;
mod sweep;
mod target;
mod task;
mod topology;
mod worker;

pub use error::RuntimeError;
pub use life::{Blame, Life, QueryError, State};
pub use processing_log::{BadRecords, Entry, Origin, ProcessingLog, Trouble};
pub use registry::{Runtime, Tables, Unavailable};
pub use request::{ClientColumn, Earlier, PersistentStart, Settings, Transient};
pub use topology::group;
