//! The union of the layers' errors, as the engine's own way reports them; [`crate::statements::Failure`] is what a
//! client sees.

use crate::config::ConfigError;
use crate::kv::KvError;
use crate::log::LogError;
use crate::plan::{ErrorKind, PlanError};
use crate::runtime::RuntimeError;
use crate::statements::{Failure, FailureKind};

/// Why the engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log or the data directory failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A query could not be started.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The file of headless mode cannot be carried out.
    #[error("{0}")]
    QueriesFile(String),
}

impl Error {
    /// Whether it is only that no Kafka broker answers (yet).
    pub fn awaits_brokers(&self) -> bool {
        matches!(self, Self::Log(LogError::Broker(_)) | Self::Runtime(RuntimeError::Log(LogError::Broker(_))))
    }
}

impl From<KvError> for Error {
    fn from(error: KvError) -> Self {
        LogError::from(error).into()
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Log(error) => error.into(),
            other => Failure::statement(other.to_string()),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let kind = match error.kind() {
            ErrorKind::Build => FailureKind::Build,
            ErrorKind::General => FailureKind::Request,
            ErrorKind::NoRegistry => FailureKind::NoSchemaRegistry,
            ErrorKind::Unforeseen => FailureKind::Unforeseen,
            ErrorKind::Statement => FailureKind::Statement,
        };
        let failure =
            Failure { brief: error.brief, span: error.span, hint: error.hint, ..Failure::new(kind, error.message) };
        match error.resolved {
            Some(resolved) => failure.of(&resolved),
            None => failure,
        }
    }
}
