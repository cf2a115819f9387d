//! A batch as it lies in a segment file: a header of 64 bytes, then the payload, compressed when that makes it smaller.
//!
//! ```text
//!  0 magic "MSB1"   4 CRC of bytes 8..64   8 stored payload bytes   12 payload bytes
//! 16 base offset (i64)                     24 records               28 headers (of records)
//! 32 flags          36 CRC of the stored payload                    40 greatest timestamp (i64)
//! 48 commit group (u64)                    56 offsets covered       60 tombstones stay until
//! ```
//!
//! Compaction leaves batches that cover more offsets than they have records, so that batches follow each other without
//! gaps. They hold their records' offsets; `tombstones stay until` is in seconds since the epoch. Both are 0 in batches as
//! they were appended.

use arrow::buffer::{Buffer, MutableBuffer};
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

use crate::log::embedded::batch::{Batch, SHAPES, Shape, records};

/// Bytes of a header.
pub(super) const HEADER: usize = 64;

const MAGIC: [u8; 4] = *b"MSB1";
/// Payloads below this are not worth compressing.
const COMPRESS_FROM: usize = 128;
/// Flag of a compressed payload; the lower flags are the shape's.
const LZ4: u32 = 1 << 16;

/// The header of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the payload as it is stored.
    pub(super) stored: usize,
    /// Offset of the first record.
    pub(super) base: i64,
    /// Which group of commits wrote it.
    pub(super) group: u64,
    /// Until when compaction keeps its tombstones, in seconds since the epoch; 0: compaction has not seen it, or it has none.
    pub(super) tombstones_until: u32,
    covered: u32,
    bytes: usize,
    shape: Shape,
    lz4: bool,
    payload_crc: u32,
}

/// A frame that lacks only its place.
pub(super) fn frame(payload: &Buffer, shape: Shape, max_timestamp: i64) -> Vec<u8> {
    let mut frame = vec![0; HEADER];
    let mut flags = shape.flags;
    if payload.len() >= COMPRESS_FROM {
        frame.resize(HEADER + get_maximum_output_size(payload.len()), 0);
        let space = frame.get_mut(HEADER..).unwrap_or_default();
        match compress_into(payload, space) {
            Ok(size) if size < payload.len() => {
                frame.truncate(HEADER + size);
                flags |= LZ4;
            }
            _ => frame.truncate(HEADER),
        }
    }
    if flags & LZ4 == 0 {
        frame.extend_from_slice(payload);
    }
    let stored = frame.get(HEADER..).unwrap_or_default();
    let (size, crc) = (stored.len() as u32, crc32fast::hash(stored));
    put(&mut frame, 0, MAGIC);
    put(&mut frame, 8, size.to_le_bytes());
    put(&mut frame, 12, (payload.len() as u32).to_le_bytes());
    put(&mut frame, 24, shape.records.to_le_bytes());
    put(&mut frame, 28, shape.headers.to_le_bytes());
    put(&mut frame, 32, flags.to_le_bytes());
    put(&mut frame, 36, crc.to_le_bytes());
    put(&mut frame, 40, max_timestamp.to_le_bytes());
    frame
}

/// Makes it the frame of a compacted batch that stands for so many offsets.
pub(super) fn cover(frame: &mut [u8], offsets: u32, tombstones_until: u32) {
    put(frame, 56, offsets.to_le_bytes());
    put(frame, 60, tombstones_until.to_le_bytes());
}

/// Gives a frame its place.
pub(super) fn place(frame: &mut [u8], base: i64, group: u64) {
    put(frame, 16, base.to_le_bytes());
    put(frame, 48, group.to_le_bytes());
    let crc = crc32fast::hash(frame.get(8..HEADER).unwrap_or_default());
    put(frame, 4, crc.to_le_bytes());
}

fn put<const N: usize>(frame: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(place) = frame.get_mut(at..at + N) {
        place.copy_from_slice(&bytes);
    }
}

fn get<const N: usize>(bytes: &[u8; HEADER], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}

impl Header {
    /// Reads a header. The error says what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, String> {
        let bytes: &[u8; HEADER] = bytes.try_into().map_err(|_| "a batch header is cut off")?;
        if get::<4>(bytes, 0) != MAGIC {
            return Err("there is no batch".to_owned());
        }
        if crc32fast::hash(bytes.get(8..).unwrap_or_default()) != u32::from_le_bytes(get(bytes, 4)) {
            return Err("the checksum of a batch header is wrong".to_owned());
        }
        let number = |at| u32::from_le_bytes(get(bytes, at));
        let flags = number(32);
        if flags & !(SHAPES | LZ4) != 0 {
            return Err("a batch is of a kind this version does not know".to_owned());
        }
        Ok(Header {
            stored: number(8) as usize,
            bytes: number(12) as usize,
            base: i64::from_le_bytes(get(bytes, 16)),
            group: u64::from_le_bytes(get(bytes, 48)),
            shape: Shape { records: number(24), headers: number(28), flags: flags & !LZ4 },
            lz4: flags & LZ4 != 0,
            covered: number(56),
            tombstones_until: number(60),
            payload_crc: number(36),
        })
    }

    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(&self) -> usize {
        HEADER + self.stored
    }

    /// The offset at which the next batch begins.
    pub(super) fn end(&self) -> i64 {
        self.base + i64::from(if self.covered == 0 { self.shape.records } else { self.covered })
    }

    /// Checks and decodes the payload.
    pub(super) fn decode(&self, stored: &[u8]) -> Result<Batch, String> {
        if crc32fast::hash(stored) != self.payload_crc || stored.len() != self.stored {
            return Err("the checksum of a batch is wrong".to_owned());
        }
        // copied or decompressed into memory aligned for Arrow
        let mut payload = MutableBuffer::with_capacity(self.bytes);
        if self.lz4 {
            payload.resize(self.bytes, 0);
            let size = decompress_into(stored, &mut payload).map_err(|error| error.to_string())?;
            payload.truncate(size);
        } else {
            payload.extend_from_slice(stored);
        }
        let (records, offsets) = records(&payload.into(), self.shape)?;
        Batch::new(self.base, records, self.bytes).compacted(offsets.as_deref(), self.covered)
    }
}
