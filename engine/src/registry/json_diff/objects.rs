//! Properties, by the content model: which others an object may have.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::formats::problem::join;

use super::Diff;
use super::bounds::constant;
use super::found::Found;
use super::shape::{Node, Typed, is_any};

/// Patterns of one object's properties, and bytes of one when it is compiled.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN_BYTES: usize = 1 << 20;

static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// What an object's schema says.
struct Object<'a> {
    properties: &'a Map<String, Value>,
    required: HashSet<&'a str>,
    patterns: &'a Map<String, Value>,
    compiled: OnceCell<Option<Vec<(Regex, &'a Value)>>>,
    others: Rest<'a>,
}

/// What properties, or items, must be that are not named.
#[derive(Clone, Copy)]
pub(super) enum Rest<'a> {
    Anything,
    Nothing,
    Of(&'a Value),
}

impl<'a> Rest<'a> {
    pub(super) fn of(schema: Option<&'a Value>) -> Self {
        match schema {
            None | Some(Value::Bool(true)) => Self::Anything,
            Some(Value::Bool(false)) => Self::Nothing,
            Some(schema) => Self::Of(schema),
        }
    }
}

/// What an object's schema says of a property that it does not name.
enum Unnamed<'a> {
    Anything,
    Nothing,
    Of(&'a Value),
    /// It cannot be told.
    Unknown,
}

impl<'a> Object<'a> {
    fn of(words: &'a Map<String, Value>) -> Self {
        let by_name = |word: &str| words.get(word).and_then(Value::as_object).unwrap_or(&NONE);
        let required = words.get("required").and_then(Value::as_array).into_iter().flatten();
        Self {
            properties: by_name("properties"),
            required: required.filter_map(Value::as_str).collect(),
            patterns: by_name("patternProperties"),
            compiled: OnceCell::new(),
            others: Rest::of(words.get("additionalProperties")),
        }
    }

    fn unnamed(&self, name: &str) -> Unnamed<'a> {
        match (self.compiled.get_or_init(|| compiled(self.patterns)), self.others) {
            (None, _) => Unnamed::Unknown,
            (Some(patterns), others) => match patterns.iter().find(|(pattern, _)| pattern.is_match(name)) {
                Some((_, schema)) => Unnamed::Of(schema),
                None if patterns.is_empty() && matches!(others, Rest::Anything) => Unnamed::Anything,
                None => match others {
                    Rest::Of(schema) => Unnamed::Of(schema),
                    // Beside patterns Confluent's registry takes all others as not allowed.
                    Rest::Anything | Rest::Nothing => Unnamed::Nothing,
                },
            },
        }
    }
}

fn compiled(patterns: &Map<String, Value>) -> Option<Vec<(Regex, &Value)>> {
    if patterns.len() > MAX_PATTERNS {
        return None;
    }
    let compile = |text: &str| RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build().ok();
    patterns.iter().map(|(text, schema)| Some((compile(text)?, schema))).collect()
}

impl<'a> Diff<'a> {
    pub(super) fn objects(
        &mut self,
        old_type: Typed<'a>,
        new_type: Typed<'a>,
        path: &str,
        level: usize,
        found: &mut Found,
    ) {
        let (old, new) = (Object::of(old_type.words), Object::of(new_type.words));
        let (required, properties) = (join(path, "required"), join(path, "properties"));
        for name in &new.required {
            if old.properties.contains_key(*name)
                && let Some(property) = new.properties.get(*name)
                && !old.required.contains(name)
                && property.get("default").is_none()
            {
                found.add("REQUIRED_ATTRIBUTE_ADDED", &join(&required, name));
            }
        }
        for (name, property) in old.properties {
            if found.is_full() {
                return;
            }
            let (at, property) = (join(&properties, name), old_type.with(property));
            match new.properties.get(name) {
                Some(updated) => self.compare(property, new_type.with(updated), &at, level + 1, found),
                None => self.removed(property, new_type, new.unnamed(name), &at, level, found),
            }
        }
        for (name, property) in new.properties.iter().filter(|(name, _)| !old.properties.contains_key(*name)) {
            if found.is_full() {
                return;
            }
            let (at, unnamed) = (join(&properties, name), old.unnamed(name));
            let is_open = matches!(unnamed, Unnamed::Anything);
            self.added(new_type.with(property), old_type, unnamed, &at, level, found);
            if !is_open && new.required.contains(name.as_str()) && property.get("default").is_none() {
                found.add("REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", &at);
            }
        }
        self.dependencies(old_type, new_type, &join(path, "dependencies"), level, found);
        self.rest((old_type, old.others), (new_type, new.others), (path, "additionalProperties"), level, found);
        self.unevaluated(old_type, new_type, (path, "unevaluatedProperties"), level, found);
    }

