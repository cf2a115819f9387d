//! The properties that are read, one line each, each with the constant by which its reader asks for it:
//! `config.get(setting::MAX_PUSH_QUERIES)`. Those that nobody reads stand in `effect.rs`.

use super::property::{Access, Flag, Maybe, Number, Property, Setting, Text, Whole, flag, number, text, whole};
use Access::{Server, Session};

const MAX_INT: &str = "2147483647";
const MOST: i64 = i64::MAX;
const HIDDEN: &str = "_confluent.*,__confluent.*,_schemas,__consumer_offsets,__transaction_state,connect-configs,connect-offsets,connect-status,connect-statuses";

/// Confluent's classes of them, with or without their package.
const STRATEGIES: &[&str] = &[
    "TopicNameStrategy",
    "RecordNameStrategy",
    "TopicRecordNameStrategy",
    "io.confluent.kafka.serializers.subject.TopicNameStrategy",
    "io.confluent.kafka.serializers.subject.RecordNameStrategy",
    "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
];

/// A setting that holds text.
pub type TextSetting = Setting<Text>;

/// Makes the constants, and the list of them.
macro_rules! settings {
    ($($constant:ident: $value:ty = $setting:expr;)*) => {
        $(#[doc = concat!("Constant `", stringify!($constant), "`: see the property's `about`.")]
        pub const $constant: Setting<$value> = $setting;)*
        /// All of them, in this order.
        pub(super) static ALL: &[Property] = &[$($constant.property),*];
    };
}

