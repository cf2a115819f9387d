//! Threads that run tasks. A thread owns its tasks, so a step takes no lock; it sleeps on its signal when all are idle.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::log::{LogError, Signal};

use super::error::TaskError;
use super::life::{Life, State};
use super::shared_commit;
use super::task::{Progress, Task};

/// Longest sleep: a safeguard, everything that matters raises the signal.
const SLEEP: Duration = Duration::from_secs(1);
/// How long whoever stops a query waits for a thread that is stuck in a step.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// A task and the life of its query.
pub(super) struct Slot {
    pub(super) query: Arc<str>,
    pub(super) life: Arc<Life>,
    pub(super) task: Task,
    /// Whoever started the query sees by it whether the task is still there.
    pub(super) _held: Arc<()>,
}

/// What came of a slot's turn.
#[derive(Debug, PartialEq, Eq)]
enum Stepped {
    Moved,
    Idle,
    /// The task is over, or its query is.
    Over,
}

/// A failure that starting again may heal.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) query: Arc<str>,
}

enum Message {
    Add(Box<Slot>),
    Remove { query: Arc<str>, done: Sender<()> },
    Stop,
}

/// Runs tasks: on threads, or when the driver says so.
pub(super) enum Pool {
    Threads {
        workers: Vec<Worker>,
        next: AtomicUsize,
    },
    /// Tasks of the driver, oldest first, and the signal their readers raise.
    Driven {
        slots: Mutex<Vec<Slot>>,
        signal: Arc<Signal>,
        clock: Arc<dyn Clock>,
        failed: Sender<Failed>,
    },
}

