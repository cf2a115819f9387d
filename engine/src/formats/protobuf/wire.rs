//! Protobuf's wire format: a field is its number and wire type, then a varint, eight or four bytes, or a length and that
//! many bytes.

use crate::formats::varint::short_varint;

/// How a value is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// Groups may stand in each other so deep.
const GROUPS_MAX: usize = 100;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the message ends within a field")]
    Truncated,
    #[error("a number takes more than ten bytes")]
    Varint,
    #[error("a field has a number or a wire type that does not exist")]
    Tag,
    #[error("a group is not closed, or is nested too deeply")]
    Group,
}

/// What stands before a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) number: u32,
    /// One of [`WireType`], a group, or what no value has.
    pub(super) wire_type: u8,
}

/// The value of a field as it stands in a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Delimited(&'a [u8]),
    Fixed32(u32),
    /// A group, which no field of ours has.
    Group,
}

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads a message.
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field and its value; `None` at the end.
    #[inline]
    pub(super) fn field(&mut self) -> Result<Option<(u32, Raw<'a>)>, Malformed> {
        match self.tag()? {
            Some(tag) => Ok(Some((tag.number, self.value(tag)?))),
            None => Ok(None),
        }
    }

    /// What stands before the next field; `None` at the end.
    #[inline]
    pub(super) fn tag(&mut self) -> Result<Option<Tag>, Malformed> {
        match self.rest.split_first() {
            // A number of up to four bits.
            Some((tag @ 0x08..0x80, rest)) => {
                self.rest = rest;
                Ok(Some(Tag { number: u32::from(tag >> 3), wire_type: tag & 7 }))
            }
            Some(_) => self.long_tag().map(Some),
            None => Ok(None),
        }
    }

    fn long_tag(&mut self) -> Result<Tag, Malformed> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        Ok(Tag { number: number.ok_or(Malformed::Tag)?, wire_type: (tag & 7) as u8 })
    }

    /// The value behind a tag.
    #[inline]
    pub(super) fn value(&mut self, tag: Tag) -> Result<Raw<'a>, Malformed> {
        Ok(match tag.wire_type {
            0 => Raw::Varint(self.varint()?),
            1 => Raw::Fixed64(self.fixed64()?),
            2 => Raw::Delimited(self.delimited()?),
            5 => Raw::Fixed32(self.fixed32()?),
            _ => {
                self.skip_other(tag, GROUPS_MAX)?;
                Raw::Group
            }
        })
    }

    /// Passes over the value behind a tag.
    #[inline]
    pub(super) fn skip(&mut self, tag: Tag) -> Result<(), Malformed> {
        self.skip_within(tag, GROUPS_MAX)
    }

    #[inline]
    fn skip_within(&mut self, tag: Tag, levels: usize) -> Result<(), Malformed> {
        match tag.wire_type {
            0 => self.varint().map(drop),
            1 => self.fixed64().map(drop),
            2 => self.delimited().map(drop),
            5 => self.fixed32().map(drop),
            _ => self.skip_other(tag, levels),
        }
    }

    /// Passes over a group.
    #[cold]
    fn skip_other(&mut self, tag: Tag, levels: usize) -> Result<(), Malformed> {
        match tag.wire_type {
            3 => self.skip_group(tag.number, levels.checked_sub(1).ok_or(Malformed::Group)?),
            4 => Err(Malformed::Group),
            _ => Err(Malformed::Tag),
        }
    }

    /// A number in groups of seven bits, the lowest first.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        if let Some((value, rest)) = short_varint(self.rest) {
            self.rest = rest;
            return Ok(value);
        }
        let mut value = 0;
        for (i, byte) in self.rest.iter().take(10).enumerate() {
            // Of a tenth byte only one bit has a place; the others are dropped, as everywhere.
            value |= u64::from(byte & 0x7F) << (7 * i);
            if *byte < 0x80 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { Malformed::Truncated } else { Malformed::Varint })
    }

    /// Eight bytes.
    #[inline]
    pub(super) fn fixed64(&mut self) -> Result<u64, Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// Four bytes.
    #[inline]
    pub(super) fn fixed32(&mut self) -> Result<u32, Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    /// A length and so many bytes.
    #[inline]
    pub(super) fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn skip_group(&mut self, group: u32, levels: usize) -> Result<(), Malformed> {
        loop {
            match self.tag()?.ok_or(Malformed::Truncated)? {
                Tag { number, wire_type: 4 } if number == group => return Ok(()),
                tag => self.skip_within(tag, levels)?,
            }
        }
    }
}

/// The number behind one whose sign is its lowest bit.
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A number with its sign as the lowest bit.
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number; negative ones take ten bytes.
pub(super) fn signed(value: i64, out: &mut Vec<u8>) {
    varint(value as u64, out);
}

