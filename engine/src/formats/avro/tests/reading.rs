//! Bytes of any schema to columns.

use super::*;

fn field(ty: Json) -> Json {
    json!({"type": "record", "name": "r", "fields": [
        {"name": "before", "type": "string"}, {"name": "c", "type": ty}, {"name": "after", "type": "long"}]})
}

fn read_field(ty: Json, value: Json, column_type: SqlType) -> Result<Value, String> {
    let value = json!({"before": "é", "c": value, "after": -3_000_000_000_i64});
    let columns = [column("AFTER", SqlType::Bigint), column("C", column_type)];
    let row = read_one(&field(ty), &value, &columns, &wrapped())?;
    assert_eq!(row[0], Value::Bigint(-3_000_000_000));
    Ok(row[1].clone())
}

#[test]
fn a_type_is_read_as_what_the_column_can_hold() {
    let text = |text: &str| Value::String(text.to_owned());
    let cases = vec![
        (json!("int"), json!(7), SqlType::Bigint, Value::Bigint(7)),
        (json!("int"), json!(-7), SqlType::Double, Value::Double(-7.0)),
        (json!("long"), json!(7), decimal(5, 2), Value::Decimal(700, 2)),
        (json!("long"), json!(i64::MIN), SqlType::Bigint, Value::Bigint(i64::MIN)),
        (json!("float"), json!(0.1), SqlType::String, text("0.1")),
        (json!("double"), json!(1e10), SqlType::String, text("1.0E10")),
        (json!("boolean"), json!(true), SqlType::String, text("true")),
        (json!("bytes"), json!("AB"), SqlType::String, text("AB")),
        (json!("string"), json!("AB"), SqlType::Bytes, Value::Bytes(b"AB".to_vec())),
        (json!({"type": "enum", "name": "e", "symbols": ["A", "B"]}), json!("B"), SqlType::String, text("B")),
        (
            json!({"type": "fixed", "name": "f", "size": 2}),
            json!("\u{ff}a"),
            SqlType::Bytes,
            Value::Bytes(vec![255, 97]),
        ),
        (
            json!({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}),
            json!("\u{ff}"),
            decimal(6, 3),
            Value::Decimal(-100, 3),
        ),
        (json!({"type": "int", "logicalType": "date"}), json!(3), SqlType::Integer, Value::Integer(3)),
        (json!({"type": "int", "logicalType": "time-millis"}), json!(3), SqlType::Time, Value::Time(3)),
        (json!({"type": "long", "logicalType": "timestamp-millis"}), json!(3), SqlType::Timestamp, Value::Timestamp(3)),
        (json!(["null", "int", "long"]), json!(5_000_000_000_i64), SqlType::Bigint, Value::Bigint(5_000_000_000)),
        (json!(["null", "int"]), json!(null), SqlType::Integer, Value::Null),
        (json!(["int", "null"]), json!(1), SqlType::Integer, Value::Integer(1)),
        (json!("null"), json!(null), SqlType::Integer, Value::Null),
        (
            json!({"type": "map", "values": "int"}),
            json!({"a": 1}),
            map_of(SqlType::Bigint),
            Value::Map(vec![(text("a"), Value::Bigint(1))]),
        ),
        (
            json!(["int", "string"]),
            json!("x"),
            struct_of(&[("INT", SqlType::Integer), ("STRING", SqlType::String)]),
            Value::Struct(vec![Value::Null, text("x")]),
        ),
        (
            json!({"type": "array", "items": {"type": "record", "name": "i", "fields": [{"name": "b", "type": "int"}, {"name": "a", "type": "int"}]}}),
            json!([{"b": 1, "a": 2}]),
            struct_of(&[("A", SqlType::Integer), ("Z", SqlType::Date)]).array_of(),
            Value::Array(vec![Value::Struct(vec![Value::Integer(2), Value::Null])]),
        ),
    ];
    for (ty, value, column_type, expected) in cases {
        assert_eq!(read_field(ty.clone(), value, column_type.clone()), Ok(expected), "{ty} as {column_type}");
    }
}

#[test]
fn what_a_column_cannot_hold_makes_the_record_bad() {
    for (ty, value, column_type, expected) in [
        (json!("long"), json!(7), SqlType::Integer, "Cannot deserialize type int64 as type int32 for path: ->C"),
        (json!("string"), json!("1"), SqlType::Integer, "Cannot deserialize type string as type int32 for path: ->C"),
        (
            json!(["null", "string"]),
            json!(null),
            SqlType::Integer,
            "Cannot deserialize type string as type int32 for path: ->C",
        ),
        (json!("long"), json!(70_000), decimal(5, 2), "Numeric field overflow"),
        (json!({"type": "bytes", "logicalType": "decimal", "scale": 1}), json!(""), decimal(5, 2), "Zero length"),
        (json!({"type": "int", "logicalType": "time-millis"}), json!(-1), SqlType::Time, "Time values"),
    ] {
        let problem = read_field(ty.clone(), value, column_type).unwrap_err();
        assert!(problem.contains(expected), "{ty}: {problem}");
    }
}

