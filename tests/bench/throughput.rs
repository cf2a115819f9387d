//! Throughput of queries: the engine in this process, as the server runs it, on the embedded log in a fresh directory.
//!
//! The input is in its topic before the clock starts; the clock stops when the query has committed all of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::config::Config;
use engine::engine::Engine;
use engine::formats::FormatSpec;
use engine::log::{Output, Position, Records, Signal, TopicPartition};
use engine::runtime::group;
use engine::schemas::Schemas;
use engine::statements::Session;
use engine::types::Column;

use crate::cpu::process_cpu;
use crate::data;
use crate::recode::Recoder;
use crate::workloads::{
    COUNT, CUSTOMERS_AND_ORDERS, Counts, FILTER, JOIN, MEASUREMENTS, PAGE_VIEWS, field, is_customer, is_filtered,
    is_joined, kept_page_views,
};

/// Records appended to an input topic at once.
const APPEND: usize = 50_000;
/// What the generators write and the checks read.
const JSON: &str = "JSON";
/// A query that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Records per CPU second of a filter and a projection, JSON to JSON.
pub(crate) fn filter_and_project(format: &str) -> Result<f64, String> {
    const RECORDS: usize = 2_000_000;
    let bench = Bench::new(format)?;
    bench.execute(PAGE_VIEWS)?;
    let mut expected = 0;
    bench.fill("pv", RECORDS, &data::page_view_columns(), |from, len| {
        let records = data::page_views(from, len);
        expected += kept_page_views(&records);
        records
    })?;
    let begin = process_cpu();
    bench.execute(FILTER)?;
    bench.wait("pv", RECORDS)?;
    let spent = process_cpu() - begin;
    let mut found = 0;
    bench.read("o", |_, value| {
        found += 1;
        is_filtered(value)
    })?;
    per_second(RECORDS, spent, found == expected, || format!("{found} rows came, {expected} are expected"))
}

/// Records per CPU second of COUNT and SUM by key in tumbling windows.
pub(crate) fn tumbling_count_and_sum(format: &str) -> Result<f64, String> {
    count_and_sum(format, 2_000_000, "TUMBLING (SIZE 10 SECONDS)")
}

/// Records per CPU second of COUNT and SUM by key in session windows.
pub(crate) fn session_count_and_sum(format: &str) -> Result<f64, String> {
    count_and_sum(format, 1_000_000, "SESSION (5 SECONDS)")
}

/// Records per CPU second of COUNT and SUM in windows, 100 000 keys.
fn count_and_sum(format: &str, records: usize, window: &str) -> Result<f64, String> {
    const KEYS: u64 = 100_000;
    let bench = Bench::new(format)?;
    bench.execute(MEASUREMENTS)?;
    bench.fill("m", records, &data::measurement_columns(), |from, len| data::measurements(from, len, KEYS))?;
    let begin = process_cpu();
    bench.execute(&COUNT.replace("{WINDOW}", window))?;
    bench.wait("m", records)?;
    let spent = process_cpu() - begin;
    let mut counts = Counts::default();
    bench.read("o", |key, value| counts.see(key, value))?;
    let counted = counts.total();
    per_second(records, spent, counted == records as u64, || format!("{counted} of {records} records were counted"))
}

