//! ASSERT [NOT EXISTS] TOPIC | SCHEMA

use std::thread;
use std::time::Duration;

use sql::{Expr, ExprKind, Interval, TimeUnit, With};

use super::{Failure, FailureKind, Outcome, View};

/// How often a topic is looked for while waiting.
const POLL: Duration = Duration::from_millis(50);
/// How long ASSERT waits when it does not say.
const DEFAULT_TIMEOUT_MS: i64 = 1000;

/// `ASSERT [NOT EXISTS] TOPIC name [WITH (…)] [TIMEOUT …]`: waits until it holds or the time is over.
pub fn topic(
    view: View<'_>,
    exists: bool,
    name: &str,
    with: &With,
    timeout: Option<Interval>,
) -> Result<Outcome, Failure> {
    let deadline = view.clock.now_ms().saturating_add(timeout.map_or(DEFAULT_TIMEOUT_MS, millis));
    loop {
        match check(view, exists, name, with)? {
            None => return Ok(Outcome::AssertedTopic { topic: name.to_owned(), exists }),
            Some(message) if view.clock.now_ms() >= deadline => {
                return Err(Failure::new(FailureKind::Assertion, message));
            }
            Some(_) => thread::sleep(POLL),
        }
    }
}

/// `ASSERT [NOT EXISTS] SCHEMA …`: without a registry no schema exists.
pub fn schema(exists: bool, subject: Option<&str>, id: Option<i32>) -> Result<Outcome, Failure> {
    if !exists {
        return Ok(Outcome::AssertedSchema { subject: subject.map(str::to_owned), id, exists });
    }
    let subject = subject.map(|subject| format!(" subject name {subject}"));
    let id = id.map(|id| format!(" id {id}"));
    let what: Vec<String> = [subject, id].into_iter().flatten().collect();
    Err(Failure::new(FailureKind::Assertion, format!("Schema with{} does not exist", what.join(" and"))))
}

/// What is wrong, if anything.
fn check(view: View<'_>, exists: bool, name: &str, with: &With) -> Result<Option<String>, Failure> {
    let topic = view.log.topic(name)?;
    let Some(topic) = topic.filter(|_| exists) else {
        let found = view.log.topic(name)?.is_some();
        return Ok(match (exists, found) {
            (false, true) => Some(format!("Topic {name} exists")),
            (true, false) => Some(format!("Topic {name} does not exist")),
            _ => None,
        });
    };
    let mut problems = Vec::new();
    for (property, value) in &with.0 {
        let (wanted, actual) = match property.name.as_str() {
            "PARTITIONS" => (number(value), i64::from(topic.spec.partitions)),
            "REPLICAS" => (number(value), i64::from(topic.spec.replicas)),
            other => {
                problems.push(format!("Cannot assert unknown topic property: {other}"));
                continue;
            }
        };
        if wanted != Some(actual) {
            let wanted = wanted.map_or_else(|| "?".to_owned(), |wanted| wanted.to_string());
            let what = property.name.to_lowercase();
            problems.push(format!(
                "Mismatched configuration for topic {name}: For config {what}, expected {wanted} got {actual}"
            ));
        }
    }
    Ok(Some(problems.join("\n")).filter(|problems| !problems.is_empty()))
}

fn number(value: &Expr) -> Option<i64> {
    match &value.kind {
        ExprKind::Integer(value) => Some(i64::from(*value)),
        ExprKind::Bigint(value) => Some(*value),
        ExprKind::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn millis(interval: Interval) -> i64 {
    let unit = match interval.unit {
        TimeUnit::Days => 86_400_000,
        TimeUnit::Hours => 3_600_000,
        TimeUnit::Minutes => 60_000,
        TimeUnit::Seconds => 1000,
        TimeUnit::Milliseconds => 1,
    };
    interval.amount.saturating_mul(unit)
}
