//! Statements and right results of the workloads that are measured on both logs.

use std::collections::HashMap;

use engine::log::Records;

/// The stream of [`crate::data::page_views`].
pub(crate) const PAGE_VIEWS: &str = "CREATE STREAM pv (userid_key VARCHAR KEY, viewtime BIGINT, userid VARCHAR,
    pageid VARCHAR, region VARCHAR, gender VARCHAR, amount DOUBLE, count INT, referrer VARCHAR)
    WITH (kafka_topic='pv', key_format='KAFKA', value_format='{FORMAT}', partitions={PARTITIONS});";
/// W1.
pub(crate) const FILTER: &str = "CREATE STREAM o WITH (kafka_topic='o') AS
    SELECT userid_key, viewtime, UCASE(region) AS region, amount * 2 AS amount FROM pv WHERE count >= 10;";
/// The stream of [`crate::data::measurements`].
pub(crate) const MEASUREMENTS: &str = "CREATE STREAM m (k BIGINT KEY, v BIGINT)
    WITH (kafka_topic='m', key_format='KAFKA', value_format='{FORMAT}', partitions={PARTITIONS});";
/// W2, W3.
pub(crate) const COUNT: &str = "CREATE TABLE o WITH (kafka_topic='o') AS
    SELECT k, COUNT(*) AS c, SUM(v) AS s FROM m WINDOW {WINDOW} GROUP BY k;";
/// The table of [`crate::data::customers`] and the stream of [`crate::data::orders`].
pub(crate) const CUSTOMERS_AND_ORDERS: &str =
    "CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR, city VARCHAR)
    WITH (kafka_topic='customers', key_format='KAFKA', value_format='{FORMAT}', partitions={PARTITIONS});
    CREATE STREAM orders (id BIGINT KEY, item VARCHAR, price INT)
    WITH (kafka_topic='orders', key_format='KAFKA', value_format='{FORMAT}', partitions={PARTITIONS});";
/// W5.
pub(crate) const JOIN: &str = "CREATE STREAM o WITH (kafka_topic='o') AS SELECT orders.id AS id, item, price, name
    FROM orders LEFT JOIN customers ON orders.id = customers.id;";

/// How many page views [`FILTER`] keeps.
pub(crate) fn kept_page_views(records: &Records) -> usize {
    records.values.iter().flatten().filter(|value| count(value) >= 10).count()
}

/// The field COUNT of a page view.
fn count(value: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(value);
    let (_, rest) = text.split_once(r#""COUNT":"#).unwrap_or_default();
    rest.split(',').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Checks a row of [`FILTER`].
pub(crate) fn is_filtered(value: Option<&[u8]>) -> Result<(), String> {
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    let is_right = value.starts_with(r#"{"VIEWTIME":17"#) && value.contains(r#","REGION":"REGION_"#);
    if is_right { Ok(()) } else { Err(format!("unexpected output {value}")) }
}

/// What the rows of [`COUNT`] come to.
#[derive(Default)]
pub(crate) struct Counts(HashMap<Vec<u8>, u64>);

impl Counts {
    /// Takes a row; sessions that grow leave tombstones.
    pub(crate) fn see(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), String> {
        let key = key.unwrap_or_default();
        match value {
            Some(value) => self.0.insert(key.to_vec(), field(value, "C")?),
            None => self.0.remove(key),
        };
        Ok(())
    }

    /// How many records were counted.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Checks a row of [`JOIN`].
pub(crate) fn is_joined(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), String> {
    let id = customer(key)?;
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    let is_right = value.ends_with(&format!(r#","NAME":"Customer {id:07}"}}"#));
    if is_right { Ok(()) } else { Err(format!("unexpected output {value} for {id}")) }
}

/// Checks a row of [`crate::data::customers`]: its name and its city.
pub(crate) fn is_customer(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), String> {
    let id = customer(key)?;
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    let wanted = format!(r#"{{"NAME":"Customer {id:07}","CITY":"City_{:03}"}}"#, id % 500);
    if value == wanted { Ok(()) } else { Err(format!("unexpected output {value} for {id}")) }
}

fn customer(key: Option<&[u8]>) -> Result<i64, String> {
    let id = key.and_then(|key| Some(i64::from_be_bytes(key.try_into().ok()?)));
    id.ok_or_else(|| "a row without a key".to_owned())
}

/// A number in a JSON object.
pub(crate) fn field(value: &[u8], name: &str) -> Result<u64, String> {
    let value: serde_json::Value = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    value.get(name).and_then(serde_json::Value::as_u64).ok_or_else(|| format!("a row without {name}"))
}
