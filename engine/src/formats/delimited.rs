//! DELIMITED: one CSV line per record, as Apache Commons CSV reads and (minimally quoted) writes it.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::column::{ColumnBuilder, Values};
use super::number::{exact_decimal, parse_int, parse_long};
use super::payloads::Payloads;
use super::{
    Decode, Decoded, Encode, Features, Format, FormatError, FormatSpec, Half, base_type, row_count, schema_error,
};
use crate::types::text::{java_double, parse_double, plain_decimal};
use crate::types::{Column, SqlType};

/// Reads the value of `KEY_DELIMITER` or `VALUE_DELIMITER`: one character, `TAB` or `SPACE`. `property` is for the error.
///
/// # Errors
/// [`FormatError::Schema`], which says what may stand there.
pub fn parse_delimiter(property: &str, text: &str) -> Result<char, FormatError> {
    let mut characters = text.chars();
    match (text.to_ascii_uppercase().as_str(), characters.next(), characters.next()) {
        ("TAB", ..) => Ok('\t'),
        ("SPACE", ..) => Ok(' '),
        (_, Some(character), None) if !character.is_whitespace() => Ok(character),
        (_, _, second) => {
            let reason = if second.is_none() || text.trim().is_empty() {
                "Delimiter cannot be empty, if you meant to have a tab or space for delimiter, please use the special \
                 values 'TAB' or 'SPACE'"
                    .to_owned()
            } else {
                format!("Invalid delimiter value: '{text}'. Delimiter must be a single character or TAB,SPACE")
            };
            Err(FormatError::Schema(format!("Configuration {property} is invalid: {reason}\nExample valid value: ';'")))
        }
    }
}

/// The format `DELIMITED`.
pub(super) struct Delimited;

impl Format for Delimited {
    fn name(&self) -> &'static str {
        "DELIMITED"
    }

    fn features(&self) -> Features {
        Features {
            key: true,
            value: true,
            multiple_columns: true,
            unwrap_singles: true,
            delimiter: true,
            checks_without_columns: true,
            ..Features::default()
        }
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        let nested = |ty: &SqlType| matches!(ty, SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_));
        match columns.iter().find(|column| nested(&column.ty)) {
            None => Ok(()),
            Some(Column { name, ty }) => {
                let ty = base_type(ty);
                let reason = format!("The 'DELIMITED' format does not support type '{ty}', column: `{name}`");
                Err(schema_error("DELIMITED", columns, is_key, &reason))
            }
        }
    }

    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(DelimitedDecoder {
            delimiter: spec.delimiter.unwrap_or(','),
            columns: columns.iter().map(|column| ColumnBuilder::new(&column.ty)).collect(),
            used: used.iter().copied().filter(|i| *i < columns.len()).collect(),
        }))
    }

    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(DelimitedEncoder {
            delimiter: spec.delimiter.unwrap_or(','),
            types: columns.iter().map(|column| column.ty.clone()).collect(),
            field: String::new(),
            capacity: 0,
        }))
    }
}

/// Reads every column, as ksqlDB does: a bad field makes the record bad, whether it is used or not.
struct DelimitedDecoder {
    delimiter: char,
    columns: Vec<ColumnBuilder>,
    used: Vec<usize>,
}

impl Decode for DelimitedDecoder {
    fn decode(&mut self, payloads: &BinaryArray) -> Decoded {
        let mut bad = Vec::new();
        for row in 0..payloads.len() {
            if payloads.is_valid(row)
                && let Err(message) = self.read(payloads.value(row))
            {
                bad.push((row, message));
                self.columns.iter_mut().for_each(|column| column.truncate(row));
            }
            for column in &mut self.columns {
                if column.len() == row {
                    column.append_null();
                }
            }
        }
        let finished: Vec<ArrayRef> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        Decoded { columns: self.used.iter().map(|i| finished[*i].clone()).collect(), bad }
    }
}