/// Records per CPU second, of both sides, of a join of two streams within ten seconds; every key comes once on each side.
pub(crate) fn stream_stream_join(format: &str) -> Result<f64, String> {
    const RECORDS: usize = 1_000_000;
    let bench = Bench::new(format)?;
    bench.execute(
        "CREATE STREAM l (id BIGINT KEY, name VARCHAR, city VARCHAR)
            WITH (kafka_topic='l', key_format='KAFKA', value_format='{FORMAT}', partitions=1);
        CREATE STREAM r (id BIGINT KEY, name VARCHAR, city VARCHAR)
            WITH (kafka_topic='r', key_format='KAFKA', value_format='{FORMAT}', partitions=1);",
    )?;
    for topic in ["l", "r"] {
        bench.fill(topic, RECORDS / 2, &data::customer_columns(), |from, len| {
            data::spread(data::customers(from, len), from)
        })?;
    }
    let begin = process_cpu();
    bench.execute(
        "CREATE STREAM o WITH (kafka_topic='o') AS SELECT l.id AS id, l.name AS name, r.city AS city
            FROM l INNER JOIN r WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON l.id = r.id;",
    )?;
    bench.wait("l", RECORDS / 2)?;
    bench.wait("r", RECORDS / 2)?;
    let spent = process_cpu() - begin;
    let mut found = 0;
    bench.read("o", |key, value| {
        found += 1;
        is_customer(key, value)
    })?;
    per_second(RECORDS, spent, found == RECORDS / 2, || format!("{found} rows came, {} are expected", RECORDS / 2))
}

