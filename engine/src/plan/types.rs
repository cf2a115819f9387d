//! `CREATE TYPE`, `DROP TYPE`

use sql::{Ident, Type};

use crate::catalog::{Change, resolve_type};

use super::command::Command;
use super::error::{PlanError, Result, Stage};
use super::{Planner, messages};

impl Planner<'_> {
    pub(super) fn create_type(&self, text: &str, name: &Ident, ty: &Type, if_not_exists: bool) -> Result<Command> {
        let resolved = resolve_type(ty, self.catalog, &self.session.bounds)
            .map_err(|unknown| messages::unknown_type(self.catalog, &unknown, name.span).during(Stage::Read))?;
        if let Some(known) = self.catalog.custom_type(&name.name) {
            if if_not_exists {
                return Ok(Command::new(text, format!("{} is already registered with type {known}", name.name)));
            }
            return Err(PlanError::statement(format!(
                "Cannot register custom type '{}' since it is already registered with type: {known}",
                name.name
            ))
            .at(name.span));
        }
        let message = format!("Registered custom type with name '{}' and SQL type {resolved}", name.name);
        let mut command = Command::new(text, message);
        command.action.changes.push(Change::PutType { name: name.name.clone(), ty: resolved });
        Ok(command)
    }

    pub(super) fn drop_type(&self, text: &str, name: &Ident, if_exists: bool) -> Result<Command> {
        if self.catalog.custom_type(&name.name).is_none() {
            if if_exists {
                return Ok(Command::new(text, format!("Type '{}' does not exist", name.name)));
            }
            return Err(PlanError::statement(format!("Type {} does not exist.", name.name)).at(name.span));
        }
        let mut command = Command::new(text, format!("Dropped type '{}'", name.name));
        command.action.changes.push(Change::DropType(name.name.clone()));
        Ok(command)
    }
}
