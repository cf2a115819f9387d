//! What the registry does, over the embedded log in memory and on disk.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Manual;
use crate::log::forwarding::ForwardingLog;
use crate::log::{Embedded, Log, LogError, Output, RecordsBuilder, TopicPartition};
use crate::schemas::{Language, Reference, Schema, SchemaError, Schemas, SubjectNames};

use super::*;

const FOO: &str = r#"{"type":"record","name":"Foo","fields":[{"name":"A","type":["null","long"],"default":null}]}"#;

pub(super) fn over(log: &Arc<dyn Log>) -> SchemaRegistry {
    SchemaRegistry::new(Arc::clone(log), Arc::new(Manual::at(5)), 1, SubjectNames::default())
}

pub(super) fn in_memory() -> Arc<dyn Log> {
    Arc::new(Embedded::in_memory())
}

fn on_disk(dir: &Path) -> Arc<dyn Log> {
    Arc::new(Embedded::open(dir).unwrap())
}

/// Takes every version of every subject.
pub(super) fn take_all(registry: &SchemaRegistry) {
    registry.set_rules(None, Rules { level: Some(Level::None), normalize: None }).unwrap();
}

pub(super) fn avro(text: &str) -> NewSchema {
    NewSchema::of(&Schema::alone(Language::Avro, text))
}

fn proto(text: &str, references: &[(&str, &str, i32)]) -> NewSchema {
    let reference = |(name, subject, version): &(&str, &str, i32)| Reference {
        name: (*name).to_owned(),
        subject: (*subject).to_owned(),
        version: *version,
    };
    let references = references.iter().map(reference).collect();
    NewSchema { references, ..NewSchema::of(&Schema::alone(Language::Protobuf, text)) }
}

#[test]
fn a_schema_has_one_id_wherever_it_stands() {
    let registry = over(&in_memory());
    take_all(&registry);
    assert_eq!(registry.register("x", &avro(FOO)), Ok(1));
    assert_eq!(registry.register("x", &avro(&FOO.replace(',', " , "))), Ok(1));
    assert_eq!(registry.register("y", &avro(FOO)), Ok(1));
    assert_eq!(registry.register("x", &avro("\"string\"")), Ok(2));
    assert_eq!(registry.register("y", &avro("{\"type\":\"string\"}")), Ok(2));
    // The same text in another language is another schema.
    let other = NewSchema { language: Language::Json, ..avro("{\"type\":\"string\"}") };
    assert_eq!(registry.register("z", &other), Ok(3));
    assert_eq!(registry.versions("x", Which::Live), Ok(vec![1, 2]));
    assert_eq!(registry.places(1, Which::Live), Ok(vec![("x".to_owned(), 1), ("y".to_owned(), 1)]));
    assert_eq!(registry.find("y", &avro(" \"string\""), Which::Live).unwrap().version, 2);
    assert_eq!(registry.find("z", &avro(FOO), Which::Live).unwrap_err(), Problem::NoSchema);
    assert_eq!(registry.find("w", &avro(FOO), Which::Live).unwrap_err(), Problem::NoSubject("w".to_owned()));
    let latest = Schemas::latest(&registry, "x").unwrap().unwrap();
    assert_eq!((latest.version, latest.id, &*latest.schema.text), (2, 2, "\"string\""));
    assert_eq!(registry.by_id(4), Err(SchemaError::UnknownId(4)));
    assert_eq!(registry.version("x", VersionNumber::Is(7), Which::Live).unwrap_err(), Problem::NoVersion(7));
}

