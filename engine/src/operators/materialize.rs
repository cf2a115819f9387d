//! A table's rows, kept.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use parking_lot::RwLock;

use crate::formats::FormatSpec;
use crate::log::{LogError, Write};
use crate::state::{Place, SharedTable, Table, TableKind};
use crate::types::row::{RowDecoder, RowEncoder};
use crate::types::{Changes, Schema, Side, SqlType};

use super::keys::KeyBytes;
use super::{Context, Operator, OperatorError};

/// Keeps the rows of a table by key and says of every row what it replaces.
///
/// It stands behind the source of a table whose readers need to know what a row was before, and at the end of a query
/// that makes a table, where pull queries read what it keeps. Rows without a key are left out: a table has none.
pub struct Materialize {
    keys: KeyBytes,
    types: Vec<SqlType>,
    table: SharedTable,
    kind: TableKind,
    /// Whether somebody downstream reads the old side.
    tells_old: bool,
    entry: Vec<u8>,
    row: Vec<u8>,
}

impl Materialize {
    /// Keeps rows of `schema`, whose keys are written in `key_format` and stand in windows of `kind`. The table is what
    /// pull queries read.
    pub fn new(
        schema: &Schema,
        key_format: &FormatSpec,
        kind: TableKind,
        place: Place,
        tells_old: bool,
    ) -> Result<(Self, SharedTable), OperatorError> {
        let table = Arc::new(RwLock::new(Table::open(place, kind)?));
        let operator = Self {
            keys: KeyBytes::new(key_format, &schema.key)?,
            types: schema.value.iter().map(|column| column.ty.clone()).collect(),
            table: Arc::clone(&table),
            kind,
            tells_old,
            entry: Vec::new(),
            row: Vec::new(),
        };
        Ok((operator, table))
    }

    /// Takes in one row; its old value, if wanted, goes to `old`. Returns whether there was one.
    fn keep(
        &mut self,
        table: &mut Table,
        at: &At<'_>,
        rows: &Encoded<'_>,
        old: Option<&mut RowDecoder>,
    ) -> Result<bool, OperatorError> {
        self.entry.clear();
        let window = at.window.unwrap_or_default();
        self.kind.put_key(at.key, window, &mut self.entry);
        let segment = self.kind.segment(window);
        let store = &mut table.store;
        store.advance(if self.kind == TableKind::Plain { at.time } else { window.0 });
        let slot = if rows.has_value { Some(store.upsert(segment, &self.entry)?) } else { None };
        let (slot, existed) = match slot {
            Some(found) => found,
            None => match store.get(segment, &self.entry)? {
                Some(slot) => (slot, true),
                None => {
                    old.map(RowDecoder::push_null);
                    return Ok(false);
                }
            },
        };
        let kept = &mut store.values_mut()[slot as usize];
        match old {
            Some(old) if existed => old.push(&kept.bytes).map_err(damaged)?,
            Some(old) => old.push_null(),
            None => {}
        }
        if rows.has_value {
            self.row.clear();
            rows.encoder.encode(at.index, &mut self.row);
            kept.time = at.time;
            if kept.bytes.len() == self.row.len() {
                kept.bytes.copy_from_slice(&self.row);
            } else {
                kept.bytes = self.row.as_slice().into();
            }
        } else {
            store.remove(slot);
        }
        Ok(existed)
    }
}

/// Where a row stands.
struct At<'a> {
    index: usize,
    key: &'a [u8],
    window: Option<(i64, i64)>,
    time: i64,
}

/// The new side, ready to be written.
struct Encoded<'a> {
    encoder: &'a RowEncoder<'a>,
    has_value: bool,
}

fn damaged(problem: crate::types::row::BadRow) -> OperatorError {
    OperatorError::State(LogError::Corrupt { file: "a table's state".to_owned(), problem: problem.to_string() })
}

impl Operator for Materialize {
    fn run(&mut self, inputs: Vec<Changes>, _: &mut dyn Context) -> Result<Changes, OperatorError> {
        let mut rows = super::only(inputs)?;
        let shared = Arc::clone(&self.table);
        let mut table = shared.write();
        table.store.begin()?;
        if rows.is_empty() {
            return Ok(rows);
        }
        let mut keys = self.keys.of_rows(&rows)?;
        if keys.null_count() > 0 {
            let known = BooleanArray::from_iter((0..keys.len()).map(|row| Some(keys.is_valid(row))));
            rows = rows.filter(&known)?;
            keys = self.keys.of_rows(&rows)?;
        }
        let encoder = RowEncoder::new(&rows.new.columns)?;
        let mut old = self.tells_old.then(|| RowDecoder::new(&self.types));
        let mut existed = Vec::with_capacity(rows.len());
        for index in 0..rows.len() {
            let window = rows.windows.as_ref().map(|windows| (windows.start[index], windows.end[index]));
            let at = At { index, key: keys.value(index), window, time: rows.time[index] };
            let encoded = Encoded { encoder: &encoder, has_value: rows.new.is_present(index) };
            existed.push(self.keep(&mut table, &at, &encoded, old.as_mut())?);
        }
        table.expire();
        drop(encoder);
        rows.old = match old {
            Some(mut old) => {
                let columns = old.finish()?;
                Some(Side { columns, present: Some(existed.into_iter().collect()) })
            }
            None => None,
        };
        Ok(rows)
    }

    fn drain_state(&mut self, into: &mut Vec<Write>) {
        self.table.write().store.drain(into);
    }
}
