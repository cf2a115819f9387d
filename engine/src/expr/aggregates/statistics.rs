//! AVG, STDDEV_SAMP, STDDEV_SAMPLE, CORRELATION

use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, Float64Array, Float64Builder, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::sum::{Summand, primitive, wrong_argument};
use super::{AggregateError, Function, NumberBytes};
use crate::types::Value;
use crate::types::row::BadRow;

/// Mean of what is not NULL. The sum has the argument's own width and wraps; the mean of nothing is 0.
pub(super) struct Average<T>(pub(super) PhantomData<T>);

impl<T: Summand> Function for Average<T> {
    type State = (T::Native, i64);
    type Args<'a> = &'a PrimitiveArray<T>;
    type Out = Float64Builder;

    fn init(&self) -> Self::State {
        Self::State::default()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<&'a PrimitiveArray<T>, AggregateError> {
        primitive(columns, 0)
    }

    fn add(&self, state: &mut Self::State, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            *state = (T::add(state.0, args.value(row)), state.1 + 1);
        }
        Ok(())
    }

    fn undo(&self, state: &mut Self::State, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            *state = (T::sub(state.0, args.value(row)), state.1 - 1);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        *into = (T::add(into.0, from.0), into.1 + from.1);
        Ok(())
    }

    fn output(&self) -> Float64Builder {
        Float64Builder::new()
    }

    fn result(&self, &(sum, count): &Self::State, out: &mut Float64Builder) {
        out.append_value(if count == 0 { 0.0 } else { T::to_f64(sum) / count as f64 });
    }

    fn encode(&self, state: &Self::State, into: &mut Vec<u8>) {
        state.0.put(into);
        state.1.put(into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow> {
        Ok((T::Native::get(bytes)?, i64::get(bytes)?))
    }

    fn taken_over(&self, kept: &Value) -> Option<Self::State> {
        match fields(kept)? {
            [] => Some(self.init()),
            [sum, count] => Some((T::Native::of(sum)?, i64::of(count)?)),
            _ => None,
        }
    }
}

/// A number whose spread can be taken: integers multiply and subtract in 64 bits and wrap.
pub(super) trait Spread: Summand {
    /// `count * value - sum`
    fn distance(count: i64, value: Self::Native, sum: Self::Native) -> f64;
}

impl Spread for Int32Type {
    fn distance(count: i64, value: i32, sum: i32) -> f64 {
        count.wrapping_mul(value.into()).wrapping_sub(sum.into()) as f64
    }
}

impl Spread for Int64Type {
    fn distance(count: i64, value: i64, sum: i64) -> f64 {
        count.wrapping_mul(value).wrapping_sub(sum) as f64
    }
}

impl Spread for Float64Type {
    fn distance(count: i64, value: f64, sum: f64) -> f64 {
        count as f64 * value - sum
    }
}

/// Spread of what is not NULL: count, sum and sum of squared distances, kept by Youngs' and Cramer's update. The sum has
/// the argument's own width and wraps.
pub(super) struct Deviation<T> {
    /// STDDEV_SAMPLE takes the root; STDDEV_SAMP, in spite of its name, is the variance.
    root: bool,
    number: PhantomData<T>,
}

/// What is kept of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments<N> {
    count: i64,
    sum: N,
    m2: f64,
}

impl<T: Spread> Deviation<T> {
    pub(super) fn new(root: bool) -> Self {
        Self { root, number: PhantomData }
    }

    /// How much `m2` grows when a value makes count and sum these.
    fn growth(count: i64, sum: T::Native, value: T::Native) -> f64 {
        if count < 2 {
            return 0.0;
        }
        let count_double = count as f64;
        T::distance(count, value, sum).powi(2) / (count_double * (count_double - 1.0))
    }
}

impl<T: Spread> Function for Deviation<T> {
    type State = Moments<T::Native>;
    type Args<'a> = &'a PrimitiveArray<T>;
    type Out = Float64Builder;

    fn init(&self) -> Self::State {
        Moments::default()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError> {
        primitive(columns, 0)
    }

    fn add(&self, state: &mut Self::State, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            let value = args.value(row);
            state.count += 1;
            state.sum = T::add(state.sum, value);
            state.m2 += Self::growth(state.count, state.sum, value);
        }
        Ok(())
    }

