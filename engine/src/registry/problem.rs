//! Why the registry refuses, in the codes and words of Confluent's, which clients know.

use crate::schemas::SchemaError;

/// What the registry refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no such subject.
    #[error("Subject '{0}' not found.")]
    NoSubject(String),
    /// The subject has no such version.
    #[error("Version {0} not found.")]
    NoVersion(i32),
    /// There is no schema of that id.
    #[error("Schema {0} not found")]
    NoId(i32),
    /// The schema does not stand in the subject.
    #[error("Schema not found")]
    NoSchema,
    /// The subject was deleted softly, and is to be deleted so again.
    #[error("Subject '{0}' was soft deleted.Set permanent=true to delete permanently")]
    SubjectSoftDeleted(String),
    /// The subject is to be deleted for good and was not deleted softly.
    #[error("Subject '{0}' was not deleted first before being permanently deleted")]
    SubjectNotSoftDeleted(String),
    /// The version was deleted softly, and is to be deleted so again.
    #[error("Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently")]
    VersionSoftDeleted {
        /// The subject.
        subject: String,
        /// Its version.
        version: i32,
    },
    /// The version is to be deleted for good and was not deleted softly.
    #[error("Subject '{subject}' Version {version} was not deleted first before being permanently deleted")]
    VersionNotSoftDeleted {
        /// The subject.
        subject: String,
        /// Its version.
        version: i32,
    },
    /// The subject has no compatibility of its own.
    #[error("Subject '{0}' does not have subject-level compatibility configured")]
    NoCompatibility(String),
    /// The subject has no mode of its own.
    #[error("Subject '{0}' does not have subject-level mode configured")]
    NoMode(String),
    /// The subject holds versions that the schema does not go with.
    #[error(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
        .messages.join(", ")
    )]
    Incompatible {
        /// The subject.
        subject: String,
        /// What does not fit.
        messages: Vec<String>,
    },
    /// The schema says nothing that can be understood.
    #[error("{0}")]
    InvalidSchema(String),
    /// That is no number of a version.
    #[error(
        "The specified version '{0}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \
         \"latest\""
    )]
    InvalidVersion(String),
    /// There is no such compatibility level.
    #[error(
        "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, \
         forward_transitive, and full_transitive"
    )]
    InvalidCompatibility,
    /// There is no such mode.
    #[error("Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, IMPORT, FORWARD.")]
    InvalidMode,
    /// The mode, or a limit, does not let it.
    #[error("{0}")]
    NotPermitted(String),
    /// Another schema refers to what is to be deleted.
    #[error(
        "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}."
    )]
    Referenced {
        /// The subject.
        subject: String,
        /// Its version.
        version: i32,
    },
    /// A subject cannot be called so.
    #[error("The specified subject '{0}' is not a valid subject.")]
    InvalidSubject(String),
    /// The subject stands in a context.
    #[error("The specified subject '{0}' is not a valid subject: contexts are not supported.")]
    Context(String),
    /// The text is longer than the registry takes.
    #[error("Register operation failed because schema is too large")]
    TooLarge,
    /// The topic of the schemas cannot be read or written.
    #[error("Error in the backend data store: {message}")]
    Store {
        /// What a client may know of it.
        message: String,
    },
}

impl Problem {
    /// Confluent's error code.
    pub fn code(&self) -> i32 {
        match self {
            Self::NoSubject(_) => 40401,
            Self::NoVersion(_) => 40402,
            Self::NoId(_) | Self::NoSchema => 40403,
            Self::SubjectSoftDeleted(_) => 40404,
            Self::SubjectNotSoftDeleted(_) => 40405,
            Self::VersionSoftDeleted { .. } => 40406,
            Self::VersionNotSoftDeleted { .. } => 40407,
            Self::NoCompatibility(_) => 40408,
            Self::NoMode(_) => 40409,
            Self::Incompatible { .. } => 409,
            Self::InvalidSchema(_) => 42201,
            Self::InvalidVersion(_) => 42202,
            Self::InvalidCompatibility => 42203,
            Self::InvalidMode => 42204,
            Self::NotPermitted(_) => 42205,
            Self::Referenced { .. } => 42206,
            Self::InvalidSubject(_) | Self::Context(_) => 42208,
            Self::TooLarge => 42209,
            Self::Store { .. } => 50001,
        }
    }
}

impl From<Problem> for SchemaError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::NoId(id) => Self::UnknownId(id),
            Problem::Incompatible { subject, messages } => Self::Incompatible { subject, why: messages.join("; ") },
            Problem::InvalidSchema(message) => Self::Invalid(message),
            // No record is bad because the topic cannot be read.
            Problem::Store { message } => Self::Unavailable(message),
            other => Self::Refused { code: other.code(), message: other.to_string() },
        }
    }
}
