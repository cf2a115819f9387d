//! Messages to columns: one walk over the bytes, straight into column builders.
//!
//! Fields that no column is made of are skipped. Of several values for a field the last counts; messages of a field are
//! one, put together; of a oneof the last field counts. Everything is told by the plan, by field number.

use super::plan::{Absent, Action, MessagePlan, Slot, Source};
use super::wire::{Malformed, Raw, Reader, Tag, WireType, unzigzag};
use crate::formats::column::{ColumnBuilder, Values, Variable};
use crate::formats::growth::{Growth, TooLarge};
use crate::types::{SqlType, text};

/// Why a record is bad.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is no message.
    Malformed(Malformed),
    /// A value is none of the column's type.
    Value(Box<str>),
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<TooLarge> for Fault {
    fn from(error: TooLarge) -> Self {
        Self::Value(error.to_string().into())
    }
}

impl Fault {
    #[cold]
    fn value<T>(message: impl Into<Box<str>>) -> Result<T> {
        Err(Self::Value(message.into()))
    }

    pub(super) fn into_message(self) -> String {
        match self {
            Self::Malformed(malformed) => format!("Invalid Protobuf: {malformed}"),
            Self::Value(message) => message.into(),
        }
    }
}

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Columns that a message is written to: those of a record, the fields of a STRUCT, or the key and value of a MAP.
pub(super) trait Columns {
    fn column(&mut self, at: usize) -> Option<&mut ColumnBuilder>;
    fn count(&self) -> usize;
}

impl Columns for [ColumnBuilder] {
    #[inline]
    fn column(&mut self, at: usize) -> Option<&mut ColumnBuilder> {
        self.get_mut(at)
    }

    fn count(&self) -> usize {
        self.len()
    }
}

struct Entry<'a> {
    key: &'a mut ColumnBuilder,
    value: &'a mut ColumnBuilder,
}

impl Entry<'_> {
    fn read(mut self, plan: &MessagePlan, message: &[u8], growth: &Growth) -> Result<()> {
        growth.take(8 * (self.key.width + self.value.width))?;
        read_message(plan, message, &mut self, growth)
    }
}

impl Columns for Entry<'_> {
    fn column(&mut self, at: usize) -> Option<&mut ColumnBuilder> {
        match at {
            0 => Some(self.key),
            1 => Some(self.value),
            _ => None,
        }
    }

    fn count(&self) -> usize {
        2
    }
}

/// Appends one row: each column gets one value. After an error some columns may have one, or a part of it. What a row of
/// NULLs takes is the caller's to take from `growth`.
pub(super) fn read_message<C: Columns + ?Sized>(
    plan: &MessagePlan,
    message: &[u8],
    columns: &mut C,
    growth: &Growth,
) -> Result<()> {
    let count = columns.count();
    let row = columns.column(0).map_or(0, |column| column.len());
    // Columns that were made of all their fields at once: nothing more is to come.
    let mut settled: Vec<usize> = Vec::new();
    let mut reader = Reader::new(message);
    while let Some(tag) = reader.tag()? {
        let Some(slot) = plan.slot(tag.number) else {
            reader.skip(tag)?;
            continue;
        };
        let Some(column) = columns.column(slot.column) else { return Fault::value("a plan does not fit its columns") };
        let is_first = column.len() == row;
        if is_first && append_next(slot, tag, &mut reader, column)? {
            continue;
        }
        let raw = reader.value(tag)?;
        if is_first {
            append_field(slot, raw, column, growth)?;
        } else if !settled.contains(&slot.column) && again(plan, slot, message, raw, row, column, growth)? {
            settled.push(slot.column);
        }
    }
    for at in 0..count {
        if let (Some(column), Some(absent)) = (columns.column(at), plan.absent.get(at))
            && column.len() == row
        {
            finish(plan, absent, at, message, column, growth)?;
        }
    }
    Ok(())
}

