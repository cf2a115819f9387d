//! ATTR

use arrow::array::ArrayRef;
use indexmap::IndexMap;

use super::collect::argument;
use super::output::ValueColumn;
use super::{AggregateError, Function};
use crate::types::row::{BadRow, get_i64, get_u64, get_value, put_i64, put_u64, put_value};
use crate::types::{SqlType, Value};

/// The value all rows of the group have; NULL while they differ. NULL is a value, too.
pub(super) struct Attr {
    pub(super) ty: SqlType,
}

impl Attr {
    fn count(state: &mut IndexMap<Value, i64>, value: Value, by: i64) {
        let entry = state.entry(value);
        let count = match &entry {
            indexmap::map::Entry::Occupied(entry) => *entry.get() + by,
            indexmap::map::Entry::Vacant(_) => by,
        };
        match entry {
            indexmap::map::Entry::Occupied(entry) if count <= 0 => {
                entry.shift_remove();
            }
            indexmap::map::Entry::Occupied(mut entry) => {
                entry.insert(count);
            }
            indexmap::map::Entry::Vacant(entry) if count > 0 => {
                entry.insert(count);
            }
            indexmap::map::Entry::Vacant(_) => {}
        }
    }
}

impl Function for Attr {
    type State = IndexMap<Value, i64>;
    type Args<'a> = &'a [ArrayRef];
    type Out = ValueColumn;

    fn init(&self) -> Self::State {
        IndexMap::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<&'a [ArrayRef], AggregateError> {
        Ok(columns)
    }

    fn add(&self, state: &mut Self::State, args: &&[ArrayRef], row: usize) -> Result<(), AggregateError> {
        Self::count(state, argument(args, row), 1);
        Ok(())
    }

    fn undo(&self, state: &mut Self::State, args: &&[ArrayRef], row: usize) -> Result<(), AggregateError> {
        Self::count(state, argument(args, row), -1);
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        from.iter().for_each(|(value, count)| Self::count(into, value.clone(), *count));
        Ok(())
    }

    fn output(&self) -> ValueColumn {
        ValueColumn::new(&self.ty)
    }

    fn result(&self, state: &Self::State, out: &mut ValueColumn) {
        out.push(match state.first() {
            Some((value, _)) if state.len() == 1 => value.clone(),
            _ => Value::Null,
        });
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
}
