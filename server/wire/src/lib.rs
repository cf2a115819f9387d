//! Request and response bodies of ksqlDB's HTTP interface, field for field. The order of the fields here is their order
//! on the wire; `Option`s without `skip_serializing_if` are written as `null`, because clients look for them.
//!
//! ```text
//! request.rs ──> POST /ksql, /query, /query-stream, /inserts-stream, /close-query
//! entity.rs  <── POST /ksql          (describe.rs, schema.rs: what entities are made of)
//! stream.rs  <── query streams       insert.rs <── /inserts-stream
//! info.rs    <── the small endpoints  error.rs  <── anything that went wrong
//! ```

mod describe;
mod entity;
mod error;
mod info;
mod insert;
mod request;
mod schema;
mod stream;

pub use describe::*;
pub use entity::*;
pub use error::*;
pub use info::*;
pub use insert::*;
pub use request::*;
pub use schema::*;
pub use stream::*;
