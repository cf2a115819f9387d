//! Patterns of `java.time.format.DateTimeFormatter`: reading and writing dates and times with them.
//!
//! Texts (months, weekdays, AM/PM) are English; reading does not look at case. What the text leaves open is taken from
//! 1970-01-01T00:00 in the zone given.

mod format;
mod parse;
mod zone;

pub use parse::Fields;
pub use zone::Zone;

use crate::types::text;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    items: Vec<Item>,
}

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    Literal(String),
    /// Letter and how often it stands.
    Field(char, usize),
    /// `[…]`
    Optional(Vec<Item>),
}

/// Letters that say something of a date, of a time, of a zone.
const DATE_LETTERS: &str = "GuyDMLdQqYwWEecF";
const TIME_LETTERS: &str = "ahKkHmsSAnN";
const ZONE_LETTERS: &str = "VzOXxZ";

impl Pattern {
    /// Reads a pattern. The error is Java's.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut chars = pattern.chars().peekable();
        let mut open: Vec<Vec<Item>> = vec![Vec::new()];
        while let Some(c) = chars.next() {
            let item = match c {
                '\'' => Item::Literal(quoted(&mut chars, pattern)?),
                '[' => {
                    open.push(Vec::new());
                    continue;
                }
                ']' => {
                    let inner = open.pop().filter(|_| !open.is_empty());
                    Item::Optional(inner.ok_or("Pattern invalid as it contains ] without previous [")?)
                }
                '{' | '}' | '#' => return Err(format!("Pattern includes reserved character: '{c}'")),
                c if c.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    check(c, count)?;
                    Item::Field(c, count)
                }
                c => Item::Literal(c.to_string()),
            };
            push(&mut open, item);
        }
        // An optional section may be left open to the end.
        while open.len() > 1 {
            let inner = open.pop().unwrap_or_default();
            push(&mut open, Item::Optional(inner));
        }
        Ok(Self { items: open.pop().unwrap_or_default() })
    }

    /// Whether it has a letter of a date (year, month, weekday, …).
    pub fn has_date(&self) -> bool {
        has(&self.items, DATE_LETTERS)
    }

    /// Whether it has a letter of a time of day.
    pub fn has_time(&self) -> bool {
        has(&self.items, TIME_LETTERS)
    }

    /// Whether it has a letter of a zone or offset.
    pub fn has_zone(&self) -> bool {
        has(&self.items, ZONE_LETTERS)
    }

    /// Milliseconds since the epoch of a text; `zone` counts where the text names none.
    pub fn parse_timestamp(&self, text: &str, zone: &Zone) -> Result<i64, String> {
        let fields = self.parse(text)?;
        let local = i64::from(fields.date().ok_or_else(|| refused(text))?) * 86_400_000 + fields.millis();
        Ok(match &fields.zone {
            Some(own) => own.to_utc(local),
            None => zone.to_utc(local),
        })
    }

    /// Days since the epoch of a text. As with `SimpleDateFormat`, more text may follow where `prefix` says so.
    pub fn parse_date(&self, text: &str, prefix: bool) -> Result<i32, String> {
        let fields = if prefix { self.parse_prefix(text)? } else { self.parse(text)? };
        if fields.millis() != 0 {
            return Err("Date format contains time field.".to_owned());
        }
        fields.date().ok_or_else(|| refused(text))
    }

    /// Milliseconds of the day of a text.
    pub fn parse_time(&self, text: &str) -> Result<i32, String> {
        if self.has_date() {
            return Err("Time format contains date field.".to_owned());
        }
        Ok(self.parse(text)?.millis() as i32)
    }

    /// Text of an instant in a zone.
    pub fn format_timestamp(&self, millis: i64, zone: &Zone) -> Result<String, String> {
        let offset = zone.offset_at(millis);
        let local = millis + i64::from(offset) * 1000;
        let days = i32::try_from(local.div_euclid(86_400_000)).map_err(|_| format!("{millis} is out of range"))?;
        let zone = Some((zone, millis));
        self.format(&format::Moment { days: Some(days), millis: Some(local.rem_euclid(86_400_000)), zone })
    }

    /// Text of a date. Letters of times are an error.
    pub fn format_date(&self, days: i32) -> Result<String, String> {
        self.format(&format::Moment { days: Some(days), millis: None, zone: None })
    }

    /// Text of a time of day. Letters of dates are an error.
    pub fn format_time(&self, millis: i32) -> Result<String, String> {
        self.format(&format::Moment { days: None, millis: Some(i64::from(millis)), zone: None })
    }
}

fn refused(text: &str) -> String {
    format!("Text '{text}' could not be parsed")
}

fn push(open: &mut [Vec<Item>], item: Item) {
    if let Some(items) = open.last_mut() {
        match (items.last_mut(), item) {
            (Some(Item::Literal(before)), Item::Literal(more)) => before.push_str(&more),
            (_, item) => items.push(item),
        }
    }
}

