//! Which variation a call means.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::signature::{Param, Signature};
use crate::expr::coerce;
use crate::types::SqlType;

/// An argument as far as choosing a variation needs it.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// An expression of that type.
    Type(SqlType),
    /// The NULL literal: fits everywhere.
    Null,
    /// A lambda of that many parameters.
    Lambda(usize),
    /// A time unit.
    Unit,
}

impl Argument {
    /// The argument's type, if it has one.
    pub fn ty(&self) -> Option<&SqlType> {
        if let Self::Type(ty) = self { Some(ty) } else { None }
    }
}

/// The variation of a call and what it makes of the arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Which variation.
    pub variation: usize,
    /// Type each argument must be cast to; `None` where nothing is to do.
    pub casts: Vec<Option<SqlType>>,
    /// What the generics of the signature stand for so far (lambdas may add more).
    pub generics: HashMap<char, SqlType>,
}

/// Why a call has no variation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum NoVariation {
    None,
    Ambiguous,
}

/// ksqlDB's order: variations that fit as they are, else those that fit with widening (not for aggregates); among them
/// the most specific, and a tie is an error.
pub(in super::super) fn resolve(
    signatures: &[Signature],
    args: &[Argument],
    may_cast: bool,
) -> Result<Resolved, NoVariation> {
    for casting in [false, true] {
        if casting && !may_cast {
            break;
        }
        let mut fitting: Vec<(usize, Resolved)> = signatures
            .iter()
            .enumerate()
            .filter_map(|(i, signature)| Some((i, fit(i, signature, args, casting)?)))
            .collect();
        fitting.sort_by(|a, b| specificity(&signatures[b.0]).cmp(&specificity(&signatures[a.0])));
        match fitting.as_slice() {
            [] => {}
            [first, second, ..]
                if specificity(&signatures[first.0]).cmp(&specificity(&signatures[second.0])) == Ordering::Equal =>
            {
                return Err(NoVariation::Ambiguous);
            }
            _ => return fitting.into_iter().next().map(|(_, resolved)| resolved).ok_or(NoVariation::None),
        }
    }
    Err(NoVariation::None)
}

/// Larger is preferred: concrete parameters (the variadic one may stand for none), few generics, no variadic, no ANY, a late variadic.
fn specificity(signature: &Signature) -> (usize, usize, bool, bool, usize) {
    let mut generics = Vec::new();
    let concrete = signature.params.iter().filter(|param| {
        let before = generics.len();
        collect_generics(&param.ty, &mut generics);
        before == generics.len() && !param.variadic
    });
    let concrete = concrete.count();
    generics.sort_unstable();
    generics.dedup();
    let variadic = signature.params.iter().position(|param| param.variadic);
    let any = signature.params.iter().any(|param| param.ty == Param::Any);
    (concrete, usize::MAX - generics.len(), variadic.is_none(), !any, variadic.unwrap_or(0))
}

fn collect_generics(param: &Param, into: &mut Vec<char>) {
    match param {
        Param::Generic(letter) => into.push(*letter),
        Param::Array(item) => collect_generics(item, into),
        Param::Map(key, value) => {
            collect_generics(key, into);
            collect_generics(value, into);
        }
        Param::Struct(fields) => fields.iter().for_each(|(_, ty)| collect_generics(ty, into)),
        Param::Lambda(params, returns) => {
            params.iter().for_each(|param| collect_generics(param, into));
            collect_generics(returns, into);
        }
        Param::Type(_) | Param::Decimal | Param::Any | Param::Unit => {}
    }
}

fn fit(variation: usize, signature: &Signature, args: &[Argument], casting: bool) -> Option<Resolved> {
    if !signature.takes(args.len()) {
        return None;
    }
    let mut resolved = Resolved { variation, casts: Vec::with_capacity(args.len()), generics: HashMap::new() };
    for (i, arg) in args.iter().enumerate() {
        let param = &signature.param_for(i, args.len())?.ty;
        let cast = match (arg, param) {
            (Argument::Null, Param::Lambda(..) | Param::Unit) => return None,
            (Argument::Null, _) => None,
            (Argument::Lambda(count), Param::Lambda(params, _)) if params.len() == *count => None,
            (Argument::Unit, Param::Unit) => None,
            (Argument::Type(ty), param) if unify(param, ty, &mut resolved.generics) => None,
            (Argument::Type(ty), param) if casting => Some(widened(param, ty)?),
            _ => return None,
        };
        resolved.casts.push(cast);
    }
    Some(resolved)
}

/// Whether a type is what a parameter asks for; binds generics.
pub(in super::super) fn unify(param: &Param, ty: &SqlType, generics: &mut HashMap<char, SqlType>) -> bool {
    match (param, ty) {
        (Param::Type(wanted), ty) => wanted == ty,
        (Param::Decimal, SqlType::Decimal { .. }) | (Param::Any, _) => true,
        (Param::Generic(letter), ty) => generics.entry(*letter).or_insert_with(|| ty.clone()) == ty,
        (Param::Array(item), SqlType::Array(ty)) => unify(item, ty, generics),
        (Param::Map(key, value), SqlType::Map(key_type, value_type)) => {
            unify(key, key_type, generics) && unify(value, value_type, generics)
        }
        (Param::Struct(wanted), SqlType::Struct(fields)) => {
            wanted.len() == fields.len()
                && wanted
                    .iter()
                    .zip(fields)
                    .all(|((name, param), (field, ty))| name == field && unify(param, ty, generics))
        }
        _ => false,
    }
}

/// The type a concrete parameter makes of an argument of another type, if ksqlDB converts by itself.
fn widened(param: &Param, from: &SqlType) -> Option<SqlType> {
    let to = match (param, from) {
        (Param::Decimal, SqlType::Integer) => SqlType::Decimal { precision: 10, scale: 0 },
        (Param::Decimal, SqlType::Bigint) => SqlType::Decimal { precision: 19, scale: 0 },
        (Param::Type(to), _) => to.clone(),
        _ => return None,
    };
    coerce::is_argument_castable(from, &to).then_some(to)
}

/// The type a parameter or result stands for once generics are known; `None` if one is not, or it is DECIMAL or ANY.
pub(in super::super) fn instantiate(param: &Param, generics: &HashMap<char, SqlType>) -> Option<SqlType> {
    match param {
        Param::Type(ty) => Some(ty.clone()),
        Param::Generic(letter) => generics.get(letter).cloned(),
        Param::Array(item) => Some(instantiate(item, generics)?.array_of()),
        Param::Map(key, value) => {
            Some(SqlType::Map(Box::new(instantiate(key, generics)?), Box::new(instantiate(value, generics)?)))
        }
        Param::Struct(fields) => {
            let fields = fields.iter().map(|(name, ty)| Some((name.clone(), instantiate(ty, generics)?)));
            Some(SqlType::Struct(fields.collect::<Option<_>>()?))
        }
        Param::Decimal | Param::Any | Param::Unit | Param::Lambda(..) => None,
    }
}
