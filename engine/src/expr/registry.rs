//! All functions by name.

use std::collections::BTreeMap;

use sql::Span;

use super::aggregates::{self, Aggregate, Aggregates};
use super::error::{ExprError, nearest};
use super::functions::{
    Argument, Function, FunctionKind, LIBRARY, NoVariation, Resolved, Signature, Variation, resolve,
};

/// The functions a server knows.
#[derive(Debug)]
pub struct Registry {
    functions: BTreeMap<&'static str, Entry>,
    aggregates: Aggregates,
}

#[derive(Debug)]
struct Entry {
    function: &'static Function,
    signatures: Vec<Signature>,
}

impl Registry {
    /// The library and `extra` functions: what an extension or a test adds. A later function replaces an earlier one of
    /// its name.
    pub fn with(extra: &[&'static [Function]]) -> Self {
        let mut functions = BTreeMap::new();
        let library = LIBRARY.iter().copied().chain([aggregates::FUNCTIONS]);
        for function in library.chain(extra.iter().copied()).flat_map(|functions| functions.iter()) {
            let signatures = function.variations.iter().filter_map(|v| Signature::parse(v.signature)).collect();
            functions.insert(function.name, Entry { function, signatures });
        }
        Self { functions, aggregates: Aggregates::with(&[]) }
    }

    /// Adds the code of aggregates that `extra` functions described.
    #[must_use]
    pub fn and_aggregates(mut self, extra: &[&'static [Aggregate]]) -> Self {
        self.aggregates = Aggregates::with(extra);
        self
    }

    /// The code of the aggregates.
    pub fn aggregates(&self) -> &Aggregates {
        &self.aggregates
    }

    /// All functions in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &'static Function> {
        self.functions.values().map(|entry| entry.function)
    }

    /// A function by its folded name; function names have no case.
    pub fn get(&self, name: &str) -> Option<&'static Function> {
        self.entry(name).map(|entry| entry.function)
    }

    /// The signatures of a function, one per variation.
    pub fn signatures(&self, name: &str) -> &[Signature] {
        self.entry(name).map_or(&[], |entry| &entry.signatures)
    }

    /// The variation of a function with that signature, as [`Signature::types`] writes it.
    pub fn variation(&self, name: &str, types: &str) -> Option<(&'static Function, &'static Variation, &Signature)> {
        let entry = self.functions.get(name)?;
        // Written anew for each call of a stored plan: to keep all of them would cost every start a third of a millisecond.
        let at = entry.signatures.iter().position(|known| known.types() == types)?;
        Some((entry.function, entry.function.variations.get(at)?, entry.signatures.get(at)?))
    }

    /// The variations that are told to users, with their signatures.
    pub fn told(&self, name: &str) -> impl Iterator<Item = (&Signature, &'static Variation)> {
        self.entry(name).into_iter().flat_map(Entry::told)
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.functions.get(name).or_else(|| self.functions.get(name.to_uppercase().as_str()))
    }

    /// Chooses the variation of a call.
    ///
    /// # Errors
    /// [`ExprError::UnknownFunction`], with a name that looks like it; or no variation takes such arguments, or more than one
    /// does.
    pub fn resolve(
        &self,
        name: &str,
        args: &[Argument],
        span: Span,
    ) -> Result<(&'static Function, Resolved), ExprError> {
        let Some(entry) = self.entry(name) else {
            let nearest = nearest(name, self.functions.keys().copied());
            return Err(ExprError::UnknownFunction { name: name.to_owned(), span, nearest });
        };
        let may_cast = entry.function.kind != FunctionKind::Aggregate;
        match resolve(&entry.signatures, args, may_cast) {
            Ok(resolved) => Ok((entry.function, resolved)),
            Err(why) => Err(ExprError::Arguments { message: refusal(entry, args, why), span }),
        }
    }
}

impl Entry {
    /// To users an aggregate without arguments, `COUNT(*)`, is one of a column that every row has.
    fn told(&self) -> impl Iterator<Item = (&Signature, &'static Variation)> {
        let is_aggregate = self.function.kind == FunctionKind::Aggregate;
        let all = self.signatures.iter().zip(self.function.variations);
        all.filter(move |(signature, _)| !is_aggregate || !signature.params.is_empty())
    }
}

fn refusal(entry: &Entry, args: &[Argument], why: NoVariation) -> String {
    let function = entry.function;
    let given: Vec<String> = args.iter().map(describe).collect();
    let given = given.join(", ");
    // Scalars list their variations in upper case, the other kinds as the function is spelled.
    let shown = if function.kind == FunctionKind::Scalar { function.name } else { function.spelled };
    let mut variations: Vec<String> = entry.told().map(|(signature, _)| format!("{shown}{signature}")).collect();
    variations.sort();
    let what = match why {
        NoVariation::None => format!("does not accept parameters ({given}).\nValid alternatives are:"),
        NoVariation::Ambiguous => format!(
            "cannot be resolved due to ambiguous method parameters ({given}).\nUse CAST() to explicitly cast your \
             parameters to one of the supported function calls.\nValid function calls are:"
        ),
    };
    format!(
        "Function '{}' {what}\n{}\nFor detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;",
        function.spelled,
        variations.join("\n"),
    )
}

fn describe(arg: &Argument) -> String {
    match arg {
        Argument::Type(ty) => ty.to_string(),
        Argument::Null => "null".to_owned(),
        Argument::Lambda(_) => "LAMBDA".to_owned(),
        Argument::Unit => "INTERVAL UNIT".to_owned(),
    }
}
