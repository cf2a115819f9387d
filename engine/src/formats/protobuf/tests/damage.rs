//! Damaged messages are bad or read, once each, and do no harm to others.

use arrow::array::BinaryArray;
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;

use super::oracle::{descriptor, message, schema};
use super::{Memory, decode, half, rows, spec};
use crate::formats::FormatSpec;
use crate::formats::protobuf::infer;
use crate::formats::tests::Random;
use crate::schemas::{Language, Schema, Schemas};

fn damaged(random: &mut Random, whole: &[u8]) -> Vec<u8> {
    let mut damaged = whole.to_vec();
    let at = random.below(whole.len() as u64) as usize;
    match random.below(6) {
        0 => damaged.truncate(at),
        1 => damaged[at] = random.below(256) as u8,
        2 => drop(damaged.remove(at)),
        3 => damaged[at] ^= 1 << random.below(8),
        // A length or number of 2^31, or of more bytes than there may be.
        4 => drop(damaged.splice(at..at, [0xFF, 0xFF, 0xFF, 0xFF, 0x07])),
        _ => damaged.extend_from_within(at..),
    }
    damaged
}

#[test]
fn damaged_messages_do_no_harm() {
    let mut random = Random::new(21);
    let (mut tried, mut bad, mut stricter, mut laxer) = (0, 0, 0, 0);
    while tried < 10_000 {
        let text = schema(&mut random);
        let of = descriptor(&text, "g.T");
        let schemas = Memory::with(&[text.as_str()]);
        let spec = FormatSpec { full_name: Some("g.T".to_owned()), ..spec("PROTOBUF") };
        let columns = infer::columns(&schemas.by_id(1).unwrap(), &spec).unwrap();
        let mut records = Vec::new();
        for _ in 0..40 {
            let whole = [&b"\0\0\0\0\x01\x02\x04"[..], &message(&mut random, &of).encode_to_vec()].concat();
            records.push(damaged(&mut random, &whole));
            records.push(whole);
        }
        tried += records.len() / 2;
        let decoded = decode(&spec, &half(&schemas), &columns, &BinaryArray::from_iter_values(&records));
        let whole: Vec<&Vec<u8>> = records.iter().skip(1).step_by(2).collect();
        let alone = decode(&spec, &half(&schemas), &columns, &BinaryArray::from_iter_values(whole));
        assert_eq!(alone.bad, []);
        let read = rows(&decoded, records.len());
        let good: Vec<_> = read.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(good, rows(&alone, records.len() / 2), "{text}");
        let mut last = None;
        for (row, _) in &decoded.bad {
            assert!(row % 2 == 0 && last < Some(row), "each once, in order");
            last = Some(row);
        }
        bad += decoded.bad.len();
        // Others agree, except where a field has a wrong wire type: they refuse it, and we do not know it, as in Java; of a
        // map they take it whatever follows.
        for (row, record) in records.iter().enumerate() {
            let is_bad = decoded.bad.iter().any(|(bad, _)| *bad == row);
            let others = record.strip_prefix(b"\0\0\0\0\x01\x02\x04").map(|it| DynamicMessage::decode(of.clone(), it));
            match others {
                Some(Ok(_)) => {
                    stricter += usize::from(
                        is_bad && !decoded.bad.iter().any(|(bad, why)| *bad == row && why.starts_with("There is no")),
                    )
                }
                _ => laxer += usize::from(!is_bad),
            }
        }
    }
    assert!(bad > 3000 && stricter < 10 && laxer < 200, "{bad} {stricter} {laxer}");
}

#[test]
fn damaged_schemas_do_no_harm() {
    let mut random = Random::new(31);
    let mut bad = 0;
    for _ in 0..300 {
        let text = schema(&mut random).into_bytes();
        for _ in 0..10 {
            let text = String::from_utf8_lossy(&damaged(&mut random, &text)).into_owned();
            bad += usize::from(infer::columns(&Schema::alone(Language::Protobuf, text), &spec("PROTOBUF")).is_err());
        }
    }
    assert!(bad > 500, "{bad}");
}

/// Two bytes of a message may be a STRUCT of many fields.
#[test]
fn a_record_does_not_become_much_more_than_it_is() {
    let fields: String = (1..=2000).map(|i| format!("int64 f{i} = {i};")).collect();
    let text = format!("syntax = 'proto3'; message A {{ repeated B b = 1; }} message B {{ {fields} }}");
    let schemas = Memory::with(&[text.as_str()]);
    let columns = infer::columns(&schemas.by_id(1).unwrap(), &spec("PROTOBUF")).unwrap();
    let record = [&b"\0\0\0\0\x01\0"[..], &b"\x0a\0".repeat(1 << 16)].concat();
    let decoded = decode(&spec("PROTOBUF"), &half(&schemas), &columns, &BinaryArray::from_iter_values([record]));
    assert!(decoded.bad[0].1.starts_with("The record becomes more than"), "{:?}", decoded.bad);
}

/// Two bytes of a message may be a default of megabytes.
#[test]
fn a_default_of_a_field_counts_as_what_it_is() {
    let default = "x".repeat(500 << 10);
    let text = format!(
        "syntax = 'proto2'; message A {{ repeated B b = 1; }} message B {{ optional string s = 1 [default = '{default}']; }}"
    );
    let schemas = Memory::with(&[text.as_str()]);
    let columns = infer::columns(&schemas.by_id(1).unwrap(), &spec("PROTOBUF")).unwrap();
    let of = |items: usize| [&b"\0\0\0\0\x01\0"[..], &b"\x0a\0".repeat(items)].concat();
    let records = BinaryArray::from_iter_values([of(600), of(2)]);
    let decoded = decode(&spec("PROTOBUF"), &half(&schemas), &columns, &records);
    assert!(decoded.bad.len() == 1 && decoded.bad[0].1.starts_with("The record becomes more than"));
}

/// A number may be written with more bytes than it needs: each is another beginning of one message.
#[test]
fn one_message_said_in_many_ways_is_read_alike() {
    let schemas = Memory::with(&["syntax = 'proto3'; message A { int64 a = 1; }"]);
    let columns = infer::columns(&schemas.by_id(1).unwrap(), &spec("PROTOBUF")).unwrap();
    let ways = [&b"\0"[..], b"\x80\0", b"\x02\0", b"\x82\0\0", b"\x82\x80\0\0", b"\x02\x80\0", b"\x02\x80\x80\0"];
    let records = ways.map(|way| [&b"\0\0\0\0\x01"[..], way, &[8, 7]].concat());
    let decoded = decode(&spec("PROTOBUF"), &half(&schemas), &columns, &BinaryArray::from_iter_values(records));
    assert_eq!(decoded.bad, []);
    assert_eq!(rows(&decoded, ways.len()), vec![[crate::types::Value::Bigint(7)]; ways.len()]);
}
