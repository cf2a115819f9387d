//! Which partition a record goes to: Kafka's default partitioner, so that keys land where Java producers put them.

use arrow::array::BinaryArray;

use crate::log::{LogError, Records, Result};

/// Kafka's 32-bit murmur2 over a serialised key.
pub fn murmur2(key: &[u8]) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c_u32 ^ key.len() as u32;
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0_u32, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ hash >> 15) as i32
}

/// The partition of a record with that key in a topic of `partitions` (at least 1) partitions.
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) as u32 & 0x7fff_ffff) % partitions.max(1)
}

/// Places records; remembers whose turn it is for records without a key.
#[derive(Debug, Clone, Default)]
pub struct Partitioner {
    turn: u32,
}

impl Partitioner {
    /// The partition of one record: by its key, or the next one in turn when it has none.
    pub fn place(&mut self, key: Option<&[u8]>, partitions: u32) -> u32 {
        match key {
            Some(key) => partition_for(key, partitions),
            None => {
                let turn = self.turn % partitions.max(1);
                self.turn = turn + 1;
                turn
            }
        }
    }

    /// The partition of every record of a batch.
    pub fn place_all(&mut self, keys: &BinaryArray, partitions: u32) -> Vec<u32> {
        keys.iter().map(|key| self.place(key, partitions)).collect()
    }

    /// Splits a batch by partition; the order of records within each partition is kept. Partitions without records are
    /// left out.
    ///
    /// # Errors
    /// [`LogError::Invalid`] unless all columns are of one length.
    pub fn split(&mut self, records: Records, partitions: u32) -> Result<Vec<(u32, Records)>> {
        let places = self.place_all(&records.keys, partitions);
        records.split(&places, partitions).map_err(|error| LogError::Invalid(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::RecordsBuilder;

    #[test]
    fn hashes_like_kafkas_utils() {
        // the pairs of Apache Kafka's UtilsTest
        let known: [(&[u8], i32); 7] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
            (b"", 275_646_681),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key), hash, "{}", String::from_utf8_lossy(key));
        }
    }

    #[test]
    fn split_keeps_order_and_goes_round_for_null_keys() {
        let mut builder = RecordsBuilder::default();
        for i in 0..6_i64 {
            builder.push(i, None, Some(&[i as u8]));
        }
        let parts = Partitioner::default().split(builder.finish(), 4).unwrap();
        let rows: Vec<_> = parts.iter().map(|(place, part)| (*place, part.timestamps.to_vec())).collect();
        assert_eq!(rows, [(0, vec![0, 4]), (1, vec![1, 5]), (2, vec![2]), (3, vec![3])]);
    }
}
