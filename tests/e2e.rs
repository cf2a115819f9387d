//! Tests that need a process, a broker or the whole checkout, in one binary.

// Tests panic when something is not as it must be; that is how they fail.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "e2e/bodies.rs"]
mod bodies;
#[path = "e2e/cases.rs"]
mod cases;
#[path = "e2e/circles.rs"]
mod circles;
#[path = "e2e/cli.rs"]
mod cli;
#[path = "e2e/clients.rs"]
mod clients;
#[path = "e2e/configuration.rs"]
mod configuration;
#[path = "e2e/connect/mod.rs"]
mod connect;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/damage.rs"]
mod damage;
#[path = "e2e/disk.rs"]
mod disk;
#[path = "e2e/full_disk.rs"]
mod full_disk;
#[path = "e2e/fuzz/mod.rs"]
mod fuzz;
#[path = "e2e/headless.rs"]
mod headless;
#[path = "e2e/http.rs"]
mod http;
#[path = "e2e/kafka.rs"]
mod kafka;
#[path = "e2e/kafka_chaos.rs"]
mod kafka_chaos;
#[path = "e2e/kafka_commands.rs"]
mod kafka_commands;
#[path = "e2e/kafka_crash.rs"]
mod kafka_crash;
#[path = "e2e/kafka_outage.rs"]
mod kafka_outage;
#[path = "e2e/kafka_readers.rs"]
mod kafka_readers;
#[path = "e2e/kafka_same_bytes.rs"]
mod kafka_same_bytes;
#[path = "e2e/kafka_secured.rs"]
mod kafka_secured;
#[path = "e2e/kafka_settings.rs"]
mod kafka_settings;
#[path = "e2e/kafka_shared.rs"]
mod kafka_shared;
#[path = "e2e/kafka_take_over.rs"]
mod kafka_take_over;
#[path = "e2e/kafka_topics.rs"]
mod kafka_topics;
#[path = "e2e/log_kafka.rs"]
mod log_kafka;
#[path = "e2e/memory.rs"]
mod memory;
#[path = "e2e/plans.rs"]
mod plans;
#[path = "e2e/process.rs"]
mod process;
#[path = "e2e/protobuf.rs"]
mod protobuf;
#[path = "e2e/registry.rs"]
mod registry;
#[path = "e2e/registry_apicurio.rs"]
mod registry_apicurio;
#[path = "e2e/registry_clients.rs"]
mod registry_clients;
#[path = "e2e/registry_tls.rs"]
mod registry_tls;
#[path = "e2e/serializers.rs"]
mod serializers;
#[path = "e2e/settled.rs"]
mod settled;
#[path = "e2e/shell.rs"]
mod shell;
#[path = "e2e/shell_servers.rs"]
mod shell_servers;
#[path = "e2e/statements.rs"]
mod statements;
#[path = "e2e/streaming.rs"]
mod streaming;
#[path = "e2e/tidy.rs"]
mod tidy;
#[path = "e2e/upgrade.rs"]
mod upgrade;
#[path = "e2e/walkthroughs/mod.rs"]
mod walkthroughs;
