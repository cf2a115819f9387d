//! Values kept one by one: `Vec<T>` is the simplest [`Values`].

use crate::types::row::{BadRow, get_i64, put_i64};

use super::store::{Layout, Values};

/// A value that can be kept in a `Vec`.
pub(crate) trait Stored: Default + Send + Sync {
    /// What it is as bytes.
    const LAYOUT: Layout;

    /// Appends its bytes.
    fn encode(&self, into: &mut Vec<u8>);
    /// Reads all of `bytes`.
    fn decode(bytes: &[u8]) -> Result<Self, BadRow>;
    /// Bytes it holds outside itself.
    fn heap_bytes(&self) -> usize;
}

impl<T: Stored> Values for Vec<T> {
    const LAYOUT: Layout = T::LAYOUT;

    fn grow(&mut self, slots: usize) {
        self.resize_with(slots, T::default);
    }

    fn clear(&mut self, slot: u32) {
        self[slot as usize] = T::default();
    }

    fn encode(&self, slot: u32, into: &mut Vec<u8>) {
        self[slot as usize].encode(into);
    }

    fn decode(&mut self, slot: u32, bytes: &[u8]) -> Result<(), BadRow> {
        self[slot as usize] = T::decode(bytes)?;
        Ok(())
    }

    fn heap_bytes(&self, slot: u32) -> usize {
        size_of::<T>() + self[slot as usize].heap_bytes()
    }
}

/// A row of a table: ROWTIME and the value columns in the form of [`crate::types::row`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Milliseconds since the epoch.
    pub time: i64,
    /// The encoded columns.
    pub bytes: Box<[u8]>,
}

impl Row {
    /// Replaces the row; a row of the same length is written in place.
    pub(crate) fn set(&mut self, time: i64, row: &[u8]) {
        self.time = time;
        if self.bytes.len() == row.len() { self.bytes.copy_from_slice(row) } else { self.bytes = row.into() }
    }
}

impl Stored for Row {
    const LAYOUT: Layout = Layout { kind: "rows", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        put_i64(self.time, into);
        into.extend_from_slice(&self.bytes);
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        let time = get_i64(&mut bytes)?;
        Ok(Self { time, bytes: bytes.into() })
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.len() + 8
    }
}
