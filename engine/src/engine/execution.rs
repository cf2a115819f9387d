//! The statements of one request on their way: carried out in order, and where one has to wait for something to happen
//! (ASSERT, an earlier command) it lets go of its thread and of every lock until it is tried again.

use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use sql::{Interval, Limits, Parsed, Statement, TimeUnit};

use crate::commands::CommandLog;
use crate::config::setting;
use crate::statements::{self, Answer, Asserted, Failure, FailureKind, Progress, Session};

use super::change::{Carried, changes_something};
use super::unlocked::{Next, Planned, Request};
use super::{Engine, parse};

/// How often is looked whether what is waited for has happened.
const POLL: Duration = Duration::from_millis(20);

/// How often a statement is tried that commands of other servers have overtaken.
const ROUNDS: u32 = 10;

/// How long statements wait because there were so many before them.
const RATE_PATIENCE: Duration = Duration::from_secs(1);

/// Statements that are being carried out.
pub struct Execution {
    engine: Engine,
    text: String,
    limits: Limits,
    session: Session,
    /// Number of the command that has to be carried out before.
    after: Option<i64>,
    begun: Instant,
    /// Its statements count for their rate.
    is_counted: bool,
    statements: Option<Vec<Parsed>>,
    /// One for each statement that is done.
    answers: Vec<Answer>,
    /// When the assertion that waits gives up.
    deadline_ms: Option<i64>,
}

impl Engine {
    /// Carries out the statements of a text, in order; nothing happens unless all of them make sense.
    /// `wait_for` is a command sequence number that must have been carried out before.
    ///
    /// # Errors
    /// What is wrong with a statement when all are planned, and then nothing has happened; or why one could not be carried
    /// out, and then those before it have been. [`FailureKind::CommandTimeout`] when the command of `wait_for` took too long,
    /// [`FailureKind::Assertion`] when an ASSERT did not hold in time.
    pub fn execute(&self, text: &str, session: Session, wait_for: Option<i64>) -> Result<Vec<Answer>, Failure> {
        self.begin(text, session, wait_for).run_to_end()
    }

    /// [`Engine::execute`] for callers that have something better to do than to wait: nothing happens before
    /// [`Execution::go_on`].
    pub fn begin(&self, text: &str, session: Session, wait_for: Option<i64>) -> Execution {
        self.begin_within(text, session, wait_for, self.shared.config.sql_limits())
    }

    pub(super) fn begin_within(
        &self,
        text: &str,
        session: Session,
        wait_for: Option<i64>,
        limits: Limits,
    ) -> Execution {
        Execution {
            engine: self.clone(),
            text: text.to_owned(),
            limits,
            session,
            after: wait_for,
            begun: Instant::now(),
            is_counted: false,
            statements: None,
            answers: Vec::new(),
            deadline_ms: None,
        }
    }
}

impl Execution {
    /// Of statements that stand in a text and are to be carried out at once.
    pub(super) fn of_statements(engine: &Engine, text: &str, statements: Vec<Parsed>, session: Session) -> Self {
        let statements = Some(statements);
        Self { statements, is_counted: true, ..engine.begin_within(text, session, None, Limits::NONE) }
    }

    pub(super) fn run_to_end(mut self) -> Result<Vec<Answer>, Failure> {
        loop {
            match self.go_on()? {
                Progress::Done(answers) => return Ok(answers),
                Progress::Wait(pause) => std::thread::sleep(pause),
            }
        }
    }

