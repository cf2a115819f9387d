//! Windows: the kinds there are, how they stand in keys, and those of GROUP BY: which a record belongs to, when they are
//! over, how long they are kept.

use serde::{Deserialize, Serialize};

use super::time::Time;

/// First millisecond of a window, and its end: of a time window exclusive, of a session the time of the last record.
pub type WindowBounds = (i64, i64);

/// The kinds of windows. The names are written in stored plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowKind {
    /// Windows separated by silence (a record exactly that late still belongs to the session).
    #[serde(rename = "SESSION")]
    Session,
    /// Overlapping windows.
    #[serde(rename = "HOPPING")]
    Hopping,
    /// Adjacent windows.
    #[serde(rename = "TUMBLING")]
    Tumbling,
}

/// A window as it stands in the keys of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyWindow {
    /// Which kind.
    pub kind: WindowKind,
    /// How long after its start a window ends. Without it the end stands in the key, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_ms: Option<i64>,
}

/// A window of GROUP BY, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Which kind.
    pub kind: WindowKind,
    /// Size of a time window, gap of a session.
    pub size_ms: i64,
    /// Distance between the starts of two time windows, at least 1; of sessions it is the gap.
    pub advance_ms: i64,
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
    /// All of them, in the order in which ksqlDB lists them.
    pub const ALL: [Self; 3] = [Self::Session, Self::Hopping, Self::Tumbling];

    /// As it is written in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "SESSION",
            Self::Hopping => "HOPPING",
            Self::Tumbling => "TUMBLING",
        }
    }

    /// The kind of that name, in upper case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its windows last as long as records come, and two of them may become one; the others have a size.
    pub fn is_session(self) -> bool {
        match self {
            Self::Session => true,
            Self::Hopping | Self::Tumbling => false,
        }
    }
}

impl Window {
    /// Of that kind and size, each the size after the one before, kept while records may come that are `grace_ms` late.
    pub fn new(kind: WindowKind, size_ms: i64, grace_ms: i64) -> Self {
        let retention_ms = size_ms.saturating_add(grace_ms);
        Self { kind, size_ms, advance_ms: size_ms.max(1), grace_ms, retention_ms }
    }

    /// As it stands in the keys of what is made.
    pub fn in_key(&self) -> KeyWindow {
        KeyWindow { kind: self.kind, size_ms: (!self.kind.is_session()).then_some(self.size_ms) }
    }

    /// How many windows a record belongs to, at most.
    pub fn windows_per_record(&self) -> i64 {
        let (size_ms, advance_ms) = (self.size_ms, self.advance_ms.max(1));
        size_ms / advance_ms + i64::from(size_ms % advance_ms > 0)
    }

    /// Starts of the time windows that hold `time`; none is negative. `None`: one of them has an end that is no time.
    pub fn starts(&self, time: i64) -> Option<Starts> {
        let (size_ms, advance_ms) = (self.size_ms, self.advance_ms.max(1));
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
        time >= 0 && Time(time).checked_add(self.size_ms).is_some()
    }

    /// Whether nothing can change the window any more when stream time is `now`.
    pub fn is_over(&self, window: WindowBounds, now: i64) -> bool {
        match self.kind.is_session() {
            true => window.1 < self.closing(now),
            false => window.1 <= self.closing(now),
        }
    }

    /// At stream time `now` time windows that end at or before this are over, and sessions whose last record is before.
    pub fn closing(&self, now: i64) -> i64 {
        let gap_ms = if self.kind.is_session() { self.size_ms } else { 0 };
        (Time(now) - gap_ms - self.grace_ms).0
    }

    /// How long a window is really kept: as long as it can change, at least. Time windows from their start, sessions from
    /// their end.
    pub fn kept_ms(&self) -> i64 {
        self.retention_ms.max(self.size_ms.saturating_add(self.grace_ms))
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
    use super::{KeyWindow, Window, WindowKind};

    const EXTREMES: [i64; 12] =
        [i64::MIN, i64::MIN + 1, -61, -1, 0, 1, 29, 30, 31, i64::MAX - 31, i64::MAX - 1, i64::MAX];

    #[test]
    fn a_record_belongs_to_the_windows_around_it() {
        let hopping = Window { advance_ms: 2, ..Window::new(WindowKind::Hopping, 5, 0) };
        let starts = |time| hopping.starts(time).map(|starts| starts.collect::<Vec<_>>());
        assert_eq!(starts(0), Some(vec![0]));
        assert_eq!(starts(4), Some(vec![0, 2, 4]));
        assert_eq!(starts(7), Some(vec![4, 6]));
        assert_eq!(starts(i64::MAX - 4), Some(vec![i64::MAX - 7, i64::MAX - 5]));
        assert_eq!((starts(i64::MAX), starts(i64::MAX - 3), starts(-1), starts(i64::MIN)), (None, None, None, None));
        assert_eq!(hopping.windows_per_record(), 3);
        let long = Window { size_ms: i64::MAX, ..hopping };
        assert_eq!(long.windows_per_record(), i64::MAX / 2 + 1);
    }

    /// Stored plans are read by every later release.
    #[test]
    fn windows_are_stored_by_stable_names() {
        let hopping = Window { advance_ms: 2, ..Window::new(WindowKind::Hopping, 5, 1) };
        let text = r#"{"kind":"HOPPING","size_ms":5,"advance_ms":2,"grace_ms":1,"retention_ms":6}"#;
        assert_eq!(serde_json::to_string(&hopping).unwrap(), text);
        assert_eq!(serde_json::from_str::<Window>(text).unwrap(), hopping);
        let session = KeyWindow { kind: WindowKind::Session, size_ms: None };
        for (window, text) in
            [(hopping.in_key(), r#"{"kind":"HOPPING","size_ms":5}"#), (session, r#"{"kind":"SESSION"}"#)]
        {
            assert_eq!(serde_json::to_string(&window).unwrap(), text);
            assert_eq!(serde_json::from_str::<KeyWindow>(text).unwrap(), window);
        }
    }

    /// Whatever the times and sizes: no arithmetic fails, and a record's windows hold it.
    #[test]
    fn extreme_times_and_sizes() {
        let sizes = EXTREMES.into_iter().filter(|size| *size > 0);
        for size_ms in sizes {
            for (kind, grace_ms) in
                WindowKind::ALL.into_iter().flat_map(|kind| [0, 30, i64::MAX].map(|grace| (kind, grace)))
            {
                let mut window = Window::new(kind, size_ms, grace_ms);
                window.advance_ms = window.advance_ms.min(i64::MAX / 2);
                for time in EXTREMES {
                    window.first_segment(time);
                    for start in window.starts(time).into_iter().flatten().take(3) {
                        assert!(start <= time && time < start + size_ms, "{start} does not hold {time}: {window:?}");
                        assert!(!window.is_over((start, start + size_ms), time));
                        assert!(window.segment(start) >= window.first_segment(time), "{window:?} at {time}");
                    }
                    if kind.is_session() && window.can_hold(time) {
                        assert!(!window.is_over((time, time), time), "{window:?} at {time}");
                    }
                }
            }
        }
    }
}
