//! SQL-script cases (conformance.md §10): every INSERT runs through all queries at once, then records are asserted.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use engine::log::TopicSpec;
use engine::types::{Column, SqlType};
use serde_json::Value as Json;
use sql::{Expr, ExprKind, Ident, Sign, Statement};

use crate::case::{Case, SqlStep};
use crate::qtt::{declared_topic, matches_error};
use crate::records;
use crate::subject::{Refusal, RefusalKind, Subject};
use crate::value::{self, Value};

/// Runs one case.
pub(crate) fn judge(case: &Case) -> Result<(), String> {
    let mut script = Script { subject: Subject::new(&case.properties)?, next: BTreeMap::new() };
    let mut failed = None;
    for step in &case.steps {
        if let Err(refusal) = script.step(step) {
            failed = Some((step, refusal));
            break;
        }
    }
    match (failed, &case.expected) {
        (None, None) => Ok(()),
        (Some((step, refusal)), None) => Err(format!("{}\n{}", step.sql, refusal.message)),
        (None, Some(expected)) => Err(format!("no error came; expected: {:?}", expected.message)),
        (Some((_, refusal)), Some(expected)) => matches_error(&refusal, expected),
    }
}

struct Script {
    subject: Subject,
    /// Next unread record of each topic.
    next: BTreeMap<String, usize>,
}

fn failed(message: impl Into<String>) -> Refusal {
    Refusal { kind: RefusalKind::Assertion, message: message.into(), brief: None, statement: String::new() }
}

impl Script {
    fn step(&mut self, step: &SqlStep) -> Result<(), Refusal> {
        match step.action.as_str() {
            "statement" => self.statement(&step.sql),
            "set" | "unset" => self.subject.set(&step.sql),
            "insert-values" => {
                self.subject.execute(&step.sql)?;
                self.subject.run_all();
                Ok(())
            }
            "assert-values" | "assert-null-values" | "assert-stream" | "assert-table" => self.assert(&step.sql),
            other => Err(failed(format!("unknown step {other}"))),
        }
    }

    /// CREATE makes its topic, with one partition.
    fn statement(&mut self, text: &str) -> Result<(), Refusal> {
        if let Some((topic, partitions)) = declared_topic(text)
            && !self.subject.topic_names().map_err(failed)?.contains(&topic)
        {
            let spec = TopicSpec { partitions: partitions.unwrap_or(1), replicas: 1, config: BTreeMap::new() };
            self.subject.create_topic(&topic, &spec).map_err(failed)?;
        }
        self.subject.execute(text)
    }

    fn assert(&mut self, text: &str) -> Result<(), Refusal> {
        let parsed = sql::parse_script(text, &sql::Variables::default()).map_err(|e| failed(e.to_string()))?;
        match parsed.into_iter().next().map(|parsed| parsed.statement) {
            Some(Statement::AssertValues { source, columns, values }) => {
                self.assert_record(&source, &columns, &values, false)
            }
            Some(Statement::AssertNullValues { source, columns, key }) => {
                self.assert_record(&source, &columns, &key, true)
            }
            Some(Statement::AssertSource(expected)) => self.subject.assert_source(&expected),
            _ => Err(failed(format!("not an ASSERT: {text}"))),
        }
    }

