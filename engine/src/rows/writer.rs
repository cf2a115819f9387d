//! Rows of columns → what a client gets of them.

use arrow::array::ArrayRef;

use crate::formats::FormatError;
use crate::formats::protobuf::MessageWriter;
use crate::formats::rest::RestRows;

use super::RowBatch;

/// How the rows of a query are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowFormat {
    /// A JSON array of the columns.
    #[default]
    Json,
    /// A Protobuf message of [`crate::formats::protobuf::schema_text`].
    Protobuf,
}

/// Writes rows of a batch of columns.
pub(crate) struct RowWriter<'a> {
    json: RestRows<'a>,
    /// Texts of rows; only of the last tombstone where rows are messages.
    text: String,
    messages: Option<MessageWriter<'a>>,
    batch: RowBatch,
}

impl<'a> RowWriter<'a> {
    /// A writer of rows of these columns.
    pub(crate) fn new(format: RowFormat, columns: &'a [ArrayRef]) -> Self {
        let messages = (format == RowFormat::Protobuf).then(|| MessageWriter::new(columns));
        Self { json: RestRows::new(columns), text: String::new(), messages, batch: RowBatch::default() }
    }

    /// Writes a row. Tombstones are JSON in any format.
    ///
    /// # Errors
    /// The row holds what its format cannot; it is left out.
    pub(crate) fn write(&mut self, row: usize, is_tombstone: bool) -> Result<(), FormatError> {
        let end = match &self.messages {
            None => {
                self.json.write_row(row, &mut self.text);
                self.text.len()
            }
            Some(_) if is_tombstone => {
                self.text.clear();
                self.json.write_row(row, &mut self.text);
                self.batch.data.extend_from_slice(self.text.as_bytes());
                self.batch.data.len()
            }
            Some(messages) => {
                let start = self.batch.data.len();
                if let Err(error) = messages.write(row, &mut self.batch.data) {
                    self.batch.data.truncate(start);
                    return Err(error);
                }
                self.batch.data.len()
            }
        };
        self.batch.ends.push(end);
        self.batch.tombstones.push(is_tombstone);
        Ok(())
    }

    /// What was written.
    pub(crate) fn finish(mut self) -> RowBatch {
        if self.messages.is_none() {
            self.batch.data = self.text.into_bytes();
        }
        self.batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SqlType, Value};

    #[test]
    fn rows_are_messages_tombstones_are_not_and_bad_rows_leave_nothing() {
        let array = |value| Value::Array(vec![value]);
        let columns = [
            Value::column(&SqlType::Integer, &[Value::Integer(1), Value::Integer(2), Value::Integer(3)]),
            Value::column(&SqlType::Integer.array_of(), &[array(Value::Integer(5)), array(Value::Null), Value::Null]),
        ];
        let mut writer = RowWriter::new(RowFormat::Protobuf, &columns);
        writer.write(0, false).unwrap();
        writer.write(1, false).unwrap_err();
        writer.write(2, true).unwrap();
        writer.write(2, false).unwrap();
        let batch = writer.finish();
        let rows: Vec<(&[u8], bool)> = batch.iter().collect();
        assert_eq!(rows, [(&[8, 1, 18, 1, 5][..], false), (&b"[3,null]"[..], true), (&[8, 3][..], false)]);
        let mut writer = RowWriter::new(RowFormat::Json, &columns);
        writer.write(1, false).unwrap();
        assert_eq!(writer.finish().iter().next(), Some((&b"[2,[null]]"[..], false)));
    }
}
