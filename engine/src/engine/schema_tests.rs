//! Statements over formats whose schemas stand in a registry.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::tests::{ask, in_memory, records, rows, run};
use super::{Engine, Parts};
use crate::clock::Manual;
use crate::config::Config;
use crate::log::{Log, Output, RecordsBuilder, TopicPartition, TopicSpec};
use crate::schemas::testing::InMemory;
use crate::schemas::{Language, Schema, Schemas, put_header};
use crate::statements::{Failure, Session};

fn engine_on(log: &Arc<dyn Log>, schemas: &Arc<InMemory>) -> Engine {
    let config = Config::new([("auto.offset.reset", "earliest")]).unwrap();
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(Manual::at(1_000)), config);
    Engine::new(Parts { schemas: Arc::clone(schemas) as Arc<dyn Schemas>, ..parts }).unwrap()
}

fn engine() -> (Engine, Arc<InMemory>) {
    let schemas = Arc::new(InMemory::default());
    (engine_on(&in_memory(), &schemas), schemas)
}

fn refused(engine: &Engine, text: &str) -> Failure {
    engine.execute(text, Session::default(), None).unwrap_err()
}

fn schema_of(engine: &Engine, source: &str) -> String {
    engine.catalog().source(source).unwrap().schema.to_string()
}

fn topic(engine: &Engine, name: &str) {
    let spec = TopicSpec { partitions: 1, replicas: 1, config: std::collections::BTreeMap::new() };
    engine.log().create_topic(name, &spec).unwrap();
}

/// A schema of somebody else: names in lower case.
fn register(schemas: &InMemory, subject: &str) -> i32 {
    let text = json!({"type": "object", "title": "Order", "properties": {
        "id": {"type": "integer", "connect.index": 0},
        "item": {"type": "string", "connect.index": 1},
    }});
    schemas.register(subject, &Schema::alone(Language::Json, text.to_string())).unwrap()
}

#[test]
fn columns_come_from_the_subject_and_stay_in_the_plan() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = engine_on(&log, &schemas);
    topic(&engine, "orders");
    let id = register(&schemas, "orders-value");
    run(&engine, "CREATE STREAM orders (k STRING KEY) WITH (kafka_topic='orders', value_format='JSON_SR');");
    assert_eq!(schema_of(&engine, "ORDERS"), "`K` STRING KEY, `ID` BIGINT, `ITEM` STRING");
    let source = Arc::clone(engine.catalog().source("ORDERS").unwrap());
    assert_eq!((source.formats.value.inferred_from, source.formats.value.schema_id), (Some(id), None));
    assert!(source.statement.contains("K STRING KEY, ID BIGINT, ITEM STRING"), "{}", source.statement);
    engine.shut_down();

    let calls = schemas.calls.load(Ordering::SeqCst);
    let again = engine_on(&log, &schemas);
    assert_eq!(schema_of(&again, "ORDERS"), "`K` STRING KEY, `ID` BIGINT, `ITEM` STRING");
    assert_eq!(schemas.calls.load(Ordering::SeqCst), calls, "a start asks no registry");
}

#[test]
fn a_schema_asked_for_by_id_keeps_its_names() {
    let (engine, schemas) = engine();
    topic(&engine, "orders");
    let id = register(&schemas, "elsewhere");
    let create = format!(
        "CREATE STREAM orders (k STRING KEY) WITH (kafka_topic='orders', value_format='JSON_SR', value_schema_id={id});"
    );
    run(&engine, &create);
    assert_eq!(schema_of(&engine, "ORDERS"), "`K` STRING KEY, `id` BIGINT, `item` STRING");
    let source = Arc::clone(engine.catalog().source("ORDERS").unwrap());
    assert!(source.statement.contains("VALUE_SCHEMA_FULL_NAME='Order'"), "{}", source.statement);
    assert_eq!(schemas.subjects(), ["elsewhere", "orders-value"]);
    let written = format!(
        "CREATE STREAM copy WITH (value_format='JSON_SR', value_schema_id={id}) AS SELECT k, `id`, `item` FROM orders;"
    );
    run(&engine, &written);
    for statement in [
        engine.catalog().source("COPY").unwrap().statement.clone(),
        engine.catalog().queries().next().unwrap().statement.clone(),
    ] {
        assert!(statement.contains("VALUE_SCHEMA_FULL_NAME='Order'"), "{statement}");
    }
}

