//! EARLIEST_BY_OFFSET and LATEST_BY_OFFSET

use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::ArrayRef;

use super::collect::list;
use super::rows::Rows;
use super::{AggregateError, Function, NumberBytes};
use crate::types::row::{BadRow, get_u64, get_value, put_u64, put_value};
use crate::types::{ColumnBuilder, SqlType, Value};

/// Which end of the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Earliest,
    Latest,
}

/// The first or last values in order of arrival, oldest first.
pub(super) struct ByOffset {
    pub(super) side: Side,
    /// Type of the argument.
    pub(super) ty: SqlType,
    /// How many; `None`: one, and not as an array.
    pub(super) n: Option<usize>,
    pub(super) ignore_nulls: bool,
    /// Number of the next row. Rows are numbered so that merged sessions know what came first.
    next: AtomicU64,
}

impl ByOffset {
    pub(super) fn new(side: Side, ty: SqlType, n: Option<usize>, ignore_nulls: bool) -> Self {
        Self { side, ty, n, ignore_nulls, next: AtomicU64::new(0) }
    }

    fn limit(&self) -> usize {
        self.n.unwrap_or(1)
    }
}

impl Function for ByOffset {
    type State = Vec<(u64, Value)>;
    type Args<'a> = Rows<'a>;
    type Out = ColumnBuilder;

    fn init(&self) -> Self::State {
        Vec::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Rows<'a>, AggregateError> {
        Rows::new(columns)
    }

    fn add(&self, state: &mut Self::State, rows: &Rows<'_>, row: usize) -> Result<(), AggregateError> {
        let full = state.len() >= self.limit();
        if full && self.side == Side::Earliest || self.ignore_nulls && rows.is_null(row) {
            return Ok(());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if full {
            // The oldest one makes room for the newest.
            state.rotate_left(1);
            if let Some((last, value)) = state.last_mut() {
                *last = number;
                rows.replace(row, value);
            }
        } else {
            state.push((number, rows.value(row)));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        into.extend(from.iter().cloned());
        into.sort_by_key(|(number, _)| *number);
        let surplus = into.len().saturating_sub(self.limit());
        match (self.side, self.n) {
            (Side::Latest, None) => {
                into.drain(..surplus);
            }
            // ksqlDB keeps the first ones for LATEST_BY_OFFSET(x, n), too.
            _ => into.truncate(self.limit()),
        }
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        match self.n {
            Some(_) => ColumnBuilder::new(&self.ty.clone().array_of()),
            None => ColumnBuilder::new(&self.ty),
        }
    }

    fn result(&self, state: &Self::State, out: &mut ColumnBuilder) {
        match (self.n, state.first()) {
            (Some(_), _) => out.push_list(state.iter().map(|(_, value)| value)),
            (None, Some((_, value))) => out.push(value),
            (None, None) => out.push_null(),
        }
    }

    fn encode(&self, state: &Self::State, into: &mut Vec<u8>) {
        put_u64(state.len() as u64, into);
        for (number, value) in state {
            put_u64(*number, into);
            put_value(value, into);
        }
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow> {
        let n = get_u64(bytes)?;
        let state = (0..n).map(|_| Ok((get_u64(bytes)?, get_value(bytes)?))).collect::<Result<Vec<_>, BadRow>>()?;
        // After a restart numbering goes on behind every number that was kept.
        if let Some((last, _)) = state.last() {
            self.next.fetch_max(last + 1, Ordering::Relaxed);
        }
        Ok(state)
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.iter().map(|(_, value)| value.whole_bytes() + 8).sum()
    }

    fn taken_over(&self, kept: &Value) -> Option<Self::State> {
        let entries = match self.n {
            Some(_) => list(kept)?,
            None => vec![kept.clone()],
        };
        let mut state = Vec::with_capacity(entries.len());
        for entry in &entries {
            let Value::Struct(fields) = entry else { continue };
            let [number, value] = fields.as_slice() else { return None };
            if value.is_null() && (self.ignore_nulls || number.is_null()) {
                // Nothing has been seen.
                continue;
            }
            let number = u64::try_from(i64::of(number).unwrap_or_default()).unwrap_or_default();
            self.next.fetch_max(number + 1, Ordering::Relaxed);
            state.push((number, value.clone()));
        }
        Some(state)
    }
}
