//! Functions that only the cases know (conformance.md §11), added through the interface for extensions.

mod aggregate;
mod scalar;
mod table;

use engine::expr::Registry;

/// The product's functions and those of the cases, for one case: what counts its calls starts anew.
pub(crate) fn registry() -> Registry {
    scalar::start_counting();
    Registry::with(&[scalar::FUNCTIONS, table::FUNCTIONS, aggregate::FUNCTIONS])
        .and_aggregates(&[aggregate::AGGREGATES])
}
