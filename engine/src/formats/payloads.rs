//! The payloads of a batch under construction: one buffer and where each record ends.

use arrow::array::{BinaryArray, NullBufferBuilder};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};

use super::FormatError;
use crate::schemas::HEADER_BYTES;

/// Append a record to `data`, then call [`Payloads::end_row`]; or [`Payloads::end_null`] for a null payload.
pub(super) struct Payloads<Data> {
    /// All payloads, one after the other.
    pub(super) data: Data,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Payloads<String> {
    /// Writes the header to the first bytes of each record, which were kept free for it.
    pub(super) fn put_headers(self, header: [u8; HEADER_BYTES]) -> Payloads<Vec<u8>> {
        let mut data = self.data.into_bytes();
        for pair in self.offsets.windows(2) {
            let record = data.get_mut(pair[0] as usize..pair[1] as usize);
            if let Some(place) = record.and_then(|record| record.first_chunk_mut()) {
                *place = header;
            }
        }
        Payloads { data, offsets: self.offsets, nulls: self.nulls }
    }
}

impl<Data: AsRef<[u8]> + Into<Vec<u8>>> Payloads<Data> {
    /// Room for `rows` records in an empty buffer: a `String` for text, a `Vec<u8>` for other bytes.
    pub(super) fn new(rows: usize, data: Data) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { data, offsets, nulls: NullBufferBuilder::new(rows) }
    }

    /// The record is complete.
    pub(super) fn end_row(&mut self) {
        self.offsets.push(self.data.as_ref().len() as i32);
        self.nulls.append_non_null();
    }

    /// The record is a null payload.
    pub(super) fn end_null(&mut self) {
        self.offsets.push(self.data.as_ref().len() as i32);
        self.nulls.append_null();
    }

    /// All payloads, or an error if they do not fit into one array (2 GiB).
    pub(super) fn finish(mut self) -> Result<BinaryArray, FormatError> {
        if i32::try_from(self.data.as_ref().len()).is_err() {
            return Err(FormatError::Encode("a batch of records is larger than 2 GiB".to_owned()));
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        BinaryArray::try_new(offsets, Buffer::from_vec(self.data.into()), self.nulls.finish())
            .map_err(|error| FormatError::Encode(error.to_string()))
    }
}
