//! Walk 3: cards that are used three times in half a minute.

use serde_json::{Value, json};

use super::session::Session;

const MICHAEL: &str = "358579699410099";
const DEREK: &str = "352642227248344";
const COLIN: &str = "373913272311617";
/// Card, transaction, time, amount.
const TRANSACTIONS: [(&str, &str, &str, &str); 9] = [
    (MICHAEL, "f88c5ebb-699c-4a7b-b544-45b30681cc39", "2020-04-22T03:19:58", "50.25"),
    (DEREK, "0cf100ca-993c-427f-9ea5-e892ef350363", "2020-04-22T12:50:30", "18.97"),
    (COLIN, "de9831c0-7cf1-4ebf-881d-0415edec0d6b", "2020-04-22T09:45:15", "12.50"),
    (MICHAEL, "044530c0-b15d-4648-8f05-940acc321eb7", "2020-04-22T03:19:54", "103.43"),
    (DEREK, "5d916e65-1af3-4142-9fd3-302dd55c512f", "2020-04-22T12:50:25", "3200.80"),
    (DEREK, "d7d47fdb-75e9-46c0-93f6-d42ff1432eea", "2020-04-22T12:51:55", "154.32"),
    (MICHAEL, "c5719d20-8d4a-47d4-8cd3-52ed784c89dc", "2020-04-22T03:19:32", "78.73"),
    (COLIN, "2360d53e-3fad-4e9a-b306-b166b7ca4f64", "2020-04-22T09:45:35", "234.65"),
    (COLIN, "de9831c0-7cf1-4ebf-881d-0415edec0d6b", "2020-04-22T09:44:03", "150.00"),
];
const POSSIBLE_ANOMALIES: &str = "
    SELECT card_number AS `card_number_key`, as_value(card_number) AS `card_number`,
           latest_by_offset(email_address) AS `email_address`, count(*) AS `n_attempts`,
           sum(amount) AS `total_amount`, collect_list(tx_id) AS `tx_ids`,
           WINDOWSTART as `start_boundary`, WINDOWEND as `end_boundary`
    FROM transactions
    WINDOW TUMBLING (SIZE 30 SECONDS, RETENTION 1000 DAYS)
    GROUP BY card_number HAVING count(*) >= 3 EMIT CHANGES;";
const COLUMNS: [&str; 10] = [
    "card_number_key",
    "WINDOWSTART",
    "WINDOWEND",
    "card_number",
    "email_address",
    "n_attempts",
    "total_amount",
    "tx_ids",
    "start_boundary",
    "end_boundary",
];
const TYPES: [&str; 10] =
    ["STRING", "BIGINT", "BIGINT", "STRING", "STRING", "BIGINT", "DECIMAL(12, 2)", "ARRAY<STRING>", "BIGINT", "BIGINT"];

fn insert(session: &Session, (card, id, time, amount): (&str, &str, &str, &str)) {
    let email = match card {
        MICHAEL => "michael",
        DEREK => "derek",
        _ => "colin",
    };
    session
        .ksql(&format!(
            "INSERT INTO transactions (email_address, card_number, tx_id, timestamp, amount)
             VALUES ('{email}@example.com', '{card}', '{id}', '{time}', {amount});"
        ))
        .says_nothing();
}

/// Splits the ids of the transactions, sorted, from a row: which partition is read first decides their order.
fn without_ids(row: &str) -> (String, Vec<String>) {
    let (head, rest) = row.split_once('[').and_then(|(_, row)| row.split_once('[')).unwrap();
    let (ids, tail) = rest.split_once(']').unwrap();
    let mut ids: Vec<String> = ids.split(',').map(|id| id.trim_matches('"').to_owned()).collect();
    ids.sort();
    (format!("[{head}{tail}"), ids)
}

#[test]
fn walk_3_card_anomalies_in_json() {
    walk_3("json", "");
}

