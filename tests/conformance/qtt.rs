//! Query-validation cases: statements, records in, records out (conformance.md §4, §6-8). Also the `runner` suite.

use std::collections::BTreeMap;

use engine::log::TopicSpec;
use engine::schemas::topic_subject;
use regex::Regex;
use serde_json::Value as Json;

use crate::Mode;
use crate::case::{Case, ExpectedError, Header, PostSource, Record, Window};
use crate::records;
use crate::schemas::{self, Register};
use crate::subject::{Refusal, Stored, Subject, Topic};
use crate::value::{self, Value};

/// Runs one case and says what is wrong with the first thing that is.
pub(crate) fn judge(case: &Case, mode: Mode) -> Result<(), String> {
    let mut subject = Subject::new(&case.properties)?;
    // ksqlDB's driver runs everything on partition 0, whatever a topic has: records have one order. Here the number of
    // partitions decides, and a sink takes it from its source; topics that are joined with a listed one must match it.
    let listed = case.topics.iter().map(|topic| topic.partitions).max();
    create_topics(case, listed.unwrap_or(1), &|name, spec| subject.create_topic(name, spec))?;
    register_schemas(case, &|name, schema, id| subject.register(name, schema, id))?;
    match (execute(case, &mut subject), &case.expected_exception) {
        (Ok(()), None) => {}
        (Err((at, refusal)), None) => return Err(format!("statement {at} failed: {}", refusal.message)),
        (Err((at, refusal)), Some(expected)) => return expected_error(case, at, &refusal, expected),
        (Ok(()), Some(expected)) => return expected_at_run_time(case, &mut subject, mode, expected),
    }
    if subject.queries().is_empty() {
        return Err("no persistent query resulted".to_owned());
    }
    feed_and_drive(case, &mut subject, mode)?;
    compare_outputs(case, &subject)?;
    check_post(case, &subject)
}

/// Partitions that a REST case's topics have if it does not list them.
pub(crate) const INFERRED_PARTITIONS: u32 = 4;

/// Topics the case lists, and those its CREATE statements declare, with so many partitions unless they say otherwise.
pub(crate) fn create_topics(
    case: &Case,
    inferred: u32,
    create: &dyn Fn(&str, &TopicSpec) -> Result<(), String>,
) -> Result<(), String> {
    let mut specs: BTreeMap<String, (u32, u16)> = BTreeMap::new();
    for topic in &case.topics {
        specs.insert(topic.name.clone(), (topic.partitions, topic.replicas));
    }
    for statement in &case.statements {
        let Some((name, partitions)) = declared_topic(statement) else { continue };
        let spec = specs.entry(name).or_insert((inferred, 1));
        spec.0 = partitions.unwrap_or(spec.0);
    }
    // Recorded from a broker that keeps records for ever unless told otherwise.
    let forever = || BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
    let config = if case.is_recorded() { forever() } else { BTreeMap::new() };
    for (name, (partitions, replicas)) in specs {
        create(&name, &TopicSpec { partitions, replicas, config: config.clone() })?;
    }
    Ok(())
}

/// Registers the schemas of the topics the case's statements declare and lists not, then of those it lists: ids count up in
/// that order.
pub(crate) fn register_schemas(case: &Case, register: &Register<'_>) -> Result<(), String> {
    if case.topics.iter().any(|topic| !topic.key_schema.is_null() || !topic.value_schema.is_null()) {
        register_declared(case, register)?;
    }
    case.topics.iter().try_for_each(|topic| schemas::of_topic(topic, register))
}

/// Registers what an engine of its own makes of the statements that declare a topic which the case does not list.
fn register_declared(case: &Case, register: &Register<'_>) -> Result<(), String> {
    let mut apart = Subject::new(&case.properties)?;
    for statement in &case.statements {
        let Some((topic, partitions)) = declared_topic(statement) else { continue };
        if case.topics.iter().any(|listed| listed.name == topic) {
            continue;
        }
        let spec = TopicSpec { partitions: partitions.unwrap_or(1), replicas: 1, config: BTreeMap::new() };
        apart.create_topic(&topic, &spec)?;
        // What is wrong with it shows when the case runs.
        if apart.execute(statement).is_ok() {
            for subject in [true, false].map(|is_key| topic_subject(&topic, is_key)) {
                apart.latest(&subject).map_or(Ok(()), |schema| register(&subject, &schema, None))?;
            }
        }
    }
    Ok(())
}

