//! What a schema refers to, over any number of others.

use std::collections::HashSet;

use crate::schemas::{Reference, Referenced, SchemaError};

use super::answers::SentSchema;

/// Schemas that one may refer to: each is a question.
const MAX_REFERENCED: usize = 1_000;

/// Bytes of their texts.
const MAX_BYTES: usize = 16 << 20;

/// Fetches all that these refer to: each after those it refers to, none twice.
pub(super) fn fetch(
    references: &[Reference],
    mut ask: impl FnMut(&str, i32) -> Result<SentSchema, SchemaError>,
) -> Result<Vec<Referenced>, SchemaError> {
    enum Step {
        Ask(Reference),
        Put(Referenced),
    }
    let (mut found, mut begun, mut bytes) = (Vec::new(), HashSet::new(), 0);
    let mut open: Vec<Step> = references.iter().rev().cloned().map(Step::Ask).collect();
    while let Some(step) = open.pop() {
        match step {
            Step::Put(referenced) => found.push(referenced),
            Step::Ask(reference) if begun.insert(reference.name.clone()) => {
                if begun.len() > MAX_REFERENCED {
                    return Err(SchemaError::Invalid(format!("it refers to more than {MAX_REFERENCED} schemas")));
                }
                let Reference { name, subject, version } = reference;
                if bytes > MAX_BYTES {
                    return Err(SchemaError::Invalid(format!("it refers to schemas of more than {MAX_BYTES} bytes")));
                }
                let sent = ask(&subject, version).map_err(|error| match error {
                    // It is gone. Any other refusal says nothing of the schema.
                    SchemaError::Refused { code: code @ 40401..=40403, message } => SchemaError::Invalid(format!(
                        "it refers to {name}, version {version} of {subject}, which cannot be had: {message} (error code \
                         {code})"
                    )),
                    other => other,
                })?;
                bytes += sent.schema.len();
                open.push(Step::Put(Referenced { name, text: sent.schema.into() }));
                open.extend(sent.references.into_iter().rev().map(Step::Ask));
            }
            Step::Ask(_) => {}
        }
    }
    Ok(found)
}
