//! `ARRAY[…]`, `MAP(…)`, `STRUCT(…)`. An element that fails is NULL, the others stay.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_datafusion_err};

use super::super::maps::{map_column, name_nulls};
use super::{Arg, Frame, Operation};
use crate::types::View;

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
pub(in super::super) struct MakeMap;

impl Operation for MakeMap {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let args = frame.args()?;
        let mut keys = Vec::with_capacity(args.len() / 2);
        for key in args.iter().step_by(2) {
            keys.push(Arg { array: name_nulls(&key.array)?, scalar: key.scalar });
        }
        let views: Vec<View<'_>> = keys.iter().map(|key| View::new(&key.array)).collect();
        let is_last = |row: usize, pair: usize| {
            let same = |later: usize| views[pair].equals(keys[pair].index(row), &views[later], keys[later].index(row));
            !(pair + 1..views.len()).any(same)
        };
        let constant = keys.iter().all(|key| key.scalar);
        let (mut pairs, mut lengths) = (Vec::new(), Vec::with_capacity(frame.len()));
        let (mut key_places, mut value_places) = (Vec::new(), Vec::new());
        for row in 0..frame.len() {
            if row == 0 || !constant {
                pairs.clear();
                pairs.extend((0..views.len()).filter(|pair| is_last(row, *pair)));
            }
            key_places.extend(pairs.iter().map(|pair| (*pair, keys[*pair].index(row))));
            value_places.extend(pairs.iter().map(|pair| (*pair, args[*pair * 2 + 1].index(row))));
            lengths.push(pairs.len());
        }
        let gather = |args: &mut dyn Iterator<Item = &Arg>, places: &[(usize, usize)]| {
            let arrays: Vec<&dyn Array> = args.map(|arg| &*arg.array).collect();
            interleave(&arrays, places)
        };
        let values = gather(&mut args.iter().skip(1).step_by(2), &value_places)?;
        let keys = gather(&mut keys.iter(), &key_places)?;
        Ok(map_column(frame.ty(), OffsetBuffer::from_lengths(lengths), keys, values, None)?)
    }
}
