//! The decoders: which message a payload holds, by what stands before it or by the columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, BinaryArray};

use super::decode::{Fault, append, read_message};
use super::parse::parse;
use super::plan::{Action, MessagePlan, Source, Target, plan};
use super::types::Types;
use super::wire::{Raw, Reader, unzigzag};
use super::{bare_nullable, effective_name, schema};
use crate::formats::awaited::Awaited;
use crate::formats::column::ColumnBuilder;
use crate::formats::growth::Growth;
use crate::formats::problem::short;
use crate::formats::{Decode, Decoded, FormatError, FormatSpec, Half};
use crate::schemas::{HEADER_BYTES, Language, SchemaError, Schemas, split_header};
use crate::types::Column;

/// Messages that a decoder knows from one batch to the next.
const KNOWN_MAX: usize = 1000;

/// Decodes the used ones of some columns.
pub(super) struct ProtobufDecoder {
    /// The used columns, each once.
    columns: Vec<ColumnBuilder>,
    /// How many columns one row takes, those of STRUCTs among them.
    width: usize,
    /// What to answer: positions in `columns`.
    output: Vec<usize>,
    payloads: Payloads,
}

enum Payloads {
    /// A message of a schema whose id stands before it.
    Framed(Framed),
    /// A message with a field for each column.
    Message(MessagePlan),
    /// The message that is the only column's value, or that wraps it.
    Value(Source),
}

impl ProtobufDecoder {
    /// A decoder of payloads with the id of a registered schema.
    pub(super) fn framed(spec: &FormatSpec, columns: &[Column], used: &[usize], half: &Half) -> Self {
        let places = places(columns.len(), used);
        let framed = Framed {
            schemas: Arc::clone(&half.schemas),
            full_name: effective_name(spec).map(str::to_owned),
            columns: columns.to_vec(),
            places: places.clone(),
            known: Vec::new(),
            by_prefix: HashMap::new(),
            plans: HashMap::new(),
            types: HashMap::new(),
            unknown: Vec::new(),
            last: 0,
        };
        Self::new(columns, &places, used, Payloads::Framed(framed))
    }

    /// A decoder of payloads without one.
    ///
    /// # Errors
    /// The columns cannot be fields of a message.
    pub(super) fn bare(
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        wrapped: bool,
    ) -> Result<Self, FormatError> {
        let nullable = if wrapped { spec.nullable } else { bare_nullable(spec, columns) };
        let places = places(columns.len(), used);
        let types = parse(&schema(columns, None, nullable)?).map_err(FormatError::Schema)?;
        let targets = targets(columns, &places);
        let root = types.message(None).and_then(|at| types.messages.get(at));
        let root = root.ok_or_else(|| FormatError::Schema("the schema has no message".to_owned()))?;
        let mut plan = plan(&types, root, &targets, "").map_err(FormatError::Schema)?.plan;
        let value = if wrapped || used.is_empty() { None } else { plan.take_action(0) };
        let payloads = match value {
            Some(Action::Single(source)) => Payloads::Value(source),
            _ => Payloads::Message(plan),
        };
        Ok(Self::new(columns, &places, used, payloads))
    }

    fn new(columns: &[Column], places: &[Option<usize>], used: &[usize], payloads: Payloads) -> Self {
        let used_ones = columns.iter().zip(places).filter(|(_, place)| place.is_some());
        let builders: Vec<_> = used_ones.map(|(column, _)| ColumnBuilder::new(&column.ty)).collect();
        Self {
            width: builders.iter().map(|column| column.width).sum(),
            columns: builders,
            output: used.iter().filter_map(|at| places.get(*at).copied().flatten()).collect(),
            payloads,
        }
    }

    /// Appends one record to the columns.
    fn read(&mut self, payload: &[u8], growth: &Growth) -> Result<(), Fault> {
        let columns = self.columns.as_mut_slice();
        growth.start();
        growth.take(8 * self.width)?;
        match &mut self.payloads {
            Payloads::Framed(framed) => {
                let (plan, message) = framed.split(payload).map_err(|problem| Fault::Value(problem.into()))?;
                read_message(plan, message, columns, growth)
            }
            Payloads::Message(plan) => read_message(plan, payload, columns, growth),
            Payloads::Value(source) => match columns.first_mut() {
                Some(column) => append(source, Raw::Delimited(payload), column, growth).map(drop),
                None => Ok(()),
            },
        }
    }
}

