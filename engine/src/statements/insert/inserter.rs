//! /inserts-stream: rows of JSON, one after the other, to one source.

use std::sync::Arc;

use crate::catalog::Source;
use crate::clock::Clock;
use crate::log::Log;
use crate::statements::{Failure, FailureKind, View};

use super::{Writer, read_row, target, write_failure};

/// Writes rows of JSON to one source.
pub struct Inserter {
    source: Arc<Source>,
    writer: Writer,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
}

impl Inserter {
    /// For the stream or table of that name, quoted or in any case.
    pub(crate) fn new(view: View<'_>, name: &str, log: Arc<dyn Log>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        super::check_enabled(view)?;
        let of_statement = |failure| Failure { kind: FailureKind::Statement, ..failure };
        let source = target(view, &super::json::folded(name)).map_err(of_statement)?;
        super::check_key_schema(view, &source)?;
        let writer = Writer::new(&source, view.schemas).map_err(|error| Failure::statement(error.to_string()))?;
        Ok(Self { source, writer, log, clock })
    }

    /// Writes rows; says of each whether it is durable now. A bad row does not keep the others from being written.
    pub fn insert(&mut self, lines: &[impl AsRef<[u8]>]) -> Vec<Result<(), Failure>> {
        let now = self.clock.now_ms();
        let mut rows = Vec::with_capacity(lines.len());
        let mut results = Vec::with_capacity(lines.len());
        for line in lines {
            results.push(read_row(&self.source, line.as_ref(), now).map(|row| rows.push(row)));
        }
        if let Err(problem) = self.writer.write(&*self.log, &rows) {
            let failure = write_failure(&self.source.name, problem);
            results.iter_mut().filter(|result| result.is_ok()).for_each(|result| *result = Err(failure.clone()));
        }
        results
    }
}

impl std::fmt::Debug for Inserter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inserter").field("target", &self.source.name).finish_non_exhaustive()
    }
}
