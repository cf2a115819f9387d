//! Values as JSON, where JSON's own forms would lose something: numbers as texts, bytes in base64.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// `"1.5"`, `"-0.0"`, `"NaN"`, `"inf"`
pub(super) mod double {
    use super::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(value: &f64, into: S) -> Result<S::Ok, S::Error> {
        into.serialize_str(&format!("{value:?}"))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        super::parsed(from)
    }
}

/// Digits.
pub(super) mod unscaled {
    use super::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(value: &i128, into: S) -> Result<S::Ok, S::Error> {
        into.serialize_str(&value.to_string())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        super::parsed(from)
    }
}

/// Base64.
pub(super) mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{Deserialize, Deserializer, Error, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(value: &[u8], into: S) -> Result<S::Ok, S::Error> {
        into.serialize_str(&STANDARD.encode(value))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::types::Value;

    /// Compared by how they are shown: NULL, NaN and `-0.0` among them.
    #[test]
    fn every_value_survives() {
        let mut values = vec![Value::Null, Value::Boolean(true), Value::Boolean(false)];
        values.extend([i32::MIN, 0, i32::MAX].map(Value::Integer));
        values.extend([i64::MIN, -1, i64::MAX].map(Value::Bigint));
        let doubles = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, f64::MAX, 0.1];
        values.extend(doubles.map(Value::Double));
        // Whatever the bits: finite doubles are written with the digits that lead back to them.
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..2000 {
            bits = bits.rotate_left(23).wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1);
            values.push(Value::Double(f64::from_bits(bits)));
            values.push(Value::Decimal(i128::from(bits) << (bits % 62), (bits % 39) as i8));
        }
        values.extend([i128::MIN, -1, 0, i128::MAX].map(|digits| Value::Decimal(digits, 38)));
        values.extend(["", "é\"\\\n\0'", "{}"].map(|text| Value::String(text.to_owned())));
        values.extend([vec![], vec![0, 255, 128], (0..=255).collect()].map(Value::Bytes));
        values.extend([Value::Time(1), Value::Date(-1), Value::Timestamp(i64::MAX)]);
        let inner = values.clone();
        values.push(Value::Array(inner.clone()));
        values.push(Value::Struct(inner.clone()));
        values.push(Value::Map(vec![(Value::String("k".to_owned()), Value::Array(inner)), (Value::Null, Value::Null)]));
        for value in values {
            let text = serde_json::to_string(&value).unwrap();
            let back: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(format!("{back:?}"), format!("{value:?}"), "{text}");
        }
    }
}
