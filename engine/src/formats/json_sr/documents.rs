//! The documents that a JSON Schema is made of, and what a `$ref` in one of them means.

use serde_json::{Map, Value};

/// A schema's own document and those it refers to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Documents<'a> {
    /// Its own.
    pub(crate) root: &'a Value,
    /// The others, by the names it has for them.
    pub(crate) others: &'a [(&'a str, Value)],
}

impl<'a> Documents<'a> {
    /// What a `$ref` in one of the documents refers to, and the document that this stands in.
    pub(crate) fn resolve(&self, reference: &str, document: &'a Value) -> Option<(&'a Value, &'a Value)> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let named = |name: &str| self.others.iter().find(|(other, _)| *other == name).map(|(_, schema)| schema);
        let document = match file {
            "" => Some(document),
            // A schema may be called by what it says its name is.
            file => named(file).or_else(|| named(file.strip_prefix("./")?)).or_else(|| {
                let all = self.others.iter().map(|(_, schema)| schema).chain([self.root]);
                all.into_iter().find(|schema| id(schema) == Some(file))
            }),
        }?;
        let target = match pointer {
            "" => Some(document),
            pointer if pointer.starts_with('/') => document.pointer(pointer),
            anchor => find_anchor(document, anchor),
        };
        Some((target?, document))
    }
}

/// The name that a schema gives itself; draft 4 calls it `id`.
fn id(schema: &Value) -> Option<&str> {
    schema.get("$id").or_else(|| schema.get("id"))?.as_str()
}

/// The definition that calls itself `#anchor`.
fn find_anchor<'a>(document: &'a Value, anchor: &str) -> Option<&'a Value> {
    let definitions = ["definitions", "$defs"].into_iter().filter_map(|key| document.get(key)?.as_object());
    definitions.flat_map(Map::values).find(|definition| {
        let id = definition.get("$id").and_then(Value::as_str).and_then(|id| id.strip_prefix('#'));
        id.or_else(|| definition.get("$anchor").and_then(Value::as_str)) == Some(anchor)
    })
}
