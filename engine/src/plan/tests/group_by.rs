//! GROUP BY, HAVING, windows, table functions.

use super::with_orders;

#[test]
fn grouping_by_the_key_needs_no_internal_topic() {
    let mut world = with_orders();
    let steps = world.steps("CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM orders GROUP BY id;");
    assert!(!steps.contains("REPARTITION"), "{steps}");
    assert_eq!(world.schema("T"), "`ID` INTEGER KEY, `N` BIGINT");
}

#[test]
fn grouping_by_a_value_goes_through_an_internal_topic() {
    let mut world = with_orders();
    let steps =
        world.steps("CREATE TABLE t AS SELECT item, SUM(qty) AS s FROM orders GROUP BY item HAVING COUNT(*) > 1;");
    assert_eq!(
        steps,
        " > [ SINK ] | Schema: `ITEM` STRING KEY, `S` INTEGER | Logger: CTAS_T_0.T\n\
         \t > [ PROJECT ] | Schema: `ITEM` STRING KEY, `S` INTEGER | Logger: CTAS_T_0.Project\n\
         \t\t > [ FILTER ] | Schema: `ITEM` STRING KEY, `SUM(QTY)` INTEGER, `COUNT(*)` BIGINT | Logger: CTAS_T_0.Aggregate.HavingFilter\n\
         \t\t\t > [ AGGREGATE ] | Schema: `ITEM` STRING KEY, `SUM(QTY)` INTEGER, `COUNT(*)` BIGINT | Logger: CTAS_T_0.Aggregate.Aggregate\n\
         \t\t\t\t > [ REPARTITION ] | Schema: `ITEM` STRING KEY, `QTY` INTEGER | Logger: CTAS_T_0.Aggregate.Repartition\n\
         \t\t\t\t\t > [ REKEY ] | Schema: `ITEM` STRING KEY, `QTY` INTEGER | Logger: CTAS_T_0.Aggregate.GroupBy\n\
         \t\t\t\t\t\t > [ PROJECT ] | Schema: `ID` INTEGER KEY, `QTY` INTEGER, `ITEM` STRING | Logger: CTAS_T_0.Aggregate.Prepare\n\
         \t\t\t\t\t\t\t > [ SOURCE ] | Schema: `ID` INTEGER KEY, `ITEM` STRING, `QTY` INTEGER | Logger: CTAS_T_0.KsqlTopic.Source\n"
    );
}

#[test]
fn keys_follow_group_by_and_are_called_as_selected() {
    let mut world = with_orders();
    world
        .run("CREATE TABLE t WITH (key_format='json') AS SELECT qty + 1, item AS i, COUNT(*) FROM orders GROUP BY item, qty + 1;")
        .unwrap();
    assert_eq!(world.schema("T"), "`I` STRING KEY, `KSQL_COL_0` INTEGER KEY, `KSQL_COL_1` BIGINT");
}

#[test]
fn windows_put_their_bounds_within_reach() {
    let mut world = with_orders();
    let command = world
        .run("CREATE TABLE t AS SELECT id, WINDOWEND - WINDOWSTART AS w, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY id;")
        .unwrap();
    assert_eq!(world.schema("T"), "`ID` INTEGER KEY, `W` BIGINT, `N` BIGINT");
    assert_eq!(command.topics[0].cleanup_policy, "compact,delete");
    assert!(world.refused("CREATE TABLE u AS SELECT * FROM t;").contains("persistent queries on windowed tables"));
}

#[test]
fn table_functions_add_columns() {
    let mut world = with_orders();
    let steps = world.steps("CREATE STREAM s AS SELECT id, EXPLODE(tags) AS tag FROM orders;");
    assert!(
        steps.contains("[ FLAT_MAP ] | Schema: `ID` INTEGER KEY, `TAGS` ARRAY<STRING>, `KSQL_SYNTH_0` STRING"),
        "{steps}"
    );
}

