//! How messages of one type become columns: found out once, by names; records are then read by the numbers of fields.

use std::sync::Arc;

use super::types::{Enum, Field, Kind, Label, Message, Types, unknown_name};
use super::wire::{Raw, zigzag};
use crate::types::SqlType;

/// Numbers up to here are looked up in a table.
const LOW_NUMBERS: u32 = 256;

/// What to do with the fields of a message.
#[derive(Debug)]
pub(super) struct MessagePlan {
    slots: Vec<Slot>,
    /// Positions in `slots` by low field number; [`u16::MAX`] for none.
    low: Vec<u16>,
    /// The same for the other numbers, in their order.
    high: Vec<(u32, u16)>,
    /// For each column: what it holds when the message has no field for it.
    pub(super) absent: Vec<Absent>,
}

/// A field that a column is made of.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: u32,
    /// Position of the column.
    pub(super) column: usize,
    pub(super) action: Action,
}

/// How a field gets into its column.
#[derive(Debug)]
pub(super) enum Action {
    /// It is the value.
    Single(Source),
    /// It is an item, or all of them.
    Repeated(Source),
    /// It is an entry of a map.
    Entry(Box<MessagePlan>),
    /// It is the one field that a STRUCT holds: that of a oneof.
    Member {
        /// The field of the STRUCT, if it has one for this.
        field: Option<(usize, Source)>,
        /// Numbers of all fields of the oneof.
        oneof: Arc<[u32]>,
    },
}

/// How a value stands in a message.
#[derive(Debug)]
pub(super) enum Source {
    Int32,
    Int64,
    Uint32,
    Sint32,
    Sint64,
    Fixed32,
    Sfixed32,
    Fixed64,
    Bool,
    Float,
    Double,
    Text,
    Bytes,
    Enum(Arc<EnumNames>),
    Decimal,
    Date,
    Time,
    Timestamp,
    /// In a message of `google/protobuf/wrappers.proto`.
    Wrapper(Box<Source>),
    Message(Box<MessagePlan>),
}

/// Names of an enum's numbers.
#[derive(Debug)]
pub(super) struct EnumNames {
    name: String,
    values: Vec<(i32, String)>,
}

/// What a column holds when the message has no field for it.
#[derive(Debug)]
pub(super) enum Absent {
    Null,
    /// No items, no entries.
    Empty,
    /// As if the field at this position among the slots held that.
    Value(usize, Default),
}

/// A field's value that is no part of a message.
#[derive(Debug, Clone)]
pub(super) enum Default {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Delimited(Box<[u8]>),
}

impl Default {
    pub(super) fn raw(&self) -> Raw<'_> {
        match self {
            Self::Varint(value) => Raw::Varint(*value),
            Self::Fixed64(value) => Raw::Fixed64(*value),
            Self::Fixed32(value) => Raw::Fixed32(*value),
            Self::Delimited(bytes) => Raw::Delimited(bytes),
        }
    }
}

impl EnumNames {
    fn new(of: &Enum) -> Self {
        let mut values: Vec<(i32, String)> = of.values.iter().map(|(name, number)| (*number, name.clone())).collect();
        // Of several names for a number the first counts.
        values.sort_by_key(|(number, _)| *number);
        values.dedup_by_key(|(number, _)| *number);
        Self { name: of.name().to_owned(), values }
    }

    /// Appends the name of a number.
    pub(super) fn write(&self, number: i32, out: &mut Vec<u8>) {
        match self.values.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => out.extend_from_slice(self.values[at].1.as_bytes()),
            Err(_) => out.extend_from_slice(unknown_name(&self.name, number).as_bytes()),
        }
    }
}

impl Source {
    /// Whether a value of that wire type is one; a field of another is one that nobody knows.
    pub(super) fn takes(&self, raw: Raw<'_>) -> bool {
        match raw {
            Raw::Varint(_) => matches!(
                self,
                Self::Int32 | Self::Int64 | Self::Uint32 | Self::Sint32 | Self::Sint64 | Self::Bool | Self::Enum(_)
            ),
            Raw::Fixed64(_) => matches!(self, Self::Fixed64 | Self::Double),
            Raw::Fixed32(_) => matches!(self, Self::Fixed32 | Self::Sfixed32 | Self::Float),
            Raw::Delimited(_) => matches!(self, Self::Text | Self::Bytes) || self.is_message(),
            Raw::Group => false,
        }
    }

