//! The state of all groups.

use std::sync::Arc;

use arrow::array::ArrayRef;
use parking_lot::RwLock;

use crate::expr::aggregates::{AggregateError, Factory, Input, Op, Results, States};
use crate::operators::rows::{Evaluation, Fate};
use crate::operators::{Context, Failed, OperatorError};
use crate::state::{Layout, Store, Values};
use crate::types::row::{BadRow, get_i64, put_i64};
use crate::types::{Changes, Side};

/// One aggregate function of a GROUP BY.
pub(crate) struct GroupCall {
    /// Positions of its column arguments in the input's row layout.
    pub args: Vec<usize>,
    /// Makes its states.
    pub factory: Factory,
}

/// The groups of a task, which pull queries read too; the task locks them once per step.
pub(super) type SharedGroups = Arc<RwLock<Store<Groups>>>;

/// States of every function, and the highest timestamp that contributed, by slot.
pub(super) struct Groups {
    step: String,
    calls: Arc<[GroupCall]>,
    pub(super) states: Vec<Box<dyn States>>,
    pub(super) times: Vec<i64>,
}

impl Groups {
    /// Groups of a step's functions; values that do not fit are reported as the step's.
    pub(super) fn new(step: &str, calls: Vec<GroupCall>) -> Self {
        Self::of(step, Arc::from(calls))
    }

    fn of(step: &str, calls: Arc<[GroupCall]>) -> Self {
        let states = calls.iter().map(|call| (call.factory)()).collect();
        Self { step: step.to_owned(), calls, states, times: Vec::new() }
    }

    /// No group, of the same functions.
    pub(super) fn empty(&self) -> Self {
        Self::of(&self.step, Arc::clone(&self.calls))
    }

    /// Highest timestamp that contributed, by slot.
    pub(super) fn times(&self) -> &[i64] {
        &self.times
    }

    /// The results of groups as they are, a column per function.
    pub(super) fn results(&self, slots: &[u32]) -> Vec<ArrayRef> {
        self.states.iter().map(|states| states.results(slots)).collect()
    }

    /// Notes that a row of that time contributed; returns the highest of all.
    pub(super) fn advance(&mut self, slot: u32, time: i64) -> i64 {
        let highest = &mut self.times[slot as usize];
        *highest = time.max(*highest);
        *highest
    }

    /// Reports a row that has a time whose windows cannot be represented.
    pub(super) fn refuse(&self, rows: &Changes, row: usize, ctx: &mut dyn Context) {
        let time = rows.time[row];
        let message = format!("the record is left out: windows cannot be represented at timestamp {time}");
        Evaluation::new(&self.step, rows, &rows.new, Fate::Lost).report(row, message, Fate::Lost, ctx);
    }

    /// Applies `ops` to every function's states. `old` is given if rows are taken back. Results that do not fit their
    /// type are NULL and told to `ctx`.
    pub(super) fn run(
        &mut self,
        ops: &[Op],
        key: &[ArrayRef],
        new: &Side,
        old: Option<&Side>,
        with_before: bool,
        ctx: &mut dyn Context,
    ) -> Result<Vec<Results>, OperatorError> {
        let mut results = Vec::with_capacity(self.calls.len());
        for (call, states) in self.calls.iter().zip(&mut self.states) {
            let new = arguments(&call.args, key, new);
            let old = old.map(|old| arguments(&call.args, key, old));
            let input = Input { new: &new, old: old.as_deref(), with_before };
            let mut result = states.run(ops, input).map_err(fatal)?;
            let step = &self.step;
            result.overflows.drain(..).for_each(|message| ctx.row_error(Failed { step, message, row: None }));
            results.push(result);
        }
        Ok(results)
    }
}

fn arguments(args: &[usize], key: &[ArrayRef], side: &Side) -> Vec<ArrayRef> {
    let column = |&at: &usize| if at < key.len() { key.get(at) } else { side.columns.get(at - key.len()) };
    args.iter().filter_map(column).cloned().collect()
}

fn fatal(error: AggregateError) -> OperatorError {
    match error {
        AggregateError::Arrow(error) => OperatorError::Arrow(error),
        error => OperatorError::Fatal(error.to_string()),
    }
}

impl Values for Groups {
    const LAYOUT: Layout = Layout { kind: "groups", version: 1 };

    fn grow(&mut self, slots: usize) {
        self.states.iter_mut().for_each(|states| states.grow(slots));
        self.times.resize(slots, i64::MIN);
    }

    fn clear(&mut self, slot: u32) {
        self.states.iter_mut().for_each(|states| states.clear(slot));
        self.times[slot as usize] = i64::MIN;
    }

    fn encode(&self, slot: u32, into: &mut Vec<u8>) {
        put_i64(self.times[slot as usize], into);
        self.states.iter().for_each(|states| states.encode(slot, into));
    }

    fn decode(&mut self, slot: u32, mut bytes: &[u8]) -> Result<(), BadRow> {
        self.times[slot as usize] = get_i64(&mut bytes)?;
        self.states.iter_mut().try_for_each(|states| states.decode(slot, &mut bytes))
    }

    fn heap_bytes(&self, slot: u32) -> usize {
        8 + self.states.iter().map(|states| states.heap_bytes(slot)).sum::<usize>()
    }
}