    /// The next record of the source's topic has these values in these columns (and no value at all if `tombstone`).
    fn assert_record(
        &mut self,
        source: &Ident,
        columns: &[Ident],
        values: &[Expr],
        tombstone: bool,
    ) -> Result<(), Refusal> {
        let known = self.subject.sources().into_iter().find(|s| s.name == source.name);
        let known = known.ok_or_else(|| failed(format!("{} does not exist", source.name)))?;
        let position = self.next.entry(known.topic.clone()).or_insert(0);
        let records = self.subject.read(&known.topic).map_err(failed)?;
        let record =
            records.get(*position).ok_or_else(|| failed(format!("no record {position} in {}", known.topic)))?;
        *position += 1;
        let topic = self.subject.topic(&known.topic);
        let (key_bytes, window) = match (&record.key, topic.window) {
            (Some(bytes), Some(kind)) => {
                let (key, window) = records::decode_window(bytes, kind).map_err(failed)?;
                (Some(key), Some(window))
            }
            (bytes, _) => (bytes.as_deref(), None),
        };
        let key = topic.key.decode(key_bytes, true).map_err(failed)?;
        let value = topic.value.decode(record.value.as_deref(), true).map_err(failed)?;
        if tombstone && value != Value::Null {
            return Err(failed(format!(
                "Expected record does not match actual. A tombstone is expected, the value is {value:?}"
            )));
        }
        let names: Vec<String> = match columns {
            [] => known.schema.columns().map(|column| column.name.clone()).collect(),
            listed => listed.iter().map(|column| column.name.clone()).collect(),
        };
        for (name, wanted) in names.iter().zip(values) {
            let column = known.schema.columns().find(|column| column.name == *name);
            let wanted = literal(wanted).map(|wanted| coerced(wanted, column));
            let wanted = wanted.ok_or_else(|| failed("only literals can be asserted"))?;
            let actual = match name.as_str() {
                "ROWTIME" => Value::Int(record.timestamp),
                "WINDOWSTART" => Value::Int(window.as_ref().map_or(0, |w| w.start)),
                "WINDOWEND" => Value::Int(window.as_ref().map_or(0, |w| w.end)),
                _ => side_column(&topic.key, &key, name)
                    .or_else(|| side_column(&topic.value, &value, name))
                    .unwrap_or(Value::Null),
            };
            if !value::matches(&wanted, &actual) {
                return Err(failed(format!(
                    "Expected record does not match actual. {name}: {wanted} is expected, it is {actual:?}"
                )));
            }
        }
        Ok(())
    }
}

/// The value of a column within a decoded key or value.
fn side_column(side: &records::Side, decoded: &Value, name: &str) -> Option<Value> {
    let index = side.columns.iter().position(|column| column.name == name)?;
    match (decoded, side.format.as_str()) {
        (Value::Map(entries), "JSON") => entries.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()),
        (Value::Text(line), "DELIMITED") => {
            let field = line.split(',').nth(index)?;
            Some(field.parse().map_or_else(|_| Value::Text(field.to_owned()), Value::Int))
        }
        (single, _) if side.columns.len() == 1 => Some(single.clone()),
        _ => None,
    }
}

/// A value as INSERT VALUES would write it: a DECIMAL has the scale of its column.
fn coerced(wanted: Json, column: Option<&Column>) -> Json {
    let scale = match column.map(|column| &column.ty) {
        Some(SqlType::Decimal { scale, .. }) if wanted.is_number() => i64::from(*scale),
        _ => return wanted,
    };
    let decimal = wanted.to_string().parse::<BigDecimal>().map(|number| number.with_scale(scale).to_plain_string());
    decimal.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(wanted)
}

fn literal(expr: &Expr) -> Option<Json> {
    Some(match &expr.kind {
        ExprKind::Null => Json::Null,
        ExprKind::Boolean(b) => Json::from(*b),
        ExprKind::Integer(i) => Json::from(*i),
        ExprKind::Bigint(i) => Json::from(*i),
        ExprKind::Double(d) => Json::from(*d),
        ExprKind::Decimal(text) => serde_json::from_str(text).ok()?,
        ExprKind::String(text) => Json::from(text.as_str()),
        ExprKind::Unary { op: Sign::Minus, expr } => serde_json::from_str(&format!("-{}", literal(expr)?)).ok()?,
        ExprKind::Array(items) => Json::Array(items.iter().map(literal).collect::<Option<_>>()?),
        ExprKind::Struct(fields) => {
            Json::Object(fields.iter().map(|(n, e)| Some((n.name.clone(), literal(e)?))).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
