//! Every mapping of Connect's: the column that a field gets, and what a message's value is in it; and what becomes of both
//! when the writer's schema is another one.

use super::*;

const HEAD: &str =
    "syntax = 'proto3'; package p; import 'google/protobuf/wrappers.proto'; import 'google/protobuf/timestamp.proto';
    import 'google/type/date.proto'; import 'google/type/timeofday.proto'; import 'google/type/money.proto';
    import 'confluent/meta.proto'; import 'confluent/type/decimal.proto';
    enum E { A = 0; B = 1; C = -5; } message P { int32 x = 1; string y = 2; }";

fn text_of(fields: &str) -> String {
    format!("{HEAD} message T {{ {fields} }}")
}

fn of_t(name: &str) -> FormatSpec {
    FormatSpec { full_name: Some("p.T".to_owned()), ..spec(name) }
}

/// A record of message T, which is the second of its schema.
fn record(id: u8, message: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, id, 2, 2], message].concat()
}

fn read_columns(schemas: &Arc<Memory>, columns: &[Column], record: Vec<u8>) -> Result<Vec<Value>, String> {
    let decoded = decode(&spec("PROTOBUF"), &half(schemas), columns, &BinaryArray::from_iter_values([record]));
    match decoded.bad.first() {
        Some((_, why)) => Err(why.clone()),
        None => Ok(rows(&decoded, 1).remove(0)),
    }
}

/// The type of the first column, and a message's value.
fn mapped(fields: &str, message: &[u8]) -> Result<(String, Value), String> {
    let schemas = Memory::with(&[&text_of(fields)]);
    let columns = infer::columns(&schemas.by_id(1).unwrap(), &of_t("PROTOBUF")).map_err(|error| error.to_string())?;
    let row = read_columns(&schemas, &columns, record(1, message))?;
    Ok((columns[0].ty.to_string(), row[0].clone()))
}

#[test]
fn single_values() {
    let decimal = "confluent.type.Decimal f = 1 [(confluent.field_meta) = { params: [
        { key: 'precision' value: '9' }, { key: 'scale' value: '2' }] }];";
    for (field, message, column, expected) in [
        ("bool f = 1;", &b"\x08\x01"[..], "BOOLEAN", Value::Boolean(true)),
        ("int32 f = 1;", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "INTEGER", Value::Integer(-1)),
        ("sint32 f = 1;", b"\x08\x03", "INTEGER", Value::Integer(-2)),
        ("sfixed32 f = 1;", b"\x0d\xff\xff\xff\xff", "INTEGER", Value::Integer(-1)),
        ("uint32 f = 1;", b"\x08\xff\xff\xff\xff\x0f", "BIGINT", Value::Bigint(4_294_967_295)),
        ("fixed32 f = 1;", b"\x0d\xff\xff\xff\xff", "BIGINT", Value::Bigint(4_294_967_295)),
        ("int64 f = 1;", b"\x08\x07", "BIGINT", Value::Bigint(7)),
        ("uint64 f = 1;", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "BIGINT", Value::Bigint(-1)),
        ("sint64 f = 1;", b"\x08\x03", "BIGINT", Value::Bigint(-2)),
        ("fixed64 f = 1;", b"\x09\x07\0\0\0\0\0\0\0", "BIGINT", Value::Bigint(7)),
        ("sfixed64 f = 1;", b"\x09\xff\xff\xff\xff\xff\xff\xff\xff", "BIGINT", Value::Bigint(-1)),
        ("float f = 1;", b"\x0d\0\0\0\x3f", "DOUBLE", Value::Double(0.5)),
        ("double f = 1;", b"\x09\0\0\0\0\0\0\xe0\x3f", "DOUBLE", Value::Double(0.5)),
        ("string f = 1;", b"\x0a\x02\xc3\xa9", "STRING", string("é")),
        ("bytes f = 1;", b"\x0a\x01\xff", "BYTES", Value::Bytes(vec![255])),
        ("E f = 1;", b"\x08\x01", "STRING", string("B")),
        ("E f = 1;", b"", "STRING", string("A")),
        ("E f = 1;", b"\x08\x09", "STRING", string("UNKNOWN_ENUM_VALUE_E_9")),
        ("int32 f = 1;", b"", "INTEGER", Value::Integer(0)),
        ("optional int32 f = 1;", b"", "INTEGER", Value::Null),
        ("optional int32 f = 1;", b"\x08\0", "INTEGER", Value::Integer(0)),
        ("optional E f = 1;", b"", "STRING", Value::Null),
        ("google.protobuf.Int32Value f = 1;", b"", "INTEGER", Value::Null),
        ("google.protobuf.Int32Value f = 1;", b"\x0a\0", "INTEGER", Value::Integer(0)),
        ("google.protobuf.UInt32Value f = 1;", b"\x0a\x02\x08\x05", "BIGINT", Value::Bigint(5)),
        ("google.protobuf.Int64Value f = 1;", b"\x0a\x02\x08\x05", "BIGINT", Value::Bigint(5)),
        ("google.protobuf.UInt64Value f = 1;", b"\x0a\x02\x08\x05", "BIGINT", Value::Bigint(5)),
        ("google.protobuf.BoolValue f = 1;", b"\x0a\x02\x08\x01", "BOOLEAN", Value::Boolean(true)),
        ("google.protobuf.StringValue f = 1;", b"\x0a\x03\x0a\x01a", "STRING", string("a")),
        ("google.protobuf.BytesValue f = 1;", b"\x0a\x03\x0a\x01a", "BYTES", Value::Bytes(b"a".to_vec())),
        ("google.protobuf.FloatValue f = 1;", b"\x0a\x05\x0d\0\0\0\x3f", "DOUBLE", Value::Double(0.5)),
        ("google.protobuf.DoubleValue f = 1;", b"\x0a\x09\x09\0\0\0\0\0\0\xe0\x3f", "DOUBLE", Value::Double(0.5)),
        ("google.protobuf.Timestamp f = 1;", b"\x0a\x06\x08\x01\x10\xc0\x84\x3d", "TIMESTAMP", Value::Timestamp(1001)),
        ("google.protobuf.Timestamp f = 1;", b"", "TIMESTAMP", Value::Null),
        ("google.type.Date f = 1;", b"\x0a\x07\x08\xe5\x0f\x10\x02\x18\x03", "DATE", Value::Date(18661)),
        ("google.type.TimeOfDay f = 1;", b"\x0a\x02\x08\x01", "TIME", Value::Time(3_600_000)),
        (decimal, b"\x0a\x06\x0a\x02\x04\xd2\x18\x02", "DECIMAL(9, 2)", Value::Decimal(1234, 2)),
        ("confluent.type.Decimal f = 1;", b"\x0a\x03\x0a\x01\xff", "DECIMAL(64, 0)", Value::Decimal(-1, 0)),
    ] {
        assert_eq!(mapped(field, message), Ok((column.to_owned(), expected)), "{field}");
    }
}

