//! `GET /is_valid_property/:name`

use axum::response::Response;

use crate::{Server, reply};

/// Properties a session may never override, besides those of `ksql.properties.overrides.denylist`.
const PROHIBITED: &[&str] = &["ksql.service.id"];

/// Whether a session may set that property. Names nobody knows are fine, as in ksqlDB.
pub(crate) fn is_valid(server: &Server, name: &str) -> Response {
    if PROHIBITED.contains(&name)
        || server.engine.config().list("ksql.properties.overrides.denylist").any(|denied| denied == name)
    {
        return reply::json_error(
            40000,
            format!(
                "One or more properties overrides set locally are prohibited by the KSQL server (use UNSET to reset their \
                 default value): [{name}]"
            ),
        );
    }
    reply::json(&true)
}
