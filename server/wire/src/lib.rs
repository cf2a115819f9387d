//! Request and response bodies of ksqlDB's HTTP interface, field for field. The order of the fields here is their order
//! on the wire; `Option`s without `skip_serializing_if` are written as `null`, because clients look for them.
//!
//! ```text
//! request.rs ──> POST /ksql, /query, /query-stream, /inserts-stream, /close-query
//! entity.rs  <── POST /ksql          (describe.rs, schema.rs: what entities are made of)
//! query.rs   <── query streams       insert.rs <── /inserts-stream
//! info.rs    <── the small endpoints  error.rs  <── anything that went wrong
//! ```

mod describe;
mod entity;
mod error;
mod info;
mod insert;
mod query;
mod request;
mod schema;

pub use describe::{
    ConsumerOffset, HostStat, QueryDescription, QueryError, QueryOffsetSummary, QueryTopicOffsetSummary, RunningQuery,
    SourceDescription, TaskMetadata, TopicOffset, TopicPartitionEntity,
};
pub use entity::{
    AssertSchema, AssertTopic, CommandStatus, CommandStatusEntity, ConnectorList, ConnectorPlugins, DescribeFunction,
    Entity, FunctionArgument, FunctionInfo, FunctionList, FunctionName, PropertiesList, Property,
    QueryDescriptionEntity, QueryDescriptionList, QueryList, SourceDescriptionEntity, SourceDescriptionList,
    SourceInfo, StreamList, TableList, TerminateQuery, TopicInfo, TopicInfoExtended, TopicList, TopicListExtended,
    TypeList, Variable, VariableList, Warning, WarningEntity,
};
pub use error::{ErrorBody, GenericError, HINT, SPAN, StatementError};
pub use info::{
    ClusterId, ClusterScope, CommandStatuses, Health, HealthDetails, Healthy, Info, ServerInfo, ServerMetadata,
};
pub use insert::{InsertAck, InsertError};
pub use query::{DelimitedHeader, FinalMessage, Header, HeaderBody, RowError};
pub use request::{CloseQuery, ClusterTerminateRequest, InsertsTarget, KsqlRequest, QueryStreamRequest};
pub use schema::{Field, SchemaInfo};