/// The topic a `CREATE … WITH (…)` names, or the source's name, and how many partitions it asks for.
pub(crate) fn declared_topic(statement: &str) -> Option<(String, Option<u32>)> {
    let parsed = sql::parse_one(statement, &sql::Variables::default()).ok()?;
    let sql::Statement::CreateSource(create) = parsed.statement else { return None };
    let property = |wanted: &str| create.with.0.iter().find(|(name, _)| name.name == wanted).map(|(_, e)| &e.kind);
    let partitions = match property("PARTITIONS") {
        Some(sql::ExprKind::Integer(n)) => u32::try_from(*n).ok(),
        _ => None,
    };
    let name = match property("KAFKA_TOPIC") {
        Some(sql::ExprKind::String(topic)) => topic.clone(),
        _ => create.name.name.clone(),
    };
    Some((name, partitions))
}

/// Parses everything first, then runs one statement after the other; an error comes with the index of its statement.
/// Statements stand in one script, so that errors tell lines of it; those sent to a server stand alone.
fn execute(case: &Case, subject: &mut Subject) -> Result<(), (usize, Refusal)> {
    let mut lines = 0;
    let script: Vec<String> = case
        .statements
        .iter()
        .map(|statement| {
            let placed = format!("{}{statement}", "\n".repeat(lines));
            lines += if case.is_recorded() { 0 } else { 1 + statement.matches('\n').count() };
            placed
        })
        .collect();
    for (at, statement) in script.iter().enumerate() {
        subject.parse(statement).map_err(|refusal| (at, refusal))?;
    }
    for (at, statement) in script.iter().enumerate() {
        subject.execute(statement).map_err(|refusal| (at, refusal))?;
    }
    Ok(())
}

/// Appends all inputs to their topics, in file order, and runs the queries over them.
fn feed_and_drive(case: &Case, subject: &mut Subject, mode: Mode) -> Result<(), String> {
    for record in &case.inputs {
        // What no statement made exists all the same.
        if !subject.topic_names()?.contains(&record.topic) {
            subject.create_topic(&record.topic, &TopicSpec { partitions: 1, replicas: 1, config: BTreeMap::new() })?;
        }
    }
    let before = subject.offsets_before(case.inputs.iter().map(|record| record.topic.as_str()))?;
    for (i, record) in case.inputs.iter().enumerate() {
        append(subject, record).map_err(|why| format!("input {i}: {why}"))?;
    }
    drive(case, subject, mode, &before);
    Ok(())
}

fn append(subject: &Subject, record: &Record) -> Result<(), String> {
    let written = encode(record, &subject.topic(&record.topic))?;
    subject.append(&record.topic, written.key, written.value, written.timestamp, &written.headers)
}

/// An input as it stands in its topic.
pub(crate) fn encode(record: &Record, topic: &Topic) -> Result<Stored, String> {
    let mut key = topic.key.encode(&record.key)?;
    if let Some(window) = &record.window {
        key = key.map(|key| records::encode_window(key, window));
    }
    let value = topic.value.encode(&record.value)?;
    let headers: Result<Vec<_>, String> = record
        .headers
        .iter()
        .map(|header| Ok((header.key.clone(), header.value.as_deref().map(records::header_bytes).transpose()?)))
        .collect();
    Ok(Stored { key, value, timestamp: record.timestamp.unwrap_or(0), headers: headers? })
}

