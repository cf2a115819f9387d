//! Reading some partitions through the [clients of all readers](super::fetch).

use std::sync::Arc;

use crate::log::kafka::connection::{Call, Connection};
use crate::log::kafka::fetch::{Fetching, Seat, Trouble};
use crate::log::{LogError, Position, RawBatch, Reader, Result, Signal};

/// Reads some partitions.
pub(super) struct KafkaReader {
    connection: Arc<Connection>,
    seats: Vec<Seat>,
    /// Which partition comes first in the next poll.
    first: usize,
}

impl KafkaReader {
    /// Reads each partition from its offset on; an offset that retention has removed means the first one there is.
    pub(super) fn new(
        connection: Arc<Connection>,
        fetching: &Arc<Fetching>,
        from: Vec<Position>,
        wake: &Arc<Signal>,
    ) -> Result<KafkaReader> {
        let seats = from.into_iter().map(|position| fetching.join(position, Arc::clone(wake)));
        Ok(KafkaReader { connection, seats: seats.collect::<Result<_>>()?, first: 0 })
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<(usize, RawBatch)>> {
        let (mut read, mut bytes) = (Vec::new(), 0);
        let count = self.seats.len();
        for index in (self.first..count).chain(0..self.first) {
            let Some(seat) = self.seats.get_mut(index).filter(|_| bytes < max_bytes) else { break };
            let batches = match seat.take(max_bytes - bytes) {
                Ok(batches) => batches,
                Err(trouble) => return Err(told(&self.connection, seat, trouble)),
            };
            if let Some(batch) = RawBatch::join(batches)? {
                bytes += batch.records.payload_bytes(batch.records.len());
                read.push((index, batch));
            }
        }
        self.first = if count == 0 { 0 } else { (self.first + 1) % count };
        Ok(read)
    }

    fn has_reached_end(&self, index: usize) -> bool {
        self.seats.get(index).is_some_and(Seat::has_ended)
    }
}

fn told(connection: &Connection, seat: &Seat, trouble: Trouble) -> LogError {
    let topic = &*seat.of().topic;
    match trouble {
        Trouble::Gone => LogError::UnknownTopic(topic.to_owned()),
        Trouble::WentBack { from, to } => LogError::Invalid(format!(
            "topic {topic} was made anew or has lost records: partition {} was read up to offset {from}, and what comes next \
             has offset {to}. A query that is to read the topic as it is now must be dropped and created again.",
            seat.of().partition
        )),
        Trouble::Failed(error) => connection.failed(Call { does: "reading", needs: "Read", topic }, &error),
        Trouble::NoClient(problem) => LogError::Broker(format!("reading topic {topic}: {problem}")),
    }
}
