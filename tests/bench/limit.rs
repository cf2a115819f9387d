//! W0, the limit every other figure is compared with: decode the used columns, encode the output, nothing else.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use engine::formats::{FormatSpec, Half, format};
use engine::types::{Column, SqlType};

use crate::cpu::process_cpu;
use crate::data;

/// Records decoded at once, as a task would.
const BATCH: usize = 4096;

/// Columns of [`data::page_views`].
fn columns() -> Vec<Column> {
    [
        ("VIEWTIME", SqlType::Bigint),
        ("USERID", SqlType::String),
        ("PAGEID", SqlType::String),
        ("REGION", SqlType::String),
        ("GENDER", SqlType::String),
        ("AMOUNT", SqlType::Double),
        ("COUNT", SqlType::Integer),
        ("REFERRER", SqlType::String),
    ]
    .map(|(name, ty)| Column::new(name, ty))
    .to_vec()
}

/// Records per CPU second of decoding four of eight columns and encoding three.
pub(crate) fn decode_and_encode(records: usize) -> Result<f64, String> {
    let spec = FormatSpec::plain("JSON", true);
    let json = format("JSON").ok_or("JSON is missing")?;
    let columns = columns();
    let used = [0, 3, 5, 6];
    let output: Vec<Column> = [0, 3, 5].iter().filter_map(|&i| columns.get(i).cloned()).collect();
    let mut decoder = json.decoder(&spec, &columns, &used, &Half::bare(false)).map_err(|e| e.to_string())?;
    let mut encoder = json.encoder(&spec, &output, &Half::bare(false)).map_err(|e| e.to_string())?;
    let input = data::page_views(0, records);
    let mut encoded = 0;
    let begin = process_cpu();
    for start in (0..records).step_by(BATCH) {
        let batch = input.values.slice(start, BATCH.min(records - start));
        let decoded = decoder.decode(&batch);
        if !decoded.bad.is_empty() {
            return Err(format!("record {} cannot be read", start + decoded.bad[0].0));
        }
        let written: Vec<ArrayRef> = decoded.columns.iter().take(3).map(Arc::clone).collect();
        let bytes = encoder.encode(&written, None).map_err(|e| e.to_string())?;
        encoded += bytes.len();
    }
    let spent = process_cpu() - begin;
    if encoded != records {
        return Err(format!("{encoded} of {records} records were written"));
    }
    Ok(records as f64 / spent.as_secs_f64())
}
