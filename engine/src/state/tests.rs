use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray};
use parking_lot::RwLock;

use super::{Budget, Cursor, Entries, Found, Place, Row, Store, Table, TableKind, ToRows};
use crate::kv::{Kv, MemoryKv, Result, Writes};
use crate::types::{Changes, Side, Windows};

/// A store over a database, committed by [`commit`].
struct Bench {
    kv: Arc<dyn Kv>,
    place: Place,
}

fn bench(budget: usize) -> Bench {
    let kv: Arc<dyn Kv> = Arc::new(MemoryKv::default());
    let place = Place::on_disk(Arc::clone(&kv), "state/q/0_0/s", Arc::new(Budget::new(budget)));
    Bench { kv, place }
}

impl Bench {
    fn commit(&self, store: &mut Store<Vec<Row>>) {
        let mut writes = Writes::default();
        store.drain(&mut writes);
        self.kv.write(writes).unwrap();
        store.committed().unwrap();
    }
}

fn put(store: &mut Store<Vec<Row>>, segment: i64, key: &str, value: &str) -> bool {
    let (slot, existed) = store.upsert(segment, key.as_bytes()).unwrap();
    store.values_mut()[slot as usize] = Row { time: 1, bytes: value.as_bytes().into() };
    existed
}

fn get(store: &mut Store<Vec<Row>>, segment: i64, key: &str) -> Option<String> {
    let slot = store.get(segment, key.as_bytes()).unwrap()?;
    Some(String::from_utf8(store.values()[slot as usize].bytes.to_vec()).unwrap())
}

