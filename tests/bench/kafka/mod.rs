//! The server as a process on a real broker, both on the same processors.
//!
//! ```text
//! cluster     the broker, and a client that knows nothing of Millstream
//! site        a server on it, and the clock
//! throughput  catching up with a full topic, exactly once and at least once
//! restore     state read back from its changelogs
//! latency     how long commits take, and records until they are seen
//! many        a hundred queries
//! ```

mod cluster;
mod latency;
mod many;
mod restore;
mod site;
mod throughput;

/// A workload; takes W0 of the same run, and prints its figures.
type Workload = fn(f64) -> Result<(), String>;

/// All of them.
pub(crate) const WORKLOADS: &[(&str, Workload)] = &[
    ("kafka-W1", throughput::filter),
    ("kafka-W1x6", throughput::filter_on_six),
    ("kafka-W2", throughput::count),
    ("kafka-W5", throughput::join),
    ("kafka-restore", restore::of_a_windowed_table),
    ("kafka-commit", latency::of_commits),
    ("kafka-row", latency::of_rows),
    ("kafka-many", many::queries_at_rest),
];
