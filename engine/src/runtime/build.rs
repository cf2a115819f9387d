//! Sub-topology → task: readers, decoders, operators with their stores, writers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use crate::clock::Clock;
use crate::config::{Config, setting};
use crate::expr::aggregates::Limits;
use crate::expr::{Registry, Settings};
use crate::formats::{Half, ReadBack};
use crate::log::{self, Changelogs, Commit, Log, Position, Signal, TopicPartition};
use crate::operators::aggregate::Updates;
use crate::operators::{Finish, finished};
use crate::schemas::Schemas;
use crate::state::{Budget, Place, Table};
use crate::steps::{QueryPlan, Step, StepKind};
use crate::types::Changes;

use super::changelogs::{self, StoreTopic};
use super::dead_letters::DeadLetters;
use super::error::RuntimeError;
use super::exchange::{ExchangeReader, ExchangeWriter};
use super::input::{Input, Range, ReadRows};
use super::key_form;
use super::life::{Blame, Life};
use super::log_topic::LogTopic;
use super::operators::Making;
use super::pace::Pace;
use super::pipeline::{Pipeline, Stage};
use super::reports::Reports;
use super::request::Transient;
use super::sink::SinkWriter;
use super::source::SourceReader;
use super::sweep::{Behind, History, Parts, Sweep};
use super::take_over::{self, TakeOver};
use super::taken::Taken;
use super::target::{Client, Target};
use super::task::{Commits, Task};
use super::topology::{self, Node, Role, SubTopology, group, partitions_of};

/// Kafka Streams' default with exactly once.
const SHARED_COMMIT_INTERVAL_MS: i64 = 100;

/// Makes tasks of one query.
pub(super) struct Builder<'a> {
    pub(super) log: &'a Arc<dyn Log>,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) functions: &'a Arc<Registry>,
    pub(super) schemas: &'a Arc<dyn Schemas>,
    pub(super) budget: &'a Arc<Budget>,
    /// Where entries of the processing log go besides standard error.
    pub(super) log_topic: Option<&'a Arc<LogTopic>>,
    /// Where records go that the query cannot use.
    pub(super) dead_letters: Option<&'a Arc<str>>,
    pub(super) step_rows: usize,
    pub(super) plan: &'a Arc<QueryPlan>,
    pub(super) config: &'a Config,
    pub(super) life: &'a Arc<Life>,
    /// The task reads every partition.
    pub(super) whole: bool,
    /// The thread that will run the task, and what is raised when there may be something to read.
    pub(super) thread: usize,
    pub(super) signal: Arc<Signal>,
    /// Whether the task is still this process's; none: nobody else can get it.
    pub(super) ours: Option<Arc<AtomicBool>>,
    /// What the query has from a ksqlDB, if it was taken over from one.
    pub(super) taken: Option<&'a Taken>,
}

/// A task, and the rows it keeps for pull queries.
pub(super) struct Built {
    pub(super) task: Task,
    pub(super) table: Option<Table>,
}

/// Where inputs start and end.
enum Bounds<'a> {
    /// From the positions the group has committed, with state in that place, and kept in those changelogs; new ones by policy.
    Committed { group: &'a str, place: &'a Place, changelogs: Option<&'a Arc<Changelogs>> },
    /// By policy, up to the present ends if so wanted.
    Fresh { to_current_end: bool },
}

/// A partition that a task reads.
struct Reads {
    /// Index of the stage it feeds.
    stage: usize,
    of: TopicPartition,
    /// Whether a query that has read nothing of it begins with what is there.
    from_earliest: bool,
    range: Range,
    /// The query has no position in it yet.
    is_fresh: bool,
}

