//! Topics of a shared log are not the queries' alone: somebody may delete one, or give it more partitions. They are looked at
//! now and then, so that a query whose topics are not what it was made for says so, or is made anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::log::LogError;

use super::error::RuntimeError;
use super::topology::{Role, SubTopology, Target};
use crate::steps::{QueryPlan, StepKind};

/// Topics that a query uses, with the partitions that it was made for.
pub(super) type Used = BTreeMap<Arc<str>, u32>;

/// The topics that a query reads, writes, and keeps its rows in between in.
pub(super) fn used(
    subs: &[SubTopology],
    plan: &QueryPlan,
    partitions_of: &dyn Fn(&str) -> Result<u32, LogError>,
) -> Result<Used, LogError> {
    let mut used = Used::new();
    let mut own = |topic: &str| {
        used.insert(Arc::from(topic), partitions_of(topic)?);
        Ok::<_, LogError>(())
    };
    for sub in subs {
        for node in &sub.nodes {
            if let (Role::Read, StepKind::Source(source)) = (&node.role, &node.step.kind) {
                own(&source.topic)?;
            }
        }
    }
    plan.sink.iter().try_for_each(|sink| own(&sink.topic))?;
    for sub in subs {
        if let Target::Exchange(exchange) = &sub.target {
            used.insert(Arc::clone(&exchange.topic), exchange.partitions);
        }
    }
    Ok(used)
}

/// What is wrong with the topics of a query, of which there are so many partitions now.
pub(super) fn problem(used: &Used, present: &BTreeMap<String, u32>) -> Option<RuntimeError> {
    used.iter().find_map(|(topic, &was)| match present.get(&**topic) {
        None => Some(RuntimeError::TopicGone(topic.to_string())),
        Some(&is) if is != was => Some(RuntimeError::TopicChanged { topic: topic.to_string(), was, is }),
        Some(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_is_gone_or_has_other_partitions_is_named() {
        let used: Used = [(Arc::from("a"), 2), (Arc::from("b"), 3)].into();
        let present =
            |topics: &[(&str, u32)]| topics.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let told = |topics: &[(&str, u32)]| problem(&used, &present(topics)).map(|problem| problem.to_string());
        assert_eq!(told(&[("a", 2), ("b", 3), ("c", 1)]), None);
        assert!(told(&[("a", 2)]).unwrap().starts_with("topic b, which the query uses, does not exist"));
        assert!(told(&[("a", 4), ("b", 3)]).unwrap().starts_with("topic a has 4 partitions now"));
    }
}
