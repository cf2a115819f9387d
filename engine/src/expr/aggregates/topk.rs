//! TOPK and TOPKDISTINCT

use std::cmp::Ordering;

use arrow::array::ArrayRef;

use super::collect::{get_values, list, put_values};
use super::sum::wrong_argument;
use super::{AggregateError, Function};
use crate::types::row::BadRow;
use crate::types::{ColumnBuilder, SqlType, Value, View};

/// The greatest `k` values, greatest first; with further columns, rows by their first column.
pub(super) struct TopK {
    /// Result: an ARRAY of the value, or of STRUCTs.
    pub(super) ty: SqlType,
    pub(super) k: usize,
    /// Equal values count once.
    pub(super) distinct: bool,
}

impl TopK {
    fn sort_value(entry: &Value) -> &Value {
        match entry {
            Value::Struct(fields) => fields.first().unwrap_or(&Value::Null),
            value => value,
        }
    }

    fn insert(&self, state: &mut Vec<Value>, entry: Value) {
        let value = Self::sort_value(&entry);
        if value.is_null() {
            return;
        }
        let order = |other: &Value| Self::sort_value(other).compare(value).unwrap_or(Ordering::Equal);
        // Behind those that are equal.
        let at = state.partition_point(|other| order(other) != Ordering::Less);
        let known = self.distinct && at > 0 && state.get(at - 1).is_some_and(|other| order(other) == Ordering::Equal);
        if at < self.k && !known {
            state.insert(at, entry);
            state.truncate(self.k);
        }
    }
}

impl Function for TopK {
    type State = Vec<Value>;
    type Args<'a> = (View<'a>, &'a [ArrayRef]);
    type Out = ColumnBuilder;

    fn init(&self) -> Vec<Value> {
        Vec::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError> {
        let column = columns.first().ok_or_else(wrong_argument)?;
        Ok((View::new(column), columns))
    }

    fn add(&self, state: &mut Vec<Value>, (view, columns): &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        // Most rows of a long stream are not among the greatest: nothing is made of them.
        if let Some(last) = state.get(self.k.saturating_sub(1))
            && view.compare_value(row, Self::sort_value(last)) != Some(Ordering::Greater)
        {
            return Ok(());
        }
        let entry = match columns {
            [column] => Value::at(column, row),
            columns => Value::Struct(columns.iter().map(|column| Value::at(column, row)).collect()),
        };
        self.insert(state, entry);
        Ok(())
    }

    fn merge(&self, into: &mut Vec<Value>, from: &Vec<Value>) -> Result<(), AggregateError> {
        from.iter().for_each(|entry| self.insert(into, entry.clone()));
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&self.ty)
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
