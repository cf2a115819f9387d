//! What secures the connections to Kafka: every setting of its Java clients, and librdkafka's own, with what comes of it.
//! Each may stand bare, under `ksql.streams.`, and for one kind of client under `producer.`, `consumer.` or `admin.`.

use super::property::{Access, Effect, Kind, Promise, Property};
use super::{Config, ConfigError, STREAMS};
use Rule::{Own, Read, Refused, Without};

/// A kind of client, as its settings have a prefix of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaClient {
    /// Looks at topics, makes and deletes them.
    Admin,
    /// Writes records.
    Producer,
    /// Reads records, and tells the brokers how far queries are.
    Consumer,
}

/// A setting that counts for a client.
#[derive(Clone, Copy)]
pub struct KafkaSetting<'a> {
    /// Its name without a prefix.
    pub bare: &'static str,
    /// Its name as it was given.
    pub name: &'a str,
    /// Its value, which may be a password.
    pub value: &'a str,
    /// librdkafka's name, if it is librdkafka that reads the value.
    pub own: Option<&'static str>,
}

/// What comes of a setting.
#[derive(Clone, Copy)]
enum Rule {
    /// librdkafka reads it, under this name.
    Own(&'static str),
    /// It is put into librdkafka's terms (`log/kafka/security`).
    Read,
    /// Nothing, because …
    Without(&'static str),
    /// Some of its values are refused, because …
    Refused(Promise, &'static str),
}

const CLASS: &str = "Java classes cannot be loaded; leave it out";
const BY_CONTENT: &str = "which kind a store is (PEM, PKCS12 or JKS) is seen by what is in it";
const BY_OPENSSL: &str = "it is Java's; OpenSSL does that here";
const NO_KERBEROS: &str = "only sasl.mechanism=GSSAPI reads it, which is not supported";
const NO_TOKENS: &str = "only sasl.mechanism=OAUTHBEARER reads it, which is not supported";
const NO_LOGIN: &str = "only GSSAPI and OAUTHBEARER read it, which are not supported";
const NO_ENGINES: &str = "OpenSSL is built without engines; leave it out";

#[rustfmt::skip] // one line each
static SETTINGS: &[(&str, Rule)] = &[
    ("security.protocol", Read),
    ("security.providers", Refused(Promise::Any, CLASS)),
    ("sasl.mechanism", Read),
    ("sasl.mechanisms", Read),
    ("sasl.jaas.config", Read),
    // Java's name for a file of such entries, which ksqlDB's users give in KSQL_OPTS.
    ("java.security.auth.login.config", Read),
    ("sasl.username", Own("sasl.username")),
    ("sasl.password", Own("sasl.password")),
    ("sasl.client.callback.handler.class", Refused(Promise::Any, CLASS)),
    ("sasl.login.callback.handler.class", Refused(Promise::Any, CLASS)),
    ("sasl.login.class", Refused(Promise::Any, CLASS)),
    ("sasl.login.connect.timeout.ms", Without(NO_LOGIN)),
    ("sasl.login.read.timeout.ms", Without(NO_LOGIN)),
    ("sasl.login.retry.backoff.ms", Without(NO_LOGIN)),
    ("sasl.login.retry.backoff.max.ms", Without(NO_LOGIN)),
    ("sasl.login.refresh.buffer.seconds", Without(NO_LOGIN)),
    ("sasl.login.refresh.min.period.seconds", Without(NO_LOGIN)),
    ("sasl.login.refresh.window.factor", Without(NO_LOGIN)),
    ("sasl.login.refresh.window.jitter", Without(NO_LOGIN)),
    ("ssl.truststore.location", Read),
    ("ssl.truststore.password", Read),
    ("ssl.truststore.certificates", Read),
    ("ssl.truststore.type", Without(BY_CONTENT)),
    ("ssl.keystore.location", Read),
    ("ssl.keystore.password", Read),
    ("ssl.keystore.key", Read),
    ("ssl.keystore.certificate.chain", Read),
    ("ssl.keystore.type", Without(BY_CONTENT)),
    ("ssl.key.password", Read),
    ("ssl.endpoint.identification.algorithm", Read),
    ("ssl.protocol", Read),
    ("ssl.enabled.protocols", Read),
    ("ssl.cipher.suites", Read),
    ("ssl.provider", Refused(Promise::Any, CLASS)),
    ("ssl.engine.factory.class", Refused(Promise::Any, CLASS)),
    ("ssl.keymanager.algorithm", Without(BY_OPENSSL)),
    ("ssl.trustmanager.algorithm", Without(BY_OPENSSL)),
    ("ssl.secure.random.implementation", Without(BY_OPENSSL)),
    ("ssl.ca.location", Own("ssl.ca.location")),
    ("ssl.ca.pem", Own("ssl.ca.pem")),
    ("ssl.ca.certificate.stores", Without("it is for Windows")),
    ("ssl.certificate.location", Own("ssl.certificate.location")),
    ("ssl.certificate.pem", Own("ssl.certificate.pem")),
    ("ssl.key.location", Own("ssl.key.location")),
    ("ssl.key.pem", Own("ssl.key.pem")),
    ("ssl.crl.location", Own("ssl.crl.location")),
    ("ssl.curves.list", Own("ssl.curves.list")),
    ("ssl.sigalgs.list", Own("ssl.sigalgs.list")),
    ("ssl.providers", Own("ssl.providers")),
    ("ssl.engine.location", Refused(Promise::Any, NO_ENGINES)),
    ("ssl.engine.id", Refused(Promise::Any, NO_ENGINES)),
    ("enable.ssl.certificate.verification", Own("enable.ssl.certificate.verification")),
    ("enable.sasl.oauthbearer.unsecure.jwt", Without(NO_TOKENS)),
];

/// Beginnings of names that matter to a mechanism that is refused as such.
const BEGINNINGS: &[(&str, &str)] =
    &[("sasl.kerberos.", NO_KERBEROS), ("sasl.oauthbearer.", NO_TOKENS), ("https.ca.", NO_TOKENS)];

/// Beginnings of names that nothing but the connection to Kafka has. `ssl.` without a prefix is the listeners' as well.
const OF_KAFKA: &[&str] = &["security.", "sasl."];
const UNKNOWN: &str = "Kafka's clients have no such setting; leave it out";
const OTHER_CONSUMERS: &[&str] = &["main.consumer.", "restore.consumer.", "global.consumer."];
const ONE_CONSUMER: &str = "all consumers are secured alike; write it with the prefix consumer. in its place";

#[rustfmt::skip] // one line each
pub(super) static OF_LISTENERS_TOO: &[Property] = &[
    text("ssl.keystore.location", Kind::Text, "Key store."),
    text("ssl.keystore.password", Kind::Password, "Its password."),
    text("ssl.key.password", Kind::Password, "Password of the key in it."),
    text("ssl.truststore.location", Kind::Text, "Trust store."),
    text("ssl.truststore.password", Kind::Password, "Its password."),
];

const fn text(name: &'static str, kind: Kind, about: &'static str) -> Property {
    Property { name, kind, default: Some(""), access: Access::Server, about }
}

impl KafkaClient {
    const ALL: [Self; 3] = [Self::Admin, Self::Producer, Self::Consumer];

    /// The prefix of its own, with the dot.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Admin => "admin.",
            Self::Producer => "producer.",
            Self::Consumer => "consumer.",
        }
    }
}

/// A name without its prefixes, and whose it is alone.
pub(super) fn parts(name: &str) -> (&str, Option<&'static str>) {
    let rest = name.strip_prefix(STREAMS).unwrap_or(name);
    let own = KafkaClient::ALL.iter().map(|client| client.prefix()).chain(OTHER_CONSUMERS.iter().copied());
    let client = own.into_iter().find(|prefix| rest.starts_with(prefix));
    (client.map_or(rest, |client| rest.get(client.len()..).unwrap_or_default()), client)
}

/// Their names without a prefix.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(name, _)| *name)
}

