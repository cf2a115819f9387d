//! Two streams within a time window.

use super::buffer::Buffer;
use super::input::{Input, runs, two};
use super::output::{Origin, Output, Pair};
use super::unmatched::{GivenUp, Unmatched, Wait};
use super::{Inputs, LEFT, Outer, RIGHT};
use crate::kv::Writes;
use crate::operators::{Context, EncodeKeys, Leads, Operator, OperatorError};
use crate::types::{Changes, Time};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `WITHIN (before, after) GRACE PERIOD grace`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JoinWindow {
    /// How much older than the left row the right row may be.
    pub before_ms: i64,
    /// How much younger it may be.
    pub after_ms: i64,
    /// How late rows may be; `None` when there was no GRACE PERIOD.
    pub grace_ms: Option<i64>,
}

impl JoinWindow {
    fn size_ms(&self) -> i64 {
        self.before_ms.saturating_add(self.after_ms)
    }

    /// How long rows are kept. Without a grace period that is a day (or the window, if that is longer).
    fn retention_ms(&self) -> i64 {
        match self.grace_ms {
            Some(grace_ms) => self.size_ms().saturating_add(grace_ms),
            None => self.size_ms().max(DAY_MS),
        }
    }

    /// Times of the rows of the other side that match a row of that side.
    fn matches(&self, port: usize, time: i64) -> (i64, i64) {
        let (older, younger) =
            if port == LEFT { (self.before_ms, self.after_ms) } else { (self.after_ms, self.before_ms) };
        ((Time(time) - older).0.max(0), (Time(time) + younger).0.max(0))
    }
}

/// Joins two streams: a row matches the rows of the other stream with an equal key whose time is within the window
/// around its own.
///
/// * Output: the left value columns, then the right ones; ROWTIME is the later of the two rows'. Matches of one row
///   come oldest first.
/// * A row without a value is dropped; so is one without a key, unless its side is kept (LEFT, RIGHT, FULL): then it
///   is emitted alone at once.
/// * A row of a kept side that has no match is emitted alone: without a grace period at once (and again with a match
///   that comes later); with one when stream time has passed its window and the grace period, which may be when it
///   comes.
/// * Rows that are too late find nothing, because what they could match is past retention.
pub(crate) struct StreamStreamJoin {
    keys: EncodeKeys,
    window: JoinWindow,
    outer: Outer,
    buffers: [Buffer; 2],
    /// For outer joins with a grace period.
    unmatched: Option<Unmatched>,
    output: Output,
    bytes: Vec<u8>,
    key_row: Vec<u8>,
}

impl StreamStreamJoin {
    /// A join.
    pub(crate) fn new(inputs: Inputs<'_>, window: JoinWindow, outer: Outer) -> Result<Self, OperatorError> {
        let open = |name| Buffer::open(inputs.place.below(name), window.size_ms(), window.retention_ms());
        let unmatched = match window.grace_ms {
            Some(grace_ms) if outer.left || outer.right => {
                let wait = Wait { after_ms: window.after_ms, before_ms: window.before_ms, grace_ms };
                Some(Unmatched::open(inputs.place.below("unmatched"), wait)?)
            }
            _ => None,
        };
        Ok(Self {
            window,
            outer,
            buffers: [open("left")?, open("right")?],
            unmatched,
            output: Output::new(inputs.left, inputs.right, false),
            keys: inputs.keys,
            bytes: Vec::new(),
            key_row: Vec::new(),
        })
    }

    fn take(&mut self, port: usize, input: &Input<'_>, row: usize) -> Result<(), OperatorError> {
        let time = input.rows.time[row];
        if let Some(unmatched) = &mut self.unmatched {
            unmatched.advance(time);
        }
        if !input.row(row, &mut self.bytes) {
            return Ok(());
        }
        input.key_row(row, &mut self.key_row);
        let kept = if port == LEFT { self.outer.left } else { self.outer.right };
        let Some(key) = input.key(row) else {
            return if kept { self.alone(port, input, row) } else { Ok(()) };
        };
        self.give_up(port, row, time)?;
        let found = self.join(port, input, row, key)?;
        if kept && !found {
            match &mut self.unmatched {
                Some(unmatched) if !unmatched.is_due(port, time) => {
                    let about = || (Box::from(self.key_row.as_slice()), input.window(row));
                    unmatched.put(port, key, time, &self.bytes, about)?;
                }
                _ => self.alone(port, input, row)?,
            }
        }
        self.buffers[port].put(key, time, &self.bytes)
    }

    /// Emits the row with each of its matches; says whether there was one.
    fn join(&mut self, port: usize, input: &Input<'_>, row: usize, key: &[u8]) -> Result<bool, OperatorError> {
        let time = input.rows.time[row];
        let (from, to) = self.window.matches(port, time);
        let other_port = LEFT + RIGHT - port;
        let (unmatched, output) = (&mut self.unmatched, &mut self.output);
        let (this, key_row) = (Some(self.bytes.as_slice()), &self.key_row);
        let mut found = false;
        self.buffers[other_port].fetch(key, from, to, &mut |other_time, other| {
            found = true;
            if let Some(unmatched) = unmatched {
                unmatched.matched(other_port, key, other_time)?;
            }
            let origin = Origin { port, row, key_row, window: input.window(row), time: time.max(other_time) };
            output.push(origin, Some(Pair::of(port, this, Some(other))), None)
        })?;
        Ok(found)
    }

    /// Emits the row without a partner.
    fn alone(&mut self, port: usize, input: &Input<'_>, row: usize) -> Result<(), OperatorError> {
        let time = input.rows.time[row];
        let origin = Origin { port, row, key_row: &self.key_row, window: input.window(row), time };
        self.output.push(origin, Some(Pair::of(port, Some(&self.bytes), None)), None)
    }

