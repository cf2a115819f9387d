//! Every mapping of Connect's: the column that a type gets, and what a record's value is in it.

use super::*;

fn record_of(ty: &Json) -> Json {
    json!({"type": "record", "name": "r", "fields": [{"name": "c", "type": ty}]})
}

/// The type of the column, and a record's value.
fn mapped(ty: &Json, value: &Json) -> Result<(String, Value), String> {
    let writer = record_of(ty);
    let schema = Schema::alone(Language::Avro, writer.to_string());
    let columns = columns(&schema, &wrapped(), false).map_err(|error| error.to_string())?;
    let row = read_one(&writer, &json!({"c": value}), &columns, &wrapped())?;
    Ok((columns[0].ty.to_string(), row[0].clone()))
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn logical(ty: &str, name: &str) -> Json {
    json!({"type": ty, "logicalType": name})
}

fn named(kind: &str, more: Json) -> Json {
    let mut ty = json!({"type": kind, "name": "n"});
    ty.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ty
}

fn entries(key: Json) -> Json {
    json!({"type": "array", "items": {"type": "record", "name": "MapEntry", "namespace": "io.confluent.connect.avro",
        "fields": [{"name": "key", "type": key}, {"name": "value", "type": ["null", "long"]}]}})
}

#[test]
fn plain_types() {
    let decimal_of =
        |size: Json| named("fixed", json!({"size": size, "logicalType": "decimal", "precision": 9, "scale": 1}));
    for (ty, value, column, expected) in [
        (json!("boolean"), json!(true), "BOOLEAN", Value::Boolean(true)),
        (json!("int"), json!(-7), "INTEGER", Value::Integer(-7)),
        (json!({"type": "int", "connect.type": "int8"}), json!(7), "INTEGER", Value::Integer(7)),
        (json!({"type": "int", "connect.type": "int16"}), json!(7), "INTEGER", Value::Integer(7)),
        (json!("long"), json!(1_i64 << 40), "BIGINT", Value::Bigint(1 << 40)),
        (json!("float"), json!(0.5), "DOUBLE", Value::Double(0.5)),
        (json!("double"), json!(0.1), "DOUBLE", Value::Double(0.1)),
        (json!("string"), json!("é"), "STRING", text("é")),
        (logical("string", "uuid"), json!("x"), "STRING", text("x")),
        (json!("bytes"), json!("\u{ff}"), "BYTES", Value::Bytes(vec![255])),
        (named("fixed", json!({"size": 2})), json!("ab"), "BYTES", Value::Bytes(b"ab".to_vec())),
        (
            named("fixed", json!({"size": 12, "logicalType": "duration"})),
            json!("123456789012"),
            "BYTES",
            Value::Bytes(b"123456789012".to_vec()),
        ),
        (named("enum", json!({"symbols": ["A", "B"], "default": "A"})), json!("B"), "STRING", text("B")),
        (logical("int", "date"), json!(-1), "DATE", Value::Date(-1)),
        (logical("int", "time-millis"), json!(86_399_999), "TIME", Value::Time(86_399_999)),
        (logical("long", "timestamp-millis"), json!(-1), "TIMESTAMP", Value::Timestamp(-1)),
        (logical("long", "time-micros"), json!(5), "BIGINT", Value::Bigint(5)),
        (logical("long", "timestamp-micros"), json!(5), "BIGINT", Value::Bigint(5)),
        (logical("long", "timestamp-nanos"), json!(5), "BIGINT", Value::Bigint(5)),
        (logical("long", "local-timestamp-millis"), json!(5), "BIGINT", Value::Bigint(5)),
        (
            json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}),
            json!("\u{4}\u{d2}"),
            "DECIMAL(9, 3)",
            Value::Decimal(1234, 3),
        ),
        (
            json!({"type": "bytes", "logicalType": "decimal", "scale": 0}),
            json!("\u{ff}"),
            "DECIMAL(64, 0)",
            Value::Decimal(-1, 0),
        ),
        (
            json!({"type": "bytes", "logicalType": "decimal", "scale": 2,
                "connect.parameters": {"connect.decimal.precision": "12"}}),
            json!("\u{1}"),
            "DECIMAL(12, 2)",
            Value::Decimal(1, 2),
        ),
        (decimal_of(json!(4)), json!("\u{0}\u{0}\u{4}\u{d2}"), "DECIMAL(9, 1)", Value::Decimal(1234, 1)),
    ] {
        assert_eq!(mapped(&ty, &value), Ok((column.to_owned(), expected)), "{ty}");
    }
}

