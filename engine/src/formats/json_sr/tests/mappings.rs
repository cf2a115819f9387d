//! Every mapping of Connect's: the column that a schema gets, and what a record's value is in it; and what becomes of both
//! when the writer's schema is another one.

use serde_json::Value as Json;

use super::*;

/// Records of the first schema in the columns of the second.
fn resolved(writer: &Json, records: &[&str], columns: &[Column]) -> Result<Vec<Value>, String> {
    let schemas = Arc::new(InMemory::default());
    let id = schemas.register("other", &schema(writer.clone())).unwrap();
    let record = |text: &&str| {
        let mut record = Vec::new();
        put_header(id, &mut record);
        record.extend_from_slice(text.as_bytes());
        record
    };
    let payloads = BinaryArray::from_iter_values(records.iter().map(record));
    let used: Vec<usize> = (0..columns.len()).collect();
    let spec = FormatSpec::plain("JSON_SR", true);
    let mut decoder = JsonSr.decoder(&spec, columns, &used, &half(&schemas)).unwrap();
    decoder.prepare(&payloads).unwrap();
    let decoded = decoder.decode(&payloads);
    match decoded.bad.first() {
        Some((_, why)) => Err(why.clone()),
        None => Ok((0..records.len()).map(|row| Value::at(&decoded.columns[0], row)).collect()),
    }
}

fn record_of(property: &Json) -> Json {
    json!({"type": "object", "properties": {"c": property}, "definitions": {
        "point": {"type": "object", "properties": {
            "x": {"type": "integer", "connect.index": 0}, "y": {"type": "string", "connect.index": 1}}},
        "tag": {"$id": "#tag", "type": "string"}}})
}

fn columns_of(property: &Json) -> Result<Vec<Column>, String> {
    let columns = JsonSr.columns(&schema(record_of(property)), &FormatSpec::plain("JSON_SR", true), false);
    columns.map_err(|error| error.to_string())
}

/// The type of the column, and a record's value.
fn mapped(property: &Json, value: &str) -> Result<(String, Value), String> {
    let columns = columns_of(property)?;
    let row = resolved(&record_of(property), &[&format!("{{\"c\": {value}}}")], &columns)?;
    Ok((columns[0].ty.to_string(), row[0].clone()))
}

fn logical(ty: &str, name: &str, connect: &str) -> Json {
    json!({"type": ty, "title": format!("org.apache.kafka.connect.data.{name}"), "connect.version": 1, "connect.type": connect})
}

fn decimal(ty: &str, parameters: &Json) -> Json {
    let mut schema = logical(ty, "Decimal", "bytes");
    schema["connect.parameters"] = parameters.clone();
    schema
}