/// For each column, its position among the used ones.
fn places(columns: usize, used: &[usize]) -> Vec<Option<usize>> {
    let mut next = 0..;
    (0..columns).map(|at| if used.contains(&at) { next.next() } else { None }).collect()
}

fn targets<'a>(columns: &'a [Column], places: &[Option<usize>]) -> Vec<Target<'a>> {
    let target =
        |(column, place): (&'a Column, &Option<usize>)| Target { name: &column.name, ty: &column.ty, place: *place };
    columns.iter().zip(places).map(target).collect()
}

impl Decode for ProtobufDecoder {
    fn prepare(&mut self, payloads: &BinaryArray) -> Result<usize, SchemaError> {
        match &mut self.payloads {
            Payloads::Framed(framed) => framed.prepare(payloads),
            Payloads::Message(_) | Payloads::Value(_) => Ok(payloads.len()),
        }
    }

    fn decode(&mut self, payloads: &BinaryArray) -> Decoded {
        let mut bad = Vec::new();
        let growth = Growth::of(payloads);
        for row in 0..payloads.len() {
            if payloads.is_valid(row) {
                let Err(fault) = self.read(payloads.value(row), &growth) else { continue };
                growth.give_back();
                bad.push((row, fault.into_message()));
                self.columns.iter_mut().for_each(|column| column.truncate(row));
            }
            self.columns.iter_mut().for_each(ColumnBuilder::append_null);
        }
        let finished: Vec<_> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let decoded = Decoded { columns: self.output.iter().map(|at| finished[*at].clone()).collect(), bad };
        if matches!(self.payloads, Payloads::Framed(_)) { decoded.with_schemas_of(payloads) } else { decoded }
    }
}

/// Payloads that name their schema.
struct Framed {
    schemas: Arc<dyn Schemas>,
    /// The message that records must be of.
    full_name: Option<String>,
    columns: Vec<Column>,
    places: Vec<Option<usize>>,
    /// The messages there are plans for, or why their records are bad.
    known: Vec<Known>,
    /// Positions in `known`, by what stands before the message.
    by_prefix: HashMap<Box<[u8]>, usize>,
    /// Types of the schemas by their ids, or why there are none.
    types: HashMap<i32, Result<Types, String>>,
    /// What `known` shares, by ids and where the messages are: the same may be said in many ways.
    plans: HashMap<(i32, Vec<i64>), Planned>,
    /// Ids that the registry did not know.
    unknown: Vec<i32>,
    /// The one that was met last.
    last: usize,
}

struct Known {
    /// The schema's id and where in the schema the message is.
    prefix: Box<[u8]>,
    plan: Planned,
}

/// A plan for a message, or why there is none.
type Planned = Arc<Result<MessagePlan, String>>;

impl Known {
    /// Whether a payload begins with its prefix. That is six bytes mostly, too few to call for a comparison of memory.
    #[inline]
    fn is_of(&self, payload: &[u8]) -> bool {
        payload.len() >= self.prefix.len() && self.prefix.iter().zip(payload).all(|(wanted, byte)| wanted == byte)
    }
}

