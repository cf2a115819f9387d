//! The properties that nobody reads: those that change nothing here, each with the reason, and those that would have to
//! change results or safety, whose values are refused. Whoever sets one is told so.

use super::property::{Access, Effect, Kind, Promise, Property};
use super::{Config, OPEN, STREAMS, find, full_name, is_client_property, kafka_clients, kafka_security, setting};
use Access::{Server, Session};
use Kind::{Boolean, Choice, Password, Text};

const WHOLE: Kind = Kind::Integer(i64::MIN, i64::MAX);
const MAX_INT: &str = "2147483647";
const MAX_LONG: &str = "9223372036854775807";

const fn p(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    access: Access,
    about: &'static str,
) -> Property {
    Property { name, kind, default, access, about }
}

const PROXY: &str = "the server would stand open; leave it out and put a proxy that asks for credentials in front";
const FIPS: &str = "the server's cryptography is not certified; leave it out";
const PROXY_PROTOCOL: &str = "connections would fail; leave it out and have the proxy speak plain HTTP";
const TOKENS: &str =
    "a push query that is resumed would miss rows; leave it out and read again from the beginning (auto.offset.reset)";
const TOKEN: &str =
    "the registry would not let this server in; use basic authentication (ksql.schema.registry.basic.auth.*)";
const RESULTS: &str = "results would differ from what it asks for; leave it out";

/// What would change results or safety and is not there.
#[rustfmt::skip] // one line each
static REFUSED: &[(Property, Promise, &str)] = &[
    (p("authentication.method", Choice(&["NONE", "BASIC"]), Some("NONE"), Server, "How clients prove who they are."), Promise::Unless("NONE"), PROXY),
    (p("ksql.authentication.plugin.class", Text, None, Server, "Java class that lets clients in."), Promise::Any, PROXY),
    (p("ksql.security.extension.class", Text, None, Server, "Java class of permissions."), Promise::Any, PROXY),
    (p("ksql.resource.extension.class", Text, None, Server, "Java classes of more endpoints."), Promise::Any, PROXY),
    (p("ksql.access.validator.enable", Choice(&["auto", "on", "off"]), Some("auto"), Server, "Checks topic permissions before a statement runs."), Promise::If("on"), "permissions on topics are not checked; leave it out"),
    (p("enable.fips", Boolean, Some("false"), Server, "Certified cryptography only."), Promise::If("true"), FIPS),
    (p("enable.fips.mode", Boolean, Some("false"), Server, "Certified cryptography only."), Promise::If("true"), FIPS),
    (p("listeners.proxy.protocol", Boolean, Some("false"), Server, "A proxy says who its clients are."), Promise::If("true"), PROXY_PROTOCOL),
    (p("ksql.client.ip_port.configuration.enabled", Boolean, Some("false"), Server, "A proxy says who its clients are."), Promise::If("true"), PROXY_PROTOCOL),
    (p("ksql.proxy.protocol.local.mode.enabled", Boolean, Some("false"), Server, "A proxy may speak for itself."), Promise::If("true"), PROXY_PROTOCOL),
    (p("ksql.nested.error.set.null", Boolean, Some("true"), Session, "A failing nested value becomes NULL by itself."), Promise::Unless("true"), RESULTS),
    (p("ksql.query.push.v2.continuation.tokens.enabled", Boolean, Some("false"), Session, "Tokens to resume a push query."), Promise::If("true"), TOKENS),
    (p("ksql.windowed.session.key.legacy", Boolean, Some("false"), Session, "Old key format of session windows."), Promise::If("true"), RESULTS),
    (p("ksql.streams.default.timestamp.extractor", Text, None, Session, "Java class of event times."), Promise::Any, "Java classes cannot be loaded; name the column of the time in the statement: WITH (TIMESTAMP='…')"),
    (p("ksql.schema.registry.bearer.auth.credentials.source", Text, None, Server, "Where a token for the registry comes from."), Promise::Any, TOKEN),
    (p("ksql.schema.registry.bearer.auth.token", Password, None, Server, "A token for the registry."), Promise::Any, TOKEN),
];

