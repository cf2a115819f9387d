//! The values of fields at a moment, and those that a text gave.

use super::field::{ALL, FIELDS, Field, date_field, time_field};
use super::zone::Zone;

/// What is to be written: a date, a time of day, or both in a zone.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    /// Days since the epoch.
    pub(super) date: Option<i64>,
    pub(super) nano_of_day: Option<i64>,
    /// Zone, its offset then, and the instant in seconds.
    pub(super) zone: Option<(&'a Zone, i32, i64)>,
}

impl Moment<'_> {
    pub(super) fn get(&self, field: Field) -> Result<i64, String> {
        let value = if field.is_of_time() {
            self.nano_of_day.and_then(|nano| time_field(nano, field))
        } else {
            self.date.map(|date| date_field(date, field))
        };
        value.ok_or_else(|| format!("Unsupported field: {field:?}"))
    }
}

/// What a text said.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    values: [Option<i64>; FIELDS],
    /// A zone or offset.
    pub(super) zone: Option<Zone>,
}

impl Fields {
    pub(super) fn get(&self, field: Field) -> Option<i64> {
        self.values.get(field as usize).copied().flatten()
    }

    pub(super) fn take(&mut self, field: Field) -> Option<i64> {
        self.values.get_mut(field as usize).and_then(Option::take)
    }

    /// `false` if the text already said something else.
    pub(super) fn set(&mut self, field: Field, value: i64) -> bool {
        self.values.get_mut(field as usize).is_some_and(|slot| *slot.get_or_insert(value) == value)
    }

    /// The fields that are there, with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Field, i64)> {
        ALL.iter().filter_map(|field| Some((*field, self.get(*field)?)))
    }

    /// The time fields, or the date fields, that are there.
    pub(super) fn of_time(&self, time: bool) -> impl Iterator<Item = (Field, i64)> {
        self.iter().filter(move |(field, _)| field.is_of_time() == time)
    }
}
