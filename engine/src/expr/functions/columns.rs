//! Reading arguments and building results column-wise, without a [`Value`](crate::types::Value) for each row.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::LocalKey;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray, StringBuilder};
use arrow::datatypes::Decimal128Type;
use arrow::error::ArrowError;

use super::Batch;

/// An argument of numbers, dates or times.
pub(super) struct Numbers<'a, T: ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    scalar: bool,
}

impl<'a, T: ArrowPrimitiveType> Numbers<'a, T> {
    pub(super) fn new(batch: &Batch<'a>, i: usize) -> Result<Self, ArrowError> {
        let arg = batch.args.get(i).ok_or_else(|| missing(i))?;
        let array = arg.array.as_primitive_opt::<T>().ok_or_else(|| missing(i))?;
        Ok(Self { array, scalar: arg.scalar })
    }

    /// The value of a row that is not NULL.
    pub(super) fn at(&self, row: usize) -> T::Native {
        self.array.value(if self.scalar { 0 } else { row })
    }
}

/// An argument of texts.
pub(super) struct Texts<'a> {
    array: &'a StringArray,
    scalar: bool,
}

impl<'a> Texts<'a> {
    pub(super) fn new(batch: &Batch<'a>, i: usize) -> Result<Self, ArrowError> {
        let arg = batch.args.get(i).ok_or_else(|| missing(i))?;
        let array = arg.array.as_string_opt::<i32>().ok_or_else(|| missing(i))?;
        Ok(Self { array, scalar: arg.scalar })
    }

    /// The text of a row that is not NULL.
    pub(super) fn at(&self, row: usize) -> &'a str {
        self.array.value(if self.scalar { 0 } else { row })
    }
}

fn missing(i: usize) -> ArrowError {
    ArrowError::InvalidArgumentError(format!("argument {} is of another type", i + 1))
}

/// What a thread's texts of one kind (patterns, zones, paths) compile to. Most calls have a constant one.
pub(super) type Kept<T> = RefCell<HashMap<String, Rc<Result<T, String>>>>;

/// More different texts than this are data: they are not kept for long.
const MOST_KEPT: usize = 256;

/// An argument of texts that are compiled.
pub(super) struct Compiled<'a, T: 'static> {
    texts: Texts<'a>,
    kept: &'static LocalKey<Kept<T>>,
    compile: fn(&str) -> Result<T, String>,
    /// The last one.
    current: Option<(&'a str, Rc<Result<T, String>>)>,
}

impl<'a, T> Compiled<'a, T> {
    pub(super) fn new(
        batch: &Batch<'a>,
        i: usize,
        kept: &'static LocalKey<Kept<T>>,
        compile: fn(&str) -> Result<T, String>,
    ) -> Result<Self, ArrowError> {
        Ok(Self { texts: Texts::new(batch, i)?, kept, compile, current: None })
    }

    /// What the text of a row that is not NULL compiles to, or why it does not.
    pub(super) fn at(&mut self, row: usize) -> Result<&T, String> {
        let text = self.texts.at(row);
        let current = match self.current.take() {
            Some(current) if current.0 == text => current,
            _ => (text, self.compiled(text)),
        };
        let (_, compiled) = &*self.current.insert(current);
        Result::as_ref(compiled).map_err(Clone::clone)
    }

    fn compiled(&self, text: &str) -> Rc<Result<T, String>> {
        self.kept.with_borrow_mut(|kept| {
            if let Some(compiled) = kept.get(text) {
                return compiled.clone();
            }
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            let compiled = Rc::new((self.compile)(text));
            kept.insert(text.to_owned(), compiled.clone());
            compiled
        })
    }
}

/// A column of what `each` makes of every row. A row with a NULL argument is NULL; so is one that fails.
pub(super) fn numbers<T: ArrowPrimitiveType>(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize) -> Result<T::Native, String>,
) -> ArrayRef {
    nullable_numbers::<T>(batch, |row| each(row).map(Some))
}

/// As [`numbers`]; `None` is NULL.
pub(super) fn nullable_numbers<T: ArrowPrimitiveType>(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize) -> Result<Option<T::Native>, String>,
) -> ArrayRef {
    let values = (0..batch.len).map(|row| {
        if has_null(batch, row) {
            return None;
        }
        each(row).unwrap_or_else(|message| {
            batch.fail(row, || message);
            None
        })
    });
    Arc::new(values.collect::<PrimitiveArray<T>>())
}

/// A column of the unscaled values `each` makes, of the DECIMAL the function returns.
pub(super) fn decimals(batch: &Batch<'_>, mut each: impl FnMut(usize) -> Result<i128, String>) -> ArrayRef {
    let values = (0..batch.len).map(|row| {
        if has_null(batch, row) {
            return None;
        }
        each(row).map_err(|message| batch.fail(row, || message)).ok()
    });
    let array = values.collect::<PrimitiveArray<Decimal128Type>>();
    Arc::new(array.with_data_type(batch.context.returns.to_arrow()))
}

/// A column of the texts `each` appends for every row. A row with a NULL argument is NULL; so is one that fails.
pub(super) fn texts(batch: &Batch<'_>, mut each: impl FnMut(usize, &mut String) -> Result<(), String>) -> ArrayRef {
    nullable_texts(batch, |row, out| each(row, out).map(|()| true))
}

/// As [`texts`]; `false` is NULL.
pub(super) fn nullable_texts(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize, &mut String) -> Result<bool, String>,
) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(batch.len, batch.len * 16);
    let mut out = String::new();
    for row in 0..batch.len {
        out.clear();
        let made = if has_null(batch, row) { Ok(false) } else { each(row, &mut out) };
        match made {
            Ok(true) => builder.append_value(&out),
            Ok(false) => builder.append_null(),
            Err(message) => {
                batch.fail(row, || message);
                builder.append_null();
            }
        }
    }
    Arc::new(builder.finish())
}

pub(super) fn has_null(batch: &Batch<'_>, row: usize) -> bool {
    batch.args.iter().any(|arg| arg.is_null(row))
}

/// For functions that do not take NULL: the rows with one fail.
pub(super) fn refuse_nulls(batch: &Batch<'_>) {
    if batch.args.iter().any(|arg| arg.array.null_count() > 0) {
        (0..batch.len)
            .filter(|row| has_null(batch, *row))
            .for_each(|row| batch.fail(row, || "NULL is no date or time".to_owned()));
    }
}
