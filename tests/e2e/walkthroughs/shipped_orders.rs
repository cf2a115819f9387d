//! Walk 4: streaming ETL. Orders are enriched with their customers and joined with their shipments.

use e2e::eventually;
use serde_json::{Value, json};

use super::session::Session;

const SOURCES: [&str; 3] = [
    "CREATE STREAM customers (id VARCHAR, name VARCHAR, age INT)
       WITH (kafka_topic='customers.public.customers', value_format='json', partitions=1);",
    "CREATE STREAM orders (customer_id VARCHAR, order_id VARCHAR, price DOUBLE, currency VARCHAR, ts VARCHAR)
       WITH (kafka_topic='my-replica-set.logistics.orders', value_format='json', partitions=1,
             timestamp='ts', timestamp_format='yyyy-MM-dd''T''HH:mm:ss');",
    "CREATE STREAM shipments (order_id VARCHAR, shipment_id VARCHAR, origin VARCHAR, ts VARCHAR)
       WITH (kafka_topic='my-replica-set.logistics.shipments', value_format='json', partitions=1,
             timestamp='ts', timestamp_format='yyyy-MM-dd''T''HH:mm:ss');",
];
const CUSTOMERS: [&str; 3] = ["('5', 'fred', 34)", "('7', 'sue', 25)", "('2', 'bill', 51)"];
const ORDERS: [&str; 5] = [
    "('2', '13', 50.50, 'usd', '2020-04-03T11:20:00')",
    "('7', '29', 15.00, 'aud', '2020-04-02T12:36:00')",
    "('5', '17', 25.25, 'eur', '2020-04-02T17:22:00')",
    "('5', '15', 13.75, 'usd', '2020-04-03T02:55:00')",
    "('7', '22', 29.71, 'aud', '2020-04-04T00:12:00')",
];
const SHIPMENTS: [&str; 5] = [
    "('17', '75', 'texas', '2020-04-04T19:20:00')",
    "('22', '71', 'iowa', '2020-04-04T12:25:00')",
    "('29', '89', 'california', '2020-04-05T13:21:00')",
    "('13', '92', 'maine', '2020-04-04T06:13:00')",
    "('15', '95', 'florida', '2020-04-04T01:13:00')",
];
const SHIPPED: [&str; 5] = [
    r#"["13","92","2","bill",51,"maine",50.5,"usd"]"#,
    r#"["15","95","5","fred",34,"florida",13.75,"usd"]"#,
    r#"["17","75","5","fred",34,"texas",25.25,"eur"]"#,
    r#"["22","71","7","sue",25,"iowa",29.71,"aud"]"#,
    r#"["29","89","7","sue",25,"california",15.0,"aud"]"#,
];

fn insert(session: &Session, source: &str, rows: &[&str]) {
    rows.iter().for_each(|row| session.ksql(&format!("INSERT INTO {source} VALUES {row};")).says_nothing());
}

/// Step 4.2' without orders and shipments.
fn with_customers() -> Session {
    let session = Session::from_earliest();
    SOURCES.iter().for_each(|source| drop(session.ksql(source).done("Stream created")));
    insert(&session, "customers", &CUSTOMERS);
    session
}

/// Step 4.2 with what stands for its connectors: they make the topics and register the schemas the columns come from.
fn with_customers_in_avro() -> Session {
    let session = Session::from_earliest();
    for source in SOURCES {
        let connector = source.replace("'json'", "'avro'").replace("CREATE STREAM ", "CREATE STREAM connector_of_");
        session.ksql(&connector).done("Stream created");
        let (head, rest) = source.split_once('(').unwrap();
        let (_, with) = rest.split_once(')').unwrap();
        let declared = format!("{head}{}", with.replace("'json'", "'avro'").replace(", partitions=1", ""));
        session.ksql(&declared).done("Stream created");
    }
    insert(&session, "customers", &CUSTOMERS);
    session
}

fn insert_orders(session: &Session) {
    insert(session, "orders", &ORDERS);
    insert(session, "shipments", &SHIPMENTS);
}

