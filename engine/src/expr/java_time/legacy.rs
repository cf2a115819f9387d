//! `java.text.SimpleDateFormat` patterns, as PARSE_DATE reads them: lenient, upper and lower case alike, and what follows
//! the date in the text does not matter.

use chrono::{Datelike, Utc};

use super::field::{DAY_SECONDS, Field};
use super::names::{self, Style, begins};
use super::parse::LONGEST_ZONE_ID;
use super::zone::Zone;
use crate::types::text::{civil, days_from_civil};

/// A pattern of SimpleDateFormat.
#[derive(Debug)]
pub struct DatePattern {
    items: Vec<Item>,
    /// A year of two digits lies in the hundred years from this one on.
    first_year: i64,
}

#[derive(Debug, PartialEq)]
enum Item {
    Literal(String),
    /// A number of at most so many digits; 0 is any number of them.
    Number(Part, usize),
    /// A year that may have two digits.
    ShortYear(usize),
    Name(Field),
    Zone,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    DayOfYear,
    Hour,
    HourOfHalf,
    Minute,
    Second,
    Millisecond,
    /// Read, but other fields say which day it is.
    DayOfWeek,
}

impl DatePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A letter means nothing or a quote is not closed.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut items: Vec<Item> = Vec::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            let literal = match c {
                'a'..='z' | 'A'..='Z' => {
                    let after = rest.trim_start_matches(c);
                    items.push(item(c, rest.len() - after.len())?);
                    rest = after;
                    continue;
                }
                '\'' => {
                    let (literal, after) = quoted(rest).ok_or("Unterminated quote")?;
                    rest = after;
                    literal
                }
                c => {
                    rest = rest.get(c.len_utf8()..).unwrap_or_default();
                    c.to_string()
                }
            };
            match items.last_mut() {
                Some(Item::Literal(before)) => before.push_str(&literal),
                _ => items.push(Item::Literal(literal)),
            }
        }
        limit_widths(&mut items);
        Ok(Self { items, first_year: i64::from(Utc::now().year()) - 80 })
    }

    /// Days since the epoch.
    ///
    /// # Errors
    /// The text does not begin as the pattern says, or it says a time of day.
    pub fn parse(&self, text: &str) -> Result<i32, String> {
        let refused = || format!("Unparseable date: \"{text}\"");
        let mut calendar = Calendar::default();
        let mut rest = text;
        for item in &self.items {
            rest = self.item(item, rest, &mut calendar).ok_or_else(refused)?;
        }
        let seconds = calendar.millis().ok_or_else(refused)?;
        if seconds % (DAY_SECONDS * 1000) != 0 {
            return Err("Date format contains time field.".to_owned());
        }
        i32::try_from(seconds / (DAY_SECONDS * 1000)).map_err(|_| refused())
    }

    fn item<'t>(&self, item: &Item, text: &'t str, calendar: &mut Calendar) -> Option<&'t str> {
        match item {
            Item::Literal(literal) => begins(text, literal, false).then(|| text.get(literal.len()..)).flatten(),
            Item::Number(part, width) => {
                let (value, rest) = number(text, *width)?;
                calendar.set(*part, value);
                Some(rest)
            }
            Item::ShortYear(width) => {
                let (value, rest) = number(text, *width)?;
                let century = self.first_year.div_euclid(100) * 100;
                let later = if value >= self.first_year.rem_euclid(100) { 0 } else { 100 };
                calendar.set(Part::Year, if value < 100 { century + value + later } else { value });
                Some(rest)
            }
            Item::Name(field) => {
                let read = |style| names::read(*field, style, text, true);
                let (value, length) = read(Style::Full).or_else(|| read(Style::Short))?;
                match field {
                    Field::MonthOfYear => calendar.set(Part::Month, value),
                    Field::AmPmOfDay => calendar.half = value,
                    Field::Era => calendar.before_christ = value == 0,
                    _ => {}
                }
                text.get(length..)
            }
            Item::Zone => {
                let (zone, length) = zone(text)?;
                calendar.zone = Some(zone);
                text.get(length..)
            }
        }
    }
}

/// Text between quotes; `''` is a quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut literal = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            literal.push(c);
        } else if at > 1 && chars.next_if(|(_, c)| *c == '\'').is_some() {
            literal.push('\'');
        } else {
            let literal = if at == 1 { "'".to_owned() } else { literal };
            return Some((literal, text.get(at + 1..)?));
        }
    }
    None
}

fn item(letter: char, count: usize) -> Result<Item, String> {
    let number = |part| Item::Number(part, count);
    Ok(match letter {
        'y' | 'Y' if count > 2 => number(Part::Year),
        'y' | 'Y' => Item::ShortYear(count),
        'M' | 'L' if count > 2 => Item::Name(Field::MonthOfYear),
        'M' | 'L' => number(Part::Month),
        'd' => number(Part::Day),
        'D' => number(Part::DayOfYear),
        'E' => Item::Name(Field::DayOfWeek),
        'u' => number(Part::DayOfWeek),
        'G' => Item::Name(Field::Era),
        'a' => Item::Name(Field::AmPmOfDay),
        'H' | 'k' => number(Part::Hour),
        'h' | 'K' => number(Part::HourOfHalf),
        'm' => number(Part::Minute),
        's' => number(Part::Second),
        'S' => number(Part::Millisecond),
        'X' | 'Z' | 'z' => Item::Zone,
        _ => return Err(format!("Format '{letter}' not supported")),
    })
}

