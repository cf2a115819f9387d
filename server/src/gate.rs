//! The way to the engine: its calls may wait for disk or locks, so they run on threads of their own, as many at once as
//! `ksql.worker.pool.size` says. Whoever has to wait for a turn waits without a thread, and not for ever; a client that
//! leaves leaves the queue as well.

use std::sync::Arc;
use std::time::Duration;

use engine::statements::{Failure, FailureKind, Progress};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Turns to call the engine.
#[derive(Debug)]
pub(crate) struct Gate {
    turns: Arc<Semaphore>,
    workers: usize,
    patience: Duration,
}

impl Gate {
    /// So many calls at once; who waits longer than `patience` for a turn is refused.
    pub(crate) fn new(workers: usize, patience: Duration) -> Self {
        Self { turns: Arc::new(Semaphore::new(workers)), workers, patience }
    }

    /// Runs what may wait for disk or locks.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let Ok(Ok(turn)) = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await else {
            let message = format!("The server is busy: {} requests are at work (ksql.worker.pool.size).", self.workers);
            return Err(Failure::new(FailureKind::Busy, message));
        };
        let done = tokio::task::spawn_blocking(move || {
            // The turn lasts as long as the work, even if nobody waits for it any more.
            let _turn = turn;
            work()
        });
        done.await.unwrap_or_else(|problem| Err(Failure::internal("The request could not be carried out", &problem)))
    }

    /// Runs what may have to wait for something to happen: again and again, and between two attempts no thread is held.
    pub(crate) async fn run_to_end<S: Send + 'static, T: Send + 'static>(
        &self,
        mut state: S,
        attempt: impl Fn(&mut S) -> Result<Progress<T>, Failure> + Clone + Send + 'static,
    ) -> Result<T, Failure> {
        loop {
            let attempt = attempt.clone();
            let (after, progress) = self
                .run(move || {
                    let progress = attempt(&mut state)?;
                    Ok((state, progress))
                })
                .await?;
            state = after;
            match progress {
                Progress::Done(result) => return Ok(result),
                Progress::Wait(pause) => sleep(pause).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn who_waits_too_long_is_refused_and_the_turn_ends_with_the_work() {
        let gate = Arc::new(Gate::new(1, Duration::from_millis(20)));
        let (let_go, held) = mpsc::channel::<()>();
        let first = {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.run(move || Ok(held.recv().is_ok())).await })
        };
        while gate.turns.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.run(|| Ok(())).await.unwrap_err().kind, FailureKind::Busy);
        // Its client leaves, but the work goes on.
        first.abort();
        assert_eq!(gate.run(|| Ok(())).await.unwrap_err().kind, FailureKind::Busy);
        let_go.send(()).unwrap();
        while gate.run(|| Ok(())).await.is_err() {}
    }

    #[tokio::test]
    async fn between_attempts_others_have_their_turn() {
        let gate = Arc::new(Gate::new(1, Duration::from_secs(30)));
        let (tell, told) = mpsc::channel::<()>();
        let told = Arc::new(std::sync::Mutex::new(told));
        let waiting = {
            let gate = Arc::clone(&gate);
            let attempt = move |attempts: &mut u32| {
                *attempts += 1;
                let happened = told.lock().unwrap().try_recv().is_ok();
                Ok(if happened { Progress::Done(*attempts) } else { Progress::Wait(Duration::from_millis(1)) })
            };
            tokio::spawn(async move { gate.run_to_end(0, attempt).await })
        };
        gate.run(|| Ok(())).await.unwrap();
        tell.send(()).unwrap();
        assert!(waiting.await.unwrap().unwrap() >= 1);
    }
}
