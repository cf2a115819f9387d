//! What a schema refers to, over any number of others.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::schemas::{Reference, Referenced, SchemaError};

use super::answers::SentSchema;

/// Schemas that one may refer to: each is a question.
const MAX_REFERENCED: usize = 1_000;

/// Bytes of their texts.
const MAX_BYTES: usize = 16 << 20;

/// How long a version that was fetched is remembered, so that who could not fetch all in time goes on where it was. Not
/// longer: versions that are deleted for good may be given again.
const KEPT: Duration = Duration::from_secs(600);

/// Versions that are remembered, and bytes of them. Beyond that all are forgotten.
const MAX_KEPT: usize = 10_000;
const MAX_KEPT_BYTES: usize = 64 << 20;

/// Versions that were fetched lately.
#[derive(Default)]
pub(super) struct Fetched(Mutex<Versions>);

#[derive(Default)]
struct Versions {
    of: HashMap<(String, i32), (Instant, SentSchema)>,
    bytes: usize,
}

impl Fetched {
    /// A version of a subject, which `ask` asks for unless it is remembered.
    pub(super) fn schema(
        &self,
        subject: &str,
        version: i32,
        ask: impl FnOnce() -> Result<SentSchema, SchemaError>,
    ) -> Result<SentSchema, SchemaError> {
        let of = (subject.to_owned(), version);
        if let Some((since, sent)) = self.0.lock().of.get(&of)
            && since.elapsed() < KEPT
        {
            return Ok(sent.clone());
        }
        let sent = ask()?;
        // Other numbers mean the latest one.
        if version > 0 {
            let mut versions = self.0.lock();
            if versions.of.len() >= MAX_KEPT || versions.bytes > MAX_KEPT_BYTES {
                *versions = Versions::default();
            }
            versions.bytes = versions.bytes.saturating_add(sent.bytes());
            versions.of.insert(of, (Instant::now(), sent.clone()));
        }
        Ok(sent)
    }
}

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
                let sent = ask(&subject, version).map_err(|error| match error {
                    // It is gone. Any other refusal says nothing of the schema.
                    SchemaError::Refused { code: code @ 40401..=40403, message } => SchemaError::Invalid(format!(
                        "it refers to {name}, version {version} of {subject}, which cannot be had: {message} (error code \
                         {code})"
                    )),
                    other => other,
                })?;
                bytes += sent.schema.len();
                if bytes > MAX_BYTES {
                    return Err(SchemaError::Invalid(format!("it refers to schemas of more than {MAX_BYTES} bytes")));
                }
                open.push(Step::Put(Referenced { name, text: sent.schema.into() }));
                open.extend(sent.references.into_iter().rev().map(Step::Ask));
            }
            Step::Ask(_) => {}
        }
    }
    Ok(found)
}
