//! Queries of clients: push queries and pull queries.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sql::{Parsed, Query, Statement};

use crate::catalog::Catalog;
use crate::config::{Config, setting};
use crate::counters::{Bandwidth, Counters};
use crate::expr::Typed;
use crate::formats::{FormatError, protobuf};
use crate::plan::{self, Planner};
use crate::rows::{Permit, RowFormat, RowReceiver, channel};
use crate::runtime::{ClientColumn, Transient};
use crate::serving::forward::Question;
use crate::serving::{self, Client, Kind, pull};
use crate::statements::{self, Failure, FailureKind, Print, Progress, PushQuery, Session};
use crate::steps::{QueryPlan, SourceColumn, Step, StepKind};
use crate::types::Column;

use super::settle::Patience;
use super::topics::KnownTopics;
use super::{Engine, Shared};

impl Engine {
    /// Starts a query; its rows come through [`crate::rows`] in that format. Gives up when the client is gone.
    ///
    /// # Errors
    /// What is wrong with the query; [`FailureKind::TooMany`] and [`FailureKind::TooManyPushQueries`] beyond the limits for
    /// clients; [`FailureKind::Unavailable`] when the rows of a table cannot be read now.
    pub fn query(
        &self,
        parsed: &Parsed,
        session: Session,
        format: RowFormat,
        client: &Client,
    ) -> Result<serving::Answer, Failure> {
        let mut patience = Patience::of(client.clone());
        loop {
            match self.try_query(parsed, &session, format, &mut patience)? {
                Progress::Done(answer) => return Ok(answer),
                Progress::Wait(pause) => std::thread::sleep(pause),
            }
        }
    }