fn keys(store: &Store<Vec<Row>>, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Vec<String> {
    let mut keys = Vec::new();
    store
        .scan(0, (from, to), &mut |key, _| {
            keys.push(String::from_utf8(key.to_vec()).unwrap());
            true
        })
        .unwrap();
    keys
}

#[test]
fn another_layout_is_refused() {
    let bench = bench(1 << 20);
    let meta: Arc<str> = Arc::from("state/q/0_0/s/meta");
    let noted = || bench.kv.get(&meta, b"layout").unwrap().map(|noted| String::from_utf8(noted).unwrap());
    let open = || Store::<Vec<Row>>::open(Vec::new(), bench.place.clone());
    let mut store = open().unwrap();
    put(&mut store, 0, "k", "v");
    bench.commit(&mut store);
    drop(store);
    assert_eq!(noted().as_deref(), Some("rows 1"));
    let note = |value: Option<&str>| {
        let mut writes = Writes::default();
        match value {
            Some(value) => writes.put(&meta, b"layout", |bytes| bytes.extend_from_slice(value.as_bytes())),
            None => writes.delete(&meta, b"layout"),
        }
        bench.kv.write(writes).unwrap();
    };
    for other in ["rows 2", "groups 1", ""] {
        note(Some(other));
        let refused = open().err().unwrap().to_string();
        assert!(refused.contains("'state/q/0_0/s' was written by another version"), "{refused}");
        assert!(refused.contains("create it again"), "what to do: {refused}");
    }
    // As versions left it that noted none.
    note(None);
    let mut store = open().unwrap();
    assert_eq!(get(&mut store, 0, "k"), Some("v".to_owned()));
    bench.commit(&mut store);
    assert_eq!(noted().as_deref(), Some("rows 1"));
}

#[test]
fn what_does_not_fit_is_read_back() {
    let bench = bench(20_000);
    let mut store = Store::open(Vec::new(), bench.place.clone()).unwrap();
    let name = |i: usize| format!("a key that is too long to stand in its entry {i:04}");
    for i in 0..2_000 {
        assert!(!put(&mut store, 0, &name(i), &i.to_string()));
        if i % 100 == 99 {
            bench.commit(&mut store);
        }
    }
    assert!(bench.place.budget.used() <= 20_000, "{} bytes are in memory", bench.place.budget.used());
    assert!(store.slots() < 500, "{} slots", store.slots());
    for i in (0..2_000).step_by(7) {
        assert_eq!(get(&mut store, 0, &name(i)), Some(i.to_string()));
    }
    assert_eq!(get(&mut store, 0, "none"), None);
    assert!(put(&mut store, 0, &name(3), "new"));
    bench.commit(&mut store);
    drop(store);
    assert_eq!(bench.place.budget.used(), 0);
    let mut store = Store::open(Vec::new(), bench.place.clone()).unwrap();
    assert_eq!(get(&mut store, 0, &name(3)), Some("new".to_owned()));
    assert_eq!(get(&mut store, 0, &name(1999)), Some("1999".to_owned()));
}

#[test]
fn what_is_removed_stays_removed() {
    for budget in [0, usize::MAX] {
        let bench = bench(budget);
        let mut store = Store::open(Vec::new(), bench.place.clone()).unwrap();
        put(&mut store, 0, "a", "1");
        bench.commit(&mut store);
        let slot = store.get(0, b"a").unwrap().unwrap();
        store.remove(slot);
        assert_eq!(get(&mut store, 0, "a"), None);
        assert!(!put(&mut store, 0, "a", "2"), "removed and made again in one step");
        let slot = store.get(0, b"a").unwrap().unwrap();
        store.remove(slot);
        bench.commit(&mut store);
        assert_eq!(get(&mut store, 0, "a"), None);
        let mut store = Store::open(Vec::new(), bench.place.clone()).unwrap();
        assert_eq!(get(&mut store, 0, "a"), None);
    }
}

#[test]
fn scans_see_memory_over_the_database_in_key_order() {
    let bench = bench(0);
    let mut store = Store::open(Vec::new(), bench.place.clone()).unwrap();
    for key in ["b", "d", "f", "h"] {
        put(&mut store, 0, key, "old");
    }
    bench.commit(&mut store);
    bench.commit(&mut store);
    for key in ["a", "d", "i"] {
        put(&mut store, 0, key, "new");
    }
    let slot = store.get(0, b"f").unwrap().unwrap();
    store.remove(slot);
    assert_eq!(keys(&store, Bound::Unbounded, Bound::Unbounded), ["a", "b", "d", "h", "i"]);
    assert_eq!(keys(&store, Bound::Excluded(b"a"), Bound::Included(b"h")), ["b", "d", "h"]);
    assert_eq!(store.peek(0, b"f").unwrap(), None);
    assert!(store.peek(0, b"h").unwrap().is_some());
    let mut first = Vec::new();
    let whole = store.scan(0, (Bound::Unbounded, Bound::Unbounded), &mut |key, _| {
        first.push(key.to_vec());
        first.len() < 2
    });
    assert!(!whole.unwrap());
    assert_eq!(first, [b"a", b"b"]);
}

#[test]
fn an_expired_segment_goes_when_the_commit_that_expired_it_is_done() {
    let bench = bench(usize::MAX);
    let mut store = Store::open_segmented(Vec::new(), bench.place.clone()).unwrap();
    for segment in 1..=3 {
        put(&mut store, segment, "k", &segment.to_string());
    }
    store.advance(300);
    bench.commit(&mut store);
    store.expire_before(3);
    store.committed().unwrap();
    assert_eq!(get(&mut store, 1, "k"), Some("1".to_owned()), "nothing is committed yet");
    bench.commit(&mut store);
    assert_eq!(store.live_segments(), [3]);
    assert_eq!(get(&mut store, 1, "k"), None);
    bench.commit(&mut store);
    let mut store = Store::open_segmented(Vec::<Row>::new(), bench.place.clone()).unwrap();
    assert_eq!((store.time(), store.live_segments()), (300, vec![3]));
    assert_eq!(get(&mut store, 3, "k"), Some("3".to_owned()));
}

/// Leaves values as they are: one column of text.
struct Texts;

impl ToRows for Texts {
    fn keys(&self, key: &[ArrayRef]) -> Result<BinaryArray> {
        Ok(key[0].as_string::<i32>().iter().map(|key| key.map(str::as_bytes)).collect())
    }

    fn rows(&self, keys: &BinaryArray, windows: Option<Windows>, values: &BinaryArray) -> Result<Changes> {
        let key: StringArray = keys.iter().map(|key| key.map(String::from_utf8_lossy)).collect();
        let key = vec![Arc::new(key) as ArrayRef];
        let texts = StringArray::from_iter(values.iter().map(|value| value.map(String::from_utf8_lossy)));
        let time = vec![0; values.len()].into();
        let seq = vec![0; values.len()].into();
        let new = Side { columns: vec![Arc::new(texts)], present: None };
        Ok(Changes { key, null_keys: None, windows, new, old: None, time, seq, headers: None })
    }
}

/// A table with windows of these keys and starts.
fn windowed(kind: TableKind, place: &Place, windows: &[(&str, i64)]) -> Table {
    windowed_from(i64::MIN, kind, place, windows)
}

/// Whose segments before `live_from` are past retention.
fn windowed_from(live_from: i64, kind: TableKind, place: &Place, windows: &[(&str, i64)]) -> Table {
    let mut store = Store::open_segmented(Vec::<Row>::new(), place.clone()).unwrap();
    for &(key, start) in windows {
        let window = (start, start + 10);
        let mut entry = Vec::new();
        kind.put_key(key.as_bytes(), window, &mut entry);
        assert_eq!(kind.split_key(&entry), Some((key.as_bytes(), Some(window))));
        store.upsert(kind.segment(window), &entry).unwrap();
        store.advance(start);
    }
    store.expire_before(live_from);
    Table::new(Arc::new(RwLock::new(store)), kind, Arc::new(Texts))
}

fn starts(table: &Table, found: Found) -> Vec<i64> {
    table.rows(found).unwrap().windows.unwrap().start.to_vec()
}

#[test]
fn windows_of_a_key_are_found_earliest_first() {
    let hopping = TableKind::Time { size_ms: 10, advance_ms: 5, retention_ms: 1_000_000 };
    for kind in [hopping, TableKind::Session { retention_ms: 1_000_000 }] {
        let windows = [("a", 120_000), ("b", 0), ("a", 5), ("ab", 7), ("a", 10), ("a\0", 5)];
        let table = windowed(kind, &Place::memory(), &windows);
        for most in 1..5 {
            let starts = |from: i64, to: i64| {
                let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
                loop {
                    let mut found = Found::default();
                    let has_more = table.look_up(b"a", (from, to), &mut cursor, most, &mut found).unwrap();
                    seen.extend(starts(&table, found));
                    if !has_more {
                        return seen;
                    }
                }
            };
            assert_eq!(starts(i64::MIN, i64::MAX), [5, 10, 120_000], "{most} at a time");
            assert_eq!(starts(6, 119_999), [10]);
            assert_eq!(starts(6, 200), [10]);
        }
    }
}

#[test]
fn look_ups_find_the_windows_that_scans_show() {
    let kind = TableKind::Time { size_ms: 10, advance_ms: 50_000, retention_ms: 60_000 };
    let windows = [("a", 0), ("a", 50_000), ("a", 100_000), ("a", 150_000)];
    for (live_from, shown) in [(1, &[100_000, 150_000][..]), (2, &[150_000])] {
        let table = windowed_from(live_from, kind, &Place::memory(), &windows);
        let (mut scanned, mut looked_up) = (Found::default(), Found::default());
        table.scan(&mut Cursor::default(), 100, &mut scanned).unwrap();
        table.look_up(b"a", (i64::MIN, i64::MAX), &mut Cursor::default(), 100, &mut looked_up).unwrap();
        assert_eq!(starts(&table, scanned), shown);
        assert_eq!(starts(&table, looked_up), shown);
    }
}

#[test]
fn a_scan_goes_on_where_it_stopped() {
    let kind = TableKind::Time { size_ms: 10, advance_ms: 10, retention_ms: 1_000_000 };
    let windows = [("a", 0), ("b", 0), ("a", 600_000), ("b", 600_010), ("c", 5)];
    for most in 1..7 {
        let table = windowed(kind, &Place::memory(), &windows);
        let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
        loop {
            let mut found = Found::default();
            let has_more = table.scan(&mut cursor, most, &mut found).unwrap();
            assert!(found.len() <= most);
            seen.extend(starts(&table, found));
            if !has_more {
                break;
            }
        }
        assert_eq!(seen, [0, 0, 5, 600_000, 600_010], "{most} at a time");
    }
}
