//! What a cluster has refused its clients. The library tells that beside the calls, which only take longer: a call that
//! got no answer looks here whether it waited in vain.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::error::RDKafkaErrorCode;

/// The library repeats what does not change every half a minute.
const REPEATED: Duration = Duration::from_secs(40);

/// The last word on why connections fail.
#[derive(Default)]
pub(super) struct Refusals {
    last: Mutex<Option<Refusal>>,
    /// The protocol is right, then.
    has_answered: AtomicBool,
    /// Whatever clients had to tell beside the calls.
    reports: AtomicUsize,
}

/// A connection that failed, and would again.
#[derive(Clone)]
pub(super) struct Refusal {
    pub(super) kind: Kind,
    pub(super) reason: String,
    at: Instant,
}

/// Who says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The broker does not take the client for whom it says it is.
    Authentication,
    /// One of both does not trust the other's certificate.
    Tls,
    /// A connection that has just been made is ended, as by a broker that expects another protocol, or one that goes away.
    Protocol,
}

impl Refusals {
    /// Counts a report of a client.
    pub(super) fn count(&self) {
        self.reports.fetch_add(1, Ordering::Relaxed);
    }

    /// How many reports there were.
    pub(super) fn counted(&self) -> usize {
        self.reports.load(Ordering::Relaxed)
    }

    /// Notes what a client reports, if it is a refusal.
    pub(super) fn note(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        let kind = match code {
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => Kind::Authentication,
            Some(RDKafkaErrorCode::SSL) => Kind::Tls,
            // An alert that comes after the handshake ends the connection like any other end.
            Some(RDKafkaErrorCode::BrokerTransportFailure) if reason.contains("SSL alert number") => Kind::Tls,
            Some(RDKafkaErrorCode::BrokerTransportFailure) if self.may_be_protocol(reason) => Kind::Protocol,
            _ => return,
        };
        *self.last.lock() = Some(Refusal { kind, reason: reason.to_owned(), at: Instant::now() });
    }

    /// A broker has answered.
    pub(super) fn forget(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
        *self.last.lock() = None;
    }

    fn may_be_protocol(&self, reason: &str) -> bool {
        !self.has_answered.load(Ordering::Relaxed) && is_cut_short(reason)
    }

    /// What was refused just now.
    pub(super) fn last(&self) -> Option<Refusal> {
        self.last.lock().clone().filter(|refusal| refusal.at.elapsed() < REPEATED)
    }
}

impl Refusal {
    /// The broker that it is about, `HOST:PORT`.
    pub(super) fn broker(&self) -> Option<&str> {
        let (_, after) = self.reason.split_once("://")?;
        after
            .split(['/', ' '])
            .next()
            .filter(|address| address.contains(':'))
            .map(|address| address.trim_end_matches(':'))
    }

    /// What can be done about it, as far as the library's words say.
    pub(super) fn advice(&self) -> Option<&'static str> {
        let says = |words: &[&str]| words.iter().any(|word| self.reason.contains(word));
        Some(match self.kind {
            Kind::Authentication => "see sasl.mechanism and sasl.jaas.config",
            Kind::Tls if says(&["unknown ca", "certificate unknown", "unsupported certificate"]) => {
                "the broker does not trust this server's certificate: see ssl.keystore.location"
            }
            Kind::Tls if says(&["certificate required", "bad certificate", "bad_certificate"]) => {
                "the broker wants a certificate of this server: ssl.keystore.location must name one that it trusts"
            }
            Kind::Tls | Kind::Protocol => return None,
        })
    }
}

/// Whether a broker has ended a connection at the first words.
fn is_cut_short(reason: &str) -> bool {
    let age = |state: &str| {
        let (before, _) = reason.split_once(&format!("ms in state {state}"))?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let is_closed = ["Disconnected", "Broken pipe", "reset by peer"].iter().any(|word| reason.contains(word));
    let is_young = age("APIVERSION_QUERY").is_some() || age("UP").is_some_and(|ms| ms < 2000);
    reason.contains("PLAINTEXT broker listener") || (is_closed && is_young)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_ends_at_the_first_words_may_speak_the_wrong_protocol() {
        for (reason, is_short) in [
            ("localhost:1/1: Disconnected (after 3ms in state UP)", true),
            ("localhost:1/1: Disconnected (after 61234ms in state UP)", false),
            ("localhost:1/1: Send failed: Broken pipe (after 0ms in state UP)", true),
            (
                "localhost:1/1: Disconnected (after 5012ms in state APIVERSION_QUERY, 2 identical error(s) suppressed)",
                true,
            ),
            (
                "localhost:1/1: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
                false,
            ),
        ] {
            assert_eq!(is_cut_short(reason), is_short, "{reason}");
        }
    }

    #[test]
    fn what_would_fail_again_is_kept_until_a_broker_answers() {
        let refusals = Refusals::default();
        refusals.note(Some(RDKafkaErrorCode::BrokerTransportFailure), "localhost:1/1: Connection refused");
        refusals.note(Some(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        assert!(refusals.last().is_none());
        refusals.note(Some(RDKafkaErrorCode::SSL), "ssl://localhost:1/bootstrap: SSL handshake failed");
        let last = refusals.last().unwrap();
        assert_eq!((last.kind, last.broker(), last.advice()), (Kind::Tls, Some("localhost:1"), None));
        refusals.forget();
        let cut_short = "localhost:1/1: Disconnected (after 3ms in state UP)";
        refusals.note(Some(RDKafkaErrorCode::BrokerTransportFailure), cut_short);
        assert!(refusals.last().is_none(), "a broker that has answered speaks the protocol");
    }
}
