//! The header before JSON: whose schema is meant on the way in, ours on the way out.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::infer::written;
use crate::formats::awaited::Awaited;
use crate::formats::json::{Described, JsonDecoder, JsonEncoder, What};
use crate::formats::problem::short;
use crate::formats::{Decode, Decoded, Encode, FormatError};
use crate::schemas::{HEADER_BYTES, Language, Schema, SchemaError, Schemas, header, split_header};
use crate::types::{Column, SqlType};

/// Connect's name of decimals.
const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";

/// Ids remembered. A topic has a handful; more are asked for again.
const IDS_MAX: usize = 1024;

/// Decodes records whose schema the registry knows.
pub(super) struct Decoder {
    inner: JsonDecoder,
    columns: Vec<Column>,
    schemas: Arc<dyn Schemas>,
    /// The way in which records of an id are written.
    known: HashMap<i32, usize>,
    /// The last id, and its way.
    last: Cell<Option<(i32, usize)>>,
    /// Ids of the batch that the registry does not know.
    unknown: HashMap<i32, String>,
}

impl Decoder {
    /// A decoder that reads with `inner` what stands behind the header.
    pub(super) fn new(inner: JsonDecoder, columns: &[Column], schemas: &Arc<dyn Schemas>) -> Self {
        Self {
            inner,
            columns: columns.to_vec(),
            schemas: Arc::clone(schemas),
            known: HashMap::new(),
            last: Cell::default(),
            unknown: HashMap::new(),
        }
    }

    /// Finds out how records of an id are written.
    fn learn(&mut self, id: i32, schema: Result<Arc<Schema>, SchemaError>) {
        match schema {
            Ok(schema) if schema.language != Language::Json => {
                self.unknown.insert(id, format!("the schema of id {id} is {}, not JSON Schema", schema.language));
            }
            Ok(schema) => {
                let writer = written(&schema).unwrap_or_else(|problem| What::Unknown(problem).into());
                let mismatch = Mismatch { has_decimals: has_decimals(&schema) };
                match mismatch.of_columns(&self.columns, &writer, self.inner.is_wrapped()) {
                    Some(problem) => {
                        self.unknown.insert(id, short(format!("the schema of id {id} cannot be read by: {problem}")));
                    }
                    None => {
                        let writer = Some(writer).filter(Described::is_special);
                        let way = writer.map_or(0, |writer| self.inner.add_way(&self.columns, &writer));
                        self.known.insert(id, way);
                    }
                }
            }
            Err(error) => drop(self.unknown.insert(id, error.to_string())),
        }
    }
}

/// Why columns cannot be read from what a writer describes, though the texts of the values may look as if.
struct Mismatch {
    /// Whether there are decimals: they may be texts of digits, or Base64, and without a description nobody can tell.
    has_decimals: bool,
}

impl Mismatch {
    fn of_columns(&self, columns: &[Column], writer: &Described, is_wrapped: bool) -> Option<String> {
        if let [only] = columns
            && !is_wrapped
        {
            return self.of(&only.ty, writer, &only.name);
        }
        self.of_fields(columns.iter().map(|column| (column.name.as_str(), &column.ty)), writer, "")
    }

    fn of_fields<'c>(
        &self,
        mut fields: impl Iterator<Item = (&'c str, &'c SqlType)>,
        writer: &Described,
        path: &str,
    ) -> Option<String> {
        if let What::Unknown(_) = writer.what {
            return fields.find_map(|(_, ty)| self.of(ty, writer, path));
        }
        fields.find_map(|(name, ty)| self.of(ty, writer.field(name)?, &format!("{path}->{name}")))
    }

    fn of(&self, ty: &SqlType, writer: &Described, path: &str) -> Option<String> {
        let inner = |ty: &SqlType, part: Option<&Described>| self.of(ty, part?, path);
        match (ty, &writer.what) {
            (SqlType::Decimal { .. }, What::Unknown(problem)) => self.has_decimals.then(|| problem.clone()),
            (SqlType::Array(item), What::Unknown(_)) => self.of(item, writer, path),
            (SqlType::Map(_, value), What::Unknown(_)) => self.of(value, writer, path),
            (SqlType::Array(item), _) => inner(item, writer.item()),
            (SqlType::Map(_, value), _) => inner(value, writer.value()),
            (SqlType::Struct(fields), _) => {
                self.of_fields(fields.iter().map(|(name, ty)| (name.as_str(), ty)), writer, path)
            }
            (SqlType::Date | SqlType::Time | SqlType::Timestamp, What::Plain(other))
                if ty != other && matches!(other, SqlType::Date | SqlType::Time | SqlType::Timestamp) =>
            {
                Some(format!("Cannot deserialize type {other} as type {ty} for path: {path}"))
            }
            _ => None,
        }
    }
}

/// Whether a schema, or one that it refers to, speaks of Connect's decimals.
fn has_decimals(schema: &Schema) -> bool {
    let mut texts = std::iter::once(&schema.text).chain(schema.referenced.iter().map(|other| &other.text));
    texts.any(|text| text.contains(DECIMAL))
}

impl Decode for Decoder {
    fn prepare(&mut self, payloads: &BinaryArray) -> Result<usize, SchemaError> {
        self.unknown.clear();
        if self.known.len() > IDS_MAX {
            self.known.clear();
            self.last.set(None);
            self.inner.forget_ways();
        }
        let (mut last, mut awaited) = (None, Awaited::default());
        for (row, payload) in payloads.iter().enumerate() {
            let Some((id, _)) = payload.and_then(split_header) else { continue };
            if last != Some(id)
                && !self.known.contains_key(&id)
                && !self.unknown.contains_key(&id)
                && let Some(schema) = awaited.ask(&*self.schemas, row, id)
            {
                self.learn(id, schema);
            }
            last = Some(id);
        }
        awaited.end(payloads.len())
    }

    fn decode(&mut self, payloads: &BinaryArray) -> Decoded {
        let Self { inner, known, last, unknown, .. } = self;
        let decoded = inner.decode_within(payloads, |payload| {
            let Some((id, text)) = split_header(payload) else {
                return Err("no id of a schema stands before the value (a zero byte and four more)".to_owned());
            };
            match last.get() {
                Some((last, way)) if last == id => Ok((text, way)),
                _ => match (known.get(&id), unknown.get(&id)) {
                    (Some(way), _) => {
                        last.set(Some((id, *way)));
                        Ok((text, *way))
                    }
                    (None, Some(reason)) => Err(reason.clone()),
                    (None, None) => Err(SchemaError::UnknownId(id).to_string()),
                },
            }
        });
        decoded.with_schemas_of(payloads)
    }
}

/// Encodes records of one schema.
pub(super) struct Encoder {
    inner: JsonEncoder,
    header: [u8; HEADER_BYTES],
}

impl Encoder {
    /// An encoder that puts the schema's id before what `inner` writes.
    pub(super) fn new(inner: JsonEncoder, id: i32) -> Self {
        Self { inner: inner.after_header(), header: header(id) }
    }
}

impl Encode for Encoder {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        self.inner.write(columns, present).put_headers(self.header).finish()
    }
}
