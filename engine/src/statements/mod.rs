//! Statements that are not a plan: SHOW, DESCRIBE, EXPLAIN, INSERT VALUES, PRINT, SET, … One file per kind of
//! statement; each is a function from what it may look at to an [`Outcome`]. What an outcome looks like on the wire is
//! the server's business (`server/src/entities.rs`).

mod assertions;
mod command;
mod describe;
mod explain;
mod functions;
mod insert;
mod outcome;
mod print;
mod properties;
mod session;
mod show;
mod topics;
mod variables;
mod view;

pub use crate::failure::{Failure, FailureKind, Progress};
pub use insert::Inserter;
pub use outcome::{
    Answer, CommandStatus, FieldConstraint, FunctionArgument, FunctionDescription, FunctionLine, FunctionSignature,
    GroupOffsets, Outcome, PartitionOffsets, Property, QueryDescription, QueryLine, QueryType, SourceDescription,
    SourceField, SourceLine, TaskOffsets, TopicLine,
};
pub use print::Print;
pub use session::Session;

pub(crate) use assertions::{Asserted, schema as assert_schema, topic as assert_topic};
pub(crate) use command::{command_id, unsupported, warnings, wrong_endpoint};
pub(crate) use describe::{all as describe_all, describe};
pub(crate) use explain::{explain_plan, explain_query};
pub(crate) use functions::describe_function;
pub(crate) use insert::{insert, prepare as prepare_insert};
pub(crate) use print::print;
pub(crate) use properties::{set, unset};
pub(crate) use show::show;
pub(crate) use topics::is_readonly;
pub(crate) use variables::{define, undefine};
pub(crate) use view::{Live, LiveQuery, PushQuery, View};
