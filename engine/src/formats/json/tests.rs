use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::Json;
use crate::formats::{Format, FormatSpec, Half};
use crate::types::{Column, SqlType, Value};

fn spec(wrap_single: bool) -> FormatSpec {
    FormatSpec::plain("JSON", wrap_single)
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn decode(columns: &[Column], used: &[usize], wrap: bool, records: &[&str]) -> (Vec<Vec<Value>>, Vec<(usize, String)>) {
    let mut decoder = Json.decoder(&spec(wrap), columns, used, &Half::bare(false)).unwrap();
    let payloads = BinaryArray::from_iter_values(records.iter().map(|record| record.as_bytes()));
    // Twice, since a decoder must forget its last batch.
    decoder.decode(&payloads);
    let decoded = decoder.decode(&payloads);
    for column in &decoded.columns {
        assert_eq!(column.len(), records.len());
    }
    let row = |row| decoded.columns.iter().map(|column| Value::at(column, row)).collect();
    ((0..records.len()).map(row).collect(), decoded.bad)
}

fn encode(columns: &[Column], rows: &[Vec<Value>], wrap: bool, is_key: bool) -> BinaryArray {
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| Value::column(&column.ty, &rows.iter().map(|row| row[i].clone()).collect::<Vec<_>>()))
        .collect();
    Json.encoder(&spec(wrap), columns, &Half::bare(is_key)).unwrap().encode(&arrays, None).unwrap()
}

fn texts(payloads: &BinaryArray) -> Vec<Option<String>> {
    payloads.iter().map(|payload| payload.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())).collect()
}

/// The columns of the recording `kafka-json-leniency`.
fn lenient_columns() -> Vec<Column> {
    vec![
        Column::new("I", SqlType::Integer),
        Column::new("S", SqlType::String),
        Column::new("D", SqlType::Double),
        Column::new("N", SqlType::Decimal { precision: 6, scale: 2 }),
        Column::new("B", SqlType::Boolean),
        Column::new("A", SqlType::Integer.array_of()),
        Column::new("M", SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer))),
        Column::new("ST", SqlType::Struct(vec![("X".to_owned(), SqlType::Integer)])),
    ]
}

