//! Formats that need a schema registry: known by name, not built yet.

use super::{Decode, Encode, Features, Format, FormatError, FormatSpec, Half};
use crate::types::Column;

/// A format that is known but not built.
pub(super) struct Later {
    name: &'static str,
}

/// JSON with the registry's framing.
pub(super) static JSON_SR: Later = Later { name: "JSON_SR" };
impl Later {
    fn refuse<T>(&self) -> Result<T, FormatError> {
        Err(FormatError::Unsupported(format!("The format {} is not supported yet.", self.name)))
    }
}

impl Format for Later {
    fn name(&self) -> &'static str {
        self.name
    }

    fn features(&self) -> Features {
        Features {
            key: true,
            value: true,
            multiple_columns: true,
            wrap_singles: true,
            unwrap_singles: true,
            schema_inference: true,
            delimiter: false,
            checks_without_columns: true,
        }
    }

    fn validate(&self, _: &[Column], _: bool) -> Result<(), FormatError> {
        self.refuse()
    }

    fn decoder(&self, _: &FormatSpec, _: &[Column], _: &[usize], _: &Half) -> Result<Box<dyn Decode>, FormatError> {
        self.refuse()
    }

    fn encoder(&self, _: &FormatSpec, _: &[Column], _: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.refuse()
    }
}
