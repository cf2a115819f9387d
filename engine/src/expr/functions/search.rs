//! Text: search, padding, splitting, choosing, characters by code.

use super::row::{Row, any_null, bytes, int, optional_text, string, text};
use super::{Category, Context, Function, Variation};
use crate::types::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "INSTR",
        Category::String,
        &[
            Variation::row_nulls("(VARCHAR str, VARCHAR substring) INT", instr),
            Variation::row_nulls("(VARCHAR str, VARCHAR substring, int position) INT", instr),
            Variation::row_nulls("(VARCHAR str, VARCHAR substring, int position, int occurrence) INT", instr),
        ],
    )
    .spelled("instr")
    .says("1-based position of a text in another, from a position on (negative: backwards), 0 if it is not there.")
    .example("INSTR('corporate floor', 'or', -4)", "5"),
    Function::scalar(
        "LPAD",
        Category::String,
        &[
            Variation::row("(VARCHAR input, INT targetLen, VARCHAR padding) VARCHAR", |args, _| pad(args, true)),
            Variation::row("(BYTES input, INT targetLen, BYTES padding) BYTES", |args, _| pad_bytes(args, true)),
        ],
    )
    .spelled("lpad")
    .by("")
    .says("The value, filled up at its beginning to a length, or cut to it. NULL if the filling is empty or the length negative.")
    .example("LPAD('7', 3, '0')", "007"),
    Function::scalar(
        "RPAD",
        Category::String,
        &[
            Variation::row("(VARCHAR input, INT targetLen, VARCHAR padding) VARCHAR", |args, _| pad(args, false)),
            Variation::row("(BYTES input, INT targetLen, BYTES padding) BYTES", |args, _| pad_bytes(args, false)),
        ],
    )
    .spelled("rpad")
    .by("")
    .says("The value, filled up at its end to a length, or cut to it. NULL if the filling is empty or the length negative.")
    .example("RPAD('yes', 5, 'no')", "yesno"),
    Function::scalar(
        "SPLIT",
        Category::String,
        &[
            Variation::row("(VARCHAR string, VARCHAR delimiter) ARRAY<VARCHAR>", split),
            Variation::row("(BYTES bytes, BYTES delimiter) ARRAY<BYTES>", split_bytes),
        ],
    )
    .spelled("split")
    .says("The parts between delimiters; an empty delimiter gives single characters.")
    .example("SPLIT('a,b,,c', ',')", "[a, b, , c]"),
    Function::scalar(
        "SPLIT_TO_MAP",
        Category::String,
        &[Variation::row("(VARCHAR input, VARCHAR entryDelimiter, VARCHAR kvDelimiter) MAP<VARCHAR, VARCHAR>", split_to_map)],
    )
    .spelled("split_to_map")
    .says("A map from text such as `a:1,b:2`. What has no separator between key and value is left out.")
    .example("SPLIT_TO_MAP('a:1,b', ',', ':')", "{a=1}"),
    Function::scalar("FIELD", Category::String, &[Variation::row_nulls("(VARCHAR str, VARCHAR... args) INT", field)])
        .says("1-based position of the first argument among the others, 0 if it is not there.")
        .example("FIELD('b', 'a', 'b')", "2"),
    Function::scalar(
        "ELT",
        Category::String,
        &[Variation::row_nulls("(int n, VARCHAR... args) VARCHAR", elt)],
    )
    .says("The nth of the texts, counted from 1; NULL if there is none. FIELD is its inverse.")
    .example("ELT(2, 'a', 'b')", "b"),
    Function::scalar(
        "CHR",
        Category::String,
        &[
            Variation::row("(INT decimalCode) VARCHAR", |args, _| {
                let code = u32::try_from(int(args, 0)?).ok().and_then(char::from_u32);
                Ok(code.map_or(Value::Null, |c| Value::String(c.to_string())))
            }),
            Variation::row("(VARCHAR utf16Code) VARCHAR", chr_escape),
        ],
    )
    .spelled("chr")
    .by("")
    .says("The character with a code point, or with an escape such as \\u004b.")
    .example("CHR(75)", "K"),
];

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Start of `wanted` in `text` at or after `from`.
fn find(text: &[u16], wanted: &[u16], from: usize) -> Option<usize> {
    (from..=text.len().checked_sub(wanted.len())?).find(|at| text[*at..].starts_with(wanted))
}

/// Start of `wanted` in `text` at or before `from`.
fn rfind(text: &[u16], wanted: &[u16], from: usize) -> Option<usize> {
    (0..=from.min(text.len().checked_sub(wanted.len())?)).rev().find(|at| text[*at..].starts_with(wanted))
}

