mod mappings;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, BinaryArray};
use serde_json::json;

use super::JsonSr;
use crate::formats::{Format, FormatSpec, Half};
use crate::schemas::testing::InMemory;
use crate::schemas::{HEADER_BYTES, Language, Referenced, Schema, Schemas, put_header};
use crate::types::{Column, SqlType, Value};

fn half(schemas: &Arc<InMemory>) -> Half {
    Half { topic: Arc::from("t"), is_key: false, schemas: Arc::clone(schemas) as Arc<dyn Schemas> }
}

fn schema(text: serde_json::Value) -> Schema {
    Schema::alone(Language::Json, text.to_string())
}

/// The inferred columns, or what is wrong.
fn inferred(schema: &Schema) -> String {
    match JsonSr.columns(schema, &FormatSpec::plain("JSON_SR", true), false) {
        Ok(columns) => {
            columns.iter().map(|column| format!("{} {}", column.name, column.ty)).collect::<Vec<_>>().join(", ")
        }
        Err(error) => error.to_string(),
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn all_types() -> Vec<Column> {
    let map = |value| SqlType::Map(Box::new(SqlType::String), Box::new(value));
    [
        ("B", SqlType::Boolean),
        ("I", SqlType::Integer),
        ("L", SqlType::Bigint),
        ("D", SqlType::Double),
        ("N", SqlType::Decimal { precision: 6, scale: 2 }),
        ("S", SqlType::String),
        ("X", SqlType::Bytes),
        ("T", SqlType::Time),
        ("DA", SqlType::Date),
        ("TS", SqlType::Timestamp),
        ("A", SqlType::Integer.array_of()),
        ("M", map(SqlType::Bigint)),
        ("ST", SqlType::Struct(vec![("F".to_owned(), map(SqlType::String.array_of()))])),
    ]
    .into_iter()
    .map(|(name, ty)| Column::new(name, ty))
    .collect()
}

#[test]
fn what_is_generated_is_inferred_again() {
    let schemas = Arc::new(InMemory::default());
    let columns = all_types();
    let spec = FormatSpec::plain("JSON_SR", true);
    let generated = JsonSr.schema(&columns, &spec, &half(&schemas)).unwrap().unwrap();
    assert_eq!(JsonSr.columns(&generated, &spec, false).unwrap(), columns);
}

#[test]
fn schemas_are_those_of_connect() {
    let generated = |columns: &[Column], wrap: bool| -> serde_json::Value {
        let half = half(&Arc::new(InMemory::default()));
        let schema = JsonSr.schema(columns, &FormatSpec::plain("JSON_SR", wrap), &half).unwrap().unwrap();
        serde_json::from_str(&schema.text).unwrap()
    };
    let decimal = Column::new("N", SqlType::Decimal { precision: 4, scale: 2 });
    let of_decimal = json!({
        "type": "number", "title": "org.apache.kafka.connect.data.Decimal", "connect.version": 1, "connect.type": "bytes",
        "connect.parameters": {"scale": "2", "connect.decimal.precision": "4"},
    });
    assert_eq!(generated(std::slice::from_ref(&decimal), false), json!({"oneOf": [{"type": "null"}, of_decimal]}));
    assert_eq!(
        generated(&[Column::new("FOO", SqlType::Integer), decimal], true),
        json!({"type": "object", "properties": {
            "FOO": {"connect.index": 0, "oneOf": [{"type": "null"}, {"type": "integer", "connect.type": "int32"}]},
            "N": {"connect.index": 1, "oneOf": [{"type": "null"}, of_decimal]},
        }})
    );
    let map = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Boolean));
    assert_eq!(
        generated(&[Column::new("M", map)], false)["oneOf"][1],
        json!({"type": "array", "connect.type": "map", "items": {"type": "object", "properties": {
            "key": {"connect.index": 0, "oneOf": [{"type": "null"}, {"type": "string"}]},
            "value": {"connect.index": 1, "oneOf": [{"type": "null"}, {"type": "boolean"}]},
        }}})
    );
}

