//! COLLECT_LIST and COLLECT_SET

use arrow::array::ArrayRef;
use indexmap::IndexSet;

use super::rows::Rows;
use super::{AggregateError, Function};
use crate::types::row::{BadRow, get_u64, get_value, put_u64, put_value};
use crate::types::{ColumnBuilder, SqlType, Value};

/// All values, NULL too, until there are `limit`.
pub(super) struct CollectList {
    pub(super) ty: SqlType,
    pub(super) limit: usize,
}

impl Function for CollectList {
    type State = Vec<Value>;
    type Args<'a> = Rows<'a>;
    type Out = ColumnBuilder;

    fn init(&self) -> Vec<Value> {
        Vec::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Rows<'a>, AggregateError> {
        Rows::new(columns)
    }

    fn add(&self, state: &mut Vec<Value>, rows: &Rows<'_>, row: usize) -> Result<(), AggregateError> {
        if state.len() < self.limit {
            state.push(rows.value(row));
        }
        Ok(())
    }

    fn undo(&self, state: &mut Vec<Value>, rows: &Rows<'_>, row: usize) -> Result<(), AggregateError> {
        if let Some(last) = rows.with(row, |value| state.iter().rposition(|other| other == value)) {
            state.remove(last);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Vec<Value>, from: &Vec<Value>) -> Result<(), AggregateError> {
        into.extend(from.iter().take(self.limit.saturating_sub(into.len())).cloned());
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&self.ty.clone().array_of())
    }

    fn result(&self, state: &Vec<Value>, out: &mut ColumnBuilder) {
        out.push_list(state);
    }

    fn encode(&self, state: &Vec<Value>, into: &mut Vec<u8>) {
        put_values(state.iter(), into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Vec<Value>, BadRow> {
        get_values(bytes)
    }

    fn heap_bytes(&self, state: &Vec<Value>) -> usize {
        state.iter().map(Value::whole_bytes).sum()
    }

    fn taken_over(&self, kept: &Value) -> Option<Vec<Value>> {
        list(kept)
    }
}

/// Different values, NULL too, in the order in which they were first seen, until there are `limit`.
pub(super) struct CollectSet {
    pub(super) ty: SqlType,
    pub(super) limit: usize,
}

impl Function for CollectSet {
    type State = IndexSet<Value>;
    type Args<'a> = Rows<'a>;
    type Out = ColumnBuilder;

    fn init(&self) -> IndexSet<Value> {
        IndexSet::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Rows<'a>, AggregateError> {
        Rows::new(columns)
    }

    fn add(&self, state: &mut IndexSet<Value>, rows: &Rows<'_>, row: usize) -> Result<(), AggregateError> {
        if state.len() < self.limit && !rows.with(row, |value| state.contains(value)) {
            state.insert(rows.value(row));
        }
        Ok(())
    }

    fn merge(&self, into: &mut IndexSet<Value>, from: &IndexSet<Value>) -> Result<(), AggregateError> {
        for value in from {
            if into.len() < self.limit {
                into.insert(value.clone());
            }
        }
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&self.ty.clone().array_of())
    }

    fn result(&self, state: &IndexSet<Value>, out: &mut ColumnBuilder) {
        out.push_list(state);
    }

    fn encode(&self, state: &IndexSet<Value>, into: &mut Vec<u8>) {
        put_values(state.iter(), into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<IndexSet<Value>, BadRow> {
        Ok(get_values(bytes)?.into_iter().collect())
    }

    fn heap_bytes(&self, state: &IndexSet<Value>) -> usize {
        state.iter().map(|value| value.whole_bytes() + 24).sum()
    }

    fn taken_over(&self, kept: &Value) -> Option<IndexSet<Value>> {
        Some(list(kept)?.into_iter().collect())
    }
}

/// Appends how many values there are, then the values.
pub(super) fn put_values<'a>(values: impl ExactSizeIterator<Item = &'a Value>, into: &mut Vec<u8>) {
    put_u64(values.len() as u64, into);
    values.for_each(|value| put_value(value, into));
}

/// Takes what [`put_values`] wrote.
pub(super) fn get_values(bytes: &mut &[u8]) -> Result<Vec<Value>, BadRow> {
    let n = get_u64(bytes)?;
    (0..n).map(|_| get_value(bytes)).collect()
}

/// The items of an array; NULL has none.
pub(super) fn list(kept: &Value) -> Option<Vec<Value>> {
    match kept {
        Value::Array(items) => Some(items.clone()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}