/// Appends what stands before a field's value.
pub(super) fn tag(number: u32, wire_type: WireType, out: &mut Vec<u8>) {
    varint(u64::from(number) << 3 | wire_type as u64, out);
}

/// Appends the bytes with their length before them.
pub(super) fn bytes(value: &[u8], out: &mut Vec<u8>) {
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Appends what `write` writes with its length before it. Most messages are short: one byte is kept free for the length.
pub(super) fn delimited<T>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    out.push(0);
    let result = write(out);
    let mut rest = out.len() - start - 1;
    let mut at = start;
    while rest >= 0x80 {
        out[at] = rest as u8 | 0x80;
        at += 1;
        out.insert(at, 0);
        rest >>= 7;
    }
    out[at] = rest as u8;
    result
}

/// Appends a signed number as a field, unless it is 0.
pub(super) fn number_field(number: u32, value: i64, out: &mut Vec<u8>) {
    if value != 0 {
        tag(number, WireType::Varint, out);
        signed(value, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn numbers_are_varints() {
        assert_eq!(written(|out| varint(0, out)), [0]);
        assert_eq!(written(|out| varint(300, out)), [0xAC, 0x02]);
        assert_eq!(written(|out| signed(-1, out)), [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]);
        assert_eq!(written(|out| number_field(16, 1, out)), [0x80, 0x01, 1]);
        assert!(written(|out| number_field(1, 0, out)).is_empty());
    }

    #[test]
    fn what_is_written_is_read() {
        for value in [0, 1, -1, 300, i64::MAX, i64::MIN] {
            let bytes = written(|out| signed(value, out));
            assert_eq!(Reader::new(&bytes).varint(), Ok(value as u64));
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        let message =
            [0x08, 0x96, 0x01, 0x12, 2, 7, 8, 0x1D, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0, 0x2B, 8, 1, 0x2C];
        let mut reader = Reader::new(&message);
        let fields: Vec<_> = std::iter::from_fn(|| reader.field().unwrap()).collect();
        let expected = [
            (1, Raw::Varint(150)),
            (2, Raw::Delimited(&[7, 8])),
            (3, Raw::Fixed32(1)),
            (4, Raw::Fixed64(2)),
            (5, Raw::Group),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_is_malformed_is_an_error() {
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            while reader.field()?.is_some() {}
            Ok(())
        };
        assert_eq!(read(&[0x08]), Err(Malformed::Truncated));
        assert_eq!(read(&[0x08, 0x80]), Err(Malformed::Truncated));
        assert_eq!(read(&[0xFF; 12]), Err(Malformed::Varint));
        assert_eq!(read(&[0x00, 0]), Err(Malformed::Tag));
        assert_eq!(read(&[0x0E, 0]), Err(Malformed::Tag));
        // A length of 2^31, and one of 2^64 - 1.
        assert_eq!(read(&[0x0A, 0x80, 0x80, 0x80, 0x80, 0x08]), Err(Malformed::Truncated));
        assert_eq!(read(&[&[0x0A][..], &[0xFF; 9], &[1]].concat()), Err(Malformed::Truncated));
        assert_eq!(read(&[0x0C]), Err(Malformed::Group));
        assert_eq!(read(&[0x0B, 0x14]), Err(Malformed::Group));
        assert_eq!(read(&[0x0B; 1000]), Err(Malformed::Group));
        let groups = |levels: usize| [vec![0x0B; levels], vec![0x08, 1], vec![0x0C; levels]].concat();
        assert_eq!(read(&groups(GROUPS_MAX)), Ok(()));
        assert_eq!(read(&groups(GROUPS_MAX + 1)), Err(Malformed::Group));
    }

    #[test]
    fn fields_are_passed_over_as_they_are_read() {
        let messages: [&[u8]; 5] = [
            &[0x08, 0x96, 0x01, 0x12, 2, 7, 8, 0x1D, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0, 0x2B, 8, 1, 0x2C],
            &[0x82, 0x01, 1, 9],
            &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            &[0x0E, 0],
            &[0x12, 3, 1],
        ];
        for message in messages {
            let (mut read, mut passed) = (Reader::new(message), Reader::new(message));
            loop {
                let tag = passed.tag().unwrap();
                let skipped = tag.map(|tag| passed.skip(tag).map(|()| tag.number));
                let field = read.field();
                assert_eq!(skipped.transpose(), field.map(|field| field.map(|(number, _)| number)), "{message:?}");
                if !matches!(field, Ok(Some(_))) {
                    break;
                }
                assert_eq!(read.rest(), passed.rest());
            }
        }
    }

    #[test]
    fn lengths_of_any_size_stand_before_what_they_count() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let content = vec![7; len];
            let expected = written(|out| bytes(&content, out));
            assert_eq!(written(|out| delimited(out, |out| out.extend_from_slice(&content))), expected, "{len}");
        }
    }
}