#[test]
fn both_sides_may_be_bare() {
    let (engine, schemas) = engine();
    topic(&engine, "t");
    let bare = Schema::alone(Language::Json, json!({"type": "integer"}).to_string());
    schemas.register("t-key", &bare).unwrap();
    schemas.register("t-value", &bare).unwrap();
    let wrapped = refused(&engine, "CREATE TABLE t WITH (kafka_topic='t', format='JSON_SR');").message;
    assert!(wrapped.contains("set 'WRAP_SINGLE_VALUE=false' in the WITH clause properties."), "{wrapped}");
    run(&engine, "CREATE TABLE t WITH (kafka_topic='t', format='JSON_SR', wrap_single_value=false);");
    assert_eq!(schema_of(&engine, "T"), "`ROWKEY` BIGINT KEY, `ROWVAL` BIGINT");
}

#[test]
fn what_cannot_be_inferred_is_told() {
    let (engine, schemas) = engine();
    topic(&engine, "t");
    let missing = refused(&engine, "CREATE STREAM s WITH (kafka_topic='t', value_format='JSON_SR');").message;
    assert!(
        missing.starts_with(
            "Schema for message values on topic 't' does not exist in the Schema Registry.\nSubject: t-value\n"
        ),
        "{missing}"
    );
    schemas.register("t-value", &Schema::alone(Language::Avro, "\"int\"")).unwrap();
    let other = refused(&engine, "CREATE STREAM s WITH (kafka_topic='t', value_format='JSON_SR');").message;
    assert_eq!(
        other,
        "Value schema is not in the expected format. You may want to set VALUE_FORMAT to 'AVRO'.\ntopic: t\nexpected \
         format: JSON\nactual format from Schema Registry: AVRO"
    );
    let none = refused(&engine, "CREATE STREAM s WITH (kafka_topic='t', value_format='JSON');").message;
    assert_eq!(none, "No columns supplied.");
    let both = "CREATE STREAM s (a INT) WITH (kafka_topic='t', value_format='JSON_SR', value_schema_id=1);";
    assert_eq!(
        refused(&engine, both).message,
        "Table elements and VALUE_SCHEMA_ID cannot both exist for create statement."
    );
    schemas.is_down.store(true, Ordering::SeqCst);
    let down = refused(&engine, "CREATE STREAM s WITH (kafka_topic='t', value_format='JSON_SR');").message;
    assert!(down.contains("request failed for topic: t") && down.contains("http://registry:8081"), "{down}");
}

#[test]
fn create_registers_what_is_not_there_and_create_as_always() {
    let (engine, schemas) = engine();
    run(&engine, "CREATE STREAM a (k INT KEY, v INT) WITH (kafka_topic='a', format='JSON_SR', partitions=1);");
    assert_eq!(schemas.subjects(), ["a-key", "a-value"]);
    run(&engine, "CREATE STREAM b (k INT KEY, w STRING) WITH (kafka_topic='a', format='JSON_SR');");
    assert_eq!(schemas.latest("a-value").unwrap().unwrap().version, 1);
    run(&engine, "CREATE STREAM c AS SELECT k, v + 1 AS v FROM a;");
    assert_eq!(schemas.subjects(), ["C-key", "C-value", "a-key", "a-value"]);
    run(&engine, "INSERT INTO a VALUES (1, 2);");
    let mut push = ask(&engine, "SELECT * FROM c EMIT CHANGES LIMIT 1;");
    assert_eq!(rows(&engine, &mut push), ["[1,3]", "LimitReached"]);
    assert_eq!(records(&**engine.log(), "C").len(), 1);

    let number = schemas.subjects().len();
    run(&engine, "CREATE STREAM IF NOT EXISTS c AS SELECT k FROM a;");
    refused(&engine, "CREATE STREAM d AS SELECT k, v AS w FROM a; CREATE STREAM e AS SELECT nope FROM a;");
    assert_eq!(schemas.subjects().len(), number);

    run(&engine, "DROP STREAM c DELETE TOPIC;");
    assert_eq!(schemas.subjects(), ["a-key", "a-value"]);
}

