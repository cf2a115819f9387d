//! Reading.

use super::{Item, MONTHS, Pattern, WEEKDAYS, Zone, refused};
use crate::types::text::{days_from_civil, parse_offset};

/// What a text said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    year: Option<i64>,
    before_christ: bool,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: Option<i64>,
    /// Hour within the half day, 0 to 11.
    half_hour: Option<i64>,
    afternoon: bool,
    minute: i64,
    second: i64,
    /// Milliseconds of the second.
    fraction: i64,
    millis_of_day: Option<i64>,
    /// Zone or offset.
    pub(super) zone: Option<Zone>,
}

impl Fields {
    /// Days since the epoch; `None` if there is no such day.
    pub fn date(&self) -> Option<i32> {
        let year = self.year.map_or(1970, |year| if self.before_christ { 1 - year } else { year });
        let days = match self.day_of_year {
            Some(day) => {
                let days = days_from_civil(year, 1, 1)? + i64::from(day) - 1;
                (day > 0 && days < days_from_civil(year + 1, 1, 1)?).then_some(days)?
            }
            None => days_from_civil(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        i32::try_from(days).ok()
    }

    /// Milliseconds of the day.
    pub fn millis(&self) -> i64 {
        if let Some(millis) = self.millis_of_day {
            return millis;
        }
        let half = || self.half_hour.map(|hour| hour + if self.afternoon { 12 } else { 0 });
        let hour = self.hour.or_else(half).unwrap_or(0);
        ((hour * 60 + self.minute) * 60 + self.second) * 1000 + self.fraction
    }
}

impl Pattern {
    /// Reads a whole text.
    pub fn parse(&self, text: &str) -> Result<Fields, String> {
        let (fields, rest) = self.read(text)?;
        if rest.is_empty() {
            return Ok(fields);
        }
        Err(format!("{} at index {}, unparsed text found", refused(text), text.len() - rest.len()))
    }

    /// Reads the beginning of a text.
    pub(super) fn parse_prefix(&self, text: &str) -> Result<Fields, String> {
        self.read(text).map(|(fields, _)| fields)
    }

    fn read<'a>(&self, text: &'a str) -> Result<(Fields, &'a str), String> {
        let mut fields = Fields::default();
        match read_items(&self.items, text, &mut fields) {
            Ok(rest) => Ok((fields, rest)),
            Err(rest) => Err(format!("{} at index {}", refused(text), text.len() - rest.len())),
        }
    }
}

/// The rest of the text after the items, or where it stopped to fit.
fn read_items<'a>(items: &[Item], text: &'a str, fields: &mut Fields) -> Result<&'a str, &'a str> {
    let mut rest = text;
    for (i, item) in items.iter().enumerate() {
        rest = match item {
            Item::Literal(literal) => strip_ignoring_case(rest, literal).ok_or(rest)?,
            Item::Optional(inner) => {
                let mut tentative = fields.clone();
                match read_items(inner, rest, &mut tentative) {
                    Ok(after) => {
                        *fields = tentative;
                        after
                    }
                    Err(_) => rest,
                }
            }
            Item::Field(letter, count) => {
                let reserved = items.get(i + 1..).map_or(0, fixed_digits);
                read_field(*letter, *count, reserved, rest, fields).ok_or(rest)?
            }
        };
    }
    Ok(rest)
}

/// Digits that the fields of fixed width right after this one need.
fn fixed_digits(items: &[Item]) -> usize {
    let widths = items.iter().map_while(|item| match item {
        Item::Field('M' | 'L' | 'd' | 'H' | 'h' | 'K' | 'k' | 'm' | 's', 2) => Some(2),
        Item::Field('D', 3) => Some(3),
        Item::Field('S', count) => Some(*count),
        _ => None,
    });
    widths.sum()
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// A number of at least `min` and at most `max` digits that leaves `reserved` digits to its neighbours.
fn number(text: &str, min: usize, max: usize, reserved: usize) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let length = if min == max { min } else { digits.saturating_sub(reserved).min(max) };
    if length < min || length > digits || length == 0 {
        return None;
    }
    let (number, rest) = text.split_at(length);
    Some((number.parse().ok()?, rest))
}

/// A number of `count` digits, or of any number of digits if the letter stands alone.
fn plain(text: &str, count: usize, reserved: usize) -> Option<(i64, &str)> {
    if count == 1 { number(text, 1, 18, reserved) } else { number(text, count, count, reserved) }
}

fn within(value: i64, low: i64, high: i64) -> Option<i64> {
    (low..=high).contains(&value).then_some(value)
}

/// One of `names` in full or cut to three letters; its index.
fn one_of<'a>(names: &[&str], text: &'a str) -> Option<(usize, &'a str)> {
    let full = names.iter().enumerate().find_map(|(i, name)| Some((i, strip_ignoring_case(text, name)?)));
    let short = || names.iter().enumerate().find_map(|(i, name)| Some((i, strip_ignoring_case(text, name.get(..3)?)?)));
    full.or_else(short)
}

