//! HISTOGRAM

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use indexmap::IndexMap;

use super::sum::wrong_argument;
use super::{AggregateError, Function, NumberBytes};
use crate::types::row::{BadRow, get_i64, get_u64, get_value, put_i64, put_u64, put_value};
use crate::types::{ColumnBuilder, SqlType, Value};

/// More different texts than this are not counted.
const MAX_KEYS: usize = 1000;

/// What NULL is counted as. ksqlDB forgets how often it came whenever it writes the map down, so once there it stays.
const NULL: &str = "null";

/// How often every text occurs, and that NULL occurred.
pub(super) struct Histogram;

impl Histogram {
    fn count(state: &mut IndexMap<String, i64>, text: &str, by: i64) {
        let full = state.len() >= MAX_KEYS;
        match state.get_mut(text) {
            Some(count) => {
                *count += by;
                if *count <= 0 {
                    state.shift_remove(text);
                }
            }
            None if by > 0 && !full => {
                state.insert(text.to_owned(), by);
            }
            None => {}
        }
    }
}

impl Function for Histogram {
    type State = IndexMap<String, i64>;
    type Args<'a> = &'a StringArray;
    type Out = ColumnBuilder;

    fn init(&self) -> Self::State {
        IndexMap::new()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<&'a StringArray, AggregateError> {
        columns.first().and_then(|column| column.as_string_opt::<i32>()).ok_or_else(wrong_argument)
    }

    fn add(&self, state: &mut Self::State, args: &&StringArray, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            Self::count(state, args.value(row), 1);
        } else if !state.contains_key(NULL) {
            Self::count(state, NULL, 1);
        }
        Ok(())
    }

    fn undo(&self, state: &mut Self::State, args: &&StringArray, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            Self::count(state, args.value(row), -1);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        from.iter().for_each(|(text, count)| Self::count(into, text, *count));
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Bigint)))
    }

    fn result(&self, state: &Self::State, out: &mut ColumnBuilder) {
        let entry = |(text, count): (&String, &i64)| (Value::String(text.clone()), Value::Bigint(*count));
        out.push(&Value::Map(state.iter().map(entry).collect()));
    }

    fn encode(&self, state: &Self::State, into: &mut Vec<u8>) {
        put_u64(state.len() as u64, into);
        for (text, count) in state {
            put_value(&Value::String(text.clone()), into);
            put_i64(*count, into);
        }
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow> {
        let n = get_u64(bytes)?;
        (0..n)
            .map(|_| match get_value(bytes)? {
                Value::String(text) => Ok((text, get_i64(bytes)?)),
                _ => Err(BadRow),
            })
            .collect()
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.keys().map(|text| text.len() + 56).sum()
    }

    fn taken_over(&self, kept: &Value) -> Option<Self::State> {
        let entries = match kept {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => return None,
        };
        let entry = |(text, count): &(Value, Value)| match text {
            Value::String(text) => Some((text.clone(), i64::of(count)?)),
            _ => None,
        };
        entries.iter().map(entry).collect()
    }
}
