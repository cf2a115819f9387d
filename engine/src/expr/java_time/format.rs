//! Writing.

use std::fmt::Write;

use super::{Item, MONTHS, Pattern, WEEKDAYS, Zone, day_of_year, week_of_year, weekday};
use crate::types::text::civil;

/// What is written; parts that are missing make the letters that need them an error.
pub(super) struct Moment<'a> {
    /// Days since the epoch.
    pub(super) days: Option<i32>,
    /// Milliseconds of the day.
    pub(super) millis: Option<i64>,
    /// Zone, and the instant.
    pub(super) zone: Option<(&'a Zone, i64)>,
}

impl Pattern {
    pub(super) fn format(&self, moment: &Moment<'_>) -> Result<String, String> {
        let mut out = String::new();
        write_items(&self.items, moment, &mut out)?;
        Ok(out)
    }
}

fn write_items(items: &[Item], moment: &Moment<'_>, out: &mut String) -> Result<(), String> {
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Field(letter, count) => write_field(*letter, *count, moment, out)?,
            Item::Optional(inner) => {
                let mut part = String::new();
                if write_items(inner, moment, &mut part).is_ok() {
                    out.push_str(&part);
                }
            }
        }
    }
    Ok(())
}

fn write_field(letter: char, count: usize, moment: &Moment<'_>, out: &mut String) -> Result<(), String> {
    let missing = || format!("Unsupported field: {letter}");
    match letter {
        'G' | 'u' | 'y' | 'M' | 'L' | 'd' | 'D' | 'Q' | 'q' | 'Y' | 'w' | 'W' | 'E' | 'e' | 'c' | 'F' => {
            write_date(letter, count, moment.days.ok_or_else(missing)?, out);
        }
        'V' | 'z' | 'O' | 'X' | 'x' | 'Z' => {
            let (zone, millis) = moment.zone.ok_or_else(missing)?;
            write_zone(letter, count, zone, millis, out);
        }
        _ => write_time(letter, count, moment.millis.ok_or_else(missing)?, out),
    }
    Ok(())
}

fn padded(value: i64, width: usize, out: &mut String) {
    let _ = write!(out, "{value:0width$}");
}

/// A name in full, cut to three letters, or to one.
fn name(text: &str, count: usize, out: &mut String) {
    let length = match count {
        1..=3 => 3,
        5 => 1,
        _ => text.len(),
    };
    out.push_str(text.get(..length).unwrap_or(text));
}

fn write_date(letter: char, count: usize, days: i32, out: &mut String) {
    let (year, month, day) = civil(i64::from(days));
    let quarter = i64::from((month - 1) / 3 + 1);
    match letter {
        'G' => out.push_str(match (count, year > 0) {
            (4, true) => "Anno Domini",
            (4, false) => "Before Christ",
            (5, true) => "A",
            (5, false) => "B",
            (_, true) => "AD",
            (_, false) => "BC",
        }),
        'u' | 'y' => {
            let year = if letter == 'y' && year <= 0 { 1 - year } else { year };
            write_year(year, count, out);
        }
        'Y' => write_year(week_of_year(days).0, count, out),
        'M' | 'L' if count >= 3 => name(MONTHS.get(month as usize - 1).unwrap_or(&""), count, out),
        'M' | 'L' => padded(i64::from(month), count, out),
        'd' => padded(i64::from(day), count, out),
        'D' => padded(day_of_year(days), count, out),
        'Q' | 'q' if count == 3 => drop(write!(out, "Q{quarter}")),
        'Q' | 'q' if count == 4 => {
            let ending = ["st", "nd", "rd", "th"].get(quarter as usize - 1).unwrap_or(&"");
            let _ = write!(out, "{quarter}{ending} quarter");
        }
        'Q' | 'q' => padded(quarter, if count == 5 { 1 } else { count }, out),
        'w' => padded(week_of_year(days).1, count, out),
        'W' => {
            let first = days - day as i32 + 1;
            let before = (weekday(first) as i64 + 1) % 7;
            padded((i64::from(day) + before - 1) / 7 + 1, count, out);
        }
        'F' => padded((i64::from(day) - 1) / 7 + 1, count, out),
        // `e` and `c` count from Sunday.
        'e' | 'c' if count <= 2 => padded((weekday(days) as i64 + 1) % 7 + 1, count, out),
        _ => name(WEEKDAYS.get(weekday(days)).unwrap_or(&""), count, out),
    }
}

fn write_year(year: i64, count: usize, out: &mut String) {
    if count == 2 {
        return padded(year.rem_euclid(100), 2, out);
    }
    if count >= 4 && year.unsigned_abs() >= 10_u64.pow(count.min(18) as u32) && year > 0 {
        out.push('+');
    }
    if year < 0 {
        out.push('-');
    }
    padded(year.abs(), count, out);
}

fn write_time(letter: char, count: usize, millis: i64, out: &mut String) {
    let hour = millis / 3_600_000;
    match letter {
        'a' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'h' => padded((hour + 11) % 12 + 1, count, out),
        'K' => padded(hour % 12, count, out),
        'k' => padded((hour + 23) % 24 + 1, count, out),
        'H' => padded(hour, count, out),
        'm' => padded(millis / 60_000 % 60, count, out),
        's' => padded(millis / 1000 % 60, count, out),
        'S' => {
            let digits = format!("{:03}000000", millis % 1000);
            out.push_str(digits.get(..count).unwrap_or(&digits));
        }
        'A' => padded(millis, count, out),
        'n' => padded(millis % 1000 * 1_000_000, count, out),
        _ => padded(millis * 1_000_000, count, out),
    }
}

fn write_zone(letter: char, count: usize, zone: &Zone, millis: i64, out: &mut String) {
    let offset = zone.offset_at(millis);
    match (letter, count) {
        ('V', _) => out.push_str(zone.id()),
        ('z', 4) => out.push_str(zone.id()),
        ('z', _) => out.push_str(&zone.abbreviation(millis)),
        ('O', _) | ('Z', 4) => {
            out.push_str("GMT");
            if offset != 0 {
                let _ = write!(out, "{}{}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3600);
                if offset % 3600 != 0 || count == 4 {
                    let _ = write!(out, ":{:02}", offset.abs() / 60 % 60);
                }
            }
        }
        ('X', _) | ('Z', 5) if offset == 0 => out.push('Z'),
        (letter, count) => {
            let _ = write!(out, "{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3600);
            let minutes = offset.abs() / 60 % 60;
            let colon = matches!((letter, count), ('X' | 'x', 3 | 5) | ('Z', 5));
            let short = count == 1 && letter != 'Z';
            if !short || minutes != 0 {
                let _ = write!(out, "{}{minutes:02}", if colon { ":" } else { "" });
            }
        }
    }
}
