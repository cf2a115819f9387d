//! What the tasks of one thread did since the last time, committed at once: over Kafka in one transaction.

use std::sync::Arc;

use crate::clock::Clock;

use super::error::TaskError;
use super::task::Task;

/// Does it for those of the tasks that have something to commit; says which of them must be made anew, and why.
pub(super) fn commit(tasks: &mut [&mut Task], clock: &dyn Clock) -> Vec<(usize, TaskError)> {
    let now_ms = clock.now_ms();
    let (mut failed, mut begun, mut commits) = (Vec::new(), Vec::new(), Vec::new());
    for (at, task) in tasks.iter_mut().enumerate().filter(|(_, task)| task.is_dirty()) {
        match task.begin_commit(now_ms) {
            Ok(Some(commit)) => {
                begun.push(at);
                commits.push(commit);
            }
            Ok(None) => {}
            Err(error) => failed.push((at, error)),
        }
    }
    let first = begun.first().and_then(|at| tasks.get(*at));
    let Some((log, thread)) = first.map(|task| (Arc::clone(task.log()), task.thread())) else { return failed };
    let committed = log.commit_all(thread, commits);
    let now_ms = clock.now_ms();
    for (at, committed) in begun.into_iter().zip(committed) {
        let ended = tasks.get_mut(at).map_or(Ok(()), |task| task.end_commit(committed, now_ms));
        failed.extend(ended.err().map(|error| (at, error)));
    }
    failed
}