    /// [`Engine::query`] for callers that have something better to do than to wait.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub fn try_query(
        &self,
        parsed: &Parsed,
        session: &Session,
        format: RowFormat,
        patience: &mut Patience,
    ) -> Result<Progress<serving::Answer>, Failure> {
        let Statement::Query(query) = &parsed.statement else {
            return Err(Failure::statement("Neither a query nor a print statement").of(&parsed.text));
        };
        self.start_query(parsed, query, session, (format, patience)).map_err(|failure| failure.of_parsed(parsed))
    }

    /// The PRINT a statement is, as the session wants it; none if it is something else.
    ///
    /// # Errors
    /// The session sets what it may not, or a bad value.
    pub fn print_of(&self, statement: &Statement, session: &Session) -> Result<Option<Print>, Failure> {
        match statement {
            Statement::Print { .. } => Ok(Print::of(statement, &self.session_config(session)?)),
            _ => Ok(None),
        }
    }

    /// Prints a topic.
    ///
    /// # Errors
    /// There is no such topic, or it cannot be read; [`FailureKind::TooMany`] when too much is read for clients already.
    pub fn print(&self, print: Print, announce: bool) -> Result<RowReceiver, Failure> {
        let place = self.place_for_scan().ok_or_else(|| self.too_many_scans())?;
        let mut rows = statements::print(&self.shared.log, &self.shared.schemas, print, announce)?;
        rows.hold(place);
        Ok(rows)
    }

    /// A place for what takes a thread or a dataflow until its client has read it all.
    fn place_for_scan(&self) -> Option<Permit> {
        self.shared.scans.take(self.shared.config.limit(setting::MAX_CLIENT_SCANS))
    }

    fn place_for_pull(&self) -> Result<Permit, Failure> {
        let most = self.shared.config.limit(setting::QUERY_PULL_MAX_CONCURRENT_REQUESTS);
        self.shared.pulls.take(most).ok_or_else(|| {
            let message = format!(
                "Host is at concurrent request limit for pull queries. Currently set to {most} maximum concurrent requests."
            );
            Failure::new(FailureKind::TooMany, message)
        })
    }

    /// Counts a pull query, unless there were too many in this second or too much was answered in this hour.
    fn count_pull(&self) -> Result<(), Failure> {
        let counters = &self.shared.counters;
        let now_ms = self.shared.clock.now_ms();
        let most = self.shared.config.get(setting::QUERY_PULL_MAX_HOURLY_BANDWIDTH_MEGABYTES);
        check_bandwidth(&counters.pulled, most, "pull", now_ms)?;
        if counters.pull_queries.take(1, now_ms) {
            return Ok(());
        }
        let most = self.shared.config.get(setting::QUERY_PULL_MAX_QPS);
        let message = format!("Host is at rate limit for pull queries. Currently set to {most}.0 qps.");
        Err(Failure::new(FailureKind::TooMany, message))
    }

    /// Has the bytes of an answer counted.
    fn meter(&self, rows: &mut RowReceiver, sum: fn(&Counters) -> &Bandwidth) {
        let (counters, clock) = (Arc::clone(&self.shared.counters), Arc::clone(&self.shared.clock));
        rows.meter(move |bytes| sum(&counters).add(bytes, clock.now_ms()));
    }

    fn too_many_scans(&self) -> Failure {
        let most = self.shared.config.limit(setting::MAX_CLIENT_SCANS);
        let message = format!(
            "{most} PRINTs, pull queries on streams and long pull queries run already (millstream.max.client.scans). \
             Try again when one has ended."
        );
        Failure::new(FailureKind::TooMany, message)
    }

    /// Ends a push query; says whether there was one.
    pub fn close_query(&self, id: &str) -> bool {
        let known = self.shared.pushed.lock().contains_key(id);
        known && self.shared.runtime.close(id)
    }

    /// The push query that goes by that id in any case.
    pub(super) fn pushed_like(&self, id: &str) -> Option<String> {
        self.shared.pushed.lock().keys().find(|known| known.eq_ignore_ascii_case(id)).cloned()
    }

    fn start_query(
        &self,
        parsed: &Parsed,
        query: &Query,
        session: &Session,
        (format, patience): (RowFormat, &mut Patience),
    ) -> Result<Progress<serving::Answer>, Failure> {
        let config = Arc::new(self.session_config(session)?);
        let catalog = self.catalog();
        if query.emit.is_some() {
            return self.push(parsed, query, config, &catalog, (Kind::Push, format)).map(Progress::Done);
        }
        if !self.shared.config.get(setting::PULL_QUERIES_ENABLE) {
            return Err(Failure::statement(
                "Pull queries are disabled. Please set ksql.pull.queries.enable=true to enable this feature.",
            ));
        }
        if let Err(refused) = pull::check_clauses(query, &config, &self.shared.functions) {
            // Names are looked up before.
            self.with_planner(parsed, &config, &catalog, |planner| planner.check_names(query))?;
            return Err(refused);
        }
        let source = catalog.source(&query.from.name.name);
        if source.is_some_and(|source| source.is_table()) {
            let pulled = self.pull((parsed, query, session), &config, &catalog, (format, patience));
            // ksqlDB takes whatever goes wrong here for a mistake of the statement.
            return pulled.map_err(|failure| match failure.kind {
                FailureKind::Unforeseen => Failure { kind: FailureKind::Statement, ..failure },
                _ => failure,
            });
        }
        pull::check_stream(&config)?;
        self.push(parsed, query, config, &catalog, (Kind::StreamPull, format)).map(Progress::Done)
    }

    fn planner<'a>(
        &'a self,
        catalog: &'a Catalog,
        topics: &'a KnownTopics<'a>,
        scope: plan::Session<'a>,
    ) -> Planner<'a> {
        let Shared { functions, schemas, .. } = &*self.shared;
        Planner { catalog, session: scope, topics, functions, schemas: &**schemas }
    }

    /// Asks the planner about a query whose rows go to a client.
    fn with_planner<T>(
        &self,
        parsed: &Parsed,
        config: &Config,
        catalog: &Catalog,
        ask: impl FnOnce(&Planner<'_>) -> Result<T, plan::PlanError>,
    ) -> Result<T, Failure> {
        let topics = KnownTopics::of_log(&*self.shared.log, &[]);
        let scope = plan::Session::new(config, parsed.place());
        Ok(ask(&self.planner(catalog, &topics, scope))?)
    }

    /// A transient dataflow: a push query, or a scan of a stream to its present end.
    fn push(
        &self,
        parsed: &Parsed,
        query: &Query,
        config: Arc<Config>,
        catalog: &Catalog,
        (kind, format): (Kind, RowFormat),
    ) -> Result<serving::Answer, Failure> {
        let number = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let is_scalable = kind == Kind::Push && is_scalable(query, &config, catalog);
        let id = if is_scalable {
            format!("SCALABLE_PUSH_QUERY_{number}")
        } else {
            let name = query.from.alias.as_ref().unwrap_or(&query.from.name);
            format!("transient_{}_{number}", name.name)
        };
        let topics = KnownTopics::of_log(&*self.shared.log, &[]);
        let scope = plan::Session { query_id: Some(&id), ..plan::Session::new(&config, parsed.place()) };
        let plan = self.planner(catalog, &topics, scope).plan_push(query);
        topics.check()?;
        let plan = plan?;
        self.check_push_limit(kind)?;
        if is_scalable {
            let most = self.shared.config.get(setting::QUERY_PUSH_V2_MAX_HOURLY_BANDWIDTH_MEGABYTES);
            check_bandwidth(&self.shared.counters.pushed, most, "push", self.shared.clock.now_ms())?;
        }
        let place = match kind {
            Kind::StreamPull => {
                self.count_pull()?;
                Some(self.place_for_scan().ok_or_else(|| self.too_many_scans())?)
            }
            _ => None,
        };
        let columns = plan.root.schema.value.clone();
        let proto_schema = proto_schema(format, &columns)?;
        let positions = answer_columns(&plan);
        let (runtime, closing) = (Arc::clone(&self.shared.runtime), id.clone());
        let (sender, mut rows) = channel(move || {
            runtime.close(&closing);
        });
        rows.hold(place);
        if is_scalable {
            self.meter(&mut rows, |counters| &counters.pushed);
        } else if kind == Kind::StreamPull {
            self.meter(&mut rows, |counters| &counters.pulled);
        }
        let to_current_end = kind == Kind::StreamPull;
        let plan = Arc::new(plan);
        self.shared.runtime.start_transient(Transient {
            plan: Arc::clone(&plan),
            config,
            sender,
            columns: positions,
            to_current_end,
            keyed_only: is_scalable,
            format,
        })?;
        if kind == Kind::Push {
            self.forget_pushed();
            let pushed = PushQuery { text: parsed.text.clone(), sources: plan.sources.clone() };
            self.shared.pushed.lock().insert(id.clone(), pushed);
        }
        Ok(serving::Answer { id, keys: vec![false; columns.len()], columns, proto_schema, kind, rows })
    }

    fn check_push_limit(&self, kind: Kind) -> Result<(), Failure> {
        let most = self.shared.config.get(setting::MAX_PUSH_QUERIES);
        if kind == Kind::Push && self.shared.runtime.client_queries() as i64 >= most {
            return Err(Failure::new(FailureKind::TooManyPushQueries, "Maximum number of push queries exceeded"));
        }
        Ok(())
    }

    /// A lookup or scan of a table's rows.
    fn pull(
        &self,
        (parsed, query, session): (&Parsed, &Query, &Session),
        config: &Config,
        catalog: &Catalog,
        (format, patience): (RowFormat, &mut Patience),
    ) -> Result<Progress<serving::Answer>, Failure> {
        let types = |name: &str| catalog.custom_type(name).cloned();
        let env = pull::Env { catalog, functions: &self.shared.functions, config, types: &types };
        let ask = |planner: &Planner<'_>| {
            let located = pull::locate(query, &env);
            if located.is_err() {
                // Names and types are looked at before.
                planner.check_filter(query)?;
            }
            Ok((located, planner.analyze(query)))
        };
        let (located, analysis) = self.with_planner(parsed, config, catalog, ask)?;
        let located = located?;
        let analysis = analysis.map_err(pull::explain)?;
        let located = located.ok_or_else(|| Failure::statement(format!("{} does not exist.", query.from.name.name)))?;
        let pull = pull::analyze(query, located, &analysis, &env)?;
        let proto_schema = proto_schema(format, &pull.columns)?;
        if let Progress::Wait(pause) = self.settle(&pull.query, catalog, patience) {
            return Ok(Progress::Wait(pause));
        }
        let kept = match self.kept(&query.from.name.name, &pull.query, config, patience)? {
            Progress::Done(kept) => kept,
            Progress::Wait(pause) => return Ok(Progress::Wait(pause)),
        };
        self.count_pull()?;
        let timeout = config.millis(setting::QUERY_PULL_FORWARDING_TIMEOUT_MS);
        let question = Question { sql: &parsed.text, properties: &session.properties, format, timeout };
        let elsewhere = match self.ask_others(&pull.query, &kept.elsewhere, &question, patience)? {
            Progress::Done(elsewhere) => elsewhere,
            Progress::Wait(pause) => return Ok(Progress::Wait(pause)),
        };
        let (sender, mut rows) = channel(|| ());
        rows.hold(self.place_for_pull()?);
        self.meter(&mut rows, |counters| &counters.pulled);
        let (columns, keys, keeper) = (pull.columns.clone(), pull.keys.clone(), pull.query.clone());
        let from = (kept.tables, elsewhere);
        pull::answer(pull, format, from, sender, &patience.client, || self.place_for_scan()).map_err(|error| {
            match error {
                pull::PullError::TooMany => self.too_many_scans(),
                pull::PullError::Format(FormatError::Encode(message)) => Failure::statement(message),
                other => {
                    tracing::error!(query = %keeper, "a table cannot be read: {other}");
                    Failure::new(FailureKind::Unavailable, pull::UNREADABLE)
                }
            }
        })?;
        let id = format!("query_{}", self.shared.clock.now_ms());
        Ok(Progress::Done(serving::Answer { id, columns, keys, proto_schema, kind: Kind::TablePull, rows }))
    }
}

