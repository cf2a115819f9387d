//! Which of two faults a statement is told of, and with what around it: as ksqlDB comes upon them.

use super::super::ErrorKind;
use super::with_orders;

const PARSED: &str = "Failed to prepare statement: ";
const NAMED: &str = "Exception while preparing statement: ";
const PLANNED: &str = "Could not determine output schema for query due to error: ";

/// Statement, kind of its error, what stands before the message, its beginning.
type Case = (&'static str, ErrorKind, &'static str, &'static str);

fn check(cases: &[Case]) {
    for (text, kind, prefix, message) in cases {
        let error = with_orders().run(text).expect_err(text);
        assert_eq!(error.kind(), *kind, "{text}\n{error}");
        let expected = format!("{prefix}{message}");
        assert!(error.message.starts_with(&expected), "{text}\nexpected {expected}\nactual   {error}");
    }
}

const CREATES: &[Case] = &[
    // columns, then the WITH clause
    (
        "CREATE STREAM x (a INT, a INT, b INT, b INT) WITH (value_format='json', nope=1);",
        ErrorKind::Statement,
        PARSED,
        "Duplicate column names: `A`, `B`",
    ),
    (
        "CREATE STREAM x (h INT HEADERS, a INT, a INT) WITH (value_format='json');",
        ErrorKind::Statement,
        PARSED,
        "Invalid type for HEADERS column: expected ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>, got INTEGER",
    ),
    // types as they are read
    (
        "CREATE STREAM x (s STRUCT<a INT, b STRUCT<c INT, c STRING>>, s INT) WITH (value_format='json');",
        ErrorKind::Statement,
        PARSED,
        "Duplicate field names found in STRUCT: '`C` INTEGER' and '`C` STRING'",
    ),
    (
        "CREATE TABLE x (id INT KEY, id INT) WITH (kafka_topic='x', value_format='json');",
        ErrorKind::Statement,
        PARSED,
        "Duplicate column names: `ID`",
    ),
    // properties in ksqlDB's order, unknown ones last, then what excludes each other
    (
        "CREATE STREAM x (a INT) WITH (nope=1, partitions='many');",
        ErrorKind::Statement,
        PARSED,
        "Missing required property \"KAFKA_TOPIC\" which has no default value.",
    ),
    (
        "CREATE STREAM x (a INT) WITH (format='json', key_format='json', nope=1, kafka_topic='x');",
        ErrorKind::Statement,
        PARSED,
        "Invalid config variable(s) in the WITH clause: NOPE",
    ),
    (
        "CREATE STREAM x (a INT) WITH (kafka_topic='x', window_type='rolling', wrap_single_value=3);",
        ErrorKind::Statement,
        PARSED,
        "Invalid value rolling for property WINDOW_TYPE: String must be one of: SESSION, HOPPING, TUMBLING, null",
    ),
    (
        "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='json', window_size='1 HOUR');",
        ErrorKind::Statement,
        PARSED,
        "'WINDOW_SIZE' should not be set for SESSION windows.",
    ),
    // formats, then the topic, then the columns
    (
        "CREATE STREAM x (a INT, ROWTIME INT) WITH (kafka_topic='nosuch', value_format='xml');",
        ErrorKind::Statement,
        "",
        "Unknown format: XML",
    ),
    (
        "CREATE STREAM x (ROWTIME INT) WITH (kafka_topic='nosuch', value_format='json');",
        ErrorKind::General,
        "",
        "Topic 'nosuch' does not exist.",
    ),
    (
        "CREATE STREAM x (ROWTIME INT) WITH (kafka_topic='x', value_format='json', cleanup_policy='delete');",
        ErrorKind::General,
        "",
        "Invalid config variable in the WITH clause: CLEANUP_POLICY.",
    ),
    (
        "CREATE TABLE x (a INT PRIMARY KEY) WITH (kafka_topic='nosuch', value_format='json', retention_ms=5);",
        ErrorKind::General,
        "",
        "Topic 'nosuch' does not exist.",
    ),
    (
        "CREATE STREAM x WITH (kafka_topic='x', value_format='json', partitions=0);",
        ErrorKind::Unforeseen,
        "",
        "Failed to guarantee existence of topic x",
    ),
    (
        "CREATE STREAM x WITH (kafka_topic='x', value_format='json', partitions=1, timestamp='t');",
        ErrorKind::Statement,
        "",
        "No columns supplied.",
    ),
    // a stream's time comes before its name, a table's after it
    (
        "CREATE STREAM orders (a INT, ROWOFFSET INT) WITH (kafka_topic='x', value_format='json', partitions=1, \
             timestamp='t');",
        ErrorKind::Statement,
        "",
        "'ROWOFFSET' is a reserved column name.",
    ),
    (
        "CREATE STREAM orders (a INT) WITH (kafka_topic='x', value_format='json', partitions=1, timestamp='t');",
        ErrorKind::Statement,
        "",
        "The TIMESTAMP column set in the WITH clause does not exist in the schema: 'T'",
    ),
    (
        "CREATE TABLE users (a INT) WITH (kafka_topic='x', value_format='json', partitions=1, timestamp='t');",
        ErrorKind::Statement,
        "",
        "Cannot add table 'USERS': A table with the same name already exists",
    ),
    (
        "CREATE TABLE x (a INT) WITH (kafka_topic='x', value_format='json', partitions=1, timestamp='t');",
        ErrorKind::Statement,
        "",
        "Tables require a PRIMARY KEY.",
    ),
    // what may be wrapped comes before that
    (
        "CREATE STREAM orders (a INT, b INT) WITH (kafka_topic='x', value_format='json', partitions=1, \
             wrap_single_value=true);",
        ErrorKind::Statement,
        "",
        "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas",
    ),
    (
        "CREATE OR REPLACE STREAM orders (id INT KEY, item INT) WITH (kafka_topic='orders', value_format='json');",
        ErrorKind::Statement,
        "",
        "Cannot upgrade data source: DataSource '`ORDERS`' has schema = ",
    ),
];

#[test]
fn a_create_is_told_of_its_earliest_fault() {
    check(CREATES);
}

const ALTERS: &[Case] = &[
    ("ALTER TABLE nosuch ADD COLUMN a NOSUCH;", ErrorKind::Statement, PARSED, "Cannot resolve unknown type: NOSUCH"),
    ("ALTER TABLE nosuch ADD COLUMN qty INT;", ErrorKind::Statement, "", "Source NOSUCH does not exist."),
    (
        "CREATE SOURCE STREAM only (a INT) WITH (kafka_topic='x', value_format='json', partitions=1); \
         ALTER TABLE only ADD COLUMN a INT;",
        ErrorKind::Statement,
        "",
        "Cannot alter stream 'ONLY': ALTER operations are not supported on source streams.",
    ),
    (
        "ALTER TABLE orders ADD COLUMN qty INT;",
        ErrorKind::Statement,
        "",
        "Incompatible data source type is STREAM, but statement was ALTER TABLE",
    ),
];

#[test]
fn an_alter_is_told_of_its_earliest_fault() {
    check(ALTERS);
}

const QUERIES: &[Case] = &[
    // names before a column, then the WITH clause, then the sources
    (
        "CREATE STREAM x WITH (nope=1) AS SELECT y.a FROM nosuch;",
        ErrorKind::Statement,
        PARSED,
        "'Y' is not a valid stream/table name or alias.",
    ),
    (
        "CREATE STREAM x WITH (nope=1) AS SELECT a FROM nosuch;",
        ErrorKind::Statement,
        PARSED,
        "Invalid config variable(s) in the WITH clause: NOPE",
    ),
    (
        "CREATE STREAM x WITH (partitions=0) AS SELECT a FROM nosuch;",
        ErrorKind::Statement,
        NAMED,
        "NOSUCH does not exist.",
    ),
    (
        "CREATE STREAM x WITH (partitions=0) AS SELECT id FROM orders o JOIN users u ON o.id = u.id;",
        ErrorKind::Statement,
        NAMED,
        "Line: 1, Col: 47: Column 'ID' is ambiguous. Could be O.ID or U.ID.",
    ),
    (
        "CREATE STREAM x WITH (partitions=0) AS SELECT id, TRANSFORM(tags, item => item) FROM orders;",
        ErrorKind::Statement,
        NAMED,
        "Lambda function argument can't be a column name: ITEM",
    ),
    (
        "CREATE STREAM x AS SELECT id, TRANSFORM(tags, y => TRANSFORM(tags, y => y)) FROM orders;",
        ErrorKind::Statement,
        NAMED,
        "Reusing lambda arguments in nested lambda is not allowed",
    ),
    (
        "CREATE STREAM x WITH (partitions=0) AS SELECT id, qty FROM orders PARTITION BY qty, orders.qty;",
        ErrorKind::Statement,
        NAMED,
        "Duplicate PARTITION BY expression: ORDERS.QTY",
    ),
    (
        "CREATE TABLE x AS SELECT item, COUNT(*) FROM nosuch GROUP BY item, item;",
        ErrorKind::Statement,
        PARSED,
        "Duplicate GROUP BY expression: ITEM",
    ),
    // the topic, before the query makes sense
    (
        "CREATE STREAM x WITH (partitions=0) AS SELECT nosuch FROM orders;",
        ErrorKind::Unforeseen,
        "",
        "Failed to guarantee existence of topic X",
    ),
    (
        "CREATE TABLE x WITH (retention_ms=5) AS SELECT nosuch FROM users;",
        ErrorKind::General,
        "",
        "Invalid config variable in the WITH clause: RETENTION_MS.",
    ),
    // reserved names, columns, formats, types, key, names that are taken, kind of the result
    (
        "CREATE STREAM orders WITH (value_format='xml') AS SELECT nosuch, qty AS ROWTIME FROM orders WHERE nosuch = 1;",
        ErrorKind::Statement,
        PLANNED,
        "`ROWTIME` is a reserved column name.",
    ),
    (
        "CREATE STREAM orders WITH (value_format='xml') AS SELECT nosuch FROM orders WHERE nope = 1;",
        ErrorKind::Statement,
        PLANNED,
        "Line: 1, Col: 83: WHERE column 'NOPE' cannot be resolved.",
    ),
    (
        "CREATE STREAM orders WITH (value_format='xml') AS SELECT qty FROM orders WHERE qty;",
        ErrorKind::Statement,
        PLANNED,
        "Unknown format: XML",
    ),
    (
        "CREATE TABLE orders AS SELECT item FROM orders WHERE qty;",
        ErrorKind::Statement,
        PLANNED,
        "Type error in WHERE expression",
    ),
    (
        "CREATE TABLE orders AS SELECT item FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Key missing from projection (ie, SELECT).",
    ),
    (
        "CREATE TABLE orders AS SELECT id, item FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Cannot add table 'ORDERS': A stream with the same name already exists",
    ),
    (
        "CREATE TABLE x AS SELECT id, NULL AS n FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Can't infer a type of null.",
    ),
    (
        "CREATE TABLE x AS SELECT id, item FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Invalid result type. Your SELECT query produces a STREAM.",
    ),
    // types clause by clause, then names that are taken twice, then the key
    (
        "CREATE STREAM x AS SELECT item + tags AS a, qty AS a FROM orders WHERE qty;",
        ErrorKind::Statement,
        PLANNED,
        "Type error in WHERE expression",
    ),
    (
        "CREATE STREAM x AS SELECT item + tags AS a, qty AS a FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Error processing expression: (ITEM + TAGS).",
    ),
    (
        "CREATE STREAM x AS SELECT item AS a, qty AS a FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Duplicate value columns found in schema: `A` INTEGER",
    ),
    // code is made last, of the SELECT list first
    (
        "CREATE STREAM x AS SELECT NOT (item = 1) AS a FROM orders WHERE NOT (qty = 'x');",
        ErrorKind::Statement,
        PLANNED,
        "Key missing from projection (ie, SELECT).",
    ),
    (
        "CREATE STREAM x AS SELECT id, NOT (item = 1) AS a FROM orders WHERE NOT (qty = 'x');",
        ErrorKind::Statement,
        PLANNED,
        "Invalid Select: Cannot compare ITEM (STRING) to 1 (INTEGER) with EQUAL.",
    ),
    (
        "CREATE STREAM x AS SELECT id, item AS a FROM orders WHERE NOT (qty = 'x');",
        ErrorKind::Statement,
        "",
        "Invalid Predicate: Cannot compare QTY (INTEGER) to 'x' (STRING) with EQUAL.",
    ),
    (
        "CREATE TABLE x AS SELECT id, item, SUM(CAST(NOT (qty = 'x') AS INT)) FROM orders GROUP BY id, CAST(tags AS INT);",
        ErrorKind::Statement,
        PLANNED,
        "Non-aggregate SELECT expression(s) not part of GROUP BY: ITEM",
    ),
    (
        "CREATE TABLE x AS SELECT * FROM users PARTITION BY name + 'a';",
        ErrorKind::Statement,
        PLANNED,
        "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's key column ID \
         instead of [(NAME + 'a')]",
    ),
    (
        "CREATE TABLE two (a INT PRIMARY KEY, b INT PRIMARY KEY, c INT) WITH (kafka_topic='two', format='json', \
             partitions=1); CREATE TABLE x AS SELECT * FROM two PARTITION BY c;",
        ErrorKind::Statement,
        PLANNED,
        "Cannot repartition a TABLE source. If this is a join, joins on tables with multiple columns is not yet supported.",
    ),
    // AND has the type of what is on its right
    (
        "CREATE STREAM x AS SELECT id, item FROM orders WHERE qty AND qty = 1 AND qty;",
        ErrorKind::Statement,
        PLANNED,
        "Type error in WHERE expression: Should evaluate to boolean but is ((QTY AND (QTY = 1)) AND QTY) (INTEGER) instead.",
    ),
    (
        "CREATE STREAM x AS SELECT id, qty->* FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Column `QTY` is not a STRUCT type.",
    ),
    (
        "CREATE STREAM x AS SELECT id, addr->city->* FROM orders;",
        ErrorKind::Statement,
        PLANNED,
        "Field CITY is not a STRUCT type.",
    ),
    // found when it is started: nothing is said of the schema
    (
        "CREATE STREAM x WITH (value_format='kafka') AS SELECT id, item, qty FROM orders;",
        ErrorKind::Build,
        "",
        "Value format does not support schema.",
    ),
];

/// What a query keeps inside is in the format of its first source.
#[test]
fn formats_inside_are_looked_at_when_a_query_starts() {
    const TEXTS: &str = "CREATE STREAM texts (id INT KEY, v INT) WITH (kafka_topic='texts', format='delimited', \
                         partitions=2); CREATE TABLE names (id INT PRIMARY KEY, v INT) WITH (kafka_topic='names', \
                         format='delimited', partitions=2);";
    const UNHELD: &str = "One of the functions used in the statement has an intermediate type that the value format can \
                          not handle.";
    let with = "WITH (value_format='json')";
    for (query, expected) in [
        (format!("CREATE TABLE x {with} AS SELECT id, COLLECT_LIST(v) FROM texts GROUP BY id;"), UNHELD),
        (
            format!("CREATE TABLE x {with} AS SELECT id, ARRAY[v] AS a FROM names;"),
            "Value format does not support schema.",
        ),
    ] {
        let error = with_orders().run(&format!("{TEXTS} {query}")).expect_err(&query);
        assert_eq!(error.kind(), ErrorKind::Build, "{error}");
        assert!(error.message.starts_with(expected), "{query}\n{error}");
    }
    let sound = format!("CREATE STREAM x {with} AS SELECT id, ARRAY[v] AS a FROM texts;");
    with_orders().run(&format!("{TEXTS} {sound}")).unwrap();
}

#[test]
fn a_query_is_told_of_its_earliest_fault() {
    check(QUERIES);
}

const INSERTS: &[Case] = &[
    (
        "INSERT INTO nosuch WITH (nope=1) SELECT * FROM nosuch;",
        ErrorKind::Statement,
        PARSED,
        "Invalid config variable(s) in the WITH clause: NOPE",
    ),
    ("INSERT INTO nope SELECT * FROM nosuch;", ErrorKind::Statement, NAMED, "NOSUCH does not exist."),
    (
        "INSERT INTO nosuch SELECT nope FROM orders;",
        ErrorKind::Statement,
        NAMED,
        "Line: 1, Col: 13: Source `NOSUCH` does not exist.",
    ),
    (
        "INSERT INTO users SELECT nope FROM orders;",
        ErrorKind::Statement,
        NAMED,
        "INSERT INTO can only be used to insert into a stream. USERS is a table.",
    ),
    (
        "INSERT INTO orders WITH (query_id='CSAS_1') SELECT nope FROM orders;",
        ErrorKind::Statement,
        "",
        "Line: 1, Col: 52: SELECT column 'NOPE' cannot be resolved.",
    ),
    (
        "INSERT INTO orders WITH (query_id='CSAS_1') SELECT id, item FROM orders;",
        ErrorKind::Statement,
        "",
        "Query IDs must not start with a reserved query ID prefix",
    ),
    // ksqlDB does not foresee it, but it is planning
    (
        "INSERT INTO orders SELECT id, NULL AS item FROM orders;",
        ErrorKind::Statement,
        "",
        "Can't infer a type of null.",
    ),
];

#[test]
fn an_insert_is_told_of_its_earliest_fault() {
    check(INSERTS);
}

/// What a client reads of an expression that is wrong.
#[test]
fn an_expression_that_is_wrong_is_shown() {
    const TEXT: &str = "Error in WHERE expression: Cannot compare ITEM (STRING) to 1 (INTEGER) with GREATER_THAN.";
    const PART: &str = "\nStatement: (ITEM > 1)";
    let query = "SELECT id, item FROM orders WHERE item > 1";
    let created = with_orders().run(&format!("CREATE STREAM x AS {query};")).unwrap_err();
    assert_eq!(created.message, format!("{PLANNED}{TEXT}{PART}{PART}"));
    assert!(created.resolved.is_some_and(|shown| shown.starts_with("CREATE STREAM X WITH (CLEANUP_POLICY=")));
    assert_eq!(created.brief, None);
    let inserted = with_orders().run(&format!("INSERT INTO orders {query};")).unwrap_err();
    assert_eq!((inserted.message, inserted.resolved.as_deref()), (format!("{TEXT}{PART}"), Some("(ITEM > 1)")));
    let asked = with_orders().push(&format!("{query} EMIT CHANGES;")).unwrap_err();
    assert_eq!((asked.message, asked.resolved), (format!("{TEXT}{PART}{PART}"), None));
}