const POINT: &str = "STRUCT<`X` INTEGER, `Y` STRING>";

fn point(x: i32, y: &str) -> Value {
    Value::Struct(vec![Value::Integer(x), string(y)])
}

#[test]
fn messages_and_oneofs() {
    for (field, message, column, expected) in [
        ("P f = 1;", &b"\x0a\x02\x08\x05"[..], POINT, point(5, "")),
        ("P f = 1;", b"", POINT, Value::Null),
        ("p.P f = 1;", b"\x0a\0", POINT, point(0, "")),
        (
            "message N { message O { P p = 1; } O o = 1; } N f = 1;",
            b"\x0a\x04\x0a\x02\x0a\0",
            "STRUCT<`O` STRUCT<`P` STRUCT<`X` INTEGER, `Y` STRING>>>",
            Value::Struct(vec![Value::Struct(vec![point(0, "")])]),
        ),
        (
            "google.type.Money f = 1;",
            b"\x0a\x04\x0a\x02EU",
            "STRUCT<`CURRENCY_CODE` STRING, `UNITS` BIGINT, `NANOS` INTEGER>",
            Value::Struct(vec![string("EU"), Value::Bigint(0), Value::Integer(0)]),
        ),
        (
            "oneof o { int32 a = 1; P b = 2; }",
            b"\x08\0",
            "STRUCT<`A` INTEGER, `B` STRUCT<`X` INTEGER, `Y` STRING>>",
            Value::Struct(vec![Value::Integer(0), Value::Null]),
        ),
        (
            "oneof o { int32 a = 1; P b = 2; }",
            b"\x12\0",
            "STRUCT<`A` INTEGER, `B` STRUCT<`X` INTEGER, `Y` STRING>>",
            Value::Struct(vec![Value::Null, point(0, "")]),
        ),
        (
            "oneof o { int32 a = 1; P b = 2; }",
            b"",
            "STRUCT<`A` INTEGER, `B` STRUCT<`X` INTEGER, `Y` STRING>>",
            Value::Null,
        ),
    ] {
        assert_eq!(mapped(field, message), Ok((column.to_owned(), expected)), "{field}");
    }
}