impl DelimitedDecoder {
    fn read(&mut self, payload: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(payload);
        // Empty lines are skipped; only the first record counts.
        let line = text.trim_start_matches(['\r', '\n']);
        if line.is_empty() {
            return Err("No fields in record".to_owned());
        }
        let count = self.columns.len();
        let mut got = 0;
        let mut rest = Some(line);
        while let Some(text) = rest {
            let (field, after) = next_field(text, self.delimiter)?;
            if let Some(column) = self.columns.get_mut(got) {
                read_field(column, &field)?;
            }
            got += 1;
            rest = after;
        }
        if got != count {
            return Err(format!("Column count mismatch on deserialization. expected: {count}, got: {got}"));
        }
        Ok(())
    }
}

/// The first field of `text`, and what comes after its delimiter (`None`: it was the last of the line).
fn next_field(text: &str, delimiter: char) -> Result<(Cow<'_, str>, Option<&str>), String> {
    let ends = |c: char| c == delimiter || c == '\r' || c == '\n';
    let after = |rest: &'_ str| -> Option<usize> { rest.starts_with(delimiter).then(|| delimiter.len_utf8()) };
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(ends).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        return Ok((Cow::Borrowed(field), after(rest).and_then(|length| rest.get(length..))));
    };
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let Some(at) = rest.find('"') else {
            return Err("EOF reached before encapsulated token finished".to_owned());
        };
        field.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(doubled) = rest.strip_prefix('"') else { break };
        field.push('"');
        rest = doubled;
    }
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() && !ends(c));
    if rest.is_empty() || rest.starts_with(ends) {
        return Ok((Cow::Owned(field), after(rest).and_then(|length| rest.get(length..))));
    }
    Err("invalid char between encapsulated token and delimiter".to_owned())
}

/// Appends a field; an empty one is NULL.
fn read_field(column: &mut ColumnBuilder, field: &str) -> Result<(), String> {
    if field.is_empty() {
        column.append_null();
        return Ok(());
    }
    let no_number = || format!("For input string: \"{field}\"");
    match &mut column.values {
        Values::Boolean(bits) => bits.append(field.eq_ignore_ascii_case("true")),
        Values::Int(values) => {
            let value = parse_int(field).ok_or_else(no_number)?;
            if column.ty == SqlType::Time && !(0..=86_400_000).contains(&value) {
                return Err(
                    "Time values must use number of milliseconds greater than 0 and less than 86400000.".to_owned()
                );
            }
            values.push(value);
        }
        Values::Long(values) => values.push(parse_long(field).ok_or_else(no_number)?),
        Values::Double(values) => values.push(parse_double(field).ok_or_else(no_number)?),
        Values::Decimal(values) => {
            let SqlType::Decimal { precision, scale } = column.ty else { return Err(no_number()) };
            values.push(exact_decimal(field, precision, scale)?);
        }
        Values::Bytes(bytes) => {
            if column.ty == SqlType::Bytes {
                let decoded = STANDARD.decode_vec(field, &mut bytes.data);
                decoded.map_err(|_| format!("Value is not a valid Base64 encoded string: {field}"))?;
            } else {
                bytes.data.extend_from_slice(field.as_bytes());
            }
            bytes.end().map_err(|error| error.to_string())?;
        }
        Values::List { .. } | Values::Map { .. } | Values::Struct(_) => {
            return Err(format!("The 'DELIMITED' format does not support type '{}'", base_type(&column.ty)));
        }
    }
    column.mark_present();
    Ok(())
}

struct DelimitedEncoder {
    delimiter: char,
    types: Vec<SqlType>,
    /// The field being written.
    field: String,
    /// Bytes of the last batch, a guess for the next one.
    capacity: usize,
}

