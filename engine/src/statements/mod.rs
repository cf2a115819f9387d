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
pub use assertions::{Asserted, schema as assert_schema, topic as assert_topic};
pub use command::{command_id, unsupported, warnings, wrong_endpoint};
pub use describe::{all as describe_all, describe};
pub use explain::{explain_plan, explain_query};
pub use functions::describe_function;
pub use insert::{Inserter, Row, Writer, insert, prepare as prepare_insert};
pub use outcome::{
    Answer, CommandStatus, FieldConstraint, FunctionArgument, FunctionDescription, FunctionLine, FunctionSignature,
    GroupOffsets, Outcome, PartitionOffsets, Property, QueryDescription, QueryLine, QueryType, SourceDescription,
    SourceField, SourceLine, TaskOffsets, TopicLine,
};
pub use print::{Print, print};
pub use properties::{set, unset};
pub use session::{Session, bare_name};
pub use show::show;
pub(crate) use topics::is_readonly;
pub use variables::{define, undefine};
pub use view::{LiveQuery, PushQuery, View};
