//! Rows of one side of a stream-stream join, kept for as long as a row of the other side may match them.

use crate::kv::Writes;
use crate::operators::OperatorError;
use crate::state::{Layout, Place, Store, Stored};
use crate::types::row::{BadRow, get_i64, get_u64, put_i64, put_u64, take};
use crate::types::{Time, segment_ms};

/// Takes time and bytes of a row.
type Visit<'a> = dyn FnMut(i64, &[u8]) -> Result<(), OperatorError> + 'a;

/// Rows by key and time.
///
/// The rows of one key are kept in *buckets* as long as the join's window, so that a look-up reads two or three of them
/// whatever the retention. As in Kafka Streams a row is visible until the newest row of its own side is `retention_ms`
/// younger.
pub(super) struct Buffer {
    store: Store<Vec<Bucket>>,
    bucket_ms: i64,
    segment_ms: i64,
    retention_ms: i64,
    /// Key of a bucket: serialised key, number of the bucket.
    entry: Vec<u8>,
}

impl Buffer {
    pub(super) fn open(place: Place, window_ms: i64, retention_ms: i64) -> Result<Self, OperatorError> {
        let bucket_ms = window_ms.max(1);
        Ok(Self {
            store: Store::open_segmented(Vec::new(), place)?,
            bucket_ms,
            segment_ms: segment_ms(retention_ms).max(bucket_ms),
            retention_ms,
            entry: Vec::new(),
        })
    }

    /// Adds a row.
    pub(super) fn put(&mut self, key: &[u8], time: i64, row: &[u8]) -> Result<(), OperatorError> {
        self.store.advance(time);
        if time < self.visible_from() {
            return Ok(());
        }
        let segment = self.entry(key, Time(time).stretch(self.bucket_ms));
        let (slot, _) = self.store.upsert(segment, &self.entry)?;
        self.store.values_mut()[slot as usize].push(time, row);
        Ok(())
    }

    /// Calls `each` with time and bytes of the rows of a key between two times (inclusive): oldest first, rows of one
    /// time in order of arrival.
    pub(super) fn fetch(&mut self, key: &[u8], from: i64, to: i64, each: &mut Visit<'_>) -> Result<(), OperatorError> {
        let from = from.max(0).max(self.visible_from());
        let to = to.min(self.store.time());
        if from > to {
            return Ok(());
        }
        for bucket in Time(from).stretch(self.bucket_ms)..=Time(to).stretch(self.bucket_ms) {
            let segment = self.entry(key, bucket);
            if let Some(slot) = self.store.get(segment, &self.entry)? {
                self.store.values()[slot as usize].visit(from, to, each)?;
            }
        }
        Ok(())
    }

    /// What was drained is committed.
    pub(super) fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.store.committed()?)
    }

    /// Writes what changed and forgets what nobody can see any more.
    pub(super) fn drain(&mut self, into: &mut Writes) {
        let gone = Time(self.visible_from()) - self.bucket_ms;
        if gone > Time(0) {
            self.store.expire_before(gone.stretch(self.segment_ms));
        }
        self.store.drain(into);
    }

    fn visible_from(&self) -> i64 {
        (Time(self.store.time()) - self.retention_ms + 1).0
    }

    /// Sets `entry` to the key of a bucket; says in which segment it is.
    fn entry(&mut self, key: &[u8], bucket: i64) -> i64 {
        self.entry.clear();
        self.entry.extend_from_slice(key);
        self.entry.extend_from_slice(&bucket.to_be_bytes());
        Time(bucket.saturating_mul(self.bucket_ms)).stretch(self.segment_ms)
    }
}

/// Rows of one key in one stretch of time, in order of arrival.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bucket {
    times: Vec<i64>,
    /// Where each row ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
    /// Some row is older than one before it.
    disordered: bool,
}

impl Bucket {
    fn push(&mut self, time: i64, row: &[u8]) {
        self.disordered |= self.times.last().is_some_and(|last| *last > time);
        self.times.push(time);
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
    }

