//! Protobuf as Kafka Connect's converter writes it: columns ──> the text of a schema (`schema.rs`), and messages of that
//! schema (`encode.rs`) in Protobuf's wire format (`wire.rs`). Nothing is framed.
//!
//! Fields are numbered by position. There is no NULL: a NULL field is left out like one with its type's default.
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

mod encode;
mod schema;
mod wire;

pub use encode::MessageWriter;
pub use schema::schema_text;
