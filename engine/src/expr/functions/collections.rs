//! Arrays and maps.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::row::{Row, any_null, int, list, map, optional_text, string, type_of};
use super::{Category, Context, Function, Variation};
use crate::types::text::java_map_order;
use crate::types::{SqlType, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "ARRAY_LENGTH",
        Category::Array,
        &[Variation::row("(ARRAY<T> array) INT", |args, _| Ok(Value::Integer(list(args, 0)?.len() as i32)))],
    )
    .says("Number of elements.")
    .example("ARRAY_LENGTH(ARRAY[1, NULL])", "2"),
    Function::scalar(
        "ARRAY_CONTAINS",
        Category::Array,
        &[Variation::row_nulls("(ARRAY<T> array, T val) BOOLEAN", |args, _| {
            let wanted = args.get(1).unwrap_or(&Value::Null);
            Ok(Value::Boolean(list(args, 0).is_ok_and(|items| items.contains(wanted))))
        })],
    )
    .says("Whether a value is among the elements; NULL is found as well.")
    .example("ARRAY_CONTAINS(ARRAY[1, 2], 2)", "true"),
    Function::scalar(
        "ARRAY_CONCAT",
        Category::Array,
        &[Variation::row_nulls("(ARRAY<T> left, ARRAY<T> right) ARRAY<T>", |args, _| {
            Ok(match (args.first(), args.get(1)) {
                (Some(Value::Array(left)), Some(Value::Array(right))) => {
                    Value::Array(left.iter().chain(right).cloned().collect())
                }
                (Some(present @ Value::Array(_)), _) | (_, Some(present @ Value::Array(_))) => present.clone(),
                _ => Value::Null,
            })
        })],
    )
    .says("The elements of both arrays; a NULL array counts as empty.")
    .example("ARRAY_CONCAT(ARRAY[1], ARRAY[1, 2])", "[1, 1, 2]"),
    Function::scalar(
        "ARRAY_DISTINCT",
        Category::Array,
        &[Variation::row("(ARRAY<T> array) ARRAY<T>", |args, _| {
            Ok(Value::Array(distinct(list(args, 0)?.iter(), |_| true)))
        })],
    )
    .says("Every element once, in order of first appearance.")
    .example("ARRAY_DISTINCT(ARRAY[2, 1, 2])", "[2, 1]"),
    Function::scalar(
        "ARRAY_EXCEPT",
        Category::Array,
        &[Variation::row("(ARRAY<T> array1, ARRAY<T> array2) ARRAY<T>", |args, _| {
            let known: HashSet<&Value> = list(args, 1)?.iter().collect();
            Ok(Value::Array(distinct(list(args, 0)?.iter(), |value| !known.contains(value))))
        })],
    )
    .says("The elements of the first array that are not in the second, each once.")
    .example("ARRAY_EXCEPT(ARRAY[1, 2, 1], ARRAY[2])", "[1]"),
    Function::scalar(
        "ARRAY_INTERSECT",
        Category::Array,
        &[Variation::row("(ARRAY<T> array1, ARRAY<T> array2) ARRAY<T>", |args, _| {
            let known: HashSet<&Value> = list(args, 1)?.iter().collect();
            Ok(Value::Array(distinct(list(args, 0)?.iter(), |value| known.contains(value))))
        })],
    )
    .says("The elements that both arrays have, each once.")
    .example("ARRAY_INTERSECT(ARRAY[3, 1, 3], ARRAY[3])", "[3]"),
    Function::scalar(
        "ARRAY_UNION",
        Category::Array,
        &[Variation::row("(ARRAY<T> left, ARRAY<T> right) ARRAY<T>", |args, _| {
            Ok(Value::Array(distinct(list(args, 0)?.iter().chain(list(args, 1)?), |_| true)))
        })],
    )
    .says("The elements of both arrays, each once.")
    .example("ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 3]"),
    Function::scalar(
        "ARRAY_REMOVE",
        Category::Array,
        &[Variation::row_nulls("(ARRAY<T> array, T element) ARRAY<T>", |args, _| {
            let Ok(items) = list(args, 0) else { return Ok(Value::Null) };
            let victim = args.get(1).unwrap_or(&Value::Null);
            Ok(Value::Array(items.iter().filter(|item| *item != victim).cloned().collect()))
        })],
    )
    .says("The array without the elements equal to a value.")
    .example("ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]"),
    Function::scalar(
        "ARRAY_MAX",
        Category::Array,
        &[Variation::row("(ARRAY<T> array) T", |args, _| Ok(extreme(list(args, 0)?, Ordering::Greater)))],
    )
    .says("The largest element.")
    .example("ARRAY_MAX(ARRAY['a', 'B', NULL])", "a"),
    Function::scalar(
        "ARRAY_MIN",
        Category::Array,
        &[Variation::row("(ARRAY<T> array) T", |args, _| Ok(extreme(list(args, 0)?, Ordering::Less)))],
    )
    .says("The smallest element.")
    .example("ARRAY_MIN(ARRAY[3, -1])", "-1"),
    Function::scalar(
        "ARRAY_SORT",
        Category::Array,
        &[
            Variation::row("(ARRAY<T> input) ARRAY<T>", sort),
            Variation::row("(ARRAY<T> input, VARCHAR direction) ARRAY<T>", sort),
        ],
    )
    .by("")
    .says("The elements in order, ASC or DESC; NULLs come last.")
    .example("ARRAY_SORT(ARRAY[2, NULL, 3], 'DESC')", "[3, 2, null]"),
    Function::scalar(
        "ARRAY_JOIN",
        Category::Array,
        &[
            Variation::row_nulls("(ARRAY<T> array) VARCHAR", join),
            Variation::row_nulls("(ARRAY<T> array, VARCHAR delimiter) VARCHAR", join),
        ],
    )
    .says("The elements as one text with a delimiter between them, a comma if none is given.")
    .example("ARRAY_JOIN(ARRAY[1, NULL], '-')", "1-null"),
    Function::scalar(
        "SLICE",
        Category::Array,
        &[Variation::row_nulls("(ARRAY<T> in, INT from, INT to) ARRAY<T>", slice)],
    )
    .spelled("slice")
    .says("The elements from one 1-based position to another, both included.")
    .example("SLICE(ARRAY[1, 2, 3], 2, 3)", "[2, 3]"),
    Function::scalar(
        "GENERATE_SERIES",
        Category::Array,
        &[
            Variation::row("(int start, int end) ARRAY<INT>", series),
            Variation::row("(int start, int end, int step) ARRAY<INT>", series),
            Variation::row("(bigint start, bigint end) ARRAY<BIGINT>", series),
            Variation::row("(bigint start, bigint end, int step) ARRAY<BIGINT>", series),
        ],
    )
    .says("The numbers from a start to an end, both included, in steps of 1, -1 or as given.")
    .example("GENERATE_SERIES(4, 2)", "[4, 3, 2]"),
    Function::scalar(
        "AS_MAP",
        Category::Map,
        &[Variation::row("(ARRAY<VARCHAR> keys, ARRAY<T> values) MAP<VARCHAR, T>", |args, _| {
            let (keys, values) = (list(args, 0)?, list(args, 1)?);
            let mut entries = Vec::with_capacity(keys.len());
            for (i, key) in keys.iter().enumerate() {
                put(&mut entries, key.clone(), values.get(i).cloned().unwrap_or_default());
            }
            Ok(Value::Map(entries))
        })],
    )
    .says("A map of the keys in one array to the values in another.")
    .example("AS_MAP(ARRAY['a'], ARRAY[1])", "{a=1}"),
    Function::scalar(
        "MAP_KEYS",
        Category::Map,
        &[Variation::row("(MAP<VARCHAR, T> input) ARRAY<VARCHAR>", |args, _| {
            Ok(Value::Array(in_java_order(map(args, 0)?).map(|(key, _)| key.clone()).collect()))
        })],
    )
    .says("The keys of a map.")
    .example("MAP_KEYS(MAP('a' := 1))", "[a]"),
    Function::scalar(
        "MAP_VALUES",
        Category::Map,
        &[Variation::row("(MAP<VARCHAR, T> input) ARRAY<T>", |args, _| {
            Ok(Value::Array(in_java_order(map(args, 0)?).map(|(_, value)| value.clone()).collect()))
        })],
    )
    .says("The values of a map.")
    .example("MAP_VALUES(MAP('a' := 1))", "[1]"),
    Function::scalar(
        "MAP_UNION",
        Category::Map,
        &[Variation::row_nulls("(MAP<VARCHAR, T> map1, MAP<VARCHAR, T> map2) MAP<VARCHAR, T>", |args, _| {
            let present: Vec<_> = (0..2).filter_map(|i| map(args, i).ok()).collect();
            if present.is_empty() {
                return Ok(Value::Null);
            }
            let mut entries = Vec::new();
            for (key, value) in present.into_iter().flatten() {
                put(&mut entries, key.clone(), value.clone());
            }
            Ok(Value::Map(entries))
        })],
    )
    .says("The entries of both maps; the second one's count where both have a key.")
    .example("MAP_UNION(MAP('a' := 1), MAP('a' := 2))", "{a=2}"),
    Function::scalar(
        "ENTRIES",
        Category::Map,
        &[
            Variation::row("(MAP<VARCHAR, INT> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V INT>>", entries),
            Variation::row("(MAP<VARCHAR, BIGINT> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V BIGINT>>", entries),
            Variation::row("(MAP<VARCHAR, DOUBLE> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V DOUBLE>>", entries),
            Variation::row("(MAP<VARCHAR, BOOLEAN> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V BOOLEAN>>", entries),
            Variation::row("(MAP<VARCHAR, VARCHAR> map, boolean sorted) ARRAY<STRUCT<K VARCHAR, V VARCHAR>>", entries),
        ],
    )
    .says("The entries of a map as structs of K and V, sorted by key if asked.")
    .example("ENTRIES(MAP('b' := 1, 'a' := 2), true)", "[Struct{K=a,V=2}, Struct{K=b,V=1}]"),
];

