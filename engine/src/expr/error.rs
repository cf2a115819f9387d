//! What can be wrong with an expression. Texts are ksqlDB's; where and hints are ours.

use sql::Span;

/// Why an expression does not bind.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExprError {
    /// A name that is no column. The planner says in which clause (`SELECT column 'X' cannot be resolved.`).
    #[error("column '{name}' cannot be resolved.")]
    UnknownColumn {
        /// As written, with its source if it had one.
        name: String,
        /// Where.
        span: Span,
        /// The most similar column.
        nearest: Option<String>,
    },
    /// No function of that name, or one of another kind (aggregate, table function) where only scalars may stand.
    #[error("Can't find any functions with the name '{name}'")]
    UnknownFunction {
        /// As folded.
        name: String,
        /// Where.
        span: Span,
        /// The most similar function.
        nearest: Option<String>,
    },
    /// A function whose arguments fit none of its variations, or more than one.
    #[error("{message}")]
    Arguments {
        /// With the list of variations.
        message: String,
        /// Where the call stands.
        span: Span,
    },
    /// Two types that do not compare. In the REST answer ksqlDB keeps only what the planner puts before it
    /// (`Error in WHERE expression`).
    #[error("Cannot compare {left} to {right} with {operator}.")]
    Compare {
        /// The whole comparison.
        expression: String,
        /// Expression and type.
        left: String,
        /// Expression and type.
        right: String,
        /// `EQUAL`, `LESS_THAN`, …
        operator: &'static str,
        /// Where.
        span: Span,
    },
    /// A comparison with the NULL literal.
    #[error("Comparison with NULL not supported: {left} {operator} {right}\nUse 'IS NULL' or 'IS NOT NULL' instead.")]
    CompareNull {
        /// Type without its parameters, or `NULL`.
        left: String,
        /// Type without its parameters, or `NULL`.
        right: String,
        /// `=`, `<`, …
        operator: &'static str,
        /// Where.
        span: Span,
    },
    /// Arithmetic on types that have none. The REST answer is `Error processing expression.`.
    #[error("Error processing expression: {expression}. {}", no_arithmetic(left, right))]
    Arithmetic {
        /// The whole operation.
        expression: String,
        /// Left type or `null`.
        left: String,
        /// Right type or `null`.
        right: String,
        /// Where.
        span: Span,
    },
    /// Found while types are derived: the message stands alone.
    #[error("{message}")]
    Type {
        /// Text.
        message: String,
        /// Where.
        span: Span,
    },
    /// A text that is read as a time but is none: found before anything has a type.
    #[error("{message}")]
    Time {
        /// Text.
        message: String,
        /// Where.
        span: Span,
    },
    /// Found while types are derived, in a way that ksqlDB did not foresee: it calls that a fault of the server.
    #[error("{message}")]
    Unforeseen {
        /// Text.
        message: String,
        /// Where.
        span: Span,
    },
    /// Found while code is made: the planner says which clause (`Invalid Select: …`, `Invalid Predicate: …`).
    #[error("{message}")]
    Code {
        /// Text.
        message: String,
        /// Where.
        span: Span,
    },
}

impl ExprError {
    pub(super) fn ty(message: impl Into<String>, span: Span) -> Self {
        Self::Type { message: message.into(), span }
    }

    pub(super) fn unforeseen(message: impl Into<String>, span: Span) -> Self {
        Self::Unforeseen { message: message.into(), span }
    }

    pub(super) fn code(message: impl Into<String>, span: Span) -> Self {
        Self::Code { message: message.into(), span }
    }

    /// The same fault, found only when code is made.
    pub(super) fn while_making_code(self) -> Self {
        match self {
            Self::Code { .. } | Self::Unforeseen { .. } => self,
            // Only what is logged is told.
            Self::Arithmetic { span, .. } => Self::code("Error processing expression.", span),
            other => Self::Code { message: other.to_string(), span: other.span() },
        }
    }

    /// Where in the statement.
    pub fn span(&self) -> Span {
        match self {
            Self::UnknownColumn { span, .. }
            | Self::UnknownFunction { span, .. }
            | Self::Arguments { span, .. }
            | Self::Compare { span, .. }
            | Self::CompareNull { span, .. }
            | Self::Arithmetic { span, .. }
            | Self::Type { span, .. }
            | Self::Time { span, .. }
            | Self::Unforeseen { span, .. }
            | Self::Code { span, .. } => *span,
        }
    }

    /// What the user may have meant.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownColumn { nearest, .. } | Self::UnknownFunction { nearest, .. } => {
                nearest.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            Self::Compare { .. } => Some("make both sides one type with CAST(… AS …)".to_owned()),
            _ => None,
        }
    }
}

fn no_arithmetic(left: &str, right: &str) -> String {
    if left == "null" || right == "null" {
        format!("Arithmetic on types {left} and {right} are not supported.")
    } else {
        format!("Unsupported arithmetic types. {left} {right}")
    }
}

/// The candidate most similar to `name`, if one is similar at all.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(&name.to_uppercase(), &candidate.to_uppercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
