//! Points in time. Whoever writes a record says when it happened, so any number may stand for one: arithmetic stops at
//! the ends of what there is instead of beginning again at the other one.

use std::ops::{Add, Sub};

/// Milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time(pub i64);

impl Time {
    /// So many milliseconds later, if there is such a time.
    pub fn checked_add(self, ms: i64) -> Option<Self> {
        self.0.checked_add(ms).map(Self)
    }

    /// Which stretch of that many milliseconds it lies in, counted from the epoch.
    pub fn stretch(self, ms: i64) -> i64 {
        self.0.div_euclid(ms.max(1))
    }

    /// Where that stretch begins.
    pub fn floor(self, ms: i64) -> Self {
        Self(self.stretch(ms).saturating_mul(ms.max(1)))
    }

    /// The first beginning of a stretch that is not before it, if there is one.
    pub fn ceil(self, ms: i64) -> Option<Self> {
        let floor = self.stretch(ms).checked_mul(ms.max(1)).map(Self)?;
        if floor == self { Some(floor) } else { floor.checked_add(ms.max(1)) }
    }
}

impl Add<i64> for Time {
    type Output = Self;

    fn add(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl Sub<i64> for Time {
    type Output = Self;

    fn sub(self, ms: i64) -> Self {
        Self(self.0.saturating_sub(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Time(i64::MAX) + 1, Time(i64::MAX));
        assert_eq!(Time(i64::MIN) - 1, Time(i64::MIN));
        assert_eq!(Time(-5) - i64::MAX, Time(i64::MIN));
        assert_eq!((Time(i64::MAX).checked_add(1), Time(1).checked_add(1)), (None, Some(Time(2))));
    }

    #[test]
    fn stretches_begin_at_multiples() {
        let around = |time: i64| (Time(time).stretch(10), Time(time).floor(10), Time(time).ceil(10));
        assert_eq!(around(0), (0, Time(0), Some(Time(0))));
        assert_eq!(around(19), (1, Time(10), Some(Time(20))));
        assert_eq!(around(-1), (-1, Time(-10), Some(Time(0))));
        assert_eq!(Time(i64::MIN).floor(10), Time(i64::MIN));
        assert_eq!(Time(i64::MAX).ceil(10), None);
        assert_eq!(Time(7).floor(0), Time(7), "no stretch is shorter than a millisecond");
    }
}