/// Only a number with another one right after it has a limited number of digits.
fn limit_widths(items: &mut [Item]) {
    for i in 0..items.len() {
        let limited = matches!(items.get(i + 1), Some(Item::Number(..) | Item::ShortYear(_)));
        if let Some(Item::Number(_, width) | Item::ShortYear(width)) = items.get_mut(i)
            && !limited
        {
            *width = 0;
        }
    }
}

fn number(text: &str, width: usize) -> Option<(i64, &str)> {
    let text = if width == 0 { text.trim_start() } else { text };
    let limit = if width == 0 { usize::MAX } else { width };
    let digits = text.bytes().take(limit).take_while(u8::is_ascii_digit).count();
    let value: i32 = text.get(..digits)?.parse().ok()?;
    Some((i64::from(value), text.get(digits..)?))
}

fn zone(text: &str) -> Option<(Zone, usize)> {
    if let Some((id, length)) = names::read_zone(text, false, true) {
        return Some((Zone::of(id).ok()?, length));
    }
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-:/_".contains(byte);
    let longest = text.bytes().take(LONGEST_ZONE_ID).take_while(legal).count();
    (1..=longest).rev().find_map(|end| Some((Zone::of(text.get(..end)?).ok()?, end)))
}

/// What was read, on 1970-01-01T00:00 UTC. Values out of their range carry over, as 31 February does.
#[derive(Debug)]
struct Calendar {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    half: i64,
    minute: i64,
    second: i64,
    milli: i64,
    before_christ: bool,
    zone: Option<Zone>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            half: 0,
            minute: 0,
            second: 0,
            milli: 0,
            before_christ: false,
            zone: None,
        }
    }
}

impl Calendar {
    fn set(&mut self, part: Part, value: i64) {
        match part {
            Part::Year => self.year = value,
            Part::Month => (self.month, self.day_of_year) = (value, None),
            Part::Day => (self.day, self.day_of_year) = (value, None),
            Part::DayOfYear => self.day_of_year = Some(value),
            Part::Hour => self.hour = value % 24,
            Part::HourOfHalf => self.hour = value % 12,
            Part::Minute => self.minute = value,
            Part::Second => self.second = value,
            Part::Millisecond => self.milli = value,
            Part::DayOfWeek => {}
        }
    }

    fn millis(&self) -> Option<i64> {
        let year = if self.before_christ { 1 - self.year } else { self.year };
        let months = year * 12 + self.month - 1;
        let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
        let date = match self.day_of_year {
            Some(day) => days_from_civil(year, 1, 1)? + day - 1,
            None => days_from_civil(months.div_euclid(12), month, 1)? + self.day - 1,
        };
        let hours = self.hour + self.half * 12;
        let local = date * DAY_SECONDS + (hours * 60 + self.minute) * 60 + self.second;
        let instant = self.zone.as_ref().map_or(local, |zone| zone.instant_of(local));
        // The calendar before 1582 is another one in Java; dates this old are not read from texts.
        (civil(date).0.abs() < 1_000_000).then(|| instant * 1000 + self.milli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_leniently() {
        for (pattern, text, days) in [
            ("yyyy-MM-dd", "2018-05-11", 17_662),
            ("yyyy-MM-dd'Lit'", "2018-05-11Lit", 17_662),
            ("dd/MM/yyyy", "1/2/1999", 10_623),
            ("dd-MMM-yyyy", "01-JAN-2022", 18_993),
            ("d MMMM yyyy", "1 january 2022", 18_993),
            ("MMM-yyyy", "Jan-2022", 18_993),
            ("yyyyMMdd", "20220101", 18_993),
            ("yyyy-MM-dd", "2003-12-24-01-01", 12_410),
            // 31 February is 3 March.
            ("yyyy-MM-dd", "2022-02-31", 19_054),
            ("yyyy-DDD", "2022-032", 19_024),
            ("dd.MM.yy", "01.01.22", 18_993),
            ("E, d MMM yyyy", "Sat, 1 Jan 2022", 18_993),
            ("yyyy-MM-dd HH", "2022-01-01 00", 18_993),
            ("''yyyy''", "'2022'", 18_993),
        ] {
            assert_eq!(DatePattern::new(pattern).unwrap().parse(text), Ok(days), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("yyyy-MM-dd", "2004"),
            ("yyyy-MM-dd", "abcd"),
            ("yyyy-MM-dd HH", "2022-01-01 10"),
            ("yyyy-MM-dd", "2147483647-2147483647-2147483647"),
            ("yyyy-DDD", "2147483647-2147483647"),
        ] {
            assert!(DatePattern::new(pattern).unwrap().parse(text).is_err(), "{pattern} {text}");
        }
        assert!(DatePattern::new("yyyy-bb").is_err());
        assert!(DatePattern::new("yyyy'").is_err());
    }
}