/// Appends the value that is next straight from its bytes, if it is of one of the kinds that most are; else nothing is read.
#[inline]
fn append_next(slot: &Slot, tag: Tag, reader: &mut Reader<'_>, column: &mut ColumnBuilder) -> Result<bool> {
    const VARINT: u8 = WireType::Varint as u8;
    const FIXED64: u8 = WireType::Fixed64 as u8;
    const DELIMITED: u8 = WireType::Delimited as u8;
    let Action::Single(source) = &slot.action else { return Ok(false) };
    match (source, tag.wire_type, &mut column.values) {
        (Source::Text, DELIMITED, Values::Bytes(bytes)) => {
            push_text(reader.delimited()?, &mut bytes.data)?;
            bytes.end()?;
        }
        (Source::Int64, VARINT, Values::Long(values)) => values.push(reader.varint()? as i64),
        (Source::Int32, VARINT, Values::Int(values)) => values.push(reader.varint()? as i32),
        (Source::Double, FIXED64, Values::Double(values)) => values.push(f64::from_bits(reader.fixed64()?)),
        (Source::Bool, VARINT, Values::Boolean(bits)) => bits.append(reader.varint()? != 0),
        _ => return Ok(false),
    }
    column.mark_present();
    Ok(true)
}

/// Appends the value of a field, or a part of it.
#[inline]
fn append_field(slot: &Slot, raw: Raw<'_>, column: &mut ColumnBuilder, growth: &Growth) -> Result<()> {
    match &slot.action {
        Action::Single(source) => append(source, raw, column, growth).map(drop),
        Action::Repeated(source) => match &mut column.values {
            Values::List { items, .. } => append_items(source, raw, items, growth),
            _ => Ok(()),
        },
        Action::Entry(plan) => match (&mut column.values, raw) {
            (Values::Map { keys, values, .. }, Raw::Delimited(entry)) => {
                Entry { key: keys, value: values }.read(plan, entry, growth)
            }
            _ => Ok(()),
        },
        Action::Member { field, .. } => append_member(field.as_ref(), raw, column, growth),
    }
}

/// Handles a field whose column has a value already. Whether the column is now made of all of them.
fn again(
    plan: &MessagePlan,
    slot: &Slot,
    message: &[u8],
    raw: Raw<'_>,
    row: usize,
    column: &mut ColumnBuilder,
    growth: &Growth,
) -> Result<bool> {
    match &slot.action {
        Action::Single(source) if !source.takes(raw) => Ok(false),
        Action::Single(source) if source.is_message() => {
            growth.take_walk(message.len())?;
            let whole = whole(message, slot.number)?;
            column.truncate(row);
            append(source, Raw::Delimited(&whole), column, growth)?;
            Ok(true)
        }
        Action::Single(source) => {
            column.truncate(row);
            append(source, raw, column, growth)?;
            Ok(false)
        }
        Action::Member { oneof, .. } => {
            growth.take_walk(message.len())?;
            column.truncate(row);
            append_oneof(plan, oneof, message, column, growth)?;
            Ok(true)
        }
        Action::Repeated(_) | Action::Entry(_) => Ok(false),
    }
}

/// The messages of a field as one.
fn whole(message: &[u8], wanted: u32) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        if let (true, Raw::Delimited(part)) = (number == wanted, raw) {
            whole.extend_from_slice(part);
        }
    }
    Ok(whole)
}

/// Appends the STRUCT of the last field of a oneof.
fn append_oneof(
    plan: &MessagePlan,
    oneof: &[u32],
    message: &[u8],
    column: &mut ColumnBuilder,
    growth: &Growth,
) -> Result<()> {
    let mut last: Option<(&Slot, Raw<'_>)> = None;
    let mut whole = Vec::new();
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        let Some(slot) = plan.slot(number).filter(|_| oneof.contains(&number)) else { continue };
        let Action::Member { field, .. } = &slot.action else { continue };
        if field.as_ref().is_some_and(|(_, source)| !source.takes(raw)) {
            continue;
        }
        if last.is_some_and(|(last, _)| last.number != number) {
            whole.clear();
        }
        if let Raw::Delimited(part) = raw {
            whole.extend_from_slice(part);
        }
        last = Some((slot, raw));
    }
    let Some((Slot { action: Action::Member { field, .. }, .. }, raw)) = last else { return Ok(()) };
    let is_message = field.as_ref().is_some_and(|(_, source)| source.is_message());
    append_member(field.as_ref(), if is_message { Raw::Delimited(&whole) } else { raw }, column, growth)
}

