//! Protobuf as Kafka Connect's converter writes it.
//!
//! ```text
//! columns ─schema→ text of a schema          text of a schema ─parse→ types ─infer→ columns
//! types, columns ─plan→ which field number goes where       payloads ─reader→ message ─decode→ column builders
//! types, columns ─layout→ which column goes where           arrays ─encode→ message ─writer→ payloads
//! ```
//!
//! Generated messages number their fields by position. There is no NULL, unless the source says how to tell one: a NULL
//! field is left out like one with its type's default. What holds for messages that others wrote stands in `infer` and
//! `plan`.
//!
//! | SQL | Protobuf |
//! |---|---|
//! | BOOLEAN, INTEGER, BIGINT, DOUBLE | `bool`, `int32`, `int64`, `double` |
//! | STRING, BYTES | `string`, `bytes` |
//! | DECIMAL | `confluent.type.Decimal`: unscaled value (two's complement, big-endian), precision, scale |
//! | TIME, DATE, TIMESTAMP | `google.type.TimeOfDay`, `google.type.Date`, `google.protobuf.Timestamp` |
//! | ARRAY | `repeated`; not within an ARRAY, and none of its items may be NULL |
//! | MAP | `repeated` messages `…Entry` of `key` and `value`; not within an ARRAY |
//! | STRUCT | a message |

pub mod compat;
mod decode;
mod encode;
mod format;
mod imports;
mod infer;
mod layout;
mod parse;
mod plan;
mod reader;
mod schema;
#[cfg(test)]
pub(super) mod tests;
mod types;
mod well_known;
mod wire;
mod writer;

pub use encode::MessageWriter;
pub(super) use format::{Protobuf, ProtobufNoSr};
use format::{bare_nullable, effective_name, schema};
pub(crate) use imports::{OWN, imported, own};
pub use infer::columns;
use infer::message_names;
pub use parse::check;
use schema::named_schema_text;
pub use schema::schema_text;