/// Each query in creation order sees the inputs of its topics in file order, then what earlier queries made.
fn drive(case: &Case, subject: &Subject, mode: Mode, before: &BTreeMap<String, i64>) {
    for query in subject.queries() {
        let own: Vec<&str> = case.inputs.iter().map(|r| r.topic.as_str()).filter(|topic| query.reads(topic)).collect();
        subject.hold_back(&query);
        let mut seen = before.clone();
        for (i, topic) in own.iter().enumerate() {
            let end = seen.entry((*topic).to_owned()).or_insert(0);
            *end += 1;
            let goes_on = mode == Mode::All && own.get(i + 1) == Some(topic);
            if !goes_on {
                subject.show_until(topic, *end);
                subject.run(&query);
            }
        }
        subject.show_rest(&query);
        subject.run(&query);
    }
}

/// What is read back from a topic, ready to compare.
struct Actual {
    key: Value,
    value: Value,
    timestamp: i64,
    window: Option<Window>,
    headers: Vec<Header>,
}

fn read_back(case: &Case, topic: &Topic, stored: Vec<Stored>, name: &str) -> Result<Vec<Actual>, String> {
    let exact =
        case.properties.get("use.exact.numeric.comparison").is_none_or(|v| v != "false" && v != &Json::Bool(false));
    let mut all = Vec::new();
    for (i, record) in stored.into_iter().enumerate() {
        let at = |why: String| format!("{name}: record {i}: {why}");
        let (key_bytes, window) = match (&record.key, topic.window) {
            (Some(bytes), Some(kind)) => {
                let (key, window) = records::decode_window(bytes, kind).map_err(at)?;
                (Some(key), Some(window))
            }
            (bytes, _) => (bytes.as_deref(), None),
        };
        let headers = record
            .headers
            .iter()
            .map(|(key, value)| Header { key: key.clone(), value: records::header_text(value.as_deref()) });
        all.push(Actual {
            key: topic.key.decode(key_bytes, exact).map_err(at)?,
            value: topic.value.decode(record.value.as_deref(), exact).map_err(at)?,
            timestamp: record.timestamp,
            window,
            headers: headers.collect(),
        });
    }
    Ok(all)
}

fn compare_outputs(case: &Case, subject: &Subject) -> Result<(), String> {
    compare_topics(case, true, &|name| Ok((subject.topic(name), subject.read(name)?)))
        .map_err(|why| format!("{why}{}", subject.failures().join("\n")))
}

/// How a topic is written, and what stands in it.
type ReadTopic<'a> = dyn Fn(&str) -> Result<(Topic, Vec<Stored>), String> + 'a;

/// Compares every topic among the outputs with what `read` finds in it.
pub(crate) fn compare_topics(case: &Case, with_headers: bool, read: &ReadTopic<'_>) -> Result<(), String> {
    let mut topics: Vec<&str> = Vec::new();
    for record in &case.outputs {
        if !topics.contains(&record.topic.as_str()) {
            topics.push(&record.topic);
        }
    }
    for name in topics {
        let expected: Vec<&Record> = case.outputs.iter().filter(|record| record.topic == name).collect();
        let (topic, stored) = read(name)?;
        let actual = read_back(case, &topic, stored, name)?;
        let first_wrong = expected.iter().zip(&actual).enumerate().find_map(|(i, (e, a))| {
            mismatch(case, e, a, with_headers).map(|what| format!("{name}: record {i}: {what}"))
        });
        if first_wrong.is_some() || expected.len() != actual.len() {
            let counts = || format!("{name}: {} records expected, {} came", expected.len(), actual.len());
            return Err(format!("{}\n{}", first_wrong.unwrap_or_else(counts), listing(&expected, &actual)));
        }
    }
    Ok(())
}

fn mismatch(case: &Case, expected: &Record, actual: &Actual, with_headers: bool) -> Option<String> {
    if !value::matches(&expected.key, &actual.key) {
        return Some("keys differ".to_owned());
    }
    if !value::matches(&expected.value, &actual.value) {
        return Some("values differ".to_owned());
    }
    // INSERT VALUES writes the wall clock, so 0 says nothing in a case without inputs.
    let checked = expected.timestamp.filter(|time| *time != 0 || !case.inputs.is_empty());
    if checked.is_some_and(|time| time != actual.timestamp) {
        return Some("timestamps differ".to_owned());
    }
    if expected.window != actual.window {
        return Some("windows differ".to_owned());
    }
    (with_headers && expected.headers != actual.headers).then(|| "headers differ".to_owned())
}

