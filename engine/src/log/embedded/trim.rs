//! Giving up the beginning of partitions: what retention lets go of, and what nobody will read again. The new beginning is
//! in the local database before any file goes; what a crash leaves of them goes at the next start.

use std::fs::remove_file;
use std::sync::Arc;
use std::time::SystemTime;

use crate::kv::Kv;
use crate::log::Result;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::topics::Topics;

/// Gives up what is older or more than the topics' configurations say.
pub(super) fn expire(topics: &Topics, kv: &dyn Kv, now: SystemTime) -> Result<()> {
    for (partition, retention) in topics.partitions() {
        if let Some(begin) = retention.first_kept(&partition.segments(), partition.end(), now) {
            give_up(&partition, begin, topics, kv)?;
        }
    }
    Ok(())
}

/// Gives up what is before the offsets, as far as whole files are.
pub(super) fn delete_before(cuts: &[(Arc<Partition>, i64)], topics: &Topics, kv: &dyn Kv) -> Result<()> {
    for (partition, offset) in cuts {
        let begin = partition.cut_before(*offset);
        if begin > partition.bounds().begin {
            give_up(partition, begin, topics, kv)?;
        }
    }
    Ok(())
}

fn give_up(partition: &Partition, begin: i64, topics: &Topics, kv: &dyn Kv) -> Result<()> {
    let segments = partition.segments();
    partition.expire(begin, |mark| Ok(kv.write(topics.end_write(&partition.id, mark)?.into())?))?;
    for segment in segments.iter().filter(|segment| segment.base < begin) {
        if let Err(error) = remove_file(&segment.path) {
            tracing::warn!("removing {}: {error}", segment.path.display());
        }
    }
    Ok(())
}