    fn row(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    fn visit(&self, from: i64, to: i64, each: &mut Visit<'_>) -> Result<(), OperatorError> {
        if self.disordered {
            let mut rows: Vec<usize> =
                (0..self.times.len()).filter(|&at| (from..=to).contains(&self.times[at])).collect();
            rows.sort_by_key(|&at| self.times[at]);
            return rows.into_iter().try_for_each(|at| each(self.times[at], self.row(at)));
        }
        let first = self.times.partition_point(|time| *time < from);
        let rows = (first..self.times.len()).take_while(|&at| self.times[at] <= to);
        rows.into_iter().try_for_each(|at| each(self.times[at], self.row(at)))
    }
}

/// Number of rows; time, length of each; the rows.
impl Stored for Bucket {
    const LAYOUT: Layout = Layout { kind: "rows to be joined", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        put_u64(self.times.len() as u64, into);
        for at in 0..self.times.len() {
            put_i64(self.times[at], into);
            put_u64(self.row(at).len() as u64, into);
        }
        into.extend_from_slice(&self.bytes);
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        let bytes = &mut bytes;
        let count = get_u64(bytes)?;
        let (mut times, mut ends, mut disordered) = (Vec::new(), Vec::new(), false);
        let mut end = 0_usize;
        for _ in 0..count {
            let time = get_i64(bytes)?;
            disordered |= times.last().is_some_and(|last| *last > time);
            times.push(time);
            let len = usize::try_from(get_u64(bytes)?).map_err(|_| BadRow)?;
            end = end.checked_add(len).ok_or(BadRow)?;
            ends.push(end);
        }
        let rows = take(bytes, end)?;
        if !bytes.is_empty() {
            return Err(BadRow);
        }
        Ok(Self { times, ends, bytes: rows.to_vec(), disordered })
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + 16 * self.times.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Buffer};
    use crate::state::{Entries, Place, Stored};

    fn seen(buffer: &mut Buffer, from: i64, to: i64) -> String {
        let mut seen = Vec::new();
        let mut each = |time: i64, row: &[u8]| {
            seen.push(format!("{time}{}", String::from_utf8_lossy(row)));
            Ok(())
        };
        buffer.fetch(b"k", from, to, &mut each).unwrap();
        seen.join(" ")
    }

    #[test]
    fn rows_come_by_time_then_arrival() {
        let mut buffer = Buffer::open(Place::memory(), 10, 1000).unwrap();
        for (time, row) in [(5, "a"), (25, "b"), (12, "c"), (5, "d"), (3, "e"), (999, "f")] {
            buffer.put(b"k", time, row.as_bytes()).unwrap();
        }
        buffer.put(b"other", 6, b"x").unwrap();
        assert_eq!(seen(&mut buffer, -7, i64::MAX), "3e 5a 5d 12c 25b 999f");
        assert_eq!(seen(&mut buffer, 5, 12), "5a 5d 12c");
        assert_eq!(seen(&mut buffer, 26, 998), "");
    }

    #[test]
    fn rows_past_retention_are_not_seen() {
        let mut buffer = Buffer::open(Place::memory(), 10, 100).unwrap();
        for time in [1, 2, 101] {
            buffer.put(b"k", time, b"").unwrap();
        }
        assert_eq!(seen(&mut buffer, 0, 200), "2 101");
        buffer.put(b"k", 1, b"late").unwrap();
        assert_eq!(seen(&mut buffer, 0, 200), "2 101");
    }

    #[test]
    fn segments_past_retention_are_dropped() {
        let mut buffer = Buffer::open(Place::memory(), 10, 100).unwrap();
        for time in [1, 59_999, 60_000, 500_000] {
            buffer.put(b"k", time, b"").unwrap();
        }
        buffer.drain(&mut crate::kv::Writes::default());
        buffer.committed().unwrap();
        assert_eq!(buffer.store.live_segments(), [8]);
    }

    #[test]
    fn a_bucket_comes_back() {
        let mut bucket = Bucket::default();
        for (time, row) in [(5, "abc"), (3, ""), (7, "d")] {
            bucket.push(time, row.as_bytes());
        }
        let mut bytes = Vec::new();
        bucket.encode(&mut bytes);
        assert_eq!(Bucket::decode(&bytes).unwrap(), bucket);
        for cut in 0..bytes.len() {
            assert!(Bucket::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
