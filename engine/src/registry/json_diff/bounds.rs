//! Keywords that bound texts, numbers and counts: the reader may only loosen them.

use bigdecimal::{BigDecimal, Zero};
use serde_json::{Map, Value};

use crate::formats::problem::join;

use super::found::Found;

/// Bytes of a `multipleOf`, and zeros by its exponent, up to which it is compared.
const MAX_DIGITS: usize = 1_000;

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
        let value = |words: &Map<String, Value>| words.get(*word).and_then(Value::as_f64);
        bound(word, is_most, (value(old), value(new)), path, found);
    }
}

/// Compares a bound of the writer with that of the reader.
pub(super) fn bound(word: &str, is_most: bool, (old, new): (Option<f64>, Option<f64>), path: &str, found: &mut Found) {
    let kind = match (old, new) {
        (None, Some(_)) => "ADDED",
        (Some(before), Some(now)) if is_most && now < before => "DECREASED",
        (Some(before), Some(now)) if !is_most && now > before => "INCREASED",
        _ => return,
    };
    found.add(format!("{}_{kind}", constant(word)), &join(path, word));
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
    let kind = match old.get("multipleOf").filter(|before| before.is_number()) {
        None => "MULTIPLE_OF_ADDED",
        Some(before) if before == now || is_multiple(before, now) => return,
        Some(before) if is_multiple(now, before) => "MULTIPLE_OF_EXPANDED",
        Some(_) => "MULTIPLE_OF_CHANGED",
    };
    found.add(kind, &join(path, "multipleOf"));
}

/// Whether a number is a multiple of another, as far as it can be told.
fn is_multiple(number: &Value, of: &Value) -> bool {
    match (decimal(number), decimal(of)) {
        (Some(number), Some(of)) => !of.is_zero() && (number % of).is_zero(),
        _ => false,
    }
}

/// A number as it is written, without what is lost in binary fractions.
fn decimal(number: &Value) -> Option<BigDecimal> {
    let text = number.as_number()?.as_str();
    let decimal: BigDecimal = Some(text).filter(|text| text.len() <= MAX_DIGITS)?.parse().ok()?;
    let (_, scale) = decimal.as_bigint_and_exponent();
    usize::try_from(scale.unsigned_abs()).is_ok_and(|scale| scale <= MAX_DIGITS).then_some(decimal)
}