#[test]
fn single_values() {
    let connect = |ty: &str, connect: &str| json!({"type": ty, "connect.type": connect});
    let price = decimal("number", &json!({"scale": "2", "connect.decimal.precision": "9"}));
    for (property, value, column, expected) in [
        (json!({"type": "boolean"}), "true", "BOOLEAN", Value::Boolean(true)),
        (json!({"type": "integer"}), "7", "BIGINT", Value::Bigint(7)),
        (connect("integer", "int8"), "7", "INTEGER", Value::Integer(7)),
        (connect("integer", "int16"), "7", "INTEGER", Value::Integer(7)),
        (connect("integer", "int32"), "-7", "INTEGER", Value::Integer(-7)),
        (connect("integer", "int64"), "7", "BIGINT", Value::Bigint(7)),
        (json!({"type": "number"}), "0.5", "DOUBLE", Value::Double(0.5)),
        (connect("number", "float32"), "0.5", "DOUBLE", Value::Double(0.5)),
        (connect("number", "float64"), "5", "DOUBLE", Value::Double(5.0)),
        (json!({"type": "string"}), "\"é\"", "STRING", text("é")),
        (json!({"type": "string", "format": "date-time"}), "\"2026\"", "STRING", text("2026")),
        (connect("string", "bytes"), "\"AQI=\"", "BYTES", Value::Bytes(vec![1, 2])),
        (json!({"enum": ["a", "b"]}), "\"b\"", "STRING", text("b")),
        (json!({"type": "string", "enum": ["a", "b"]}), "\"b\"", "STRING", text("b")),
        (logical("integer", "Date", "int32"), "-1", "DATE", Value::Date(-1)),
        (logical("integer", "Time", "int32"), "5", "TIME", Value::Time(5)),
        (logical("integer", "Timestamp", "int64"), "-1", "TIMESTAMP", Value::Timestamp(-1)),
        (price.clone(), "12.34", "DECIMAL(9, 2)", Value::Decimal(1234, 2)),
        (price, "\"BNI=\"", "DECIMAL(9, 2)", Value::Decimal(1234, 2)),
        (decimal("string", &json!({"scale": "2"})), "\"BNI=\"", "DECIMAL(64, 2)", Value::Decimal(1234, 2)),
        (json!({"type": "integer"}), "null", "BIGINT", Value::Null),
    ] {
        assert_eq!(mapped(&property, value), Ok((column.to_owned(), expected)), "{property}");
    }
}

const POINT: &str = "STRUCT<`X` BIGINT, `Y` STRING>";

fn struct_of(values: &[Value]) -> Value {
    Value::Struct(values.to_vec())
}

#[test]
fn values_with_parts() {
    let map = |key: &str, value| Value::Map(vec![(text(key), value)]);
    let point = json!({"$ref": "#/definitions/point"});
    let entries = |key: Json| {
        json!({"type": "array", "connect.type": "map", "items": {"type": "object", "properties": {
        "key": key, "value": {"type": "boolean"}}}})
    };
    for (property, value, column, expected) in [
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "[\"a\", null]",
            "ARRAY<STRING>",
            Value::Array(vec![text("a"), Value::Null]),
        ),
        (
            json!({"type": "object", "properties": {"x": {"type": "integer"}}}),
            "{\"x\": 1}",
            "STRUCT<`X` BIGINT>",
            struct_of(&[Value::Bigint(1)]),
        ),
        (point.clone(), "{\"x\": 1}", POINT, struct_of(&[Value::Bigint(1), Value::Null])),
        (json!({"$ref": "#tag"}), "\"t\"", "STRING", text("t")),
        (
            json!({"type": "array", "items": point.clone()}),
            "[{}]",
            "ARRAY<STRUCT<`X` BIGINT, `Y` STRING>>",
            Value::Array(vec![struct_of(&[Value::Null, Value::Null])]),
        ),
        (
            json!({"type": "object", "connect.type": "map", "additionalProperties": {"type": "integer"}}),
            "{\"k\": 1}",
            "MAP<STRING, BIGINT>",
            map("k", Value::Bigint(1)),
        ),
        (
            json!({"type": "object", "additionalProperties": point.clone()}),
            "{\"k\": {\"y\": \"z\"}}",
            "MAP<STRING, STRUCT<`X` BIGINT, `Y` STRING>>",
            map("k", struct_of(&[Value::Null, text("z")])),
        ),
        (
            entries(json!({"type": "string"})),
            "[{\"key\": \"k\", \"value\": true}]",
            "MAP<STRING, BOOLEAN>",
            map("k", Value::Boolean(true)),
        ),
        (
            entries(json!({"type": "integer", "connect.type": "int32"})),
            "[{\"key\": 5, \"value\": true}]",
            "MAP<STRING, BOOLEAN>",
            map("5", Value::Boolean(true)),
        ),
    ] {
        assert_eq!(mapped(&property, value), Ok((column.to_owned(), expected)), "{property}");
    }
}

