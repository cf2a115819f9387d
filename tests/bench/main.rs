//! Measures Millstream: `cargo run --release --bin bench -- [WORKLOAD]…`
//!
//! Data comes from a seeded generator and is complete before the clock starts; output is checked; throughput is records
//! per CPU second of this process. One line per figure: `NAME VALUE UNIT RATIO`, the ratio to W0 of the same run or `-`.
//! What is measured on Kafka (`kafka` for all of it) runs only if it is named: it starts a broker, and takes minutes.
//! The server's figures need `target/release/millstream` (`cargo build --release --workspace`).

mod cpu;
mod data;
mod kafka;
mod limit;
mod recode;
mod serving;
mod throughput;
mod workloads;

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// The server's.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// A workload that runs in this process, with values in a format.
type Throughput = fn(&str) -> Result<f64, String>;

/// Workloads with their formats. The limit in JSON is measured before them.
const THROUGHPUT: &[(&str, Throughput, &str)] = &[
    ("decode", limit::decode, "JSON"),
    ("decode-AVRO", limit::decode, "AVRO"),
    ("decode-PROTOBUF", limit::decode, "PROTOBUF"),
    ("decode-JSON_SR", limit::decode, "JSON_SR"),
    ("W0-AVRO", limit::decode_and_encode, "AVRO"),
    ("W0-PROTOBUF", limit::decode_and_encode, "PROTOBUF"),
    ("W0-JSON_SR", limit::decode_and_encode, "JSON_SR"),
    ("W1", throughput::filter_and_project, "JSON"),
    ("W1-AVRO", throughput::filter_and_project, "AVRO"),
    ("W1-PROTOBUF", throughput::filter_and_project, "PROTOBUF"),
    ("W1-JSON_SR", throughput::filter_and_project, "JSON_SR"),
    ("W2", throughput::tumbling_count_and_sum, "JSON"),
    ("W2-AVRO", throughput::tumbling_count_and_sum, "AVRO"),
    ("W2-PROTOBUF", throughput::tumbling_count_and_sum, "PROTOBUF"),
    ("W2-JSON_SR", throughput::tumbling_count_and_sum, "JSON_SR"),
    ("W3", throughput::session_count_and_sum, "JSON"),
    ("W4", throughput::stream_stream_join, "JSON"),
    ("W6", throughput::foreign_key_join, "JSON"),
    ("W5", throughput::stream_table_join, "JSON"),
    ("W5-AVRO", throughput::stream_table_join, "AVRO"),
    ("W5-PROTOBUF", throughput::stream_table_join, "PROTOBUF"),
    ("W5-JSON_SR", throughput::stream_table_join, "JSON_SR"),
];

/// Workloads against a server; they print figures of their own.
type Figures = fn() -> Result<(), String>;

const SERVER: &[(&str, Figures)] =
    &[("start", serving::start_and_idle), ("pull", serving::pull), ("push", serving::insert_to_push)];

/// Prints one figure.
pub(crate) fn figure(name: &str, value: f64, unit: &str, limit: Option<f64>) {
    let ratio = limit.map_or_else(|| "-".to_owned(), |limit| format!("{:.2}", value / limit));
    let digits = if value >= 1_000.0 { 0 } else { 1 };
    println!("{name} {value:.digits$} {unit} {ratio}");
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match run(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: &[String]) -> Result<(), String> {
    let is_named = |name: &str| wanted.iter().any(|w| w.eq_ignore_ascii_case(name));
    let is_wanted = |name: &str| wanted.is_empty() || is_named(name);
    let is_wanted_on_kafka = |name: &str| is_named("kafka") || is_named(name);
    check(wanted)?;
    let on_kafka = || kafka::WORKLOADS.iter().filter(|(name, _)| is_wanted_on_kafka(name));
    if is_wanted("W0") || THROUGHPUT.iter().any(|(name, ..)| is_wanted(name)) || on_kafka().next().is_some() {
        let limit = limit::decode_and_encode("JSON")?;
        figure("W0", limit, "records/cpu-s", Some(limit));
        for (name, workload, format) in THROUGHPUT.iter().filter(|(name, ..)| is_wanted(name)) {
            figure(name, workload(format)?, "records/cpu-s", Some(limit));
        }
        for (_, workload) in on_kafka() {
            workload(limit)?;
        }
    }
    for (_, workload) in SERVER.iter().filter(|(name, _)| is_wanted(name)) {
        workload()?;
    }
    Ok(())
}

/// Refuses names of no workload.
fn check(wanted: &[String]) -> Result<(), String> {
    let throughput = THROUGHPUT.iter().map(|(name, ..)| *name);
    let servers = SERVER.iter().map(|(name, _)| *name);
    let on_kafka = kafka::WORKLOADS.iter().map(|(name, _)| *name);
    let names: Vec<&str> =
        ["W0"].into_iter().chain(throughput).chain(servers).chain(["kafka"]).chain(on_kafka).collect();
    match wanted.iter().find(|wanted| names.iter().all(|name| !name.eq_ignore_ascii_case(wanted))) {
        Some(unknown) => Err(format!("workload {unknown} is not known; there are {}", names.join(", "))),
        None => Ok(()),
    }
}