/// Every value once, in order of first appearance.
fn distinct<'a>(items: impl Iterator<Item = &'a Value>, keep: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut seen = HashSet::new();
    items.filter(|value| keep(value) && seen.insert(*value)).cloned().collect()
}

fn put(entries: &mut Vec<(Value, Value)>, key: Value, value: Value) {
    match entries.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = value,
        None => entries.push((key, value)),
    }
}

fn in_java_order(entries: &[(Value, Value)]) -> impl Iterator<Item = &(Value, Value)> {
    let keys = entries.iter().map(|(key, _)| if let Value::String(key) = key { key } else { "" });
    let mut order = Vec::new();
    java_map_order(keys, &mut order);
    order.into_iter().filter_map(|(_, i)| entries.get(i))
}

fn extreme(items: &[Value], wanted: Ordering) -> Value {
    let present = items.iter().filter(|value| !value.is_null());
    present
        .reduce(|best, value| if value.compare(best) == Some(wanted) { value } else { best })
        .cloned()
        .unwrap_or_default()
}

fn sort(args: &[Value], _: &Context<'_>) -> Row {
    let direction = optional_text(args, 1).unwrap_or("ASC").to_uppercase();
    let descending = match direction.as_str() {
        "ASC" | "ASCENDING" => false,
        "DESC" | "DESCENDING" => true,
        _ => return Ok(Value::Null),
    };
    let mut items = list(args, 0)?.to_vec();
    items.sort_by(|a, b| match (a.is_null(), b.is_null()) {
        (false, false) => {
            let order = a.compare(b).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
        (a, b) => a.cmp(&b),
    });
    Ok(Value::Array(items))
}

fn join(args: &[Value], context: &Context<'_>) -> Row {
    let Ok(items) = list(args, 0) else { return Ok(Value::Null) };
    let SqlType::Array(item) = type_of(context, 0)? else { return Ok(Value::Null) };
    let joinable = item.is_numeric() || matches!(**item, SqlType::Boolean | SqlType::String);
    if !joinable {
        return Err(format!("elements of type {item} cannot be joined"));
    }
    let delimiter = if args.len() > 1 { optional_text(args, 1).unwrap_or_default() } else { "," };
    string(items.iter().map(|value| value.java_text(item)).collect::<Vec<_>>().join(delimiter))
}

fn slice(args: &[Value], _: &Context<'_>) -> Row {
    let Ok(items) = list(args, 0) else { return Ok(Value::Null) };
    let from = int(args, 1).map_or(0, |from| i64::from(from) - 1);
    let to = int(args, 2).map_or(items.len() as i64, i64::from);
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let part = range.and_then(|(from, to)| items.get(from..to));
    Ok(part.map_or(Value::Null, |part| Value::Array(part.to_vec())))
}

fn series(args: &[Value], _: &Context<'_>) -> Row {
    /// A row may not ask for more than this.
    const LONGEST: i64 = 1_000_000;
    let bound = |i: usize| match args.get(i) {
        Some(Value::Integer(value)) => Ok(i64::from(*value)),
        Some(Value::Bigint(value)) => Ok(*value),
        _ => Err("a bound is no number".to_owned()),
    };
    let (start, end) = (bound(0)?, bound(1)?);
    let step = if args.len() > 2 {
        bound(2)?
    } else if end >= start {
        1
    } else {
        -1
    };
    if step == 0 {
        return Err("the step must not be zero".to_owned());
    }
    let distance = end.checked_sub(start).ok_or("the series is too long")?;
    if distance.signum() * step.signum() < 0 {
        return Err("the step has the wrong sign".to_owned());
    }
    // Only the smallest BIGINT by -1 has no quotient.
    let Some(steps) = distance.checked_div(step).filter(|steps| *steps < LONGEST) else {
        return Err(format!("the series is longer than the {LONGEST} items that are possible"));
    };
    let small = matches!(args.first(), Some(Value::Integer(_)));
    let value = |value: i64| if small { Value::Integer(value as i32) } else { Value::Bigint(value) };
    Ok(Value::Array((0..=steps).map(|i| value(start + i * step)).collect()))
}

fn entries(args: &[Value], _: &Context<'_>) -> Row {
    if any_null(args) {
        return Ok(Value::Null);
    }
    let mut entries = map(args, 0)?.to_vec();
    if args.get(1) == Some(&Value::Boolean(true)) {
        entries.sort_by(|a, b| a.0.compare(&b.0).unwrap_or(Ordering::Equal));
    }
    Ok(Value::Array(entries.into_iter().map(|(key, value)| Value::Struct(vec![key, value])).collect()))
}
