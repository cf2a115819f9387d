//! SHOW PROPERTIES, SET, UNSET.

use crate::config::{Access, ConfigError, bare_name, properties};

use super::{Failure, Outcome, Property, Session, View};

/// `SHOW PROPERTIES`
pub(super) fn show(view: View<'_>, session: &Session) -> Outcome {
    let known = properties().map(|property| Property {
        name: property.name.to_owned(),
        value: view.config.shown(property.name),
        editable: property.access == Access::Session,
        per_query: property.access == Access::Session,
    });
    let of_clients = view.config.settings_of_clients().map(|name| Property {
        name: name.to_owned(),
        value: view.config.shown(name),
        editable: true,
        per_query: true,
    });
    let defaults = properties().filter(|property| !view.config.is_set(property.name));
    Outcome::Properties {
        properties: known.chain(of_clients).collect(),
        overwritten: session.properties.keys().cloned().collect(),
        defaults: defaults.map(|property| property.name.to_owned()).collect(),
    }
}

/// `SET 'name'='value'`
pub(crate) fn set(view: View<'_>, session: &mut Session, name: &str, value: &str) -> Result<Outcome, Failure> {
    view.config.check_set(name, value).map_err(refused)?;
    session.properties.insert(bare_name(name).to_owned(), value.to_owned());
    Ok(Outcome::Nothing)
}

fn refused(error: ConfigError) -> Failure {
    match error {
        ConfigError::Value { problem, .. } => Failure::statement(problem),
        ConfigError::Unknown { name, nearest } => {
            let short =
                |known: &'static str| known.strip_prefix("ksql.streams.").filter(|_| !name.starts_with("ksql."));
            let hint = nearest.map(|known| format!("did you mean '{}'?", short(known).unwrap_or(known)));
            Failure { hint, ..Failure::statement(format!("Unknown property: {name}")) }
        }
        other => Failure::statement(other.to_string()),
    }
}

/// `UNSET 'name'`; a property that was never set is left so.
pub(crate) fn unset(view: View<'_>, session: &mut Session, name: &str) -> Result<Outcome, Failure> {
    view.config.check_known(name).map_err(refused)?;
    session.properties.remove(bare_name(name));
    Ok(Outcome::Nothing)
}
