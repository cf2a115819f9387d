//! What is counted as it happens. So far only what has a limit is: pull queries and statements by the second, bytes of
//! answers by the hour.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// What an engine counts.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Pull queries.
    pub(crate) pull_queries: Rate,
    /// Statements that change what exists.
    pub(crate) statements: Rate,
    /// Bytes of answers to pull queries.
    pub(crate) pulled: Bandwidth,
    /// Bytes of rows of shared push queries.
    pub(crate) pushed: Bandwidth,
}

impl Counters {
    /// With so many pull queries and statements a second.
    pub(crate) fn new(pull_queries: f64, statements: f64, now_ms: i64) -> Self {
        Self {
            pull_queries: Rate::new(pull_queries, now_ms),
            statements: Rate::new(statements, now_ms),
            pulled: Bandwidth::default(),
            pushed: Bandwidth::default(),
        }
    }
}

/// As often as this (ksqlDB's defaults) is no limit: a clock that stands still or goes back must not make it one.
const UNLIMITED: f64 = i32::MAX as f64;

/// How often something may happen. What was not used of the last second may be used at once, and who takes much is let
/// through while those who come after pay for it.
#[derive(Debug)]
pub struct Rate {
    per_second: f64,
    state: Mutex<Permits>,
}

#[derive(Debug)]
struct Permits {
    stored: f64,
    /// From when on there are new ones, milliseconds.
    next_ms: f64,
    /// The latest time that was seen.
    seen_ms: f64,
}

impl Rate {
    /// So many a second from now on.
    pub fn new(per_second: f64, now_ms: i64) -> Self {
        Self { per_second, state: Mutex::new(Permits { stored: 0.0, next_ms: now_ms as f64, seen_ms: now_ms as f64 }) }
    }

    /// Whether `many` may happen now; they count if so.
    pub fn take(&self, many: usize, now_ms: i64) -> bool {
        if self.per_second >= UNLIMITED {
            return true;
        }
        let (many, now_ms) = (many as f64, now_ms as f64);
        let mut permits = self.state.lock();
        if now_ms < permits.seen_ms {
            // The clock was set back.
            permits.next_ms -= permits.seen_ms - now_ms;
        }
        permits.seen_ms = now_ms;
        if permits.next_ms > now_ms {
            return false;
        }
        let new = (now_ms - permits.next_ms) / 1000.0 * self.per_second;
        permits.stored = (permits.stored + new).min(self.per_second);
        let at_once = many.min(permits.stored);
        permits.stored -= at_once;
        permits.next_ms = now_ms + (many - at_once) / self.per_second * 1000.0;
        true
    }
}

/// Bytes of answers in the last hour, by the minute.
#[derive(Debug, Default)]
pub(crate) struct Bandwidth(Mutex<VecDeque<(i64, u64)>>);

const HOUR: i64 = 60;

impl Bandwidth {
    /// Counts bytes.
    pub(crate) fn add(&self, bytes: usize, now_ms: i64) {
        let (mut minutes, minute) = (self.0.lock(), now_ms.div_euclid(60_000));
        follow(&mut minutes, minute);
        match minutes.back_mut() {
            Some((last, sum)) if *last >= minute => *sum = sum.saturating_add(bytes as u64),
            _ => minutes.push_back((minute, bytes as u64)),
        }
        while minutes.front().is_some_and(|(first, _)| *first <= minute - HOUR) {
            minutes.pop_front();
        }
    }

    /// How many there were in the last hour.
    pub(crate) fn in_last_hour(&self, now_ms: i64) -> u64 {
        let (mut minutes, now) = (self.0.lock(), now_ms.div_euclid(60_000));
        follow(&mut minutes, now);
        minutes.iter().filter(|(minute, _)| *minute > now - HOUR).fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }
}

/// What was counted grows old from now on if the clock was set back.
fn follow(minutes: &mut VecDeque<(i64, u64)>, now: i64) {
    let ahead = minutes.back().map_or(0, |(last, _)| last - now);
    if ahead > 0 {
        minutes.iter_mut().for_each(|(minute, _)| *minute -= ahead);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lets_so_many_through_and_what_was_saved_in_a_second() {
        let rate = Rate::new(2.0, 0);
        assert!(rate.take(1, 0) && !rate.take(1, 499), "the next one comes after half a second");
        assert!(rate.take(1, 500));
        assert!(rate.take(1, 60_000) && rate.take(1, 60_000) && rate.take(1, 60_000), "two were saved");
        assert!(!rate.take(1, 60_000));
        assert!(rate.take(10, 61_000), "a large request goes through at once");
        assert!(!rate.take(1, 64_000) && rate.take(1, 66_000), "and those after it wait");
        assert!(rate.take(1, 1_000), "a clock that is set back does not stop it");
        assert!(!rate.take(1, 1_400) && rate.take(1, 1_500));
    }

    #[test]
    fn without_a_limit_the_clock_does_not_matter() {
        for per_second in [f64::MAX, f64::from(i32::MAX)] {
            let rate = Rate::new(per_second, 5);
            assert!((0..10).all(|_| rate.take(3, 0)), "{per_second} a second");
        }
    }

    #[test]
    fn bytes_count_for_an_hour() {
        let bandwidth = Bandwidth::default();
        bandwidth.add(5, 0);
        bandwidth.add(6, 30 * 60_000);
        assert_eq!(bandwidth.in_last_hour(59 * 60_000), 11);
        assert_eq!(bandwidth.in_last_hour(60 * 60_000), 6);
        bandwidth.add(1, 89 * 60_000);
        assert_eq!(bandwidth.in_last_hour(89 * 60_000), 7);
        bandwidth.add(1, 95 * 60_000);
        assert_eq!(bandwidth.in_last_hour(95 * 60_000), 2);
        assert_eq!(bandwidth.in_last_hour(20 * 60_000), 2, "the clock is set back");
        assert_eq!(bandwidth.in_last_hour(81 * 60_000), 0, "and an hour is still an hour");
    }
}
