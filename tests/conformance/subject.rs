//! The engine under test, driven by its product API: no threads, an in-memory log behind the gate, a clock at 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};

use engine::clock::Manual;
use engine::config::{Config, bare_name};
use engine::engine::{Engine, Parts};
use engine::formats::{FormatSpec, known_format};
use engine::log::{Embedded, Log, Output, Position, RecordsBuilder, Signal, TopicPartition, TopicSpec};
use engine::runtime::{Running, State};
use engine::statements::{Failure, FailureKind, Session};
use engine::types::{Bounds, Column, Schema};
use serde_json::Value as Json;
use sql::{CreateSource, SourceKind, Variables};

use crate::gate::Gate;
use crate::records::{Side, WindowKind};
use crate::schemas;
use crate::udfs;

/// Class of an error, as far as cases tell them apart (conformance.md §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    Parse,
    Statement,
    Other,
    /// A test's own assertion.
    Assertion,
}

/// A refused statement.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) message: String,
    /// What `/ksql` answers instead.
    pub(crate) brief: Option<String>,
    pub(crate) statement: String,
}

impl Refusal {
    /// The class ksqlDB's engine would throw for a failure of ours.
    fn of(failure: Failure, text: &str) -> Self {
        // What fails before anything is planned left the parser.
        let before_planning = failure.message.starts_with("Failed to prepare statement: ");
        let kind = match failure.kind {
            _ if before_planning => RefusalKind::Parse,
            // What its server blames on itself or on the request left ksqlDB's engine as a statement exception all the
            // same.
            FailureKind::Statement | FailureKind::Build | FailureKind::Unforeseen => RefusalKind::Statement,
            _ => RefusalKind::Other,
        };
        let statement = failure.statement.unwrap_or_else(|| text.trim_start().to_owned());
        Self { kind, message: failure.message, brief: failure.brief, statement }
    }

    /// Whether ksqlDB would throw that class, or one below it.
    pub(crate) fn is_a(&self, class: &str) -> bool {
        match class.rsplit('.').next().unwrap_or(class) {
            "ParseFailedException" => self.kind == RefusalKind::Parse,
            "KsqlStatementException" => matches!(self.kind, RefusalKind::Parse | RefusalKind::Statement),
            "AssertionError" => self.kind == RefusalKind::Assertion,
            "StreamsException" => false,
            _ => true,
        }
    }
}

/// How a topic is written.
pub(crate) struct Topic {
    pub(crate) key: Side,
    pub(crate) value: Side,
    pub(crate) window: Option<WindowKind>,
}

/// A persistent query.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    id: String,
    topics: Vec<String>,
}

impl Query {
    /// Whether it reads a topic.
    pub(crate) fn reads(&self, topic: &str) -> bool {
        self.topics.iter().any(|t| t == topic)
    }
}

/// A stream or table, as `post` conditions see it.
pub(crate) struct SourceInfo {
    pub(crate) name: String,
    pub(crate) is_table: bool,
    pub(crate) topic: String,
    pub(crate) schema: Schema,
    pub(crate) key_format: String,
    pub(crate) value_format: String,
    pub(crate) key_features: Vec<String>,
    pub(crate) value_features: Vec<String>,
    /// Window type and size.
    pub(crate) window: (Option<String>, Option<i64>),
    pub(crate) is_source: bool,
}

impl SourceInfo {
    /// Columns and order, KEY and PRIMARY KEY alike.
    pub(crate) fn schema_text(&self) -> String {
        self.schema.to_string()
    }
}

/// One record as it stands in a topic.
pub(crate) struct Stored {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) timestamp: i64,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The engine of one case.
pub(crate) struct Subject {
    engine: Engine,
    gate: Arc<Gate>,
    properties: BTreeMap<String, String>,
    /// Topics a case feeds by hand.
    fed: Vec<String>,
}

/// What every case's server is set to (conformance.md §4.1).
pub(crate) const SETTINGS: [(&str, &str); 6] = [
    ("ksql.service.id", "some.ksql.service.id"),
    ("ksql.streams.auto.offset.reset", "earliest"),
    ("ksql.streams.cache.max.bytes.buffering", "0"),
    ("ksql.streams.commit.interval.ms", "0"),
    ("ksql.headers.columns.enabled", "true"),
    ("ksql.query.pull.table.scan.enabled", "true"),
];

impl Subject {
    /// A fresh engine whose queries are one task each, over all partitions.
    pub(crate) fn new(properties: &BTreeMap<String, Json>) -> Result<Self, String> {
        Self::with(properties, true)
    }

    /// A fresh engine whose queries are cut into tasks, with repartition topics between them, as a server does it.
    pub(crate) fn cut(properties: &BTreeMap<String, Json>) -> Result<Self, String> {
        Self::with(properties, false)
    }

