//! Tests that need a process, a broker or the whole checkout, in one binary.

#[path = "e2e/cli.rs"]
mod cli;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/log_kafka.rs"]
mod log_kafka;
#[path = "e2e/process.rs"]
mod process;
#[path = "e2e/tidy.rs"]
mod tidy;
