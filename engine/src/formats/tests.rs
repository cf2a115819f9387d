//! What holds for every format: what it writes it can read, whatever the batch.

mod damage;

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};

use super::{FormatSpec, Half, format, known_format};
use crate::schemas::testing::InMemory;
use crate::types::{Column, SqlType, Value};

/// A small seeded generator (xorshift), so that a failure can be repeated.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    pub(super) fn text(&mut self) -> String {
        let alphabet: Vec<char> =
            "ab Z09\"\\/,;|'{}[]:#\n\r\t\u{1}\u{1f}\u{7f}éß€😀\u{10FFFF}\u{FFFD}".chars().collect();
        (0..self.below(20)).map(|_| alphabet[self.below(alphabet.len() as u64) as usize]).collect()
    }

    pub(super) fn simple_type(&mut self) -> SqlType {
        match self.below(10) {
            0 => SqlType::Boolean,
            1 => SqlType::Integer,
            2 => SqlType::Bigint,
            3 => SqlType::Double,
            4 => {
                let precision = 1 + self.below(38) as u8;
                SqlType::Decimal { precision, scale: self.below(u64::from(precision) + 1) as i8 }
            }
            5 => SqlType::String,
            6 => SqlType::Bytes,
            7 => SqlType::Time,
            8 => SqlType::Date,
            _ => SqlType::Timestamp,
        }
    }

    pub(super) fn any_type(&mut self, depth: u64) -> SqlType {
        match self.below(if depth == 0 { 3 } else { 6 }) {
            0..3 => self.simple_type(),
            3 => self.any_type(depth - 1).array_of(),
            4 => SqlType::Map(Box::new(SqlType::String), Box::new(self.any_type(depth - 1))),
            _ => SqlType::Struct((0..self.below(4)).map(|i| (format!("F{i}"), self.any_type(depth - 1))).collect()),
        }
    }

    fn integer(&mut self) -> i64 {
        match self.below(4) {
            0 => self.below(10) as i64 - 5,
            1 => i64::MIN,
            2 => i64::MAX,
            _ => (self.next() as i64) >> self.below(64),
        }
    }

    fn double(&mut self) -> f64 {
        match self.below(4) {
            0 => self.integer() as f64,
            1 => self.integer() as f64 / 1000.0,
            2 => f64::INFINITY,
            _ => Some(f64::from_bits(self.next())).filter(|value| !value.is_nan()).unwrap_or(0.0),
        }
    }

    pub(super) fn value(&mut self, ty: &SqlType) -> Value {
        if self.below(6) == 0 {
            return Value::Null;
        }
        match ty {
            SqlType::Boolean => Value::Boolean(self.below(2) == 0),
            SqlType::Integer => Value::Integer(self.integer() as i32),
            SqlType::Bigint => Value::Bigint(self.integer()),
            // JSON knows no negative zero.
            SqlType::Double => Value::Double(self.double() + 0.0),
            SqlType::Decimal { precision, scale } => {
                let wide = i128::from(self.integer()) * i128::from(self.next() | 1);
                Value::Decimal(wide % 10_i128.pow(u32::from(*precision)), *scale)
            }
            SqlType::String => Value::String(self.text()),
            SqlType::Bytes => Value::Bytes(self.text().into_bytes()),
            SqlType::Time => Value::Time(self.below(86_400_000) as i32),
            SqlType::Date => Value::Date(self.integer() as i32),
            SqlType::Timestamp => Value::Timestamp(self.integer()),
            SqlType::Array(item) => Value::Array((0..self.below(4)).map(|_| self.value(item)).collect()),
            SqlType::Map(_, value) => Value::Map(
                (0..self.below(20))
                    .map(|i| (Value::String(format!("{i}-{}", self.text())), self.value(value)))
                    .collect(),
            ),
            SqlType::Struct(fields) => Value::Struct(fields.iter().map(|(_, ty)| self.value(ty)).collect()),
        }
    }
}

