//! A query's steps, cut into sub-topologies at its repartition topics.
//!
//! ```text
//! Source ─ Filter ─ Rekey ─ Repartition ║ (read back) ─ Aggregate ─ Project ─ sink
//! └──────── sub-topology 0 ───────────┘ ║ └─────────── sub-topology 1 ───────────┘
//! ```
//!
//! Each sub-topology runs as one task per partition. A query is not cut but runs as one task over all partitions of all
//! its inputs (*whole*) when it is transient, when every input has one partition anyway, when the driver wants it so, or
//! when it has a foreign-key join, whose two sides are not co-partitioned.

use std::sync::Arc;

use crate::formats::FormatSpec;
use crate::log::{Log, LogError};
use crate::operators::aggregate::regrouped_schema;
use crate::steps::{QueryPlan, Step, StepKind};
use crate::types::Schema;

/// The sub-topologies of a query; one that writes a repartition topic comes before the one that reads it.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) subs: Vec<SubTopology>,
    /// One task reads everything.
    pub(super) whole: bool,
}

/// What the tasks of one sub-topology do.
#[derive(Debug)]
pub(super) struct SubTopology {
    /// In an order in which every node comes after its inputs; the last one is the root.
    pub(super) nodes: Vec<Node>,
    /// Where the root's rows go.
    pub(super) target: Target,
    /// Number of tasks.
    pub(super) partitions: u32,
}

/// One step of a sub-topology.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) step: Arc<Step>,
    pub(super) role: Role,
    /// Indices of the nodes its input ports are fed from.
    pub(super) inputs: Vec<usize>,
    /// Whether somebody reads the old side of its rows.
    pub(super) wants_old: bool,
}

impl Node {
    /// The topic it reads.
    fn topic(&self) -> Option<&str> {
        match (&self.role, &self.step.kind) {
            (Role::ReadBack(exchange), _) => Some(&exchange.topic),
            (Role::Read, StepKind::Source(source)) => Some(&source.topic),
            _ => None,
        }
    }
}

/// What a node does with its step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads the source's topic.
    Read,
    /// Reads back what was written to a repartition topic.
    ReadBack(Exchange),
    /// Runs the step.
    Run,
    /// The first half of a step that has a repartition topic in its middle.
    RunFirstHalf,
    /// Its second half.
    RunSecondHalf,
    /// Hands on its input: a repartition step in a query that is not cut.
    Pass,
}

/// Where the rows of a sub-topology's root go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// To what the query is for: sink, store, client.
    Result,
    /// To a repartition topic.
    Exchange(Exchange),
}

/// A repartition topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) topic: Arc<str>,
    pub(super) partitions: u32,
    /// Of the rows in it.
    pub(super) schema: Schema,
    pub(super) key_format: FormatSpec,
    pub(super) is_table: bool,
    pub(super) is_windowed: bool,
}

/// Name of an internal topic of a query.
pub(super) fn internal_topic(service_id: &str, query: &str, suffix: &str) -> Arc<str> {
    Arc::from(format!("{}-{suffix}-repartition", group(service_id, query)))
}

/// Consumer group of a persistent query; prefix of its internal topics.
pub fn group(service_id: &str, query: &str) -> String {
    format!("_confluent-ksql-{service_id}query_{query}")
}

/// Consumer group that a client's query would have, made at that time.
pub fn transient_group(service_id: &str, query: &str, time_ms: i64) -> String {
    format!("_confluent-ksql-{service_id}transient_{query}_{time_ms}")
}

/// Partitions of a topic.
pub(super) fn partitions_of(log: &dyn Log, topic: &str) -> Result<u32, LogError> {
    Ok(log.topic(topic)?.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?.spec.partitions)
}

/// A sub-topology as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Topics it reads.
    pub sources: Vec<String>,
    /// The repartition topic it writes; without one it makes the query's result.
    pub repartition: Option<String>,
    /// Number of its tasks: each reads the partition of its own number of every topic, unless the query is not cut.
    pub tasks: u32,
    /// The query is not cut: one task reads all partitions.
    pub is_whole: bool,
}

