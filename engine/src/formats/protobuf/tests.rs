//! What is written is read, by ourselves and by a library of others; what is damaged does no harm; what columns fields get.

mod damage;
mod mappings;
mod oracle;

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BinaryArray};

use super::infer;
use crate::formats::tests::{Random, rounds, to_columns};
use crate::formats::{Decoded, FormatError, FormatSpec, Half, NullableAs, format};
use crate::schemas::{Language, Registered, Schema, SchemaError, Schemas, topic_subject};
use crate::types::{Column, SqlType, Value};

/// A registry in memory; the first schema has id 1.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<(String, Arc<Schema>)>>);

impl Memory {
    fn with(texts: &[&str]) -> Arc<Self> {
        let schema = |text: &&str| ("t-value".to_owned(), Arc::new(Schema::alone(Language::Protobuf, *text)));
        Arc::new(Self(Mutex::new(texts.iter().map(schema).collect())))
    }

    fn text(&self, id: i32) -> String {
        self.by_id(id).unwrap().text.to_string()
    }
}

impl Schemas for Memory {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        let schemas = self.0.lock().unwrap();
        let at = usize::try_from(id).ok().and_then(|id| id.checked_sub(1)).ok_or(SchemaError::UnknownId(id))?;
        schemas.get(at).map(|(_, schema)| Arc::clone(schema)).ok_or(SchemaError::UnknownId(id))
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        let schemas = self.0.lock().unwrap();
        let at = schemas.iter().rposition(|(other, _)| other == subject);
        Ok(at.map(|at| Registered {
            subject: subject.to_owned(),
            version: 1,
            id: at as i32 + 1,
            schema: Arc::clone(&schemas[at].1),
        }))
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        let mut schemas = self.0.lock().unwrap();
        let at = schemas.iter().position(|(_, other)| **other == *schema).unwrap_or(schemas.len());
        if at == schemas.len() {
            schemas.push((subject.to_owned(), Arc::new(schema.clone())));
        }
        Ok(at as i32 + 1)
    }

    fn delete(&self, _: &str) -> Result<(), SchemaError> {
        Ok(())
    }

    fn has(&self, _: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        Ok(id.is_none_or(|id| self.by_id(id).is_ok()))
    }

    fn subject(&self, topic: &str, is_key: bool, _: Option<&str>) -> String {
        topic_subject(topic, is_key)
    }
}

fn half(schemas: &Arc<Memory>) -> Half {
    Half { topic: Arc::from("t"), is_key: false, schemas: schemas.clone() }
}

fn spec(name: &str) -> FormatSpec {
    FormatSpec::plain(name, true)
}

fn columns(columns: &[(&str, SqlType)]) -> Vec<Column> {
    columns.iter().map(|(name, ty)| Column::new(*name, ty.clone())).collect()
}

fn encode(spec: &FormatSpec, half: &Half, columns: &[Column], rows: &[Vec<Value>]) -> Result<BinaryArray, FormatError> {
    let arrays: Vec<ArrayRef> = to_columns(columns, rows);
    format(&spec.name).unwrap().encoder(spec, columns, half)?.encode(&arrays, None)
}

fn decode(spec: &FormatSpec, half: &Half, columns: &[Column], payloads: &BinaryArray) -> Decoded {
    let used: Vec<usize> = (0..columns.len()).collect();
    let mut decoder = format(&spec.name).unwrap().decoder(spec, columns, &used, half).unwrap();
    decoder.prepare(payloads).unwrap();
    decoder.decode(payloads)
}

fn rows(decoded: &Decoded, len: usize) -> Vec<Vec<Value>> {
    (0..len).map(|row| decoded.columns.iter().map(|column| Value::at(column, row)).collect()).collect()
}

/// Reads one message that nothing stands before, of the schema.
fn read(text: &str, columns: &[Column], message: &[u8]) -> Result<Vec<Value>, String> {
    let record = [&[0, 0, 0, 0, 1, 0], message].concat();
    let payloads = BinaryArray::from_iter_values([record]);
    let decoded = decode(&spec("PROTOBUF"), &half(&Memory::with(&[text])), columns, &payloads);
    match decoded.bad.first() {
        Some((_, why)) => Err(why.clone()),
        None => Ok(rows(&decoded, 1).remove(0)),
    }
}

