//! The words every layer uses: SQL types, schemas, and batches of changes over Arrow columns.

mod absent;
mod builder;
mod changes;
mod double_text;
pub mod row;
mod schema;
mod sql_type;
pub mod text;
mod time;
mod value;
mod view;
mod window;

pub use builder::ColumnBuilder;
pub use changes::{Changes, Side, Windows};
pub use schema::{Column, Schema};
pub use sql_type::{SCHEMA_PARTS_MAX, SqlType, TYPE_LEVELS_MAX, TYPE_PARTS_MAX, header_type};
pub use time::Time;
pub use value::Value;
pub use view::View;
pub use window::{Window, WindowBounds, WindowKind, segment_ms};
