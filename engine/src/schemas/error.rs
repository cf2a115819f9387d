//! Why a registry gives no answer.

/// Why a schema cannot be had, or is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There is no registry.
    #[error("there is no schema registry")]
    None,
    /// The registry does not know the id.
    #[error("the schema registry knows no schema of id {0}")]
    UnknownId(i32),
    /// The registry does not know the id, and is asked once more before that counts: one server of it may be behind
    /// another.
    #[error("the schema registry knows no schema of id {0} yet; it is asked again")]
    NotYetKnown(i32),
    /// The subject holds versions that the schema does not go with.
    #[error("the schema is incompatible with subject {subject}: {why}")]
    Incompatible {
        /// The subject.
        subject: String,
        /// What does not fit.
        why: String,
    },
    /// The schema says nothing that can be understood.
    #[error("the schema is invalid: {0}")]
    Invalid(String),
    /// The registry refused for another reason.
    #[error("the schema registry refused: {message} (error code {code})")]
    Refused {
        /// Its error code.
        code: i32,
        /// Its words.
        message: String,
    },
    /// It is not the registry that records are written by.
    #[error("{0}")]
    Changed(String),
    /// The registry does not answer. It may later.
    #[error("the schema registry does not answer: {0}")]
    Unavailable(String),
}

impl SchemaError {
    /// Whether it says of a record that it cannot be read, and not of the registry that it cannot be asked.
    pub fn is_of_record(&self) -> bool {
        matches!(self, Self::UnknownId(_) | Self::Invalid(_))
    }

    /// Whether the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NotYetKnown(_))
    }
}
