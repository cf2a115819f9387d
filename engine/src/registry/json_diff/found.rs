//! What was found, in Confluent's words as far as it has some.

/// Something that documents of the writer may not have to the reader.
#[derive(Debug)]
pub(super) struct Difference {
    kind: String,
    path: String,
}

/// Differences, up to a number.
pub(super) struct Found {
    differences: Vec<Difference>,
    most: usize,
}

impl Found {
    pub(super) fn up_to(most: usize) -> Self {
        Self { differences: Vec::new(), most }
    }

    pub(super) fn add(&mut self, kind: impl Into<String>, path: &str) {
        if !self.is_full() {
            self.differences.push(Difference { kind: kind.into(), path: path.to_owned() });
        }
    }

    /// Whether nothing more is asked for.
    pub(super) fn is_full(&self) -> bool {
        self.differences.len() >= self.most
    }

    /// Whether it is only asked whether there is something.
    pub(super) fn only_asks(&self) -> bool {
        self.most == 1
    }

    pub(super) fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

impl Difference {
    pub(super) fn describe(&self, reader: &str, writer: &str) -> String {
        let kind = self.kind.as_str();
        let path = if self.path == "#" { "#/" } else { &self.path };
        let ends = |end: &str| kind.ends_with(end);
        let text = match kind {
            "NOT_COMPARED" => format!(
                "What stands at path '{path}' differs between the schemas and is not compared; compatibility NONE takes \
                 it"
            ),
            "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL" => format!(
                "The {reader} schema has an unopen content model and has a required property at path '{path}' which is \
                 missing in the {writer} schema"
            ),
            _ if ends("_ADDED_TO_OPEN_CONTENT_MODEL") => format!(
                "The {reader} schema has an open content model and has a property or item at path '{path}' which is \
                 missing in the {writer} schema"
            ),
            _ if ends("_REMOVED_FROM_CLOSED_CONTENT_MODEL") => format!(
                "The {reader} schema has a closed content model and is missing a property or item present at path \
                 '{path}' in the {writer} schema"
            ),
            _ if ends("_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL") => format!(
                "A property or item is missing in the {reader} schema but present at path '{path}' in the {writer} schema \
                 and is not covered by its partially open content model"
            ),
            _ if ends("_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL") => format!(
                "The {reader} schema has a property or item at path '{path}' which is missing in the {writer} schema and \
                 is not covered by its partially open content model"
            ),
            "PATTERN_CHANGED" | "MULTIPLE_OF_CHANGED" | "DEPENDENCY_ARRAY_CHANGED" => {
                format!("The value at path '{path}' is different between the {reader} and {writer} schema")
            }
            "TYPE_NARROWED" => changed(path, reader, writer),
            _ if ends("_CHANGED") => changed(path, reader, writer),
            _ if ends("_NARROWED") => format!(
                "An array or combined type at path '{path}' has fewer elements in the {reader} schema than the {writer} \
                 schema"
            ),
            _ if ends("_EXTENDED") => format!(
                "An array or combined type at path '{path}' has more elements in the {reader} schema than the {writer} \
                 schema"
            ),
            _ if ends("_INCREASED") || ends("_EXPANDED") => format!(
                "The value at path '{path}' in the {reader} schema is more than its value in the {writer} schema"
            ),
            _ if ends("_DECREASED") => format!(
                "The value at path '{path}' in the {reader} schema is less than its value in the {writer} schema"
            ),
            _ => format!("The keyword at path '{path}' in the {reader} schema is not present in the {writer} schema"),
        };
        format!("{{errorType:\"{kind}\", description:\"{text}\"}}")
    }
}

fn changed(path: &str, reader: &str, writer: &str) -> String {
    format!("A type at path '{path}' is different between the {reader} schema and the {writer} schema")
}
