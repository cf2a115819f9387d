//! The end of a cluster: nothing that statements have made is left.

use std::collections::BTreeSet;

use regex::Regex;
use sql::Limits;

use crate::catalog::{Catalog, SourceKind};
use crate::statements::{Answer, CommandStatus, Failure, Outcome, Session};

use super::Engine;

impl Engine {
    /// Ends all queries, drops all streams, tables and types, and deletes those of their topics whose whole name one of the
    /// patterns (regular expressions) matches. The log stays, and so does everything else in it.
    ///
    /// # Errors
    /// A pattern is none; nothing has happened then. A topic cannot be deleted; all else has happened then.
    pub fn terminate_cluster(&self, patterns: &[String]) -> Result<Answer, Failure> {
        let compile = |text: &String| {
            Regex::new(&format!("^(?:{text})$")).map_err(|error| {
                let hint = error.to_string().lines().last().map(str::to_owned);
                Failure { hint, ..Failure::request(format!("Invalid pattern: {text}")) }
            })
        };
        self.check_headless()?;
        let patterns: Vec<Regex> = patterns.iter().map(compile).collect::<Result<_, _>>()?;
        let catalog = self.catalog();
        self.close_client_queries();
        let answers = self.begin_within(&demolition(&catalog), Session::default(), None, Limits::NONE).run_to_end()?;
        let topics: BTreeSet<&str> = catalog.sources().map(|source| source.topic.as_str()).collect();
        let mut deleted = Ok(());
        for topic in topics.into_iter().filter(|topic| patterns.iter().any(|pattern| pattern.is_match(topic))) {
            deleted = deleted.and(self.shared.log.delete_topic(topic));
        }
        deleted?;
        let numbers = answers.iter().filter_map(|answer| match &answer.outcome {
            Outcome::Command(status) => Some(status.sequence_number),
            _ => None,
        });
        let status = CommandStatus {
            command_id: "cluster/TerminateCluster/terminate".to_owned(),
            message: "Cluster terminated".to_owned(),
            query_id: None,
            sequence_number: numbers.max().unwrap_or(-1),
        };
        let (text, outcome) = ("TERMINATE CLUSTER;".to_owned(), Outcome::Command(status));
        Ok(Answer { text, outcome, warnings: Vec::new() })
    }
}

/// The statements that take down what exists: what was made of others goes before them.
fn demolition(catalog: &Catalog) -> String {
    let mut text = String::from("TERMINATE ALL;\n");
    let mut left: Vec<_> = catalog.sources().collect();
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|source| {
            if !catalog.dependants(&source.name).all(|other| gone.contains(other.name.as_str())) {
                return true;
            }
            let kind = if source.kind == SourceKind::Stream { "STREAM" } else { "TABLE" };
            text.push_str(&format!("DROP {kind} {};\n", quoted(&source.name)));
            gone.insert(&source.name);
            false
        });
        if left.len() == before {
            break;
        }
    }
    for (kind, name) in catalog.lost().filter_map(|lost| lost.source.as_ref()) {
        let kind = if *kind == SourceKind::Stream { "STREAM" } else { "TABLE" };
        text.push_str(&format!("DROP {kind} {};\n", quoted(name)));
    }
    catalog.custom_types().for_each(|(name, _)| text.push_str(&format!("DROP TYPE {};\n", quoted(name))));
    text
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