fn inferred(text: &str) -> Result<Vec<String>, String> {
    let columns = infer::columns(&Schema::alone(Language::Protobuf, text), &spec("PROTOBUF"));
    let columns = columns.map_err(|error| error.to_string())?;
    Ok(columns.iter().map(|column| format!("{} {}", column.name, column.ty)).collect())
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn struct_of(fields: &[(&str, SqlType)]) -> SqlType {
    SqlType::Struct(fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect())
}

fn map_of(value: SqlType) -> SqlType {
    SqlType::Map(Box::new(SqlType::String), Box::new(value))
}

/// Types that Protobuf holds.
pub(in crate::formats) fn any_type(random: &mut Random, depth: u64) -> SqlType {
    match random.below(if depth == 0 { 3 } else { 6 }) {
        0..3 => random.simple_type(),
        3 => match any_type(random, depth - 1) {
            SqlType::Array(_) | SqlType::Map(..) => SqlType::Integer.array_of(),
            item => item.array_of(),
        },
        4 => map_of(any_type(random, depth - 1)),
        _ => SqlType::Struct((0..random.below(4)).map(|i| (format!("F{i}"), any_type(random, depth - 1))).collect()),
    }
}

/// A value without NULLs in arrays.
pub(in crate::formats) fn any_value(random: &mut Random, ty: &SqlType) -> Value {
    fn holdable(value: Value) -> Value {
        match value {
            Value::Array(items) => {
                Value::Array(items.into_iter().filter(|item| *item != Value::Null).map(holdable).collect())
            }
            Value::Map(entries) => Value::Map(entries.into_iter().map(|(key, value)| (key, holdable(value))).collect()),
            Value::Struct(fields) => Value::Struct(fields.into_iter().map(holdable).collect()),
            value => value,
        }
    }
    holdable(random.value(ty))
}

/// What is read after a value was written.
fn read_back(value: &Value, ty: &SqlType, nullable: Option<NullableAs>) -> Value {
    match (value, ty) {
        (Value::Null, SqlType::Array(_)) => Value::Array(Vec::new()),
        (Value::Null, SqlType::Map(..)) => Value::Map(Vec::new()),
        (Value::Null, ty) => {
            if nullable.is_some() {
                Value::Null
            } else {
                zero(ty)
            }
        }
        (Value::Array(items), SqlType::Array(ty)) => {
            Value::Array(items.iter().map(|item| read_back(item, ty, nullable)).collect())
        }
        (Value::Map(entries), SqlType::Map(_, ty)) => {
            let value = |value: &Value| match (value, &**ty) {
                // An absent message is one of defaults, where there is one.
                (Value::Null, SqlType::Struct(fields)) => {
                    Value::Struct(fields.iter().map(|(_, ty)| read_back(&Value::Null, ty, nullable)).collect())
                }
                (Value::Null, SqlType::Time) => Value::Time(0),
                (Value::Null, SqlType::Timestamp) => Value::Timestamp(0),
                (Value::Null, SqlType::Array(_) | SqlType::Map(..)) => read_back(&Value::Null, ty, nullable),
                (Value::Null, ty) => zero(ty),
                (value, ty) => read_back(value, ty, nullable),
            };
            Value::Map(entries.iter().map(|(key, of)| (key.clone(), value(of))).collect())
        }
        (Value::Struct(values), SqlType::Struct(fields)) => {
            let fields = values.iter().zip(fields);
            Value::Struct(fields.map(|(value, (_, ty))| read_back(value, ty, nullable)).collect())
        }
        (value, _) => value.clone(),
    }
}

fn zero(ty: &SqlType) -> Value {
    match ty {
        SqlType::Boolean => Value::Boolean(false),
        SqlType::Integer => Value::Integer(0),
        SqlType::Bigint => Value::Bigint(0),
        SqlType::Double => Value::Double(0.0),
        SqlType::String => string(""),
        SqlType::Bytes => Value::Bytes(Vec::new()),
        _ => Value::Null,
    }
}

#[test]
fn what_is_written_is_read() {
    let mut random = Random::new(11);
    let all = [None, Some(NullableAs::Optional), Some(NullableAs::Wrapper)];
    for case in 0..rounds(500) {
        let columns: Vec<Column> =
            (0..random.below(6)).map(|i| Column::new(format!("C{i}"), any_type(&mut random, 3))).collect();
        let values: Vec<Vec<Value>> =
            (0..20).map(|_| columns.iter().map(|column| any_value(&mut random, &column.ty)).collect()).collect();
        for nullable in all {
            let expected: Vec<Vec<Value>> = values
                .iter()
                .map(|row| row.iter().zip(&columns).map(|(value, c)| read_back(value, &c.ty, nullable)).collect())
                .collect();
            for name in ["PROTOBUF", "PROTOBUF_NOSR"] {
                let schemas = Memory::with(&[]);
                let spec = FormatSpec { nullable, ..spec(name) };
                let present = arrow::buffer::BooleanBuffer::new_set(values.len());
                let mut encoder = format(name).unwrap().encoder(&spec, &columns, &half(&schemas)).unwrap();
                let payloads = encoder.encode(&to_columns(&columns, &values), Some(&present)).unwrap();
                let decoded = decode(&spec, &half(&schemas), &columns, &payloads);
                assert_eq!(decoded.bad, [], "case {case} {name} {nullable:?}");
                assert_eq!(rows(&decoded, values.len()), expected, "case {case} {name} {nullable:?} {columns:?}");
            }
        }
    }
}

#[test]
fn a_single_column_may_stand_alone_without_a_registry() {
    let bare = FormatSpec::plain("PROTOBUF_NOSR", false);
    let schemas = Memory::with(&[]);
    let point = struct_of(&[("X", SqlType::Integer), ("Y", SqlType::String)]);
    for (ty, value, bytes) in [
        (SqlType::Integer, Value::Integer(300), &b"\x08\xac\x02"[..]),
        (SqlType::Integer, Value::Integer(0), b""),
        (SqlType::String, string("abc"), b"\x0a\x03abc"),
        (SqlType::Date, Value::Date(18661), b"\x08\xe5\x0f\x10\x02\x18\x03"),
        (point, Value::Struct(vec![Value::Integer(1), string("z")]), b"\x08\x01\x12\x01z"),
    ] {
        let columns = columns(&[("V", ty)]);
        let values = [vec![value], vec![Value::Null]];
        let payloads = encode(&bare, &half(&schemas), &columns, &values).unwrap();
        assert_eq!(payloads.iter().collect::<Vec<_>>(), [Some(bytes), None]);
        assert_eq!(rows(&decode(&bare, &half(&schemas), &columns, &payloads), 2), values);
    }
    let refused = encode(&bare, &half(&schemas), &columns(&[("V", SqlType::Integer.array_of())]), &[]);
    assert!(refused.unwrap_err().to_string().contains("Unsupported root schema of type ARRAY"));
}

#[test]
fn what_protobuf_cannot_hold_is_refused_in_ksqldbs_words() {
    let refusal = |ty: SqlType| {
        let error = format("PROTOBUF").unwrap().validate(&columns(&[("V", ty)]), false).unwrap_err();
        error.to_string()
    };
    let numbers = SqlType::Map(Box::new(SqlType::Integer), Box::new(SqlType::Integer));
    assert!(refusal(numbers).contains("PROTOBUF format only supports MAP types with STRING keys"));
    assert!(refusal(SqlType::Integer.array_of().array_of()).contains("Array cannot be nested"));
    assert!(refusal(struct_of(&[("a b", SqlType::Integer)])).contains("\"a b\" is not a valid identifier"));
    assert!(
        refusal(SqlType::Integer.array_of().array_of())
            .starts_with("Value format does not support schema.\nformat: PROTOBUF\n")
    );
}

#[test]
fn columns_come_from_every_kind_of_field() {
    let text = r#"
        syntax = "proto3";
        package shop.v1;
        import "google/protobuf/wrappers.proto";
        import "google/protobuf/timestamp.proto";
        import 'google/type/date.proto';
        import "google/type/timeofday.proto";
        import "confluent/meta.proto";
        import "confluent/type/decimal.proto";
        // { { { brackets in comments do not count
        message Order {
          enum State { option allow_alias = true; NEW = 0; PAID = 1; DONE = 1; }
          message Line { string sku = 1; .shop.v1.Order.Point at = 2; }
          message Point { double x = 1; }
          int32 i32 = 1; sint32 s32 = 2; sfixed32 sf32 = 3; uint32 u32 = 4; fixed32 f32 = 5;
          int64 i64 = 6; sint64 s64 = 7; sfixed64 sf64 = 8; uint64 u64 = 9; fixed64 f64 = 10;
          float flt = 11; double dbl = 12; bool b = 13; string s = 14; bytes by = 15;
          State state = 16;
          repeated Line lines = 17;
          map<string, int32> counts = 18; map<int64, Point> points = 19; map<bool, State> states = 20;
          google.protobuf.Int32Value wi = 21; google.protobuf.UInt32Value wu = 22; google.protobuf.StringValue ws = 23;
          google.protobuf.Timestamp ts = 24; google.type.Date day = 25; google.type.TimeOfDay tod = 26;
          confluent.type.Decimal price = 27 [(confluent.field_meta) = {
            params: [ { value: "10", key: "precision" }, { key: "scale" value: "2" } ] }];
          confluent.type.Decimal bare = 28;
          oneof payment { string card = 29; Point cash = 30; }
          optional int32 maybe = 31;
          reserved 40, 50 to 60;
        }
    "#;
    let expected = [
        "PAYMENT_0 STRUCT<`CARD` STRING, `CASH` STRUCT<`X` DOUBLE>>",
        "I32 INTEGER",
        "S32 INTEGER",
        "SF32 INTEGER",
        "U32 BIGINT",
        "F32 BIGINT",
        "I64 BIGINT",
        "S64 BIGINT",
        "SF64 BIGINT",
        "U64 BIGINT",
        "F64 BIGINT",
        "FLT DOUBLE",
        "DBL DOUBLE",
        "B BOOLEAN",
        "S STRING",
        "BY BYTES",
        "STATE STRING",
        "LINES ARRAY<STRUCT<`SKU` STRING, `AT` STRUCT<`X` DOUBLE>>>",
        "COUNTS MAP<STRING, INTEGER>",
        "POINTS MAP<STRING, STRUCT<`X` DOUBLE>>",
        "STATES MAP<STRING, STRING>",
        "WI INTEGER",
        "WU BIGINT",
        "WS STRING",
        "TS TIMESTAMP",
        "DAY DATE",
        "TOD TIME",
        "PRICE DECIMAL(10, 2)",
        "BARE DECIMAL(64, 0)",
        "MAYBE INTEGER",
    ];
    assert_eq!(inferred(text).unwrap(), expected);
}

#[test]
fn what_has_no_column_type_is_an_error_that_names_the_field() {
    let recursive = inferred("syntax = 'proto3'; message A { int32 i = 1; message B { repeated A as = 1; } B b = 2; }");
    assert!(recursive.unwrap_err().starts_with("Field A.B.as is of message A, which it is within"));
    let any = inferred(
        "syntax = 'proto3'; import 'google/protobuf/struct.proto'; message A { google.protobuf.Struct s = 1; }",
    );
    assert!(any.unwrap_err().contains("google.protobuf."));
    let group = inferred("message A { optional group G = 1 { optional int32 i = 1; } }");
    assert_eq!(group.unwrap_err(), "Field A.g is a group, which has no type in SQL");
    let missing = inferred("syntax = 'proto3'; message A { B b = 1; }");
    assert_eq!(missing.unwrap_err(), "the type B of field A.b is not there");
    let import = inferred("syntax = 'proto3'; import 'other.proto'; message A { int32 i = 1; }");
    assert_eq!(import.unwrap_err(), "import \"other.proto\" is not there");
    assert!(
        inferred("syntax = 'proto3'; message A {}").unwrap_err().starts_with("Schema does not include any columns")
    );
    let twice = inferred("syntax = 'proto3'; message A { int32 a = 1; int32 A = 2; }");
    assert_eq!(twice.unwrap_err(), "Cannot create field because of field name duplication A");
    let deep = format!("syntax = 'proto3'; {}", "message A { ".repeat(100_000));
    assert!(inferred(&deep).unwrap_err().contains("brackets in each other"));
    // Each message doubles what the next one is.
    let doubling: String = (0..40).map(|i| format!("message M{i} {{ M{0} a = 1; M{0} b = 2; }}", i + 1)).collect();
    let doubling = format!("syntax = 'proto3'; {doubling} message M40 {{ int32 i = 1; }}");
    assert!(inferred(&doubling).unwrap_err().starts_with("A schema may become 10000 columns"));
    for text in
        ["", "message", "syntax = 'proto9'; message A { int32 i = 1; }", "{}", "\u{0}", "message A { int32 i = 0; }"]
    {
        assert!(inferred(text).is_err(), "{text}");
    }
}

#[test]
fn names_keep_their_case_where_a_schema_is_asked_for_by_id() {
    let schema =
        Schema::alone(Language::Protobuf, "syntax = 'proto3'; message A { int32 a = 1; } message B { int32 b = 1; }");
    let by_id = FormatSpec { schema_id: Some(1), full_name: Some("B".to_owned()), ..spec("PROTOBUF") };
    assert_eq!(infer::columns(&schema, &by_id).unwrap(), columns(&[("b", SqlType::Integer)]));
    let none = FormatSpec { full_name: Some("C".to_owned()), ..spec("PROTOBUF") };
    assert!(infer::columns(&schema, &none).unwrap_err().to_string().contains("no message C"));
}

#[test]
fn the_last_value_of_a_field_counts_and_messages_are_put_together() {
    let text = "syntax = 'proto3'; message A { int32 i = 1; string s = 2; B b = 3; repeated int32 r = 4;
                oneof o { int32 x = 5; B y = 6; } map<string, int32> m = 7; message B { int32 p = 1; repeated int32 q = 2; } }";
    let b = struct_of(&[("P", SqlType::Integer), ("Q", SqlType::Integer.array_of())]);
    let o = struct_of(&[("X", SqlType::Integer), ("Y", b.clone())]);
    let all = columns(&[
        ("I", SqlType::Integer),
        ("S", SqlType::String),
        ("B", b),
        ("R", SqlType::Integer.array_of()),
        ("O_0", o),
        ("M", map_of(SqlType::Integer)),
    ]);
    let numbers = |items: &[i32]| Value::Array(items.iter().map(|item| Value::Integer(*item)).collect());
    let b = |p, q: &[i32]| Value::Struct(vec![Value::Integer(p), numbers(q)]);
    let entry = |key: &str, value| (string(key), Value::Integer(value));
    let message = [
        &b"\x08\x01\x12\x01a\x08\x02\x12\x00"[..],
        // b is {1, [7]}, then {., [8]}, then {2, .}.
        b"\x1a\x04\x08\x01\x10\x07\x1a\x02\x10\x08\x1a\x02\x08\x02",
        // r is 1, then 2 and 3 packed, then 4; of a wrong wire type it is nothing.
        b"\x20\x01\x22\x02\x02\x03\x20\x04\x25\x01\x00\x00\x00",
        // y, x, then y twice.
        b"\x32\x02\x08\x09\x28\x05\x32\x02\x10\x01\x32\x02\x10\x02",
        // a = 1, b = 2, a = 3, "" = 0.
        b"\x3a\x05\x0a\x01a\x10\x01\x3a\x05\x0a\x01b\x10\x02\x3a\x05\x0a\x01a\x10\x03\x3a\x00",
        // A field and a group that nobody knows.
        b"\x78\x01\x83\x01\x08\x01\x84\x01",
    ]
    .concat();
    let read_all = read(text, &all, &message).unwrap();
    assert_eq!(read_all[..4], [Value::Integer(2), string(""), b(2, &[7, 8]), numbers(&[1, 2, 3, 4])]);
    assert_eq!(read_all[4], Value::Struct(vec![Value::Null, b(0, &[1, 2])]));
    assert_eq!(read_all[5], Value::Map(vec![entry("b", 2), entry("a", 3), entry("", 0)]));
    let empty = [Value::Integer(0), string(""), Value::Null, numbers(&[]), Value::Null, Value::Map(Vec::new())];
    assert_eq!(read(text, &all, b"").unwrap(), empty);
    assert_eq!(read(text, &all, b"\x28\x00").unwrap()[4], Value::Struct(vec![Value::Integer(0), Value::Null]));
}