/// How many rounds a seeded test goes: `MILLSTREAM_FUZZ_FACTOR` times what it goes by itself.
pub(super) fn rounds(by_itself: u64) -> u64 {
    let factor = std::env::var("MILLSTREAM_FUZZ_FACTOR").ok().and_then(|factor| factor.parse::<u64>().ok());
    by_itself * factor.unwrap_or(1)
}

fn spec(name: &str, wrap_single: bool) -> FormatSpec {
    FormatSpec::plain(name, wrap_single)
}

pub(super) fn to_columns(columns: &[Column], rows: &[Vec<Value>]) -> Vec<ArrayRef> {
    let values = |i: usize| rows.iter().map(|row| row[i].clone()).collect::<Vec<_>>();
    columns.iter().enumerate().map(|(i, column)| Value::column(&column.ty, &values(i))).collect()
}

/// Writes and reads rows, in batches of `size`.
fn round_trip(spec: &FormatSpec, columns: &[Column], rows: &[Vec<Value>], size: usize) -> Vec<Vec<Value>> {
    round_trip_of(&Half::bare(false), spec, columns, rows, size)
}

fn round_trip_of(
    half: &Half,
    spec: &FormatSpec,
    columns: &[Column],
    rows: &[Vec<Value>],
    size: usize,
) -> Vec<Vec<Value>> {
    let format = format(&spec.name).unwrap();
    let used: Vec<usize> = (0..columns.len()).collect();
    let mut encoder = format.encoder(spec, columns, half).unwrap();
    let mut decoder = format.decoder(spec, columns, &used, half).unwrap();
    let mut out = Vec::new();
    for rows in rows.chunks(size) {
        let payloads = encoder.encode(&to_columns(columns, rows), None).unwrap();
        decoder.prepare(&payloads).unwrap();
        let decoded = decoder.decode(&payloads);
        assert_eq!(decoded.bad, [], "{payloads:?}");
        for row in 0..rows.len() {
            out.push(decoded.columns.iter().map(|column| Value::at(column, row)).collect());
        }
    }
    out
}

#[test]
fn json_reads_what_it_writes() {
    for seed in 1..100 {
        let mut random = Random::new(seed);
        let columns: Vec<Column> =
            (0..1 + random.below(5)).map(|i| Column::new(format!("C{i}"), random.any_type(3))).collect();
        let row = |random: &mut Random| columns.iter().map(|column| random.value(&column.ty)).collect();
        let rows: Vec<Vec<Value>> = (0..20).map(|_| row(&mut random)).collect();
        for (wrap, size) in [(true, 20), (true, 7), (false, 20), (false, 1)] {
            assert_eq!(round_trip(&spec("JSON", wrap), &columns, &rows, size), rows, "seed {seed}");
        }
    }
}

/// 10,000 rows per format, as values and as keys, in records and, single columns, alone. (PROTOBUF, which does not tell every
/// NULL, has a test of its own.)
#[test]
fn registered_formats_read_what_they_write() {
    for name in ["AVRO", "JSON_SR"] {
        for seed in 0..rounds(500) {
            let mut random = Random::new(seed + 1);
            let columns: Vec<Column> =
                (0..1 + random.below(4)).map(|i| Column::new(format!("C{i}"), random.any_type(3))).collect();
            let row = |random: &mut Random| columns.iter().map(|column| random.value(&column.ty)).collect();
            let rows: Vec<Vec<Value>> = (0..20).map(|_| row(&mut random)).collect();
            for (wrap, is_key, size) in [(true, false, 20), (true, true, 7), (false, false, 20), (false, true, 1)] {
                let half = Half { topic: Arc::from("t"), is_key, schemas: Arc::new(InMemory::default()) };
                let read = round_trip_of(&half, &spec(name, wrap), &columns, &rows, size);
                assert_eq!(read, rows, "{name}, seed {seed}: {columns:?}");
            }
        }
    }
}

