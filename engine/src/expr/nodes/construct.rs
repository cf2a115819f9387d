//! `ARRAY[…]`, `MAP(…)`, `STRUCT(…)`. An element that fails is NULL, the others stay.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, MapArray, Scalar, StringArray, StructArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{filter, interleave, is_not_null};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion_common::{Result, exec_datafusion_err};

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

/// A column of maps. A NULL key becomes the text `null`, as in ksqlDB; keys of other types cannot be NULL, and such
/// entries vanish.
pub(in super::super) fn map_column(
    ty: &DataType,
    offsets: OffsetBuffer<i32>,
    keys: ArrayRef,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> std::result::Result<ArrayRef, ArrowError> {
    let DataType::Map(field, _) = ty else { return Ok(new_null_array(ty, offsets.len() - 1)) };
    let DataType::Struct(fields) = field.data_type() else { return Ok(new_null_array(ty, offsets.len() - 1)) };
    let keys = name_nulls(&keys)?;
    let (offsets, columns) = if keys.null_count() == 0 {
        (offsets, vec![keys, values])
    } else {
        let present = is_not_null(&keys)?;
        let count = |bounds: &[i32]| (bounds[0]..bounds[1]).filter(|i| present.value(*i as usize)).count();
        let lengths: Vec<usize> = offsets.windows(2).map(count).collect();
        (OffsetBuffer::from_lengths(lengths), vec![filter(&keys, &present)?, filter(&values, &present)?])
    };
    let entries = StructArray::try_new(fields.clone(), columns, None)?;
    Ok(Arc::new(MapArray::try_new(field.clone(), offsets, entries, nulls, false)?))
}

/// NULL keys that are texts get the name `null`.
fn name_nulls(keys: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
    if keys.null_count() == 0 || *keys.data_type() != DataType::Utf8 {
        return Ok(keys.clone());
    }
    zip(&is_not_null(keys)?, keys, &Scalar::new(StringArray::from(vec!["null"])))
}
