//! Items, by their places or all alike.

use serde_json::Value;

use crate::formats::json_sr::Draft;
use crate::formats::problem::join;

use super::Diff;
use super::bounds::bound;
use super::found::Found;
use super::objects::Rest;
use super::shape::{Typed, is_any};

/// What an array's schema says.
struct Array<'a> {
    /// What all items must be.
    all: Option<&'a Value>,
    /// What the first ones must be.
    first: &'a [Value],
    /// What those after them must be.
    others: Rest<'a>,
    /// The same, with what is said of items that no other keyword looks at.
    open: Rest<'a>,
}

impl<'a> Array<'a> {
    fn of(of: Typed<'a>) -> Self {
        let (items, others) = (of.words.get("items"), of.word("additionalItems"));
        let first = |list: &'a Value| list.as_array().map_or(&[][..], Vec::as_slice);
        let (all, first, others) = match (of.word("prefixItems"), items) {
            (Some(list), _) => (None, first(list), Rest::of(items)),
            (None, Some(list @ Value::Array(_))) if of.draft().has_items_by_place() => {
                (None, first(list), Rest::of(others))
            }
            (None, all) => (all, &[][..], Rest::of(others)),
        };
        let open = match (others, of.word("unevaluatedItems")) {
            (Rest::Anything, Some(schema)) if !is_any(of.with(schema)) => Rest::of(Some(schema)),
            _ => others,
        };
        Self { all, first, others, open }
    }
}

/// How many items must, or may, be what `contains` says. Confluent's registry compares both in the earlier drafts, too,
/// where they mean nothing.
fn contained(of: Typed<'_>, word: &str) -> Option<f64> {
    let written = of.words.get(word).and_then(Value::as_f64);
    match of.draft() {
        Draft::Earlier => written,
        Draft::Later if !of.words.contains_key("contains") => None,
        Draft::Later => written.or((word == "minContains").then_some(1.0)),
    }
}

impl<'a> Diff<'a> {
    pub(super) fn arrays(
        &mut self,
        old_type: Typed<'a>,
        new_type: Typed<'a>,
        path: &str,
        level: usize,
        found: &mut Found,
    ) {
        let is_unique = |of: Typed<'_>| of.words.get("uniqueItems") == Some(&Value::Bool(true));
        if is_unique(new_type) && !is_unique(old_type) {
            found.add("UNIQUE_ITEMS_ADDED", &join(path, "uniqueItems"));
        }
        for (word, is_most) in [("maxContains", true), ("minContains", false)] {
            bound(word, is_most, (contained(old_type, word), contained(new_type, word)), path, found);
        }
        let (old, new) = (Array::of(old_type), Array::of(new_type));
        let items = join(path, "items");
        match (old.all, new.all) {
            (Some(old), Some(new)) => self.compare(old_type.with(old), new_type.with(new), &items, level + 1, found),
            (None, Some(new)) if new != &Value::Bool(true) => found.add("SCHEMA_ADDED", &items),
            _ => {}
        }
        for at in 0..old.first.len().max(new.first.len()) {
            if found.is_full() {
                return;
            }
            let path = join(&items, &at.to_string());
            match (old.first.get(at), new.first.get(at), old.open, new.open) {
                (Some(old), Some(new), ..) => {
                    self.compare(old_type.with(old), new_type.with(new), &path, level + 1, found)
                }
                (Some(_), None, _, Rest::Anything) | (None, _, Rest::Nothing, _) => {}
                (Some(Value::Bool(false)), None, _, Rest::Nothing) => {}
                (Some(_), None, _, Rest::Nothing) => found.add("ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", &path),
                (Some(old), None, _, Rest::Of(others)) => {
                    let kind = "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                    self.covered((old_type.with(old), new_type.with(others)), kind, &path, level, found);
                }
                (None, Some(new), Rest::Anything, _) => {
                    if !is_any(new_type.with(new)) {
                        found.add("ITEM_ADDED_TO_OPEN_CONTENT_MODEL", &path);
                    }
                }
                (None, Some(new), Rest::Of(others), _) => {
                    let kind = "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                    self.covered((old_type.with(others), new_type.with(new)), kind, &path, level, found);
                }
                (None, None, ..) => {}
            }
        }
        self.rest((old_type, old.others), (new_type, new.others), (path, "additionalItems"), level, found);
        self.unevaluated(old_type, new_type, (path, "unevaluatedItems"), level, found);
    }
}