/// Steps 4.3 to 4.5; the table is complete before the join starts.
fn create_queries(session: &Session) {
    let table = "CREATE TABLE customers_by_key AS
        SELECT id, latest_by_offset(name) AS name, latest_by_offset(age) AS age FROM customers GROUP BY id EMIT CHANGES;";
    session.ksql(table).started("CTAS_CUSTOMERS_BY_KEY");
    session.settles_on("SELECT name FROM customers_by_key;", &[r#"["bill"]"#, r#"["fred"]"#, r#"["sue"]"#]);
    let join = "CREATE STREAM enriched_orders AS
        SELECT o.order_id, o.price, o.currency, c.id AS customer_id, c.name AS customer_name, c.age AS customer_age
        FROM orders AS o LEFT JOIN customers_by_key c ON o.customer_id = c.id EMIT CHANGES;";
    session.ksql(join).started("CSAS_ENRICHED_ORDERS");
    let join = "CREATE STREAM shipped_orders WITH (kafka_topic = 'shipped_orders') AS
        SELECT o.order_id, s.shipment_id, o.customer_id, o.customer_name, o.customer_age, s.origin, o.price, o.currency
        FROM enriched_orders AS o INNER JOIN shipments s WITHIN 7 DAYS ON s.order_id = o.order_id EMIT CHANGES;";
    let created = session.ksql(join);
    created.started("CSAS_SHIPPED_ORDERS");
    let warning = created.entity("currentStatus")["warnings"][0]["message"].as_str().unwrap().to_owned();
    let notice = "DEPRECATION NOTICE: Stream-stream joins statements without a GRACE PERIOD will not be accepted";
    assert!(warning.starts_with(notice), "{warning}");
}

#[test]
fn walk_4_streaming_etl_in_json() {
    walk_4(&with_customers());
}

#[test]
fn walk_4_streaming_etl_in_avro() {
    walk_4(&with_customers_in_avro());
}

/// Whether the queries of SHIPPED_ORDERS stand at the ends of their topics.
fn has_read_all(session: &Session) -> bool {
    let described = session.ksql("DESCRIBE shipped_orders EXTENDED;").entity("sourceDescription");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let groups = list(&described["sourceDescription"]["queryOffsetSummaries"]);
    let topics = groups.iter().flat_map(|group| list(&group["topicSummaries"]));
    let partitions: Vec<Value> = topics.flat_map(|topic| list(&topic["offsets"])).collect();
    !partitions.is_empty() && partitions.iter().all(|at| at["consumerOffset"] == at["logEndOffset"])
}

/// Steps 4.3 to 4.9.
fn walk_4(session: &Session) {
    create_queries(session);
    insert_orders(session);
    // 4.6: both sides have an ORDER_ID, so the key is called after its side.
    let described = session.ksql("DESCRIBE shipped_orders;").entity("sourceDescription");
    let fields = described["sourceDescription"]["fields"].as_array().unwrap();
    let columns: Vec<_> =
        fields.iter().map(|f| (f["name"].as_str().unwrap(), f["schema"]["type"].as_str().unwrap())).collect();
    let expected = [
        ("O_ORDER_ID", "STRING"),
        ("SHIPMENT_ID", "STRING"),
        ("CUSTOMER_ID", "STRING"),
        ("CUSTOMER_NAME", "STRING"),
        ("CUSTOMER_AGE", "INTEGER"),
        ("ORIGIN", "STRING"),
        ("PRICE", "DOUBLE"),
        ("CURRENCY", "STRING"),
    ];
    assert_eq!(columns, expected);
    assert_eq!((&fields[0]["type"], &fields[1]["type"]), (&json!("KEY"), &Value::Null));
    // 4.7
    let answer = session.query("SELECT * FROM shipped_orders EMIT CHANGES LIMIT 5;");
    let mut rows = answer.rows(&expected.map(|(name, _)| name), &expected.map(|(_, ty)| ty));
    rows.sort_unstable();
    assert_eq!(rows, SHIPPED);
    let time = session.query("SELECT ROWTIME FROM shipped_orders WHERE o_order_id = '22' EMIT CHANGES LIMIT 1;");
    assert_eq!(time.lines()[1..], ["[1586003100000]"], "the later of the two times");
    // 4.9
    insert(session, "customers", &["('7', 'susan', 26)"]);
    session.settles_on("SELECT name FROM customers_by_key WHERE id = '7';", &[r#"["susan"]"#]);
    // The join reads the name from its topic, and finds the new one only once it has.
    eventually("the join has read all there is", || has_read_all(session).then_some(()));
    insert(session, "orders", &["('7', '30', 9.99, 'aud', '2020-04-05T00:00:00')"]);
    insert(session, "shipments", &["('30', '99', 'ohio', '2020-04-05T10:00:00')"]);
    let answer = session.query("SELECT * FROM shipped_orders EMIT CHANGES LIMIT 6;");
    let mut rows = answer.lines()[1..].to_vec();
    rows.sort_unstable();
    let mut all = [&SHIPPED[..], &[r#"["30","99","7","susan",26,"ohio",9.99,"aud"]"#]].concat();
    all.sort_unstable();
    assert_eq!(rows, all, "earlier rows are not revised");
}
