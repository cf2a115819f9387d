//! MASK and its kin, MD5.

use std::fmt::Write;

use super::row::{Row, int, optional_text, string, text};
use super::{Category, Context, Function, Variation};
use crate::types::Value;

const ONE: &str = "(VARCHAR input, INT numChars) VARCHAR";
const ALL: &str = "(VARCHAR input, INT numChars, VARCHAR upper, VARCHAR lower, VARCHAR digit, VARCHAR other) VARCHAR";

/// Variations of one of the functions that mask a part.
macro_rules! partly {
    ($name:literal, $part:expr, $says:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::String,
            &[
                Variation::row_nulls(ONE, |args, _| mask_part(args, $part)),
                Variation::row_nulls(ALL, |args, _| mask_part(args, $part)),
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
            Variation::row_nulls("(VARCHAR `input STRING to be masked`) VARCHAR", mask),
            Variation::row_nulls(
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
    Function::scalar("MD5", Category::String, &[Variation::row("(VARCHAR s) VARCHAR", |args, _| {
        let mut out = String::with_capacity(32);
        md5(text(args, 0)?.as_bytes()).iter().for_each(|byte| {
            let _ = write!(out, "{byte:02x}");
        });
        string(out)
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
    /// From the arguments after `first`, or the defaults if there are none.
    fn read(args: &[Value], first: usize) -> Result<Self, String> {
        if args.len() <= first {
            return Ok(Self { upper: Some('X'), lower: Some('x'), digit: Some('n'), other: Some('-') });
        }
        let one = |i: usize| match optional_text(args, i) {
            None => Ok(None),
            Some(mask) => {
                let mut chars = mask.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(Some(c)),
                    _ => Err(format!("invalid mask character: '{mask}'")),
                }
            }
        };
        Ok(Self { upper: one(first)?, lower: one(first + 1)?, digit: one(first + 2)?, other: one(first + 3)? })
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

fn mask(args: &[Value], _: &Context<'_>) -> Row {
    let Some(source) = optional_text(args, 0) else { return Ok(Value::Null) };
    string(mask_range(source, 0..usize::MAX, &Masks::read(args, 1)?))
}

fn mask_part(args: &[Value], part: fn(usize, usize) -> std::ops::Range<usize>) -> Row {
    let Some(source) = optional_text(args, 0) else { return Ok(Value::Null) };
    let masks = Masks::read(args, 2)?;
    let count = int(args, 1)?;
    let count =
        usize::try_from(count).map_err(|_| format!("the number of characters must not be negative, but is {count}"))?;
    string(mask_range(source, part(count, source.encode_utf16().count()), &masks))
}

/// Positions count UTF-16 units; a character of two units is masked as two.
fn mask_range(source: &str, range: std::ops::Range<usize>, masks: &Masks) -> String {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    for c in source.chars() {
        let masked = if range.contains(&at) { masks.apply(c) } else { c };
        out.push(masked);
        if c.len_utf16() == 2 && masked != c {
            out.push(masked);
        }
        at += c.len_utf16();
    }
    out
}

/// RFC 1321.
fn md5(message: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((message.len() + 9).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(message.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let words: Vec<u32> =
            block.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (mix, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let constant = ((i as f64 + 1.0).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mix).wrapping_add(constant).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (state, add) in state.iter_mut().zip([a, b, c, d]) {
            *state = state.wrapping_add(add);
        }
    }
    let mut digest = [0; 16];
    digest.chunks_exact_mut(4).zip(state).for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_le_bytes()));
    digest
}
