//! EMIT FINAL.

use std::ops::Bound;

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::compute::take;

use super::{Context, EncodeKeys, Operator, OperatorError, only};
use crate::kv::{KvError, Writes};
use crate::state::{Entries, KeySet, Place, Row, Store};
use crate::types::row::{RowDecoder, RowEncoder};
use crate::types::{Changes, Schema, Side, SqlType, Time, Window, WindowBounds, Windows};

/// Holds every window's result back until stream time has passed its end and grace, then emits the last one, in the
/// order of window start (of sessions: end) and key. However far stream time jumps, and whatever retention is: every
/// window is emitted, once.
///
/// Stream time is the highest ROWTIME seen, of any key. All rows of one input record count before windows are closed.
/// Rows are never taken back, so the old side is absent.
pub(crate) struct Suppress {
    keys: EncodeKeys,
    window: Window,
    /// Rows by window and key; value columns stand behind the key columns.
    rows: Store<Vec<Row>>,
    /// The keys of `rows`, in the order in which they are emitted.
    order: KeySet,
    key_columns: usize,
    decoder: RowDecoder,
    tells_old: bool,
    entry: Vec<u8>,
    row: Vec<u8>,
}

/// Rows that are emitted.
#[derive(Default)]
struct Closed {
    from: Vec<u32>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    times: Vec<i64>,
}

impl Suppress {
    /// Holds rows of `schema`; those held at the last commit are read from `place`.
    pub(crate) fn new(
        schema: &Schema,
        keys: EncodeKeys,
        window: Window,
        place: &Place,
        tells_old: bool,
    ) -> Result<Self, OperatorError> {
        let rows = Store::open(Vec::<Row>::new(), place.clone())?;
        let mut order = KeySet::new(&place.budget);
        rows.scan(0, (Bound::Unbounded, Bound::Unbounded), &mut |entry, _| {
            order.insert(entry);
            true
        })?;
        let types: Vec<SqlType> = schema.columns().map(|column| column.ty.clone()).collect();
        Ok(Self {
            keys,
            window,
            rows,
            order,
            key_columns: schema.key.len(),
            decoder: RowDecoder::new(&types),
            tells_old,
            entry: Vec::new(),
            row: Vec::new(),
        })
    }

    /// Takes in one row of a window.
    fn hold(&mut self, key: &[u8], window: WindowBounds, time: i64, has_value: bool) -> Result<(), OperatorError> {
        self.entry.clear();
        if self.window.kind.is_session() {
            self.entry.extend_from_slice(&window.1.to_be_bytes());
        }
        self.entry.extend_from_slice(&window.0.to_be_bytes());
        self.entry.extend_from_slice(key);
        if has_value {
            let (slot, existed) = self.rows.upsert(0, &self.entry)?;
            self.rows.values_mut()[slot as usize].set(time, &self.row);
            if !existed {
                self.order.insert(&self.entry);
            }
        } else if let Some(slot) = self.rows.get(0, &self.entry)? {
            self.rows.remove(slot);
            self.order.remove(&self.entry);
        }
        Ok(())
    }

    /// Bounds of an entry's window.
    fn bounds(&self, entry: &[u8]) -> WindowBounds {
        let at = |from: usize| {
            entry.get(from..from + 8).and_then(|b| b.try_into().ok()).map_or(i64::MIN, i64::from_be_bytes)
        };
        match self.window.kind.is_session() {
            true => (at(8), at(0)),
            false => (at(0), (Time(at(0)) + self.window.size_ms).0),
        }
    }

    /// Emits what is over, caused by input row `from`.
    fn close(&mut self, from: u32, closed: &mut Closed) -> Result<(), OperatorError> {
        while let Some(entry) = self.order.first() {
            let (start, end) = self.bounds(entry);
            if !self.window.is_over((start, end), self.rows.time()) {
                break;
            }
            let Some(entry) = self.order.pop_first() else { break };
            let Some(slot) = self.rows.get(0, &entry)? else { continue };
            let row = &self.rows.values()[slot as usize];
            self.decoder.push(&row.bytes).map_err(|problem| KvError::Corrupt {
                file: "suppressed rows".to_owned(),
                problem: problem.to_string(),
            })?;
            closed.from.push(from);
            closed.starts.push(start);
            closed.ends.push(end);
            closed.times.push(row.time);
            self.rows.remove(slot);
        }
        Ok(())
    }

    fn emit(&mut self, rows: &Changes, closed: Closed) -> Result<Changes, OperatorError> {
        let mut key = self.decoder.finish()?;
        let columns = key.split_off(self.key_columns);
        let from = UInt32Array::from(closed.from);
        let headers = rows.headers.as_ref().map(|headers| take(headers, &from, None)).transpose()?;
        Ok(Changes {
            key,
            null_keys: None,
            windows: Some(Windows { start: closed.starts.into(), end: closed.ends.into() }),
            old: self.tells_old.then(|| Side::absent(&columns, from.len())),
            new: Side { columns, present: None },
            time: closed.times.into(),
            seq: from.values().iter().map(|&row| rows.seq[row as usize]).collect(),
            headers: headers.and_then(|headers| headers.as_list_opt().cloned()),
        })
    }
}

