//! Functions of arrays.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, Int32Array, ListArray, PrimitiveArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use arrow::error::ArrowError;

use super::columns::{Numbers, Texts, every_text, has_null};
use super::lists::{Arrays, pick, pick_items, pick_one};
use super::{Arg, Batch, Category, Function, Variation};
use crate::expr::items::{Items, Seen};
use crate::types::{SqlType, View};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar("ARRAY_LENGTH", Category::Array, &[Variation::batch("(ARRAY<T> array) INT", length)])
        .says("Number of elements.")
        .example("ARRAY_LENGTH(ARRAY[1, NULL])", "2"),
    Function::scalar(
        "ARRAY_CONTAINS",
        Category::Array,
        &[Variation::batch("(ARRAY<T> array, T val) BOOLEAN", contains)],
    )
    .says("Whether a value is among the elements; NULL is found as well.")
    .example("ARRAY_CONTAINS(ARRAY[1, 2], 2)", "true"),
    Function::scalar(
        "ARRAY_CONCAT",
        Category::Array,
        &[Variation::batch("(ARRAY<T> left, ARRAY<T> right) ARRAY<T>", concat)],
    )
    .says("The elements of both arrays; a NULL array counts as empty.")
    .example("ARRAY_CONCAT(ARRAY[1], ARRAY[1, 2])", "[1, 1, 2]"),
    Function::scalar("ARRAY_DISTINCT", Category::Array, &[Variation::batch("(ARRAY<T> array) ARRAY<T>", distinct)])
        .says("Every element once, in order of first appearance.")
        .example("ARRAY_DISTINCT(ARRAY[2, 1, 2])", "[2, 1]"),
    Function::scalar(
        "ARRAY_EXCEPT",
        Category::Array,
        &[Variation::batch("(ARRAY<T> array1, ARRAY<T> array2) ARRAY<T>", |batch| among(batch, false))],
    )
    .says("The elements of the first array that are not in the second, each once.")
    .example("ARRAY_EXCEPT(ARRAY[1, 2, 1], ARRAY[2])", "[1]"),
    Function::scalar(
        "ARRAY_INTERSECT",
        Category::Array,
        &[Variation::batch("(ARRAY<T> array1, ARRAY<T> array2) ARRAY<T>", |batch| among(batch, true))],
    )
    .says("The elements that both arrays have, each once.")
    .example("ARRAY_INTERSECT(ARRAY[3, 1, 3], ARRAY[3])", "[3]"),
    Function::scalar(
        "ARRAY_UNION",
        Category::Array,
        &[Variation::batch("(ARRAY<T> left, ARRAY<T> right) ARRAY<T>", union)],
    )
    .says("The elements of both arrays, each once.")
    .example("ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 3]"),
    Function::scalar(
        "ARRAY_REMOVE",
        Category::Array,
        &[Variation::batch("(ARRAY<T> array, T element) ARRAY<T>", remove)],
    )
    .says("The array without the elements equal to a value.")
    .example("ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]"),
    Function::scalar(
        "ARRAY_MAX",
        Category::Array,
        &[Variation::batch("(ARRAY<T> array) T", |batch| extreme(batch, Ordering::Greater))],
    )
    .says("The largest element.")
    .example("ARRAY_MAX(ARRAY['a', 'B', NULL])", "a"),
    Function::scalar(
        "ARRAY_MIN",
        Category::Array,
        &[Variation::batch("(ARRAY<T> array) T", |batch| extreme(batch, Ordering::Less))],
    )
    .says("The smallest element.")
    .example("ARRAY_MIN(ARRAY[3, -1])", "-1"),
    Function::scalar(
        "ARRAY_SORT",
        Category::Array,
        &[
            Variation::batch("(ARRAY<T> input) ARRAY<T>", sort),
            Variation::batch("(ARRAY<T> input, VARCHAR direction) ARRAY<T>", sort),
        ],
    )
    .by("")
    .says("The elements in order, ASC or DESC; NULLs come last.")
    .example("ARRAY_SORT(ARRAY[2, NULL, 3], 'DESC')", "[3, 2, null]"),
    Function::scalar(
        "ARRAY_JOIN",
        Category::Array,
        &[
            Variation::batch("(ARRAY<T> array) VARCHAR", join),
            Variation::batch("(ARRAY<T> array, VARCHAR delimiter) VARCHAR", join),
        ],
    )
    .says("The elements as one text with a delimiter between them, a comma if none is given.")
    .example("ARRAY_JOIN(ARRAY[1, NULL], '-')", "1-null"),
    Function::scalar("SLICE", Category::Array, &[Variation::batch("(ARRAY<T> in, INT from, INT to) ARRAY<T>", slice)])
        .spelled("slice")
        .says("The elements from one 1-based position to another, both included.")
        .example("SLICE(ARRAY[1, 2, 3], 2, 3)", "[2, 3]"),
    Function::scalar(
        "GENERATE_SERIES",
        Category::Array,
        &[
            Variation::batch("(int start, int end) ARRAY<INT>", series::<Int32Type>),
            Variation::batch("(int start, int end, int step) ARRAY<INT>", series::<Int32Type>),
            Variation::batch("(bigint start, bigint end) ARRAY<BIGINT>", series::<Int64Type>),
            Variation::batch("(bigint start, bigint end, int step) ARRAY<BIGINT>", series::<Int64Type>),
        ],
    )
    .says("The numbers from a start to an end, both included, in steps of 1, -1 or as given.")
    .example("GENERATE_SERIES(4, 2)", "[4, 3, 2]"),
];

