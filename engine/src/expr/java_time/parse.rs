//! Text → fields.

use super::moment::Fields;
use super::names::{self, begins};
use super::pattern::{Form, Item, Number, OffsetShape, Presence, Sign};
use super::zone::Zone;

/// Reads a whole text.
pub(super) fn read(items: &[Item], text: &str, ignore_case: bool) -> Result<Fields, String> {
    let mut fields = Fields::default();
    let end = Reader { text, ignore_case }
        .items(items, 0, &mut fields)
        .map_err(|at| format!("Text '{text}' could not be parsed at index {at}"))?;
    if end < text.len() {
        return Err(format!("Text '{text}' could not be parsed, unparsed text found at index {end}"));
    }
    Ok(fields)
}

/// Where reading goes on, or where it failed.
type Step = Result<usize, usize>;

struct Reader<'a> {
    text: &'a str,
    ignore_case: bool,
}

impl Reader<'_> {
    fn items(&self, items: &[Item], start: usize, fields: &mut Fields) -> Step {
        items.iter().try_fold(start, |at, item| self.item(item, at, fields))
    }

    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }

    fn item(&self, item: &Item, at: usize, fields: &mut Fields) -> Step {
        let rest = self.rest(at);
        match item {
            Item::Literal(text) if begins(rest, text, self.ignore_case) => Ok(at + text.len()),
            Item::Literal(_) => Err(at),
            Item::Number(number) => self.number(number, at, fields),
            Item::Text(field, style) => {
                let (value, length) = names::read(*field, *style, rest, self.ignore_case).ok_or(at)?;
                if fields.set(*field, value) { Ok(at + length) } else { Err(at) }
            }
            Item::Offset(shape, utc) => {
                let (offset, length) = if begins(rest, utc, self.ignore_case) {
                    (0, utc.len())
                } else {
                    read_offset(rest, *shape).ok_or(at)?
                };
                set_zone(fields, Zone::Offset(offset), at, length)
            }
            Item::LocalizedOffset { .. } => {
                let tail = begins(rest, "GMT", self.ignore_case).then(|| self.rest(at + 3)).ok_or(at)?;
                let (offset, length) = localized_offset(tail).ok_or(at)?;
                set_zone(fields, Zone::Offset(offset), at, 3 + length)
            }
            Item::ZoneId => {
                let (zone, length) = zone_id(rest).ok_or(at)?;
                set_zone(fields, zone, at, length)
            }
            Item::ZoneName { full } => {
                let by_id = zone_id(rest);
                let by_name = names::read_zone(rest, *full, self.ignore_case)
                    .and_then(|(id, length)| Some((Zone::of(id).ok()?, length)))
                    .filter(|(_, length)| {
                        by_id.as_ref().is_none_or(|(_, other)| length > other || is_short(rest, *other))
                    });
                let (zone, length) = by_name.or(by_id).ok_or(at)?;
                set_zone(fields, zone, at, length)
            }
            Item::Optional(items) => {
                let before = fields.clone();
                Ok(self.items(items, at, fields).unwrap_or_else(|_| {
                    *fields = before;
                    at
                }))
            }
            Item::Padded(width, item) => {
                let end = at + width;
                let cut = Reader { text: self.text.get(..end).ok_or(at)?, ignore_case: self.ignore_case };
                let blanks = cut.rest(at).len() - cut.rest(at).trim_start_matches(' ').len();
                match cut.item(item, at + blanks, fields)? {
                    reached if reached == end => Ok(end),
                    _ => Err(at),
                }
            }
        }
    }

    fn number(&self, number: &Number, start: usize, fields: &mut Fields) -> Step {
        let bytes = self.text.as_bytes();
        let sign = bytes.get(start).filter(|byte| matches!(byte, b'+' | b'-')).copied();
        let allowed = match (sign, number.sign) {
            (None, _) | (_, Sign::ExceedsPad) => true,
            (Some(sign), Sign::Normal) => sign == b'-',
            (Some(_), Sign::Never) => false,
        };
        if !allowed {
            return Err(start);
        }
        let first = start + usize::from(sign.is_some());
        let digits = bytes.iter().skip(first).take_while(|byte| byte.is_ascii_digit()).count();
        // The numbers that follow without anything between them get their digits first.
        let free = digits.min(number.max + number.reserved).saturating_sub(number.reserved);
        let length = if number.reserved > 0 { free.max(number.min) } else { free }.min(digits);
        if length < number.min {
            return Err(start);
        }
        let end = first + length;
        let mut value: i64 = self.text.get(first..end).and_then(|digits| digits.parse().ok()).ok_or(start)?;
        match (sign, number.sign) {
            (Some(b'-'), _) if value == 0 => return Err(start),
            (Some(b'-'), _) => value = -value,
            // A plus has to be there exactly if there are more digits than usual.
            (Some(_), Sign::ExceedsPad) if length <= number.min => return Err(start),
            (None, Sign::ExceedsPad) if length > number.min => return Err(start),
            _ => {}
        }
        match number.form {
            Form::Plain => {}
            Form::TwoDigits => value += 2000,
            Form::Fraction => value *= 10_i64.pow(9 - number.min.min(9) as u32),
        }
        if fields.set(number.field, value) { Ok(end) } else { Err(start) }
    }
}

