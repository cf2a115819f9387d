//! Avro's binary encoding: what stands in a record's bytes, one value after the other.

use std::borrow::Cow;

use crate::formats::growth::TooLarge;
use crate::formats::varint::short_varint;

use super::schema::{AvroSchema, Kind, Skip, TypeId};

/// Items of arrays, and fields of nothing else, that take no byte: one record may hold so many, as no end of its bytes
/// bounds them.
const EMPTY_ITEMS_MAX: usize = 65_536;

/// How deep values may stand in each other.
const LEVELS_MAX: usize = 600;

/// Why bytes are no record of the schema they name, or hold what a column cannot.
#[derive(Debug)]
pub(super) struct Fault(Box<Cow<'static, str>>);

impl Fault {
    pub(super) fn into_message(self) -> String {
        self.0.into_owned()
    }
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl From<TooLarge> for Fault {
    fn from(error: TooLarge) -> Self {
        Self(Box::new(Cow::Owned(error.to_string())))
    }
}

/// An error of these words.
#[cold]
pub(super) fn fault<T>(message: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(Fault(Box::new(message.into())))
}

/// The bytes of a record that are not read yet.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    empty_items_left: usize,
    levels_left: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, empty_items_left: EMPTY_ITEMS_MAX, levels_left: LEVELS_MAX }
    }

    /// How much is not read yet.
    pub(super) fn bytes_left(&self) -> usize {
        self.rest.len()
    }

    /// The next bytes.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(bytes) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => fault("the record ends within a value"),
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => fault("the record ends within a value"),
        }
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool> {
        match self.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [byte] => fault(format!("{byte} is no boolean")),
        }
    }

    // Most numbers, and the positions in unions before them, take one byte.
    #[inline(always)]
    pub(super) fn long(&mut self) -> Result<i64> {
        let (first, rest) = match self.rest.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return fault("the record ends within a value"),
        };
        if first < 0x80 {
            self.rest = rest;
            return Ok(zigzag(u64::from(first)));
        }
        self.long_of_several_bytes()
    }

    fn long_of_several_bytes(&mut self) -> Result<i64> {
        if let Some((value, rest)) = short_varint(self.rest) {
            self.rest = rest;
            return Ok(zigzag(value));
        }
        let mut value = 0_u64;
        for (i, byte) in self.rest.iter().enumerate().take(10) {
            if i == 9 && *byte > 1 {
                return fault("Invalid long encoding");
            }
            value |= u64::from(byte & 0x7F) << (7 * i);
            if *byte < 0x80 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(zigzag(value));
            }
        }
        fault(if self.rest.len() < 10 { "the record ends within a value" } else { "Invalid long encoding" })
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32> {
        i32::try_from(self.long()?).or_else(|_| fault("Invalid int encoding"))
    }

    /// A length and so many bytes.
    #[inline]
    pub(super) fn sized(&mut self) -> Result<&'a [u8]> {
        match usize::try_from(self.long()?) {
            Ok(length) => self.take(length),
            Err(_) => fault("a length is negative"),
        }
    }

    /// A position among `count` things.
    #[inline]
    pub(super) fn position(&mut self, count: usize, what: &'static str) -> Result<usize> {
        let position = self.long()?;
        match usize::try_from(position) {
            Ok(position) if position < count => Ok(position),
            _ => no_position(position, count, what),
        }
    }

    /// Whether the branch of a union of `null` and a type, of which `null` stands at that position, is `null`.
    #[inline(always)]
    pub(super) fn is_null(&mut self, null_at: usize) -> Result<bool> {
        Ok(self.position(2, "branch of a union")? == null_at)
    }

    /// How many items the next block has, 0 at the end, and its bytes if they are written.
    pub(super) fn block(&mut self) -> Result<(u64, Option<u64>)> {
        let count = self.long()?;
        if count >= 0 {
            return Ok((count.unsigned_abs(), None));
        }
        match u64::try_from(self.long()?) {
            Ok(bytes) => Ok((count.unsigned_abs(), Some(bytes))),
            Err(_) => fault("the size of a block is negative"),
        }
    }

    /// Counts items that take no byte.
    pub(super) fn take_empty_items(&mut self, count: u64) -> Result<()> {
        let left = usize::try_from(count).ok().and_then(|count| self.empty_items_left.checked_sub(count));
        match left {
            Some(left) => {
                self.empty_items_left = left;
                Ok(())
            }
            None => fault(format!("a record holds more than {EMPTY_ITEMS_MAX} items without a byte")),
        }
    }

    /// Passes a value over.
    pub(super) fn skip(&mut self, schema: &AvroSchema, id: TypeId) -> Result<()> {
        self.pass(schema, Skip::of(schema, id))
    }

    /// Passes a value over whose type is known as far.
    #[inline]
    pub(super) fn pass(&mut self, schema: &AvroSchema, skip: Skip) -> Result<()> {
        match skip {
            Skip::Nothing => Ok(()),
            Skip::Boolean => self.boolean().map(drop),
            Skip::Int => self.int().map(drop),
            Skip::Long => self.long().map(drop),
            Skip::Bytes(bytes) => self.take(bytes).map(drop),
            Skip::Sized => self.sized().map(drop),
            Skip::Symbol(count) => self.position(count, "enum symbol").map(drop),
            Skip::Nested(id) => {
                self.enter()?;
                self.skip_nested(schema, id)?;
                self.leave();
                Ok(())
            }
        }
    }

    /// A level deeper.
    fn enter(&mut self) -> Result<()> {
        match self.levels_left.checked_sub(1) {
            Some(left) => {
                self.levels_left = left;
                Ok(())
            }
            None => fault(format!("values are nested deeper than {LEVELS_MAX} levels")),
        }
    }

    fn leave(&mut self) {
        self.levels_left += 1;
    }

    fn skip_nested(&mut self, schema: &AvroSchema, id: TypeId) -> Result<()> {
        match schema.kind(id) {
            Kind::Array(item) => self.skip_blocks(schema, *item, false),
            Kind::Map(value) => self.skip_blocks(schema, *value, true),
            Kind::Union(branches) => {
                let branch = self.position(branches.len(), "branch of a union")?;
                branches.get(branch).map_or(Ok(()), |branch| self.skip(schema, *branch))
            }
            // Records of records without a field are as many as two to the power of their depth, and take no byte.
            // So only the fields that take one are walked.
            Kind::Record { .. } => schema.passed_fields(id).iter().try_for_each(|field| self.pass(schema, *field)),
            _ => Ok(()),
        }
    }

    fn skip_blocks(&mut self, schema: &AvroSchema, item: TypeId, with_keys: bool) -> Result<()> {
        loop {
            let (count, bytes) = self.block()?;
            if count == 0 {
                return Ok(());
            }
            if let Some(bytes) = bytes {
                self.take(usize::try_from(bytes).unwrap_or(usize::MAX))?;
                continue;
            }
            if !with_keys && schema.has_no_bytes(item) {
                self.take_empty_items(count)?;
            }
            for _ in 0..count {
                if with_keys {
                    self.sized()?;
                }
                self.skip(schema, item)?;
            }
        }
    }
}

#[cold]
fn no_position<T>(position: i64, count: usize, what: &str) -> Result<T> {
    fault(format!("{position} is no {what}: there are {count}"))
}

#[inline]
fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a varint.
#[inline]
pub(super) fn put_long(value: i64, out: &mut Vec<u8>) {
    let mut value = ((value << 1) ^ (value >> 63)) as u64;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length and so many bytes.
#[inline]
pub(super) fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    put_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// Takes away the length of bytes that were appended at `start` with [`put_sized`].
pub(super) fn drop_length(start: usize, out: &mut Vec<u8>) {
    let continued = out.iter().skip(start).take_while(|byte| **byte >= 0x80).count();
    out.drain(start..(start + continued + 1).min(out.len()));
}

/// The fewest bytes of a number in two's complement, big-endian: `BigInteger.toByteArray`.
pub(super) fn twos_complement(value: &[u8; 16]) -> &[u8] {
    let sign = if value[0] >= 0x80 { 0xFF } else { 0 };
    let is_redundant = |pair: &[u8]| pair[0] == sign && (pair[1] ^ sign) < 0x80;
    let start = value.windows(2).take_while(|pair| is_redundant(pair)).count();
    value.get(start..).unwrap_or_default()
}
