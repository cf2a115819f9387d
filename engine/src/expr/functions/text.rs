//! Text: case, length, parts, joining.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::{ByteArrayType, Int32Type};
use arrow::error::ArrowError;

use super::columns::{
    Blobs, Numbers, Strings, Texts, append, append_bytes, every_blob, every_text, nullable_blobs, nullable_numbers,
    texts,
};
use super::{Batch, Category, Function, Variation};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "UCASE",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| map_text(batch, upper))],
    )
    .spelled("ucase")
    .says("The text in upper case.")
    .example("UCASE('abc é')", "ABC É"),
    Function::scalar(
        "LCASE",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| map_text(batch, lower))],
    )
    .spelled("lcase")
    .says("The text in lower case.")
    .example("LCASE('ABC')", "abc"),
    Function::scalar("INITCAP", Category::String, &[Variation::batch("(VARCHAR str) VARCHAR", capitalise)])
        .spelled("initcap")
        .says("Every word with its first letter in upper case and the others in lower case.")
        .example("INITCAP('  the QUICK fox')", "The Quick Fox"),
    Function::scalar(
        "TRIM",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| {
            map_text(batch, |text, out| out.push_str(text.trim_matches(|c| c <= ' ')))
        })],
    )
    .spelled("trim")
    .says("The text without blanks and control characters at its ends.")
    .example("TRIM('  a b ')", "a b"),
    Function::scalar(
        "LEN",
        Category::String,
        &[Variation::batch("(VARCHAR input) INT", length), Variation::batch("(BYTES input) INT", byte_length)],
    )
    .spelled("len")
    .by("")
    .says("Number of characters (UTF-16 units) of a text, or of bytes.")
    .example("LEN('abc')", "3"),
    Function::scalar(
        "SUBSTRING",
        Category::String,
        &[
            Variation::batch("(VARCHAR str, INT pos) VARCHAR", substring),
            Variation::batch("(VARCHAR str, INT pos, INT length) VARCHAR", substring),
            Variation::batch("(BYTES bytes, INT pos) BYTES", substring_bytes),
            Variation::batch("(BYTES bytes, INT pos, INT length) BYTES", substring_bytes),
        ],
    )
    .spelled("substring")
    .says("The part from a 1-based position (negative: from the end) on, of a length if given.")
    .example("SUBSTRING('stream', 2, 3)", "tre"),
    Function::scalar(
        "CONCAT",
        Category::String,
        &[
            Variation::batch("(VARCHAR... inputs) VARCHAR", concat),
            Variation::batch("(BYTES... inputs) BYTES", concat_bytes),
        ],
    )
    .spelled("concat")
    .by("")
    .says("All arguments as one, NULLs left out.")
    .example("CONCAT('a', NULL, 'b')", "ab"),
    Function::scalar(
        "CONCAT_WS",
        Category::String,
        &[
            Variation::batch("(VARCHAR... inputs) VARCHAR", concat_ws),
            Variation::batch("(BYTES... inputs) BYTES", concat_ws_bytes),
        ],
    )
    .spelled("concat_ws")
    .by("")
    .says("All arguments but the first as one, with the first between them; NULLs are left out.")
    .example("CONCAT_WS('-', 'a', NULL, 'b')", "a-b"),
    Function::scalar(
        "REPLACE",
        Category::String,
        &[Variation::batch("(VARCHAR str, VARCHAR oldStr, VARCHAR newStr) VARCHAR", replace)],
    )
    .spelled("replace")
    .says("The text with every occurrence of one text replaced by another.")
    .example("REPLACE('a.b.c', '.', '-')", "a-b-c"),
];

/// Applies `each` to every text; NULL stays NULL.
fn map_text(batch: &Batch<'_>, mut each: impl FnMut(&str, &mut String)) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    Ok(texts(batch, |row, out| {
        each(given.at(row), out);
        Ok(())
    }))
}

fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_uppercase();
    } else {
        text.chars().for_each(|c| match c {
            '\0'..='\x7f' => out.push(c.to_ascii_uppercase()),
            _ => out.extend(c.to_uppercase()),
        });
    }
}

fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else if text.contains('Σ') {
        // The whole word counts: a final sigma is another letter.
        out.push_str(&text.to_lowercase());
    } else {
        text.chars().for_each(|c| match c {
            '\0'..='\x7f' => out.push(c.to_ascii_lowercase()),
            _ => out.extend(c.to_lowercase()),
        });
    }
}

/// Number of UTF-16 code units.
pub(super) fn utf16_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

fn length(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    Ok(nullable_numbers::<Int32Type>(batch, |row| Ok(i32::try_from(utf16_length(given.at(row))).ok())))
}

fn byte_length(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Blobs::new(batch, 0)?;
    Ok(nullable_numbers::<Int32Type>(batch, |row| Ok(i32::try_from(given.at(row).len()).ok())))
}

/// Leading white space goes, every other word starts in upper case.
fn capitalise(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let mut lowered = String::new();
    map_text(batch, |text, out| {
        lowered.clear();
        lower(text.trim_start(), &mut lowered);
        let mut starts = true;
        for c in lowered.chars() {
            if starts {
                out.extend(c.to_uppercase());
            } else {
                out.push(c);
            }
            starts = c.is_whitespace();
        }
    })
}

