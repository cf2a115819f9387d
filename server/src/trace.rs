//! What the server tells its operator, line by line on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

/// Environment variable that says how much: `off`, `error`, `warn`, `info`, `debug`, or directives for parts.
const LEVEL: &str = "MILLSTREAM_LOG";

/// Writes events to standard error from now on; `level` is how much unless the environment says it. Of several calls the first
/// counts.
pub fn trace_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env(LEVEL).unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).with_env_filter(filter);
    // An application around this crate may have its own.
    let _ = subscriber.try_init();
}