/// One thread.
pub(super) struct Worker {
    signal: Arc<Signal>,
    inbox: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Pool {
    /// So many threads.
    pub(super) fn threads(count: usize, clock: &Arc<dyn Clock>, failed: &Sender<Failed>) -> Result<Self, LogError> {
        let workers = (0..count.max(1)).map(|i| Worker::start(i, Arc::clone(clock), failed.clone()));
        Ok(Self::Threads { workers: workers.collect::<Result<_, _>>()?, next: AtomicUsize::new(0) })
    }

    /// No thread: tasks take steps in [`Pool::run`].
    pub(super) fn driven(clock: Arc<dyn Clock>, failed: Sender<Failed>) -> Self {
        Self::Driven { slots: Mutex::default(), signal: Arc::default(), clock, failed }
    }

    /// Where the next task goes, and the signal that wakes it.
    pub(super) fn place(&self) -> (usize, Arc<Signal>) {
        match self {
            Self::Threads { workers, next } => {
                let at = next.fetch_add(1, Ordering::Relaxed) % workers.len().max(1);
                (at, workers.get(at).map(|worker| Arc::clone(&worker.signal)).unwrap_or_default())
            }
            Self::Driven { signal, .. } => (0, Arc::clone(signal)),
        }
    }

    /// Hands over a task made for that place.
    pub(super) fn add(&self, at: usize, slot: Slot) {
        match self {
            Self::Threads { workers, .. } => {
                if let Some(worker) = workers.get(at) {
                    worker.send(Message::Add(Box::new(slot)));
                }
            }
            Self::Driven { slots, .. } => slots.lock().push(slot),
        }
    }

    /// Lets go of a query's tasks: what they have done but not committed is forgotten unless the query is paused or
    /// stopped in an orderly way. Waits for the threads, but not for ever.
    pub(super) fn remove(&self, query: &Arc<str>) {
        match self {
            Self::Threads { workers, .. } => {
                let waiting: Vec<Receiver<()>> = workers
                    .iter()
                    .map(|worker| {
                        let (done, gone) = bounded(1);
                        worker.send(Message::Remove { query: Arc::clone(query), done });
                        gone
                    })
                    .collect();
                for gone in waiting {
                    // A thread stuck in a step lets go of the task when the step ends.
                    let _late = gone.recv_timeout(STOP_WAIT);
                }
            }
            Self::Driven { slots, .. } => slots.lock().retain(|slot| slot.query != *query),
        }
    }

    /// Wakes all threads (a query was resumed, say).
    pub(super) fn wake(&self) {
        if let Self::Threads { workers, .. } = self {
            workers.iter().for_each(|worker| worker.signal.raise());
        }
    }

    /// The driver's way: steps the tasks of one query, or of all, until none moves.
    pub(super) fn run(&self, query: Option<&str>) {
        let Self::Driven { slots, clock, failed, .. } = self else { return };
        let mut slots = slots.lock();
        loop {
            let mut moved = false;
            slots.retain_mut(|slot| {
                if query.is_some_and(|query| *slot.query != *query) {
                    return true;
                }
                let turn = turn(slot, clock.now_ms(), failed);
                moved |= turn == Stepped::Moved;
                turn != Stepped::Over
            });
            if !moved {
                break;
            }
        }
    }

    /// Stops all threads after an orderly commit.
    pub(super) fn stop(&self) {
        if let Self::Threads { workers, .. } = self {
            workers.iter().for_each(|worker| worker.send(Message::Stop));
            for worker in workers {
                if let Some(thread) = worker.thread.lock().take() {
                    // A thread that panicked has nothing left to commit.
                    let _panicked = thread.join();
                }
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Worker {
    fn start(number: usize, clock: Arc<dyn Clock>, failed: Sender<Failed>) -> Result<Self, LogError> {
        let (inbox, messages) = unbounded();
        let signal = Arc::<Signal>::default();
        let of_thread = Arc::clone(&signal);
        let thread = std::thread::Builder::new()
            .name(format!("tasks-{number}"))
            .stack_size(sql::STACK_BYTES)
            .spawn(move || work(&messages, &of_thread, &*clock, &failed))
            .map_err(LogError::Thread)?;
        Ok(Self { signal, inbox, thread: Mutex::new(Some(thread)) })
    }

    fn send(&self, message: Message) {
        // A thread that is gone has no tasks.
        let _gone = self.inbox.send(message);
        self.signal.raise();
    }
}

fn work(messages: &Receiver<Message>, signal: &Signal, clock: &dyn Clock, failed: &Sender<Failed>) {
    let mut slots: Vec<Slot> = Vec::new();
    loop {
        let seen = signal.count();
        for message in messages.try_iter() {
            match message {
                Message::Add(slot) => slots.push(*slot),
                Message::Remove { query, done } => {
                    slots.retain(|slot| slot.query != query);
                    // Whoever asked may have stopped waiting.
                    let _gone = done.send(());
                }
                Message::Stop => {
                    commit_shared(&mut slots, clock, failed, |slot| slot.life.state() != State::Error);
                    for slot in &mut slots {
                        // What is not committed is read again at the next start.
                        let _told = close(slot, clock.now_ms());
                    }
                    return;
                }
            }
        }
        let mut moved = false;
        slots.retain_mut(|slot| {
            let turn = turn(slot, clock.now_ms(), failed);
            moved |= turn == Stepped::Moved;
            turn != Stepped::Over
        });
        let now_ms = clock.now_ms();
        // What a query did that has failed since waits for nothing: it is done again.
        let runs = |slot: &Slot| slot.life.state() == State::Running;
        let due = slots.iter().filter(|slot| runs(slot)).filter_map(|slot| slot.task.due_ms()).min();
        if due.is_some_and(|due| due <= now_ms) {
            commit_shared(&mut slots, clock, failed, runs);
        } else if !moved {
            let pause = due.map(|due| Duration::from_millis(due.saturating_sub(now_ms).max(1).unsigned_abs()));
            signal.wait(seen, pause.map_or(SLEEP, |pause| pause.min(SLEEP)));
        }
    }
}

/// Commits at once what those of the tasks did that share their commits; those that must be made anew are let go of.
fn commit_shared(slots: &mut Vec<Slot>, clock: &dyn Clock, failed: &Sender<Failed>, which: impl Fn(&Slot) -> bool) {
    let concerned = slots.iter_mut().enumerate().filter(|(_, slot)| slot.task.shares_commits() && which(slot));
    let (places, mut tasks): (Vec<usize>, Vec<&mut Task>) = concerned.map(|(at, slot)| (at, &mut slot.task)).unzip();
    let ended = catch_unwind(AssertUnwindSafe(|| shared_commit::commit(&mut tasks, clock)));
    let errors = ended.unwrap_or_else(|panic| {
        let text = panic_text(&*panic);
        (0..places.len()).map(|at| (at, TaskError::Fatal(text.clone()))).collect()
    });
    let mut over = vec![false; slots.len()];
    for (at, error) in errors {
        let Some(place) = places.get(at) else { continue };
        if let (Some(slot), Some(over)) = (slots.get_mut(*place), over.get_mut(*place)) {
            fail(slot, clock.now_ms(), &error, failed);
            *over = true;
        }
    }
    let mut over = over.into_iter();
    slots.retain(|_| !over.next().unwrap_or_default());
}

/// One step of a task, if its query runs.
fn turn(slot: &mut Slot, now_ms: i64, failed: &Sender<Failed>) -> Stepped {
    if !slot.task.is_ours() {
        // What it did since its last commit is done by whoever has it now.
        return Stepped::Over;
    }
    match slot.life.state() {
        State::Running => {}
        State::Created => return Stepped::Idle,
        // It will be started again, and its tasks go then.
        State::Retrying | State::Error if !slot.task.is_transient() => return Stepped::Idle,
        State::Paused => return pause(slot, now_ms, failed),
        State::Retrying | State::Error | State::Stopped => return Stepped::Over,
    }
    match guarded(|| slot.task.step(now_ms)) {
        Ok(Progress::Moved) => Stepped::Moved,
        Ok(Progress::Idle | Progress::Blocked) => Stepped::Idle,
        Ok(Progress::Finished) => {
            slot.life.become_(State::Stopped);
            Stepped::Over
        }
        Err(error) => {
            fail(slot, now_ms, &error, failed);
            Stepped::Over
        }
    }
}

/// Runs a part of a task. A panic counts as a fatal error of the query: the thread has others to run.
fn guarded<T>(part: impl FnOnce() -> Result<T, TaskError>) -> Result<T, TaskError> {
    catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(|panic| Err(TaskError::Fatal(panic_text(&*panic))))
}

/// What a panic is for a query.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("internal error: {}", text.unwrap_or_default())
}

/// Commits what is pending before a pause or the end.
fn close(slot: &mut Slot, now_ms: i64) -> Result<(), TaskError> {
    if slot.life.state() == State::Error || !slot.task.is_dirty() || !slot.task.is_ours() {
        return Ok(());
    }
    guarded(|| slot.task.commit(now_ms)).inspect_err(|error| {
        tracing::warn!(query = %slot.query, task = slot.task.id(), "the last commit failed: {error}");
    })
}

/// A turn of a paused query. A task that cannot commit has lost what it took: the query must be started again to go on.
fn pause(slot: &mut Slot, now_ms: i64, failed: &Sender<Failed>) -> Stepped {
    let Err(error) = close(slot, now_ms) else { return Stepped::Idle };
    fail(slot, now_ms, &error, failed);
    Stepped::Over
}

fn fail(slot: &mut Slot, now_ms: i64, error: &TaskError, failed: &Sender<Failed>) {
    if error.is_moved() {
        tracing::debug!(query = %slot.query, task = slot.task.id(), "{error}");
        return;
    }
    tracing::error!(query = %slot.query, task = slot.task.id(), "{error}");
    // A log that failed in the step may do so again.
    let _reported = guarded(|| {
        slot.task.report(error);
        Ok(())
    });
    slot.life.error(now_ms, error.to_string(), error.blame());
    let may_pass = error.may_pass() && !slot.task.is_transient();
    let next = if may_pass { State::Retrying } else { State::Error };
    if slot.task.is_transient() {
        slot.life.become_(next);
        slot.task.fail(&error.told());
    } else if slot.life.fail(next) {
        // Without a supervisor nobody starts it again.
        let _gone = failed.send(Failed { query: Arc::clone(&slot.query) });
    }
}
