//! JSON to columns: one pass over the bytes straight into column builders, with ksqlDB's leniency.
//!
//! A value is coerced to the column's type: text to numbers, anything to STRING, numbers to their whole part. What does
//! not fit makes the whole record bad, also in columns that nobody uses: ksqlDB reads every declared column.

use super::coerce::{
    Fault, Result, push_string, read_bytes, read_decimal, read_double, read_int, read_long, read_text, wrong_type,
};
use super::scan::{Kind, Scanner};
use super::shape::{Fields, Found, Shape};
use crate::formats::column::{ColumnBuilder, Values};
use crate::formats::{Decode, Decoded};
use crate::types::{Column, SqlType};
use arrow::array::{Array, BinaryArray};

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
        // The value ends before what is no UTF-8, or runs into it: then the text is cut off there, which is a mistake.
        let (text, rest) = valid_utf8(payload);
        let mut scanner = Scanner::new(text.strip_prefix('\u{FEFF}').unwrap_or(text));
        let read = self.read_first(&mut scanner, rest);
        if read.is_err() && !rest.is_empty() && scanner.is_at_end() {
            return Fault::syntax("Invalid JSON: not UTF-8".to_owned());
        }
        read
    }

    /// Reads the value that is next. What follows it (`rest` among it) is not looked at, as in Jackson: that may be the
    /// window of a key.
    fn read_first(&mut self, scanner: &mut Scanner<'_>, rest: &[u8]) -> Result<()> {
        let kind = scanner.kind()?;
        if self.wrapped {
            return match kind {
                Kind::Object => read_fields(scanner, &mut self.fields, &mut self.columns, Some(&self.is_used)),
                Kind::Null => {
                    scanner.null()?;
                    Fault::value("A record must be an object, not null".to_owned())
                }
                kind => wrong_type(scanner, kind, "STRUCT"),
            };
        }
        if let (Some(column), Some(shape)) = (self.columns.first_mut(), self.fields.shapes.first_mut()) {
            if self.is_used.first() == Some(&true) {
                read_value(scanner, shape, column)?;
            } else {
                check_value(scanner, shape, column)?;
            }
        } else {
            scanner.skip()?;
        }
        // Where a number ends is not to be seen unless a blank follows.
        if kind == Kind::Number { Ok(scanner.end_number(rest)?) } else { Ok(()) }
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

/// The UTF-8 that a payload starts with, and the bytes from the first on that are none.
fn valid_utf8(payload: &[u8]) -> (&str, &[u8]) {
    match std::str::from_utf8(payload) {
        Ok(text) => (text, &[]),
        Err(error) => {
            let (text, rest) = payload.split_at(error.valid_up_to());
            (std::str::from_utf8(text).unwrap_or_default(), rest)
        }
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
    match (scanner.kind()?, &column.ty) {
        (Kind::Null, _)
        | (_, SqlType::String)
        | (Kind::Boolean, SqlType::Boolean)
        | (Kind::Number, SqlType::Double) => return Ok(scanner.skip()?),
        (kind @ Kind::Number, ty @ (SqlType::Integer | SqlType::Date)) => {
            return read_int(scanner, kind, ty).map(drop);
        }
        (kind @ Kind::Number, ty @ (SqlType::Bigint | SqlType::Timestamp)) => {
            return read_long(scanner, kind, ty).map(drop);
        }
        _ => {}
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
            if matches!(column.ty, SqlType::Bytes) {
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
