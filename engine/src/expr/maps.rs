//! Columns of maps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, MapArray, Scalar, StringArray, StructArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// A column of maps. A NULL key becomes the text `null`, as in ksqlDB; keys of other types cannot be NULL, and such
/// entries vanish.
pub(super) fn map_column(
    ty: &DataType,
    offsets: OffsetBuffer<i32>,
    keys: ArrayRef,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
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
pub(super) fn name_nulls(keys: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if keys.null_count() == 0 || *keys.data_type() != DataType::Utf8 {
        return Ok(keys.clone());
    }
    zip(&is_not_null(keys)?, keys, &Scalar::new(StringArray::from(vec!["null"])))
}