    /// Whether it is a message: those of a field are one, put together.
    pub(super) fn is_message(&self) -> bool {
        matches!(self, Self::Decimal | Self::Date | Self::Time | Self::Timestamp | Self::Wrapper(_) | Self::Message(_))
    }

    /// What a field holds that is not there.
    pub(super) fn zero(&self) -> Default {
        match self {
            Self::Fixed64 | Self::Double => Default::Fixed64(0),
            Self::Fixed32 | Self::Sfixed32 | Self::Float => Default::Fixed32(0),
            Self::Enum(_) | Self::Bool => Default::Varint(0),
            Self::Int32 | Self::Int64 | Self::Uint32 | Self::Sint32 | Self::Sint64 => Default::Varint(0),
            _ => Default::Delimited(Box::from([])),
        }
    }
}

impl MessagePlan {
    /// What is to be done with a field, if anything.
    #[inline]
    pub(super) fn slot(&self, number: u32) -> Option<&Slot> {
        let at = match self.low.get(number as usize) {
            Some(at) => *at,
            None => self.high_slot(number),
        };
        self.slots.get(usize::from(at))
    }

    fn high_slot(&self, number: u32) -> u16 {
        self.high.binary_search_by_key(&number, |(number, _)| *number).map_or(u16::MAX, |at| self.high[at].1)
    }

    /// The slot at a position.
    pub(super) fn slot_at(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    /// The first slot of a column.
    pub(super) fn slot_of(&self, column: usize) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.column == column)
    }

    /// Takes the action of a column that only one field is read for.
    pub(super) fn take_action(&mut self, column: usize) -> Option<Action> {
        let at = self.slots.iter().position(|slot| slot.column == column)?;
        Some(self.slots.swap_remove(at).action)
    }

    fn new(slots: Vec<Slot>, absent: Vec<Absent>) -> Result<Self, String> {
        if slots.len() >= usize::from(u16::MAX) {
            return Err("a message has too many fields".to_owned());
        }
        let highest = slots.iter().map(|slot| slot.number).filter(|number| *number < LOW_NUMBERS).max();
        let mut low = vec![u16::MAX; highest.map_or(0, |number| number as usize + 1)];
        let mut high = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            match low.get_mut(slot.number as usize) {
                Some(place) => *place = at as u16,
                None => high.push((slot.number, at as u16)),
            }
        }
        high.sort_unstable();
        Ok(Self { slots, low, high, absent })
    }
}

/// A column, or a field of a STRUCT, that is to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) ty: &'a SqlType,
    /// Its position among those that are built; others are only looked at for their type.
    pub(super) place: Option<usize>,
}

/// A plan and how many of the targets it finds.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: MessagePlan,
    pub(super) matches: usize,
}

/// What a target is made of, not yet in its place.
struct Made {
    actions: Vec<(u32, Action)>,
    absent: AbsentOf,
}

/// [`Absent`], when the only action is yet to get its place.
enum AbsentOf {
    Null,
    Empty,
    Value(Default),
}

