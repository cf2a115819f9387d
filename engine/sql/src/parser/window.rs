//! WINDOW (…), WITHIN … and the durations in them.

use super::{Parser, Result, expr::time_unit};
use crate::{
    Interval, WindowKind, Within,
    tokens::{Kind, Token},
};

impl Parser<'_> {
    /// `TUMBLING (…)`, `HOPPING (…)` or `SESSION (…)`, with its RETENTION and GRACE PERIOD. A window may be given a name,
    /// which means nothing.
    pub(super) fn window_clause(&mut self) -> Result<(WindowKind, Option<Interval>, Option<Interval>)> {
        if self.peek().kind == Kind::Word {
            self.advance();
        }
        let Kind::Keyword(word @ ("TUMBLING" | "HOPPING" | "SESSION")) = self.peek().kind else {
            return Err(self.unexpected(&["TUMBLING", "HOPPING", "SESSION"]));
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
        self.expect(")")?;
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
            return Err(self.unexpected_open("time unit", |t| time_unit(*t).is_some()));
        };
        self.advance();
        Ok(Interval { amount, unit })
    }
}
