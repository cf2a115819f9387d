//! From a function over one state to states by slot.

use arrow::array::ArrayRef;

use super::output::Output;
use super::{AggregateError, Emit, Input, NONE, Op, Results, States};
use crate::types::Value;
use crate::types::row::BadRow;

/// An aggregate function.
pub trait Function: Send + Sync + 'static {
    /// What is kept of a group.
    type State: Send + Sync;
    /// Argument columns of a batch, downcast once.
    type Args<'a>;
    /// Collects results into a column.
    type Out: Output;

    /// State of a group without rows.
    fn init(&self) -> Self::State;
    /// Downcasts argument columns.
    ///
    /// # Errors
    /// They are not of the types the call was resolved for; a bug.
    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError>;
    /// Adds a row.
    ///
    /// # Errors
    /// As [`Function::args`].
    fn add(&self, state: &mut Self::State, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError>;
    /// Takes a row back; only called for functions that were resolved as undoable.
    ///
    /// # Errors
    /// As [`Function::args`].
    fn undo(&self, _state: &mut Self::State, _args: &Self::Args<'_>, _row: usize) -> Result<(), AggregateError> {
        Ok(())
    }
    /// Adds another group's state.
    ///
    /// # Errors
    /// As [`Function::args`].
    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError>;
    /// An empty result column.
    fn output(&self) -> Self::Out;
    /// Whether the result fits its type; where it does not, it is NULL.
    fn fits(&self, _state: &Self::State) -> bool {
        true
    }
    /// What the processing log says of a result that does not fit.
    fn overflow(&self, _state: &Self::State) -> String {
        String::new()
    }
    /// Appends the result.
    fn result(&self, state: &Self::State, out: &mut Self::Out);
    /// Appends the state's bytes; they say where they end.
    fn encode(&self, state: &Self::State, into: &mut Vec<u8>);
    /// Takes a state's bytes off the front.
    ///
    /// # Errors
    /// The bytes are not what [`Function::encode`] wrote.
    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow>;
    /// The state that goes on like what ksqlDB has kept of a group. `None`: there is none.
    fn taken_over(&self, _kept: &Value) -> Option<Self::State> {
        None
    }
    /// Bytes of memory outside the state itself.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }
}

/// One state per slot.
pub struct Slots<F: Function> {
    function: F,
    states: Vec<F::State>,
}

impl<F: Function> Slots<F> {
    /// No slot yet.
    pub fn new(function: F) -> Self {
        Self { function, states: Vec::new() }
    }

    fn merge(&mut self, into: u32, from: u32) -> Result<(), AggregateError> {
        // Taken out, so that two states can be borrowed.
        let mut merged = std::mem::replace(&mut self.states[into as usize], self.function.init());
        let outcome = self.function.merge(&mut merged, &self.states[from as usize]);
        self.states[into as usize] = merged;
        outcome
    }
}

impl<F: Function> States for Slots<F> {
    fn grow(&mut self, slots: usize) {
        self.states.resize_with(slots, || self.function.init());
    }

    fn clear(&mut self, slot: u32) {
        self.states[slot as usize] = self.function.init();
    }

    fn run(&mut self, ops: &[Op], input: Input<'_>) -> Result<Results, AggregateError> {
        let new = self.function.args(input.new)?;
        let old = input.old.map(|old| self.function.args(old)).transpose()?;
        let mut before = input.with_before.then(|| self.function.output());
        let mut after = self.function.output();
        let mut overflows = Vec::new();
        for op in ops {
            let fitted = self.function.fits(&self.states[op.slot as usize]);
            if let (Some(before), true) = (&mut before, op.emit != Emit::Nothing) {
                self.function.result(&self.states[op.slot as usize], before);
            }
            if op.merge != NONE {
                self.merge(op.slot, op.merge)?;
            }
            let state = &mut self.states[op.slot as usize];
            if let (Some(old), true) = (&old, op.undo != NONE) {
                self.function.undo(state, old, op.undo as usize)?;
            }
            if op.add != NONE {
                self.function.add(state, &new, op.add as usize)?;
            }
            if fitted && !self.function.fits(state) {
                overflows.push(self.function.overflow(state));
            }
            match op.emit {
                Emit::Nothing => {}
                Emit::Result => self.function.result(state, &mut after),
                Emit::Gone => after.push_null(),
            }
        }
        Ok(Results { before: before.map(|mut before| before.finish()), after: after.finish(), overflows })
    }

    fn results(&self, slots: &[u32]) -> ArrayRef {
        let mut results = self.function.output();
        slots.iter().for_each(|slot| self.function.result(&self.states[*slot as usize], &mut results));
        results.finish()
    }

    fn encode(&self, slot: u32, into: &mut Vec<u8>) {
        self.function.encode(&self.states[slot as usize], into);
    }

    fn decode(&mut self, slot: u32, bytes: &mut &[u8]) -> Result<(), BadRow> {
        self.states[slot as usize] = self.function.decode(bytes)?;
        Ok(())
    }

    fn take_over(&mut self, slot: u32, kept: &Value) -> bool {
        let taken = self.function.taken_over(kept);
        taken.map(|state| self.states[slot as usize] = state).is_some()
    }

    fn heap_bytes(&self, slot: u32) -> usize {
        size_of::<F::State>() + self.function.heap_bytes(&self.states[slot as usize])
    }
}