    /// Carries out what can be now.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub fn go_on(&mut self) -> Result<Progress<Vec<Answer>>, Failure> {
        if let Some(number) = self.after {
            if !self.engine.shared.outcomes.includes(number) {
                return self.await_command(number);
            }
            self.after = None;
        }
        let statements = match self.statements.take() {
            Some(statements) => statements,
            None => parse(&self.text, &self.session, &self.engine.shared.config, self.limits)?,
        };
        let progress = self.carry_on(&statements);
        self.statements = Some(statements);
        progress
    }

    fn await_command(&self, number: i64) -> Result<Progress<Vec<Answer>>, Failure> {
        let patience = self.engine.shared.config.millis(setting::SERVER_COMMAND_RESPONSE_TIMEOUT_MS);
        if self.begun.elapsed() < patience {
            return Ok(Progress::Wait(POLL));
        }
        Err(Failure::new(
            FailureKind::CommandTimeout,
            format!("Timed out while waiting for a previous command to execute. command sequence number: {number}"),
        ))
    }

    /// The statements from the first on that is not done yet.
    fn carry_on(&mut self, statements: &[Parsed]) -> Result<Progress<Vec<Answer>>, Failure> {
        let engine = self.engine.clone();
        let rest = statements.get(self.answers.len()..).unwrap_or_default();
        if let Some(statement) = rest.iter().find(|parsed| changes_something(&parsed.statement)) {
            engine.check_headless().map_err(|failure| failure.of_parsed(statement))?;
        }
        if let Some(pause) = self.check_rate(rest)? {
            return Ok(Progress::Wait(pause));
        }
        // Who only looks takes no lock.
        let mut changing = None;
        if rest.iter().any(|statement| changes_something(&statement.statement)) {
            let mut commands = engine.shared.commands.lock();
            engine.catch_up(&mut commands)?;
            // After a pause, what others have changed meanwhile counts.
            let planned = engine.plan_all(&mut commands, &self.request(), rest)?;
            changing = Some((commands, planned));
        }
        for (at, statement) in rest.iter().enumerate() {
            let answer = match (&statement.statement, &mut changing) {
                (changes, Some((commands, planned))) if changes_something(changes) => {
                    let rest = rest.get(at..).unwrap_or_default();
                    let answer = self.change(commands, planned, statement, rest);
                    match answer.map_err(|failure| failure.of_parsed(statement))? {
                        Some(answer) => answer,
                        None => break,
                    }
                }
                (_, changing) => {
                    let looked = match changing {
                        None => self.look(statement)?,
                        Some((commands, planned)) => {
                            let (looked, is_right) = engine.unlocked(commands, || self.look(statement));
                            if !is_right {
                                let left = rest.get(at + 1..).unwrap_or_default();
                                *planned = engine.plan_all(commands, &self.request(), left)?;
                            }
                            looked?
                        }
                    };
                    match looked {
                        Some(answer) => answer,
                        None => return Ok(Progress::Wait(POLL)),
                    }
                }
            };
            self.answers.push(answer);
        }
        Ok(Progress::Done(std::mem::take(&mut self.answers)))
    }

    /// The answer of a statement that changes nothing; none while it may yet come.
    fn look(&mut self, statement: &Parsed) -> Result<Option<Answer>, Failure> {
        match &statement.statement {
            Statement::AssertTopic { timeout, .. } | Statement::AssertSchema { timeout, .. } => {
                self.assert(statement, *timeout)
            }
            _ => self.engine.clone().answer(statement, &mut self.session).map(Some),
        }
    }

    fn request(&self) -> Request<'_> {
        Request { text: &self.text, session: &self.session }
    }

    /// Carries out the next of the planned changes; `rest` begins with its statement.
    fn change(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        planned: &mut Planned,
        statement: &Parsed,
        rest: &[Parsed],
    ) -> Result<Option<Answer>, Failure> {
        let (engine, request) = (&self.engine, self.request());
        for round in 0..ROUNDS {
            let Some(next) = engine.next_change(commands, planned, &request, rest)? else { return Ok(None) };
            let Next { change, made, wanted } = next;
            let carried = engine.carry_out(commands, statement, change, made)?;
            drop(wanted);
            let Carried::Done(mut answer, old) = carried else {
                // Others that were overtaken, too, do not try again at the same moment.
                MutexGuard::unlocked(commands, || std::thread::sleep(pause(round)));
                engine.catch_up(commands)?;
                *planned = engine.plan_all(commands, &request, rest)?;
                continue;
            };
            if !old.topics.is_empty() {
                let left = rest.get(1..).unwrap_or_default();
                answer.warnings.extend(engine.delete_subjects_of(commands, planned, &request, left, &old)?);
            }
            return Ok(Some(answer));
        }
        let message =
            "Other servers of the service change what exists all the time; this statement was not carried out.";
        Err(Failure { hint: Some("Try again.".to_owned()), ..Failure::new(FailureKind::Busy, message) })
    }

    /// How long statements that change something have to wait because there were so many before them.
    fn check_rate(&mut self, rest: &[Parsed]) -> Result<Option<Duration>, Failure> {
        let many = rest.iter().filter(|statement| changes_something(&statement.statement)).count();
        if many == 0 || self.is_counted {
            return Ok(None);
        }
        let shared = &self.engine.shared;
        self.is_counted = shared.counters.statements.take(many, shared.clock.now_ms());
        if self.is_counted {
            return Ok(None);
        }
        if self.begun.elapsed() < RATE_PATIENCE {
            return Ok(Some(POLL));
        }
        let message = "DDL/DML rate is crossing the configured rate limit of statements/second";
        let hint = "ksql.server.command.topic.rate.limit sets it; try again later".to_owned();
        Err(Failure { hint: Some(hint), ..Failure::new(FailureKind::TooMany, message) })
    }

    /// The answer of an assertion that holds; none while it may yet come to.
    fn assert(&mut self, parsed: &Parsed, timeout: Option<Interval>) -> Result<Option<Answer>, Failure> {
        let engine = &self.engine;
        let catalog = engine.catalog();
        let asserted = engine.with_view(&catalog, &self.session, |view| {
            let (asserted, usual) = match &parsed.statement {
                Statement::AssertSchema { exists, subject, id, .. } => (
                    statements::assert_schema(view, *exists, subject.as_deref(), *id)?,
                    view.config.get(setting::ASSERT_SCHEMA_DEFAULT_TIMEOUT_MS),
                ),
                topic => {
                    (statements::assert_topic(view, topic)?, view.config.get(setting::ASSERT_TOPIC_DEFAULT_TIMEOUT_MS))
                }
            };
            Ok((asserted, timeout.map_or(usual, millis)))
        });
        let (asserted, timeout) = asserted.map_err(|failure| failure.of_parsed(parsed))?;
        let now_ms = engine.shared.clock.now_ms();
        let deadline = *self.deadline_ms.get_or_insert(now_ms.saturating_add(timeout));
        match asserted {
            Asserted::Holds(outcome) => {
                self.deadline_ms = None;
                Ok(Some(Answer { text: parsed.text.clone(), outcome, warnings: Vec::new() }))
            }
            Asserted::NotYet(_) if now_ms < deadline => Ok(None),
            Asserted::NotYet(problem) => Err(Failure::new(FailureKind::Assertion, problem)),
        }
    }
}