#[test]
fn proto2_has_defaults_of_its_own() {
    let text = r#"message A {
        optional int32 i = 1 [default = -7]; optional string s = 2 [default = "x\ty"]; optional bool b = 3 [default = true];
        optional double d = 4 [default = 1.5]; optional E e = 5; optional E f = 6 [default = Z]; required int64 r = 7;
        optional bytes y = 8 [default = "a\001"]; optional sint32 t = 9 [default = -3]; repeated int32 u = 10; optional A2 a = 11;
        extensions 100 to 200; }
        message A2 { optional int32 i = 1; } enum E { X = 3; Z = 9; } extend A { optional int32 more = 100; }"#;
    let types = "I INTEGER, S STRING, B BOOLEAN, D DOUBLE, E STRING, F STRING, R BIGINT, Y BYTES, T INTEGER, U ARRAY<INTEGER>, A \
                 STRUCT<`I` INTEGER>";
    assert_eq!(inferred(text).unwrap().join(", "), types);
    let all = infer::columns(&Schema::alone(Language::Protobuf, text), &spec("PROTOBUF")).unwrap();
    let absent = [
        Value::Integer(-7),
        string("x\ty"),
        Value::Boolean(true),
        Value::Double(1.5),
        string("X"),
        string("Z"),
        Value::Bigint(0),
        Value::Bytes(b"a\x01".to_vec()),
        Value::Integer(-3),
        Value::Array(Vec::new()),
        Value::Null,
    ];
    assert_eq!(read(text, &all, b"").unwrap(), absent);
    assert_eq!(read(text, &all, b"\x28\x04").unwrap()[4], string("UNKNOWN_ENUM_VALUE_E_4"));
}

