//! Damaged records and damaged schemas: refused or read, once each, and no harm to others.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, UInt32Array};
use arrow::compute::take;

use super::{Random, rounds, to_columns};
use crate::formats::{Decoded, FormatSpec, Half, known_format};
use crate::schemas::testing::InMemory;
use crate::schemas::{HEADER_BYTES, Language, Schema, Schemas};
use crate::types::{Column, SqlType, Value};

/// Damaged records of one schema, in batches.
const BATCH: usize = 1000;
const BATCHES: usize = 10;
/// One record of so many is whole.
const WHOLE_EACH: usize = 5;
/// Bytes of a whole record.
const SMALL: usize = 150;

/// Something of what can happen to bytes, once or twice.
pub(super) fn damage(random: &mut Random, whole: &[u8], other: &[u8]) -> Vec<u8> {
    let mut damaged = whole.to_vec();
    for _ in 0..1 + random.below(2) {
        let at = random.below(damaged.len() as u64 + 1) as usize;
        let end = at + random.below((damaged.len() - at) as u64 + 1) as usize;
        match random.below(9) {
            0 => damaged.truncate(at),
            1 => damaged.insert(at, random.below(256) as u8),
            2 => drop(damaged.drain(at..end.min(at + 4))),
            3 => damaged[at..].iter_mut().take(1).for_each(|byte| *byte = random.below(256) as u8),
            4 => damaged[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            // Lengths and numbers: 2^31 and what has as many digits as there may be.
            5 => drop(damaged.splice(at..at, [0x80, 0x80, 0x80, 0x80, 0x08])),
            6 => drop(damaged.splice(at..end.min(at + 1), [0xFF; 9])),
            7 => damaged.extend_from_within(at..),
            _ => drop(damaged.splice(at.., other[at.min(other.len())..].iter().copied())),
        }
    }
    damaged
}

/// Types that a format holds, and values that are read as they were written.
#[derive(Clone, Copy)]
struct Held {
    format: &'static str,
    ty: fn(&mut Random, u64) -> SqlType,
    value: fn(&mut Random, &SqlType) -> Value,
}

const AVRO: Held = Held { format: "AVRO", ty: Random::any_type, value: Random::value };
const JSON_SR: Held = Held { format: "JSON_SR", ..AVRO };
const PROTOBUF: Held = Held {
    format: "PROTOBUF",
    ty: crate::formats::protobuf::tests::any_type,
    value: crate::formats::protobuf::tests::any_value,
};
const PROTOBUF_NOSR: Held = Held { format: "PROTOBUF_NOSR", ..PROTOBUF };

impl Held {
    /// Columns and whole records of them.
    fn records(&self, random: &mut Random, half: &Half) -> (FormatSpec, Vec<Column>, Vec<Vec<u8>>) {
        let spec = FormatSpec::plain(self.format, true);
        loop {
            let columns: Vec<Column> =
                (0..1 + random.below(4)).map(|i| Column::new(format!("C{i}"), (self.ty)(random, 2))).collect();
            let row = |random: &mut Random| columns.iter().map(|column| (self.value)(random, &column.ty)).collect();
            let rows: Vec<Vec<Value>> = (0..20).map(|_| row(random)).collect();
            let mut encoder = known_format(self.format).unwrap().encoder(&spec, &columns, half).unwrap();
            let written = encoder.encode(&to_columns(&columns, &rows), None).unwrap();
            let small = written.iter().flatten().filter(|record| record.len() <= SMALL).map(<[u8]>::to_vec);
            let small: Vec<Vec<u8>> = small.take(7).collect();
            if small.len() == 7 {
                return (spec, columns, small);
            }
        }
    }
}

/// A registry that has schemas of every language, so that damaged ids are known, too.
fn half() -> Half {
    let schemas = InMemory::default();
    for (language, text) in [
        (Language::Avro, "\"long\""),
        (Language::Json, r#"{"type": "object", "properties": {"c0": {"type": "string"}}}"#),
        (
            Language::Protobuf,
            "syntax = 'proto3'; message M { int32 c0 = 1; string C1 = 2; message N { bool C0 = 3; } }",
        ),
        (Language::Avro, r#"{"type": "record", "name": "r", "fields": [{"name": "c0", "type": ["null", "bytes"]}]}"#),
    ] {
        schemas.register("other", &Schema::alone(language, text)).unwrap();
    }
    Half { topic: Arc::from("t"), is_key: false, schemas: Arc::new(schemas) }
}

fn decode(spec: &FormatSpec, half: &Half, columns: &[Column], records: &[Vec<u8>]) -> Decoded {
    let used: Vec<usize> = (0..columns.len()).collect();
    let mut decoder = known_format(&spec.name).unwrap().decoder(spec, columns, &used, half).unwrap();
    let payloads = BinaryArray::from_iter_values(records);
    decoder.prepare(&payloads).unwrap();
    decoder.decode(&payloads)
}

fn picked(columns: &[ArrayRef], rows: impl Iterator<Item = usize>) -> Vec<ArrayRef> {
    let rows = UInt32Array::from_iter_values(rows.map(|row| row as u32));
    columns.iter().map(|column| take(column, &rows, None).unwrap()).collect()
}

/// How many damaged records were tried, and how many of them were bad.
fn try_records(held: Held, schemas: u64) -> (usize, usize) {
    let mut random = Random::new(77);
    let (mut tried, mut bad) = (0, 0);
    for _ in 0..rounds(schemas) {
        let half = half();
        let (spec, columns, whole) = held.records(&mut random, &half);
        let alone = decode(&spec, &half, &columns, &whole);
        assert_eq!(alone.bad, []);
        for _ in 0..BATCHES {
            let is_whole = |row: &usize| row.is_multiple_of(WHOLE_EACH);
            let rows = BATCH * WHOLE_EACH / (WHOLE_EACH - 1);
            let pick = |random: &mut Random| random.below(whole.len() as u64) as usize;
            let records: Vec<Vec<u8>> = (0..rows)
                .map(|row| match is_whole(&row) {
                    true => whole[row / WHOLE_EACH % whole.len()].clone(),
                    false => {
                        let (one, other) = (pick(&mut random), pick(&mut random));
                        damage(&mut random, &whole[one], &whole[other])
                    }
                })
                .collect();
            let decoded = decode(&spec, &half, &columns, &records);
            // Each once, in order, and no whole one.
            assert!(decoded.bad.windows(2).all(|pair| pair[0].0 < pair[1].0), "{columns:?}");
            assert!(decoded.bad.iter().all(|(row, _)| !is_whole(row)), "{columns:?}");
            assert!(decoded.bad.iter().all(|(row, _)| decoded.columns.iter().all(|column| column.is_null(*row))));
            let good = picked(&decoded.columns, (0..rows).filter(is_whole));
            assert_eq!(good, picked(&alone.columns, (0..good[0].len()).map(|i| i % whole.len())), "{columns:?}");
            // Whatever stands beside a record, it is read alike.
            let damaged: Vec<usize> = (0..rows).filter(|row| !is_whole(row)).collect();
            let records: Vec<Vec<u8>> = damaged.iter().map(|row| records[*row].clone()).collect();
            let without = decode(&spec, &half, &columns, &records);
            assert_eq!(without.columns, picked(&decoded.columns, damaged.iter().copied()), "{columns:?}");
            let same_bad: Vec<_> = without.bad.into_iter().map(|(row, why)| (damaged[row], why)).collect();
            assert_eq!(same_bad, decoded.bad, "{columns:?}");
            // No length and no number of items is believed.
            let bytes: usize = decoded.columns.iter().map(|column| column.get_array_memory_size()).sum();
            assert!(bytes < 64 << 20, "{bytes} bytes of {columns:?}");
            tried += damaged.len();
            bad += decoded.bad.len();
        }
    }
    (tried, bad)
}

#[test]
fn damaged_avro_does_no_harm() {
    let (tried, bad) = try_records(AVRO, 100);
    assert!(tried >= 1_000_000 && bad > tried / 3, "{bad} of {tried}");
}

#[test]
fn damaged_json_sr_does_no_harm() {
    let (tried, bad) = try_records(JSON_SR, 100);
    assert!(tried >= 1_000_000 && bad > tried / 3, "{bad} of {tried}");
}

#[test]
fn damaged_protobuf_does_no_harm() {
    let (tried, bad) = try_records(PROTOBUF, 100);
    assert!(tried >= 1_000_000 && bad > tried / 3, "{bad} of {tried}");
}

#[test]
fn damaged_protobuf_without_a_registry_does_no_harm() {
    let (tried, bad) = try_records(PROTOBUF_NOSR, 10);
    assert!(tried >= 100_000 && bad > tried / 5, "{bad} of {tried}");
}

/// Damaged texts of schemas: columns or an error, and records that name them are read or bad.
#[test]
fn damaged_schemas_do_no_harm() {
    for held in [AVRO, JSON_SR, PROTOBUF] {
        let mut random = Random::new(78);
        let format = known_format(held.format).unwrap();
        let (mut tried, mut refused) = (0, 0);
        for _ in 0..rounds(100) {
            let half = half();
            let (spec, columns, whole) = held.records(&mut random, &half);
            let schema = |columns: &[Column]| format.schema(columns, &spec, &half).unwrap().unwrap();
            let text = schema(&columns);
            let other = schema(&held.records(&mut random, &half).1).text;
            let mut records = Vec::new();
            for _ in 0..50 {
                let bytes = damage(&mut random, text.text.as_bytes(), other.as_bytes());
                let damaged = Schema { text: String::from_utf8_lossy(&bytes).into(), ..text.clone() };
                refused += usize::from(format.columns(&damaged, &spec, false).is_err());
                let id = half.schemas.register("damaged", &damaged).unwrap();
                for record in &whole {
                    let mut record = record.clone();
                    record[1..HEADER_BYTES].copy_from_slice(&id.to_be_bytes());
                    records.push(record);
                }
                tried += 1;
            }
            let decoded = decode(&spec, &half, &columns, &records);
            assert!(decoded.bad.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        assert!(tried >= 5000 && refused > tried / 3 && refused < tried, "{}: {refused} of {tried}", held.format);
    }
}
