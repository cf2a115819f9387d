//! Functions of maps.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray, StructArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::lists::{Arrays, Maps, pick, pick_entries, pick_items};
use super::{Batch, Category, Function, Variation};
use crate::expr::items::{Items, NONE, Seen};
use crate::types::text::java_map_order;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "AS_MAP",
        Category::Map,
        &[Variation::batch("(ARRAY<VARCHAR> keys, ARRAY<T> values) MAP<VARCHAR, T>", as_map)],
    )
    .says("A map of the keys in one array to the values in another.")
    .example("AS_MAP(ARRAY['a'], ARRAY[1])", "{a=1}"),
    Function::scalar(
        "MAP_KEYS",
        Category::Map,
        &[Variation::batch("(MAP<VARCHAR, T> input) ARRAY<VARCHAR>", |batch| in_java_order(batch, Side::Keys))],
    )
    .says("The keys of a map.")
    .example("MAP_KEYS(MAP('a' := 1))", "[a]"),
    Function::scalar(
        "MAP_VALUES",
        Category::Map,
        &[Variation::batch("(MAP<VARCHAR, T> input) ARRAY<T>", |batch| in_java_order(batch, Side::Values))],
    )
    .says("The values of a map.")
    .example("MAP_VALUES(MAP('a' := 1))", "[1]"),
    Function::scalar(
        "MAP_UNION",
        Category::Map,
        &[Variation::batch("(MAP<VARCHAR, T> map1, MAP<VARCHAR, T> map2) MAP<VARCHAR, T>", map_union)],
    )
    .says("The entries of both maps; the second one's count where both have a key.")
    .example("MAP_UNION(MAP('a' := 1), MAP('a' := 2))", "{a=2}"),
    Function::scalar(
        "ENTRIES",
        Category::Map,
        &[
            Variation::batch("(MAP<VARCHAR, INT> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V INT>>", entries),
            Variation::batch("(MAP<VARCHAR, BIGINT> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V BIGINT>>", entries),
            Variation::batch("(MAP<VARCHAR, DOUBLE> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V DOUBLE>>", entries),
            Variation::batch(
                "(MAP<VARCHAR, BOOLEAN> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V BOOLEAN>>",
                entries,
            ),
            Variation::batch(
                "(MAP<VARCHAR, VARCHAR> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V VARCHAR>>",
                entries,
            ),
        ],
    )
    .says("The entries of a map as structs of K and V, sorted by key if asked.")
    .example("ENTRIES(MAP('b' := 1, 'a' := 2), true)", "[Struct{K=a,V=2}, Struct{K=b,V=1}]"),
];

/// Notes a key with its value; a later value of the same key takes the place of the earlier one.
fn put(entries: &mut Vec<(u32, u32)>, first: usize, seen: &mut Seen, keys: &Items<'_>, (key, value): (u32, u32)) {
    match seen.add(keys, key, (entries.len() - first) as u32) {
        Some(known) => entries[first + known as usize].1 = value,
        None => entries.push((key, value)),
    }
}

fn as_map(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (keys, values) = (Arrays::<1>::new(batch)?, Arrays::<1>::from(batch, 1)?);
    let mut seen = Seen::default();
    pick_entries(batch, &keys.items, &values.items, |row, out| {
        let (key_range, mut value_range) = (keys.args[0].range(row)?, values.args[0].range(row)?);
        let first = out.len();
        seen.start(key_range.len());
        for key in key_range {
            put(out, first, &mut seen, &keys.items, (key, value_range.next().unwrap_or(NONE)));
        }
        Some(())
    })
}

fn map_union(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Maps { args: [left, right], keys, values } = Maps::new(batch)?;
    let mut seen = Seen::default();
    pick_entries(batch, &keys, &values, |row, out| {
        let (left, right) = (left.range(row), right.range(row));
        if left.is_none() && right.is_none() {
            return None;
        }
        let first = out.len();
        seen.start([&left, &right].into_iter().flatten().map(ExactSizeIterator::len).sum());
        for place in left.into_iter().chain(right).flatten() {
            put(out, first, &mut seen, &keys, (place, place));
        }
        Some(())
    })
}

enum Side {
    Keys,
    Values,
}

/// The keys or values of a map in Java's order.
fn in_java_order(batch: &Batch<'_>, side: Side) -> Result<ArrayRef, ArrowError> {
    let Maps { args: [map], keys, values } = Maps::new(batch)?;
    let items = if matches!(side, Side::Keys) { &keys } else { &values };
    let mut order = Vec::new();
    let text = |place| {
        let (view, at) = keys.at(place);
        view.text(at).unwrap_or_default()
    };
    pick_items(batch, items, |row, out| {
        let range = map.range(row)?;
        java_map_order((0..range.len()).map(|i| text(range.start + i as u32)), &mut order);
        out.extend(order.iter().map(|(_, i)| range.start + *i as u32));
        Some(())
    })
}

fn entries(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Maps { args: [map], keys, values } = Maps::new(batch)?;
    let DataType::List(field) = batch.context.returns.to_arrow() else { return Ok(batch.nulls()) };
    let DataType::Struct(fields) = field.data_type() else { return Ok(batch.nulls()) };
    let sorted = batch.args.get(1).and_then(|arg| Some((arg, arg.array.as_boolean_opt()?)));
    let bytes = |places: &[u32]| keys.bytes(places.iter().copied()) + values.bytes(places.iter().copied());
    let picked = pick(batch, bytes, |row, out| {
        let (arg, sorted) = sorted.filter(|(arg, _)| !arg.is_null(row))?;
        let start = out.len();
        out.extend(map.range(row)?);
        if sorted.value(arg.index(row)) {
            out[start..].sort_unstable_by(|a, b| keys.compare(*a, *b).unwrap_or(Ordering::Equal).then(a.cmp(b)));
        }
        Some(())
    });
    let [key, value] = &**fields else { return Ok(batch.nulls()) };
    let keys = keys.take(picked.places.clone(), key.data_type())?;
    let values = values.take(picked.places, value.data_type())?;
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(ListArray::try_new(field.clone(), picked.offsets, Arc::new(entries), picked.nulls)?))
}
