//! The fields of a date-time, and their values on a day and at a time of day.

use crate::types::text::{civil, days_from_civil};

pub(super) const DAY_SECONDS: i64 = 86_400;
pub(super) const DAY_NANOS: i64 = DAY_SECONDS * 1_000_000_000;

/// A field a pattern letter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    NanoOfSecond,
    NanoOfDay,
    MilliOfDay,
    SecondOfMinute,
    MinuteOfHour,
    HourOfAmPm,
    ClockHourOfAmPm,
    HourOfDay,
    ClockHourOfDay,
    AmPmOfDay,
    DayOfWeek,
    AlignedWeekOfMonth,
    DayOfMonth,
    DayOfYear,
    ModifiedJulianDay,
    MonthOfYear,
    QuarterOfYear,
    YearOfEra,
    Year,
    Era,
    WeekBasedYear,
    WeekOfWeekBasedYear,
    WeekOfMonth,
    LocalizedDayOfWeek,
}

pub(super) const FIELDS: usize = Field::LocalizedDayOfWeek as usize + 1;

impl Field {
    /// Smallest and largest value.
    pub(super) fn range(self) -> (i64, i64) {
        match self {
            Self::NanoOfSecond => (0, 999_999_999),
            Self::NanoOfDay => (0, DAY_NANOS - 1),
            Self::MilliOfDay => (0, 86_399_999),
            Self::SecondOfMinute | Self::MinuteOfHour => (0, 59),
            Self::HourOfAmPm => (0, 11),
            Self::ClockHourOfAmPm => (1, 12),
            Self::HourOfDay => (0, 23),
            Self::ClockHourOfDay => (1, 24),
            Self::AmPmOfDay | Self::Era => (0, 1),
            Self::DayOfWeek | Self::LocalizedDayOfWeek => (1, 7),
            Self::AlignedWeekOfMonth => (1, 5),
            Self::DayOfMonth => (1, 31),
            Self::DayOfYear => (1, 366),
            Self::MonthOfYear => (1, 12),
            Self::QuarterOfYear => (1, 4),
            Self::YearOfEra => (1, 999_999_999),
            Self::Year | Self::WeekBasedYear | Self::ModifiedJulianDay => (-999_999_999, 999_999_999),
            Self::WeekOfWeekBasedYear => (1, 53),
            Self::WeekOfMonth => (0, 6),
        }
    }

    /// The value, if it can be one of this field.
    pub(super) fn check(self, value: i64) -> Result<i64, String> {
        let (low, high) = self.range();
        if (low..=high).contains(&value) {
            Ok(value)
        } else {
            Err(format!("Invalid value for {self:?} (valid values {low} - {high}): {value}"))
        }
    }

    pub(super) fn is_of_time(self) -> bool {
        (self as usize) <= Self::AmPmOfDay as usize
    }
}

pub(super) fn time_field(nano_of_day: i64, field: Field) -> Option<i64> {
    let second = nano_of_day / 1_000_000_000;
    let hour = second / 3600;
    Some(match field {
        Field::NanoOfSecond => nano_of_day % 1_000_000_000,
        Field::NanoOfDay => nano_of_day,
        Field::MilliOfDay => nano_of_day / 1_000_000,
        Field::SecondOfMinute => second % 60,
        Field::MinuteOfHour => second / 60 % 60,
        Field::HourOfAmPm => hour % 12,
        Field::ClockHourOfAmPm => (hour + 11) % 12 + 1,
        Field::HourOfDay => hour,
        Field::ClockHourOfDay => (hour + 23) % 24 + 1,
        Field::AmPmOfDay => hour / 12,
        _ => return None,
    })
}

pub(super) fn date_field(days: i64, field: Field) -> i64 {
    let (year, month, day) = civil(days);
    let (month, day) = (i64::from(month), i64::from(day));
    match field {
        Field::DayOfWeek => day_of_week(days),
        Field::AlignedWeekOfMonth => (day - 1) / 7 + 1,
        Field::DayOfMonth => day,
        Field::DayOfYear => day_of_year(days, year),
        Field::ModifiedJulianDay => days + 40_587,
        Field::MonthOfYear => month,
        Field::QuarterOfYear => (month - 1) / 3 + 1,
        Field::YearOfEra => {
            if year > 0 {
                year
            } else {
                1 - year
            }
        }
        Field::Era => i64::from(year > 0),
        Field::LocalizedDayOfWeek => localized_day_of_week(days),
        Field::WeekOfMonth => week(day, localized_day_of_week(days)),
        Field::WeekBasedYear => week_of_year(days, year).0,
        Field::WeekOfWeekBasedYear => week_of_year(days, year).1,
        _ => year,
    }
}

/// Monday is 1.
pub(super) fn day_of_week(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// Sunday is 1: weeks are those of the United States, as Java has them for English.
fn localized_day_of_week(days: i64) -> i64 {
    day_of_week(days) % 7 + 1
}

fn day_of_year(days: i64, year: i64) -> i64 {
    days - days_from_civil(year, 1, 1).unwrap_or(days) + 1
}

/// Number of the week a day lies in, if the day 1 begins week 1 whatever day of the week it is.
fn week(day: i64, day_of_week: i64) -> i64 {
    let start = (day - day_of_week).rem_euclid(7);
    let offset = if start > 0 { 7 - start } else { 0 };
    (7 + offset + day - 1) / 7
}

/// The week-based year and the week in it.
fn week_of_year(days: i64, year: i64) -> (i64, i64) {
    let day = day_of_year(days, year);
    let own = week(day, localized_day_of_week(days));
    let next = days_from_civil(year + 1, 1, 1).unwrap_or(days);
    let first_of_next = next - (localized_day_of_week(next) - 1);
    if days >= first_of_next { (year + 1, 1) } else { (year, own) }
}

/// All of them.
pub(super) const ALL: [Field; FIELDS] = [
    Field::NanoOfSecond,
    Field::NanoOfDay,
    Field::MilliOfDay,
    Field::SecondOfMinute,
    Field::MinuteOfHour,
    Field::HourOfAmPm,
    Field::ClockHourOfAmPm,
    Field::HourOfDay,
    Field::ClockHourOfDay,
    Field::AmPmOfDay,
    Field::DayOfWeek,
    Field::AlignedWeekOfMonth,
    Field::DayOfMonth,
    Field::DayOfYear,
    Field::ModifiedJulianDay,
    Field::MonthOfYear,
    Field::QuarterOfYear,
    Field::YearOfEra,
    Field::Year,
    Field::Era,
    Field::WeekBasedYear,
    Field::WeekOfWeekBasedYear,
    Field::WeekOfMonth,
    Field::LocalizedDayOfWeek,
];
