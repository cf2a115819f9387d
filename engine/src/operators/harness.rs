//! Operators with one input, tested in pictures.
//!
//! ```text
//! @10 + 1 | 5, 'x'      ROWTIME, key columns, value columns          @10 - 1     a record without a value
//! @10 + 1 [0, 30) | 5   with the window in the key                   … << 4      what the row was before
//! ```
//!
//! Every check runs the rows in steps of every size, with and without a restart after each: results must be the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::{Context, EncodeKeys, Failed, Operator, OperatorError};
use crate::kv::{Kv, MemoryKv, Writes};
use crate::state::{Budget, Place};
use crate::types::{Changes, Column, Schema, Side, SqlType, Value};

/// What is tested.
pub(super) struct Harness<'a> {
    /// Makes the operator over what is in a place.
    pub(super) make: &'a dyn Fn(&Place) -> Box<dyn Operator>,
    /// Columns of the input: `ID BIGINT KEY, V INT`.
    pub(super) schema: &'a str,
    /// The input is a table and its old side is wanted.
    pub(super) is_table: bool,
}

impl Harness<'_> {
    /// Runs the script and compares what comes out, line by line.
    pub(super) fn check(&self, script: &str, expected: &str) {
        let schema = schema(self.schema);
        let mut rows: Vec<Row> = lines(script).map(|line| parse(line, &schema)).collect();
        if self.is_table {
            fill_old(&mut rows);
        }
        let expected: Vec<&str> = lines(expected).collect();
        for step in 1..=rows.len() {
            for restarts in [false, true] {
                let seen = self.run(&rows, &schema, step, restarts);
                assert_eq!(seen, expected, "steps of {step}, restarts: {restarts}");
            }
        }
    }

    /// What one step makes of these rows.
    pub(super) fn step(&self, operator: &mut dyn Operator, script: &str) -> Vec<String> {
        let schema = schema(self.schema);
        let rows: Vec<Row> = lines(script).map(|line| parse(line, &schema)).collect();
        let out = operator.run(vec![batch(&rows, &schema, self.is_table)], &mut NoErrors).unwrap();
        (0..out.len()).map(|row| draw(&out, row)).collect()
    }

    fn run(&self, rows: &[Row], schema: &Schema, step: usize, restarts: bool) -> Vec<String> {
        let kv: Arc<dyn Kv> = Arc::new(MemoryKv::default());
        // A budget so small that whatever is clean leaves memory.
        let budget = Arc::new(Budget::new(if restarts { 64 } else { usize::MAX }));
        let place = Place::on_disk(Arc::clone(&kv), "state/q/0_0/op", budget);
        let (mut operator, mut seen) = ((self.make)(&place), Vec::new());
        for rows in rows.chunks(step) {
            let out = operator.run(vec![batch(rows, schema, self.is_table)], &mut NoErrors).unwrap();
            assert!(out.seq.is_sorted(), "order of {:?}", out.seq);
            seen.extend((0..out.len()).map(|row| draw(&out, row)));
            if restarts {
                let mut writes = Writes::default();
                operator.drain_state(&mut writes);
                kv.write(writes).unwrap();
                operator = (self.make)(&place);
            }
        }
        seen
    }
}

/// The key columns' texts, one after the other.
pub(super) fn text_keys() -> EncodeKeys {
    Box::new(|columns: &[ArrayRef], _, len| -> Result<BinaryArray, OperatorError> {
        let text = |row: usize| columns.iter().map(|column| cell(column, row) + ";").collect::<String>();
        Ok((0..len).map(|row| Some(text(row))).collect())
    })
}

struct Row {
    time: i64,
    key: Vec<Value>,
    value: Option<Vec<Value>>,
    old: Option<Vec<Value>>,
}

struct NoErrors;

