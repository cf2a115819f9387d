//! Our own schema registry: what Confluent's does, within this process. Its schemas are records of a compacted topic,
//! `_schemas`, in the log, in Confluent's form, so that they are as durable as any record, and move with a cluster.
//!
//! ```text
//! register, delete, set … ──> entries ──entry──> records of _schemas (durable) ──> view ──> answer
//! by_id, latest, versions … <── view (in memory; read from the topic when first asked for)
//! ```
//!
//! Others may write the topic, too: what they wrote is seen, what only they know is kept, and of two that give the same
//! version or id at once the second one is told that he came too late. Nothing that another has written is ever taken back.

mod as_schemas;
mod canonical;
mod compatibility;
mod delete;
mod entry;
mod json_diff;
mod level;
mod lookup;
mod problem;
mod register;
mod serialized;
mod settings;
#[cfg(test)]
mod shared_tests;
mod store;
mod subject;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod topic_tests;
mod unseen;
mod validity;
mod view;
#[cfg(test)]
mod view_tests;

pub use entry::TOPIC;
pub use level::{Level, Mode};
pub use lookup::{VersionNumber, Which};
pub use problem::Problem;
pub use register::NewSchema;
pub use serialized::serialized;
pub use settings::Rules;
pub use store::SchemaRegistry;
pub use view::size;
