//! What a hundred queries on six partitions cost when nothing happens.

use std::time::Duration;

use super::cluster::Cluster;
use super::site::{GUARANTEE, Site};
use crate::data;
use crate::figure;
use crate::workloads::PAGE_VIEWS;

const QUERIES: usize = 100;
const PARTITIONS: usize = 6;
const RECORDS: usize = 10_000;
/// How long what was begun may go on before it is rest.
const SETTLE: Duration = Duration::from_secs(10);
const REST: Duration = Duration::from_secs(20);

/// Half of them filters, half counts; each has read the topic to its end.
pub(super) fn queries_at_rest(_limit: f64) -> Result<(), String> {
    let cluster = Cluster::start();
    let site = Site::start(&cluster, GUARANTEE)?;
    site.execute(PAGE_VIEWS, PARTITIONS);
    cluster.fill("pv", RECORDS, data::page_views)?;
    let mut queries = Vec::new();
    for n in 0..QUERIES {
        let statement = match n % 2 {
            0 => format!("CREATE STREAM o{n} AS SELECT userid_key, amount FROM pv WHERE count >= {n};"),
            _ => format!("CREATE TABLE o{n} AS SELECT userid_key, COUNT(*) AS c FROM pv GROUP BY userid_key;"),
        };
        queries.push(site.execute(&statement, PARTITIONS).ok_or("no query")?);
    }
    for query in &queries {
        site.wait(query, "pv", RECORDS)?;
    }
    std::thread::sleep(SETTLE);
    let cpu = site.server.cpu();
    std::thread::sleep(REST);
    let used = site.server.cpu() - cpu;
    figure("kafka-many-idle-cpu", 100.0 * used.as_secs_f64() / REST.as_secs_f64(), "% of a core", None);
    figure("kafka-many-memory", site.server.memory() as f64 / 1e6, "MB", None);
    figure("kafka-many-peak-memory", site.server.peak_memory() as f64 / 1e6, "MB", None);
    figure("kafka-many-threads", site.server.threads() as f64, "threads", None);
    Ok(())
}
