//! Items → text.

use std::fmt::Write;

use super::field::Field;
use super::moment::Moment;
use super::names;
use super::pattern::{Form, Item, Number, OffsetShape, Presence, Sign};

/// Appends a moment; an error if it has no value for a field of the pattern.
pub(super) fn write(items: &[Item], moment: &Moment<'_>, out: &mut String) -> Result<(), String> {
    items.iter().try_for_each(|item| write_item(item, moment, out))
}

fn write_item(item: &Item, moment: &Moment<'_>, out: &mut String) -> Result<(), String> {
    match item {
        Item::Literal(text) => out.push_str(text),
        Item::Number(number) => write_number(number, moment.get(number.field)?, out)?,
        Item::Text(field, style) => {
            let value = moment.get(*field)?;
            match names::name(*field, *style, value) {
                Some(name) => out.push_str(name),
                None => drop(write!(out, "{value}")),
            }
        }
        Item::Offset(shape, utc) => write_offset(zone(moment)?.1, *shape, utc, out),
        Item::LocalizedOffset { full } => write_localized(zone(moment)?.1, *full, out),
        Item::ZoneId => zone(moment)?.0.write_id(out),
        Item::ZoneName { full } => {
            let (zone, _, instant) = zone(moment)?;
            zone.write_name(instant, *full, out);
        }
        Item::Optional(items) => {
            let start = out.len();
            if write(items, moment, out).is_err() {
                out.truncate(start);
            }
        }
        Item::Padded(width, item) => {
            let start = out.len();
            write_item(item, moment, out)?;
            let length = out.get(start..).map_or(0, |text| text.chars().count());
            if length > *width {
                return Err(format!("Cannot print as output of {length} characters exceeds pad width of {width}"));
            }
            (length..*width).for_each(|_| out.insert(start, ' '));
        }
    }
    Ok(())
}

fn zone<'a>(moment: &'a Moment<'_>) -> Result<(&'a super::Zone, i32, i64), String> {
    moment.zone.ok_or_else(|| "Unable to extract ZoneId from temporal".to_owned())
}

fn write_number(number: &Number, value: i64, out: &mut String) -> Result<(), String> {
    let refused = |field: Field| format!("Field {field:?} cannot be printed: {value}");
    match number.form {
        Form::TwoDigits => drop(write!(out, "{:02}", value.unsigned_abs() % 100)),
        Form::Fraction => {
            // The first digits of nine.
            let digits = value / 10_i64.pow(9 - number.min.min(9) as u32);
            let _ = write!(out, "{digits:0width$}", width = number.min);
        }
        Form::Plain => {
            let start = out.len();
            let _ = write!(out, "{:0width$}", value.unsigned_abs(), width = number.min);
            let digits = out.len() - start;
            match number.sign {
                _ if digits > number.max => return Err(refused(number.field)),
                Sign::Never if value < 0 => return Err(refused(number.field)),
                _ if value < 0 => out.insert(start, '-'),
                Sign::ExceedsPad if digits > number.min => out.insert(start, '+'),
                _ => {}
            }
        }
    }
    Ok(())
}

fn write_offset(offset: i32, shape: OffsetShape, utc: &str, out: &mut String) {
    if offset == 0 {
        return out.push_str(utc);
    }
    let total = offset.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    let start = out.len();
    let colon = if shape.colon { ":" } else { "" };
    let _ = write!(out, "{}{hours:02}", if offset < 0 { '-' } else { '+' });
    let with_seconds = shape.seconds == Presence::Optional && seconds != 0;
    if shape.minutes == Presence::Always || minutes != 0 || with_seconds {
        let _ = write!(out, "{colon}{minutes:02}");
    }
    if with_seconds {
        let _ = write!(out, "{colon}{seconds:02}");
    }
    if hours == 0 && minutes == 0 && !with_seconds {
        out.truncate(start);
        out.push_str(utc);
    }
}

fn write_localized(offset: i32, full: bool, out: &mut String) {
    out.push_str("GMT");
    let total = offset.unsigned_abs();
    if total == 0 {
        return;
    }
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    out.push(if offset < 0 { '-' } else { '+' });
    if full {
        let _ = write!(out, "{hours:02}:{minutes:02}");
    } else {
        let _ = write!(out, "{hours}");
        if minutes != 0 || seconds != 0 {
            let _ = write!(out, ":{minutes:02}");
        }
    }
    if seconds != 0 {
        let _ = write!(out, ":{seconds:02}");
    }
}
