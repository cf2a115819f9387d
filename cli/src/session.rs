//! One user's session: where the server is, what was SET and DEFINEd, how results are shown. Runs one statement at a time,
//! over HTTP.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use sql::{SelectItem, Statement, Variables};
use wire::Entity;

use crate::args::OutputFormat;
use crate::client::{self, Client, ClientError, request};
use crate::credentials;
use crate::mistake::Mistake;
use crate::output::Output;
use crate::query::Asked;
use crate::render::{Answer, Layout, entity, list};
use crate::script::{self, Stopped};

/// Why a statement or a command did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The server said no or is not there.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The text is no SQL.
    #[error("not a statement")]
    Syntax(Mistake),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A command was not used as it should be.
    #[error("{0}")]
    Usage(String),
    /// A query ended with an error.
    #[error("{0}")]
    Query(String),
    /// A script that this statement ran did not get to its end.
    #[error(transparent)]
    Script(Stopped),
    /// Ctrl-C.
    #[error("{0}")]
    Interrupted(&'static str),
    /// What came could not be shown.
    #[error("standard output: {0}")]
    Output(io::Error),
}

/// Result of a statement.
pub(crate) type Result<T> = std::result::Result<T, SessionError>;

/// What a statement is to the shell.
enum Kind {
    /// SELECT or PRINT: rows come as a stream.
    Query(Asked),
    Set(String, String),
    Unset(String),
    Define(String, String),
    Undefine(String),
    RunScript(String),
    /// Anything else goes to `/ksql`.
    Other,
}

/// When the shell ends a query that does not end by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// After so many rows.
    pub(crate) rows: Option<u64>,
    /// After so long.
    pub(crate) time: Option<Duration>,
}

/// A session.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// Of the servers that were told who the user is.
    known: Vec<Client>,
    pub(crate) properties: Map<String, Value>,
    pub(crate) variables: Map<String, Value>,
    pub(crate) format: OutputFormat,
    /// What `SET CLI` chose; [`Session::layout`] adds the terminal.
    pub(crate) chosen: Layout,
    pub(crate) limits: Limits,
    pub(crate) output: Output,
    /// Whether a person types the statements.
    pub(crate) interactive: bool,
    /// Whether a query was ended by the limit on its time.
    pub(crate) timed_out: bool,
    /// Whether a statement may overtake the ones before it.
    pub(crate) pipelining: bool,
    /// The last command this session sent, as the server counts them.
    last_command: Option<i64>,
    /// How deep RUN SCRIPT is nested.
    pub(crate) depth: usize,
}

impl Session {
    /// A new session in which nothing is SET or DEFINEd.
    pub(crate) fn new(client: Client, format: OutputFormat, limits: Limits, output: Output) -> Self {
        Self {
            known: vec![client.clone()],
            client,
            properties: Map::new(),
            variables: Map::new(),
            format,
            chosen: Layout::default(),
            limits,
            output,
            interactive: false,
            timed_out: false,
            pipelining: false,
            last_command: None,
            depth: 0,
        }
    }

    /// How tables are laid out now: the terminal may have changed.
    pub(crate) fn layout(&self) -> Layout {
        Layout { terminal: self.output.width(), colours: self.output.has_colours(), ..self.chosen }
    }

    /// A client of a server that this session may switch to: of the user that the URL names, else of the one that this
    /// server was told before. Others are told nothing.
    pub(crate) fn client_of(&self, url: &str) -> Result<Client> {
        let (url, user) = credentials::of_url(url)?;
        let is_named = user.is_some();
        let client = Client::new(&url, user)?;
        let known = self.known.iter().find(|known| !is_named && known.is_same_server(&client));
        Ok(match known {
            Some(known) => client.with_user_of(known),
            None => client,
        })
    }

    /// Talks to another server from now on; its commands are counted anew.
    pub(crate) fn switch_to(&mut self, client: Client) {
        self.known.retain(|known| !known.is_same_server(&client));
        self.known.push(client.clone());
        self.client = client;
        self.last_command = None;
    }

    /// Runs one statement that is closed by `;`.
    pub(crate) async fn run(&mut self, statement: &str) -> Result<()> {
        match self.classify(statement)? {
            Kind::Query(asked) => self.query(statement, &asked).await,
            Kind::Set(name, value) => self.set(name, value).await,
            Kind::Unset(name) => match self.properties.remove(&name) {
                Some(_) => {
                    self.output.notice(&format!("Successfully unset local property '{name}'."));
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
                    self.output.notice(&format!("Cannot undefine variable '{name}' which was never defined"));
                }
                Ok(())
            }
            Kind::RunScript(file) => {
                // What ends the script does not end what runs it.
                let result = Box::pin(script::run_file(self, Path::new(&file))).await;
                result.map(|_| ()).map_err(SessionError::Script)
            }
            Kind::Other => self.statement(statement).await,
        }
    }

