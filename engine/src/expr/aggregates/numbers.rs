//! Numbers in the bytes of states.

use crate::types::Value;
use crate::types::row::{BadRow, get_i64, put_i64, take};

/// A number that can be part of a state.
pub(super) trait NumberBytes: Copy {
    fn put(self, into: &mut Vec<u8>);
    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow>;
    /// The number that is this value.
    fn of(value: &Value) -> Option<Self>;
}

impl NumberBytes for i32 {
    fn put(self, into: &mut Vec<u8>) {
        put_i64(self.into(), into);
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        i32::try_from(get_i64(bytes)?).map_err(|_| BadRow)
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) | Value::Date(number) | Value::Time(number) => Some(*number),
            _ => None,
        }
    }
}

impl NumberBytes for i64 {
    fn put(self, into: &mut Vec<u8>) {
        put_i64(self, into);
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        get_i64(bytes)
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bigint(number) | Value::Timestamp(number) => Some(*number),
            _ => None,
        }
    }
}

impl NumberBytes for f64 {
    fn put(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.to_bits().to_le_bytes());
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        take(bytes, 8)?.try_into().map(|bytes| f64::from_bits(u64::from_le_bytes(bytes))).map_err(|_| BadRow)
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Double(number) => Some(*number),
            _ => None,
        }
    }
}

impl NumberBytes for i128 {
    fn put(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.to_le_bytes());
    }

    fn get(bytes: &mut &[u8]) -> Result<Self, BadRow> {
        take(bytes, 16)?.try_into().map(i128::from_le_bytes).map_err(|_| BadRow)
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Decimal(number, _) => Some(*number),
            _ => None,
        }
    }
}
