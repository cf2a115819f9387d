//! Formats that need a schema registry (or share its code): known by name, not built yet.

use super::{Decode, Encode, Features, Format, FormatError, FormatSpec, Half};
use crate::types::Column;

/// A format that is known but not built.
pub(super) struct Later {
    name: &'static str,
    /// Whether it finds schemas in a registry.
    registry: bool,
    unwrap_singles: bool,
}

/// JSON with the registry's framing.
pub(super) static JSON_SR: Later = Later { name: "JSON_SR", registry: true, unwrap_singles: true };
/// Protobuf with the registry's framing.
pub(super) static PROTOBUF: Later = Later { name: "PROTOBUF", registry: true, unwrap_singles: false };
/// Protobuf without framing.
pub(super) static PROTOBUF_NOSR: Later = Later { name: "PROTOBUF_NOSR", registry: false, unwrap_singles: true };

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
            unwrap_singles: self.unwrap_singles,
            schema_inference: self.registry,
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
