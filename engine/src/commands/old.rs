//! Entries as versions wrote them that did not store plans: the statement, and all that planning it again needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sql::SourceKind;

use super::{Content, Logged};

/// What such an entry says instead of what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Old {
    /// Every property that was set when the statement ran, those of the server among them.
    pub properties: BTreeMap<String, String>,
    /// What the planner asked about topics, and what it was told.
    pub topics: BTreeMap<String, Option<OldTopic>>,
}

/// A topic as the planner saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OldTopic {
    /// Number of partitions.
    pub partitions: u32,
    /// Number of replicas.
    pub replicas: u16,
    /// `retention.ms`
    pub retention_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    written: String,
    command_id: String,
    query_id: Option<String>,
    message: String,
    properties: BTreeMap<String, String>,
    topics: BTreeMap<String, Option<OldTopic>>,
    time_ms: i64,
}

pub(super) fn decode(bytes: &[u8]) -> serde_json::Result<Logged> {
    let Entry { written, command_id, query_id, message, properties, topics, time_ms } = serde_json::from_slice(bytes)?;
    let source = made_source(&command_id).filter(|_| !is_insert(&written));
    Ok(Logged {
        text: written,
        command_id,
        source,
        query_id,
        message,
        service_id: String::new(),
        overrides: BTreeMap::new(),
        time_ms,
        content: Content::Old(Old { properties, topics }),
        taken: None,
    })
}

pub(super) fn encode(logged: &Logged, old: &Old) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Entry {
        written: logged.text.clone(),
        command_id: logged.command_id.clone(),
        query_id: logged.query_id.clone(),
        message: logged.message.clone(),
        properties: old.properties.clone(),
        topics: old.topics.clone(),
        time_ms: logged.time_ms,
    })
}

/// The stream or table that a command made or changed, by its id: ``stream/`X`/create``, `table/X/alter`.
fn made_source(command_id: &str) -> Option<(SourceKind, String)> {
    let (kind, rest) = command_id.split_once('/')?;
    let (name, action) = rest.rsplit_once('/')?;
    let kind = match (kind, action) {
        ("stream", "create" | "alter") => SourceKind::Stream,
        ("table", "create" | "alter") => SourceKind::Table,
        _ => return None,
    };
    let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    Some((kind, bare.unwrap_or(name).to_owned()))
}

/// Commands of INSERT INTO are called as if they made their target.
fn is_insert(statement: &str) -> bool {
    statement.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("INSERT"))
}