const REFUSED: &[(&str, &str)] = &[
    (
        "SELECT item FROM orders GROUP BY item",
        "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.",
    ),
    (
        "SELECT COUNT(*) AS n FROM orders GROUP BY item",
        "must include the grouping expression ITEM in its projection (eg, SELECT ITEM...).",
    ),
    (
        "SELECT item, qty, COUNT(*) FROM orders GROUP BY item",
        "Non-aggregate SELECT expression(s) not part of GROUP BY: QTY\nEither add",
    ),
    (
        "SELECT item, COUNT(*) FROM orders GROUP BY item HAVING qty > 1",
        "Non-aggregate HAVING expression not part of GROUP BY: QTY\nConsider",
    ),
    (
        "SELECT item, COUNT(*) FROM orders GROUP BY item HAVING COUNT(*)",
        "Type error in HAVING expression: Should evaluate to boolean but is COUNT(*) (BIGINT) instead.",
    ),
    ("SELECT item, SUM(COUNT(*)) FROM orders GROUP BY item", "Aggregate functions can not be nested: SUM(COUNT())"),
    (
        "SELECT item, COUNT(*) FROM orders GROUP BY item EMIT FINAL",
        "EMIT FINAL is only supported for windowed aggregations.",
    ),
    (
        "SELECT item, MAX(WINDOWSTART) FROM orders WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY item",
        "Window bounds column WINDOWSTART can only be used in the SELECT clause of windowed aggregations and can not be passed",
    ),
    ("SELECT item, COUNT(*) FROM orders WINDOW TUMBLING (SIZE 0 SECONDS) GROUP BY item", "Size must be positive"),
    (
        "SELECT item, COUNT(*) FROM orders WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 2 HOURS) GROUP BY item",
        "less than window duration which is 3600000 ms, but given advancement interval is: 7200000 ms",
    ),
    (
        "SELECT * FROM orders WINDOW TUMBLING (SIZE 1 HOUR)",
        "Line: 1, Col: 47: WINDOW clause requires a GROUP BY clause.",
    ),
    (
        "SELECT name, COUNT(*) FROM users WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY name",
        "Windowing not supported for table aggregations.",
    ),
    (
        "SELECT name, MIN(id), MAX(id) FROM users GROUP BY name",
        "The aggregation functions MIN and MAX cannot be applied to a table source, only to a stream source.",
    ),
    ("SELECT COUNT(*) FROM orders", "does not support aggregate function [COUNT(ROWTIME)] without a GROUP BY clause."),
    (
        "SELECT item, LATEST_BY_OFFSET(qty, qty) FROM orders GROUP BY item",
        "Parameter 2 passed to function LATEST_BY_OFFSET must be a literal constant, but was expression: 'QTY'",
    ),
    (
        "SELECT item, EXPLODE(tags), COUNT(*) FROM orders GROUP BY item",
        "Table functions cannot be used with aggregations.",
    ),
    // every column and item that is wrong, as far as the first clause that has one
    (
        "SELECT item, qty, id + 1 AS more, COUNT(*) FROM orders GROUP BY item HAVING id > qty",
        "Non-aggregate SELECT expression(s) not part of GROUP BY: QTY, (ID + 1)",
    ),
    (
        "SELECT item, COUNT(*) FROM orders GROUP BY item HAVING id > qty",
        "Non-aggregate HAVING expression not part of GROUP BY: ID, QTY",
    ),
    ("SELECT item, SUM(qty + MAX(qty)) FROM orders GROUP BY item", "Aggregate functions can not be nested: SUM(MAX())"),
    // before types are looked at
    ("SELECT item, qty + tags, COUNT(*) FROM orders GROUP BY item", "Non-aggregate SELECT expression(s)"),
    ("SELECT item, nosuch(1), qty FROM orders GROUP BY item", "Can't find any functions with the name 'NOSUCH'"),
    ("SELECT item + 1, COUNT(tags + 1) FROM orders GROUP BY item HAVING qty = 1", "Non-aggregate HAVING expression"),
];

#[test]
fn groups_are_refused_with_ksqldbs_texts() {
    for (query, expected) in REFUSED {
        let message = with_orders().refused(&format!("CREATE TABLE x AS {query};"));
        assert!(message.contains(expected), "{query}\n  said: {message}");
    }
}

/// ksqlDB keeps the reason for its log.
#[test]
fn an_aggregate_with_arguments_that_make_no_sense_says_why() {
    for (call, why) in
        [("LATEST_BY_OFFSET(qty, 0)", "latestN must be 1 or greater"), ("TOPK(qty, 0)", "k must be 1 or greater")]
    {
        let text = format!("CREATE TABLE x AS SELECT item, {call} FROM orders GROUP BY item;");
        let error = with_orders().run(&text).unwrap_err();
        assert!(error.message.ends_with("due to error: Failed to invoke UDAF factory method"), "{error}");
        assert_eq!(error.hint.as_deref(), Some(why));
    }
}

