//! `ALTER STREAM|TABLE name ADD [COLUMN] c type`

use std::sync::Arc;

use sql::{Ident, Type};

use crate::catalog::{Change, Source, SourceKind, resolve_type};
use crate::types::Column;

use super::command::Command;
use super::error::{PlanError, Result, Stage};
use super::names::is_system_column;
use super::{Planner, formats, messages};

impl Planner<'_> {
    pub(super) fn alter(&self, text: &str, kind: SourceKind, name: &Ident, add: &[(Ident, Type)]) -> Result<Command> {
        let added = self.added_columns(add)?;
        let Some(source) = self.catalog.source(&name.name) else {
            return Err(messages::lost(self.catalog, name).unwrap_or_else(|| {
                PlanError::statement(format!("Source {} does not exist.", name.name))
                    .at(name.span)
                    .with_hint(messages::similar_source(self.catalog, &name.name))
            }));
        };
        self.check_alterable(source, kind)?;
        let mut altered = Source::clone(source);
        let mut parts: usize = source.schema.columns().map(|column| column.ty.parts()).sum();
        for ((column, _), added) in add.iter().zip(added) {
            if is_system_column(&column.name) {
                return Err(PlanError::statement(format!(
                    "'{}' is a reserved column name. You cannot use it as a name for a column.",
                    column.name
                ))
                .at(column.span));
            }
            if altered.schema.position(&column.name).is_some() {
                return Err(PlanError::statement(format!(
                    "Cannot add column `{}` to schema. A column with the same name already exists.",
                    column.name
                ))
                .at(column.span));
            }
            parts += added.ty.parts();
            self.check_schema_size(parts).map_err(|error| error.at(column.span))?;
            altered.schema.value.push(added);
        }
        formats::check_columns(&altered.record_schema(), &altered.formats)?;
        let message = format!("{} {} altered.", messages::kind_title(kind), source.name);
        altered.statement = format!("{}\n{text}", altered.statement);
        let mut command = Command::new(text, message);
        command.action.changes.push(Change::PutSource(Arc::new(altered)));
        Ok(command)
    }

    /// Types are read before anything is looked up.
    fn added_columns(&self, add: &[(Ident, Type)]) -> Result<Vec<Column>> {
        let added = add.iter().map(|(name, ty)| {
            let ty = resolve_type(ty, self.catalog, &self.session.bounds)
                .map_err(|unknown| messages::unknown_type(self.catalog, &unknown, name.span).during(Stage::Read))?;
            Ok(Column::new(&*name.name, ty))
        });
        added.collect()
    }

    fn check_alterable(&self, source: &Source, kind: SourceKind) -> Result<()> {
        if source.read_only {
            let kind = messages::kind(source.kind);
            return Err(PlanError::statement(format!(
                "Cannot alter {kind} '{}': ALTER operations are not supported on source {kind}s.",
                source.name
            )));
        }
        if source.kind != kind {
            return Err(PlanError::statement(format!(
                "Incompatible data source type is {}, but statement was ALTER {}",
                messages::kind_upper(source.kind),
                messages::kind_upper(kind)
            )));
        }
        if source.derived {
            return Err(PlanError::statement("ALTER command is not supported for CREATE ... AS statements."));
        }
        Ok(())
    }
}
