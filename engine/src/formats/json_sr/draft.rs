//! The drafts of JSON Schema, as far as their keywords differ.

use serde_json::{Map, Value};

/// What the later drafts are called. As in Confluent's registry, whatever is called otherwise is an earlier one.
const LATER: &[&str] = &[
    "http://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

/// Keywords that only the earlier drafts have, and those that only the later ones have.
const EARLIER_WORDS: &[&str] = &["additionalItems", "dependencies"];
const LATER_WORDS: &[&str] = &[
    "$dynamicRef",
    "$recursiveRef",
    "dependentRequired",
    "dependentSchemas",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// The draft that a schema is written in, with all that it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draft {
    /// Draft 7 or one before it.
    Earlier,
    /// 2019-09 or 2020-12.
    Later,
}

impl Draft {
    /// The draft that a whole schema says it is written in.
    pub(super) fn of(root: &Value) -> Self {
        let name = root.get("$schema").and_then(Value::as_str).unwrap_or_default();
        if LATER.contains(&name) { Self::Later } else { Self::Earlier }
    }

    /// Whether what stands beside a `$ref` counts.
    pub(crate) fn counts_beside_reference(self) -> bool {
        self == Self::Later
    }

    /// Whether `items` may be an array, of what the items must be by their places.
    pub(crate) fn has_items_by_place(self) -> bool {
        self == Self::Earlier
    }

    /// Whether a keyword means something.
    pub(crate) fn knows(self, word: &str) -> bool {
        let unknown = match self {
            Self::Earlier => LATER_WORDS,
            Self::Later => EARLIER_WORDS,
        };
        !unknown.contains(&word)
    }

    /// Whether the keywords of a schema may say something else in another draft.
    pub(crate) fn matters(words: &Map<String, Value>) -> bool {
        let is_of_one = |word: &String| !Self::Earlier.knows(word) || !Self::Later.knows(word);
        words.contains_key("$ref") && words.len() > 1
            || words.contains_key("contains")
            || words.get("items").is_some_and(Value::is_array)
            || words.keys().any(is_of_one)
    }
}