#[test]
fn a_column_takes_what_ksqldb_lets_it() {
    let text = "syntax = 'proto3'; import 'google/protobuf/timestamp.proto'; message A { int32 i = 1; uint32 u = 2; float f = 3;
                bool b = 4; google.protobuf.Timestamp t = 5; string s = 6; }";
    let one = |name: &str, ty: SqlType, message: &[u8]| {
        read(text, &columns(&[(name, ty)]), message).map(|mut row| row.remove(0))
    };
    assert_eq!(one("I", SqlType::Bigint, b"\x08\x05"), Ok(Value::Bigint(5)));
    assert_eq!(one("I", SqlType::String, b"\x08\x05"), Ok(string("5")));
    assert_eq!(one("I", SqlType::Date, b"\x08\x05"), Ok(Value::Date(5)));
    assert_eq!(one("U", SqlType::Bigint, b"\x10\xff\xff\xff\xff\x0f"), Ok(Value::Bigint(4_294_967_295)));
    assert_eq!(one("F", SqlType::String, b"\x1d\xcd\xcc\xcc\x3d"), Ok(string("0.1")));
    assert_eq!(one("B", SqlType::String, b"\x20\x01"), Ok(string("true")));
    assert_eq!(one("T", SqlType::Bigint, b"\x2a\x02\x08\x02"), Ok(Value::Bigint(2000)));
    assert_eq!(one("OTHER", SqlType::Bigint, b"\x08\x05"), Ok(Value::Null));
    let refused = one("U", SqlType::Integer, b"").unwrap_err();
    assert!(refused.starts_with("Cannot deserialize type int64 as type int32 for path: ->U"), "{refused}");
    assert!(one("S", SqlType::Integer, b"").unwrap_err().contains("type string as type int32"));
    assert!(one("T", SqlType::Integer, b"").unwrap_err().contains("type int64 as type int32"));
    assert!(one("I", struct_of(&[("X", SqlType::Integer)]), b"").unwrap_err().contains("type int32 as type struct"));
    assert!(one("S", SqlType::String, b"\x32\x02\xc3\x28").unwrap_err().contains("not UTF-8"));
    assert!(one("T", SqlType::Timestamp, b"\x2a\x06\x10\xff\xff\xff\xff\x0f").is_err());
}