/// Refuses queries of a kind after whose answers in the last hour there shall be no more.
fn check_bandwidth(answered: &Bandwidth, most_megabytes: i64, kind: &str, now_ms: i64) -> Result<(), Failure> {
    let most = most_megabytes.max(0).unsigned_abs().saturating_mul(1 << 20);
    if most_megabytes >= i64::from(i32::MAX) || answered.in_last_hour(now_ms) <= most {
        return Ok(());
    }
    Err(Failure::new(FailureKind::TooMany, format!("Host is at bandwidth rate limit for {kind} queries.")))
}

/// The schema of the rows where they are messages.
fn proto_schema(format: RowFormat, columns: &[Column]) -> Result<Option<String>, Failure> {
    let schema = (format == RowFormat::Protobuf).then(|| protobuf::schema_text(columns)).transpose();
    schema.map_err(|error| Failure::statement(error.to_string()))
}

/// Where the columns of the answer come from: they are the root's value, but bare key columns and window bounds are taken
/// from the key.
fn answer_columns(plan: &QueryPlan) -> Vec<ClientColumn> {
    let keys = plan.root.schema.key.len();
    let StepKind::Project { input, key, value } = &plan.root.kind else {
        return (keys..plan.root.schema.len()).map(ClientColumn::Layout).collect();
    };
    let column = |(i, typed): (usize, &Typed)| {
        let of_key = typed.as_column().and_then(|column| key.iter().position(|at| *at == column));
        let of_window = || window_bound(input, typed.as_column()?);
        of_key.map(ClientColumn::Layout).or_else(of_window).unwrap_or(ClientColumn::Layout(keys + i))
    };
    value.iter().enumerate().map(column).collect()
}

