//! SHOW FUNCTIONS, DESCRIBE FUNCTION: the library tells.

use crate::expr::Registry;
use crate::expr::functions::{Parameter, Signature, Variation};

use super::{Failure, FunctionArgument, FunctionDescription, FunctionLine, FunctionSignature, Outcome};

/// `SHOW FUNCTIONS`
pub(super) fn show(registry: &Registry) -> Outcome {
    let line = |function: &'static crate::expr::Function| FunctionLine {
        name: function.name.to_owned(),
        kind: function.kind.name(),
        category: function.category.name().to_owned(),
    };
    Outcome::Functions(registry.iter().map(line).collect())
}

/// `DESCRIBE FUNCTION name`; `written` is the name as the user wrote it.
pub(crate) fn describe_function(registry: &Registry, name: &str, written: &str) -> Result<Outcome, Failure> {
    let function = registry
        .get(name)
        .ok_or_else(|| Failure::request(format!("Can't find any functions with the name '{written}'")))?;
    let signatures = registry.told(function.name);
    Ok(Outcome::Function(Box::new(FunctionDescription {
        name: function.name.to_owned(),
        description: function.description.to_owned(),
        author: function.author.to_owned(),
        version: String::new(),
        kind: function.kind.name(),
        signatures: signatures.map(|(signature, variation)| described(signature, variation)).collect(),
    })))
}

fn described(signature: &Signature, variation: &Variation) -> FunctionSignature {
    let argument = |(i, parameter): (usize, &Parameter)| FunctionArgument {
        name: parameter.name.clone(),
        ty: parameter.ty.to_string(),
        description: variation.docs.get(i).copied().unwrap_or_default().to_owned(),
        variadic: parameter.variadic,
    };
    FunctionSignature {
        arguments: signature.params.iter().enumerate().map(argument).collect(),
        return_type: signature.returns.to_string(),
        description: variation.description.to_owned(),
    }
}