/// Why, and which.
#[rustfmt::skip] // one line each
static WITHOUT_EFFECT: &[(&str, &[Property])] = &[
    (
        "there are no standby replicas",
        &[
            p("ksql.query.pull.enable.standby.reads", Boolean, Some("false"), Session, "Reads from standbys."),
            p("ksql.query.pull.max.allowed.offset.lag", WHOLE, Some(MAX_LONG), Session, "Lag a standby may have."),
            p("ksql.streams.num.standby.replicas", WHOLE, Some("0"), Session, "Standby copies of state."),
            p("ksql.query.pull.consistency.token.enabled", Boolean, Some("false"), Session, "Consistency tokens."),
        ],
    ),
    (
        "pull queries that are forwarded have no pool of their own",
        &[
            p("ksql.query.pull.router.thread.pool.size", WHOLE, Some("50"), Server, "Threads of forwarding; without effect."),
            p("ksql.query.pull.router.queue.capacity", WHOLE, Some(MAX_INT), Server, "Waiting forwards."),
            p("ksql.internal.http2.max.pool.size", WHOLE, Some("3000"), Server, "Connections between servers."),
            p("ksql.fetch.remote.hosts.max.timeout.seconds", WHOLE, Some("10"), Server, "How long other servers may take to answer."),
        ],
    ),
    (
        "servers reach each other at ksql.advertised.listener, and know of each other by their consumer group",
        &[
            p("ksql.internal.listener", Text, None, Server, "Address for other servers only."),
            p("ksql.heartbeat.enable", Boolean, Some("false"), Server, "Servers watch each other."),
            p("ksql.heartbeat.send.interval.ms", WHOLE, Some("100"), Server, "Pause between heartbeats."),
            p("ksql.heartbeat.check.interval.ms", WHOLE, Some("200"), Server, "Pause between checks."),
            p("ksql.heartbeat.window.ms", WHOLE, Some("2000"), Server, "Time in which heartbeats count."),
            p("ksql.heartbeat.missed.threshold.ms", WHOLE, Some("3"), Server, "Missed heartbeats that mean down."),
            p("ksql.heartbeat.discover.interval.ms", WHOLE, Some("2000"), Server, "Pause between discoveries."),
            p("ksql.heartbeat.thread.pool.size", WHOLE, Some("3"), Server, "Threads of heartbeats."),
            p("ksql.lag.reporting.enable", Boolean, Some("false"), Server, "Servers tell each other their lag."),
            p("ksql.lag.reporting.send.interval.ms", WHOLE, Some("5000"), Server, "How often."),
        ],
    ),
    (
        "state is kept in data.dir",
        &[
            p("ksql.streams.state.dir", Text, Some("/tmp/kafka-streams"), Server, "Where state lives."),
        ],
    ),
    (
        "rows are merged by their times, however long that takes",
        &[
            p("ksql.streams.max.task.idle.ms", WHOLE, Some("0"), Session, "How long to wait for the other inputs' records."),
        ],
    ),
    (
        "names of internal topics, groups and queries are fixed",
        &[
            p("ksql.persistent.prefix", Text, Some("query_"), Server, "Part of a persistent query's consumer group."),
            p("ksql.transient.prefix", Text, Some("transient_"), Server, "Prefix of a push query's id."),
        ],
    ),
    (
        "queries do not run on Kafka Streams",
        &[
            p("ksql.sink.window.change.log.additional.retention", WHOLE, Some("1000000"), Session, "How much longer windows are kept, milliseconds."),
            p("ksql.runtime.feature.shared.enabled", Boolean, Some("false"), Session, "Shared runtimes; without effect."),
            p("ksql.shared.runtimes.count", WHOLE, Some("2"), Server, "Shared runtimes."),
            p("ksql.transient.query.cleanup.service.enable", Boolean, Some("true"), Server, "Removes what push queries left."),
            p("ksql.transient.query.cleanup.service.initial.delay.seconds", WHOLE, Some("600"), Server, "First pause before what push queries left is removed."),
            p("ksql.transient.query.cleanup.service.period.seconds", WHOLE, Some("600"), Server, "Pause between removals."),
            p("ksql.query.pull.interpreter.enabled", Boolean, Some("true"), Session, "Interprets pull queries' expressions."),
            p("ksql.query.push.v2.alos.enabled", Boolean, Some("true"), Session, "At least once for shared push queries."),
            p("ksql.query.push.v2.interpreter.enabled", Boolean, Some("true"), Session, "Interprets shared push queries' expressions."),
            p("ksql.query.push.v2.new.latest.delay.ms", WHOLE, Some("5000"), Session, "Wait before reading from latest."),
            p("ksql.query.push.v2.latest.reset.age.ms", WHOLE, Some("30000"), Session, "Age from which latest is reset."),
            p("ksql.query.push.v2.max.catchup.consumers", WHOLE, Some("5"), Server, "Readers that catch up at once."),
            p("ksql.query.push.v2.catchup.consumer.msg.window", WHOLE, Some("50"), Session, "How near counts as caught up."),
            p("ksql.streams.task.timeout.ms", WHOLE, Some("300000"), Session, "How long a task may be stuck."),
            p("ksql.streams.buffered.records.per.partition", WHOLE, Some("1000"), Session, "Records read ahead."),
            p("ksql.streams.topology.optimization", Text, Some("all"), Session, "Without effect."),
            p("ksql.local.commands.location", Text, Some(""), Server, "Where push queries are noted."),
        ],
    ),
    (
        "stopping takes at most millstream.shutdown.timeout.ms",
        &[
            p("ksql.streams.shutdown.timeout.ms", WHOLE, Some("300000"), Server, "How long stopping a query may take."),
            p("ksql.query.cleanup.shutdown.timeout.ms", WHOLE, Some("30000"), Server, "How long cleaning up may take."),
        ],
    ),
    (
        "memory is bounded by millstream.state.memory.bytes",
        &[
            p("ksql.suppress.buffer.size.bytes", WHOLE, Some("-1"), Session, "Bound on results EMIT FINAL holds back; -1 is none."),
            p("ksql.query.persistent.max.bytes.buffering.total", WHOLE, Some("-1"), Server, "Cache of all persistent queries, bytes."),
            p("ksql.query.transient.max.bytes.buffering.total", WHOLE, Some("-1"), Server, "Cache of all push queries, bytes."),
        ],
    ),
    (
        "it cannot be switched",
        &[
            p("ksql.deployment.type", Text, Some("selfManaged"), Server, "Kind of installation."),
            p("ksql.endpoint.migrate.query", Boolean, Some("true"), Server, "One handler for /query and /query-stream."),
            p("ksql.server.exception.uncaught.handler.enable", Boolean, Some("false"), Server, "Stops the server on unexpected failures."),
        ],
    ),
    (
        "a query stops when a record cannot be written",
        &[
            p("ksql.fail.on.production.error", Boolean, Some("true"), Session, "A record that cannot be written stops the query."),
        ],
    ),
    (
        "a query always ends with its client",
        &[
            p("ksql.query.pull.cancel.on.disconnect.enabled", Boolean, Some("false"), Server, "A lost client ends its pull query."),
        ],
    ),
    (
        "Java classes cannot be loaded",
        &[
            p("ksql.server.install.dir", Text, Some(""), Server, "Where the server is installed."),
            p("ksql.extension.dir", Text, Some("ext"), Server, "Java functions; not available."),
            p("ksql.udfs.enabled", Boolean, Some("true"), Server, "User-defined functions."),
            p("ksql.server.error.messages", Text, None, Server, "Java class of error texts."),
            p("ksql.server.preconditions", Text, Some(""), Server, "Java classes that delay the start."),
            p("ksql.server.precondition.max.backoff.ms", WHOLE, Some("5000"), Server, "Longest pause between their checks."),
            p("ksql.connect.request.headers.plugin", Text, None, Server, "Java class that adds headers."),
            p("ksql.metrics.extension", Text, None, Server, "Java class of metrics."),
            p("metric.reporters", Text, Some(""), Server, "Java classes that get metrics."),
        ],
    ),
    (
        "ksqlDB itself has given it up",
        &[
            p("ksql.server.ui.enabled", Boolean, None, Server, "Web page of early releases."),
            p("ksql.udf.enable.security.manager", Boolean, None, Server, "Java security manager."),
        ],
    ),
    (
        "the name in the registry's certificate is always checked",
        &[
            p("ksql.schema.registry.ssl.endpoint.identification.algorithm", Text, Some("https"), Server, "How the registry's name is checked."),
        ],
    ),
    (
        "which kind a store is (PEM, PKCS12 or JKS) is seen by what is in it",
        &[
            p("ksql.schema.registry.ssl.truststore.type", Text, Some("JKS"), Server, "Kind of the trust store."),
            p("ksql.schema.registry.ssl.keystore.type", Text, Some("JKS"), Server, "Kind of the key store."),
        ],
    ),
    (
        "there is no Kafka Connect yet",
        &[
            p("ksql.connect.url", Text, Some("http://localhost:8083"), Server, "Address of Kafka Connect."),
            p("ksql.connect.worker.config", Text, Some(""), Server, "Embedded Connect; not available."),
            p("ksql.connect.request.timeout.ms", WHOLE, Some("5000"), Server, "How long Connect may take."),
            p("ksql.connect.basic.auth.credentials.source", Text, Some("NONE"), Server, "Where credentials for Connect come from."),
            p("ksql.connect.basic.auth.credentials.file", Text, Some(""), Server, "File of them."),
            p("ksql.connect.basic.auth.credentials.reload", Boolean, Some("false"), Server, "Reads that file again when it changes."),
        ],
    ),
    (
        "JSON_SR is read leniently, as JSON is; the writer's schema says what is Base64, of several types, or missing",
        &[
            p("ksql.json_sr.converter.deserializer.enabled", Boolean, Some("true"), Session, "JSON_SR through the converter."),
        ],
    ),
    (
        "there are no metrics yet",
        &[
            p("ksql.query.pull.metrics.enabled", Boolean, Some("true"), Server, "Counts pull queries."),
            p("ksql.query.push.v2.metrics.enabled", Boolean, Some("true"), Server, "Counts shared push queries."),
            p("ksql.udf.collect.metrics", Boolean, Some("false"), Server, "Counts function calls."),
            p("ksql.metrics.tags.custom", Text, Some(""), Server, "Tags of metrics."),
            p("ksql.rocksdb.metrics.update.interval.seconds", WHOLE, Some("15"), Server, "Pause between updates of metrics."),
        ],
    ),
    (
        "statements are not logged",
        &[
            p("ksql.queryanonymizer.logs_enabled", Boolean, Some("true"), Server, "Statements are logged without names and literals."),
            p("ksql.queryanonymizer.cluster_namespace", Text, None, Server, "Namespace of anonymous names."),
        ],
    ),
    (
        "every server keeps a copy of the command topic in its data directory",
        &[
            p("ksql.metastore.backup.location", Text, Some(""), Server, "Where the command log is copied to."),
            p("ksql.server.command.topic.migration.enabled", Text, Some("NONE"), Server, "Moves the command topic to other brokers."),
        ],
    ),
    (
        "how long commands and new topics are waited for is fixed",
        &[
            p("ksql.admin.request.retry.timeout.ms", WHOLE, Some("2500"), Server, "How long to wait for a new topic to appear."),
            p("ksql.server.command.blocked.threshold.error.ms", WHOLE, Some("15000"), Server, "A command that takes longer is an error."),
        ],
    ),
    (
        "there is one pool of threads (ksql.worker.pool.size)",
        &[
            p("ksql.query.pull.thread.pool.size", WHOLE, Some("50"), Server, "Threads of pull queries; without effect."),
            p("ksql.query.pull.coordinator.queue.capacity", WHOLE, Some(MAX_INT), Server, "Waiting pull queries."),
            p("ksql.verticle.instances", WHOLE, Some("4"), Server, "HTTP threads."),
            p("ksql.server.websockets.num.threads", WHOLE, Some("5"), Server, "WebSocket threads; without effect."),
        ],
    ),
    (
        "there are no Java clients of Kafka",
        &[
            p("ksql.kafka.client.additional.config.prefixes", Text, Some(""), Server, "More names that are passed on to Kafka's clients."),
        ],
    ),
    (
        "no empty lines are sent; the system notices within two minutes that a client is gone",
        &[
            p("query.stream.disconnect.check", WHOLE, Some("1000"), Server, "Pause between keep-alive lines, milliseconds."),
        ],
    ),
    (
        "what requests set is not logged; EXPLAIN shows what a query was started with",
        &[
            p("ksql.properties.overrides.log", Boolean, Some("false"), Server, "Logs what requests set."),
        ],
    ),
    (
        "values out of range are refused, and who sets them is told",
        &[
            p("ksql.properties.overrides.range.validation.log.enabled", Boolean, Some("false"), Server, "Logs values out of range."),
        ],
    ),
    (
        "it is always done: what old commands set and may not be set any more is left out, and the log says so",
        &[
            p("ksql.properties.overrides.validation.restore.enabled", Boolean, Some("false"), Server, "Checks what old commands set."),
        ],
    ),
    (
        "TLS is not supported yet, and no listener asks for it",
        &[
            p("ssl.client.authentication", Choice(&["NONE", "REQUESTED", "REQUIRED"]), Some("NONE"), Server, "Whether clients show certificates."),
            p("ksql.internal.ssl.client.authentication", Choice(&["NONE", "REQUESTED", "REQUIRED"]), Some("NONE"), Server, "Whether other servers show certificates."),
            p("ksql.server.sni.check.enable", Boolean, Some("false"), Server, "Checks the name a TLS client asks for."),
        ],
    ),
    (
        "without authentication nobody has rights to check",
        &[
            p("ksql.authorization.cache.expiry.time.secs", WHOLE, Some("30"), Server, "How long a permission is remembered."),
            p("ksql.authorization.cache.max.entries", WHOLE, Some("10000"), Server, "How many permissions are remembered."),
            p("authentication.realm", Text, Some(""), Server, "Realm of basic authentication."),
            p("authentication.roles", Text, Some("*"), Server, "Roles that may enter."),
            p("authentication.skip.paths", Text, Some(""), Server, "Paths without authentication."),
        ],
    ),
];

