//! WINDOW (…), WITHIN … and the durations in them.

use super::{Parser, Result, expr::time_unit};
use crate::{
    Interval, WindowKind, Within,
    tokens::{Kind, Token},
};

/// What stands behind a window.
const FOLLOWS: &[&str] = &[";", "WHERE", "GROUP", "PARTITION", "HAVING", "EMIT", "LIMIT"];

/// As they are listed when one is missing.
const TIME_UNITS: &[&str] =
    &["DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS"];

impl Parser<'_> {
    /// `TUMBLING (…)`, `HOPPING (…)` or `SESSION (…)`, with its RETENTION and GRACE PERIOD. A window may be given a name,
    /// which means nothing.
    pub(super) fn window_clause(&mut self) -> Result<(WindowKind, Option<Interval>, Option<Interval>)> {
        let is_named = self.peek().kind == Kind::Word;
        if is_named {
            self.advance();
        }
        let Kind::Keyword(word @ ("TUMBLING" | "HOPPING" | "SESSION")) = self.peek().kind else {
            let expected: &[&str] = &["TUMBLING", "HOPPING", "SESSION", "<IDENTIFIER>"];
            return Err(self.unexpected(if is_named { expected.get(..3).unwrap_or_default() } else { expected }));
        };
        self.advance();
        let starts_inside = |t: &Token| if word == "SESSION" { t.is_number() } else { t.is("SIZE") };
        self.expect_before("(", starts_inside)?;
        let kind = match word {
            "SESSION" => WindowKind::Session { gap: self.interval()? },
            "TUMBLING" => WindowKind::Tumbling { size: self.window_size()? },
            _ => {
                let size = self.window_size()?;
                self.expect_before(",", |t| t.is("ADVANCE"))?;
                self.expect_before("ADVANCE", |t| t.is("BY"))?;
                self.expect_before("BY", Token::is_number)?;
                WindowKind::Hopping { size, advance: self.interval()? }
            }
        };
        let retention = if self.eat_all(&[",", "RETENTION"]) { Some(self.interval()?) } else { None };
        let grace = if self.eat_all(&[",", "GRACE"]) { Some(self.grace_period()?) } else { None };
        self.expect_before(")", |t| grace.is_some() && FOLLOWS.iter().any(|word| t.is(word)))?;
        Ok((kind, retention, grace))
    }

    fn window_size(&mut self) -> Result<Interval> {
        self.expect_before("SIZE", Token::is_number)?;
        self.interval()
    }

    /// After GRACE.
    fn grace_period(&mut self) -> Result<Interval> {
        self.expect_before("PERIOD", Token::is_number)?;
        self.interval()
    }

    /// `WITHIN n unit` or `WITHIN (n unit, n unit)`, with its GRACE PERIOD.
    pub(super) fn within(&mut self) -> Result<Within> {
        self.advance();
        let (before, after) = if self.at("(") {
            self.advance();
            let before = self.interval()?;
            self.expect_before(",", Token::is_number)?;
            let after = self.interval()?;
            self.expect_before(")", |t| t.is("ON") || t.is("GRACE"))?;
            (before, after)
        } else {
            let both = self.interval()?;
            (both, both)
        };
        let grace = if self.at("GRACE") {
            self.advance();
            Some(self.grace_period()?)
        } else {
            None
        };
        Ok(Within { before, after, grace })
    }

    /// `n unit`
    pub(super) fn interval(&mut self) -> Result<Interval> {
        let amount = self.whole_number()?;
        let Some(unit) = time_unit(self.peek()) else {
            let follows = |t: &Token| [")", ",", "ON", "GRACE", ";"].iter().any(|word| t.is(word));
            return Err(self.unexpected_before(TIME_UNITS, follows));
        };
        self.advance();
        Ok(Interval { amount, unit })
    }
}
