//! What a task tells the processing log.

use std::sync::Arc;

use crate::clock::Clock;
use crate::operators::Context;

use super::life::{Life, State};
use super::processing_log::{Origin, Trouble};

/// The processing log, with the time; operators see it as their [`Context`].
pub(super) struct Reports {
    life: Arc<Life>,
    clock: Arc<dyn Clock>,
}

impl Reports {
    pub(super) fn new(life: Arc<Life>, clock: Arc<dyn Clock>) -> Self {
        Self { life, clock }
    }

    /// Whether the query is over, and another may run in its place.
    pub(super) fn is_over(&self) -> bool {
        self.life.state() == State::Stopped
    }

    /// A record that could not be read.
    pub(super) fn bad_record(&self, step: &str, message: String, origin: Origin) {
        self.life.processing_log.write(self.clock.now_ms(), Trouble::Deserialization, step, message, Some(origin));
    }

    /// A row that could not be written.
    pub(super) fn bad_row(&self, step: &str, message: String) {
        self.life.processing_log.write(self.clock.now_ms(), Trouble::Serialization, step, message, None);
    }
}

impl Context for Reports {
    fn row_error(&mut self, operator: &str, message: String) {
        self.life.processing_log.write(self.clock.now_ms(), Trouble::Processing, operator, message, None);
    }
}
