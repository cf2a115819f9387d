//! The documents that a JSON Schema is made of, and what a `$ref` in one of them means.
//!
//! A schema within a document that has an `$id` is a document of its own: `#` is that schema for all that stands in it, and
//! names there are relative to its own. What `#` does not find in such a schema is looked for in the whole text, as in the
//! library that Confluent's registry reads schemas of the earlier drafts with.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::draft::Draft;

/// Bytes of a document's name, with all that it is relative to.
const NAME_MAX: usize = 1024;
/// Documents within documents.
const WITHIN_MAX: usize = 10_000;

/// Keywords with schemas by name behind them.
const BY_NAME: &[&str] =
    &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];
/// Keywords with values behind them that are no schemas.
const VALUES: &[&str] = &["const", "default", "enum", "examples"];

/// A schema's own document and those it refers to, with the documents within them.
#[derive(Debug)]
pub(crate) struct Documents<'a> {
    /// Its own.
    pub(crate) root: &'a Value,
    /// That its own is written in: it counts in the others, too.
    pub(crate) draft: Draft,
    /// The others, by the names it has for them.
    others: &'a [(&'a str, Value)],
    /// What a document is called, in full, and the whole that it stands in.
    names: HashMap<*const Value, (Arc<str>, &'a Value)>,
    named: HashMap<Arc<str>, &'a Value>,
    /// Schemas by the document that they stand in and their `$anchor`.
    anchors: HashMap<(*const Value, &'a str), &'a Value>,
}

impl<'a> Documents<'a> {
    /// The documents of a schema: its own, and the others by the names it has for them.
    pub(crate) fn new(root: &'a Value, others: &'a [(&'a str, Value)]) -> Self {
        let (names, named, anchors) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut documents = Self { root, draft: Draft::of(root), others, names, named, anchors };
        let base = own_name(root).unwrap_or_default();
        documents.add(root, Arc::from(base));
        for (name, other) in others {
            let name: Arc<str> = full_name(base, name).into();
            documents.named.entry(Arc::clone(&name)).or_insert(other);
            documents.add(other, own_name(other).map_or(name.clone(), |own| full_name(&name, own).into()));
            // A schema may be called by what it says its name is, wherever that is.
            if let Some(own) = own_name(other) {
                documents.named.entry(own.into()).or_insert(other);
            }
        }
        documents
    }

    /// Notes a document and all that is in it.
    fn add(&mut self, document: &'a Value, name: Arc<str>) {
        self.name(document, name, document);
        let word = name_word(document);
        let mut open = vec![(document, document, true)];
        while let Some((value, mut within, is_schema)) = open.pop() {
            match value {
                Value::Array(elements) => open.extend(elements.iter().map(|element| (element, within, true))),
                Value::Object(members) => {
                    let text = |word: &str| members.get(word).and_then(Value::as_str).filter(|_| is_schema);
                    let counts = self.draft.counts_beside_reference() || !members.contains_key("$ref");
                    let own = text(word).filter(|_| counts);
                    if let Some(own) = own.map(without_fragment)
                        && !own.is_empty()
                        && !std::ptr::eq(value, document)
                        && self.names.len() < WITHIN_MAX + self.others.len()
                    {
                        let name = full_name(self.name_of(within), own);
                        if name.len() <= NAME_MAX {
                            within = value;
                            self.name(value, name.into(), document);
                        }
                    }
                    let anchors =
                        [text(word).and_then(|id| id.strip_prefix('#')), text("$anchor"), text("$dynamicAnchor")];
                    for anchor in anchors.into_iter().flatten() {
                        self.anchors.entry((std::ptr::from_ref(within), anchor)).or_insert(value);
                    }
                    for (word, part) in members {
                        let word = word.as_str();
                        if !is_schema || !VALUES.contains(&word) {
                            open.push((part, within, !is_schema || !BY_NAME.contains(&word)));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn name(&mut self, document: &'a Value, name: Arc<str>, whole: &'a Value) {
        self.names.insert(std::ptr::from_ref(document), (Arc::clone(&name), whole));
        self.named.entry(name).or_insert(document);
    }

    fn name_of(&self, document: &Value) -> &str {
        self.names.get(&std::ptr::from_ref(document)).map_or("", |(name, _)| name)
    }

    /// The document that the parts of a schema stand in: the schema itself if it is one, else that which it stands in.
    pub(crate) fn within(&self, schema: &'a Value, document: &'a Value) -> &'a Value {
        if self.names.contains_key(&std::ptr::from_ref(schema)) { schema } else { document }
    }

    /// What a `$ref` in one of the documents refers to, and the document that this stands in.
    pub(crate) fn resolve(&self, reference: &str, document: &'a Value) -> Option<(&'a Value, &'a Value)> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() { document } else { self.document(file, document)? };
        let part = |document| self.part(fragment, document).or_else(|| self.part(&decoded(fragment)?, document));
        let whole = || self.names.get(&std::ptr::from_ref(document)).map(|(_, whole)| *whole);
        // The library of the earlier drafts knows no names, and goes on from the whole.
        let unknown = || whole().filter(|_| self.draft == Draft::Earlier && is_name(fragment));
        part(document).or_else(|| part(whole()?)).or_else(|| self.place(fragment, unknown()?))
    }

    /// The document that is called so in another one.
    fn document(&self, name: &str, from: &Value) -> Option<&'a Value> {
        let other = |name: &str| self.others.iter().find(|(other, _)| *other == name).map(|(_, schema)| schema);
        let named = self.named.get(full_name(self.name_of(from), name).as_str()).copied();
        let registered = || other(name).or_else(|| other(name.strip_prefix("./")?));
        named.or_else(registered).or_else(|| self.named.get(name).copied())
    }

    /// A part of a document, by its place or by its anchor.
    fn part(&self, fragment: &str, document: &'a Value) -> Option<(&'a Value, &'a Value)> {
        if is_name(fragment) {
            let anchors = &self.anchors;
            return anchors.get(&(std::ptr::from_ref(document), fragment)).map(|schema| (*schema, document));
        }
        self.place(fragment, document)
    }

    /// What stands at a place in a document.
    fn place(&self, pointer: &str, document: &'a Value) -> Option<(&'a Value, &'a Value)> {
        let mut at = (document, document);
        for token in pointer.split('/').skip(1) {
            let part = at.0.pointer(&format!("/{token}"))?;
            at = (part, self.within(part, at.1));
        }
        Some(at)
    }
}

/// Whether a fragment names an anchor, and no place.
fn is_name(fragment: &str) -> bool {
    !fragment.is_empty() && !fragment.starts_with('/')
}

/// The keyword that names a schema.
fn name_word(document: &Value) -> &'static str {
    let language = document.get("$schema").and_then(Value::as_str).unwrap_or_default();
    if ["draft-03/", "draft-04/"].iter().any(|old| language.contains(old)) { "id" } else { "$id" }
}

/// The name that a document gives itself.
fn own_name(document: &Value) -> Option<&str> {
    let name = document.get("$id").or_else(|| document.get("id"))?.as_str()?;
    Some(without_fragment(name)).filter(|name| !name.is_empty() && name.len() <= NAME_MAX)
}

fn without_fragment(name: &str) -> &str {
    name.split_once('#').map_or(name, |(name, _)| name)
}

/// A name with what it is relative to, as URIs are resolved.
fn full_name(base: &str, name: &str) -> String {
    let has_scheme = name.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if has_scheme {
        return name.to_owned();
    }
    // http://host and /directory/file
    let host =
        base.split_once("://").map_or(0, |(scheme, rest)| scheme.len() + 3 + rest.find('/').unwrap_or(rest.len()));
    let (host, path) = base.split_at_checked(host).unwrap_or((base, ""));
    let directory = path.rsplit_once('/').map(|(directory, _)| directory);
    let path = match directory.or_else(|| (!host.is_empty()).then_some("")) {
        Some(directory) if !name.starts_with('/') => format!("{directory}/{name}"),
        _ => name.to_owned(),
    };
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "." => {}
            ".." => drop(steps.pop_if(|step| !step.is_empty())),
            step => steps.push(step),
        }
    }
    format!("{host}{}", steps.join("/"))
}

/// A fragment without its percent signs.
fn decoded(fragment: &str) -> Option<Cow<'_, str>> {
    if !fragment.contains('%') {
        return None;
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(fragment.len()), fragment.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_relative_to_the_document() {
        for (base, name, full) in [
            ("", "a.json", "a.json"),
            ("", "./a/../b.json", "b.json"),
            ("dir/a.json", "b.json", "dir/b.json"),
            ("dir/a.json", "../b.json", "b.json"),
            ("a.json", "/b.json", "/b.json"),
            ("http://x.org/dir/a.json", "b.json", "http://x.org/dir/b.json"),
            ("http://x.org/dir/a.json", "../../b.json", "http://x.org/b.json"),
            ("http://x.org/dir/a.json", "/b.json", "http://x.org/b.json"),
            ("http://x.org", "b.json", "http://x.org/b.json"),
            ("http://x.org/a.json", "urn:example:b", "urn:example:b"),
            ("urn:example:a", "b.json", "b.json"),
        ] {
            assert_eq!(full_name(base, name), full, "{name} in {base}");
        }
    }

    #[test]
    fn a_schema_with_a_name_is_a_document_of_its_own() {
        let root = json!({
            "$id": "http://x.org/dir/root.json",
            "properties": {"$id": {"type": "string"}, "v": {"default": {"$id": "value.json"}}},
            "definitions": {
                "a": {
                    "$id": "a.json",
                    "definitions": {"in": {"type": "integer", "$anchor": "in"}, "deep": {"$id": "/deep.json", "items": {}}},
                    "properties": {"b": {"$ref": "#/definitions/in"}}
                },
                "in": {"type": "string", "$anchor": "in"},
                "of 100%": {"$id": "#percent"}
            }
        });
        let others = [("other.json", json!({"$id": "http://y.org/y.json", "definitions": {"in": {"type": "null"}}}))];
        let documents = Documents::new(&root, &others);
        let a = &root["definitions"]["a"];
        let of = |reference: &str, document| documents.resolve(reference, document).map(|(schema, _)| schema);
        for reference in ["a.json", "http://x.org/dir/a.json", "./a.json#", "#/definitions/a"] {
            let found = documents.resolve(reference, &root).unwrap();
            assert!(std::ptr::eq(found.0, a) && std::ptr::eq(found.1, a), "{reference}");
        }
        assert_eq!(of("#/definitions/in", &root).unwrap()["type"], "string");
        assert_eq!(of("#/definitions/in", a).unwrap()["type"], "integer");
        assert_eq!(
            (of("#in", &root).unwrap()["type"].as_str(), of("#in", a).unwrap()["type"].as_str()),
            (Some("string"), Some("integer"))
        );
        assert_eq!(of("root.json#/definitions/in", a).unwrap()["type"], "string");
        assert!(of("#percent", &root).is_some() && of("#/definitions/of%20100%25", &root).is_some());
        let deep = documents.resolve("#/definitions/a/definitions/deep/items", &root).unwrap();
        assert!(std::ptr::eq(deep.1, &raw const a["definitions"]["deep"]) && of("http://x.org/deep.json", a).is_some());
        for reference in ["other.json", "http://y.org/y.json", "http://x.org/dir/other.json"] {
            assert_eq!(of(&format!("{reference}#/definitions/in"), a).unwrap()["type"], "null", "{reference}");
        }
        // What the document does not have may be in the whole.
        let whole = documents.resolve("#/definitions/a/properties", a).unwrap();
        assert!(std::ptr::eq(whole.0, &raw const a["properties"]) && std::ptr::eq(whole.1, a));
        for reference in ["value.json", "b.json", "#/definitions/b", "http://x.org/a.json"] {
            assert!(of(reference, &root).is_none(), "{reference}");
        }
        assert!(std::ptr::eq(documents.within(a, &root), a) && std::ptr::eq(documents.within(&a["properties"], a), a));
    }

    #[test]
    fn what_is_no_name_is_the_whole_in_the_earlier_drafts() {
        let within = json!({"$id": "a.json", "properties": {"b": {"$ref": "#b"}}});
        let mut root = json!({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": within}});
        let others = [("other.json", json!({"$schema": "https://json-schema.org/draft/2020-12/schema"}))];
        let found = |root: &Value, reference: &str| {
            let documents = Documents::new(root, &others);
            let (schema, document) = documents.resolve(reference, &root["definitions"]["a"])?;
            assert!(std::ptr::eq(schema, document));
            Some(["root", "other"][usize::from(std::ptr::eq(schema, &raw const others[0].1))])
        };
        assert_eq!((found(&root, "#b"), found(&root, "other.json#b")), (Some("root"), Some("other")));
        assert_eq!((found(&root, "#/b"), found(&root, "b.json#b")), (None, None));
        root["$schema"] = json!("https://json-schema.org/draft/2019-09/schema");
        assert_eq!((found(&root, "#b"), found(&root, "other.json#b")), (None, None));
    }

    #[test]
    fn a_name_beside_a_reference_counts_in_the_later_drafts() {
        let mut root =
            json!({"definitions": {"a": {"$id": "a.json", "$ref": "#/b", "b": {}}, "c": {"$ref": "a.json"}}});
        assert!(Documents::new(&root, &[]).resolve("a.json", &root).is_none());
        root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let documents = Documents::new(&root, &[]);
        let (a, document) = documents.resolve("a.json", &root).unwrap();
        let b = documents.resolve("#/b", document).unwrap();
        assert!(std::ptr::eq(b.0, &raw const a["b"]) && std::ptr::eq(b.1, a));
    }

    #[test]
    fn names_within_a_document_are_bounded() {
        let many: Vec<Value> = (0..2 * WITHIN_MAX).map(|i| json!({"$id": format!("{i}.json")})).collect();
        let root = json!({"$id": format!("http://x.org/{}", "d/".repeat(400)), "oneOf": many});
        let documents = Documents::new(&root, &[]);
        assert!(documents.names.len() <= WITHIN_MAX + 1 && documents.named.len() <= WITHIN_MAX + 1);
        let root = json!({"$id": "http://x.org/", "not": {"$id": "n".repeat(NAME_MAX)}});
        assert_eq!(Documents::new(&root, &[]).named.len(), 1);
    }
}
