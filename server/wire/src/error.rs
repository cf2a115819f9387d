//! Error bodies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Header of an error: the part of the request's text it is about, as byte offsets `START-END`.
pub const SPAN: &str = "millstream-span";
/// Header of an error: what the user may have meant.
pub const HINT: &str = "millstream-hint";

/// What a failed request answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "@type")]
pub enum ErrorBody {
    /// Not tied to a statement.
    #[serde(rename = "generic_error")]
    Generic(GenericError),
    /// A statement was refused.
    #[serde(rename = "statement_error")]
    Statement(StatementError),
}

/// `{"@type":"generic_error","error_code":40000,"message":".."}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenericError {
    /// The HTTP status × 100, plus a detail.
    pub error_code: u32,
    /// What went wrong.
    pub message: String,
}

/// `{"@type":"statement_error","error_code":40001,"message":"..","statementText":"..","entities":[]}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementError {
    /// The HTTP status × 100, plus a detail.
    pub error_code: u32,
    /// What went wrong.
    pub message: String,
    /// The refused statement.
    #[serde(rename = "statementText")]
    pub statement_text: String,
    /// Always empty.
    #[serde(default)]
    pub entities: Vec<Value>,
}

impl ErrorBody {
    /// The code, whatever the shape.
    pub fn code(&self) -> u32 {
        match self {
            Self::Generic(error) => error.error_code,
            Self::Statement(error) => error.error_code,
        }
    }

    /// The message, whatever the shape.
    pub fn message(&self) -> &str {
        match self {
            Self::Generic(error) => &error.message,
            Self::Statement(error) => &error.message,
        }
    }
}