fn instr(args: &[Value], _: &Context<'_>) -> Row {
    let (Some(source), Some(wanted)) = (optional_text(args, 0), optional_text(args, 1)) else {
        return Ok(Value::Integer(0));
    };
    let position = if args.len() > 2 { int(args, 2)? } else { 1 };
    let occurrence = if args.len() > 3 { int(args, 3)? } else { 1 };
    let (source, wanted) = (units(source), units(wanted));
    let start = if position < 0 { source.len() as i64 + i64::from(position) } else { i64::from(position) - 1 };
    let Some(mut at) = usize::try_from(start).ok().filter(|start| *start < source.len() && occurrence > 0) else {
        return Ok(Value::Integer(0));
    };
    let mut found = None;
    for nth in 0..occurrence {
        found = if position < 0 {
            let from = if nth == 0 { Some(at) } else { at.checked_sub(1) };
            from.and_then(|from| rfind(&source, &wanted, from))
        } else {
            find(&source, &wanted, if nth == 0 { at } else { at + 1 })
        };
        let Some(place) = found else { break };
        at = place;
    }
    Ok(Value::Integer(found.map_or(0, |at| at as i32 + 1)))
}

fn pad(args: &[Value], left: bool) -> Row {
    let padded = pad_units(&units(text(args, 0)?), int(args, 1)?, &units(text(args, 2)?), left)?;
    Ok(padded.map_or(Value::Null, |units| Value::String(String::from_utf16_lossy(&units))))
}

fn pad_bytes(args: &[Value], left: bool) -> Row {
    let padded = pad_units(bytes(args, 0)?, int(args, 1)?, bytes(args, 2)?, left)?;
    Ok(padded.map_or(Value::Null, Value::Bytes))
}

fn pad_units<T: Copy>(source: &[T], target: i32, padding: &[T], left: bool) -> Result<Option<Vec<T>>, String> {
    /// A row may not ask for more than this.
    const LONGEST: usize = 16 << 20;
    let Ok(target) = usize::try_from(target) else { return Ok(None) };
    if padding.is_empty() {
        return Ok(None);
    }
    if target > LONGEST {
        return Err(format!("a length of {target} is more than the {LONGEST} that are possible"));
    }
    let kept = source.iter().copied().take(target);
    let filling = padding.iter().copied().cycle().take(target.saturating_sub(source.len()));
    Ok(Some(if left { filling.chain(kept).collect() } else { kept.chain(filling).collect() }))
}

fn split(args: &[Value], _: &Context<'_>) -> Row {
    let (source, delimiter) = (text(args, 0)?, text(args, 1)?);
    let parts: Vec<Value> = if source.is_empty() {
        vec![Value::String(String::new())]
    } else if delimiter.is_empty() {
        source.chars().map(|c| Value::String(c.to_string())).collect()
    } else {
        source.split(delimiter).map(|part| Value::String(part.to_owned())).collect()
    };
    Ok(Value::Array(parts))
}

fn split_bytes(args: &[Value], _: &Context<'_>) -> Row {
    let (mut rest, delimiter) = (bytes(args, 0)?, bytes(args, 1)?);
    let part = |part: &[u8]| Value::Bytes(part.to_vec());
    if delimiter.is_empty() && !rest.is_empty() {
        return Ok(Value::Array(rest.chunks(1).map(part).collect()));
    }
    let mut parts = Vec::new();
    while let Some(at) =
        (!delimiter.is_empty()).then(|| rest.windows(delimiter.len()).position(|w| w == delimiter)).flatten()
    {
        parts.push(part(&rest[..at]));
        rest = &rest[at + delimiter.len()..];
    }
    parts.push(part(rest));
    Ok(Value::Array(parts))
}

fn split_to_map(args: &[Value], _: &Context<'_>) -> Row {
    let (source, entry, pair) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    if entry.is_empty() || pair.is_empty() || entry == pair {
        return Ok(Value::Null);
    }
    let mut entries: Vec<(Value, Value)> = Vec::new();
    for part in source.split(entry) {
        let mut parts = part.split(pair);
        if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            let (key, value) = (Value::String(key.to_owned()), Value::String(value.to_owned()));
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => entries.push((key, value)),
            }
        }
    }
    Ok(Value::Map(entries))
}

fn field(args: &[Value], _: &Context<'_>) -> Row {
    let wanted = args.first().filter(|value| !value.is_null());
    let found = wanted.and_then(|wanted| args.iter().skip(1).position(|value| value == wanted));
    Ok(Value::Integer(found.map_or(0, |at| at as i32 + 1)))
}

fn elt(args: &[Value], _: &Context<'_>) -> Row {
    if args.first().is_none_or(Value::is_null) {
        return Ok(Value::Null);
    }
    let at = usize::try_from(int(args, 0)?).ok().filter(|at| *at > 0);
    Ok(at.and_then(|at| args.get(at)).cloned().unwrap_or_default())
}

/// `\u004b`, or two of them for a surrogate pair.
fn chr_escape(args: &[Value], _: &Context<'_>) -> Row {
    if any_null(args) {
        return Ok(Value::Null);
    }
    let code = text(args, 0)?;
    let units: Option<Vec<u16>> = code
        .strip_prefix("\\u")
        .map(|rest| rest.split("\\u").map(|hex| u16::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 4)).collect())
        .unwrap_or(None);
    let decoded = units.filter(|units| units.len() <= 2).and_then(|units| String::from_utf16(&units).ok());
    decoded.map_or(Ok(Value::Null), string)
}