#[test]
fn fields_are_found_in_any_case_and_the_last_counts() {
    let writer = json!({"type": "record", "name": "r", "fields": [
        {"name": "foo", "type": "int"}, {"name": "FOO", "type": "int"}, {"name": "Bar", "type": "int"}]});
    let value = json!({"foo": 1, "FOO": 2, "Bar": 3});
    let columns = [
        column("FOO", SqlType::Integer),
        column("Bar", SqlType::Integer),
        column("bar", SqlType::Integer),
        column("MISSING", SqlType::Integer),
    ];
    let row = read_one(&writer, &value, &columns, &wrapped()).unwrap();
    assert_eq!(row, [Value::Integer(2), Value::Integer(3), Value::Null, Value::Null]);
}

#[test]
fn the_last_of_several_values_for_a_key_counts() {
    let entries = json!({"type": "array", "items": {"type": "record", "name": "e", "connect.internal.type": "MapEntry",
        "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": ["null", "string"]}]}});
    let value = json!([{"key": 1, "value": "a"}, {"key": 2, "value": "b"}, {"key": 1, "value": "c"}]);
    let map = read_field(entries, value, map_of(SqlType::String));
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(map, Ok(Value::Map(vec![(text("2"), text("b")), (text("1"), text("c"))])));
}

#[test]
fn a_schema_id_brings_defaults_and_aliases() {
    let registry: Arc<Registry> = Arc::default();
    let reader = registry.add(&json!({"type": "record", "name": "r", "fields": [
        {"name": "new_name", "type": "string", "aliases": ["old_name"]},
        {"name": "added", "type": ["int", "null"], "default": 42},
        {"name": "list", "type": {"type": "array", "items": "string"}, "default": ["x"]},
        {"name": "inner", "type": {"type": "record", "name": "i", "fields": [
            {"name": "a", "type": "int"}, {"name": "b", "type": "int", "default": 7}]}}]}));
    let spec = FormatSpec { schema_id: Some(reader), ..wrapped() };
    let columns = columns(&registry.by_id(reader).unwrap(), &spec, false).unwrap();
    let writer = json!({"type": "record", "name": "r", "fields": [
        {"name": "gone", "type": {"type": "map", "values": ["null", "string"]}},
        {"name": "old_name", "type": "string"},
        {"name": "inner", "type": {"type": "record", "name": "i", "fields": [{"name": "a", "type": "int"}]}}]});
    let value = json!({"gone": {"a": "b", "c": null}, "old_name": "n", "inner": {"a": 1}});
    let text = |text: &str| Value::String(text.to_owned());
    let expected = [
        text("n"),
        Value::Integer(42),
        Value::Array(vec![text("x")]),
        Value::Struct(vec![Value::Integer(1), Value::Integer(7)]),
    ];
    assert_eq!(read_with(&registry, &writer, &value, &columns, &spec).unwrap(), expected);
    // Without it they are NULL.
    let row = read_with(&registry, &writer, &value, &columns, &wrapped()).unwrap();
    assert_eq!(row[..3], [Value::Null, Value::Null, Value::Null]);
}

#[test]
fn each_record_is_read_by_its_own_schema() {
    let registry: Arc<Registry> = Arc::default();
    let field = |ty: Json| json!({"type": "record", "name": "r", "fields": [{"name": "a", "type": ty}]});
    let ids = [json!("int"), json!("long"), json!("string")].map(|ty| registry.add(&field(ty)));
    let proto = registry.put(Schema::alone(Language::Protobuf, "message M {}"));
    let broken = registry.put(Schema::alone(Language::Avro, "{"));
    let unknown = [0, 0, 0, 0, 99, 2];
    let records = [
        record(&registry, ids[0], &json!({"a": 1})),
        record(&registry, ids[1], &json!({"a": 2})),
        record(&registry, ids[2], &json!({"a": "x"})),
        unknown.to_vec(),
        record(&registry, ids[0], &json!({"a": 3})),
        vec![0, 0, 0, 0, proto as u8, 2],
        vec![0, 0, 0, 0, broken as u8, 2],
        b"{\"A\": 1}".to_vec(),
        Vec::new(),
        record(&registry, ids[1], &json!({"a": 4})),
    ];
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    let decoded = decode(&registry, &[column("A", SqlType::Bigint)], &wrapped(), &records);
    let rows: Vec<Value> = (0..records.len()).map(|row| Value::at(&decoded.columns[0], row)).collect();
    let good = |value| Value::Bigint(value);
    assert_eq!(rows[..2], [good(1), good(2)]);
    assert_eq!((&rows[4], &rows[9]), (&good(3), &good(4)));
    let problems: Vec<(usize, &str)> = decoded.bad.iter().map(|(row, problem)| (*row, problem.as_str())).collect();
    assert_eq!(problems.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3, 5, 6, 7, 8]);
    assert_eq!(problems[1].1, "the schema registry knows no schema of id 99");
    assert!(problems[2].1.contains("is PROTOBUF, not AVRO"));
    assert_eq!(problems[4].1, "Unknown magic byte!");
}

