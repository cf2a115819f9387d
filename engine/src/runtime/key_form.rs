//! State that an older version wrote with keys in another form: it is refused, not misread.

use std::sync::Arc;

use crate::kv::Writes;
use crate::state::Place;
use crate::steps::StepKind;

use super::error::RuntimeError;
use super::topology::{Node, SubTopology};

/// Formats whose bytes once were the keys of stores, and are not any more.
const FORMERLY: &str = "DELIMITED";
const KEY: &[u8] = b"keys";

/// What a task whose stores might be mistaken has to write when it starts for the first time: that their keys are in the
/// form of today.
///
/// # Errors
/// It does not start for the first time, and did not write so.
pub(super) fn note(sub: &SubTopology, place: &Place, is_first_start: bool) -> Result<Writes, RuntimeError> {
    let mut writes = Writes::default();
    let Some((kv, space)) = &place.disk else { return Ok(writes) };
    let last = sub.nodes.len().saturating_sub(1);
    let concerns = |(at, node): (usize, &Node)| node.step.key_format.name == FORMERLY && keeps_rows(node, at == last);
    if !sub.nodes.iter().enumerate().any(concerns) {
        return Ok(writes);
    }
    let space: Arc<str> = Arc::from(format!("{space}/form"));
    if is_first_start {
        writes.put(&space, KEY, |bytes| bytes.push(1));
    } else if kv.get(&space, KEY)?.is_none() {
        return Err(RuntimeError::Build(format!(
            "its state was written by an older version of Millstream, which wrote {FORMERLY} keys in another form. \
             DROP and CREATE it again, or go on with that version."
        )));
    }
    Ok(writes)
}

/// Whether a node has a store of keys; the last one of a table may.
fn keeps_rows(node: &Node, is_last: bool) -> bool {
    match node.step.kind {
        StepKind::Source(_) => node.step.is_table && (node.wants_old || is_last),
        StepKind::Filter { .. }
        | StepKind::Project { .. }
        | StepKind::Rekey { .. }
        | StepKind::FlatMap { .. }
        | StepKind::Repartition { .. } => node.step.is_table && is_last,
        _ => true,
    }
}
