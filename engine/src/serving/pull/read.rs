//! Reading what a pull query asks for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::{filter, is_not_null};
use indexmap::IndexMap;

use crate::expr::{Evaluator, RowErrors, Rows};
use crate::formats::FormatError;
use crate::kv::KvError;
use crate::log::LogError;
use crate::rows::{RowBatch, RowFormat, RowWriter};
use crate::state::{Cursor, Found, Table};
use crate::types::Changes;

use super::{Access, From, Lookups, Pull};

/// Entries read, decoded, filtered and encoded at once.
const BATCH: usize = 4096;
/// Keys looked up at once: each may be looked for in many segments.
const KEYS: usize = 256;

/// Why a pull query cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("Too many long answers are on their way")]
    TooMany,
}

impl std::convert::From<KvError> for PullError {
    fn from(error: KvError) -> Self {
        LogError::from(error).into()
    }
}

/// How far an answer has come.
#[derive(Debug)]
pub(crate) struct Progress {
    format: RowFormat,
    /// The keys to look up, once they are known as the tables' entries have them.
    keys: Option<Vec<KeyLookup>>,
    /// Tables that are done.
    tables: usize,
    /// Keys that are done in the table that is next.
    looked_up: usize,
    cursor: Cursor,
    rows: u64,
}

/// One key, and the starts of windows that matter (inclusive).
#[derive(Debug)]
struct KeyLookup {
    key: Box<[u8]>,
    from: i64,
    to: i64,
}

impl Lookups {
    /// The keys as a table's entries have them, each once. Of one asked for twice, all is read that either wants.
    fn of(&self, table: &Table) -> Result<Vec<KeyLookup>, LogError> {
        let mut found: IndexMap<&[u8], (i64, i64)> = IndexMap::new();
        let keys = table.keys(&self.columns)?;
        for (key, &(from, to)) in keys.iter().zip(&self.windows) {
            let (first, last) = found.entry(key.unwrap_or_default()).or_insert((from, to));
            (*first, *last) = (from.min(*first), to.max(*last));
        }
        Ok(found.into_iter().map(|(key, (from, to))| KeyLookup { key: key.into(), from, to }).collect())
    }
}

impl Progress {
    /// Nothing is read yet; rows will be written in that format.
    pub(crate) fn new(format: RowFormat) -> Self {
        Self { format, keys: None, tables: 0, looked_up: 0, cursor: Cursor::default(), rows: 0 }
    }

    /// How many rows have been written.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the entries of the next keys; says whether there may be more.
    fn look_up(&mut self, table: &Table, found: &mut Found) -> Result<bool, LogError> {
        let keys = self.keys.as_deref().unwrap_or_default();
        for _ in 0..KEYS {
            let Some(KeyLookup { key, from, to }) = keys.get(self.looked_up) else { return Ok(false) };
            let has_more = table.look_up(key, (*from, *to), &mut self.cursor, BATCH, found)?;
            self.looked_up += usize::from(!has_more);
            if has_more || found.is_full(BATCH) {
                break;
            }
        }
        Ok(self.looked_up < keys.len())
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
        let has_more = match &self.access {
            Access::Keys(lookups) => {
                if progress.keys.is_none() {
                    progress.keys = Some(lookups.of(table)?);
                }
                progress.look_up(table, &mut found)?
            }
            Access::Scan => table.scan(&mut progress.cursor, BATCH, &mut found)?,
        };
        if !has_more {
            progress.tables += 1;
            progress.looked_up = 0;
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
    fn answer(&self, table: &Table, found: Found, progress: &mut Progress) -> Result<RowBatch, PullError> {
        let mut kept = table.rows(found)?;
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
