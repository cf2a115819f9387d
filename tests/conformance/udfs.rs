//! Functions that only the cases know (conformance.md §11).

use engine::expr::Registry;

/// The product's functions and those of the cases.
pub(crate) fn registry() -> Registry {
    Registry::with(&[])
}
