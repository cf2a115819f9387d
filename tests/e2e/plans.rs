//! Plans outlive the version that made them: what a release wrote to its command log runs in every later one.
//!
//! `tests/plans/scripts/*.sql` are made into plans. `tests/plans/<release>/` holds what came of that in a release: entries of
//! the command log, rows, and the records that the queries wrote. Such a folder is never changed. If plans look different
//! now, and that is as it should be, `UPDATE_PLANS=<release> cargo test --test e2e -- plans` adds a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array;
use e2e::repository;
use engine::catalog::Change;
use engine::clock::Manual;
use engine::config::Config;
use engine::engine::{Engine, Parts};
use engine::expr::{Kind, Registry};
use engine::kv::Write;
use engine::log::{Embedded, Log, Position, Signal, TopicPartition, TopicSpec};
use engine::statements::Session;
use engine::steps::{SourceColumn, StepKind, WindowKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sql::{Statement, Variables};

const FUNCTIONS: &str = "functions.txt";

/// What came of a script in a release.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    /// The command log.
    commands: Vec<Value>,
    /// Topics with their partitions.
    topics: BTreeMap<String, u32>,
    /// Statements that insert the rows.
    rows: Vec<String>,
    /// What is in the topics then.
    records: BTreeMap<String, Vec<String>>,
}

impl Saved {
    /// As JSON, with a line for each command and each topic.
    fn written(&self) -> String {
        let Self { commands, topics, rows, records } = self;
        let lines = |lines: Vec<String>| lines.join(",\n  ");
        let json = |value: &Value| value.to_string();
        let commands = lines(commands.iter().map(json).collect());
        let rows = lines(rows.iter().map(|row| json(&row.as_str().into())).collect());
        let records = records
            .iter()
            .map(|(topic, found)| format!("{}: {}", json(&topic.as_str().into()), json(&found.clone().into())));
        format!(
            "{{\n\"commands\": [\n  {commands}\n],\n\"topics\": {},\n\"rows\": [\n  {rows}\n],\n\"records\": {{\n  {}\n}}\n}}\n",
            serde_json::json!(topics),
            lines(records.collect())
        )
    }
}

fn folder() -> PathBuf {
    repository().join("tests/plans")
}

fn open(log: &Arc<dyn Log>) -> Engine {
    let settings = [("auto.offset.reset", "earliest"), ("ksql.source.table.materialization.enabled", "true")];
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(Manual::at(1_000)), Config::new(settings).unwrap());
    Engine::new(parts).unwrap()
}

fn run(engine: &Engine, text: &str) {
    if let Err(failure) = engine.execute(text, Session::default(), None) {
        panic!("{text:.200}: {failure}");
    }
    engine.run_until_idle(None);
}

fn is_internal(topic: &str) -> bool {
    topic.starts_with("_confluent-ksql-")
}

/// Every record of every topic that is not internal.
fn records(log: &dyn Log) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for topic in log.topics().unwrap().into_iter().filter(|topic| !is_internal(&topic.name)) {
        let mut found = Vec::new();
        for partition in 0..topic.spec.partitions {
            let from = Position { of: TopicPartition { topic: Arc::from(&*topic.name), partition }, offset: 0 };
            let mut reader = log.reader(vec![from], Arc::<Signal>::default()).unwrap();
            loop {
                let batches = reader.poll(1 << 20).unwrap();
                if batches.is_empty() {
                    break;
                }
                for (_, batch) in batches {
                    let shown = |bytes: &arrow::array::BinaryArray, row| match bytes.is_null(row) {
                        true => "null".to_owned(),
                        false => bytes.value(row).escape_ascii().to_string(),
                    };
                    found.extend((0..batch.offsets.len()).map(|row| {
                        let (key, value) = (shown(&batch.records.keys, row), shown(&batch.records.values, row));
                        format!("{partition} @{} {key} | {value}", batch.records.timestamps[row])
                    }));
                }
            }
        }
        all.insert(topic.name, found);
    }
    all
}

fn commands(log: &dyn Log) -> Vec<Value> {
    let mut all = Vec::new();
    log.kv()
        .scan("commands", Bound::Unbounded, Bound::Unbounded, &mut |_, value| {
            all.push(serde_json::from_slice(value).unwrap());
            true
        })
        .unwrap();
    all
}

/// Plans a script, gives its rows to the queries.
fn save(script: &str) -> Saved {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = open(&log);
    let statements = sql::parse(script, &Variables::default()).unwrap();
    let is_row = |statement: &sql::Parsed| matches!(statement.statement, Statement::InsertValues { .. });
    let texts = |wanted: bool| -> Vec<String> {
        statements.iter().filter(|statement| is_row(statement) == wanted).map(|found| found.text.clone()).collect()
    };
    run(&engine, &texts(false).join("\n"));
    let topics = log.topics().unwrap().into_iter().filter(|topic| !is_internal(&topic.name));
    let topics = topics.map(|topic| (topic.name, topic.spec.partitions)).collect();
    let rows = texts(true);
    rows.iter().for_each(|row| run(&engine, row));
    Saved { commands: commands(&*log), topics, rows, records: records(&*log) }
}

/// Makes every text that SQL could be read from unreadable.
fn without_sql(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| match name.as_str() {
            "text" | "statement" if field.is_string() => *field = "THIS IS NO STATEMENT".into(),
            _ => without_sql(field),
        }),
        Value::Array(items) => items.iter_mut().for_each(without_sql),
        _ => {}
    }
}