impl Builder<'_> {
    /// The stores of a sub-topology that have changelog topics; none where the log wants none.
    pub(super) fn stores(&self, sub: &SubTopology) -> Result<Vec<StoreTopic>, RuntimeError> {
        if !self.log.keeps_changelogs() {
            return Ok(Vec::new());
        }
        let is_result = sub.target == topology::Target::Result && self.plan.root.is_table;
        let settings = self.settings();
        let keeps_result = is_result && self.making(&Place::memory(), &settings).aggregated(&self.plan.root)?.is_none();
        let mut stores = changelogs::stores(sub, &group(self.config.service_id(), &self.plan.id), keeps_result);
        for store in &mut stores {
            if let Some(earlier) = store.earlier.take()
                && self.log.topic(&earlier)?.is_some()
            {
                store.topic = earlier;
            }
        }
        Ok(stores)
    }

    /// The task of one partition of a sub-topology of a persistent query.
    pub(super) fn persistent(
        &self,
        sub: &SubTopology,
        number: usize,
        partition: u32,
        history: &History,
    ) -> Result<Built, RuntimeError> {
        let id = format!("{number}_{partition}");
        let group = group(self.config.service_id(), &self.plan.id);
        let space = format!("state/{}/{id}", self.plan.id);
        let place = Place::on_disk(Arc::clone(self.log.kv()), space, Arc::clone(self.budget));
        let settings = self.settings();
        let making = self.making(&place, &settings);
        let is_result = sub.target == topology::Target::Result && self.plan.root.is_table;
        let changelogs =
            changelogs::of_task(&self.stores(sub)?, &format!("state/{}/{id}", self.plan.id), partition, self.taken);
        let bounds = Bounds::Committed { group: &group, place: &place, changelogs: changelogs.as_ref() };
        let reads = self.reads(sub, partition, &bounds)?;
        if let Some(changelogs) = &changelogs {
            self.log.restore(changelogs)?;
        }
        let untaken = self.taken.map(|taken| Ok::<_, RuntimeError>((taken, take_over::begin(&place)?))).transpose()?;
        let mut stages = self.stages(sub, &place)?;
        let table = match sub.target {
            topology::Target::Result if is_result => self.keep(sub, &mut stages, &place)?,
            _ => None,
        };
        let target = match (&sub.target, &self.plan.sink) {
            (topology::Target::Exchange(exchange), _) => {
                let writer = ExchangeWriter::new(exchange, self.schemas)?;
                Target::Exchange(writer)
            }
            (topology::Target::Result, Some(sink)) => {
                let partitions = partitions_of(&**self.log, &sink.topic)?;
                Target::Sink(SinkWriter::new(self.plan, sink, partitions, self.functions, self.schemas)?)
            }
            (topology::Target::Result, None) => Target::Store,
        };
        let inputs = self.inputs(sub, reads, &bounds)?;
        let behind = if is_result { Behind::of(history, &self.plan.root, &making, &place)? } else { None };
        let reopen = |index: usize, of: TopicPartition, range: &Range| match sub.nodes.get(index) {
            Some(node) => self.input(index, node, of, range),
            None => Err(RuntimeError::Build(format!("there is no step {index}"))),
        };
        let parts =
            Parts { sub, place: &place, stages: &stages, inputs: &inputs, reopen: &reopen, step_rows: self.step_rows };
        let sweep = behind.map(|behind| behind.into_sweep(&parts, &**self.log)).transpose()?;
        let mut pipeline = self.pipeline(stages, target);
        if let Some((taken, true)) = untaken {
            self.take_over(taken, &mut pipeline, sub, partition, &bounds)?;
        }
        let task = self.task(id, Some((Arc::from(group), changelogs.clone())), inputs, pipeline, sweep);
        Ok(Built { task, table })
    }

    /// Makes the state of a task of what a ksqlDB has left.
    fn take_over(
        &self,
        taken: &Taken,
        pipeline: &mut Pipeline,
        sub: &SubTopology,
        partition: u32,
        bounds: &Bounds<'_>,
    ) -> Result<(), RuntimeError> {
        let Bounds::Committed { group, place, changelogs } = bounds else { return Ok(()) };
        let query = take_over::Query { group, functions: self.functions };
        let refused = |why| {
            RuntimeError::Build(format!(
                "the state that ksqlDB has left cannot be taken over: {why}. DROP what the query makes (TERMINATE it) and \
                 CREATE that anew, so that it begins without that state"
            ))
        };
        let commit = |writes| {
            let (group, changelogs) = (Arc::from(*group), changelogs.cloned());
            let commit = Commit { group, writes, changelogs, ours: self.ours.clone(), ..Commit::default() };
            self.log.commit_all(self.thread, vec![commit]).into_iter().collect()
        };
        let take_over = TakeOver {
            log: &**self.log,
            taken,
            budget: self.budget,
            left: take_over::left(&query, sub).map_err(refused)?,
            partition: (!self.whole).then_some(partition),
            step_rows: self.step_rows,
            commit: &commit,
        };
        take_over.run(pipeline, place, key_form::note(sub, place, true)?)
    }

    /// The rows of the query's table: those of its aggregation, or else kept by a node of their own.
    fn keep(&self, sub: &SubTopology, stages: &mut Vec<Stage>, place: &Place) -> Result<Option<Table>, RuntimeError> {
        let (root, settings) = (&self.plan.root, self.settings());
        let making = self.making(place, &settings);
        // Pull queries see what the sink's topic holds.
        let read_back = match &self.plan.sink {
            Some(sink) => {
                let topic = Arc::from(sink.topic.as_str());
                let half = Half { topic, is_key: false, schemas: Arc::clone(self.schemas) };
                ReadBack::of(&sink.formats.value, &sink.schema.value, &half)?
            }
            None => None,
        };
        if let Some((step, mut finish)) = making.aggregated(root)? {
            finish.extend(read_back.map(|read_back| Finish::ReadBack(Mutex::new(read_back))));
            let is_aggregate =
                |node: &Node| node.step.id == step.id && matches!(node.role, Role::Run | Role::RunSecondHalf);
            let aggregates = sub.nodes.iter().zip(&*stages).filter(|(node, _)| is_aggregate(node));
            let table = aggregates.filter_map(|(_, stage)| stage.table()).next();
            return Ok(table.map(|table| finished(table, finish)));
        }
        let operator = making.materialize(root, "result", false, read_back)?;
        let table = operator.table();
        let inputs = vec![stages.len().saturating_sub(1)];
        stages.push(Stage { operator: Some(operator), inputs, empty: Changes::empty(&root.schema) });
        Ok(table)
    }

    /// The only task of a query for a client.
    pub(super) fn transient(&self, sub: &SubTopology, transient: Transient) -> Result<Task, RuntimeError> {
        let stages = self.stages(sub, &Place::memory())?;
        let bounds = Bounds::Fresh { to_current_end: transient.to_current_end };
        let inputs = self.inputs(sub, self.reads(sub, 0, &bounds)?, &bounds)?;
        let client = Client::new(transient, &self.plan.root, self.plan.limit);
        let pipeline = self.pipeline(stages, Target::Client(client));
        Ok(self.task(self.plan.id.clone(), None, inputs, pipeline, None))
    }

    fn pipeline(&self, stages: Vec<Stage>, target: Target) -> Pipeline {
        let is_client = matches!(target, Target::Client(_));
        let letters =
            self.dead_letters.map(|topic| DeadLetters::new(Arc::clone(self.log), Arc::clone(topic), &self.plan.id));
        Pipeline::new(
            stages,
            target,
            Reports::new(Arc::clone(self.life), Arc::clone(self.clock), self.log_topic.cloned(), letters, is_client),
        )
    }

    fn task(
        &self,
        id: String,
        kept: Option<(Arc<str>, Option<Arc<Changelogs>>)>,
        inputs: Vec<Input>,
        pipeline: Pipeline,
        sweep: Option<Sweep>,
    ) -> Task {
        let (group, changelogs) = kept.unzip();
        let commits = Commits {
            group,
            thread: self.thread,
            changelogs: changelogs.flatten(),
            ours: self.ours.clone(),
            interval_ms: self.commit_interval_ms(),
            purge_interval_ms: self.config.get(setting::REPARTITION_PURGE_INTERVAL_MS),
            log: Arc::clone(self.log),
            budget: Arc::clone(self.budget),
        };
        let pace = Pace::new(self.step_rows, expansion(&self.plan.root));
        Task::new(id, inputs, pipeline, commits, pace, sweep, self.clock.now_ms())
    }

    /// Where commits are shared, nobody sees a row before; so they are as near to each other as Kafka Streams has them.
    fn commit_interval_ms(&self) -> i64 {
        match self.log.shares_commits() && !self.config.is_set(setting::COMMIT_INTERVAL_MS.name()) {
            true => SHARED_COMMIT_INTERVAL_MS,
            false => self.config.get(setting::COMMIT_INTERVAL_MS),
        }
    }

    fn settings(&self) -> Settings {
        Settings::of(self.config)
    }

    fn making<'b>(&'b self, place: &'b Place, settings: &'b Settings) -> Making<'b> {
        let limits = Limits {
            collect_list: self.config.limit(setting::FUNCTIONS_COLLECT_LIST_LIMIT),
            collect_set: self.config.limit(setting::FUNCTIONS_COLLECT_SET_LIMIT),
        };
        // What EMIT FINAL holds back must not depend on how many rows a step takes.
        let updates =
            if self.config.folds_updates() && !holds_back(&self.plan.root) { Updates::Last } else { Updates::Every };
        Making { functions: self.functions, settings, limits, updates, place, root: &self.plan.root }
    }

    fn stages(&self, sub: &SubTopology, place: &Place) -> Result<Vec<Stage>, RuntimeError> {
        sub.nodes.iter().map(|node| self.stage(node, place)).collect()
    }

    fn stage(&self, node: &Node, place: &Place) -> Result<Stage, RuntimeError> {
        let schema = match &node.role {
            Role::ReadBack(exchange) => &exchange.schema,
            _ => &node.step.schema,
        };
        let settings = self.settings();
        let making = self.making(place, &settings);
        let operator = match &node.role {
            Role::Read if node.step.is_table && node.wants_old => {
                Some(making.materialize(&node.step, &node.step.id, true, None)?)
            }
            Role::Read | Role::ReadBack(_) | Role::Pass => None,
            Role::Run => Some(making.operator(&node.step, node.wants_old)?),
            Role::RunFirstHalf => Some(making.group_table(&node.step)?),
            Role::RunSecondHalf => Some(making.aggregate_table(&node.step, node.wants_old)?),
        };
        Ok(Stage { operator, inputs: node.inputs.clone(), empty: Changes::empty(schema) })
    }

    /// The partitions that a task reads, and where.
    fn reads(&self, sub: &SubTopology, partition: u32, bounds: &Bounds<'_>) -> Result<Vec<Reads>, RuntimeError> {
        let mut reads = Vec::new();
        for (stage, node) in sub.nodes.iter().enumerate() {
            let (topic, partitions, is_internal) = match (&node.role, &node.step.kind) {
                (Role::Read, StepKind::Source(source)) => {
                    let count = partitions_of(&**self.log, &source.topic)?;
                    (Arc::from(source.topic.as_str()), count, false)
                }
                (Role::ReadBack(exchange), _) => (Arc::clone(&exchange.topic), exchange.partitions, true),
                _ => continue,
            };
            let mine =
                if self.whole { 0..partitions } else { partition..(partition + 1).min(partitions.max(partition)) };
            let from_earliest = node.step.is_table || is_internal || self.config.reads_from_earliest();
            reads.extend(mine.map(|number| Reads {
                stage,
                of: TopicPartition { topic: Arc::clone(&topic), partition: number },
                from_earliest,
                range: Range { from: 0, until: None },
                is_fresh: true,
            }));
        }
        let committed: HashMap<TopicPartition, i64> = match bounds {
            Bounds::Committed { group, .. } => {
                let all: Vec<TopicPartition> = reads.iter().map(|read| read.of.clone()).collect();
                self.log.committed(group, &all)?.into_iter().map(|position| (position.of, position.offset)).collect()
            }
            Bounds::Fresh { .. } => HashMap::new(),
        };
        for read in &mut reads {
            let ends = self.log.bounds(&read.of)?;
            let at = committed.get(&read.of);
            read.is_fresh = at.is_none();
            if let Some(&at) = at {
                self.check_position(&read.of, at, &ends)?;
            }
            read.range.from = match (at, bounds) {
                (Some(at), _) => (*at).max(ends.begin),
                (None, Bounds::Fresh { to_current_end: true }) => ends.begin,
                (None, _) if read.from_earliest => ends.begin,
                (None, _) => ends.end,
            };
            read.range.until = matches!(bounds, Bounds::Fresh { to_current_end: true }).then_some(ends.end);
        }
        Ok(reads)
    }

    /// Whether a query can go on where it was: a partition may have been given up since, up to a later place, and that is told.
    fn check_position(&self, of: &TopicPartition, at: i64, ends: &log::Bounds) -> Result<(), RuntimeError> {
        if at > ends.end {
            return Err(RuntimeError::TopicAnew { of: of.clone(), at, end: ends.end });
        }
        if at < ends.begin {
            let message = format!(
                "records of partition {} of topic {} were deleted before the query has read them, from offset {at} to {}: \
                 it goes on behind them",
                of.partition, of.topic, ends.begin
            );
            tracing::warn!(query = self.plan.id, "{message}");
            self.life.error(self.clock.now_ms(), message, Blame::User);
        }
        Ok(())
    }

    /// Fixes where the tasks of another process's partition start, at the moment when the query is made: what comes then is
    /// read, whenever that process hears of the query.
    pub(super) fn fix_start(&self, sub: &SubTopology, number: usize, partition: u32) -> Result<(), RuntimeError> {
        let space = format!("state/{}/{number}_{partition}", self.plan.id);
        let changelogs = changelogs::of_task(&self.stores(sub)?, &space, partition, self.taken);
        let place = Place::on_disk(Arc::clone(self.log.kv()), space, Arc::clone(self.budget));
        let group = group(self.config.service_id(), &self.plan.id);
        let bounds = Bounds::Committed { group: &group, place: &place, changelogs: changelogs.as_ref() };
        let reads = self.reads(sub, partition, &bounds)?;
        self.commit_start(sub, &reads, &bounds)
    }

    /// Where a query starts is fixed now, also if nothing arrives before the next start.
    fn commit_start(&self, sub: &SubTopology, reads: &[Reads], bounds: &Bounds<'_>) -> Result<(), RuntimeError> {
        let Bounds::Committed { group, place, changelogs } = bounds else { return Ok(()) };
        let fresh = reads.iter().filter(|read| read.is_fresh);
        let positions: Vec<Position> =
            fresh.map(|read| Position { of: read.of.clone(), offset: read.range.from }).collect();
        // A query that was taken over has positions, but no version before this one has written its state.
        let writes = key_form::note(sub, place, self.taken.is_some() || positions.len() == reads.len())?;
        if positions.is_empty() {
            return Ok(());
        }
        let (group, changelogs) = (Arc::from(*group), changelogs.cloned());
        let commit = Commit { group, positions, writes, changelogs, ours: self.ours.clone(), ..Commit::default() };
        Ok(self.log.commit_all(self.thread, vec![commit]).into_iter().collect::<Result<(), _>>()?)
    }

    /// The inputs of a task. Those of tables come first, so that of equal times the table's row wins.
    fn inputs(&self, sub: &SubTopology, reads: Vec<Reads>, bounds: &Bounds<'_>) -> Result<Vec<Input>, RuntimeError> {
        self.commit_start(sub, &reads, bounds)?;
        let mut inputs = Vec::with_capacity(reads.len());
        for Reads { stage, of, range, .. } in reads {
            let Some(node) = sub.nodes.get(stage) else { continue };
            inputs.push((node.step.is_table, self.input(stage, node, of, &range)?));
        }
        inputs.sort_by_key(|(is_table, _)| !is_table);
        Ok(inputs.into_iter().map(|(_, input)| input).collect())
    }

    fn input(&self, stage: usize, node: &Node, of: TopicPartition, range: &Range) -> Result<Input, RuntimeError> {
        let rows: Box<dyn ReadRows> = match (&node.role, &node.step.kind) {
            (Role::ReadBack(exchange), _) => Box::new(ExchangeReader::new(exchange, of.clone())),
            (_, StepKind::Source(source)) => {
                let (functions, config, schemas) = (self.functions, self.config, self.schemas);
                Box::new(SourceReader::new(&node.step, source, of.clone(), functions, config, schemas)?)
            }
            _ => return Err(RuntimeError::Build(format!("step {} reads no topic", node.step.id))),
        };
        let is_internal = matches!(node.role, Role::ReadBack(_));
        let position = Position { of: of.clone(), offset: range.from };
        let reader = self.log.reader(vec![position], Arc::clone(&self.signal))?;
        Ok(Input::new(of, stage, is_internal, range, reader, rows))
    }
}

/// How many windows a row enters, at most.
fn expansion(step: &Step) -> usize {
    let own = match &step.kind {
        StepKind::Aggregate { window: Some(window), .. } => window.windows_per_record(),
        _ => 1,
    };
    let inputs = step.inputs().into_iter().map(expansion).max().unwrap_or(1);
    usize::try_from(own).unwrap_or(usize::MAX).max(inputs)
}

/// Whether results are held back until their window is over.
fn holds_back(step: &Step) -> bool {
    matches!(step.kind, StepKind::Suppress { .. }) || step.inputs().into_iter().any(holds_back)
}
