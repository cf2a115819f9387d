//! Bytes to columns, as the plan for their schema says.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use arrow::array::{Array, BinaryArray};

use super::plan::{Absent, Branch, Entry, Fields, Plan, Read, Step, Wanted};
use super::schema::{AvroSchema, Kind};
use super::wire::{Cursor, Result, fault, put_sized};
use crate::formats::awaited::Awaited;
use crate::formats::column::{ColumnBuilder, Values};
use crate::formats::growth::Growth;
use crate::formats::number::exact_decimal;
use crate::formats::problem::short;
use crate::formats::{Decode, Decoded};
use crate::schemas::{Language, Schema, SchemaError, Schemas, split_header};
use crate::types::text::{java_double, plain_decimal, power_of_ten};
use crate::types::{Column, SqlType};

/// Plans are kept for so many schemas.
const PLANS_MAX: usize = 1000;

/// Decodes records of some columns.
pub(super) struct AvroDecoder {
    columns: Vec<Column>,
    is_used: Vec<bool>,
    wrapped: bool,
    is_key: bool,
    /// The schema to read by, if one is named.
    reader: Option<Arc<AvroSchema>>,
    schemas: Arc<dyn Schemas>,
    plans: Plans,
    /// The last record that was bare bytes, with their length, as bytes stand elsewhere.
    sized: Vec<u8>,
    /// Of all columns; those that are not used stay empty.
    builders: Vec<ColumnBuilder>,
    /// Positions of the used columns, each once.
    used: Vec<usize>,
    /// What to answer: positions in `used`.
    output: Vec<usize>,
}

impl AvroDecoder {
    /// A decoder of `columns` that produces those at the positions `used`.
    pub(super) fn new(
        columns: &[Column],
        used: &[usize],
        shape: (bool, bool),
        reader: Option<Arc<AvroSchema>>,
        schemas: Arc<dyn Schemas>,
    ) -> Self {
        let (wrapped, is_key) = shape;
        let is_used: Vec<bool> = (0..columns.len()).map(|i| used.contains(&i)).collect();
        let each: Vec<usize> = (0..columns.len()).filter(|i| is_used[*i]).collect();
        Self {
            builders: columns.iter().map(|column| ColumnBuilder::new(&column.ty)).collect(),
            output: used.iter().filter_map(|i| each.iter().position(|used| used == i)).collect(),
            columns: columns.to_vec(),
            used: each,
            is_used,
            wrapped,
            is_key,
            reader,
            schemas,
            plans: Plans::default(),
            sized: Vec::new(),
        }
    }

    /// The plan for a schema, or why there is none.
    fn plan(
        &self,
        id: i32,
        schema: std::result::Result<Arc<Schema>, SchemaError>,
    ) -> std::result::Result<Plan, String> {
        let schema = schema.map_err(|error| error.to_string())?;
        if schema.language != Language::Avro {
            return Err(format!("the schema of id {id} is {}, not AVRO", schema.language));
        }
        let wanted = Wanted {
            columns: &self.columns,
            is_used: &self.is_used,
            wrapped: self.wrapped,
            reader: self.reader.as_ref(),
        };
        let plan = AvroSchema::parse(&schema).map(|schema| Plan::new(Arc::new(schema), &wanted));
        plan.map_err(|error| short(format!("the schema of id {id} is invalid: {error}")))
    }

    /// Appends one record to the used columns it has values for.
    fn read(&mut self, record: &[u8], growth: &Growth) -> Result<()> {
        let Some((id, payload)) = split_header(record) else { return fault("Unknown magic byte!") };
        let plan = match self.plans.get(id) {
            Some(Ok(plan)) => plan,
            Some(Err(problem)) => return fault(problem.clone()),
            None => return fault(SchemaError::UnknownId(id).to_string()),
        };
        let mut cursor = Cursor::new(payload);
        if plan.is_bytes {
            self.sized.clear();
            put_sized(payload, &mut self.sized);
            cursor = Cursor::new(&self.sized);
        }
        let walk = Walk { schema: &plan.schema, growth };
        match (&plan.root, self.builders.as_mut_slice()) {
            (Read::Skip, _) => cursor.skip(&plan.schema, plan.schema.root)?,
            (read, [builder]) if !self.wrapped => walk.value(&mut cursor, read, builder)?,
            (read, builders) => {
                if !walk.fields(&mut cursor, read, builders)? {
                    return fault("A record must not be null");
                }
            }
        }
        // The window of a key may follow it, as in ksqlDB.
        if cursor.bytes_left() > 0 && !self.is_key {
            return fault("bytes follow the record");
        }
        Ok(())
    }
}