fn length(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], .. } = Arrays::new(batch)?;
    Ok(Arc::new((0..batch.len).map(|row| Some(array.range(row)?.len() as i32)).collect::<Int32Array>()))
}

fn contains(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let wanted = Wanted::new(batch, 1)?;
    let found = |row| array.range(row).is_some_and(|mut range| range.any(|place| wanted.is(row, &items, place)));
    Ok(Arc::new((0..batch.len).map(|row| Some(found(row))).collect::<BooleanArray>()))
}

fn remove(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let victim = Wanted::new(batch, 1)?;
    pick_items(batch, &items, |row, out| {
        out.extend(array.range(row)?.filter(|place| !victim.is(row, &items, *place)));
        Some(())
    })
}

/// An argument of the type of the elements.
struct Wanted<'a> {
    arg: &'a Arg,
    view: View<'a>,
}

impl<'a> Wanted<'a> {
    fn new(batch: &Batch<'a>, i: usize) -> Result<Self, ArrowError> {
        let arg = batch.args.get(i).ok_or_else(|| ArrowError::InvalidArgumentError(format!("no argument {i}")))?;
        Ok(Self { arg, view: View::new(&arg.array) })
    }

    /// Whether it equals an element in a row.
    fn is(&self, row: usize, items: &Items<'_>, place: u32) -> bool {
        let (view, at) = items.at(place);
        view.equals(at, &self.view, self.arg.index(row))
    }
}

/// The elements of both; a NULL array counts as empty.
fn concat(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [left, right], items } = Arrays::new(batch)?;
    pick_items(batch, &items, |row, out| {
        let (left, right) = (left.range(row), right.range(row));
        if left.is_none() && right.is_none() {
            return None;
        }
        out.extend(left.into_iter().chain(right).flatten());
        Some(())
    })
}

fn distinct(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let mut seen = Seen::default();
    pick_items(batch, &items, |row, out| {
        let range = array.range(row)?;
        seen.start(range.len());
        out.extend(range.filter(|place| seen.is_new(&items, *place)));
        Some(())
    })
}

fn union(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [left, right], items } = Arrays::new(batch)?;
    let mut seen = Seen::default();
    pick_items(batch, &items, |row, out| {
        let (left, right) = (left.range(row)?, right.range(row)?);
        seen.start(left.len() + right.len());
        out.extend(left.chain(right).filter(|place| seen.is_new(&items, *place)));
        Some(())
    })
}

/// The elements of the first array, each once, that are or are not in the second.
fn among(batch: &Batch<'_>, wanted: bool) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array, others], items } = Arrays::new(batch)?;
    let (mut known, mut seen) = (Seen::default(), Seen::default());
    let mut is_current = false;
    pick_items(batch, &items, |row, out| {
        let (range, others_range) = (array.range(row)?, others.range(row)?);
        if !is_current {
            known.start(others_range.len());
            others_range.for_each(|place| {
                known.add(&items, place, 0);
            });
            is_current = others.is_constant();
        }
        seen.start(range.len());
        out.extend(range.filter(|place| known.contains(&items, *place) == wanted && seen.is_new(&items, *place)));
        Some(())
    })
}

/// The first of the elements that come before all others, in an order turned so that `wanted` is before.
fn extreme(batch: &Batch<'_>, wanted: Ordering) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    pick_one(batch, &items, |row| {
        let present = array.range(row)?.filter(|place| !items.is_null(*place));
        present.reduce(|best, place| if items.compare(place, best) == Some(wanted) { place } else { best })
    })
}

