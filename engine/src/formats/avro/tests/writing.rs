//! Columns to bytes.

use super::*;

fn encode(registry: &Arc<Registry>, columns: &[Column], spec: &FormatSpec, row: &[Value]) -> Result<Vec<u8>, String> {
    let mut encoder = Avro.encoder(spec, columns, &half(registry, false)).map_err(|error| error.to_string())?;
    let rows = [row.to_vec()];
    let payloads = encoder.encode(&to_columns(columns, &rows), None).map_err(|error| error.to_string())?;
    Ok(payloads.value(0).to_vec())
}

#[test]
fn records_are_framed_and_registered() {
    let registry: Arc<Registry> = Arc::default();
    let columns = [column("A", SqlType::Integer), column("M", map_of(SqlType::String))];
    let map = Value::Map(vec![(Value::String("k".to_owned()), Value::Null)]);
    let bytes = encode(&registry, &columns, &wrapped(), &[Value::Integer(-1), map]).unwrap();
    assert_eq!(bytes, [0, 0, 0, 0, 1, 2, 1, 2, 2, 2, 2, b'k', 0, 0]);
    assert_eq!(registry.subjects.lock().get("t-value"), Some(&1));
    let decimal = [column("D", decimal(6, 2))];
    let bytes = encode(&registry, &decimal, &wrapped(), &[Value::Decimal(-129, 2)]).unwrap();
    assert_eq!(bytes[5..], [2, 4, 0xFF, 0x7F]);
}

/// As Confluent's serializers write them: a schema that is `bytes`, and nothing else, has no length before the bytes.
#[test]
fn bare_bytes_stand_without_their_length() {
    let bare = FormatSpec { wrap_single: false, ..wrapped() };
    let long = vec![0x80; 300];
    let cases: [(SqlType, Value, &[u8]); 6] = [
        (SqlType::Bytes, Value::Bytes(vec![0, 255]), &[0, 255]),
        (SqlType::Bytes, Value::Bytes(Vec::new()), &[]),
        (SqlType::Bytes, Value::Bytes(long.clone()), &long),
        (decimal(6, 2), Value::Decimal(-129, 2), &[0xFF, 0x7F]),
        (decimal(38, 2), Value::Decimal(0, 2), &[0]),
        (SqlType::String, Value::String("x".to_owned()), &[2, b'x']),
    ];
    for (ty, value, expected) in cases {
        let registry: Arc<Registry> = Arc::default();
        let columns = [column("A", ty)];
        let bytes = encode(&registry, &columns, &bare, std::slice::from_ref(&value)).unwrap();
        assert_eq!(&bytes[5..], expected);
        let decoded = decode(&registry, &columns, &bare, &[&bytes]);
        assert_eq!((decoded.bad, Value::at(&decoded.columns[0], 0)), (Vec::new(), value));
        let mut nothing = Avro.decoder(&bare, &columns, &[], &half(&registry, true)).unwrap();
        let payloads = BinaryArray::from_iter_values([&bytes]);
        nothing.prepare(&payloads).unwrap();
        assert_eq!(nothing.decode(&payloads).bad, []);
    }
}

