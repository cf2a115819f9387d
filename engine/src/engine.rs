//! The way of a statement, on one screen.
