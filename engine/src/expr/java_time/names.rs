//! English names of months, days, eras and zones, as Java has them.

use super::field::Field;

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Short,
    Full,
    Narrow,
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
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];
const SHORT_QUARTERS: [&str; 4] = ["Q1", "Q2", "Q3", "Q4"];
const NARROW_QUARTERS: [&str; 4] = ["1", "2", "3", "4"];
const ERAS: [&str; 2] = ["Before Christ", "Anno Domini"];
const SHORT_ERAS: [&str; 2] = ["BC", "AD"];
const HALVES: [&str; 2] = ["AM", "PM"];
const NARROW_HALVES: [&str; 2] = ["a", "p"];

/// Names of a field's values, the smallest first; how many letters of each count.
fn names(field: Field, style: Style) -> (&'static [&'static str], usize) {
    const ALL: usize = usize::MAX;
    let letters = match style {
        Style::Short => 3,
        Style::Full => ALL,
        Style::Narrow => 1,
    };
    match (field, style) {
        (Field::MonthOfYear, _) => (&MONTHS, letters),
        (Field::DayOfWeek, _) => (&DAYS, letters),
        (Field::QuarterOfYear, Style::Short) => (&SHORT_QUARTERS, ALL),
        (Field::QuarterOfYear, Style::Full) => (&QUARTERS, ALL),
        (Field::QuarterOfYear, Style::Narrow) => (&NARROW_QUARTERS, ALL),
        (Field::Era, Style::Short) => (&SHORT_ERAS, ALL),
        (Field::Era, _) => (&ERAS, letters),
        (Field::AmPmOfDay, Style::Narrow) => (&NARROW_HALVES, ALL),
        (Field::AmPmOfDay, _) => (&HALVES, ALL),
        _ => (&[], ALL),
    }
}

fn cut(name: &'static str, letters: usize) -> &'static str {
    name.get(..letters.min(name.len())).unwrap_or(name)
}

/// The name of a value.
pub(super) fn name(field: Field, style: Style, value: i64) -> Option<&'static str> {
    let (names, letters) = names(field, style);
    let at = usize::try_from(value - field.range().0).ok()?;
    names.get(at).map(|name| cut(name, letters))
}

/// The value whose name `text` begins with, and the length of the name; the longest name counts.
pub(super) fn read(field: Field, style: Style, text: &str, ignore_case: bool) -> Option<(i64, usize)> {
    let (names, letters) = names(field, style);
    // The narrow names of months and days are not unique: no text stands for one of them.
    if style == Style::Narrow && matches!(field, Field::MonthOfYear | Field::DayOfWeek) {
        return None;
    }
    let (at, length) = names
        .iter()
        .map(|name| cut(name, letters))
        .enumerate()
        .filter(|(_, name)| begins(text, name, ignore_case))
        .map(|(at, name)| (at, name.len()))
        .max_by_key(|(_, length)| *length)?;
    Some((at as i64 + field.range().0, length))
}

/// Whether a text begins with a word.
pub(super) fn begins(text: &str, word: &str, ignore_case: bool) -> bool {
    text.get(..word.len()).is_some_and(|head| if ignore_case { head.eq_ignore_ascii_case(word) } else { head == word })
}