fn read_field<'a>(letter: char, count: usize, reserved: usize, text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    match letter {
        'G' | 'u' | 'y' | 'Y' | 'M' | 'L' | 'd' | 'D' | 'Q' | 'q' | 'w' | 'W' | 'E' | 'e' | 'c' | 'F' => {
            read_date(letter, count, reserved, text, fields)
        }
        'V' | 'z' | 'O' | 'X' | 'x' | 'Z' => {
            let (zone, rest) = read_zone(letter, text)?;
            fields.zone = Some(zone);
            Some(rest)
        }
        _ => read_time(letter, count, reserved, text, fields),
    }
}

fn read_date<'a>(letter: char, count: usize, reserved: usize, text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    match letter {
        'G' => {
            let (era, rest) =
                ["AD", "BC"].iter().enumerate().find_map(|(i, era)| Some((i, strip_ignoring_case(text, era)?)))?;
            fields.before_christ = era == 1;
            return Some(rest);
        }
        'u' | 'y' | 'Y' => {
            let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
            let (signed, digits) = digits.strip_prefix('+').map_or((false, digits), |rest| (true, rest));
            let (year, rest) = match count {
                2 => number(digits, 2, 2, 0).map(|(year, rest)| (2000 + year, rest))?,
                // Without a sign there are no more digits than letters.
                4.. if !signed => number(digits, count, count, 0)?,
                _ => number(digits, count, 10, reserved)?,
            };
            fields.year = Some(if negative { -year } else { year });
            return Some(rest);
        }
        'M' | 'L' if count >= 3 => {
            let (month, rest) = one_of(&MONTHS, text)?;
            fields.month = Some(month as u32 + 1);
            return Some(rest);
        }
        'E' => return one_of(&WEEKDAYS, text).map(|(_, rest)| rest),
        'e' | 'c' if count >= 3 => return one_of(&WEEKDAYS, text).map(|(_, rest)| rest),
        _ => {}
    }
    let (value, rest) = plain(text, count, reserved)?;
    match letter {
        'M' | 'L' => fields.month = Some(within(value, 1, 12)? as u32),
        'd' => fields.day = Some(within(value, 1, 31)? as u32),
        'D' => fields.day_of_year = Some(within(value, 1, 366)? as u32),
        // Quarters and weeks follow from the date; alone they say too little.
        _ => {}
    }
    Some(rest)
}

fn read_time<'a>(letter: char, count: usize, reserved: usize, text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    if letter == 'a' {
        let halves = ["AM", "PM"];
        let (half, rest) =
            halves.iter().enumerate().find_map(|(i, half)| Some((i, strip_ignoring_case(text, half)?)))?;
        fields.afternoon = half == 1;
        return Some(rest);
    }
    if letter == 'S' {
        let (value, rest) = number(text, count, count, 0)?;
        let nanos = value * 10_i64.pow(9_u32.saturating_sub(count as u32));
        fields.fraction = nanos / 1_000_000;
        return Some(rest);
    }
    let (value, rest) = plain(text, count, reserved)?;
    match letter {
        'H' => fields.hour = Some(within(value, 0, 23)?),
        'k' => fields.hour = Some(within(value, 1, 24)? % 24),
        'h' => fields.half_hour = Some(within(value, 1, 12)? % 12),
        'K' => fields.half_hour = Some(within(value, 0, 11)?),
        'm' => fields.minute = within(value, 0, 59)?,
        's' => fields.second = within(value, 0, 59)?,
        'A' => fields.millis_of_day = Some(within(value, 0, 86_399_999)?),
        'n' => fields.fraction = within(value, 0, 999_999_999)? / 1_000_000,
        _ => fields.millis_of_day = Some(within(value / 1_000_000, 0, 86_399_999)?),
    }
    Some(rest)
}

fn read_zone(letter: char, text: &str) -> Option<(Zone, &str)> {
    if matches!(letter, 'V' | 'z') {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"/_+-:".contains(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        return Some((Zone::by_abbreviation(name)?, rest));
    }
    let bare = if letter == 'O' { strip_ignoring_case(text, "GMT")? } else { text };
    let is_sign = bare.starts_with(['+', '-']);
    let end = match bare.get(1..) {
        Some(digits) if is_sign => {
            1 + digits.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(digits.len()).min(6)
        }
        _ => usize::from(bare.starts_with(['Z', 'z'])),
    };
    let (offset, rest) = bare.split_at_checked(end)?;
    if offset.is_empty() && letter != 'O' {
        return None;
    }
    let seconds = parse_offset(&offset.to_uppercase())?;
    Some((Zone::Fixed(seconds, if seconds == 0 { "Z".to_owned() } else { offset.to_owned() }), rest))
}