impl Operator for Suppress {
    fn run(&mut self, inputs: Vec<Changes>, _: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = only(inputs)?;
        let windows = rows.windows.clone();
        let Some(windows) = windows.or_else(|| rows.is_empty().then(no_windows)) else {
            return Err(OperatorError::Fatal("EMIT FINAL over rows without a window".to_owned()));
        };
        let keys = (self.keys)(&rows.key, None, rows.len())?;
        let columns: Vec<_> = rows.row(&rows.new).cloned().collect();
        let encoder = RowEncoder::new(&columns)?;
        let mut closed = Closed::default();
        for row in 0..rows.len() {
            if !keys.is_null(row) {
                self.row.clear();
                encoder.encode(row, &mut self.row);
                let window = (windows.start[row], windows.end[row]);
                self.hold(keys.value(row), window, rows.time[row], rows.new.is_present(row))?;
                self.rows.advance(rows.time[row]);
            }
            if rows.seq.get(row + 1) != Some(&rows.seq[row]) {
                self.close(row as u32, &mut closed)?;
            }
        }
        self.emit(&rows, closed)
    }

    fn holds_back(&self) -> bool {
        true
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.rows.drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.rows.committed()?)
    }
}

fn no_windows() -> Windows {
    Windows { start: Vec::new().into(), end: Vec::new().into() }
}

#[cfg(test)]
mod tests {
    use super::Suppress;
    use crate::kv::Writes;
    use crate::operators::aggregate::tests::{grouping, hopping, session, stream_schema, tumbling};
    use crate::operators::aggregate::{SessionAggregate, StreamAggregate};
    use crate::operators::harness::{Harness, text_keys};
    use crate::operators::{Context, Operator, OperatorError};
    use crate::state::Place;
    use crate::types::{Changes, Window};

    /// A windowed aggregate, and only its final results.
    struct Final(Box<dyn Operator>, Suppress);

    impl Operator for Final {
        fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
            let results = self.0.run(inputs, ctx)?;
            self.1.run(vec![results], ctx)
        }

        fn drain_state(&mut self, into: &mut Writes) {
            self.0.drain_state(into);
            self.1.drain_state(into);
        }

        fn committed(&mut self) -> Result<(), OperatorError> {
            self.0.committed()?;
            self.1.committed()
        }
    }

    fn check(window: Window, script: &str, expected: &str) {
        let make = |place: &Place| {
            let grouping = grouping("SUM", place, false);
            let aggregate: Box<dyn Operator> = match window.kind.is_session() {
                true => Box::new(SessionAggregate::new(grouping, window).unwrap()),
                false => Box::new(StreamAggregate::new(grouping, Some(window)).unwrap()),
            };
            let held = place.below("suppress");
            let suppress = Suppress::new(&stream_schema(), text_keys(), window, &held, false).unwrap();
            Box::new(Final(aggregate, suppress)) as Box<dyn Operator>
        };
        Harness { make: &make, schema: "ID BIGINT KEY, V INT", is_table: false }.check(script, expected);
    }

    #[test]
    fn a_window_is_emitted_once_when_end_and_grace_have_passed() {
        check(
            tumbling(10, 5, 15),
            "@1 + 2 | 1
             @2 + 1 | 2
             @11 + 1 | 4
             @9 + 1 | 8
             @15 + 3 | 1
             @8 + 1 | 16
             @25 + 3 | 1",
            "@9 + 1 [0, 10) | 2, 10, 0, 10
             @1 + 2 [0, 10) | 1, 1, 0, 10
             @11 + 1 [10, 20) | 1, 4, 10, 20
             @15 + 3 [10, 20) | 1, 1, 10, 20",
        );
    }

    #[test]
    fn windows_that_retention_has_overtaken_are_emitted() {
        check(
            hopping(5, 2, 1, 6),
            "@0 + 1 | 1\n@1 + 1 | 1\n@2 + 1 | 1\n@1 + 1 | 1\n@6 + 1 | 1\n@5 + 1 | 1\n@10 + 1 | 1",
            "@2 + 1 [0, 5) | 4, 4, 0, 5
             @6 + 1 [2, 7) | 3, 3, 2, 7
             @6 + 1 [4, 9) | 2, 2, 4, 9",
        );
    }

    #[test]
    fn sessions_in_a_dropped_part_of_the_store_are_emitted() {
        check(
            session(5_000, 0, 5_000),
            "@22000 + 1 | 1\n@37000 + 1 | 2\n@57000 + 1 | 4\n@70000 + 2 | 8\n@90000 + 2 | 16",
            "@22000 + 1 [22000, 22000) | 1, 1, 22000, 22000
             @37000 + 1 [37000, 37000) | 1, 2, 37000, 37000
             @57000 + 1 [57000, 57000) | 1, 4, 57000, 57000
             @70000 + 2 [70000, 70000) | 1, 8, 70000, 70000",
        );
    }

    #[test]
    fn a_session_is_emitted_when_nothing_can_extend_it() {
        check(
            session(5, 6, 11),
            "@0 + 1 | 1\n@4 + 1 | 1\n@8 + 1 | 1\n@12 + 1 | 1\n@14 + 1 | 1
             @30 + 1 | 1\n@29 + 1 | 1\n@17 + 1 | 1\n@42 + 1 | 1",
            "@14 + 1 [0, 14) | 5, 5, 0, 14
             @30 + 1 [29, 30) | 2, 2, 29, 30",
        );
    }
}
