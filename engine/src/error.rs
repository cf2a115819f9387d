//! The union of the layers' errors.