/// The plan for reading `message` into the targets. ksqlDB takes fields by name: a field belongs to the column of exactly
/// that name, else to that of its name in upper case; of several fields for a column the last one counts.
///
/// # Errors
/// A field is of a type that its column cannot hold; in ksqlDB's words.
pub(super) fn plan(types: &Types, message: &Message, targets: &[Target<'_>], path: &str) -> Result<Planned, String> {
    let mut made: Vec<Option<Made>> = targets.iter().map(|_| None).collect();
    let find = |name: &str| {
        let position = |name: &str| targets.iter().position(|target| target.name == name);
        position(name).or_else(|| position(&name.to_uppercase()))
    };
    let below = |target: &Target<'_>| format!("{path}->{}", target.name);
    for (i, name) in message.oneofs.iter().enumerate() {
        let Some(at) = find(&format!("{name}_{i}")) else { continue };
        made[at] = Some(oneof(types, message, i, targets[at].ty, &below(&targets[at]))?);
    }
    for field in message.fields.iter().filter(|field| field.oneof.is_none()) {
        let Some(at) = find(&field.name) else { continue };
        made[at] = Some(single(types, field, targets[at].ty, &below(&targets[at]))?);
    }
    let matches = made.iter().filter(|made| made.is_some()).count();
    let mut places: Vec<(usize, Option<Made>)> =
        targets.iter().zip(made).filter_map(|(target, made)| target.place.map(|place| (place, made))).collect();
    places.sort_by_key(|(place, _)| *place);
    Ok(Planned { plan: in_place(places.into_iter().map(|(_, made)| made))?, matches })
}

/// The plan for the columns in their order.
fn in_place(columns: impl Iterator<Item = Option<Made>>) -> Result<MessagePlan, String> {
    let (mut slots, mut absent) = (Vec::new(), Vec::new());
    for (column, made) in columns.enumerate() {
        let Some(Made { actions, absent: when_absent }) = made else {
            absent.push(Absent::Null);
            continue;
        };
        absent.push(match when_absent {
            AbsentOf::Null => Absent::Null,
            AbsentOf::Empty => Absent::Empty,
            AbsentOf::Value(value) => Absent::Value(slots.len(), value),
        });
        slots.extend(actions.into_iter().map(|(number, action)| Slot { number, column, action }));
    }
    MessagePlan::new(slots, absent)
}

/// A STRUCT of the fields of a oneof.
fn oneof(types: &Types, message: &Message, oneof: usize, ty: &SqlType, path: &str) -> Result<Made, String> {
    let SqlType::Struct(fields) = ty else { return Err(mismatch("struct", ty, path)) };
    let members = || message.fields.iter().filter(|field| field.oneof == Some(oneof));
    let numbers: Arc<[u32]> = members().map(|field| field.number).collect();
    let position = |name: &str| fields.iter().position(|(field, _)| field == name);
    let mut actions = Vec::new();
    for member in members() {
        let at = position(&member.name).or_else(|| position(&member.name.to_uppercase()));
        let field = match at.and_then(|at| Some((at, fields.get(at)?))) {
            Some((at, (name, ty))) => Some((at, source(types, member, ty, &format!("{path}->{name}"))?)),
            None => None,
        };
        actions.push((member.number, Action::Member { field, oneof: Arc::clone(&numbers) }));
    }
    Ok(Made { actions, absent: AbsentOf::Null })
}

fn single(types: &Types, field: &Field, ty: &SqlType, path: &str) -> Result<Made, String> {
    if field.label == Label::Repeated {
        return repeated(types, field, ty, path);
    }
    let source = source(types, field, ty, path)?;
    let absent = match (field.kind, field.label) {
        (Kind::Message(_), _) | (_, Label::Nullable) => AbsentOf::Null,
        _ => AbsentOf::Value(default(types, field)),
    };
    Ok(Made { actions: vec![(field.number, Action::Single(source))], absent })
}

fn repeated(types: &Types, field: &Field, ty: &SqlType, path: &str) -> Result<Made, String> {
    let entry = match field.kind {
        Kind::Message(at) => types.messages.get(at).and_then(Message::entry),
        _ => None,
    };
    let action = match (entry, ty) {
        (Some((key, value)), SqlType::Map(key_type, value_type)) => {
            let key = single(types, key, key_type, &format!("{path}->MAP_KEY"))?;
            let value = single(types, value, value_type, &format!("{path}->MAP_VAL"))?;
            Action::Entry(Box::new(in_place([key, value].map(Made::in_entry).map(Some).into_iter())?))
        }
        // What is no map for Connect's newer versions, with an array as the value, is an array of STRUCTs.
        (Some((_, value)), _) if value.label != Label::Repeated => return Err(mismatch("map", ty, path)),
        (_, SqlType::Array(item)) => Action::Repeated(source(types, field, item, &format!("{path}->ARRAY"))?),
        _ => return Err(mismatch("array", ty, path)),
    };
    Ok(Made { actions: vec![(field.number, action)], absent: AbsentOf::Empty })
}

impl Made {
    /// A key or value of an entry is never left out: an absent one is the default of its type, also for messages. (A
    /// DECIMAL or DATE has none, and is NULL.)
    fn in_entry(mut self) -> Self {
        if let (AbsentOf::Null, [(_, Action::Single(source))]) = (&self.absent, self.actions.as_slice())
            && !matches!(source, Source::Decimal | Source::Date)
        {
            self.absent = AbsentOf::Value(source.zero());
        }
        self
    }
}

/// How one value of a field is read into a type.
fn source(types: &Types, field: &Field, ty: &SqlType, path: &str) -> Result<Source, String> {
    let source = match field.kind {
        Kind::Int32 => Source::Int32,
        Kind::Sint32 => Source::Sint32,
        Kind::Sfixed32 => Source::Sfixed32,
        Kind::Uint32 => Source::Uint32,
        Kind::Fixed32 => Source::Fixed32,
        Kind::Int64 | Kind::Uint64 => Source::Int64,
        Kind::Sint64 => Source::Sint64,
        Kind::Fixed64 | Kind::Sfixed64 => Source::Fixed64,
        Kind::Float => Source::Float,
        Kind::Double => Source::Double,
        Kind::Bool => Source::Bool,
        Kind::String => Source::Text,
        Kind::Bytes => Source::Bytes,
        Kind::Enum(at) => match types.enums.get(at) {
            Some(of) => Source::Enum(Arc::new(EnumNames::new(of))),
            None => return Err(format!("the type of field {} is not there", field.name)),
        },
        Kind::Group => return Err(format!("field {} is a group, which has no column type", field.name)),
        Kind::Message(at) => match types.messages.get(at) {
            Some(message) => message_source(types, message, ty, path)?,
            None => return Err(format!("the type of field {} is not there", field.name)),
        },
    };
    match &source {
        source if fits(source, ty) => {}
        Source::Date | Source::Time if matches!(ty, SqlType::Date | SqlType::Time | SqlType::Timestamp) => {
            let what = if matches!(source, Source::Date) { "a date" } else { "a time of the day" };
            return Err(format!("Cannot deserialize {what} as type {ty} for path: {path}"));
        }
        source => return Err(mismatch(connect_name(source), ty, path)),
    }
    Ok(source)
}

fn message_source(types: &Types, message: &Message, ty: &SqlType, path: &str) -> Result<Source, String> {
    Ok(match message.full_name.as_str() {
        "confluent.type.Decimal" => Source::Decimal,
        "google.type.Date" => Source::Date,
        "google.type.TimeOfDay" => Source::Time,
        "google.protobuf.Timestamp" => Source::Timestamp,
        _ => match (message.wrapped(), ty) {
            (Some(wrapped), _) => Source::Wrapper(Box::new(source(types, wrapped, ty, path)?)),
            (None, SqlType::Struct(fields)) => {
                let targets: Vec<Target<'_>> = fields
                    .iter()
                    .enumerate()
                    .map(|(place, (name, ty))| Target { name, ty, place: Some(place) })
                    .collect();
                Source::Message(Box::new(plan(types, message, &targets, path)?.plan))
            }
            (None, _) => return Err(mismatch("struct", ty, path)),
        },
    })
}

/// Whether ksqlDB takes a value of such a type for a column's.
fn fits(source: &Source, ty: &SqlType) -> bool {
    // What is wrapped was looked at when it was made.
    if matches!(source, Source::Wrapper(_)) {
        return true;
    }
    match ty {
        SqlType::Boolean => matches!(source, Source::Bool),
        SqlType::Integer => connect_name(source) == "int32",
        SqlType::Bigint => ["int32", "int64"].contains(&connect_name(source)),
        // A number may be read as a date or time, but no date as a time.
        SqlType::Date => connect_name(source) == "int32" && !matches!(source, Source::Time),
        SqlType::Time => connect_name(source) == "int32" && !matches!(source, Source::Date),
        SqlType::Timestamp => {
            ["int32", "int64"].contains(&connect_name(source)) && !matches!(source, Source::Date | Source::Time)
        }
        SqlType::Double => matches!(source, Source::Float | Source::Double),
        SqlType::Decimal { .. } => matches!(source, Source::Decimal),
        SqlType::String => !["bytes", "struct"].contains(&connect_name(source)),
        SqlType::Bytes => matches!(source, Source::Bytes),
        SqlType::Struct(_) => matches!(source, Source::Message(_)),
        SqlType::Array(_) | SqlType::Map(..) => false,
    }
}

fn connect_name(source: &Source) -> &'static str {
    match source {
        Source::Int32 | Source::Sint32 | Source::Sfixed32 | Source::Date | Source::Time => "int32",
        Source::Int64 | Source::Uint32 | Source::Sint64 | Source::Fixed32 | Source::Fixed64 | Source::Timestamp => {
            "int64"
        }
        Source::Bool => "boolean",
        Source::Float => "float32",
        Source::Double => "float64",
        Source::Text | Source::Enum(_) => "string",
        Source::Bytes | Source::Decimal => "bytes",
        Source::Wrapper(inner) => connect_name(inner),
        Source::Message(_) => "struct",
    }
}

