//! Why a query shows no row: the question every newcomer asks first.

use serde_json::Value;
use wire::Entity;

use crate::client::request;
use crate::query::Asked;
use crate::session::Session;

const OFFSET_RESET: [&str; 2] = ["auto.offset.reset", "ksql.streams.auto.offset.reset"];

/// One or more sentences.
pub(crate) async fn reason(session: &Session, asked: &Asked) -> String {
    let mut reasons = Vec::new();
    if asked.push && offset_reset(session).await.is_none_or(|value| !value.eq_ignore_ascii_case("earliest")) {
        reasons.push(
            "No rows yet: this query shows only rows that arrive from now on. To start with what is there already:\n  \
             SET 'auto.offset.reset' = 'earliest';"
                .to_owned(),
        );
    }
    if let Some(source) = &asked.source
        && let Some(said) = about_source(session, source).await
    {
        reasons.push(said);
    }
    if reasons.is_empty() {
        reasons.push(if asked.push { "No rows yet." } else { "(no rows)" }.to_owned());
    }
    reasons.join("\n")
}

/// The effective `auto.offset.reset`: the session's, else the server's.
async fn offset_reset(session: &Session) -> Option<String> {
    let own = OFFSET_RESET.iter().find_map(|name| session.properties.get(*name)).and_then(Value::as_str);
    if let Some(value) = own {
        return Some(value.to_owned());
    }
    let entity = ask(session, "LIST PROPERTIES;").await?;
    let Entity::Properties(found) = entity else { return None };
    found.properties.into_iter().find(|p| OFFSET_RESET.contains(&p.name.as_str()))?.value
}

/// What the server knows about the source: records that could not be read, or none at all.
async fn about_source(session: &Session, source: &str) -> Option<String> {
    let Entity::SourceDescription(found) = ask(session, &format!("DESCRIBE `{source}` EXTENDED;")).await? else {
        return None;
    };
    let description = found.source_description;
    let errors = description.error_stats.trim();
    if !errors.is_empty() {
        return Some(format!("Rows of {source} were skipped: {errors}."));
    }
    let stopped =
        description.write_queries.iter().find(|query| query.state.as_deref().is_some_and(|s| s != "RUNNING"))?;
    let state = stopped.state.as_deref().unwrap_or_default();
    Some(format!("Query {} that fills {source} is {state}; see EXPLAIN {};", stopped.id, stopped.id))
}

async fn ask(session: &Session, statement: &str) -> Option<Entity> {
    let request = request(statement, &session.properties, &session.variables);
    let answer = session.client.statements(&request).await.ok()?;
    serde_json::from_value(answer.into_iter().next()?).ok()
}
