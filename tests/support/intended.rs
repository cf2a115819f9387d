//! What Millstream does otherwise than ksqlDB on purpose, as a list says it: a line each, id, tab, reason.

use std::collections::BTreeMap;

/// Ids and reasons of such a list.
///
/// # Errors
/// A line without a reason.
pub fn intended(list: &str) -> Result<BTreeMap<&str, &str>, String> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').ok_or_else(|| format!("there is no reason behind {line}"))).collect()
}