/// Appends a STRUCT of one field.
fn append_member(
    field: Option<&(usize, Source)>,
    raw: Raw<'_>,
    column: &mut ColumnBuilder,
    growth: &Growth,
) -> Result<()> {
    if field.is_some_and(|(_, source)| !source.takes(raw)) {
        return Ok(());
    }
    let Values::Struct(fields) = &mut column.values else { return Ok(()) };
    growth.take(8 * column.width)?;
    for (at, other) in fields.iter_mut().enumerate() {
        match field {
            Some((field, source)) if *field == at => drop(append(source, raw, other, growth)?),
            _ => other.append_null(),
        }
    }
    column.mark_present();
    Ok(())
}

/// Appends the items of a repeated field: one, or many numbers side by side.
fn append_items(source: &Source, raw: Raw<'_>, items: &mut ColumnBuilder, growth: &Growth) -> Result<()> {
    let Raw::Delimited(packed) = raw else { return append(source, raw, items, growth).map(drop) };
    let mut reader = Reader::new(packed);
    match source.zero().raw() {
        Raw::Varint(_) => {
            while !reader.is_at_end() {
                append(source, Raw::Varint(reader.varint()?), items, growth)?;
            }
        }
        Raw::Fixed64(_) => {
            while !reader.is_at_end() {
                append(source, Raw::Fixed64(reader.fixed64()?), items, growth)?;
            }
        }
        Raw::Fixed32(_) => {
            while !reader.is_at_end() {
                append(source, Raw::Fixed32(reader.fixed32()?), items, growth)?;
            }
        }
        Raw::Delimited(_) | Raw::Group => drop(append(source, raw, items, growth)?),
    }
    Ok(())
}

/// Gives a column the value it has when its field did not occur, or ends its items.
fn finish(
    plan: &MessagePlan,
    absent: &Absent,
    at: usize,
    message: &[u8],
    column: &mut ColumnBuilder,
    growth: &Growth,
) -> Result<()> {
    match absent {
        Absent::Null => column.append_null(),
        Absent::Value(slot, value) => {
            if let Some(Slot { action: Action::Single(source), .. }) = plan.slot_at(*slot) {
                if let Raw::Delimited(default) = value.raw()
                    && !default.is_empty()
                {
                    growth.take(default.len())?;
                }
                append(source, value.raw(), column, growth)?;
            }
        }
        Absent::Empty => {
            match &mut column.values {
                Values::List { offsets, items } => offsets.push(items.len() as i32),
                Values::Map { offsets, keys, values } => {
                    let start = offsets.last().map_or(0, |end| *end as usize);
                    if let Some(slot) = plan.slot_of(at) {
                        keep_last(slot, message, start, keys, values, growth)?;
                    }
                    offsets.push(keys.len() as i32);
                }
                _ => return Ok(()),
            }
            column.mark_present();
        }
    }
    Ok(())
}

/// Of several entries of a key, leaves the last.
fn keep_last(
    slot: &Slot,
    message: &[u8],
    start: usize,
    keys: &mut ColumnBuilder,
    values: &mut ColumnBuilder,
    growth: &Growth,
) -> Result<()> {
    let (Values::Bytes(names), Action::Entry(plan)) = (&keys.values, &slot.action) else { return Ok(()) };
    let Some(last) = names.last_occurrences(start) else { return Ok(()) };
    growth.take_walk(message.len())?;
    keys.truncate(start);
    values.truncate(start);
    let mut position = 0;
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        if let (true, Raw::Delimited(entry)) = (number == slot.number, raw) {
            if last.get(position) == Some(&true) {
                Entry { key: keys, value: values }.read(plan, entry, growth)?;
            }
            position += 1;
        }
    }
    Ok(())
}

/// Appends one value. False, and nothing is appended, if it is none of that source: then nobody knows the field.
#[inline]
pub(super) fn append(source: &Source, raw: Raw<'_>, column: &mut ColumnBuilder, growth: &Growth) -> Result<bool> {
    if let Source::Wrapper(inner) = source {
        return append_wrapped(inner, raw, column, growth);
    }
    let taken = match &mut column.values {
        Values::Long(values) => integer(source, raw)?.map(|value| values.push(value)).is_some(),
        Values::Int(values) => integer(source, raw)?.map(|value| values.push(value as i32)).is_some(),
        Values::Bytes(bytes) => append_bytes(source, raw, &column.ty, bytes, growth)?,
        Values::Double(values) => double(source, raw).map(|value| values.push(value)).is_some(),
        Values::Boolean(bits) => match (source, raw) {
            (Source::Bool, Raw::Varint(value)) => {
                bits.append(value != 0);
                true
            }
            _ => false,
        },
        Values::Decimal(values) => match (source, raw) {
            (Source::Decimal, Raw::Delimited(message)) => {
                values.push(decimal(message, &column.ty)?);
                true
            }
            _ => false,
        },
        Values::Struct(fields) => match (source, raw) {
            (Source::Message(plan), Raw::Delimited(message)) => {
                growth.take(8 * column.width)?;
                read_message(plan, message, fields.as_mut_slice(), growth)?;
                true
            }
            _ => false,
        },
        Values::List { .. } | Values::Map { .. } => false,
    };
    if taken {
        column.mark_present();
    }
    Ok(taken)
}

