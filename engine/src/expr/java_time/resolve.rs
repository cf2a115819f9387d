//! Fields → date, time, instant: Java's "smart" resolution.

use super::field::{DAY_NANOS, DAY_SECONDS, Field, date_field, day_of_week, time_field};
use super::moment::Fields;
use super::zone::Zone;
use crate::types::text::{civil, days_from_civil};

/// The date and time fields make up.
#[derive(Debug)]
pub(super) struct Resolved {
    /// Days since the epoch.
    pub(super) date: Option<i64>,
    pub(super) nano_of_day: Option<i64>,
    /// What is left: the fields of an incomplete date or time.
    pub(super) rest: Fields,
}

pub(super) fn resolve(mut fields: Fields) -> Result<Resolved, String> {
    let date = resolve_date(&mut fields)?;
    let time = resolve_time(&mut fields)?;
    if let Some(date) = date {
        for (field, value) in fields.of_time(false) {
            agree(field, value, date_field(date, field))?;
        }
    }
    if let Some((nano, _)) = time {
        for (field, value) in fields.of_time(true) {
            agree(field, value, time_field(nano, field).unwrap_or(value))?;
        }
    }
    // Hour 24 is midnight of the next day.
    let excess = time.map_or(0, |(_, excess)| excess);
    Ok(Resolved { date: date.map(|date| date + excess), nano_of_day: time.map(|(nano, _)| nano), rest: fields })
}

fn agree(field: Field, said: i64, derived: i64) -> Result<(), String> {
    if said == derived {
        Ok(())
    } else {
        Err(format!(
            "Conflict found: Field {field:?} {said} differs from {field:?} {derived} derived from other fields"
        ))
    }
}

/// Adds a value that follows from others.
fn derive(fields: &mut Fields, field: Field, value: i64) -> Result<(), String> {
    let known = fields.get(field).unwrap_or(value);
    fields.set(field, value);
    agree(field, known, value)
}

