//! The columns that schemas get.

use super::*;

fn infer(text: &Json, spec: &FormatSpec, is_key: bool) -> Result<String, String> {
    let schema = Schema::alone(Language::Avro, text.to_string());
    let columns = columns(&schema, spec, is_key).map_err(|error| error.to_string())?;
    Ok(columns.iter().map(|column| format!("{} {}", column.name, column.ty)).collect::<Vec<_>>().join(", "))
}

fn field(ty: Json) -> Result<String, String> {
    infer(&json!({"type": "record", "name": "r", "fields": [{"name": "c", "type": ty}]}), &wrapped(), false)
}

#[test]
fn types_become_columns_as_connect_and_ksqldb_map_them() {
    let entry = |key: &str| {
        json!({"type": "array", "items": {"type": "record", "name": "MapEntry",
            "namespace": "io.confluent.connect.avro",
            "fields": [{"name": "key", "type": key}, {"name": "value", "type": "long"}]}})
    };
    for (ty, expected) in [
        (json!("boolean"), "C BOOLEAN"),
        (json!({"type": "int", "connect.type": "int16"}), "C INTEGER"),
        (json!({"type": "int", "logicalType": "date"}), "C DATE"),
        (json!({"type": "int", "logicalType": "time-millis"}), "C TIME"),
        (json!({"type": "long", "logicalType": "time-micros"}), "C BIGINT"),
        (json!({"type": "long", "logicalType": "timestamp-millis"}), "C TIMESTAMP"),
        (json!({"type": "long", "logicalType": "timestamp-micros"}), "C BIGINT"),
        (json!({"type": "long", "logicalType": "local-timestamp-millis"}), "C BIGINT"),
        (json!("float"), "C DOUBLE"),
        (json!({"type": "string", "logicalType": "uuid"}), "C STRING"),
        (json!({"type": "enum", "name": "e", "symbols": ["A"]}), "C STRING"),
        (json!({"type": "fixed", "name": "f", "size": 16}), "C BYTES"),
        (json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}), "C DECIMAL(9, 3)"),
        (json!({"type": "bytes", "logicalType": "decimal", "scale": 3}), "C DECIMAL(64, 3)"),
        (
            json!({"type": "fixed", "name": "f", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 0}),
            "C DECIMAL(9, 0)",
        ),
        (json!(["null", "int"]), "C INTEGER"),
        (json!(["string", "null"]), "C STRING"),
        (
            json!(["int", "string", {"type": "record", "name": "x.rec", "fields": [{"name": "a", "type": "int"}]}]),
            "C STRUCT<`INT` INTEGER, `STRING` STRING, `REC` STRUCT<`A` INTEGER>>",
        ),
        (json!({"type": "array", "items": ["null", "double"]}), "C ARRAY<DOUBLE>"),
        (json!({"type": "map", "values": "bytes"}), "C MAP<STRING, BYTES>"),
        (entry("int"), "C MAP<STRING, BIGINT>"),
    ] {
        assert_eq!(field(ty.clone()).as_deref(), Ok(expected), "{ty}");
    }
    let problem = field(entry("double")).unwrap_err();
    assert_eq!(problem, "Unsupported type for map key: DOUBLE, in field c");
    assert!(field(json!("null")).unwrap_err().contains("at field 'c'"));
}

#[test]
fn names_keep_their_case_with_a_schema_id() {
    let text = json!({"type": "record", "name": "r", "fields": [{"name": "aB", "type": "int"}]});
    let spec = FormatSpec { schema_id: Some(1), ..wrapped() };
    assert_eq!(infer(&text, &spec, false).as_deref(), Ok("aB INTEGER"));
    assert_eq!(infer(&text, &wrapped(), false).as_deref(), Ok("AB INTEGER"));
}

#[test]
fn what_is_not_wrapped_is_one_column() {
    let text = json!({"type": "record", "name": "r", "fields": [{"name": "f1", "type": "int"}]});
    let bare = FormatSpec::plain("AVRO", false);
    assert_eq!(infer(&text, &bare, false).as_deref(), Ok("ROWVAL STRUCT<`F1` INTEGER>"));
    assert_eq!(infer(&text, &bare, true).as_deref(), Ok("ROWKEY STRUCT<`F1` INTEGER>"));
    assert_eq!(infer(&json!("string"), &bare, true).as_deref(), Ok("ROWKEY STRING"));
    assert!(infer(&json!("string"), &wrapped(), false).unwrap_err().contains("anonymous type"));
}

#[test]
fn recursion_is_refused_where_it_is() {
    let list = json!({"type": "record", "name": "Node", "fields": [
        {"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]});
    let text = json!({"type": "record", "name": "r", "fields": [{"name": "list", "type": list}]});
    let problem = infer(&text, &wrapped(), false).unwrap_err();
    assert!(problem.contains("'list.next'") && problem.contains("Node is recursive"), "{problem}");
    // Each type names the one before twice: 2^40 columns.
    let mut fields = vec![json!({"name": "f0", "type": {"type": "record", "name": "R0", "fields": [
        {"name": "a", "type": "int"}]}})];
    for i in 1..40 {
        let before = format!("R{}", i - 1);
        fields.push(json!({"name": format!("f{i}"), "type": {"type": "record", "name": format!("R{i}"),
            "fields": [{"name": "a", "type": before}, {"name": "b", "type": before}]}}));
    }
    let problem = infer(&json!({"type": "record", "name": "r", "fields": fields}), &wrapped(), false).unwrap_err();
    assert!(problem.contains("parts"), "{problem}");
    let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(1000), "}".repeat(1000));
    let problem = columns(&Schema::alone(Language::Avro, deep), &wrapped(), false).unwrap_err().to_string();
    assert!(problem.contains("deeper"), "{problem}");
}

#[test]
fn references_are_known_by_name() {
    let address = json!({"type": "record", "name": "Address", "namespace": "a", "fields": [
        {"name": "city", "type": "string"}]});
    let text = json!({"type": "record", "name": "P", "namespace": "a", "fields": [
        {"name": "home", "type": "Address"}, {"name": "work", "type": ["null", "a.Address"]}]});
    let mut schema = Schema::alone(Language::Avro, text.to_string());
    schema.referenced =
        vec![crate::schemas::Referenced { name: "a.Address".to_owned(), text: address.to_string().into() }];
    let columns = columns(&schema, &wrapped(), false).unwrap();
    assert_eq!(columns.len(), 2);
    assert_eq!(columns[1].ty, struct_of(&[("CITY", SqlType::String)]));
    schema.referenced.clear();
    assert!(AvroSchema::parse(&schema).unwrap_err().to_string().contains("Undefined name: \"a.Address\""));
}
