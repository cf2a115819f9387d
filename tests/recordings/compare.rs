//! What is different, and where.

use serde_json::Value;

/// Longest piece of a value that is shown.
const SHOWN: usize = 400;

/// Lists the differences.
pub(crate) fn differences(want: &Value, got: &Value) -> Vec<String> {
    let mut out = Vec::new();
    compare(want, got, "", &mut out);
    out
}

fn compare(want: &Value, got: &Value, at: &str, out: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            for (key, value) in want {
                match got.get(key) {
                    Some(other) => compare(value, other, &format!("{at}.{key}"), out),
                    None => out.push(format!("{at}.{key}: missing")),
                }
            }
            for (key, value) in got.iter().filter(|(key, _)| !want.contains_key(*key)) {
                out.push(format!("{at}.{key}: unexpected {}", shown(value)));
            }
        }
        (Value::Array(want), Value::Array(got)) => {
            for (i, (want, got)) in want.iter().zip(got).enumerate() {
                compare(want, got, &format!("{at}[{i}]"), out);
            }
            if want.len() != got.len() {
                let all = Value::Array(got.clone());
                out.push(format!("{at}: {} items wanted, {} came: {}", want.len(), got.len(), shown(&all)));
            }
        }
        _ if want == got => {}
        _ => out.push(format!("{at}:\n      want {}\n      got  {}", shown(want), shown(got))),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN).collect::<String>() + "…" }
}