    /// Emits the rows whose window has closed by a row at stream time.
    fn give_up(&mut self, port: usize, row: usize, time: i64) -> Result<(), OperatorError> {
        let Some(unmatched) = self.unmatched.as_mut().filter(|unmatched| unmatched.time() == time) else {
            return Ok(());
        };
        for GivenUp { port: side, time, rows } in unmatched.give_up(port)? {
            let origin = Origin { port, row, key_row: &rows.key_row, window: rows.window, time };
            for lonely in &rows.rows {
                self.output.push(origin, Some(Pair::of(side, Some(lonely), None)), None)?;
            }
        }
        Ok(())
    }
}

impl Operator for StreamStreamJoin {
    fn run(&mut self, inputs: Vec<Changes>, _: &mut dyn Context) -> Result<Changes, OperatorError> {
        let inputs = two(inputs)?;
        let ports = [Input::new(&inputs[LEFT], &mut self.keys)?, Input::new(&inputs[RIGHT], &mut self.keys)?];
        for (port, rows) in runs(&inputs) {
            for row in rows {
                self.take(port, &ports[port], row)?;
            }
        }
        Ok(self.output.finish(&inputs)?)
    }

    fn leads(&self) -> Leads {
        Leads::Here
    }

    fn holds_back(&self) -> bool {
        self.unmatched.is_some()
    }

    fn drain_state(&mut self, into: &mut Writes) {
        for buffer in &mut self.buffers {
            buffer.drain(into);
        }
        if let Some(unmatched) = &mut self.unmatched {
            unmatched.drain(into);
        }
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        self.buffers.iter_mut().try_for_each(Buffer::committed)?;
        self.unmatched.as_mut().map_or(Ok(()), Unmatched::committed)
    }
}

#[cfg(test)]
mod tests {
    use super::{JoinWindow, Outer, StreamStreamJoin};
    use crate::operators::join::testing::check;

    const INNER: Outer = Outer { left: false, right: false };
    const LEFT: Outer = Outer { left: true, right: false };
    const FULL: Outer = Outer { left: true, right: true };

    fn join(outer: Outer, before_ms: i64, after_ms: i64, grace_ms: Option<i64>, script: &str, expected: &str) {
        let window = JoinWindow { before_ms, after_ms, grace_ms };
        check([1, 1], &|inputs| StreamStreamJoin::new(inputs, window, outer), script, expected);
    }

    #[test]
    fn the_window_is_around_the_left_row() {
        let script = "
            left  @100 a | l1
            right @89  a | r1
            right @90  a | r2
            right @105 a | r3
            right @106 a | r4
            left  @95  a | l2
            left  @100 b | l3
            left  @100 a
            left  @100 - | l4";
        let expected = "
            @100 a | l1, r2
            @105 a | l1, r3
            @95 a | l2, r1
            @95 a | l2, r2";
        join(INNER, 10, 5, None, script, expected);
    }

    #[test]
    fn a_right_join_has_the_window_of_the_others() {
        let script = "
            left  @90  a | l1
            left  @95  a | l2
            right @100 a | r1
            right @80  a | r2";
        let matches = "
            @100 a | l2, r1
            @90 a | l1, r2";
        join(INNER, 10, 5, None, script, matches);
        join(Outer { left: false, right: true }, 10, 5, None, script, matches);
    }

    #[test]
    fn without_grace_a_lonely_row_is_emitted_at_once() {
        let script = "
            left  @10 a | l1
            right @12 a | r1
            right @50 a | r2
            left  @51 - | l2
            right @52 - | r3
            left  @53 a";
        let expected = "
            @10 a | l1, -
            @12 a | l1, r1
            @51 - | l2, -";
        join(LEFT, 10, 10, None, script, expected);
    }

    #[test]
    fn with_grace_a_lonely_row_waits_for_its_window_to_close() {
        let script = "
            left  @10 a | l1
            left  @11 b | l2
            right @12 b | r1
            left  @25 c | l3
            right @26 x | r2
            left  @27 c | l4
            left  @50 d | l5
            right @51 c | r3";
        let expected = "
            @12 b | l2, r1
            @10 a | l1, -
            @25 c | l3, -
            @26 x | -, r2
            @27 c | l4, -";
        join(FULL, 10, 10, Some(5), script, expected);
    }

    #[test]
    fn lonely_rows_of_one_time_come_right_first_then_by_key() {
        let script = "
            left  @10 b | l1
            left  @10 a | l2
            right @10 d | r1
            right @10 c | r2
            left  @10 b | l3
            left  @99 z | l4";
        let expected = "
            @10 c | -, r2
            @10 d | -, r1
            @10 a | l2, -
            @10 b | l1, -
            @10 b | l3, -";
        join(FULL, 10, 10, Some(0), script, expected);
    }

    #[test]
    fn a_row_that_comes_late_waits_as_long_as_its_grace_period_goes_on() {
        let script = "
            right @100 x | r1
            left  @84  a | l1
            left  @85  a | l2
            left  @90  a | l3
            left  @89  b | l4
            right @80  b | r2
            left  @114 y | l5";
        let expected = "
            @84 a | l1, -
            @89 b | l4, r2
            @85 a | l2, -
            @90 a | l3, -";
        join(LEFT, 10, 10, Some(5), script, expected);
    }

    #[test]
    fn what_is_past_retention_is_not_found() {
        let script = "
            right @10 a | r1
            right @40 b | r2
            left  @10 a | l1
            right @15 a | r3
            left  @20 a | l2";
        let expected = "
            @15 a | l1, r3
            @20 a | l2, r3";
        // 10 + 10 + 10: at 40 what is older than 11 is gone on that side.
        join(INNER, 10, 10, Some(10), script, expected);
    }
}
