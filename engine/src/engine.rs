//! The engine: the whole way of a statement.
//!
//! ```text
//! execute: parse ─> dry run on a fork of the catalog ─> for each statement ─┬─ changes something: change.rs ─> command log
//!                                                                           └─ looks or writes a row: statements/
//! query:   parse ─> plan ─┬─ push, stream pull: a transient query of the runtime ─┬─> rows
//!                         └─ table pull: serving::pull ───────────────────────────┘
//! open:    command log ─ replay.rs ─> catalog ─> runtime
//! ```

mod ask;
#[cfg(test)]
mod bad_row_tests;
mod change;
mod cluster;
#[cfg(test)]
mod dead_letter_tests;
#[cfg(test)]
mod depth_tests;
mod elsewhere;
mod execution;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod faulty;
mod follow;
#[cfg(test)]
mod follow_tests;
mod kept_schemas;
#[cfg(test)]
mod kept_schemas_tests;
#[cfg(test)]
mod limit_tests;
mod processing_log;
#[cfg(test)]
mod processing_log_tests;
#[cfg(test)]
mod pull_refused_tests;
#[cfg(test)]
mod pull_tests;
mod queries_file;
#[cfg(test)]
mod refused_tests;
mod registration;
#[cfg(test)]
mod replace_tests;
mod replay;
#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod schema_tests;
mod schemas;
mod settle;
#[cfg(test)]
mod stored_tests;
mod take_over;
#[cfg(test)]
mod take_over_tests;
#[cfg(test)]
mod taken_state_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_tests;
mod topics;
mod unlocked;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use sql::{Limits, Parsed, Show, Statement};

use crate::catalog::Catalog;
use crate::clock::{Clock, System};
use crate::commands::{COMMAND_OFFSETS, CommandLog, Outcomes, Status};
use crate::config::{Config, ConfigError, bare_name, setting, without_effect_in_session};
use crate::counters::Counters;
use crate::error::Error;
use crate::expr::Registry;
use crate::log::{Embedded, Log};
use crate::registry::SchemaRegistry;
use crate::rows::Permits;
use crate::runtime::{LogTopic, Runtime, Settings};
use crate::schemas::{NoSchemas, Schemas};
use crate::serving::forward::Forwarding;
use crate::statements::{self, Answer, Failure, Inserter, Live, LiveQuery, Outcome, PushQuery, Session, View};

use change::{Change, changes_something};
use kept_schemas::{KeptSchemas, Settled};
use queries_file::QueriesFile;
use settle::Settling;

pub use execution::Execution;
pub use settle::Patience;
pub use take_over::TakeOver;

/// What an engine stands on; tests bring their own.
pub struct Parts {
    /// Topics, state, the command log.
    pub log: Arc<dyn Log>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The server's settings.
    pub config: Config,
    /// Functions.
    pub functions: Registry,
    /// Who keeps schemas.
    pub schemas: Arc<dyn Schemas>,
    /// The same if it is our own registry.
    pub registry: Option<Arc<SchemaRegistry>>,
    /// Threads that run queries; 0: none, the owner calls [`Engine::run_until_idle`].
    pub threads: usize,
    /// Every query is one task over all partitions of its inputs, as in ksqlDB's test driver.
    pub uncut: bool,
}

impl Parts {
    /// Of an engine whose queries its owner runs ([`Engine::run_until_idle`]), with our functions and no others, and our
    /// own schema registry.
    pub fn by_hand(log: Arc<dyn Log>, clock: Arc<dyn Clock>, config: Config) -> Self {
        let registry = config.get(setting::SCHEMA_REGISTRY_ENABLED).then(|| {
            let replicas = config.get(setting::INTERNAL_TOPIC_REPLICAS) as u16;
            let names = schemas::subject_names(&config);
            Arc::new(SchemaRegistry::new(Arc::clone(&log), Arc::clone(&clock), replicas, names))
        });
        let schemas: Arc<dyn Schemas> = match &registry {
            Some(registry) => Arc::clone(registry) as Arc<dyn Schemas>,
            None => Arc::new(NoSchemas),
        };
        Self { log, clock, config, functions: Registry::with(&[]), schemas, registry, threads: 0, uncut: false }
    }
}

