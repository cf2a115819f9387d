//! What tunes the clients of Kafka: every setting of its Java clients and of Kafka Streams that says nothing of security
//! (those are in `kafka_security.rs`), and the more useful of librdkafka's own, with what comes of it. Each may stand bare,
//! under `ksql.streams.`, and for one kind of client under `producer.`, `consumer.`, `main.consumer.` or `admin.`.

use std::collections::BTreeMap;

use super::kafka_security::{self, KafkaClient, is_given, parts};
use super::property::{Access, Effect, Kind, Promise, Property};
use super::{Config, ConfigError, STREAMS, problem, properties};
use KafkaClient::{Admin, Consumer, Producer};
use Kind::{Boolean, Choice, Integer, Text};
use Rule::{Always, Buffer, Kib, Own, Refused, Without};

/// What comes of a setting.
#[derive(Clone, Copy)]
enum Rule {
    /// librdkafka reads it, under this name.
    Own(&'static str, Kind),
    /// librdkafka reads it, under this name and in units of 1024 bytes.
    Kib(&'static str, Kind),
    /// librdkafka reads it, under this name; -1 leaves it to the system, which is 0 there.
    Buffer(&'static str),
    /// It is always as one of these values says, because …
    Always(&'static [&'static str], &'static str),
    /// Nothing, because …
    Without(&'static str),
    /// Some of its values are refused, because …
    Refused(Promise, &'static str),
}

const MAX_INT: i64 = 2_147_483_647;
/// Kinds of clients.
const ALL: &[KafkaClient] = &[Admin, Producer, Consumer];
const NO_PRODUCERS: &[KafkaClient] = &[Admin, Consumer];

const BROKERS: &str = "all clients connect to the brokers of bootstrap.servers; leave it out";
const CLASS: &str = "Java classes cannot be loaded";
const PLACEMENT: &str =
    "a record's partition follows from its key (murmur2), as with Kafka's default; leave it out, or use PARTITION BY";
const PROVIDERS: &str = "${…} in values would not be replaced; write the values themselves";
const TWO_PHASES: &str = "transactions are not prepared for others; leave it out";
const ONE_CONSUMER: &str = "one kind of consumer reads sources, repartition topics and changelogs; write it with the prefix consumer. in its place";
const OTHER_KIND: &str = "clients of that kind have no such setting";
const IN_TIME: &str =
    "what the brokers do not take within 10 s is tried again from the last commit, for as long as it takes";
const FOLLOWING: &str = "a transaction that follows another would wait as long";
const CALLS: &str = "calls wait 10 s for the brokers, and queries for as long as it takes";
const FORMATS: &str = "statements say which formats there are";
const METRICS: &str = "there are no metrics yet";
const STEPS: &str = "millstream.max.records.per.step says how many records a query takes at once";
const NAMED: &str = "groups and transactions are named after ksql.service.id";
const DEALT: &str = "servers share their tasks by the classic protocol, cooperative-sticky";
const LEVEL: &str = "a codec compresses at its usual level";
const NOT_SHARED: &str = "there are no share groups";
const COMMITS: &str = "positions are committed with the results";
const STATEMENTS: &str = "statements alone make topics";
const CODECS: Kind = Choice(&["none", "gzip", "snappy", "lz4", "zstd"]);
const DNS: Kind = Choice(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"]);
const MS: Kind = Integer(0, 3_600_000);

/// For whom each is, and what comes of it. Of librdkafka's names for one thing the last one in the table counts.
#[rustfmt::skip] // one line each
static SETTINGS: &[(&str, &[KafkaClient], Rule)] = &[
    // connections
    ("bootstrap.servers", ALL, Refused(Promise::Any, BROKERS)),
    ("bootstrap.controllers", &[Admin], Refused(Promise::Any, BROKERS)),
    ("client.id", ALL, Own("client.id", Text)),
    ("client.rack", ALL, Own("client.rack", Text)),
    ("client.dns.lookup", ALL, Own("client.dns.lookup", DNS)),
    ("connections.max.idle.ms", ALL, Own("connections.max.idle.ms", Integer(0, MAX_INT))),
    ("metadata.max.age.ms", ALL, Own("topic.metadata.refresh.interval.ms", Integer(1, 3_600_000))),
    ("metadata.recovery.strategy", ALL, Own("metadata.recovery.strategy", Choice(&["none", "rebootstrap"]))),
    ("metadata.recovery.rebootstrap.trigger.ms", ALL, Own("metadata.recovery.rebootstrap.trigger.ms", Integer(0, MAX_INT))),
    ("receive.buffer.bytes", ALL, Buffer("socket.receive.buffer.bytes")),
    ("send.buffer.bytes", ALL, Buffer("socket.send.buffer.bytes")),
    ("reconnect.backoff.ms", ALL, Own("reconnect.backoff.ms", MS)),
    ("reconnect.backoff.max.ms", ALL, Own("reconnect.backoff.max.ms", MS)),
    ("retry.backoff.ms", NO_PRODUCERS, Own("retry.backoff.ms", Integer(1, 300_000))),
    ("retry.backoff.max.ms", NO_PRODUCERS, Own("retry.backoff.max.ms", Integer(1, 300_000))),
    ("retry.backoff.ms", &[Producer], Without(FOLLOWING)),
    ("retry.backoff.max.ms", &[Producer], Without(FOLLOWING)),
    ("request.timeout.ms", NO_PRODUCERS, Own("socket.timeout.ms", Integer(10, 300_000))),
    ("request.timeout.ms", &[Producer], Without(IN_TIME)),
    ("default.api.timeout.ms", NO_PRODUCERS, Without(CALLS)),
    ("retries", &[Admin, Producer], Without(IN_TIME)),
    ("socket.connection.setup.timeout.ms", ALL, Own("socket.connection.setup.timeout.ms", Integer(1_000, MAX_INT))),
    ("socket.connection.setup.timeout.max.ms", ALL, Without("every try may take as long (socket.connection.setup.timeout.ms)")),
    ("socket.keepalive.enable", ALL, Own("socket.keepalive.enable", Boolean)),
    ("socket.nagle.disable", ALL, Own("socket.nagle.disable", Boolean)),
    ("socket.timeout.ms", NO_PRODUCERS, Own("socket.timeout.ms", Integer(10, 300_000))),
    ("socket.receive.buffer.bytes", ALL, Own("socket.receive.buffer.bytes", Integer(0, 100_000_000))),
    ("socket.send.buffer.bytes", ALL, Own("socket.send.buffer.bytes", Integer(0, 100_000_000))),
    ("broker.address.family", ALL, Own("broker.address.family", Choice(&["any", "v4", "v6"]))),
    ("broker.address.ttl", ALL, Own("broker.address.ttl", Integer(0, 86_400_000))),
    ("topic.metadata.refresh.interval.ms", ALL, Own("topic.metadata.refresh.interval.ms", Integer(-1, 3_600_000))),
    ("log.connection.close", ALL, Own("log.connection.close", Boolean)),
    // what is around them
    ("config.providers", ALL, Refused(Promise::Any, PROVIDERS)),
    ("interceptor.classes", &[Producer, Consumer], Without(CLASS)),
    ("enable.metrics.push", ALL, Own("enable.metrics.push", Boolean)),
    ("auto.include.jmx.reporter", ALL, Without(METRICS)),
    ("metric.reporters", ALL, Without(METRICS)),
    ("metrics.num.samples", ALL, Without(METRICS)),
    ("metrics.recording.level", ALL, Without(METRICS)),
    ("metrics.sample.window.ms", ALL, Without(METRICS)),
    // writing
    ("acks", &[Producer], Always(&["all", "-1"], "a record counts as written when all replicas in sync have it")),
    ("batch.size", &[Producer], Own("batch.size", Integer(1, MAX_INT))),
    ("batch.num.messages", &[Producer], Own("batch.num.messages", Integer(1, 1_000_000))),
    ("buffer.memory", &[Producer], Kib("queue.buffering.max.kbytes", Integer(1024, MAX_INT * 1024))),
    ("queue.buffering.max.kbytes", &[Producer], Own("queue.buffering.max.kbytes", Integer(1, MAX_INT))),
    ("queue.buffering.max.messages", &[Producer], Own("queue.buffering.max.messages", Integer(1, MAX_INT))),
    ("compression.type", &[Producer], Own("compression.type", CODECS)),
    ("compression.codec", &[Producer], Own("compression.type", CODECS)),
    ("compression.gzip.level", &[Producer], Without(LEVEL)),
    ("compression.lz4.level", &[Producer], Without(LEVEL)),
    ("compression.zstd.level", &[Producer], Without(LEVEL)),
    ("delivery.timeout.ms", &[Producer], Without(IN_TIME)),
    ("message.timeout.ms", &[Producer], Without(IN_TIME)),
    ("enable.idempotence", &[Producer], Always(&["true"], "no record is written twice")),
    ("key.serializer", &[Producer], Without(FORMATS)),
    ("value.serializer", &[Producer], Without(FORMATS)),
    ("linger.ms", &[Producer], Own("linger.ms", Integer(0, 5_000))),
    ("queue.buffering.max.ms", &[Producer], Own("linger.ms", Integer(0, 5_000))),
    ("max.block.ms", &[Producer], Without(CALLS)),
    ("max.in.flight.requests.per.connection", &[Producer], Own("max.in.flight.requests.per.connection", Integer(1, 5))),
    ("max.request.size", &[Producer], Own("message.max.bytes", Integer(1_000, 1_000_000_000))),
    ("message.max.bytes", &[Producer], Own("message.max.bytes", Integer(1_000, 1_000_000_000))),
    ("metadata.max.idle.ms", &[Producer], Without("what is known of a topic is looked after while a client lives")),
    ("partitioner.class", &[Producer], Refused(Promise::Any, PLACEMENT)),
    ("partitioner.ignore.keys", &[Producer], Refused(Promise::If("true"), PLACEMENT)),
    ("partitioner.adaptive.partitioning.enable", &[Producer], Without(PLACEMENT)),
    ("partitioner.availability.timeout.ms", &[Producer], Without(PLACEMENT)),
    // Groups wait 70 s for what a server that was killed has left undecided.
    ("transaction.timeout.ms", &[Producer], Own("transaction.timeout.ms", Integer(10_000, 60_000))),
    ("transaction.two.phase.commit.enable", &[Producer], Refused(Promise::If("true"), TWO_PHASES)),
    ("transactional.id", &[Producer], Without(NAMED)),
    // reading
    ("allow.auto.create.topics", &[Consumer], Always(&["false"], STATEMENTS)),
    ("auto.commit.interval.ms", &[Consumer], Without(COMMITS)),
    ("enable.auto.commit", &[Consumer], Always(&["false"], COMMITS)),
    ("check.crcs", &[Consumer], Own("check.crcs", Boolean)),
    ("exclude.internal.topics", &[Consumer], Without("statements name their topics")),
    // The library wants room for a message (message.max.bytes of a consumer).
    ("fetch.max.bytes", &[Consumer], Own("fetch.max.bytes", Integer(1_000_000, 2_147_483_135))),
    ("fetch.max.wait.ms", &[Consumer], Own("fetch.wait.max.ms", Integer(0, 300_000))),
    ("fetch.wait.max.ms", &[Consumer], Own("fetch.wait.max.ms", Integer(0, 300_000))),
    ("fetch.min.bytes", &[Consumer], Own("fetch.min.bytes", Integer(1, 100_000_000))),
    ("fetch.error.backoff.ms", &[Consumer], Own("fetch.error.backoff.ms", Integer(0, 300_000))),
    ("fetch.queue.backoff.ms", &[Consumer], Own("fetch.queue.backoff.ms", Integer(0, 300_000))),
    ("max.partition.fetch.bytes", &[Consumer], Own("fetch.message.max.bytes", Integer(1, 1_000_000_000))),
    ("fetch.message.max.bytes", &[Consumer], Own("fetch.message.max.bytes", Integer(1, 1_000_000_000))),
    ("queued.min.messages", &[Consumer], Own("queued.min.messages", Integer(1, 10_000_000))),
    ("queued.max.messages.kbytes", &[Consumer], Own("queued.max.messages.kbytes", Integer(1, 2_097_151))),
    // For the other consumers they are settings of the queries (`OF_CONSUMERS_TOO`).
    ("auto.offset.reset", &[Consumer], Without(ONE_CONSUMER)),
    ("group.instance.id", &[Consumer], Without(ONE_CONSUMER)),
    ("session.timeout.ms", &[Consumer], Without(ONE_CONSUMER)),
    ("group.id", &[Consumer], Without(NAMED)),
    ("group.protocol", &[Consumer], Always(&["classic"], DEALT)),
    ("group.remote.assignor", &[Consumer], Without(DEALT)),
    ("partition.assignment.strategy", &[Consumer], Without(DEALT)),
    ("heartbeat.interval.ms", &[Consumer], Without("it follows from session.timeout.ms")),
    ("internal.leave.group.on.close", &[Consumer], Without("a server that stops hands its tasks over at once")),
    ("internal.throw.on.fetch.stable.offset.unsupported", &[Consumer], Without("it is Kafka Streams' own")),
    ("isolation.level", &[Consumer], Always(&["read_committed"], "what is taken back is never read")),
    ("key.deserializer", &[Consumer], Without(FORMATS)),
    ("value.deserializer", &[Consumer], Without(FORMATS)),
    ("max.poll.interval.ms", &[Consumer], Without("a slow query does not lose its partitions")),
    ("max.poll.records", &[Consumer], Without(STEPS)),
    ("share.acknowledgement.mode", &[Consumer], Without(NOT_SHARED)),
    ("share.acquire.mode", &[Consumer], Without(NOT_SHARED)),
];

/// Kafka Streams' own that ksqlDB has no property for, by what makes them needless.
#[rustfmt::skip] // one line each
static OF_STREAMS: &[(&str, &[&str])] = &[
    (NAMED, &["application.id"]),
    ("servers reach each other at ksql.advertised.listener", &["application.server"]),
    ("there are no standby replicas", &["acceptable.recovery.lag", "max.warmup.replicas", "probing.rebalance.interval.ms", "rack.aware.assignment.non_overlap_cost", "rack.aware.assignment.strategy", "rack.aware.assignment.tags", "rack.aware.assignment.traffic_cost"]),
    ("state is kept in data.dir, in a database of its own", &["allow.os.group.write.access", "default.dsl.store", "dsl.store.format", "dsl.store.suppliers.class", "state.cleanup.delay.ms", "state.cleanup.dir.max.age.ms"]),
    (METRICS, &["built.in.metrics.version", "log.summary.interval.ms"]),
    ("ksql.fail.on.deserialization.error says what comes of bad records", &["default.deserialization.exception.handler", "deserialization.exception.handler", "processing.exception.handler", "processing.exception.handler.global.enabled"]),
    ("a query stops when a record cannot be written", &["default.production.exception.handler", "production.exception.handler"]),
    ("ksql.processing.deadletter.topic names the topic of bad records", &["errors.dead.letter.queue.topic.name"]),
    (FORMATS, &["default.key.serde", "default.value.serde", "default.list.key.serde.inner", "default.list.key.serde.type", "default.list.value.serde.inner", "default.list.value.serde.type", "window.size.ms", "windowed.inner.class.serde"]),
    (CLASS, &["default.client.supplier", "processor.wrapper.class", "task.assignor.class"]),
    ("queries do not run on Kafka Streams", &["ensure.explicit.internal.resource.naming", "poll.ms", "upgrade.from"]),
    ("a windowed changelog is kept a day longer than its rows", &["windowstore.changelog.additional.retention.ms"]),
];

/// For names that neither Kafka's clients nor Kafka Streams have.
pub(super) const NO_SUCH: &str = "neither Kafka's clients nor Kafka Streams have such a setting";
const NO_KAFKA: &str = "there is no Kafka to connect to (bootstrap.servers)";

#[rustfmt::skip] // one line each
pub(super) static LISTED: &[Property] = &[
    Property { name: "ksql.streams.max.request.size", kind: Integer(i64::MIN, i64::MAX), default: Some("1048576"), access: Access::Session, about: "Largest record." },
    Property { name: "compression.type", kind: Text, default: None, access: Access::Session, about: "How a producer compresses; LZ4 unless it is set." },
];

/// The kind of client that a prefix stands for.
fn client(prefix: &str) -> KafkaClient {
    match prefix {
        "admin." => Admin,
        "producer." => Producer,
        _ => Consumer,
    }
}

/// What comes of a setting; `None` if Kafka's clients have none of that name.
fn rule(name: &str) -> Option<Rule> {
    let (bare, prefix) = parts(name);
    let mut rows = SETTINGS.iter().filter(|(known, ..)| *known == bare);
    let Some(prefix) = prefix else { return rows.next().map(|(.., rule)| *rule) };
    rows.clone().next()?;
    let rule = rows.find(|(_, of, _)| of.contains(&client(prefix))).map(|(.., rule)| *rule);
    Some(match rule {
        None => Without(OTHER_KIND),
        Some(Own(..) | Kib(..) | Buffer(_)) if ["restore.consumer.", "global.consumer."].contains(&prefix) => {
            Without(ONE_CONSUMER)
        }
        Some(rule) => rule,
    })
}

/// What a setting of that name does; `None` if it is none of Kafka's clients' or of Kafka Streams'.
pub(super) fn effect(name: &str) -> Option<Effect> {
    if let Some(rule) = rule(name) {
        return Some(match rule {
            Own(..) | Kib(..) | Buffer(_) => Effect::Full,
            Always(_, reason) | Without(reason) => Effect::None(reason),
            Refused(promise, reason) => Effect::Refused(promise, reason),
        });
    }
    let bare = name.strip_prefix(STREAMS).unwrap_or(name);
    if bare.starts_with("config.providers.") {
        return Some(Effect::None(PROVIDERS));
    }
    let of_streams = OF_STREAMS.iter().find(|(_, names)| names.contains(&bare));
    of_streams.map(|(reason, _)| Effect::None(reason))
}

/// Whether what such a setting asks for is done anyway.
pub(super) fn is_done_anyway(name: &str, value: &str) -> bool {
    let asked = value.trim();
    matches!(rule(name), Some(Always(values, _)) if values.iter().any(|done| done.eq_ignore_ascii_case(asked)))
}

/// The setting of Kafka's clients that was probably meant, with the prefix that was given.
pub(super) fn nearest(name: &str) -> Option<String> {
    let (bare, prefix) = parts(name);
    let of_client = SETTINGS.iter().filter(|(_, of, _)| prefix.is_none_or(|prefix| of.contains(&client(prefix))));
    let of_streams = OF_STREAMS.iter().flat_map(|(_, names)| *names).copied();
    let of_ksql = properties().filter_map(|property| property.name.strip_prefix(STREAMS));
    let known = of_client.map(|(known, ..)| *known).chain(kafka_security::names());
    let known = known.chain(of_streams.chain(of_ksql).filter(|_| prefix.is_none()));
    let scored = known.map(|known| (known, strsim::jaro_winkler(bare, known)));
    let (known, _) = scored.filter(|(_, score)| *score > 0.9).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let before = name.strip_suffix(bare).unwrap_or_default();
    Some(format!("{before}{known}"))
}

impl Config {
    /// What tunes the clients of a kind, as librdkafka names it.
    pub fn kafka_tuning(&self, client: KafkaClient) -> BTreeMap<&'static str, String> {
        let mut tuning = BTreeMap::new();
        for (bare, _, rule) in SETTINGS.iter().filter(|(_, of, _)| of.contains(&client)) {
            let Some(value) = self.tuned(client, bare) else { continue };
            let value = value.trim();
            match rule {
                Own(own, Text) => drop(tuning.insert(*own, value.to_owned())),
                Own(own, _) => drop(tuning.insert(*own, value.to_ascii_lowercase())),
                Kib(own, _) => {
                    let bytes: i64 = value.parse().unwrap_or_default();
                    tuning.insert(*own, (bytes / 1024).max(1).to_string());
                }
                Buffer(own) => drop(tuning.insert(*own, if value == "-1" { "0" } else { value }.to_owned())),
                Always(..) | Without(_) | Refused(..) => {}
            }
        }
        tuning
    }

    /// What was set for Kafka's clients, by the names that were given, as far as it has no property of its own.
    pub fn settings_of_clients(&self) -> impl Iterator<Item = &str> {
        let names = self.settings().map(|(name, _)| name);
        names.filter(|name| rule(name).is_some() && super::find(name).is_none())
    }

    fn tuned(&self, client: KafkaClient, bare: &str) -> Option<&str> {
        let names = [format!("{STREAMS}main.consumer.{bare}"), format!("main.consumer.{bare}")];
        let mut of_main = names.iter().filter(|_| client == Consumer).filter_map(|name| self.set.get(name));
        let of_main = of_main.find(|value| is_given(bare, value)).map(String::as_str);
        of_main.or_else(|| self.kafka_setting(client, bare).map(|(_, value)| value))
    }

    /// Refuses values that no client of Kafka could have, and what would not be done.
    pub(super) fn check_kafka_clients(&self) -> Result<(), ConfigError> {
        // Which brokers there are is a setting of the server, which is found under its own name.
        let given = self.settings().filter(|(name, _)| *name != super::setting::BOOTSTRAP_SERVERS.name());
        for (name, value) in given.filter(|(_, value)| self.brokers().is_some() && !value.trim().is_empty()) {
            let kind = match rule(name) {
                Some(Own(_, kind) | Kib(_, kind)) => kind,
                Some(Buffer(_)) => Integer(-1, 100_000_000),
                Some(Refused(promise, why)) if promise.is_made_by(value) => {
                    return Err(ConfigError::Refused { name: name.to_owned(), why });
                }
                _ => continue,
            };
            if let Some(problem) = problem(kind, name, value.trim()) {
                let problem = format!("Invalid value {value} for configuration {name}: {problem}");
                return Err(ConfigError::Value { name: name.to_owned(), value: value.to_owned(), problem });
            }
        }
        Ok(())
    }

    /// Why a setting that tunes clients changes nothing.
    pub(super) fn unused_by_clients(&self, name: &str) -> Option<&'static str> {
        let is_own = matches!(rule(name), Some(Own(..) | Kib(..) | Buffer(_)));
        (is_own && self.brokers().is_none()).then_some(NO_KAFKA)
    }
}

#[cfg(test)]
#[path = "kafka_clients_tests.rs"]
mod tests;
