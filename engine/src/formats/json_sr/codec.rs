//! The header before JSON: whose schema is meant on the way in, ours on the way out.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::infer::describe;
use crate::formats::awaited::Awaited;
use crate::formats::json::{JsonDecoder, JsonEncoder, is_special};
use crate::formats::{Decode, Decoded, Encode, FormatError};
use crate::schemas::{HEADER_BYTES, Language, Schema, SchemaError, Schemas, header, split_header};
use crate::types::Column;

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
            Ok(schema) => match describe(&schema) {
                // Its decimals may be texts of digits, or Base64: nobody can tell.
                Err(problem) if has_decimals(&schema) => {
                    self.unknown.insert(id, format!("the schema of id {id} cannot be read by: {problem}"));
                }
                writer => {
                    let writer = writer.ok().filter(is_special);
                    let way = writer.map_or(0, |writer| self.inner.add_way(&self.columns, &writer));
                    self.known.insert(id, way);
                }
            },
            Err(error) => drop(self.unknown.insert(id, error.to_string())),
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
        inner.decode_within(payloads, |payload| {
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
        })
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
