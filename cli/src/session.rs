//! One user's session: where the server is, what was SET and DEFINEd, how results are shown. Runs statements one after
//! the other, over HTTP.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use sql::{SelectItem, Statement};
use wire::Entity;

use crate::args::OutputFormat;
use crate::client::{Client, ClientError, Lines, request};
use crate::empty;
use crate::output::Output;
use crate::render::{Line, RowPrinter, entity, list};

/// Why a statement or a command did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The server said no or is not there.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The text is no SQL.
    #[error("{0}")]
    Syntax(String),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A command was not used as it should be.
    #[error("{0}")]
    Usage(String),
    /// A query ended with an error.
    #[error("{0}")]
    Query(String),
}

/// Result of a statement.
pub(crate) type Result<T> = std::result::Result<T, SessionError>;

/// What a statement is to the shell.
enum Kind {
    /// SELECT or PRINT: rows come as a stream.
    Query {
        push: bool,
        source: Option<String>,
    },
    Set(String, String),
    Unset(String),
    Define(String, String),
    Undefine(String),
    RunScript(String),
    /// Anything else goes to `/ksql`.
    Other,
}

/// A session.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) properties: Map<String, Value>,
    pub(crate) variables: Map<String, Value>,
    pub(crate) format: OutputFormat,
    pub(crate) output: Output,
    /// How deep RUN SCRIPT is nested.
    depth: usize,
}

impl Session {
    /// A new session.
    pub(crate) fn new(client: Client, format: OutputFormat, variables: Map<String, Value>) -> Self {
        Self { client, properties: Map::new(), variables, format, output: Output::default(), depth: 0 }
    }

    /// Runs every statement of a text; stops at the first that fails.
    pub(crate) async fn run(&mut self, text: &str) -> Result<()> {
        for piece in sql::split(text) {
            if !piece.text.trim().is_empty() {
                self.run_one(piece.text).await?;
            }
        }
        Ok(())
    }

