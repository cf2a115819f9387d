//! KAFKA: the serialisers that come with Apache Kafka. One column, big-endian numbers, raw text and bytes.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};

use super::column::{ColumnBuilder, Values};
use super::{
    Decode, Decoded, Encode, Features, Format, FormatError, FormatSpec, Half, base_type, column_list, row_count,
    schema_error,
};
use crate::types::{Column, SqlType};

/// The format `KAFKA`.
pub(super) struct Kafka;

impl Format for Kafka {
    fn name(&self) -> &'static str {
        "KAFKA"
    }

    fn features(&self) -> Features {
        Features { key: true, value: true, unwrap_singles: true, ..Features::default() }
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        let reason = match columns {
            [] => return Ok(()),
            [column] if is_supported(&column.ty) => return Ok(()),
            [column] => format!("The 'KAFKA' format does not support type '{}'", base_type(&column.ty)),
            _ => format!("The 'KAFKA' format only supports a single field. Got: {}", column_list(columns, is_key)),
        };
        Err(schema_error("KAFKA", columns, is_key, &reason))
    }

    fn decoder(
        &self,
        _: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        self.validate(columns, half.is_key)?;
        let column = columns.first().map(|column| ColumnBuilder::new(&column.ty));
        Ok(Box::new(KafkaDecoder { column, outputs: used.len() }))
    }

    fn encoder(&self, _: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(KafkaEncoder { ty: columns.first().map(|column| column.ty.clone()) }))
    }
}

fn is_supported(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Integer | SqlType::Bigint | SqlType::Double | SqlType::String | SqlType::Bytes)
}

struct KafkaDecoder {
    column: Option<ColumnBuilder>,
    /// How often the column is wanted: 0 or 1.
    outputs: usize,
}

impl Decode for KafkaDecoder {
    fn decode(&mut self, payloads: &BinaryArray) -> Decoded {
        let mut bad = Vec::new();
        let Some(column) = &mut self.column else { return Decoded { columns: Vec::new(), bad } };
        for row in 0..payloads.len() {
            if payloads.is_null(row) {
                column.append_null();
            } else if let Err(message) = read(column, payloads.value(row)) {
                bad.push((row, message));
                column.append_null();
            }
        }
        let column = column.finish();
        Decoded { columns: vec![column; self.outputs], bad }
    }
}

fn read(column: &mut ColumnBuilder, payload: &[u8]) -> Result<(), String> {
    let size = |name: &str, size: usize| format!("Size of data received by {name}Deserializer is not {size}");
    match &mut column.values {
        Values::Int(values) => {
            values.push(i32::from_be_bytes(payload.try_into().map_err(|_| size("Integer", 4))?));
        }
        Values::Long(values) => values.push(i64::from_be_bytes(payload.try_into().map_err(|_| size("Long", 8))?)),
        Values::Double(values) => {
            values.push(f64::from_be_bytes(payload.try_into().map_err(|_| size("Double", 8))?));
        }
        Values::Bytes(bytes) => {
            match std::str::from_utf8(payload) {
                // As Java does, what is no UTF-8 is replaced, not refused.
                Err(_) if column.ty == SqlType::String => {
                    bytes.data.extend_from_slice(String::from_utf8_lossy(payload).as_bytes());
                }
                _ => bytes.data.extend_from_slice(payload),
            }
            bytes.end().map_err(|error| error.to_string())?;
        }
        _ => return Err(format!("The 'KAFKA' format does not support type '{}'", base_type(&column.ty))),
    }
    column.mark_present();
    Ok(())
}

struct KafkaEncoder {
    /// Type of the column, if there is one.
    ty: Option<SqlType>,
}

impl Encode for KafkaEncoder {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        let (Some(column), Some(ty)) = (columns.first(), &self.ty) else {
            return Ok(BinaryArray::new_null(row_count(columns, present)));
        };
        let mut out = BinaryBuilder::with_capacity(column.len(), column.len() * 8);
        for row in 0..column.len() {
            if column.is_null(row) || present.is_some_and(|present| !present.value(row)) {
                out.append_null();
                continue;
            }
            match ty {
                SqlType::Integer => out.append_value(column.as_primitive::<Int32Type>().value(row).to_be_bytes()),
                SqlType::Bigint => out.append_value(column.as_primitive::<Int64Type>().value(row).to_be_bytes()),
                SqlType::Double => {
                    out.append_value(column.as_primitive::<Float64Type>().value(row).to_be_bytes());
                }
                SqlType::String => out.append_value(column.as_string::<i32>().value(row)),
                SqlType::Bytes => out.append_value(column.as_binary::<i32>().value(row)),
                _ => {
                    let message = format!("The 'KAFKA' format does not support type '{}'", base_type(ty));
                    return Err(FormatError::Encode(message));
                }
            }
        }
        Ok(out.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, StringArray};

    use super::*;

    fn decode(ty: SqlType, payloads: &[Option<&[u8]>]) -> Decoded {
        let columns = [Column::new("K", ty)];
        let spec = FormatSpec::plain("KAFKA", false);
        Kafka.decoder(&spec, &columns, &[0], &Half::bare(true)).unwrap().decode(&BinaryArray::from(payloads.to_vec()))
    }

    #[test]
    fn numbers_are_big_endian_of_their_exact_size() {
        let decoded = decode(SqlType::Integer, &[Some(&[0, 0, 1, 2]), None, Some(b"x"), Some(&[255; 4])]);
        let expected: ArrayRef = Arc::new(Int32Array::from(vec![Some(258), None, None, Some(-1)]));
        assert_eq!(&decoded.columns[0], &expected);
        assert_eq!(decoded.bad, [(2, "Size of data received by IntegerDeserializer is not 4".to_owned())]);
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
        let bytes = KafkaEncoder { ty: Some(SqlType::Double) }.encode(&[doubles], None).unwrap();
        assert_eq!(bytes.value(0), [0x3F, 0xF8, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn text_is_raw() {
        let decoded = decode(SqlType::String, &[Some(b""), Some(b"a\xFFb"), Some("é".as_bytes())]);
        let expected: ArrayRef = Arc::new(StringArray::from(vec!["", "a\u{FFFD}b", "é"]));
        assert_eq!(&decoded.columns[0], &expected);
        let absent = BooleanBuffer::from(vec![true, false, true]);
        let bytes = KafkaEncoder { ty: Some(SqlType::String) }.encode(&[expected], Some(&absent)).unwrap();
        assert!(bytes.is_null(1));
        assert_eq!(bytes.value(0), b"");
    }

    #[test]
    fn one_column_of_a_simple_type() {
        let two = [Column::new("A", SqlType::Integer), Column::new("B", SqlType::String)];
        let error = Kafka.validate(&two, true).unwrap_err().to_string();
        assert_eq!(
            error,
            "Key format does not support schema.\nformat: KAFKA\n\
             schema: Persistence{columns=[`A` INTEGER KEY, `B` STRING KEY], features=[]}\n\
             reason: The 'KAFKA' format only supports a single field. Got: [`A` INTEGER KEY, `B` STRING KEY]"
        );
        assert!(Kafka.validate(&[Column::new("A", SqlType::Boolean)], false).is_err());
    }
}
