//! Steps → operators → tasks → threads; commits; life of a query.
//!
//! ```text
//! QueryPlan ─topology→ sub-topologies ─build→ tasks ─worker→ steps ─→ commits
//!                                              task: source ─ merge ─ operators ─ target (sink, exchange, client)
//! registry: which queries run, in which state, what went wrong       supervisor: starts failed ones again
//! ```

mod build;
mod event_time;
mod exchange;
mod key_form;
mod operators;
mod pace;
mod partitions;
mod processing_log;
mod query;
mod registry;
mod reports;
mod sink;
mod source;
mod supervisor;
mod sweep;
mod target;
mod task;
mod topology;
mod worker;

pub use processing_log::{BadRecords, Entry, Origin, ProcessingLog, Trouble};
pub use query::{Blame, Life, QueryError, State};
pub use registry::{PersistentStart, Runtime, RuntimeError, Settings, Tables, Transient, Unavailable};
pub use sweep::Earlier;
pub use target::ClientColumn;
pub use topology::group;