#[test]
fn schemas_of_others_become_columns() {
    let found = inferred(&schema(json!({"type": "object", "properties": {
        "zip": {"type": "integer", "connect.index": 1},
        "name": {"type": ["null", "string"], "connect.index": 0},
        "kind": {"enum": ["a", "b"], "connect.index": 2},
        "at": {"type": "integer", "title": "org.apache.kafka.connect.data.Timestamp", "connect.type": "int64", "connect.index": 3},
        "tags": {"type": "array", "items": {"anyOf": [{"type": "null"}, {"type": "number"}]}, "connect.index": 4},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "connect.index": 5},
        "home": {"$ref": "#/definitions/address", "connect.index": 6},
    }, "definitions": {"address": {"type": "object", "properties": {"street": {"type": "string"}}}}})));
    assert_eq!(
        found,
        "NAME STRING, ZIP BIGINT, KIND STRING, AT TIMESTAMP, TAGS ARRAY<DOUBLE>, LABELS MAP<STRING, STRING>, \
         HOME STRUCT<`STREET` STRING>"
    );
}

#[test]
fn schemas_may_refer_to_others_and_be_made_of_several() {
    let other = Referenced {
        name: "other.json".to_owned(),
        text:
            json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}})
                .to_string()
                .into(),
    };
    let mut with = schema(json!({"allOf": [
        {"$ref": "other.json"},
        {"type": "object", "properties": {"y": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}},
    ]}));
    with.referenced.push(other);
    assert_eq!(
        inferred(&with),
        "X BIGINT, Y STRUCT<`IO.CONFLUENT.CONNECT.JSON.ONEOF.FIELD.0` STRING, \
         `IO.CONFLUENT.CONNECT.JSON.ONEOF.FIELD.1` BIGINT>"
    );
}

#[test]
fn a_schema_with_a_name_within_another_is_a_document_of_its_own() {
    let whole = schema(json!({
        "$id": "http://x.org/orders/order.json",
        "allOf": [
            {"$id": "base.json", "properties": {"a": {"$ref": "#/definitions/a"}}, "definitions": {"a": {"type": "boolean"}}},
            {"properties": {
                "b": {"$ref": "#/definitions/a"},
                "c": {"$ref": "base.json#/definitions/a"},
                "d": {"$ref": "/units.json"},
            }},
        ],
        "definitions": {"a": {"type": "string"}, "unit": {
            "$id": "/units.json", "type": "array", "items": {"$ref": "#/definitions/a"},
            "definitions": {"a": {"type": "integer"}},
        }},
    }));
    assert_eq!(inferred(&whole), "A BOOLEAN, B STRING, C BOOLEAN, D ARRAY<BIGINT>");
}

#[test]
fn what_has_no_type_is_refused_with_its_field() {
    let recursive = schema(json!({"type": "object", "properties": {"next": {"$ref": "#"}}}));
    assert!(inferred(&recursive).ends_with("field: next.next"), "{}", inferred(&recursive));
    let anything = schema(json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}}));
    assert_eq!(inferred(&anything), "a schema without a type, field: a.b");
    let lost = schema(json!({"type": "object", "properties": {"a": {"$ref": "#/definitions/b"}}}));
    assert_eq!(inferred(&lost), "there is no schema #/definitions/b, field: a");
}

#[test]
fn doubling_references_end() {
    let mut definitions = serde_json::Map::new();
    definitions.insert("d0".to_owned(), json!({"type": "string"}));
    for i in 1..64 {
        let inner = json!({"$ref": format!("#/definitions/d{}", i - 1)});
        definitions.insert(format!("d{i}"), json!({"type": "object", "properties": {"a": inner, "b": inner}}));
    }
    let bomb = schema(json!({"$ref": "#/definitions/d63", "definitions": definitions}));
    assert!(inferred(&bomb).starts_with("the schema is too large"));
}

#[test]
fn large_defaults_that_many_refer_to_end() {
    let long = "x".repeat(500_000);
    let fields: serde_json::Map<String, serde_json::Value> =
        (0..1000).map(|i| (format!("f{i}"), json!({"$ref": "#/definitions/d"}))).collect();
    let bomb = schema(json!({"properties": fields, "definitions": {"d": {"type": "string", "default": long}}}));
    assert!(inferred(&bomb).starts_with("the schema is too large"), "{}", inferred(&bomb));
}

