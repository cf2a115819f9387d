//! How large what a statement makes may be.

use super::TYPE_LEVELS_MAX;

/// Bounds on new statements, so that a small one does not cost much memory or time. They are for what is new: what was
/// accepted once comes back, whatever the bounds are by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Parts of a type: custom types within custom types multiply.
    pub type_parts: usize,
    /// Parts of the columns of a stream or table together.
    pub schema_parts: usize,
    /// What the expressions of one statement consist of, in all: each expression within one counts the parts of its type,
    /// and as often as it is evaluated.
    pub expression_parts: usize,
    /// Windows one record may be in.
    pub windows: i64,
}

impl Bounds {
    /// For statements that were accepted once.
    pub const NONE: Self =
        Self { type_parts: usize::MAX, schema_parts: usize::MAX, expression_parts: usize::MAX, windows: i64::MAX };

    /// How many parts a type may yet get that has none.
    pub fn type_parts(&self) -> PartsLeft {
        PartsLeft { most: self.type_parts, left: self.type_parts }
    }
}

/// How many parts a type may yet get, while it is put together.
#[derive(Debug)]
pub struct PartsLeft {
    most: usize,
    left: usize,
}

impl PartsLeft {
    /// It gets so many.
    ///
    /// # Errors
    /// They are too many.
    pub fn take(&mut self, parts: usize) -> Result<(), TypeTooLarge> {
        self.left = self.left.checked_sub(parts).ok_or(TypeTooLarge { most: self.most })?;
        Ok(())
    }
}

/// A type is too large, with the custom types in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A type may have {most} parts (fields, elements, keys and values) and {TYPE_LEVELS_MAX} levels")]
pub struct TypeTooLarge {
    /// How many parts it may have.
    pub most: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { type_parts: 2000, schema_parts: 10_000, expression_parts: 1_000_000, windows: i64::MAX }
    }
}
