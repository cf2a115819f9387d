//! One text for all ways to write the same schema: it is what tells whether two schemas are the same one, as Confluent's
//! registry does it. What a text says is kept, with docs and properties; how it is laid out is not.

mod avro;
mod descriptor;
mod field_meta;
mod json;
mod protobuf;

use crate::schemas::{Language, Referenced};

pub(super) use json::{documents, parse as json_document};

/// A schema's text in the forms that the registry needs.
#[derive(Debug)]
pub(super) struct Canonical {
    /// What is kept and answered.
    pub(super) text: String,
    /// What is compared.
    pub(super) identity: String,
}

/// Reads a text; `normalize` makes the order of what has none the same, too.
///
/// # Errors
/// Why it is no schema of that language.
pub(super) fn canonical(
    language: Language,
    text: &str,
    referenced: &[Referenced],
    normalize: bool,
) -> Result<Canonical, String> {
    match language {
        Language::Avro => avro::canonical(text, referenced, normalize).map(same),
        Language::Json => json::canonical(text, normalize).map(same),
        Language::Protobuf => protobuf::canonical(text),
    }
}

fn same(text: String) -> Canonical {
    Canonical { identity: text.clone(), text }
}
