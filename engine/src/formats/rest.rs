//! Values as the REST API shows them in rows. They differ from records in Kafka: TIME, DATE and TIMESTAMP are texts,
//! except inside a STRUCT, where they are numbers and decimals lose their trailing zeros.

use arrow::array::{Array, ArrayRef};

use super::json::value::{Dialect, ValueWriter};

/// Writes the rows of a batch.
pub struct RestRows<'a> {
    columns: Vec<ValueWriter<'a>>,
}

impl<'a> RestRows<'a> {
    /// A writer of rows of these columns, in this order.
    pub fn new(columns: impl IntoIterator<Item = &'a ArrayRef>) -> Self {
        Self { columns: columns.into_iter().map(|column| ValueWriter::new(column, Dialect::Rest)).collect() }
    }

    /// Appends row `row` as a JSON array: `[1,"a",null]`.
    pub fn write_row(&self, row: usize, out: &mut String) {
        out.push('[');
        for (i, column) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            column.write(row, out);
        }
        out.push(']');
    }

    /// Appends the value of one column.
    pub fn write_value(&self, column: usize, row: usize, out: &mut String) {
        match self.columns.get(column) {
            Some(column) => column.write(row, out),
            None => out.push_str("null"),
        }
    }
}

/// Appends one value as JSON. For whole batches take [`RestRows`], which looks at the type once.
pub fn write_rest_value(column: &dyn Array, row: usize, out: &mut String) {
    ValueWriter::new(column, Dialect::Rest).write(row, out);
}

/// One value as a JSON value.
pub fn rest_value(column: &dyn Array, row: usize) -> serde_json::Value {
    let mut text = String::new();
    write_rest_value(column, row, &mut text);
    serde_json::from_str(&text).unwrap_or(serde_json::Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SqlType, Value};

    fn rest(ty: &SqlType, value: Value) -> String {
        let mut out = String::new();
        write_rest_value(&Value::column(ty, &[value]), 0, &mut out);
        out
    }

    #[test]
    fn times_are_text_except_in_structs() {
        let decimal = SqlType::Decimal { precision: 6, scale: 2 };
        assert_eq!(rest(&SqlType::Timestamp, Value::Timestamp(1_612_325_106_007)), "\"2021-02-03T04:05:06.007\"");
        assert_eq!(rest(&SqlType::Date, Value::Date(18661)), "\"2021-02-03\"");
        assert_eq!(rest(&SqlType::Time, Value::Time(3_720_000)), "\"01:02\"");
        assert_eq!(rest(&decimal, Value::Decimal(110, 2)), "1.10");
        assert_eq!(rest(&SqlType::Double, Value::Double(f64::NAN)), "\"NaN\"");
        assert_eq!(rest(&SqlType::Bytes, Value::Bytes(b"hello".to_vec())), "\"aGVsbG8=\"");
        let times = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Time));
        let entries = vec![(Value::String("x".to_owned()), Value::Time(3_720_000))];
        assert_eq!(rest(&times, Value::Map(entries)), "{\"x\":\"01:02\"}");
        let inner = SqlType::Struct(vec![
            ("N".to_owned(), decimal.clone()),
            ("T".to_owned(), SqlType::Timestamp),
            ("D".to_owned(), SqlType::Date.array_of()),
        ]);
        let value = Value::Struct(vec![
            Value::Decimal(110, 2),
            Value::Timestamp(1_612_325_106_000),
            Value::Array(vec![Value::Date(18661)]),
        ]);
        assert_eq!(rest(&inner, value), "{\"N\":1.1,\"T\":1612325106000,\"D\":[18661]}");
        assert_eq!(rest(&decimal.array_of(), Value::Array(vec![Value::Decimal(110, 2), Value::Null])), "[1.10,null]");
    }
}
