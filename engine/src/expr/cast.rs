//! `CAST`, column by column. Which pairs exist is `coerce::can_cast`'s business.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryBuilder, BooleanArray, Decimal128Array, ListArray, MapArray,
    PrimitiveArray, StringArray, StringBuilder, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType,
};
use arrow::error::ArrowError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::maps::map_column;
use crate::config::{Config, setting};
use crate::types::{SqlType, Value, View, text};

/// Settings of a session that change what expressions yield.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `ksql.cast.strings.preserve.nulls`: NULL cast to STRING stays NULL instead of becoming the text `null`.
    pub preserve_nulls: bool,
    /// `ksql.functions.substring.legacy.args`: SUBSTRING takes a 0-based start and an end.
    pub substring_legacy: bool,
    /// `millstream.functions.value.max.bytes`: what makes a larger value fails.
    pub value_bytes: usize,
    /// `millstream.functions.lambda.max.elements`: elements that lambdas may visit for one row.
    pub lambda_elements: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(&Config::default())
    }
}

impl Settings {
    /// Those of a session.
    pub fn of(config: &Config) -> Self {
        Self {
            preserve_nulls: config.get(setting::CAST_STRINGS_PRESERVE_NULLS),
            substring_legacy: config.get(setting::FUNCTIONS_SUBSTRING_LEGACY_ARGS),
            value_bytes: config.limit(setting::FUNCTIONS_VALUE_MAX_BYTES),
            lambda_elements: config.limit(setting::FUNCTIONS_LAMBDA_MAX_ELEMENTS),
        }
    }
}

/// Whether a value may have so many bytes; the text is for the processing log.
pub(super) fn check_bytes(bytes: usize, most: usize) -> Result<(), String> {
    if bytes <= most {
        return Ok(());
    }
    Err(format!("the result has more than the {most} bytes that {} allows", setting::FUNCTIONS_VALUE_MAX_BYTES.name()))
}

/// Takes rows that cannot be converted, each with the text for the processing log. They are NULL.
type Refused<'a> = &'a mut dyn FnMut(usize, String);

/// Converts a value of type `from`; NULL stays NULL.
///
/// # Errors
/// Why the value is none of `to`, for the processing log.
pub fn cast_value(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value, String> {
    if from == to || value.is_null() {
        return Ok(value.clone());
    }
    let mut refused = None;
    let column = Value::column(from, std::slice::from_ref(value));
    let converted = cast_column(&column, from, to, &mut |_, message| refused = Some(message));
    let converted = converted.map_err(|error| error.to_string())?;
    refused.map_or_else(|| Ok(Value::at(&converted, 0)), Err)
}

/// Converts a column of type `from`; NULL stays NULL.
pub(super) fn cast_column(
    array: &ArrayRef,
    from: &SqlType,
    to: &SqlType,
    refused: Refused<'_>,
) -> Result<ArrayRef, ArrowError> {
    match (from, to) {
        (from, to) if from == to => Ok(array.clone()),
        (SqlType::Integer, SqlType::Bigint) | (SqlType::Integer | SqlType::Bigint, SqlType::Double) => {
            cast(array, &to.to_arrow())
        }
        (_, SqlType::String) => Ok(texts(array, None)),
        (SqlType::String, to) => Ok(from_texts(array.as_string(), to, refused)),
        (SqlType::Timestamp, SqlType::Date) => {
            let times = array.as_primitive::<TimestampMillisecondType>();
            Ok(numbers::<Date32Type>(array, refused, |row| day(times.value(row))))
        }
        (SqlType::Timestamp, SqlType::Time) => {
            let times = array.as_primitive::<TimestampMillisecondType>();
            let millis = |row| Ok(times.value(row).rem_euclid(MILLIS_PER_DAY) as i32);
            Ok(numbers::<Time32MillisecondType>(array, refused, millis))
        }
        (SqlType::Date, SqlType::Timestamp) => {
            let days = array.as_primitive::<Date32Type>();
            let millis = |row| Ok(i64::from(days.value(row)) * MILLIS_PER_DAY);
            Ok(numbers::<TimestampMillisecondType>(array, refused, millis))
        }
        (SqlType::Double, to) if to.is_numeric() => Ok(from_doubles(array.as_primitive(), to, refused)),
        (from, to) if from.is_numeric() && to.is_numeric() => Ok(from_exact(&Exact::of(array, from), to, refused)),
        (SqlType::Array(from), SqlType::Array(to)) => cast_arrays(array.as_list(), (from, to), refused),
        (SqlType::Map(key, value), SqlType::Map(to_key, to_value)) => {
            cast_maps(array.as_map(), (key, to_key), (value, to_value), refused)
        }
        (SqlType::Struct(from), SqlType::Struct(to)) => cast_structs(array.as_struct(), from, to, refused),
        _ => Ok(refuse_all(array, to, refused, |_| format!("Cast of {from} to {to} is not supported"))),
    }
}

/// The texts of all values; NULL is `null_text`.
pub(super) fn texts(array: &ArrayRef, null_text: Option<&str>) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(array.len(), array.len() * 8);
    let mut out = String::new();
    let values = View::new(array);
    for row in 0..array.len() {
        if values.is_null(row) {
            builder.append_option(null_text);
            continue;
        }
        out.clear();
        values.java_text(row, &mut out);
        builder.append_value(&out);
    }
    Arc::new(builder.finish())
}