#[test]
fn delimited_reads_what_it_writes() {
    for seed in 1..100 {
        let mut random = Random::new(seed);
        let columns: Vec<Column> =
            (0..2 + random.below(5)).map(|i| Column::new(format!("C{i}"), random.simple_type())).collect();
        let row = |random: &mut Random| {
            let value = |random: &mut Random, ty: &SqlType| match random.value(ty) {
                // An empty field is NULL.
                Value::String(text) if text.is_empty() => Value::Null,
                Value::Bytes(bytes) if bytes.is_empty() => Value::Null,
                value => value,
            };
            columns.iter().map(|column| value(random, &column.ty)).collect()
        };
        let rows: Vec<Vec<Value>> = (0..20).map(|_| row(&mut random)).collect();
        for delimiter in [',', '|', '\t', ' ', 'é'] {
            let spec = FormatSpec { delimiter: Some(delimiter), ..spec("DELIMITED", false) };
            assert_eq!(round_trip(&spec, &columns, &rows, 9), rows, "seed {seed}, {delimiter:?}");
        }
    }
}

#[test]
fn kafka_reads_what_it_writes() {
    for ty in [SqlType::Integer, SqlType::Bigint, SqlType::Double, SqlType::String, SqlType::Bytes] {
        let mut random = Random::new(7);
        let columns = [Column::new("V", ty)];
        let rows: Vec<Vec<Value>> = (0..100).map(|_| vec![random.value(&columns[0].ty)]).collect();
        assert_eq!(round_trip(&spec("KAFKA", false), &columns, &rows, 33), rows);
    }
}

/// Damaged records are refused or read, never a panic, and never change their neighbours.
#[test]
fn json_survives_damage() {
    let mut random = Random::new(42);
    let mut refused = 0;
    for _ in 0..300 {
        let columns: Vec<Column> =
            (0..1 + random.below(4)).map(|i| Column::new(format!("C{i}"), random.any_type(2))).collect();
        let row: Vec<Value> = columns.iter().map(|column| random.value(&column.ty)).collect();
        let mut encoder = format("JSON").unwrap().encoder(&spec("JSON", true), &columns, &Half::bare(false)).unwrap();
        let whole = encoder.encode(&to_columns(&columns, std::slice::from_ref(&row)), None).unwrap();
        let whole = whole.value(0);
        let mut records = vec![whole.to_vec()];
        for _ in 0..20 {
            let mut damaged = whole.to_vec();
            let at = random.below(damaged.len() as u64) as usize;
            match random.below(3) {
                0 => damaged.truncate(at),
                1 => damaged[at] = random.below(256) as u8,
                _ => drop(damaged.remove(at)),
            }
            records.push(damaged);
            records.push(whole.to_vec());
        }
        let used: Vec<usize> = (0..columns.len()).collect();
        let mut decoder =
            format("JSON").unwrap().decoder(&spec("JSON", true), &columns, &used, &Half::bare(false)).unwrap();
        let decoded = decoder.decode(&BinaryArray::from_iter_values(&records));
        for i in (0..records.len()).step_by(2) {
            let read: Vec<Value> = decoded.columns.iter().map(|column| Value::at(column, i)).collect();
            assert_eq!(read, row);
        }
        for (i, record) in records.iter().enumerate() {
            let is_bad = decoded.bad.iter().any(|(bad, _)| *bad == i);
            refused += usize::from(is_bad);
            let mut stream = serde_json::Deserializer::from_slice(record).into_iter::<serde::de::IgnoredAny>();
            // (serde_json does not look into strings it ignores for UTF-8.)
            let is_json = stream.next().is_some_and(|value| value.is_ok()) && std::str::from_utf8(record).is_ok();
            assert!(is_bad || is_json, "{:?}", String::from_utf8_lossy(record));
        }
    }
    assert!(refused > 1000);
}

#[test]
fn names_are_known_in_any_case() {
    assert_eq!(format("json").map(|format| format.name()), Some("JSON"));
    assert!(format("FOO").is_none());
    let error = |name| known_format(name).err().map(|error| error.to_string());
    assert_eq!(error("Foo").as_deref(), Some("Unknown format: FOO"));
    assert_eq!(error("avro"), None);
}