    fn undo(&self, state: &mut Self::State, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            let value = args.value(row);
            state.m2 -= Self::growth(state.count, state.sum, value);
            state.count -= 1;
            state.sum = T::sub(state.sum, value);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        if into.count == 0 {
            *into = *from;
        } else if from.count > 0 {
            let (a, b) = (into.count as f64, from.count as f64);
            let distance = (b / a) * T::to_f64(into.sum) - T::to_f64(from.sum);
            into.m2 += from.m2 + a / (b * (a + b)) * distance.powi(2);
            into.count += from.count;
            into.sum = T::add(into.sum, from.sum);
        }
        Ok(())
    }

    fn output(&self) -> Float64Builder {
        Float64Builder::new()
    }

    fn result(&self, state: &Self::State, out: &mut Float64Builder) {
        let variance = if state.count < 2 { 0.0 } else { state.m2 / (state.count - 1) as f64 };
        out.append_value(if self.root { variance.sqrt() } else { variance });
    }

    fn encode(&self, state: &Self::State, into: &mut Vec<u8>) {
        state.count.put(into);
        state.sum.put(into);
        state.m2.put(into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow> {
        Ok(Moments { count: i64::get(bytes)?, sum: T::Native::get(bytes)?, m2: f64::get(bytes)? })
    }

    fn taken_over(&self, kept: &Value) -> Option<Self::State> {
        match fields(kept)? {
            [] => Some(self.init()),
            [count, sum, m2] => Some(Moments { count: i64::of(count)?, sum: T::Native::of(sum)?, m2: f64::of(m2)? }),
            _ => None,
        }
    }
}

/// Pearson's correlation of the pairs without NULL; NaN where it is not defined.
pub(super) struct Correlation;

impl Correlation {
    /// Count and sums a pair contributes.
    fn pair(args: &(Float64Array, Float64Array), row: usize) -> Option<[f64; 6]> {
        let (x, y) =
            (args.0.is_valid(row).then(|| args.0.value(row))?, args.1.is_valid(row).then(|| args.1.value(row))?);
        Some([1.0, x, y, x * x, y * y, x * y])
    }
}

impl Function for Correlation {
    type State = [f64; 6];
    type Args<'a> = (Float64Array, Float64Array);
    type Out = Float64Builder;

    fn init(&self) -> [f64; 6] {
        [0.0; 6]
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError> {
        Ok((doubles(columns, 0)?, doubles(columns, 1)?))
    }

    fn add(&self, state: &mut [f64; 6], args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if let Some(pair) = Self::pair(args, row) {
            self.merge(state, &pair)?;
        }
        Ok(())
    }

    fn undo(&self, state: &mut [f64; 6], args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if let Some(pair) = Self::pair(args, row) {
            self.merge(state, &pair.map(|number| -number))?;
        }
        Ok(())
    }

    fn merge(&self, into: &mut [f64; 6], from: &[f64; 6]) -> Result<(), AggregateError> {
        into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
        Ok(())
    }

    fn output(&self) -> Float64Builder {
        Float64Builder::new()
    }

    fn result(&self, &[n, x, y, xx, yy, xy]: &[f64; 6], out: &mut Float64Builder) {
        out.append_value((n * xy - x * y) / ((n * xx - x * x) * (n * yy - y * y)).sqrt());
    }

    fn encode(&self, state: &[f64; 6], into: &mut Vec<u8>) {
        state.iter().for_each(|number| number.put(into));
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<[f64; 6], BadRow> {
        let mut state = [0.0; 6];
        for number in &mut state {
            *number = f64::get(bytes)?;
        }
        Ok(state)
    }
}

/// A number column as doubles.
fn doubles(columns: &[ArrayRef], at: usize) -> Result<Float64Array, AggregateError> {
    let column = columns.get(at).ok_or_else(wrong_argument)?;
    Ok(primitive::<Float64Type>(&[cast(column, &DataType::Float64)?], 0)?.clone())
}

/// The fields of a STRUCT; NULL has none.
fn fields(kept: &Value) -> Option<&[Value]> {
    match kept {
        Value::Struct(fields) => Some(fields),
        Value::Null => Some(&[]),
        _ => None,
    }
}