const MILLIS_PER_DAY: i64 = 86_400_000;

fn day(millis: i64) -> Result<i32, String> {
    i32::try_from(millis.div_euclid(MILLIS_PER_DAY)).map_err(|_| format!("{millis} is no date"))
}

/// What `convert` makes of the rows that are not NULL.
fn each<T>(
    array: &dyn Array,
    refused: Refused<'_>,
    mut convert: impl FnMut(usize) -> Result<T, String>,
) -> impl Iterator<Item = Option<T>> {
    (0..array.len()).map(move |row| {
        if array.is_null(row) {
            return None;
        }
        convert(row).map_err(|message| refused(row, message)).ok()
    })
}

fn numbers<T: ArrowPrimitiveType>(
    array: &dyn Array,
    refused: Refused<'_>,
    convert: impl FnMut(usize) -> Result<T::Native, String>,
) -> ArrayRef {
    Arc::new(each(array, refused, convert).collect::<PrimitiveArray<T>>())
}

/// A column of the DECIMAL type `to`.
fn decimals(
    array: &dyn Array,
    to: &SqlType,
    refused: Refused<'_>,
    convert: impl FnMut(usize) -> Result<i128, String>,
) -> ArrayRef {
    Arc::new(each(array, refused, convert).collect::<Decimal128Array>().with_data_type(to.to_arrow()))
}

fn refuse_all(array: &dyn Array, to: &SqlType, refused: Refused<'_>, message: impl Fn(usize) -> String) -> ArrayRef {
    (0..array.len()).filter(|row| array.is_valid(*row)).for_each(|row| refused(row, message(row)));
    new_null_array(&to.to_arrow(), array.len())
}

fn from_texts(texts: &StringArray, to: &SqlType, refused: Refused<'_>) -> ArrayRef {
    let at = |row| texts.value(row).trim();
    let no = |row| format!("Cannot cast '{}' to {to}", at(row));
    match to {
        SqlType::Boolean => Arc::new(each(texts, refused, |row| Ok(truth(at(row)))).collect::<BooleanArray>()),
        SqlType::Integer => numbers::<Int32Type>(texts, refused, |row| at(row).parse().map_err(|_| no(row))),
        SqlType::Bigint => numbers::<Int64Type>(texts, refused, |row| at(row).parse().map_err(|_| no(row))),
        SqlType::Double => numbers::<Float64Type>(texts, refused, |row| {
            let parsed = at(row).parse().ok().filter(|value: &f64| value.is_finite());
            parsed.ok_or_else(|| no(row))
        }),
        SqlType::Decimal { precision, scale } => {
            decimals(texts, to, refused, |row| parse_decimal(at(row), *precision, *scale))
        }
        SqlType::Time => {
            let parse = |row| text::parse_time(at(row)).ok_or_else(|| no(row));
            numbers::<Time32MillisecondType>(texts, refused, parse)
        }
        SqlType::Date => {
            let parse = |row| text::parse_date(at(row)).ok_or_else(|| no(row));
            numbers::<Date32Type>(texts, refused, parse)
        }
        SqlType::Timestamp => {
            let parse = |row| text::parse_timestamp(at(row)).ok_or_else(|| no(row));
            numbers::<TimestampMillisecondType>(texts, refused, parse)
        }
        SqlType::Bytes => {
            let (mut builder, mut out) = (BinaryBuilder::new(), Vec::new());
            for row in 0..texts.len() {
                out.clear();
                let decoded = texts.is_valid(row).then(|| STANDARD.decode_vec(at(row), &mut out));
                if let Some(Err(_)) = decoded {
                    refused(row, no(row));
                }
                builder.append_option(decoded.and_then(Result::ok).map(|()| &out));
            }
            Arc::new(builder.finish())
        }
        SqlType::String | SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_) => {
            refuse_all(texts, to, refused, no)
        }
    }
}