#[test]
fn records_name_their_message_and_those_of_another_are_bad() {
    let text = "syntax = 'proto3'; package p; message A { int32 a = 1; message Inner { int32 b = 1; } map<string, int32> m = 2;
                message Last { int32 c = 1; } } message B { int32 b = 1; }";
    let schemas = Memory::with(&[text, "syntax = 'proto3'; message Old { int64 b = 1; }"]);
    let columns = columns(&[("B", SqlType::Integer)]);
    let records = [
        &b"\0\0\0\0\x01\x02\x02\x08\x01"[..],
        b"\0\0\0\0\x01\x04\x00\x00\x08\x02",
        b"\0\0\0\0\x01\x00\x08\x03",
        b"\0\0\0\0\x01\x02\x04\x08\x04",
        b"\0\0\0\0\x02\x00\x08\x05",
        b"\0\0\0\0\x09\x00\x08\x06",
        b"\x01\0\0\0\x01\x00\x08\x07",
        b"\0\0\0",
        b"\0\0\0\0\x01\x7f",
        b"\0\0\0\0\x01\x02\x02\x08\x09",
    ];
    let payloads = BinaryArray::from_iter_values(records);
    let decoded = decode(&spec("PROTOBUF"), &half(&schemas), &columns, &payloads);
    let values: Vec<Value> = rows(&decoded, records.len()).into_iter().flatten().collect();
    let mut expected = vec![Value::Null; records.len()];
    (expected[0], expected[1], expected[9]) = (Value::Integer(1), Value::Integer(2), Value::Integer(9));
    assert_eq!(values, expected);
    let bad: Vec<String> = decoded.bad.iter().map(|(row, why)| format!("{row}: {why}")).collect();
    for (why, part) in bad.iter().zip([
        "2: The record is of message p.A of schema id 1, which has none of the columns",
        "3: The schema of id 1 has no message at [2]",
        "4: Cannot deserialize type int64 as type int32 for path: ->B (message Old of schema id 2)",
        "5: Error retrieving Protobuf schema for id 9: the schema registry knows no schema of id 9",
        "6: Unknown magic byte!",
        "7: Unknown magic byte!",
        "8: The record's message is -64 levels deep",
    ]) {
        assert!(why.starts_with(part), "{why}");
    }
    assert_eq!(bad.len(), 7);
    let named = FormatSpec { full_name: Some("p.A.Inner".to_owned()), ..spec("PROTOBUF") };
    let decoded = decode(&named, &half(&schemas), &columns, &payloads);
    assert_eq!(decoded.bad[0], (0, "The record is of message p.B of schema id 1, not of p.A.Inner".to_owned()));
    assert_eq!(rows(&decoded, 2)[1], [Value::Integer(2)]);
}

