//! Whether documents of one JSON Schema are documents of another, for the part of the language that this tells for sure:
//! types, properties, items, bounds, enumerations, alternatives (`oneOf`, `anyOf`) and references. What goes beyond it must
//! be the same in both.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use serde_json::{Map, Value};

use crate::formats::json_sr::Documents;

/// Pairs of schemas that are compared at most: alternatives within alternatives multiply.
const MAX_PAIRS: usize = 100_000;

/// Values that are looked at, in all, for schemas that must be the same word for word.
const MAX_VALUES: usize = 1_000_000;

/// Levels that are compared: it calls itself for each.
const MAX_LEVELS: usize = 1_000;

/// Alternatives of one schema.
const MAX_BRANCHES: usize = 100;

/// What is told at most.
const MAX_TOLD: usize = 1_000;

/// Keywords with a meaning that is not compared.
const NOT_COMPARED: &[&str] = &[
    "$anchor",
    "$dynamicRef",
    "$recursiveRef",
    "additionalItems",
    "allOf",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords that are compared, by the kind of schema that has them.
const OF_STRINGS: &[&str] = &["maxLength", "minLength", "pattern"];
const OF_NUMBERS: &[&str] = &["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"];
const OF_OBJECTS: &[&str] = &["additionalProperties", "maxProperties", "minProperties", "properties", "required"];
const OF_ARRAYS: &[&str] = &["items", "maxItems", "minItems", "uniqueItems"];

/// Why documents of `writer` are not documents of `reader`; nothing: they are. `new` tells which of the two is the new
/// schema.
pub(super) fn differences(
    end: Instant,
    reader: Documents<'_>,
    writer: Documents<'_>,
    reader_is_new: bool,
) -> Vec<String> {
    let mut diff = Diff { end, reader, writer, begun: HashSet::new(), pairs: 0, values: 0 };
    let found = diff.compare(Node::of(writer.root, writer.root), Node::of(reader.root, reader.root), "#", 0);
    let (reader, writer) = if reader_is_new { ("new", "old") } else { ("old", "new") };
    found.iter().take(MAX_TOLD).map(|difference| difference.describe(reader, writer)).collect()
}

/// Something that documents of the writer may not have to the reader.
struct Difference {
    kind: String,
    path: String,
}

impl Difference {
    fn new(kind: impl Into<String>, path: impl Into<String>) -> Self {
        Self { kind: kind.into(), path: path.into() }
    }

    /// In Confluent's words, as far as it has some.
    fn describe(&self, reader: &str, writer: &str) -> String {
        let Self { kind, path } = self;
        let ends = |end: &str| kind.ends_with(end);
        let text = match kind.as_str() {
            "NOT_COMPARED" => format!(
                "What stands at path '{path}' differs between the schemas and is not compared; compatibility NONE takes \
                 it"
            ),
            "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL" => format!(
                "The {reader} schema has an open content model and has a property or item at path '{path}' which is \
                 missing in the {writer} schema"
            ),
            "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL" => format!(
                "The {reader} schema has an unopen content model and has a required property at path '{path}' which is \
                 missing in the {writer} schema"
            ),
            "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL" => format!(
                "The {reader} schema has a closed content model and is missing a property or item present at path \
                 '{path}' in the {writer} schema"
            ),
            _ if ends("COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL") => format!(
                "The {reader} schema has a property or item at path '{path}' which is missing in the {writer} schema and \
                 is not covered by its partially open content model"
            ),
            "PATTERN_CHANGED" | "MULTIPLE_OF_CHANGED" => {
                format!("The value at path '{path}' is different between the {reader} and {writer} schema")
            }
            "TYPE_CHANGED" | "TYPE_NARROWED" | "COMBINED_TYPE_SUBSCHEMAS_CHANGED" | "ENUM_ARRAY_CHANGED" => {
                format!("A type at path '{path}' is different between the {reader} schema and the {writer} schema")
            }
            _ if ends("_NARROWED") => format!(
                "An array or combined type at path '{path}' has fewer elements in the {reader} schema than the {writer} \
                 schema"
            ),
            _ if ends("_INCREASED") || ends("_EXPANDED") => {
                format!(
                    "The value at path '{path}' in the {reader} schema is more than its value in the {writer} schema"
                )
            }
            _ if ends("_DECREASED") => {
                format!(
                    "The value at path '{path}' in the {reader} schema is less than its value in the {writer} schema"
                )
            }
            _ => format!("The keyword at path '{path}' in the {reader} schema is not present in the {writer} schema"),
        };
        format!("{{errorType:\"{kind}\", description:\"{text}\"}}")
    }
}

/// A schema, or what it says of one of its types.
#[derive(Clone, Copy)]
struct Node<'b> {
    schema: &'b Value,
    /// What it stands in.
    document: &'b Value,
    only: Option<&'b str>,
}