#[test]
fn reads_what_ksqldb_reads() {
    let n = Value::Null;
    let i = Value::Integer;
    let rows: Vec<(&str, Vec<Value>)> = vec![
        (
            r#"{"i":1,"s":"x","d":1.5,"n":1.25,"b":true,"a":[1],"m":{"k":1},"st":{"x":1}}"#,
            vec![
                i(1),
                string("x"),
                Value::Double(1.5),
                Value::Decimal(125, 2),
                Value::Boolean(true),
                Value::Array(vec![i(1)]),
                Value::Map(vec![(string("k"), i(1))]),
                Value::Struct(vec![i(1)]),
            ],
        ),
        (r#"{"i":null}"#, vec![]),
        ("{}", vec![]),
        (r#"{"i":3.7}"#, vec![i(3)]),
        (r#"{"I":"2","S":5,"D":"2.5","N":"2.5"}"#, vec![i(2), string("5"), Value::Double(2.5), Value::Decimal(250, 2)]),
        (r#"{"i":4,"s":{"nested":true}}"#, vec![i(4), string("{\"nested\":true}")]),
        (r#"{"i":5,"s":[1,2]}"#, vec![i(5), string("[1, 2]")]),
        (
            r#"{"i":7,"st":{"X":"8"}}"#,
            vec![i(7), n.clone(), n.clone(), n.clone(), n.clone(), n.clone(), n.clone(), Value::Struct(vec![i(8)])],
        ),
        (r#"{"i":8,"extra":{"i":[1,{}]}} trailing"#, vec![i(8)]),
        (r#"{"i":11,"I":12}"#, vec![i(12)]),
        (r#"{"I":12,"i":11}"#, vec![i(12)]),
        (r#"{"i":11,"i":13}"#, vec![i(13)]),
        (r#"{"i":13,"s":1.50}"#, vec![i(13), string("1.50")]),
        (r#"{"i":-2147483648.9}"#, vec![i(i32::MIN)]),
        (r#"{"i":15,"d":1}"#, vec![i(15), n.clone(), Value::Double(1.0)]),
        (r#"{"i":15,"d":-0.0}"#, vec![i(15), n.clone(), Value::Double(0.0)]),
        (r#"{"i":16,"s":true}"#, vec![i(16), string("true")]),
        (
            r#"{"s":{"a":[1e2, "\u00e9\n😀"], "b":null},"m":{"k":1,"l":null,"k":"3"}}"#,
            vec![
                n.clone(),
                string("{\"a\":[1E+2,\"é\\n😀\"],\"b\":null}"),
                n.clone(),
                n.clone(),
                n.clone(),
                n.clone(),
                Value::Map(vec![(string("l"), n.clone()), (string("k"), i(3))]),
            ],
        ),
        (r#"{"\u0049":17,"s":["a",null,["b",{"c":1}]]}"#, vec![i(17), string("[a, null, [b, {\"c\":1}]]")]),
    ];
    let records: Vec<&str> = rows.iter().map(|(record, _)| *record).collect();
    let (decoded, bad) = decode(&lenient_columns(), &[0, 1, 2, 3, 4, 5, 6, 7], true, &records);
    assert_eq!(bad, []);
    for (decoded, (record, mut expected)) in decoded.into_iter().zip(rows) {
        expected.resize(8, n.clone());
        assert_eq!(decoded, expected, "{record}");
    }
}

#[test]
fn refuses_what_ksqldb_refuses() {
    let bad = [
        (r#"{"i":9,"b":"true"}"#, "Can't convert type. sourceType: TextNode, requiredType: BOOLEAN, path: $.B"),
        (r#"{"i":"x"}"#, "Can't coerce string to type. targetType: INTEGER, path: $.I"),
        ("not json", "Invalid JSON: expected 'null', 'true' or 'false' at byte 0"),
        (
            r#"{"i":6,"a":"notarray"}"#,
            "Can't convert type. sourceType: TextNode, requiredType: ARRAY<INTEGER>, path: $.A",
        ),
        (r#"{"a":[1,[2]]}"#, "Can't convert type. sourceType: ArrayNode, requiredType: INTEGER, path: $.A[1]"),
        (r#"{"m":{"k":{}}}"#, "Can't convert type. sourceType: ObjectNode, requiredType: INTEGER, path: $.M.k.value"),
        (r#"{"st":{"x":true}}"#, "Can't convert type. sourceType: BooleanNode, requiredType: INTEGER, path: $.ST.X"),
        ("[1,2]", "Can't convert type. sourceType: ArrayNode, requiredType: STRUCT, path: $"),
        ("5", "Can't convert type. sourceType: IntNode, requiredType: STRUCT, path: $"),
        ("null", "A record must be an object, not null, path: $"),
        (r#"{"b":1}"#, "Can't convert type. sourceType: IntNode, requiredType: BOOLEAN, path: $.B"),
        (
            r#"{"n":123456.789}"#,
            "Numeric field overflow: A field with precision 6 and scale 2 must round to an absolute value less than 10^4. \
             Got 123456.789, path: $.N",
        ),
        (r#"{"i":99999999999}"#, "Number out of range. number: 99999999999, requiredType: INTEGER, path: $.I"),
        (r#"{"st":{"x":2147483648}}"#, "Number out of range. number: 2147483648, requiredType: INTEGER, path: $.ST.X"),
        (r#"{"i":"99999999999"}"#, "Can't coerce string to type. targetType: INTEGER, path: $.I"),
        (r#"{"i":1"#, "Invalid JSON: expected ',' or '}' at byte 6"),
        ("", "Invalid JSON: expected a value at byte 0"),
    ];
    let mut records: Vec<&str> = bad.iter().map(|(record, _)| *record).collect();
    // Good records around the bad ones keep their values.
    records.push(r#"{"i":1,"a":[2,3],"m":{"z":4},"s":"last"}"#);
    for used in [&[0, 1, 5, 6, 7][..], &[0, 1, 5, 6]] {
        let (rows, found) = decode(&lenient_columns(), used, true, &records);
        let expected: Vec<(usize, String)> = bad.iter().map(|(_, message)| message.to_string()).enumerate().collect();
        assert_eq!(found, expected);
        assert!(rows[..bad.len()].iter().flatten().all(Value::is_null));
        let last = &rows[bad.len()][..4];
        let list = Value::Array(vec![Value::Integer(2), Value::Integer(3)]);
        assert_eq!(last, [Value::Integer(1), string("last"), list, Value::Map(vec![(string("z"), Value::Integer(4))])]);
    }
}

#[test]
fn whole_numbers_out_of_range_are_refused_used_or_not() {
    for (ty, bad) in [
        (SqlType::Integer, "2147483648"),
        (SqlType::Bigint, "9223372036854775808"),
        (SqlType::Date, "3e9"),
        (SqlType::Timestamp, "-1e19"),
        (SqlType::Time, "86400001"),
    ] {
        let columns = [Column::new("A", ty.clone())];
        for record in [format!("{{\"A\":{bad}}}"), format!("{{\"A\":\"{bad}\"}}")] {
            assert_eq!(decode(&columns, &[0], true, &[&record]).1.len(), 1, "{ty} {record}");
            assert_eq!(decode(&columns, &[], true, &[&record]).1.len(), 1, "{ty} {record}");
        }
        assert_eq!(decode(&[Column::new("A", ty.array_of())], &[0], false, &[&format!("[1,{bad}]")]).1.len(), 1);
    }
}

#[test]
fn what_follows_the_first_value_does_not_matter() {
    // As behind the keys of a windowed topic.
    const WINDOW: &[u8] = b"\0\0\x01\x8b\xcf\xe5\x68\0";
    let text = [Column::new("K", SqlType::String)];
    let two = [Column::new("A", SqlType::Integer), Column::new("B", SqlType::String)];
    let read = |columns: &[Column], key: &str, rest: &[u8]| {
        let payload = [key.as_bytes(), rest].concat();
        let used: Vec<usize> = (0..columns.len()).collect();
        let mut decoder = Json.decoder(&spec(false), columns, &used, &Half::bare(true)).unwrap();
        let decoded = decoder.decode(&BinaryArray::from_iter_values([payload]));
        let row: Vec<Value> = decoded.columns.iter().map(|column| Value::at(column, 0)).collect();
        (row, decoded.bad)
    };
    for rest in [WINDOW, b"\xff", b" x", b"\0\0\0\0\0\0\0\0"] {
        assert_eq!(read(&text, "\"é\"", rest), (vec![string("é")], vec![]));
        assert_eq!(read(&text, "{\"x\":[1]}", rest), (vec![string("{\"x\":[1]}")], vec![]));
        assert_eq!(read(&two, r#"{"A":1,"B":"b"}"#, rest), (vec![Value::Integer(1), string("b")], vec![]));
        assert_eq!(read(&[Column::new("K", SqlType::Boolean)], "true", rest).0, [Value::Boolean(true)]);
        assert_eq!(read(&text, "null", rest), (vec![Value::Null], vec![]));
    }
    let bad = |message: &str| (vec![Value::Null], vec![(0, message.to_owned())]);
    assert_eq!(read(&text, "\"a", b"\xff\""), bad("Invalid JSON: not UTF-8"));
    assert_eq!(read(&text, "", WINDOW), bad("Invalid JSON: expected a value at byte 0"));
    // A number ends where a blank or the key ends.
    let number = [Column::new("K", SqlType::Integer)];
    assert_eq!(read(&number, "12", b" \xff").0, [Value::Integer(12)]);
    assert_eq!(read(&number, "12", WINDOW), bad("Invalid JSON: expected a blank after the number at byte 2"));
    assert_eq!(read(&number, "12", b"\xff"), bad("Invalid JSON: not UTF-8"));
}

#[test]
fn quoted_names_keep_their_case() {
    let columns = [Column::new("a", SqlType::Integer), Column::new("É", SqlType::Integer)];
    let (rows, bad) =
        decode(&columns, &[1, 0], true, &[r#"{"A":1,"é":2}"#, r#"{"a":3,"É":4}"#, r#"{"É":5,"a":6,"é":7}"#]);
    assert_eq!(bad, []);
    let (i, n) = (Value::Integer, Value::Null);
    assert_eq!(rows, [vec![i(2), n], vec![i(4), i(3)], vec![i(5), i(6)]]);
}

#[test]
fn single_values_may_be_bare() {
    let columns = [Column::new("V", SqlType::Integer.array_of())];
    let (rows, bad) = decode(&columns, &[0], false, &["[1,\"2\"]", "null", "{\"V\":[1]}"]);
    assert_eq!(rows[0], [Value::Array(vec![Value::Integer(1), Value::Integer(2)])]);
    assert!(rows[1][0].is_null());
    assert_eq!(bad.len(), 1);
    let rows = [vec![Value::Array(vec![Value::Integer(1)])], vec![Value::Null]];
    assert_eq!(texts(&encode(&columns, &rows, false, false)), [Some("[1]".to_owned()), None]);
    let wrapped = [Some("{\"V\":[1]}".to_owned()), Some("{\"V\":null}".to_owned())];
    assert_eq!(texts(&encode(&columns, &rows, true, false)), wrapped);
    // A single key is bare whatever was asked for.
    assert_eq!(texts(&encode(&columns, &rows, true, true)), [Some("[1]".to_owned()), None]);
    assert_eq!(decode(&columns, &[], false, &["[1]", "x"]).1.len(), 1);
}

#[test]
fn writes_what_ksqldb_writes() {
    let columns = pull_nested_columns();
    let rows = [pull_nested_row(), vec![Value::Null; columns.len()]];
    let expected = concat!(
        r#"{"BO":true,"I":1,"L":9223372036854775807,"D":1.5,"N":12.3456,"S":"text \uD83D\uDE00","B":"aGVsbG8=","DT":18661,"#,
        r#""TM":14706000,"TS":1612325106007,"A":[1,null,3],"M":{"a":1.5,"b":null},"#,
        r#""ST":{"X":1,"Y":{"Z":"zz","N":1.10,"T":1612325106000,"D":18661}},"AM":[{"p":"q"}]}"#
    );
    let nulls = concat!(
        r#"{"BO":null,"I":null,"L":null,"D":null,"N":null,"S":null,"B":null,"DT":null,"TM":null,"TS":null,"A":null,"#,
        r#""M":null,"ST":null,"AM":null}"#
    );
    let payloads = encode(&columns, &rows, true, false);
    assert_eq!(texts(&payloads), [Some(expected.to_owned()), Some(nulls.to_owned())]);
    let used: Vec<usize> = (0..columns.len()).collect();
    let (decoded, bad) = decode(&columns, &used, true, &[expected, nulls]);
    assert_eq!(bad, []);
    assert_eq!(decoded, rows);
}

#[test]
fn absent_rows_are_null_payloads() {
    let column = Value::column(&SqlType::Integer, &[Value::Integer(1), Value::Null, Value::Integer(3)]);
    let columns = [Column::new("A", SqlType::Integer)];
    let present = BooleanBuffer::from(vec![true, true, false]);
    let mut encoder = Json.encoder(&spec(true), &columns, &Half::bare(false)).unwrap();
    let payloads = encoder.encode(&[Arc::clone(&column)], Some(&present)).unwrap();
    assert_eq!(texts(&payloads), [Some("{\"A\":1}".to_owned()), Some("{\"A\":null}".to_owned()), None]);
    let mut none = Json.encoder(&spec(true), &[], &Half::bare(false)).unwrap();
    assert_eq!(texts(&none.encode(&[], Some(&present)).unwrap()), [Some("{}".to_owned()), Some("{}".to_owned()), None]);
}

fn pull_nested_columns() -> Vec<Column> {
    let text = || Box::new(SqlType::String);
    let inner = SqlType::Struct(vec![
        ("Z".to_owned(), SqlType::String),
        ("N".to_owned(), SqlType::Decimal { precision: 6, scale: 2 }),
        ("T".to_owned(), SqlType::Timestamp),
        ("D".to_owned(), SqlType::Date),
    ]);
    let types = [
        ("BO", SqlType::Boolean),
        ("I", SqlType::Integer),
        ("L", SqlType::Bigint),
        ("D", SqlType::Double),
        ("N", SqlType::Decimal { precision: 12, scale: 4 }),
        ("S", SqlType::String),
        ("B", SqlType::Bytes),
        ("DT", SqlType::Date),
        ("TM", SqlType::Time),
        ("TS", SqlType::Timestamp),
        ("A", SqlType::Integer.array_of()),
        ("M", SqlType::Map(text(), Box::new(SqlType::Double))),
        ("ST", SqlType::Struct(vec![("X".to_owned(), SqlType::Integer), ("Y".to_owned(), inner)])),
        ("AM", SqlType::Map(text(), text()).array_of()),
    ];
    types.into_iter().map(|(name, ty)| Column::new(name, ty)).collect()
}

fn pull_nested_row() -> Vec<Value> {
    let inner = Value::Struct(vec![
        string("zz"),
        Value::Decimal(110, 2),
        Value::Timestamp(1_612_325_106_000),
        Value::Date(18661),
    ]);
    vec![
        Value::Boolean(true),
        Value::Integer(1),
        Value::Bigint(i64::MAX),
        Value::Double(1.5),
        Value::Decimal(123_456, 4),
        string("text 😀"),
        Value::Bytes(b"hello".to_vec()),
        Value::Date(18661),
        Value::Time(14_706_000),
        Value::Timestamp(1_612_325_106_007),
        Value::Array(vec![Value::Integer(1), Value::Null, Value::Integer(3)]),
        Value::Map(vec![(string("a"), Value::Double(1.5)), (string("b"), Value::Null)]),
        Value::Struct(vec![Value::Integer(1), inner]),
        Value::Array(vec![Value::Map(vec![(string("p"), string("q"))])]),
    ]
}

/// A map in a map, and so on, in which every key stands twice.
#[test]
fn repeated_keys_in_deep_maps_end() {
    let (mut ty, mut text) = (SqlType::Integer, "1".to_owned());
    for _ in 0..60 {
        ty = SqlType::Map(Box::new(SqlType::String), Box::new(ty));
        text = format!(r#"{{"a":null,"a":{text}}}"#);
    }
    let bomb = format!(r#"{{"M":{text}}}"#);
    let columns = [Column::new("M", ty)];
    let mut decoder = Json.decoder(&spec(true), &columns, &[0], &Half::bare(false)).unwrap();
    let decoded = decoder.decode(&BinaryArray::from_vec(vec![bomb.as_bytes(), br#"{"M":{}}"#]));
    assert_eq!(decoded.bad.len(), 1);
    assert!(decoded.bad[0].0 == 0 && decoded.bad[0].1.contains("becomes more than"), "{:?}", decoded.bad);
    assert_eq!(Value::at(&decoded.columns[0], 1), Value::Map(Vec::new()));
}

#[test]
fn many_nulls_of_wide_structs_are_bounded() {
    let fields = (0..1000).map(|i| (format!("F{i}"), SqlType::Bigint)).collect();
    let columns = [Column::new("A", SqlType::Struct(fields).array_of())];
    let bomb = format!(r#"{{"A":[{}null]}}"#, "null,".repeat(40_000));
    let mut decoder = Json.decoder(&spec(true), &columns, &[0], &Half::bare(false)).unwrap();
    let decoded = decoder.decode(&BinaryArray::from_vec(vec![bomb.as_bytes(), br#"{"A":[null]}"#]));
    assert_eq!(decoded.bad.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0]);
}
