//! Joins in pictures. Input: `left @10 k | a, b` (a side, ROWTIME, key, value columns; `-` is NULL, a missing `| …` a
//! record without a value). Output: the same without the side; `<< a, b` behind it is the old row, where old rows are
//! made.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray};
use arrow::buffer::BooleanBuffer;

use super::{Inputs, LEFT, RIGHT};
use crate::kv::{Kv, MemoryKv, Writes};
use crate::operators::{Context, EncodeKeys, Failed, Operator, OperatorError};
use crate::state::{Budget, Place};
use crate::types::{Changes, Column, Schema, Side, SqlType};

/// Key `ID`, and as many value columns; all are STRINGs.
pub(super) fn schema(values: usize) -> Schema {
    let column = |name: String| Column::new(name, SqlType::String);
    Schema { key: vec![column("ID".to_owned())], value: (0..values).map(|at| column(format!("V{at}"))).collect() }
}

/// The text of the only key column.
pub(super) fn text_keys() -> EncodeKeys {
    Box::new(|columns: &[ArrayRef], _, _| -> Result<BinaryArray, OperatorError> {
        Ok(columns[0].as_string::<i32>().iter().map(|key| key.map(str::as_bytes)).collect())
    })
}

/// Runs a join over a script, in steps of every size, with and without a restart after each step, and compares what it
/// emits. `widths`: number of value columns of either side.
pub(super) fn check<J: Operator>(
    widths: [usize; 2],
    make: &dyn Fn(Inputs<'_>) -> Result<J, OperatorError>,
    script: &str,
    expected: &str,
) {
    let script: Vec<(usize, Row)> = script.lines().map(str::trim).filter(|line| !line.is_empty()).map(parse).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for step in 1..=script.len() {
        for restarts in [false, true] {
            let seen = run(widths, make, &script, step, restarts);
            assert_eq!(seen, expected, "steps of {step}, restarts: {restarts}");
        }
    }
}

fn run<J: Operator>(
    widths: [usize; 2],
    make: &dyn Fn(Inputs<'_>) -> Result<J, OperatorError>,
    script: &[(usize, Row)],
    step: usize,
    restarts: bool,
) -> Vec<String> {
    let kv: Arc<dyn Kv> = Arc::new(MemoryKv::default());
    let place = Place::on_disk(Arc::clone(&kv), "state/q/0_0/join", Arc::new(Budget::new(1 << 20)));
    let schemas = widths.map(schema);
    let start = || make(Inputs { left: &schemas[0], right: &schemas[1], keys: text_keys(), place: &place }).unwrap();
    let (mut join, mut seen) = (start(), Vec::new());
    for rows in script.chunks(step) {
        let batch = |port: usize| batch(rows, port, &schemas[port]);
        let out = join.run(vec![batch(LEFT), batch(RIGHT)], &mut NoErrors).unwrap();
        assert!(out.seq.is_sorted(), "order of {:?}", out.seq);
        seen.extend(draw(&out));
        if restarts {
            let mut writes = Writes::default();
            join.drain_state(&mut writes);
            kv.write(writes).unwrap();
            join = start();
        }
    }
    seen
}

struct Row {
    time: i64,
    key: Option<String>,
    values: Option<Vec<Option<String>>>,
}

struct NoErrors;

impl Context for NoErrors {
    fn row_error(&mut self, failed: Failed<'_>) {
        panic!("{failed:?}");
    }
}

fn parse(line: &str) -> (usize, Row) {
    let text = |text: &str| (text.trim() != "-").then(|| text.trim().to_owned());
    let (head, values) = line.split_once('|').map_or((line, None), |(head, values)| (head, Some(values)));
    let mut words = head.split_whitespace();
    let port = if words.next() == Some("left") { LEFT } else { RIGHT };
    let time = words.next().unwrap().strip_prefix('@').unwrap().parse().unwrap();
    let values = values.map(|values| values.split(',').map(text).collect());
    (port, Row { time, key: text(words.next().unwrap()), values })
}

fn batch(rows: &[(usize, Row)], port: usize, schema: &Schema) -> Changes {
    let (seq, rows): (Vec<u64>, Vec<&Row>) =
        rows.iter().enumerate().filter(|(_, (at, _))| *at == port).map(|(seq, (_, row))| (seq as u64, row)).unzip();
    let value = |at: usize| {
        let cell = |row: &&Row| row.values.as_ref().and_then(|values| values[at].clone());
        Arc::new(rows.iter().map(cell).collect::<StringArray>()) as ArrayRef
    };
    Changes {
        key: vec![Arc::new(rows.iter().map(|row| row.key.clone()).collect::<StringArray>())],
        null_keys: None,
        windows: None,
        new: Side {
            columns: (0..schema.value.len()).map(value).collect(),
            present: Some(rows.iter().map(|row| row.values.is_some()).collect::<BooleanBuffer>()),
        },
        old: None,
        time: rows.iter().map(|row| row.time).collect(),
        seq: seq.into(),
        headers: None,
    }
}

fn draw(rows: &Changes) -> Vec<String> {
    let cell = |column: &ArrayRef, row: usize| {
        let column = column.as_string::<i32>();
        if column.is_null(row) { "-".to_owned() } else { column.value(row).to_owned() }
    };
    let side = |side: &Side, row: usize, before: &str| {
        let cells: Vec<String> = side.columns.iter().map(|column| cell(column, row)).collect();
        if side.is_present(row) { format!(" {before} {}", cells.join(", ")) } else { String::new() }
    };
    let draw = |row: usize| {
        let old = rows.old.as_ref().map_or_else(String::new, |old| side(old, row, "<<"));
        format!("@{} {}{}{old}", rows.time[row], cell(&rows.key[0], row), side(&rows.new, row, "|"))
    };
    (0..rows.len()).map(draw).collect()
}
