//! Keys as bytes: how stores find rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use crate::formats::{Encode, FormatError, FormatSpec, Half, known_format};
use crate::kv::KvError;
use crate::types::{Changes, Column};

use super::OperatorError;

/// The form of keys in stores, whatever topics hold: every key has bytes of its own, and they give the key back.
///
/// It is that of KAFKA where a step's keys are written so, else that of JSON: the order of their bytes is the order of
/// ksqlDB's scans. DELIMITED will not do, as it reads an empty text as NULL.
#[derive(Debug, Clone)]
pub(crate) struct KeyForm {
    spec: FormatSpec,
    columns: Arc<[Column]>,
}

impl KeyForm {
    /// The form of keys of these columns in the stores of a step whose keys are written in `key_format`.
    pub(crate) fn new(key_format: &FormatSpec, columns: &[Column]) -> Self {
        let spec = match key_format.name.as_str() {
            "KAFKA" | "NONE" => key_format.clone(),
            _ => FormatSpec::plain("JSON", columns.len() != 1),
        };
        Self { spec, columns: columns.into() }
    }

    /// Serialises keys of this form.
    pub(crate) fn encoder(&self) -> Result<Box<dyn Encode>, FormatError> {
        known_format(&self.spec.name)?.encoder(&self.spec, &self.columns, &Half::bare(true))
    }

    /// One key per row.
    pub(super) fn encode(&self, key: &[ArrayRef]) -> Result<BinaryArray, KvError> {
        let encoded = self.encoder().and_then(|mut encoder| encoder.encode(key, None));
        encoded.map_err(|error| KvError::Store(error.to_string()))
    }

    /// The key columns of serialised keys.
    pub(super) fn decode(&self, keys: &BinaryArray) -> Result<Vec<ArrayRef>, KvError> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let decoder = known_format(&self.spec.name)
            .and_then(|format| format.decoder(&self.spec, &self.columns, &all, &Half::bare(true)))
            .map_err(|error| KvError::Store(error.to_string()));
        let decoded = decoder?.decode(keys);
        match decoded.bad.into_iter().next() {
            None => Ok(decoded.columns),
            Some((_, problem)) => Err(KvError::Corrupt { file: "the keys of a table's state".to_owned(), problem }),
        }
    }
}

/// Serialises keys for a store.
pub(super) struct KeyBytes {
    form: KeyForm,
    encode: Box<dyn Encode>,
}

impl KeyBytes {
    /// Keys of that form.
    pub(super) fn new(form: KeyForm) -> Result<Self, OperatorError> {
        Ok(Self { encode: form.encoder()?, form })
    }

    /// The form.
    pub(super) fn form(&self) -> &KeyForm {
        &self.form
    }

    /// One key per row; null where every key column is NULL.
    pub(super) fn of_rows(&mut self, rows: &Changes) -> Result<BinaryArray, OperatorError> {
        let key = &rows.key;
        let present = key.iter().all(|column| column.null_count() > 0).then(|| {
            (0..rows.len()).map(|row| key.iter().any(|column| column.is_valid(row))).collect::<BooleanBuffer>()
        });
        Ok(self.encode.encode(key, present.as_ref())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SqlType, Value};

    fn spec(name: &str) -> FormatSpec {
        FormatSpec::plain(name, false)
    }

    /// Writes the keys, whose columns go by `names`, and reads them back.
    fn check(format: &str, types: &[(&str, SqlType)], keys: &[Vec<Value>]) {
        let columns: Vec<Column> = types.iter().map(|(name, ty)| Column::new(*name, ty.clone())).collect();
        let form = KeyForm::new(&spec(format), &columns);
        let column = |(at, column): (usize, &Column)| {
            Value::column(&column.ty, &keys.iter().map(|key| key[at].clone()).collect::<Vec<_>>())
        };
        let arrays: Vec<ArrayRef> = columns.iter().enumerate().map(column).collect();
        let bytes = form.encode(&arrays).unwrap();
        let mut distinct: Vec<_> = bytes.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len(), "{format}: {bytes:?}");
        let read = form.decode(&bytes).unwrap();
        for (row, key) in keys.iter().enumerate() {
            let found: Vec<Value> = read.iter().map(|column| Value::at(column, row)).collect();
            assert_eq!(found, *key, "{format}: {:?}", bytes.value(row));
        }
    }

    #[test]
    fn every_key_has_bytes_of_its_own_and_comes_back_from_them() {
        let text = |text: &str| Value::String(text.to_owned());
        for format in ["KAFKA", "JSON", "DELIMITED"] {
            let texts = ["", "a", ",", "\"", "null", "a,b", " ", "\n", "é", "12", "{\"A\":1}"];
            check(format, &[("A", SqlType::String)], &texts.map(|a| vec![text(a)]));
            let doubles = [0.0, -1.5, 1.5, 1e300, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY];
            check(format, &[("A", SqlType::Double)], &doubles.map(|n| vec![Value::Double(n)]));
            let longs = [0, -1, i64::MIN, i64::MAX];
            check(format, &[("A", SqlType::Bigint)], &longs.map(|n| vec![Value::Bigint(n)]));
            let bytes = [vec![], vec![0], vec![0, 255], b"AA==".to_vec()];
            check(format, &[("A", SqlType::Bytes)], &bytes.map(|bytes| vec![Value::Bytes(bytes)]));
        }
    }

    #[test]
    fn so_do_keys_of_several_columns() {
        let text = |text: &str| Value::String(text.to_owned());
        let types =
            [("a", SqlType::String), ("A", SqlType::String), ("B", SqlType::Decimal { precision: 4, scale: 2 })];
        let keys = [("x", "y"), ("y", "x"), ("", "x"), ("x", ""), ("x,y", ""), ("x", ",y"), ("\"", "\\")];
        let keys = keys.into_iter().flat_map(|(a, b)| {
            [Value::Null, Value::Decimal(150, 2), Value::Decimal(15, 2)].map(|n| vec![text(a), text(b), n])
        });
        let nulls = vec![Value::Null, text("x"), Value::Null];
        let keys: Vec<Vec<Value>> = keys.chain([nulls]).collect();
        for format in ["JSON", "DELIMITED"] {
            check(format, &types, &keys);
        }
    }

    #[test]
    fn and_keys_of_any_other_type() {
        let fields = vec![("x".to_owned(), SqlType::Integer), ("X".to_owned(), SqlType::String)];
        let value = |x, text: &str| Value::Struct(vec![Value::Integer(x), Value::String(text.to_owned())]);
        let types = [
            ("A", SqlType::Boolean),
            ("B", SqlType::Time),
            ("C", SqlType::Date),
            ("D", SqlType::Timestamp),
            ("E", SqlType::Integer.array_of()),
            ("F", SqlType::Struct(fields)),
        ];
        let key = |n: i32, items: Vec<Value>| {
            let (date, at) = (Value::Date(n), Value::Timestamp(i64::from(n)));
            vec![Value::Boolean(n > 0), Value::Time(n.abs()), date, at, Value::Array(items), value(n, "x")]
        };
        let keys = [key(1, vec![]), key(-1, vec![Value::Null]), key(86_399_999, vec![Value::Integer(1)])];
        check("JSON", &types, &keys);
    }
}
