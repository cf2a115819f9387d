//! Dates and times as text, by the patterns of `java.time.format.DateTimeFormatter` ([`Pattern`]) and
//! `java.text.SimpleDateFormat` ([`DatePattern`]), in English.
//!
//! ```text
//! "dd/MM/yyyy HH:mm" ──pattern──> items ──format──> text
//!                                   └──parse──> fields ──resolve──> date, time, timestamp
//! ```

mod field;
mod format;
mod legacy;
mod moment;
mod names;
mod parse;
mod pattern;
mod resolve;
mod zone;

pub use legacy::DatePattern;
pub use zone::Zone;

use moment::Moment;

const DAY_MILLIS: i64 = 86_400_000;

/// A pattern of DateTimeFormatter, ready to write and read.
#[derive(Debug)]
pub struct Pattern {
    items: Vec<pattern::Item>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in Java's words.
    pub fn new(pattern: &str) -> Result<Self, String> {
        Ok(Self { items: pattern::parse(pattern)? })
    }

    /// Appends a date (days since the epoch).
    ///
    /// # Errors
    /// The pattern asks for something a date does not have.
    pub fn format_date(&self, days: i32, out: &mut String) -> Result<(), String> {
        format::write(&self.items, &Moment { date: Some(i64::from(days)), nano_of_day: None, zone: None }, out)
    }

    /// Appends a time (milliseconds of the day).
    ///
    /// # Errors
    /// The pattern asks for something a time does not have.
    pub fn format_time(&self, millis: i32, out: &mut String) -> Result<(), String> {
        let nano_of_day = Some(i64::from(millis) * 1_000_000);
        format::write(&self.items, &Moment { date: None, nano_of_day, zone: None }, out)
    }

    /// Appends a timestamp (milliseconds since the epoch) as it is in a zone.
    ///
    /// # Errors
    /// A value does not fit its place in the pattern.
    pub fn format_timestamp(&self, millis: i64, zone: &Zone, out: &mut String) -> Result<(), String> {
        let instant = millis.div_euclid(1000);
        let offset = zone.offset_at(instant);
        let local = millis.saturating_add(i64::from(offset) * 1000);
        let moment = Moment {
            date: Some(local.div_euclid(DAY_MILLIS)),
            nano_of_day: Some(local.rem_euclid(DAY_MILLIS) * 1_000_000),
            zone: Some((zone, offset, instant)),
        };
        format::write(&self.items, &moment, out)
    }

    /// Days since the epoch of a text that says a whole date.
    ///
    /// # Errors
    /// The text is not as the pattern says.
    pub fn parse_date(&self, text: &str) -> Result<i32, String> {
        let days = resolve::resolve(parse::read(&self.items, text, false)?)?.whole_date()?;
        i32::try_from(days).map_err(|_| format!("'{text}' is no date"))
    }

    /// Milliseconds of the day of a text that says a time and nothing else; upper and lower case are alike.
    ///
    /// # Errors
    /// The text is not as the pattern says, or says a date.
    pub fn parse_time(&self, text: &str) -> Result<i32, String> {
        let nanos = resolve::resolve(parse::read(&self.items, text, true)?)?.only_time()?;
        i32::try_from(nanos / 1_000_000).map_err(|_| format!("'{text}' is no time"))
    }

    /// Milliseconds since the epoch. What the text does not say is that of 1970-01-01T00:00 in `zone`.
    ///
    /// # Errors
    /// The text is not as the pattern says.
    pub fn parse_timestamp(&self, text: &str, zone: &Zone) -> Result<i64, String> {
        resolve::resolve(parse::read(&self.items, text, false)?)?.timestamp(zone)
    }
}

#[cfg(test)]
mod tests;
