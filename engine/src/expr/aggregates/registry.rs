//! All aggregate functions by name.

use std::collections::BTreeMap;

use super::aggregate::Aggregate;
use super::library::AGGREGATES;

/// The aggregate functions a server knows.
#[derive(Default)]
pub struct Aggregates {
    by_name: BTreeMap<&'static str, &'static Aggregate>,
}

impl std::fmt::Debug for Aggregates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Aggregates {
    /// The library and what an extension or a test adds.
    pub fn with(extra: &[&'static [Aggregate]]) -> Self {
        let all = std::iter::once(AGGREGATES).chain(extra.iter().copied()).flatten();
        Self { by_name: all.map(|aggregate| (aggregate.name, aggregate)).collect() }
    }

    /// A function by its upper-case name.
    pub fn get(&self, name: &str) -> Option<&'static Aggregate> {
        self.by_name.get(name).copied()
    }
}