impl Decode for AvroDecoder {
    fn prepare(&mut self, payloads: &BinaryArray) -> std::result::Result<usize, SchemaError> {
        self.plans.forget_failures();
        let mut awaited = Awaited::default();
        for (row, record) in payloads.iter().enumerate() {
            let Some((id, _)) = record.and_then(split_header) else { continue };
            if self.plans.get(id).is_none()
                && let Some(schema) = awaited.ask(&*self.schemas, row, id)
            {
                self.plans.add(id, self.plan(id, schema));
            }
        }
        awaited.end(payloads.len())
    }

    fn decode(&mut self, payloads: &BinaryArray) -> Decoded {
        let mut bad = Vec::new();
        let growth = Growth::of(payloads);
        for row in 0..payloads.len() {
            growth.start();
            if payloads.is_valid(row)
                && let Err(problem) = self.read(payloads.value(row), &growth)
            {
                growth.give_back();
                bad.push((row, problem.into_message()));
                self.used.iter().for_each(|i| self.builders[*i].truncate(row));
            }
            for i in &self.used {
                let column = &mut self.builders[*i];
                if column.len() == row {
                    column.append_null();
                }
            }
        }
        let finished: Vec<_> = self.used.iter().map(|i| self.builders[*i].finish()).collect();
        let columns = self.output.iter().map(|i| finished[*i].clone()).collect();
        Decoded { columns, bad }.with_schemas_of(payloads)
    }
}

/// Plans by the ids of their schemas, or why there are none.
#[derive(Default)]
struct Plans {
    list: Vec<std::result::Result<Plan, String>>,
    places: HashMap<i32, usize>,
    /// The id and the place that were asked for last.
    last: Option<(i32, usize)>,
}

impl Plans {
    #[inline]
    fn get(&mut self, id: i32) -> Option<&std::result::Result<Plan, String>> {
        let place = match self.last {
            Some((last, place)) if last == id => place,
            _ => *self.places.get(&id)?,
        };
        self.last = Some((id, place));
        self.list.get(place)
    }

    fn add(&mut self, id: i32, plan: std::result::Result<Plan, String>) {
        if let Slot::Vacant(slot) = self.places.entry(id) {
            slot.insert(self.list.len());
            self.list.push(plan);
        }
    }

    /// What was unknown may be known by now; and there must not be too many.
    fn forget_failures(&mut self) {
        if self.list.len() > PLANS_MAX {
            *self = Self::default();
        } else if self.list.iter().any(std::result::Result::is_err) {
            let mut known = Self::default();
            let mut plans: Vec<_> = std::mem::take(&mut self.list).into_iter().map(Some).collect();
            for (id, place) in self.places.drain() {
                if let Some(plan @ Ok(_)) = plans.get_mut(place).and_then(Option::take) {
                    known.add(id, plan);
                }
            }
            *self = known;
        }
    }
}

/// Follows a plan over a record's bytes.
struct Walk<'a> {
    schema: &'a AvroSchema,
    /// What the record may become in columns.
    growth: &'a Growth,
}