#[test]
fn doubling_parts_of_a_schema_end() {
    let mut definitions = serde_json::Map::new();
    definitions.insert("d0".to_owned(), json!({"properties": {"a": {"type": "string"}}}));
    for i in 1..64 {
        let inner = json!({"$ref": format!("#/definitions/d{}", i - 1)});
        definitions.insert(format!("d{i}"), json!({"allOf": [inner, inner]}));
    }
    let bomb = schema(json!({"allOf": [{"$ref": "#/definitions/d63"}], "properties": {}, "definitions": definitions}));
    assert!(inferred(&bomb).starts_with("the schema is too large"), "{}", inferred(&bomb));
}

#[test]
fn a_record_whose_schema_is_of_another_language_is_bad() {
    let schemas = Arc::new(InMemory::default());
    let id = schemas.register("other", &Schema::alone(Language::Avro, "\"long\"")).unwrap();
    let mut record = Vec::new();
    put_header(id, &mut record);
    // 25 as Avro writes it, "2" as text.
    record.push(0x32);
    let columns = [Column::new("I", SqlType::Bigint)];
    let mut decoder = JsonSr.decoder(&FormatSpec::plain("JSON_SR", false), &columns, &[0], &half(&schemas)).unwrap();
    let payloads = BinaryArray::from_iter_values([record]);
    decoder.prepare(&payloads).unwrap();
    let bad = decoder.decode(&payloads).bad;
    assert!(bad[0].1.contains("is AVRO, not JSON Schema"), "{bad:?}");
}

#[test]
fn records_have_a_header_and_come_back() {
    let schemas = Arc::new(InMemory::default());
    let columns = [
        Column::new("I", SqlType::Integer),
        Column::new("M", SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer))),
    ];
    let map = Value::Map(vec![(text("k"), Value::Integer(7)), (text("n"), Value::Null)]);
    let rows = [[Value::Integer(1), map], [Value::Null, Value::Null]];
    let arrays: Vec<ArrayRef> = (0..2)
        .map(|i| Value::column(&columns[i].ty, &rows.iter().map(|row| row[i].clone()).collect::<Vec<_>>()))
        .collect();
    let spec = FormatSpec::plain("JSON_SR", true);
    let payloads = JsonSr.encoder(&spec, &columns, &half(&schemas)).unwrap().encode(&arrays, None).unwrap();
    assert_eq!(schemas.subjects(), ["t-value"]);
    let mut expected = vec![0, 0, 0, 0, 1];
    expected.extend_from_slice(br#"{"I":1,"M":[{"key":"k","value":7},{"key":"n","value":null}]}"#);
    assert_eq!(payloads.value(0), expected);

    let mut decoder = JsonSr.decoder(&spec, &columns, &[0, 1], &half(&schemas)).unwrap();
    decoder.prepare(&payloads).unwrap();
    let decoded = decoder.decode(&payloads);
    assert!(decoded.bad.is_empty(), "{:?}", decoded.bad);
    for (row, values) in rows.iter().enumerate() {
        for (i, value) in values.iter().enumerate() {
            assert_eq!(Value::at(&decoded.columns[i], row), *value);
        }
    }
}

