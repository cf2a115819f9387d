//! Calls of functions: arguments, overload, lambdas, result type.

use std::collections::HashMap;

use sql::{Expr, ExprKind, Ident, Span};

use super::super::functions::{Argument, Function, FunctionKind, Param, Signature, instantiate, unify};
use super::super::typed::{Call, Kind};
use super::super::{ExprError, Typed, coerce};
use super::Binder;
use crate::types::SqlType;

impl Binder<'_> {
    pub(super) fn call(&mut self, name: &Ident, args: &[Expr], span: Span, table: bool) -> Result<Typed, ExprError> {
        let registry = self.env.functions;
        let wanted = if table { FunctionKind::Table } else { FunctionKind::Scalar };
        if registry.get(&name.name).is_some_and(|function| function.kind != wanted) {
            return Err(ExprError::UnknownFunction { name: name.name.clone(), span, nearest: None });
        }
        if registry.get(&name.name).is_none() {
            // Before the arguments are looked at: they may be wrong only because the function is.
            registry.resolve(&name.name, &[], span)?;
        }
        let mut bound: Vec<Option<Typed>> = Vec::with_capacity(args.len());
        let mut kinds = Vec::with_capacity(args.len());
        for arg in args {
            let (typed, kind) = match &arg.kind {
                ExprKind::Lambda { params, .. } => (None, Argument::Lambda(params.len())),
                _ => {
                    let typed = self.bind(arg)?;
                    let kind = match &typed.kind {
                        Kind::Null => Argument::Null,
                        Kind::Unit(_) => Argument::Unit,
                        _ => Argument::Type(typed.ty.clone()),
                    };
                    (Some(typed), kind)
                }
            };
            bound.push(typed);
            kinds.push(kind);
        }
        let (function, resolved) = registry.resolve(&name.name, &kinds, span)?;
        let signatures = registry.signatures(&name.name);
        let Some(signature) = signatures.get(resolved.variation) else {
            return Err(ExprError::UnknownFunction { name: name.name.clone(), span, nearest: None });
        };
        let mut generics = resolved.generics;
        let mut typed = Vec::with_capacity(args.len());
        for (i, (arg, bound)) in args.iter().zip(bound).enumerate() {
            let param = signature.param_for(i, args.len()).map(|param| &param.ty);
            typed.push(match (bound, param) {
                (None, Some(Param::Lambda(params, returns))) => self.lambda(arg, params, returns, &mut generics)?,
                (None, _) => return Err(ExprError::ty("a lambda is not expected here", arg.span)),
                (Some(expr), _) => match resolved.casts.get(i).cloned().flatten() {
                    Some(to) => coerce::cast(expr, &to),
                    None => expr,
                },
            });
        }
        // A NULL is what the other arguments make of it; for the state of REDUCE that is the lambda.
        for (i, arg) in typed.iter_mut().enumerate().filter(|(_, arg)| arg.is_null_literal()) {
            if let Some(ty) = signature.param_for(i, args.len()).and_then(|param| instantiate(&param.ty, &generics)) {
                *arg = coerce::cast(arg.clone(), &ty);
            }
        }
        let ty = result_type(function, resolved.variation, signature, &typed, &generics);
        let (function, variation) = (function.name.to_owned(), signature.types());
        Ok(Typed { ty, kind: Kind::Call(Call { function, variation, args: typed }) })
    }

    fn lambda(
        &mut self,
        arg: &Expr,
        params: &[Param],
        returns: &Param,
        generics: &mut HashMap<char, SqlType>,
    ) -> Result<Typed, ExprError> {
        let ExprKind::Lambda { params: names, body } = &arg.kind else {
            return Err(ExprError::ty("a lambda is expected here", arg.span));
        };
        let types: Vec<(String, SqlType)> = names
            .iter()
            .zip(params)
            .map(|(name, param)| (name.name.clone(), instantiate(param, generics).unwrap_or(SqlType::String)))
            .collect();
        self.lambdas.push(types.clone());
        let body = self.bind(body);
        self.lambdas.pop();
        let mut body = body?;
        if body.is_null_literal()
            && let Some(ty) = instantiate(returns, generics)
        {
            body = coerce::cast(body, &ty);
        }
        if !unify(returns, &body.ty, generics) {
            let given: Vec<String> = types.iter().map(|(_, ty)| ty.to_string()).collect();
            let message = format!(
                "Cannot infer generics for {} from LAMBDA ({}) => {} because they do not have the same schema structure.",
                Param::Lambda(params.to_vec(), Box::new(returns.clone())),
                given.join(", "),
                body.ty
            );
            return Err(ExprError::ty(message, arg.span));
        }
        Ok(Typed { ty: body.ty.clone(), kind: Kind::Lambda { params: names.len(), body: Box::new(body) } })
    }
}

fn result_type(
    function: &Function,
    variation: usize,
    signature: &Signature,
    args: &[Typed],
    generics: &HashMap<char, SqlType>,
) -> SqlType {
    let types: Vec<SqlType> = args.iter().map(|arg| arg.ty.clone()).collect();
    let by_rule = function.variations.get(variation).and_then(|variation| variation.returns);
    let ty = match by_rule {
        Some(rule) => rule(&types),
        // DECIMAL without a rule keeps the type of the first DECIMAL argument; an open generic is NULL's.
        None => instantiate(&signature.returns, generics).unwrap_or_else(|| {
            types.iter().find(|ty| matches!(ty, SqlType::Decimal { .. })).cloned().unwrap_or(SqlType::String)
        }),
    };
    // A table function says what one row is.
    if function.kind == FunctionKind::Table { ty.array_of() } else { ty }
}
