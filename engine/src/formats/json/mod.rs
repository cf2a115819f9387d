//! JSON, the way Jackson and Kafka Connect read and write it for ksqlDB.
//!
//! ```text
//! bytes ─scan→ tokens ─decode (shape: which key is which field; coerce: single values)→ column builders
//! (described: what the schema of a writer says of them)
//! arrays ─value (escape: strings)→ text ─encode→ payloads
//! ```

mod coerce;
mod decode;
mod described;
mod encode;
mod escape;
mod scan;
mod shape;
pub(super) mod value;

pub(super) use decode::JsonDecoder;
pub(super) use described::{Described, UNION_FIELD, What};
pub(super) use encode::JsonEncoder;
pub(super) use shape::Written;
pub(super) use value::Dialect;

use super::{Decode, Encode, Features, Format, FormatError, FormatSpec, Half, has_text_keys, is_wrapped, schema_error};
use crate::types::Column;

/// The format `JSON`.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn features(&self) -> Features {
        Features::NESTED
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        check_maps(self.name(), columns, is_key)
    }

    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        Ok(Box::new(decoder(spec, columns, used, half, Written::Plain)))
    }

    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        Ok(Box::new(encoder(spec, columns, half, Dialect::Record)))
    }
}

/// A decoder of JSON that is written in this way.
pub(super) fn decoder(
    spec: &FormatSpec,
    columns: &[Column],
    used: &[usize],
    half: &Half,
    written: Written<'_>,
) -> JsonDecoder {
    JsonDecoder::new(columns, used, is_wrapped(spec, columns, half.is_key), written)
}

/// An encoder of JSON in one of the dialects of records.
pub(super) fn encoder(spec: &FormatSpec, columns: &[Column], half: &Half, dialect: Dialect) -> JsonEncoder {
    JsonEncoder::new(columns, is_wrapped(spec, columns, half.is_key), dialect)
}

/// Refuses maps with other keys than texts.
pub(super) fn check_maps(format: &str, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
    if columns.iter().all(|column| has_text_keys(&column.ty)) {
        return Ok(());
    }
    Err(schema_error(format, columns, is_key, "JSON only supports MAP types with STRING keys"))
}

/// Whether `text` starts with a JSON value that is followed by nothing or by white space.
pub(super) fn is_json(text: &str) -> bool {
    let mut scanner = scan::Scanner::new(text);
    let is_number = matches!(scanner.kind(), Ok(scan::Kind::Number));
    let rest = |scanner: &scan::Scanner<'_>| text.get(scanner.position()..).unwrap_or_default();
    // After a number Jackson wants white space; after anything else it does not look further.
    scanner.skip().is_ok()
        && (!is_number || rest(&scanner).is_empty() || rest(&scanner).starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests;
