//! MIN and MAX

use std::cmp::Ordering;
use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, PrimitiveBuilder};
use arrow::datatypes::DataType;

use super::sum::{primitive, wrong_argument};
use super::{AggregateError, Function, NumberBytes};
use crate::types::row::{BadRow, get_value, put_value, take};
use crate::types::text::java_compare_doubles;
use crate::types::{ColumnBuilder, SqlType, Value, View};

/// Which end of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

impl End {
    fn beats(self, order: Ordering) -> bool {
        match self {
            Self::Min => order == Ordering::Less,
            Self::Max => order == Ordering::Greater,
        }
    }
}

/// A number type with Java's order.
pub(super) trait Ordered: ArrowPrimitiveType<Native: NumberBytes> + Send + Sync {
    fn order(a: Self::Native, b: Self::Native) -> Ordering;
}

macro_rules! ordered {
    ($($ty:ident),*) => {
        $(impl Ordered for arrow::datatypes::$ty {
            fn order(a: Self::Native, b: Self::Native) -> Ordering {
                a.cmp(&b)
            }
        })*
    };
}

ordered!(Int32Type, Int64Type, Decimal128Type, Date32Type, Time32MillisecondType, TimestampMillisecondType);

impl Ordered for arrow::datatypes::Float64Type {
    fn order(a: f64, b: f64) -> Ordering {
        java_compare_doubles(a, b)
    }
}

/// Least or greatest number that is not NULL.
pub(super) struct Extreme<T> {
    end: End,
    ty: DataType,
    number: PhantomData<T>,
}

impl<T> Extreme<T> {
    pub(super) fn new(end: End, ty: DataType) -> Self {
        Self { end, ty, number: PhantomData }
    }
}

impl<T: Ordered> Extreme<T> {
    fn take(&self, state: &mut Option<T::Native>, value: T::Native) {
        if state.is_none_or(|best| self.end.beats(T::order(value, best))) {
            *state = Some(value);
        }
    }
}

impl<T: Ordered> Function for Extreme<T> {
    type State = Option<T::Native>;
    type Args<'a> = &'a PrimitiveArray<T>;
    type Out = PrimitiveBuilder<T>;

    fn init(&self) -> Option<T::Native> {
        None
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<&'a PrimitiveArray<T>, AggregateError> {
        primitive(columns, 0)
    }

    fn add(&self, state: &mut Self::State, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            self.take(state, args.value(row));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<(), AggregateError> {
        if let Some(value) = from {
            self.take(into, *value);
        }
        Ok(())
    }

    fn output(&self) -> PrimitiveBuilder<T> {
        PrimitiveBuilder::new().with_data_type(self.ty.clone())
    }

    fn result(&self, state: &Self::State, out: &mut PrimitiveBuilder<T>) {
        out.append_option(*state);
    }

    fn encode(&self, state: &Self::State, into: &mut Vec<u8>) {
        into.push(u8::from(state.is_some()));
        if let Some(value) = state {
            value.put(into);
        }
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Self::State, BadRow> {
        Ok(if take(bytes, 1)? == [1] { Some(T::Native::get(bytes)?) } else { None })
    }

    fn taken_over(&self, kept: &Value) -> Option<Self::State> {
        if kept.is_null() { Some(None) } else { T::Native::of(kept).map(Some) }
    }
}

/// Least or greatest text or bytes.
pub(super) struct ExtremeValue {
    pub(super) end: End,
    pub(super) ty: SqlType,
}

impl Function for ExtremeValue {
    type State = Value;
    type Args<'a> = (View<'a>, &'a ArrayRef);
    type Out = ColumnBuilder;

    fn init(&self) -> Value {
        Value::Null
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError> {
        let column = columns.first().ok_or_else(wrong_argument)?;
        Ok((View::new(column), column))
    }

    fn add(&self, state: &mut Value, (view, column): &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        let beats = view.compare_value(row, state).is_some_and(|order| self.end.beats(order));
        if beats || state.is_null() {
            state.set(column, row);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Value, from: &Value) -> Result<(), AggregateError> {
        if into.is_null() || from.compare(into).is_some_and(|order| self.end.beats(order)) {
            *into = from.clone();
        }
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&self.ty)
    }

    fn result(&self, state: &Value, out: &mut ColumnBuilder) {
        out.push(state);
    }

    fn encode(&self, state: &Value, into: &mut Vec<u8>) {
        put_value(state, into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Value, BadRow> {
        get_value(bytes)
    }

    fn heap_bytes(&self, state: &Value) -> usize {
        state.heap_bytes()
    }

    fn taken_over(&self, kept: &Value) -> Option<Value> {
        Some(kept.clone())
    }
}
