//! Changes of the catalog as data: planned on a fork, logged, then applied.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Lost, Query, Source};
use crate::types::SqlType;

/// One change of the catalog. As steps, changes stand in the command log: names and meaning stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A stream or table is made, or replaces the one of its name.
    PutSource(Arc<Source>),
    /// A stream or table goes.
    DropSource(String),
    /// A custom type is registered.
    PutType {
        /// Its name.
        name: String,
        /// What it stands for.
        #[serde(rename = "type")]
        ty: SqlType,
    },
    /// A custom type goes.
    DropType(String),
    /// A persistent query is made, or replaces the one of its id.
    PutQuery(Arc<Query>),
    /// A persistent query goes.
    DropQuery(String),
    /// The start cannot bring something back.
    Lose(Arc<Lost>),
}
