//! ASSERT [NOT EXISTS] TOPIC | SCHEMA

use sql::{Expr, ExprKind, Statement, With};

use super::{Failure, FailureKind, Outcome, View};
use crate::schemas::SchemaError;

/// How an assertion stands now.
pub(crate) enum Asserted {
    /// As it should.
    Holds(Outcome),
    /// It does not, for this reason; that may change.
    NotYet(String),
}

/// `ASSERT [NOT EXISTS] TOPIC name [WITH (…)]`: whether it holds now.
pub(crate) fn topic(view: View<'_>, statement: &Statement) -> Result<Asserted, Failure> {
    let Statement::AssertTopic { exists, topic, with, .. } = statement else {
        return Err(Failure::statement("ASSERT TOPIC was expected"));
    };
    let problem = check(view, *exists, &topic.name, with)?;
    let holds = || Outcome::AssertedTopic { topic: topic.name.clone(), exists: *exists };
    Ok(problem.map_or_else(|| Asserted::Holds(holds()), Asserted::NotYet))
}

/// `ASSERT [NOT EXISTS] SCHEMA [SUBJECT …] [ID …]`: whether it holds now. Without a registry no schema exists.
pub(crate) fn schema(
    view: View<'_>,
    exists: bool,
    subject: Option<&str>,
    id: Option<i32>,
) -> Result<Asserted, Failure> {
    let is_there = match view.schemas.has(subject, id) {
        Err(SchemaError::None) => false,
        Err(error) if error.may_pass() => {
            return Ok(Asserted::NotYet(format!("Cannot check schema existence: {error}")));
        }
        answer => answer
            .map_err(|error| Failure::new(FailureKind::Assertion, format!("Cannot check schema existence: {error}")))?,
    };
    if is_there == exists {
        return Ok(Asserted::Holds(Outcome::AssertedSchema { subject: subject.map(str::to_owned), id, exists }));
    }
    let subject = subject.map(|subject| format!(" subject name {subject}")).unwrap_or_default();
    let id = id.map(|id| format!(" id {id}")).unwrap_or_default();
    let problem = if is_there { "exists" } else { "does not exist" };
    Ok(Asserted::NotYet(format!("Schema with{subject}{id} {problem}")))
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
        let actual = match property.name.as_str() {
            "PARTITIONS" => i64::from(topic.spec.partitions),
            "REPLICAS" => i64::from(topic.spec.replicas),
            other => {
                problems.push(format!("Cannot assert unknown topic property: {other}"));
                continue;
            }
        };
        // Only a number is one: '1' is a text.
        let is_actual = matches!(value.kind, ExprKind::Integer(wanted) if i64::from(wanted) == actual);
        if !is_actual {
            let wanted = shown(value);
            let what = property.name.to_lowercase();
            problems.push(format!(
                "Mismatched configuration for topic {name}: For config {what}, expected {wanted} got {actual}"
            ));
        }
    }
    Ok(Some(problems.join("\n")).filter(|problems| !problems.is_empty()))
}

/// A literal as Java writes its value.
fn shown(value: &Expr) -> String {
    match &value.kind {
        ExprKind::String(text) => text.clone(),
        _ => crate::expr::show::show(value, &|_, name| name.name.clone()),
    }
}
