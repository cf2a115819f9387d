//! What the view makes of entries in any order.

use serde_json::Map;

use crate::schemas::{Language, Reference};

use super::entry::{Entry, SchemaValue};
use super::view::{View, size};

fn value(subject: &str, version: i32, id: i32, text: &str, references: &[(&str, &str, i32)]) -> Entry {
    let reference = |(name, subject, version): &(&str, &str, i32)| Reference {
        name: (*name).to_owned(),
        subject: (*subject).to_owned(),
        version: *version,
    };
    Entry::Version(Box::new(SchemaValue {
        subject: subject.to_owned(),
        version,
        id,
        language: Language::Protobuf,
        references: references.iter().map(reference).collect(),
        schema: text.to_owned(),
        deleted: false,
        others: Map::new(),
    }))
}

#[test]
fn references_come_after_what_they_refer_to_and_once() {
    let mut view = View::default();
    // As a compacted topic may have it: what refers stands before what it refers to.
    view.apply(value("main", 1, 4, "main", &[("left", "left", 1), ("right", "right", 1)]));
    view.apply(value("base", 1, 1, "base", &[]));
    view.apply(value("left", 1, 2, "left", &[("base", "base", 1)]));
    assert!(view.schema(4).unwrap().unwrap_err().contains("\"right\" and version 1"));
    view.apply(value("right", 1, 3, "right", &[("base", "base", 1)]));
    let names = |id| view.schema(id).unwrap().unwrap().referenced.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(4), ["base", "left", "right"]);
    assert_eq!(names(1), Vec::<String>::new());
    assert_eq!(view.referring("base", 1), [2, 3]);
    assert!(view.bytes() > 4 * size("base", &[]), "references count, too");
    for name in ["main", "left", "right", "base"] {
        view.apply(Entry::NoVersion(name.to_owned(), 1));
    }
    assert_eq!(view.bytes(), 0);
}

#[test]
fn references_in_a_circle_end() {
    let mut view = View::default();
    view.apply(value("a", 1, 1, "a", &[("b", "b", 1)]));
    view.apply(value("b", 1, 2, "b", &[("a", "a", 1)]));
    assert_eq!(view.schema(1).unwrap().unwrap().referenced.len(), 2);
}

#[test]
fn ids_of_what_is_gone_are_not_given_again() {
    let mut view = View::default();
    view.apply(value("a", 1, 7, "a", &[]));
    view.apply(Entry::NoVersion("a".to_owned(), 1));
    assert!(view.schema(7).is_none() && view.subjects().next().is_none() && view.bytes() == 0);
    assert_eq!(view.free_id(), Some(8));
    view.apply(Entry::Taken(i32::MAX));
    assert_eq!(view.free_id(), None);
}