/// Appends what a message of `google/protobuf/wrappers.proto` wraps.
fn append_wrapped(inner: &Source, raw: Raw<'_>, column: &mut ColumnBuilder, growth: &Growth) -> Result<bool> {
    let Raw::Delimited(message) = raw else { return Ok(false) };
    let mut value = None;
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        if number == 1 && inner.takes(raw) {
            value = Some(raw);
        }
    }
    append(inner, value.unwrap_or(inner.zero().raw()), column, growth)
}

/// Appends a text or bytes.
fn append_bytes(source: &Source, raw: Raw<'_>, ty: &SqlType, bytes: &mut Variable, growth: &Growth) -> Result<bool> {
    match (source, raw) {
        (Source::Text, Raw::Delimited(value)) => push_text(value, &mut bytes.data)?,
        (Source::Bytes, Raw::Delimited(value)) if *ty == SqlType::Bytes => bytes.data.extend_from_slice(value),
        (Source::Enum(names), Raw::Varint(value)) => {
            let start = bytes.data.len();
            names.write(value as i32, &mut bytes.data);
            growth.take(bytes.data.len() - start)?;
        }
        (Source::Bool, Raw::Varint(value)) => {
            bytes.data.extend_from_slice(if value != 0 { b"true" } else { b"false" });
        }
        (Source::Float | Source::Double, _) => {
            let mut out = String::new();
            match (source, raw) {
                (Source::Float, Raw::Fixed32(bits)) => float_text(f32::from_bits(bits), &mut out),
                (Source::Double, Raw::Fixed64(bits)) => text::java_double(f64::from_bits(bits), &mut out),
                _ => return Ok(false),
            }
            growth.take(out.len())?;
            bytes.data.extend_from_slice(out.as_bytes());
        }
        _ => match integer(source, raw)? {
            Some(value) => {
                growth.take(20)?;
                bytes.data.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            None => return Ok(false),
        },
    }
    bytes.end()?;
    Ok(true)
}

#[inline]
fn push_text(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
        return Fault::value("Invalid Protobuf: a string is not UTF-8");
    }
    out.extend_from_slice(text);
    Ok(())
}

/// `Float.toString`: the digits that suffice for a float, in the form of a double's.
fn float_text(value: f32, out: &mut String) {
    let digits = ryu::Buffer::new().format(value).parse().unwrap_or(f64::from(value));
    text::java_double(digits, out);
}

/// A whole number, also that of a date or time; `None` if the value is no number.
#[inline]
fn integer(source: &Source, raw: Raw<'_>) -> Result<Option<i64>> {
    Ok(Some(match (source, raw) {
        (Source::Int64, Raw::Varint(value)) => value as i64,
        (Source::Int32, Raw::Varint(value)) => i64::from(value as i32),
        (Source::Uint32, Raw::Varint(value)) => i64::from(value as u32),
        (Source::Sint32, Raw::Varint(value)) => i64::from(unzigzag(u64::from(value as u32)) as i32),
        (Source::Sint64, Raw::Varint(value)) => unzigzag(value),
        (Source::Fixed32, Raw::Fixed32(value)) => i64::from(value),
        (Source::Sfixed32, Raw::Fixed32(value)) => i64::from(value as i32),
        (Source::Fixed64, Raw::Fixed64(value)) => value as i64,
        (Source::Timestamp, Raw::Delimited(message)) => timestamp(message)?,
        (Source::Date, Raw::Delimited(message)) => date(message)?,
        (Source::Time, Raw::Delimited(message)) => time_of_day(message)?,
        _ => return Ok(None),
    }))
}

