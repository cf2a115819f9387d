//! Long keys in the database: found, scanned in order, and changed with little work.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use crate::kv::long_keys::{LONG, bundle};
use crate::kv::opened::Opened;
use crate::kv::{Write, Writes};

fn scanned(opened: &Opened, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    opened
        .scan("s", from, to, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            true
        })
        .unwrap();
    found
}

/// Keys around the length from which they are long, with beginnings that agree and that do not.
fn keys() -> Vec<Vec<u8>> {
    let mut keys = vec![b"a".to_vec(), b"z".to_vec()];
    for byte in *b"bc" {
        for len in [LONG - 1, LONG, LONG + 1, LONG + 9, 70_000, 200_000] {
            keys.push(vec![byte; len]);
            keys.push([vec![byte; len], vec![0, 1]].concat());
        }
    }
    keys.sort();
    keys
}

#[test]
fn long_keys_are_found_and_scanned_in_order() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("db");
    let opened = Opened::open(&path).unwrap();
    let keys = keys();
    let write = |at: &[usize], value: Option<&str>| {
        let each = |i: &usize| Write {
            space: "s".into(),
            key: keys[*i].clone(),
            value: value.map(|value| format!("{value}{i}").into_bytes()),
        };
        opened.write(&at.iter().map(each).collect()).unwrap();
    };
    let all: Vec<usize> = (0..keys.len()).collect();
    write(&all, Some("old"));
    write(&all, Some("v"));
    let gone: Vec<usize> = all.iter().copied().filter(|i| i % 3 == 1).collect();
    write(&gone, None);
    let check = |opened: &Opened| {
        let mut kept: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            let value = (i % 3 != 1).then(|| format!("v{i}").into_bytes());
            assert_eq!(opened.get("s", key).unwrap(), value, "key {i}");
            kept.extend(value.map(|value| (key.clone(), value)));
        }
        assert!(scanned(opened, Bound::Unbounded, Bound::Unbounded) == kept);
        for from in (0..keys.len()).step_by(3) {
            for to in (from + 1..keys.len()).step_by(5) {
                let (from, to) = (keys[from].as_slice(), keys[to].as_slice());
                let within = |(key, _): &&(Vec<u8>, Vec<u8>)| key.as_slice() >= from && key.as_slice() < to;
                let wanted: Vec<_> = kept.iter().filter(within).cloned().collect();
                assert!(scanned(opened, Bound::Included(from), Bound::Excluded(to)) == wanted);
                let within = |(key, _): &&(Vec<u8>, Vec<u8>)| key.as_slice() > from && key.as_slice() <= to;
                let wanted: Vec<_> = kept.iter().filter(within).cloned().collect();
                assert!(scanned(opened, Bound::Excluded(from), Bound::Included(to)) == wanted);
            }
        }
    };
    check(&opened);
    drop(opened);
    let opened = Opened::open(&path).unwrap();
    check(&opened);
    opened.drop_spaces("s").unwrap();
    assert!(scanned(&opened, Bound::Unbounded, Bound::Unbounded).is_empty());
}

fn put(key: &[u8], value: Option<&[u8]>) -> Write {
    Write { space: "s".into(), key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
}

/// Not random enough for anything else.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

/// A key that shares its beginning with many others, at several depths.
fn key(random: &mut u64) -> Vec<u8> {
    let len = [0, LONG - 2, LONG, 2 * LONG - 9, 2 * LONG - 8, 3 * LONG][next(random) % 6];
    let mut key = vec![b'k'; len + next(random) % 3];
    if let Some(byte) = key.get_mut(LONG + 5) {
        *byte = b'k' + (next(random) % 2) as u8;
    }
    key.extend_from_slice(&[b'k' + (next(random) % 3) as u8, b'0' + (next(random) % 4) as u8]);
    key
}

#[test]
fn long_keys_behave_as_short_ones_do() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("db");
    let mut opened = Opened::open(&path).unwrap();
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut random = 7;
    for round in 0..60 {
        let mut writes = Writes::default();
        for _ in 0..next(&mut random) % 8 {
            let key = key(&mut random);
            let value = format!("{round} {}", next(&mut random));
            // More is removed than written, half of the time.
            if next(&mut random) % 4 < 1 + 2 * (round / 15 % 2) {
                writes.push(put(&key, None));
                model.remove(&key);
            } else {
                writes.push(put(&key, Some(value.as_bytes())));
                model.insert(key, value.into_bytes());
            }
        }
        opened.write(&writes).unwrap();
        let all: Vec<_> = model.clone().into_iter().collect();
        assert!(scanned(&opened, Bound::Unbounded, Bound::Unbounded) == all, "round {round}");
        for _ in 0..4 {
            let (from, to) = (key(&mut random), key(&mut random));
            assert_eq!(opened.get("s", &from).unwrap(), model.get(&from).cloned());
            let bounds = match next(&mut random) % 3 {
                0 => (Bound::Included(from.as_slice()), Bound::Included(to.as_slice())),
                1 => (Bound::Excluded(from.as_slice()), Bound::Unbounded),
                _ => (Bound::Excluded(from.as_slice()), Bound::Excluded(to.as_slice())),
            };
            let within = |(key, _): &&(Vec<u8>, Vec<u8>)| RangeBounds::<[u8]>::contains(&bounds, key.as_slice());
            let wanted: Vec<_> = all.iter().filter(within).cloned().collect();
            assert!(scanned(&opened, bounds.0, bounds.1) == wanted, "round {round}");
        }
        if round % 20 == 19 {
            drop(opened);
            opened = Opened::open(&path).unwrap();
        }
    }
    assert!(model.len() > 3);
    opened.write(&model.keys().map(|key| put(key, None)).collect()).unwrap();
    assert_eq!(entries(&opened), 2, "the name of the space and the number of the next branch");
}

