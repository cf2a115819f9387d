//! Values read back from a topic, and how they compare to what a case expects (conformance.md §6, no laxer).

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use serde_json::Value as Json;

/// A value as ksqlDB's harness would hold it after reading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: never equal to anything.
    BigInt(String),
    Double(f64),
    Decimal(BigDecimal),
    Text(String),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// Reads JSON text; fractions become exact decimals, or doubles when the case asks for lenient numbers.
pub(crate) fn from_json(json: &Json, exact: bool) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => {
            let text = n.to_string();
            if text.contains(['.', 'e', 'E']) {
                if exact {
                    BigDecimal::from_str(&text).map_or(Value::Text(text), Value::Decimal)
                } else {
                    text.parse().map_or(Value::Text(text), Value::Double)
                }
            } else {
                text.parse().map_or(Value::BigInt(text), Value::Int)
            }
        }
        Json::String(s) => Value::Text(s.clone()),
        Json::Array(items) => Value::Array(items.iter().map(|item| from_json(item, exact)).collect()),
        Json::Object(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), from_json(v, exact))).collect()),
    }
}

/// Whether `actual` is what the case expects.
pub(crate) fn matches(expected: &Json, actual: &Value) -> bool {
    match actual {
        Value::Null => expected.is_null(),
        Value::Bool(b) => expected.as_bool() == Some(*b),
        Value::Int(i) => number_text(expected).and_then(|text| truncated(&text)) == Some(*i),
        Value::BigInt(_) => false,
        Value::Double(d) => matches_double(expected, *d),
        Value::Decimal(d) => matches_decimal(expected, d),
        Value::Text(t) => expected.as_str() == Some(t),
        Value::Bytes(b) => match expected {
            Json::Null => b.is_empty(),
            Json::String(s) => *s == STANDARD.encode(b),
            _ => false,
        },
        Value::Array(items) => expected
            .as_array()
            .is_some_and(|wanted| wanted.len() == items.len() && wanted.iter().zip(items).all(|(e, a)| matches(e, a))),
        Value::Map(entries) => expected.as_object().is_some_and(|wanted| {
            wanted.len() == entries.len() && wanted.iter().all(|(name, e)| matches(e, entry(entries, name)))
        }),
    }
}

/// The entry of that name, else of its upper-case form; a missing one counts as null.
fn entry<'a>(entries: &'a [(String, Value)], name: &str) -> &'a Value {
    let find = |name: &str| entries.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    find(name).or_else(|| find(&name.to_uppercase())).unwrap_or(&Value::Null)
}

fn number_text(json: &Json) -> Option<String> {
    match json {
        Json::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

fn truncated(text: &str) -> Option<i64> {
    if let Ok(i) = text.parse() {
        return Some(i);
    }
    BigDecimal::from_str(text).ok()?.with_scale_round(0, bigdecimal::RoundingMode::Down).to_string().parse().ok()
}

fn matches_double(expected: &Json, actual: f64) -> bool {
    match expected {
        Json::Number(n) => n.to_string().parse::<f64>().is_ok_and(|e| (e - actual).abs() < 1e-6),
        Json::String(s) => s.parse::<f64>().is_ok_and(|e| e.is_nan() && actual.is_nan() || e == actual),
        _ => false,
    }
}

fn matches_decimal(expected: &Json, actual: &BigDecimal) -> bool {
    let same = |text: &str| {
        BigDecimal::from_str(text).is_ok_and(|e| e.as_bigint_and_exponent() == actual.as_bigint_and_exponent())
    };
    match expected {
        Json::Number(n) => {
            let text = n.to_string();
            if text.contains(['.', 'e', 'E']) {
                same(&text)
            } else {
                actual.as_bigint_and_exponent().1 <= 0 && BigDecimal::from_str(&text).is_ok_and(|e| e == *actual)
            }
        }
        Json::String(text) => same(text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, actual: &str) -> bool {
        let expected = serde_json::from_str(expected).unwrap();
        matches(&expected, &from_json(&serde_json::from_str(actual).unwrap(), true))
    }

    #[test]
    fn fractions_compare_with_their_scale() {
        assert!(check("1.0", "1.0"));
        assert!(!check("1.0", "1.00"));
        assert!(!check("1", "1.0"));
        assert!(check("2147483648.9", "2.1474836489E9"));
        assert!(!check("10000000000.0", "1.0E10"));
    }

    #[test]
    fn integers_truncate_the_expectation() {
        assert!(check("1.7", "1"));
        assert!(!check("2", "1"));
        assert!(!check("\"1\"", "1"));
    }

    #[test]
    fn structs_need_the_same_number_of_entries_and_find_names_in_upper_case() {
        assert!(check(r#"{"a": 1}"#, r#"{"A": 1}"#));
        assert!(!check(r#"{"a": 1}"#, r#"{"A": 1, "B": null}"#));
        assert!(check(r#"{"x": null}"#, r#"{"A": 1}"#), "a missing name counts as null");
        assert!(check("[1, [2]]", "[1, [2]]") && !check("[1]", "[1, 2]"));
    }

    #[test]
    fn text_and_null_are_exact() {
        assert!(check("null", "null") && !check("null", "0") && !check("0", "null"));
        assert!(check("\"a\"", "\"a\"") && !check("\"a\"", "\"A\"") && check("true", "true"));
    }
}
