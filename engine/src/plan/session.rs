//! What a statement is planned against, besides the catalog.

use crate::config::{Config, setting};
use crate::types::Bounds;

/// What the planner may know about topics.
pub trait Topics {
    /// The topic of that name, if it exists.
    fn topic(&self, name: &str) -> Option<TopicInfo>;
}

/// A topic that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicInfo {
    /// Number of partitions.
    pub partitions: u32,
    /// Number of replicas.
    pub replicas: u16,
    /// `retention.ms`; -1 is forever.
    pub retention_ms: i64,
}

/// Settings and surroundings of one statement.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The server's properties with the request's on top.
    pub config: &'a Config,
    /// What the statement's spans count in.
    pub place: sql::SourceText<'a>,
    /// The id of the query, where it does not follow from what exists: a client's, or one that a command of an earlier
    /// version has started, which is planned again.
    pub query_id: Option<&'a str>,
    /// How large what the statement makes may be.
    pub bounds: Bounds,
}

impl<'a> Session<'a> {
    /// For a new statement, with the bounds that the settings say.
    pub fn new(config: &'a Config, place: sql::SourceText<'a>) -> Self {
        let windows = config.get(setting::WINDOW_MAX_PER_RECORD);
        Self { config, place, query_id: None, bounds: Bounds { windows, ..Bounds::default() } }
    }
}