#[test]
fn types_with_parts() {
    let point =
        named("record", json!({"fields": [{"name": "x", "type": "int"}, {"name": "y", "type": ["null", "string"]}]}));
    let struct_of = |values: &[Value]| Value::Struct(values.to_vec());
    let map = |key: &str, value| Value::Map(vec![(text(key), value)]);
    let entry = |key: Json| json!([{"key": key, "value": 5}]);
    for (ty, value, column, expected) in [
        (json!(["null", "int"]), json!(null), "INTEGER", Value::Null),
        (json!(["null", "int"]), json!(1), "INTEGER", Value::Integer(1)),
        (json!(["string", "null"]), json!("x"), "STRING", text("x")),
        (json!(["null", logical("int", "date")]), json!(1), "DATE", Value::Date(1)),
        (
            json!(["null", point.clone()]),
            json!({"x": 1, "y": null}),
            "STRUCT<`X` INTEGER, `Y` STRING>",
            struct_of(&[Value::Integer(1), Value::Null]),
        ),
        (json!(["null", point.clone()]), json!(null), "STRUCT<`X` INTEGER, `Y` STRING>", Value::Null),
        (
            json!(["int", "string"]),
            json!("x"),
            "STRUCT<`INT` INTEGER, `STRING` STRING>",
            struct_of(&[Value::Null, text("x")]),
        ),
        (json!(["null", "int", "string"]), json!(null), "STRUCT<`INT` INTEGER, `STRING` STRING>", Value::Null),
        (
            json!(["int", point.clone()]),
            json!({"x": 2, "y": "z"}),
            "STRUCT<`INT` INTEGER, `N` STRUCT<`X` INTEGER, `Y` STRING>>",
            struct_of(&[Value::Null, struct_of(&[Value::Integer(2), text("z")])]),
        ),
        (
            json!({"type": "array", "items": ["null", "double"]}),
            json!([0.5, null]),
            "ARRAY<DOUBLE>",
            Value::Array(vec![Value::Double(0.5), Value::Null]),
        ),
        (
            json!({"type": "array", "items": {"type": "array", "items": point.clone()}}),
            json!([[], [{"x": 1, "y": null}]]),
            "ARRAY<ARRAY<STRUCT<`X` INTEGER, `Y` STRING>>>",
            Value::Array(vec![Value::Array(vec![]), Value::Array(vec![struct_of(&[Value::Integer(1), Value::Null])])]),
        ),
        (
            json!({"type": "map", "values": "bytes"}),
            json!({"k": "\u{1}"}),
            "MAP<STRING, BYTES>",
            map("k", Value::Bytes(vec![1])),
        ),
        (
            json!({"type": "map", "values": ["null", {"type": "map", "values": "int"}]}),
            json!({"k": {"l": 1}}),
            "MAP<STRING, MAP<STRING, INTEGER>>",
            map("k", map("l", Value::Integer(1))),
        ),
        (entries(json!("string")), entry(json!("a")), "MAP<STRING, BIGINT>", map("a", Value::Bigint(5))),
        (entries(json!(["null", "string"])), entry(json!("a")), "MAP<STRING, BIGINT>", map("a", Value::Bigint(5))),
        (entries(json!("int")), entry(json!(7)), "MAP<STRING, BIGINT>", map("7", Value::Bigint(5))),
        (entries(json!("long")), entry(json!(-7)), "MAP<STRING, BIGINT>", map("-7", Value::Bigint(5))),
        (entries(json!("boolean")), entry(json!(true)), "MAP<STRING, BIGINT>", map("true", Value::Bigint(5))),
    ] {
        assert_eq!(mapped(&ty, &value), Ok((column.to_owned(), expected)), "{ty}");
    }
}

