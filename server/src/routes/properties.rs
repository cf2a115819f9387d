//! `GET /is_valid_property/:name`

use axum::response::Response;
use engine::config::{ConfigError, setting, without_effect_in_session};

use crate::app::Server;
use crate::reply;

/// Whether a session may set that property. Names nobody knows are fine, as in ksqlDB.
pub(crate) fn is_valid(server: &Server, name: &str) -> Response {
    let hint = without_effect_in_session(name).map(|reason| format!("'{name}' has no effect: {reason}"));
    let hint = hint.unwrap_or_default();
    if name == setting::SERVICE_ID.name()
        || matches!(server.engine.config().check_override(name), Err(ConfigError::Prohibited(_)))
    {
        return reply::json_error(
            40000,
            format!(
                "One or more properties overrides set locally are prohibited by the KSQL server (use UNSET to reset their \
                 default value): [{name}]"
            ),
        );
    }
    reply::hinted(reply::json(&true), &hint)
}
