//! What all clients of a cluster share: settings, events, the wording of errors.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientConfig, TopicPartitionList};

use crate::log::kafka::ClientSettings;
use crate::log::kafka::refusals::{Kind, Refusal, Refusals};
use crate::log::kafka::security::{translated, why_untrusted};
use crate::log::{LogError, Result};

/// How to make clients of one kind and name their errors.
pub(super) struct Connection {
    servers: String,
    config: ClientConfig,
    /// What was set for them, which counts for more.
    tuning: BTreeMap<&'static str, String>,
    /// What secures it, which is part of the above.
    secured: BTreeMap<String, String>,
    /// Who the clients say they are.
    principal: String,
    refusals: Arc<Refusals>,
}

/// A call of a client, and what somebody must be allowed to do for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// As "writing to".
    pub(super) does: &'a str,
    /// Kafka's name of the operation.
    pub(super) needs: &'static str,
    /// Topics, separated by commas.
    pub(super) topic: &'a str,
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.topic {
            "" => f.write_str(self.does),
            topic => write!(f, "{} topic {topic}", self.does),
        }
    }
}

impl Connection {
    /// Connects nothing yet.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for what is said of its security and cannot be done.
    pub(super) fn new(servers: &str, client: &ClientSettings) -> Result<Connection> {
        let secured = translated(&client.security)
            .map_err(|problem| LogError::Invalid(format!("the settings for Kafka are not usable: {problem}")))?;
        let mut config = ClientConfig::new();
        config.set("client.id", "millstream").set("bootstrap.servers", servers);
        config.set("reconnect.backoff.max.ms", "2000");
        // That a broker ends connections is information to the library, and may be why nothing works.
        config.set_log_level(RDKafkaLogLevel::Info);
        for (name, value) in &secured.properties {
            config.set(name, value);
        }
        Ok(Connection {
            servers: servers.to_owned(),
            config,
            tuning: client.tuning.clone(),
            secured: secured.properties,
            principal: secured.principal,
            refusals: Arc::default(),
        })
    }

    /// The settings with some more, as far as nobody has set these otherwise.
    pub(super) fn config(&self, more: &[(&str, &str)]) -> ClientConfig {
        let mut config = self.config.clone();
        for (name, value) in more {
            config.set(*name, *value);
        }
        for (name, value) in &self.tuning {
            config.set(*name, value);
        }
        config
    }

    /// A number that was set for them.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.tuning.get(name)?.parse().ok()
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

    /// Where its clients report to.
    pub(super) fn events(&self) -> Events {
        Events(Arc::clone(&self.refusals))
    }

    /// How many reports its clients have made.
    pub(super) fn reports(&self) -> usize {
        self.refusals.counted()
    }

    /// A broker has answered.
    pub(super) fn answered(&self) {
        self.refusals.forget();
    }

    /// Whether brokers refuse its clients as such.
    pub(super) fn is_refused(&self) -> bool {
        self.refusals.last().is_some_and(|refusal| refusal.kind != Kind::Protocol)
    }

    /// The error of a call.
    pub(super) fn failed(&self, call: Call<'_>, error: &KafkaError) -> LogError {
        self.failed_with(call, error.rdkafka_error_code(), &error.to_string())
    }

    /// The error of a call that answered with a code.
    pub(super) fn failed_with(&self, call: Call<'_>, code: Option<RDKafkaErrorCode>, text: &str) -> LogError {
        let resource = match code {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => format!("topic(s): [{}]", call.topic),
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => "the consumer group".to_owned(),
            Some(RDKafkaErrorCode::ClusterAuthorizationFailed) => "the cluster".to_owned(),
            Some(RDKafkaErrorCode::TransactionalIdAuthorizationFailed) => "its transactional ids".to_owned(),
            Some(
                RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed | RDKafkaErrorCode::SSL,
            ) => {
                return self.not_let_in(self.refusals.last(), text);
            }
            Some(
                RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::MessageTimedOut
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::RequestTimedOut
                | RDKafkaErrorCode::Resolve,
            ) => {
                let hint = match self.refusals.last() {
                    Some(refusal) if refusal.kind != Kind::Protocol => return self.not_let_in(Some(refusal), text),
                    Some(refusal) => format!("; {}: does it expect another security.protocol?", refusal.reason),
                    None => String::new(),
                };
                return LogError::Broker(format!("no broker of {} answers ({call}: {text}{hint})", self.servers));
            }
            _ => return LogError::Broker(format!("{call}: {text}")),
        };
        LogError::Denied(format!(
            "Authorization denied to {} on {resource}. Kafka refuses it to {}: an ACL must allow it.",
            call.needs, self.principal
        ))
    }

    fn not_let_in(&self, refusal: Option<Refusal>, text: &str) -> LogError {
        let Some(refusal) = refusal else { return LogError::NotLetIn(text.to_owned()) };
        let found = || refusal.broker().and_then(|broker| why_untrusted(broker, &self.secured));
        let advice = refusal.advice().map(str::to_owned).or_else(found);
        let who = match refusal.kind {
            Kind::Authentication => format!(" as {}", self.principal),
            Kind::Tls | Kind::Protocol => String::new(),
        };
        let advice = advice.map(|advice| format!(": {advice}")).unwrap_or_default();
        LogError::NotLetIn(format!("no connection to {}{who} ({}){advice}", self.servers, refusal.reason))
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

/// Puts what clients report on the process's own log, and keeps what they are refused.
#[derive(Clone)]
pub(super) struct Events(Arc<Refusals>);

impl ClientContext for Events {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.count();
        // Of a connection that the broker ends only the log says why.
        if facility == "FAIL" {
            let reason = message.split_once("]: ").map_or(message, |(_, reason)| reason);
            self.0.note(Some(RDKafkaErrorCode::BrokerTransportFailure), reason);
        }
        tracing::debug!("librdkafka {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.count();
        let code = error.rdkafka_error_code();
        // That a reader is at the end of a partition is no error; it is told of it apart.
        if code == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        self.0.note(code, reason);
        if is_news(code) {
            tracing::warn!("kafka: {error}: {reason}");
        } else {
            tracing::debug!("kafka: {error}: {reason}");
        }
    }
}

impl ConsumerContext for Events {
    /// Positions on the brokers are for lag tools alone, so that one that is not taken is only worth a note.
    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        let Err(error) = result else { return };
        let code = error.rdkafka_error_code();
        if code == Some(RDKafkaErrorCode::GroupAuthorizationFailed) && is_news(code) {
            tracing::warn!(
                "the brokers may not be told how far queries are, no ACL allows Read on their consumer groups"
            );
        } else {
            tracing::debug!("the brokers were not told how far queries are: {error}");
        }
    }
}
