//! The function library. A function is one constant: what DESCRIBE FUNCTION tells of it, its variations, and for each
//! the code that runs it. Every file lists its functions in one slice; [`Registry`](super::Registry) holds all of them.
//!
//! ```text
//! Function { about…, variations: [ Variation { "(VARCHAR str, INT pos) VARCHAR", Run::… } ] }
//!      └─ Registry ──resolve(name, argument types)──> variation, casts, result type
//! ```
//!
//! Aggregates stand in the same registry with [`Run::Elsewhere`]: the operators run them.

mod function;
mod resolve;
mod signature;

mod arrays;
mod borders;
mod bytes;
mod columns;
mod conditional;
mod datetime;
mod extremes;
mod java_regex;
mod json;
mod json_path;
mod json_text;
mod json_write;
mod lambda;
mod lists;
mod maps;
mod mask;
mod math;
mod nested;
mod regexp;
mod search;
mod text;
mod uri;
mod url;

pub use super::arg::Arg;
pub use function::{Batch, Category, Context, Function, FunctionKind, Kernel, LambdaKind, Run, Variation};
pub use resolve::{Argument, Resolved};
pub(super) use resolve::{NoVariation, instantiate, resolve, unify};
pub use signature::{Param, Parameter, Signature};

/// The scalar and table functions of the product, by file.
pub(super) static LIBRARY: &[&[Function]] = &[
    arrays::FUNCTIONS,
    bytes::FUNCTIONS,
    conditional::FUNCTIONS,
    datetime::FUNCTIONS,
    extremes::FUNCTIONS,
    json::FUNCTIONS,
    lambda::FUNCTIONS,
    maps::FUNCTIONS,
    mask::FUNCTIONS,
    math::FUNCTIONS,
    regexp::FUNCTIONS,
    search::FUNCTIONS,
    text::FUNCTIONS,
    url::FUNCTIONS,
];

#[cfg(test)]
mod array_tests;
#[cfg(test)]
mod cast_tests;
#[cfg(test)]
mod growth_tests;
#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod map_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
