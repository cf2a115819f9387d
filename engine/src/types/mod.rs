//! The words every layer uses: SQL types, schemas, and batches of changes over Arrow columns.

mod absent;
mod bounds;
mod builder;
mod changes;
mod exact;
pub mod row;
mod schema;
mod sql_type;
pub mod text;
mod time;
mod value;
mod view;
mod window;

pub use bounds::{Bounds, PartsLeft, TypeTooLarge};
pub use builder::ColumnBuilder;
pub use changes::{Changes, Side, Windows};
pub use schema::{Column, Schema};
pub(crate) use sql_type::duplicate_field;
pub use sql_type::{SqlType, TYPE_LEVELS_MAX, header_type};
pub use time::Time;
pub use value::Value;
pub use view::View;
pub use window::{KeyWindow, Window, WindowBounds, WindowKind, segment_ms};
