//! Reading what a pull query asks for.

use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Int64Array};
use arrow::compute::{filter, is_not_null};

use crate::expr::{RowErrors, Rows};
use crate::formats;
use crate::formats::rest::RestRows;
use crate::log::LogError;
use crate::rows::RowBatch;
use crate::state::{SharedTable, TableRow};
use crate::types::SqlType;
use crate::types::row::RowDecoder;

use super::{Access, From, Pull};

/// Rows decoded, filtered and encoded at once when scanning.
const BATCH: usize = 4096;

/// Why a pull query cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Format(#[from] formats::FormatError),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error(transparent)]
    Row(#[from] crate::types::row::BadRow),
}

/// Rows as read: serialised keys, windows, times, and the value columns.
struct Found {
    keys: BinaryBuilder,
    starts: Vec<i64>,
    ends: Vec<i64>,
    times: Vec<i64>,
    values: RowDecoder,
    bad: Option<crate::types::row::BadRow>,
}

impl Found {
    fn new(types: &[SqlType]) -> Self {
        Self {
            keys: BinaryBuilder::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            times: Vec::new(),
            values: RowDecoder::new(types),
            bad: None,
        }
    }

    fn push(&mut self, row: TableRow<'_>) {
        let (start, end) = row.window.unwrap_or((0, 0));
        match self.values.push(row.row) {
            Ok(()) => {
                self.keys.append_value(row.key);
                self.starts.push(start);
                self.ends.push(end);
                self.times.push(row.time);
            }
            Err(bad) => self.bad = Some(bad),
        }
    }

    fn len(&self) -> usize {
        self.times.len()
    }
}

impl Pull {
    /// Answers the query from the tables (one per partition) that keep the rows.
    pub(crate) fn run(&self, tables: &[SharedTable]) -> Result<RowBatch, PullError> {
        let (mut json, mut answer) = (String::new(), RowBatch::default());
        let types = &self.stored;
        match &self.access {
            Access::Keys(_) => {
                let mut found = Found::new(types);
                self.look_up(tables, &mut found)?;
                self.answer(found, &mut json, &mut answer)?;
            }
            Access::Scan => {
                for table in tables {
                    self.scan(table, types, &mut json, &mut answer)?;
                    if self.is_full(&answer) {
                        break;
                    }
                }
            }
        }
        answer.json = json.into_bytes();
        Ok(answer)
    }

    fn is_full(&self, answer: &RowBatch) -> bool {
        self.limit.is_some_and(|limit| answer.ends.len() as u64 >= limit)
    }

    fn look_up(&self, tables: &[SharedTable], found: &mut Found) -> Result<(), LogError> {
        let Access::Keys(lookups) = &self.access else { return Ok(()) };
        for table in tables {
            let table = table.read();
            for lookup in lookups {
                if self.source.is_windowed() {
                    table.windows(&lookup.key, lookup.from, lookup.to, &mut |row| found.push(row))?;
                } else if let Some(row) = table.get(&lookup.key)? {
                    found.push(TableRow { key: &lookup.key, window: None, time: row.time, row: &row.bytes });
                }
            }
        }
        Ok(())
    }

    /// Scans one partition. The lock is held while entries are copied, not while they are worked on.
    fn scan(
        &self,
        table: &SharedTable,
        types: &[SqlType],
        json: &mut String,
        answer: &mut RowBatch,
    ) -> Result<(), PullError> {
        let mut batches = vec![Found::new(types)];
        table.read().scan((Bound::Unbounded, Bound::Unbounded), &mut |row| {
            if batches.last().is_none_or(|batch| batch.len() >= BATCH) {
                batches.push(Found::new(types));
            }
            if let Some(batch) = batches.last_mut() {
                batch.push(row);
            }
            true
        })?;
        for found in batches {
            if self.is_full(answer) {
                break;
            }
            self.answer(found, json, answer)?;
        }
        Ok(())
    }

    /// Filters, projects and encodes.
    fn answer(&self, mut found: Found, json: &mut String, answer: &mut RowBatch) -> Result<(), PullError> {
        if let Some(bad) = found.bad {
            return Err(bad.into());
        }
        let len = found.len();
        if len == 0 {
            return Ok(());
        }
        let mut columns = self.columns_of(&mut found)?;
        let mut rows = len;
        if let Some(predicate) = &self.filter {
            let keep = predicate.eval(Rows { columns: &columns, len }, &mut RowErrors::default());
            let keep = truth(&keep)?;
            rows = keep.true_count();
            columns = columns.iter().map(|column| filter(column, &keep)).collect::<Result<_, _>>()?;
        }
        let eval = |column: &crate::expr::Evaluator| {
            column.eval(Rows { columns: &columns, len: rows }, &mut RowErrors::default())
        };
        let projected: Vec<ArrayRef> = self.projection.iter().map(eval).collect();
        let writer = RestRows::new(&projected);
        for row in 0..rows {
            if self.is_full(answer) {
                break;
            }
            writer.write_row(row, json);
            answer.ends.push(json.len());
        }
        Ok(())
    }

    /// The columns the source step would make of these rows.
    fn columns_of(&self, found: &mut Found) -> Result<Vec<ArrayRef>, PullError> {
        let key = &self.source.schema.key;
        let spec = &self.source.formats.key;
        let all: Vec<usize> = (0..key.len()).collect();
        let decoded = formats::known_format(&spec.name)?.decoder(spec, key, &all, true)?.decode(&found.keys.finish());
        let values = found.values.finish()?;
        let longs = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let made = self.layout.iter().filter_map(|column| match column {
            From::Stored(at) => values.get(*at).cloned(),
            From::RowTime => Some(longs(&found.times)),
            From::WindowStart => Some(longs(&found.starts)),
            From::WindowEnd => Some(longs(&found.ends)),
        });
        Ok(decoded.columns.into_iter().chain(made).collect())
    }
}

/// TRUE where the predicate is TRUE; NULL counts as FALSE.
fn truth(mask: &ArrayRef) -> Result<BooleanArray, arrow::error::ArrowError> {
    let Some(bits) = mask.as_boolean_opt() else { return is_not_null(mask) };
    Ok(match bits.nulls() {
        Some(nulls) => BooleanArray::new(bits.values() & nulls.inner(), None),
        None => bits.clone(),
    })
}
