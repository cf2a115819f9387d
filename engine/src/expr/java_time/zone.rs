//! Time zones by name or offset.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

use crate::types::text;

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Zone {
    /// Seconds east of UTC, and its name.
    Fixed(i32, String),
    /// A zone of the tz database.
    Named(Tz),
}

/// Abbreviations that texts use, and a zone that has them.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("BST", "Europe/London"),
    ("CET", "Europe/Paris"),
    ("CEST", "Europe/Paris"),
    ("JST", "Asia/Tokyo"),
    ("IST", "Asia/Kolkata"),
];

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self::Fixed(0, "UTC".to_owned())
    }

    /// A zone as `ZoneId.of` takes it: `Europe/London`, `UTC`, `+0200`, `GMT+2`.
    pub fn new(name: &str) -> Result<Self, String> {
        let bare = ["UTC", "GMT", "UT"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        if bare.is_empty() && !name.is_empty() {
            return Ok(Self::Fixed(0, name.to_owned()));
        }
        if bare.starts_with(['+', '-', 'Z'])
            && let Some(offset) = text::parse_offset(bare)
        {
            return Ok(Self::Fixed(offset, name.to_owned()));
        }
        name.parse().map(Self::Named).map_err(|_| format!("Unknown time-zone ID: {name}"))
    }

    /// A zone by the short name in a text (`PDT`), or by its name.
    pub(super) fn by_abbreviation(name: &str) -> Option<Self> {
        let known = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
        known.and_then(|(_, zone)| Self::new(zone).ok()).or_else(|| Self::new(name).ok())
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, millis: i64) -> i32 {
        match self {
            Self::Fixed(offset, _) => *offset,
            Self::Named(zone) => utc(millis).map_or(0, |at| zone.offset_from_utc_datetime(&at).fix().local_minus_utc()),
        }
    }

    /// The instant of a local time. In a gap the offset before it counts, in an overlap the earlier offset.
    pub fn to_utc(&self, local: i64) -> i64 {
        let offset = match self {
            Self::Fixed(offset, _) => *offset,
            Self::Named(zone) => match utc(local).map(|at| zone.offset_from_local_datetime(&at)) {
                Some(MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _)) => {
                    offset.fix().local_minus_utc()
                }
                _ => self.offset_at(local - 86_400_000),
            },
        };
        local - i64::from(offset) * 1000
    }

    /// `PDT`
    pub(super) fn abbreviation(&self, millis: i64) -> String {
        match self {
            Self::Fixed(_, name) => name.clone(),
            Self::Named(zone) => {
                let offset = utc(millis).map(|at| zone.offset_from_utc_datetime(&at));
                offset.and_then(|offset| offset.abbreviation().map(str::to_owned)).unwrap_or_default()
            }
        }
    }

    /// `America/Los_Angeles`
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Fixed(_, name) => name,
            Self::Named(zone) => zone.name(),
        }
    }
}

fn utc(millis: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(millis).map(|at| at.naive_utc())
}