impl Context for NoErrors {
    fn row_error(&mut self, failed: Failed<'_>) {
        // A row without a group is told of, too.
        assert!(failed.message.contains("resolved to null"), "{failed:?}");
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn schema(text: &str) -> Schema {
    let mut schema = Schema::default();
    for column in text.split(", ") {
        let mut words = column.split(' ');
        let name = words.next().unwrap();
        let ty = match words.next().unwrap() {
            "BIGINT" => SqlType::Bigint,
            "INT" => SqlType::Integer,
            "DOUBLE" => SqlType::Double,
            "STRING" => SqlType::String,
            other => panic!("type {other}"),
        };
        let side = if words.next() == Some("KEY") { &mut schema.key } else { &mut schema.value };
        side.push(Column::new(name, ty));
    }
    schema
}

fn parse(line: &str, schema: &Schema) -> Row {
    let (head, value) = line.split_once('|').map_or((line, None), |(head, value)| (head, Some(value)));
    let (time, key) = head.trim().strip_prefix('@').unwrap().split_once(' ').unwrap();
    let (op, key) = key.split_once(' ').unwrap();
    assert_eq!(op == "+", value.is_some(), "{line}");
    Row {
        time: time.parse().unwrap(),
        key: values(key, &schema.key),
        value: value.map(|value| values(value, &schema.value)),
        old: None,
    }
}

fn values(text: &str, columns: &[Column]) -> Vec<Value> {
    let one = |(text, column): (&str, &Column)| match (text.trim(), &column.ty) {
        ("null", _) => Value::Null,
        (text, SqlType::Bigint) => Value::Bigint(text.parse().unwrap()),
        (text, SqlType::Integer) => Value::Integer(text.parse().unwrap()),
        (text, SqlType::Double) => Value::Double(text.parse().unwrap()),
        (text, _) => Value::String(text.to_owned()),
    };
    text.split(',').zip(columns).map(one).collect()
}

/// A table's source says what each row was before.
fn fill_old(rows: &mut [Row]) {
    for i in 0..rows.len() {
        let (before, now) = rows.split_at_mut(i);
        let last = before.iter().rev().find(|row| row.key == now[0].key);
        now[0].old = last.and_then(|row| row.value.clone());
    }
}

fn batch(rows: &[Row], schema: &Schema, is_table: bool) -> Changes {
    let side = |pick: &dyn Fn(&Row) -> &Option<Vec<Value>>| Side {
        columns: columns(&schema.value, rows, &|row| pick(row).as_deref()),
        present: Some(rows.iter().map(|row| pick(row).is_some()).collect::<BooleanBuffer>()),
    };
    Changes {
        key: columns(&schema.key, rows, &|row| Some(&row.key)),
        null_keys: None,
        windows: None,
        new: side(&|row| &row.value),
        old: is_table.then(|| side(&|row| &row.old)),
        time: rows.iter().map(|row| row.time).collect(),
        seq: (0..rows.len() as u64).collect(),
        headers: None,
    }
}

fn columns(columns: &[Column], rows: &[Row], pick: &dyn Fn(&Row) -> Option<&[Value]>) -> Vec<ArrayRef> {
    let column = |(at, column): (usize, &Column)| {
        let values: Vec<Value> =
            rows.iter().map(|row| pick(row).map_or(Value::Null, |values| values[at].clone())).collect();
        Value::column(&column.ty, &values)
    };
    columns.iter().enumerate().map(column).collect()
}

fn draw(rows: &Changes, row: usize) -> String {
    let cells = |columns: &[ArrayRef]| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(", ");
    let key = cells(&rows.key);
    let window = rows.windows.as_ref().map_or_else(String::new, |w| format!(" [{}, {})", w.start[row], w.end[row]));
    let (op, value) = match rows.new.is_present(row) {
        true => ("+", format!(" | {}", cells(&rows.new.columns))),
        false => ("-", String::new()),
    };
    let old = match &rows.old {
        Some(old) if old.is_present(row) => format!(" << {}", cells(&old.columns)),
        _ => String::new(),
    };
    format!("@{} {op} {key}{window}{value}{old}", rows.time[row])
}

fn cell(column: &ArrayRef, row: usize) -> String {
    match Value::at(column, row) {
        Value::Null => "null".to_owned(),
        Value::Integer(value) => value.to_string(),
        Value::Bigint(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::String(value) => value,
        Value::Array(values) => {
            let item = |value: &Value| cell(&Value::column(&SqlType::String, std::slice::from_ref(value)), 0);
            format!("[{}]", values.iter().map(item).collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}
