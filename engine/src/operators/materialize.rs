//! A table's rows, kept.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BooleanArray};
use arrow::buffer::ScalarBuffer;
use parking_lot::RwLock;

use crate::formats::{FormatSpec, ReadBack};
use crate::kv::{KvError, Writes};
use crate::state::{Place, Row, Store, Table, TableKind, ToRows};
use crate::types::row::{BadRow, RowDecoder, RowEncoder, get_i64};
use crate::types::{Changes, Schema, Side, SqlType, Time, Windows};

use super::keys::{KeyBytes, KeyForm};
use super::{Context, Operator, OperatorError};

/// Keeps the rows of a table by key and says of every row what it replaces.
///
/// It stands behind the source of a table whose readers need to know what a row was before, and at the end of a query
/// that makes a table, where pull queries read what it keeps. Rows without a key are left out: a table has none.
pub(crate) struct Materialize {
    keys: KeyBytes,
    types: Arc<[SqlType]>,
    rows: Arc<RwLock<Store<Vec<Row>>>>,
    kind: TableKind,
    /// Whether somebody downstream reads the old side.
    tells_old: bool,
    /// What is kept of values, where it is not what they are.
    read_back: Option<ReadBack>,
    entry: Vec<u8>,
    row: Vec<u8>,
}

impl Materialize {
    /// Keeps rows of `schema`, whose keys are written in `key_format` in topics and stand in windows of `kind`.
    pub(crate) fn new(
        schema: &Schema,
        key_format: &FormatSpec,
        kind: TableKind,
        place: Place,
        tells_old: bool,
    ) -> Result<Self, OperatorError> {
        let rows = match kind {
            TableKind::Plain => Store::open(Vec::new(), place)?,
            TableKind::Time { .. } | TableKind::Session { .. } => Store::open_segmented(Vec::new(), place)?,
        };
        Ok(Self {
            keys: KeyBytes::new(KeyForm::new(key_format, &schema.key))?,
            types: schema.value.iter().map(|column| column.ty.clone()).collect(),
            rows: Arc::new(RwLock::new(rows)),
            kind,
            tells_old,
            read_back: None,
            entry: Vec::new(),
            row: Vec::new(),
        })
    }

    /// Keeps what is read of rows once they were written.
    pub(crate) fn read_back(self, read_back: Option<ReadBack>) -> Self {
        Self { read_back, ..self }
    }

    /// Takes in one row; its old value, if wanted, goes to `old`. Returns whether there was one.
    fn keep(
        &mut self,
        store: &mut Store<Vec<Row>>,
        at: &At<'_>,
        rows: &Encoded<'_>,
        old: Option<&mut RowDecoder>,
    ) -> Result<bool, OperatorError> {
        self.entry.clear();
        let window = at.window.unwrap_or_default();
        self.kind.put_key(at.key, window, &mut self.entry);
        let segment = self.kind.segment(window);
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
            kept.set(at.time, &self.row);
        } else {
            store.remove(slot);
        }
        Ok(existed)
    }

    /// Forgets what is past retention.
    fn expire(&self, store: &mut Store<Vec<Row>>) {
        if let TableKind::Time { retention_ms, .. } | TableKind::Session { retention_ms } = self.kind {
            let newest = store.time();
            if newest > i64::MIN {
                store.expire_before((Time(newest) - retention_ms).stretch(self.kind.segment_ms()));
            }
        }
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

/// Rows as they are kept: ROWTIME, then the encoded columns.
struct KeptRows {
    keys: KeyForm,
    types: Arc<[SqlType]>,
}

impl ToRows for KeptRows {
    fn keys(&self, key: &[ArrayRef]) -> Result<BinaryArray, KvError> {
        self.keys.encode(key)
    }

    fn rows(&self, keys: &BinaryArray, windows: Option<Windows>, values: &BinaryArray) -> Result<Changes, KvError> {
        let mut decoder = RowDecoder::new(&self.types);
        let mut times = Vec::with_capacity(values.len());
        for bytes in values {
            let mut bytes = bytes.unwrap_or_default();
            times.push(get_i64(&mut bytes).map_err(corrupt)?);
            decoder.push(bytes).map_err(corrupt)?;
        }
        let new = Side { columns: decoder.finish().map_err(corrupt)?, present: None };
        let seq = ScalarBuffer::from(vec![0_u64; values.len()]);
        let key = self.keys.decode(keys)?;
        Ok(Changes { key, null_keys: None, windows, new, old: None, time: times.into(), seq, headers: None })
    }
}

fn corrupt(problem: impl ToString) -> KvError {
    KvError::Corrupt { file: "a table's state".to_owned(), problem: problem.to_string() }
}

fn damaged(problem: BadRow) -> OperatorError {
    OperatorError::State(corrupt(problem))
}

impl Operator for Materialize {
    fn run(&mut self, inputs: Vec<Changes>, _: &mut dyn Context) -> Result<Changes, OperatorError> {
        let mut rows = super::only(inputs)?;
        let shared = Arc::clone(&self.rows);
        let store = &mut *shared.write();
        if rows.is_empty() {
            return Ok(rows);
        }
        let mut keys = self.keys.of_rows(&rows)?;
        if keys.null_count() > 0 {
            let known = BooleanArray::from_iter((0..keys.len()).map(|row| Some(keys.is_valid(row))));
            rows = rows.filter(&known)?;
            keys = self.keys.of_rows(&rows)?;
        }
        let (kept, good) = match &mut self.read_back {
            Some(read_back) => read_back.columns(&rows.new.columns, rows.new.present.as_ref())?,
            None => (rows.new.columns.clone(), None),
        };
        let encoder = RowEncoder::new(&kept)?;
        let mut old = self.tells_old.then(|| RowDecoder::new(&self.types));
        let mut existed = Vec::with_capacity(rows.len());
        for index in 0..rows.len() {
            if good.as_ref().is_some_and(|good| !good.value(index)) {
                // The sink cannot write it and says so; the table stays what its topic says.
                old.as_mut().map(RowDecoder::push_null);
                existed.push(false);
                continue;
            }
            let window = rows.windows.as_ref().map(|windows| (windows.start[index], windows.end[index]));
            let at = At { index, key: keys.value(index), window, time: rows.time[index] };
            let encoded = Encoded { encoder: &encoder, has_value: rows.new.is_present(index) };
            existed.push(self.keep(store, &at, &encoded, old.as_mut())?);
        }
        self.expire(store);
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

    fn drain_state(&mut self, into: &mut Writes) {
        self.rows.write().drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.rows.write().committed()?)
    }

    fn table(&self) -> Option<Table> {
        let rows = KeptRows { keys: self.keys.form().clone(), types: Arc::clone(&self.types) };
        Some(Table::new(self.rows.clone(), self.kind, Arc::new(rows)))
    }
}
