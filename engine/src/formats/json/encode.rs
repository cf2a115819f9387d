//! Columns to JSON: all records of a batch into one buffer.

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::value::{Dialect, ValueWriter, field_prefixes};
use crate::formats::payloads::Payloads;
use crate::formats::{Encode, FormatError, row_count};
use crate::schemas::HEADER_BYTES;
use crate::types::Column;

/// What is left for a header is overwritten.
const ROOM: &str = match str::from_utf8(&[0; HEADER_BYTES]) {
    Ok(room) => room,
    Err(_) => "",
};

/// Encodes records as objects of columns, or as the bare value of the only column.
pub(in crate::formats) struct JsonEncoder {
    wrapped: bool,
    dialect: Dialect,
    /// `{"A":`, `,"B":` …
    prefixes: Vec<String>,
    /// What stands behind the columns: `,"C":null}`, or `}` alone.
    end: String,
    /// Whether room is left for a header before each record.
    after_header: bool,
    /// Bytes of the last batch, a guess for the next one.
    capacity: usize,
}

impl JsonEncoder {
    /// An encoder of `columns`.
    pub(super) fn new(columns: &[Column], wrapped: bool, dialect: Dialect) -> Self {
        let prefixes = field_prefixes(columns.iter().map(|column| column.name.as_str()));
        let end = if prefixes.is_empty() { "{}" } else { "}" }.to_owned();
        Self { wrapped, dialect, prefixes, end, after_header: false, capacity: 0 }
    }

    /// Writes NULL fields of these names behind the columns.
    pub(in crate::formats) fn and_nulls<'a>(mut self, names: impl Iterator<Item = &'a str>) -> Self {
        let written = field_prefixes(self.prefixes.iter().map(|_| "").chain(names));
        self.end = written.iter().skip(self.prefixes.len()).map(|prefix| format!("{prefix}null")).collect();
        self.end.push_str(if written.is_empty() { "{}" } else { "}" });
        self
    }

    /// Leaves room for a header before each record ([`Payloads::put_headers`]).
    pub(in crate::formats) fn after_header(mut self) -> Self {
        self.after_header = true;
        self
    }

    /// The records as text.
    pub(in crate::formats) fn write(
        &mut self,
        columns: &[ArrayRef],
        present: Option<&BooleanBuffer>,
    ) -> Payloads<String> {
        let rows = row_count(columns, present);
        let writers: Vec<_> = columns.iter().map(|column| ValueWriter::new(column, self.dialect)).collect();
        let mut payloads = Payloads::new(rows, String::with_capacity(self.capacity));
        let bare = if self.wrapped { None } else { writers.first() };
        for row in 0..rows {
            let is_present = present.is_none_or(|present| present.value(row));
            match bare {
                // A bare NULL is the same as no record.
                Some(writer) if is_present && !writer.is_null(row) => {
                    self.start(&mut payloads.data);
                    writer.write(row, &mut payloads.data);
                    payloads.end_row();
                }
                None if is_present => {
                    self.start(&mut payloads.data);
                    for (prefix, writer) in self.prefixes.iter().zip(&writers) {
                        payloads.data.push_str(prefix);
                        writer.write(row, &mut payloads.data);
                    }
                    payloads.data.push_str(&self.end);
                    payloads.end_row();
                }
                _ => payloads.end_null(),
            }
        }
        self.capacity = payloads.data.len();
        payloads
    }

    #[inline]
    fn start(&self, out: &mut String) {
        if self.after_header {
            out.push_str(ROOM);
        }
    }
}

impl Encode for JsonEncoder {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        self.write(columns, present).finish()
    }
}
