//! Changelog topics of a query's stores: their names, which are ksqlDB's where it has such a store, and what they are made
//! with. Only logs that others share want them ([`Log::keeps_changelogs`](crate::log::Log::keeps_changelogs)).

use std::sync::Arc;

use crate::log::Changelogs;
use crate::steps::{Step, StepKind};
use crate::types::Time;

use super::taken::Taken;
use super::topology::{Node, Role, SubTopology};

/// How much longer than its rows a changelog is kept: Kafka Streams' `windowstore.changelog.additional.retention.ms`.
const MORE_RETENTION_MS: i64 = 24 * 60 * 60 * 1000;

/// A store of a sub-topology and its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreTopic {
    /// The space of its state below the task's.
    pub(super) below: String,
    /// The topic's name.
    pub(super) topic: Arc<str>,
    /// What the topic was called before it had ksqlDB's name: a query that has it keeps it.
    pub(super) earlier: Option<Arc<str>>,
    /// As the topic's configuration says it.
    pub(super) cleanup_policy: &'static str,
    /// How long a record stays, if not for ever.
    pub(super) retention_ms: Option<i64>,
}

impl StoreTopic {
    /// The rows of one side of a join of two streams: no key is written again, so there is nothing to compact.
    fn buffer(self) -> Self {
        Self { cleanup_policy: "delete", ..self }
    }

    /// It was called so before.
    fn once(self, group: &str, name: &str) -> Self {
        let earlier = topic(group, name);
        Self { earlier: (earlier != self.topic).then_some(earlier), ..self }
    }
}

/// The stores of a sub-topology of the query with that consumer group. `keeps_result`: its last rows are kept, too.
pub(super) fn stores(sub: &SubTopology, group: &str, keeps_result: bool) -> Vec<StoreTopic> {
    let mut stores: Vec<StoreTopic> = sub.nodes.iter().flat_map(|node| of_node(node, group)).collect();
    if keeps_result {
        stores.extend(sub.nodes.last().map(|root| {
            let name = format!("{}-Last", root.step.id.rsplit('/').next().unwrap_or_default());
            store("result".to_owned(), group, &name, retention(&root.step))
        }));
    }
    stores
}

/// The changelogs of a task with its state in that space.
/// What lies before the ends of `taken` is a ksqlDB's.
pub(super) fn of_task(
    stores: &[StoreTopic],
    space: &str,
    partition: u32,
    taken: Option<&Taken>,
) -> Option<Arc<Changelogs>> {
    let stores = stores.iter().map(|store| (store.below.as_str(), &store.topic));
    let changelogs = Changelogs::new(space, partition, stores)?;
    Some(Arc::new(match taken {
        Some(taken) => changelogs.behind(|of| taken.end(&of.topic, of.partition)),
        None => changelogs,
    }))
}

fn store(below: String, group: &str, name: &str, retention_ms: Option<i64>) -> StoreTopic {
    let cleanup_policy = if retention_ms.is_some() { "compact,delete" } else { "compact" };
    StoreTopic { below, topic: topic(group, name), earlier: None, cleanup_policy, retention_ms }
}

/// The changelog of the store of that name.
pub(super) fn topic(group: &str, name: &str) -> Arc<str> {
    Arc::from(format!("{group}-{name}-changelog"))
}