fn listing(expected: &[&Record], actual: &[Actual]) -> String {
    let mut text = String::new();
    for (i, e) in expected.iter().enumerate() {
        let window = e.window.as_ref().map(|w| format!(" [{},{}]", w.start, w.end)).unwrap_or_default();
        let time = e.timestamp.map_or_else(|| "?".to_owned(), |t| t.to_string());
        text.push_str(&format!("  expected {i}: @{time} {}{window} -> {}\n", e.key, e.value));
    }
    for (i, a) in actual.iter().enumerate() {
        let window = a.window.as_ref().map(|w| format!(" [{},{}]", w.start, w.end)).unwrap_or_default();
        let headers = if a.headers.is_empty() { String::new() } else { format!(" headers {:?}", a.headers) };
        text.push_str(&format!("  actual   {i}: @{} {:?}{window} -> {:?}{headers}\n", a.timestamp, a.key, a.value));
    }
    text
}

/// A statement was refused: by the right one, in the right class, with the right words?
pub(crate) fn expected_error(
    case: &Case,
    at: usize,
    refusal: &Refusal,
    expected: &ExpectedError,
) -> Result<(), String> {
    if case.fails_at.as_deref() == Some("statement")
        && at + 1 != case.statements.len()
        && refusal.kind != crate::subject::RefusalKind::Parse
    {
        return Err(format!("statement {at} failed, not the last one: {}", refusal.message));
    }
    match &refusal.brief {
        // Recorded is what the server answers, not what its engine throws.
        Some(brief) if case.is_recorded() => {
            matches_error(&Refusal { message: brief.clone(), ..refusal.clone() }, expected)
        }
        _ => matches_error(refusal, expected),
    }
}

/// Class and message of an error (conformance.md §8).
pub(crate) fn matches_error(refusal: &Refusal, expected: &ExpectedError) -> Result<(), String> {
    if let Some(class) = &expected.kind
        && !refusal.is_a(class)
    {
        return Err(format!("a {class} is expected, {:?} came: {}", refusal.kind, refusal.message));
    }
    let unlogged = format!("{}\nStatement: {}", refusal.message, refusal.statement);
    match &expected.message {
        Some(message) if !refusal.message.contains(message) && !unlogged.contains(message) => {
            Err(format!("expected message: {message}\nactual message:   {unlogged}"))
        }
        _ => Ok(()),
    }
}

/// The statements passed although an error is expected: it must come while records are processed.
fn expected_at_run_time(
    case: &Case,
    subject: &mut Subject,
    mode: Mode,
    expected: &ExpectedError,
) -> Result<(), String> {
    if case.fails_at.as_deref() != Some("runtime") {
        return Err(format!("no error came; expected: {}", expected.message.as_deref().unwrap_or_default()));
    }
    feed_and_drive(case, subject, mode)?;
    let failures = subject.failures();
    let wanted = expected.message.as_deref().unwrap_or_default();
    if failures.iter().any(|failure| failure.contains(wanted)) {
        return Ok(());
    }
    Err(format!("no query failed with: {wanted}\nfailures: {}", failures.join("\n")))
}

fn check_post(case: &Case, subject: &Subject) -> Result<(), String> {
    let Some(post) = &case.post else { return Ok(()) };
    for expected in &post.sources {
        check_source(expected, subject)?;
    }
    let Some(topics) = &post.topics else { return Ok(()) };
    let names = topic_names_of_several_partitions(case)?;
    if let Some(pattern) = &topics.blacklist {
        let pattern = Regex::new(pattern).map_err(|e| format!("blacklist: {e}"))?;
        if let Some(name) = names.iter().find(|name| pattern.is_match(name)) {
            return Err(format!("topic {name} must not exist"));
        }
    }
    topics.topics.iter().try_for_each(|topic| check_topic(topic, subject, &names))
}