/// Names with these beginnings that are no properties of their own.
const BEGINNINGS: &[(&str, &str)] = &[
    ("ssl.", "TLS is not supported yet, and no listener asks for it"),
    ("ksql.ssl.", "TLS is not supported yet, and no listener asks for it"),
    ("ksql.schema.registry.", "the schema registry's client has no such setting"),
    ("ksql.connect.", "there is no Kafka Connect yet"),
    ("ksql.plugins.rocksdb.", "state is not kept in RocksDB"),
    ("ksql.streams.rocksdb.", "state is not kept in RocksDB"),
    ("ksql.error.classifier.", "errors are not classified by patterns"),
    ("ksql.functions.", "no function has such a setting"),
    ("metrics.", "there are no metrics yet"),
    ("confluent.", "it is meant for Confluent's platform"),
];

/// Properties of Confluent's other servers that stand in files for ksqlDB too.
const OF_OTHERS: &[&str] = &[
    "access.control.skip.options",
    "compression.enable",
    "csrf.prevention.enable",
    "debug",
    "http2.enabled",
    "idle.timeout.ms",
    "listener.protocol.map",
    "nosniff.prevention.enable",
    "port",
    "proxy.protocol.enabled",
    "reject.options.request",
    "request.logger.name",
    "request.queue.capacity",
    "resource.extension.classes",
    "response.mediatype.default",
    "response.mediatype.preferred",
    "server.connection.limit",
    "shutdown.graceful.ms",
    "suppress.stack.trace.response",
    "thread.pool.max",
    "thread.pool.min",
];

