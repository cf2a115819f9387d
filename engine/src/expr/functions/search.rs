//! Text: search, padding, splitting, choosing, characters by code.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, ListBuilder};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use super::borders::Borders;
use super::columns::{
    Blobs, Numbers, Texts, check_room, every_number, every_text, has_null, nullable_blobs, nullable_texts,
};
use super::nested::{ITEM_BYTES, text_lists, text_maps};
use super::text::{push_units, utf16_length};
use super::{Batch, Category, Function, Variation};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "INSTR",
        Category::String,
        &[
            Variation::batch("(VARCHAR str, VARCHAR substring) INT", instr),
            Variation::batch("(VARCHAR str, VARCHAR substring, int position) INT", instr),
            Variation::batch("(VARCHAR str, VARCHAR substring, int position, int occurrence) INT", instr),
        ],
    )
    .spelled("instr")
    .says("1-based position of a text in another, from a position on (negative: backwards), 0 if it is not there.")
    .example("INSTR('corporate floor', 'or', -4)", "5"),
    Function::scalar(
        "LPAD",
        Category::String,
        &[
            Variation::batch("(VARCHAR input, INT targetLen, VARCHAR padding) VARCHAR", |batch| pad(batch, true)),
            Variation::batch("(BYTES input, INT targetLen, BYTES padding) BYTES", |batch| pad_bytes(batch, true)),
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
            Variation::batch("(VARCHAR input, INT targetLen, VARCHAR padding) VARCHAR", |batch| pad(batch, false)),
            Variation::batch("(BYTES input, INT targetLen, BYTES padding) BYTES", |batch| pad_bytes(batch, false)),
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
            Variation::batch("(VARCHAR string, VARCHAR delimiter) ARRAY<VARCHAR>", split),
            Variation::batch("(BYTES bytes, BYTES delimiter) ARRAY<BYTES>", split_bytes),
        ],
    )
    .spelled("split")
    .says("The parts between delimiters; an empty delimiter gives single characters.")
    .example("SPLIT('a,b,,c', ',')", "[a, b, , c]"),
    Function::scalar(
        "SPLIT_TO_MAP",
        Category::String,
        &[Variation::batch("(VARCHAR input, VARCHAR entryDelimiter, VARCHAR kvDelimiter) MAP<VARCHAR, VARCHAR>", split_to_map)],
    )
    .spelled("split_to_map")
    .says("A map from text such as `a:1,b:2`. What has no separator between key and value is left out.")
    .example("SPLIT_TO_MAP('a:1,b', ',', ':')", "{a=1}"),
    Function::scalar("FIELD", Category::String, &[Variation::batch("(VARCHAR str, VARCHAR... args) INT", field)])
        .says("1-based position of the first argument among the others, 0 if it is not there.")
        .example("FIELD('b', 'a', 'b')", "2"),
    Function::scalar(
        "ELT",
        Category::String,
        &[Variation::batch("(int n, VARCHAR... args) VARCHAR", elt)],
    )
    .says("The nth of the texts, counted from 1; NULL if there is none. FIELD is its inverse.")
    .example("ELT(2, 'a', 'b')", "b"),
    Function::scalar(
        "CHR",
        Category::String,
        &[
            Variation::batch("(INT decimalCode) VARCHAR", chr),
            Variation::batch("(VARCHAR utf16Code) VARCHAR", chr_escape),
        ],
    )
    .spelled("chr")
    .by("")
    .says("The character with a code point, or with an escape such as \\u004b.")
    .example("CHR(75)", "K"),
];

/// Both texts as UTF-16 units.
#[derive(Default)]
struct Units {
    source: Vec<u16>,
    wanted: Vec<u16>,
    borders: Borders,
}