impl Walk<'_> {
    /// Appends the value that is next. After an error, the column may hold a part of it.
    fn value(&self, cursor: &mut Cursor<'_>, read: &Read, column: &mut ColumnBuilder) -> Result<()> {
        // Almost every field is of this kind, and a union stands in no union.
        let read = match read {
            Read::Optional { null_at, .. } if cursor.is_null(*null_at)? => return self.null(column),
            Read::Optional { value, .. } => value,
            read => read,
        };
        match (read, &mut column.values) {
            (Read::Long { is_int }, Values::Long(values)) => values.push(long(cursor, *is_int)?),
            (Read::Text, Values::Bytes(bytes)) => {
                push_text(cursor.sized()?, &mut bytes.data, self.growth)?;
                bytes.end()?;
            }
            (Read::Int, Values::Int(values)) => values.push(cursor.int()?),
            (Read::Double, Values::Double(values)) => values.push(f64::from_le_bytes(cursor.array()?)),
            (Read::Boolean, Values::Boolean(bits)) => bits.append(cursor.boolean()?),
            (Read::List { item, has_no_bytes }, Values::List { offsets, items }) => {
                blocks(cursor, self.growth, *has_no_bytes, |cursor| self.value(cursor, item, items))?;
                offsets.push(i32::try_from(items.len()).or_else(|_| fault("a batch holds too many items"))?);
            }
            (Read::Map(entry), Values::Map { offsets, keys, values }) => {
                self.entries(cursor, entry, keys, values)?;
                offsets.push(i32::try_from(keys.len()).or_else(|_| fault("a batch holds too many items"))?);
            }
            (Read::Record(_) | Read::Branches(_), Values::Struct(fields)) => {
                self.growth.take(8 * column.width)?;
                if !self.fields(cursor, read, fields)? {
                    column.append_null();
                    return Ok(());
                }
                // Branches of a union that were not taken.
                let row = column.len();
                let Values::Struct(fields) = &mut column.values else { return Ok(()) };
                fields.iter_mut().filter(|field| field.len() == row).for_each(ColumnBuilder::append_null);
            }
            (Read::Union(branches), _) => {
                let branch = cursor.position(branches.len(), "branch of a union")?;
                return branches.get(branch).map_or(Ok(()), |branch| self.value(cursor, branch, column));
            }
            (Read::Null, _) => return self.null(column),
            (Read::Never(problem), _) => return fault(problem.clone()),
            (read, _) => push_other(cursor, read, column, self.growth)?,
        }
        column.mark_present();
        Ok(())
    }

    /// Appends NULL, which in a STRUCT is one of each field.
    #[inline]
    fn null(&self, column: &mut ColumnBuilder) -> Result<()> {
        if column.width > 1 {
            self.growth.take(8 * column.width)?;
        }
        column.append_null();
        Ok(())
    }

    /// Appends the fields of the record or union that is next to their columns. Branches that are not taken leave their
    /// columns one row short. Answers whether there is one: it may be NULL.
    fn fields(&self, cursor: &mut Cursor<'_>, read: &Read, columns: &mut [ColumnBuilder]) -> Result<bool> {
        match read {
            Read::Record(fields) => self.record(cursor, fields, columns).map(|()| true),
            Read::Optional { null_at, value } => {
                if cursor.is_null(*null_at)? {
                    return Ok(false);
                }
                self.fields(cursor, value, columns)
            }
            Read::Branches(branches) => {
                let branch = cursor.position(branches.len(), "branch of a union")?;
                match branches.get(branch) {
                    Some(Branch::Field(column, read)) => match columns.get_mut(*column) {
                        Some(column) => self.value(cursor, read, column)?,
                        None => return fault("a plan does not fit its columns"),
                    },
                    Some(Branch::Skip(id)) => cursor.skip(self.schema, *id)?,
                    Some(Branch::Null) | None => return Ok(false),
                }
                Ok(true)
            }
            Read::Never(problem) => fault(problem.clone()),
            _ => fault("a plan does not fit its columns"),
        }
    }

    fn record(&self, cursor: &mut Cursor<'_>, fields: &Fields, columns: &mut [ColumnBuilder]) -> Result<()> {
        for step in &fields.steps {
            match step {
                Step::Read(column, read) => match columns.get_mut(*column) {
                    Some(column) => self.value(cursor, read, column)?,
                    None => return fault("a plan does not fit its columns"),
                },
                Step::SkipOptional { null_at, value } => {
                    if !cursor.is_null(*null_at)? {
                        cursor.pass(self.schema, *value)?;
                    }
                }
                Step::Skip(skip) => cursor.pass(self.schema, *skip)?,
                Step::Never(problem) => return fault(problem.clone()),
            }
        }
        for Absent { column, default } in &fields.absent {
            let Some(column) = columns.get_mut(*column) else { continue };
            match default {
                Some(constant) => {
                    self.growth.take(constant.size)?;
                    Walk { schema: &constant.schema, growth: self.growth }.value(
                        &mut Cursor::new(&constant.bytes),
                        &constant.read,
                        column,
                    )?;
                }
                None => column.append_null(),
            }
        }
        Ok(())
    }

    /// Appends the entries of a map. Of several values for a key the last counts.
    fn entries(
        &self,
        cursor: &mut Cursor<'_>,
        entry: &Entry,
        keys: &mut ColumnBuilder,
        values: &mut ColumnBuilder,
    ) -> Result<()> {
        let start = keys.len();
        let before = cursor.clone();
        self.entries_where(cursor, entry, keys, values, |_| true)?;
        if let Values::Bytes(names) = &keys.values
            && let Some(last) = names.last_occurrences(start)
        {
            self.growth.take_walk(before.bytes_left() - cursor.bytes_left())?;
            keys.truncate(start);
            values.truncate(start);
            self.entries_where(&mut before.clone(), entry, keys, values, |i| last.get(i) == Some(&true))?;
        }
        Ok(())
    }

    /// Appends the entries at the positions that `keep` picks.
    fn entries_where(
        &self,
        cursor: &mut Cursor<'_>,
        entry: &Entry,
        keys: &mut ColumnBuilder,
        values: &mut ColumnBuilder,
        keep: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let mut position = 0;
        let key = |cursor: &mut Cursor<'_>, keys: &mut ColumnBuilder| {
            self.value(cursor, &entry.key, keys)?;
            if keys.last_is_null() { fault("a key of a map is null") } else { Ok(()) }
        };
        blocks(cursor, self.growth, entry.has_no_bytes, |cursor| {
            let kept = keep(position);
            position += 1;
            match (kept, entry.value_first) {
                (true, false) => {
                    key(cursor, keys)?;
                    self.value(cursor, &entry.value, values)
                }
                (true, true) => {
                    self.value(cursor, &entry.value, values)?;
                    key(cursor, keys)
                }
                (false, value_first) => {
                    if value_first {
                        cursor.skip(self.schema, entry.value_type)?;
                    }
                    match entry.key_type {
                        Some(id) => cursor.skip(self.schema, id)?,
                        None => drop(cursor.sized()?),
                    }
                    if value_first { Ok(()) } else { cursor.skip(self.schema, entry.value_type) }
                }
            }
        })
    }
}