/// The engine. Cloning it is cheap, and every clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    config: Arc<Config>,
    functions: Arc<Registry>,
    /// For statements: what may have changed is asked for.
    schemas: Arc<dyn Schemas>,
    /// The same for rows: what was settled is not asked for again.
    settled: Arc<dyn Schemas>,
    kept_schemas: Arc<KeptSchemas>,
    registry: Option<Arc<SchemaRegistry>>,
    runtime: Arc<Runtime>,
    catalog: RwLock<Catalog>,
    /// Held by the one request that changes what exists.
    commands: Mutex<CommandLog>,
    /// Of what was carried out.
    outcomes: Outcomes,
    /// Statements and sources of push queries, by id.
    pushed: Mutex<BTreeMap<String, PushQuery>>,
    /// Number of the next query of a client.
    next_id: AtomicU64,
    /// What pull queries may have to wait for.
    settling: Settling,
    /// Pull queries on tables whose answers are on their way.
    pulls: Permits,
    /// What else takes a thread or a dataflow for a client, push queries apart.
    scans: Permits,
    /// The file whose statements are all that this server runs.
    headless: OnceLock<String>,
    /// Asks other servers of the service.
    forwarding: Forwarding,
    /// What is counted for limits.
    counters: Arc<Counters>,
    /// Queries run by themselves.
    has_threads: bool,
    /// It has been shut down.
    is_closed: AtomicBool,
}

impl Shared {
    fn is_closing(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Opens the engine on the log the settings name, and starts again what ran.
    ///
    /// # Errors
    /// A setting is wrong, the brokers do not answer, the data directory is not ours to use or is damaged, a command in it
    /// is one that this version must not pass over, or the queries file cannot be carried out.
    pub fn open(config: Config) -> Result<Self, Error> {
        let dir = config.get(setting::DATA_DIR).to_owned();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(config.limit(setting::NUM_STREAM_THREADS));
        let log: Arc<dyn Log> = match config.brokers() {
            Some(brokers) => topics::kafka(brokers, Path::new(&dir), &config, threads)?,
            None => Arc::new(Embedded::open(Path::new(&dir))?),
        };
        let elsewhere = schemas::elsewhere(&config)?;
        let parts = Parts { threads, ..Parts::by_hand(log, Arc::new(System), config) };
        Self::new(match elsewhere {
            Some(client) => Parts { schemas: Arc::new(client), registry: None, ..parts },
            None => parts,
        })
    }

    /// Opens the engine on what it is given.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let Parts { log, clock, config, functions, schemas, registry, threads, uncut } = parts;
        let functions = Arc::new(functions);
        let kept_schemas = Arc::new(KeptSchemas::new(schemas, Arc::clone(&log)));
        let settled: Arc<dyn Schemas> = Arc::new(Settled(Arc::clone(&kept_schemas)));
        let step_rows = config.limit(setting::MAX_RECORDS_PER_STEP);
        let state_bytes = config.limit(setting::STATE_MEMORY_BYTES);
        let settings = Settings { threads, step_rows, state_bytes, uncut };
        let log_topic = LogTopic::open(&log, &config)?;
        let has_log_topic = log_topic.is_some();
        let runtime = Runtime::new(
            Arc::clone(&log),
            Arc::clone(&clock),
            Arc::clone(&functions),
            Arc::clone(&settled),
            settings,
            log_topic,
        )?;
        let file = QueriesFile::of(&config)?;
        let sharing = follow::sharing(&config, file.is_some());
        let (commands, logged) = CommandLog::open(&log, sharing.as_ref())?;
        let file = file.map(|file| Ok::<_, Error>((file.done(&logged, &config)?, file))).transpose()?;
        let counters = Arc::new(Counters::new(
            config.get(setting::QUERY_PULL_MAX_QPS) as f64,
            config.get(setting::SERVER_COMMAND_TOPIC_RATE_LIMIT),
            clock.now_ms(),
        ));
        let next_id = AtomicU64::new(clock.now_ms().unsigned_abs() << 16);
        let engine = Self {
            shared: Arc::new(Shared {
                log,
                clock,
                config: Arc::new(config),
                functions,
                schemas: Arc::clone(&kept_schemas) as Arc<dyn Schemas>,
                settled,
                kept_schemas,
                registry,
                runtime,
                catalog: RwLock::default(),
                commands: Mutex::new(commands),
                outcomes: Outcomes::of(&logged),
                pushed: Mutex::default(),
                next_id,
                settling: Settling::default(),
                pulls: Permits::default(),
                scans: Permits::default(),
                headless: OnceLock::new(),
                forwarding: Forwarding::new(),
                counters,
                has_threads: threads > 0,
                is_closed: AtomicBool::new(false),
            }),
        };
        let logged = engine.adopt(logged)?;
        engine.replay(logged)?;
        // What was inserted before the start may not have been read.
        engine.shared.settling.note();
        if let Some((done, file)) = file {
            engine.run_file(file, done).inspect_err(|_| engine.shut_down())?;
        }
        engine.make_processing_log_stream(has_log_topic);
        engine.begin_to_follow()?;
        Ok(engine)
    }