fn sort(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let direction = if batch.args.len() > 1 { Some(Texts::new(batch, 1)?) } else { None };
    let is = |text: &str, names: [&str; 2]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    pick_items(batch, &items, |row, out| {
        let descending = match &direction {
            None => false,
            Some(direction) => match direction.get(row)? {
                text if is(text, ["ASC", "ASCENDING"]) => false,
                text if is(text, ["DESC", "DESCENDING"]) => true,
                _ => return None,
            },
        };
        let start = out.len();
        out.extend(array.range(row)?);
        out[start..].sort_unstable_by(|a, b| {
            let order = match (items.is_null(*a), items.is_null(*b)) {
                (false, false) => items.compare(*a, *b).unwrap_or(Ordering::Equal),
                (a, b) => return a.cmp(&b),
            };
            // Equal elements keep their order.
            if descending { order.reverse() } else { order }.then(a.cmp(b))
        });
        Some(())
    })
}

/// The elements' texts; without a delimiter as argument it is a comma, a NULL delimiter is none.
fn join(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let delimiter = if batch.args.len() > 1 { Some(Texts::new(batch, 1)?) } else { None };
    let joinable = |item: &SqlType| item.is_numeric() || matches!(item, SqlType::Boolean | SqlType::String);
    let refused = match batch.context.types.first() {
        Some(SqlType::Array(item)) if !joinable(item) => Some(item),
        _ => None,
    };
    Ok(every_text(batch, |row, out| {
        let Some(range) = array.range(row) else { return Ok(false) };
        if let Some(item) = refused {
            return Err(format!("elements of type {item} cannot be joined"));
        }
        let delimiter = delimiter.as_ref().map_or(",", |delimiter| delimiter.get(row).unwrap_or_default());
        for (i, place) in range.enumerate() {
            out.push_str(if i > 0 { delimiter } else { "" });
            let (view, at) = items.at(place);
            view.java_text(at, out);
            batch.check_bytes(out.len())?;
        }
        Ok(true)
    }))
}

/// Elements from one position to another, counted from 1 and both included; NULL is the first or the last.
fn slice(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let (from, to) = (Numbers::<Int32Type>::new(batch, 1)?, Numbers::<Int32Type>::new(batch, 2)?);
    pick_items(batch, &items, |row, out| {
        let range = array.range(row)?;
        let start = from.get(row).map_or(0, |from| i64::from(from) - 1);
        let end = to.get(row).map_or(range.len() as i64, i64::from);
        if start < 0 || start > end || end > range.len() as i64 {
            return None;
        }
        out.extend(range.start + start as u32..range.start + end as u32);
        Some(())
    })
}

fn series<T>(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError>
where
    T: ArrowPrimitiveType<Native: Into<i64> + TryFrom<i64>>,
{
    let DataType::List(field) = batch.context.returns.to_arrow() else {
        return Err(ArrowError::InvalidArgumentError("a series is no array".to_owned()));
    };
    let (start, end) = (Numbers::<T>::new(batch, 0)?, Numbers::<T>::new(batch, 1)?);
    let step = if batch.args.len() > 2 { Some(Numbers::<Int32Type>::new(batch, 2)?) } else { None };
    let picked = pick(
        batch,
        |_| 0,
        |row, out: &mut Vec<T::Native>| {
            if has_null(batch, row) {
                return None;
            }
            let (start, end) = (start.at(row).into(), end.at(row).into());
            let step = step.as_ref().map(|step| i64::from(step.at(row)));
            let checked = steps(start, end, step).and_then(|(step, count)| {
                let bytes = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size_of::<T::Native>());
                batch.check_bytes(bytes).map(|()| (step, count))
            });
            match checked {
                // Between two numbers of the type all are.
                Ok((step, count)) => out.extend((0..=count).filter_map(|i| T::Native::try_from(start + i * step).ok())),
                Err(message) => {
                    batch.fail(row, || message);
                    return None;
                }
            }
            Some(())
        },
    );
    let numbers = PrimitiveArray::<T>::from_iter_values(picked.places);
    Ok(Arc::new(ListArray::try_new(field, picked.offsets, Arc::new(numbers), picked.nulls)?))
}

/// The step of a series and how many there are after the first number.
fn steps(start: i64, end: i64, step: Option<i64>) -> Result<(i64, i64), String> {
    let step = step.unwrap_or(if end >= start { 1 } else { -1 });
    if step == 0 {
        return Err("the step must not be zero".to_owned());
    }
    let distance = end.checked_sub(start).ok_or("the series is too long")?;
    if distance.signum() * step.signum() < 0 {
        return Err("the step has the wrong sign".to_owned());
    }
    // Only the smallest BIGINT by -1 has no quotient.
    let count = distance.checked_div(step).ok_or("the series is too long")?;
    Ok((step, count))
}