fn rule(bare: &str) -> Option<Rule> {
    let listed = SETTINGS.iter().find(|(name, _)| *name == bare).map(|(_, rule)| *rule);
    listed.or_else(|| BEGINNINGS.iter().find(|(start, _)| bare.starts_with(start)).map(|(_, reason)| Without(reason)))
}

/// What a setting of that name does; `None` if it secures no connection to Kafka.
pub(super) fn effect(name: &str) -> Option<Effect> {
    let (bare, _) = parts(name);
    Some(match rule(bare) {
        Some(Own(_) | Read) => Effect::Full,
        Some(Without(reason)) => Effect::None(reason),
        Some(Refused(promise, reason)) => Effect::Refused(promise, reason),
        None if is_of_kafka(name) => Effect::Refused(Promise::Any, UNKNOWN),
        None => return None,
    })
}

/// Whether nothing but the connection to Kafka can have that setting.
fn is_of_kafka(name: &str) -> bool {
    let (bare, _) = parts(name);
    OF_KAFKA.iter().any(|start| bare.starts_with(start)) || (bare.starts_with("ssl.") && bare != name)
}

/// An empty value says something here alone: that names are not checked.
pub(super) fn is_given(bare: &str, value: &str) -> bool {
    bare == "ssl.endpoint.identification.algorithm" || !value.trim().is_empty()
}

