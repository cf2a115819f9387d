//! State read back from its changelogs by a server that has lost its directory.

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;

use e2e::process::Server;

use super::cluster::Cluster;
use super::site::{GUARANTEE, Site, settings};
use crate::data;
use crate::figure;
use crate::workloads::{COUNT, MEASUREMENTS};

const RECORDS: usize = 2_000_000;
const KEYS: u64 = 100_000;
/// What the server says when it has read the state of a task.
const READ: &str = "state has been read from its changelogs";

/// The state of W2: a server is stopped, its directory is lost, another takes its place.
pub(super) fn of_a_windowed_table(_limit: f64) -> Result<(), String> {
    let cluster = Cluster::start();
    let site = Site::start(&cluster, GUARANTEE)?;
    site.execute(MEASUREMENTS, 1);
    cluster.fill("m", RECORDS, |from, len| data::measurements(from, len, KEYS))?;
    let query = site.execute(&COUNT.replace("{WINDOW}", "TUMBLING (SIZE 10 SECONDS)"), 1).ok_or("no query")?;
    site.wait(&query, "m", RECORDS)?;
    let service = site.service.clone();
    if !site.server.terminate() {
        return Err("the server did not end in an orderly way".to_owned());
    }
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let settings = settings(&cluster, GUARANTEE, &service);
    let (server, stderr) = Server::start_telling(data.path(), &settings, "warn,engine::log::kafka::restore=info");
    let (entries, bytes, seconds) = wait(stderr)?;
    figure("kafka-restore", entries / seconds, "entries/s", None);
    figure("kafka-restore-bytes", bytes / 1e6 / seconds, "MB/s", None);
    figure("kafka-restore-cpu", entries / server.cpu().as_secs_f64(), "entries/cpu-s", None);
    figure("kafka-restore-memory", server.peak_memory() as f64 / 1e6, "MB", None);
    Ok(())
}

/// Waits until state was read: how many entries, bytes, and seconds.
fn wait(stderr: ChildStderr) -> Result<(f64, f64, f64), String> {
    for line in BufReader::new(stderr).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if line.contains(READ) {
            let [records, bytes, ms] = ["records=", "bytes=", "took_ms="].map(|name| number(&line, name));
            return Ok((records?, bytes?, ms? / 1e3));
        }
    }
    Err(format!("the server ended without the words \"{READ}\""))
}

/// The number behind a name.
pub(super) fn number(line: &str, name: &str) -> Result<f64, String> {
    let behind = line.split(name).nth(1).unwrap_or_default();
    let digits = behind.split_whitespace().next().unwrap_or_default();
    digits.parse().map_err(|_| format!("no number behind {name} in: {line}"))
}
