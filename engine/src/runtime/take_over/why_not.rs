//! What of a ksqlDB's query cannot be taken over, told before anything starts.

use crate::expr::Registry;
use crate::runtime::changelogs;
use crate::runtime::topology::visit;
use crate::steps::{QueryPlan, StepKind};

use super::left;

/// Why the state of a query cannot be taken over from ksqlDB. `group` is its consumer group, with which the names of its
/// changelogs begin; `exists` says whether there is a topic of that name. `None`: it can.
pub fn why_not(plan: &QueryPlan, group: &str, functions: &Registry, exists: &dyn Fn(&str) -> bool) -> Option<String> {
    let missing = |topic: &str| match exists(topic) {
        true => Ok(()),
        false => Err(format!("its changelog topic {topic} is not there")),
    };
    let checked = visit(&plan.root, &mut |step| match &step.kind {
        StepKind::Source(source) if step.is_table => {
            left::table(step, source)?;
            missing(&changelogs::topic(group, &changelogs::reduced(step)))
        }
        StepKind::Aggregate { input, aggregates, .. } | StepKind::TableAggregate { input, aggregates, .. } => {
            left::groups(step, input, aggregates, functions)?;
            missing(&changelogs::topic(group, &changelogs::materialized(step)))
        }
        StepKind::StreamStreamJoin { left, right, .. } => {
            left::joined_side(left)?;
            left::joined_side(right)?;
            // Besides both sides' rows there are those that wait, which follow from them.
            let both = changelogs::of_stream_join(step, group);
            both.iter().take(2).try_for_each(|store| missing(&store.topic))
        }
        _ => Ok(()),
    });
    checked.err()
}