#[test]
fn table_functions_stand_where_every_row_has_them() {
    let cases = [
        ("SELECT id, EXPLODE(EXPLODE(tags)) FROM orders", "Table functions cannot be nested:"),
        (
            "SELECT CASE WHEN id IS NULL THEN EXPLODE(tags) END FROM orders",
            "Table functions cannot be used in CASE: (CASE WHEN (ORDERS.ID IS NULL) THEN EXPLODE(ORDERS.TAGS) END)",
        ),
        (
            "SELECT ABS(CASE WHEN ABS(LEN(EXPLODE(tags))) = 1 THEN 1 ELSE 0 END) FROM orders",
            "Table functions cannot be used in CASE:",
        ),
    ];
    for (query, expected) in cases {
        let message = with_orders().refused(&format!("CREATE STREAM x AS {query};"));
        assert!(message.contains(expected), "{query}\n  said: {message}");
    }
}

#[test]
fn a_stream_without_key_columns_has_no_key_format() {
    for with in ["key_format='JSON'", "format='DELIMITED'"] {
        let message = with_orders()
            .refused(&format!("CREATE STREAM x WITH ({with}) AS SELECT id FROM orders PARTITION BY NULL;"));
        assert!(message.contains("Key format specified for stream without key columns."), "{message}");
    }
    with_orders().steps("CREATE STREAM x WITH (key_format='NONE') AS SELECT id FROM orders PARTITION BY NULL;");
}

/// Not numbered on from what is selected.
#[test]
fn groups_that_are_not_selected_are_named_by_themselves() {
    let steps = with_orders().push("SELECT COUNT(*), SUM(qty) FROM orders GROUP BY qty + 1 EMIT CHANGES;").unwrap();
    assert!(
        steps.contains("[ PROJECT ] | Schema: `KSQL_COL_0` INTEGER KEY, `KSQL_COL_0` BIGINT, `KSQL_COL_1` INTEGER"),
        "{steps}"
    );
}

#[test]
fn a_push_query_may_aggregate_everything() {
    let steps = with_orders().push("SELECT COUNT(*) AS n FROM orders EMIT CHANGES;").unwrap();
    assert!(steps.starts_with(" > [ PROJECT ] | Schema: `KSQL_GROUP` INTEGER KEY, `N` BIGINT | "), "{steps}");
}

#[test]
fn only_retention_of_a_window_keeps_its_topic_for_longer() {
    let mut world = with_orders();
    let mut kept = |name: &str, with: &str, window: &str| {
        let create =
            format!("CREATE TABLE {name} {with} AS SELECT id, COUNT(*) AS n FROM orders WINDOW {window} GROUP BY id;");
        world.run(&create).unwrap().topics[0].retention_ms
    };
    let week = 604_800_000;
    assert_eq!(kept("a", "", "TUMBLING (SIZE 30 DAYS, GRACE PERIOD 1 DAY)"), Some(week));
    assert_eq!(kept("b", "", "TUMBLING (SIZE 1 DAY, RETENTION 30 DAYS)"), Some(30 * 86_400_000));
    assert_eq!(kept("c", "", "TUMBLING (SIZE 1 DAY, RETENTION 2 DAYS)"), Some(week));
    assert_eq!(kept("d", "WITH (retention_ms=-1)", "TUMBLING (SIZE 1 DAY)"), Some(-1));
    assert_eq!(kept("e", "WITH (retention_ms=5)", "TUMBLING (SIZE 1 DAY, RETENTION 2 DAYS)"), Some(2 * 86_400_000));
}

#[test]
fn topics_of_sources_say_how_long_they_keep_records_but_for_tables() {
    let mut world = with_orders();
    let mut kept = |create: &str| world.run(create).unwrap().topics[0].retention_ms;
    let with = "value_format='json', partitions=1";
    assert_eq!(kept(&format!("CREATE STREAM s1 (a INT) WITH (kafka_topic='s1', {with});")), Some(604_800_000));
    assert_eq!(kept(&format!("CREATE STREAM s2 (a INT) WITH (kafka_topic='s2', {with}, retention_ms=5);")), Some(5));
    assert_eq!(kept(&format!("CREATE TABLE t (a INT PRIMARY KEY) WITH (kafka_topic='t', {with});")), None);
    let windowed = "CREATE TABLE w (a INT PRIMARY KEY) WITH (kafka_topic='w', window_type='session', ";
    assert_eq!(kept(&format!("{windowed} {with});")), Some(604_800_000));
}
