//! What is wrong with a query and found only when code is made for it, or when it is put together: ksqlDB looks at all
//! its types, names and keys before.

use sql::Expr;

use crate::expr::Typed;
use crate::types::{Column, SqlType};

use super::bind::Clause;
use super::error::{PlanError, Result, Stage};
use super::formats;
use super::keys::Split;
use super::relation::Relation;
use super::select::Select;
use super::universe::From;

/// For what code is made, in ksqlDB's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Making {
    /// Arguments of aggregates.
    Arguments,
    Groups,
    Selected,
    /// The query itself.
    Query,
}

/// The faults that were found so far.
#[derive(Debug, Default)]
pub(super) struct Late(Vec<(Making, PlanError)>);

impl Late {
    pub(super) fn note(&mut self, making: Making, error: Option<PlanError>) {
        self.0.extend(error.map(|error| (making, error)));
    }

    /// What is found up to a point; the first fault of each kind counts.
    pub(super) fn check(&mut self, until: Making) -> Result<()> {
        self.0.sort_by_key(|(making, _)| *making);
        match self.0.first() {
            Some((making, error)) if *making <= until => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

impl Select<'_> {
    /// Binds an expression of a clause.
    pub(super) fn bind(&mut self, expr: &Expr, clause: Clause) -> Result<Typed> {
        let bound = match clause {
            Clause::Where | Clause::Having => self.planner.bind_predicate_types(expr, &self.universe, clause),
            _ => self.planner.bind_types(expr, &self.universe, clause),
        };
        let (typed, no_code) = match bound {
            // What it is does not matter any more.
            Err(error) if error.is_late() => (Typed::codeless(SqlType::Boolean), Some(error)),
            bound => bound?,
        };
        let making = match clause {
            Clause::Select => Making::Selected,
            Clause::GroupBy => Making::Groups,
            _ => Making::Query,
        };
        self.late.note(making, no_code);
        Ok(typed)
    }

    /// ksqlDB keeps what it joins in the formats of the sources: they have to hold the columns.
    pub(super) fn check_joined_columns(&mut self) {
        let wrong = self
            .froms
            .iter()
            .find_map(|from| formats::check_value(&from.source.schema.value, &from.source.formats.value).err());
        self.note_format(wrong);
    }

    /// It keeps groups and their states in the value format of the first source.
    pub(super) fn check_kept_states(&mut self, grouped: &[Column], windowed: bool) {
        let Some(From { source, .. }) = self.froms.first() else { return };
        let format = &source.formats.value;
        let state = |(n, ty): (usize, &SqlType)| Column::new(format!("KSQL_AGG_VARIABLE_{n}"), ty.clone());
        let states: Vec<Column> =
            self.aggregates.iter().map(|aggregate| &aggregate.intermediate).enumerate().map(state).collect();
        let unheld = |error: PlanError| match windowed {
            true => error,
            false => PlanError::statement(
                "One of the functions used in the statement has an intermediate type that the value format can not \
                 handle. Please remove the function or change the format.\nConsider up-voting \
                 https://github.com/confluentinc/ksql/issues/3950, which will resolve this limitation",
            ),
        };
        let wrong =
            formats::check_value(grouped, format).and_then(|()| formats::check_value(&states, format).map_err(unheld));
        self.note_format(wrong.err());
    }

    /// And so it keeps what is selected from tables.
    pub(super) fn check_kept_columns(&mut self, relation: &Relation, split: Option<&Split>) {
        let (true, Some(From { source, .. }), Some(split)) = (relation.step.is_table, self.froms.first(), split) else {
            return;
        };
        let columns: Vec<Column> =
            split.value.iter().map(|item| Column::new(&*item.alias, item.expr.ty.clone())).collect();
        let wrong = formats::check_value(&columns, &source.formats.value).err();
        self.note_format(wrong);
    }

    fn note_format(&mut self, wrong: Option<PlanError>) {
        self.late.note(Making::Query, wrong.map(|error| error.during(Stage::Start)));
    }
}