impl<'b> Node<'b> {
    fn of(schema: &'b Value, document: &'b Value) -> Self {
        Self { schema, document, only: None }
    }
}

/// What a schema says of a type.
#[derive(Clone, Copy)]
struct Typed<'b> {
    name: &'b str,
    words: &'b Map<String, Value>,
    document: &'b Value,
}

impl<'b> Typed<'b> {
    /// A schema within it.
    fn within(&self, schema: &'b Value) -> Node<'b> {
        Node::of(schema, self.document)
    }
}

/// What a schema is about.
enum Shape<'b> {
    /// Everything.
    Any,
    /// Nothing.
    Never,
    /// One of these.
    Sum(Vec<Node<'b>>),
    /// One of these values.
    Enum(&'b [Value]),
    /// A type, with its keywords.
    Type(Typed<'b>),
    /// Something that is not compared.
    Unknown,
}

struct Diff<'a> {
    /// When comparing ends, done or not.
    end: Instant,
    reader: Documents<'a>,
    writer: Documents<'a>,
    /// Pairs that are being compared and were referred to: schemas may hold themselves.
    begun: HashSet<(*const Value, *const Value)>,
    pairs: usize,
    values: usize,
}

impl<'a> Diff<'a> {
    fn compare<'b>(&mut self, writer: Node<'b>, reader: Node<'b>, path: &str, level: usize) -> Vec<Difference>
    where
        'a: 'b,
    {
        let not_compared = || vec![Difference::new("NOT_COMPARED", path)];
        self.pairs += 1;
        if self.pairs > MAX_PAIRS || level > MAX_LEVELS || Instant::now() >= self.end {
            return not_compared();
        }
        let (writer_ref, reader_ref) = (reference(writer.schema), reference(reader.schema));
        if writer_ref.is_some() || reader_ref.is_some() {
            let resolved = (resolve(&self.writer, writer), resolve(&self.reader, reader));
            let (Some(writer), Some(reader)) = resolved else { return not_compared() };
            let pair = writer_ref.zip(reader_ref).map(|_| pair_of(writer, reader));
            if pair.is_some_and(|pair| !self.begun.insert(pair)) {
                return Vec::new();
            }
            let found = self.compare(writer, reader, path, level + 1);
            if let Some(pair) = pair {
                self.begun.remove(&pair);
            }
            return found;
        }
        match (shape(writer), shape(reader)) {
            (_, Shape::Any) | (Shape::Never, _) => Vec::new(),
            (Shape::Unknown, _) | (_, Shape::Unknown) if self.is_same(writer, reader) => Vec::new(),
            (Shape::Unknown, _) | (_, Shape::Unknown) => not_compared(),
            (Shape::Sum(old), Shape::Sum(new)) => self.sums(&old, &new, path, level),
            (Shape::Sum(old), _) if old.len() == 1 => {
                old.iter().flat_map(|branch| self.compare(*branch, reader, path, level + 1)).collect()
            }
            (_, Shape::Sum(new)) => {
                let fits = new.iter().any(|branch| self.compare(writer, *branch, path, level + 1).is_empty());
                if fits { Vec::new() } else { vec![Difference::new("TYPE_CHANGED", path)] }
            }
            (Shape::Enum(old), Shape::Enum(new)) => enums(old, new, path),
            (Shape::Type(old), Shape::Type(new)) => self.types(old, new, path, level),
            _ => vec![Difference::new("TYPE_CHANGED", path)],
        }
    }

    /// Whether two schemas say the same word for word, and so does all that they refer to.
    fn is_same(&mut self, writer: Node<'_>, reader: Node<'_>) -> bool {
        if writer.only != reader.only {
            return false;
        }
        let (mut open, mut begun) = (vec![(writer, reader)], HashSet::new());
        while let Some((writer, reader)) = open.pop() {
            if writer.schema != reader.schema {
                return false;
            }
            let mut parts = vec![writer.schema];
            while let Some(part) = parts.pop() {
                self.values += 1;
                if self.values > MAX_VALUES {
                    return false;
                }
                match part {
                    Value::Object(members) => parts.extend(members.values()),
                    Value::Array(elements) => parts.extend(elements),
                    _ => {}
                }
                if reference(part).is_none() {
                    continue;
                }
                let at = (Node::of(part, writer.document), Node::of(part, reader.document));
                match (resolve(&self.writer, at.0), resolve(&self.reader, at.1)) {
                    (Some(writer), Some(reader)) if begun.insert(pair_of(writer, reader)) => {
                        open.push((writer, reader))
                    }
                    (Some(_), Some(_)) => {}
                    _ => return false,
                }
            }
        }
        true
    }

    /// Every alternative of the writer needs one of the reader's for itself.
    fn sums(&mut self, writer: &[Node<'_>], reader: &[Node<'_>], path: &str, level: usize) -> Vec<Difference> {
        if writer.len() > MAX_BRANCHES || reader.len() > MAX_BRANCHES {
            return vec![Difference::new("NOT_COMPARED", path)];
        }
        if reader.len() < writer.len() {
            return vec![Difference::new("SUM_TYPE_NARROWED", path)];
        }
        let mut fits = Vec::with_capacity(writer.len());
        for old in writer {
            let fitting =
                reader.iter().enumerate().filter(|(_, new)| self.compare(*old, **new, path, level + 1).is_empty());
            fits.push(fitting.map(|(at, _)| at).collect::<Vec<usize>>());
        }
        let mut taken = HashMap::new();
        let matched = (0..writer.len()).all(|at| find_place(at, &fits, &mut taken, &mut HashSet::new()));
        if matched { Vec::new() } else { vec![Difference::new("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path)] }
    }

    fn types(&mut self, old: Typed<'_>, new: Typed<'_>, path: &str, level: usize) -> Vec<Difference> {
        let mut found = Vec::new();
        let (old_words, new_words) = (old.words, new.words);
        match (old.name, new.name) {
            (old, new) if old == new => {}
            ("integer", "number") => {}
            ("number", "integer") => found.push(Difference::new("TYPE_NARROWED", path)),
            _ => return vec![Difference::new("TYPE_CHANGED", path)],
        }
        match new.name {
            "string" => {
                bounds(old_words, new_words, path, &["maxLength"], &["minLength"], &mut found);
                pattern(old_words, new_words, path, &mut found);
            }
            "number" | "integer" => {
                let (most, least) = (["maximum", "exclusiveMaximum"], ["minimum", "exclusiveMinimum"]);
                bounds(old_words, new_words, path, &most, &least, &mut found);
                multiple_of(old_words, new_words, path, &mut found);
            }
            "object" => {
                bounds(old_words, new_words, path, &["maxProperties"], &["minProperties"], &mut found);
                self.objects(old, new, path, level, &mut found);
            }
            "array" => {
                bounds(old_words, new_words, path, &["maxItems"], &["minItems"], &mut found);
                let unique = |words: &Map<String, Value>| words.get("uniqueItems") == Some(&Value::Bool(true));
                if unique(new_words) && !unique(old_words) {
                    found.push(Difference::new("UNIQUE_ITEMS_ADDED", format!("{path}/uniqueItems")));
                }
                let (old, new) = (old.within(items(old_words)), new.within(items(new_words)));
                found.extend(self.compare(old, new, &format!("{path}/items"), level + 1));
            }
            _ => {}
        }
        found
    }

    fn objects(
        &mut self,
        old_type: Typed<'_>,
        new_type: Typed<'_>,
        path: &str,
        level: usize,
        found: &mut Vec<Difference>,
    ) {
        let (in_old, in_new) = (|schema| old_type.within(schema), |schema| new_type.within(schema));
        let (old, new) = (Object::of(old_type.words), Object::of(new_type.words));
        for name in &new.required {
            if old.properties.contains_key(*name)
                && let Some(property) = new.properties.get(*name)
                && !old.required.contains(name)
                && property.get("default").is_none()
            {
                found.push(Difference::new("REQUIRED_ATTRIBUTE_ADDED", format!("{path}/required/{name}")));
            }
        }
        for (name, property) in old.properties {
            let at = format!("{path}/properties/{name}");
            match new.properties.get(name) {
                Some(updated) => found.extend(self.compare(in_old(property), in_new(updated), &at, level + 1)),
                None if is_true(new.others) => {}
                None if new.others == &Value::Bool(false) => {
                    if property != &Value::Bool(false) {
                        found.push(Difference::new("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", at));
                    }
                }
                None => {
                    if !self.compare(in_old(property), in_new(new.others), &at, level + 1).is_empty() {
                        let kind = "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                        found.push(Difference::new(kind, at));
                    }
                }
            }
        }
        for (name, property) in new.properties.iter().filter(|(name, _)| !old.properties.contains_key(*name)) {
            let at = format!("{path}/properties/{name}");
            if is_true(old.others) {
                if !is_true(property) {
                    found.push(Difference::new("PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", at));
                }
                continue;
            }
            if old.others != &Value::Bool(false)
                && !self.compare(in_old(old.others), in_new(property), &at, level + 1).is_empty()
            {
                let kind = "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                found.push(Difference::new(kind, at.clone()));
            }
            if new.required.contains(&name.as_str()) && property.get("default").is_none() {
                found.push(Difference::new("REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", at));
            }
        }
        let at = format!("{path}/additionalProperties");
        match (old.others, new.others) {
            (Value::Bool(false), _) => {}
            (_, Value::Bool(false)) => found.push(Difference::new("ADDITIONAL_PROPERTIES_REMOVED", at)),
            (others, narrower) if is_true(others) && !is_true(narrower) => {
                found.push(Difference::new("ADDITIONAL_PROPERTIES_NARROWED", at));
            }
            (old, new) => found.extend(self.compare(in_old(old), in_new(new), &at, level + 1)),
        }
    }
}

/// What an object's schema says.
struct Object<'a> {
    properties: &'a Map<String, Value>,
    required: Vec<&'a str>,
    /// What other properties must be.
    others: &'a Value,
}

impl<'a> Object<'a> {
    fn of(words: &'a Map<String, Value>) -> Self {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let required = words.get("required").and_then(Value::as_array).into_iter().flatten();
        Self {
            properties: words.get("properties").and_then(Value::as_object).unwrap_or(&NONE),
            required: required.filter_map(Value::as_str).collect(),
            others: words.get("additionalProperties").unwrap_or(&Value::Bool(true)),
        }
    }
}

/// Whether a schema takes everything.
fn is_true(schema: &Value) -> bool {
    matches!(shape(Node::of(schema, schema)), Shape::Any)
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref").and_then(Value::as_str)
}

/// What the elements of an array must be.
fn items(words: &Map<String, Value>) -> &Value {
    words.get("items").unwrap_or(&Value::Bool(true))
}

/// The schema that is referred to, or the schema itself.
fn resolve<'b>(documents: &Documents<'b>, node: Node<'b>) -> Option<Node<'b>> {
    match reference(node.schema) {
        None => Some(node),
        Some(reference) => {
            documents.resolve(reference, node.document).map(|(schema, document)| Node::of(schema, document))
        }
    }
}

fn pair_of(writer: Node<'_>, reader: Node<'_>) -> (*const Value, *const Value) {
    (std::ptr::from_ref(writer.schema), std::ptr::from_ref(reader.schema))
}

fn shape(node: Node<'_>) -> Shape<'_> {
    let words = match node.schema {
        Value::Bool(true) => return Shape::Any,
        Value::Bool(false) => return Shape::Never,
        Value::Object(words) => words,
        _ => return Shape::Unknown,
    };
    if words.keys().any(|word| NOT_COMPARED.contains(&word.as_str())) {
        return Shape::Unknown;
    }
    let has = |list: &[&str]| words.keys().any(|word| list.contains(&word.as_str()));
    let has_bounds = || has(OF_STRINGS) || has(OF_NUMBERS) || has(OF_OBJECTS) || has(OF_ARRAYS);
    let list = |word: &str| words.get(word).and_then(Value::as_array);
    if has(&["oneOf", "anyOf"]) {
        return match (list("oneOf"), list("anyOf")) {
            (Some(branches), None) | (None, Some(branches)) if !has_bounds() && !has(&["type", "enum", "const"]) => {
                Shape::Sum(branches.iter().map(|branch| Node::of(branch, node.document)).collect())
            }
            _ => Shape::Unknown,
        };
    }
    if has(&["enum", "const"]) {
        return match (list("enum"), words.get("const")) {
            (Some(values), None) if !has_bounds() => Shape::Enum(values),
            (None, Some(value)) if !has_bounds() => Shape::Enum(std::slice::from_ref(value)),
            _ => Shape::Unknown,
        };
    }
    let typed = |name| Shape::Type(Typed { name, words, document: node.document });
    match (node.only, words.get("type")) {
        (Some(name), _) => typed(name),
        (None, Some(Value::String(name))) => typed(name),
        (None, Some(Value::Array(names))) => {
            let nodes = names.iter().map(|name| Some(Node { only: Some(name.as_str()?), ..node }));
            nodes.collect::<Option<Vec<_>>>().map_or(Shape::Unknown, Shape::Sum)
        }
        (None, None) if has(OF_OBJECTS) && !has(OF_ARRAYS) && !has(OF_STRINGS) && !has(OF_NUMBERS) => typed("object"),
        (None, None) if !has_bounds() => Shape::Any,
        _ => Shape::Unknown,
    }
}

fn enums(old: &[Value], new: &[Value], path: &str) -> Vec<Difference> {
    let holds = |all: &[Value], some: &[Value]| some.iter().all(|value| all.contains(value));
    let kind = match (holds(new, old), holds(old, new)) {
        (true, _) => return Vec::new(),
        (false, true) => "ENUM_ARRAY_NARROWED",
        (false, false) => "ENUM_ARRAY_CHANGED",
    };
    vec![Difference::new(kind, format!("{path}/enum"))]
}

/// `maxLength` as `MAX_LENGTH`.
fn constant(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// Bounds that the reader may only loosen.
fn bounds(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: &str,
    most: &[&str],
    least: &[&str],
    found: &mut Vec<Difference>,
) {
    let words = most.iter().map(|word| (word, true)).chain(least.iter().map(|word| (word, false)));
    for (word, is_most) in words {
        let Some(bound) = new.get(*word) else { continue };
        let at = format!("{path}/{word}");
        let kind = match (old.get(*word).map(Value::as_f64), bound.as_f64()) {
            (None, Some(_)) => "ADDED",
            (Some(Some(before)), Some(now)) if is_most && now < before => "DECREASED",
            (Some(Some(before)), Some(now)) if !is_most && now > before => "INCREASED",
            (Some(Some(_)), Some(_)) => continue,
            // As drafts before 6 have it: `true` beside the bound.
            _ if old.get(*word) == Some(bound) => continue,
            _ => {
                found.push(Difference::new("NOT_COMPARED", at));
                continue;
            }
        };
        found.push(Difference::new(format!("{}_{kind}", constant(word)), at));
    }
}

fn pattern(old: &Map<String, Value>, new: &Map<String, Value>, path: &str, found: &mut Vec<Difference>) {
    let at = || format!("{path}/pattern");
    match (old.get("pattern"), new.get("pattern")) {
        (_, None) => {}
        (None, Some(_)) => found.push(Difference::new("PATTERN_ADDED", at())),
        (Some(before), Some(now)) if before != now => found.push(Difference::new("PATTERN_CHANGED", at())),
        _ => {}
    }
}

fn multiple_of(old: &Map<String, Value>, new: &Map<String, Value>, path: &str, found: &mut Vec<Difference>) {
    let Some(now) = new.get("multipleOf") else { return };
    let before = old.get("multipleOf");
    let kind = match (before.and_then(Value::as_f64), now.as_f64()) {
        _ if before == Some(now) => return,
        (None, _) => "MULTIPLE_OF_ADDED",
        (Some(before), Some(now)) if before % now == 0.0 => return,
        (Some(before), Some(now)) if now % before == 0.0 => "MULTIPLE_OF_EXPANDED",
        _ => "MULTIPLE_OF_CHANGED",
    };
    found.push(Difference::new(kind, format!("{path}/multipleOf")));
}

/// Finds an alternative for the writer's `at` that no other needs, moving others where they have another choice.
fn find_place(at: usize, fits: &[Vec<usize>], taken: &mut HashMap<usize, usize>, tried: &mut HashSet<usize>) -> bool {
    for place in fits.get(at).into_iter().flatten() {
        if !tried.insert(*place) {
            continue;
        }
        let is_free = match taken.get(place).copied() {
            None => true,
            Some(other) => find_place(other, fits, taken, tried),
        };
        if is_free {
            taken.insert(*place, at);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn later() -> Instant {
        Instant::now() + std::time::Duration::from_secs(3600)
    }

    fn told(new: &Value, old: &Value) -> Vec<String> {
        differences(later(), Documents::new(new, &[]), Documents::new(old, &[]), true)
    }

    /// What stands against reading documents of `old` with `new`.
    fn kinds(old: &Value, new: &Value) -> Vec<String> {
        let told = told(new, old);
        let kind = |text: &String| text.split('"').nth(1).unwrap_or_default().to_owned();
        told.iter().map(kind).collect()
    }

    fn object(properties: Value, others: Value) -> Value {
        json!({"type": "object", "properties": properties, "additionalProperties": others})
    }

    #[test]
    fn types_may_grow_and_not_shrink() {
        let text = json!({"type": "string"});
        assert!(kinds(&text, &text).is_empty());
        assert!(kinds(&text, &json!(true)).is_empty() && kinds(&json!(false), &text).is_empty());
        assert!(kinds(&text, &json!({"title": "anything", "connect.index": 1})).is_empty());
        assert_eq!(kinds(&json!({}), &text), ["TYPE_CHANGED"]);
        assert!(kinds(&json!({"type": "integer"}), &json!({"type": "number"})).is_empty());
        assert_eq!(kinds(&json!({"type": "number"}), &json!({"type": "integer"})), ["TYPE_NARROWED"]);
        let nullable = json!({"oneOf": [{"type": "null"}, {"type": "string"}]});
        assert!(kinds(&text, &nullable).is_empty());
        assert_eq!(kinds(&nullable, &text), ["TYPE_CHANGED"]);
        assert!(kinds(&nullable, &json!({"type": ["string", "null", "integer"]})).is_empty());
        assert_eq!(kinds(&nullable, &json!({"oneOf": [{"type": "null"}]})), ["SUM_TYPE_NARROWED"]);
        let other = json!({"anyOf": [{"type": "null"}, {"type": "boolean"}]});
        assert_eq!(kinds(&nullable, &other), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
        let (few, many) = (json!({"enum": [1, 2]}), json!({"enum": [1, 2, 3]}));
        assert!(kinds(&few, &many).is_empty());
        assert_eq!(kinds(&many, &few), ["ENUM_ARRAY_NARROWED"]);
        assert_eq!(kinds(&few, &json!({"const": 1})), ["ENUM_ARRAY_NARROWED"]);
    }

    #[test]
    fn bounds_may_loosen_and_not_tighten() {
        let bounded = |word: &str, value: Value| json!({"type": if word.contains("Length") || word == "pattern" { "string" } else { "number" }, word: value});
        for (word, looser, tighter, kind) in [
            ("maxLength", json!(5), json!(4), "MAX_LENGTH_DECREASED"),
            ("minLength", json!(1), json!(2), "MIN_LENGTH_INCREASED"),
            ("maximum", json!(5.5), json!(5), "MAXIMUM_DECREASED"),
            ("exclusiveMinimum", json!(0), json!(1), "EXCLUSIVE_MINIMUM_INCREASED"),
            ("multipleOf", json!(2), json!(4), "MULTIPLE_OF_EXPANDED"),
            ("pattern", json!("a"), json!("b"), "PATTERN_CHANGED"),
            ("exclusiveMaximum", json!(false), json!(true), "NOT_COMPARED"),
        ] {
            let (loose, tight) = (bounded(word, looser), bounded(word, tighter));
            assert_eq!(kinds(&loose, &tight), [kind], "{word}");
            if kind != "PATTERN_CHANGED" && kind != "NOT_COMPARED" {
                assert!(kinds(&tight, &loose).is_empty(), "{word}");
                let none = json!({"type": loose["type"]});
                assert_eq!(kinds(&none, &loose), [format!("{}_ADDED", constant(word))]);
                assert!(kinds(&loose, &none).is_empty());
            }
        }
    }

    #[test]
    fn properties_follow_the_content_model() {
        let (one, two) =
            (json!({"a": {"type": "integer"}}), json!({"a": {"type": "integer"}, "b": {"type": "string"}}));
        let (open, closed) = (json!(true), json!(false));
        assert_eq!(
            kinds(&object(one.clone(), open.clone()), &object(two.clone(), open.clone())),
            ["PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"]
        );
        assert!(kinds(&object(two.clone(), open.clone()), &object(one.clone(), open.clone())).is_empty());
        assert!(kinds(&object(one.clone(), closed.clone()), &object(two.clone(), closed.clone())).is_empty());
        assert_eq!(
            kinds(&object(two.clone(), closed.clone()), &object(one.clone(), closed.clone())),
            ["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"]
        );
        let texts = json!({"type": "string"});
        assert!(kinds(&object(two.clone(), closed.clone()), &object(one.clone(), texts.clone())).is_empty());
        assert_eq!(kinds(&object(one.clone(), open), &object(one.clone(), texts)), ["ADDITIONAL_PROPERTIES_NARROWED"]);
        let mut required = object(two, closed.clone());
        required["required"] = json!(["b"]);
        assert_eq!(
            kinds(&object(one.clone(), closed.clone()), &required),
            ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL"]
        );
        required["properties"]["b"]["default"] = json!("");
        assert!(kinds(&object(one.clone(), closed.clone()), &required).is_empty());
        let mut a = object(one.clone(), closed.clone());
        a["required"] = json!(["a"]);
        assert_eq!(kinds(&object(one, closed), &a), ["REQUIRED_ATTRIBUTE_ADDED"]);
    }

    #[test]
    fn references_within_a_schema_are_followed() {
        let list = |kind: &str| {
            json!({"$ref": "#/definitions/node", "definitions": {"node": {"type": "object", "properties": {
                "value": {"type": kind}, "next": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/node"}]}
            }}}})
        };
        assert!(kinds(&list("integer"), &list("number")).is_empty());
        assert_eq!(kinds(&list("number"), &list("string")), ["TYPE_CHANGED"]);
        let all = |kind: &str| json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": kind}}});
        assert!(kinds(&all("string"), &all("string")).is_empty());
        assert_eq!(kinds(&all("string"), &all("number")), ["NOT_COMPARED"], "the same words, of something else");
        let elsewhere = json!({"$ref": "http://example.com/x.json"});
        assert_eq!(kinds(&elsewhere, &json!({"type": "string"})), ["NOT_COMPARED"]);
    }

    #[test]
    fn references_to_other_schemas_are_followed() {
        let whole = json!({"type": "object", "properties": {"a": {"$ref": "a.json#/$defs/a"}}});
        let others = |kind: &str| [("a.json", json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": kind}}}))];
        let compare = |old: &str, new: &str| {
            let (old, new) = (others(old), others(new));
            let (old, new) = (Documents::new(&whole, &old), Documents::new(&whole, &new));
            differences(later(), new, old, true)
        };
        assert!(compare("integer", "number").is_empty());
        assert!(compare("integer", "string")[0].contains("TYPE_CHANGED"));
    }

    #[test]
    fn what_is_not_compared_must_be_the_same() {
        let all = json!({"allOf": [{"type": "string"}, {"maxLength": 3}]});
        assert!(kinds(&all, &all).is_empty());
        assert_eq!(kinds(&all, &json!({"type": "string"})), ["NOT_COMPARED"]);
        let told = told(&json!({"type": "string"}), &all);
        assert!(told[0].contains("compatibility NONE takes it"), "{told:?}");
    }
}
