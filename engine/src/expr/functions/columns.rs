//! Reading arguments and building results column-wise, without a [`Value`](crate::types::Value) for each row.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::LocalKey;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericByteArray, GenericByteBuilder, PrimitiveArray,
};
use arrow::datatypes::{BinaryType, ByteArrayType, Decimal128Type, Utf8Type};
use arrow::error::ArrowError;

use super::{Arg, Batch};

/// Bytes of a column. Arrow could address 2 GiB.
const MOST_BYTES: usize = 1 << 29;

/// An argument of numbers, dates or times.
pub(super) struct Numbers<'a, T: ArrowPrimitiveType> {
    arg: &'a Arg,
    array: &'a PrimitiveArray<T>,
}

impl<'a, T: ArrowPrimitiveType> Numbers<'a, T> {
    pub(super) fn new(batch: &Batch<'a>, i: usize) -> Result<Self, ArrowError> {
        let arg = batch.args.get(i).ok_or_else(|| missing(i))?;
        let array = arg.array.as_primitive_opt::<T>().ok_or_else(|| missing(i))?;
        Ok(Self { arg, array })
    }

    /// The value of a row that is not NULL.
    pub(super) fn at(&self, row: usize) -> T::Native {
        self.array.value(self.arg.index(row))
    }

    /// The value of any row.
    pub(super) fn get(&self, row: usize) -> Option<T::Native> {
        (!self.arg.is_null(row)).then(|| self.at(row))
    }
}

/// An argument of texts or bytes.
pub(super) struct Strings<'a, T: ByteArrayType> {
    arg: &'a Arg,
    array: &'a GenericByteArray<T>,
}

/// An argument of texts.
pub(super) type Texts<'a> = Strings<'a, Utf8Type>;

/// An argument of bytes.
pub(super) type Blobs<'a> = Strings<'a, BinaryType>;

impl<'a, T: ByteArrayType> Strings<'a, T> {
    pub(super) fn new(batch: &Batch<'a>, i: usize) -> Result<Self, ArrowError> {
        let arg = batch.args.get(i).ok_or_else(|| missing(i))?;
        let array = arg.array.as_bytes_opt::<T>().ok_or_else(|| missing(i))?;
        Ok(Self { arg, array })
    }

    /// All arguments from `first` on.
    pub(super) fn all(batch: &Batch<'a>, first: usize) -> Result<Vec<Self>, ArrowError> {
        (first..batch.args.len()).map(|i| Self::new(batch, i)).collect()
    }

    /// The value of a row that is not NULL.
    pub(super) fn at(&self, row: usize) -> &'a T::Native {
        self.array.value(self.arg.index(row))
    }

    /// The value of any row.
    pub(super) fn get(&self, row: usize) -> Option<&'a T::Native> {
        (!self.arg.is_null(row)).then(|| self.at(row))
    }
}

fn missing(i: usize) -> ArrowError {
    ArrowError::InvalidArgumentError(format!("argument {} is of another type", i + 1))
}

/// What a thread's texts of one kind (patterns, zones, paths) compile to. Most calls have a constant one.
pub(super) type Kept<T> = RefCell<HashMap<String, Rc<Result<T, String>>>>;

/// More different texts than this are data: they are not kept for long.
const MOST_KEPT: usize = 64;
/// Longer texts are not kept.
const LONGEST_KEPT: usize = 4096;

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
            if text.len() <= LONGEST_KEPT {
                kept.insert(text.to_owned(), compiled.clone());
            }
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
    every_number::<T>(batch, |row| if has_null(batch, row) { Ok(None) } else { each(row) })
}

/// As [`nullable_numbers`], of rows with NULL arguments, too.
pub(super) fn every_number<T: ArrowPrimitiveType>(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize) -> Result<Option<T::Native>, String>,
) -> ArrayRef {
    let values = (0..batch.len).map(|row| {
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
    every_text(batch, |row, out| if has_null(batch, row) { Ok(false) } else { each(row, out) })
}

/// As [`nullable_texts`], of rows with NULL arguments, too.
pub(super) fn every_text(batch: &Batch<'_>, each: impl FnMut(usize, &mut String) -> Result<bool, String>) -> ArrayRef {
    strings::<Utf8Type, String>(batch, String::clear, each)
}

/// A column of the bytes `each` appends for every row; `false` is NULL. So is a row with a NULL argument, or that fails.
pub(super) fn nullable_blobs(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize, &mut Vec<u8>) -> Result<bool, String>,
) -> ArrayRef {
    every_blob(batch, |row, out| if has_null(batch, row) { Ok(false) } else { each(row, out) })
}

/// As [`nullable_blobs`], of rows with NULL arguments, too.
pub(super) fn every_blob(batch: &Batch<'_>, each: impl FnMut(usize, &mut Vec<u8>) -> Result<bool, String>) -> ArrayRef {
    strings::<BinaryType, Vec<u8>>(batch, Vec::clear, each)
}

fn strings<T: ByteArrayType, S: Default + AsRef<T::Native>>(
    batch: &Batch<'_>,
    clear: fn(&mut S),
    mut each: impl FnMut(usize, &mut S) -> Result<bool, String>,
) -> ArrayRef {
    let mut builder = GenericByteBuilder::<T>::with_capacity(batch.len, batch.len * 16);
    let mut out = S::default();
    for row in 0..batch.len {
        clear(&mut out);
        let made = each(row, &mut out).and_then(|made| {
            let bytes: &[u8] = out.as_ref().as_ref();
            batch.check_bytes(bytes.len())?;
            check_room(builder.values_slice().len() + bytes.len()).map(|()| made)
        });
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

/// Appends to a value unless it gets too large. For functions that make much of little: the others are checked when the
/// value is there.
pub(super) fn append(batch: &Batch<'_>, text: &str, out: &mut String) -> Result<(), String> {
    batch.check_bytes(out.len() + text.len())?;
    out.push_str(text);
    Ok(())
}

/// As [`append`].
pub(super) fn append_bytes(batch: &Batch<'_>, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    batch.check_bytes(out.len() + bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}

/// Whether a column may hold so many bytes; the row that asks for more fails.
pub(super) fn check_room(bytes: usize) -> Result<(), String> {
    if bytes > MOST_BYTES { Err("the results of these rows are too large".to_owned()) } else { Ok(()) }
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
