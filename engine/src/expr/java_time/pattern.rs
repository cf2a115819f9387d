//! Pattern letters → items to write or read one after the other.

use super::field::Field;
use super::names::Style;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Literal(String),
    Number(Number),
    Text(Field, Style),
    /// `X`, `x`, `Z`: the shape of an offset, and what stands for UTC.
    Offset(OffsetShape, &'static str),
    /// `GMT+8` or `GMT+08:00`
    LocalizedOffset {
        full: bool,
    },
    /// `Europe/Berlin`
    ZoneId,
    /// `CEST` or `Central European Summer Time`
    ZoneName {
        full: bool,
    },
    /// May be missing in a text; not written when a field is missing.
    Optional(Vec<Item>),
    /// Filled up with blanks on its left.
    Padded(usize, Box<Item>),
}

/// How a number is written and read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) field: Field,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) sign: Sign,
    pub(super) form: Form,
    /// Digits that belong to the numbers right after this one.
    pub(super) reserved: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// `-` before negative values.
    Normal,
    /// Also `+` before values with more digits than the minimum.
    ExceedsPad,
    /// There are no negative values.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// Two digits of a year from 2000 on.
    TwoDigits,
    /// The first digits of nine.
    Fraction,
}

/// Which parts an offset has, and how they are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffsetShape {
    pub(super) minutes: Presence,
    pub(super) seconds: Presence,
    pub(super) colon: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Never,
    /// If it is not zero.
    Optional,
    Always,
}

impl Number {
    fn new(field: Field, min: usize, max: usize, sign: Sign) -> Self {
        Self { field, min, max, sign, form: Form::Plain, reserved: 0 }
    }

    fn plain(field: Field, count: usize) -> Self {
        if count == 1 { Self::new(field, 1, 19, Sign::Normal) } else { Self::new(field, count, count, Sign::Never) }
    }

    fn is_fixed(&self) -> bool {
        self.min == self.max && self.sign == Sign::Never
    }
}

/// Optional sections may be nested this deep: patterns come from data, too.
const NESTED_MAX: usize = 64;

/// Reads a pattern; the error is Java's text.
pub(super) fn parse(pattern: &str) -> Result<Vec<Item>, String> {
    let mut builder = Builder { levels: vec![Level::default()], pattern };
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphabetic() {
            rest = builder.letters(c, rest)?;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\'' => rest = builder.quoted(rest)?,
            '[' => {
                if builder.levels.len() > NESTED_MAX {
                    return Err(format!("Pattern has more than {NESTED_MAX} optional sections within each other"));
                }
                builder.level().last_number = None;
                builder.levels.push(Level::default());
            }
            ']' => builder.close()?,
            '{' | '}' | '#' => return Err(format!("Pattern includes reserved character: '{c}'")),
            c => builder.literal(c.encode_utf8(&mut [0; 4])),
        }
    }
    while builder.levels.len() > 1 {
        builder.close()?;
    }
    Ok(builder.levels.pop().map(|level| level.items).unwrap_or_default())
}

/// The items of the pattern or of an optional section.
#[derive(Debug, Default)]
struct Level {
    items: Vec<Item>,
    /// Where the number stands that numbers of fixed width right after it take their digits from.
    last_number: Option<usize>,
}

struct Builder<'a> {
    levels: Vec<Level>,
    pattern: &'a str,
}