/// Records per CPU second of a join of a table of orders with a table of customers, by the orders' foreign key.
pub(crate) fn foreign_key_join(format: &str) -> Result<f64, String> {
    const RECORDS: usize = 500_000;
    const CUSTOMERS: usize = 50_000;
    let bench = Bench::new(format)?;
    bench.execute(
        "CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR, city VARCHAR)
            WITH (kafka_topic='customers', key_format='KAFKA', value_format='{FORMAT}', partitions=1);
        CREATE TABLE orders (id BIGINT PRIMARY KEY, customer BIGINT)
            WITH (kafka_topic='orders', key_format='KAFKA', value_format='{FORMAT}', partitions=1);",
    )?;
    bench.fill("customers", CUSTOMERS, &data::customer_columns(), data::customers)?;
    bench.fill("orders", RECORDS, &data::order_row_columns(), |from, len| {
        data::order_rows(from, len, CUSTOMERS as u64)
    })?;
    let begin = process_cpu();
    bench.execute(
        "CREATE TABLE o WITH (kafka_topic='o') AS SELECT orders.id AS id, customer, name
            FROM orders JOIN customers ON orders.customer = customers.id;",
    )?;
    bench.wait("orders", RECORDS)?;
    let spent = process_cpu() - begin;
    let mut found = 0;
    bench.read("o", |_, value| {
        found += 1;
        let value = value.ok_or("a row is gone")?;
        let name = format!(r#","NAME":"Customer {:07}"}}"#, field(value, "CUSTOMER")?);
        let is_right = value.ends_with(name.as_bytes());
        if is_right { Ok(()) } else { Err(format!("unexpected output {}", String::from_utf8_lossy(value))) }
    })?;
    per_second(RECORDS, spent, found == RECORDS, || format!("{found} rows came, {RECORDS} are expected"))
}

/// Records per CPU second of a LEFT JOIN of a stream with a table of a million rows.
pub(crate) fn stream_table_join(format: &str) -> Result<f64, String> {
    const RECORDS: usize = 2_000_000;
    const ROWS: usize = 1_000_000;
    let bench = Bench::new(format)?;
    bench.execute(CUSTOMERS_AND_ORDERS)?;
    bench.fill("customers", ROWS, &data::customer_columns(), data::customers)?;
    bench.execute(JOIN)?;
    bench.wait("customers", ROWS)?;
    bench.execute(&format!("PAUSE {};", bench.query()?))?;
    bench.fill("orders", RECORDS, &data::order_columns(), |from, len| data::orders(from, len, ROWS as u64))?;
    let begin = process_cpu();
    bench.execute(&format!("RESUME {};", bench.query()?))?;
    bench.wait("orders", RECORDS)?;
    let spent = process_cpu() - begin;
    let mut found = 0;
    bench.read("o", |key, value| {
        found += 1;
        is_joined(key, value)
    })?;
    per_second(RECORDS, spent, found == RECORDS, || format!("{found} rows came, {RECORDS} are expected"))
}

fn per_second(records: usize, spent: Duration, is_right: bool, wrong: impl FnOnce() -> String) -> Result<f64, String> {
    if is_right { Ok(records as f64 / spent.as_secs_f64()) } else { Err(wrong()) }
}

/// An engine with the server's default settings.
pub(crate) struct Bench {
    engine: Engine,
    /// Of the values of all topics.
    format: String,
    _data: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let dir = data.path().display().to_string();
        let config = Config::new([("data.dir", dir)]).map_err(|error| error.to_string())?;
        let engine = Engine::open(config).map_err(|error| error.to_string())?;
        Ok(Self { engine, format: format.to_owned(), _data: data })
    }

    /// Its registry.
    pub(crate) fn schemas(&self) -> &Arc<dyn Schemas> {
        self.engine.schemas()
    }

    /// Records whose values are JSON with those values in the format.
    pub(crate) fn in_format(&self, records: Records, columns: &[Column]) -> Result<Records, String> {
        if self.format == JSON {
            return Ok(records);
        }
        let (json, format) = (FormatSpec::plain(JSON, true), FormatSpec::plain(&self.format, true));
        let values = Recoder::new(&json, &format, columns, self.schemas())?.recode(&records.values)?;
        Ok(Records { values, ..records })
    }

    /// Executes statements; `{FORMAT}` is the format.
    fn execute(&self, text: &str) -> Result<(), String> {
        let text = text.replace("{FORMAT}", &self.format).replace("{PARTITIONS}", "1");
        let session = Session::new([("auto.offset.reset", "earliest".to_owned())], []);
        self.engine.execute(&text, session, None).map(drop).map_err(|failure| failure.message)
    }

    /// Id of the only query.
    fn query(&self) -> Result<String, String> {
        self.engine.catalog().queries().next().map(|query| query.id.to_string()).ok_or_else(|| "no query".to_owned())
    }

    /// Appends `count` records that `make` gives from their numbers on.
    fn fill(
        &self,
        topic: &str,
        count: usize,
        columns: &[Column],
        mut make: impl FnMut(u64, usize) -> Records,
    ) -> Result<(), String> {
        for from in (0..count).step_by(APPEND) {
            let records = self.in_format(make(from as u64, APPEND.min(count - from)), columns)?;
            let output = Output { to: first_partition(topic), records };
            self.engine.log().append(vec![output]).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Waits until the query has committed that many records of a topic.
    fn wait(&self, topic: &str, count: usize) -> Result<(), String> {
        let group = group(self.engine.config().service_id(), &self.query()?);
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let positions = self.engine.log().positions(&group).map_err(|error| error.to_string())?;
            if positions.iter().any(|position| &*position.of.topic == topic && position.offset == count as i64) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("the query did not read all of {topic}"))
    }

    /// Hands every record of a topic that a query writes, key and value as JSON, to `each`.
    fn read(
        &self,
        topic: &str,
        mut each: impl FnMut(Option<&[u8]>, Option<&[u8]>) -> Result<(), String>,
    ) -> Result<(), String> {
        let from = Position { of: first_partition(topic), offset: 0 };
        let catalog = self.engine.catalog();
        let sink = catalog.sources_of_topic(topic).next().ok_or_else(|| format!("nothing writes {topic}"))?;
        let columns: Vec<Column> = sink.schema.value.clone();
        let json = FormatSpec::plain(JSON, true);
        let mut to_json = Recoder::new(&sink.formats.value, &json, &columns, self.schemas())?;
        let mut reader =
            self.engine.log().reader(vec![from], Arc::<Signal>::default()).map_err(|error| error.to_string())?;
        loop {
            let batches = reader.poll(1 << 20).map_err(|error| error.to_string())?;
            if batches.is_empty() {
                return Ok(());
            }
            for (_, batch) in batches {
                let values = match self.format.as_str() {
                    JSON => batch.records.values,
                    _ => to_json.recode(&batch.records.values)?,
                };
                for (key, value) in batch.records.keys.iter().zip(values.iter()) {
                    each(key, value)?;
                }
            }
        }
    }
}

fn first_partition(topic: &str) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition: 0 }
}