#[test]
fn a_schema_id_says_what_is_written() {
    let registry: Arc<Registry> = Arc::default();
    let id = registry.add(&json!({"type": "record", "name": "r", "fields": [
        {"name": "extra", "type": "string", "default": "d"},
        {"name": "b", "type": "string"},
        {"name": "none", "type": ["null", "int"]},
        {"name": "a", "type": ["long", "null"]},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["X", "Y"]}}]}));
    let spec = FormatSpec { schema_id: Some(id), ..wrapped() };
    let text = |text: &str| Value::String(text.to_owned());
    let columns = [column("a", SqlType::Bigint), column("b", SqlType::String), column("e", SqlType::String)];
    let write = |row: &[Value]| encode(&registry, &columns, &spec, row);
    assert_eq!(
        write(&[Value::Bigint(1), text("x"), text("Y")]).unwrap(),
        [0, 0, 0, 0, id as u8, 2, b'd', 2, b'x', 0, 0, 2, 2]
    );
    assert_eq!(write(&[Value::Null, text("x"), text("X")]).unwrap()[9..], [0, 2, 0]);
    assert!(write(&[Value::Null, Value::Null, text("X")]).unwrap_err().contains("field 'b'"));
    assert!(write(&[Value::Null, text("x"), text("Z")]).unwrap_err().contains("'Z' is none of its symbols"));
    // Where NULL has no place, the default has.
    let extra = [
        column("extra", SqlType::String),
        column("b", SqlType::String),
        column("e", SqlType::String),
        columns[0].clone(),
    ];
    let row = [Value::Null, text("x"), text("X"), Value::Null];
    assert_eq!(encode(&registry, &extra, &spec, &row).unwrap()[5..], [2, b'd', 2, b'x', 0, 2, 0]);
    let problem = |columns: &[Column]| Avro.encoder(&spec, columns, &half(&registry, false)).err().unwrap().to_string();
    assert_eq!(problem(&[column("c", SqlType::Bigint)]), "Schema from Schema Registry misses field with name: c");
    assert_eq!(
        problem(&[column("a", SqlType::Bigint)]),
        "Missing default value for required Avro field: [b]. This field appears in Avro schema in Schema Registry"
    );
}

#[test]
fn unions_are_written_by_the_field_that_is_set() {
    let registry: Arc<Registry> = Arc::default();
    let writer = json!({"type": "record", "name": "r", "fields": [{"name": "u", "type": ["int", "null", "string"]}]});
    let id = registry.add(&writer);
    let spec = FormatSpec { schema_id: Some(id), ..wrapped() };
    let columns = columns(&registry.by_id(id).unwrap(), &spec, false).unwrap();
    assert_eq!(columns[0].ty, struct_of(&[("int", SqlType::Integer), ("string", SqlType::String)]));
    let text = Value::String("x".to_owned());
    let rows = [
        Value::Struct(vec![Value::Integer(5), Value::Null]),
        Value::Struct(vec![Value::Null, text.clone()]),
        Value::Null,
    ];
    for row in rows {
        let bytes = encode(&registry, &columns, &spec, std::slice::from_ref(&row)).unwrap();
        let decoded = decode(&registry, &columns, &spec, &[&bytes]);
        assert!(decoded.bad.is_empty());
        assert_eq!(Value::at(&decoded.columns[0], 0), row);
    }
    let both = Value::Struct(vec![Value::Integer(5), text]);
    assert!(encode(&registry, &columns, &spec, &[both]).unwrap_err().contains("only one field"));
}

/// What is written is read again, for schemas and rows of every kind.
#[test]
fn avro_reads_what_it_writes() {
    for seed in 0..150 {
        let mut random = Random::new(seed + 1);
        let columns: Vec<Column> =
            (0..1 + random.below(4)).map(|i| column(&format!("C{i}"), random.any_type(3))).collect();
        let spec = FormatSpec::plain("AVRO", random.below(2) == 0);
        let bare = columns.len() == 1 && !spec.wrap_single;
        let rows: Vec<Vec<Value>> =
            (0..20).map(|_| columns.iter().map(|column| random.value(&column.ty)).collect()).collect();
        let registry: Arc<Registry> = Arc::default();
        let mut encoder = Avro.encoder(&spec, &columns, &half(&registry, false)).unwrap();
        let payloads = encoder.encode(&to_columns(&columns, &rows), None).unwrap();
        let used: Vec<usize> = (0..columns.len()).collect();
        let mut decoder = Avro.decoder(&spec, &columns, &used, &half(&registry, false)).unwrap();
        decoder.prepare(&payloads).unwrap();
        let decoded = decoder.decode(&payloads);
        assert_eq!(decoded.bad, [], "seed {seed}");
        for (i, row) in rows.iter().enumerate() {
            let read: Vec<Value> = decoded.columns.iter().map(|column| Value::at(column, i)).collect();
            assert_eq!(&read, row, "seed {seed}");
            assert!(!bare || payloads.is_null(i) == row[0].is_null());
        }
    }
}
