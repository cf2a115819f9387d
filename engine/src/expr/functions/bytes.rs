//! Bytes: encodings, numbers from bytes, UUID.

use std::hash::{BuildHasher, RandomState};

use arrow::array::{ArrayRef, ArrowPrimitiveType};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine, alphabet};

use super::columns::{Blobs, Texts, nullable_blobs, nullable_texts, numbers, texts};
use super::{Batch, Category, Function, Variation};

/// A function that reads a number from bytes.
macro_rules! number {
    ($name:literal, $sql:literal, $kernel:expr, $size:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Conversions,
            &[
                Variation::batch(concat!("(BYTES value) ", $sql), $kernel),
                Variation::batch(concat!("(BYTES value, VARCHAR byteOrder) ", $sql), $kernel),
            ],
        )
        .says(concat!(
            "The ",
            $sql,
            " that ",
            $size,
            " bytes hold, in BIG_ENDIAN order unless LITTLE_ENDIAN is asked for."
        ))
        .example($example, $result)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    number!(
        "INT_FROM_BYTES",
        "INT",
        |batch| sized::<Int32Type, _>(batch, i32::from_be_bytes),
        "4",
        "INT_FROM_BYTES(TO_BYTES('0000002A', 'hex'))",
        "42"
    ),
    number!(
        "BIGINT_FROM_BYTES",
        "BIGINT",
        |batch| sized::<Int64Type, _>(batch, i64::from_be_bytes),
        "8",
        "BIGINT_FROM_BYTES(TO_BYTES('2A00000000000000', 'hex'), 'LITTLE_ENDIAN')",
        "42"
    ),
    number!(
        "DOUBLE_FROM_BYTES",
        "DOUBLE",
        |batch| sized::<Float64Type, _>(batch, f64::from_be_bytes),
        "8",
        "DOUBLE_FROM_BYTES(TO_BYTES('3FF0000000000000', 'hex'))",
        "1.0"
    ),
    Function::scalar(
        "TO_BYTES",
        Category::String,
        &[Variation::batch("(VARCHAR value, VARCHAR encoding) BYTES", to_bytes)],
    )
    .spelled("to_bytes")
    .says("The bytes of a text in one of the encodings 'hex', 'utf8', 'ascii', 'base64'.")
    .example("FROM_BYTES(TO_BYTES('aGk=', 'base64'), 'utf8')", "hi"),
    Function::scalar(
        "FROM_BYTES",
        Category::String,
        &[Variation::batch("(BYTES value, VARCHAR encoding) VARCHAR", from_bytes)],
    )
    .spelled("from_bytes")
    .says("Bytes as text in one of the encodings 'hex', 'utf8', 'ascii', 'base64'.")
    .example("FROM_BYTES(TO_BYTES('hi', 'utf8'), 'hex')", "6869"),
    Function::scalar(
        "ENCODE",
        Category::String,
        &[Variation::batch("(VARCHAR str, VARCHAR inputEncoding, VARCHAR outputEncoding) VARCHAR", re_encode)],
    )
    .spelled("encode")
    .says("A text in one of the encodings 'hex', 'utf8', 'ascii', 'base64' rewritten in another.")
    .example("ENCODE('x''6869''', 'hex', 'utf8')", "hi"),
    Function::scalar(
        "UUID",
        Category::String,
        &[
            Variation::batch("() VARCHAR", random_uuids),
            Variation::batch("(BYTES bytes) VARCHAR", |batch| {
                let given = Blobs::new(batch, 0)?;
                Ok(nullable_texts(batch, |row, out| {
                    let bytes = <[u8; 16]>::try_from(given.at(row));
                    Ok(bytes.map(|bytes| push_uuid(bytes, out)).is_ok())
                }))
            }),
        ],
    )
    .by("")
    .says("A random UUID, or the one that 16 bytes stand for.")
    .example("UUID(TO_BYTES('000102030405060708090A0B0C0D0E0F', 'hex'))", "00010203-0405-0607-0809-0a0b0c0d0e0f"),
];

/// What `read` makes of the bytes of argument 0 in big-endian order; argument 1 may say that they are little-endian.
fn sized<T: ArrowPrimitiveType, const N: usize>(
    batch: &Batch<'_>,
    read: fn([u8; N]) -> T::Native,
) -> Result<ArrayRef, ArrowError> {
    let given = Blobs::new(batch, 0)?;
    let orders = if batch.args.len() > 1 { Some(Texts::new(batch, 1)?) } else { None };
    Ok(numbers::<T>(batch, |row| {
        let bytes = given.at(row);
        let mut sized =
            <[u8; N]>::try_from(bytes).map_err(|_| format!("{N} bytes are needed, but there are {}", bytes.len()))?;
        let order = orders.as_ref().map_or("BIG_ENDIAN", |orders| orders.at(row));
        if order.eq_ignore_ascii_case("LITTLE_ENDIAN") {
            sized.reverse();
        } else if !order.eq_ignore_ascii_case("BIG_ENDIAN") {
            return Err("the byte order must be BIG_ENDIAN or LITTLE_ENDIAN".to_owned());
        }
        Ok(read(sized))
    }))
}

