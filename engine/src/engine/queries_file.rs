//! Headless mode: the server runs the statements of one file and takes no others that change what exists
//! (`ksql.queries.file`). Queries of clients and rows by INSERT it takes.
//!
//! The first start carries them out and logs them like any others. A later one finds them in the command log, so that ids,
//! state and positions are what they were, and carries out only what has been added at the end of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sql::{Parsed, Span, Statement, Variables};

use crate::commands::{Content, Logged, Numbered};
use crate::config::{Config, bare_name, setting};
use crate::error::Error;
use crate::statements::{Failure, Session};

use super::change::changes_something;
use super::{Engine, Execution};

/// What such a file may hold.
const ALLOWED: &str = "CREATE STREAM, CREATE TABLE, CREATE TYPE, CREATE STREAM AS SELECT, CREATE TABLE AS SELECT, INSERT \
                       INTO … SELECT, SET and UNSET";
/// As ksqlDB says it.
const NO_QUERIES: &str = "The SQL file does not contain any persistent queries. i.e. it contains no 'INSERT INTO', 'CREATE \
                          TABLE x AS SELECT' or 'CREATE STREAM x AS SELECT' style statements.";
const ONLY_ADDED: &str = "Statements can only be added at the end of a queries file (CREATE OR REPLACE changes a query). To \
                          begin anew, with state and positions of its own, name another data.dir.";

/// The file, with its statements.
pub(super) struct QueriesFile {
    path: String,
    text: String,
    statements: Vec<Parsed>,
}

impl QueriesFile {
    /// The file that the settings name.
    pub(super) fn of(config: &Config) -> Result<Option<Self>, Error> {
        let Some(path) = config.get(setting::QUERIES_FILE).filter(|path| !path.trim().is_empty()) else {
            return Ok(None);
        };
        let text = fs::read_to_string(path)
            .map_err(|error| Error::QueriesFile(format!("Could not read the query file: {path}. Details: {error}")))?;
        // Some editors begin a text with a byte order mark.
        let text = text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), ToOwned::to_owned);
        let statements = sql::parse_within(&text, &Variables::default(), config.sql_limits()).map_err(|error| {
            Error::QueriesFile(format!("{path}:{}:{}: {}", error.line, error.column, error.message))
        })?;
        let file = Self { path: path.to_owned(), text, statements };
        if let Some(other) = file.statements.iter().find(|parsed| !is_allowed(&parsed.statement)) {
            return Err(file.wrong(other.span, &format!("a queries file may hold {ALLOWED} only")));
        }
        let is_query =
            |parsed: &Parsed| matches!(parsed.statement, Statement::CreateAs(_) | Statement::InsertSelect { .. });
        if !file.statements.iter().any(is_query) {
            return Err(Error::QueriesFile(format!("{}: {NO_QUERIES}", file.path)));
        }
        Ok(Some(file))
    }

    /// How many of its statements have been carried out, if all that have been are in it and in this order.
    pub(super) fn done(&self, logged: &[Numbered], config: &Config) -> Result<usize, Error> {
        let mut done = 0;
        let mut made = BTreeSet::new();
        for (_, command) in logged {
            let known = canonical(&command.text);
            let at = self.position(&known, done, &made).map_err(|at| {
                let data_dir = config.get(setting::DATA_DIR);
                let shown = &command.text;
                match at.and_then(|at| self.statements.get(at)) {
                    Some(parsed) => self.wrong(
                        parsed.span,
                        &format!(
                            "this is not the statement that was carried out here in {data_dir}: {shown}\n{ONLY_ADDED}"
                        ),
                    ),
                    None => Error::QueriesFile(format!(
                        "{}: a statement is missing that was carried out in {data_dir}: {shown}\n{ONLY_ADDED}",
                        self.path
                    )),
                }
            })?;
            made.extend(self.statements.get(at).and_then(|parsed| Made::by(&parsed.statement)));
            self.check_settings(command, at, config)?;
            done = at + 1;
        }
        Ok(done)
    }

    /// What was SET before a statement must be what was when it was carried out: it does not run with anything else. What was
    /// not is as the server has it: an upgrade may have made settings of the server's file of that time part of a command.
    fn check_settings(&self, command: &Logged, at: usize, config: &Config) -> Result<(), Error> {
        let (before, of_it) = self.statements.split_at(at);
        let mut properties = BTreeMap::new();
        for parsed in before {
            match &parsed.statement {
                Statement::Set { name, value } => {
                    properties.insert(bare_name(name).to_owned(), value.clone());
                }
                Statement::Unset { name } => {
                    properties.remove(bare_name(name));
                }
                _ => {}
            }
        }
        // Logs of early versions do not tell what was SET from what the server's file said.
        let is_known = matches!(command.content, Content::Action(_));
        let set = Config::default().overrides(&properties);
        let differs = |name: &String| {
            let (now, then) = (set.get(name), command.overrides.get(name));
            now.map(String::as_str).or(config.value(name)) != then.map(String::as_str).or(config.value(name))
        };
        match of_it.first() {
            Some(parsed) if is_known && set.keys().chain(command.overrides.keys()).any(differs) => {
                let was: Vec<String> =
                    command.overrides.iter().map(|(name, value)| format!("'{name}'='{value}'")).collect();
                let was = if was.is_empty() { "nothing".to_owned() } else { was.join(", ") };
                Err(self.wrong(parsed.span, &format!("this statement was carried out with {was} SET.\n{ONLY_ADDED}")))
            }
            _ => Ok(()),
        }
    }

    /// Which statement from `first` on it is; else the one that stands in its place.
    fn position(&self, known: &str, first: usize, made: &BTreeSet<Made>) -> Result<usize, Option<usize>> {
        for (at, parsed) in self.statements.iter().enumerate().skip(first) {
            if !changes_something(&parsed.statement) {
                continue;
            }
            if sql::format(&parsed.statement) == known {
                return Ok(at);
            }
            // With IF NOT EXISTS there was nothing to do for what existed.
            let had_nothing_to_do =
                is_optional(&parsed.statement) && Made::by(&parsed.statement).is_some_and(|name| made.contains(&name));
            if !had_nothing_to_do {
                return Err(Some(at));
            }
        }
        Err(None)
    }

    fn wrong(&self, span: Span, problem: &str) -> Error {
        let (line, column) = sql::line_column(&self.text, span.start);
        Error::QueriesFile(format!("{}:{line}:{column}: {problem}", self.path))
    }
}