#[test]
fn values_of_several_schemas() {
    let several = |types: &[&str]| {
        let name = |i| format!("`IO.CONFLUENT.CONNECT.JSON.ONEOF.FIELD.{i}`");
        let fields = types.iter().enumerate().map(|(i, ty)| format!("{} {ty}", name(i)));
        format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
    };
    let point = json!({"$ref": "#/definitions/point"});
    let bytes = json!({"type": "string", "connect.type": "bytes"});
    for (property, value, column, expected) in [
        (json!({"oneOf": [{"type": "null"}, {"type": "integer"}]}), "5", "BIGINT", Value::Bigint(5)),
        (json!({"anyOf": [point.clone(), {"type": "null"}]}), "null", POINT, Value::Null),
        (json!({"type": ["null", "string"]}), "\"a\"", "STRING", text("a")),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            "5",
            &several(&["STRING", "BIGINT"]),
            struct_of(&[Value::Null, Value::Bigint(5)]),
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "boolean"}, point.clone()]}),
            "{\"y\": \"z\"}",
            &several(&["BOOLEAN", POINT]),
            struct_of(&[Value::Null, struct_of(&[Value::Null, text("z")])]),
        ),
        (
            json!({"type": ["string", "number"]}),
            "0.5",
            &several(&["STRING", "DOUBLE"]),
            struct_of(&[Value::Null, Value::Double(0.5)]),
        ),
        // Texts in Base64 are no numbers and no booleans.
        (
            json!({"oneOf": [{"type": "integer"}, bytes.clone()]}),
            "\"AQI=\"",
            &several(&["BIGINT", "BYTES"]),
            struct_of(&[Value::Null, Value::Bytes(vec![1, 2])]),
        ),
        (
            json!({"oneOf": [{"type": "boolean"}, decimal("number", &json!({"scale": "0"}))]}),
            "\"/w==\"",
            &several(&["BOOLEAN", "DECIMAL(64, 0)"]),
            struct_of(&[Value::Null, Value::Decimal(-1, 0)]),
        ),
        (
            json!({"oneOf": [bytes, {"type": "string"}]}),
            "\"AQI=\"",
            &several(&["BYTES", "STRING"]),
            struct_of(&[Value::Null, text("AQI=")]),
        ),
        (
            json!({"allOf": [point, {"properties": {"z": {"type": "boolean"}}}]}),
            "{\"x\": 1, \"z\": true}",
            "STRUCT<`X` BIGINT, `Y` STRING, `Z` BOOLEAN>",
            struct_of(&[Value::Bigint(1), Value::Null, Value::Boolean(true)]),
        ),
    ] {
        assert_eq!(mapped(&property, value), Ok((column.to_owned(), expected)), "{property}");
    }
}

#[test]
fn what_has_no_column_type_is_refused_where_it_stands() {
    let inner = |property: Json| json!({"type": "object", "properties": {"deep": property}});
    for (property, problem) in [
        (json!({}), "a schema without a type, field: c"),
        (json!(true), "a schema must be an object, field: c"),
        (inner(json!({})), "a schema without a type, field: c.deep"),
        (inner(json!({"$ref": "#"})), "field: c.deep.c"),
        (inner(json!({"type": "array"})), "Array schema did not specify the items type, field: c.deep"),
        (inner(json!({"type": "object", "connect.type": "map"})), "field: c.deep"),
        (json!({"type": "integer", "connect.type": "int24"}), "Unsupported type int24, field: c"),
        (json!({"type": "null"}), "values of type null, field: c"),
        (entries_of(json!({"type": "number"})), "Unsupported type for map key: DOUBLE, in field c"),
        (decimal("number", &json!({})), "a decimal that does not say its scale, field: c"),
        (decimal("number", &json!({"scale": "x"})), "scale is \"x\", no number, field: c"),
        (decimal("number", &json!({"scale": "100", "connect.decimal.precision": "4"})), "DECIMAL(4, 100) is none"),
        (inner(decimal("number", &json!({"scale": "0", "connect.decimal.precision": "0"}))), "field: c.deep"),
    ] {
        let error = columns_of(&property).unwrap_err();
        assert!(error.contains(problem), "{property}: {error}");
    }
}

