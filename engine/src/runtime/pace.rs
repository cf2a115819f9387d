//! How many rows a task takes at a time.

use std::time::Duration;

/// Bytes of rows a step should leave between its operators: what a step makes is in memory at once, in several forms.
const STEP_BYTES: usize = 4 << 20;
/// How long a step should take: others of the thread wait that long, and whoever ends the query.
const STEP_TIME: Duration = Duration::from_millis(250);
/// Rows of the first step, before anything is known of what comes of them.
const FIRST_ROWS: usize = 64;

/// The rows of the next step. They become fewer where much comes of little (long lists, joins with many matches, table
/// functions) or takes long (regular expressions), and more again, up to a limit, where it does not.
#[derive(Debug)]
pub(super) struct Pace {
    rows: usize,
    most: usize,
}

impl Pace {
    /// At most `most` rows a step, each of which may become `expansion` rows.
    pub(super) fn new(most: usize, expansion: usize) -> Self {
        Self { rows: (FIRST_ROWS / expansion.max(1)).clamp(1, most.max(1)), most }
    }

    /// Rows of the next step.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// A step of `taken` rows made that many bytes in that time.
    pub(super) fn made(&mut self, taken: usize, bytes: usize, took: Duration) {
        let fitting = (taken * STEP_BYTES).checked_div(bytes).unwrap_or(self.most);
        let in_time = (taken as u128 * STEP_TIME.as_micros()).checked_div(took.as_micros());
        let in_time = in_time.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(self.most);
        self.rows = fitting.min(in_time).min(self.rows * 2).clamp(1, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_get_shorter_when_they_make_much_and_longer_when_they_do_not() {
        let mut pace = Pace::new(1000, 1);
        let mut next = |taken, bytes| {
            pace.made(taken, bytes, Duration::ZERO);
            pace.rows()
        };
        assert_eq!(
            [next(64, 1000), next(128, 0), next(256, 10), next(512, 10), next(1000, 10)],
            [128, 256, 512, 1000, 1000]
        );
        assert_eq!(next(1000, 10 * STEP_BYTES), 100);
        assert_eq!(next(100, 200 * STEP_BYTES), 1);
        assert_eq!([next(1, STEP_BYTES / 2), next(2, STEP_BYTES / 2), next(4, STEP_BYTES)], [2, 4, 4]);
        // Few rows say how much comes of a row, too.
        assert_eq!(next(1, STEP_BYTES), 1);
        assert_eq!(Pace::new(1, 1).rows(), 1);
        // What is known of a row before the first comes counts at once.
        assert_eq!([Pace::new(1000, 16).rows(), Pace::new(1000, 10_000).rows()], [4, 1]);
    }

    #[test]
    fn steps_get_shorter_when_they_take_long() {
        let mut pace = Pace::new(1000, 1);
        let mut next = |taken, millis| {
            pace.made(taken, 10, Duration::from_millis(millis));
            pace.rows()
        };
        assert_eq!([next(64, 1), next(128, 32)], [128, 256]);
        assert_eq!([next(256, 512), next(125, 125 * 5000), next(1, 5000)], [125, 1, 1]);
        assert_eq!([next(1, 10), next(2, 20), next(4, 40)], [2, 4, 8]);
    }
}