impl Builder<'_> {
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn push(&mut self, item: Item) {
        let level = self.level();
        level.last_number = None;
        level.items.push(item);
    }

    fn literal(&mut self, text: &str) {
        let level = self.level();
        level.last_number = None;
        if let Some(Item::Literal(before)) = level.items.last_mut() {
            before.push_str(text);
        } else {
            level.items.push(Item::Literal(text.to_owned()));
        }
    }

    /// Text after a quote up to the next single one; `''` is a quote.
    fn quoted<'t>(&mut self, text: &'t str) -> Result<&'t str, String> {
        let mut literal = String::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                literal.push(c);
            } else if chars.next_if(|(_, c)| *c == '\'').is_some() {
                literal.push('\'');
            } else {
                self.literal(if literal.is_empty() { "'" } else { &literal });
                return Ok(text.get(at + 1..).unwrap_or_default());
            }
        }
        Err(format!("Pattern ends with an incomplete string literal: {}", self.pattern))
    }

    fn close(&mut self) -> Result<(), String> {
        if self.levels.len() < 2 {
            return Err("Pattern invalid as it contains ] without previous [".to_owned());
        }
        let items = self.levels.pop().map(|level| level.items).unwrap_or_default();
        if !items.is_empty() {
            self.push(Item::Optional(items));
        }
        Ok(())
    }

    /// A run of one letter; answers what follows it.
    fn letters<'t>(&mut self, letter: char, text: &'t str) -> Result<&'t str, String> {
        let (count, rest) = run(text, letter);
        if letter != 'p' {
            match item(letter, count)? {
                Item::Number(number) => self.number(number),
                item => self.push(item),
            }
            return Ok(rest);
        }
        let Some(padded) = rest.chars().next().filter(char::is_ascii_alphabetic) else {
            return Err(format!("Pad letter 'p' must be followed by valid pad pattern: {}", self.pattern));
        };
        let (width, (count, rest)) = (count, run(rest, padded));
        self.push(Item::Padded(width, Box::new(item(padded, count)?)));
        Ok(rest)
    }

    /// In `yyyyMMdd` the year leaves four digits to month and day.
    fn number(&mut self, number: Number) {
        let level = self.level();
        if let Some(at) = level.last_number.filter(|_| number.is_fixed())
            && let Some(Item::Number(first)) = level.items.get_mut(at)
        {
            first.reserved += number.max;
            level.items.push(Item::Number(number));
        } else {
            level.items.push(Item::Number(number));
            level.last_number = Some(level.items.len() - 1);
        }
    }
}

fn run(text: &str, letter: char) -> (usize, &str) {
    let rest = text.trim_start_matches(letter);
    (text.len() - rest.len(), rest)
}

fn item(letter: char, count: usize) -> Result<Item, String> {
    let too_many = || Err(format!("Too many pattern letters: {letter}"));
    let number = |field, limit| if count <= limit { Ok(Item::Number(Number::plain(field, count))) } else { too_many() };
    match letter {
        'u' => year(Field::Year, count),
        'y' => year(Field::YearOfEra, count),
        'Y' => year(Field::WeekBasedYear, count),
        'M' | 'L' if count < 3 => number(Field::MonthOfYear, 2),
        'M' | 'L' => text(Field::MonthOfYear, letter, count - 2),
        'Q' | 'q' if count < 3 => number(Field::QuarterOfYear, 2),
        'Q' | 'q' => text(Field::QuarterOfYear, letter, count - 2),
        'e' if count < 3 => number(Field::LocalizedDayOfWeek, 2),
        'c' if count == 1 => number(Field::LocalizedDayOfWeek, 1),
        'c' if count == 2 => Err("Invalid pattern \"cc\"".to_owned()),
        'e' | 'c' => text(Field::DayOfWeek, letter, count - 2),
        'E' => text(Field::DayOfWeek, letter, count.saturating_sub(2).max(1)),
        'G' => text(Field::Era, letter, count.saturating_sub(2).max(1)),
        'a' if count == 1 => text(Field::AmPmOfDay, letter, 1),
        'd' => number(Field::DayOfMonth, 2),
        'D' if count == 1 => number(Field::DayOfYear, 1),
        'D' if count < 4 => Ok(Item::Number(Number::new(Field::DayOfYear, count, 3, Sign::Never))),
        'F' => number(Field::AlignedWeekOfMonth, 1),
        'w' => number(Field::WeekOfWeekBasedYear, 2),
        'W' => number(Field::WeekOfMonth, 1),
        'H' => number(Field::HourOfDay, 2),
        'k' => number(Field::ClockHourOfDay, 2),
        'K' => number(Field::HourOfAmPm, 2),
        'h' => number(Field::ClockHourOfAmPm, 2),
        'm' => number(Field::MinuteOfHour, 2),
        's' => number(Field::SecondOfMinute, 2),
        'S' if count <= 9 => {
            let number = Number::new(Field::NanoOfSecond, count, count, Sign::Never);
            Ok(Item::Number(Number { form: Form::Fraction, ..number }))
        }
        'S' => Err(format!("The minimum width must be from 0 to 9 inclusive but was {count}")),
        'A' => wide(Field::MilliOfDay, count, Sign::Never),
        'n' => wide(Field::NanoOfSecond, count, Sign::Never),
        'N' => wide(Field::NanoOfDay, count, Sign::Never),
        'g' => wide(Field::ModifiedJulianDay, count, Sign::Normal),
        'X' | 'x' | 'Z' | 'O' | 'z' | 'v' | 'V' => zone(letter, count),
        'D' | 'a' => too_many(),
        _ => Err(format!("Unknown pattern letter: {letter}")),
    }
}