/// Short and long names of zones in winter and in summer, and the zone a short name stands for when it is read.
const ZONES: &[(&str, &str, &str, &str, &str)] = &[
    ("PST", "Pacific Standard Time", "PDT", "Pacific Daylight Time", "America/Los_Angeles"),
    ("MST", "Mountain Standard Time", "MDT", "Mountain Daylight Time", "America/Denver"),
    ("CST", "Central Standard Time", "CDT", "Central Daylight Time", "America/Chicago"),
    ("EST", "Eastern Standard Time", "EDT", "Eastern Daylight Time", "America/New_York"),
    ("AST", "Atlantic Standard Time", "ADT", "Atlantic Daylight Time", "America/Halifax"),
    ("NST", "Newfoundland Standard Time", "NDT", "Newfoundland Daylight Time", "America/St_Johns"),
    ("AKST", "Alaska Standard Time", "AKDT", "Alaska Daylight Time", "America/Anchorage"),
    ("HST", "Hawaii-Aleutian Standard Time", "HDT", "Hawaii-Aleutian Daylight Time", "Pacific/Honolulu"),
    ("GMT", "Greenwich Mean Time", "BST", "British Summer Time", "Europe/London"),
    ("WET", "Western European Standard Time", "WEST", "Western European Summer Time", "Europe/Lisbon"),
    ("CET", "Central European Standard Time", "CEST", "Central European Summer Time", "Europe/Paris"),
    ("EET", "Eastern European Standard Time", "EEST", "Eastern European Summer Time", "Europe/Bucharest"),
    ("MSK", "Moscow Standard Time", "MSD", "Moscow Summer Time", "Europe/Moscow"),
    ("IST", "India Standard Time", "IDT", "Israel Daylight Time", "Asia/Kolkata"),
    ("JST", "Japan Standard Time", "JDT", "Japan Daylight Time", "Asia/Tokyo"),
    ("KST", "Korean Standard Time", "KDT", "Korean Daylight Time", "Asia/Seoul"),
    ("HKT", "Hong Kong Standard Time", "HKST", "Hong Kong Summer Time", "Asia/Hong_Kong"),
    ("PKT", "Pakistan Standard Time", "PKST", "Pakistan Summer Time", "Asia/Karachi"),
    ("WIB", "Western Indonesia Time", "WIB", "Western Indonesia Time", "Asia/Jakarta"),
    ("AWST", "Australian Western Standard Time", "AWDT", "Australian Western Daylight Time", "Australia/Perth"),
    ("ACST", "Australian Central Standard Time", "ACDT", "Australian Central Daylight Time", "Australia/Adelaide"),
    ("AEST", "Australian Eastern Standard Time", "AEDT", "Australian Eastern Daylight Time", "Australia/Sydney"),
    ("NZST", "New Zealand Standard Time", "NZDT", "New Zealand Daylight Time", "Pacific/Auckland"),
    ("SAST", "South Africa Standard Time", "SAST", "South Africa Standard Time", "Africa/Johannesburg"),
    ("EAT", "East Africa Time", "EAT", "East Africa Time", "Africa/Nairobi"),
    ("CAT", "Central Africa Time", "CAT", "Central Africa Time", "Africa/Maputo"),
    ("WAT", "West Africa Standard Time", "WAST", "West Africa Summer Time", "Africa/Lagos"),
];

/// The zone database names these zones by their offset only.
const NAMELESS: &[(&str, &str, &str)] = &[
    ("America/Argentina/Buenos_Aires", "ART", "Argentina Standard Time"),
    ("America/Buenos_Aires", "ART", "Argentina Standard Time"),
    ("America/Bogota", "COT", "Colombia Standard Time"),
    ("America/Caracas", "VET", "Venezuela Time"),
    ("America/Lima", "PET", "Peru Standard Time"),
    ("America/Sao_Paulo", "BRT", "Brasilia Standard Time"),
    ("Asia/Dubai", "GST", "Gulf Standard Time"),
    ("Asia/Singapore", "SGT", "Singapore Standard Time"),
    ("Asia/Bangkok", "ICT", "Indochina Time"),
    ("Asia/Ho_Chi_Minh", "ICT", "Indochina Time"),
    ("Asia/Kathmandu", "NPT", "Nepal Time"),
    ("Asia/Dhaka", "BDT", "Bangladesh Standard Time"),
    ("Asia/Riyadh", "AST", "Arabian Standard Time"),
];

/// The name of a zone, from what the zone database calls it (`PDT`).
pub(super) fn zone<'a>(id: &str, abbreviation: &'a str, full: bool) -> Option<&'a str> {
    if abbreviation.starts_with(['+', '-']) {
        let (_, short, long) = NAMELESS.iter().find(|(zone, ..)| *zone == id)?;
        return Some(if full { *long } else { *short });
    }
    if !full {
        return Some(abbreviation);
    }
    match (abbreviation, id) {
        ("UTC", _) => Some("Coordinated Universal Time"),
        ("CST", id) if id.starts_with("Asia/") || id == "PRC" => Some("China Standard Time"),
        ("IST", "Asia/Jerusalem" | "Asia/Tel_Aviv" | "Israel") => Some("Israel Standard Time"),
        ("IST", "Europe/Dublin" | "Eire") => Some("Irish Standard Time"),
        (short, _) => ZONES.iter().find_map(|(winter, winter_long, summer, summer_long, _)| {
            if *winter == short { Some(*winter_long) } else { (*summer == short).then_some(*summer_long) }
        }),
    }
}

/// The zone a text begins with the name of, and the length of the name; the longest name counts.
pub(super) fn read_zone(text: &str, full: bool, ignore_case: bool) -> Option<(&'static str, usize)> {
    ZONES
        .iter()
        .flat_map(|(winter, winter_long, summer, summer_long, id)| {
            let names = if full { [*winter_long, *summer_long] } else { [*winter, *summer] };
            names.map(|name| (*id, name))
        })
        .filter(|(_, name)| begins(text, name, ignore_case))
        .map(|(id, name)| (id, name.len()))
        .max_by_key(|(_, length)| *length)
}