/// Reads the blocks of an array or a map, item by item.
fn blocks(
    cursor: &mut Cursor<'_>,
    growth: &Growth,
    has_no_bytes: bool,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        let (count, bytes) = cursor.block()?;
        if count == 0 {
            return Ok(());
        }
        let before = cursor.bytes_left() as u64;
        if has_no_bytes {
            cursor.take_empty_items(count)?;
            growth.take(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(16))?;
        }
        for _ in 0..count {
            item(cursor)?;
        }
        // Whoever passes over the block goes by its size.
        if bytes.is_some_and(|bytes| before - cursor.bytes_left() as u64 != bytes) {
            return fault("a block has another size than it claims");
        }
    }
}

/// Appends values of the rarer kinds.
fn push_other(cursor: &mut Cursor<'_>, read: &Read, column: &mut ColumnBuilder, growth: &Growth) -> Result<()> {
    let ty = &column.ty;
    match (read, &mut column.values) {
        (Read::Time, Values::Int(values)) => match cursor.int()? {
            millis @ 0..=86_400_000 => values.push(millis),
            _ => {
                return fault("Time values must use number of milliseconds greater than 0 and less than 86400000.");
            }
        },
        (Read::PartsOfMillis(parts), Values::Long(values)) => values.push(cursor.long()?.div_euclid(*parts)),
        (Read::LongToDouble { is_int }, Values::Double(values)) => values.push(long(cursor, *is_int)? as f64),
        (Read::Float, Values::Double(values)) => values.push(f64::from(f32::from_le_bytes(cursor.array()?))),
        (Read::LongToDecimal { is_int }, Values::Decimal(values)) => {
            values.push(fit(i128::from(long(cursor, *is_int)?), 0, ty)?);
        }
        (Read::Decimal { size, scale }, Values::Decimal(values)) => {
            let bytes = match size {
                Some(size) => cursor.take(*size)?,
                None => cursor.sized()?,
            };
            values.push(fit(unscaled(bytes)?, *scale, ty)?);
        }
        (Read::Bytes, Values::Bytes(bytes)) => {
            bytes.data.extend_from_slice(cursor.sized()?);
            bytes.end()?;
        }
        (Read::Fixed(size), Values::Bytes(bytes)) => {
            bytes.data.extend_from_slice(cursor.take(*size)?);
            bytes.end()?;
        }
        (Read::Enum(symbols), Values::Bytes(bytes)) => {
            let symbol = cursor.position(symbols.len(), "enum symbol")?;
            let symbol = symbols.get(symbol).map_or(&[][..], String::as_bytes);
            growth.take(symbol.len())?;
            bytes.data.extend_from_slice(symbol);
            bytes.end()?;
        }
        (Read::AsText(kind), Values::Bytes(bytes)) => {
            let text = plain_text(cursor, kind)?;
            growth.take(text.len())?;
            bytes.data.extend_from_slice(text.as_bytes());
            bytes.end()?;
        }
        _ => return fault("a plan does not fit its columns"),
    }
    Ok(())
}

