//! A server under test on a broker, and what it takes to come from one point to another.

use std::time::{Duration, Instant};

use e2e::http::ksql;
use e2e::process::Server;
use engine::runtime::group;
use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::cpu::machine_ticks;
use crate::figure;

/// A query that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// The default over Kafka.
pub(super) const GUARANTEE: &str = "exactly_once_v2";

/// A server of a service of its own.
pub(super) struct Site<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) server: Server,
    pub(super) service: String,
    _data: tempfile::TempDir,
}

impl<'a> Site<'a> {
    /// Starts it with a guarantee, in a fresh directory.
    pub(super) fn start(cluster: &'a Cluster, guarantee: &str) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let service = guarantee.replace('_', "-");
        let settings = settings(cluster, guarantee, &service);
        let server = Server::start(data.path(), &settings);
        Ok(Self { cluster, server, service, _data: data })
    }

    /// Carries out statements that begin with all records; returns the id of the last query.
    pub(super) fn execute(&self, text: &str, partitions: usize) -> Option<String> {
        let text = text.replace("{FORMAT}", "JSON").replace("{PARTITIONS}", &partitions.to_string());
        query_of(&ksql(&self.server.url, &text, &json!({"auto.offset.reset": "earliest"})))
    }

    /// Waits until a query has committed so many records of a topic.
    pub(super) fn wait(&self, query: &str, topic: &str, count: usize) -> Result<(), String> {
        self.cluster.wait(&group(&self.service, query), topic, count, PATIENCE)
    }

    /// Starts the clock.
    pub(super) fn lap(&self) -> Lap<'_> {
        Lap { server: &self.server, begin: Instant::now(), cpu: self.server.cpu(), ticks: machine_ticks() }
    }
}

/// What a server on a broker is told.
pub(super) fn settings<'s>(cluster: &'s Cluster, guarantee: &'s str, service: &'s str) -> [(&'static str, &'s str); 3] {
    [("bootstrap.servers", cluster.bootstrap()), ("processing.guarantee", guarantee), ("ksql.service.id", service)]
}

/// The id of the last query that an answer tells of.
pub(super) fn query_of(answer: &Value) -> Option<String> {
    let entities = answer.as_array()?.iter().rev();
    entities.filter_map(|entity| entity["commandStatus"]["queryId"].as_str()).map(str::to_owned).next()
}

/// A clock that runs.
pub(super) struct Lap<'a> {
    server: &'a Server,
    begin: Instant,
    cpu: Duration,
    ticks: (u64, u64),
}

impl Lap<'_> {
    /// Stops it, and prints the figures of so many records under a name; returns the records per CPU second.
    pub(super) fn end(self, name: &str, records: usize, limit: f64) -> f64 {
        let (cpu, wall) = (self.server.cpu() - self.cpu, self.begin.elapsed());
        let (idle, all) = machine_ticks();
        let per_second = |time: Duration| records as f64 / time.as_secs_f64();
        figure(name, per_second(cpu), "records/cpu-s", Some(limit));
        figure(&format!("{name}-wall"), per_second(wall), "records/s", None);
        let idle = 100.0 * (idle - self.ticks.0) as f64 / (all - self.ticks.1).max(1) as f64;
        figure(&format!("{name}-machine-idle"), idle, "%", None);
        figure(&format!("{name}-memory"), self.server.peak_memory() as f64 / 1e6, "MB", None);
        figure(&format!("{name}-threads"), self.server.threads() as f64, "threads", None);
        per_second(cpu)
    }
}