impl Topology {
    /// As it is shown: in the order of the numbers in its tasks' names.
    pub(super) fn parts(&self) -> Vec<Part> {
        let part = |sub: &SubTopology| Part {
            sources: sub.nodes.iter().filter_map(Node::topic).map(str::to_owned).collect(),
            repartition: match &sub.target {
                Target::Exchange(exchange) => Some(exchange.topic.to_string()),
                Target::Result => None,
            },
            tasks: sub.partitions,
            is_whole: self.whole,
        };
        self.subs.iter().map(part).collect()
    }
}

/// The sub-topologies of a query as it would run. A topic that is not there is taken for one with a single partition.
///
/// # Errors
/// A topic cannot be asked for its partitions.
pub fn parts(plan: &QueryPlan, uncut: bool, service_id: &str, log: &dyn Log) -> Result<Vec<Part>, LogError> {
    let partitions = |topic: &str| match partitions_of(log, topic) {
        Err(LogError::UnknownTopic(_)) => Ok(1),
        known => known,
    };
    Ok(cut(plan, uncut, service_id, &partitions)?.parts())
}

/// Partitions of a topic, by its name.
type Partitions<'a> = dyn Fn(&str) -> Result<u32, LogError> + 'a;

/// Cuts a query, unless it must stay `uncut` or need not be cut.
pub(super) fn cut(
    plan: &QueryPlan,
    uncut: bool,
    service_id: &str,
    partitions_of: &Partitions<'_>,
) -> Result<Topology, LogError> {
    let mut widest = 1;
    let mut foreign_key = false;
    visit(&plan.root, &mut |step| {
        if let StepKind::Source(source) = &step.kind {
            widest = widest.max(partitions_of(&source.topic)?);
        }
        foreign_key |= matches!(step.kind, StepKind::ForeignKeyJoin { .. });
        Ok::<(), LogError>(())
    })?;
    let whole = uncut || foreign_key || widest == 1;
    let mut cutter = Cutter { plan, service_id, partitions_of, whole, subs: Vec::new() };
    let (nodes, partitions) = cutter.sub(&plan.root, false)?;
    cutter.subs.push(SubTopology { nodes, target: Target::Result, partitions: if whole { 1 } else { partitions } });
    Ok(Topology { subs: cutter.subs, whole })
}

/// Whether a step reads the old side of its input, or hands it on to somebody who does. Steps that keep their inputs in
/// stores of their own know the old rows from there.
fn reads_old(step: &Step, wants_old: bool) -> bool {
    match step.kind {
        StepKind::Filter { .. } => step.is_table && (wants_old || knows_old(step)),
        StepKind::Project { .. } => wants_old,
        _ => false,
    }
}

/// Whether the step's key was computed and has several columns: then it is there even if all of them are NULL.
pub(super) fn always_has_key(step: &Step) -> bool {
    match &step.kind {
        StepKind::Rekey { key, .. } => key.len() > 1,
        _ => step.inputs().first().is_some_and(|input| always_has_key(input)),
    }
}

/// Whether the old side of a table's rows is told without being insisted on. As in Kafka Streams that of a foreign-key
/// join is not, so a filter over it leaves tombstones of rows that never passed.
fn knows_old(step: &Step) -> bool {
    !matches!(step.kind, StepKind::ForeignKeyJoin { .. }) && step.inputs().into_iter().all(knows_old)
}

/// Calls `each` for every step, inputs first.
pub(super) fn visit<E>(step: &Step, each: &mut dyn FnMut(&Step) -> Result<(), E>) -> Result<(), E> {
    for input in step.inputs() {
        visit(input, each)?;
    }
    each(step)
}

/// The topics that a query reads.
pub(super) fn sources(plan: &QueryPlan) -> Vec<String> {
    fn collect(step: &Step, into: &mut Vec<String>) {
        if let StepKind::Source(source) = &step.kind {
            into.push(source.topic.clone());
        }
        step.inputs().into_iter().for_each(|input| collect(input, into));
    }
    let mut topics = Vec::new();
    collect(&plan.root, &mut topics);
    topics
}

