//! CREATE, DROP, ALTER, types, WITH properties.

use super::{World, with_orders};

#[test]
fn a_source_is_shown_with_its_default_formats() {
    let mut world = World::new();
    let command = world
        .run("CREATE STREAM s (k INT KEY, v INT) WITH (partitions=3, value_format='Json', kafka_topic='t');")
        .unwrap();
    assert_eq!(
        command.statement,
        "CREATE STREAM S (K INTEGER KEY, V INTEGER) WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='t', \
         KEY_FORMAT='KAFKA', PARTITIONS=3, VALUE_FORMAT='JSON');"
    );
    assert_eq!(command.message, "Stream created");
    assert_eq!(command.topics.len(), 1);
}

#[test]
fn statements_are_refused_with_ksqldbs_texts() {
    let cases = [
        (
            "CREATE STREAM x (a INT) WITH (value_format='json');",
            "Missing required property \"KAFKA_TOPIC\" which has no default value.",
        ),
        ("CREATE STREAM x WITH (kafka_topic='x', value_format='json', partitions=1);", "No columns supplied."),
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', partitions=1);",
            "Statement is missing the 'VALUE_FORMAT' property",
        ),
        ("CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='json');", "PARTITIONS=2, VALUE_FORMAT='JSON');"),
        ("CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='xml', partitions=1);", "Unknown format: XML"),
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='json', partitions='many');",
            "Invalid value many for property PARTITIONS: Not a number of type INT",
        ),
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='json', nosuch='y');",
            "Invalid config variable(s) in the WITH clause: NOSUCH",
        ),
        (
            "CREATE STREAM x (a INT, b INT) WITH (kafka_topic='x', value_format='json', partitions=1, wrap_single_value=false);",
            "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas",
        ),
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='delimited', partitions=1, wrap_single_value=true);",
            "Format 'DELIMITED' does not support 'WRAP_SINGLE_VALUE' set to 'true'.",
        ),
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='json', partitions=1, value_delimiter='|');",
            "JSON does not support the following configs: [delimiter]",
        ),
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='delimited', partitions=1, value_delimiter='||');",
            "Invalid delimiter value: '||'. Delimiter must be a single character or TAB,SPACE\nExample valid value: ';'",
        ),
        (
            "CREATE STREAM x (a DOUBLE) WITH (kafka_topic='x', value_format='json', partitions=1, timestamp='a');",
            "Timestamp column, `A`, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format specified.",
        ),
        (
            "CREATE STREAM x (a STRING) WITH (kafka_topic='x', value_format='json', partitions=1, timestamp='a', timestamp_format='nope');",
            "Invalid datetime format for config:TIMESTAMP_FORMAT, reason:Unknown pattern letter: o",
        ),
        (
            "CREATE STREAM x (rowtime INT) WITH (kafka_topic='x', value_format='json', partitions=1);",
            "'ROWTIME' is a reserved column name.",
        ),
        (
            "CREATE TABLE x (a INT) WITH (kafka_topic='x', value_format='json', partitions=1);",
            "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.",
        ),
        (
            "CREATE STREAM x (k MAP<STRING, INT> KEY, v INT) WITH (kafka_topic='x', format='json', partitions=1);",
            "Map keys, including types that contain maps, are not supported",
        ),
        ("DROP STREAM nope;", "Stream NOPE does not exist."),
        ("DROP TYPE nosuch;", "Type NOSUCH does not exist."),
        ("CREATE TYPE t AS STRUCT<a NOSUCH>;", "Cannot resolve unknown type: NOSUCH"),
    ];
    for (statement, expected) in cases {
        let message = World::new().refused(statement);
        assert!(message.contains(expected), "{statement}\n  said: {message}");
    }
}

#[test]
fn altering_appends_columns() {
    let mut world = with_orders();
    assert_eq!(world.run("ALTER STREAM orders ADD COLUMN note STRING;").unwrap().message, "Stream ORDERS altered.");
    assert!(world.schema("ORDERS").ends_with("`NOTE` STRING"));
    assert!(world.refused("ALTER STREAM orders ADD note INT;").contains("Cannot add column `NOTE` to schema."));
}

#[test]
fn what_is_read_cannot_be_dropped() {
    let mut world = with_orders();
    world.run("CREATE STREAM big AS SELECT * FROM orders;").unwrap();
    assert!(world.refused("DROP STREAM orders;").contains("read from this source: [BIG].\nYou need to drop them"));
    world.run("INSERT INTO big SELECT * FROM orders;").unwrap();
    assert!(world.refused("DROP STREAM big;").contains("write into this source: [INSERTQUERY_1]."));
}