    fn with(properties: &BTreeMap<String, Json>, uncut: bool) -> Result<Self, String> {
        let gate = Arc::new(Gate::new(Arc::new(Embedded::in_memory())));
        let config = Config::new(SETTINGS).map_err(|e| e.to_string())?;
        let log: Arc<dyn Log> = Arc::clone(&gate) as Arc<dyn Log>;
        let clock = Arc::new(Manual::at(0));
        let parts = Parts { functions: udfs::registry(), uncut, ..Parts::by_hand(log, clock, config) };
        let engine = Engine::new(parts).map_err(|e| e.to_string())?;
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let properties = properties
            .iter()
            // Only ksqlDB's own harness knows this one.
            .filter(|(name, _)| *name != "use.exact.numeric.comparison")
            .map(|(name, value)| (bare_name(name).to_owned(), text(value)))
            .collect();
        schemas::check_nothing(&engine)?;
        Ok(Self { engine, gate, properties, fed: Vec::new() })
    }

    /// Only the grammar.
    pub(crate) fn parse(&self, text: &str) -> Result<(), Refusal> {
        let parsed = sql::parse(&terminated(text), &Variables::default());
        parsed.map(drop).map_err(|error| Refusal {
            kind: RefusalKind::Parse,
            message: error.message,
            brief: None,
            statement: text.to_owned(),
        })
    }

    /// One statement.
    pub(crate) fn execute(&mut self, text: &str) -> Result<(), Refusal> {
        self.parse(text)?;
        let session = Session { properties: self.properties.clone(), ..Session::default() };
        let text = terminated(text);
        self.engine.execute(&text, session, None).map(drop).map_err(|failure| Refusal::of(failure, &text))
    }

    /// SET and UNSET, which last for the case.
    pub(crate) fn set(&mut self, text: &str) -> Result<(), Refusal> {
        self.parse(text)?;
        match sql::parse_one(text, &Variables::default()).map(|parsed| parsed.statement) {
            Ok(sql::Statement::Set { name, value }) => drop(self.properties.insert(bare_name(&name).to_owned(), value)),
            Ok(sql::Statement::Unset { name }) => drop(self.properties.remove(bare_name(&name))),
            _ => {}
        }
        Ok(())
    }

    /// Persistent queries in creation order.
    pub(crate) fn queries(&self) -> Vec<Query> {
        let catalog = self.engine.catalog();
        let topics = |query: &engine::catalog::Query| {
            query.sources.iter().filter_map(|name| catalog.source(name)).map(|source| source.topic.clone()).collect()
        };
        catalog.queries().map(|query| Query { id: query.id.clone(), topics: topics(query) }).collect()
    }

    /// Errors of queries that died.
    pub(crate) fn failures(&self) -> Vec<String> {
        let all = self.engine.runtime().queries();
        let failed = all.iter().filter(|query| query.life().state() == State::Error);
        let errors = |query: &Arc<Running>| -> Vec<String> {
            query.life().errors().iter().map(|error| format!("{}: {}", query.id(), error.message)).collect()
        };
        failed.flat_map(errors).collect()
    }

    pub(crate) fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<(), String> {
        self.gate.create_topic(name, spec).map_err(|e| e.to_string())
    }

    /// Gives a schema a place in the registry, with an id of the case's choice if it has one.
    pub(crate) fn register(
        &self,
        subject: &str,
        schema: &engine::schemas::Schema,
        id: Option<i32>,
    ) -> Result<(), String> {
        schemas::register(&self.engine, subject, schema, id)
    }

    /// The last schema of a subject.
    pub(crate) fn latest(&self, subject: &str) -> Option<Arc<engine::schemas::Schema>> {
        self.engine.schemas().latest(subject).ok().flatten().map(|latest| latest.schema)
    }

    pub(crate) fn topic_names(&self) -> Result<Vec<String>, String> {
        Ok(self.gate.topics().map_err(|e| e.to_string())?.into_iter().map(|topic| topic.name).collect())
    }

    /// How a topic is written.
    pub(crate) fn topic(&self, name: &str) -> Topic {
        topic_in(&self.engine, name)
    }

    pub(crate) fn append(
        &self,
        topic: &str,
        key: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        timestamp: i64,
        headers: &[(String, Option<Vec<u8>>)],
    ) -> Result<(), String> {
        let mut records = RecordsBuilder::default();
        records.push(timestamp, key.as_deref(), value.as_deref());
        headers.iter().for_each(|(key, value)| records.header(key, value.as_deref()));
        let to = TopicPartition { topic: topic.into(), partition: 0 };
        self.gate.append(vec![Output { to, records: records.finish() }]).map(drop).map_err(|e| e.to_string())
    }