/// A pause that grows, of another length in each process.
fn pause(round: u32) -> Duration {
    Duration::from_millis(10 << round.min(6)) + Duration::from_micros(u64::from(std::process::id() % 16_384))
}

fn millis(interval: Interval) -> i64 {
    let unit = match interval.unit {
        TimeUnit::Days => 86_400_000,
        TimeUnit::Hours => 3_600_000,
        TimeUnit::Minutes => 60_000,
        TimeUnit::Seconds => 1000,
        TimeUnit::Milliseconds => 1,
    };
    interval.amount.saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{engine, engine_with, in_memory};

    #[test]
    fn a_bad_topic_name_is_refused_before_anything_is_done() {
        let engine = engine();
        let long = "t".repeat(250);
        for name in ["", ".", "..", "a b", "a/b", "ä", "a\0b", &long] {
            let text = format!(
                "CREATE STREAM GOOD (V INT) WITH (KAFKA_TOPIC='good', VALUE_FORMAT='JSON', PARTITIONS=1);
                 CREATE STREAM BAD (V INT) WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
            );
            let failure = engine.execute(&text, Session::default(), None).unwrap_err();
            assert!([FailureKind::Statement, FailureKind::Request].contains(&failure.kind), "{name:?}: {failure:?}");
            assert!(failure.message.len() < 500, "{failure}");
        }
        assert!(engine.catalog().source("GOOD").is_none() && engine.log().topics().unwrap().is_empty());
    }

    #[test]
    fn an_assertion_that_waits_holds_no_lock() {
        let engine = engine();
        let text = "ASSERT TOPIC later TIMEOUT 1 HOUR;
            CREATE STREAM AFTER (V INT) WITH (KAFKA_TOPIC='later', VALUE_FORMAT='JSON', PARTITIONS=1);";
        let mut execution = engine.begin(text, Session::default(), None);
        assert!(matches!(execution.go_on(), Ok(Progress::Wait(_))));
        let first = "CREATE STREAM FIRST (V INT) WITH (KAFKA_TOPIC='later', VALUE_FORMAT='JSON', PARTITIONS=1);";
        engine.execute(first, Session::default(), None).unwrap();
        let Ok(Progress::Done(answers)) = execution.go_on() else { panic!("it holds now") };
        assert_eq!(answers.len(), 2);
        let mut late = engine.begin("SHOW STREAMS;", Session::default(), Some(2));
        assert!(matches!(late.go_on(), Ok(Progress::Wait(_))));
        engine.execute("DROP STREAM FIRST;", Session::default(), None).unwrap();
        assert!(matches!(late.go_on(), Ok(Progress::Done(_))));
    }

    #[test]
    fn who_waits_for_a_command_does_not_wait_for_the_next_one() {
        let engine = engine();
        let first = "CREATE STREAM FIRST (V INT) WITH (KAFKA_TOPIC='first', VALUE_FORMAT='JSON', PARTITIONS=1);";
        engine.execute(first, Session::default(), None).unwrap();
        // A long request is on its way.
        let _commands = engine.shared.commands.lock();
        let mut waits = engine.begin("SHOW STREAMS;", Session::default(), Some(0));
        assert!(matches!(waits.go_on(), Ok(Progress::Done(_))));
        assert_eq!(engine.command_ids(), ["stream/`FIRST`/create"]);
        assert_eq!(engine.command_status("stream/`FIRST`/create"), Some(("Stream created".to_owned(), None)));
        let mut later = engine.begin("SHOW STREAMS;", Session::default(), Some(1));
        assert!(matches!(later.go_on(), Ok(Progress::Wait(_))));
    }

    #[test]
    fn queries_have_a_limit() {
        let settings = [("ksql.query.persistent.active.limit", "1"), ("ksql.pull.queries.enable", "false")];
        let engine = engine_with(&in_memory(), &settings);
        let source = "CREATE STREAM S (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";
        engine.execute(&format!("{source} CREATE STREAM A AS SELECT * FROM S;"), Session::default(), None).unwrap();
        let failure = engine.execute("CREATE STREAM B AS SELECT * FROM S;", Session::default(), None).unwrap_err();
        assert!(failure.message.contains("Configured limit: 1."), "{failure}");
        let replaced = "CREATE OR REPLACE STREAM A AS SELECT * FROM S WHERE V > 1;";
        engine.execute(replaced, Session::default(), None).unwrap();
    }
}