#[inline]
fn long(cursor: &mut Cursor<'_>, is_int: bool) -> Result<i64> {
    if is_int { cursor.int().map(i64::from) } else { cursor.long() }
}

/// Appends text; what is no UTF-8 is replaced, as Java does.
#[inline]
fn push_text(text: &[u8], out: &mut Vec<u8>, growth: &Growth) -> Result<()> {
    if text.is_ascii() || std::str::from_utf8(text).is_ok() {
        out.extend_from_slice(text);
    } else {
        let replaced = String::from_utf8_lossy(text);
        growth.take(replaced.len().saturating_sub(text.len()))?;
        out.extend_from_slice(replaced.as_bytes());
    }
    Ok(())
}

/// A plain value as Java's `String.valueOf` writes it.
fn plain_text(cursor: &mut Cursor<'_>, kind: &Kind) -> Result<String> {
    let double = |value: f64| {
        let mut text = String::new();
        java_double(value, &mut text);
        text
    };
    Ok(match kind {
        Kind::Boolean => cursor.boolean()?.to_string(),
        Kind::Int => cursor.int()?.to_string(),
        Kind::Long => cursor.long()?.to_string(),
        Kind::Float => {
            let value = f32::from_le_bytes(cursor.array()?);
            // The double that has the same shortest digits.
            double(value.to_string().parse().unwrap_or(f64::from(value)))
        }
        _ => double(f64::from_le_bytes(cursor.array()?)),
    })
}

/// A number in two's complement, big-endian.
fn unscaled(bytes: &[u8]) -> Result<i128> {
    let Some(first) = bytes.first() else { return fault("Zero length BigInteger") };
    let negative = *first >= 0x80;
    let sign = if negative { 0xFF } else { 0 };
    let digits = bytes.len().saturating_sub(16);
    let (padding, low) = bytes.split_at(digits);
    let fits = padding.iter().all(|byte| *byte == sign)
        && (padding.is_empty() || low.first().is_some_and(|byte| (*byte ^ sign) < 0x80));
    if !fits {
        return fault("Numeric field overflow: a decimal has more than 38 digits");
    }
    let mut value = [sign; 16];
    if let Some(place) = value.get_mut(16 - low.len()..) {
        place.copy_from_slice(low);
    }
    Ok(i128::from_be_bytes(value))
}

/// Brings a decimal to a column's type without rounding.
fn fit(unscaled: i128, from: i64, ty: &SqlType) -> Result<i128> {
    let SqlType::Decimal { precision, scale } = ty else { return fault("a plan does not fit its columns") };
    let limit = power_of_ten(u32::from((*precision).min(38))).unwrap_or(i128::MAX);
    if from == i64::from(*scale) && unscaled.unsigned_abs() < limit.unsigned_abs() {
        return Ok(unscaled);
    }
    let Ok(from) = i8::try_from(from) else { return fault(format!("the scale {from} is out of range")) };
    let mut text = String::new();
    plain_decimal(unscaled, from, &mut text);
    exact_decimal(&text, (*precision).min(38), *scale).or_else(fault)
}
