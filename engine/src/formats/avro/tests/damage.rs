//! Damaged records are refused or read, never a panic, and never change their neighbours.

use super::oracle::{Names, Shape, write, write_in_blocks};
use super::*;

/// Damages per whole record.
const DAMAGES: usize = 40;

/// Damaged records, a whole one before, between and after them.
fn damaged(whole: &[u8], random: &mut Random) -> Vec<Vec<u8>> {
    let mut records = vec![whole.to_vec()];
    for _ in 0..DAMAGES {
        let mut record = whole.to_vec();
        for _ in 0..1 + random.below(2) {
            let at = random.below(record.len().max(1) as u64) as usize;
            match random.below(5) {
                0 => record.truncate(at),
                1 => record.insert(at, random.below(256) as u8),
                2 if at < record.len() => drop(record.remove(at)),
                // The longest numbers.
                3 => record.splice(at..at, [0xFF; 9]).for_each(drop),
                _ => record[at..].iter_mut().take(1).for_each(|byte| *byte = random.below(256) as u8),
            }
        }
        records.push(record);
        records.push(whole.to_vec());
    }
    records
}

/// Reads the columns at the positions `used`, checks the whole records, and answers which are bad.
fn read(
    registry: &Arc<Registry>,
    columns: &[Column],
    used: &[usize],
    records: &[Vec<u8>],
    row: &[Value],
) -> Vec<usize> {
    let mut decoder = Avro.decoder(&wrapped(), columns, used, &half(registry, false)).unwrap();
    let payloads = BinaryArray::from_iter_values(records);
    decoder.prepare(&payloads).unwrap();
    let decoded = decoder.decode(&payloads);
    let expected: Vec<Value> = used.iter().map(|i| row[*i].clone()).collect();
    for i in (0..records.len()).step_by(2) {
        let read: Vec<Value> = decoded.columns.iter().map(|column| Value::at(column, i)).collect();
        assert_eq!(read, expected);
    }
    let bad: Vec<usize> = decoded.bad.iter().map(|(bad, _)| *bad).collect();
    assert!(bad.windows(2).all(|pair| pair[0] < pair[1]) && bad.iter().all(|bad| bad % 2 == 1));
    for column in &decoded.columns {
        assert!(bad.iter().all(|bad| column.is_null(*bad)));
    }
    bad
}

/// What is wrong with the form of a record is seen whatever is read of it.
fn check(registry: &Arc<Registry>, columns: &[Column], whole: &[u8], row: &[Value], random: &mut Random) -> usize {
    let records = damaged(whole, random);
    let all: Vec<usize> = (0..columns.len()).collect();
    let some: Vec<usize> = all.iter().copied().filter(|_| random.below(2) == 0).collect();
    let bad = read(registry, columns, &all, &records, row);
    for used in [Vec::new(), some] {
        let malformed = read(registry, columns, &used, &records, row);
        assert!(malformed.iter().all(|record| bad.contains(record)));
    }
    bad.len()
}

#[test]
fn records_of_columns_survive_damage() {
    let mut random = Random::new(42);
    let (rounds, mut refused) = (rounds(150), 0);
    for _ in 0..rounds {
        let columns: Vec<Column> =
            (0..1 + random.below(4)).map(|i| column(&format!("C{i}"), random.any_type(2))).collect();
        let row: Vec<Value> = columns.iter().map(|column| random.value(&column.ty)).collect();
        let registry: Arc<Registry> = Arc::default();
        let mut encoder = Avro.encoder(&wrapped(), &columns, &half(&registry, false)).unwrap();
        let whole = encoder.encode(&to_columns(&columns, std::slice::from_ref(&row)), None).unwrap();
        refused += check(&registry, &columns, whole.value(0), &row, &mut random);
    }
    assert!(refused as u64 > rounds * 10);
}

#[test]
fn records_of_any_writer_survive_damage() {
    let mut random = Random::new(43);
    let (rounds, mut refused) = (rounds(150), 0);
    for _ in 0..rounds {
        let root = Shape::Record((0..1 + random.below(4)).map(|_| Shape::any(&mut random, 3)).collect());
        let text = root.schema(&mut Names(0));
        let theirs = apache_avro::Schema::parse_str(&text.to_string()).unwrap();
        let registry: Arc<Registry> = Arc::default();
        let id = registry.add(&text);
        let columns = columns(&registry.by_id(id).unwrap(), &wrapped(), false).unwrap();
        let (value, row) = root.value(&mut random);
        let Value::Struct(row) = row else { continue };
        let mut whole = Vec::new();
        crate::schemas::put_header(id, &mut whole);
        if random.below(2) == 0 {
            write_in_blocks(&root, &value, &mut whole);
        } else {
            whole.extend(write(&theirs, &value));
        }
        refused += check(&registry, &columns, &whole, &row, &mut random);
    }
    assert!(refused as u64 > rounds * 10);
}