fn instr(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (sources, wanted) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?);
    let number = |i| if batch.args.len() > i { Numbers::<Int32Type>::new(batch, i).map(Some) } else { Ok(None) };
    let (positions, occurrences) = (number(2)?, number(3)?);
    let number = |numbers: &Option<Numbers<'_, _>>, row| numbers.as_ref().map_or(Some(1), |numbers| numbers.get(row));
    let mut units = Units::default();
    Ok(every_number::<Int32Type>(batch, |row| {
        let (Some(source), Some(wanted)) = (sources.get(row), wanted.get(row)) else { return Ok(Some(0)) };
        let (Some(position), Some(occurrence)) = (number(&positions, row), number(&occurrences, row)) else {
            return Ok(None);
        };
        if source.is_ascii() && wanted.is_ascii() {
            return Ok(Some(place(source.as_bytes(), wanted.as_bytes(), position, occurrence, &mut units.borders)));
        }
        units.source.clear();
        units.source.extend(source.encode_utf16());
        units.wanted.clear();
        units.wanted.extend(wanted.encode_utf16());
        Ok(Some(place(&units.source, &units.wanted, position, occurrence, &mut units.borders)))
    }))
}

/// 1-based place of the nth occurrence, looked for from a 1-based position on (negative: backwards), or 0.
fn place<T: PartialEq>(source: &[T], wanted: &[T], position: i32, occurrence: i32, borders: &mut Borders) -> i32 {
    let start = if position < 0 { source.len() as i64 + i64::from(position) } else { i64::from(position) - 1 };
    let start = usize::try_from(start).ok().filter(|start| *start < source.len());
    let (Some(start), Some(nth)) = (start, usize::try_from(occurrence).ok().and_then(|nth| nth.checked_sub(1))) else {
        return 0;
    };
    borders.of(wanted);
    let found = if position < 0 {
        // Those that start up to there, counted from the last one.
        let before = || borders.places(source, wanted).take_while(|place| *place <= start);
        before().count().checked_sub(nth + 1).and_then(|nth| before().nth(nth))
    } else {
        let rest = source.get(start..).unwrap_or_default();
        borders.places(rest, wanted).nth(nth).map(|place| start + place)
    };
    found.map_or(0, |at| at as i32 + 1)
}

/// The length a value is padded to, `None` if it is negative.
fn target(batch: &Batch<'_>, length: i32) -> Result<Option<usize>, String> {
    let Ok(target) = usize::try_from(length) else { return Ok(None) };
    batch.check_bytes(target).map(|()| Some(target))
}

fn pad(batch: &Batch<'_>, left: bool) -> Result<ArrayRef, ArrowError> {
    let (sources, lengths, paddings) =
        (Texts::new(batch, 0)?, Numbers::<Int32Type>::new(batch, 1)?, Texts::new(batch, 2)?);
    Ok(nullable_texts(batch, |row, out| {
        let (source, padding) = (sources.at(row), paddings.at(row));
        if padding.is_empty() {
            return Ok(false);
        }
        let Some(target) = target(batch, lengths.at(row))? else { return Ok(false) };
        let filling = target.saturating_sub(utf16_length(source));
        if left {
            push_units(padding.chars().cycle(), 0..filling, out);
        }
        push_units(source.chars(), 0..target, out);
        if !left {
            push_units(padding.chars().cycle(), 0..filling, out);
        }
        Ok(true)
    }))
}

fn pad_bytes(batch: &Batch<'_>, left: bool) -> Result<ArrayRef, ArrowError> {
    let (sources, lengths, paddings) =
        (Blobs::new(batch, 0)?, Numbers::<Int32Type>::new(batch, 1)?, Blobs::new(batch, 2)?);
    Ok(nullable_blobs(batch, |row, out| {
        let (source, padding) = (sources.at(row), paddings.at(row));
        if padding.is_empty() {
            return Ok(false);
        }
        let Some(target) = target(batch, lengths.at(row))? else { return Ok(false) };
        let kept = source.get(..target).unwrap_or(source);
        let filling = padding.iter().cycle().take(target - kept.len());
        if left {
            out.extend(filling.chain(kept));
        } else {
            out.extend(kept.iter().chain(filling));
        }
        Ok(true)
    }))
}