/// Whether a text is `true`, `yes` or a prefix of them, in any case.
fn truth(text: &str) -> bool {
    let begins = |word: &str| word.get(..text.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(text));
    !text.is_empty() && (begins("true") || begins("yes"))
}

fn from_doubles(doubles: &PrimitiveArray<Float64Type>, to: &SqlType, refused: Refused<'_>) -> ArrayRef {
    match to {
        SqlType::Integer => numbers::<Int32Type>(doubles, refused, |row| Ok(doubles.value(row) as i32)),
        SqlType::Bigint => numbers::<Int64Type>(doubles, refused, |row| Ok(doubles.value(row) as i64)),
        SqlType::Decimal { precision, scale } => {
            // `BigDecimal.valueOf`: by way of the shortest text.
            let mut out = String::new();
            decimals(doubles, to, refused, |row| {
                out.clear();
                text::java_double(doubles.value(row), &mut out);
                parse_decimal(&out, *precision, *scale)
            })
        }
        _ => refuse_all(doubles, to, refused, |_| "not a number".to_owned()),
    }
}

/// A column of exact numbers.
enum Exact<'a> {
    Integers(&'a PrimitiveArray<Int32Type>),
    Bigints(&'a PrimitiveArray<Int64Type>),
    Decimals(&'a Decimal128Array),
}

impl<'a> Exact<'a> {
    fn of(array: &'a ArrayRef, ty: &SqlType) -> Self {
        match ty {
            SqlType::Integer => Self::Integers(array.as_primitive()),
            SqlType::Bigint => Self::Bigints(array.as_primitive()),
            _ => Self::Decimals(array.as_primitive()),
        }
    }

    fn array(&self) -> &'a dyn Array {
        match self {
            Self::Integers(array) => *array,
            Self::Bigints(array) => *array,
            Self::Decimals(array) => *array,
        }
    }

    fn unscaled(&self, row: usize) -> i128 {
        match self {
            Self::Integers(array) => array.value(row).into(),
            Self::Bigints(array) => array.value(row).into(),
            Self::Decimals(array) => array.value(row),
        }
    }

    fn scale(&self) -> i8 {
        if let Self::Decimals(array) = self { array.scale() } else { 0 }
    }
}

fn from_exact(from: &Exact<'_>, to: &SqlType, refused: Refused<'_>) -> ArrayRef {
    let (array, scale) = (from.array(), from.scale());
    let divisor = u32::try_from(scale).ok().and_then(text::power_of_ten).unwrap_or(i128::MAX);
    match to {
        // Of whole numbers that are too large the lowest bits remain, as in Java.
        SqlType::Integer => numbers::<Int32Type>(array, refused, |row| Ok((from.unscaled(row) / divisor) as i32)),
        SqlType::Bigint => numbers::<Int64Type>(array, refused, |row| Ok((from.unscaled(row) / divisor) as i64)),
        SqlType::Decimal { precision, scale: wanted } => {
            decimals(array, to, refused, |row| fit_decimal(from.unscaled(row), scale.into(), *precision, *wanted))
        }
        SqlType::Double => {
            let mut out = String::new();
            numbers::<Float64Type>(array, refused, |row| {
                out.clear();
                text::plain_decimal(from.unscaled(row), scale, &mut out);
                out.parse().map_err(|_| format!("{out} is no number"))
            })
        }
        _ => refuse_all(array, to, refused, |_| "not a number".to_owned()),
    }
}

/// Rounds HALF_UP to `scale`; an error if more than `precision` digits remain.
fn fit_decimal(unscaled: i128, from: i32, precision: u8, scale: i8) -> Result<i128, String> {
    text::rescale_half_up(unscaled, from, i32::from(scale)).filter(|value| fits(*value, precision)).ok_or_else(|| {
        format!(
            "Numeric field overflow: A field with precision {precision} and scale {scale} must round to an absolute \
             value less than 10^{}.",
            i32::from(precision) - i32::from(scale)
        )
    })
}

/// Whether the digits of an unscaled value are not more than `precision`.
pub(super) fn fits(unscaled: i128, precision: u8) -> bool {
    text::power_of_ten(u32::from(precision.min(38))).is_none_or(|limit| unscaled.unsigned_abs() < limit.unsigned_abs())
}

fn parse_decimal(text: &str, precision: u8, scale: i8) -> Result<i128, String> {
    let (unscaled, from) = text::parse_decimal(text).ok_or_else(|| format!("{text} is no decimal"))?;
    fit_decimal(unscaled, from, precision, scale)
}

/// The elements of a column of arrays or maps: where those of each row stand, and whether the row is there at all.
struct Within<'a> {
    offsets: &'a OffsetBuffer<i32>,
    nulls: Option<&'a NullBuffer>,
}