fn entries_of(key: Json) -> Json {
    json!({"type": "array", "connect.type": "map", "items": {"type": "object", "properties": {
        "key": key, "value": {"type": "boolean"}}}})
}

/// The `default` that stands beside a type is what is missing or null, as in Connect; beside several types it means nothing.
#[test]
fn defaults_of_the_writers_schema() {
    let many = json!({"type": "object", "properties": {
        "x": {"type": "integer", "default": 7}, "y": {"type": "string"}}, "default": {"y": "d"}});
    let struct_of = |x, y| Value::Struct(vec![x, y]);
    let seven = || Value::Bigint(7);
    let of_many = SqlType::Struct(vec![("X".to_owned(), SqlType::Bigint), ("Y".to_owned(), SqlType::String)]);
    for (property, ty, expected) in [
        (json!({"type": "string", "default": "d\"é"}), SqlType::String, [text("d\"é"), text("d\"é"), text("1")]),
        (
            json!({"type": "integer", "default": 5}),
            SqlType::Integer,
            [Value::Integer(5), Value::Integer(5), Value::Integer(1)],
        ),
        (
            json!({"oneOf": [{"type": "null"}, {"type": "integer", "default": 7}]}),
            SqlType::Bigint,
            [seven(), seven(), Value::Bigint(1)],
        ),
        (json!({"type": "integer", "default": null}), SqlType::Bigint, [Value::Null, Value::Null, Value::Bigint(1)]),
        (
            json!({"type": ["null", "integer"], "default": 5}),
            SqlType::Bigint,
            [Value::Null, Value::Null, Value::Bigint(1)],
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}, "default": [7]}),
            SqlType::Bigint.array_of(),
            [Value::Array(vec![seven()]), Value::Array(vec![seven()]), Value::Array(vec![Value::Bigint(1)])],
        ),
        (
            many,
            of_many,
            [struct_of(seven(), text("d")), struct_of(seven(), text("d")), struct_of(Value::Bigint(1), Value::Null)],
        ),
    ] {
        let third = match &ty {
            SqlType::Array(_) => "{\"C\": [1]}",
            SqlType::Struct(_) => "{\"c\": {\"x\": 1}}",
            _ => "{\"c\": 1}",
        };
        let columns = [Column::new("C", ty)];
        let read = resolved(&record_of(&property), &["{}", "{\"c\": null}", third], &columns);
        assert_eq!(read, Ok(expected.to_vec()), "{property}");
    }
}