#[test]
fn walk_3_card_anomalies_in_avro() {
    let session = walk_3("avro", ", VALUE_AVRO_SCHEMA_FULL_NAME = 'io.ksqldb.tutorial.PossibleAnomaly'");
    // 3.9: what the microservice reads
    let schema = session.registered("possible_anomalies");
    assert_eq!((&schema["namespace"], &schema["name"]), (&json!("io.ksqldb.tutorial"), &json!("PossibleAnomaly")));
    let fields = schema["fields"].as_array().unwrap();
    let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, COLUMNS[3..]);
    assert!(fields.iter().all(|field| field["type"][0] == "null" && field["default"].is_null()), "{schema}");
    let total = &fields[3]["type"][1];
    let decimal = [&total["type"], &total["logicalType"], &total["precision"], &total["scale"]];
    assert_eq!(decimal, [&json!("bytes"), &json!("decimal"), &json!(12), &json!(2)]);
}

/// Steps 3.2 to 3.8 in a format; `properties` are more of the table's.
fn walk_3(format: &str, properties: &str) -> Session {
    let session = Session::from_earliest();
    // 3.2
    let transactions = format!(
        "CREATE STREAM transactions (
            tx_id VARCHAR KEY, email_address VARCHAR, card_number VARCHAR, timestamp VARCHAR, amount DECIMAL(12, 2)
        ) WITH (kafka_topic = 'transactions', partitions = 8, value_format = '{format}',
                timestamp = 'timestamp', timestamp_format = 'yyyy-MM-dd''T''HH:mm:ss');"
    );
    session.ksql(&transactions).done("Stream created");
    let topics = session.ksql("LIST TOPICS;").entity("kafka_topics")["topics"].clone();
    let topic = topics.as_array().unwrap().iter().find(|topic| topic["name"] == "transactions").unwrap();
    assert_eq!(topic["replicaInfo"].as_array().map(Vec::len), Some(8));
    // 3.3, 3.4
    TRANSACTIONS.into_iter().for_each(|transaction| insert(&session, transaction));
    let with = format!("kafka_topic = 'possible_anomalies'{properties}");
    session
        .ksql(&format!("CREATE TABLE possible_anomalies WITH ({with}) AS {POSSIBLE_ANOMALIES}"))
        .started("CTAS_POSSIBLE_ANOMALIES");
    // 3.5
    let answer = session.query("SELECT * FROM possible_anomalies EMIT CHANGES LIMIT 1;");
    let rows = answer.rows(&COLUMNS, &TYPES);
    let [row] = rows[..] else { panic!("{}", answer.body) };
    let (row, ids) = without_ids(row);
    assert_eq!(
        row,
        r#"["358579699410099",1587525570000,1587525600000,"358579699410099","michael@example.com",3,232.41,,1587525570000,1587525600000]"#
    );
    let mut michaels: Vec<&str> = [0, 3, 6].map(|i: usize| TRANSACTIONS[i].1).to_vec();
    michaels.sort_unstable();
    assert_eq!(ids, michaels);
    // 3.6
    let printed = session.query("PRINT 'possible_anomalies' FROM BEGINNING LIMIT 1;");
    let [line] = printed.lines()[..] else { panic!("{}", printed.body) };
    assert!(line.starts_with("rowtime: 2020/04/22 03:19:58.000 Z, key: "), "{line}");
    let value = line.split_once("value: ").and_then(|(_, rest)| rest.rsplit_once(", partition: ")).unwrap().0;
    let value: Value = serde_json::from_str(value).unwrap();
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), COLUMNS[3..].iter().collect::<Vec<_>>());
    // 3.7
    let pull =
        "SELECT `n_attempts`, `total_amount` FROM possible_anomalies WHERE `card_number_key` = '358579699410099'";
    session.settles_on(&format!("{pull};"), &["[3,232.41]"]);
    session.settles_on(&format!("{pull} AND WINDOWSTART = 1587525570000;"), &["[3,232.41]"]);
    assert_eq!(session.query(&format!("{pull} AND WINDOWSTART = 1587525600000;")).lines().len(), 1);
    // 3.8: no other row comes in between, and the window is refined.
    let mut watch =
        session.watch("SELECT `card_number`, `n_attempts`, `total_amount` FROM possible_anomalies EMIT CHANGES;");
    assert_eq!(watch.next().as_deref(), Some(r#"["358579699410099",3,232.41]"#));
    insert(&session, (MICHAEL, "a-fourth-transaction", "2020-04-22T03:19:40", "10.00"));
    assert_eq!(watch.next().as_deref(), Some(r#"["358579699410099",4,242.41]"#));
    drop(watch);
    session
}
