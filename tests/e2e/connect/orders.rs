//! Changes of a table of PostgreSQL become a table here, and that becomes a table of PostgreSQL again.

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::process::Server;
use serde_json::{Value, json};

use super::Setup;

/// A table, and rows, one of them without what may be missing.
const ORDERS: &str = r#"
    CREATE TABLE orders (id INT PRIMARY KEY, customer TEXT NOT NULL, amount NUMERIC(10, 2) NOT NULL, note VARCHAR(50),
        paid BOOLEAN NOT NULL DEFAULT false, ordered TIMESTAMP NOT NULL, delivered DATE, at_time TIME, seen TIMESTAMPTZ,
        tags TEXT[], weight DOUBLE PRECISION, big BIGINT, small SMALLINT, raw BYTEA, j JSONB, u UUID);
    ALTER TABLE orders REPLICA IDENTITY FULL;
    INSERT INTO orders VALUES
        (1, 'ann', 12.50, 'x', true, '2024-02-29 12:00:00.001', '2024-03-01', '23:59:59', '2024-02-29 12:00:00+00', '{a,b}',
            0.5, 9007199254740993, 7, '\x00ff', '{"a": 1}', '12345678-1234-5678-1234-567812345678');
    INSERT INTO orders (id, customer, amount, ordered) VALUES (2, 'bob', -0.01, '1969-12-31 23:59:59');"#;

const CHANGES: &str = "
    ALTER TABLE orders ADD COLUMN extra INT NOT NULL DEFAULT 5;
    UPDATE orders SET amount = 20.05, note = 'Größe' WHERE id = 1;
    INSERT INTO orders (id, customer, amount, paid, ordered) VALUES (3, 'ann', 1.00, true, '2024-03-01 00:00:00');
    UPDATE orders SET customer = 'cat' WHERE id = 3;
    DELETE FROM orders WHERE id = 2;";

/// Without columns: they are those of Debezium's envelope.
const STATEMENTS: &str = "
    CREATE STREAM changes WITH (kafka_topic='shop.public.orders', format='AVRO');
    CREATE TABLE orders WITH (kafka_topic='shop.public.orders', format='AVRO');
    CREATE TABLE totals WITH (kafka_topic='totals', format='AVRO') AS
        SELECT after->customer AS customer, after->paid AS paid, COUNT(*) AS n, SUM(after->amount) AS total
        FROM orders WHERE after IS NOT NULL GROUP BY after->customer, after->paid;
    CREATE TABLE copies WITH (kafka_topic='copies', format='AVRO') AS
        SELECT rowkey, after->customer AS customer, after->amount AS amount, after->note AS note, after->paid AS paid,
            after->ordered AS ordered, after->delivered AS delivered, after->at_time AS at_time, after->weight AS weight,
            after->big AS big, after->raw AS raw
        FROM orders WHERE after IS NOT NULL;";