#[test]
fn what_was_answered_is_there_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let begin = {
        let log = on_disk(dir.path());
        let registry = over(&log);
        assert!(log.topic(TOPIC).unwrap().is_none(), "who only looks makes no topic");
        assert_eq!(registry.subjects("", Which::All), Ok(vec![]));
        assert!(log.topic(TOPIC).unwrap().is_none());
        take_all(&registry);
        registry.register("x", &avro(FOO)).unwrap();
        registry.register("x", &avro("\"string\"")).unwrap();
        registry.register("y", &avro("\"int\"")).unwrap();
        registry.set_rules(None, Rules { level: Some(Level::Full), normalize: None }).unwrap();
        registry.set_rules(Some("y"), Rules { level: Some(Level::None), normalize: Some(true) }).unwrap();
        registry.set_mode(Some("x"), Mode::Readonly, false).unwrap();
        registry.delete_subject("y", false).unwrap();
        registry.set_rules(Some("w"), Rules { level: Some(Level::Forward), normalize: None }).unwrap();
        // Nothing is closed: a start finds what a killed process leaves.
        registry
    };
    drop(begin);
    let log = on_disk(dir.path());
    let registry = over(&log);
    assert_eq!(registry.subjects("", Which::Live), Ok(vec!["x".to_owned()]));
    assert_eq!(registry.subjects("", Which::Deleted), Ok(vec!["y".to_owned()]));
    assert_eq!(registry.version("x", VersionNumber::Latest, Which::Live).unwrap().id, 2);
    assert_eq!(registry.rules(None, false).unwrap().level, Some(Level::Full));
    assert_eq!(registry.rules(Some("w"), false).unwrap().level, Some(Level::Forward));
    assert_eq!(registry.rules(Some("y"), false), Err(Problem::NoCompatibility("y".to_owned())));
    assert_eq!(registry.mode(Some("x"), false), Ok(Mode::Readonly));
    assert_eq!(registry.register("z", &avro("\"long\"")), Ok(4));
    // Two registries over one log see each other's schemas.
    assert_eq!(&*over(&log).by_id(4).unwrap().text, "\"long\"");
}

#[test]
fn deleting_softly_keeps_ids_and_deleting_for_good_frees_none() {
    let log = in_memory();
    let registry = over(&log);
    take_all(&registry);
    registry.register("x", &avro(FOO)).unwrap();
    registry.register("x", &avro("\"string\"")).unwrap();
    let soft = |version| Problem::VersionNotSoftDeleted { subject: "x".to_owned(), version };
    assert_eq!(registry.delete_version("x", VersionNumber::Is(1), true), Err(soft(1)));
    assert_eq!(registry.delete_version("x", VersionNumber::Is(1), false), Ok(1));
    assert_eq!(
        registry.delete_version("x", VersionNumber::Is(1), false),
        Err(Problem::VersionSoftDeleted { subject: "x".to_owned(), version: 1 })
    );
    assert_eq!(registry.versions("x", Which::Live), Ok(vec![2]));
    assert_eq!(registry.versions("x", Which::Deleted), Ok(vec![1]));
    assert_eq!(&*registry.by_id(1).unwrap().text, FOO, "what was written with it can be read");
    // It comes back as a new version under its id, and its old version goes.
    assert_eq!(registry.register("x", &avro(FOO)), Ok(1));
    assert_eq!(registry.versions("x", Which::All), Ok(vec![2, 3]));
    assert_eq!(registry.delete_subject("x", true), Err(Problem::SubjectNotSoftDeleted("x".to_owned())));
    assert_eq!(registry.delete_subject("x", false), Ok(vec![2, 3]));
    assert_eq!(registry.delete_subject("x", false), Err(Problem::SubjectSoftDeleted("x".to_owned())));
    assert_eq!(registry.versions("x", Which::Live), Err(Problem::NoSubject("x".to_owned())));
    assert_eq!(registry.delete_subject("x", true), Ok(vec![2, 3]));
    assert_eq!(registry.delete_subject("x", true), Err(Problem::NoSubject("x".to_owned())));
    assert_eq!(registry.by_id(2), Err(SchemaError::UnknownId(2)));
    for registry in [registry, over(&log)] {
        registry.register("z", &avro(FOO)).unwrap();
        assert_eq!(registry.places(3, Which::Live), Ok(vec![("z".to_owned(), 1)]), "1 and 2 stay as they were");
    }
}

