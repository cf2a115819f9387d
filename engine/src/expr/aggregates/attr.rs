//! ATTR

use arrow::array::ArrayRef;
use indexmap::IndexMap;

use super::collect::list;
use super::rows::Rows;
use super::{AggregateError, Function, NumberBytes};
use crate::types::row::{BadRow, get_i64, get_u64, get_value, put_i64, put_u64, put_value};
use crate::types::{ColumnBuilder, SqlType, Value};

/// The value all rows of the group have; NULL while they differ. NULL is a value, too.
pub(super) struct Attr {
    pub(super) ty: SqlType,
}

impl Attr {
    fn count(state: &mut IndexMap<Value, i64>, value: &Value, by: i64) {
        match state.get_mut(value) {
            Some(count) => {
                *count += by;
                if *count <= 0 {
                    state.shift_remove(value);
                }
            }
            None if by > 0 => {
                state.insert(value.clone(), by);
            }
            None => {}
        }
    }
}

impl Function for Attr {
    type State = IndexMap<Value, i64>;
    type Args<'a> = Rows<'a>;
    type Out = ColumnBuilder;

    fn init(&self) -> Self::State {
        IndexMap::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Rows<'a>, AggregateError> {
        Rows::new(columns)
    }

    fn add(&self, state: &mut Self::State, rows: &Rows<'_>, row: usize) -> Result<(), AggregateError> {
        rows.with(row, |value| Self::count(state, value, 1));
        Ok(())
    }

    fn undo(&self, state: &mut Self::State, rows: &Rows<'_>, row: usize) -> Result<(), AggregateError> {
        rows.with(row, |value| Self::count(state, value, -1));
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        from.iter().for_each(|(value, count)| Self::count(into, value, *count));
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&self.ty)
    }

    fn result(&self, state: &Self::State, out: &mut ColumnBuilder) {
        match state.first() {
            Some((value, _)) if state.len() == 1 => out.push(value),
            _ => out.push_null(),
        }
    }

    fn encode(&self, state: &Self::State, into: &mut Vec<u8>) {
        put_u64(state.len() as u64, into);
        for (value, count) in state {
            put_value(value, into);
            put_i64(*count, into);
        }
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow> {
        let n = get_u64(bytes)?;
        (0..n).map(|_| Ok((get_value(bytes)?, get_i64(bytes)?))).collect()
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.keys().map(|value| value.whole_bytes() + 32).sum()
    }

    fn taken_over(&self, kept: &Value) -> Option<Self::State> {
        let entry = |entry: Value| match entry {
            Value::Struct(fields) => match fields.as_slice() {
                [value, count] => Some((value.clone(), i32::of(count)?.into())),
                _ => None,
            },
            _ => None,
        };
        list(kept)?.into_iter().map(entry).collect()
    }
}