impl Encode for DelimitedEncoder {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        let rows = row_count(columns, present);
        let mut payloads = Payloads::new(rows, String::with_capacity(self.capacity));
        for row in 0..rows {
            if present.is_some_and(|present| !present.value(row)) {
                payloads.end_null();
                continue;
            }
            for (i, (column, ty)) in columns.iter().zip(&self.types).enumerate() {
                if i > 0 {
                    payloads.data.push(self.delimiter);
                }
                if column.is_valid(row) {
                    self.field.clear();
                    write_field(column, ty, row, &mut self.field)?;
                    write_quoted(&self.field, self.delimiter, i == 0, &mut payloads.data);
                }
            }
            payloads.end_row();
        }
        self.capacity = payloads.data.len();
        payloads.finish()
    }
}

fn write_field(column: &ArrayRef, ty: &SqlType, row: usize, out: &mut String) -> Result<(), FormatError> {
    let mut buffer = itoa::Buffer::new();
    match ty {
        SqlType::Boolean => out.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        SqlType::Integer => out.push_str(buffer.format(column.as_primitive::<Int32Type>().value(row))),
        SqlType::Bigint => out.push_str(buffer.format(column.as_primitive::<Int64Type>().value(row))),
        SqlType::Double => java_double(column.as_primitive::<Float64Type>().value(row), out),
        SqlType::Decimal { scale, .. } => {
            plain_decimal(column.as_primitive::<Decimal128Type>().value(row), *scale, out);
        }
        SqlType::String => out.push_str(column.as_string::<i32>().value(row)),
        SqlType::Bytes => STANDARD.encode_string(column.as_binary::<i32>().value(row), out),
        SqlType::Time => out.push_str(buffer.format(column.as_primitive::<Time32MillisecondType>().value(row))),
        SqlType::Date => out.push_str(buffer.format(column.as_primitive::<Date32Type>().value(row))),
        SqlType::Timestamp => {
            out.push_str(buffer.format(column.as_primitive::<TimestampMillisecondType>().value(row)));
        }
        SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_) => {
            let message = format!("The 'DELIMITED' format does not support type '{}'", base_type(ty));
            return Err(FormatError::Encode(message));
        }
    }
    Ok(())
}