#[test]
fn whole_numbers_that_are_written_down_fit_a_decimal_by_their_digits() {
    let mut world = with_orders();
    world
        .run("CREATE STREAM d (id INT KEY, n DECIMAL(5, 2)) WITH (kafka_topic='d', value_format='JSON', partitions=1);")
        .unwrap();
    world.run("INSERT INTO d SELECT id, 999 AS n FROM orders;").unwrap();
    world.run("INSERT INTO d SELECT id, CAST(NULL AS DECIMAL(3, 1)) AS n FROM orders;").unwrap();
    for wide in ["1000", "qty"] {
        let message = world.refused(&format!("INSERT INTO d SELECT id, {wide} AS n FROM orders;"));
        assert!(message.contains("Incompatible schema between results and sink."), "{message}");
    }
}

#[test]
fn dropping_a_derived_stream_stops_its_query() {
    let mut world = with_orders();
    world.run("CREATE STREAM big AS SELECT * FROM orders;").unwrap();
    let command = world.run("DROP STREAM big DELETE TOPIC;").unwrap();
    assert_eq!(command.action.stop, ["CSAS_BIG_0"]);
    assert_eq!(command.action.delete_topic.as_deref(), Some("BIG"));
    assert!(world.catalog.query("CSAS_BIG_0").is_none());
}

#[test]
fn a_replaced_query_may_change_filter_and_projection_only() {
    let mut world = with_orders();
    world.run("CREATE STREAM big AS SELECT id, item FROM orders;").unwrap();
    let command = world.run("CREATE OR REPLACE STREAM big AS SELECT id, item, qty FROM orders WHERE qty > 1;").unwrap();
    assert_eq!(command.message, "Created query with ID CSAS_BIG_0");
    let gone = world.refused("CREATE OR REPLACE STREAM big AS SELECT id, qty FROM orders;");
    assert!(gone.contains("(The following columns are changed, missing or reordered: [`ITEM` STRING"), "{gone}");
    world.run("CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM orders GROUP BY id;").unwrap();
    let other = world.refused("CREATE OR REPLACE TABLE counts AS SELECT id, COUNT(qty) AS n FROM orders GROUP BY id;");
    assert!(other.contains("StreamAggregate must have matching columns not part of aggregate. Values differ: [`ID`, `ROWTIME`] vs. [`ID`, `QTY`]"), "{other}");
}

#[test]
fn custom_types_are_inlined_where_they_are_used() {
    let mut world = World::new();
    world.run("CREATE TYPE address AS STRUCT<city STRING, zip INT>;").unwrap();
    let command = world
        .run("CREATE STREAM s (homes MAP<STRING, address>) WITH (kafka_topic='s', value_format='json', partitions=1);")
        .unwrap();
    assert!(
        command.statement.contains("(HOMES MAP<STRING, STRUCT<CITY STRING, ZIP INTEGER>>)"),
        "{}",
        command.statement
    );
    assert_eq!(world.schema("S"), "`HOMES` MAP<STRING, STRUCT<`CITY` STRING, `ZIP` INTEGER>>");
}

/// The statement an error is about, as ksqlDB shows it: filled in as far as it had come.
#[test]
fn errors_show_the_statement_as_far_as_it_was_filled_in() {
    let cases = [
        // no format is known yet: the text as written
        ("CREATE STREAM x (a INT) WITH (kafka_topic='x', partitions=1);", None),
        // formats are known, the topic is not
        (
            "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='xml', partitions=1);",
            Some(
                "CREATE STREAM X (A INTEGER) WITH (KAFKA_TOPIC='x', KEY_FORMAT='KAFKA', PARTITIONS=1, VALUE_FORMAT='XML');",
            ),
        ),
        (
            "CREATE STREAM x (a INT, b INT) WITH (kafka_topic='x', format='json', partitions=1, wrap_single_value=true);",
            Some(
                "CREATE STREAM X (A INTEGER, B INTEGER) WITH (CLEANUP_POLICY='delete', FORMAT='json', KAFKA_TOPIC='x', \
                 PARTITIONS=1, WRAP_SINGLE_VALUE=true);",
            ),
        ),
        // names of a query are resolved where they can be
        (
            "CREATE STREAM x AS SELECT id, nosuch, item AS ROWTIME FROM orders;",
            Some(
                "CREATE STREAM X WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='X', PARTITIONS=2, REPLICAS=1, \
                 RETENTION_MS=604800000) AS SELECT\n  ORDERS.ID ID,\n  NOSUCH NOSUCH,\n  ORDERS.ITEM ROWTIME\n\
                 FROM ORDERS ORDERS\nEMIT CHANGES;",
            ),
        ),
        // not foreseen: the text as written
        ("CREATE STREAM x WITH (partitions=0) AS SELECT * FROM orders;", None),
    ];
    for (text, shown) in cases {
        let error = with_orders().run(text).unwrap_err();
        assert_eq!(error.resolved.as_deref(), shown, "{text}\n{error}");
    }
}