    /// All records of a topic.
    pub(crate) fn read(&self, topic: &str) -> Result<Vec<Stored>, String> {
        self.gate.open();
        if !self.topic_names()?.iter().any(|name| name == topic) {
            return Ok(Vec::new());
        }
        read_partition(&*self.gate, topic, 0)
    }

    /// How many records each of these topics holds before the case's inputs; remembers that they are fed by hand.
    pub(crate) fn offsets_before<'a>(
        &mut self,
        topics: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, i64>, String> {
        let mut offsets = BTreeMap::new();
        for topic in topics {
            let of = TopicPartition { topic: topic.into(), partition: 0 };
            offsets.insert(topic.to_owned(), self.gate.bounds(&of).map_err(|e| e.to_string())?.end);
        }
        self.fed = offsets.keys().cloned().collect();
        Ok(offsets)
    }

    /// The query sees nothing of its topics yet.
    pub(crate) fn hold_back(&self, query: &Query) {
        self.gate.open();
        query.topics.iter().for_each(|topic| self.gate.limit(topic, 0));
    }

    /// The first records of a topic become visible.
    pub(crate) fn show_until(&self, topic: &str, end: i64) {
        self.gate.limit(topic, end);
    }

    /// Topics that are not fed by hand become visible.
    pub(crate) fn show_rest(&self, query: &Query) {
        for topic in query.topics.iter().filter(|topic| !self.fed.contains(topic)) {
            self.gate.limit(topic, i64::MAX);
        }
    }

    /// Runs one query until nothing moves.
    pub(crate) fn run(&self, query: &Query) {
        self.engine.run_until_idle(Some(&query.id));
    }

    /// Runs all queries until nothing moves.
    pub(crate) fn run_all(&self) {
        self.gate.open();
        self.engine.run_until_idle(None);
    }

    pub(crate) fn sources(&self) -> Vec<SourceInfo> {
        self.engine.catalog().sources().map(|source| info(source)).collect()
    }

    /// A declared column list in the form of [`SourceInfo::schema_text`].
    pub(crate) fn schema_text(&self, elements: &str) -> Result<String, String> {
        let elements = sql::parse_elements(elements).map_err(|e| format!("{elements}: {e}"))?;
        let mut schema = Schema::default();
        for element in elements {
            let ty = engine::catalog::resolve_type(&element.ty, &self.engine.catalog(), &Bounds::NONE)
                .map_err(|e| e.to_string())?;
            let column = Column::new(element.name.name, ty);
            match element.constraint {
                sql::Constraint::Key | sql::Constraint::PrimaryKey => schema.key.push(column),
                _ => schema.value.push(column),
            }
        }
        Ok(schema.to_string())
    }

    /// ASSERT STREAM and ASSERT TABLE: what the statement declares is what exists.
    pub(crate) fn assert_source(&mut self, expected: &CreateSource) -> Result<(), Refusal> {
        let differs = |what: &str| Refusal {
            kind: RefusalKind::Other,
            message: format!("Expected {what} does not match actual for source {}.", expected.name.name),
            brief: None,
            statement: String::new(),
        };
        let catalog = self.engine.catalog();
        let Some(actual) = catalog.source(&expected.name.name).cloned() else {
            return Err(Refusal { message: format!("{} does not exist", expected.name.name), ..differs("source") });
        };
        if actual.kind != expected.kind {
            return Err(differs("type"));
        }
        // What was declared is planned in an engine of its own, over a topic of the same name.
        let mut other = Subject::new(&BTreeMap::new()).map_err(|message| Refusal { message, ..differs("source") })?;
        let topic = expected.with.0.iter().find(|(name, _)| name.name == "KAFKA_TOPIC");
        if let Some((_, sql::Expr { kind: sql::ExprKind::String(topic), .. })) = topic {
            let spec = TopicSpec { partitions: 1, replicas: 1, config: BTreeMap::new() };
            other.create_topic(topic, &spec).map_err(|message| Refusal { message, ..differs("topic") })?;
        }
        other.properties = self.properties.clone();
        other.execute(&sql::format(&sql::Statement::CreateSource(expected.clone())))?;
        let catalog = other.engine.catalog();
        let Some(wanted) = catalog.source(&expected.name.name) else { return Err(differs("source")) };
        let same_format =
            |one: &FormatSpec, other: &FormatSpec| (&one.name, one.delimiter) == (&other.name, other.delimiter);
        let (formats, declared) = (&actual.formats, &wanted.formats);
        let checks = [
            ("schema", wanted.schema == actual.schema),
            ("kafka topic", wanted.topic == actual.topic),
            ("key format", same_format(&declared.key, &formats.key)),
            ("value format", same_format(&declared.value, &formats.value)),
            (
                "timestamp column",
                wanted.timestamp.as_ref().map(|t| &t.column) == actual.timestamp.as_ref().map(|t| &t.column),
            ),
            ("timestamp format", wanted.timestamp == actual.timestamp),
            ("key serde features", declared.key.wrap_single == formats.key.wrap_single),
            ("value serde features", declared.value.wrap_single == formats.value.wrap_single),
            ("window", declared.window == formats.window),
        ];
        match checks.iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(differs(what)),
            None => Ok(()),
        }
    }
}

