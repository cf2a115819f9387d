//! Joins: keys, internal topics, texts.

use super::{World, with_orders};

fn with_joinable() -> World {
    let mut world = with_orders();
    world
        .run(
            "CREATE STREAM ships (id INT KEY, ref INT, v STRING) WITH (kafka_topic='ships', value_format='json', partitions=2);\n\
             CREATE TABLE cities (id INT PRIMARY KEY, owner INT) WITH (kafka_topic='cities', value_format='json', partitions=2);\n\
             CREATE TABLE wide (id INT PRIMARY KEY, v INT) WITH (kafka_topic='wide', value_format='json', partitions=3);",
        )
        .unwrap();
    world
}

#[test]
fn equal_keys_need_no_internal_topic() {
    let mut world = with_joinable();
    let steps =
        world.steps("CREATE STREAM j AS SELECT o.id, qty, v FROM orders o JOIN ships s WITHIN 1 HOUR ON o.id = s.id;");
    assert!(!steps.contains("REPARTITION"), "{steps}");
    assert_eq!(world.schema("J"), "`O_ID` INTEGER KEY, `QTY` INTEGER, `V` STRING");
}

#[test]
fn a_side_joined_on_a_value_goes_through_an_internal_topic() {
    let mut world = with_joinable();
    let steps = world.steps("CREATE STREAM j AS SELECT * FROM ships s JOIN users u ON s.ref = u.id;");
    assert_eq!(steps.matches("REPARTITION").count(), 1, "{steps}");
    assert_eq!(world.schema("J"), "`S_REF` INTEGER KEY, `S_ID` INTEGER, `S_V` STRING, `U_ID` INTEGER, `U_NAME` STRING");
}

#[test]
fn a_full_join_has_a_key_of_its_own() {
    let mut world = with_joinable();
    world
        .run("CREATE TABLE j AS SELECT ROWKEY, u.id, c.id, name FROM users u FULL OUTER JOIN cities c ON u.id = c.id;")
        .unwrap();
    assert_eq!(world.schema("J"), "`ROWKEY` INTEGER KEY, `U_ID` INTEGER, `C_ID` INTEGER, `NAME` STRING");
}

#[test]
fn a_foreign_key_join_keeps_the_left_key() {
    let mut world = with_joinable();
    let steps = world.steps("CREATE TABLE j AS SELECT c.id, u.id, name FROM cities c JOIN users u ON c.owner = u.id;");
    assert!(!steps.contains("REPARTITION"), "{steps}");
    assert_eq!(world.schema("J"), "`C_ID` INTEGER KEY, `U_ID` INTEGER, `NAME` STRING");
}

#[test]
fn joined_keys_stay_keys_along_a_chain() {
    let mut world = with_joinable();
    let steps = world.steps(
        "CREATE STREAM j AS SELECT c.id, qty, name FROM orders o JOIN users u ON o.id = u.id JOIN cities c ON o.id = c.id;",
    );
    assert!(!steps.contains("REPARTITION"), "{steps}");
    assert_eq!(world.schema("J"), "`C_ID` INTEGER KEY, `QTY` INTEGER, `NAME` STRING");
}

const REFUSED: &[(&str, &str)] = &[
    (
        "SELECT * FROM orders o JOIN orders p WITHIN 1 HOUR ON o.id = p.id",
        "Can not join 'ORDERS' to 'ORDERS': self joins are not yet supported.",
    ),
    ("SELECT * FROM orders o JOIN ships s ON o.id = s.id", "Stream-Stream joins must have a WITHIN clause specified."),
    (
        "SELECT * FROM orders o JOIN users u WITHIN 1 HOUR ON o.id = u.id",
        "A window definition was provided for a Stream-Table join.",
    ),
    (
        "SELECT * FROM orders o JOIN users u ON o.item = u.name",
        "Invalid join condition: stream-table joins require to join on the table's primary key. Got O.ITEM = U.NAME.",
    ),
    (
        "SELECT * FROM orders o FULL JOIN users u ON o.id = u.id",
        "Invalid join type: full-outer join not supported for stream-table join. Got ORDERS [FULL] OUTER JOIN USERS.",
    ),
    (
        "SELECT * FROM users u JOIN orders o ON o.id = u.id",
        "Invalid join order: table-stream joins are not supported; only stream-table joins. Got USERS [INNER] JOIN ORDERS.",
    ),
    (
        "SELECT * FROM users u JOIN cities c ON u.id = c.owner",
        "Invalid join condition: table-table joins require to join on the primary key of the right input table. Got U.ID = C.OWNER.",
    ),
    (
        "SELECT * FROM users u JOIN wide w ON u.id = w.id",
        "Can't join `U` with `W` since the number of partitions don't match. `U` partitions = 2; `W` partitions = 3.",
    ),
    (
        "SELECT * FROM orders o JOIN ships s WITHIN 1 HOUR ON o.id = s.v",
        "Invalid join. Key types differ: INTEGER vs STRING",
    ),
    (
        "SELECT * FROM orders o JOIN ships s WITHIN 1 HOUR ON o.id = 0",
        "Invalid comparison expression '0' in join '(O.ID = 0)'.",
    ),
    (
        "SELECT id FROM orders o JOIN ships s WITHIN 1 HOUR ON o.id = s.id",
        "Column 'ID' is ambiguous. Could be O.ID or S.ID.",
    ),
    (
        "SELECT qty, v FROM orders o JOIN ships s WITHIN 1 HOUR ON o.id = s.id",
        "must include the join expressions O.ID or S.ID in its projection (eg, SELECT O.ID...).",
    ),
    // what a kind of join does not have is found after the types and the key
    (
        "SELECT qty FROM orders o RIGHT JOIN users u ON o.id = u.id",
        "must include the join expressions O.ID or U.ID in its projection",
    ),
    (
        "SELECT o.id, qty FROM orders o RIGHT JOIN users u ON o.id = u.id",
        "Invalid join type encountered: RIGHT [OUTER] JOIN",
    ),
    (
        "SELECT u.id, name FROM users u JOIN cities c WITHIN 1 HOUR ON u.id = c.id",
        "A window definition was provided for a Table-Table join. These joins are not windowed. Please drop the window \
         definition (i.e. the WITHIN clause) and try to execute your Table-Table join again.",
    ),
    (
        "SELECT c.id, name FROM cities c RIGHT JOIN users u ON c.owner = u.id",
        "RIGHT OUTER JOIN on a foreign key is not supported",
    ),
    // each join knows the sources before it
    ("SELECT * FROM orders o JOIN users u ON o.id = c.id JOIN cities c ON o.id = c.id", ""),
];

#[test]
fn joins_are_refused_with_ksqldbs_texts() {
    for (query, expected) in REFUSED {
        let message = with_joinable().refused(&format!("CREATE STREAM x AS {query};"));
        assert!(message.contains(expected), "{query}\n  said: {message}");
    }
}
