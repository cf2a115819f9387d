//! Looking up a path in JSON text without building the document.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json_text::{Compact, unquote};

/// One step of a path: the name of a field in an object, a place in an array. How it is written makes no difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    name: String,
    /// None: the name is no number.
    place: Option<usize>,
}

impl Step {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), place: name.parse().ok() }
    }
}

/// Reads `$.a.b[0]['c d']`.
pub(super) fn parse(path: &str) -> Result<Vec<Step>, String> {
    steps(path).ok_or_else(|| format!("'{path}' is no JSON path"))
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let (key, after) = tail.split_at(tail.find(['.', '[']).unwrap_or(tail.len()));
            if key.is_empty() {
                return None;
            }
            steps.push(Step::new(key));
            rest = after;
            continue;
        }
        let tail = rest.strip_prefix('[')?;
        let (step, after) = match tail.chars().next()? {
            quote @ ('\'' | '"') => {
                let (key, after) = tail.get(1..)?.split_once(quote)?;
                (Step::new(key), after.strip_prefix(']')?)
            }
            _ => {
                let (index, after) = tail.split_once(']')?;
                (Some(Step::new(index.trim())).filter(|step| step.place.is_some())?, after)
            }
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// Appends what stands at a path: a text without its quotes, anything else as JSON. `false` if nothing does. What follows
/// the document in the text does not matter.
pub(super) fn extract(text: &str, path: &[Step], compact: &mut Compact, out: &mut String) -> Result<bool, String> {
    if text.trim_start().is_empty() {
        return Ok(false);
    }
    let not_json = |error: serde_json::Error| format!("not JSON: {error}");
    let found = Seek(path).deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(not_json)?;
    let Some(found) = found else { return Ok(false) };
    let raw = found.get();
    match raw.as_bytes().first() {
        Some(b'"') => unquote(raw, out).map_err(not_json)?,
        // Without the blanks.
        Some(b'{' | b'[') => compact.push(raw, out).map_err(not_json)?,
        _ => out.push_str(raw),
    }
    Ok(true)
}

/// Number of elements of an array, `None` for other JSON.
pub(super) fn array_length(text: &str) -> Result<Option<i32>, String> {
    let not_json = |error: serde_json::Error| format!("not JSON: {error}");
    if text.trim_start().starts_with('[') {
        // Elements that are ignored take no room.
        let items: Vec<IgnoredAny> = serde_json::from_str(text).map_err(not_json)?;
        return Ok(i32::try_from(items.len()).ok());
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(not_json)?;
    Ok(None)
}

/// The text of the value at a path, `None` if there is none.
struct Seek<'p>(&'p [Step]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return serde::Deserialize::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let (wanted, rest) = match self.0 {
            [step, rest @ ..] => (Some(step.name.as_str()), rest),
            [] => (None, self.0),
        };
        while let Some(matches) = map.next_key_seed(IsKey(wanted))? {
            if matches {
                // Of two fields with the same name the last one counts.
                found = map.next_value_seed(Seek(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let [Step { place: Some(place), .. }, rest @ ..] = self.0 {
            for _ in 0..*place {
                if items.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = items.next_element_seed(Seek(rest))?.flatten();
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether a key is the one that is wanted.
struct IsKey<'p>(Option<&'p str>);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(self.0 == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_values() {
        let text = r#"{"a": {"b": [1.50, {"c d": "x\ny"}, null]}, "n": 1e3, "a": {"b": [7, {"c d": "é\"", "k": [ 1 ]}]}, "@t": true} }"#;
        for (path, found) in [
            ("$.a.b[0]", Ok(Some("7"))),
            ("$.a.b[1]['c d']", Ok(Some("é\""))),
            ("$.a.b[1].k", Ok(Some("[1]"))),
            ("$.n", Ok(Some("1e3"))),
            ("$.@t", Ok(Some("true"))),
            ("$[\"@t\"]", Ok(Some("true"))),
            ("$.a.b[2]", Ok(None)),
            ("$.a.b.c", Ok(None)),
            ("$.n.x", Ok(None)),
            ("$.@t.x", Ok(None)),
            ("$.missing", Ok(None)),
        ] {
            let mut out = String::new();
            let result = extract(text, &parse(path).unwrap(), &mut Compact::default(), &mut out);
            assert_eq!(result.map(|found| found.then_some(out.as_str())), found, "{path}");
        }
        let text = r#"[{"s": [10, 11], "0": "zero"}, {"1": {"a": "b"}}]"#;
        for (path, found) in [
            ("$.0.s.1", Some("11")),
            ("$[\"0\"].s['1']", Some("11")),
            ("$.0['0']", Some("zero")),
            ("$[0][0]", Some("zero")),
            ("$.1[1].a", Some("b")),
            ("$.2", None),
            ("$.s", None),
            ("$.99999999999999999999", None),
        ] {
            let mut out = String::new();
            let result = extract(text, &parse(path).unwrap(), &mut Compact::default(), &mut out);
            assert_eq!(result.map(|found| found.then_some(out.as_str())), Ok(found), "{path}");
        }
        for path in ["a", "$a", "$.", "$[x]", "$['a'", "$.a[-1]", "$..a"] {
            assert!(parse(path).is_err(), "{path}");
        }
        let mut out = String::new();
        assert!(extract("{\"a\": ", &parse("$.a").unwrap(), &mut Compact::default(), &mut out).is_err());
        assert_eq!(extract(" ", &parse("$.a").unwrap(), &mut Compact::default(), &mut out), Ok(false));
        assert_eq!(array_length("[1, [2, 3], {}]"), Ok(Some(3)));
        assert_eq!(array_length("{\"a\": []}"), Ok(None));
        assert!(array_length("[1,").is_err());
    }
}
