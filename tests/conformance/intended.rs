//! Cases whose expected result is a fault of ksqlDB that Millstream does not have.

use std::collections::BTreeMap;

/// Id and reason of every one.
pub(crate) fn cases() -> Result<BTreeMap<&'static str, &'static str>, String> {
    let lines = include_str!("intended.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').ok_or_else(|| format!("intended.txt: no reason behind {line}"))).collect()
}
