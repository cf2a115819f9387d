//! MASK and its kin, MD5.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use md5::{Digest, Md5};

use super::bytes::push_small_hex;
use super::columns::{Numbers, Texts, every_text, texts};
use super::text::utf16_length;
use super::{Batch, Category, Function, Variation};

const ONE: &str = "(VARCHAR input, INT numChars) VARCHAR";
const ALL: &str = "(VARCHAR input, INT numChars, VARCHAR upper, VARCHAR lower, VARCHAR digit, VARCHAR other) VARCHAR";

/// Variations of one of the functions that mask a part.
macro_rules! partly {
    ($name:literal, $part:expr, $says:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::String,
            &[
                Variation::batch(ONE, |batch| mask_part(batch, $part)),
                Variation::batch(ALL, |batch| mask_part(batch, $part)),
            ],
        )
        .says($says)
        .example($example, $result)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "MASK",
        Category::String,
        &[
            Variation::batch("(VARCHAR `input STRING to be masked`) VARCHAR", mask),
            Variation::batch(
                "(VARCHAR `input STRING to be masked`, VARCHAR `upper-case mask, or NULL to use default`, VARCHAR \
                 `lower-case mask, or NULL to use default`, VARCHAR `digit mask, or NULL to use default`, VARCHAR `mask \
                 for other characters, or NULL to use default`) VARCHAR",
                mask,
            ),
        ],
    )
    .says("The text with letters, digits and other characters hidden behind X, x, n and -, or other masks.")
    .example("MASK('My Test $123')", "Xx-Xxxx--nnn"),
    partly!("MASK_LEFT", |n, len| 0..n.min(len), "Masks the first characters of a text.", "MASK_LEFT('Hello', 2)", "Xxllo"),
    partly!(
        "MASK_RIGHT",
        |n, len| len.saturating_sub(n)..len,
        "Masks the last characters of a text.",
        "MASK_RIGHT('Hello', 2)",
        "Helxx"
    ),
    partly!(
        "MASK_KEEP_LEFT",
        |n, len| n.min(len)..len,
        "Masks all but the first characters of a text.",
        "MASK_KEEP_LEFT('Hello', 2)",
        "Hexxx"
    ),
    partly!(
        "MASK_KEEP_RIGHT",
        |n, len| 0..len.saturating_sub(n),
        "Masks all but the last characters of a text.",
        "MASK_KEEP_RIGHT('Hello', 2)",
        "Xxxlo"
    ),
    Function::scalar("MD5", Category::String, &[Variation::batch("(VARCHAR s) VARCHAR", |batch| {
        let given = Texts::new(batch, 0)?;
        Ok(texts(batch, |row, out| {
            push_small_hex(&Md5::digest(given.at(row)), out);
            Ok(())
        }))
    })])
    .spelled("md5")
    .says("The MD5 digest of a text as hexadecimal digits.")
    .example("MD5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
];

/// Mask per class of character; `None` leaves the class as it is.
struct Masks {
    upper: Option<char>,
    lower: Option<char>,
    digit: Option<char>,
    other: Option<char>,
}

impl Masks {
    const DEFAULT: Self = Self { upper: Some('X'), lower: Some('x'), digit: Some('n'), other: Some('-') };

    /// The masks of a row: the defaults if there are no arguments for them.
    fn read(args: &[Texts<'_>], row: usize) -> Result<Self, String> {
        let [upper, lower, digit, other] = args else { return Ok(Self::DEFAULT) };
        let one = |arg: &Texts<'_>| {
            let Some(mask) = arg.get(row) else { return Ok(None) };
            let mut chars = mask.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(Some(c)),
                _ => Err(format!("invalid mask character: '{mask}'")),
            }
        };
        Ok(Self { upper: one(upper)?, lower: one(lower)?, digit: one(digit)?, other: one(other)? })
    }

    fn apply(&self, c: char) -> char {
        let mask = if c.is_uppercase() {
            self.upper
        } else if c.is_lowercase() {
            self.lower
        } else if c.is_numeric() {
            self.digit
        } else {
            self.other
        };
        mask.unwrap_or(c)
    }
}

fn mask(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, masks) = (Texts::new(batch, 0)?, Texts::all(batch, 1)?);
    Ok(every_text(batch, |row, out| {
        let Some(source) = given.get(row) else { return Ok(false) };
        mask_range(source, 0..usize::MAX, &Masks::read(&masks, row)?, out);
        Ok(true)
    }))
}

fn mask_part(batch: &Batch<'_>, part: fn(usize, usize) -> Range<usize>) -> Result<ArrayRef, ArrowError> {
    let (given, counts, masks) = (Texts::new(batch, 0)?, Numbers::<Int32Type>::new(batch, 1)?, Texts::all(batch, 2)?);
    Ok(every_text(batch, |row, out| {
        let Some(source) = given.get(row) else { return Ok(false) };
        let masks = Masks::read(&masks, row)?;
        let count = counts.get(row).ok_or("argument 2 is NULL or of another type")?;
        let count = usize::try_from(count)
            .map_err(|_| format!("the number of characters must not be negative, but is {count}"))?;
        mask_range(source, part(count, utf16_length(source)), &masks, out);
        Ok(true)
    }))
}

/// Appends the text with a range of it masked. Positions count UTF-16 units; a character of two units is masked as two.
fn mask_range(source: &str, range: Range<usize>, masks: &Masks, out: &mut String) {
    let mut at = 0;
    for c in source.chars() {
        let masked = if range.contains(&at) { masks.apply(c) } else { c };
        out.push(masked);
        if c.len_utf16() == 2 && masked != c {
            out.push(masked);
        }
        at += c.len_utf16();
    }
}