struct Cutter<'a> {
    plan: &'a QueryPlan,
    service_id: &'a str,
    partitions_of: &'a Partitions<'a>,
    whole: bool,
    subs: Vec<SubTopology>,
}

impl Cutter<'_> {
    /// Nodes of the sub-topology whose root is that step, and its number of partitions.
    fn sub(&mut self, root: &Step, wants_old: bool) -> Result<(Vec<Node>, u32), LogError> {
        let (mut nodes, mut partitions) = (Vec::new(), 1);
        self.add(root, wants_old, &mut nodes, &mut partitions)?;
        Ok((nodes, partitions))
    }

    /// Adds a step after its inputs; returns its index.
    fn add(
        &mut self,
        step: &Step,
        wants_old: bool,
        nodes: &mut Vec<Node>,
        partitions: &mut u32,
    ) -> Result<usize, LogError> {
        let shared = Arc::new(step.clone());
        let push = |nodes: &mut Vec<Node>, role, inputs| {
            nodes.push(Node { step: Arc::clone(&shared), role, inputs, wants_old });
            nodes.len() - 1
        };
        match &step.kind {
            StepKind::Source(source) => {
                *partitions = (*partitions).max((self.partitions_of)(&source.topic)?);
                Ok(push(nodes, Role::Read, Vec::new()))
            }
            StepKind::Repartition { input, topic_suffix, partitions: wanted } if !self.whole => {
                let (upstream, width) = self.sub(input, wants_old)?;
                let exchange = Exchange {
                    topic: internal_topic(self.service_id, &self.plan.id, topic_suffix),
                    partitions: wanted.unwrap_or(width),
                    schema: step.schema.clone(),
                    key_format: step.key_format.clone(),
                    is_table: step.is_table,
                    is_windowed: step.key_window().is_some(),
                };
                *partitions = (*partitions).max(exchange.partitions);
                self.end_at(upstream, width, &exchange);
                Ok(push(nodes, Role::ReadBack(exchange), Vec::new()))
            }
            StepKind::Repartition { input, .. } => {
                let input = self.add(input, wants_old, nodes, partitions)?;
                Ok(push(nodes, Role::Pass, vec![input]))
            }
            StepKind::TableAggregate { input, topic_suffix, .. } if !self.whole => {
                let (mut upstream, width) = self.sub(input, true)?;
                let below = upstream.len().saturating_sub(1);
                push(&mut upstream, Role::RunFirstHalf, vec![below]);
                let exchange = Exchange {
                    topic: internal_topic(self.service_id, &self.plan.id, topic_suffix),
                    partitions: width,
                    schema: regrouped_schema(&input.schema, &step.schema),
                    key_format: step.key_format.clone(),
                    is_table: true,
                    is_windowed: false,
                };
                *partitions = (*partitions).max(exchange.partitions);
                self.end_at(upstream, width, &exchange);
                let back = push(nodes, Role::ReadBack(exchange), Vec::new());
                Ok(push(nodes, Role::RunSecondHalf, vec![back]))
            }
            StepKind::TableAggregate { input, .. } => {
                let input = self.add(input, true, nodes, partitions)?;
                let grouped = push(nodes, Role::RunFirstHalf, vec![input]);
                Ok(push(nodes, Role::RunSecondHalf, vec![grouped]))
            }
            _ => {
                let mut ports = Vec::new();
                for input in step.inputs() {
                    ports.push(self.add(input, reads_old(step, wants_old), nodes, partitions)?);
                }
                Ok(push(nodes, Role::Run, ports))
            }
        }
    }

    /// Ends a sub-topology at a repartition topic.
    fn end_at(&mut self, nodes: Vec<Node>, partitions: u32, exchange: &Exchange) {
        self.subs.push(SubTopology { nodes, target: Target::Exchange(exchange.clone()), partitions });
    }
}
