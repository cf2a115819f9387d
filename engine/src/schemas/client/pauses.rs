//! How long nobody is asked after nobody has answered, and how long a question is not asked that had no answer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::schemas::SchemaError;

/// Longer each time, up to the second.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// How long a server may take to answer a question. Who asks whether anybody is there again may wait as long: a slow
/// registry would never be found otherwise.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Questions that are remembered. Beyond that all are forgotten.
const MAX_QUESTIONS: usize = 10_000;

struct Pause {
    until: Instant,
    length: Duration,
    why: String,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// One of many.
    Anybody,
    /// The one who finds out, after a pause, whether anybody is there: so long as nobody is, one alone waits for that.
    Probe,
}

/// Who is not asked for now.
#[derive(Default)]
pub(super) struct Pauses {
    all: Mutex<Option<Pause>>,
    /// By method and path. A server that fails on one of them may answer all others.
    questions: Mutex<HashMap<String, Pause>>,
}

impl Pauses {
    /// Fails at once while nobody is to be asked, or while this question is not.
    pub(super) fn check(&self, question: &str) -> Result<Asking, SchemaError> {
        self.questions.lock().get(question).map_or(Ok(()), Pause::check)?;
        let mut all = self.all.lock();
        let Some(pause) = &mut *all else { return Ok(Asking::Anybody) };
        pause.check()?;
        pause.until = Instant::now() + ANSWER;
        Ok(Asking::Probe)
    }

    /// The question was answered.
    pub(super) fn end(&self, question: &str) {
        self.end_all();
        self.questions.lock().remove(question);
    }

    /// No server could be asked.
    pub(super) fn pause_all(&self, asking: Asking, why: &str) {
        let mut all = self.all.lock();
        match &mut *all {
            Some(pause) if asking == Asking::Probe => pause.lengthen(why),
            // Another one has found it out at the same time.
            Some(_) => {}
            None => {
                tracing::warn!("the schema registry does not answer: {why}");
                *all = Some(Pause::new(why));
            }
        }
    }

    /// A server was there, and had no answer to this question.
    pub(super) fn pause_one(&self, question: &str, why: &str) {
        self.end_all();
        let mut questions = self.questions.lock();
        if let Some(pause) = questions.get_mut(question) {
            if pause.check().is_ok() {
                pause.lengthen(why);
            }
            return;
        }
        if questions.len() >= MAX_QUESTIONS {
            questions.clear();
        }
        tracing::warn!(question, "the schema registry fails: {why}");
        questions.insert(question.to_owned(), Pause::new(why));
    }

    fn end_all(&self) {
        if self.all.lock().take().is_some() {
            tracing::info!("the schema registry answers again");
        }
    }
}

impl Pause {
    fn new(why: &str) -> Self {
        Self { until: Instant::now() + FIRST, length: FIRST, why: why.to_owned() }
    }

    fn check(&self) -> Result<(), SchemaError> {
        if Instant::now() < self.until { Err(SchemaError::Unavailable(self.why.clone())) } else { Ok(()) }
    }

    fn lengthen(&mut self, why: &str) {
        self.length = self.length.saturating_mul(2).min(LONGEST);
        self.until = Instant::now() + self.length;
        why.clone_into(&mut self.why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_that_fail_together_make_one_pause() {
        let pauses = Pauses::default();
        assert_eq!(pauses.check("GET /a"), Ok(Asking::Anybody));
        (0..10).for_each(|_| pauses.pause_all(Asking::Anybody, "nobody"));
        assert_eq!(pauses.all.lock().as_ref().unwrap().length, FIRST);
        pauses.all.lock().as_mut().unwrap().until = Instant::now();
        assert_eq!(pauses.check("GET /a"), Ok(Asking::Probe));
        assert!(pauses.check("GET /b").is_err(), "one alone waits for an answer");
        pauses.pause_all(Asking::Anybody, "nobody");
        pauses.pause_all(Asking::Probe, "still nobody");
        assert_eq!(pauses.all.lock().as_ref().unwrap().length, FIRST * 2);
        (0..10).for_each(|_| pauses.pause_one("GET /a", "it fails"));
        assert!(pauses.all.lock().is_none(), "somebody is there");
        assert_eq!(pauses.questions.lock()["GET /a"].length, FIRST);
        assert!(pauses.check("GET /a").is_err() && pauses.check("GET /b").is_ok());
        pauses.questions.lock().get_mut("GET /a").unwrap().until = Instant::now();
        pauses.pause_one("GET /a", "it fails still");
        assert_eq!(pauses.questions.lock()["GET /a"].length, FIRST * 2);
        pauses.end("GET /a");
        assert!(pauses.check("GET /a").is_ok() && pauses.questions.lock().is_empty());
    }
}