#[test]
fn arrays_and_maps() {
    let numbers = |items: &[i32]| Value::Array(items.iter().map(|item| Value::Integer(*item)).collect());
    let map = |key: &str, value| Value::Map(vec![(string(key), value)]);
    for (field, message, column, expected) in [
        ("repeated int32 f = 1;", &b"\x0a\x02\x01\x02\x08\x03"[..], "ARRAY<INTEGER>", numbers(&[1, 2, 3])),
        ("repeated int32 f = 1 [packed = false];", b"\x08\x03", "ARRAY<INTEGER>", numbers(&[3])),
        ("repeated int32 f = 1;", b"", "ARRAY<INTEGER>", numbers(&[])),
        ("repeated E f = 1;", b"\x0a\x02\0\x01", "ARRAY<STRING>", Value::Array(vec![string("A"), string("B")])),
        (
            "repeated P f = 1;",
            b"\x0a\0\x0a\x02\x08\x01",
            "ARRAY<STRUCT<`X` INTEGER, `Y` STRING>>",
            Value::Array(vec![point(0, ""), point(1, "")]),
        ),
        (
            "repeated google.type.Date f = 1;",
            b"\x0a\x07\x08\xe5\x0f\x10\x02\x18\x03",
            "ARRAY<DATE>",
            Value::Array(vec![Value::Date(18661)]),
        ),
        (
            "repeated google.protobuf.StringValue f = 1;",
            b"\x0a\x03\x0a\x01a",
            "ARRAY<STRING>",
            Value::Array(vec![string("a")]),
        ),
        (
            "map<string, int32> f = 1;",
            b"\x0a\x05\x0a\x01k\x10\x05",
            "MAP<STRING, INTEGER>",
            map("k", Value::Integer(5)),
        ),
        ("map<int64, string> f = 1;", b"\x0a\x05\x08\x07\x12\x01v", "MAP<STRING, STRING>", map("7", string("v"))),
        (
            "map<sint32, bool> f = 1;",
            b"\x0a\x04\x08\x03\x10\x01",
            "MAP<STRING, BOOLEAN>",
            map("-2", Value::Boolean(true)),
        ),
        ("map<bool, E> f = 1;", b"\x0a\x04\x08\x01\x10\x01", "MAP<STRING, STRING>", map("true", string("B"))),
        (
            "map<string, P> f = 1;",
            b"\x0a\x03\x0a\x01k",
            "MAP<STRING, STRUCT<`X` INTEGER, `Y` STRING>>",
            map("k", point(0, "")),
        ),
        (
            "map<string, google.type.TimeOfDay> f = 1;",
            b"\x0a\x07\x0a\x01k\x12\x02\x08\x01",
            "MAP<STRING, TIME>",
            map("k", Value::Time(3_600_000)),
        ),
    ] {
        assert_eq!(mapped(field, message), Ok((column.to_owned(), expected)), "{field}");
    }
}

#[test]
fn what_has_no_column_type_is_refused_where_it_stands() {
    let decimal = |params: &str| {
        format!(
            "message N {{ confluent.type.Decimal d = 1 [(confluent.field_meta) = {{ params: [{params}] }}]; }} N f = 1;"
        )
    };
    let precision = |precision: &str, scale: &str| {
        decimal(&format!("{{ key: 'precision' value: '{precision}' }}, {{ key: 'scale' value: '{scale}' }}"))
    };
    for (fields, problem) in [
        ("message N { repeated T t = 1; } N f = 1;", "Field p.T.N.t is of message p.T, which it is within"),
        ("map<string, T> f = 1;", "is of message p.T, which it is within"),
        ("oneof o { T t = 1; }", "Field p.T.t is of message p.T, which it is within"),
        (&precision("4", "100"), "Field p.T.N.d: DECIMAL(4, 100) is none"),
        (&precision("0", "0"), "Field p.T.N.d: DECIMAL(0, 0) is none"),
        (&precision("4", "-1"), "Field p.T.N.d: DECIMAL(4, -1) is none"),
        (&precision("x", "1"), "Field p.T.N.d: the precision 'x' is no number"),
    ] {
        let error = mapped(fields, b"").unwrap_err();
        assert!(error.contains(problem), "{fields}: {error}");
    }
}

/// What is written with one schema, read into the columns of another.
fn resolved(writer: &str, message: &[u8], reader: &str) -> Result<Vec<Value>, String> {
    let (writer, reader) = (text_of(writer), text_of(reader));
    let schemas = Memory::with(&[&writer, &reader]);
    let columns = infer::columns(&schemas.by_id(2).unwrap(), &of_t("PROTOBUF")).map_err(|error| error.to_string())?;
    read_columns(&schemas, &columns, record(1, message))
}

