//! Keywords that bound texts, numbers and counts: the reader may only loosen them.

use serde_json::{Map, Value};

use crate::formats::problem::join;

use super::found::Found;

/// The keywords of the writer and of the reader.
type Words<'a> = (&'a Map<String, Value>, &'a Map<String, Value>);

/// `maxLength` as `MAX_LENGTH`.
pub(super) fn constant(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// Compares bounds. What is no number, as `exclusiveMaximum` before draft 6, is none.
pub(super) fn bounds((old, new): Words<'_>, path: &str, most: &[&str], least: &[&str], found: &mut Found) {
    let words = most.iter().map(|word| (word, true)).chain(least.iter().map(|word| (word, false)));
    for (word, is_most) in words {
        let bound = |words: &Map<String, Value>| words.get(*word).and_then(Value::as_f64);
        let kind = match (bound(old), bound(new)) {
            (None, Some(_)) => "ADDED",
            (Some(before), Some(now)) if is_most && now < before => "DECREASED",
            (Some(before), Some(now)) if !is_most && now > before => "INCREASED",
            _ => continue,
        };
        found.add(format!("{}_{kind}", constant(word)), &join(path, word));
    }
}

pub(super) fn pattern((old, new): Words<'_>, path: &str, found: &mut Found) {
    let kind = match (old.get("pattern"), new.get("pattern")) {
        (None, Some(_)) => "PATTERN_ADDED",
        (Some(before), Some(now)) if before != now => "PATTERN_CHANGED",
        _ => return,
    };
    found.add(kind, &join(path, "pattern"));
}

pub(super) fn multiple_of((old, new): Words<'_>, path: &str, found: &mut Found) {
    let Some(now) = new.get("multipleOf") else { return };
    let before = old.get("multipleOf");
    let kind = match (before.and_then(Value::as_f64), now.as_f64()) {
        _ if before == Some(now) => return,
        (None, _) => "MULTIPLE_OF_ADDED",
        (Some(before), Some(now)) if before % now == 0.0 => return,
        (Some(before), Some(now)) if now % before == 0.0 => "MULTIPLE_OF_EXPANDED",
        _ => "MULTIPLE_OF_CHANGED",
    };
    found.add(kind, &join(path, "multipleOf"));
}
