//! Time zones by the names `java.time.ZoneId` knows.

use std::fmt::Write;
use std::sync::OnceLock;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

use super::field::DAY_SECONDS;
use super::names;

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Zone {
    /// A fixed offset: seconds east of UTC.
    Offset(i32),
    /// A region of the zone database.
    Region(Tz),
    /// A fixed offset with a prefix (`UTC+02:00`): its name and seconds east of UTC.
    Prefixed(String, i32),
}

impl Zone {
    /// `GMT`
    pub const GMT: Zone = Zone::Region(Tz::GMT);

    /// Reads `Europe/Berlin`, `Z`, `+2`, `+0200`, `+02:00:00`, `UTC`, `GMT+2`, …; upper and lower case differ.
    ///
    /// # Errors
    /// There is no zone of that name.
    pub fn of(id: &str) -> Result<Self, String> {
        if id == "Z" {
            return Ok(Self::Offset(0));
        }
        if id.starts_with(['+', '-']) {
            return read_offset(id).map(Self::Offset).ok_or_else(|| format!("Invalid ID for ZoneOffset: {id}"));
        }
        for prefix in ["UTC", "GMT", "UT"] {
            if let Some(offset) = id.strip_prefix(prefix).filter(|rest| rest.starts_with(['+', '-'])) {
                let seconds = read_offset(offset).ok_or_else(|| format!("Invalid ID for offset-based ZoneId: {id}"))?;
                let mut name = prefix.to_owned();
                if seconds != 0 {
                    write_offset(seconds, &mut name);
                }
                return Ok(Self::Prefixed(name, seconds));
            }
        }
        match id {
            "UT" => Ok(Self::Prefixed(id.to_owned(), 0)),
            _ => id.parse().map(Self::Region).map_err(|_| format!("Unknown time-zone ID: {id}")),
        }
    }

    /// The zone of this machine: `TZ`, else `/etc/localtime`, else UTC.
    pub fn system() -> &'static Self {
        static SYSTEM: OnceLock<Zone> = OnceLock::new();
        SYSTEM.get_or_init(|| {
            let by_variable = std::env::var("TZ").ok().and_then(|id| Self::of(id.trim_start_matches(':')).ok());
            let by_file = || {
                let target = std::fs::read_link("/etc/localtime").ok()?;
                let (_, id) = target.to_str()?.split_once("zoneinfo/")?;
                Self::of(id).ok()
            };
            by_variable.or_else(by_file).unwrap_or(Self::Region(Tz::UTC))
        })
    }

    /// Seconds east of UTC at an instant (seconds since the epoch).
    pub fn offset_at(&self, instant: i64) -> i32 {
        match self {
            Self::Offset(offset) | Self::Prefixed(_, offset) => *offset,
            Self::Region(zone) => zone.offset_from_utc_datetime(&utc(instant)).fix().local_minus_utc(),
        }
    }

    /// The instant of a local time, both in seconds since the epoch. Of the two of an overlap it is the first; a time in
    /// a gap is moved forward by the length of the gap.
    pub(super) fn instant_of(&self, local: i64) -> i64 {
        let offset = match self {
            Self::Offset(offset) | Self::Prefixed(_, offset) => *offset,
            Self::Region(zone) => match zone.offset_from_local_datetime(&utc(local)) {
                MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
                    offset.fix().local_minus_utc()
                }
                // The offset before the gap.
                MappedLocalTime::None => self.offset_at(local - DAY_SECONDS),
            },
        };
        local - i64::from(offset)
    }

    /// Appends its id.
    pub(super) fn write_id(&self, out: &mut String) {
        match self {
            Self::Region(zone) => out.push_str(zone.name()),
            Self::Prefixed(name, _) => out.push_str(name),
            Self::Offset(offset) => write_offset(*offset, out),
        }
    }

    /// Appends what people call it at an instant: `PDT`, `Pacific Daylight Time`.
    pub(super) fn write_name(&self, instant: i64, full: bool, out: &mut String) {
        let Self::Region(zone) = self else { return self.write_id(out) };
        let offset = zone.offset_from_utc_datetime(&utc(instant));
        let abbreviation = offset.abbreviation().unwrap_or("+");
        if let Some(name) = names::zone(zone.name(), abbreviation, full) {
            return out.push_str(name);
        }
        out.push_str("GMT");
        let seconds = offset.fix().local_minus_utc();
        if seconds != 0 {
            write_offset(seconds, out);
        }
    }
}

