//! Why a query cannot be started, or cannot go on.

use arrow::error::ArrowError;

use crate::formats::FormatError;
use crate::kv::KvError;
use crate::log::{LogError, TopicPartition};
use crate::operators::OperatorError;
use crate::schemas::SchemaError;

use super::life::{Blame, State};

/// Why a query cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The log failed, or a topic is missing.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A format cannot hold the columns.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A step cannot be built.
    #[error("{0}")]
    Build(String),
    /// A topic that the query reads or writes is not there.
    #[error(
        "topic {0}, which the query uses, does not exist. Make it again, with the records that are to be read, or DROP what \
         the query makes (TERMINATE it) and CREATE that anew"
    )]
    TopicGone(String),
    /// A topic has more partitions than the query was made for.
    #[error("topic {topic} has {is} partitions now, {was} before: the query is made anew for them")]
    TopicChanged {
        /// The topic.
        topic: String,
        /// Partitions when the query was made.
        was: u32,
        /// Partitions now.
        is: u32,
    },
    /// A topic ends before what the query has read of it.
    #[error(
        "the query has read partition {} of topic {} up to offset {at}, and the partition ends at {end}: the topic was made \
         anew, or has lost records. DROP what the query makes (TERMINATE it) and CREATE that anew, or set the position of \
         its consumer group to where it is to go on",
        of.partition, of.topic
    )]
    TopicAnew {
        /// The partition.
        of: TopicPartition,
        /// Where the query is.
        at: i64,
        /// Where the partition ends.
        end: i64,
    },
    /// A topic of the query's own does not have the partitions of what it reads.
    #[error(
        "the query needs {needs} partitions of its internal topic {topic}, which has {has}. What it reads was given more \
         partitions, so that keys are in other ones than before: DROP what the query makes (TERMINATE it) and CREATE that \
         anew"
    )]
    InternalTopic {
        /// The topic.
        topic: String,
        /// Partitions it would need.
        needs: u32,
        /// Partitions it has.
        has: u32,
    },
    /// There is no such query.
    #[error("there is no query {0}")]
    Unknown(String),
}

impl From<KvError> for RuntimeError {
    fn from(error: KvError) -> Self {
        LogError::from(error).into()
    }
}

impl From<OperatorError> for RuntimeError {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::State(error) => error.into(),
            OperatorError::Schemas(error) => FormatError::Schemas(error).into(),
            other => Self::Build(other.to_string()),
        }
    }
}

impl RuntimeError {
    /// The state of a query that cannot be started because of it.
    pub(super) fn leads_to(&self) -> State {
        match self {
            Self::Log(error) if error.may_pass() => State::Retrying,
            Self::TopicChanged { .. } => State::Retrying,
            Self::Format(FormatError::Schemas(error)) if error.may_pass() => State::Retrying,
            _ => State::Error,
        }
    }

    /// What a client is told of it.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Log(error) => error.told(),
            other => other.to_string(),
        }
    }

    /// Whose it is.
    pub(super) fn blame(&self) -> Blame {
        match self {
            Self::Log(error) => error.into(),
            Self::TopicGone(_) | Self::TopicChanged { .. } | Self::TopicAnew { .. } | Self::InternalTopic { .. } => {
                Blame::User
            }
            _ => Blame::Unknown,
        }
    }
}

/// Why a task cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskError {
    /// The log failed: the query is started again from its last commit.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The schema registry does not answer: as [`TaskError::Log`].
    #[error(transparent)]
    Schemas(#[from] SchemaError),
    /// A record cannot be used and must not be passed over.
    #[error("{0}")]
    Record(String),
    /// The query must stop.
    #[error("{0}")]
    Fatal(String),
}

impl TaskError {
    /// Whether the task is another process's now, and nothing is wrong.
    pub(super) fn is_moved(&self) -> bool {
        matches!(self, Self::Log(LogError::Moved))
    }

    /// Whether the query may go on later from its last commit.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Log(error) => error.may_pass(),
            Self::Schemas(error) => error.may_pass(),
            Self::Record(_) | Self::Fatal(_) => false,
        }
    }

    /// Whose it is.
    pub(super) fn blame(&self) -> Blame {
        match self {
            Self::Log(error) => error.into(),
            Self::Record(_) => Blame::User,
            Self::Schemas(_) => Blame::System,
            Self::Fatal(_) => Blame::Unknown,
        }
    }

    /// What a client is told of it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Log(error) => error.told(),
            other => other.to_string(),
        }
    }
}

impl From<KvError> for TaskError {
    fn from(error: KvError) -> Self {
        LogError::from(error).into()
    }
}

impl From<OperatorError> for TaskError {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::State(error) => error.into(),
            OperatorError::Schemas(error) => error.into(),
            other => Self::Fatal(other.to_string()),
        }
    }
}

impl From<ArrowError> for TaskError {
    fn from(error: ArrowError) -> Self {
        Self::Fatal(error.to_string())
    }
}

impl From<SinkError> for TaskError {
    fn from(error: SinkError) -> Self {
        Self::Record(error.to_string())
    }
}

/// What can go wrong on the way out.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    /// A key cannot be written.
    #[error("{0}")]
    Key(FormatError),
    /// A value cannot be.
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

impl SinkError {
    /// Whether it is a key that cannot be written.
    pub(super) fn is_of_key(&self) -> bool {
        matches!(self, Self::Key(_))
    }
}