impl Engine {
    /// Carries out the statements of the file but those that are `done`; from then on, others are refused.
    pub(super) fn run_file(&self, file: QueriesFile, done: usize) -> Result<(), Error> {
        let (before, rest) = file.statements.split_at(done.min(file.statements.len()));
        let mut session = Session::default();
        for parsed in before.iter().filter(|parsed| !changes_something(&parsed.statement)) {
            self.answer(parsed, &mut session).map_err(|failure| file.wrong(parsed.span, &failure.message))?;
        }
        let rest = rest.to_vec();
        // A refusal of them all names the file instead of repeating it.
        let check = |rest: &[Parsed]| self.dry_run(&file.path, rest, session.clone(), None);
        if let Err(failure) = check(&rest) {
            let works = |many: &usize| check(&rest[..*many]).is_ok();
            let many: Vec<usize> = (1..=rest.len()).collect();
            let at = rest.get(many.partition_point(works)).map(|parsed| parsed.span);
            let Failure { message, span, .. } = failure;
            return Err(file.wrong(span.or(at).unwrap_or_default(), &message));
        }
        let (new, path) = (rest.len(), file.path);
        Execution::of_statements(self, &file.text, rest, session)
            .run_to_end()
            .map_err(|failure| Error::QueriesFile(format!("{path}: {failure}")))?;
        tracing::info!(file = path, statements = done + new, new, "headless: other statements are not taken");
        // Nobody else sets it.
        let _first = self.shared.headless.set(path);
        Ok(())
    }