/// The nanosecond of the day, and the days that hour 24 adds.
fn resolve_time(fields: &mut Fields) -> Result<Option<(i64, i64)>, String> {
    if let Some(hour) = fields.take(Field::ClockHourOfDay) {
        let hour = if hour == 0 { 0 } else { Field::ClockHourOfDay.check(hour)? };
        derive(fields, Field::HourOfDay, hour % 24)?;
    }
    if let Some(hour) = fields.take(Field::ClockHourOfAmPm) {
        let hour = if hour == 0 { 0 } else { Field::ClockHourOfAmPm.check(hour)? };
        derive(fields, Field::HourOfAmPm, hour % 12)?;
    }
    if let (Some(half), Some(hour)) = (fields.get(Field::AmPmOfDay), fields.get(Field::HourOfAmPm)) {
        derive(fields, Field::HourOfDay, half * 12 + Field::HourOfAmPm.check(hour)?)?;
        fields.take(Field::AmPmOfDay);
        fields.take(Field::HourOfAmPm);
    }
    for whole in [Field::NanoOfDay, Field::MilliOfDay] {
        if let Some(value) = fields.take(whole) {
            let nano = whole.check(value)? * if whole == Field::MilliOfDay { 1_000_000 } else { 1 };
            for part in [Field::HourOfDay, Field::MinuteOfHour, Field::SecondOfMinute, Field::NanoOfSecond] {
                derive(fields, part, time_field(nano, part).unwrap_or(0))?;
            }
        }
    }
    let parts = [Field::HourOfDay, Field::MinuteOfHour, Field::SecondOfMinute, Field::NanoOfSecond];
    let [hour, minute, second, nano] = parts.map(|part| fields.get(part));
    let hole = (minute.is_none() && (second.is_some() || nano.is_some())) || (second.is_none() && nano.is_some());
    if let Some(hour) = hour.filter(|_| !hole) {
        let (minute, second, nano) = (minute.unwrap_or(0), second.unwrap_or(0), nano.unwrap_or(0));
        let midnight = hour == 24 && minute == 0 && second == 0 && nano == 0;
        let hour = if midnight { 0 } else { Field::HourOfDay.check(hour)? };
        let (minute, second) = (Field::MinuteOfHour.check(minute)?, Field::SecondOfMinute.check(second)?);
        for part in parts {
            fields.take(part);
        }
        return Ok(Some((((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nano, i64::from(midnight))));
    }
    for (field, value) in fields.of_time(true) {
        field.check(value)?;
    }
    Ok(None)
}

fn resolve_date(fields: &mut Fields) -> Result<Option<i64>, String> {
    if let Some(day) = fields.take(Field::ModifiedJulianDay) {
        return Ok(Some(Field::ModifiedJulianDay.check(day)? - 40_587));
    }
    let era = fields.get(Field::Era);
    if let Some(year) = fields.take(Field::YearOfEra) {
        let year = Field::YearOfEra.check(year)?;
        let negative = era == Some(0) || fields.get(Field::Year).is_some_and(|year| year <= 0);
        derive(fields, Field::Year, if negative { 1 - year } else { year })?;
        fields.take(Field::Era);
    }
    let Some(year) = fields.get(Field::Year) else { return Ok(None) };
    let year = Field::Year.check(year)?;
    if let (Some(month), Some(day)) = (fields.get(Field::MonthOfYear), fields.get(Field::DayOfMonth)) {
        let month = Field::MonthOfYear.check(month)?;
        let day = Field::DayOfMonth.check(day)?;
        fields.take(Field::Year);
        fields.take(Field::MonthOfYear);
        fields.take(Field::DayOfMonth);
        return Ok(last_day_up_to(year, month, day));
    }
    if let Some(day) = fields.get(Field::DayOfYear) {
        let first = days_from_civil(year, 1, 1).unwrap_or(0);
        let date = first + Field::DayOfYear.check(day)? - 1;
        if civil(date).0 != year {
            return Err(format!("Invalid date 'DayOfYear 366' as '{year}' is not a leap year"));
        }
        fields.take(Field::Year);
        return Ok(Some(date));
    }
    Ok(None)
}

/// That day of the month, or the last one of the month if it has fewer.
fn last_day_up_to(year: i64, month: i64, day: i64) -> Option<i64> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    (1..=day).rev().take(4).find_map(|day| days_from_civil(year, month, day))
}

impl Resolved {
    /// Milliseconds since the epoch. What the text does not say is that of 1970-01-01T00:00 in `zone`.
    pub(super) fn timestamp(&self, zone: &Zone) -> Result<i64, String> {
        let zone = self.rest.zone.as_ref().unwrap_or(zone);
        let date = match self.date {
            Some(date) => date,
            None => self.partial_date()?,
        };
        let nano = match self.nano_of_day {
            Some(nano) => nano,
            None => self.partial_time(),
        };
        let local = date * DAY_SECONDS + nano / 1_000_000_000;
        let millis = zone.instant_of(local).checked_mul(1000);
        let millis = millis.and_then(|millis| millis.checked_add(nano % 1_000_000_000 / 1_000_000));
        millis.ok_or_else(|| "the timestamp is out of range".to_owned())
    }

    /// Days since the epoch; an error unless the text says a whole date.
    pub(super) fn whole_date(&self) -> Result<i64, String> {
        self.date.ok_or_else(|| "Unable to obtain LocalDate from text".to_owned())
    }

    /// Nanoseconds of the day; an error unless the text says a time and nothing of a date.
    pub(super) fn only_time(&self) -> Result<i64, String> {
        if self.date.is_some() || self.rest.of_time(false).next().is_some() {
            return Err("Time format contains date field.".to_owned());
        }
        self.nano_of_day.ok_or_else(|| "Unable to obtain LocalTime from text".to_owned())
    }

    /// The fields of a date one after the other, on 1970-01-01.
    fn partial_date(&self) -> Result<i64, String> {
        let mut date = 0;
        for (field, value) in self.rest.of_time(false) {
            let (year, month, day) = civil(date);
            let (month, day) = (i64::from(month), i64::from(day));
            let moved = match field {
                Field::DayOfWeek => Some(date + field.check(value)? - day_of_week(date)),
                Field::AlignedWeekOfMonth => Some(date + (field.check(value)? - date_field(date, field)) * 7),
                Field::DayOfMonth => last_day_up_to(year, month, field.check(value)?),
                Field::DayOfYear if value == 366 => {
                    return Err("Leap day cannot be parsed without supplying the year field".to_owned());
                }
                Field::DayOfYear => {
                    let day = field.check(value)?;
                    days_from_civil(year, 1, 1).map(|first| first + day - 1)
                }
                Field::MonthOfYear => last_day_up_to(year, field.check(value)?, day),
                Field::Year => last_day_up_to(field.check(value)?, month, day),
                _ => Some(date),
            };
            date = moved.ok_or_else(|| format!("Invalid value for {field:?}: {value}"))?;
        }
        Ok(date)
    }

    /// The fields of a time one after the other, on 00:00.
    fn partial_time(&self) -> i64 {
        let mut nano = 0;
        for (field, value) in self.rest.of_time(true) {
            let unit = match field {
                Field::NanoOfSecond => 1,
                Field::SecondOfMinute => 1_000_000_000,
                Field::MinuteOfHour => 60_000_000_000,
                Field::HourOfAmPm | Field::HourOfDay => 3_600_000_000_000,
                Field::AmPmOfDay => DAY_NANOS / 2,
                _ => 0,
            };
            nano += (value - time_field(nano, field).unwrap_or(value)) * unit;
        }
        nano
    }
}
