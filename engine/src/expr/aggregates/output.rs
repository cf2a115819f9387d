//! Result columns under construction.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveBuilder};

use crate::types::ColumnBuilder;

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

impl Output for ColumnBuilder {
    fn push_null(&mut self) {
        self.push_null();
    }

    fn finish(&mut self) -> ArrayRef {
        self.finish()
    }
}
