//! JSON to columns: one pass over the bytes straight into column builders, with ksqlDB's leniency.
//!
//! A value is coerced to the column's type: text to numbers, anything to STRING, numbers cut to integers. What does not
//! fit makes the whole record bad, also in columns that nobody uses: ksqlDB reads every declared column.

use arrow::array::{Array, BinaryArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::escape::{Surrogates, write_string};
use super::scan::{Kind, RawString, Scanner, SyntaxError};
use super::shape::{Fields, Found, Shape};
use crate::formats::column::{ColumnBuilder, Values};
use crate::formats::number::{exact_decimal, parse_int, parse_long, wrapping_long, write_number_text};
use crate::formats::{Decode, Decoded};
use crate::types::text::parse_double;
use crate::types::{Column, SqlType};

/// Why a record is bad. Boxed: it is rare, and results on the way stay small.
pub(super) struct Fault {
    message: String,
    /// Where, from the outermost value on, for values of the wrong type.
    path: Option<String>,
}

type Result<T> = std::result::Result<T, Box<Fault>>;

impl Fault {
    /// A value of the wrong type.
    fn value<T>(message: String) -> Result<T> {
        Err(Box::new(Self { message, path: Some(String::new()) }))
    }

    /// Puts a step before the path.
    fn under(mut self: Box<Self>, step: impl FnOnce() -> String) -> Box<Self> {
        if let Some(path) = &mut self.path {
            path.insert_str(0, &step());
        }
        self
    }

    fn into_message(self) -> String {
        match self.path {
            Some(path) => format!("{}, path: ${path}", self.message),
            None => self.message,
        }
    }
}

impl From<SyntaxError> for Box<Fault> {
    fn from(error: SyntaxError) -> Self {
        let message = format!("Invalid JSON: expected {} at byte {}", error.expected, error.at);
        Box::new(Fault { message, path: None })
    }
}

/// Decodes records of some columns.
pub(super) struct JsonDecoder {
    /// Whether a record is an object of columns or the bare value of the only one.
    wrapped: bool,
    /// All declared columns. Those that are not used are only read to see whether they can be.
    columns: Vec<ColumnBuilder>,
    fields: Fields,
    /// Positions of the used columns, each once.
    used: Vec<usize>,
    is_used: Vec<bool>,
    /// What to answer: positions in `used`.
    output: Vec<usize>,
}

impl JsonDecoder {
    /// A decoder of `columns` that produces those at the positions `used`.
    pub(super) fn new(columns: &[Column], used: &[usize], wrapped: bool) -> Self {
        let is_used: Vec<bool> = (0..columns.len()).map(|i| used.contains(&i)).collect();
        let each: Vec<usize> = (0..columns.len()).filter(|i| is_used[*i]).collect();
        Self {
            wrapped,
            fields: Fields::new(columns.iter().map(|column| (column.name.as_str(), &column.ty))),
            columns: columns.iter().map(|column| ColumnBuilder::new(&column.ty)).collect(),
            output: used.iter().filter_map(|i| each.iter().position(|used| used == i)).collect(),
            used: each,
            is_used,
        }
    }

    /// Appends one record to the used columns it has values for.
    fn read(&mut self, payload: &[u8]) -> Result<()> {
        let Ok(text) = std::str::from_utf8(payload) else {
            return Err(Box::new(Fault { message: "Invalid JSON: not UTF-8".to_owned(), path: None }));
        };
        let mut scanner = Scanner::new(text.strip_prefix('\u{FEFF}').unwrap_or(text));
        // What follows the value is not looked at, as in Jackson.
        if self.wrapped {
            match scanner.kind()? {
                Kind::Object => read_fields(&mut scanner, &mut self.fields, &mut self.columns, Some(&self.is_used)),
                Kind::Null => {
                    scanner.null()?;
                    Fault::value("A record must be an object, not null".to_owned())
                }
                kind => wrong_type(&mut scanner, kind, "STRUCT"),
            }
        } else if let (Some(column), Some(shape)) = (self.columns.first_mut(), self.fields.shapes.first_mut()) {
            if self.is_used.first() == Some(&true) {
                read_value(&mut scanner, shape, column)
            } else {
                check_value(&mut scanner, shape, column)
            }
        } else {
            Ok(scanner.skip()?)
        }
    }
}

impl Decode for JsonDecoder {
    fn decode(&mut self, payloads: &BinaryArray) -> Decoded {
        let mut bad = Vec::new();
        for row in 0..payloads.len() {
            if payloads.is_valid(row)
                && let Err(fault) = self.read(payloads.value(row))
            {
                bad.push((row, fault.into_message()));
                self.used.iter().for_each(|i| self.columns[*i].truncate(row));
            }
            for i in &self.used {
                let column = &mut self.columns[*i];
                if column.len() == row {
                    column.append_null();
                }
            }
        }
        let finished: Vec<_> = self.used.iter().map(|i| self.columns[*i].finish()).collect();
        Decoded { columns: self.output.iter().map(|i| finished[*i].clone()).collect(), bad }
    }
}

/// Appends the fields of the object that is next to their columns. Columns that do not occur stay one row short.
///
/// A field may occur twice: the one that is written exactly like the column wins, then the last. Columns not in `used`
/// are checked but get no value.
fn read_fields(
    scanner: &mut Scanner<'_>,
    fields: &mut Fields,
    columns: &mut [ColumnBuilder],
    used: Option<&[bool]>,
) -> Result<()> {
    fields.start();
    let mut more = scanner.open(b'}')?;
    while more {
        let key = scanner.key()?;
        match fields.find(key) {
            Some((i, how)) if how >= fields.found[i] => {
                let column = &mut columns[i];
                let is_used = used.is_none_or(|used| used[i]);
                if fields.found[i] != Found::No && is_used {
                    column.truncate(column.len() - 1);
                }
                fields.found[i] = how;
                if is_used {
                    read_value(scanner, &mut fields.shapes[i], column)
                } else {
                    check_value(scanner, &mut fields.shapes[i], column)
                }
                .map_err(|fault| fault.under(|| format!(".{}", fields.names[i])))?;
            }
            _ => scanner.skip()?,
        }
        more = scanner.more(b'}')?;
    }
    Ok(())
}

/// Sees whether the value that is next can be read; `column` stays empty.
fn check_value(scanner: &mut Scanner<'_>, shape: &mut Shape, column: &mut ColumnBuilder) -> Result<()> {
    let fits = matches!(
        (scanner.kind()?, &column.ty),
        (Kind::Null, _)
            | (_, SqlType::String)
            | (Kind::Boolean, SqlType::Boolean)
            | (Kind::Number, SqlType::Integer | SqlType::Bigint | SqlType::Double | SqlType::Date | SqlType::Timestamp)
    );
    if fits {
        return Ok(scanner.skip()?);
    }
    let read = read_value(scanner, shape, column);
    column.truncate(0);
    read
}

/// Appends the value that is next to `column`. After an error, the column may hold a part of it.
fn read_value(scanner: &mut Scanner<'_>, shape: &mut Shape, column: &mut ColumnBuilder) -> Result<()> {
    let kind = scanner.kind()?;
    if kind == Kind::Null {
        scanner.null()?;
        column.append_null();
        return Ok(());
    }
    match (&mut column.values, shape) {
        (Values::Boolean(bits), _) => match kind {
            Kind::Boolean => bits.append(scanner.boolean()?),
            _ => return wrong_type(scanner, kind, "BOOLEAN"),
        },
        (Values::Int(values), _) => values.push(read_int(scanner, kind, &column.ty)?),
        (Values::Long(values), _) => values.push(read_long(scanner, kind, &column.ty)?),
        (Values::Double(values), _) => values.push(read_double(scanner, kind)?),
        (Values::Decimal(values), _) => values.push(read_decimal(scanner, kind, &column.ty)?),
        (Values::Bytes(bytes), _) => {
            if column.ty == SqlType::Bytes {
                read_bytes(scanner, kind, &mut bytes.data)?;
            } else {
                read_text(scanner, kind, &mut bytes.data)?;
            }
            bytes.end();
        }
        (Values::List { offsets, items }, Shape::List(shape)) => {
            if kind != Kind::Array {
                return wrong_type(scanner, kind, &column.ty.to_string());
            }
            let start = items.len();
            let mut more = scanner.open(b']')?;
            while more {
                read_value(scanner, shape, items)
                    .map_err(|fault| fault.under(|| format!("[{}]", items.len() - start)))?;
                more = scanner.more(b']')?;
            }
            offsets.push(items.len() as i32);
        }
        (Values::Map { offsets, keys, values }, Shape::Map(shape)) => {
            if kind != Kind::Object {
                return wrong_type(scanner, kind, &column.ty.to_string());
            }
            read_entries(scanner, keys, values, shape)?;
            offsets.push(keys.len() as i32);
        }
        (Values::Struct(columns), Shape::Struct(fields)) => {
            if kind != Kind::Object {
                return wrong_type(scanner, kind, &column.ty.to_string());
            }
            read_fields(scanner, fields, columns, None)?;
            for (column, found) in columns.iter_mut().zip(&fields.found) {
                if *found == Found::No {
                    column.append_null();
                }
            }
        }
        (Values::List { .. } | Values::Map { .. } | Values::Struct(_), _) => {
            return wrong_type(scanner, kind, &column.ty.to_string());
        }
    }
    column.mark_present();
    Ok(())
}

/// Appends the entries of a map. Of several values for a key the last counts.
fn read_entries(
    scanner: &mut Scanner<'_>,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    shape: &mut Shape,
) -> Result<()> {
    let start = keys.len();
    let object = scanner.clone();
    read_entries_where(scanner, keys, values, shape, |_| true)?;
    if let Values::Bytes(names) = &keys.values
        && let Some(last) = names.last_occurrences(start)
    {
        keys.truncate(start);
        values.truncate(start);
        read_entries_where(&mut object.clone(), keys, values, shape, |i| last.get(i) == Some(&true))?;
    }
    Ok(())
}

/// Appends the entries at the positions that `keep` picks.
fn read_entries_where(
    scanner: &mut Scanner<'_>,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    shape: &mut Shape,
    keep: impl Fn(usize) -> bool,
) -> Result<()> {
    let mut more = scanner.open(b'}')?;
    let mut position = 0;
    while more {
        let key = scanner.key()?;
        if keep(position) {
            let Values::Bytes(names) = &mut keys.values else {
                return Fault::value("JSON only supports MAP types with STRING keys".to_owned());
            };
            push_string(key, &mut names.data);
            names.end();
            keys.mark_present();
            read_value(scanner, shape, values).map_err(|fault| fault.under(|| format!(".{}.value", key.raw)))?;
        } else {
            scanner.skip()?;
        }
        position += 1;
        more = scanner.more(b'}')?;
    }
    Ok(())
}

fn read_int(scanner: &mut Scanner<'_>, kind: Kind, ty: &SqlType) -> Result<i32> {
    match ty {
        SqlType::Time => time_of_day(read_long(scanner, kind, ty)?),
        SqlType::Date => Ok(read_long(scanner, kind, ty)? as i32),
        _ if kind == Kind::String => {
            let text = scanner.string()?;
            with_text(text, |text| parse_int(text)).map_or_else(|| no_coercion("INTEGER"), Ok)
        }
        // Larger numbers wrap.
        _ => Ok(read_long(scanner, kind, ty)? as i32),
    }
}

fn read_long(scanner: &mut Scanner<'_>, kind: Kind, ty: &SqlType) -> Result<i64> {
    match kind {
        Kind::Number => match scanner.short_integer() {
            Some(value) => Ok(value),
            None => Ok(wrapping_long(scanner.number()?)),
        },
        Kind::String => {
            let text = scanner.string()?;
            with_text(text, |text| parse_long(text)).map_or_else(|| no_coercion(&ty.to_string()), Ok)
        }
        _ => wrong_type(scanner, kind, &ty.to_string()),
    }
}

fn read_double(scanner: &mut Scanner<'_>, kind: Kind) -> Result<f64> {
    match kind {
        Kind::Number => match scanner.number()?.parse() {
            Ok(value) => Ok(value),
            Err(_) => no_coercion("DOUBLE"),
        },
        Kind::String => {
            let text = scanner.string()?;
            with_text(text, |text| parse_double(text)).map_or_else(|| no_coercion("DOUBLE"), Ok)
        }
        _ => wrong_type(scanner, kind, "DOUBLE"),
    }
}

fn read_decimal(scanner: &mut Scanner<'_>, kind: Kind, ty: &SqlType) -> Result<i128> {
    let SqlType::Decimal { precision, scale } = *ty else { return wrong_type(scanner, kind, &ty.to_string()) };
    let value = match kind {
        Kind::Number => exact_decimal(scanner.number()?, precision, scale),
        Kind::String => {
            let text = scanner.string()?;
            with_text(text, |text| exact_decimal(text, precision, scale))
        }
        _ => return wrong_type(scanner, kind, &ty.to_string()),
    };
    value.or_else(Fault::value)
}

/// Appends any value as text: numbers as Java's numbers write themselves, objects as JSON, arrays as `[a, b]`.
fn read_text(scanner: &mut Scanner<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<()> {
    match kind {
        Kind::String => push_string(scanner.string()?, out),
        Kind::Number => write_number_text(scanner.number()?, out),
        Kind::Boolean => out.extend_from_slice(if scanner.boolean()? { b"true" } else { b"false" }),
        Kind::Null => {
            scanner.null()?;
            out.extend_from_slice(b"null");
        }
        Kind::Array => {
            // Look first, so that the depth is known to be bounded.
            scanner.clone().skip()?;
            out.push(b'[');
            let mut more = scanner.open(b']')?;
            while more {
                let kind = scanner.kind()?;
                read_text(scanner, kind, out)?;
                more = scanner.more(b']')?;
                if more {
                    out.extend_from_slice(b", ");
                }
            }
            out.push(b']');
        }
        Kind::Object => {
            let start = scanner.position();
            scanner.skip()?;
            let mut text = String::new();
            write_canonical(&mut Scanner::new(scanner.since(start)), &mut text)?;
            out.extend_from_slice(text.as_bytes());
        }
    }
    Ok(())
}

/// Appends the value that is next as Jackson would write it again: compact, numbers in Java's form.
fn write_canonical(scanner: &mut Scanner<'_>, out: &mut String) -> Result<()> {
    let string = |text: RawString<'_>, out: &mut String| {
        with_text(text, |text| write_string(text, Surrogates::Plain, out));
    };
    match scanner.kind()? {
        Kind::String => string(scanner.string()?, out),
        Kind::Number => {
            let mut text = Vec::new();
            write_number_text(scanner.number()?, &mut text);
            out.push_str(&String::from_utf8_lossy(&text));
        }
        Kind::Boolean => out.push_str(if scanner.boolean()? { "true" } else { "false" }),
        Kind::Null => {
            scanner.null()?;
            out.push_str("null");
        }
        Kind::Array => {
            out.push('[');
            let mut more = scanner.open(b']')?;
            while more {
                write_canonical(scanner, out)?;
                more = scanner.more(b']')?;
                out.push_str(if more { "," } else { "" });
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            let mut more = scanner.open(b'}')?;
            while more {
                string(scanner.key()?, out);
                out.push(':');
                write_canonical(scanner, out)?;
                more = scanner.more(b'}')?;
                out.push_str(if more { "," } else { "" });
            }
            out.push('}');
        }
    }
    Ok(())
}

fn read_bytes(scanner: &mut Scanner<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<()> {
    if kind != Kind::String {
        return wrong_type(scanner, kind, "BYTES");
    }
    let text = scanner.string()?;
    with_text(text, |text| {
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        let decoded = if text.bytes().any(|byte| blank(&byte)) {
            STANDARD.decode_vec(text.bytes().filter(|byte| !blank(byte)).collect::<Vec<u8>>(), out)
        } else {
            STANDARD.decode_vec(text, out)
        };
        decoded.or_else(|_| Fault::value(format!("Value is not a valid Base64 encoded string: {text}")))
    })
}

/// Milliseconds of a day, the end of the day included.
fn time_of_day(millis: i64) -> Result<i32> {
    match i32::try_from(millis) {
        Ok(millis @ 0..=86_400_000) => Ok(millis),
        _ => Fault::value(
            "Time values must use number of milliseconds greater than 0 and less than 86400000.".to_owned(),
        ),
    }
}

/// Appends a string, its escapes resolved.
#[inline]
fn push_string(text: RawString<'_>, out: &mut Vec<u8>) {
    if text.escaped {
        text.unescape(out);
    } else {
        out.extend_from_slice(text.raw.as_bytes());
    }
}

/// Calls `read` with the string, its escapes resolved.
fn with_text<T>(text: RawString<'_>, read: impl FnOnce(&str) -> T) -> T {
    if text.escaped {
        let mut resolved = Vec::new();
        text.unescape(&mut resolved);
        read(&String::from_utf8_lossy(&resolved))
    } else {
        read(text.raw)
    }
}

fn no_coercion<T>(ty: &str) -> Result<T> {
    Fault::value(format!("Can't coerce string to type. targetType: {ty}"))
}

/// The value that is next is none that `required` can hold.
fn wrong_type<T>(scanner: &mut Scanner<'_>, kind: Kind, required: &str) -> Result<T> {
    let source = match kind {
        Kind::Null => "NullNode",
        Kind::Boolean => "BooleanNode",
        Kind::String => "TextNode",
        Kind::Array => "ArrayNode",
        Kind::Object => "ObjectNode",
        Kind::Number => {
            let number = scanner.number()?;
            match number.parse::<i64>() {
                Ok(value) if i32::try_from(value).is_ok() => "IntNode",
                Ok(_) => "LongNode",
                Err(_) if number.contains(['.', 'e', 'E']) => "DecimalNode",
                Err(_) => "BigIntegerNode",
            }
        }
    };
    Fault::value(format!("Can't convert type. sourceType: {source}, requiredType: {required}"))
}
