//! What a schema is about. Keywords of several kinds in one schema stand for a product (`allOf`) of schemas with those of
//! one kind each, as in the library that Confluent's registry reads schemas with.

use serde_json::{Map, Value};

use crate::formats::json_sr::{Documents, Draft};

/// Keywords with a meaning that is not compared.
const NOT_COMPARED: &[&str] = &["$dynamicRef", "$recursiveRef"];

/// Keywords of the types, by which a schema without `type` is about them.
const OF_TYPES: &[(&str, &[&str])] = &[
    (
        "array",
        &[
            "additionalItems",
            "contains",
            "items",
            "maxItems",
            "minItems",
            "prefixItems",
            "unevaluatedItems",
            "uniqueItems",
        ],
    ),
    (
        "object",
        &[
            "additionalProperties",
            "dependencies",
            "dependentRequired",
            "dependentSchemas",
            "maxProperties",
            "minProperties",
            "patternProperties",
            "properties",
            "propertyNames",
            "required",
            "unevaluatedProperties",
        ],
    ),
    ("number", &["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"]),
    ("string", &["maxLength", "minLength", "pattern"]),
];

/// Which of several schemas must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

const COMBINED: &[(Criterion, &str)] =
    &[(Criterion::All, "allOf"), (Criterion::Any, "anyOf"), (Criterion::One, "oneOf")];

/// Which of the things that a schema says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part<'a> {
    Whole,
    /// What it refers to.
    Reference,
    Enum,
    Const,
    Not,
    Condition,
    Combined(Criterion),
    /// Several types.
    Types,
    Type(&'a str),
}

/// A schema, or a part of what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) schema: &'a Value,
    /// What it stands in.
    pub(super) document: &'a Value,
    /// That the whole is written in.
    pub(super) draft: Draft,
    pub(super) part: Part<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn of(schema: &'a Value, document: &'a Value, draft: Draft) -> Self {
        Self { schema, document, draft, part: Part::Whole }
    }

    /// All that the documents are about.
    pub(super) fn root(documents: &Documents<'a>) -> Self {
        Self::of(documents.root, documents.root, documents.draft)
    }

    /// What it refers to, if it says nothing else that counts.
    pub(super) fn reference(self) -> Option<&'a str> {
        let is_alone = || {
            !self.draft.counts_beside_reference()
                || self.schema.as_object().and_then(|words| parts(words, self.draft)).is_some_and(|it| it.len() == 1)
        };
        match self.part {
            Part::Whole => reference(self.schema).filter(|_| is_alone()),
            Part::Reference => reference(self.schema),
            _ => None,
        }
    }

    /// A schema within this one.
    pub(super) fn with(self, schema: &'a Value) -> Self {
        Self::of(schema, self.document, self.draft)
    }

    /// This one, where it is a document of its own with that as its document.
    pub(super) fn within(self, documents: &Documents<'a>) -> Self {
        Self { document: documents.within(self.schema, self.document), ..self }
    }

    /// What it refers to, whatever else it says.
    pub(super) fn referring(self) -> Self {
        Self { part: Part::Reference, ..self }
    }

    /// What says the part.
    pub(super) fn said(self) -> &'a Value {
        let word = match self.part {
            Part::Combined(criterion) => COMBINED.iter().find(|(of, _)| *of == criterion).map(|(_, word)| *word),
            _ => None,
        };
        word.and_then(|word| self.schema.get(word)).unwrap_or(self.schema)
    }
}

/// What a schema says of a type.
#[derive(Clone, Copy)]
pub(super) struct Typed<'a> {
    pub(super) name: &'a str,
    pub(super) words: &'a Map<String, Value>,
    node: Node<'a>,
}

impl<'a> Typed<'a> {
    /// A schema within it.
    pub(super) fn with(&self, schema: &'a Value) -> Node<'a> {
        self.node.with(schema)
    }

    pub(super) fn draft(&self) -> Draft {
        self.node.draft
    }

    /// What stands behind a keyword, if its draft knows that.
    pub(super) fn word(&self, word: &str) -> Option<&'a Value> {
        self.words.get(word).filter(|_| self.node.draft.knows(word))
    }
}

/// Several schemas.
pub(super) struct Combined<'a> {
    pub(super) criterion: Criterion,
    pub(super) nodes: Vec<Node<'a>>,
}