fn mismatch(from: &str, to: &SqlType, path: &str) -> String {
    let to = match to {
        SqlType::Boolean => "boolean",
        SqlType::Integer | SqlType::Time | SqlType::Date => "int32",
        SqlType::Bigint | SqlType::Timestamp => "int64",
        SqlType::Double => "float64",
        SqlType::Decimal { .. } | SqlType::Bytes => "bytes",
        SqlType::String => "string",
        SqlType::Array(_) => "array",
        SqlType::Map(..) => "map",
        SqlType::Struct(_) => "struct",
    };
    format!("Cannot deserialize type {from} as type {to} for path: {path}")
}

/// What a field of a scalar type holds when it is absent.
fn default(types: &Types, field: &Field) -> Default {
    let text = field.default.as_deref().filter(|_| field.label != Label::Implicit);
    let signed = || text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let unsigned = || text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    match field.kind {
        Kind::Int32 | Kind::Int64 => Default::Varint(signed() as u64),
        Kind::Uint32 | Kind::Uint64 => Default::Varint(unsigned()),
        Kind::Sint32 | Kind::Sint64 => Default::Varint(zigzag(signed())),
        Kind::Fixed32 => Default::Fixed32(unsigned() as u32),
        Kind::Sfixed32 => Default::Fixed32(signed() as u32),
        Kind::Fixed64 => Default::Fixed64(unsigned()),
        Kind::Sfixed64 => Default::Fixed64(signed() as u64),
        Kind::Float => Default::Fixed32(text.and_then(|text| text.parse::<f32>().ok()).unwrap_or(0.0).to_bits()),
        Kind::Double => Default::Fixed64(text.and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0).to_bits()),
        Kind::Bool => Default::Varint(u64::from(text == Some("true"))),
        Kind::String => Default::Delimited(Box::from(text.unwrap_or_default().as_bytes())),
        Kind::Bytes => Default::Delimited(unescaped(text.unwrap_or_default())),
        Kind::Enum(at) => {
            let of = types.enums.get(at);
            let named = of.and_then(|of| text.and_then(|name| of.number_of(name)));
            let first = of.and_then(|of| of.values.first()).map_or(0, |(_, number)| *number);
            Default::Varint(i64::from(named.unwrap_or(first)) as u64)
        }
        Kind::Message(_) | Kind::Group => Default::Delimited(Box::from([])),
    }
}

/// The bytes of a text in which some are escaped, as descriptors have defaults of `bytes`.
fn unescaped(text: &str) -> Box<[u8]> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                out.push(value as u8);
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out.into_boxed_slice()
}
