//! What a subject may be called.

use super::problem::Problem;

/// Bytes of a subject's name: two names of topics' length and more fit.
const MAX_BYTES: usize = 1_024;

/// Names that Confluent's registry keeps for itself.
const RESERVED: &[&str] = &["__GLOBAL", "__EMPTY"];

/// Refuses what is no name of a subject.
pub(super) fn check(subject: &str) -> Result<(), Problem> {
    if is_in_context(subject) {
        return Err(Problem::Context(subject.to_owned()));
    }
    let is_legal = !subject.is_empty() && subject.len() <= MAX_BYTES && !subject.chars().any(char::is_control);
    if !is_legal || RESERVED.contains(&subject) {
        return Err(Problem::InvalidSubject(subject.chars().take(MAX_BYTES).collect()));
    }
    Ok(())
}

/// Whether it names a context, too: `:.context:subject`.
pub(super) fn is_in_context(subject: &str) -> bool {
    subject.starts_with(":.") || subject.starts_with(":*:")
}