fn has(items: &[Item], letters: &str) -> bool {
    items.iter().any(|item| match item {
        Item::Literal(_) => false,
        Item::Field(letter, _) => letters.contains(*letter),
        Item::Optional(inner) => has(inner, letters),
    })
}

/// The rest of `'…'`; `''` is a quote.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, pattern: &str) -> Result<String, String> {
    if chars.next_if_eq(&'\'').is_some() {
        return Ok("'".to_owned());
    }
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err(format!("Pattern ends with an incomplete string literal: {pattern}")),
            Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
        }
    }
}

fn check(letter: char, count: usize) -> Result<(), String> {
    let most = match letter {
        'u' | 'y' | 'Y' | 'n' | 'N' | 'A' => 19,
        'S' => 9,
        'G' | 'M' | 'L' | 'Q' | 'q' | 'E' | 'e' | 'c' | 'X' | 'x' | 'Z' => 5,
        'z' | 'O' => 4,
        'D' => 3,
        'd' | 'h' | 'K' | 'k' | 'H' | 'm' | 's' | 'w' | 'V' => 2,
        'a' | 'W' | 'F' => 1,
        _ => return Err(format!("Unknown pattern letter: {letter}")),
    };
    if letter == 'V' && count != 2 {
        return Err("Pattern letter count must be 2: V".to_owned());
    }
    if count > most { Err(format!("Too many pattern letters: {letter}")) } else { Ok(()) }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// 0 for Monday.
fn weekday(days: i32) -> usize {
    (i64::from(days) + 3).rem_euclid(7) as usize
}

/// 1-based day of the year.
fn day_of_year(days: i32) -> i64 {
    let (year, _, _) = text::civil(i64::from(days));
    i64::from(days) - text::days_from_civil(year, 1, 1).unwrap_or(0) + 1
}

/// Week-based year and week as in the United States: weeks begin on Sunday, the one with January 1st is the first.
fn week_of_year(days: i32) -> (i64, i64) {
    let sunday = |days: i64| days - (days + 4).rem_euclid(7);
    let first = |year: i64| sunday(text::days_from_civil(year, 1, 1).unwrap_or(0));
    let (year, _, _) = text::civil(i64::from(days));
    let day = i64::from(days);
    let year = if day >= first(year + 1) { year + 1 } else { year };
    (year, (day - first(year)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_and_read_back() {
        let zone = Zone::new("America/Los_Angeles").unwrap();
        let written =
            |pattern: &str| Pattern::new(pattern).unwrap().format_timestamp(1_526_075_913_123, &zone).unwrap();
        for (pattern, text) in [
            ("yyyy-MM-dd HH:mm:ss zzz", "2018-05-11 14:58:33 PDT"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2018-05-11T14:58:33.123-07"),
            ("EEE, d MMM uuuu h:mm a xxx", "Fri, 11 May 2018 2:58 PM -07:00"),
            ("EEEE MMMM D Q Z VV", "Friday May 131 2 -0700 America/Los_Angeles"),
            ("yy/M/d k''K", "18/5/11 14'2"),
            ("YYYY-'W'ww", "2018-W19"),
        ] {
            assert_eq!(written(pattern), text, "{pattern}");
        }
        let read = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().parse_timestamp(text, &Zone::utc());
        for (pattern, text, millis) in [
            ("yyyy-MM-dd'T'HH:mm:ssX", "2018-05-11T21:58:33Z", 1_526_075_913_000),
            ("yyyy-MM-dd'T'HH:mm:ss.SX", "2019-08-27T13:31:09.2+0000", 1_566_912_669_200),
            ("yyyyMMddHHmmss", "20180511215833", 1_526_075_913_000),
            ("dd-MMM-yyyy", "01-JAN-2022", 1_640_995_200_000),
            ("yyyy-MM-dd HH:mm:ss zzz", "2018-05-11 14:58:33 PDT", 1_526_075_913_000),
            ("yyyy-MM-dd[ HH:mm]", "1970-01-02", 86_400_000),
            ("HH:mm", "01:00", 3_600_000),
            ("d/M/yy h:mm a", "2/1/00 1:30 pm", 946_819_800_000),
        ] {
            assert_eq!(read(pattern, text), Ok(millis), "{pattern}");
        }
        assert!(read("yyyy-MM-dd", "2018-02-30").is_err());
        assert!(read("yyyy-MM-dd", "2018-05-11x").is_err());
        assert_eq!(Pattern::new("foo"), Err("Unknown pattern letter: f".to_owned()));
        assert!(Pattern::new("HH:mm").unwrap().format_date(0).is_err());
    }

    #[test]
    fn daylight_saving_gaps_and_overlaps_are_resolved_as_java_does() {
        let zone = Zone::new("America/New_York").unwrap();
        let pattern = Pattern::new("yyyy-MM-dd HH:mm").unwrap();
        // In the gap the offset before counts, in the overlap the earlier instant.
        assert_eq!(pattern.parse_timestamp("2021-03-14 02:30", &zone), Ok(1_615_707_000_000));
        assert_eq!(pattern.parse_timestamp("2021-11-07 01:30", &zone), Ok(1_636_263_000_000));
    }
}
