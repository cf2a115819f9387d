//! Bytes: encodings, numbers from bytes, UUID.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::StringArray;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine, alphabet};

use super::row::{bytes, text};
use super::{Category, Function, Variation};
use crate::types::Value;

/// A function that reads a number from bytes.
macro_rules! number {
    ($name:literal, $sql:literal, $kernel:expr, $size:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Conversions,
            &[
                Variation::row(concat!("(BYTES value) ", $sql), $kernel),
                Variation::row(concat!("(BYTES value, VARCHAR byteOrder) ", $sql), $kernel),
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
        |args, _| Ok(Value::Integer(i32::from_be_bytes(sized(args)?))),
        "4",
        "INT_FROM_BYTES(TO_BYTES('0000002A', 'hex'))",
        "42"
    ),
    number!(
        "BIGINT_FROM_BYTES",
        "BIGINT",
        |args, _| Ok(Value::Bigint(i64::from_be_bytes(sized(args)?))),
        "8",
        "BIGINT_FROM_BYTES(TO_BYTES('2A00000000000000', 'hex'), 'LITTLE_ENDIAN')",
        "42"
    ),
    number!(
        "DOUBLE_FROM_BYTES",
        "DOUBLE",
        |args, _| Ok(Value::Double(f64::from_be_bytes(sized(args)?))),
        "8",
        "DOUBLE_FROM_BYTES(TO_BYTES('3FF0000000000000', 'hex'))",
        "1.0"
    ),
    Function::scalar(
        "TO_BYTES",
        Category::String,
        &[Variation::row("(VARCHAR value, VARCHAR encoding) BYTES", |args, _| {
            decode(text(args, 0)?, text(args, 1)?).map(Value::Bytes)
        })],
    )
    .spelled("to_bytes")
    .says("The bytes of a text in one of the encodings 'hex', 'utf8', 'ascii', 'base64'.")
    .example("FROM_BYTES(TO_BYTES('aGk=', 'base64'), 'utf8')", "hi"),
    Function::scalar(
        "FROM_BYTES",
        Category::String,
        &[Variation::row("(BYTES value, VARCHAR encoding) VARCHAR", |args, _| {
            // Unlike ENCODE this one writes capital digits.
            encode(bytes(args, 0)?, text(args, 1)?, true).map(Value::String)
        })],
    )
    .spelled("from_bytes")
    .says("Bytes as text in one of the encodings 'hex', 'utf8', 'ascii', 'base64'.")
    .example("FROM_BYTES(TO_BYTES('hi', 'utf8'), 'hex')", "6869"),
    Function::scalar(
        "ENCODE",
        Category::String,
        &[Variation::row("(VARCHAR str, VARCHAR inputEncoding, VARCHAR outputEncoding) VARCHAR", |args, _| {
            let (from, to) = (text(args, 1)?.to_lowercase(), text(args, 2)?.to_lowercase());
            if from == to {
                return Err(format!("cannot encode '{from}' as '{to}'"));
            }
            encode(&decode(text(args, 0)?, &from)?, &to, false).map(Value::String)
        })],
    )
    .spelled("encode")
    .says("A text in one of the encodings 'hex', 'utf8', 'ascii', 'base64' rewritten in another.")
    .example("ENCODE('x''6869''', 'hex', 'utf8')", "hi"),
    Function::scalar(
        "UUID",
        Category::String,
        &[
            Variation::batch("() VARCHAR", |batch| {
                let (high, low) = (RandomState::new(), RandomState::new());
                let texts = (0..batch.len).map(|row| random_uuid(high.hash_one(row), low.hash_one(row)));
                Ok(Arc::new(StringArray::from_iter_values(texts)))
            }),
            Variation::row("(BYTES bytes) VARCHAR", |args, _| {
                Ok(<[u8; 16]>::try_from(bytes(args, 0)?).map_or(Value::Null, |bytes| Value::String(uuid_text(bytes))))
            }),
        ],
    )
    .by("")
    .says("A random UUID, or the one that 16 bytes stand for.")
    .example("UUID(TO_BYTES('000102030405060708090A0B0C0D0E0F', 'hex'))", "00010203-0405-0607-0809-0a0b0c0d0e0f"),
];

/// The bytes of argument 0 in big-endian order; argument 1 may say that they are little-endian.
fn sized<const N: usize>(args: &[Value]) -> Result<[u8; N], String> {
    let given = bytes(args, 0)?;
    let mut sized =
        <[u8; N]>::try_from(given).map_err(|_| format!("{N} bytes are needed, but there are {}", given.len()))?;
    match args.get(1) {
        None => {}
        Some(Value::String(order)) if order.eq_ignore_ascii_case("BIG_ENDIAN") => {}
        Some(Value::String(order)) if order.eq_ignore_ascii_case("LITTLE_ENDIAN") => sized.reverse(),
        Some(_) => return Err("the byte order must be BIG_ENDIAN or LITTLE_ENDIAN".to_owned()),
    }
    Ok(sized)
}

/// Java reads base64 without its padding, too.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decode(value: &str, encoding: &str) -> Result<Vec<u8>, String> {
    match encoding.to_lowercase().as_str() {
        "hex" => decode_hex(value),
        "utf8" => Ok(value.as_bytes().to_vec()),
        // Java writes a question mark for what ASCII does not have.
        "ascii" => Ok(value.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).collect()),
        "base64" => LENIENT.decode(value).map_err(|error| format!("'{value}' is not base64: {error}")),
        other => Err(format!("unknown encoding '{other}'")),
    }
}

fn encode(value: &[u8], encoding: &str, capitals: bool) -> Result<String, String> {
    match encoding.to_lowercase().as_str() {
        "hex" => {
            let mut out = String::with_capacity(value.len() * 2);
            value.iter().for_each(|byte| {
                let _ = if capitals { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") };
            });
            Ok(out)
        }
        "utf8" => Ok(String::from_utf8_lossy(value).into_owned()),
        "ascii" => Ok(value.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }).collect()),
        "base64" => Ok(STANDARD.encode(value)),
        other => Err(format!("unknown encoding '{other}'")),
    }
}

/// `6869`, `0x6869` (an odd number of digits gets a zero before them), `x'6869'`.
fn decode_hex(value: &str) -> Result<Vec<u8>, String> {
    let refused = || format!("'{value}' is not hexadecimal");
    let quoted = value.strip_prefix("x'").or_else(|| value.strip_prefix("X'"));
    let digits = match (quoted, value.strip_prefix("0x")) {
        (Some(quoted), _) => quoted.strip_suffix('\'').ok_or_else(refused)?.to_owned(),
        (None, Some(digits)) if digits.len() % 2 == 1 => format!("0{digits}"),
        (None, Some(digits)) => digits.to_owned(),
        (None, None) => value.to_owned(),
    };
    if digits.len() % 2 == 1 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(refused());
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    pairs.collect::<Option<_>>().ok_or_else(refused)
}

fn random_uuid(high: u64, low: u64) -> String {
    let mut bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    // Version 4, variant of RFC 4122.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    uuid_text(bytes)
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&i) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
    out
}