fn wide(field: Field, count: usize, sign: Sign) -> Result<Item, String> {
    if count > 19 {
        return Err(format!("The minimum width must be from 1 to 19 inclusive but was {count}"));
    }
    Ok(Item::Number(Number::new(field, count, 19, sign)))
}

fn year(field: Field, count: usize) -> Result<Item, String> {
    match count {
        2 => Ok(Item::Number(Number { form: Form::TwoDigits, ..Number::new(field, 2, 2, Sign::Never) })),
        1 | 3 => wide(field, count, Sign::Normal),
        _ => wide(field, count, Sign::ExceedsPad),
    }
}

fn text(field: Field, letter: char, style: usize) -> Result<Item, String> {
    let style = match style {
        1 => Style::Short,
        2 => Style::Full,
        3 => Style::Narrow,
        _ => return Err(format!("Too many pattern letters: {letter}")),
    };
    Ok(Item::Text(field, style))
}

fn zone(letter: char, count: usize) -> Result<Item, String> {
    use Presence::{Always, Never, Optional};
    let offset = |minutes, seconds, colon, utc| Ok(Item::Offset(OffsetShape { minutes, seconds, colon }, utc));
    let shape = |utc: [&'static str; 3]| match count {
        1 => offset(Optional, Never, false, utc[0]),
        2 => offset(Always, Never, false, utc[1]),
        3 => offset(Always, Never, true, utc[2]),
        4 => offset(Always, Optional, false, utc[1]),
        _ => offset(Always, Optional, true, utc[2]),
    };
    match (letter, count) {
        ('X', ..=5) => shape(["Z"; 3]),
        ('x', ..=5) => shape(["+00", "+0000", "+00:00"]),
        ('Z', ..=3) => offset(Always, Never, false, "+0000"),
        ('Z', 5) => offset(Always, Optional, true, "Z"),
        ('O', 1) => Ok(Item::LocalizedOffset { full: false }),
        ('O' | 'Z', 4) => Ok(Item::LocalizedOffset { full: true }),
        ('O', _) => Err(format!("Pattern letter count must be 1 or 4: {letter}")),
        ('z', ..=4) => Ok(Item::ZoneName { full: count == 4 }),
        ('v', 1 | 4) => Ok(Item::ZoneName { full: count == 4 }),
        ('v', _) => Err(format!("Wrong number of pattern letters: {letter}")),
        ('V', 2) => Ok(Item::ZoneId),
        ('V', _) => Err(format!("Pattern letter count must be 2: {letter}")),
        _ => Err(format!("Too many pattern letters: {letter}")),
    }
}