fn double(source: &Source, raw: Raw<'_>) -> Option<f64> {
    match (source, raw) {
        (Source::Double, Raw::Fixed64(bits)) => Some(f64::from_bits(bits)),
        (Source::Float, Raw::Fixed32(bits)) => Some(f64::from(f32::from_bits(bits))),
        _ => None,
    }
}

/// The numbers in the first fields of a message.
fn numbers<const N: usize>(message: &[u8]) -> Result<[i64; N]> {
    let mut numbers = [0; N];
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        if let (Some(place), Raw::Varint(value)) = (numbers.get_mut(number as usize - 1), raw) {
            *place = value as i64;
        }
    }
    Ok(numbers)
}

/// `google.protobuf.Timestamp`
fn timestamp(message: &[u8]) -> Result<i64> {
    let [seconds, nanos] = numbers(message)?;
    let nanos = i64::from(nanos as i32);
    let millis = i64::try_from(i128::from(seconds) * 1000 + i128::from(nanos / 1_000_000)).ok();
    match millis.filter(|_| (0..1_000_000_000).contains(&nanos)) {
        Some(millis) => Ok(millis),
        None => Fault::value(format!("There is no time of {seconds} seconds and {nanos} nanoseconds")),
    }
}

/// `google.type.Date`, as a day number.
fn date(message: &[u8]) -> Result<i64> {
    let [year, month, day] = numbers(message)?.map(|number: i64| number as i32);
    let days = u32::try_from(month).ok().zip(u32::try_from(day).ok());
    let days = days.and_then(|(month, day)| text::days_from_civil(i64::from(year), month, day));
    match days.filter(|days| i32::try_from(*days).is_ok()) {
        Some(days) => Ok(days),
        None => Fault::value(format!("There is no day {year}-{month}-{day}")),
    }
}

/// `google.type.TimeOfDay`, as milliseconds.
fn time_of_day(message: &[u8]) -> Result<i64> {
    let [hours, minutes, seconds, nanos] = numbers(message)?.map(|number: i64| i64::from(number as i32));
    let is_time = (0..24).contains(&hours)
        && (0..60).contains(&minutes)
        && (0..60).contains(&seconds)
        && (0..1_000_000_000).contains(&nanos);
    if !is_time {
        return Fault::value(format!("There is no time {hours}:{minutes}:{seconds} and {nanos} nanoseconds"));
    }
    Ok(((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000)
}

/// `confluent.type.Decimal`, brought to the column's scale without rounding.
fn decimal(message: &[u8], ty: &SqlType) -> Result<i128> {
    let SqlType::Decimal { precision, scale } = ty else { return Ok(0) };
    let (mut value, mut from): (&[u8], i32) = (&[], 0);
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        match (number, raw) {
            (1, Raw::Delimited(bytes)) => value = bytes,
            (3, Raw::Varint(scale)) => from = scale as i32,
            _ => {}
        }
    }
    match unscaled(value).and_then(|unscaled| exactly(unscaled, from, i32::from(*scale), *precision)) {
        Some(unscaled) => Ok(unscaled),
        None => Fault::value(format!("A decimal of scale {from} does not fit into {ty} without rounding.")),
    }
}

/// The number that bytes are in two's complement, the highest first.
fn unscaled(bytes: &[u8]) -> Option<i128> {
    let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let sign = if is_negative { 0xFF } else { 0 };
    let digits = bytes.iter().position(|byte| *byte != sign).and_then(|at| bytes.get(at..)).unwrap_or_default();
    let mut whole = [sign; 17];
    whole.get_mut(17_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    // The seventeenth byte only holds the sign.
    let (first, rest) = whole.split_first_chunk::<1>()?;
    let number = i128::from_be_bytes(rest.try_into().ok()?);
    (first[0] == sign && (number < 0) == is_negative).then_some(number)
}

fn exactly(mut unscaled: i128, from: i32, to: i32, precision: u8) -> Option<i128> {
    if unscaled == 0 {
        return Some(0);
    }
    let power = text::power_of_ten(to.checked_sub(from)?.unsigned_abs())?;
    if from > to {
        unscaled = (unscaled % power == 0).then(|| unscaled / power)?;
    } else {
        unscaled = unscaled.checked_mul(power)?;
    }
    let limit = text::power_of_ten(u32::from(precision.min(38)))?;
    (unscaled.unsigned_abs() < limit.unsigned_abs()).then_some(unscaled)
}