#[test]
fn records_of_other_schemas_are_read_by_names() {
    let one = |value| vec![value];
    for (case, writer, message, reader, expected) in [
        ("added", "int32 a = 1;", &b"\x08\x05"[..], "int32 a = 1; int32 b = 2;", vec![Value::Integer(5), Value::Null]),
        ("removed", "int32 a = 1; P gone = 2;", b"\x08\x05\x12\0", "int32 a = 1;", one(Value::Integer(5))),
        ("of another number", "int32 a = 7;", b"\x38\x05", "int32 a = 1;", one(Value::Integer(5))),
        ("in another case", "int32 A = 1;", b"\x08\x05", "int32 a = 1;", one(Value::Integer(5))),
        (
            "renamed: another one",
            "int32 old = 1;",
            b"\x08\x05",
            "int32 a = 1; int32 old = 2;",
            vec![Value::Null, Value::Integer(5)],
        ),
        ("wider", "int32 a = 1;", b"\x08\x05", "int64 a = 1;", one(Value::Bigint(5))),
        ("wider", "float a = 1;", b"\x0d\0\0\0\x3f", "double a = 1;", one(Value::Double(0.5))),
        ("unsigned", "uint32 a = 1;", b"\x08\x05", "int64 a = 1;", one(Value::Bigint(5))),
        ("a number as a text", "int32 a = 1;", b"\x08\x05", "string a = 1;", one(string("5"))),
        ("optional now", "int32 a = 1;", b"", "optional int32 a = 1;", one(Value::Integer(0))),
        ("optional then", "optional int32 a = 1;", b"", "int32 a = 1;", one(Value::Null)),
        (
            "wrapped then",
            "google.protobuf.Int32Value a = 1;",
            b"\x0a\x02\x08\x05",
            "int32 a = 1;",
            one(Value::Integer(5)),
        ),
        ("an enum as a text", "E a = 1;", b"\x08\x01", "string a = 1;", one(string("B"))),
        ("more names", "E a = 1;", b"\x08\x09", "E a = 1;", one(string("UNKNOWN_ENUM_VALUE_E_9"))),
        ("a number as a date", "int32 a = 1;", b"\x08\x05", "google.type.Date a = 1;", one(Value::Date(5))),
    ] {
        assert_eq!(resolved(writer, message, reader), Ok(expected), "{case}: {writer} {reader}");
    }
}

#[test]
fn what_became_something_else_is_a_bad_record() {
    for (case, writer, message, reader, part) in [
        (
            "into a oneof: none of its fields",
            "int32 a = 1;",
            &b"\x08\x05"[..],
            "oneof o { int32 a = 1; } int32 b = 2;",
            "which has none of the columns",
        ),
        (
            "narrower",
            "int64 a = 1;",
            b"\x08\x05",
            "int32 a = 1;",
            "type int64 as type int32 for path: ->A (message p.T of schema id 1)",
        ),
        ("another type", "string a = 1;", b"\x0a\0", "int32 a = 1;", "type string as type int32"),
        ("repeated then", "repeated int32 a = 1;", b"", "int32 a = 1;", "Cannot deserialize type"),
        ("repeated now", "int32 a = 1;", b"", "repeated int32 a = 1;", "as type array"),
        (
            "a date then",
            "google.type.Date a = 1;",
            b"",
            "google.type.TimeOfDay a = 1;",
            "a date as type TIME for path: ->A",
        ),
        ("a date then", "google.type.Date a = 1;", b"", "google.protobuf.Timestamp a = 1;", "a date as type TIMESTAMP"),
        (
            "a time then",
            "google.type.TimeOfDay a = 1;",
            b"",
            "google.type.Date a = 1;",
            "a time of the day as type DATE",
        ),
    ] {
        let read = resolved(writer, message, reader);
        assert!(read.as_ref().is_err_and(|text| text.contains(part)), "{case}: {writer} {reader}: {read:?}");
    }
}

/// What the decoder calls numbers without a name is written as these numbers again.
#[test]
fn unknown_numbers_of_an_enum_are_written_back() {
    let schemas = Memory::with(&[&text_of("E f = 1; repeated E g = 2;")]);
    let spec = FormatSpec { schema_id: Some(1), ..of_t("PROTOBUF") };
    let columns = infer::columns(&schemas.by_id(1).unwrap(), &spec).unwrap();
    let message = b"\x08\x09\x12\x0c\x01\xf7\xff\xff\xff\xff\xff\xff\xff\xff\x01\x07";
    let row = read_columns(&schemas, &columns, record(1, message)).unwrap();
    assert_eq!(row[0], string("UNKNOWN_ENUM_VALUE_E_9"));
    let written = encode(&spec, &half(&schemas), &columns, &[row]).unwrap();
    assert_eq!(written.value(0), record(1, message));
    for wrong in ["UNKNOWN_ENUM_VALUE_E_x", "UNKNOWN_ENUM_VALUE_F_9", "UNKNOWN_ENUM_VALUE_E_99999999999"] {
        let row = vec![string(wrong), Value::Array(Vec::new())];
        assert!(encode(&spec, &half(&schemas), &columns, &[row]).is_err(), "{wrong}");
    }
}