#[test]
fn a_topic_that_is_dropped_takes_its_subject_along() {
    let registry = over(&in_memory());
    registry.register("x", &avro(FOO)).unwrap();
    registry.set_rules(Some("x"), Rules { level: Some(Level::None), normalize: None }).unwrap();
    assert_eq!((registry.has(Some("x"), None), registry.has(None, Some(1))), (Ok(true), Ok(true)));
    assert_eq!((registry.has(Some("x"), Some(2)), registry.has(Some("y"), Some(1))), (Ok(false), Ok(false)));
    Schemas::delete(&registry, "x").unwrap();
    Schemas::delete(&registry, "x").unwrap();
    assert_eq!((registry.has(Some("x"), None), registry.has(None, Some(1))), (Ok(false), Ok(false)));
    assert_eq!(registry.subjects("", Which::All), Ok(vec![]));
    assert_eq!(registry.rules(Some("x"), false), Err(Problem::NoCompatibility("x".to_owned())));
}

#[test]
fn references_are_looked_up_and_hold_what_they_name() {
    let registry = over(&in_memory());
    let main = |version| proto("import \"dep.proto\";", &[("dep.proto", "dep", version)]);
    let missing = registry.register("main", &main(1)).unwrap_err();
    assert!(missing.to_string().contains("No schema reference found for subject \"dep\" and version 1"), "{missing}");
    registry.register("dep", &proto("message Dep {}", &[])).unwrap();
    assert_eq!(registry.register("main", &main(-1)), Ok(2));
    assert_eq!(registry.register("main", &main(1)), Ok(2));
    let schema = registry.by_id(2).unwrap();
    assert_eq!((schema.references[0].version, &*schema.referenced[0].text), (1, "message Dep {}"));
    assert_eq!(registry.referenced_by("dep", VersionNumber::Latest), Ok(vec![2]));
    let held = Problem::Referenced { subject: "dep".to_owned(), version: 1 };
    assert_eq!(registry.delete_subject("dep", false), Err(held.clone()));
    assert_eq!(registry.delete_version("dep", VersionNumber::Is(1), false), Err(held.clone()));
    assert_eq!(Schemas::delete(&registry, "dep"), Err(held.into()));
}

#[test]
fn modes_say_what_may_be_done() {
    let registry = over(&in_memory());
    registry.register("x", &avro(FOO)).unwrap();
    registry.set_mode(Some("x"), Mode::Readonly, false).unwrap();
    let refused = |problem: Problem, text: &str| assert_eq!((problem.code(), &*problem.to_string()), (42205, text));
    refused(registry.register("x", &avro("\"int\"")).unwrap_err(), "Subject x is in read-only mode");
    refused(registry.delete_subject("x", false).unwrap_err(), "Subject x is in read-only mode");
    assert_eq!(registry.register("x", &avro(FOO)), Ok(1), "it is there already");
    assert_eq!(registry.delete_mode(Some("x")), Ok(Mode::Readonly));
    assert_eq!(registry.mode(Some("x"), false), Err(Problem::NoMode("x".to_owned())));
    assert_eq!(registry.mode(Some("x"), true), Ok(Mode::Readwrite));
    let numbered = |id, version| NewSchema { id: Some(id), version: Some(version), ..avro("\"int\"") };
    refused(registry.register("x", &numbered(70, 9)).unwrap_err(), "Subject x is not in import mode");
    refused(
        registry.set_mode(Some("x"), Mode::Import, false).unwrap_err(),
        "Cannot import since found existing subjects",
    );
    registry.set_mode(Some("x"), Mode::Import, true).unwrap();
    refused(registry.register("x", &avro("\"long\"")).unwrap_err(), "Subject x is not in read-write mode");
    assert_eq!(registry.register("x", &numbered(70, 9)), Ok(70));
    assert_eq!(registry.versions("x", Which::Live), Ok(vec![1, 9]));
    refused(
        registry.register("x", &NewSchema { id: Some(70), ..avro("\"long\"") }).unwrap_err(),
        "Overwrite new schema with id 70 is not permitted.",
    );
    registry.delete_mode(Some("x")).unwrap();
    assert_eq!(registry.register("y", &avro("\"long\"")), Ok(71));
    let schema = Schema::alone(Language::Avro, "\"float\"");
    registry.import("x", &schema, 90).unwrap();
    registry.import("x", &schema, 90).unwrap();
    assert_eq!(
        (&*registry.by_id(90).unwrap().text, registry.versions("x", Which::Live)),
        ("\"float\"", Ok(vec![1, 9, 10]))
    );
    registry.set_mode(None, Mode::ReadonlyOverride, false).unwrap();
    assert_eq!(registry.mode(Some("y"), false), Ok(Mode::ReadonlyOverride));
}