// Sorted by area, as in the reference; one line each.
#[rustfmt::skip]
settings! {
    // identity, names, topics
    SERVICE_ID: Text = text("ksql.service.id", "default_", Server, "Id of the cluster; prefix of internal topics and consumer groups.");
    OUTPUT_TOPIC_NAME_PREFIX: Text = text("ksql.output.topic.name.prefix", "", Session, "Prefix of the topics CREATE … AS makes.");
    INTERNAL_TOPIC_REPLICAS: Whole = whole("ksql.internal.topic.replicas", "1", Server, "Replicas of internal topics.").within(1, 32_767);
    INTERNAL_TOPIC_MIN_INSYNC_REPLICAS: Whole = whole("ksql.internal.topic.min.insync.replicas", "1", Server, "Replicas that must have what is written to the command topic.").within(1, 32_767);
    COMMAND_TOPIC_RESTORE: Flag = flag("millstream.command.topic.restore", "false", Server, "Fills an empty command topic from the copy in data.dir.");
    TAKE_OVER: Text = text("millstream.take.over", "none", Server, "Goes on with what a ksqlDB of the same service id ran: all of it or nothing, or what is possible.").one_of(&["none", "all", "possible"]);
    CREATE_TOPIC_INHERIT_SOURCE_REPLICAS_ENABLED: Flag = flag("ksql.create.topic.inherit.source.replicas.enabled", "true", Session, "A sink's topic has as many replicas as its source's.");
    HIDDEN_TOPICS: Text = text("ksql.hidden.topics", HIDDEN, Server, "Topics SHOW TOPICS leaves out; patterns.").patterns();
    READONLY_TOPICS: Text = text("ksql.readonly.topics", HIDDEN, Server, "Topics no statement may write or delete; patterns.").patterns();
    SINK_PARTITIONS: Maybe<Whole> = whole("ksql.sink.partitions", "", Session, "Partitions of new sinks; deprecated.").or_unset();
    SINK_REPLICAS: Maybe<Whole> = whole("ksql.sink.replicas", "", Session, "Replicas of new sinks; deprecated.").or_unset();
    // SQL switches
    INSERT_INTO_VALUES_ENABLED: Flag = flag("ksql.insert.into.values.enabled", "true", Session, "Allows INSERT INTO … VALUES.");
    CREATE_OR_REPLACE_ENABLED: Flag = flag("ksql.create.or.replace.enabled", "true", Session, "Allows CREATE OR REPLACE.");
    SUPPRESS_ENABLED: Flag = flag("ksql.suppress.enabled", "true", Session, "Allows EMIT FINAL.");
    LAMBDAS_ENABLED: Flag = flag("ksql.lambdas.enabled", "true", Session, "Allows lambda functions.");
    HEADERS_COLUMNS_ENABLED: Flag = flag("ksql.headers.columns.enabled", "true", Server, "Allows HEADERS columns.");
    VARIABLE_SUBSTITUTION_ENABLE: Flag = flag("ksql.variable.substitution.enable", "true", Session, "Replaces ${variables}.");
    SOURCE_TABLE_MATERIALIZATION_ENABLED: Flag = flag("ksql.source.table.materialization.enabled", "true", Server, "Allows CREATE SOURCE TABLE.");
    PULL_QUERIES_ENABLE: Flag = flag("ksql.pull.queries.enable", "true", Server, "Allows pull queries.");
    NEW_QUERY_PLANNER_ENABLED: Flag = flag("ksql.new.query.planner.enabled", "false", Session, "A persistent query may leave its key out.");
    ASSERT_TOPIC_DEFAULT_TIMEOUT_MS: Whole = whole("ksql.assert.topic.default.timeout.ms", "1000", Session, "How long ASSERT TOPIC waits.");
    ASSERT_SCHEMA_DEFAULT_TIMEOUT_MS: Whole = whole("ksql.assert.schema.default.timeout.ms", "1000", Session, "How long ASSERT SCHEMA waits.");
    CAST_STRINGS_PRESERVE_NULLS: Flag = flag("ksql.cast.strings.preserve.nulls", "true", Session, "CAST(NULL AS STRING) is NULL.");
    TIMESTAMP_THROW_ON_INVALID: Flag = flag("ksql.timestamp.throw.on.invalid", "false", Session, "A bad event time stops the query instead of dropping the record.");
    // formats
    PERSISTENCE_DEFAULT_FORMAT_KEY: Text = text("ksql.persistence.default.format.key", "KAFKA", Session, "Key format where a statement names none.");
    PERSISTENCE_DEFAULT_FORMAT_VALUE: Maybe<Text> = text("ksql.persistence.default.format.value", "", Session, "Value format where a statement names none.").or_unset();
    PERSISTENCE_WRAP_SINGLE_VALUES: Maybe<Flag> = flag("ksql.persistence.wrap.single.values", "", Session, "Single values stand in an envelope.").or_unset();
    // schema registry
    SCHEMA_REGISTRY_URL: Text = text("ksql.schema.registry.url", "", Server, "Addresses of a schema registry, separated by commas; none means the server's own.");
    SCHEMA_REGISTRY_ENABLED: Flag = flag("millstream.schema.registry.enabled", "true", Server, "The server keeps schemas itself where ksql.schema.registry.url names no registry.");
    SCHEMA_REGISTRY_ACCEPTED: Text = text("millstream.schema.registry.accepted", "", Server, "The registry (an address, own or none) that may take the place of the one that statements were carried out with.");
    SCHEMA_REGISTRY_CREDENTIALS_SOURCE: Text = text("ksql.schema.registry.basic.auth.credentials.source", "URL", Server, "Where the user and the password for it stand.").one_of(&["URL", "USER_INFO"]);
    SCHEMA_REGISTRY_USER_INFO: Text = text("ksql.schema.registry.basic.auth.user.info", "", Server, "USER:PASSWORD, if they stand here.").password();
    SCHEMA_REGISTRY_TRUSTSTORE_LOCATION: Text = text("ksql.schema.registry.ssl.truststore.location", "", Server, "Store of the certificates it is trusted by (PEM, PKCS12 or JKS); without it the authorities that browsers trust.");
    SCHEMA_REGISTRY_TRUSTSTORE_PASSWORD: Text = text("ksql.schema.registry.ssl.truststore.password", "", Server, "Password of that store.").password();
    SCHEMA_REGISTRY_TRUSTSTORE_CERTIFICATES: Text = text("ksql.schema.registry.ssl.truststore.certificates", "", Server, "These certificates themselves, as PEM.");
    SCHEMA_REGISTRY_KEYSTORE_LOCATION: Text = text("ksql.schema.registry.ssl.keystore.location", "", Server, "Store of the server's own certificate and its key (PEM, PKCS12 or JKS).");
    SCHEMA_REGISTRY_KEYSTORE_PASSWORD: Text = text("ksql.schema.registry.ssl.keystore.password", "", Server, "Password of that store.").password();
    SCHEMA_REGISTRY_KEY_PASSWORD: Text = text("ksql.schema.registry.ssl.key.password", "", Server, "Password of the key in it, where it is another one.").password();
    SCHEMA_REGISTRY_KEYSTORE_CERTIFICATE_CHAIN: Text = text("ksql.schema.registry.ssl.keystore.certificate.chain", "", Server, "That certificate itself, as PEM.");
    SCHEMA_REGISTRY_KEYSTORE_KEY: Text = text("ksql.schema.registry.ssl.keystore.key", "", Server, "That key itself, as PEM.").password();
    SCHEMA_REGISTRY_KEY_SUBJECTS: Text = text("ksql.schema.registry.key.subject.name.strategy", "TopicNameStrategy", Server, "How subjects of keys are named.").one_of(STRATEGIES);
    SCHEMA_REGISTRY_VALUE_SUBJECTS: Text = text("ksql.schema.registry.value.subject.name.strategy", "TopicNameStrategy", Server, "How subjects of values are named.").one_of(STRATEGIES);
    // limits, errors, retries
    QUERY_PERSISTENT_ACTIVE_LIMIT: Whole = whole("ksql.query.persistent.active.limit", MAX_INT, Server, "How many persistent queries may run.");
    QUERY_RETRY_BACKOFF_INITIAL_MS: Whole = whole("ksql.query.retry.backoff.initial.ms", "15000", Session, "First pause before a failed query is started again.").within(0, MOST);
    QUERY_RETRY_BACKOFF_MAX_MS: Whole = whole("ksql.query.retry.backoff.max.ms", "900000", Session, "Longest such pause.").within(0, MOST);
    QUERY_ERROR_MAX_QUEUE_SIZE: Whole = whole("ksql.query.error.max.queue.size", "10", Session, "Errors kept for EXPLAIN.").within(1, 1_000);
    QUERY_STATUS_RUNNING_THRESHOLD_SECONDS: Whole = whole("ksql.query.status.running.threshold.seconds", "300", Server, "A restarted query counts as healthy after this.").within(0, MOST);
    FAIL_ON_DESERIALIZATION_ERROR: Flag = flag("ksql.fail.on.deserialization.error", "false", Session, "A bad record stops the query.");
    // pull queries
    QUERY_PULL_TABLE_SCAN_ENABLED: Flag = flag("ksql.query.pull.table.scan.enabled", "true", Session, "A pull query may scan a table.");
    QUERY_PULL_RANGE_SCAN_ENABLED: Flag = flag("ksql.query.pull.range.scan.enabled", "true", Session, "A pull query may scan a range of keys.");
    QUERY_PULL_STREAM_ENABLED: Flag = flag("ksql.query.pull.stream.enabled", "true", Session, "Allows pull queries on streams.");
    QUERY_PULL_LIMIT_CLAUSE_ENABLED: Flag = flag("ksql.query.pull.limit.clause.enabled", "true", Session, "Allows LIMIT in pull queries.");
    QUERY_PULL_MAX_QPS: Whole = whole("ksql.query.pull.max.qps", MAX_INT, Session, "Pull queries per second.").within(1, MOST);
    QUERY_PULL_MAX_HOURLY_BANDWIDTH_MEGABYTES: Whole = whole("ksql.query.pull.max.hourly.bandwidth.megabytes", MAX_INT, Server, "Megabytes of pull results per hour.").within(0, MOST);
    QUERY_PULL_MAX_CONCURRENT_REQUESTS: Whole = whole("ksql.query.pull.max.concurrent.requests", MAX_INT, Session, "Pull queries at once.");
    // push queries
    MAX_PUSH_QUERIES: Whole = whole("ksql.max.push.queries", "100", Server, "How many push queries may run.");
    QUERY_PUSH_V2_ENABLED: Flag = flag("ksql.query.push.v2.enabled", "false", Session, "Shared push queries.");
    QUERY_PUSH_V2_REGISTRY_INSTALLED: Flag = flag("ksql.query.push.v2.registry.installed", "false", Server, "Makes shared push queries possible.");
    QUERY_PUSH_V2_MAX_HOURLY_BANDWIDTH_MEGABYTES: Whole = whole("ksql.query.push.v2.max.hourly.bandwidth.megabytes", MAX_INT, Server, "Megabytes of shared push queries' results per hour.").within(0, MOST);
    WEBSOCKET_CONNECTION_MAX_TIMEOUT_MS: Whole = whole("ksql.websocket.connection.max.timeout.ms", "3600000", Server, "How long a WebSocket may live.");
    // overriding properties
    PROPERTIES_OVERRIDES_DENYLIST: Text = text("ksql.properties.overrides.denylist", "", Server, "Properties a request may not set.");
    PROPERTIES_OVERRIDES_ALLOWLIST: Text = text("ksql.properties.overrides.allowlist", "", Server, "Properties a request may set, in allowlist mode.");
    PROPERTIES_OVERRIDES_VALIDATION_MODE: Text = text("ksql.properties.overrides.validation.mode", "denylist", Server, "Which of the two lists counts.").one_of(&["denylist", "allowlist"]);
    // HTTP
    LISTENERS: Text = text("listeners", "http://127.0.0.1:8088", Server, "Address to listen on; http://0.0.0.0:8088 for everybody.");
    SCHEMA_REGISTRY_LISTENERS: Text = text("schema.registry.listeners", "", Server, "Further addresses to listen on, for the server's own schema registry alone.");
    PULL_PARTITIONS: Maybe<Text> = text("millstream.pull.partitions", "", Session, "From server to server: a pull query is about the rows of these partitions of the table's query.").or_unset();
    QUERY_PULL_FORWARDING_TIMEOUT_MS: Whole = whole("ksql.query.pull.forwarding.timeout.ms", "20000", Session, "How long other servers may take to answer a pull query for their rows.").within(1, 2_147_483_647);
    ADVERTISED_LISTENER: Maybe<Text> = text("ksql.advertised.listener", "", Server, "Address other servers use.").or_unset();
    ACCESS_CONTROL_ALLOW_ORIGIN: Text = text("access.control.allow.origin", "", Server, "CORS: origins.");
    ACCESS_CONTROL_ALLOW_METHODS: Text = text("access.control.allow.methods", "", Server, "CORS: methods.");
    ACCESS_CONTROL_ALLOW_HEADERS: Text = text("access.control.allow.headers", "", Server, "CORS: headers.");
    RESPONSE_HTTP_HEADERS_CONFIG: Text = text("response.http.headers.config", "", Server, "Headers of every answer: set NAME: VALUE, add NAME: VALUE, setDate NAME: MILLISECONDS from the answer on, …");
    ENDPOINT_LOGGING_LOG_QUERIES: Flag = flag("ksql.endpoint.logging.log.queries", "false", Server, "A line about every request on standard error, with what follows the ?.");
    ENDPOINT_LOGGING_IGNORED_PATHS_REGEX: Text = text("ksql.endpoint.logging.ignored.paths.regex", "", Server, "Requests without such a line.");
    LOGGING_SERVER_RATE_LIMITED_REQUEST_PATHS: Text = text("ksql.logging.server.rate.limited.request.paths", "", Server, "Such lines per second, by path: /query:10,/ksql:0.5.");
    LOGGING_SERVER_RATE_LIMITED_RESPONSE_CODES: Text = text("ksql.logging.server.rate.limited.response.codes", "", Server, "Such lines per second, by status: 401:1.");
    WORKER_POOL_SIZE: Whole = whole("ksql.worker.pool.size", "100", Server, "Worker threads of the HTTP side.").within(1, 1 << 20);
    IDLE_CONNECTION_TIMEOUT_SECONDS: Whole = whole("ksql.idle.connection.timeout.seconds", "86400", Server, "How long a silent connection lives.");
    // life of the server
    QUERIES_FILE: Maybe<Text> = text("ksql.queries.file", "", Server, "Headless: runs the statements of this file and takes no others.").or_unset();
    SERVER_COMMAND_TOPIC_RATE_LIMIT: Number = number("ksql.server.command.topic.rate.limit", "1.7976931348623157E308", Server, "Statements per second that change what exists.");
    SERVER_COMMAND_RESPONSE_TIMEOUT_MS: Whole = whole("ksql.server.command.response.timeout.ms", "5000", Server, "How long a request waits for its command.");
    HEALTHCHECK_INTERVAL_MS: Whole = whole("ksql.healthcheck.interval.ms", "5000", Server, "Pause between two looks at what /healthcheck tells of.").within(1, MOST);
    // processing log
    PROCESSING_LOG_TOPIC_AUTO_CREATE: Flag = flag("ksql.logging.processing.topic.auto.create", "false", Server, "Makes the processing log's topic and writes entries to it.");
    PROCESSING_LOG_TOPIC_NAME: Maybe<Text> = text("ksql.logging.processing.topic.name", "", Server, "Its name; without one <service id>ksql_processing_log.").or_unset();
    PROCESSING_LOG_TOPIC_PARTITIONS: Whole = whole("ksql.logging.processing.topic.partitions", "1", Server, "Its partitions, if it is made.").within(1, 10_000);
    PROCESSING_LOG_TOPIC_REPLICATION_FACTOR: Whole = whole("ksql.logging.processing.topic.replication.factor", "1", Server, "Its replicas, if it is made.").within(1, 32_767);
    PROCESSING_LOG_STREAM_AUTO_CREATE: Flag = flag("ksql.logging.processing.stream.auto.create", "false", Server, "Makes a stream of that topic.");
    PROCESSING_LOG_STREAM_NAME: Text = text("ksql.logging.processing.stream.name", "KSQL_PROCESSING_LOG", Server, "The stream's name.");
    PROCESSING_LOG_ROWS_INCLUDE: Flag = flag("ksql.logging.processing.rows.include", "false", Server, "Bad records stand in the processing log, with their data.");
    DEADLETTER_TOPIC: Maybe<Text> = text("ksql.processing.deadletter.topic", "", Session, "Records that a persistent query cannot use go to this topic as they are.").or_unset();
    DEADLETTER_TOPIC_PARTITIONS: Whole = whole("ksql.processing.deadletter.topic.partitions", "1", Session, "Its partitions, if it is made.").within(1, 1_024);
    // functions
    FUNCTIONS_COLLECT_LIST_LIMIT: Whole = whole("ksql.functions.collect_list.limit", MAX_INT, Session, "Longest list COLLECT_LIST makes.");
    FUNCTIONS_COLLECT_SET_LIMIT: Whole = whole("ksql.functions.collect_set.limit", MAX_INT, Session, "Largest set COLLECT_SET makes.");
    FUNCTIONS_SUBSTRING_LEGACY_ARGS: Flag = flag("ksql.functions.substring.legacy.args", "false", Session, "SUBSTRING counts as in old releases.");
    // Kafka, streams
    BOOTSTRAP_SERVERS: Maybe<Text> = text("bootstrap.servers", "", Server, "Brokers; none means the embedded log.").or_unset();
    AUTO_OFFSET_RESET: Text = text("ksql.streams.auto.offset.reset", "latest", Session, "Where a new query starts to read.").one_of(&["latest", "earliest"]);
    COMMIT_INTERVAL_MS: Whole = whole("ksql.streams.commit.interval.ms", "2000", Session, "Longest pause between commits under load; over Kafka with exactly once 100 unless it is set, and no row is seen before.").within(0, MOST);
    REPARTITION_PURGE_INTERVAL_MS: Whole = whole("ksql.streams.repartition.purge.interval.ms", "30000", Session, "Pause between purges of repartition topics.").within(0, MOST);
    CACHE_MAX_BYTES_BUFFERING: Whole = whole("ksql.streams.cache.max.bytes.buffering", "10000000", Session, "0: every update of a table is written.").within(0, MOST);
    STATESTORE_CACHE_MAX_BYTES: Maybe<Whole> = whole("ksql.streams.statestore.cache.max.bytes", "", Session, "Newer name of cache.max.bytes.buffering; counts for more.").within(0, MOST).or_unset();
    REPLICATION_FACTOR: Whole = whole("ksql.streams.replication.factor", "-1", Server, "Replicas of repartition topics; -1: as ksql.internal.topic.replicas says.").within(-1, 32_767);
    PROCESSING_GUARANTEE: Text = text("ksql.streams.processing.guarantee", "exactly_once_v2", Session, "Over Kafka, where the server's counts for all queries; the embedded log is always exactly once.").one_of(&["at_least_once", "exactly_once", "exactly_once_v2", "exactly_once_beta"]);
    SESSION_TIMEOUT_MS: Whole = whole("ksql.streams.session.timeout.ms", "10000", Server, "Over Kafka with several servers: the tasks of one that is not heard of for so long go to the others.").within(1_000, 2_147_483_647);
    GROUP_INSTANCE_ID: Maybe<Text> = text("ksql.streams.group.instance.id", "", Server, "Over Kafka: what the server is called among those of its service; else it has a name in data.dir.").or_unset();
    NUM_STREAM_THREADS: Whole = whole("ksql.streams.num.stream.threads", "4", Session, "Threads of a query.").within(1, MOST);
    // ours
    DATA_DIR: Text = text("data.dir", "millstream-data", Server, "Data directory of the embedded log and of state.");
    WINDOW_MAX_PER_RECORD: Whole = whole("millstream.window.max.per.record", "20000", Server, "In how many hopping windows one record may be; statements that ask for more are refused.").within(1, MOST);
    STATE_MEMORY_BYTES: Whole = whole("millstream.state.memory.bytes", "1073741824", Server, "Memory all state together may take; the rest is read from disk.").within(1 << 20, MOST);
    QUERY_PULL_KEYS_MAX: Whole = whole("millstream.query.pull.keys.max", "10000", Session, "Most keys a pull query looks up one by one; with more it scans the table.").within(0, MOST);
    MAX_CLIENT_SCANS: Whole = whole("millstream.max.client.scans", "100", Server, "PRINTs, pull queries on streams and long answers of pull queries at once.");
    HTTP_MAX_CONNECTIONS: Whole = whole("millstream.http.max.connections", "2048", Server, "Connections at once, but at most half of the process's file descriptors.").within(1, 1 << 20);
    HTTP_MAX_REQUESTS: Whole = whole("millstream.http.max.requests", "4096", Server, "Requests at once, streams of rows included.").within(1, 1 << 20);
    HTTP_LOG_REQUESTS: Flag = flag("millstream.http.log.requests", "false", Server, "A line about every request on standard error.");
    HTTP_TURN_TIMEOUT_MS: Whole = whole("millstream.http.turn.timeout.ms", "30000", Server, "How long a request waits for one of the ksql.worker.pool.size threads.").within(1, MOST);
    HTTP_RECEIVE_TIMEOUT_MS: Whole = whole("millstream.http.receive.timeout.ms", "60000", Server, "How long a request may take to arrive.").within(1, MOST);
    SHUTDOWN_TIMEOUT_MS: Whole = whole("millstream.shutdown.timeout.ms", "8000", Server, "SIGTERM ends the server within this time, whatever clients do.").within(1, MOST);
    FUNCTIONS_VALUE_MAX_BYTES: Whole = whole("millstream.functions.value.max.bytes", "8388608", Server, "Largest value a function may make, bytes.").within(0, MOST);
    FUNCTIONS_LAMBDA_MAX_ELEMENTS: Whole = whole("millstream.functions.lambda.max.elements", "33554432", Server, "How many elements lambdas may visit for one row.").within(0, MOST);
    SQL_MAX_BYTES: Whole = whole("millstream.sql.max.bytes", "4194304", Server, "Longest text of a request's statements, with their variables replaced.").within(1, MOST);
    SQL_MAX_TOKENS: Whole = whole("millstream.sql.max.tokens", "100000", Server, "Most words, literals and symbols in a request's statements.").within(1, MOST);
    SQL_MAX_STATEMENTS: Whole = whole("millstream.sql.max.statements", "1000", Server, "Most statements in a request.").within(1, MOST);
    SQL_MAX_NAME_BYTES: Whole = whole("millstream.sql.max.name.bytes", "1024", Server, "Longest name of a stream, table, column, field or alias.").within(1, MOST);
    TOPIC_MAX_PARTITIONS: Whole = whole("millstream.topic.max.partitions", "1024", Server, "Most partitions of a topic that a statement makes.").within(1, MOST);
    MAX_RECORDS_PER_STEP: Whole = whole("millstream.max.records.per.step", "8192", Server, "How many records a task takes at once.").within(1, 1 << 20);
}
