//! Rows that failed. `PhysicalExpr::evaluate` has no channel for them, so the evaluation that runs on this thread keeps
//! them here.

use std::cell::{Cell, RefCell};

use arrow::array::{ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::nullif;
use arrow::error::ArrowError;

#[derive(Default)]
struct Ledger {
    /// (row, message), in the order found.
    log: Vec<(usize, String)>,
    /// Rows that failed and that no guard has caught yet.
    live: Vec<u32>,
    /// Whether a row is in `live`.
    failed: Vec<bool>,
}

thread_local! {
    static LEDGER: RefCell<Ledger> = RefCell::default();
    /// What the lambdas of the evaluation have done so far.
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// What an evaluation gave.
pub(super) struct Collected<T> {
    pub(super) result: T,
    /// Rows that failed and why.
    pub(super) failures: Vec<(usize, String)>,
    /// What its lambdas did.
    pub(super) work: usize,
}

/// Runs an evaluation and gives what failed in it.
pub(super) fn collect<T>(evaluation: impl FnOnce() -> T) -> Collected<T> {
    LEDGER.with_borrow_mut(|ledger| *ledger = Ledger::default());
    WORK.set(0);
    let result = evaluation();
    Collected { result, failures: LEDGER.with_borrow_mut(std::mem::take).log, work: WORK.get() }
}

/// Adds to the work of the evaluation and gives all of it.
pub(super) fn work(more: usize) -> usize {
    let all = WORK.get().saturating_add(more);
    WORK.set(all);
    all
}

/// What failed in the body of a lambda, by element.
pub(super) struct Scope(Ledger);

impl Scope {
    /// Tells the failures to the rows the elements belong to.
    pub(super) fn hand_on(self, frame: &Failures<'_>, row_of: impl Fn(usize) -> usize) {
        for (element, message) in self.0.log {
            let caught = self.0.failed.get(element) != Some(&true);
            if caught { frame.note(row_of(element), message) } else { frame.fail(row_of(element), || message) }
        }
    }
}

/// Runs an evaluation whose rows are numbered anew.
pub(super) fn scoped<T>(evaluation: impl FnOnce() -> T) -> (T, Scope) {
    let outer = LEDGER.with_borrow_mut(std::mem::take);
    let result = evaluation();
    (result, Scope(LEDGER.with_borrow_mut(|ledger| std::mem::replace(ledger, outer))))
}

/// Where the list of live failures ends now.
pub(super) fn mark() -> usize {
    LEDGER.with_borrow(|ledger| ledger.live.len())
}

/// Forgets the live failures since `mark`: the value that failed is NULL and that is all.
pub(super) fn release(mark: usize) {
    LEDGER.with_borrow_mut(|ledger| {
        while ledger.live.len() > mark {
            if let Some(failed) = ledger.live.pop().and_then(|row| ledger.failed.get_mut(row as usize)) {
                *failed = false;
            }
        }
    });
}

/// Makes NULL the rows that failed since `mark`.
pub(super) fn null_out(array: ArrayRef, numbers: &UInt32Array, since: usize) -> Result<ArrayRef, ArrowError> {
    if mark() == since {
        return Ok(array);
    }
    let failed: BooleanArray = LEDGER.with_borrow(|ledger| {
        numbers.values().iter().map(|row| Some(ledger.failed.get(*row as usize) == Some(&true))).collect()
    });
    nullif(&array, &failed)
}

/// The rows of one frame, to tell failures of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failures<'a> {
    numbers: &'a UInt32Array,
}

impl<'a> Failures<'a> {
    pub(super) fn new(numbers: &'a UInt32Array) -> Self {
        Self { numbers }
    }

    /// The row's value becomes NULL. A row that failed already is not told again.
    pub(super) fn fail(&self, row: usize, message: impl FnOnce() -> String) {
        let Some(number) = self.numbers.values().get(row).copied() else { return };
        LEDGER.with_borrow_mut(|ledger| {
            let at = number as usize;
            if ledger.failed.len() <= at {
                ledger.failed.resize(at + 1, false);
            }
            if let Some(failed) = ledger.failed.get_mut(at).filter(|failed| !**failed) {
                *failed = true;
                ledger.live.push(number);
                ledger.log.push((at, message()));
            }
        });
    }

    /// Whether the row's value is NULL already.
    pub(super) fn has_failed(&self, row: usize) -> bool {
        let number = self.numbers.values().get(row).map_or(usize::MAX, |number| *number as usize);
        LEDGER.with_borrow(|ledger| ledger.failed.get(number) == Some(&true))
    }

    /// Something failed within the row's value and was caught there.
    fn note(&self, row: usize, message: String) {
        if let Some(number) = self.numbers.values().get(row).copied() {
            LEDGER.with_borrow_mut(|ledger| ledger.log.push((number as usize, message)));
        }
    }
}
