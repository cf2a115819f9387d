//! Properties that are known and change nothing here, with the reason. Whoever sets one is told so.
//!
//! `tests/e2e/tidy.rs` holds this list against the code: a property stands here or is read somewhere.

use super::{Config, OPEN, find, is_client_property};

/// Why, and which; the names may be ones that the table of properties does not have.
const WITHOUT_EFFECT: &[(&str, &[&str])] = &[
    (
        "this server works alone",
        &[
            "ksql.internal.listener",
            "ksql.heartbeat.enable",
            "ksql.heartbeat.send.interval.ms",
            "ksql.heartbeat.check.interval.ms",
            "ksql.heartbeat.window.ms",
            "ksql.heartbeat.missed.threshold.ms",
            "ksql.heartbeat.discover.interval.ms",
            "ksql.heartbeat.thread.pool.size",
            "ksql.lag.reporting.enable",
            "ksql.lag.reporting.send.interval.ms",
            "ksql.fetch.remote.hosts.max.timeout.seconds",
            "ksql.internal.http2.max.pool.size",
            "ksql.query.pull.enable.standby.reads",
            "ksql.query.pull.max.allowed.offset.lag",
            "ksql.query.pull.router.thread.pool.size",
            "ksql.query.pull.router.queue.capacity",
            "ksql.query.pull.forwarding.timeout.ms",
            "ksql.query.pull.consistency.token.enabled",
            "ksql.streams.num.standby.replicas",
        ],
    ),
    (
        "queries do not run on Kafka Streams",
        &[
            "ksql.persistent.prefix",
            "ksql.transient.prefix",
            "ksql.sink.window.change.log.additional.retention",
            "ksql.runtime.feature.shared.enabled",
            "ksql.shared.runtimes.count",
            "ksql.windowed.session.key.legacy",
            "ksql.streams.shutdown.timeout.ms",
            "ksql.query.cleanup.shutdown.timeout.ms",
            "ksql.transient.query.cleanup.service.enable",
            "ksql.transient.query.cleanup.service.initial.delay.seconds",
            "ksql.transient.query.cleanup.service.period.seconds",
            "ksql.query.pull.interpreter.enabled",
            "ksql.query.push.v2.interpreter.enabled",
            "ksql.query.push.v2.alos.enabled",
            "ksql.query.push.v2.new.latest.delay.ms",
            "ksql.query.push.v2.latest.reset.age.ms",
            "ksql.query.push.v2.max.catchup.consumers",
            "ksql.query.push.v2.catchup.consumer.msg.window",
            "ksql.streams.replication.factor",
            "ksql.streams.state.dir",
            "ksql.streams.max.task.idle.ms",
            "ksql.streams.task.timeout.ms",
            "ksql.streams.buffered.records.per.partition",
            "ksql.streams.topology.optimization",
            "ksql.streams.max.request.size",
            "ksql.local.commands.location",
        ],
    ),
    (
        "memory is bounded by millstream.state.memory.bytes",
        &[
            "ksql.suppress.buffer.size.bytes",
            "ksql.query.persistent.max.bytes.buffering.total",
            "ksql.query.transient.max.bytes.buffering.total",
        ],
    ),
    ("the embedded log is always exactly once, Kafka at least once", &["ksql.streams.processing.guarantee"]),
    (
        "it cannot be switched",
        &[
            "ksql.lambdas.enabled",
            "ksql.headers.columns.enabled",
            "ksql.variable.substitution.enable",
            "ksql.nested.error.set.null",
            "ksql.fail.on.production.error",
            "ksql.endpoint.migrate.query",
            "ksql.query.pull.cancel.on.disconnect.enabled",
            "ksql.server.exception.uncaught.handler.enable",
            "ksql.deployment.type",
        ],
    ),
    (
        "Java classes cannot be loaded",
        &[
            "ksql.extension.dir",
            "ksql.udfs.enabled",
            "ksql.udf.enable.security.manager",
            "ksql.server.install.dir",
            "ksql.server.error.messages",
            "ksql.server.preconditions",
            "ksql.server.precondition.max.backoff.ms",
            "ksql.streams.default.timestamp.extractor",
            "ksql.connect.request.headers.plugin",
            "ksql.metrics.extension",
            "metric.reporters",
        ],
    ),
    (
        "there is no Kafka Connect and no schema registry yet",
        &[
            "ksql.connect.url",
            "ksql.connect.basic.auth.credentials.source",
            "ksql.connect.basic.auth.credentials.file",
            "ksql.connect.basic.auth.credentials.reload",
            "ksql.connect.worker.config",
            "ksql.connect.request.timeout.ms",
            "ksql.assert.schema.default.timeout.ms",
            "ksql.json_sr.converter.deserializer.enabled",
        ],
    ),
    (
        "there are no metrics yet",
        &[
            "ksql.query.pull.metrics.enabled",
            "ksql.query.push.v2.metrics.enabled",
            "ksql.udf.collect.metrics",
            "ksql.metrics.tags.custom",
            "ksql.rocksdb.metrics.update.interval.seconds",
        ],
    ),
    (
        "bad records go to standard error, not to a topic",
        &[
            "ksql.logging.processing.topic.auto.create",
            "ksql.logging.processing.topic.name",
            "ksql.logging.processing.topic.partitions",
            "ksql.logging.processing.topic.replication.factor",
            "ksql.logging.processing.stream.auto.create",
            "ksql.logging.processing.stream.name",
            "ksql.logging.processing.rows.include",
        ],
    ),
    (
        "requests are not logged",
        &[
            "ksql.endpoint.logging.log.queries",
            "ksql.endpoint.logging.ignored.paths.regex",
            "ksql.logging.server.rate.limited.response.codes",
            "ksql.logging.server.rate.limited.request.paths",
            "ksql.queryanonymizer.logs_enabled",
            "ksql.queryanonymizer.cluster_namespace",
        ],
    ),
    (
        "commands are kept in the data directory, not in a topic",
        &[
            "ksql.internal.topic.min.insync.replicas",
            "ksql.admin.request.retry.timeout.ms",
            "ksql.server.command.blocked.threshold.error.ms",
            "ksql.server.command.topic.rate.limit",
            "ksql.server.command.topic.migration.enabled",
            "ksql.metastore.backup.location",
        ],
    ),
    (
        "there is one pool of threads (ksql.worker.pool.size)",
        &[
            "ksql.verticle.instances",
            "ksql.server.websockets.num.threads",
            "ksql.query.pull.thread.pool.size",
            "ksql.query.pull.coordinator.queue.capacity",
        ],
    ),
    (
        "it is not built yet",
        &[
            "ksql.query.pull.max.qps",
            "ksql.query.pull.max.hourly.bandwidth.megabytes",
            "ksql.query.push.v2.max.hourly.bandwidth.megabytes",
            "ksql.query.push.v2.continuation.tokens.enabled",
            "query.stream.disconnect.check",
            "ksql.healthcheck.interval.ms",
            "ksql.properties.overrides.log",
            "ksql.properties.overrides.range.validation.log.enabled",
            "ksql.properties.overrides.validation.restore.enabled",
            "response.http.headers.config",
            "compression.type",
        ],
    ),
    (
        "without authentication nobody has rights to check",
        &[
            "authentication.realm",
            "authentication.roles",
            "authentication.skip.paths",
            "ksql.authorization.cache.expiry.time.secs",
            "ksql.authorization.cache.max.entries",
        ],
    ),
];

/// Why a property changes nothing; `None` if it does, or if nobody knows it.
pub fn without_effect(name: &str) -> Option<&'static str> {
    let full = find(name).map_or(name, |property| property.name);
    let listed = WITHOUT_EFFECT.iter().find(|(_, names)| names.contains(&full)).map(|(reason, _)| *reason);
    let passed_on = || {
        let is_passed_on = OPEN.iter().any(|prefix| name.starts_with(prefix)) || is_client_property(name);
        // Functions have limits and switches of their own.
        (find(name).is_none() && is_passed_on && !name.starts_with("ksql.functions."))
            .then_some("it is meant for libraries that are not used")
    };
    listed.or_else(passed_on)
}

/// Whether anybody knows that name.
pub fn is_known(name: &str) -> bool {
    find(name).is_some() || without_effect(name).is_some() || name.starts_with("ksql.functions.")
}

impl Config {
    /// What was set to something else than the default and changes nothing, each with the reason.
    pub fn ineffective(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.settings().filter_map(|(name, value)| {
            let is_default = find(name).and_then(|property| property.default) == Some(value);
            without_effect(name).filter(|_| !is_default).map(|reason| (name, reason))
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
    }
}