#[test]
fn an_incompatible_schema_leaves_nothing_behind() {
    let (engine, schemas) = engine();
    run(&engine, "CREATE STREAM a (k INT KEY, v INT) WITH (kafka_topic='a', format='JSON_SR', partitions=1);");
    register(&schemas, "C-value");
    schemas.close("C-value");
    let told = refused(&engine, "CREATE STREAM c AS SELECT * FROM a;").message;
    assert_eq!(
        told,
        "Could not register schema for topic: Could not register schema for topic: Schema being registered is \
         incompatible with an earlier schema for subject \"C-value\", details: [it is closed]; error code: 409"
    );
    assert_eq!(schemas.subjects(), ["C-value", "a-key", "a-value"]);
    assert!(engine.catalog().source("C").is_none() && engine.log().topic("C").unwrap().is_none());
}

#[test]
fn a_script_may_infer_what_it_registers() {
    let (engine, _) = engine();
    run(
        &engine,
        "CREATE STREAM a (k INT KEY, v INT) WITH (kafka_topic='a', format='JSON_SR', partitions=1);
         CREATE STREAM c AS SELECT k, v AS w FROM a;
         CREATE STREAM d WITH (kafka_topic='C', format='JSON_SR');",
    );
    assert_eq!(schema_of(&engine, "D"), "`ROWKEY` INTEGER KEY, `W` INTEGER");
}

#[test]
fn a_create_as_may_write_by_a_schema_of_its_choice() {
    let (engine, schemas) = engine();
    run(
        &engine,
        "CREATE STREAM a (`id` BIGINT, `item` STRING) WITH (kafka_topic='a', value_format='JSON_SR', partitions=1);",
    );
    let id = register(&schemas, "elsewhere");
    let with = |id: i32| format!("CREATE STREAM c WITH (value_schema_id={id}) AS SELECT * FROM a;");
    run(&engine, &with(id));
    assert_eq!(schemas.latest("C-value").unwrap().unwrap().id, id);
    let odd = json!({"type": "object", "properties": {"item": {"type": "string"}}}).to_string();
    let odd = schemas.register("odd", &Schema::alone(Language::Json, odd)).unwrap();
    let told = refused(&engine, &with(odd).replace("STREAM c", "STREAM d")).message;
    assert_eq!(
        told,
        "The following value columns are changed, missing or reordered: [`id` BIGINT, `item` STRING]. Schema from \
         schema registry is [`item` STRING]"
    );
}

#[test]
fn keys_of_another_schema_are_not_inserted() {
    let (engine, schemas) = engine();
    topic(&engine, "t");
    let key = Schema::alone(Language::Json, json!({"type": "integer"}).to_string());
    schemas.register("t-key", &key).unwrap();
    run(&engine, "CREATE STREAM s (v INT) WITH (kafka_topic='t', format='JSON_SR');");
    let told = refused(&engine, "INSERT INTO s VALUES (1, 2);").message;
    assert!(
        told.starts_with(
            "Failed to insert values into 'S'. Cannot INSERT VALUES into data source `S`. ksqlDB generated schema would \
             overwrite existing key schema.\n\tExisting Schema: {\"type\":\"integer\"}\n\tksqlDB Generated: {"
        ),
        "{told}"
    );
}

#[test]
fn assertions_look_into_the_registry() {
    let (engine, schemas) = engine();
    let id = register(&schemas, "orders-value");
    run(&engine, &format!("ASSERT SCHEMA SUBJECT 'orders-value' ID {id}; ASSERT NOT EXISTS SCHEMA SUBJECT other;"));
    let told = refused(&engine, "ASSERT NOT EXISTS SCHEMA SUBJECT 'orders-value' TIMEOUT 0 SECONDS;").message;
    assert_eq!(told, "Schema with subject name orders-value exists");
}

