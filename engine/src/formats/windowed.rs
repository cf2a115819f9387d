//! Windowed keys: the key's payload followed by its window, as Kafka Streams writes it.
//!
//! ```text
//! with a size        key bytes ++ start (8 bytes, big-endian)           the end is start + size
//! without (SESSION)  key bytes ++ end (8 bytes) ++ start (8 bytes)   the end is that of the last record, inclusive
//! ```

use arrow::array::{Array, BinaryArray, BinaryBuilder};

use crate::types::{KeyWindow, Windows};

impl KeyWindow {
    /// Bytes after the key's own.
    fn bytes(self) -> usize {
        if self.size_ms.is_some() { 8 } else { 16 }
    }

    /// Appends the bytes of one window.
    pub fn write(self, start: i64, end: i64, out: &mut Vec<u8>) {
        if self.size_ms.is_none() {
            out.extend_from_slice(&end.to_be_bytes());
        }
        out.extend_from_slice(&start.to_be_bytes());
    }

    /// Whether there is a time at which a window that begins at `start` ends.
    fn has_end(self, start: i64) -> bool {
        self.size_ms.is_none_or(|size_ms| start.checked_add(size_ms).is_some())
    }

    /// Splits a windowed key into the key's own payload and (start, end); `None` when it is too short to hold a window.
    pub fn split(self, key: &[u8]) -> Option<(&[u8], i64, i64)> {
        let (rest, start) = key.split_last_chunk::<8>()?;
        let start = i64::from_be_bytes(*start);
        if let Some(size_ms) = self.size_ms {
            return Some((rest, start, start.saturating_add(size_ms)));
        }
        let (rest, end) = rest.split_last_chunk::<8>()?;
        Some((rest, start, i64::from_be_bytes(*end)))
    }
}

/// What is wrong with a key whose window ends when there is no time any more.
const NO_END: &str = "the window in the key cannot be represented";

/// Keys taken apart.
#[derive(Debug)]
pub struct SplitKeys {
    /// The key's own payloads, for the key's decoder.
    pub payloads: BinaryArray,
    /// The windows; 0 for keys that are null or bad.
    pub windows: Windows,
    /// Rows whose key holds no window, or one that cannot be represented (ascending); their payload is null.
    pub bad: Vec<(usize, String)>,
}

/// Takes a batch of windowed keys apart.
pub fn split(keys: &BinaryArray, window: KeyWindow) -> SplitKeys {
    let mut payloads = BinaryBuilder::with_capacity(keys.len(), keys.value_data().len());
    let (mut starts, mut ends) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
    let mut bad = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        let parts = key.map(|key| window.split(key).ok_or("the key is too short to hold a window"));
        let parts = parts.map(|parts| parts.and_then(|parts| window.has_end(parts.1).then_some(parts).ok_or(NO_END)));
        let parts = match parts.transpose() {
            Ok(parts) => parts,
            Err(problem) => {
                bad.push((row, problem.to_owned()));
                None
            }
        };
        payloads.append_option(parts.map(|(payload, ..)| payload));
        starts.push(parts.map_or(0, |(_, start, _)| start));
        ends.push(parts.map_or(0, |(_, _, end)| end));
    }
    SplitKeys { payloads: payloads.finish(), windows: Windows { start: starts.into(), end: ends.into() }, bad }
}

/// Puts keys and their windows together. A null key stays null.
pub fn join(payloads: &BinaryArray, windows: &Windows, window: KeyWindow) -> BinaryArray {
    let size = payloads.value_data().len() + payloads.len() * window.bytes();
    let mut keys = BinaryBuilder::with_capacity(payloads.len(), size);
    let mut key = Vec::new();
    for (row, payload) in payloads.iter().enumerate() {
        match (payload, windows.start.get(row), windows.end.get(row)) {
            (Some(payload), Some(start), Some(end)) => {
                key.clear();
                key.extend_from_slice(payload);
                window.write(*start, *end, &mut key);
                keys.append_value(&key);
            }
            _ => keys.append_null(),
        }
    }
    keys.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::WindowKind;

    const SESSION: KeyWindow = KeyWindow { kind: WindowKind::Session, size_ms: None };

    fn time(size_ms: i64) -> KeyWindow {
        KeyWindow { kind: WindowKind::Tumbling, size_ms: Some(size_ms) }
    }

    #[test]
    fn keys_and_windows_come_apart_as_they_were_put_together() {
        let payloads = BinaryArray::from_opt_vec(vec![Some(b"k"), None, Some(b"")]);
        let windows = Windows { start: vec![1000, 0, -5].into(), end: vec![3000, 0, 1995].into() };
        for window in [time(2000), SESSION] {
            let keys = join(&payloads, &windows, window);
            let parts = split(&keys, window);
            assert_eq!(parts.payloads, payloads);
            assert_eq!(parts.windows.start, windows.start);
            assert_eq!(parts.windows.end, windows.end);
        }
        let session = join(&payloads, &windows, SESSION);
        assert_eq!(session.value(0), b"k\0\0\0\0\0\0\x0b\xb8\0\0\0\0\0\0\x03\xe8");
    }

    #[test]
    fn a_key_too_short_is_bad() {
        let parts = split(&BinaryArray::from_vec(vec![b"short"]), SESSION);
        assert_eq!(parts.bad.len(), 1);
        assert!(parts.payloads.is_null(0));
    }

    #[test]
    fn a_window_without_an_end_is_bad() {
        let windows =
            Windows { start: vec![i64::MAX - 2000, i64::MAX - 1999, i64::MIN].into(), end: vec![0; 3].into() };
        let keys = join(&BinaryArray::from_vec(vec![b"a", b"b", b"c"]), &windows, time(2000));
        let parts = split(&keys, time(2000));
        assert_eq!(parts.bad, [(1, NO_END.to_owned())]);
        assert_eq!(parts.windows.end, vec![i64::MAX, 0, i64::MIN + 2000]);
    }
}
