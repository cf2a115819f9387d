//! Values in another format than JSON, which is what the generators write and the checks read.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use engine::formats::{Decode, Encode, FormatSpec, Half, known_format};
use engine::schemas::Schemas;
use engine::types::Column;

/// Reads values in one format and writes them in another.
pub(crate) struct Recoder {
    decoder: Box<dyn Decode>,
    encoder: Box<dyn Encode>,
}

impl Recoder {
    /// From `from` to `to`. Schemas are registered under subjects of their own.
    pub(crate) fn new(
        from: &FormatSpec,
        to: &FormatSpec,
        columns: &[Column],
        schemas: &Arc<dyn Schemas>,
    ) -> Result<Self, String> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let half = Half { topic: Arc::from(names.join("-")), is_key: false, schemas: Arc::clone(schemas) };
        let used: Vec<usize> = (0..columns.len()).collect();
        let format = |spec: &FormatSpec| known_format(&spec.name).map_err(|error| error.to_string());
        let decoder = format(from)?.decoder(from, columns, &used, &half).map_err(|error| error.to_string())?;
        let encoder = format(to)?.encoder(to, columns, &half).map_err(|error| error.to_string())?;
        Ok(Self { decoder, encoder })
    }

    /// The same values in the other format.
    pub(crate) fn recode(&mut self, values: &BinaryArray) -> Result<BinaryArray, String> {
        self.decoder.prepare(values).map_err(|error| error.to_string())?;
        let decoded = self.decoder.decode(values);
        if let Some((row, problem)) = decoded.bad.first() {
            return Err(format!("record {row} cannot be read: {problem}"));
        }
        let present = values.nulls().map(|nulls| nulls.inner().clone());
        self.encoder.encode(&decoded.columns, present.as_ref()).map_err(|error| error.to_string())
    }
}
