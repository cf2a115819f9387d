//! Expressions of a query → typed expressions over the [`Universe`](super::universe::Universe), with ksqlDB's texts for
//! the clause they stand in.

use sql::{Expr, ExprKind};

use crate::expr::{Bound, Env, ExprError, FunctionKind, Typed, bind_table_function, bind_types, show};
use crate::types::SqlType;

use super::Planner;
use super::error::{PlanError, Result, Stage};
use super::names::is_window_bound;
use super::universe::Universe;

/// The clause an expression stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Select,
    /// A table function of the SELECT list.
    TableFunction,
    Where,
    JoinOn,
    PartitionBy,
    GroupBy,
    Having,
}

impl Clause {
    fn name(self) -> &'static str {
        match self {
            Self::Select | Self::TableFunction => "SELECT",
            Self::Where => "WHERE",
            Self::JoinOn => "JOIN ON",
            Self::PartitionBy => "PARTITION BY",
            Self::GroupBy => "GROUP BY",
            Self::Having => "HAVING",
        }
    }

    /// What ksqlDB calls code made for the clause.
    fn code(self) -> &'static str {
        match self {
            Self::Select => "Select",
            Self::TableFunction => "Table function",
            Self::Where | Self::Having => "Predicate",
            Self::JoinOn | Self::PartitionBy => "SelectKey",
            Self::GroupBy => "Group By",
        }
    }

    /// Whether the schema of the result depends on the code.
    fn has_early_code(self) -> bool {
        matches!(self, Self::Select | Self::GroupBy)
    }

    /// Whether code for it is made only when the query is built.
    fn is_late(self) -> bool {
        self.is_predicate() || self == Self::PartitionBy
    }

    fn is_predicate(self) -> bool {
        matches!(self, Self::Where | Self::Having)
    }
}

impl Planner<'_> {
    /// Binds an expression of a clause.
    pub(super) fn bind(&self, expr: &Expr, universe: &Universe, clause: Clause) -> Result<Typed> {
        self.bind_types(expr, universe, clause).and_then(sound)
    }

    /// Binds an expression of a clause; what is wrong with it when code is made is told beside it.
    pub(super) fn bind_types(&self, expr: &Expr, universe: &Universe, clause: Clause) -> Result<Checked> {
        let types = |name: &str| self.catalog.custom_type(name).cloned();
        let env = Env { functions: self.functions, types: &types, bounds: self.session.bounds };
        let bound = match clause {
            Clause::TableFunction => bind_table_function(expr, &universe.scope, env),
            _ => bind_types(expr, &universe.scope, env),
        };
        let refused = |error| self.refused(error, expr, universe, clause);
        let Bound { typed, code } = bound.map_err(refused)?;
        Ok((typed, code.map(refused)))
    }

    /// Binds WHERE or HAVING.
    pub(super) fn bind_predicate(&self, expr: &Expr, universe: &Universe, clause: Clause) -> Result<Typed> {
        self.bind_predicate_types(expr, universe, clause).and_then(sound)
    }

    /// [`bind_types`](Self::bind_types) for WHERE or HAVING.
    pub(super) fn bind_predicate_types(&self, expr: &Expr, universe: &Universe, clause: Clause) -> Result<Checked> {
        let checked = self.bind_types(expr, universe, clause)?;
        let ty = &checked.0.ty;
        if *ty == SqlType::Boolean {
            return Ok(checked);
        }
        let clause = clause.name();
        Err(PlanError::statement(format!(
            "Type error in {clause} expression: Should evaluate to boolean but is {} ({ty}) instead.",
            internal(expr, universe),
        ))
        .brief(format!("Type error in {clause} expression: Should evaluate to boolean but is ({ty}) instead."))
        .of(&internal(expr, universe))
        .at(expr.span))
    }

    fn refused(&self, error: ExprError, expr: &Expr, universe: &Universe, clause: Clause) -> PlanError {
        let (span, hint) = (error.span(), error.hint());
        let text = error.to_string();
        let is_query_function =
            |name: &str| self.functions.get(name).is_some_and(|function| function.kind != FunctionKind::Scalar);
        let refused = match error {
            ExprError::UnknownColumn { name, .. } => self.unknown_column(&name, span, clause),
            // Types of aggregates and table functions are known where code for them is not.
            ExprError::UnknownFunction { name, .. } if clause.is_late() && is_query_function(&name) => {
                no_code(&text, expr, universe, clause)
            }
            ExprError::Code { .. } => no_code(&text, expr, universe, clause),
            ExprError::Unforeseen { .. } => PlanError::unforeseen(text),
            ExprError::Time { .. } => PlanError::statement(text),
            error if clause.is_predicate() => {
                let place = format!("Error in {} expression", clause.name());
                let part = match error {
                    ExprError::Compare { expression, .. } | ExprError::Arithmetic { expression, .. } => {
                        format!("\nStatement: {expression}")
                    }
                    _ => String::new(),
                };
                PlanError::statement(format!("{place}: {text}{part}")).brief(place).of(&internal(expr, universe))
            }
            ExprError::Compare { expression, .. } => PlanError::statement(text).of(&expression),
            ExprError::Arithmetic { expression, .. } => {
                PlanError::statement(text).brief("Error processing expression.").of(&expression)
            }
            _ => PlanError::statement(text),
        };
        refused.at(span).with_hint(hint)
    }

    pub(super) fn unknown_column(&self, name: &str, span: sql::Span, clause: Clause) -> PlanError {
        let reason = match clause {
            Clause::PartitionBy => {
                format!(" '{name}' must be a column in the source schema since PARTITION BY is applied on the input.")
            }
            _ => String::new(),
        };
        PlanError::statement(format!(
            "{}: {} column '{name}' cannot be resolved.{reason}",
            self.location(span),
            clause.name()
        ))
    }
}

/// An expression with its types, and why no code can be made for it.
pub(super) type Checked = (Typed, Option<PlanError>);

fn sound((typed, code): Checked) -> Result<Typed> {
    code.map_or(Ok(typed), Err)
}

/// No code can be made for an expression.
fn no_code(text: &str, expr: &Expr, universe: &Universe, clause: Clause) -> PlanError {
    let (brief, shown) = (format!("Invalid {}: {text}.", clause.code()), internal(expr, universe));
    let schema = universe.code_schema();
    let error = PlanError::statement(format!("{brief} expression: {shown}, schema:{schema}")).brief(brief).of(&shown);
    if clause.has_early_code() { error } else { error.during(Stage::Start) }
}

/// An expression as messages about the query's inside show it: columns without their source, or with it as a prefix
/// when sources are joined.
pub(super) fn internal(expr: &Expr, universe: &Universe) -> String {
    show::show(expr, &|source, name| {
        let id = source.and_then(|source| universe.find(&source.name, &name.name));
        id.map_or_else(|| name.name.clone(), |id| universe.label(id))
    })
}

/// An expression as it is written, columns with their source.
pub(super) fn qualified(expr: &Expr) -> String {
    show::show(expr, &|source, name| match source {
        Some(source) => format!("{}.{}", source.name, name.name),
        None => name.name.clone(),
    })
}

/// An expression with bare column names.
pub(super) fn unqualified(expr: &Expr) -> String {
    show::show(expr, &|_, name| name.name.clone())
}

/// The bound of a window that an expression names without a source, if it does.
pub(super) fn window_bound_in(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Column { source: None, name } if is_window_bound(&name.name) => Some(&name.name),
        _ => super::ast::children(expr).into_iter().find_map(window_bound_in),
    }
}