fn split(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (sources, delimiters) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?);
    Ok(text_lists(batch, |row, parts| {
        let (source, delimiter) = (sources.at(row), delimiters.at(row));
        if source.is_empty() {
            parts.push("");
        } else if delimiter.is_empty() {
            source.chars().for_each(|c| parts.push(c.encode_utf8(&mut [0; 4])));
        } else {
            source.split(delimiter).for_each(|part| parts.push(part));
        }
        Ok(true)
    }))
}

fn split_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (sources, delimiters) = (Blobs::new(batch, 0)?, Blobs::new(batch, 1)?);
    let mut builder = ListBuilder::with_capacity(BinaryBuilder::new(), batch.len);
    let (mut bytes, mut borders) = (0, Borders::default());
    for row in 0..batch.len {
        if has_null(batch, row) {
            builder.append_null();
            continue;
        }
        let (source, delimiter) = (sources.at(row), delimiters.at(row));
        borders.of(delimiter);
        let parts = || Parts { rest: Some(source), delimiter, borders: &borders };
        let taken = parts().count() * ITEM_BYTES + source.len();
        if let Err(message) = batch.check_bytes(taken).and_then(|()| check_room(bytes + taken)) {
            batch.fail(row, || message);
            builder.append_null();
            continue;
        }
        bytes += taken;
        parts().for_each(|part| builder.values().append_value(part));
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

/// The parts between delimiters; an empty delimiter gives single bytes.
struct Parts<'a> {
    rest: Option<&'a [u8]>,
    delimiter: &'a [u8],
    borders: &'a Borders,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let at = match self.delimiter {
            [] => Some(1).filter(|at| *at < rest.len()),
            delimiter => self.borders.places(rest, delimiter).next(),
        };
        let Some((part, after)) = at.and_then(|at| rest.split_at_checked(at)) else { return Some(rest) };
        self.rest = after.get(self.delimiter.len()..);
        Some(part)
    }
}

fn split_to_map(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (sources, between, within) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?, Texts::new(batch, 2)?);
    text_maps(batch, |row, entries| {
        let (between, within) = (between.at(row), within.at(row));
        if between.is_empty() || within.is_empty() || between == within {
            return Ok(false);
        }
        for part in sources.at(row).split(between) {
            let mut parts = part.split(within);
            if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                entries.push(key, value);
            }
        }
        Ok(true)
    })
}

fn field(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (wanted, others) = (Texts::new(batch, 0)?, Texts::all(batch, 1)?);
    Ok(every_number::<Int32Type>(batch, |row| {
        let found = wanted.get(row).and_then(|wanted| others.iter().position(|other| other.get(row) == Some(wanted)));
        Ok(Some(found.map_or(0, |at| at as i32 + 1)))
    }))
}

fn elt(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (numbers, texts) = (Numbers::<Int32Type>::new(batch, 0)?, Texts::all(batch, 1)?);
    Ok(every_text(batch, |row, out| {
        let at = numbers.get(row).and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
        let text = at.and_then(|at| texts.get(at)?.get(row));
        out.push_str(text.unwrap_or_default());
        Ok(text.is_some())
    }))
}

fn chr(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let codes = Numbers::<Int32Type>::new(batch, 0)?;
    Ok(nullable_texts(batch, |row, out| {
        let c = u32::try_from(codes.at(row)).ok().and_then(char::from_u32);
        out.extend(c);
        Ok(c.is_some())
    }))
}

/// `\u004b`, or two of them for a surrogate pair.
fn chr_escape(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let codes = Texts::new(batch, 0)?;
    let unit = |hex: &str| u16::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 4);
    Ok(nullable_texts(batch, |row, out| {
        let Some(escapes) = codes.at(row).strip_prefix("\\u") else { return Ok(false) };
        let well_formed = escapes.split("\\u").count() <= 2 && escapes.split("\\u").all(|hex| unit(hex).is_some());
        let decoded = char::decode_utf16(escapes.split("\\u").filter_map(unit));
        Ok(well_formed && decoded.into_iter().all(|c| c.map(|c| out.push(c)).is_ok()))
    }))
}