const SWITCH: &str = "it is a switch of Kafka Streams, on which queries do not run";

/// What a property does; `None` if nobody knows it.
pub fn effect(name: &str) -> Option<Effect> {
    let full = full_name(name);
    let is_it = |property: &Property| property.name == full;
    if setting::ALL.iter().any(is_it) || full.starts_with(super::INTERNAL_TOPICS) {
        return Some(Effect::Full);
    }
    if let Some(effect) = kafka_security::effect(name).or_else(|| kafka_clients::effect(name)) {
        return Some(effect);
    }
    let refused = REFUSED.iter().find(|(property, ..)| is_it(property));
    if let Some((_, promise, why)) = refused {
        return Some(Effect::Refused(*promise, why));
    }
    let listed = WITHOUT_EFFECT.iter().find(|(_, properties)| properties.iter().any(is_it)).map(|(why, _)| *why);
    let begins = || BEGINNINGS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, why)| *why);
    let of_others = || OF_OTHERS.contains(&name).then_some("ksqlDB does not read it, other servers of Confluent do");
    let passed_on = || {
        let is_passed_on = OPEN.iter().any(|prefix| name.starts_with(prefix)) || is_client_property(name);
        let is_switch = name.strip_prefix(STREAMS).unwrap_or(name).starts_with("__");
        is_passed_on.then_some(if is_switch { SWITCH } else { kafka_clients::NO_SUCH })
    };
    listed.or_else(begins).or_else(of_others).or_else(passed_on).map(Effect::None)
}

