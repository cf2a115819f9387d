//! Writing to a partition that several processes write to, one at a time: all of them have the same transactional id, and a
//! broker takes transactions only from the producer that has begun with it last.

use std::sync::Arc;

use crate::log::kafka::connection::Connection;
use crate::log::kafka::sending::{Rows, Timestamps};
use crate::log::kafka::transactions::TransactionalProducer;
use crate::log::{LogError, Output, Records, Result, SoleWriter, TopicPartition};

/// Writes if nobody else has claimed the partition since.
pub(super) struct KafkaSoleWriter {
    connection: Arc<Connection>,
    of: TopicPartition,
    id: String,
    producer: Option<TransactionalProducer>,
}

impl KafkaSoleWriter {
    /// For that partition; processes with the same id take turns.
    pub(super) fn new(connection: Arc<Connection>, of: TopicPartition, id: &str) -> KafkaSoleWriter {
        KafkaSoleWriter { connection, of, id: id.to_owned(), producer: None }
    }
}

impl SoleWriter for KafkaSoleWriter {
    fn claim(&mut self) -> Result<()> {
        // The one before must not be there any more when the next one fences it: it would report that as a fatal error.
        self.producer = None;
        self.producer = Some(TransactionalProducer::open(&self.connection, &self.id)?);
        Ok(())
    }

    fn append(&mut self, records: Records) -> Result<i64> {
        let overtaken = || LogError::Overtaken(self.of.topic.to_string());
        let Some(producer) = self.producer.take() else { return Err(overtaken()) };
        let output = Output { to: self.of.clone(), records };
        let rows = Rows::of(&output, Timestamps::Own)?;
        match producer.append(&rows) {
            Ok(end) => {
                self.producer = Some(producer);
                let lost = || LogError::Broker(format!("topic {} did not say where records are", self.of.topic));
                Ok(end.ok_or_else(lost)? - rows.len() as i64)
            }
            Err(failed) if producer.is_fenced(&failed) => Err(overtaken()),
            Err(failed) => {
                let error = producer.blame(&self.connection, &[rows], &failed);
                if producer.takes_back(&failed) {
                    self.producer = Some(producer);
                }
                Err(error)
            }
        }
    }
}
