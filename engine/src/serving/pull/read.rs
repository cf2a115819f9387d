//! Reading what a pull query asks for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::{filter, is_not_null};

use crate::expr::{Evaluator, RowErrors, Rows};
use crate::formats;
use crate::log::LogError;
use crate::rows::{RowBatch, RowFormat, RowWriter};
use crate::state::{Cursor, Found, Table};
use crate::types::Changes;

use super::{Access, From, Pull};

/// Entries read, decoded, filtered and encoded at once when scanning.
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
}

/// How far an answer has come.
#[derive(Debug)]
pub(crate) struct Progress {
    format: RowFormat,
    /// Tables that are done.
    tables: usize,
    cursor: Cursor,
    rows: u64,
}

impl Progress {
    /// Nothing is read yet; rows will be written in that format.
    pub(crate) fn new(format: RowFormat) -> Self {
        Self { format, tables: 0, cursor: Cursor::default(), rows: 0 }
    }
}

impl Pull {
    /// The next rows of the answer, from the tables (one per partition) that keep them; `None`: that was all. Whatever
    /// the size of a table, one batch of its rows is in memory at a time.
    pub(crate) fn next(&self, tables: &[Table], progress: &mut Progress) -> Result<Option<RowBatch>, PullError> {
        let Some(table) = tables.get(progress.tables).filter(|_| self.wants_more(progress.rows)) else {
            return Ok(None);
        };
        let mut found = Found::default();
        let is_done = match &self.access {
            Access::Keys(lookups) => {
                lookups.iter().try_for_each(|at| table.look_up(&at.key, at.from, at.to, &mut found))?;
                true
            }
            Access::Scan => !table.scan(&mut progress.cursor, BATCH, &mut found)?,
        };
        if is_done {
            progress.tables += 1;
            progress.cursor = Cursor::default();
        }
        if found.is_empty() {
            return Ok(Some(RowBatch::default()));
        }
        self.answer(table, found, progress).map(Some)
    }

    fn wants_more(&self, rows: u64) -> bool {
        self.limit.is_none_or(|most| rows < most)
    }

    /// Filters, projects and encodes.
    fn answer(&self, table: &Table, mut found: Found, progress: &mut Progress) -> Result<RowBatch, PullError> {
        let key = &self.source.schema.key;
        let spec = &self.source.formats.key;
        let all: Vec<usize> = (0..key.len()).collect();
        let keys = formats::known_format(&spec.name)?.decoder(spec, key, &all, true)?.decode(&found.take_keys());
        let mut kept = table.rows(keys.columns, &mut found)?;
        if let Some(present) = kept.new.present.take() {
            kept = kept.filter(&BooleanArray::new(present, None))?;
        }
        let mut columns = self.columns_of(&kept);
        let mut len = kept.len();
        if let Some(predicate) = &self.filter {
            let keep = truth(&predicate.eval(Rows { columns: &columns, len }, &mut RowErrors::default()))?;
            len = keep.true_count();
            columns = columns.iter().map(|column| filter(column, &keep)).collect::<Result<_, _>>()?;
        }
        let eval = |column: &Evaluator| column.eval(Rows { columns: &columns, len }, &mut RowErrors::default());
        let projected: Vec<ArrayRef> = self.projection.iter().map(eval).collect();
        let mut writer = RowWriter::new(progress.format, &projected);
        for row in 0..len {
            if !self.wants_more(progress.rows) {
                break;
            }
            writer.write(row, false)?;
            progress.rows += 1;
        }
        Ok(writer.finish())
    }

    /// The columns the source step would make of these rows.
    fn columns_of(&self, kept: &Changes) -> Vec<ArrayRef> {
        let longs = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let made = self.layout.iter().filter_map(|column| match column {
            From::Stored(at) => kept.new.columns.get(*at).cloned(),
            From::RowTime => Some(longs(&kept.time)),
            From::WindowStart => kept.windows.as_ref().map(|windows| longs(&windows.start)),
            From::WindowEnd => kept.windows.as_ref().map(|windows| longs(&windows.end)),
        });
        kept.key.iter().cloned().chain(made).collect()
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