    /// Runs the statements of a file.
    pub(crate) async fn run_file(&mut self, path: &Path) -> Result<()> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| SessionError::File(name.clone(), e))?;
        if self.depth >= 16 {
            return Err(SessionError::Usage(format!("{name}: scripts are nested too deeply; does it run itself?")));
        }
        self.depth += 1;
        let result = Box::pin(self.run(&text)).await;
        self.depth -= 1;
        result
    }

    async fn run_one(&mut self, text: &str) -> Result<()> {
        let statement = if text.trim_end().ends_with(';') { text.to_owned() } else { format!("{text};") };
        let outcome = self.run_kind(&statement).await;
        outcome.map_err(|error| pointed_at(error, &statement))
    }

    async fn run_kind(&mut self, statement: &str) -> Result<()> {
        match self.classify(statement)? {
            Kind::Query { push, source } => self.query(statement, push, source.as_deref()).await,
            Kind::Set(name, value) => {
                self.client.check_property(&name).await?;
                let said = format!("Successfully changed local property '{name}' to '{value}'.");
                self.properties.insert(name, Value::String(value));
                self.say(&said);
                Ok(())
            }
            Kind::Unset(name) => match self.properties.remove(&name) {
                Some(_) => {
                    self.say(&format!("Successfully unset local property '{name}'."));
                    Ok(())
                }
                None => Err(SessionError::Usage(format!(
                    "Cannot unset property '{name}': it was never set in this session"
                ))),
            },
            Kind::Define(name, value) => {
                self.variables.insert(name, Value::String(value));
                Ok(())
            }
            Kind::Undefine(name) => {
                if self.variables.remove(&name).is_none() {
                    self.say(&format!("Cannot undefine variable '{name}' which was never defined"));
                }
                Ok(())
            }
            Kind::RunScript(file) => self.run_file(Path::new(&file)).await,
            Kind::Other => self.statement(statement).await,
        }
    }

    /// What the statement is. A text this shell cannot parse goes to the server, whose error is the one to show,
    /// unless the caret drawn here says more.
    fn classify(&self, text: &str) -> Result<Kind> {
        let variables = self.variables.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()));
        let mut parsed = sql::parse_script(text, &variables.collect())
            .map_err(|error| SessionError::Syntax(format!("{error}\n{}", error.caret(text))))?;
        let Some(parsed) = parsed.pop() else { return Ok(Kind::Other) };
        Ok(match parsed.statement {
            Statement::Query(query) => {
                let only_source = query.joins.is_empty().then(|| query.from.name.name.clone());
                let filtered = query.filter.is_some()
                    || query.select.iter().any(|item| matches!(item, SelectItem::StructAll { .. }));
                Kind::Query {
                    push: query.emit.is_some(),
                    source: only_source.filter(|_| !filtered || query.emit.is_some()),
                }
            }
            Statement::Print { .. } => Kind::Query { push: true, source: None },
            Statement::Set { name, value } => Kind::Set(name, value),
            Statement::Unset { name } => Kind::Unset(name),
            Statement::Define { name, value } => Kind::Define(name, value),
            Statement::Undefine { name } => Kind::Undefine(name),
            Statement::RunScript { file } => Kind::RunScript(file),
            _ => Kind::Other,
        })
    }

    async fn statement(&mut self, text: &str) -> Result<()> {
        let request = request(text, &self.properties, &self.variables);
        for value in self.client.statements(&request).await? {
            let shown = match self.format {
                OutputFormat::Json => serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string()),
                OutputFormat::Tabular => {
                    let parsed = serde_json::from_value::<Entity>(value.clone()).unwrap_or(Entity::Other(value));
                    entity(&parsed)
                }
            };
            self.output.line(&shown);
        }
        Ok(())
    }

    /// Streams a query until it ends or Ctrl-C; rows appear as they come.
    async fn query(&mut self, text: &str, push: bool, source: Option<&str>) -> Result<()> {
        let request = request(text, &self.properties, &self.variables);
        let lines = self.client.query(&request).await?;
        let shown = self.show_rows(lines, push, source).await?;
        if shown == 0
            && self.format == OutputFormat::Tabular
            && let Some(reason) = empty::reason(self, push, source).await
        {
            self.output.line(&reason);
        }
        Ok(())
    }

    /// Prints what comes; returns the number of rows.
    async fn show_rows(&mut self, mut lines: Lines, push: bool, source: Option<&str>) -> Result<usize> {
        let mut printer = RowPrinter::default();
        let mut shown = 0;
        let mut hinted = !push || self.format == OutputFormat::Json;
        loop {
            // Rows that come together are laid out together; a lonely one is shown at once.
            let pause = if push && printer.has_waiting() { Duration::from_millis(20) } else { Duration::from_secs(3) };
            let line = tokio::select! {
                line = lines.next() => line?,
                _ = tokio::signal::ctrl_c() => {
                    self.finish(&mut printer);
                    self.output.line("Query terminated");
                    return Ok(shown);
                }
                () = tokio::time::sleep(pause) => {
                    if push && let Some(text) = printer.flush() {
                        self.output.line(&text);
                    } else if !hinted && shown == 0 {
                        hinted = true;
                        if let Some(reason) = empty::reason(self, push, source).await {
                            self.output.line(&format!("{reason}\nPress Ctrl-C to stop waiting."));
                        }
                    }
                    continue;
                }
            };
            let Some(line) = line else { break };
            match Line::read(&line) {
                Line::Nothing => {}
                Line::Text(text) => {
                    shown += 1;
                    self.output.line(&text);
                }
                Line::Error(message) => {
                    self.finish(&mut printer);
                    return Err(SessionError::Query(message));
                }
                _ if self.format == OutputFormat::Json => {
                    shown += usize::from(matches!(Line::read(&line), Line::Row { .. }));
                    self.output.line(line.trim().trim_start_matches('[').trim_end_matches(','));
                }
                Line::Header { schema } => printer.header(&schema),
                Line::Row { columns, tombstone } => {
                    shown += 1;
                    printer.row(&columns, tombstone);
                }
                Line::Final(message) => {
                    self.finish(&mut printer);
                    self.output.line(&message);
                    return Ok(shown);
                }
            }
        }
        self.finish(&mut printer);
        Ok(shown)
    }

    fn finish(&mut self, printer: &mut RowPrinter) {
        if let Some(text) = printer.end() {
            self.output.line(&text);
        }
    }

    /// A message that is not a result: not shown in JSON.
    pub(crate) fn say(&mut self, message: &str) {
        match self.format {
            OutputFormat::Tabular => self.output.line(message),
            OutputFormat::Json => {}
        }
    }

    /// The session's properties as a table.
    pub(crate) fn properties_table(&self) -> String {
        let rows: Vec<_> =
            self.properties.iter().map(|(k, v)| vec![k.clone(), v.as_str().unwrap_or_default().to_owned()]).collect();
        list(&["Property", "Value"], &rows)
    }
}

/// Draws a caret below an error of the server that names a place (`Line: 2, Col: 5`, `line 2:5`).
fn pointed_at(error: SessionError, statement: &str) -> SessionError {
    let SessionError::Client(ClientError::Refused(body)) = &error else { return error };
    let message = body.message().to_owned();
    let Some((line, column)) = place(&message) else { return error };
    let Some(text) = statement.lines().nth(line.saturating_sub(1)) else { return error };
    let indent = " ".repeat(column.saturating_sub(1).min(text.chars().count()));
    SessionError::Query(format!("{message}\n\n  {text}\n  {indent}^"))
}

/// Line and column of the first place a message names, from 1.
fn place(message: &str) -> Option<(usize, usize)> {
    let lower = message.to_ascii_lowercase();
    let at = lower.find("line")?;
    let mut numbers = lower[at..].split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    let (line, column) = (numbers.next()?, numbers.next()?);
    let names_one = lower[at + 4..].trim_start_matches([':', ' ']).starts_with(|c: char| c.is_ascii_digit());
    (names_one && line > 0 && column > 0).then_some((line, column))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn both_ways_of_naming_a_place() {
        assert_eq!(place("Line: 1, Col: 12: SELECT column 'X' cannot be resolved."), Some((1, 12)));
        assert_eq!(place("line 2:5: Syntax Error"), Some((2, 5)));
        assert_eq!(place("the online shop has 3 or 4 rows"), None);
    }
}