pub(super) fn changes_become_tables_and_rows_of_postgresql_again(setup: &Setup) {
    let Setup { postgres, worker, server, .. } = setup;
    postgres.run(ORDERS);
    setup.source("shop", "orders", &json!({"time.precision.mode": "connect"}));
    ksql(&server.url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    envelope(server);
    eventually("there is a total, and so its topic", || {
        (rows(&server.url, "SELECT * FROM totals;", &json!({})).len() == 2).then_some(())
    });
    setup.sink("totals,copies", &json!({}));
    let totals = "SELECT customer, paid, n, total FROM of_totals ORDER BY customer, paid";
    let copies = "SELECT * FROM of_copies ORDER BY id";
    worker.until(postgres, totals, &["ann|t|1|12.50", "bob|f|1|-0.01"]);
    let first = "1|ann|12.50|x|t|2024-02-29 12:00:00.001|2024-03-01|23:59:59|0.5|9007199254740993|\\x00ff";
    worker.until(postgres, copies, &[first, "2|bob|-0.01||f|1969-12-31 23:59:59|||||"]);

    let alone = json!({"transforms": "alone", "transforms.alone.type": "io.debezium.transforms.ExtractNewRecordState"});
    setup.source("flat", "orders", &alone);
    postgres.run(CHANGES);
    worker.until(postgres, totals, &["ann|t|1|20.05", "bob|f|0|0.00", "cat|t|1|1.00"]);
    let first = first.replace("|12.50|x|", "|20.05|Größe|");
    worker.until(postgres, copies, &[&first, "3|cat|1.00||t|2024-03-01 00:00:00|||||"]);
    let operations = rows(&server.url, "SELECT op, before->amount, after->amount FROM changes;", &json!({}));
    let operations: Vec<String> = operations.iter().map(Value::to_string).collect();
    let expected = [
        "[\"r\",null,12.50]",
        "[\"r\",null,-0.01]",
        "[\"u\",12.50,20.05]",
        "[\"c\",null,1.00]",
        "[\"u\",1.00,1.00]",
        "[\"d\",-0.01,null]",
    ];
    assert_eq!(operations, expected);
    let versions = request(&server.url, "GET", "/subjects/shop.public.orders-value/versions", &[], "");
    assert_eq!(versions.body, "[1,2]", "the schema before the table got a column, and since");
    rows_alone(server);
}

/// Rows without an envelope, with Debezium's own types of time; a deleted row leaves the table.
fn rows_alone(server: &Server) {
    let statements = "CREATE TABLE flat WITH (kafka_topic='flat.public.orders', format='AVRO');
        CREATE TABLE known AS SELECT rowkey, customer, amount, ordered, delivered, at_time FROM flat;";
    ksql(&server.url, statements, &json!({"auto.offset.reset": "earliest"}));
    eventually("the rows that are left", || {
        let query = "SELECT customer, amount, ordered, delivered, at_time FROM known;";
        let mut rows: Vec<String> = rows(&server.url, query, &json!({})).iter().map(Value::to_string).collect();
        rows.sort();
        let expected =
            ["[\"ann\",20.05,1709208000001000,19783,86399000000]", "[\"cat\",1.00,1709251200000000,null,null]"];
        (rows == expected).then_some(())
    });
}

/// What the stream has of a change, type by type.
fn envelope(server: &Server) {
    let answer = eventually("both rows are read", || {
        let body = json!({"ksql": "SELECT after FROM changes;", "streamsProperties": {}}).to_string();
        let answer =
            request(&server.url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &body).json();
        (answer.as_array().unwrap().len() == 4).then_some(answer)
    });
    let schema = "`AFTER` STRUCT<`ID` INTEGER, `CUSTOMER` STRING, `AMOUNT` DECIMAL(10, 2), `NOTE` STRING, `PAID` BOOLEAN, \
                  `ORDERED` TIMESTAMP, `DELIVERED` DATE, `AT_TIME` TIME, `SEEN` STRING, `TAGS` ARRAY<STRING>, \
                  `WEIGHT` DOUBLE, `BIG` BIGINT, `SMALL` INTEGER, `RAW` BYTES, `J` STRING, `U` STRING>";
    assert_eq!(answer[0]["header"]["schema"], schema);
    let expected = json!({
        "ID": 1, "CUSTOMER": "ann", "AMOUNT": 12.5, "NOTE": "x", "PAID": true, "ORDERED": 1_709_208_000_001_i64,
        "DELIVERED": 19783, "AT_TIME": 86_399_000, "SEEN": "2024-02-29T12:00:00.000000Z", "TAGS": ["a", "b"], "WEIGHT": 0.5,
        "BIG": 9_007_199_254_740_993_i64, "SMALL": 7, "RAW": "AP8=", "J": "{\"a\": 1}",
        "U": "12345678-1234-5678-1234-567812345678",
    });
    assert_eq!(answer[1]["row"]["columns"][0], expected);
}