#[test]
fn what_has_no_column_type_is_refused_where_it_stands() {
    let inner = |ty: Json| named("record", json!({"fields": [{"name": "deep", "type": ty}]}));
    for (ty, part) in [
        (json!("null"), "at field 'c': a type that is only null"),
        (inner(json!("null")), "at field 'c.deep': a type that is only null"),
        (json!({"type": "array", "items": inner(json!("null"))}), "at field 'c[].deep'"),
        (json!({"type": "map", "values": "null"}), "at field 'c{}'"),
        (inner(json!(["null", "n"])), "at field 'c.deep': the type n is recursive"),
        (json!({"type": "array", "items": inner(json!({"type": "map", "values": "n"}))}), "at field 'c[].deep{}'"),
        (entries(json!("double")), "Unsupported type for map key: DOUBLE, in field c"),
        (json!({"type": "int", "connect.type": "int24"}), "at field 'c': the connect.type 'int24' is unknown"),
        (json!({"type": "bytes", "logicalType": "decimal"}), "at field 'c': scale must be specified"),
        (
            json!({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 5}),
            "at field 'c': DECIMAL(4, 5) is none",
        ),
        (
            json!({"type": "bytes", "logicalType": "decimal", "precision": 300, "scale": 5}),
            "at field 'c': DECIMAL(300, 5) is none",
        ),
    ] {
        let problem = mapped(&ty, &json!(null)).unwrap_err();
        assert!(problem.contains(part), "{ty}: {problem}");
    }
}

/// Columns that somebody declared: a date or time is never read as another, and microseconds are no milliseconds.
#[test]
fn declared_dates_and_times_are_those_of_the_writer() {
    let read = |ty: &Json, column: SqlType, value: i64| {
        let columns = [Column::new("C", column)];
        read_one(&record_of(ty), &json!({"c": value}), &columns, &wrapped()).map(|mut row| row.remove(0))
    };
    for (ty, column, value, expected) in [
        (logical("long", "timestamp-micros"), SqlType::Timestamp, 1_500, Value::Timestamp(1)),
        (logical("long", "timestamp-micros"), SqlType::Timestamp, -1, Value::Timestamp(-1)),
        (logical("long", "local-timestamp-micros"), SqlType::Timestamp, 2_000, Value::Timestamp(2)),
        (logical("long", "timestamp-nanos"), SqlType::Timestamp, 2_999_999, Value::Timestamp(2)),
        (logical("long", "local-timestamp-millis"), SqlType::Timestamp, 5, Value::Timestamp(5)),
        (logical("long", "timestamp-micros"), SqlType::Bigint, 1_500, Value::Bigint(1_500)),
        (logical("int", "date"), SqlType::Bigint, 3, Value::Bigint(3)),
        (json!("int"), SqlType::Date, 3, Value::Date(3)),
        (json!("int"), SqlType::Time, 3, Value::Time(3)),
        (json!("long"), SqlType::Timestamp, 3, Value::Timestamp(3)),
    ] {
        assert_eq!(read(&ty, column.clone(), value), Ok(expected), "{ty} as {column}");
    }
    for (ty, column, problem) in [
        (logical("int", "date"), SqlType::Time, "a date as type TIME"),
        (logical("int", "date"), SqlType::Timestamp, "a date as type TIMESTAMP"),
        (logical("int", "time-millis"), SqlType::Date, "a time of the day as type DATE"),
        (logical("int", "time-millis"), SqlType::Timestamp, "a time of the day as type TIMESTAMP"),
        (logical("long", "time-micros"), SqlType::Timestamp, "a time of the day as type TIMESTAMP"),
        (logical("long", "timestamp-millis"), SqlType::Time, "a timestamp as type TIME"),
    ] {
        let text = format!("Cannot deserialize {problem} for path: ->C (schema of id 1)");
        assert_eq!(read(&ty, column, 3), Err(text), "{ty}");
    }
}