impl Within<'_> {
    /// Where the first element stands, and where all stand without those before it.
    fn rebased(&self) -> (usize, OffsetBuffer<i32>) {
        let first = self.offsets.first().map_or(0, |first| *first as usize);
        (first, if first == 0 { self.offsets.clone() } else { OffsetBuffer::from_lengths(self.offsets.lengths()) })
    }

    /// The elements of a column below, converted; a row with one that cannot be is refused.
    fn cast(
        &self,
        elements: &ArrayRef,
        (from, to): (&SqlType, &SqlType),
        refused: Refused<'_>,
    ) -> Result<ArrayRef, ArrowError> {
        let last = self.offsets.last().map_or(0, |last| *last as usize);
        let (first, offsets) = self.rebased();
        cast_column(&elements.slice(first, last - first), from, to, &mut |element, message| {
            let row = offsets.partition_point(|start| *start as usize <= element) - 1;
            if self.nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                refused(row, message);
            }
        })
    }
}

fn cast_arrays(list: &ListArray, types: (&SqlType, &SqlType), refused: Refused<'_>) -> Result<ArrayRef, ArrowError> {
    let within = Within { offsets: list.offsets(), nulls: list.nulls() };
    let items = within.cast(list.values(), types, refused)?;
    let DataType::List(field) = types.1.clone().array_of().to_arrow() else { return Ok(items) };
    Ok(Arc::new(ListArray::try_new(field, within.rebased().1, items, list.nulls().cloned())?))
}

fn cast_maps(
    map: &MapArray,
    keys: (&SqlType, &SqlType),
    values: (&SqlType, &SqlType),
    refused: Refused<'_>,
) -> Result<ArrayRef, ArrowError> {
    let within = Within { offsets: map.offsets(), nulls: map.nulls() };
    let to = SqlType::Map(Box::new(keys.1.clone()), Box::new(values.1.clone()));
    let keys = within.cast(map.keys(), keys, refused)?;
    let values = within.cast(map.values(), values, refused)?;
    map_column(&to.to_arrow(), within.rebased().1, keys, values, map.nulls().cloned())
}

/// Fields by name; those that were not there are NULL.
fn cast_structs(
    structs: &StructArray,
    from: &[(String, SqlType)],
    to: &[(String, SqlType)],
    refused: Refused<'_>,
) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = SqlType::Struct(to.to_vec()).to_arrow() else {
        return Ok(Arc::new(structs.clone()));
    };
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(structs.len(), structs.nulls().cloned())));
    }
    let mut columns = Vec::with_capacity(to.len());
    for (name, ty) in to {
        let found = from.iter().zip(structs.columns()).find(|((field, _), _)| field == name);
        columns.push(match found {
            None => new_null_array(&ty.to_arrow(), structs.len()),
            Some(((_, from), column)) => cast_column(column, from, ty, &mut |row, message| {
                if structs.is_valid(row) {
                    refused(row, message);
                }
            })?,
        });
    }
    Ok(Arc::new(StructArray::try_new(fields, columns, structs.nulls().cloned())?))
}
