//! Steps → operators → tasks → threads; commits; life of a query.
//!
//! ```text
//! QueryPlan ─topology→ sub-topologies ─build→ tasks ─worker→ steps ─→ commits
//!                                              task: input (source, exchange) ─ merge ─ pipeline: operators ─ target
//!                                                                                        (sink, exchange, client)
//! registry: which queries run (running), in which state, what went wrong       launch: makes their tasks
//! sharing: which tasks run here, where several processes share them             supervisor: starts failed ones again,
//!                                                                               looks whether topics are as they were (watch)
//! reports ─→ processing_log (standard error, counts), log_topic (records of KSQL_PROCESSING_LOG),
//!             dead_letters (records that were of no use, as they are)
//! taken, take_over: what a query has from a ksqlDB, and how its state is made of that
//! shared_commit: what the tasks of a thread did, at once       changelogs: topics of their stores
//! request: what is asked of it       life: a query's state and errors       error: why one cannot start or go on
//! ```

mod build;
mod changelogs;
mod dead_letters;
mod error;
mod event_time;
mod exchange;
mod input;
mod internal_topics;
mod key_form;
mod launch;
mod life;
mod log_record;
mod log_topic;
mod loops;
mod operators;
mod pace;
mod partitions;
mod pipeline;
mod processing_log;
mod registry;
mod reports;
mod request;
mod running;
mod shared_commit;
mod sharing;
mod sink;
mod source;
mod supervisor;
mod sweep;
mod take_over;
mod taken;
mod target;
mod task;
mod topology;
mod watch;
mod worker;

pub use error::RuntimeError;
pub use life::{Blame, Life, QueryError, State};
pub use log_topic::LogTopic;
pub use processing_log::{About, BadRecords, Entry, Origin, ProcessingLog};
pub use registry::{Runtime, Unavailable};
pub use request::{ClientColumn, Earlier, PersistentStart, Settings, Transient};
pub use running::{Kept, Running};
pub use take_over::why_not;
pub use taken::Taken;
pub use topology::{Part, group, parts, transient_group};
