//! Changelog topics of a query's stores: their names, which are ksqlDB's where it has such a store, and what they are made
//! with. Only logs that others share want them ([`Log::keeps_changelogs`](crate::log::Log::keeps_changelogs)).

use std::sync::Arc;

use crate::log::Changelogs;
use crate::steps::{Step, StepKind};
use crate::types::Time;

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
    /// How long a record stays, if not for ever.
    pub(super) retention_ms: Option<i64>,
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
pub(super) fn of_task(stores: &[StoreTopic], space: &str, partition: u32) -> Option<Arc<Changelogs>> {
    let stores = stores.iter().map(|store| (store.below.as_str(), &store.topic));
    Changelogs::new(space, partition, stores).map(Arc::new)
}

fn store(below: String, group: &str, name: &str, retention_ms: Option<i64>) -> StoreTopic {
    StoreTopic { below, topic: Arc::from(format!("{group}-{name}-changelog")), retention_ms }
}

fn of_node(node: &Node, group: &str) -> Vec<StoreTopic> {
    let step = &*node.step;
    let own = |name: &str| vec![store(step.id.clone(), group, name, retention(step))];
    let side = |side: &str, name: &str, retention| store(format!("{}/{side}", step.id), group, name, retention);
    match (&node.role, &step.kind) {
        (Role::Read, StepKind::Source(_)) if step.is_table && node.wants_old => own(&reduced(step)),
        (Role::Run, StepKind::Aggregate { .. }) | (Role::RunSecondHalf, _) => {
            own(&format!("{}-Materialize", step.id.replace('/', "-")))
        }
        (Role::Run, StepKind::Suppress { .. }) => own("KTABLE-SUPPRESS-STATE-STORE"),
        (Role::Run, StepKind::StreamTableJoin { right, .. }) => vec![side("right", &reduced(right), None)],
        (Role::Run, StepKind::TableTableJoin { left, right, .. }) => {
            vec![side("left", &reduced(left), None), side("right", &reduced(right), None)]
        }
        (Role::Run, StepKind::ForeignKeyJoin { left, right, .. }) => vec![
            side("left", &reduced(left), None),
            side("right", &reduced(right), None),
            side("subscribers", "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE", None),
        ],
        (Role::Run, StepKind::StreamStreamJoin { outer_left, outer_right, before_ms, after_ms, grace_ms, .. }) => {
            let kept = Time(*before_ms) + *after_ms;
            let retention = Some((kept + grace_ms.unwrap_or(MORE_RETENTION_MS) + MORE_RETENTION_MS).0);
            let name = |outer: bool, side: &str| {
                let kind = if outer { "OUTER" } else { "JOIN" };
                format!("{}-KSTREAM-{kind}{side}-store", step.id.replace('/', "-"))
            };
            let mut stores = vec![
                side("left", &name(*outer_right, "THIS"), retention),
                side("right", &name(*outer_left, "OTHER"), retention),
            ];
            if (*outer_left || *outer_right) && grace_ms.is_some() {
                stores.push(side("unmatched", &name(true, "SHARED"), None));
            }
            stores
        }
        _ => Vec::new(),
    }
}

/// The name of the store of a table that is read.
fn reduced(table: &Step) -> String {
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