/// Which part of `len` units a 1-based position (negative: from the end) and a length mean.
fn part(len: usize, position: i32, length: Option<i32>) -> Range<usize> {
    let len = len as i64;
    let position = i64::from(position);
    let start = if position < 0 { (len + position).max(0) } else { (position - 1).clamp(0, len) };
    let end = length.map_or(len, |length| (start + i64::from(length)).clamp(start, len));
    start as usize..end as usize
}

/// The part that the older form means: 0-based start and end, outside is an error.
fn legacy_part(len: usize, start: i32, end: Option<i32>) -> Option<Range<usize>> {
    let (start, end) = (usize::try_from(start).ok()?, end.map_or(Some(len), |end| usize::try_from(end).ok())?);
    (start <= end && end <= len).then_some(start..end)
}

/// Appends the part of a text that a range of UTF-16 code units means. Half of a surrogate pair is U+FFFD, as when Java
/// writes it down.
pub(super) fn push_units(chars: impl Iterator<Item = char>, range: Range<usize>, out: &mut String) {
    let mut at = 0;
    for c in chars {
        if range.is_empty() || at >= range.end {
            break;
        }
        let end = at + c.len_utf16();
        if range.start <= at && end <= range.end {
            out.push(c);
        } else if range.start < end {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        at = end;
    }
}

/// The part of `len` units that the numbers of every row mean.
struct Parts<'a> {
    positions: Numbers<'a, Int32Type>,
    lengths: Option<Numbers<'a, Int32Type>>,
    legacy: bool,
}

impl<'a> Parts<'a> {
    fn new(batch: &Batch<'a>) -> Result<Self, ArrowError> {
        Ok(Self {
            positions: Numbers::new(batch, 1)?,
            lengths: if batch.args.len() > 2 { Some(Numbers::new(batch, 2)?) } else { None },
            legacy: batch.context.settings.substring_legacy,
        })
    }

    /// `None` if it is out of range.
    fn at(&self, row: usize, len: usize) -> Option<Range<usize>> {
        let (position, length) = (self.positions.at(row), self.lengths.as_ref().map(|lengths| lengths.at(row)));
        if self.legacy { legacy_part(len, position, length) } else { Some(part(len, position, length)) }
    }
}

fn substring(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, parts) = (Texts::new(batch, 0)?, Parts::new(batch)?);
    Ok(texts(batch, |row, out| {
        let text = given.at(row);
        let units = utf16_length(text);
        let range = parts.at(row, units).ok_or_else(|| format!("index out of range for a text of length {units}"))?;
        if units == text.len() {
            out.push_str(text.get(range).unwrap_or_default());
        } else {
            push_units(text.chars(), range, out);
        }
        Ok(())
    }))
}

fn substring_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, parts) = (Blobs::new(batch, 0)?, Parts::new(batch)?);
    Ok(nullable_blobs(batch, |row, out| {
        let bytes = given.at(row);
        let range = parts.at(row, bytes.len()).ok_or("index out of range")?;
        out.extend_from_slice(bytes.get(range).unwrap_or_default());
        Ok(true)
    }))
}

fn concat(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::all(batch, 0)?;
    Ok(every_text(batch, |row, out| {
        given.iter().filter_map(|texts| texts.get(row)).try_for_each(|text| append(batch, text, out))?;
        Ok(true)
    }))
}

fn concat_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Blobs::all(batch, 0)?;
    Ok(every_blob(batch, |row, out| {
        given.iter().filter_map(|blobs| blobs.get(row)).try_for_each(|bytes| append_bytes(batch, bytes, out))?;
        Ok(true)
    }))
}

/// Pushes the values of all arguments but the first, with the first between them; `false` if that one is NULL.
fn join<'a, T: ByteArrayType>(
    given: &[Strings<'a, T>],
    row: usize,
    mut push: impl FnMut(&'a T::Native) -> Result<(), String>,
) -> Result<bool, String> {
    let [separators, values @ ..] = given else { return Ok(false) };
    if values.is_empty() {
        return Err("needs a separator and at least one value".to_owned());
    }
    let Some(separator) = separators.get(row) else { return Ok(false) };
    for (i, value) in values.iter().filter_map(|value| value.get(row)).enumerate() {
        if i > 0 {
            push(separator)?;
        }
        push(value)?;
    }
    Ok(true)
}

fn concat_ws(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::all(batch, 0)?;
    Ok(every_text(batch, |row, out| join(&given, row, |text| append(batch, text, out))))
}

fn concat_ws_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Blobs::all(batch, 0)?;
    Ok(every_blob(batch, |row, out| join(&given, row, |bytes| append_bytes(batch, bytes, out))))
}

fn replace(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, old, new) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?, Texts::new(batch, 2)?);
    Ok(texts(batch, |row, out| {
        let (text, old, new) = (given.at(row), old.at(row), new.at(row));
        let mut end = 0;
        for (at, found) in text.match_indices(old) {
            append(batch, text.get(end..at).unwrap_or_default(), out)?;
            append(batch, new, out)?;
            end = at + found.len();
        }
        append(batch, text.get(end..).unwrap_or_default(), out)
    }))
}