impl Config {
    /// What secures the connections of a client: what is for it alone counts for more than what is for all, and what has
    /// the prefix `ksql.streams.` for more than what has not.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] for what would not be done.
    pub fn kafka_security(&self, client: KafkaClient) -> Result<Vec<KafkaSetting<'_>>, ConfigError> {
        let mut found = Vec::new();
        for (bare, rule) in SETTINGS {
            let Some((name, value)) = self.kafka_setting(client, bare) else { continue };
            let own = match rule {
                Own(name) => Some(*name),
                Read => None,
                Without(_) => continue,
                Refused(promise, why) if promise.is_made_by(value) => {
                    return Err(ConfigError::Refused { name: name.to_owned(), why });
                }
                Refused(..) => continue,
            };
            found.push(KafkaSetting { bare, name, value, own });
        }
        Ok(found)
    }

    /// The setting of that name without a prefix that counts most for a client, and its value.
    pub(super) fn kafka_setting(&self, client: KafkaClient, bare: &str) -> Option<(&str, &str)> {
        let own = client.prefix();
        let names =
            [format!("{STREAMS}{own}{bare}"), format!("{own}{bare}"), format!("{STREAMS}{bare}"), bare.to_owned()];
        let given = names.iter().filter_map(|name| self.set.get_key_value(name));
        given.map(|(name, value)| (name.as_str(), value.as_str())).find(|(_, value)| is_given(bare, value))
    }

    /// Refuses what no connection to Kafka would have of what is given for one.
    pub(super) fn check_kafka_security(&self) -> Result<(), ConfigError> {
        if self.brokers().is_none() {
            return Ok(());
        }
        for (name, value) in self.settings() {
            let (bare, client) = parts(name);
            let refused = |why| Err(ConfigError::Refused { name: name.to_owned(), why });
            if !is_given(bare, value) {
                continue;
            }
            match rule(bare) {
                None if is_of_kafka(name) => return refused(UNKNOWN),
                Some(Own(_) | Read) if client.is_some_and(|client| OTHER_CONSUMERS.contains(&client)) => {
                    let consumers = self.kafka_setting(KafkaClient::Consumer, bare);
                    if consumers.map(|(_, value)| value) != Some(value) {
                        return refused(ONE_CONSUMER);
                    }
                }
                _ => {}
            }
        }
        KafkaClient::ALL.into_iter().try_for_each(|client| self.kafka_security(client).map(drop))
    }

    /// Why a setting that secures connections to Kafka changes nothing beside the others.
    pub(super) fn unused_in_kafka(&self, name: &str) -> Option<&'static str> {
        let (bare, _) = parts(name);
        if !matches!(rule(bare)?, Own(_) | Read) {
            return None;
        }
        let asks = |for_what: &str| {
            KafkaClient::ALL.into_iter().any(|client| {
                let protocol = self.kafka_setting(client, "security.protocol").map_or("", |(_, value)| value);
                protocol.to_ascii_uppercase().contains(for_what)
            })
        };
        if self.brokers().is_none() {
            let of_listeners = bare == name && bare.starts_with("ssl.");
            return Some(if of_listeners {
                "TLS is not supported yet, and no listener asks for it"
            } else {
                "there is no Kafka to connect to (bootstrap.servers)"
            });
        }
        match bare.split('.').next() {
            Some("ssl" | "enable") if !asks("SSL") => Some("no security.protocol asks for TLS, and no listener does"),
            Some("sasl" | "java") if !asks("SASL") => Some("no security.protocol asks for SASL"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKERS: (&str, &str) = ("bootstrap.servers", "localhost:9092");

    fn value(settings: &[(&str, &str)], client: KafkaClient, bare: &str) -> Option<String> {
        let config = Config::new(settings.iter().copied()).unwrap();
        let found = config.kafka_security(client).unwrap();
        found.iter().find(|setting| setting.bare == bare).map(|setting| setting.value.to_owned())
    }

    #[test]
    fn what_is_for_a_client_alone_counts_most_and_then_the_longer_prefix() {
        let settings = [
            ("ssl.truststore.location", "/all"),
            ("ksql.streams.ssl.truststore.location", "/streams"),
            ("producer.ssl.truststore.location", "/producer"),
            ("ksql.streams.admin.ssl.truststore.location", "/admin"),
            ("consumer.ssl.truststore.location", " "),
            ("ssl.endpoint.identification.algorithm", ""),
            ("sasl.jaas.config", ""),
        ];
        let location = |client| value(&settings, client, "ssl.truststore.location").unwrap();
        assert_eq!(location(KafkaClient::Producer), "/producer");
        assert_eq!(location(KafkaClient::Admin), "/admin");
        assert_eq!(location(KafkaClient::Consumer), "/streams");
        assert_eq!(value(&settings, KafkaClient::Admin, "ssl.endpoint.identification.algorithm").unwrap(), "");
        assert_eq!(value(&settings, KafkaClient::Admin, "sasl.jaas.config"), None);
    }

    #[test]
    fn what_would_not_be_done_is_refused_by_its_name_with_brokers_alone() {
        for (name, value) in [
            ("sasl.login.callback.handler.class", "x.Y"),
            ("ksql.streams.producer.ssl.engine.factory.class", "x.Y"),
            ("sasl.jaas.confg", "x"),
            ("ksql.streams.ssl.no.such", "x"),
            ("admin.security.no.such", "x"),
            ("main.consumer.sasl.password", "x"),
            ("ksql.streams.restore.consumer.security.protocol", "SSL"),
        ] {
            let check = |settings: &[(&str, &str)]| Config::new(settings.iter().copied()).map(drop);
            let error = check(&[BROKERS, (name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} is not supported: ")), "{error}");
            assert_eq!(check(&[(name, value)]), Ok(()), "nothing is connected to");
            assert_eq!(check(&[BROKERS, (name, "")]), Ok(()), "{name}: it asks for nothing");
        }
        let same = [BROKERS, ("security.protocol", "SSL"), ("restore.consumer.security.protocol", "SSL")];
        assert!(Config::new(same).is_ok());
    }

    #[test]
    fn what_changes_nothing_beside_the_others_is_told() {
        let told = |settings: &[(&str, &str)]| -> Vec<String> {
            let config = Config::new(settings.iter().copied()).unwrap();
            config.ineffective().map(|(name, reason)| format!("{name}: {reason}")).collect()
        };
        let (tls, sasl) = (("ssl.truststore.location", "/x"), ("consumer.sasl.jaas.config", "x"));
        assert_eq!(
            told(&[tls, sasl]),
            [
                "consumer.sasl.jaas.config: there is no Kafka to connect to (bootstrap.servers)",
                "ssl.truststore.location: TLS is not supported yet, and no listener asks for it",
            ]
        );
        assert_eq!(
            told(&[BROKERS, tls, sasl]),
            [
                "consumer.sasl.jaas.config: no security.protocol asks for SASL",
                "ssl.truststore.location: no security.protocol asks for TLS, and no listener does",
            ]
        );
        assert!(told(&[BROKERS, tls, sasl, ("consumer.security.protocol", "SASL_SSL")]).is_empty());
        assert_eq!(told(&[BROKERS, ("sasl.kerberos.service.name", "x")]).len(), 1);
    }

    #[test]
    fn no_setting_stands_twice() {
        let mut names = std::collections::BTreeSet::new();
        assert!(SETTINGS.iter().all(|(name, _)| names.insert(name)));
    }
}
