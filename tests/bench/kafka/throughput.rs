//! Throughput of the server on a broker that runs on the same processors: records per CPU second of the server's process.
//!
//! The input is in its topic before the clock starts; the clock stops when the query's group has committed all of it.

use super::cluster::Cluster;
use super::site::Site;
use crate::data;
use crate::figure;
use crate::workloads::{
    COUNT, CUSTOMERS_AND_ORDERS, Counts, FILTER, JOIN, MEASUREMENTS, PAGE_VIEWS, is_filtered, is_joined,
    kept_page_views,
};

const RECORDS: usize = 2_000_000;
/// Rows of the table of W5.
const ROWS: usize = 1_000_000;
/// Keys of W2.
const KEYS: u64 = 100_000;

/// A workload on a new server; returns records per CPU second.
type Run = dyn Fn(&Site<'_>, &str) -> Result<f64, String>;

/// Filter and projection, one partition.
pub(super) fn filter(limit: f64) -> Result<(), String> {
    both("kafka-W1", &move |site, name| filter_on(1, site, name, limit))
}

/// The same on six partitions.
pub(super) fn filter_on_six(limit: f64) -> Result<(), String> {
    both("kafka-W1x6", &move |site, name| filter_on(6, site, name, limit))
}

/// COUNT and SUM by key in tumbling windows.
pub(super) fn count(limit: f64) -> Result<(), String> {
    both("kafka-W2", &move |site, name| count_on(site, name, limit))
}

/// LEFT JOIN of a stream with a table of a million rows.
pub(super) fn join(limit: f64) -> Result<(), String> {
    both("kafka-W5", &move |site, name| join_on(site, name, limit))
}

/// Runs a workload exactly once and at least once, each on a broker of its own; prints how much CPU more the first takes.
fn both(name: &str, run: &Run) -> Result<(), String> {
    let mut speeds = Vec::new();
    for (guarantee, name) in [("exactly_once_v2", name.to_owned()), ("at_least_once", format!("{name}-at-least-once"))]
    {
        let cluster = Cluster::start();
        let site = Site::start(&cluster, guarantee)?;
        speeds.push(run(&site, &name)?);
    }
    if let [once, at_least_once] = speeds.as_slice() {
        figure(&format!("{name}-exactly-once-costs"), 100.0 * (at_least_once / once - 1.0), "%", None);
    }
    Ok(())
}

fn filter_on(partitions: usize, site: &Site<'_>, name: &str, limit: f64) -> Result<f64, String> {
    site.execute(PAGE_VIEWS, partitions);
    let mut expected = 0;
    site.cluster.fill("pv", RECORDS, |from, len| {
        let records = data::page_views(from, len);
        expected += kept_page_views(&records);
        records
    })?;
    let lap = site.lap();
    let query = site.execute(FILTER, partitions).ok_or("no query")?;
    site.wait(&query, "pv", RECORDS)?;
    let speed = lap.end(name, RECORDS, limit);
    let mut found = 0;
    site.cluster.read("o", |_, value| {
        found += 1;
        is_filtered(value)
    })?;
    right(found == expected, speed, || format!("{found} rows came, {expected} are expected"))
}

fn count_on(site: &Site<'_>, name: &str, limit: f64) -> Result<f64, String> {
    site.execute(MEASUREMENTS, 1);
    site.cluster.fill("m", RECORDS, |from, len| data::measurements(from, len, KEYS))?;
    let lap = site.lap();
    let query = site.execute(&COUNT.replace("{WINDOW}", "TUMBLING (SIZE 10 SECONDS)"), 1).ok_or("no query")?;
    site.wait(&query, "m", RECORDS)?;
    let speed = lap.end(name, RECORDS, limit);
    let mut counts = Counts::default();
    site.cluster.read("o", |key, value| counts.see(key, value))?;
    let counted = counts.total();
    right(counted == RECORDS as u64, speed, || format!("{counted} of {RECORDS} records were counted"))
}

fn join_on(site: &Site<'_>, name: &str, limit: f64) -> Result<f64, String> {
    site.execute(CUSTOMERS_AND_ORDERS, 1);
    site.cluster.fill("customers", ROWS, data::customers)?;
    let table = site.lap();
    let query = site.execute(JOIN, 1).ok_or("no query")?;
    site.wait(&query, "customers", ROWS)?;
    table.end(&format!("{name}-table"), ROWS, limit);
    site.execute(&format!("PAUSE {query};"), 1);
    site.cluster.fill("orders", RECORDS, |from, len| data::orders(from, len, ROWS as u64))?;
    let lap = site.lap();
    site.execute(&format!("RESUME {query};"), 1);
    site.wait(&query, "orders", RECORDS)?;
    let speed = lap.end(name, RECORDS, limit);
    let mut found = 0;
    site.cluster.read("o", |key, value| {
        found += 1;
        is_joined(key, value)
    })?;
    right(found == RECORDS, speed, || format!("{found} rows came, {RECORDS} are expected"))
}

fn right(is_right: bool, speed: f64, wrong: impl FnOnce() -> String) -> Result<f64, String> {
    if is_right { Ok(speed) } else { Err(wrong()) }
}
