//! JSON_SR: JSON behind the id of a JSON Schema, the way Connect's `JsonSchemaConverter` writes it for ksqlDB.
//!
//! ```text
//! bytes ─header→ is the id known? ─JSON's decoder→ column builders        arrays ─JSON's encoder→ text ─header→ payloads
//! columns ─generate→ schema        schema ─infer→ columns
//! ```
//!
//! Values are read as those of JSON are; the writer's schema says which texts are decimals in Base64, and what may be of
//! several types. Maps are written as arrays of `{"key": …, "value": …}`, and read as these or as objects.

mod codec;
mod documents;
mod draft;
mod generate;
mod infer;

pub(crate) use self::documents::Documents;
pub(crate) use self::draft::Draft;
use super::json::{decoder, encoder};
use super::{Decode, Encode, Features, Format, FormatError, FormatSpec, Half, inferred, is_wrapped, json, register};
use crate::schemas::{Language, Schema};
use crate::types::Column;

/// The format `JSON_SR`.
pub(super) struct JsonSr;

impl Format for JsonSr {
    fn name(&self) -> &'static str {
        "JSON_SR"
    }

    fn features(&self) -> Features {
        Features { schema_inference: true, ..json::Json.features() }
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        json::check_maps(self.name(), columns, is_key)
    }

    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        let inner = decoder(spec, columns, used, half, json::Written::BySchema(None));
        Ok(Box::new(codec::Decoder::new(inner, columns, &half.schemas)))
    }

    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        let id = register(spec, columns, half)?;
        let inner = encoder(spec, columns, half, json::Dialect::Registered);
        // Who writes by a schema of an id writes its other fields, too.
        let inner = match spec.schema_id.filter(|_| is_wrapped(spec, columns, half.is_key)) {
            None => inner,
            Some(id) => {
                let all = self.columns(&*half.schemas.by_id(id)?, spec, half.is_key)?;
                inner.and_nulls(all.iter().skip(columns.len()).map(|column| column.name.as_str()))
            }
        };
        Ok(Box::new(codec::Encoder::new(inner, id.unwrap_or_default())))
    }

    fn language(&self) -> Option<Language> {
        Some(Language::Json)
    }

    fn columns(&self, schema: &Schema, spec: &FormatSpec, is_key: bool) -> Result<Vec<Column>, FormatError> {
        inferred::columns(infer::whole_type(schema).map_err(FormatError::Schema)?, spec, is_key)
    }

    fn schema(&self, columns: &[Column], spec: &FormatSpec, half: &Half) -> Result<Option<Schema>, FormatError> {
        let text = generate::schema(columns, is_wrapped(spec, columns, half.is_key));
        Ok(Some(Schema::alone(Language::Json, text)))
    }

    fn full_names(&self, schema: &Schema) -> Result<Vec<String>, FormatError> {
        Ok(infer::title(schema).into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