/// How a topic is written: as the statement that declares it says, else keyless text.
pub(crate) fn topic_in(engine: &Engine, name: &str) -> Topic {
    let catalog = engine.catalog();
    let subject = |is_key, full_name| schemas::Subject::of_topic(engine.schemas(), name, is_key, full_name);
    let mut sources: Vec<_> = catalog.sources_of_topic(name).cloned().collect();
    sources.sort_by_key(|source| source.created);
    let Some(source) = sources.first() else {
        let side = |format: &str, is_key| {
            let subject = subject(is_key, None);
            Side { format: format.to_owned(), columns: Vec::new(), subject, nullable: None }
        };
        return Topic { key: side("KAFKA", true), value: side("JSON", false), window: None };
    };
    let schema = source.record_schema();
    let side = |format: &FormatSpec, columns: &[Column], is_key| {
        let subject = subject(is_key, format.full_name.clone());
        Side { format: format.name.clone(), columns: columns.to_vec(), subject, nullable: format.nullable }
    };
    let mut key = side(&source.formats.key, &schema.key, true);
    if schema.key.is_empty() && key.format == "NONE" {
        key.format = "KAFKA".to_owned();
    }
    let window = source.formats.window.map(|window| match window.size_ms {
        Some(size_ms) => WindowKind::Time { size_ms },
        None => WindowKind::Session,
    });
    Topic { key, value: side(&source.formats.value, &schema.value, false), window }
}

/// All records of one partition.
pub(crate) fn read_partition(log: &dyn Log, topic: &str, partition: u32) -> Result<Vec<Stored>, String> {
    let of = TopicPartition { topic: topic.into(), partition };
    let mut reader =
        log.reader(vec![Position { of, offset: 0 }], Arc::new(Signal::default())).map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    loop {
        let batches = reader.poll(1 << 20).map_err(|e| e.to_string())?;
        if batches.is_empty() {
            return Ok(all);
        }
        for (_, batch) in batches {
            let records = batch.records;
            all.extend((0..records.len()).map(|i| Stored {
                key: records.keys.is_valid(i).then(|| records.keys.value(i).to_vec()),
                value: records.values.is_valid(i).then(|| records.values.value(i).to_vec()),
                timestamp: records.timestamps[i],
                headers: records.headers.as_ref().map_or_else(Vec::new, |lists| headers_of(&lists.value(i))),
            }));
        }
    }
}

fn terminated(text: &str) -> String {
    if text.trim_end().ends_with(';') { text.to_owned() } else { format!("{text};") }
}

fn headers_of(list: &dyn Array) -> Vec<(String, Option<Vec<u8>>)> {
    let Some(pairs) = list.as_struct_opt() else { return Vec::new() };
    let (keys, values) = (pairs.column(0).as_string::<i32>(), pairs.column(1).as_binary::<i32>());
    (0..pairs.len()).map(|i| (keys.value(i).to_owned(), values.is_valid(i).then(|| values.value(i).to_vec()))).collect()
}

fn info(source: &engine::catalog::Source) -> SourceInfo {
    let schema = source.record_schema();
    let window = source.formats.window;
    let window = (window.map(|window| window.kind.name().to_owned()), window.and_then(|window| window.size_ms));
    SourceInfo {
        name: source.name.clone(),
        is_table: source.kind == SourceKind::Table,
        topic: source.topic.clone(),
        schema: source.schema.clone(),
        key_format: source.formats.key.name.clone(),
        value_format: source.formats.value.name.clone(),
        key_features: features(&source.formats.key, schema.key.len(), true),
        value_features: features(&source.formats.value, schema.value.len(), false),
        window,
        is_source: source.read_only,
    }
}

/// Serde features as ksqlDB names them: only where a single column leaves a choice and the choice is not the default.
fn features(format: &FormatSpec, columns: usize, is_key: bool) -> Vec<String> {
    let Ok(can) = known_format(&format.name).map(|known| known.features()) else { return Vec::new() };
    let unwraps = columns == 1 && can.wrap_singles && can.unwrap_singles && (is_key || !format.wrap_single);
    if unwraps { vec!["UNWRAP_SINGLES".to_owned()] } else { Vec::new() }
}