/// Lengths and counts that a record only claims cost nothing.
#[test]
fn claims_allocate_nothing() {
    let registry: Arc<Registry> = Arc::default();
    let huge = [0x80, 0x80, 0x80, 0x80, 0x10];
    for (ty, column_type) in [
        (json!("string"), SqlType::String),
        (json!("bytes"), SqlType::Bytes),
        (json!({"type": "array", "items": "int"}), SqlType::Integer.array_of()),
        (json!({"type": "array", "items": "null"}), SqlType::Integer.array_of()),
        (json!({"type": "map", "values": "null"}), map_of(SqlType::Integer)),
    ] {
        let id = registry.add(&field(ty.clone()));
        let mut bytes = Vec::new();
        crate::schemas::put_header(id, &mut bytes);
        bytes.push(0);
        bytes.extend_from_slice(&huge);
        for columns in [vec![column("C", column_type.clone())], vec![column("AFTER", SqlType::Bigint)]] {
            let decoded = decode(&registry, &columns, &wrapped(), &[&bytes]);
            assert_eq!(decoded.bad.len(), 1, "{ty}");
        }
    }
}

#[test]
fn recursive_values_are_passed_over() {
    let tree = json!({"type": "record", "name": "Node", "fields": [
        {"name": "next", "type": ["null", "Node"]}]});
    let registry: Arc<Registry> = Arc::default();
    let id = registry.add(&field(tree));
    for (levels, is_bad) in [(5, false), (1_000_000, true)] {
        let mut bytes = Vec::new();
        crate::schemas::put_header(id, &mut bytes);
        bytes.push(0);
        bytes.extend(std::iter::repeat_n(2, levels));
        bytes.extend([0, 84]);
        let decoded = decode(&registry, &[column("AFTER", SqlType::Bigint)], &wrapped(), &[&bytes]);
        assert_eq!(!decoded.bad.is_empty(), is_bad, "{levels}: {:?}", decoded.bad);
    }
}

#[test]
fn what_follows_a_value_makes_it_bad_and_what_follows_a_key_does_not() {
    let registry: Arc<Registry> = Arc::default();
    let id = registry.add(&json!("int"));
    let mut bytes = record(&registry, id, &json!(7));
    bytes.extend([0; 8]);
    for is_key in [true, false] {
        let columns = [column("K", SqlType::Integer)];
        let spec = FormatSpec::plain("AVRO", false);
        let mut decoder = Avro.decoder(&spec, &columns, &[0], &half(&registry, is_key)).unwrap();
        let payloads = BinaryArray::from_iter_values([&bytes]);
        decoder.prepare(&payloads).unwrap();
        assert_eq!(decoder.decode(&payloads).bad.is_empty(), is_key);
    }
}

#[test]
fn skipping_records_that_take_no_byte_ends() {
    let mut ty = json!({"type": "record", "name": "r0", "fields": []});
    for i in 1..60 {
        let (name, inner) = (format!("r{i}"), format!("r{}", i - 1));
        let fields = json!([{"name": "a", "type": ty}, {"name": "b", "type": inner}]);
        ty = json!({"type": "record", "name": name, "fields": fields});
    }
    let schema = json!({"type": "record", "name": "whole", "fields": [
        {"name": "unused", "type": ty}, {"name": "c", "type": "long"}]});
    let registry = Arc::default();
    let mut record = Vec::new();
    crate::schemas::put_header(Registry::add(&registry, &schema), &mut record);
    record.push(14);
    let decoded = decode(&registry, &[column("C", SqlType::Bigint)], &wrapped(), &[&record]);
    assert!(decoded.bad.is_empty(), "{:?}", decoded.bad);
    assert_eq!(Value::at(&decoded.columns[0], 0), Value::Bigint(7));
}

