//! The stream of the processing log (`ksql.logging.processing.stream.auto.create`).

use sql::Statement;

use crate::config::setting;
use crate::statements::Session;

use super::Engine;

/// ksqlDB's columns, with the place of a bad record besides its topic. The names in backticks are keywords, which ksqlDB
/// does not write in capitals.
const COLUMNS: &str = "logger VARCHAR, level VARCHAR, time BIGINT, message STRUCT<type INT, \
    deserializationError STRUCT<target VARCHAR, errorMessage VARCHAR, recordB64 VARCHAR, cause ARRAY<VARCHAR>, \
    `topic` VARCHAR, `partition` INT, `offset` BIGINT>, \
    recordProcessingError STRUCT<errorMessage VARCHAR, record VARCHAR, cause ARRAY<VARCHAR>>, \
    productionError STRUCT<errorMessage VARCHAR>, \
    serializationError STRUCT<target VARCHAR, errorMessage VARCHAR, record VARCHAR, cause ARRAY<VARCHAR>, `topic` VARCHAR>, \
    kafkaStreamsThreadError STRUCT<errorMessage VARCHAR, threadName VARCHAR, cause ARRAY<VARCHAR>>>";

impl Engine {
    /// Makes the stream of the processing log if the settings ask for it and there is none of its name. A server that cannot
    /// make it goes on without it.
    pub(super) fn make_processing_log_stream(&self, has_topic: bool) {
        let config = &self.shared.config;
        if !config.get(setting::PROCESSING_LOG_STREAM_AUTO_CREATE) {
            return;
        }
        let (name, topic) = (config.get(setting::PROCESSING_LOG_STREAM_NAME), config.processing_log_topic());
        let told = |problem: &str| tracing::warn!(stream = name, topic, "the processing log has no stream: {problem}");
        if self.shared.headless.get().is_some() {
            return told("with ksql.queries.file a server makes the streams of that file only");
        }
        if !has_topic {
            return told("its topic does not exist; set ksql.logging.processing.topic.auto.create=true");
        }
        let quoted = topic.replace('\'', "''");
        let text = format!(
            "CREATE STREAM {name} ({COLUMNS}) WITH (KAFKA_TOPIC='{quoted}', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');"
        );
        let session = Session::default();
        let parsed = match self.parse(&text, &session) {
            Ok(parsed) => parsed,
            Err(failure) => return told(&failure.message),
        };
        if let Some(Statement::CreateSource(create)) = parsed.first().map(|parsed| &parsed.statement)
            && let Some(there) = self.shared.catalog.read().source(&create.name.name)
        {
            if there.topic != topic {
                told(&format!("what has its name reads topic {}", there.topic));
            }
            return;
        }
        if let Err(failure) = self.execute(&text, session, None) {
            told(&failure.message);
        }
    }
}
