//! `array[i]`, `map[k]`, `struct->field`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array, make_array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Int64Type};
use datafusion_common::{Result, exec_datafusion_err};

use super::{Arg, Frame, Operation};
use crate::types::View;

/// Element of an ARRAY (1-based, negative from the end) or MAP; NULL where there is none.
#[derive(Debug)]
pub(in super::super) struct Subscript;

impl Operation for Subscript {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let (base, index) = (frame.arg(0)?, frame.arg(1)?);
        match base.array.data_type() {
            DataType::List(_) => elements(frame, &base, &index),
            DataType::Map(..) => entries(frame, &base, &index),
            other => Err(exec_datafusion_err!("{other} has no elements")),
        }
    }
}

fn elements(frame: &Frame<'_>, base: &Arg, index: &Arg) -> Result<ArrayRef> {
    let list = base.array.as_list::<i32>();
    let index_array: &Int64Array = index.array.as_primitive::<Int64Type>();
    let places: UInt32Array = (0..frame.len())
        .map(|row| {
            let at = base.index(row);
            if list.is_null(at) {
                return None;
            }
            if index.is_null(row) {
                frame.fail(row, || "the index of an array is NULL".to_owned());
                return None;
            }
            let (start, length) = (list.value_offsets()[at], i64::from(list.value_length(at)));
            let wanted = index_array.value(index.index(row));
            let position = if wanted < 0 { length + wanted } else { wanted - 1 };
            (0..length).contains(&position).then(|| start as u32 + position as u32)
        })
        .collect();
    Ok(take(list.values(), &places, None)?)
}

fn entries(frame: &Frame<'_>, base: &Arg, index: &Arg) -> Result<ArrayRef> {
    let map = base.array.as_map();
    let (keys, wanted) = (View::new(map.keys()), View::new(&index.array));
    let texts = map.keys().as_string_opt::<i32>().zip(index.array.as_string_opt::<i32>());
    let places: UInt32Array = (0..frame.len())
        .map(|row| {
            let at = base.index(row);
            if map.is_null(at) || index.is_null(row) {
                return None;
            }
            let mut range = map.value_offsets()[at] as usize..map.value_offsets()[at + 1] as usize;
            let found = match texts {
                Some((keys, wanted)) => {
                    let wanted = wanted.value(index.index(row));
                    range.rfind(|i| keys.value(*i) == wanted)
                }
                None => range.rfind(|i| keys.equals(*i, &wanted, index.index(row))),
            };
            found.map(|i| i as u32)
        })
        .collect();
    Ok(take(map.values(), &places, None)?)
}

/// Field of a STRUCT; NULL of a NULL struct.
#[derive(Debug)]
pub(in super::super) struct Field(pub(in super::super) usize);

impl Operation for Field {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let array = frame.arg(0)?.expand(frame.len())?;
        let structs = array.as_struct();
        let field =
            structs.columns().get(self.0).ok_or_else(|| exec_datafusion_err!("there is no field {}", self.0))?;
        if structs.null_count() == 0 {
            return Ok(Arc::clone(field));
        }
        let nulls = NullBuffer::union(structs.nulls(), field.nulls());
        Ok(make_array(field.to_data().into_builder().nulls(nulls).build()?))
    }
}