fn utc(instant: i64) -> NaiveDateTime {
    DateTime::from_timestamp(instant, 0).map_or(DateTime::UNIX_EPOCH.naive_utc(), |moment| moment.naive_utc())
}

/// `+h`, `+hh`, `+hhmm`, `+hh:mm`, `+hhmmss`, `+hh:mm:ss` as seconds, up to 18 hours.
fn read_offset(text: &str) -> Option<i32> {
    let negative = text.starts_with('-');
    let body = text.get(1..)?;
    let part = |part: &str| -> Option<i32> {
        ((1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let pair = |at: usize| body.get(at..at + 2).filter(|pair| pair.len() == 2).and_then(part);
    let (hours, minutes, seconds) = if body.contains(':') {
        let colons = body.get(2..3) == Some(":") && (body.len() == 5 || body.get(5..6) == Some(":"));
        match (colons, body.len()) {
            (true, 5) => (pair(0)?, pair(3)?, 0),
            (true, 8) => (pair(0)?, pair(3)?, pair(6)?),
            _ => return None,
        }
    } else {
        match body.len() {
            1 | 2 => (part(body)?, 0, 0),
            4 => (pair(0)?, pair(2)?, 0),
            6 => (pair(0)?, pair(2)?, pair(4)?),
            _ => return None,
        }
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= 18 * 3600).then_some(if negative { -total } else { total })
}

/// `Z`, `+02:00`, `+02:00:30`
fn write_offset(seconds: i32, out: &mut String) {
    if seconds == 0 {
        return out.push('Z');
    }
    let total = seconds.unsigned_abs();
    let sign = if seconds < 0 { '-' } else { '+' };
    let _ = write!(out, "{sign}{:02}:{:02}", total / 3600, total / 60 % 60);
    if !total.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", total % 60);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_javas_names() {
        for (id, offset, shown) in [
            ("Z", 0, "Z"),
            ("+2", 7200, "+02:00"),
            ("-0330", -12_600, "-03:30"),
            ("+01:00:30", 3630, "+01:00:30"),
            ("UTC", 0, "UTC"),
            ("UTC+2", 7200, "UTC+02:00"),
            ("GMT-08:00", -28_800, "GMT-08:00"),
            ("Asia/Tokyo", 32_400, "Asia/Tokyo"),
        ] {
            let zone = Zone::of(id).unwrap();
            let mut written = String::new();
            zone.write_id(&mut written);
            assert_eq!((zone.offset_at(0), written.as_str()), (offset, shown), "{id}");
        }
        for id in ["", "PST", "utc", "+19", "+1:00", "+ab", "UTC+x", "Nowhere/City"] {
            assert!(Zone::of(id).is_err(), "{id}");
        }
    }

    #[test]
    fn local_times_in_gaps_and_overlaps_are_what_java_makes_of_them() {
        let berlin = Zone::of("Europe/Berlin").unwrap();
        // 2021-03-28T02:30 does not exist: it becomes 03:30 summer time.
        assert_eq!(berlin.instant_of(1_616_898_600), 1_616_895_000);
        // 2021-10-31T02:30 exists twice: the first one is summer time.
        assert_eq!(berlin.instant_of(1_635_647_400), 1_635_640_200);
        assert_eq!(berlin.instant_of(1_635_643_799), 1_635_636_599);
        assert_eq!(berlin.instant_of(1_635_649_200), 1_635_645_600);
        // Far from any transition, and in zones west of Greenwich.
        assert_eq!(berlin.instant_of(0), -3600);
        let new_york = Zone::of("America/New_York").unwrap();
        // 2021-11-07T01:30 exists twice, 2021-03-14T02:30 not at all.
        assert_eq!(new_york.instant_of(1_636_248_600), 1_636_263_000);
        assert_eq!(new_york.instant_of(1_615_689_000), 1_615_707_000);
        // On Samoa there was no 30 December 2011.
        assert_eq!(Zone::of("Pacific/Apia").unwrap().instant_of(1_325_246_400), 1_325_282_400);
        // Summer time goes on for ever.
        assert_eq!(berlin.offset_at(4_087_000_000), 7200);
        assert_eq!(berlin.instant_of(31_556_889_864_403_199), 31_556_889_864_399_599);
    }
}
