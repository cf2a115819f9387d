//! Queries.

use super::with_orders;

#[test]
fn only_used_columns_are_read() {
    let mut world = with_orders();
    let steps = world.steps("CREATE STREAM s AS SELECT id, qty * 2 AS twice FROM orders WHERE item = 'a';");
    assert_eq!(
        steps,
        " > [ SINK ] | Schema: `ID` INTEGER KEY, `TWICE` INTEGER | Logger: CSAS_S_0.S\n\
         \t > [ PROJECT ] | Schema: `ID` INTEGER KEY, `TWICE` INTEGER | Logger: CSAS_S_0.Project\n\
         \t\t > [ FILTER ] | Schema: `ID` INTEGER KEY, `ITEM` STRING, `QTY` INTEGER | Logger: CSAS_S_0.WhereFilter\n\
         \t\t\t > [ SOURCE ] | Schema: `ID` INTEGER KEY, `ITEM` STRING, `QTY` INTEGER | Logger: CSAS_S_0.KsqlTopic.Source\n"
    );
}

#[test]
fn the_sink_takes_what_its_source_has() {
    let mut world = with_orders();
    let command = world.run("CREATE STREAM s AS SELECT id, item FROM orders;").unwrap();
    assert_eq!(command.topics[0].partitions, 2);
    assert_eq!(
        command.statement,
        "CREATE STREAM S WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='S', PARTITIONS=2, REPLICAS=1, \
         RETENTION_MS=604800000) AS SELECT\n  ORDERS.ID ID,\n  ORDERS.ITEM ITEM\nFROM ORDERS ORDERS\nEMIT CHANGES;"
    );
}

#[test]
fn partition_by_puts_the_new_key_first_and_the_old_one_last() {
    let mut world = with_orders();
    world.run("CREATE STREAM s WITH (key_format='json') AS SELECT * FROM orders PARTITION BY qty;").unwrap();
    assert_eq!(
        world.schema("S"),
        "`QTY` INTEGER KEY, `ITEM` STRING, `ADDR` STRUCT<`CITY` STRING>, `TAGS` ARRAY<STRING>, `ID` INTEGER"
    );
    world.run("CREATE STREAM c AS SELECT addr->city, qty + 1, id FROM orders PARTITION BY addr->city;").unwrap();
    assert_eq!(world.schema("C"), "`CITY` STRING KEY, `KSQL_COL_0` INTEGER, `ID` INTEGER");
    let same = world.steps("CREATE STREAM k AS SELECT * FROM orders PARTITION BY id;");
    assert!(!same.contains("REKEY"), "{same}");
}

#[test]
fn selected_columns_are_refused_with_ksqldbs_texts() {
    refuses(&[
        (
            "CREATE STREAM x AS SELECT item FROM orders;",
            "The query used to build `X` must include the key column ID in its projection (eg, SELECT ID...).",
        ),
        ("CREATE STREAM x AS SELECT id FROM orders;", "The projection contains no value columns."),
        (
            "CREATE STREAM x AS SELECT id, item, item FROM orders;",
            "Duplicate value columns found in schema: `ITEM` STRING",
        ),
        (
            "CREATE STREAM x AS SELECT id, id AS id2, item FROM orders;",
            "The projection contains a key column (`ID`) more than once, aliased as: ID and ID2.",
        ),
        (
            "CREATE STREAM x AS SELECT id, item AS ROWTIME FROM orders;",
            "`ROWTIME` is a reserved column name. You cannot use it as an alias for a column.",
        ),
        (
            "CREATE STREAM x AS SELECT id, ROWTIME FROM orders;",
            "Reserved column name in select: `ROWTIME`. Please remove or alias the column.",
        ),
        ("CREATE STREAM x AS SELECT id, NULL AS n FROM orders;", "Can't infer a type of null."),
        (
            "CREATE STREAM x AS SELECT id, nosuch FROM orders;",
            "Line: 1, Col: 31: SELECT column 'NOSUCH' cannot be resolved.",
        ),
        ("CREATE STREAM x AS SELECT * FROM nosuch;", "Exception while preparing statement: NOSUCH does not exist."),
        (
            "CREATE STREAM x AS SELECT y.id FROM orders;",
            "Failed to prepare statement: 'Y' is not a valid stream/table name or alias.",
        ),
        (
            "CREATE TABLE x AS SELECT * FROM orders;",
            "Invalid result type. Your SELECT query produces a STREAM. Please use CREATE STREAM AS SELECT statement instead.",
        ),
        (
            "CREATE STREAM x AS SELECT * FROM orders PARTITION BY nosuch;",
            "PARTITION BY column 'NOSUCH' cannot be resolved. 'NOSUCH' must be a column in the source schema since PARTITION BY is applied on the input.",
        ),
        (
            "CREATE STREAM x AS SELECT qty FROM orders PARTITION BY item;",
            "must include the partitioning expression ORDERS.ITEM in its projection (eg, SELECT ORDERS.ITEM...).",
        ),
    ]);
}

#[test]
fn clauses_and_sinks_are_refused_with_ksqldbs_texts() {
    refuses(&[
        (
            "CREATE TABLE x AS SELECT * FROM users PARTITION BY name;",
            "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's key column ID instead of [NAME]",
        ),
        (
            "CREATE STREAM x AS SELECT * FROM orders EMIT FINAL;",
            "EMIT FINAL is only supported for windowed aggregations.",
        ),
        (
            "CREATE STREAM x WITH (timestamp='nosuch') AS SELECT * FROM orders;",
            "does not exist in the schema: 'NOSUCH'",
        ),
        (
            "CREATE STREAM x AS SELECT * FROM orders PARTITION BY NULL, id;",
            "Cannot PARTITION BY multiple columns including NULL",
        ),
        (
            "CREATE STREAM x AS SELECT * FROM orders WHERE item > 1;",
            "Error in WHERE expression: Cannot compare ITEM (STRING) to 1 (INTEGER) with GREATER_THAN.",
        ),
        (
            "CREATE STREAM x AS SELECT * FROM orders WHERE 'a';",
            "Type error in WHERE expression: Should evaluate to boolean but is 'a' (STRING) instead.",
        ),
        ("INSERT INTO nosuch SELECT * FROM orders;", "Line: 1, Col: 13: Source `NOSUCH` does not exist."),
        (
            "INSERT INTO users SELECT * FROM users;",
            "INSERT INTO can only be used to insert into a stream. USERS is a table.",
        ),
        (
            "INSERT INTO orders SELECT id, item FROM orders;",
            "Result schema is `ID` INTEGER KEY, `ITEM` STRING\nSink schema is `ID` INTEGER KEY, `ITEM` STRING, `QTY`",
        ),
    ]);
}

fn refuses(cases: &[(&str, &str)]) {
    for (statement, expected) in cases {
        let message = with_orders().refused(statement);
        assert!(message.contains(expected), "{statement}\n  said: {message}");
    }
}

#[test]
fn a_push_query_shows_keys_as_values() {
    let steps = with_orders().push("SELECT *, ROWTIME FROM users EMIT CHANGES;").unwrap();
    assert!(steps.starts_with(
        " > [ PROJECT ] | Schema: `ID` INTEGER KEY, `ID` INTEGER, `NAME` STRING, `ROWTIME` BIGINT | Logger: transient_USERS_"
    ), "{steps}");
}
