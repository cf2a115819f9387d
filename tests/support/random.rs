//! What tests do at random, and how much of it.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// A reproducible source of numbers.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Begins at `MILLSTREAM_FUZZ_SEED`, else at the time; says where, also when the output of tests is not shown.
    pub fn new(test: &str) -> Self {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let seed = number("MILLSTREAM_FUZZ_SEED").unwrap_or_else(clock);
        let _ = writeln!(std::io::stderr(), "{test}: MILLSTREAM_FUZZ_SEED={seed} MILLSTREAM_FUZZ_FACTOR={}", factor());
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// How often something is tried: `count` times, or `MILLSTREAM_FUZZ_FACTOR` times that.
pub fn times(count: usize) -> usize {
    count * factor()
}

fn factor() -> usize {
    number("MILLSTREAM_FUZZ_FACTOR").map_or(1, |factor| factor as usize)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().expect("a number"))
}
