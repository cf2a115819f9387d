//! Statements that are not a plan: SHOW, DESCRIBE, EXPLAIN, INSERT VALUES, PRINT, SET, … One file per kind of
//! statement; each is a function from what it may look at to an [`Outcome`]. What an outcome looks like on the wire is
//! the server's business (`server/src/entities.rs`).

mod failure;
mod outcome;
mod session;

pub use failure::{Failure, FailureKind};
pub use outcome::{
    Answer, CommandStatus, FieldConstraint, FunctionArgument, FunctionDescription, FunctionLine, FunctionSignature,
    GroupOffsets, Outcome, PartitionOffsets, Property, QueryDescription, QueryLine, QueryType, SourceDescription,
    SourceField, SourceLine, TaskOffsets, TopicLine,
};
pub use session::{Session, bare_name};
