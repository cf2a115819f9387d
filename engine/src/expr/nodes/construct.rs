//! `ARRAY[…]`, `MAP(…)`, `STRUCT(…)`. An element that fails is NULL, the others stay.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_datafusion_err};

use super::{Frame, Operation};
use crate::types::{SqlType, Value};

/// `ARRAY[…]`
#[derive(Debug)]
pub(in super::super) struct MakeArray;

impl Operation for MakeArray {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let DataType::List(field) = frame.ty() else { return Err(exec_datafusion_err!("not a list")) };
        let args = frame.args()?;
        let items: Vec<&dyn Array> = args.iter().map(|arg| &*arg.array).collect();
        let places: Vec<(usize, usize)> =
            (0..frame.len()).flat_map(|row| args.iter().enumerate().map(move |(i, arg)| (i, arg.index(row)))).collect();
        let offsets = OffsetBuffer::from_repeated_length(args.len(), frame.len());
        Ok(Arc::new(ListArray::try_new(field.clone(), offsets, interleave(&items, &places)?, None)?))
    }
}

/// `STRUCT(…)`
#[derive(Debug)]
pub(in super::super) struct MakeStruct;

impl Operation for MakeStruct {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let DataType::Struct(fields) = frame.ty() else { return Err(exec_datafusion_err!("not a struct")) };
        if fields.is_empty() {
            return Ok(Arc::new(StructArray::new_empty_fields(frame.len(), None)));
        }
        let columns = frame.args()?.iter().map(|arg| arg.expand(frame.len())).collect::<Result<_, _>>()?;
        Ok(Arc::new(StructArray::try_new(fields.clone(), columns, None)?))
    }
}

/// `MAP(…)`: arguments are key, value, key, value, …; the last of equal keys wins, a NULL text key is `null`.
#[derive(Debug)]
pub(in super::super) struct MakeMap(pub(in super::super) SqlType);

impl Operation for MakeMap {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let args = frame.args()?;
        let maps: Vec<Value> = (0..frame.len())
            .map(|row| {
                let value = |i: usize| args.get(i).map_or(Value::Null, |arg| Value::at(&arg.array, arg.index(row)));
                let mut seen = HashSet::new();
                let mut entries: Vec<(Value, Value)> = Vec::with_capacity(args.len() / 2);
                for pair in (0..args.len() / 2).rev() {
                    let key = match value(pair * 2) {
                        Value::Null => Value::String("null".to_owned()),
                        key => key,
                    };
                    if seen.insert(key.clone()) {
                        entries.push((key, value(pair * 2 + 1)));
                    }
                }
                entries.reverse();
                Value::Map(entries)
            })
            .collect();
        Ok(Value::column(&self.0, &maps))
    }
}