fn replay(saved: &Saved) -> BTreeMap<String, Vec<String>> {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    for (name, partitions) in &saved.topics {
        let spec = TopicSpec { partitions: *partitions, replicas: 1, config: BTreeMap::new() };
        log.create_topic(name, &spec).unwrap();
    }
    for (number, command) in (0_u64..).zip(&saved.commands) {
        let mut command = command.clone();
        without_sql(&mut command);
        let value = Some(serde_json::to_vec(&command).unwrap());
        let write = Write { space: Arc::from("commands"), key: number.to_be_bytes().to_vec(), value };
        log.kv().write(write.into()).unwrap();
    }
    let engine = open(&log);
    let lost: Vec<String> = engine.catalog().lost().map(|lost| lost.problem.clone()).collect();
    assert_eq!(lost, <[String; 0]>::default());
    engine.run_until_idle(None);
    saved.rows.iter().for_each(|row| run(&engine, row));
    records(&*log)
}

fn named(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|own| own == extension)).collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no .{extension}", dir.display());
    files
}

/// The folders of releases, oldest first.
fn releases() -> Vec<PathBuf> {
    let all = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut releases: Vec<PathBuf> = all.filter(|path| path.is_dir() && !path.ends_with("scripts")).collect();
    releases.sort_by_key(|path| numbers(path));
    releases
}

/// The numbers of a release: 0.10.0 comes after 0.2.0.
fn numbers(release: &Path) -> Vec<u32> {
    let name = release.file_name().unwrap().to_str().unwrap();
    name.split('.').map(|part| part.parse().unwrap_or_else(|_| panic!("{name} is no release"))).collect()
}

fn read(file: &Path) -> Saved {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Name and types of every variation of every function.
fn functions() -> String {
    let registry = Registry::with(&[]);
    let mut all = String::new();
    for function in registry.iter() {
        for signature in registry.signatures(function.name) {
            all.push_str(&format!("{} {}\n", function.name, signature.types()));
        }
    }
    all
}

#[test]
fn plans_of_every_release_run() {
    for release in releases() {
        for file in named(&release, "json") {
            let saved = read(&file);
            let found = replay(&saved);
            for (topic, records) in &saved.records {
                assert_eq!(found.get(topic), Some(records), "{}: topic {topic}", file.display());
            }
        }
    }
}

#[test]
fn functions_of_every_release_are_there() {
    let registry = Registry::with(&[]);
    for release in releases() {
        for line in fs::read_to_string(release.join(FUNCTIONS)).unwrap().lines() {
            let (name, types) = line.split_once(' ').unwrap();
            assert!(registry.variation(name, types).is_some(), "plans of {} may call {line}", release.display());
        }
    }
}

/// A form that changes unseen is found by those whose server does not start.
#[test]
fn plans_look_as_in_the_last_release() {
    let wanted = std::env::var("UPDATE_PLANS").ok().map(|release| folder().join(release));
    if let Some(release) = &wanted {
        fs::create_dir(release)
            .unwrap_or_else(|error| panic!("{}: {error}; a release is never changed", release.display()));
        fs::write(release.join(FUNCTIONS), functions()).unwrap();
    }
    let last = wanted.clone().or_else(|| releases().pop()).unwrap();
    let hint = "If that is as it should be, add a folder: UPDATE_PLANS=<release> (see the head of this file).";
    for script in named(&folder().join("scripts"), "sql") {
        let saved = save(&fs::read_to_string(&script).unwrap());
        let file = last.join(script.file_stem().unwrap()).with_extension("json");
        if wanted.is_some() {
            fs::write(&file, saved.written()).unwrap();
        }
        let expected = read(&file);
        assert_eq!(saved.commands.len(), expected.commands.len(), "{}: other commands. {hint}", file.display());
        for (now, then) in saved.commands.iter().zip(&expected.commands) {
            assert_eq!(now, then, "{}: {} is planned or written in another way. {hint}", file.display(), now["text"]);
        }
        assert_eq!(saved.records, expected.records, "{}", file.display());
    }
    assert_eq!(fs::read_to_string(last.join(FUNCTIONS)).unwrap(), functions(), "other functions. {hint}");
}

/// Names of variants: values of `kind`, members of `changes` and of `columns`.
fn variants(value: &Value, found: &mut BTreeSet<String>) {
    let name = |value: &Value| match value {
        Value::Object(variant) => variant.keys().next().cloned(),
        Value::String(variant) => Some(variant.clone()),
        _ => None,
    };
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match (key.as_str(), field) {
                    ("kind", field) => found.extend(name(field)),
                    ("changes" | "columns", Value::Array(items)) => found.extend(items.iter().filter_map(name)),
                    ("window", field) => found.extend(name(field)),
                    _ => {}
                }
                variants(field, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| variants(item, found)),
        _ => {}
    }
}

/// Names of all variants that a type is read from: serde tells them to whoever comes with another.
fn all_variants<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = serde_json::from_value::<T>("no such variant".into()) else { panic!("there is such a variant") };
    let error = error.to_string();
    let (_, names) = error.split_once("expected one of ").unwrap_or_else(|| panic!("{error}"));
    names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_scripts_have_everything_in_them() {
    let mut found = BTreeSet::new();
    for file in named(&releases().pop().unwrap(), "json") {
        read(&file).commands.iter().for_each(|command| variants(command, &mut found));
    }
    let mut all = [
        all_variants::<StepKind>(),
        all_variants::<Kind>(),
        all_variants::<Change>(),
        all_variants::<SourceColumn>(),
        all_variants::<WindowKind>(),
    ]
    .concat();
    assert!(all.len() > 50, "{all:?}");
    // Never written: a start that cannot read a command makes it for itself.
    all.retain(|name| name != "lose");
    let missing: Vec<&String> = all.iter().filter(|name| !found.contains(*name)).collect();
    assert!(missing.is_empty(), "in no plan of the last release: {missing:?}");
}
