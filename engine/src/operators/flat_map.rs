//! Table functions.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::compute::take;

use crate::expr::Evaluator;
use crate::types::Changes;

use super::rows::{Evaluation, Fate};
use super::{Context, Operator, OperatorError};

/// Makes as many rows of each row as its longest array has elements; shorter ones are filled up with NULL. A row whose
/// arrays are all empty or NULL, or for which a function fails, is left out.
pub(crate) struct FlatMap {
    step: String,
    functions: Vec<Evaluator>,
}

impl FlatMap {
    /// `functions` yield an ARRAY each over the input's row layout; each appends one value column.
    pub(crate) fn new(step: &str, functions: Vec<Evaluator>) -> Self {
        Self { step: step.to_owned(), functions }
    }
}

impl Operator for FlatMap {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = super::only(inputs)?;
        let evaluation = Evaluation::new(&self.step, &rows, &rows.new, Fate::Lost);
        let mut usable: Vec<bool> = (0..rows.len()).map(|row| rows.new.is_present(row)).collect();
        let mut lists: Vec<ArrayRef> = Vec::with_capacity(self.functions.len());
        for function in &self.functions {
            let (list, failures) = evaluation.eval_rows(function, ctx);
            for (row, message) in failures {
                if let Some(usable) = usable.get_mut(row).filter(|usable| **usable) {
                    *usable = list.is_valid(row);
                    evaluation.report(row, message, if *usable { Fate::Kept } else { Fate::Lost }, ctx);
                }
            }
            lists.push(list);
        }
        let lists: Vec<&ListArray> = lists.iter().filter_map(|list| list.as_list_opt()).collect();
        if ctx.is_cancelled() {
            usable.fill(false);
        }
        let (mut from, mut elements) = (Vec::new(), vec![Vec::new(); lists.len()]);
        let mut places = Vec::with_capacity(lists.len());
        for (row, _) in usable.iter().enumerate().filter(|(_, usable)| **usable) {
            places.clear();
            places.extend(lists.iter().map(|list| bounds(list, row)));
            let longest = places.iter().map(|(start, end)| end - start).max().unwrap_or(0);
            for i in 0..longest {
                from.push(row as u32);
                for (elements, (start, end)) in elements.iter_mut().zip(&places) {
                    elements.push((start + i < *end).then_some(start + i));
                }
            }
        }
        let mut made = rows.take(&UInt32Array::from(from))?;
        for (list, elements) in lists.iter().zip(elements) {
            made.new.columns.push(take(list.values(), &UInt32Array::from(elements), None)?);
        }
        Ok(made)
    }
}

/// Where a row's elements stand.
fn bounds(list: &ListArray, row: usize) -> (u32, u32) {
    if list.is_null(row) {
        return (0, 0);
    }
    let at = |i: usize| list.value_offsets().get(i).map_or(0, |offset| *offset as u32);
    (at(row), at(row + 1))
}
