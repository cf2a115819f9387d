//! How much is tried, and from which seed.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the environment asks for.
pub(super) struct Profile {
    name: &'static str,
    seed: u64,
    factor: u64,
}

impl Profile {
    /// The profile of a test; says its seed, also where output of tests that pass is not shown.
    pub(super) fn new(name: &'static str) -> Self {
        let number = |variable: &str| std::env::var(variable).ok().map(|value| value.parse::<u64>().expect(variable));
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let seed = number("MILLSTREAM_FUZZ_SEED").unwrap_or_else(clock);
        let factor = number("MILLSTREAM_FUZZ_FACTOR").unwrap_or(1);
        let mut stderr = std::io::stderr();
        writeln!(stderr, "{name}: MILLSTREAM_FUZZ_SEED={seed} MILLSTREAM_FUZZ_FACTOR={factor}")
            .expect("stderr is open");
        Self { name, seed, factor }
    }

    /// The seeds of the batches. A batch depends on its seed only: a run that begins with its seed does it again.
    pub(super) fn batches(&self, count: u64) -> impl Iterator<Item = Batch> + '_ {
        (0..count * self.factor).map(|number| Batch { name: self.name, seed: self.seed.wrapping_add(number) })
    }
}

/// What is tried on one server.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    name: &'static str,
    /// Decides all of it.
    pub(super) seed: u64,
}

impl Batch {
    /// How to do it again.
    pub(super) fn replay(&self) -> String {
        let Self { name, seed } = self;
        format!("MILLSTREAM_FUZZ_SEED={seed} cargo test --workspace --test e2e -- {name}")
    }
}