#[test]
fn a_sink_registers_its_message_or_writes_one_that_is_registered() {
    let schemas = Memory::with(&[]);
    let all = columns(&[("I", SqlType::Integer), ("S", SqlType::String)]);
    let values = vec![vec![Value::Integer(1), string("x")]];
    let payload = |spec: &FormatSpec, columns: &[Column], values: &[Vec<Value>]| {
        encode(spec, &half(&schemas), columns, values)
            .map(|payloads| payloads.value(0).to_vec())
            .map_err(|e| e.to_string())
    };
    assert_eq!(payload(&spec("PROTOBUF"), &all, &values).unwrap(), b"\0\0\0\0\x01\0\x08\x01\x12\x01x");
    assert!(schemas.text(1).contains("message ConnectDefault1 {\n  int32 I = 1;\n  string S = 2;\n}"));
    let named = FormatSpec { full_name: Some("a.B".to_owned()), ..spec("PROTOBUF") };
    assert_eq!(payload(&named, &all, &values).unwrap()[..6], *b"\0\0\0\0\x02\0");
    assert!(schemas.text(2).starts_with("syntax = \"proto3\";\npackage a;\n\nmessage B {"));
    // One with several messages is written as it stands.
    let text = "syntax = 'proto3'; package a; message X { int32 S = 1; } message B { E S = 5; uint32 I = 200; optional float F = 7;
                enum E { A = 0; C = 3; } repeated sint32 R = 9 [packed = false]; google.protobuf.StringValue W = 10;
                oneof o { string p = 11; int32 q = 12; } } import 'google/protobuf/wrappers.proto';";
    schemas.register("t-value", &Schema::alone(Language::Protobuf, text)).unwrap();
    let all = columns(&[
        ("I", SqlType::Bigint),
        ("S", SqlType::String),
        ("F", SqlType::Double),
        ("R", SqlType::Integer.array_of()),
        ("W", SqlType::String),
        ("o_0", struct_of(&[("p", SqlType::String), ("q", SqlType::Integer)])),
    ]);
    let array = Value::Array(vec![Value::Integer(-1), Value::Integer(1)]);
    let oneof = Value::Struct(vec![Value::Null, Value::Integer(0)]);
    let row = vec![Value::Bigint(3), string("C"), Value::Double(0.5), array, string(""), oneof];
    // Fields stand by their numbers.
    let expected = b"\0\0\0\0\x03\x02\x02\x28\x03\x3d\0\0\0\x3f\x48\x01\x48\x02\x52\0\x60\0\xc0\x0c\x03";
    assert_eq!(payload(&named, &all, std::slice::from_ref(&row)).unwrap(), expected);
    let by_id = FormatSpec { schema_id: Some(3), ..named.clone() };
    assert_eq!(payload(&by_id, &all, std::slice::from_ref(&row)).unwrap(), expected);
    let nothing = vec![vec![Value::Null; 6]];
    assert_eq!(payload(&by_id, &all, &nothing).unwrap(), b"\0\0\0\0\x03\x02\x02");
    let wrong = |ty| payload(&by_id, &columns(&[("I", ty)]), &[vec![Value::Null]]).unwrap_err();
    assert!(
        wrong(SqlType::Integer).contains("Field I of the schema is of type uint32, which INTEGER cannot be written to")
    );
    let refused = payload(&by_id, &columns(&[("Z", SqlType::Integer)]), &[vec![Value::Null]]).unwrap_err();
    assert_eq!(refused, "The schema has no field Z in message a.B");
    let value = |column: &str, ty: SqlType, value: Value| {
        payload(&by_id, &columns(&[(column, ty)]), &[vec![value]]).unwrap_err()
    };
    assert_eq!(value("S", SqlType::String, string("D")), "'D' is no value of enum a.B.E.");
    assert_eq!(value("I", SqlType::Bigint, Value::Bigint(-1)), "-1 is no unsigned number of 32 bits.");
}

