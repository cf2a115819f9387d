//! Windows of GROUP BY: which a record belongs to, when they are over, how long they are kept.

use serde::{Deserialize, Serialize};

use super::time::Time;

/// First millisecond of a window, and its end: of a time window exclusive, of a session the time of the last record.
pub type WindowBounds = (i64, i64);

/// Kind and size of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WindowKind {
    /// Adjacent windows.
    Tumbling { size_ms: i64 },
    /// Overlapping windows.
    Hopping { size_ms: i64, advance_ms: i64 },
    /// Windows separated by silence (a record exactly that late still belongs to the session).
    Session { gap_ms: i64 },
}

/// A window of GROUP BY, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Which kind.
    pub kind: WindowKind,
    /// How late a record may be after the window's end.
    pub grace_ms: i64,
    /// How long a window is kept.
    pub retention_ms: i64,
}

/// Starts of the time windows a record belongs to, ascending.
#[derive(Debug, Clone)]
pub struct Starts {
    next: i64,
    left: i64,
    advance_ms: i64,
}

impl WindowKind {
    /// Size of a time window, gap of a session.
    pub fn size_ms(self) -> i64 {
        match self {
            Self::Tumbling { size_ms } | Self::Hopping { size_ms, .. } => size_ms,
            Self::Session { gap_ms } => gap_ms,
        }
    }

    /// Distance between the starts of two time windows.
    pub fn advance_ms(self) -> i64 {
        match self {
            Self::Hopping { advance_ms, .. } => advance_ms.max(1),
            Self::Tumbling { size_ms } => size_ms.max(1),
            Self::Session { gap_ms } => gap_ms.max(1),
        }
    }

    /// How many windows a record belongs to, at most.
    pub fn windows_per_record(self) -> i64 {
        let (size_ms, advance_ms) = (self.size_ms(), self.advance_ms());
        size_ms / advance_ms + i64::from(size_ms % advance_ms > 0)
    }
}

impl Window {
    /// Starts of the time windows that hold `time`; none is negative. `None`: one of them has an end that is no time.
    pub fn starts(&self, time: i64) -> Option<Starts> {
        let (size_ms, advance_ms) = (self.kind.size_ms(), self.kind.advance_ms());
        let last = time / advance_ms * advance_ms;
        if time < 0 || last.checked_add(size_ms).is_none() {
            return None;
        }
        if size_ms == advance_ms {
            return Some(Starts { next: last, left: 1, advance_ms });
        }
        let first = (Time(time) - (size_ms - advance_ms)).0.max(0) / advance_ms * advance_ms;
        Some(Starts { next: first, left: (last - first) / advance_ms + 1, advance_ms })
    }

    /// Whether a session may begin or end at `time`: a gap behind it there has to be a time.
    pub fn can_hold(&self, time: i64) -> bool {
        time >= 0 && Time(time).checked_add(self.kind.size_ms()).is_some()
    }

    /// Whether nothing can change the window any more when stream time is `now`.
    pub fn is_over(&self, window: WindowBounds, now: i64) -> bool {
        match self.kind {
            WindowKind::Session { .. } => window.1 < self.closing(now),
            _ => window.1 <= self.closing(now),
        }
    }

    /// At stream time `now` time windows that end at or before this are over, and sessions whose last record is before.
    pub fn closing(&self, now: i64) -> i64 {
        match self.kind {
            WindowKind::Session { gap_ms } => (Time(now) - gap_ms - self.grace_ms).0,
            _ => (Time(now) - self.grace_ms).0,
        }
    }

    /// How long a window is really kept: as long as it can change, at least. Time windows from their start, sessions from
    /// their end.
    pub fn kept_ms(&self) -> i64 {
        self.retention_ms.max(self.kind.size_ms().saturating_add(self.grace_ms))
    }

    /// The part of a store a window is in, by the start of a time window and the end of a session; parts are dropped
    /// whole.
    pub fn segment(&self, at: i64) -> i64 {
        Time(at).stretch(segment_ms(self.retention_ms))
    }

    /// At stream time `now` the parts before this one are dropped.
    pub fn first_segment(&self, now: i64) -> i64 {
        self.segment((Time(now) - self.kept_ms()).0)
    }
}

impl Iterator for Starts {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        if self.left == 0 {
            return None;
        }
        let start = self.next;
        self.left -= 1;
        self.next = start.saturating_add(self.advance_ms);
        Some(start)
    }
}

/// Length of the parts of a store with that retention: as in Kafka Streams half of it, at least a minute.
pub fn segment_ms(retention_ms: i64) -> i64 {
    (retention_ms / 2).max(60_000)
}

#[cfg(test)]
mod tests {
    use super::{Window, WindowKind};

    const EXTREMES: [i64; 12] =
        [i64::MIN, i64::MIN + 1, -61, -1, 0, 1, 29, 30, 31, i64::MAX - 31, i64::MAX - 1, i64::MAX];

    fn window(kind: WindowKind, grace_ms: i64) -> Window {
        Window { kind, grace_ms, retention_ms: kind.size_ms().saturating_add(grace_ms) }
    }

    #[test]
    fn a_record_belongs_to_the_windows_around_it() {
        let hopping = window(WindowKind::Hopping { size_ms: 5, advance_ms: 2 }, 0);
        let starts = |time| hopping.starts(time).map(|starts| starts.collect::<Vec<_>>());
        assert_eq!(starts(0), Some(vec![0]));
        assert_eq!(starts(4), Some(vec![0, 2, 4]));
        assert_eq!(starts(7), Some(vec![4, 6]));
        assert_eq!(starts(i64::MAX - 4), Some(vec![i64::MAX - 7, i64::MAX - 5]));
        assert_eq!((starts(i64::MAX), starts(i64::MAX - 3), starts(-1), starts(i64::MIN)), (None, None, None, None));
        assert_eq!(hopping.kind.windows_per_record(), 3);
        assert_eq!(WindowKind::Hopping { size_ms: i64::MAX, advance_ms: 2 }.windows_per_record(), i64::MAX / 2 + 1);
    }

    /// Whatever the times and sizes: no arithmetic fails, and a record's windows hold it.
    #[test]
    fn extreme_times_and_sizes() {
        let sizes = EXTREMES.into_iter().filter(|size| *size > 0);
        for size_ms in sizes {
            let kinds = [
                WindowKind::Tumbling { size_ms },
                WindowKind::Hopping { size_ms, advance_ms: size_ms.min(i64::MAX / 2) },
                WindowKind::Session { gap_ms: size_ms },
            ];
            for (kind, grace_ms) in kinds.into_iter().flat_map(|kind| [0, 30, i64::MAX].map(|grace| (kind, grace))) {
                let window = window(kind, grace_ms);
                for time in EXTREMES {
                    window.first_segment(time);
                    for start in window.starts(time).into_iter().flatten().take(3) {
                        assert!(start <= time && time < start + size_ms, "{start} does not hold {time}: {window:?}");
                        assert!(!window.is_over((start, start + size_ms), time));
                        assert!(window.segment(start) >= window.first_segment(time), "{window:?} at {time}");
                    }
                    if matches!(kind, WindowKind::Session { .. }) && window.can_hold(time) {
                        assert!(!window.is_over((time, time), time), "{window:?} at {time}");
                    }
                }
            }
        }
    }
}