/// The bound of the window in the key that a column of a step's rows is.
fn window_bound(step: &Step, column: usize) -> Option<ClientColumn> {
    match &step.kind {
        StepKind::Filter { input, .. } => window_bound(input, column),
        StepKind::Source(source) => match source.columns.get(column.checked_sub(step.schema.key.len())?)? {
            SourceColumn::WindowStart => Some(ClientColumn::WindowStart),
            SourceColumn::WindowEnd => Some(ClientColumn::WindowEnd),
            _ => None,
        },
        _ => None,
    }
}

/// Whether ksqlDB would let this push query listen to the query that writes its source. Here such a query runs as any
/// other from the latest record does; only its id tells, and that rows without a key are left out.
fn is_scalable(query: &Query, config: &Config, catalog: &Catalog) -> bool {
    let allowed = config.get(setting::QUERY_PUSH_V2_ENABLED)
        && config.get(setting::QUERY_PUSH_V2_REGISTRY_INSTALLED)
        && !config.reads_from_earliest();
    let filters_only = query.joins.is_empty()
        && query.window.is_none()
        && query.group_by.is_empty()
        && query.partition_by.is_empty()
        && query.having.is_none();
    let writes = |other: &crate::catalog::Query| other.sink.as_ref() == Some(&query.from.name.name);
    allowed && filters_only && catalog.queries().filter(|other| writes(other)).count() == 1
}