#[test]
fn a_null_has_no_place_in_a_required_field() {
    let schemas = Memory::with(&["syntax = \"proto2\"; message M { required int32 A = 1; optional int32 B = 2; }"]);
    let spec = FormatSpec { schema_id: Some(1), ..spec("PROTOBUF") };
    let columns = columns(&[("A", SqlType::Integer), ("B", SqlType::Integer)]);
    let row = |a| [vec![a, Value::Null]];
    let written = encode(&spec, &half(&schemas), &columns, &row(Value::Integer(0))).unwrap();
    assert_eq!(written.value(0), [0, 0, 0, 0, 1, 0, 8, 0]);
    let refused = encode(&spec, &half(&schemas), &columns, &row(Value::Null)).unwrap_err().to_string();
    assert!(refused.contains("required field of number 1"), "{refused}");
}

#[test]
fn an_unknown_id_is_asked_for_again_and_costs_no_other_its_plan() {
    let schemas = Memory::with(&["syntax = \"proto3\"; message M { int32 A = 1; }"]);
    let columns = columns(&[("A", SqlType::Integer)]);
    let (spec, half) = (spec("PROTOBUF"), half(&schemas));
    let mut decoder = format("PROTOBUF").unwrap().decoder(&spec, &columns, &[0], &half).unwrap();
    let record = |id: u8, value: u8| vec![0, 0, 0, 0, id, 0, 8, value];
    for _ in 0..2 {
        let payloads = BinaryArray::from_iter_values([record(1, 5), record(9, 6), record(1, 7)]);
        decoder.prepare(&payloads).unwrap();
        let decoded = decoder.decode(&payloads);
        assert_eq!(decoded.bad.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1]);
        assert_eq!(rows(&decoded, 3)[2], [Value::Integer(7)]);
    }
}