    /// Who keeps schemas.
    pub fn schemas(&self) -> &Arc<dyn Schemas> {
        &self.shared.schemas
    }

    /// Reads the statements of a request.
    ///
    /// # Errors
    /// A syntax error, with its place; text beyond the limits of `millstream.sql.*`; a variable that is not defined.
    pub fn parse(&self, text: &str, session: &Session) -> Result<Vec<Parsed>, Failure> {
        parse(text, session, &self.shared.config, self.shared.config.sql_limits())
    }

    /// Plans every statement on a fork of the catalog, each on what those before it will have done.
    /// `number` is that of the first of their commands, where ids of queries follow these.
    fn dry_run(
        &self,
        text: &str,
        statements: &[Parsed],
        mut session: Session,
        mut number: Option<u64>,
    ) -> Result<Vec<Change>, Failure> {
        let mut fork = self.catalog();
        let mut changes: Vec<Change> = Vec::new();
        for statement in statements {
            let checked = match &statement.statement {
                Statement::Set { name, value } => self
                    .with_view(&fork, &session, |view| statements::set(view, &mut session.clone(), name, value))
                    .map(|_| drop(session.properties.insert(bare_name(name).to_owned(), value.clone()))),
                Statement::Unset { name } => self
                    .with_view(&fork, &session, |view| statements::unset(view, &mut session.clone(), name))
                    .map(|_| drop(session.properties.remove(bare_name(name)))),
                Statement::InsertValues { target, columns, values } => self.with_view(&fork, &session, |view| {
                    statements::prepare_insert(view, &self.shared.functions, target, columns, values).map(drop)
                }),
                Statement::Query(_) | Statement::Print { .. } => Err(statements::wrong_endpoint()),
                changing if changes_something(changing) => {
                    self.prepare(statement, &session, &fork, &changes).map(|change| {
                        let action = &change.command.action;
                        action.changes.iter().for_each(|change| fork.apply(change));
                        if let Some(number) = number.as_mut().filter(|_| change.is_logged()) {
                            if action.is_planned() {
                                fork.number_queries(*number + 1);
                            }
                            *number += COMMAND_OFFSETS;
                        }
                        changes.push(change);
                    })
                }
                _ => Ok(()),
            };
            checked.map_err(|failure| failure.of_request(text).of_parsed(statement))?;
        }
        self.check_query_limit(text, &fork)?;
        Ok(changes)
    }