#[test]
fn who_writes_by_a_schema_writes_its_other_fields_as_null() {
    let schemas = Arc::new(InMemory::default());
    let properties = json!({"A": {"type": "integer"}, "b": {"type": "string"}});
    let given = schema(json!({"type": "object", "properties": properties}));
    let id = schemas.register("other", &given).unwrap();
    let spec = FormatSpec { schema_id: Some(id), ..FormatSpec::plain("JSON_SR", true) };
    let columns = [Column::new("A", SqlType::Bigint)];
    let mut encoder = JsonSr.encoder(&spec, &columns, &half(&schemas)).unwrap();
    let column = Value::column(&SqlType::Bigint, &[Value::Bigint(1)]);
    let written = encoder.encode(&[column], None).unwrap();
    assert_eq!(&written.value(0)[HEADER_BYTES..], br#"{"A":1,"b":null}"#);
}

#[test]
fn an_unknown_id_costs_its_record_and_a_silent_registry_none() {
    let schemas = Arc::new(InMemory::default());
    let columns = [Column::new("I", SqlType::Integer)];
    let spec = FormatSpec::plain("JSON_SR", true);
    schemas.register("other", &schema(json!({"type": "object"}))).unwrap();
    let record = |id: i32| {
        let mut record = Vec::new();
        put_header(id, &mut record);
        record.extend_from_slice(br#"{"i": 5}"#);
        record
    };
    let payloads = BinaryArray::from_iter_values([record(1), record(77), br#"{"I": 1}"#.to_vec(), record(1)]);
    let mut decoder = JsonSr.decoder(&spec, &columns, &[0], &half(&schemas)).unwrap();
    schemas.is_down.store(true, Ordering::SeqCst);
    assert!(decoder.prepare(&payloads).unwrap_err().may_pass());
    schemas.is_down.store(false, Ordering::SeqCst);
    decoder.prepare(&payloads).unwrap();
    let decoded = decoder.decode(&payloads);
    let rows: Vec<usize> = decoded.bad.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [1, 2]);
    assert!(decoded.bad[0].1.contains("77"), "{}", decoded.bad[0].1);
    assert_eq!(Value::at(&decoded.columns[0], 3), Value::Integer(5));
    let calls = schemas.calls.load(Ordering::SeqCst);
    decoder.prepare(&payloads.slice(3, 1)).unwrap();
    assert_eq!(schemas.calls.load(Ordering::SeqCst), calls, "what is known is not asked for");
}

#[test]
fn the_writer_says_what_texts_and_several_types_mean() {
    let schemas = Arc::new(InMemory::default());
    let decimal = json!({
        "type": "number", "title": "org.apache.kafka.connect.data.Decimal", "connect.version": 1, "connect.type": "bytes",
        "connect.parameters": {"scale": "2"}, "connect.index": 0,
    });
    let any_of = json!({"connect.index": 1, "oneOf": [
        {"type": "null"}, {"type": "string"}, {"type": "integer"},
        {"type": "object", "properties": {"a": {"type": "string"}}},
    ]});
    let writer = schema(json!({"type": "object", "properties": {"n": decimal, "u": any_of}}));
    let id = schemas.register("t-value", &writer).unwrap();
    let spec = FormatSpec::plain("JSON_SR", true);
    let columns = JsonSr.columns(&writer, &spec, false).unwrap();
    assert_eq!(columns[0].ty, SqlType::Decimal { precision: 64, scale: 2 });
    let record = |text: &str| {
        let mut record = Vec::new();
        put_header(id, &mut record);
        record.extend_from_slice(text.as_bytes());
        record
    };
    // 0x04D2 is 1234; -1 is 0xFF; the last is larger than a DECIMAL.
    let payloads = BinaryArray::from_iter_values([
        record(r#"{"n": "BNI=", "u": "x"}"#),
        record(r#"{"n": "/w==", "u": 5}"#),
        record(r#"{"n": 1.5, "u": {"a": "y"}}"#),
        record(r#"{"n": "f////////////////////w=="}"#),
        record(r#"{"u": true}"#),
    ]);
    let mut decoder = JsonSr.decoder(&spec, &columns, &[0, 1], &half(&schemas)).unwrap();
    decoder.prepare(&payloads).unwrap();
    let decoded = decoder.decode(&payloads);
    let bad: Vec<usize> = decoded.bad.iter().map(|(row, _)| *row).collect();
    assert_eq!(bad, [3, 4], "{:?}", decoded.bad);
    let row = |row| (Value::at(&decoded.columns[0], row), Value::at(&decoded.columns[1], row));
    let null = || Value::Null;
    assert_eq!(row(0), (Value::Decimal(1234, 2), Value::Struct(vec![text("x"), null(), null()])));
    assert_eq!(row(1), (Value::Decimal(-1, 2), Value::Struct(vec![null(), Value::Bigint(5), null()])));
    let object = Value::Struct(vec![text("y")]);
    assert_eq!(row(2), (Value::Decimal(150, 2), Value::Struct(vec![null(), null(), object])));
}