impl Combined<'_> {
    /// Whether it is enough that one holds.
    pub(super) fn is_sum(&self) -> bool {
        self.criterion != Criterion::All
    }
}

/// What a schema is about.
pub(super) enum Shape<'a> {
    /// Everything.
    Any,
    /// Nothing.
    Never,
    Combined(Combined<'a>),
    /// One of these values.
    Enum(&'a [Value]),
    Const(&'a Value),
    /// All but this.
    Not(Node<'a>),
    /// `if`, `then` and `else`, of which Confluent's registry compares nothing.
    Condition,
    /// A type, with its keywords.
    Type(Typed<'a>),
    /// Something that is not compared.
    Unknown,
}

pub(super) fn shape(node: Node<'_>) -> Shape<'_> {
    let words = match node.schema {
        Value::Bool(true) => return Shape::Any,
        Value::Bool(false) => return Shape::Never,
        Value::Object(words) => words,
        _ => return Shape::Unknown,
    };
    let list = |word: &str| words.get(word).and_then(Value::as_array);
    let combined = |criterion, nodes| Shape::Combined(Combined { criterion, nodes });
    match node.part {
        Part::Whole => match parts(words, node.draft).as_deref() {
            None => Shape::Unknown,
            Some([]) => Shape::Any,
            Some([part]) => shape(Node { part: *part, ..node }),
            Some(parts) => combined(Criterion::All, parts.iter().map(|part| Node { part: *part, ..node }).collect()),
        },
        // That is followed before it is asked what it is about.
        Part::Reference => Shape::Unknown,
        Part::Enum => list("enum").map_or(Shape::Unknown, |values| Shape::Enum(values)),
        Part::Const => words.get("const").map_or(Shape::Unknown, Shape::Const),
        Part::Not => words.get("not").map_or(Shape::Unknown, |not| Shape::Not(node.with(not))),
        Part::Condition => Shape::Condition,
        Part::Combined(criterion) => match node.said().as_array() {
            Some(schemas) => combined(criterion, schemas.iter().map(|schema| node.with(schema)).collect()),
            None => Shape::Unknown,
        },
        Part::Types => {
            let names = list("type").into_iter().flatten();
            let nodes = names.map(|name| Some(Node { part: Part::Type(name.as_str()?), ..node }));
            nodes.collect::<Option<_>>().map_or(Shape::Unknown, |nodes| combined(Criterion::Any, nodes))
        }
        Part::Type(name) => Shape::Type(Typed { name, words, node }),
    }
}

/// All that a schema says, by its kinds; `None` if that is not compared.
fn parts(words: &Map<String, Value>, draft: Draft) -> Option<Vec<Part<'_>>> {
    let has = |list: &[&str]| list.iter().any(|word| words.contains_key(*word) && draft.knows(word));
    if has(NOT_COMPARED) {
        return None;
    }
    let of = |words: &[&str], part| has(words).then_some(part);
    let mut parts = Vec::new();
    parts.extend(of(&["$ref"], Part::Reference));
    parts.extend(of(&["enum"], Part::Enum));
    parts.extend(COMBINED.iter().filter_map(|(criterion, word)| of(&[*word], Part::Combined(*criterion))));
    parts.extend(of(&["not"], Part::Not));
    parts.extend(of(&["const"], Part::Const));
    parts.extend(of(&["if", "then", "else"], Part::Condition));
    match words.get("type") {
        Some(Value::String(name)) => parts.push(Part::Type(name)),
        Some(_) => parts.push(Part::Types),
        None => {}
    }
    // What is said of other types counts for values of those.
    let is_named = |name: &str| match words.get("type") {
        Some(Value::Array(names)) => names.iter().any(|of| is_of(of, name)),
        Some(of) => is_of(of, name),
        None => false,
    };
    let others = OF_TYPES.iter().filter(|(name, _)| !is_named(name));
    parts.extend(others.filter_map(|(name, words)| of(words, Part::Type(name))));
    Some(parts)
}

/// Whether a type has the keywords of another.
fn is_of(of: &Value, name: &str) -> bool {
    of == name || of == "integer" && name == "number"
}

/// Whether a schema takes everything.
pub(super) fn is_any(node: Node<'_>) -> bool {
    reference(node.schema).is_none() && matches!(shape(node), Shape::Any)
}

/// What a schema refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref").and_then(Value::as_str)
}