    /// Refuses statements after which more queries would run than may.
    fn check_query_limit(&self, text: &str, after: &Catalog) -> Result<(), Failure> {
        let most = self.shared.config.get(setting::QUERY_PERSISTENT_ACTIVE_LIMIT);
        let (now, then) = (self.shared.catalog.read().queries().count(), after.queries().count());
        if then <= now || most < 0 || i64::try_from(then).is_ok_and(|then| then <= most) {
            return Ok(());
        }
        let text = sql::masked_text(text);
        Err(Failure::request(format!(
            "Not executing statement(s) '{text}' as it would cause the number of active, persistent queries to exceed the \
             configured limit. Use the TERMINATE command to terminate existing queries. Current persistent query count: \
             {now}. Configured limit: {most}."
        )))
    }

    /// Answers a statement that changes nothing but the session, or writes a row.
    fn answer(&self, parsed: &Parsed, session: &mut Session) -> Result<Answer, Failure> {
        let outcome = self.outcome(parsed, session).map_err(|failure| failure.of_parsed(parsed))?;
        let warnings = match &parsed.statement {
            Statement::Set { name, .. } => {
                let reason = without_effect_in_session(name);
                reason.map(|reason| format!("'{name}' has no effect: {reason}")).into_iter().collect()
            }
            Statement::Show(Show::Properties) => {
                self.config().ineffective().map(|(name, reason)| format!("'{name}' has no effect: {reason}")).collect()
            }
            _ => Vec::new(),
        };
        Ok(Answer { text: parsed.text.clone(), outcome, warnings })
    }

    fn outcome(&self, parsed: &Parsed, session: &mut Session) -> Result<Outcome, Failure> {
        let catalog = self.catalog();
        let of_session = session.clone();
        self.with_view(&catalog, &of_session, |view| {
            let functions = &*self.shared.functions;
            match &parsed.statement {
                Statement::Set { name, value } => statements::set(view, session, name, value),
                Statement::Unset { name } => statements::unset(view, session, name),
                Statement::Define { name, value } => Ok(statements::define(session, name, value)),
                Statement::Undefine { name } => Ok(statements::undefine(session, name)),
                Statement::Show(what) => statements::show(what, view, session, functions),
                Statement::DescribeSource { name, extended } => statements::describe(view, &name.name, *extended),
                Statement::DescribeAll { kind, extended } => statements::describe_all(view, *kind, *extended),
                Statement::DescribeFunction { name } => {
                    statements::describe_function(functions, &name.name, written(parsed, name))
                }
                Statement::ExplainQuery { id } => statements::explain_query(view, &id.name),
                Statement::ExplainStatement(inner) => {
                    let plan = self.plan_explained(inner, parsed, view)?;
                    statements::explain_plan(view, &plan, &parsed.text)
                }
                Statement::InsertValues { target, columns, values } => {
                    let row = statements::prepare_insert(view, functions, target, columns, values)?;
                    let written = statements::insert(view, &target.name, &[row])?;
                    self.shared.settling.note();
                    Ok(written)
                }
                Statement::Query(_) | Statement::Print { .. } => Err(statements::wrong_endpoint()),
                other => Err(statements::unsupported(other)),
            }
        })
    }

    /// Rows written by hand to a source, one by one (`/inserts-stream`).
    ///
    /// # Errors
    /// [`FailureKind::Statement`](statements::FailureKind): there is no such source, or it takes no rows.
    pub fn inserts(&self, target: &str, session: &Session) -> Result<Inserter, Failure> {
        let catalog = self.catalog();
        self.with_view(&catalog, session, |view| {
            Inserter::new(view, target, Arc::clone(&self.shared.log), Arc::clone(&self.shared.clock))
        })
    }

    /// The server's settings.
    pub fn config(&self) -> &Arc<Config> {
        &self.shared.config
    }

