//! Records of one schema read by another: Avro's resolution, where a schema to read by is known.

use super::*;

fn fields(fields: Json) -> Json {
    json!({"type": "record", "name": "r", "fields": fields})
}

fn one(ty: Json) -> Json {
    fields(json!([{"name": "c", "type": ty}]))
}

/// A record of `writer` as the columns of `reader`, whose schema they came from.
fn resolved(writer: &Json, value: &Json, reader: &Json) -> Result<Vec<Value>, String> {
    let registry: Arc<Registry> = Arc::default();
    let id = registry.add(reader);
    let spec = FormatSpec { inferred_from: Some(id), ..wrapped() };
    let columns = columns(&registry.by_id(id).unwrap(), &spec, false).map_err(|error| error.to_string())?;
    read_with(&registry, writer, value, &columns, &spec)
}

#[test]
fn fields_come_and_go() {
    let text = |text: &str| Value::String(text.to_owned());
    let a = json!({"name": "a", "type": "int"});
    let nested = |inner: Json| fields(json!([{"name": "n", "type": {"type": "record", "name": "i", "fields": inner}}]));
    for (case, writer, value, reader, expected) in [
        (
            "added without a default",
            fields(json!([a])),
            json!({"a": 1}),
            fields(json!([a, {"name": "b", "type": "int"}])),
            vec![Value::Integer(1), Value::Null],
        ),
        (
            "added with a default",
            fields(json!([a])),
            json!({"a": 1}),
            fields(json!([a, {"name": "b", "type": "string", "default": "x"}])),
            vec![Value::Integer(1), text("x")],
        ),
        (
            "added with null as its default",
            fields(json!([a])),
            json!({"a": 1}),
            fields(json!([a, {"name": "b", "type": ["null", "int"], "default": null}])),
            vec![Value::Integer(1), Value::Null],
        ),
        (
            "added with a default of many parts",
            fields(json!([a])),
            json!({"a": 1}),
            fields(json!([{"name": "m", "type": {"type": "map", "values": {"type": "array", "items": "int"}},
                "default": {"k": [1, 2]}}])),
            vec![Value::Map(vec![(text("k"), Value::Array(vec![Value::Integer(1), Value::Integer(2)]))])],
        ),
        (
            "removed",
            fields(json!([{"name": "gone", "type": {"type": "array", "items": "string"}}, a])),
            json!({"gone": ["x"], "a": 1}),
            fields(json!([a])),
            vec![Value::Integer(1)],
        ),
        (
            "in another order",
            fields(json!([a, {"name": "b", "type": "int"}])),
            json!({"a": 1, "b": 2}),
            fields(json!([{"name": "b", "type": "int"}, a])),
            vec![Value::Integer(2), Value::Integer(1)],
        ),
        (
            "added within",
            nested(json!([a])),
            json!({"n": {"a": 1}}),
            nested(json!([a, {"name": "b", "type": "long", "default": 7}])),
            vec![Value::Struct(vec![Value::Integer(1), Value::Bigint(7)])],
        ),
    ] {
        assert_eq!(resolved(&writer, &value, &reader), Ok(expected), "{case}");
    }
}

#[test]
fn names_and_symbols_change() {
    let text = |text: &str| Value::String(text.to_owned());
    let enums = |symbols: Json| json!({"type": "enum", "name": "e", "symbols": symbols});
    for (case, writer, value, reader, expected) in [
        (
            "renamed",
            fields(json!([{"name": "old", "type": "int"}])),
            json!({"old": 5}),
            fields(json!([{"name": "new", "type": "int", "aliases": ["older", "old"]}])),
            vec![Value::Integer(5)],
        ),
        (
            "renamed, and promoted",
            fields(json!([{"name": "old", "type": "int"}])),
            json!({"old": 5}),
            fields(json!([{"name": "new", "type": "double", "aliases": ["old"]}])),
            vec![Value::Double(5.0)],
        ),
        (
            "a symbol more than the reader knows",
            one(enums(json!(["A", "B", "C"]))),
            json!({"c": "C"}),
            one(enums(json!(["A", "B"]))),
            vec![text("C")],
        ),
        (
            "a symbol less, in another order",
            one(enums(json!(["B", "A"]))),
            json!({"c": "B"}),
            one(enums(json!(["A", "B", "C"]))),
            vec![text("B")],
        ),
        ("an enum that was a text", one(json!("string")), json!({"c": "x"}), one(enums(json!(["A"]))), vec![text("x")]),
    ] {
        assert_eq!(resolved(&writer, &value, &reader), Ok(expected), "{case}");
    }
}

#[test]
fn types_are_promoted_and_unions_widened() {
    let text = |text: &str| Value::String(text.to_owned());
    let union = |int: Value, string: Value| Value::Struct(vec![int, string]);
    for (writer, value, reader, expected) in [
        (json!("int"), json!(5), json!("long"), Value::Bigint(5)),
        (json!("int"), json!(5), json!("float"), Value::Double(5.0)),
        (json!("int"), json!(5), json!("double"), Value::Double(5.0)),
        (json!("long"), json!(5), json!("double"), Value::Double(5.0)),
        (json!("float"), json!(0.5), json!("double"), Value::Double(0.5)),
        (json!("string"), json!("x"), json!("bytes"), Value::Bytes(b"x".to_vec())),
        (json!("bytes"), json!("x"), json!("string"), text("x")),
        (json!("int"), json!(5), json!(["null", "int"]), Value::Integer(5)),
        (json!("int"), json!(5), json!(["null", "long"]), Value::Bigint(5)),
        (json!(["null", "int"]), json!(5), json!("int"), Value::Integer(5)),
        (json!(["null", "int"]), json!(null), json!("int"), Value::Null),
        (json!(["null", "int", "string"]), json!("x"), json!(["int", "string"]), union(Value::Null, text("x"))),
        (json!(["int", "string"]), json!(1), json!(["null", "string", "int"]), union(Value::Null, Value::Integer(1))),
        (
            json!({"type": "array", "items": "int"}),
            json!([1]),
            json!({"type": "array", "items": "long"}),
            Value::Array(vec![Value::Bigint(1)]),
        ),
        (
            json!({"type": "map", "values": "float"}),
            json!({"k": 1.5}),
            json!({"type": "map", "values": "double"}),
            Value::Map(vec![(text("k"), Value::Double(1.5))]),
        ),
    ] {
        let expected = Ok(vec![expected]);
        assert_eq!(
            resolved(&one(writer.clone()), &json!({"c": value}), &one(reader.clone())),
            expected,
            "{writer} {reader}"
        );
    }
}

#[test]
fn what_became_something_else_is_a_bad_record() {
    for (writer, value, reader, problem) in [
        (
            json!("long"),
            json!(5),
            json!("int"),
            "Cannot deserialize type int64 as type int32 for path: ->C (schema of id 2)",
        ),
        (json!("string"), json!("5"), json!("int"), "Cannot deserialize type string as type int32"),
        (json!("double"), json!(5), json!("long"), "Cannot deserialize type float64 as type int64"),
        (
            json!("int"),
            json!(5),
            json!({"type": "array", "items": "int"}),
            "Cannot deserialize type int32 as type array",
        ),
        (json!(["int", "string"]), json!("x"), json!("int"), "Cannot deserialize type string as type int32"),
        (
            json!({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}),
            json!("\u{1}"),
            json!({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}),
            "without rounding",
        ),
    ] {
        let read = resolved(&one(writer.clone()), &json!({"c": value}), &one(reader.clone()));
        assert!(read.as_ref().is_err_and(|text| text.contains(problem)), "{writer} {reader}: {read:?}");
    }
}