const ONE_LIMIT: &str = "one limit holds for all clients; give it to the server";

/// What a session may set and only the start of the server reads, and why.
const AT_START: &[(&str, &str)] = &[
    (setting::QUERY_PULL_MAX_QPS.name(), ONE_LIMIT),
    (setting::QUERY_PULL_MAX_CONCURRENT_REQUESTS.name(), ONE_LIMIT),
    (
        setting::NUM_STREAM_THREADS.name(),
        "all queries share the threads that the server's start makes; give it to the server",
    ),
    (
        setting::PROCESSING_GUARANTEE.name(),
        "queries on the embedded log are exactly once whatever it says, and those on Kafka what the server was started with",
    ),
];

/// Why a property that a session sets changes nothing; `None` if it does, or if nobody knows it.
pub fn without_effect_in_session(name: &str) -> Option<String> {
    let full = find(name).map_or(name, |property| property.name);
    let at_start = AT_START.iter().find(|(known, _)| *known == full).map(|(_, why)| *why);
    let connects = || {
        let is_read = kafka_security::effect(name).is_some() || kafka_clients::effect(name) == Some(Effect::Full);
        is_read.then_some("the server's start connects to Kafka; give it to the server")
    };
    at_start.or_else(connects).or_else(|| without_effect(name)).map(|reason| told(name, reason))
}