    /// Topics.
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.shared.log
    }

    /// Our own schema registry, unless another one keeps the schemas.
    pub fn own_registry(&self) -> Option<&Arc<SchemaRegistry>> {
        self.shared.registry.as_ref()
    }

    /// What exists now.
    pub fn catalog(&self) -> Catalog {
        self.shared.catalog.read().clone()
    }

    /// What runs now.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.shared.runtime
    }

    /// Ids of all commands ever carried out here.
    pub fn command_ids(&self) -> Vec<String> {
        self.shared.outcomes.ids()
    }

    /// What a command answered, and the query it started.
    pub fn command_status(&self, id: &str) -> Option<Status> {
        self.shared.outcomes.status(id)
    }

    /// Takes steps until nothing moves (an engine without threads): all queries, or one.
    pub fn run_until_idle(&self, query: Option<&str>) {
        self.shared.runtime.run_until_idle(query);
    }

    /// Ends the queries of clients, commits and stops the others. The engine answers nothing useful afterwards.
    pub fn shut_down(&self) {
        self.shared.is_closed.store(true, Ordering::Release);
        self.close_client_queries();
        self.shared.runtime.shut_down();
        if let Err(error) = self.shared.log.close() {
            tracing::error!("closing the log: {error}");
        }
    }

    /// Ends the queries of clients; their streams end normally.
    pub fn close_client_queries(&self) {
        let pushed: Vec<String> = self.shared.pushed.lock().keys().cloned().collect();
        for id in pushed {
            self.close_query(&id);
        }
    }

    /// The server's settings with the session's on top.
    fn session_config(&self, session: &Session) -> Result<Config, Failure> {
        self.shared.config.with(&session.properties).map_err(|error| match error {
            ConfigError::Immutable(name) => {
                let value = session.property(&name).unwrap_or_default().to_owned();
                let problem = format!("Cannot override property '{name}'");
                ConfigError::Value { name, value, problem }.into()
            }
            other => other.into(),
        })
    }

    fn with_view<T>(
        &self,
        catalog: &Catalog,
        session: &Session,
        look: impl FnOnce(View<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let config = self.session_config(session)?;
        let look_up = || self.live();
        let live = Live::by(&look_up);
        look(View {
            catalog,
            log: &*self.shared.log,
            schemas: &self.shared.settled,
            config: &config,
            clock: &*self.shared.clock,
            live: &live,
        })
    }

    /// Forgets push queries that are gone.
    fn forget_pushed(&self) {
        // In this order: a query runs before it stands among the pushed ones.
        let mut pushed = self.shared.pushed.lock();
        let queries = self.shared.runtime.queries();
        pushed.retain(|id, _| queries.iter().any(|query| **query.id() == **id));
    }

    /// Every query that runs, oldest first.
    fn live(&self) -> Vec<LiveQuery> {
        self.forget_pushed();
        let queries = self.shared.runtime.queries();
        let pushed = self.shared.pushed.lock();
        let live = queries.into_iter().map(|running| {
            let push = pushed.get(&**running.id()).cloned();
            LiveQuery { running, push }
        });
        live.collect()
    }
}

fn parse(text: &str, session: &Session, config: &Config, limits: Limits) -> Result<Vec<Parsed>, Failure> {
    let substitutes = session.property(setting::VARIABLE_SUBSTITUTION_ENABLE.name());
    let substitutes = substitutes.map_or_else(
        || config.get(setting::VARIABLE_SUBSTITUTION_ENABLE),
        |value| value.trim().eq_ignore_ascii_case("true"),
    );
    let variables = session.variables.clone();
    let variables = if substitutes { variables } else { variables.switched_off() };
    sql::parse_within(text, &variables, limits).map_err(|error| {
        let hint = Some(error.note()).filter(|note| !note.is_empty());
        Failure { span: Some(error.span), hint, ..Failure::statement(error.message).of(&error.statement) }
    })
}

/// A name as the user wrote it.
fn written<'a>(parsed: &'a Parsed, name: &'a sql::Ident) -> &'a str {
    let at = |position: u32| position.saturating_sub(parsed.span.start) as usize;
    parsed.text.get(at(name.span.start)..at(name.span.end)).filter(|text| !text.is_empty()).unwrap_or(&name.name)
}
