//! Rows as bytes: the form in which stores keep rows and aggregates keep values. Ours alone, so it may change; every
//! stored row starts with [`VERSION`].
//!
//! ```text
//! row    = VERSION, nulls (one bit per column), the columns that are not NULL
//! column = BOOLEAN: byte   INTEGER, BIGINT, DECIMAL, DATE, TIME, TIMESTAMP: zigzag varint   DOUBLE: 8 bytes, LE
//!          STRING, BYTES: length, bytes      ARRAY: length, nulls, items
//!          MAP: length, keys, nulls, values  STRUCT: nulls, fields
//! ```

mod decode;
mod encode;
mod value;
mod varint;

pub use value::{get_value, put_value};

pub(crate) use decode::RowDecoder;
pub(crate) use encode::RowEncoder;
pub(crate) use varint::{get_i64, get_u64, put_i64, put_u64, take};

/// First byte of a stored row.
pub const VERSION: u8 = 1;

/// Bytes that are not a row of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored value is damaged or of another version")]
pub struct BadRow;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
        StringArray, Time32MillisecondArray, TimestampMillisecondArray,
    };
    use arrow::compute::concat;

    use super::{BadRow, RowDecoder, RowEncoder};
    use crate::types::SqlType;

    fn round_trip(types: &[SqlType], columns: &[ArrayRef]) {
        let encoder = RowEncoder::new(columns).unwrap();
        let mut decoder = RowDecoder::new(types);
        for row in 0..columns[0].len() {
            let mut bytes = Vec::new();
            encoder.encode(row, &mut bytes);
            decoder.push(&bytes).unwrap();
            for cut in 0..bytes.len() {
                assert_eq!(RowDecoder::new(types).push(&bytes[..cut]), Err(BadRow), "cut at {cut}");
            }
        }
        let back = decoder.finish().unwrap();
        for (a, b) in columns.iter().zip(&back) {
            assert_eq!(a, b);
        }
    }

    #[test]
    fn all_flat_types_come_back() {
        let types = [
            SqlType::Boolean,
            SqlType::Integer,
            SqlType::Bigint,
            SqlType::Double,
            SqlType::Decimal { precision: 38, scale: 2 },
            SqlType::String,
            SqlType::Bytes,
            SqlType::Time,
            SqlType::Date,
            SqlType::Timestamp,
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])),
            Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None])),
            Arc::new(Float64Array::from(vec![Some(-0.0), Some(f64::MAX), None])),
            Arc::new(
                Decimal128Array::from(vec![Some(-(10_i128.pow(38) - 1)), None, Some(1)])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
            Arc::new(StringArray::from(vec![Some("é"), Some(""), None])),
            Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None, Some(&[][..])])),
            Arc::new(Time32MillisecondArray::from(vec![Some(1), None, Some(2)])),
            Arc::new(Date32Array::from(vec![Some(-1), None, Some(2)])),
            Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None, Some(i64::MAX)])),
        ];
        round_trip(&types, &columns);
    }

    #[test]
    fn nested_types_come_back() {
        let point = SqlType::Struct(vec![("A".into(), SqlType::Integer), ("B".into(), SqlType::String.array_of())]);
        let map = SqlType::Map(Box::new(SqlType::String), Box::new(point.clone()));
        let types = [map.clone(), point.clone().array_of(), SqlType::Struct(vec![])];
        // Built by the decoder from hand-written bytes, then encoded and decoded again.
        let mut decoder = RowDecoder::new(&types);
        // map {"k": {1, ["x", null]}, "l": null}; array [null, {null, null}]; empty struct
        let row =
            [super::VERSION, 0b000, 2, 1, b'k', 1, b'l', 0b10, 0b00, 2, 2, 0b10, 1, b'x', 2, 0b01, 0b11 /**/];
        decoder.push(&row).unwrap();
        decoder.push_null();
        let columns = decoder.finish().unwrap();
        let mut bytes = Vec::new();
        RowEncoder::new(&columns).unwrap().encode(0, &mut bytes);
        assert_eq!(bytes, row);
        // A slice is encoded from its own offset.
        let doubled: Vec<ArrayRef> = columns.iter().map(|c| concat(&[c.as_ref(), c.as_ref()]).unwrap()).collect();
        let sliced: Vec<ArrayRef> = doubled.iter().map(|c| c.slice(1, 2)).collect();
        let mut decoder = RowDecoder::new(&types);
        let encoder = RowEncoder::new(&sliced).unwrap();
        for i in 0..2 {
            let mut bytes = Vec::new();
            encoder.encode(i, &mut bytes);
            decoder.push(&bytes).unwrap();
        }
        let back = decoder.finish().unwrap();
        for (a, b) in sliced.iter().zip(&back) {
            assert_eq!(a, b);
        }
    }
}