    /// What the statement is.
    fn classify(&self, text: &str) -> Result<Kind> {
        let values = self.variables.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default()));
        let mut parsed = sql::parse_script(text, &values.collect::<Variables>())
            .map_err(|error| SessionError::Syntax(Mistake::of_syntax(&error, text)))?;
        let Some(parsed) = parsed.pop() else { return Ok(Kind::Other) };
        Ok(match parsed.statement {
            Statement::Query(query) => {
                let only_source = query.joins.is_empty().then(|| query.from.name.name.clone());
                let filtered = query.filter.is_some()
                    || query.select.iter().any(|item| matches!(item, SelectItem::StructAll { .. }));
                let push = query.emit.is_some();
                Kind::Query(Asked {
                    push,
                    print: false,
                    limited: query.limit.is_some(),
                    source: only_source.filter(|_| !filtered || push),
                })
            }
            Statement::Print { limit, .. } => {
                Kind::Query(Asked { push: true, print: true, limited: limit.is_some(), source: None })
            }
            Statement::Set { name, value } => Kind::Set(name, value),
            Statement::Unset { name } => Kind::Unset(name),
            Statement::Define { name, value } => Kind::Define(name, value),
            Statement::Undefine { name } => Kind::Undefine(name),
            Statement::RunScript { file } => Kind::RunScript(file),
            _ => Kind::Other,
        })
    }

    async fn set(&mut self, name: String, value: String) -> Result<()> {
        let hint = self.put(&name, &value).await?;
        let shown = shown(&name, &value);
        self.output.notice(&format!("Successfully changed local property '{name}' to '{shown}'."));
        hint.into_iter().for_each(|hint| self.output.notice(&hint));
        Ok(())
    }

    /// The server is asked whether it would take the property, and told it with every later request. Returns what should be
    /// known about it.
    pub(crate) async fn put(&mut self, name: &str, value: &str) -> Result<Option<String>> {
        let client = self.client.clone();
        let hint = self.wait_for(client.check_property(name)).await?;
        let statement = format!("SET {} = {};", sql::format_string(name), sql::format_string(value));
        let request = request(&statement, &self.properties, &self.variables);
        self.wait_for(client.statements(&request)).await?;
        self.properties.insert(name.to_owned(), Value::String(value.to_owned()));
        Ok(hint)
    }

    /// Waits for an answer unless the user presses Ctrl-C. What changes something at the server is not waited for here.
    pub(crate) async fn wait_for<T>(&mut self, answer: impl Future<Output = client::Result<T>>) -> Result<T> {
        match self.output.interruptible(answer).await {
            Some(answer) => Ok(answer?),
            None => Err(SessionError::Interrupted("Not waited for")),
        }
    }

    async fn statement(&mut self, text: &str) -> Result<()> {
        let mut request = request(text, &self.properties, &self.variables);
        request.command_sequence_number = self.last_command.filter(|_| !self.pipelining);
        let client = self.client.clone();
        let answer = self.output.interruptible(client.statements(&request)).await;
        let Some(answer) = answer else {
            return Err(SessionError::Interrupted("Not waited for; the server may still run the statement"));
        };
        for value in answer? {
            let parsed =
                serde_json::from_value::<Entity>(value.clone()).unwrap_or_else(|_| Entity::Other(value.clone()));
            if let Entity::CurrentStatus(status) = &parsed {
                self.last_command = Some(status.command_sequence_number).filter(|number| *number >= 0);
            }
            self.show(&value, &parsed);
        }
        Ok(())
    }

    /// Shows what a statement has answered.
    fn show(&mut self, value: &Value, parsed: &Entity) {
        match (self.format, parsed) {
            (OutputFormat::Json, _) => {
                self.output.line(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()));
            }
            (OutputFormat::Tabular, _) => self.output.line(&entity(self.layout(), parsed)),
            // That something was done is no record of anything.
            (_, Entity::CurrentStatus(_) | Entity::Warning(_) | Entity::TerminateQuery(_)) => {
                self.output.notice(&entity(Layout::default(), parsed));
            }
            (format, _) => {
                let answer = Answer::of(value, parsed);
                self.output.plain(&answer.shown(format));
                if answer.is_empty() {
                    self.output.notice(&entity(Layout::default(), parsed));
                }
            }
        }
    }

    /// The session's properties as a table.
    pub(crate) fn properties_table(&self) -> String {
        let row =
            |(name, value): (&String, &Value)| vec![name.clone(), shown(name, value.as_str().unwrap_or_default())];
        list(self.layout(), &["Property", "Value"], &self.properties.iter().map(row).collect::<Vec<_>>())
    }
}

/// A property's value as others may see it.
fn shown(name: &str, value: &str) -> String {
    if sql::is_secret(name) { "[hidden]".to_owned() } else { sql::without_credentials(value) }
}