/// A reason, and what was probably meant by a name that Kafka's clients do not have.
fn told(name: &str, reason: &str) -> String {
    match kafka_clients::nearest(name).filter(|_| reason == kafka_clients::NO_SUCH) {
        Some(known) => format!("{reason}; did you mean {known}?"),
        None => reason.to_owned(),
    }
}

/// Why a property changes nothing; `None` if it does, or if nobody knows it.
pub fn without_effect(name: &str) -> Option<&'static str> {
    match effect(name) {
        Some(Effect::None(why)) => Some(why),
        _ => None,
    }
}

/// Whether anybody knows that name.
pub fn is_known(name: &str) -> bool {
    effect(name).is_some()
}

/// The properties that nobody reads.
pub(super) fn unread() -> impl Iterator<Item = &'static Property> {
    let refused = REFUSED.iter().map(|(property, ..)| property);
    let without = WITHOUT_EFFECT.iter().flat_map(|(_, properties)| *properties);
    refused.chain(without).chain(kafka_security::OF_LISTENERS_TOO).chain(kafka_clients::LISTED)
}

impl Config {
    /// What was set to something else than the default and changes nothing, each with the reason.
    pub fn ineffective(&self) -> impl Iterator<Item = (&str, String)> {
        self.settings().filter_map(|(name, value)| {
            let is_default = find(name).and_then(|property| property.default) == Some(value);
            let is_said = is_default || kafka_clients::is_done_anyway(name, value);
            let unused = || self.unused_in_kafka(name).or_else(|| self.unused_by_clients(name));
            let reason = without_effect(name).or_else(unused);
            reason.filter(|_| !is_said).map(|reason| (name, told(name, reason)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_is_told_unless_it_is_the_default() {
        let config = Config::new([
            ("ksql.heartbeat.enable", "true"),
            ("ksql.streams.num.standby.replicas", "0"),
            ("ksql.streams.producer.linger.ms", "5"),
            ("ksql.max.push.queries", "7"),
            ("ksql.functions.collect_list.limit", "7"),
        ]);
        let told: Vec<String> = config.unwrap().ineffective().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(told, ["ksql.heartbeat.enable", "ksql.streams.producer.linger.ms"]);
        assert!(without_effect("num.standby.replicas").is_some(), "by its short name as well");
        assert!(!is_known("ksql.hartbeat.enable"));
        assert!(without_effect("num.stream.threads").is_none(), "the server's start reads it");
        for name in ["num.stream.threads", "ksql.query.pull.max.qps", "ksql.heartbeat.enable"] {
            assert!(without_effect_in_session(name).is_some(), "{name}");
        }
        assert!(without_effect_in_session("auto.offset.reset").is_none());
    }
}
