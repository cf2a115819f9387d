//! Statements: mutated ones of our examples and of ksqlDB's cases, and made ones, through every endpoint that takes them.
//!
//! ```text
//! corpus ─script→ statements ─mutate (tree)→ ┐
//! grammar (functions) ─statement→ ───────────┴→ /ksql, /query, /query-stream
//! ```

mod corpus;
mod functions;
mod grammar;
mod mutate;
mod tree;

use e2e::http::ksql;
use fastrand::Rng;
use serde_json::{Value, json};

use self::corpus::Corpus;
use self::functions::Functions;
use self::grammar::{Grammar, ROWS, SOURCES};
use super::odd;
use super::profile::{Batch, Profile};
use super::victim::Victim;
use super::wire::Until;

/// Statements on one server, and how many servers: 2,000 that are made or mutated, the others as scripts have them.
const BATCH: usize = 300;
const BATCHES: u64 = 8;

#[test]
fn statements_stop_nothing() {
    let corpus = Corpus::load();
    for batch in Profile::new("fuzz::sql").batches(BATCHES) {
        try_batch(&corpus, batch);
    }
}

fn try_batch(corpus: &Corpus, batch: Batch) {
    let mut random = Rng::with_seed(batch.seed);
    let mut victim = Victim::start(batch);
    let functions = Functions::of(&victim.url);
    let grammar = Grammar { functions: &functions };
    ksql(&victim.url, SOURCES, &json!({}));
    ksql(&victim.url, ROWS, &json!({}));
    let mut script: Vec<String> = Vec::new();
    for _ in 0..BATCH {
        let made = random.u8(..5) < 3;
        let mut statement = if made {
            grammar.statement(&mut random)
        } else {
            if script.is_empty() {
                script = corpus.script(&mut random).iter().rev().cloned().collect();
            }
            script.pop().unwrap_or_default()
        };
        if random.u8(..8) < if made { 2 } else { 5 } {
            let donor =
                if random.bool() { corpus.statement(&mut random).to_owned() } else { grammar.statement(&mut random) };
            statement = mutate::statement(&statement, &donor, &mut random);
        }
        send(&mut victim, &statement, &mut random);
    }
    victim.left_behind_nothing();
    victim.works(1);
    let mut victim = victim.restart();
    victim.still_works(1);
    victim.works(2);
    victim.stop();
}

fn send(victim: &mut Victim, statement: &str, random: &mut Rng) {
    let statement = if statement.trim_end().ends_with(';') { statement.to_owned() } else { format!("{statement};") };
    let first = statement.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let asks = matches!(first.as_str(), "SELECT" | "PRINT") != (random.u8(..30) == 0);
    let until = match first.as_str() {
        // The answer begins with the first record.
        "PRINT" => Until::Gone,
        _ if asks && statement.to_ascii_uppercase().contains("EMIT") => Until::Quiet,
        _ => Until::Closed,
    };
    let properties = properties(random);
    let reply = match (asks, random.bool()) {
        (false, _) => {
            let variables = json!({"x": "S", "y": odd::text(random), "loop": "${loop}"});
            let body = json!({"ksql": statement, "streamsProperties": properties, "sessionVariables": variables});
            victim.post("/ksql", &body, until)
        }
        (true, false) => victim.post("/query", &json!({"ksql": statement, "streamsProperties": properties}), until),
        (true, true) => victim.post("/query-stream", &json!({"sql": statement, "properties": properties}), until),
    };
    victim.answered(&reply);
    if reply.status().is_none() && until != Until::Gone {
        victim.fail_without_answer(&reply);
    }
}

/// Properties of a request: mostly those with which there is something to see.
fn properties(random: &mut Rng) -> Value {
    let mut properties = json!({"auto.offset.reset": "earliest"});
    if random.u8(..16) == 0 {
        let names = [
            "auto.offset.reset",
            "ksql.streams.num.stream.threads",
            "ksql.streams.commit.interval.ms",
            "ksql.query.push.v2.enabled",
            "ksql.functions.substring.legacy.args",
            "ksql.timestamp.throw.on.invalid",
            "cache.max.bytes.buffering",
            "max.task.idle.ms",
            "ksql.query.pull.table.scan.enabled",
            "ksql.suppress.enabled",
            "processing.guarantee",
            "no.such.property",
        ];
        let value = match random.u8(..4) {
            0 => json!(odd::text(random)),
            1 => json!(random.i64(..)),
            2 => json!(random.bool()),
            _ => json!(null),
        };
        properties[names[random.usize(..names.len())]] = value;
    }
    properties
}
