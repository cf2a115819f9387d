//! Arguments that are arrays or maps, and results made of their elements. A function picks elements by their places,
//! row by row; they are gathered when all rows are through.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, NullBufferBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::columns::check_room;
use super::{Arg, Batch};
use crate::expr::items::{Items, NONE};
use crate::expr::maps::map_column;
use crate::types::SqlType;

/// Where the elements of each row of an argument stand.
pub(super) struct Elements<'a> {
    arg: &'a Arg,
    /// None: NULLs without a type.
    offsets: Option<&'a OffsetBuffer<i32>>,
    /// Place of the first element of the column below.
    start: u32,
}

impl Elements<'_> {
    /// Whether every row has the same.
    pub(super) fn is_constant(&self) -> bool {
        self.arg.scalar
    }

    /// The places of a row's elements; none if it is NULL.
    pub(super) fn range(&self, row: usize) -> Option<Range<u32>> {
        let (offsets, at) = (self.offsets?, self.arg.index(row));
        let place = |offset: i32| self.start + offset as u32;
        self.arg.array.is_valid(at).then(|| place(offsets[at])..place(offsets[at + 1]))
    }
}

/// One or two arguments that are arrays of the same type.
pub(super) struct Arrays<'a, const N: usize> {
    pub(super) args: [Elements<'a>; N],
    pub(super) items: Items<'a>,
}

impl<'a, const N: usize> Arrays<'a, N> {
    /// The first arguments.
    pub(super) fn new(batch: &Batch<'a>) -> Result<Self, ArrowError> {
        Self::from(batch, 0)
    }

    /// The arguments from one on.
    pub(super) fn from(batch: &Batch<'a>, first: usize) -> Result<Self, ArrowError> {
        let args = batch.args.get(first..first + N).ok_or_else(missing)?;
        let lists: Vec<Option<&ListArray>> = args.iter().map(|arg| arg.array.as_list_opt::<i32>()).collect();
        let items = Items::new(lists.iter().flatten().map(|list| list.values()));
        let args = places(args, lists.iter().map(|list| list.map(ListArray::offsets)), &items);
        Ok(Self { args: args.try_into().map_err(|_| missing())?, items })
    }
}

/// One or two arguments that are maps of the same type. A place is that of a key and of its value.
pub(super) struct Maps<'a, const N: usize> {
    pub(super) args: [Elements<'a>; N],
    pub(super) keys: Items<'a>,
    pub(super) values: Items<'a>,
}

impl<'a, const N: usize> Maps<'a, N> {
    /// The first arguments.
    pub(super) fn new(batch: &Batch<'a>) -> Result<Self, ArrowError> {
        let args = batch.args.get(..N).ok_or_else(missing)?;
        let maps: Vec<_> = args.iter().map(|arg| arg.array.as_map_opt()).collect();
        let keys = Items::new(maps.iter().flatten().map(|map| map.keys()));
        let values = Items::new(maps.iter().flatten().map(|map| map.values()));
        let args = places(args, maps.iter().map(|map| map.map(|map| map.offsets())), &keys);
        Ok(Self { args: args.try_into().map_err(|_| missing())?, keys, values })
    }
}

fn missing() -> ArrowError {
    ArrowError::InvalidArgumentError("arguments are missing".to_owned())
}

fn places<'a>(
    args: &'a [Arg],
    offsets: impl Iterator<Item = Option<&'a OffsetBuffer<i32>>>,
    items: &Items<'_>,
) -> Vec<Elements<'a>> {
    let mut column = 0;
    let places = args.iter().zip(offsets).map(|(arg, offsets)| {
        let start = items.start(column);
        column += usize::from(offsets.is_some());
        Elements { arg, offsets, start }
    });
    places.collect()
}

/// What a function picked for each row.
pub(super) struct Picked<P> {
    pub(super) places: Vec<P>,
    pub(super) offsets: OffsetBuffer<i32>,
    pub(super) nulls: Option<NullBuffer>,
}

/// Lets `each` append the places of every row's elements; `None` is NULL. Rows are NULL, too, once the results take too
/// much, by what `bytes` says of the places.
pub(super) fn pick<P>(
    batch: &Batch<'_>,
    bytes: impl Fn(&[P]) -> usize,
    mut each: impl FnMut(usize, &mut Vec<P>) -> Option<()>,
) -> Picked<P> {
    let (mut places, mut total) = (Vec::new(), 0);
    let (mut offsets, mut nulls) = (Vec::with_capacity(batch.len + 1), NullBufferBuilder::new(batch.len));
    offsets.push(0);
    for row in 0..batch.len {
        let start = places.len();
        let made = each(row, &mut places).and_then(|()| {
            let picked = &places[start..];
            let value = size_of_val(picked) + bytes(picked);
            let checked = batch.check_bytes(value).and_then(|()| check_room(total + value));
            checked.map(|()| total += value).map_err(|message| batch.fail(row, || message)).ok()
        });
        if made.is_none() {
            places.truncate(start);
        }
        nulls.append(made.is_some());
        offsets.push(places.len() as i32);
    }
    Picked { places, offsets: OffsetBuffer::new(offsets.into()), nulls: nulls.finish() }
}

/// A column of arrays of the elements whose places `each` appends; see [`pick`].
pub(super) fn pick_items(
    batch: &Batch<'_>,
    items: &Items<'_>,
    each: impl FnMut(usize, &mut Vec<u32>) -> Option<()>,
) -> Result<ArrayRef, ArrowError> {
    let DataType::List(field) = batch.context.returns.to_arrow() else { return Ok(batch.nulls()) };
    let picked = pick(batch, |places| items.bytes(places.iter().copied()), each);
    let items = items.take(picked.places, field.data_type())?;
    Ok(Arc::new(ListArray::try_new(field, picked.offsets, items, picked.nulls)?))
}

/// A column of maps of the keys and values whose places `each` appends; see [`pick`].
pub(super) fn pick_entries(
    batch: &Batch<'_>,
    keys: &Items<'_>,
    values: &Items<'_>,
    each: impl FnMut(usize, &mut Vec<(u32, u32)>) -> Option<()>,
) -> Result<ArrayRef, ArrowError> {
    let SqlType::Map(key, value) = batch.context.returns else { return Ok(batch.nulls()) };
    let bytes = |entries: &[(u32, u32)]| {
        keys.bytes(entries.iter().map(|(key, _)| *key)) + values.bytes(entries.iter().map(|(_, value)| *value))
    };
    let picked = pick(batch, bytes, each);
    let (key_places, value_places) = picked.places.into_iter().unzip();
    let (keys, values) = (keys.take(key_places, &key.to_arrow())?, values.take(value_places, &value.to_arrow())?);
    map_column(&batch.context.returns.to_arrow(), picked.offsets, keys, values, picked.nulls)
}

/// A column of the elements `each` says the place of; `None` is NULL.
pub(super) fn pick_one(
    batch: &Batch<'_>,
    items: &Items<'_>,
    mut each: impl FnMut(usize) -> Option<u32>,
) -> Result<ArrayRef, ArrowError> {
    let mut total = 0;
    let mut place = |row| {
        let place = each(row)?;
        total += items.bytes(std::iter::once(place));
        check_room(total).map_err(|message| batch.fail(row, || message)).ok().map(|()| place)
    };
    let places = (0..batch.len).map(|row| place(row).unwrap_or(NONE)).collect();
    items.take(places, &batch.context.returns.to_arrow())
}
