//! What records may become in columns beyond their own bytes: a few bytes can stand for many NULLs, for long names of an
//! enum, or be walked over again and again.

use std::cell::Cell;

use arrow::array::BinaryArray;

/// Bytes that one record may grow by.
const RECORD_MAX: usize = 256 << 20;

/// Bytes that the records of a batch may grow by, and how many times their own bytes on top.
const BATCH_MAX: usize = 4 * RECORD_MAX;
const TIMES: usize = 64;

/// The most that one plain value takes in a column, besides the bytes of a text.
pub(super) const VALUE_BYTES: usize = 16;

/// What the record that is read, and its batch, may still grow by.
pub(super) struct Growth {
    record: Cell<usize>,
    batch: Cell<usize>,
}

/// What records become is too large.
#[derive(Debug, thiserror::Error)]
pub(super) enum TooLarge {
    /// A record grows beyond what it may.
    #[error("The record becomes more than {RECORD_MAX} bytes")]
    Record,
    /// Positions within a column do not reach so far.
    #[error("The records of a batch become more than {} bytes of a column", i32::MAX)]
    Column,
}

impl Growth {
    /// For the records of a batch.
    pub(super) fn of(payloads: &BinaryArray) -> Self {
        let own = payloads.value_data().len();
        // No column becomes larger than positions within it can say.
        let most = (i32::MAX as usize).saturating_sub(own);
        let batch = BATCH_MAX.saturating_add(own.saturating_mul(TIMES)).min(most);
        Self { record: Cell::new(RECORD_MAX), batch: Cell::new(batch) }
    }

    /// The next record begins.
    pub(super) fn start(&self) {
        self.record.set(RECORD_MAX);
    }

    /// The record was bad: its batch has again what it took.
    pub(super) fn give_back(&self) {
        self.batch.set(self.batch.get() + RECORD_MAX - self.record.get());
        self.start();
    }

    /// Takes so many bytes.
    pub(super) fn take(&self, bytes: usize) -> Result<(), TooLarge> {
        match (self.record.get().checked_sub(bytes), self.batch.get().checked_sub(bytes)) {
            (Some(record), Some(batch)) => {
                self.record.set(record);
                self.batch.set(batch);
                Ok(())
            }
            _ => Err(TooLarge::Record),
        }
    }

    /// Bytes are walked over once more.
    pub(super) fn take_walk(&self, bytes: usize) -> Result<(), TooLarge> {
        self.take(1024 + bytes / 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_no_more_than_it_may_and_a_bad_one_gives_it_back() {
        let growth = Growth::of(&BinaryArray::from_vec(vec![]));
        for _ in 0..20 {
            growth.start();
            assert!(growth.take(RECORD_MAX).is_ok() && growth.take(1).is_err());
            growth.give_back();
        }
        for _ in 0..4 {
            growth.start();
            growth.take(RECORD_MAX).unwrap();
        }
        growth.start();
        assert!(growth.take(1).is_err(), "the batch has taken all");
    }
}