/// Appends a field in quotes where Commons CSV's "minimal" mode wants them. The first field of a line has its own rule:
/// anything that does not start with an ASCII letter or digit is quoted.
fn write_quoted(field: &str, delimiter: char, first: bool, out: &mut String) {
    let needs_quotes = match (field.chars().next(), field.chars().next_back()) {
        (Some(start), Some(end)) => {
            (first && !start.is_ascii_alphanumeric())
                || start <= '#'
                || end <= ' '
                || field.contains(['\n', '\r', '"', delimiter])
        }
        _ => first,
    };
    if !needs_quotes {
        return out.push_str(field);
    }
    out.push('"');
    for (i, part) in field.split('"').enumerate() {
        if i > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Value;

    fn columns() -> Vec<Column> {
        let types = [
            SqlType::Integer,
            SqlType::String,
            SqlType::Double,
            SqlType::Decimal { precision: 6, scale: 2 },
            SqlType::Timestamp,
        ];
        types.into_iter().enumerate().map(|(i, ty)| Column::new(format!("C{i}"), ty)).collect()
    }

    fn spec(delimiter: Option<char>) -> FormatSpec {
        FormatSpec { delimiter, ..FormatSpec::plain("DELIMITED", false) }
    }

    fn encode(columns: &[Column], rows: &[Vec<Value>], delimiter: Option<char>) -> Vec<String> {
        let arrays: Vec<ArrayRef> = columns
            .iter()
            .enumerate()
            .map(|(i, column)| Value::column(&column.ty, &rows.iter().map(|row| row[i].clone()).collect::<Vec<_>>()))
            .collect();
        let mut encoder = Delimited.encoder(&spec(delimiter), columns, &Half::bare(false)).unwrap();
        let payloads = encoder.encode(&arrays, None).unwrap();
        payloads.iter().map(|payload| String::from_utf8(payload.unwrap().to_vec()).unwrap()).collect()
    }

    fn decode(columns: &[Column], lines: &[&str], delimiter: Option<char>) -> (Vec<Vec<Value>>, Vec<(usize, String)>) {
        let used: Vec<usize> = (0..columns.len()).collect();
        let mut decoder = Delimited.decoder(&spec(delimiter), columns, &used, &Half::bare(false)).unwrap();
        let decoded = decoder.decode(&BinaryArray::from_iter_values(lines.iter().map(|line| line.as_bytes())));
        let row = |row| decoded.columns.iter().map(|column| Value::at(column, row)).collect();
        ((0..lines.len()).map(row).collect(), decoded.bad)
    }

    #[test]
    fn lines_are_quoted_as_commons_csv_does() {
        let text = |text: &str| Value::String(text.to_owned());
        let rows = [
            vec![
                Value::Integer(1),
                text("with,comma"),
                Value::Double(2.5),
                Value::Decimal(110, 2),
                Value::Timestamp(7),
            ],
            vec![Value::Null; 5],
            vec![
                Value::Integer(-1),
                text("quo\"te"),
                Value::Double(1e10),
                Value::Decimal(-100, 2),
                Value::Timestamp(0),
            ],
            vec![Value::Integer(2), text(""), Value::Null, Value::Null, Value::Timestamp(-5)],
        ];
        assert_eq!(
            encode(&columns(), &rows, None),
            ["1,\"with,comma\",2.5,1.10,7", ",,,,", "\"-1\",\"quo\"\"te\",1.0E10,-1.00,0", "2,,,,-5"]
        );
        let names = [Column::new("A", SqlType::String), Column::new("B", SqlType::String)];
        let pairs = [["é", "é"], ["", ""], ["a b", "a b "], ["#", "!"], ["b|b", "-"]];
        let rows: Vec<Vec<Value>> = pairs.iter().map(|pair| pair.iter().map(|field| text(field)).collect()).collect();
        assert_eq!(encode(&names, &rows, Some('|')), ["\"é\"|é", "\"\"|", "a b|\"a b \"", "\"#\"|\"!\"", "\"b|b\"|-"]);
    }

    #[test]
    fn lines_are_read_as_commons_csv_does() {
        let names = [Column::new("A", SqlType::String), Column::new("B", SqlType::Integer)];
        let lines = [
            "a,1",
            "\"a,\"\"b\"\"\n\" ,2\r\nrest",
            "x,",
            "\n\r\ny,3",
            "a\"b,4",
            "z",
            "1,2,3",
            "",
            "\"a",
            "\"a\"b,1",
            "a,x",
        ];
        let (rows, bad) = decode(&names, &lines, None);
        let expected = [("a", 1), ("a,\"b\"\n", 2), ("x", 0), ("y", 3), ("a\"b", 4)];
        for (row, (a, b)) in rows.iter().zip(expected) {
            let b = if b == 0 { Value::Null } else { Value::Integer(b) };
            assert_eq!(row, &[Value::String(a.to_owned()), b]);
        }
        assert_eq!(bad.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [5, 6, 7, 8, 9, 10]);
        assert_eq!(bad[0].1, "Column count mismatch on deserialization. expected: 2, got: 1");
        assert_eq!(rows[10], [Value::Null, Value::Null]);
        let (rows, _) = decode(&names, &["b b\t5"], Some('\t'));
        assert_eq!(rows[0], [Value::String("b b".to_owned()), Value::Integer(5)]);
    }

    #[test]
    fn delimiters_have_names() {
        assert_eq!(parse_delimiter("VALUE_DELIMITER", "tab").unwrap(), '\t');
        assert_eq!(parse_delimiter("VALUE_DELIMITER", "SPACE").unwrap(), ' ');
        assert_eq!(parse_delimiter("VALUE_DELIMITER", "|").unwrap(), '|');
        let error = |text| parse_delimiter("VALUE_DELIMITER", text).unwrap_err().to_string();
        assert!(error(" ").contains("Delimiter cannot be empty"));
        assert!(error("||").starts_with("Configuration VALUE_DELIMITER is invalid: Invalid delimiter value: '||'."));
    }
}