#[test]
fn a_silent_registry_leaves_nothing_half_done() {
    let (engine, schemas) = engine();
    run(&engine, "CREATE STREAM a (k INT KEY, v INT) WITH (kafka_topic='a', format='JSON_SR', partitions=1);");
    schemas.is_down.store(true, Ordering::SeqCst);
    for text in [
        "CREATE STREAM b (k INT KEY, v INT) WITH (kafka_topic='b', format='JSON_SR', partitions=1);",
        "CREATE STREAM b AS SELECT * FROM a;",
        "INSERT INTO a VALUES (1, 2);",
    ] {
        let told = refused(&engine, text).message;
        assert!(told.contains("http://registry:8081"), "{told}");
    }
    // What needs no registry works.
    run(&engine, "CREATE STREAM j (v INT) WITH (kafka_topic='j', value_format='JSON', partitions=1);");
    schemas.is_down.store(false, Ordering::SeqCst);
    assert!(engine.catalog().source("B").is_none() && engine.log().topic("b").unwrap().is_none());
    assert_eq!(schemas.subjects(), ["a-key", "a-value"]);
    run(&engine, "CREATE STREAM b AS SELECT * FROM a;");
}

/// NULLs and digits that the schema of a sink does not keep are not there for pull queries either, whatever made the table.
#[test]
fn pull_queries_see_what_a_registered_schema_keeps() {
    let (engine, schemas) = engine();
    let text = "syntax = \"proto3\"; message M { optional int64 N = 1; string S = 2; float F = 3; }";
    let protobuf = schemas.register("proto", &Schema::alone(Language::Protobuf, text)).unwrap();
    let field = |name: &str, ty: &str| json!({"name": name, "type": ty, "default": if ty == "string" { json!("") } else { json!(0) }});
    let text = json!({"type": "record", "name": "r", "fields": [
        {"name": "N", "type": ["null", "long"], "default": null}, field("S", "string"), field("F", "float")]});
    let avro = schemas.register("avro", &Schema::alone(Language::Avro, text.to_string())).unwrap();
    run(
        &engine,
        "CREATE STREAM s (id STRING KEY, n BIGINT, s STRING, f DOUBLE) WITH (kafka_topic='s', value_format='JSON', \
         partitions=1);
         CREATE TABLE t (id STRING PRIMARY KEY, n BIGINT, s STRING, f DOUBLE) WITH (kafka_topic='s', value_format='JSON');",
    );
    for (format, id) in [("PROTOBUF", protobuf), ("AVRO", avro)] {
        run(
            &engine,
            &format!(
                "CREATE TABLE {format}_grouped WITH (value_format='{format}', value_schema_id={id}) AS SELECT id, MAX(n) AS n, \
                 LATEST_BY_OFFSET(s, false) AS s, MAX(f) AS f FROM s GROUP BY id;
                 CREATE TABLE {format}_kept WITH (value_format='{format}', value_schema_id={id}) AS SELECT * FROM t;"
            ),
        );
    }
    run(&engine, "INSERT INTO s (id) VALUES ('x'); INSERT INTO s VALUES ('y', 1, 't', 0.1);");
    for table in ["protobuf_grouped", "protobuf_kept", "avro_grouped", "avro_kept"] {
        let found = rows(&engine, &mut ask(&engine, &format!("SELECT * FROM {table} WHERE id = 'x';")));
        assert!(found[0].contains(r#"["x",null,"",0.0]"#), "{table}: {found:?}");
        let found = rows(&engine, &mut ask(&engine, &format!("SELECT * FROM {table} WHERE id = 'y';")));
        assert!(found[0].contains(r#"["y",1,"t",0.10000000149011612]"#), "{table}: {found:?}");
    }
}

#[test]
fn an_id_that_is_not_known_yet_ends_no_query() {
    let (engine, schemas) = engine();
    run(&engine, "CREATE STREAM a (v INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);");
    run(&engine, "CREATE STREAM c WITH (value_format='JSON') AS SELECT * FROM a;");
    run(&engine, "INSERT INTO a VALUES (1);");
    let mut written = RecordsBuilder::default();
    let mut record = Vec::new();
    put_header(77, &mut record);
    written.push(1, None, Some(&record));
    let to = TopicPartition { topic: Arc::from("a"), partition: 0 };
    engine.log().append(vec![Output { to, records: written.finish() }]).unwrap();
    run(&engine, "INSERT INTO a VALUES (2);");
    schemas.is_behind.store(true, Ordering::SeqCst);
    let mut push = ask(&engine, "SELECT v FROM a EMIT CHANGES LIMIT 2;");
    let shown = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            schemas.is_behind.store(false, Ordering::SeqCst);
        });
        rows(&engine, &mut push)
    });
    assert_eq!(shown, ["[1]", "[2]", "LimitReached"]);
    assert_eq!(records(&**engine.log(), "C"), [r#"@1000 - {"V":1}"#, r#"@1000 - {"V":2}"#]);
}

/// Records that cannot be read by the schema they name: each is one entry of the processing log that says which schema that
/// is, and those around them are read.
#[test]
fn records_of_other_schemas_are_told_of_with_their_ids() {
    let avro = |ty: &str| json!({"type": "record", "name": "r", "fields": [{"name": "N", "type": ty}]}).to_string();
    let object = |ty: &str| json!({"type": "object", "properties": {"N": {"type": ty}}}).to_string();
    let message =
        |ty: &str| format!("syntax = \"proto3\"; message M {{ {ty} N = 1; }} message Other {{ string X = 1; }}");
    // What is written with the good schema, with one that became incompatible, and of a message that has no column.
    for (format, good, changed, texts) in [
        ("AVRO", avro("int"), avro("string"), [&b"\x0e"[..], b"\x02x", b"\x80"]),
        ("JSON_SR", object("integer"), object("string"), [b"{\"N\": 7}", b"{\"N\": \"x\"}", b"7"]),
        ("PROTOBUF", message("int32"), message("string"), [b"\0\x08\x07", b"\0\x0a\x01x", b"\x02\x02\x0a\0"]),
    ] {
        let schemas = Arc::new(InMemory::default());
        let language = crate::formats::format(format).unwrap().language().unwrap();
        let add = |language, text: &str| schemas.register("s-value", &Schema::alone(language, text)).unwrap();
        let (good, changed) = (add(language, &good), add(language, &changed));
        let of_other = if language == Language::Avro { Language::Json } else { Language::Avro };
        let other = add(of_other, "\"long\"");
        let log = in_memory();
        let settings = [("auto.offset.reset", "earliest"), ("ksql.logging.processing.topic.auto.create", "true")];
        let parts = Parts::by_hand(Arc::clone(&log), Arc::new(Manual::at(1_000)), Config::new(settings).unwrap());
        let engine = Engine::new(Parts { schemas: Arc::clone(&schemas) as Arc<dyn Schemas>, ..parts }).unwrap();
        topic(&engine, "s");
        run(&engine, &format!("CREATE STREAM s (n INT) WITH (kafka_topic='s', value_format='{format}');"));
        run(&engine, "CREATE STREAM c WITH (value_format='JSON') AS SELECT * FROM s;");
        let mut written = RecordsBuilder::default();
        for (id, text) in [(good, 0), (changed, 1), (good, 0), (good, 2), (77, 0), (other, 0), (good, 0)] {
            let mut record = Vec::new();
            put_header(id, &mut record);
            record.extend_from_slice(texts[text]);
            written.push(1, None, Some(&record));
        }
        let to = TopicPartition { topic: Arc::from("s"), partition: 0 };
        log.append(vec![Output { to, records: written.finish() }]).unwrap();
        engine.run_until_idle(None);
        assert_eq!(records(&*log, "C"), vec![r#"@1 - {"N":7}"#; 3], "{format}");
        let entries = records(&*log, "default_ksql_processing_log");
        for (offset, id) in [(1, changed), (3, good), (4, 77), (5, other)] {
            let place = format!("\"offset\":{offset}}}");
            let told: Vec<&String> = entries.iter().filter(|entry| entry.contains(&place)).collect();
            assert!(told.len() == 1 && told[0].contains(&format!(" id {id}")), "{format} {offset} {id}: {entries:#?}");
        }
        assert_eq!(entries.len(), 4, "{format}: {entries:#?}");
    }
}

/// Registered when a row of the wider columns is written, or by the query that writes them: ALTER itself registers nothing.
#[test]
fn added_columns_make_a_version_when_they_are_written() {
    for format in ["AVRO", "PROTOBUF", "JSON_SR"] {
        let (engine, schemas) = engine();
        let version = |subject: &str| schemas.latest(subject).unwrap().unwrap().version;
        let read = |source: &str, limit: usize| {
            rows(&engine, &mut ask(&engine, &format!("SELECT * FROM {source} EMIT CHANGES LIMIT {limit};")))
        };
        let with = format!("WITH (kafka_topic='a', value_format='{format}', partitions=1)");
        run(&engine, &format!("CREATE STREAM a (k INT KEY, v INT) {with}; INSERT INTO a VALUES (1, 10);"));
        run(&engine, "CREATE STREAM c AS SELECT k, v FROM a;");
        run(&engine, "ALTER STREAM a ADD COLUMN w STRING;");
        assert_eq!(version("a-value"), 1, "{format}");
        run(&engine, "INSERT INTO a VALUES (2, 20, 'x');");
        assert_eq!(version("a-value"), 2, "{format}");
        assert_eq!(read("a", 2), ["[1,10,null]", r#"[2,20,"x"]"#, "LimitReached"], "{format}");

        assert_eq!(version("C-value"), 1, "{format}");
        run(&engine, "CREATE OR REPLACE STREAM c AS SELECT k, v, w FROM a;");
        assert_eq!(version("C-value"), 2, "{format}");
        run(&engine, &format!("CREATE OR REPLACE STREAM a (k INT KEY, v INT, w STRING, x DOUBLE) {with};"));
        assert_eq!(version("a-value"), 2, "{format}");
        run(&engine, "INSERT INTO a VALUES (3, 30, 'y', 1.5);");
        assert_eq!(version("a-value"), 3, "{format}");
        let all = ["[1,10,null,null]", r#"[2,20,"x",null]"#, r#"[3,30,"y",1.5]"#, "LimitReached"];
        assert_eq!(read("a", 3), all, "{format}");
        assert_eq!(read("c", 3), ["[1,10,null]", "[2,20,null]", r#"[3,30,"y"]"#, "LimitReached"], "{format}");
    }
}

#[test]
fn refused_versions_change_neither_source_nor_query() {
    for format in ["AVRO", "PROTOBUF", "JSON_SR"] {
        let (engine, schemas) = engine();
        run(
            &engine,
            &format!(
                "CREATE STREAM a (k INT KEY, v INT) WITH (kafka_topic='a', value_format='{format}', partitions=1);
                 CREATE STREAM c AS SELECT k, v FROM a;"
            ),
        );
        let before = Arc::clone(engine.catalog().source("C").unwrap());
        schemas.close("C-value");
        let told = refused(&engine, "CREATE OR REPLACE STREAM c AS SELECT k, v, v + 1 AS w FROM a;").message;
        assert!(told.ends_with("for subject \"C-value\", details: [it is closed]; error code: 409"), "{told}");
        let other = refused(&engine, "CREATE OR REPLACE STREAM c AS SELECT k, CAST(v AS STRING) AS v FROM a;").message;
        assert!(other.starts_with("Cannot upgrade data source: "), "{other}");
        assert_eq!(engine.catalog().source("C").unwrap().statement, before.statement, "{format}");
        run(&engine, "INSERT INTO a VALUES (1, 10);");

        // What is wider than the registry lets through is refused row by row, and what is there stays readable.
        schemas.close("a-value");
        run(&engine, "ALTER STREAM a ADD COLUMN w STRING;");
        let told = refused(&engine, "INSERT INTO a VALUES (2, 20, 'x');").message;
        assert!(told.starts_with("Failed to insert values into 'A'. Could not serialize value: "), "{told}");
        for subject in ["a-value", "C-value"] {
            assert_eq!(schemas.latest(subject).unwrap().unwrap().version, 1, "{format} {subject}");
        }
        let mut read = ask(&engine, "SELECT * FROM a EMIT CHANGES LIMIT 1;");
        assert_eq!(rows(&engine, &mut read), ["[1,10,null]", "LimitReached"], "{format}");
        assert_eq!(schema_of(&engine, "C"), "`K` INTEGER KEY, `V` INTEGER");
        let mut read = ask(&engine, "SELECT * FROM c EMIT CHANGES LIMIT 1;");
        assert_eq!(rows(&engine, &mut read), ["[1,10]", "LimitReached"], "{format}");
        assert_eq!((records(&**engine.log(), "a").len(), records(&**engine.log(), "C").len()), (1, 1), "{format}");
    }
}
