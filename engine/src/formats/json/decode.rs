//! JSON to columns: one pass over the bytes straight into column builders, with ksqlDB's leniency.
//!
//! A value is coerced to the column's type: text to numbers, anything to STRING, numbers to their whole part. What does
//! not fit makes the whole record bad, also in columns that nobody uses: ksqlDB reads every declared column.

use super::coerce::{
    Fault, Result, push_string, read_base64_decimal, read_bytes, read_decimal, read_double, read_int, read_long,
    read_text, wrong_type,
};
use super::described::{Described, What};
use super::scan::{Kind, Scanner};
use super::shape::{Fields, Found, Shape, Written};
use crate::formats::column::{ColumnBuilder, Values};
use crate::formats::growth::{Growth, VALUE_BYTES};
use crate::formats::{Decode, Decoded};
use crate::types::{Column, SqlType};
use arrow::array::{Array, BinaryArray};

/// Decodes records of some columns.
pub(in crate::formats) struct JsonDecoder {
    /// Whether a record is an object of columns or the bare value of the only one.
    wrapped: bool,
    /// All declared columns. Those that are not used are only read to see whether they can be.
    columns: Vec<ColumnBuilder>,
    /// What is known of records, for each way in which they are written.
    ways: Vec<Fields>,
    /// Positions of the used columns, each once.
    used: Vec<usize>,
    is_used: Vec<bool>,
    /// What to answer: positions in `used`.
    output: Vec<usize>,
}

impl JsonDecoder {
    /// A decoder of `columns` that produces those at the positions `used`.
    pub(super) fn new(columns: &[Column], used: &[usize], wrapped: bool, written: Written<'_>) -> Self {
        let is_used: Vec<bool> = (0..columns.len()).map(|i| used.contains(&i)).collect();
        let each: Vec<usize> = (0..columns.len()).filter(|i| is_used[*i]).collect();
        Self {
            wrapped,
            ways: vec![Fields::new(named(columns), written)],
            columns: columns.iter().map(|column| ColumnBuilder::new(&column.ty)).collect(),
            output: used.iter().filter_map(|i| each.iter().position(|used| used == i)).collect(),
            used: each,
            is_used,
        }
    }

    /// Another way in which records of these columns may be written; its number. The first is 0.
    pub(in crate::formats) fn add_way(&mut self, columns: &[Column], writer: &Described) -> usize {
        let fields = match columns {
            [only] if !self.wrapped => {
                let record = What::Struct(vec![(only.name.clone(), writer.clone())]).into();
                Fields::new(named(columns), Written::BySchema(Some(&record)))
            }
            _ => Fields::new(named(columns), Written::BySchema(Some(writer))),
        };
        self.ways.push(fields);
        self.ways.len() - 1
    }

    /// Whether a record is an object of columns.
    pub(in crate::formats) fn is_wrapped(&self) -> bool {
        self.wrapped
    }

    /// Forgets all ways but the first.
    pub(in crate::formats) fn forget_ways(&mut self) {
        self.ways.truncate(1);
    }

