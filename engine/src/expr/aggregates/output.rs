//! Result columns under construction.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveBuilder};

use crate::types::{SqlType, Value};

/// A column that results are appended to.
pub trait Output {
    /// Appends NULL.
    fn push_null(&mut self);
    /// The column; empty afterwards.
    fn finish(&mut self) -> ArrayRef;
}

impl<T: ArrowPrimitiveType> Output for PrimitiveBuilder<T> {
    fn push_null(&mut self) {
        self.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(PrimitiveBuilder::finish(self))
    }
}

/// A column of any type, from values.
#[derive(Debug)]
pub struct ValueColumn {
    ty: SqlType,
    values: Vec<Value>,
}

impl ValueColumn {
    /// An empty column.
    pub fn new(ty: &SqlType) -> Self {
        Self { ty: ty.clone(), values: Vec::new() }
    }

    /// Appends a value.
    pub fn push(&mut self, value: Value) {
        self.values.push(value);
    }
}

impl Output for ValueColumn {
    fn push_null(&mut self) {
        self.values.push(Value::Null);
    }

    fn finish(&mut self) -> ArrayRef {
        Value::column(&self.ty, &std::mem::take(&mut self.values))
    }
}
