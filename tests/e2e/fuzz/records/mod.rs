//! Records: bytes in topics that are not what a source says they are, among good ones.
//!
//! They are written to the log of a server that is down; it finds them when it comes up.

mod mutate;
mod pipelines;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::http::ksql;
use engine::log::{Embedded, Log, Output, RecordsBuilder, TopicPartition};
use fastrand::Rng;
use serde_json::json;

use super::profile::{Batch, Profile};
use super::victim::Victim;
use super::wire::Until;

/// Servers; bad records written to each in one go, and how often.
const BATCHES: u64 = 4;
const BAD: usize = 125;
const ROUNDS: i64 = 2;
/// Good numbers of each go.
const GOOD: i64 = 8;
/// The first of them, and the time between one and the next, ms.
const BEGIN: i64 = 1_700_000_000_000;
const APART: i64 = 1_000;
/// Work that is not done by then hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The topics, with their partitions.
const TOPICS: &[(&str, u64)] =
    &[("j", 2), ("j", 2), ("d", 2), ("n", 1), ("t", 2), ("u", 2), ("w", 1), ("x", 1), ("c", 1)];

#[test]
fn records_stop_nothing() {
    for batch in Profile::new("fuzz::records").batches(BATCHES) {
        try_batch(batch);
    }
}

fn try_batch(batch: Batch) {
    let mut random = Rng::with_seed(batch.seed);
    // Where time jumps, windows close, and late rows are dropped: that is right.
    let time_is_good = random.bool();
    let mut victim = Victim::start(batch);
    ksql(&victim.url, pipelines::STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    for round in 0..ROUNDS {
        victim = victim.restart_after(|data| write(data, round * GOOD, time_is_good, &mut random));
        check(&mut victim, (round + 1) * GOOD, time_is_good);
    }
    victim.works(1);
    let mut victim = victim.restart();
    check(&mut victim, ROUNDS * GOOD, time_is_good);
    victim.still_works(1);
    victim.stop();
}

fn check(victim: &mut Victim, count: i64, time_is_good: bool) {
    let begin = Instant::now();
    while let Some(problem) = pipelines::problem(&victim.url, count, time_is_good) {
        victim.check();
        let stopped = pipelines::stopped(&victim.url);
        if begin.elapsed() > PATIENCE || !stopped.is_empty() {
            victim.fail(&format!("{problem}\nstopped: {stopped:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for query in pipelines::pull_queries() {
        let reply = victim.post("/query", &json!({ "ksql": query }), Until::Closed);
        if reply.status() != Some(200) || reply.text().contains("errorMessage") {
            victim.fail(&reply.text());
        }
    }
    let stopped = pipelines::stopped(&victim.url);
    if !stopped.is_empty() {
        victim.fail(&format!("stopped: {stopped:?}"));
    }
    victim.check();
}

/// Writes good records from a number on, and bad ones among them.
fn write(data: &Path, from: i64, time_is_good: bool, random: &mut Rng) {
    let mut partitions: BTreeMap<(&str, u32), RecordsBuilder> = BTreeMap::new();
    let mut bad = BAD;
    for number in from..from + GOOD {
        let time = BEGIN + number * APART;
        let share = if number + 1 == from + GOOD { bad } else { random.usize(..=bad) };
        bad -= share;
        for _ in 0..share {
            let (topic, count) = TOPICS[random.usize(..TOPICS.len())];
            let record = mutate::record(topic, random);
            let time = if time_is_good { time - APART + 1 } else { mutate::extreme(random) };
            let partition = partitions.entry((topic, random.u64(..count) as u32)).or_default();
            partition.push(time, record.key.as_deref(), record.value.as_deref());
            record.headers.iter().for_each(|(name, value)| partition.header(name, value.as_deref()));
        }
        for (topic, key, value) in pipelines::good(number) {
            let count = TOPICS.iter().find(|(name, _)| *name == topic).map_or(1, |(_, count)| *count);
            // Rows of one key lie in one partition, of both sides of a join in the same.
            let partition = partitions.entry((topic, (number as u64 % count) as u32)).or_default();
            // Rows of tables come before what is joined with them.
            let early = if matches!(topic, "t" | "u") { APART / 2 } else { 0 };
            partition.push(time - early, Some(&key), Some(&value));
        }
    }
    let outputs = partitions.into_iter().map(|((topic, partition), mut records)| Output {
        to: TopicPartition { topic: Arc::from(topic), partition },
        records: records.finish(),
    });
    let log = Embedded::open(data).expect("the log of the server that was stopped");
    log.append(outputs.collect()).expect("records are taken");
}