fn set_zone(fields: &mut Fields, zone: Zone, at: usize, length: usize) -> Step {
    if fields.zone.as_ref().is_some_and(|known| *known != zone && !matches!(zone, Zone::Offset(_))) {
        // An offset and a zone in one text: the zone counts.
        fields.zone = None;
    }
    fields.zone.get_or_insert(zone);
    Ok(at + length)
}

/// Whether what was read as a zone's id is a short name such as `EST`, which means a region.
fn is_short(text: &str, length: usize) -> bool {
    matches!(text.get(..length), Some("EST" | "MST" | "HST" | "CET" | "EET" | "MET" | "WET"))
}

fn two_digits(text: &str) -> Option<i32> {
    let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// An offset of that shape at the beginning of a text: seconds, and how long it is.
fn read_offset(text: &str, shape: OffsetShape) -> Option<(i32, usize)> {
    let negative = text.starts_with('-');
    if !negative && !text.starts_with('+') {
        return None;
    }
    let mut total = two_digits(text.get(1..)?)? * 3600;
    let mut end = 3;
    for (presence, unit) in [(shape.minutes, 60), (shape.seconds, 1)] {
        if presence == Presence::Never {
            break;
        }
        let colon = usize::from(shape.colon);
        let separated = !shape.colon || text.get(end..)?.starts_with(':');
        match text.get(end + colon..).filter(|_| separated).and_then(two_digits) {
            Some(value) if value < 60 => {
                total += value * unit;
                end += colon + 2;
            }
            None if presence == Presence::Optional => break,
            _ => return None,
        }
    }
    (total <= 18 * 3600).then_some((if negative { -total } else { total }, end))
}

/// What may follow `GMT`: nothing, `+8`, `+08:00`, `+8:30:15`.
fn localized_offset(text: &str) -> Option<(i32, usize)> {
    let negative = text.starts_with('-');
    if !negative && !text.starts_with('+') {
        return Some((0, 0));
    }
    let digits = text.get(1..)?.bytes().take_while(u8::is_ascii_digit).count().min(2);
    let mut total: i32 = text.get(1..1 + digits)?.parse::<i32>().ok()? * 3600;
    let mut end = 1 + digits;
    for unit in [60, 1] {
        let Some(value) = text.get(end..)?.strip_prefix(':').and_then(two_digits).filter(|value| *value < 60) else {
            break;
        };
        total += value * unit;
        end += 3;
    }
    (total <= 18 * 3600).then_some((if negative { -total } else { total }, end))
}

/// No zone has a longer id.
pub(super) const LONGEST_ZONE_ID: usize = 48;

/// The longest beginning of a text that is the id of a zone.
fn zone_id(text: &str) -> Option<(Zone, usize)> {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_-+:~.".contains(byte);
    let longest = text.bytes().take(LONGEST_ZONE_ID).take_while(legal).count();
    (1..=longest).rev().find_map(|end| Some((Zone::of(text.get(..end)?).ok()?, end)))
}