    /// Refuses whatever changes what exists, in headless mode.
    pub(super) fn check_headless(&self) -> Result<(), Failure> {
        match self.shared.headless.get() {
            None => Ok(()),
            Some(file) => Err(Failure::request(format!(
                "This server runs the statements of {file} (ksql.queries.file) and takes no others that change what exists. \
                 Add them at the end of the file and restart the server."
            ))),
        }
    }
}

fn is_allowed(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::CreateSource(_)
            | Statement::CreateAs(_)
            | Statement::InsertSelect { .. }
            | Statement::CreateType { .. }
            | Statement::Set { .. }
            | Statement::Unset { .. }
    )
}

/// What a statement makes; streams and tables share their names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    Source(String),
    Type(String),
}

impl Made {
    fn by(statement: &Statement) -> Option<Self> {
        match statement {
            Statement::CreateSource(create) => Some(Self::Source(create.name.name.clone())),
            Statement::CreateAs(create) => Some(Self::Source(create.name.name.clone())),
            Statement::CreateType { name, .. } => Some(Self::Type(name.name.clone())),
            _ => None,
        }
    }
}

/// Whether a statement may have nothing to do.
fn is_optional(statement: &Statement) -> bool {
    match statement {
        Statement::CreateSource(create) => create.if_not_exists,
        Statement::CreateAs(create) => create.if_not_exists,
        Statement::CreateType { if_not_exists, .. } => *if_not_exists,
        _ => false,
    }
}

/// The statement without its blanks and comments.
fn canonical(text: &str) -> String {
    let parsed = sql::parse_within(text, &Variables::default(), sql::Limits::NONE);
    let only = parsed.ok().and_then(|mut parsed| parsed.pop());
    only.map_or_else(|| text.to_owned(), |parsed| sql::format(&parsed.statement))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Parts;
    use super::*;
    use crate::clock::Manual;
    use crate::kv::Write;
    use crate::log::{Embedded, Log};

    const SOURCE: &str = "CREATE STREAM s (i INT) WITH (kafka_topic='s', value_format='json', partitions=1);";
    const QUERY: &str = "CREATE STREAM a AS SELECT i FROM s;";

    fn open(log: &Arc<dyn Log>, file: &std::path::Path, reset: &str) -> Result<Engine, Error> {
        let settings = [("ksql.queries.file", file.to_str().unwrap()), ("ksql.streams.auto.offset.reset", reset)];
        Engine::new(Parts::by_hand(Arc::clone(log), Arc::new(Manual::at(1_000)), Config::new(settings).unwrap()))
    }

    #[test]
    fn a_directory_of_an_earlier_version_starts_again_and_again() {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("queries.sql");
        fs::write(&file, format!("{SOURCE} {QUERY}")).unwrap();
        // As an earlier version wrote them: what the server's file said is among the properties.
        let query = serde_json::json!("CSAS_A_0");
        for (number, written, id, query) in
            [(0_u64, SOURCE, "stream/`S`/create", serde_json::Value::Null), (1, QUERY, "stream/`A`/create", query)]
        {
            let entry = serde_json::json!({
                "written": written, "command_id": id, "query_id": query, "message": "", "time_ms": 1,
                "properties": {"ksql.streams.auto.offset.reset": "earliest"},
                "topics": {"s": {"partitions": 1, "replicas": 1, "retention_ms": 1000}},
            });
            let (space, value) = (Arc::from("commands"), Some(entry.to_string().into_bytes()));
            log.kv().write(Write { space, key: number.to_be_bytes().to_vec(), value }.into()).unwrap();
        }
        for topic in ["s", "A"] {
            log.create_topic(topic, &crate::log::testing::spec(1)).unwrap();
        }
        for _ in 0..3 {
            drop(open(&log, &file, "earliest").unwrap());
        }
        // What it runs with is not what the file and the server say now.
        let refused = open(&log, &file, "latest").map(drop).unwrap_err().to_string();
        assert!(refused.contains("'ksql.streams.auto.offset.reset'='earliest' SET"), "{refused}");
        fs::write(&file, format!("SET 'auto.offset.reset'='earliest'; {SOURCE} {QUERY}")).unwrap();
        drop(open(&log, &file, "latest").unwrap());
    }
}
