//! COUNT_DISTINCT

use std::cell::RefCell;
use std::collections::BTreeSet;

use arrow::array::{ArrayRef, Int64Builder};

use super::rows::Rows;
use super::{AggregateError, Function};
use crate::types::row::{BadRow, get_u64, put_u64, put_value, take};

/// Different values up to which they are counted exactly.
const EXACT: usize = 1024;
/// Registers of the sketch: as many as ksqlDB's, for an error of about 0.8 %.
const REGISTERS: usize = 1 << 14;

/// How many different values that are not NULL: exactly while they are few, by HyperLogLog after that.
pub(super) struct CountDistinct;

/// What was seen of a group.
pub(super) enum Seen {
    Hashes(BTreeSet<u64>),
    Sketch(Sketch),
}

impl Seen {
    fn insert(&mut self, hash: u64) {
        match self {
            Self::Hashes(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    let mut sketch = Sketch::new(vec![0; REGISTERS].into());
                    hashes.iter().for_each(|&hash| sketch.insert(hash));
                    *self = Self::Sketch(sketch);
                }
            }
            Self::Sketch(sketch) => sketch.insert(hash),
        }
    }

    fn count(&self) -> i64 {
        match self {
            Self::Hashes(hashes) => hashes.len() as i64,
            Self::Sketch(sketch) => sketch.estimate(),
        }
    }
}

/// HyperLogLog. Every row asks for the estimate, so what it is made of is kept up to date.
pub(super) struct Sketch {
    /// Greatest number of leading zeros, plus 1, of the hashes of each register; at most [`MOST_ZEROS`].
    registers: Box<[u8]>,
    /// Sum over the registers of 2^-zeros, in units of 2^-[`MOST_ZEROS`].
    sum: u128,
    /// Registers without any hash.
    empty: usize,
}

/// 50 bits of a hash are looked at.
const MOST_ZEROS: u8 = 51;

impl Sketch {
    fn new(registers: Box<[u8]>) -> Self {
        let sum = registers.iter().map(|&zeros| weight(zeros)).sum();
        let empty = registers.iter().filter(|&&zeros| zeros == 0).count();
        Self { registers, sum, empty }
    }

    fn insert(&mut self, hash: u64) {
        let zeros = (hash << 14 | 1 << 13).leading_zeros() as u8 + 1;
        self.raise((hash >> 50) as usize, zeros);
    }

    fn raise(&mut self, register: usize, zeros: u8) {
        if let Some(old) = self.registers.get_mut(register).filter(|old| **old < zeros) {
            self.sum = self.sum - weight(*old) + weight(zeros);
            self.empty -= usize::from(*old == 0);
            *old = zeros;
        }
    }

    fn estimate(&self) -> i64 {
        let m = REGISTERS as f64;
        let sum = self.sum as f64 / f64::from(MOST_ZEROS).exp2();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let linear = raw <= 2.5 * m && self.empty > 0;
        (if linear { m * (m / self.empty as f64).ln() } else { raw }).round() as i64
    }
}

fn weight(zeros: u8) -> u128 {
    1 << MOST_ZEROS.saturating_sub(zeros)
}

/// FNV-1a with a final mix: the same on every machine and in every version, since hashes are stored.
fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

impl Function for CountDistinct {
    type State = Seen;
    /// And room for a value's bytes.
    type Args<'a> = (Rows<'a>, RefCell<Vec<u8>>);
    type Out = Int64Builder;

    fn init(&self) -> Seen {
        Seen::Hashes(BTreeSet::new())
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError> {
        Ok((Rows::new(columns)?, RefCell::default()))
    }

    fn add(&self, state: &mut Seen, (rows, bytes): &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if !rows.is_null(row) {
            let mut bytes = bytes.borrow_mut();
            bytes.clear();
            rows.with(row, |value| put_value(value, &mut bytes));
            state.insert(hash(&bytes));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Seen, from: &Seen) -> Result<(), AggregateError> {
        match from {
            Seen::Hashes(hashes) => hashes.iter().for_each(|&hash| into.insert(hash)),
            Seen::Sketch(from) => {
                let mut merged = Sketch::new(from.registers.clone());
                match into {
                    Seen::Hashes(hashes) => hashes.iter().for_each(|&hash| merged.insert(hash)),
                    Seen::Sketch(sketch) => {
                        let registers = sketch.registers.iter().enumerate();
                        registers.for_each(|(register, &zeros)| merged.raise(register, zeros));
                    }
                }
                *into = Seen::Sketch(merged);
            }
        }
        Ok(())
    }

    fn output(&self) -> Int64Builder {
        Int64Builder::new()
    }

    fn result(&self, state: &Seen, out: &mut Int64Builder) {
        out.append_value(state.count());
    }

    fn encode(&self, state: &Seen, into: &mut Vec<u8>) {
        match state {
            Seen::Hashes(hashes) => {
                put_u64(hashes.len() as u64, into);
                hashes.iter().for_each(|hash| into.extend_from_slice(&hash.to_le_bytes()));
            }
            Seen::Sketch(sketch) => {
                put_u64(u64::MAX, into);
                into.extend_from_slice(&sketch.registers);
            }
        }
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Seen, BadRow> {
        let n = get_u64(bytes)?;
        if n == u64::MAX {
            return Ok(Seen::Sketch(Sketch::new(take(bytes, REGISTERS)?.into())));
        }
        let one = |_| take(bytes, 8)?.try_into().map(u64::from_le_bytes).map_err(|_| BadRow);
        Ok(Seen::Hashes((0..n).map(one).collect::<Result<_, _>>()?))
    }

    fn heap_bytes(&self, state: &Seen) -> usize {
        match state {
            Seen::Hashes(hashes) => hashes.len() * 12,
            Seen::Sketch(sketch) => sketch.registers.len(),
        }
    }
}