#[test]
fn records_of_other_schemas_are_read_by_names() {
    let date = || logical("integer", "Date", "int32");
    let time = || logical("integer", "Time", "int32");
    let within = |property: Json| json!({"type": "array", "items": {"type": "object", "properties": {"at": property}}});
    let columns = |property: &Json| columns_of(property).unwrap();
    let integer = || json!({"type": "integer"});
    for (case, writer, value, reader, expected) in [
        (
            "narrower",
            integer(),
            "{\"c\": 5}",
            json!({"type": "integer", "connect.type": "int32"}),
            Ok(Value::Integer(5)),
        ),
        ("too large", integer(), "{\"c\": 5000000000}", json!({"type": "integer", "connect.type": "int32"}), Err(".C")),
        ("a number as a text", integer(), "{\"c\": 5}", json!({"type": "string"}), Ok(text("5"))),
        ("a text as a number", json!({"type": "string"}), "{\"c\": \"5\"}", integer(), Ok(Value::Bigint(5))),
        ("in another case", integer(), "{\"C\": 5}", integer(), Ok(Value::Bigint(5))),
        ("missing", integer(), "{\"d\": 5}", integer(), Ok(Value::Null)),
        ("no number", json!({"type": "string"}), "{\"c\": \"x\"}", integer(), Err(".C (schema of id 1)")),
        ("an array then", json!({"type": "array", "items": integer()}), "{\"c\": [5]}", integer(), Err(".C")),
        ("a date then", date(), "{\"c\": 5}", time(), Err("Cannot deserialize type DATE as type TIME for path: ->C")),
        (
            "a time then",
            time(),
            "{}",
            logical("integer", "Timestamp", "int64"),
            Err("type TIME as type TIMESTAMP for path: ->C"),
        ),
        (
            "a date within",
            within(date()),
            "{\"c\": []}",
            within(time()),
            Err("type DATE as type TIME for path: ->C->AT"),
        ),
        ("a date as a number", date(), "{\"c\": 5}", integer(), Ok(Value::Bigint(5))),
        ("a number as a date", integer(), "{\"c\": 5}", date(), Ok(Value::Date(5))),
        ("what nobody can describe", json!({}), "{\"c\": 5}", integer(), Ok(Value::Bigint(5))),
    ] {
        let read = resolved(&record_of(&writer), &[value], &columns(&reader));
        match expected {
            Ok(expected) => assert_eq!(read, Ok(vec![expected]), "{case}"),
            Err(part) => assert!(read.as_ref().is_err_and(|text| text.contains(part)), "{case}: {read:?}"),
        }
    }
}

/// Parts of a schema that nobody can describe cost the columns that they stand for, not the others.
#[test]
fn decimals_beside_what_nobody_can_describe() {
    let price = decimal("number", &json!({"scale": "2"}));
    let writer = |name: &str| json!({"type": "object", "properties": {name: price, "any": {}, "next": {"$ref": "#"}}});
    let ty = SqlType::Decimal { precision: 9, scale: 2 };
    let one = |name: &str| [Column::new(name, ty.clone())];
    assert_eq!(resolved(&writer("c"), &["{\"c\": \"BNI=\"}"], &one("C")), Ok(vec![Value::Decimal(1234, 2)]));
    let any = resolved(&writer("c"), &["{\"any\": \"1234\"}"], &one("ANY")).unwrap_err();
    assert!(any.contains("cannot be read by: a schema without a type, field: any"), "{any}");
    let within = |name: &str, ty| SqlType::Struct(vec![(name.to_owned(), ty)]);
    let next = [Column::new("NEXT", within("NEXT", within("C", ty)))];
    let next = resolved(&writer("c"), &["{}"], &next).unwrap_err();
    assert!(next.contains("refers to itself"), "{next}");
}

/// Two bytes of a record may be a value of a union with many others.
#[test]
fn values_of_several_schemas_are_bounded() {
    let properties: serde_json::Map<String, Json> =
        (0..5000).map(|i| (format!("p{i}"), json!({"type": "boolean"}))).collect();
    let one_of = json!([{"type": "integer"}, {"type": "object", "properties": properties}]);
    let writer = record_of(&json!({"type": "array", "items": {"oneOf": one_of}}));
    let columns = JsonSr.columns(&schema(writer.clone()), &FormatSpec::plain("JSON_SR", true), false).unwrap();
    let record = format!("{{\"{}\": [{}1]}}", columns[0].name.to_lowercase(), "1,".repeat(7000));
    let problem = resolved(&writer, &[&record], &columns).unwrap_err();
    assert!(problem.contains("becomes more than"), "{problem}");
}

#[test]
fn a_problem_is_short_whatever_names_and_values_a_schema_has() {
    let long = "x".repeat(500 << 10);
    for property in [
        json!({"type": "object", "properties": {&long: {}}}),
        decimal("number", &json!({"scale": long})),
        json!({"type": "integer", "connect.type": long}),
    ] {
        let writer = record_of(&property);
        let problem = inferred(&schema(writer));
        assert!(problem.len() < 3000, "{}", problem.len());
    }
}