#[test]
fn what_is_no_schema_or_no_subject_is_refused() {
    let registry = over(&in_memory());
    let refused = |name: &str, schema: &NewSchema| {
        let problem = registry.register(name, schema).unwrap_err();
        (problem.code(), problem.to_string())
    };
    let invalid = "Invalid schema of type AVRO, details: Type not supported: nope";
    assert_eq!(refused("x", &avro("{\"type\":\"nope\"}")), (42201, invalid.to_owned()));
    assert_eq!(refused("x", &avro(" ")), (42201, "Empty schema".to_owned()));
    assert_eq!(refused("x", &avro(&"x".repeat(2 << 20))).0, 42209);
    assert_eq!(refused("", &avro(FOO)).0, 42208);
    assert_eq!(refused(":.ctx:x", &avro(FOO)).0, 42208);
    assert!(refused(":.ctx:x", &avro(FOO)).1.ends_with("contexts are not supported."));
    assert_eq!(refused("x\n", &avro(FOO)).0, 42208);
    assert_eq!(refused("x", &NewSchema { version: Some(3), ..avro(FOO) }).0, 42201);
    assert_eq!(registry.register("x", &NewSchema { version: Some(1), ..avro(FOO) }), Ok(1));
    assert_eq!(VersionNumber::read("0"), Err(Problem::InvalidVersion("0".to_owned())));
    assert_eq!(VersionNumber::read(" LATEST"), Ok(VersionNumber::Latest));
}

#[test]
fn one_language_stays_in_a_subject() {
    let registry = over(&in_memory());
    registry.register("x", &avro(FOO)).unwrap();
    let other = NewSchema { language: Language::Json, ..avro("{}") };
    let problem = registry.register("x", &other).unwrap_err();
    let old = registry.version("x", VersionNumber::Latest, Which::Live).unwrap().schema.text.clone();
    let told = format!(
        "Schema being registered is incompatible with an earlier schema for subject \"x\", details: [Incompatible because \
         of different schema type, {{oldSchemaVersion: 1}}, {{oldSchema: '{old}'}}, {{validateFields: 'false', \
         compatibility: 'BACKWARD'}}]"
    );
    assert_eq!((problem.code(), problem.to_string()), (409, told));
    registry.set_rules(Some("x"), Rules { level: Some(Level::None), normalize: None }).unwrap();
    assert_eq!(registry.register("x", &other), Ok(2));
}

