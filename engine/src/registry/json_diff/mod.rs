//! Whether documents of one JSON Schema are documents of another, by the rules of Confluent's registry. What goes beyond
//! them must be the same in both.
//!
//! ```text
//! schema ──shape──> what it is about ──compare──> differences that no document may have ──found──> messages
//!                     ├── alternatives and products (combined)
//!                     └── objects, arrays, bounds of texts and numbers
//! ```

mod arrays;
mod bounds;
mod combined;
mod found;
mod objects;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use serde_json::Value;

use crate::formats::json_sr::{Documents, Draft};
use crate::formats::problem::join;

use bounds::{bounds, multiple_of, pattern};
use found::Found;
use shape::{Node, Shape, Typed, reference, shape};

/// Pairs of schemas that are compared at most: alternatives within alternatives multiply.
const MAX_PAIRS: usize = 100_000;

/// Values that are looked at, in all, for schemas that must be the same word for word.
const MAX_VALUES: usize = 1_000_000;

/// Levels that are compared: it calls itself for each.
const MAX_LEVELS: usize = 1_000;

/// What is told at most.
const MAX_TOLD: usize = 1_000;

/// Why documents of `writer` are not documents of `reader`, as far as it is found by `end`; nothing: they are.
/// `reader_is_new` tells which of the two is the new schema.
pub(super) fn differences(
    end: Instant,
    reader: Documents<'_>,
    writer: Documents<'_>,
    reader_is_new: bool,
) -> Vec<String> {
    let roots = (Node::root(&writer), Node::root(&reader));
    let mut diff = Diff { end, reader, writer, begun: HashSet::new(), known: HashMap::new(), pairs: 0, values: 0 };
    let mut found = Found::up_to(MAX_TOLD);
    diff.compare(roots.0, roots.1, "#", 0, &mut found);
    let (reader, writer) = if reader_is_new { ("new", "old") } else { ("old", "new") };
    found.differences().iter().map(|difference| difference.describe(reader, writer)).collect()
}

/// A schema of the writer and one of the reader.
type Pair = (*const Value, *const Value);

struct Diff<'a> {
    /// When comparing ends, done or not.
    end: Instant,
    reader: Documents<'a>,
    writer: Documents<'a>,
    /// Pairs that are being compared and were referred to: schemas may hold themselves.
    begun: HashSet<Pair>,
    /// Whether pairs that were referred to go together.
    known: HashMap<Pair, bool>,
    pairs: usize,
    values: usize,
}

impl<'a> Diff<'a> {
    fn compare(&mut self, writer: Node<'a>, reader: Node<'a>, path: &str, level: usize, found: &mut Found) {
        if found.is_full() {
            return;
        }
        self.pairs += 1;
        if self.pairs > MAX_PAIRS || level > MAX_LEVELS || Instant::now() >= self.end {
            return found.add("NOT_COMPARED", path);
        }
        let (writer, reader) = (writer.within(&self.writer), reader.within(&self.reader));
        if writer.reference().is_some() || reader.reference().is_some() {
            return self.referred(writer, reader, path, level, found);
        }
        match (shape(writer), shape(reader)) {
            (_, Shape::Any) | (Shape::Never, _) | (Shape::Condition, Shape::Condition) => {}
            (Shape::Unknown, _) | (_, Shape::Unknown) => {
                if !self.is_same(writer, reader) {
                    found.add("NOT_COMPARED", path);
                }
            }
            (Shape::Combined(old), Shape::Combined(new)) => {
                if !self.is_same(writer, reader) {
                    self.combined(&old, &new, path, level, found);
                }
            }
            (_, Shape::Combined(new)) if new.is_sum() || new.nodes.len() == 1 => {
                if !new.nodes.iter().any(|node| self.fits(writer, *node, level)) {
                    found.add("TYPE_CHANGED", path);
                }
            }
            (Shape::Combined(old), _) => {
                if !matches!(old.nodes.as_slice(), [only] if self.fits(*only, reader, level)) {
                    found.add("TYPE_CHANGED", path);
                }
            }
            (Shape::Enum(old), Shape::Enum(new)) => enums(old, new, path, found),
            (Shape::Const(old), Shape::Const(new)) => {
                if old != new {
                    found.add("ENUM_ARRAY_CHANGED", &join(path, "const"));
                }
            }
            (Shape::Not(old), Shape::Not(new)) => {
                // What the reader does not take must be among what the writer never writes.
                std::mem::swap(&mut self.reader, &mut self.writer);
                let fits = self.fits(new, old, level);
                std::mem::swap(&mut self.reader, &mut self.writer);
                if !fits {
                    found.add("NOT_TYPE_EXTENDED", &join(path, "not"));
                }
            }
            (Shape::Type(old), Shape::Type(new)) => self.types(old, new, path, level, found),
            _ => found.add("TYPE_CHANGED", path),
        }
    }

