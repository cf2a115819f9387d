//! Names the planner makes up, and names nobody may take.

use std::collections::{HashMap, HashSet};

/// Columns every source has without declaring them.
pub const ROWTIME: &str = "ROWTIME";
/// Partition a record was read from.
pub const ROWPARTITION: &str = "ROWPARTITION";
/// Offset a record was read at.
pub const ROWOFFSET: &str = "ROWOFFSET";
/// First millisecond of the window in the key.
pub const WINDOWSTART: &str = "WINDOWSTART";
/// End of the window in the key.
pub const WINDOWEND: &str = "WINDOWEND";
/// Key of a join that no column stands for.
const SYNTHETIC_KEY: &str = "ROWKEY";

/// Whether the name belongs to a pseudo column.
pub fn is_system_column(name: &str) -> bool {
    [ROWTIME, ROWPARTITION, ROWOFFSET].contains(&name) || is_window_bound(name)
}

/// `WINDOWSTART` or `WINDOWEND`.
pub fn is_window_bound(name: &str) -> bool {
    name == WINDOWSTART || name == WINDOWEND
}

/// Makes names that neither a source's column nor an earlier call has: `KSQL_COL_0`, `CITY`, `CITY_1`, …
#[derive(Debug, Clone)]
pub(super) struct Aliases {
    taken: HashSet<String>,
    next_expression: usize,
    /// The number that was given last to what has a name.
    numbers: HashMap<String, u64>,
}

impl Aliases {
    /// A generator that stays clear of the given names.
    pub(super) fn new<'a>(taken: impl Iterator<Item = &'a str>) -> Self {
        Self { taken: taken.map(str::to_owned).collect(), next_expression: 0, numbers: HashMap::new() }
    }

    /// The name of an expression that has none: the next free `KSQL_COL_n`.
    pub(super) fn expression(&mut self) -> String {
        loop {
            let name = format!("KSQL_COL_{}", self.next_expression);
            self.next_expression += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// `name`, or the next free `name_n`; a number the name ends in already is counted on from.
    pub(super) fn field(&mut self, name: &str) -> String {
        if self.taken.insert(name.to_owned()) {
            return name.to_owned();
        }
        let numbered = name.rsplit_once('_').and_then(|(stem, number)| Some((stem, number.parse::<u32>().ok()?)));
        let (stem, first) = numbered.unwrap_or((name, 0));
        let number = self.numbers.entry(name.to_owned()).or_insert(u64::from(first));
        loop {
            *number += 1;
            let candidate = format!("{stem}_{number}");
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }

    /// The name of a join's key that no column stands for.
    pub(super) fn synthetic_key(&mut self) -> String {
        self.field(SYNTHETIC_KEY)
    }
}

/// The names that occur more than once.
pub(super) fn duplicates<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
}

/// `A`, `A and B`, `A, B and C` (or with another last word).
pub(super) fn listed(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [init @ .., end] => format!("{} {last} {end}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Aliases, listed};

    #[test]
    fn generated_names_skip_those_of_the_source() {
        let mut aliases = Aliases::new(["KSQL_COL_2", "A", "B_1"].into_iter());
        let made: Vec<String> = (0..3).map(|_| aliases.expression()).collect();
        assert_eq!(made, ["KSQL_COL_0", "KSQL_COL_1", "KSQL_COL_3"]);
        assert_eq!([aliases.field("A"), aliases.field("A"), aliases.field("B_1")], ["A_1", "A_2", "B_2"]);
        assert_eq!(aliases.field("C"), "C");
    }

    #[test]
    fn lists_read_as_english() {
        let names = ["F1", "F2", "F3"].map(str::to_owned);
        assert_eq!(listed(&names, "and"), "F1, F2 and F3");
        assert_eq!(listed(&names[..1], "or"), "F1");
    }
}