impl Framed {
    /// The plan for a payload's message, and the message.
    #[inline]
    fn split<'p>(&mut self, payload: &'p [u8]) -> Result<(&MessagePlan, &'p [u8]), String> {
        if !self.known.get(self.last).is_some_and(|known| known.is_of(payload)) {
            let prefix = prefix(payload)?;
            self.last = *self.by_prefix.get(prefix.bytes).ok_or_else(|| unknown_id(prefix.id))?;
        }
        let known = self.known.get(self.last).ok_or("the record's schema is not known")?;
        let message = payload.get(known.prefix.len()..).unwrap_or_default();
        known.plan.as_ref().as_ref().map(|plan| (plan, message)).map_err(Clone::clone)
    }

    fn prepare(&mut self, payloads: &BinaryArray) -> Result<usize, SchemaError> {
        if self.known.len() > KNOWN_MAX {
            (self.last, self.known, self.by_prefix, self.types, self.plans) = Default::default();
        }
        self.forget_unknown();
        let mut awaited = Awaited::default();
        for (row, payload) in payloads.iter().enumerate() {
            let Some(payload) = payload else { continue };
            if self.known.get(self.last).is_some_and(|known| known.is_of(payload)) {
                continue;
            }
            let Ok(prefix) = prefix(payload) else { continue };
            self.last = match self.by_prefix.get(prefix.bytes) {
                Some(at) => *at,
                None => {
                    let Some(plan) = self.plan(&prefix, row, &mut awaited) else { continue };
                    self.known.push(Known { prefix: Box::from(prefix.bytes), plan });
                    self.by_prefix.insert(Box::from(prefix.bytes), self.known.len() - 1);
                    self.known.len() - 1
                }
            };
        }
        awaited.end(payloads.len())
    }

    /// Ids that nobody knew may be known by now.
    fn forget_unknown(&mut self) {
        if self.unknown.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.unknown) {
            self.types.remove(&id);
        }
        let types = &self.types;
        self.plans.retain(|(id, _), _| types.contains_key(id));
        self.known.retain(|known| split_header(&known.prefix).is_some_and(|(id, _)| types.contains_key(&id)));
        self.by_prefix = self.known.iter().map(|known| known.prefix.clone()).zip(0..).collect();
        self.last = 0;
    }

    /// How messages are read that begin like this, or why they cannot be; `None`: the batch waits for their schema.
    fn plan(&mut self, prefix: &Prefix<'_>, row: usize, awaited: &mut Awaited) -> Option<Planned> {
        let id = prefix.id;
        let message = (id, prefix.indexes.clone());
        if let Some(plan) = self.plans.get(&message) {
            return Some(Arc::clone(plan));
        }
        if !self.types.contains_key(&id) {
            let types = match awaited.ask(&*self.schemas, row, id)? {
                Ok(schema) if schema.language != Language::Protobuf => {
                    Err(format!("The schema of id {id} is in {}, not in Protobuf", schema.language))
                }
                Ok(schema) => {
                    parse(&schema).map_err(|error| short(format!("The schema of id {id} is invalid: {error}")))
                }
                Err(error) => {
                    self.unknown.push(id);
                    Err(format!("Error retrieving Protobuf schema for id {id}: {error}"))
                }
            };
            self.types.insert(id, types);
        }
        let plan = match self.types.get(&id) {
            Some(Ok(types)) => self.plan_in(types, prefix),
            Some(Err(error)) => Err(error.clone()),
            None => Err(unknown_id(id)),
        };
        let plan = Arc::new(plan.map_err(short));
        self.plans.insert(message, Arc::clone(&plan));
        Some(plan)
    }

    fn plan_in(&self, types: &Types, prefix: &Prefix<'_>) -> Result<MessagePlan, String> {
        let id = prefix.id;
        let message = types.at(&prefix.indexes).and_then(|at| types.messages.get(at));
        let message = message.ok_or_else(|| format!("The schema of id {id} has no message at {:?}", prefix.indexes))?;
        let full_name = &message.full_name;
        if let Some(wanted) = self.full_name.as_ref().filter(|wanted| *wanted != full_name) {
            return Err(format!("The record is of message {full_name} of schema id {id}, not of {wanted}"));
        }
        let planned = plan(types, message, &targets(&self.columns, &self.places), "")
            .map_err(|error| format!("{error} (message {full_name} of schema id {id})"))?;
        if planned.matches == 0 && types.top.len() > 1 && !self.columns.is_empty() {
            return Err(format!(
                "The record is of message {full_name} of schema id {id}, which has none of the columns"
            ));
        }
        Ok(planned.plan)
    }
}

fn unknown_id(id: i32) -> String {
    format!("The schema of id {id} is not known")
}

/// What stands before a message.
struct Prefix<'a> {
    bytes: &'a [u8],
    id: i32,
    /// Where the message is in its schema.
    indexes: Vec<i64>,
}

/// Messages may be so deep in each other for one to be named.
const INDEXES_MAX: u64 = 64;

fn prefix(payload: &[u8]) -> Result<Prefix<'_>, String> {
    let (id, rest) = split_header(payload).ok_or("Unknown magic byte! The record does not begin with a schema's id")?;
    let mut reader = Reader::new(rest);
    let mut next =
        || reader.varint().map(unzigzag).map_err(|_| "The record does not say which message it is".to_owned());
    let count = next()?;
    if count.unsigned_abs() > INDEXES_MAX || count < 0 {
        return Err(format!("The record's message is {count} levels deep"));
    }
    let mut indexes = vec![0];
    if count > 0 {
        indexes = (0..count).map(|_| next()).collect::<Result<_, _>>()?;
    }
    let bytes = payload.get(..HEADER_BYTES + rest.len() - reader.rest().len()).unwrap_or_default();
    Ok(Prefix { bytes, id, indexes })
}