fn of_node(node: &Node, group: &str) -> Vec<StoreTopic> {
    let step = &*node.step;
    let own = |name: &str| vec![store(step.id.clone(), group, name, retention(step))];
    let side = |side: &str, name: &str, retention| store(format!("{}/{side}", step.id), group, name, retention);
    match (&node.role, &step.kind) {
        (Role::Read, StepKind::Source(_)) if step.is_table && node.wants_old => own(&reduced(step)),
        (Role::Run, StepKind::Aggregate { .. }) | (Role::RunSecondHalf, _) => own(&materialized(step)),
        (Role::Run, StepKind::Suppress { .. }) => own("KTABLE-SUPPRESS-STATE-STORE"),
        (Role::Run, StepKind::StreamTableJoin { right, .. }) => vec![side("right", &reduced(right), None)],
        (Role::Run, StepKind::TableTableJoin { left, right, .. }) => {
            vec![side("left", &reduced(left), None), side("right", &reduced(right), None)]
        }
        (Role::Run, StepKind::ForeignKeyJoin { left, right, .. }) => {
            let subscribers = "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE";
            let are_read = [left, right].iter().all(|side| matches!(side.kind, StepKind::Source(_)));
            let name = if are_read { format!("{subscribers}-0000000016") } else { subscribers.to_owned() };
            vec![
                side("left", &reduced(left), None),
                side("right", &reduced(right), None),
                side("subscribers", &name, None).once(group, subscribers),
            ]
        }
        (Role::Run, StepKind::StreamStreamJoin { .. }) => of_stream_join(step, group),
        _ => Vec::new(),
    }
}

/// The rows of both sides of a join of two streams, and which of them wait for a partner.
pub(super) fn of_stream_join(step: &Step, group: &str) -> Vec<StoreTopic> {
    let StepKind::StreamStreamJoin { left, right, outer_left, outer_right, before_ms, after_ms, grace_ms, .. } =
        &step.kind
    else {
        return Vec::new();
    };
    let kept = Time(*before_ms) + *after_ms;
    let retention = Some((kept + grace_ms.unwrap_or(MORE_RETENTION_MS) + MORE_RETENTION_MS).0);
    // Both sides are made first, then a node for each side that keeps its rows; then come the two that join.
    let first = processors(left).zip(processors(right)).map(|(left, right)| left + right + 2);
    let store = |below: &str, outer: bool, side: &str, after: u32, retention| {
        let kind = if outer { "OUTER" } else { "JOIN" };
        let earlier = format!("{}-KSTREAM-{kind}{side}-store", step.id.replace('/', "-"));
        let name = match first {
            Some(first) => format!("KSTREAM-{kind}{side}-{:010}-store", first + after),
            None => earlier.clone(),
        };
        store(format!("{}/{below}", step.id), group, &name, retention).once(group, &earlier)
    };
    let mut stores = vec![
        store("left", *outer_right, "THIS", 0, retention).buffer(),
        store("right", *outer_left, "OTHER", 1, retention).buffer(),
    ];
    if (*outer_left || *outer_right) && grace_ms.is_some() {
        stores.push(store("unmatched", true, "SHARED", 0, None));
    }
    stores
}

/// How many nodes Kafka Streams numbers for a stream up to that step: its stores are called by such numbers. `None`: not
/// known, as for what is joined with tables.
fn processors(step: &Step) -> Option<u32> {
    let before = |step: &Step| step.inputs().into_iter().map(processors).sum::<Option<u32>>();
    match &step.kind {
        // Reading, the time and place of a record as columns, the columns under the stream's name.
        StepKind::Source(_) if !step.is_table => Some(3),
        StepKind::Rekey { .. } | StepKind::Project { .. } => before(step),
        // The new key, and writing to and reading from the topic.
        StepKind::Repartition { .. } => Some(before(step)? + 4),
        StepKind::StreamStreamJoin { .. } => Some(before(step)? + 5),
        _ => None,
    }
}

/// The name of the store of an aggregation's groups.
pub(super) fn materialized(aggregation: &Step) -> String {
    format!("{}-Materialize", aggregation.id.replace('/', "-"))
}

/// The name of the store of a table that is read.
pub(super) fn reduced(table: &Step) -> String {
    let mut source = table;
    while let Some(input) = source.inputs().into_iter().next() {
        source = input;
    }
    format!("{}-Reduce", source.id.trim_end_matches("/Source").replace('/', "-"))
}

/// How long the records of a windowed store stay.
fn retention(step: &Step) -> Option<i64> {
    match &step.kind {
        StepKind::Aggregate { window: Some(window), .. } => Some((Time(window.retention_ms) + MORE_RETENTION_MS).0),
        StepKind::Source(_) | StepKind::Aggregate { window: None, .. } | StepKind::TableAggregate { .. } => None,
        _ => step.inputs().first().and_then(|input| retention(input)),
    }
}