    /// Compares schemas of which one refers to another place.
    fn referred(&mut self, writer: Node<'a>, reader: Node<'a>, path: &str, level: usize, found: &mut Found) {
        let do_both = writer.reference().is_some() && reader.reference().is_some();
        let resolved = (resolve(&self.writer, writer), resolve(&self.reader, reader));
        let (Some(writer), Some(reader)) = resolved else {
            return found.add("NOT_COMPARED", path);
        };
        if !do_both {
            return self.compare(writer, reader, path, level + 1, found);
        }
        let pair = pair_of(writer, reader);
        match self.known.get(&pair) {
            Some(true) => return,
            Some(false) if found.only_asks() => return found.add("TYPE_CHANGED", path),
            _ => {}
        }
        // It goes together unless something else in it shows that it does not.
        if self.begun.insert(pair) {
            let before = found.differences().len();
            self.compare(writer, reader, path, level + 1, found);
            self.begun.remove(&pair);
            self.known.insert(pair, found.differences().len() == before);
        }
    }

    /// Whether documents of one schema are documents of another.
    fn fits(&mut self, writer: Node<'a>, reader: Node<'a>, level: usize) -> bool {
        let mut found = Found::up_to(1);
        self.compare(writer, reader, "#", level + 1, &mut found);
        found.differences().is_empty()
    }

    /// Whether two schemas say the same word for word, and so does all that they refer to.
    fn is_same(&mut self, writer: Node<'a>, reader: Node<'a>) -> bool {
        let (mut open, mut begun) = (vec![(writer, reader)], HashSet::new());
        while let Some((writer, reader)) = open.pop() {
            if writer.part != reader.part || writer.said() != reader.said() {
                return false;
            }
            let mut parts = vec![(writer.with(writer.said()), reader.with(reader.said()))];
            while let Some((old, new)) = parts.pop() {
                self.values += 1;
                if self.values > MAX_VALUES {
                    return false;
                }
                let (old, new) = (old.within(&self.writer), new.within(&self.reader));
                match (old.schema, new.schema) {
                    (Value::Object(words), _) if old.draft != new.draft && Draft::matters(words) => return false,
                    (Value::Object(members), Value::Object(others)) => {
                        let both = members.iter().filter_map(|(name, part)| Some((part, others.get(name)?)));
                        parts.extend(both.map(|(part, other)| (old.with(part), new.with(other))));
                    }
                    (Value::Array(elements), Value::Array(others)) => {
                        parts
                            .extend(elements.iter().zip(others).map(|(part, other)| (old.with(part), new.with(other))));
                    }
                    _ => {}
                }
                if reference(old.schema).is_none() {
                    continue;
                }
                let (old, new) = (old.referring(), new.referring());
                match (resolve(&self.writer, old), resolve(&self.reader, new)) {
                    (Some(old), Some(new)) if begun.insert(pair_of(old, new)) => open.push((old, new)),
                    (Some(_), Some(_)) => {}
                    _ => return false,
                }
            }
        }
        true
    }

    fn types(&mut self, old: Typed<'a>, new: Typed<'a>, path: &str, level: usize, found: &mut Found) {
        match (old.name, new.name) {
            (old, new) if old == new => {}
            ("integer", "number") => {}
            ("number", "integer") => found.add("TYPE_NARROWED", path),
            _ => return found.add("TYPE_CHANGED", path),
        }
        let words = (old.words, new.words);
        match new.name {
            "string" => {
                bounds(words, path, &["maxLength"], &["minLength"], found);
                pattern(words, path, found);
            }
            "number" | "integer" => {
                let (most, least) = (["maximum", "exclusiveMaximum"], ["minimum", "exclusiveMinimum"]);
                bounds(words, path, &most, &least, found);
                multiple_of(words, path, found);
            }
            "object" => {
                bounds(words, path, &["maxProperties"], &["minProperties"], found);
                self.objects(old, new, path, level, found);
            }
            "array" => {
                bounds(words, path, &["maxItems"], &["minItems"], found);
                self.arrays(old, new, path, level, found);
            }
            _ => {}
        }
    }
}

/// The schema that is referred to, or the schema itself.
fn resolve<'a>(documents: &Documents<'a>, node: Node<'a>) -> Option<Node<'a>> {
    match node.reference() {
        None => Some(node),
        Some(reference) => {
            let found = documents.resolve(reference, node.document);
            found.map(|(schema, document)| Node::of(schema, document, node.draft))
        }
    }
}

fn pair_of(writer: Node<'_>, reader: Node<'_>) -> Pair {
    (std::ptr::from_ref(writer.schema), std::ptr::from_ref(reader.schema))
}

fn enums(old: &[Value], new: &[Value], path: &str, found: &mut Found) {
    let (old, new): (HashSet<&Value>, HashSet<&Value>) = (old.iter().collect(), new.iter().collect());
    if !old.is_subset(&new) {
        let kind = if new.is_subset(&old) { "ENUM_ARRAY_NARROWED" } else { "ENUM_ARRAY_CHANGED" };
        found.add(kind, &join(path, "enum"));
    }
}