fn to_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, encodings) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?);
    Ok(nullable_blobs(batch, |row, out| {
        Encoding::of(encodings.at(row))?.decode(given.at(row), out)?;
        Ok(true)
    }))
}

fn from_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, encodings) = (Blobs::new(batch, 0)?, Texts::new(batch, 1)?);
    Ok(texts(batch, |row, out| {
        // Unlike ENCODE this one writes capital digits.
        Encoding::of(encodings.at(row))?.encode(given.at(row), CAPITALS, out);
        Ok(())
    }))
}

fn re_encode(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, from, to) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?, Texts::new(batch, 2)?);
    let mut bytes = Vec::new();
    Ok(texts(batch, |row, out| {
        let (from, to) = (from.at(row), to.at(row));
        if from.chars().flat_map(char::to_lowercase).eq(to.chars().flat_map(char::to_lowercase)) {
            return Err(format!("cannot encode '{}' as '{}'", from.to_lowercase(), to.to_lowercase()));
        }
        bytes.clear();
        Encoding::of(from)?.decode(given.at(row), &mut bytes)?;
        Encoding::of(to)?.encode(&bytes, SMALL, out);
        Ok(())
    }))
}

/// Java reads base64 without its padding, too.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Hexadecimal digits.
type Digits = &'static [u8; 16];

const CAPITALS: Digits = b"0123456789ABCDEF";
const SMALL: Digits = b"0123456789abcdef";

#[derive(Clone, Copy)]
enum Encoding {
    Hex,
    Utf8,
    Ascii,
    Base64,
}

impl Encoding {
    /// By its name in any case.
    fn of(name: &str) -> Result<Self, String> {
        let names = [("hex", Self::Hex), ("utf8", Self::Utf8), ("ascii", Self::Ascii), ("base64", Self::Base64)];
        let found = names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, encoding)| *encoding).ok_or_else(|| format!("unknown encoding '{}'", name.to_lowercase()))
    }

    /// Appends the bytes that a text stands for.
    fn decode(self, value: &str, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Hex => decode_hex(value, out)?,
            Self::Utf8 => out.extend_from_slice(value.as_bytes()),
            // Java writes a question mark for what ASCII does not have.
            Self::Ascii => out.extend(value.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' })),
            Self::Base64 => {
                LENIENT.decode_vec(value, out).map_err(|error| format!("'{value}' is not base64: {error}"))?;
            }
        }
        Ok(())
    }

    /// Appends bytes as text.
    fn encode(self, value: &[u8], digits: Digits, out: &mut String) {
        match self {
            Self::Hex => push_hex(value, digits, out),
            Self::Utf8 => push_lossy(value, out),
            Self::Ascii => {
                let ascii = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
                out.extend(value.iter().map(ascii));
            }
            Self::Base64 => STANDARD.encode_string(value, out),
        }
    }
}

/// Appends UTF-8; what is malformed becomes U+FFFD.
pub(super) fn push_lossy(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn push_hex(bytes: &[u8], digits: Digits, out: &mut String) {
    for byte in bytes {
        out.push(char::from(digits[usize::from(byte >> 4)]));
        out.push(char::from(digits[usize::from(byte & 0x0f)]));
    }
}

/// Appends bytes as small hexadecimal digits.
pub(super) fn push_small_hex(bytes: &[u8], out: &mut String) {
    push_hex(bytes, SMALL, out);
}

/// `6869`, `0x6869` (an odd number of digits gets a zero before them), `x'6869'`.
fn decode_hex(value: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let refused = || format!("'{value}' is not hexadecimal");
    let quoted = value.strip_prefix("x'").or_else(|| value.strip_prefix("X'"));
    let (digits, may_be_odd) = match (quoted, value.strip_prefix("0x")) {
        (Some(quoted), _) => (quoted.strip_suffix('\'').ok_or_else(refused)?, false),
        (None, Some(digits)) => (digits, true),
        (None, None) => (value, false),
    };
    let digit = |digit: &u8| char::from(*digit).to_digit(16).map(|digit| digit as u8).ok_or_else(refused);
    let (single, pairs) = digits.as_bytes().split_at(digits.len() % 2);
    if !single.is_empty() && !may_be_odd {
        return Err(refused());
    }
    for byte in single {
        out.push(digit(byte)?);
    }
    for pair in pairs.chunks_exact(2) {
        out.push(digit(&pair[0])? << 4 | digit(&pair[1])?);
    }
    Ok(())
}

fn random_uuids(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (high, low) = (RandomState::new(), RandomState::new());
    Ok(texts(batch, |row, out| {
        let mut bytes = (u128::from(high.hash_one(row)) << 64 | u128::from(low.hash_one(row))).to_be_bytes();
        // Version 4, variant of RFC 4122.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        push_uuid(bytes, out);
        Ok(())
    }))
}

fn push_uuid(bytes: [u8; 16], out: &mut String) {
    for (i, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&i) {
            out.push('-');
        }
        push_hex(&[*byte], SMALL, out);
    }
}