/// Entries of the whole database.
fn entries(opened: &Opened) -> usize {
    opened.stored().keys((Bound::Unbounded, Bound::Unbounded)).collect::<Result<Vec<_>, _>>().unwrap().len()
}

#[test]
fn a_change_of_a_long_key_writes_little_however_many_there_are() {
    let temp = tempfile::tempdir().unwrap();
    let opened = Opened::open(&temp.path().join("db")).unwrap();
    let beginning = vec![b'k'; LONG + 1000];
    let key = |i: usize| [&beginning[..], format!("{i:05}").as_bytes()].concat();
    let mut most = (0, 0);
    for i in 0..2000 {
        let writes = Writes::from(put(&key(i), Some(b"value")));
        let written = opened.written_for(&writes);
        most = if i == 0 { (written, 0) } else { (most.0, most.1.max(written)) };
        opened.write(&writes).unwrap();
    }
    assert!(most.0 < LONG + 3000, "the first one takes {} bytes", most.0);
    assert!(most.1 < 2000, "another one takes {} bytes", most.1);
    let all = scanned(&opened, Bound::Unbounded, Bound::Unbounded);
    assert!(all.len() == 2000 && all.is_sorted());
    let rest = scanned(&opened, Bound::Excluded(&key(1990)), Bound::Unbounded);
    assert_eq!(rest.len(), 9);
    // In the order in which they came: what is left is near.
    for i in 0..2000 {
        let writes = Writes::from(put(&key(i), None));
        let written = opened.written_for(&writes);
        assert!(written < if i < 1999 { 2000 } else { LONG + 3000 }, "removing {i} takes {written} bytes");
        opened.write(&writes).unwrap();
    }
    assert_eq!(entries(&opened), 2);
}

#[test]
fn a_key_leaves_those_that_share_two_branches_with_it() {
    let temp = tempfile::tempdir().unwrap();
    let opened = Opened::open(&temp.path().join("db")).unwrap();
    let key = |end: &[u8]| [&vec![b'k'; 2 * LONG], end].concat();
    let left = |ends: &[&[u8]]| {
        let found = scanned(&opened, Bound::Unbounded, Bound::Unbounded);
        assert!(found.iter().map(|(key, _)| key).eq(ends.iter().map(|end| key(end)).collect::<Vec<_>>().iter()));
        ends.iter().for_each(|end| assert!(opened.get("s", &key(end)).unwrap().is_some()));
    };
    let write = |writes: Vec<Write>| opened.write(&writes.into_iter().collect()).unwrap();
    write(vec![put(&key(b"x"), Some(b"1")), put(&key(b"y"), Some(b"1"))]);
    write(vec![put(&key(b"x"), None)]);
    left(&[b"y"]);
    write(vec![put(&key(b"y"), None), put(&key(b"z"), Some(b"1"))]);
    left(&[b"z"]);
    write(vec![put(&key(b"w"), Some(b"1")), put(&key(b"z"), None)]);
    left(&[b"w"]);
    write(vec![put(&key(b"w"), None)]);
    left(&[]);
    assert_eq!(entries(&opened), 2);
}

#[test]
fn bundles_of_older_versions_are_read_and_become_branches() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("db");
    let beginning = vec![b'k'; LONG];
    let long = vec![b'x'; LONG];
    let rests: [&[u8]; 3] = [b"", b"a", &long];
    let key = |rest: &[u8]| [&beginning[..], rest].concat();
    let opened = Opened::open(&path).unwrap();
    opened.write(&Writes::from(put(b"short", Some(b"0")))).unwrap();
    opened.write_entry("s", &beginning, &bundle(&rests.map(|rest| (rest, &b"1"[..]))));
    let check = |opened: &Opened, value: &[u8]| {
        for rest in rests {
            assert_eq!(opened.get("s", &key(rest)).unwrap().as_deref(), Some(b"1".as_slice()));
        }
        assert_eq!(opened.get("s", &key(b"b")).unwrap().unwrap_or_default(), value);
        let mut all: Vec<Vec<u8>> = rests.iter().map(|rest| key(rest)).collect();
        all.extend((!value.is_empty()).then(|| key(b"b")));
        all.push(b"short".to_vec());
        all.sort();
        let found = scanned(opened, Bound::Unbounded, Bound::Unbounded);
        assert!(found.into_iter().map(|(key, _)| key).eq(all));
        assert_eq!(scanned(opened, Bound::Excluded(&key(b"a")), Bound::Excluded(b"l")).len(), 1 + value.len());
    };
    check(&opened, b"");
    drop(opened);
    let opened = Opened::open(&path).unwrap();
    opened.write(&Writes::from(put(&key(b"b"), Some(b"2")))).unwrap();
    check(&opened, b"2");
    opened.drop_spaces("s").unwrap();
    assert_eq!(entries(&opened), 1);
}
