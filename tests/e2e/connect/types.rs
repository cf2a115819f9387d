//! Types of PostgreSQL as Debezium and Confluent's converter bring them, read here; types of ours, read by Confluent's converter and
//! deserializer.

use std::fs;

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use serde_json::{Value, json};

use super::Setup;

/// A type of PostgreSQL, a value as a text; the column's type and value here.
const READ: [(&str, &str, &str, &str); 33] = [
    // Made a number of one byte on its way.
    ("SMALLINT", "-128", "INTEGER", "-128"),
    ("SMALLINT", "-32768", "INTEGER", "-32768"),
    ("INTEGER", "-2147483648", "INTEGER", "-2147483648"),
    ("BIGINT", "9223372036854775807", "BIGINT", "9223372036854775807"),
    ("REAL", "0.5", "DOUBLE", "0.5"),
    ("DOUBLE PRECISION", "-1e300", "DOUBLE", "-1.0e+300"),
    ("BOOLEAN", "true", "BOOLEAN", "true"),
    ("NUMERIC(10, 2)", "-12.50", "DECIMAL(10, 2)", "-12.50"),
    (
        "NUMERIC(38, 0)",
        "99999999999999999999999999999999999999",
        "DECIMAL(38, 0)",
        "99999999999999999999999999999999999999",
    ),
    ("NUMERIC", "12.345", "STRUCT<`SCALE` INTEGER, `VALUE` BYTES>", r#"{"SCALE": 3, "VALUE": "MDk="}"#),
    ("BIT(1)", "1", "BOOLEAN", "true"),
    ("BIT(10)", "1000000001", "BYTES", r#""AQI=""#),
    ("CHAR(3)", "ab", "STRING", r#""ab ""#),
    ("TEXT", "Größe 😀", "STRING", r#""Größe 😀""#),
    ("BYTEA", "\\x00ff", "BYTES", r#""AP8=""#),
    ("DATE", "1969-12-31", "DATE", r#""1969-12-31""#),
    ("TIME", "23:59:59.999", "TIME", r#""23:59:59""#),
    ("TIMESTAMP", "1969-12-31 23:59:59.999", "TIMESTAMP", r#""1969-12-31T23:59:59.999""#),
    ("TIMETZ", "23:59:59+01", "STRING", r#""22:59:59Z""#),
    ("TIMESTAMPTZ", "2024-02-29 12:00:00+01", "STRING", r#""2024-02-29T11:00:00.000000Z""#),
    ("INTERVAL", "1 day", "BIGINT", "86400000000"),
    ("JSON", r#"{"a": 1}"#, "STRING", r#""{\"a\": 1}""#),
    ("XML", "<a/>", "STRING", r#""<a/>""#),
    ("UUID", "12345678-1234-5678-1234-567812345678", "STRING", r#""12345678-1234-5678-1234-567812345678""#),
    ("mood", "so so", "STRING", r#""so so""#),
    ("INET", "127.0.0.1", "STRING", r#""127.0.0.1""#),
    ("INT4RANGE", "[1,4)", "STRING", r#""[1,4)""#),
    (
        "POINT",
        "(1,2)",
        "STRUCT<`X` DOUBLE, `Y` DOUBLE, `WKB` BYTES, `SRID` INTEGER>",
        r#"{"X": 1.0, "Y": 2.0, "WKB": "AQEAAAAAAAAAAADwPwAAAAAAAABA", "SRID": null}"#,
    ),
    ("hstore", "a=>1, b=>NULL", "MAP<STRING, STRING>", r#"{"a": "1", "b": null}"#),
    ("INTEGER[]", "{1,NULL}", "ARRAY<INTEGER>", "[1, null]"),
    ("TEXT[]", "{a,b}", "ARRAY<STRING>", r#"["a", "b"]"#),
    ("NUMERIC(5, 2)[]", "{1.50}", "ARRAY<DECIMAL(5, 2)>", "[1.50]"),
    ("DATE[]", "{1970-01-02}", "ARRAY<DATE>", r#"["1970-01-02"]"#),
];

/// Each type as a column that may be NULL, one that may and has a default, and one that may not and has a default.
pub(super) fn types_of_postgresql_are_read(setup: &Setup) {
    let indices = 0..READ.len();
    let columns = READ.iter().zip(indices.clone()).map(|((ty, value, ..), i)| {
        let value = format!("'{value}'");
        format!("v{i} {ty}, d{i} {ty} DEFAULT {value}, n{i} {ty} NOT NULL DEFAULT {value}")
    });
    let names: Vec<String> = indices.clone().map(|i| format!("v{i}")).collect();
    let values: Vec<String> = READ.iter().map(|(_, value, ..)| format!("'{value}'")).collect();
    setup.postgres.run(&format!(
        "CREATE EXTENSION hstore;
        CREATE TYPE mood AS ENUM ('so so', 'good');
        CREATE TABLE kinds (id INT PRIMARY KEY, cash MONEY, {});
        INSERT INTO kinds (id, cash, {}) VALUES (1, '12.50', {});
        INSERT INTO kinds (id) VALUES (2);",
        columns.collect::<Vec<_>>().join(", "),
        names.join(", "),
        values.join(", "),
    ));
    let more = json!({
        "time.precision.mode": "connect",
        "hstore.handling.mode": "map",
        "transforms": "alone,byte",
        "transforms.alone.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.byte.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.byte.spec": "v0:int8,d0:int8,n0:int8",
    });
    setup.source("every", "kinds", &more);
    // A decimal without its number of digits has 64 of them, so that the column must be declared to be used.
    let statements = "CREATE STREAM kinds WITH (kafka_topic='every.public.kinds', format='AVRO');
        CREATE STREAM cash (cash DECIMAL(12, 2)) WITH (kafka_topic='every.public.kinds', value_format='AVRO');";
    ksql(&setup.server.url, statements, &json!({}));

    let columns: Vec<String> = indices.map(|i| format!("v{i}, d{i}, n{i}")).collect();
    let query = format!("SELECT {} FROM kinds;", columns.join(", "));
    let body = json!({"ksql": query, "streamsProperties": {"auto.offset.reset": "earliest"}}).to_string();
    let answer = eventually("both rows are read", || {
        let headers = [("Accept", "application/vnd.ksql.v1+json")];
        let answer = request(&setup.server.url, "POST", "/query", &headers, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        (answer.as_array().unwrap().len() == 4).then_some(answer)
    });
    let types = READ.iter().enumerate().map(|(i, (.., ty, _))| format!("`V{i}` {ty}, `D{i}` {ty}, `N{i}` {ty}"));
    let schema = answer[0]["header"]["schema"].as_str().unwrap();
    assert_eq!(schema, types.collect::<Vec<_>>().join(", "));
    for (row, is_missing) in [(&answer[1], false), (&answer[2], true)] {
        let seen = row["row"]["columns"].as_array().unwrap().chunks(3);
        let wrong = READ.iter().zip(seen).filter_map(|((sql, .., value), seen)| {
            let value: Value = serde_json::from_str(value).unwrap();
            let first = if is_missing { Value::Null } else { value.clone() };
            (*seen != [first, value.clone(), value]).then(|| format!("{sql} is {}", json!(seen)))
        });
        assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
    }
    let cash = rows(&setup.server.url, "SELECT cash FROM cash;", &json!({"auto.offset.reset": "earliest"}));
    assert_eq!(json!(cash).to_string(), "[[12.50],[null]]");
}

/// A type of ours and a value; what Connect has of it, as Java prints it; what Confluent's deserializer has, as Avro's JSON; and what
/// the JDBC sink writes, of what it can.
const WRITTEN: [(&str, &str, &str, &str, Option<&str>); 19] = [
    ("BOOLEAN", "true", "true", r#"{"boolean": true}"#, Some("t")),
    ("INT", "-2147483648", "-2147483648", r#"{"int": -2147483648}"#, Some("-2147483648")),
    (
        "BIGINT",
        "9223372036854775807",
        "9223372036854775807",
        r#"{"long": 9223372036854775807}"#,
        Some("9223372036854775807"),
    ),
    ("DOUBLE", "-1E300", "-1.0E300", r#"{"double": -1.0e+300}"#, Some("-1e+300")),
    ("STRING", "'Größe 😀'", "Größe 😀", r#"{"string": "Größe 😀"}"#, Some("Größe 😀")),
    (
        "BYTES",
        "TO_BYTES('00ff', 'hex')",
        "java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]",
        r#"{"bytes": "\u0000ÿ"}"#,
        Some("\\x00ff"),
    ),
    ("DECIMAL(6, 2)", "1234.50", "1234.50", r#"{"bytes": "\u0001â:"}"#, Some("1234.50")),
    ("DECIMAL(38, 20)", "-0.00000000000000000001", "-1E-20", r#"{"bytes": "ÿ"}"#, Some("-0.00000000000000000001")),
    ("DATE", "'1969-12-31'", "Wed Dec 31 00:00:00 UTC 1969", r#"{"int": -1}"#, Some("1969-12-31")),
    ("TIME", "'23:59:59.999'", "Thu Jan 01 23:59:59 UTC 1970", r#"{"int": 86399999}"#, Some("23:59:59.999")),
    (
        "TIMESTAMP",
        "'2024-02-29T12:00:00.001'",
        "Thu Feb 29 12:00:00 UTC 2024",
        r#"{"long": 1709208000001}"#,
        Some("2024-02-29 12:00:00.001"),
    ),
    ("ARRAY<INT>", "ARRAY[1, NULL]", "[1, null]", r#"{"array": [{"int": 1}, null]}"#, Some("{1,NULL}")),
    (
        "MAP<STRING, BIGINT>",
        "MAP('a' := 1)",
        "{a=1}",
        r#"{"array": [{"key": {"string": "a"}, "value": {"long": 1}}]}"#,
        None,
    ),
    (
        "STRUCT<x INT, y STRING>",
        "STRUCT(x := 5, y := 'w')",
        "Struct{X=5,Y=w}",
        r#"{"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_C13": {"X": {"int": 5}, "Y": {"string": "w"}}}"#,
        None,
    ),
    (
        "ARRAY<STRUCT<m MAP<STRING, ARRAY<INT>>>>",
        "ARRAY[STRUCT(m := MAP('k' := ARRAY[1]))]",
        "[Struct{M={k=[1]}}]",
        r#"{"array": [{"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_C14":
            {"M": {"array": [{"key": {"string": "k"}, "value": {"array": [{"int": 1}]}}]}}}]}"#,
        None,
    ),
    (
        "ARRAY<DECIMAL(4, 1)>",
        "ARRAY[CAST(150.5 AS DECIMAL(4, 1))]",
        "[150.5]",
        r#"{"array": [{"bytes": "\u0005á"}]}"#,
        None,
    ),
    (
        "ARRAY<TIMESTAMP>",
        "ARRAY[FROM_UNIXTIME(1709208000001)]",
        "[Thu Feb 29 12:00:00 UTC 2024]",
        r#"{"array": [{"long": 1709208000001}]}"#,
        None,
    ),
    (
        "MAP<STRING, DATE>",
        "MAP('d' := FROM_DAYS(-1))",
        "{d=Wed Dec 31 00:00:00 UTC 1969}",
        r#"{"array": [{"key": {"string": "d"}, "value": {"int": -1}}]}"#,
        None,
    ),
    (
        "STRUCT<b BYTES, d DECIMAL(4, 1), t TIME>",
        "STRUCT(b := TO_BYTES('ff', 'hex'), d := CAST(150.5 AS DECIMAL(4, 1)), t := PARSE_TIME('23:59:59', 'HH:mm:ss'))",
        "Struct{B=java.nio.HeapByteBuffer[pos=0 lim=1 cap=1],D=150.5,T=Thu Jan 01 23:59:59 UTC 1970}",
        r#"{"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_C18":
            {"B": {"bytes": "ÿ"}, "D": {"bytes": "\u0005á"}, "T": {"int": 86399000}}}"#,
        None,
    ),
];

/// One row with a value in each column, one with none; the second topic has values that are no records.
pub(super) fn types_of_ours_are_read_by_confluents_classes(setup: &Setup) {
    let columns: Vec<String> = WRITTEN.iter().enumerate().map(|(i, (ty, ..))| format!("c{i} {ty}")).collect();
    let values: Vec<&str> = WRITTEN.iter().map(|(_, value, ..)| *value).collect();
    let statements = format!(
        "CREATE STREAM written (id INT KEY, {}) WITH (kafka_topic='written', format='AVRO', partitions=1);
        CREATE STREAM bare WITH (kafka_topic='bare', format='AVRO', wrap_single_value=false) AS
            SELECT c5, c6 FROM written WHERE c6 IS NOT NULL PARTITION BY c5;
        INSERT INTO written VALUES (1, {});
        INSERT INTO written (id) VALUES (2);",
        columns.join(", "),
        values.join(", ")
    );
    ksql(&setup.server.url, &statements, &json!({"auto.offset.reset": "earliest"}));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    setup.create(
        "file",
        json!({"connector.class": "FileStreamSink", "topics": "written,bare"}),
        &json!({"file": file}),
    );
    let told: Vec<(usize, &str)> =
        WRITTEN.iter().enumerate().filter_map(|(i, (.., told))| told.map(|told| (i, told))).collect();
    let fields: Vec<String> = told.iter().map(|(i, _)| format!("written:C{i}")).collect();
    // It wants a record for a key.
    let more = json!({
        "field.include.list": format!("written:id,{}", fields.join(",")),
        "transforms": "key",
        "transforms.key.type": "org.apache.kafka.connect.transforms.HoistField$Key",
        "transforms.key.field": "id",
    });
    setup.sink("written", &more);

    let fields = WRITTEN.iter().enumerate().map(|(i, (_, _, connects, ..))| format!("C{i}={connects}"));
    let expected =
        ["1234.50".to_owned(), format!("Struct{{{}}}", fields.collect::<Vec<_>>().join(",")), "Struct{}".to_owned()];
    let lines = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    eventually("a line for each record", || (lines().len() == expected.len()).then_some(()));
    assert_eq!(lines(), expected);
    let first: Vec<&str> = told.iter().map(|(_, told)| *told).collect();
    let rows = [format!("1|{}", first.join("|")), format!("2{}", "|".repeat(told.len()))];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    setup.worker.until(&setup.postgres, "SELECT * FROM of_written ORDER BY id", &rows);
    deserializer(setup);
}

/// What Confluent's `kafka-avro-console-consumer` prints.
fn deserializer(setup: &Setup) {
    let registry = format!("schema.registry.url={}", setup.server.url);
    let arguments = [
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "--bootstrap-server",
        &setup.broker.bootstrap,
        "--include",
        "written|bare",
        "--from-beginning",
        "--max-messages",
        "3",
        "--timeout-ms",
        "60000",
        "--formatter",
        "io.confluent.kafka.formatter.AvroMessageFormatter",
        "--formatter-property",
        &registry,
        "--formatter-property",
        "print.key=true",
    ];
    let printed = setup.broker.program(&setup.worker.confluents_jar(), &arguments);
    let values = |is_missing: bool| -> Value {
        let values = WRITTEN.iter().enumerate().map(|(i, (_, _, _, value, _))| {
            let value = if is_missing { Value::Null } else { serde_json::from_str(value).unwrap() };
            (format!("C{i}"), value)
        });
        Value::Object(values.collect())
    };
    let records = printed.lines().filter_map(|line| line.split_once('\t'));
    let json =
        |text: &str| -> Value { serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {printed}")) };
    let mut records: Vec<(Value, Value)> = records.map(|(key, value)| (json(key), json(value))).collect();
    records.sort_by_key(|(key, _)| key.to_string());
    let bare = (json!("\u{0}\u{ff}"), json!("\u{1}\u{e2}:"));
    assert_eq!(records, [bare, (json!(1), values(false)), (json!(2), values(true))]);
}