#[test]
fn what_few_bytes_become_is_bounded() {
    let fields: Vec<(String, SqlType)> = (0..1000).map(|i| (format!("F{i}"), SqlType::Bigint)).collect();
    let wide = column("A", SqlType::Struct(fields).array_of());
    let empty = json!({"type": "record", "name": "r", "fields": [
        {"name": "a", "type": {"type": "array", "items": {"type": "record", "name": "e", "fields": []}}}]});
    let registry = Arc::default();
    let mut record = Vec::new();
    crate::schemas::put_header(Registry::add(&registry, &empty), &mut record);
    // 60,000 items without a byte, then the end.
    record.extend([0xC0, 0xA9, 0x07, 0]);
    let decoded = decode(&registry, std::slice::from_ref(&wide), &wrapped(), &[&record, &record]);
    assert!(decoded.bad.len() == 2 && decoded.bad[0].1.contains("becomes more than"), "{:?}", decoded.bad);
}

#[test]
fn a_logical_type_counts_only_on_its_own_type() {
    for (ty, logical, column_type, expected) in [
        ("long", "time-millis", SqlType::Timestamp, Value::Timestamp(1)),
        ("long", "date", SqlType::Timestamp, Value::Timestamp(1)),
        ("long", "decimal", SqlType::Bigint, Value::Bigint(1)),
        ("int", "timestamp-millis", SqlType::Date, Value::Date(1)),
        ("int", "timestamp-micros", SqlType::Time, Value::Time(1)),
    ] {
        let writer = field(json!({"type": ty, "logicalType": logical}));
        let value = json!({"before": "", "c": 1, "after": 0});
        let read = read_one(&writer, &value, &[column("C", column_type.clone())], &wrapped());
        assert_eq!(read, Ok(vec![expected]), "{ty} {logical}");
        // And who writes by that schema can.
        let registry: Arc<Registry> = Arc::default();
        let id = registry.add(&writer);
        let spec = FormatSpec { schema_id: Some(id), ..wrapped() };
        let columns = [column("before", SqlType::String), column("c", column_type), column("after", SqlType::Bigint)];
        Avro.encoder(&spec, &columns, &half(&registry, false)).unwrap();
    }
}

#[test]
fn a_problem_of_a_record_is_short_whatever_its_schema_says() {
    let writer = field(json!({"type": "int", "connect.type": "x".repeat(1 << 20)}));
    let value = json!({"before": "", "c": 1, "after": 0});
    let problem = read_one(&writer, &value, &[column("C", SqlType::Boolean)], &wrapped()).unwrap_err();
    assert_eq!(problem, "Cannot deserialize type int32 as type boolean for path: ->C (schema of id 1)");
    let name = "x".repeat(1 << 20);
    let inner = struct_of(&[(&name, SqlType::Boolean)]);
    let inner_record = json!({"type": "record", "name": "i", "fields": [{"name": name, "type": "int"}]});
    let value = json!({"before": "", "c": {name: 1}, "after": 0});
    let problem = read_one(&field(inner_record), &value, &[column("C", inner)], &wrapped()).unwrap_err();
    assert!(problem.starts_with("Cannot deserialize") && problem.len() < 2000, "{}", problem.len());
}

#[test]
fn fields_without_a_byte_are_not_walked() {
    let mut fields: Vec<Json> = (0..5000).map(|i| json!({"name": format!("n{i}"), "type": "null"})).collect();
    fields.push(json!({"name": "x", "type": "int"}));
    let inner = json!({"type": "record", "name": "i", "fields": fields});
    let writer = field(json!({"type": "array", "items": inner}));
    let avro = AvroSchema::parse(&Schema::alone(Language::Avro, writer.to_string())).unwrap();
    let walked: Vec<usize> = avro.passed.iter().map(|fields| fields.len()).filter(|fields| *fields > 0).collect();
    assert_eq!(walked, [3, 1], "of the inner record one");
    let registry: Arc<Registry> = Arc::default();
    let mut record = Vec::new();
    crate::schemas::put_header(registry.add(&writer), &mut record);
    // An empty text; 50,000 items, read or passed over; the end, and 5.
    record.extend([0, 0xA0, 0x8D, 0x06]);
    record.extend(vec![2; 50_000]);
    record.extend([0, 10]);
    let xs = column("C", struct_of(&[("X", SqlType::Integer)]).array_of());
    let decoded = decode(&registry, &[column("AFTER", SqlType::Bigint), xs], &wrapped(), &[&record]);
    assert_eq!(decoded.bad, []);
    assert_eq!(Value::at(&decoded.columns[0], 0), Value::Bigint(5));
    let decoded = decode(&registry, &[column("AFTER", SqlType::Bigint)], &wrapped(), &[&record]);
    assert_eq!(decoded.bad, []);
}