/// Names of all topics there are when the case's statements run over topics of several partitions, as ksqlDB's do, and queries
/// are cut where rows change their partition.
fn topic_names_of_several_partitions(case: &Case) -> Result<Vec<String>, String> {
    let mut subject = Subject::cut(&case.properties)?;
    let declared = case.statements.iter().filter_map(|statement| declared_topic(statement));
    let fixed: Vec<String> = declared.filter(|(_, count)| count.is_some()).map(|(name, _)| name).collect();
    create_topics(case, INFERRED_PARTITIONS, &|name, spec| {
        let partitions = if fixed.iter().any(|n| n == name) { spec.partitions } else { INFERRED_PARTITIONS };
        subject.create_topic(name, &TopicSpec { partitions, ..spec.clone() })
    })?;
    register_schemas(case, &|name, schema, id| subject.register(name, schema, id))?;
    execute(case, &mut subject)
        .map_err(|(at, refusal)| format!("statement {at} failed over several partitions: {}", refusal.message))?;
    subject.topic_names()
}

fn check_topic(expected: &Json, subject: &Subject, names: &[String]) -> Result<(), String> {
    let name = expected["name"].as_str().unwrap_or_default();
    if name.ends_with("-repartition") {
        // Its records are in forms of our own.
        let is_there = names.iter().any(|other| other == name);
        return is_there
            .then_some(())
            .ok_or_else(|| format!("topic {name} must exist, there are {}", names.join(", ")));
    }
    if name.ends_with("-changelog") {
        // State is kept in the local database.
        return Ok(());
    }
    if !subject.topic_names()?.iter().any(|n| n == name) {
        return Err(format!("topic {name} must exist"));
    }
    let topic = subject.topic(name);
    for (side, format) in [("keyFormat", &topic.key.format), ("valueFormat", &topic.value.format)] {
        if let Some(wanted) = expected[side]["format"].as_str()
            && wanted != format
        {
            return Err(format!("topic {name}: {side} {wanted} is expected, it is {format}"));
        }
    }
    Ok(())
}

fn check_source(expected: &PostSource, subject: &Subject) -> Result<(), String> {
    let matching = subject.sources().into_iter().find(|source| source.name == expected.name);
    let Some(source) = matching else { return Err(format!("source {} must exist", expected.name)) };
    let differs =
        |what: &str, wanted: &str, is: &str| Err(format!("{}: {what} {wanted} is expected, it is {is}", source.name));
    let kind = if source.is_table { "table" } else { "stream" };
    if !expected.kind.eq_ignore_ascii_case(kind) {
        return differs("type", &expected.kind, kind);
    }
    if let Some(schema) = &expected.schema {
        let wanted = subject.schema_text(schema)?;
        let is = source.schema_text();
        if wanted != is {
            return differs("schema", &wanted, &is);
        }
    }
    if let Some(format) = &expected.key_format {
        if let Some(name) = &format.format
            && *name != source.key_format
        {
            return differs("key format", name, &source.key_format);
        }
        let (wanted, is) = ((format.window_type.clone(), format.window_size), source.window.clone());
        if wanted != is {
            return differs("window", &format!("{wanted:?}"), &format!("{is:?}"));
        }
    }
    let value_format = expected.value_format.as_ref().and_then(|f| f.as_str().or_else(|| f["format"].as_str()));
    if let Some(name) = value_format
        && name != source.value_format
    {
        return differs("value format", name, &source.value_format);
    }
    for (what, wanted, is) in [
        ("key features", &expected.key_features, &source.key_features),
        ("value features", &expected.value_features, &source.value_features),
    ] {
        if let Some(wanted) = wanted
            && wanted.iter().collect::<std::collections::BTreeSet<_>>() != is.iter().collect()
        {
            return differs(what, &format!("{wanted:?}"), &format!("{is:?}"));
        }
    }
    if expected.is_source.is_some_and(|wanted| wanted != source.is_source) {
        return differs("isSource", "the other", &source.is_source.to_string());
    }
    Ok(())
}
