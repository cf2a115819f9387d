//! Numbers in the bytes of states.

use crate::types::row::{BadRow, get_i64, put_i64, take};

/// A number that can be part of a state.
pub(super) trait NumberBytes: Copy {
    fn put(self, into: &mut Vec<u8>);
    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow>;
}

impl NumberBytes for i32 {
    fn put(self, into: &mut Vec<u8>) {
        put_i64(self.into(), into);
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        i32::try_from(get_i64(bytes)?).map_err(|_| BadRow)
    }
}

impl NumberBytes for i64 {
    fn put(self, into: &mut Vec<u8>) {
        put_i64(self, into);
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        get_i64(bytes)
    }
}

impl NumberBytes for f64 {
    fn put(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.to_bits().to_le_bytes());
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        take(bytes, 8)?.try_into().map(|bytes| f64::from_bits(u64::from_le_bytes(bytes))).map_err(|_| BadRow)
    }
}

impl NumberBytes for i128 {
    fn put(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.to_le_bytes());
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        take(bytes, 16)?.try_into().map(i128::from_le_bytes).map_err(|_| BadRow)
    }
}