    /// Decodes a batch of payloads. `text` says where in a payload the text is and in which way it is written, or why
    /// there is none.
    pub(in crate::formats) fn decode_within(
        &mut self,
        payloads: &BinaryArray,
        text: impl Fn(&[u8]) -> std::result::Result<(&[u8], usize), String>,
    ) -> Decoded {
        let mut bad = Vec::new();
        let growth = Growth::of(payloads);
        for row in 0..payloads.len() {
            growth.start();
            if payloads.is_valid(row) {
                let read = match text(payloads.value(row)) {
                    Ok((text, way)) => self.read(text, way, &growth).map_err(|fault| fault.into_message()),
                    Err(reason) => Err(reason),
                };
                if let Err(reason) = read {
                    growth.give_back();
                    bad.push((row, reason));
                    self.used.iter().for_each(|i| self.columns[*i].truncate(row));
                }
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

    /// Appends one record to the used columns it has values for.
    fn read(&mut self, payload: &[u8], way: usize, growth: &Growth) -> Result<()> {
        // The value ends before what is no UTF-8, or runs into it: then the text is cut off there, which is a mistake.
        let (text, rest) = valid_utf8(payload);
        let mut scanner = Scanner::new(text.strip_prefix('\u{FEFF}').unwrap_or(text)).within(growth);
        let read = self.read_first(&mut scanner, way, rest);
        if read.is_err() && !rest.is_empty() && scanner.is_at_end() {
            return Fault::syntax("Invalid JSON: not UTF-8".to_owned());
        }
        read
    }

    /// Reads the value that is next. What follows it (`rest` among it) is not looked at, as in Jackson: that may be the
    /// window of a key.
    fn read_first(&mut self, scanner: &mut Scanner<'_>, way: usize, rest: &[u8]) -> Result<()> {
        let kind = scanner.kind()?;
        let fields = &mut self.ways[way];
        if self.wrapped {
            return match kind {
                Kind::Object => read_fields(scanner, fields, &mut self.columns, Some(&self.is_used)),
                Kind::Null => {
                    scanner.null()?;
                    Fault::value("A record must be an object, not null".to_owned())
                }
                kind => wrong_type(scanner, kind, "STRUCT"),
            };
        }
        if let (Some(column), Some(shape)) = (self.columns.first_mut(), fields.shapes.first_mut()) {
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
        self.decode_within(payloads, |text| Ok((text, 0)))
    }
}

fn named(columns: &[Column]) -> impl Iterator<Item = (&str, &SqlType)> {
    columns.iter().map(|column| (column.name.as_str(), &column.ty))
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
    if fields.defaults.is_empty() { Ok(()) } else { read_defaults(scanner, fields, columns, used) }
}

/// Gives fields that are missing or null the values that the writer's schema says they have then.
fn read_defaults(
    scanner: &Scanner<'_>,
    fields: &mut Fields,
    columns: &mut [ColumnBuilder],
    used: Option<&[bool]>,
) -> Result<()> {
    for (i, (column, default)) in columns.iter_mut().zip(&fields.defaults).enumerate() {
        let Some(default) = default else { continue };
        let is_missing = fields.found[i] == Found::No;
        if used.is_some_and(|used| !used[i]) || !(is_missing || column.last_is_null()) {
            continue;
        }
        if !is_missing {
            column.truncate(column.len() - 1);
        }
        scanner.take_growth(size_of(default))?;
        read_value(&mut scanner.over(default), &mut fields.shapes[i], column)
            .map_err(|fault| fault.under(|| format!(".{} (its default)", fields.names[i])))?;
        fields.found[i] = Found::Exact;
    }
    Ok(())
}

/// What a default becomes in columns at most: its text, and a number for each value.
fn size_of(default: &str) -> usize {
    let values = 1 + default.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    default.len() + VALUE_BYTES * values
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
        if column.width > 1 {
            scanner.take_growth(8 * column.width)?;
        }
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
        (Values::Decimal(values), Shape::Base64Decimal(scale)) if kind == Kind::String => {
            values.push(read_base64_decimal(scanner, &column.ty, *scale)?);
        }
        (Values::Decimal(values), _) => values.push(read_decimal(scanner, kind, &column.ty)?),
        (Values::Bytes(bytes), _) => {
            if matches!(column.ty, SqlType::Bytes) {
                read_bytes(scanner, kind, &mut bytes.data)?;
            } else {
                read_text(scanner, kind, &mut bytes.data)?;
            }
            bytes.end()?;
        }
        (Values::List { offsets, items }, Shape::List(shape)) => {
            if kind != Kind::Array {
                return wrong_type(scanner, kind, &column.ty.to_string());
            }
            read_items(scanner, shape, items)?;
            offsets.push(items.len() as i32);
        }
        (Values::Map { offsets, keys, values }, Shape::Map { values: shape, as_entries }) => {
            match (kind, *as_entries) {
                (Kind::Object, _) => read_entries(scanner, keys, values, shape, read_object)?,
                (Kind::Array, true) => read_entries(scanner, keys, values, shape, read_pairs)?,
                _ => return wrong_type(scanner, kind, &column.ty.to_string()),
            }
            offsets.push(keys.len() as i32);
        }
        (Values::Struct(columns), Shape::Struct(fields)) => {
            if kind != Kind::Object {
                return wrong_type(scanner, kind, &column.ty.to_string());
            }
            scanner.take_growth(8 * column.width)?;
            read_fields(scanner, fields, columns, None)?;
            for (column, found) in columns.iter_mut().zip(&fields.found) {
                if *found == Found::No {
                    column.append_null();
                }
            }
        }
        (Values::Struct(columns), Shape::Union(fields)) => {
            scanner.take_growth(8 * column.width)?;
            if !read_union(scanner, kind, fields, columns)? {
                return wrong_type(scanner, kind, &column.ty.to_string());
            }
        }
        (Values::List { .. } | Values::Map { .. } | Values::Struct(_), _) => {
            return wrong_type(scanner, kind, &column.ty.to_string());
        }
    }
    column.mark_present();
    Ok(())
}

/// Appends the items of an array.
fn read_items(scanner: &mut Scanner<'_>, shape: &mut Shape, items: &mut ColumnBuilder) -> Result<()> {
    let start = items.len();
    let mut more = scanner.open(b']')?;
    while more {
        read_value(scanner, shape, items).map_err(|fault| fault.under(|| format!("[{}]", items.len() - start)))?;
        more = scanner.more(b']')?;
    }
    Ok(())
}

/// Appends the value that is next to the field of a union that it belongs to, and NULL to the others; whether there is one.
fn read_union(
    scanner: &mut Scanner<'_>,
    kind: Kind,
    fields: &mut Fields,
    columns: &mut [ColumnBuilder],
) -> Result<bool> {
    let Some(at) = union_field(scanner, kind, fields, columns)? else { return Ok(false) };
    for (i, (column, shape)) in columns.iter_mut().zip(&mut fields.shapes).enumerate() {
        if i == at {
            read_value(scanner, shape, column)?;
        } else {
            column.append_null();
        }
    }
    Ok(true)
}

/// The field of a union that the value that is next belongs to: the first whose type it has, else the object with the
/// most names in common.
fn union_field(
    scanner: &Scanner<'_>,
    kind: Kind,
    fields: &mut Fields,
    columns: &[ColumnBuilder],
) -> Result<Option<usize>> {
    let is_whole = kind == Kind::Number && !scanner.clone().number()?.contains(['.', 'e', 'E']);
    let fits = |column: &ColumnBuilder| match (&column.ty, kind) {
        (SqlType::Boolean, Kind::Boolean)
        | (SqlType::String, Kind::String)
        | (SqlType::Double | SqlType::Decimal { .. }, Kind::Number)
        | (SqlType::Array(_), Kind::Array)
        | (SqlType::Map(..), Kind::Object | Kind::Array) => true,
        (SqlType::Integer | SqlType::Bigint | SqlType::Time | SqlType::Date | SqlType::Timestamp, Kind::Number) => {
            is_whole
        }
        _ => false,
    };
    if let Some(at) = columns.iter().position(fits) {
        return Ok(Some(at));
    }
    if kind == Kind::String {
        // Bytes and decimals may be texts in Base64.
        let mut kinds = columns.iter().zip(&fields.shapes);
        return Ok(
            kinds.position(|(column, shape)| column.ty == SqlType::Bytes || matches!(shape, Shape::Base64Decimal(_)))
        );
    }
    if kind != Kind::Object {
        return Ok(None);
    }
    let mut best = None;
    for (i, shape) in fields.shapes.iter_mut().enumerate() {
        let Shape::Struct(fields) = shape else { continue };
        let mut scanner = scanner.clone();
        fields.start();
        let (mut common, mut more) = (0, scanner.open(b'}')?);
        while more {
            common += usize::from(fields.find(scanner.key()?).is_some());
            scanner.skip()?;
            more = scanner.more(b'}')?;
        }
        if best.is_none_or(|(most, _)| common > most) {
            best = Some((common, i));
        }
    }
    Ok(best.map(|(_, i)| i))
}

/// Appends the entries of a map at the positions that the last argument picks.
type ReadEntries =
    fn(&mut Scanner<'_>, &mut ColumnBuilder, &mut ColumnBuilder, &mut Shape, &dyn Fn(usize) -> bool) -> Result<()>;

/// Appends the entries of a map. Of several values for a key the last counts.
fn read_entries(
    scanner: &mut Scanner<'_>,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    shape: &mut Shape,
    read: ReadEntries,
) -> Result<()> {
    let start = keys.len();
    let map = scanner.clone();
    read(scanner, keys, values, shape, &|_| true)?;
    if let Values::Bytes(names) = &keys.values
        && let Some(last) = names.last_occurrences(start)
    {
        scanner.take_walk(scanner.position() - map.position())?;
        keys.truncate(start);
        values.truncate(start);
        read(&mut map.clone(), keys, values, shape, &|i| last.get(i) == Some(&true))?;
    }
    Ok(())
}

/// Entries that are the fields of an object.
fn read_object(
    scanner: &mut Scanner<'_>,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    shape: &mut Shape,
    keep: &dyn Fn(usize) -> bool,
) -> Result<()> {
    each(scanner, b'}', keep, |scanner, is_kept| {
        let key = scanner.key()?;
        if !is_kept {
            return Ok(scanner.skip()?);
        }
        let Values::Bytes(names) = &mut keys.values else {
            return Fault::value("JSON only supports MAP types with STRING keys".to_owned());
        };
        push_string(key, &mut names.data);
        names.end()?;
        keys.mark_present();
        read_value(scanner, shape, values).map_err(|fault| fault.under(|| format!(".{}.value", key.raw)))
    })
}

/// Entries that are objects of a `key` and a `value`. A key that is null is the text `null`, as it is elsewhere.
fn read_pairs(
    scanner: &mut Scanner<'_>,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    shape: &mut Shape,
    keep: &dyn Fn(usize) -> bool,
) -> Result<()> {
    each(scanner, b']', keep, |scanner, is_kept| match scanner.kind()? {
        Kind::Object if is_kept => read_pair(scanner, keys, values, shape),
        Kind::Object => Ok(scanner.skip()?),
        kind => wrong_type(scanner, kind, "an entry of a map"),
    })
}

/// Goes over what stands in the object or array that is next, with whether it is to be kept.
fn each<'a>(
    scanner: &mut Scanner<'a>,
    close: u8,
    keep: &dyn Fn(usize) -> bool,
    mut entry: impl FnMut(&mut Scanner<'a>, bool) -> Result<()>,
) -> Result<()> {
    let mut more = scanner.open(close)?;
    let mut position = 0;
    while more {
        entry(scanner, keep(position))?;
        position += 1;
        more = scanner.more(close)?;
    }
    Ok(())
}

fn read_pair(
    scanner: &mut Scanner<'_>,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    shape: &mut Shape,
) -> Result<()> {
    let (key_row, value_row) = (keys.len(), values.len());
    let mut more = scanner.open(b'}')?;
    while more {
        let name = scanner.key()?;
        match name.raw {
            "key" => {
                keys.truncate(key_row);
                let kind = scanner.kind()?;
                let Values::Bytes(names) = &mut keys.values else {
                    return Fault::value("JSON only supports MAP types with STRING keys".to_owned());
                };
                read_text(scanner, kind, &mut names.data)?;
                names.end()?;
                keys.mark_present();
            }
            "value" => {
                values.truncate(value_row);
                read_value(scanner, shape, values).map_err(|fault| fault.under(|| ".value".to_owned()))?;
            }
            _ => scanner.skip()?,
        }
        more = scanner.more(b'}')?;
    }
    if keys.len() == key_row {
        return Fault::value("An entry of a map has no key".to_owned());
    }
    if values.len() == value_row {
        values.append_null();
    }
    Ok(())
}
