//! What all clients of a cluster share: settings, events, the wording of errors.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::log::kafka::KafkaSettings;
use crate::log::{LogError, Result};

/// How to make clients and name their errors.
#[derive(Debug)]
pub(super) struct Connection {
    servers: String,
    config: ClientConfig,
}

impl Connection {
    /// Connects nothing yet.
    pub(super) fn new(settings: &KafkaSettings) -> Connection {
        let mut config = ClientConfig::new();
        config.set("client.id", "millstream").set("bootstrap.servers", &settings.bootstrap_servers);
        config.set("reconnect.backoff.max.ms", "2000");
        for (name, value) in &settings.properties {
            config.set(name, value);
        }
        Connection { servers: settings.bootstrap_servers.clone(), config }
    }

    /// The settings with some more.
    pub(super) fn config(&self, more: &[(&str, &str)]) -> ClientConfig {
        let mut config = self.config.clone();
        for (name, value) in more {
            config.set(*name, *value);
        }
        config
    }

    /// The client a constructor made, or what is wrong with the settings.
    pub(super) fn made<T>(&self, client: std::result::Result<T, KafkaError>) -> Result<T> {
        client.map_err(|error| {
            let problem = match error {
                // Values may be passwords.
                KafkaError::ClientConfig(_, problem, name, _) => format!("{name}: {problem}"),
                other => other.to_string(),
            };
            LogError::Invalid(format!("the settings for Kafka are not usable: {problem}"))
        })
    }

    /// The error of a call.
    pub(super) fn failed(&self, what: &str, error: &KafkaError) -> LogError {
        self.failed_with(what, error.rdkafka_error_code(), &error.to_string())
    }

    /// The error of a call that answered with a code.
    pub(super) fn failed_with(&self, what: &str, code: Option<RDKafkaErrorCode>, text: &str) -> LogError {
        LogError::Broker(match code {
            Some(
                RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::MessageTimedOut
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::RequestTimedOut
                | RDKafkaErrorCode::Resolve,
            ) => format!("no broker of {} answers ({what}: {text})", self.servers),
            _ => format!("{what}: {text}"),
        })
    }
}

/// During an outage every client reports the same again and again; each code is told once in such a while.
const QUIET: Duration = Duration::from_secs(10);
static TOLD: Mutex<Vec<(Option<RDKafkaErrorCode>, Instant)>> = Mutex::new(Vec::new());

/// Whether no client reported that code a moment ago.
fn is_news(code: Option<RDKafkaErrorCode>) -> bool {
    let mut told = TOLD.lock();
    told.retain(|(_, at)| at.elapsed() < QUIET);
    let is_news = told.iter().all(|(other, _)| *other != code);
    if is_news {
        told.push((code, Instant::now()));
    }
    is_news
}

/// Puts what clients report on the process's own log.
#[derive(Debug, Default)]
pub(super) struct Events;

impl ClientContext for Events {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!("librdkafka {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // That a reader is at the end of a partition is no error; it is told of it apart.
        if code == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if is_news(code) {
            tracing::warn!("kafka: {error}: {reason}");
        } else {
            tracing::debug!("kafka: {error}: {reason}");
        }
    }
}

impl ConsumerContext for Events {}
