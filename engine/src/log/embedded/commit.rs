//! Group commit: whoever finds nobody writing writes for everybody who waits.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::kv::{KvError, Writes};
use crate::log::Result;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::prepared::Prepared;

/// What one caller wants written, all or nothing.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// Batches, by partition.
    pub(super) outputs: Vec<(Arc<Partition>, Vec<Prepared>)>,
    /// Changes of the local database.
    pub(super) writes: Writes,
}

/// What a caller gets: the offset of the first record of each of its outputs.
pub(super) type Answer = Result<Vec<i64>>;

/// The queue of writers.
#[derive(Debug, Default)]
pub(super) struct Committer {
    queue: Mutex<Queue>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    leading: bool,
    waiting: Vec<Request>,
    tickets: Vec<u64>,
    answers: HashMap<u64, Answer>,
}

impl Committer {
    /// Queues a request and waits for its answer. `write` writes a group of requests and answers each of them, in
    /// order; only one thread is in it at a time.
    pub(super) fn submit(&self, request: Request, write: impl Fn(Vec<Request>) -> Vec<Answer>) -> Answer {
        let mut queue = self.queue.lock();
        let ticket = queue.next;
        queue.next += 1;
        queue.waiting.push(request);
        queue.tickets.push(ticket);
        loop {
            if let Some(answer) = queue.answers.remove(&ticket) {
                return answer;
            }
            if queue.leading {
                self.settled.wait(&mut queue);
                continue;
            }
            queue.leading = true;
            let (group, tickets) = (std::mem::take(&mut queue.waiting), std::mem::take(&mut queue.tickets));
            drop(queue);
            // Whatever happens to the leader, the others get an answer and somebody else leads.
            let written = catch_unwind(AssertUnwindSafe(|| write(group)));
            let mut answers = written.unwrap_or_else(|_panic| Vec::new()).into_iter();
            queue = self.queue.lock();
            for ticket in tickets {
                let answer = answers.next();
                let lost = || Err(KvError::Store("the write was given up after an internal error".to_owned()).into());
                queue.answers.insert(ticket, answer.unwrap_or_else(lost));
            }
            queue.leading = false;
            self.settled.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_one_who_writes_is_an_error_and_the_next_write_goes_on() {
        let committer = Committer::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let answer = committer.submit(Request::default(), |_| panic!("no disk"));
                    assert!(answer.unwrap_err().to_string().contains("internal error"));
                });
            }
        });
        let write = |group: Vec<Request>| group.iter().map(|_| Ok(vec![7])).collect();
        assert_eq!(committer.submit(Request::default(), write).unwrap(), [7]);
    }
}