/// A record with these fields: `a`, `b?` with a default.
fn fields(names: &[&str]) -> NewSchema {
    let field = |name: &&str| match name.strip_suffix('?') {
        Some(name) => format!(r#"{{"name":"{name}","type":"int","default":0}}"#),
        None => format!(r#"{{"name":"{name}","type":"int"}}"#),
    };
    let fields: Vec<String> = names.iter().map(field).collect();
    avro(&format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(",")))
}

#[test]
fn levels_say_what_a_new_version_must_go_with() {
    // Versions in order, and the levels that take all of them.
    for (versions, taken_by) in [
        (
            vec![vec!["a"], vec!["a", "b?"]],
            "BACKWARD BACKWARD_TRANSITIVE FORWARD FORWARD_TRANSITIVE FULL FULL_TRANSITIVE",
        ),
        (vec![vec!["a"], vec!["a", "b"]], "FORWARD FORWARD_TRANSITIVE"),
        (vec![vec!["a", "b"], vec!["a"]], "BACKWARD BACKWARD_TRANSITIVE"),
        (vec![vec!["a"], vec!["a", "b?"], vec!["a", "b"]], "BACKWARD FORWARD FORWARD_TRANSITIVE FULL"),
        (vec![vec!["a", "b"], vec!["a", "b?"], vec!["a"]], "BACKWARD BACKWARD_TRANSITIVE FORWARD FULL"),
    ] {
        for level in
            ["BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE"]
        {
            let registry = over(&in_memory());
            registry.set_rules(None, Rules { level: Level::of_name(level), normalize: None }).unwrap();
            let (last, before) = versions.split_last().unwrap();
            let in_order: Vec<_> = before.iter().map(|names| registry.register("x", &fields(names))).collect();
            assert!(in_order.iter().all(Result::is_ok), "{versions:?} {level}: {in_order:?}");
            let refused = registry.incompatibilities("x", None, &fields(last)).unwrap();
            let answer = registry.register("x", &fields(last));
            let takes = level == "NONE" || taken_by.split(' ').any(|it| it == level);
            assert_eq!(answer.is_ok(), takes, "{versions:?} {level}: {answer:?}");
            assert!(takes || !refused.is_empty(), "{versions:?} {level}: {refused:?}");
        }
    }
    let registry = over(&in_memory());
    registry.register("x", &fields(&["a"])).unwrap();
    let told = registry.register("x", &fields(&["a", "b"])).unwrap_err();
    assert_eq!(
        told,
        Problem::Incompatible {
            subject: "x".to_owned(),
            messages: vec![
                "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the \
                 new schema has no default value and is missing in the old schema', additionalInfo:'b'}"
                    .to_owned(),
                "{oldSchemaVersion: 1}".to_owned(),
                r#"{oldSchema: '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'}"#.to_owned(),
                "{validateFields: 'false', compatibility: 'BACKWARD'}".to_owned(),
            ]
        }
    );
}

#[test]
fn protobuf_is_compared_too() {
    let registry = over(&in_memory());
    let of = |fields: &str| proto(&format!("syntax = \"proto3\"; message A {{ {fields} }}"), &[]);
    registry.register("x", &of("int32 a = 1;")).unwrap();
    assert_eq!(registry.register("x", &of("int32 a = 1; string b = 2;")), Ok(2));
    let told = registry.register("x", &of("string a = 1;")).unwrap_err().to_string();
    let expected = "{errorType:\"FIELD_SCALAR_KIND_CHANGED\", description:\"The kind of a SCALAR field at path '#/A/1' in the \
                    new schema does not match its kind in the old schema\"}";
    assert!(told.contains(expected) && told.contains("{oldSchemaVersion: 2}"), "{told}");
    assert_eq!(registry.register("y", &proto("message A {", &[])).unwrap_err().code(), 42201);
}

#[test]
fn json_schemas_that_refer_to_others_are_compared() {
    let registry = over(&in_memory());
    let json = |text: &str, version: Option<i32>| {
        let to = |version| Reference { name: "part.json".to_owned(), subject: "part".to_owned(), version };
        NewSchema { language: Language::Json, references: version.map(to).into_iter().collect(), ..avro(text) }
    };
    registry.register("part", &json(r#"{"type":"integer"}"#, None)).unwrap();
    registry.register("part", &json(r#"{"type":"number"}"#, None)).unwrap();
    registry.set_rules(Some("part"), Rules { level: Some(Level::None), normalize: None }).unwrap();
    registry.register("part", &json(r#"{"type":"string"}"#, None)).unwrap();
    let whole = |version| json(r#"{"type":"object","properties":{"a":{"$ref":"part.json"}}}"#, Some(version));
    registry.register("whole", &whole(1)).unwrap();
    assert_eq!(registry.incompatibilities("whole", None, &whole(2)), Ok(vec![]));
    let told = registry.register("whole", &whole(3)).unwrap_err().to_string();
    assert!(told.contains("TYPE_CHANGED") && told.contains("#/properties/a"), "{told}");
    let gone = json(r#"{"$ref":"gone.json"}"#, None);
    let told = registry.register("other", &gone).unwrap_err();
    let expected =
        "Invalid schema of type JSON, details: External JSON Schema references are not allowed: gone.json".to_owned();
    assert_eq!((told.code(), told.to_string()), (42201, expected));
    registry.set_mode(Some("other"), Mode::Import, false).unwrap();
    let imported = NewSchema { id: Some(50), ..gone };
    assert_eq!(registry.register("other", &imported), Ok(50), "what another registry had is taken as it is");
}

#[test]
fn records_that_are_not_understood_are_left_out() {
    let log = in_memory();
    let registry = over(&log);
    take_all(&registry);
    registry.register("x", &avro(FOO)).unwrap();
    let mut records = RecordsBuilder::default();
    records.push(0, Some(b"nonsense"), None);
    records.push(0, None, Some(b"x"));
    let context = br#"{"keytype":"SCHEMA","subject":":.c:x","version":1,"magic":1}"#;
    records.push(0, Some(context), Some(br#"{"subject":":.c:x","version":1,"id":1,"schema":"\"int\""}"#));
    let to = TopicPartition { topic: TOPIC.into(), partition: 0 };
    log.append(vec![Output { to, records: records.finish() }]).unwrap();
    let registry = over(&log);
    assert_eq!(registry.subjects("", Which::All), Ok(vec!["x".to_owned()]));
    assert_eq!(&*registry.by_id(1).unwrap().text, FOO);
    assert_eq!(registry.register("x", &avro("\"int\"")), Ok(2));
}

/// A log that takes no records while it is told so.
struct Full {
    inner: Arc<dyn Log>,
    is_full: std::sync::atomic::AtomicBool,
}

impl ForwardingLog for Full {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>, LogError> {
        if self.is_full.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(LogError::Broker("full".to_owned()));
        }
        self.inner.append(outputs)
    }
}

#[test]
fn what_could_not_be_written_has_not_happened() {
    let full = Arc::new(Full { inner: in_memory(), is_full: true.into() });
    let log: Arc<dyn Log> = full.clone();
    let registry = over(&log);
    let problem = registry.register("x", &avro(FOO)).unwrap_err();
    assert!(problem.code() == 50001 && SchemaError::from(problem).may_pass());
    assert_eq!(registry.subjects("", Which::All), Ok(vec![]));
    full.is_full.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(registry.register("x", &avro(FOO)), Ok(1));
}

#[test]
fn a_topic_that_is_gone_is_told() {
    let log = in_memory();
    let registry = over(&log);
    registry.register("x", &avro(FOO)).unwrap();
    log.delete_topic(TOPIC).unwrap();
    assert_eq!(&*registry.by_id(1).unwrap().text, FOO, "what is known stays known");
    let problem = registry.register("x", &avro("\"int\"")).unwrap_err();
    assert!(problem.to_string().contains("topic _schemas, which keeps the schemas, was deleted"), "{problem}");
}

/// Who registers at once gets one id for each schema, whoever looks meanwhile sees whole schemas, and a start finds the
/// same.
#[test]
fn many_register_at_once() {
    let log = in_memory();
    let registry = over(&log);
    take_all(&registry);
    let schema = |i: usize| avro(&format!(r#"{{"type":"int","n":{i}}}"#));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let registry = &registry;
            scope.spawn(move || {
                for i in 0..100 {
                    // Each schema is registered by two of them, in subjects of both.
                    let id = registry.register(&format!("s{}", i % 7), &schema(thread / 2 * 100 + i)).unwrap();
                    let text = &registry.by_id(id).unwrap().text;
                    assert_eq!(**text, schema(thread / 2 * 100 + i).text);
                    registry.all("", Which::All, false, 0..usize::MAX).unwrap();
                }
            });
        }
    });
    let seen = |registry: &SchemaRegistry| {
        let all = registry.all("", Which::All, false, 0..usize::MAX).unwrap();
        all.into_iter().map(|it| (it.subject, it.version, it.id, it.schema.text.clone())).collect::<Vec<_>>()
    };
    let versions = seen(&registry);
    assert_eq!(versions.len(), 200);
    let mut ids: Vec<i32> = versions.iter().map(|(_, _, id, _)| *id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=200).collect::<Vec<i32>>());
    assert_eq!(seen(&over(&log)), versions);
}

/// Texts that somebody has damaged are schemas or are refused, in bounded time: nothing panics. Those that are taken are
/// the same schema again when they are read back.
#[test]
fn damaged_texts_are_schemas_or_refused() {
    let records = r#"{"type":"record","name":"a.Foo","doc":"d","fields":[{"name":"A","type":["null",{"type":"array","items":
        {"type":"enum","name":"E","symbols":["X","Y"],"default":"X"}}],"default":null,"aliases":["B"]},{"name":"F","type":
        {"type":"fixed","name":"G","size":4}},{"name":"M","type":{"type":"map","values":"Foo"},"order":"ignore","x":1.50}]}"#;
    let messages = "syntax = \"proto3\"; package a.b; import \"google/protobuf/any.proto\"; // it\nmessage Foo { repeated int32 a = 1 [packed = \
        false]; map<string, Foo> m = 2; oneof o { bytes b = 3; } enum E { X = 0; } reserved 9 to max; /* end */ }";
    let objects = r##"{"$ref":"#/definitions/a","definitions":{"a":{"type":["object","null"],"properties":{"x":{"oneOf":[{"type":
        "null"},{"$ref":"#/definitions/a"}]},"y":{"enum":[1,"2"]}},"required":["y"],"additionalProperties":{"type":"number",
        "maximum":5}}}}"##;
    let seeds = [(Language::Avro, records), (Language::Protobuf, messages), (Language::Json, objects)];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let (mut taken, mut refused) = (0, 0);
    for round in 0..6_000 {
        let (language, seed) = seeds[round % seeds.len()];
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..random(4) {
            let (at, with) = (random(bytes.len()), random(bytes.len()));
            match random(4) {
                0 => bytes[at] = *b"{}[]\",:/ \\09aA\xc3".get(random(15)).unwrap_or(&b' '),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, bytes[with]),
                _ => {
                    let end = (at + random(30)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(with..with, piece);
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let registry = over(&in_memory());
        let new = |text: &str| NewSchema { language, text: text.to_owned(), ..avro("") };
        match registry.register("x", &new(&text)) {
            Ok(id) => {
                taken += 1;
                let kept = registry.by_id(id).unwrap();
                assert_eq!(registry.register("x", &new(&kept.text)), Ok(id), "{text}\n{}", kept.text);
                let sorted = NewSchema { normalize: true, ..new(&text) };
                registry.register("y", &sorted).unwrap();
                drop(registry.incompatibilities("x", None, &new(seed)));
                registry.set_rules(None, Rules { level: Some(Level::FullTransitive), normalize: None }).unwrap();
                drop(registry.register("x", &new(seed)));
            }
            Err(problem) => {
                refused += 1;
                assert_eq!(problem.code(), 42201, "{text}: {problem}");
            }
        }
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} taken, {refused} refused");
}