    /// A property that the reader does not name.
    fn removed(
        &mut self,
        property: Node<'a>,
        from: Typed<'a>,
        unnamed: Unnamed<'a>,
        path: &str,
        level: usize,
        found: &mut Found,
    ) {
        match unnamed {
            Unnamed::Anything => {}
            Unnamed::Unknown => found.add("NOT_COMPARED", path),
            Unnamed::Nothing if property.schema == &Value::Bool(false) => {}
            Unnamed::Nothing => found.add("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", path),
            Unnamed::Of(schema) => {
                let kind = "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                self.covered((property, from.with(schema)), kind, path, level, found);
            }
        }
    }

    /// A property that the writer does not name.
    fn added(
        &mut self,
        property: Node<'a>,
        to: Typed<'a>,
        unnamed: Unnamed<'a>,
        path: &str,
        level: usize,
        found: &mut Found,
    ) {
        match unnamed {
            Unnamed::Anything if is_any(property) => {}
            Unnamed::Anything => found.add("PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", path),
            Unnamed::Unknown => found.add("NOT_COMPARED", path),
            Unnamed::Nothing => {}
            Unnamed::Of(schema) => {
                let kind = "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                self.covered((to.with(schema), property), kind, path, level, found);
            }
        }
    }

    /// Compares what stands alone on one side with what the other says of what it does not name; `kind` says that this
    /// does not go together.
    pub(super) fn covered(
        &mut self,
        (old, new): (Node<'a>, Node<'a>),
        kind: &str,
        path: &str,
        level: usize,
        found: &mut Found,
    ) {
        let before = found.differences().len();
        self.compare(old, new, path, level + 1, found);
        if found.differences().len() > before {
            found.add(kind, path);
        }
    }

    /// Compares what is said of what is not named.
    pub(super) fn rest(
        &mut self,
        (old_type, old): (Typed<'a>, Rest<'a>),
        (new_type, new): (Typed<'a>, Rest<'a>),
        (path, word): (&str, &str),
        level: usize,
        found: &mut Found,
    ) {
        let at = join(path, word);
        match (old, new) {
            (Rest::Nothing, _) | (_, Rest::Anything) => {}
            (_, Rest::Nothing) => found.add(format!("{}_REMOVED", constant(word)), &at),
            (Rest::Anything, Rest::Of(_)) => found.add(format!("{}_NARROWED", constant(word)), &at),
            (Rest::Of(old), Rest::Of(new)) => {
                self.compare(old_type.with(old), new_type.with(new), &at, level + 1, found)
            }
        }
    }

    fn dependencies(&mut self, old: Typed<'a>, new: Typed<'a>, path: &str, level: usize, found: &mut Found) {
        let of = |of: Typed<'a>| {
            let words = ["dependencies", "dependentRequired", "dependentSchemas"].into_iter();
            words.filter_map(move |word| of.word(word)?.as_object()).flatten()
        };
        // A property may need others, and a schema.
        let before: HashMap<(&str, bool), &Value> =
            of(old).map(|(name, needs)| ((name.as_str(), needs.is_array()), needs)).collect();
        for (name, needs) in of(new) {
            let at = join(path, name);
            match (before.get(&(name.as_str(), needs.is_array())).copied(), needs) {
                (None, Value::Array(_)) => found.add("DEPENDENCY_ARRAY_ADDED", &at),
                (None, _) => found.add("DEPENDENCY_SCHEMA_ADDED", &at),
                (Some(Value::Array(before)), Value::Array(now)) => {
                    let (before, now): (HashSet<&Value>, HashSet<&Value>) =
                        (before.iter().collect(), now.iter().collect());
                    if !now.is_subset(&before) {
                        let kind = if before.is_subset(&now) { "EXTENDED" } else { "CHANGED" };
                        found.add(format!("DEPENDENCY_ARRAY_{kind}"), &at);
                    }
                }
                (Some(before), now) => self.compare(old.with(before), new.with(now), &at, level + 1, found),
            }
        }
    }

    /// Compares what is said of what no keyword has looked at.
    pub(super) fn unevaluated(
        &mut self,
        old: Typed<'a>,
        new: Typed<'a>,
        (path, word): (&str, &str),
        level: usize,
        found: &mut Found,
    ) {
        let of = |of: Typed<'a>| match of.word(word) {
            Some(schema) if is_any(of.with(schema)) => Rest::Anything,
            schema => Rest::of(schema),
        };
        self.rest((old, of(old)), (new, of(new)), (path, word), level, found);
    }
}
