//! Seeded test data: the same bytes in every run.

use std::io::Write;

use arrow::array::BinaryBuilder;
use engine::log::Records;
use engine::types::{Column, SqlType};

/// SplitMix64: small, fast, good enough for test data (Steele, Lea, Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// First timestamp of all data, milliseconds.
const EPOCH: i64 = 1_700_000_000_000;

/// Builds batches of records.
struct Batch {
    timestamps: Vec<i64>,
    keys: BinaryBuilder,
    values: BinaryBuilder,
    line: Vec<u8>,
}

impl Batch {
    fn new(len: usize) -> Self {
        Self {
            timestamps: Vec::with_capacity(len),
            keys: BinaryBuilder::with_capacity(len, len * 16),
            values: BinaryBuilder::with_capacity(len, len * 240),
            line: Vec::with_capacity(256),
        }
    }

    fn finish(mut self) -> Records {
        Records {
            timestamps: self.timestamps.into(),
            keys: self.keys.finish(),
            values: self.values.finish(),
            headers: None,
        }
    }
}

/// Page views: 8 fields, about 230 bytes of JSON, keyed by user. `COUNT` is uniform in 0..100.
pub(crate) fn page_views(from: u64, len: usize) -> Records {
    let mut random = Random::new(from);
    let mut batch = Batch::new(len);
    for i in 0..len as u64 {
        let time = EPOCH + (from + i) as i64;
        let user = random.below(100_000);
        batch.line.clear();
        // Writing to memory cannot fail.
        let _ = write!(
            batch.line,
            r#"{{"VIEWTIME":{time},"USERID":"User_{user:06}","PAGEID":"Page_{:04}","REGION":"Region_{}","GENDER":"{}","AMOUNT":{}.{:02},"COUNT":{},"REFERRER":"https://www.example.com/catalogue/section/{:012}/index.html"}}"#,
            random.below(10_000),
            random.below(10),
            if random.below(2) == 0 { "FEMALE" } else { "MALE" },
            random.below(1_000),
            random.below(100),
            random.below(100),
            random.below(1_000_000_000_000),
        );
        batch.timestamps.push(time);
        batch.keys.append_value(format!("User_{user:06}"));
        batch.values.append_value(&batch.line);
    }
    batch.finish()
}

/// Columns of the values of [`page_views`].
pub(crate) fn page_view_columns() -> Vec<Column> {
    columns(&[
        ("VIEWTIME", SqlType::Bigint),
        ("USERID", SqlType::String),
        ("PAGEID", SqlType::String),
        ("REGION", SqlType::String),
        ("GENDER", SqlType::String),
        ("AMOUNT", SqlType::Double),
        ("COUNT", SqlType::Integer),
        ("REFERRER", SqlType::String),
    ])
}

/// Columns of the values of [`measurements`].
pub(crate) fn measurement_columns() -> Vec<Column> {
    columns(&[("V", SqlType::Bigint), ("NOTE", SqlType::String)])
}

/// Columns of the values of [`customers`].
pub(crate) fn customer_columns() -> Vec<Column> {
    columns(&[("NAME", SqlType::String), ("CITY", SqlType::String)])
}

/// Columns of the values of [`orders`].
pub(crate) fn order_columns() -> Vec<Column> {
    columns(&[("ITEM", SqlType::String), ("PRICE", SqlType::Integer)])
}

/// Columns of the values of [`order_rows`].
pub(crate) fn order_row_columns() -> Vec<Column> {
    columns(&[("CUSTOMER", SqlType::Bigint)])
}

fn columns(columns: &[(&str, SqlType)]) -> Vec<Column> {
    columns.iter().map(|(name, ty)| Column::new(*name, ty.clone())).collect()
}

/// Measurements of `keys` devices, 10 000 records a second of event time: `{"V": n}` keyed by a BIGINT.
pub(crate) fn measurements(from: u64, len: usize, keys: u64) -> Records {
    let mut random = Random::new(from ^ 0x5EED);
    let mut batch = Batch::new(len);
    for i in 0..len as u64 {
        batch.line.clear();
        let _ = write!(batch.line, r#"{{"V":{},"NOTE":"measured by device"}}"#, random.below(1_000));
        batch.timestamps.push(EPOCH + ((from + i) / 10) as i64);
        batch.keys.append_value((random.below(keys) as i64).to_be_bytes());
        batch.values.append_value(&batch.line);
    }
    batch.finish()
}

/// Rows of a table with BIGINT keys `from..from + len`.
pub(crate) fn customers(from: u64, len: usize) -> Records {
    let mut batch = Batch::new(len);
    for id in from..from + len as u64 {
        batch.line.clear();
        let _ = write!(batch.line, r#"{{"NAME":"Customer {id:07}","CITY":"City_{:03}"}}"#, id % 500);
        batch.timestamps.push(EPOCH - 1_000_000);
        batch.keys.append_value((id as i64).to_be_bytes());
        batch.values.append_value(&batch.line);
    }
    batch.finish()
}

/// Orders of customers `0..customers`, keyed by customer.
pub(crate) fn orders(from: u64, len: usize, customers: u64) -> Records {
    let mut random = Random::new(from ^ 0x0DE5);
    let mut batch = Batch::new(len);
    for i in 0..len as u64 {
        batch.line.clear();
        let _ = write!(batch.line, r#"{{"ITEM":"Item_{:05}","PRICE":{}}}"#, random.below(10_000), random.below(1_000));
        batch.timestamps.push(EPOCH + (from + i) as i64);
        batch.keys.append_value((random.below(customers) as i64).to_be_bytes());
        batch.values.append_value(&batch.line);
    }
    batch.finish()
}

/// The same records, ten in a millisecond from the number of the first one on.
pub(crate) fn spread(records: Records, from: u64) -> Records {
    let times = (from..from + records.len() as u64).map(|i| EPOCH + (i / 10) as i64);
    Records { timestamps: times.collect(), ..records }
}

/// Rows of a table of orders with BIGINT keys `from..from + len`, each of one of the customers `0..customers`.
pub(crate) fn order_rows(from: u64, len: usize, customers: u64) -> Records {
    let mut random = Random::new(from ^ 0xF0E1);
    let mut batch = Batch::new(len);
    for id in from..from + len as u64 {
        batch.line.clear();
        let _ = write!(batch.line, r#"{{"CUSTOMER":{}}}"#, random.below(customers));
        batch.timestamps.push(EPOCH + id as i64);
        batch.keys.append_value((id as i64).to_be_bytes());
        batch.values.append_value(&batch.line);
    }
    batch.finish()
}
