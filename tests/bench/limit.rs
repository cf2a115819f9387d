//! W0, the limit every other figure is compared with: decode the used columns, encode the output, nothing else.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use engine::formats::{FormatSpec, Half, known_format};
use engine::types::Column;

use crate::cpu::process_cpu;
use crate::data;
use crate::throughput::Bench;

/// Records decoded at once, as a task would.
const BATCH: usize = 4096;
/// Records in memory.
const RECORDS: usize = 1_000_000;
/// How often they are gone over: CPU time is told in hundredths of a second.
const ROUNDS: usize = 4;

/// Records per CPU second of decoding four of eight columns and encoding three.
pub(crate) fn decode_and_encode(format: &str) -> Result<f64, String> {
    let bench = Bench::new(format)?;
    let spec = FormatSpec::plain(format, true);
    let format = known_format(format).map_err(|error| error.to_string())?;
    let columns = data::page_view_columns();
    let used = [0, 3, 5, 6];
    let output: Vec<Column> = [0, 3, 5].iter().filter_map(|&i| columns.get(i).cloned()).collect();
    let half = Half { schemas: Arc::clone(bench.schemas()), ..Half::bare(false) };
    let mut decoder = format.decoder(&spec, &columns, &used, &half).map_err(|e| e.to_string())?;
    let mut encoder = format.encoder(&spec, &output, &half).map_err(|e| e.to_string())?;
    let input = bench.in_format(data::page_views(0, RECORDS), &columns)?;
    let mut encoded = 0;
    let begin = process_cpu();
    for start in (0..ROUNDS).flat_map(|_| (0..RECORDS).step_by(BATCH)) {
        let batch = input.values.slice(start, BATCH.min(RECORDS - start));
        decoder.prepare(&batch).map_err(|e| e.to_string())?;
        let decoded = decoder.decode(&batch);
        if !decoded.bad.is_empty() {
            return Err(format!("record {} cannot be read", start + decoded.bad[0].0));
        }
        let written: Vec<ArrayRef> = decoded.columns.iter().take(3).map(Arc::clone).collect();
        let bytes = encoder.encode(&written, None).map_err(|e| e.to_string())?;
        encoded += bytes.len();
    }
    let spent = process_cpu() - begin;
    if encoded != ROUNDS * RECORDS {
        return Err(format!("{encoded} of {} records were written", ROUNDS * RECORDS));
    }
    Ok((ROUNDS * RECORDS) as f64 / spent.as_secs_f64())
}

/// Records per CPU second of decoding four of eight columns.
pub(crate) fn decode(format: &str) -> Result<f64, String> {
    let bench = Bench::new(format)?;
    let spec = FormatSpec::plain(format, true);
    let columns = data::page_view_columns();
    let half = Half { schemas: Arc::clone(bench.schemas()), ..Half::bare(false) };
    let format = known_format(format).map_err(|error| error.to_string())?;
    let mut decoder = format.decoder(&spec, &columns, &[0, 3, 5, 6], &half).map_err(|e| e.to_string())?;
    let input = bench.in_format(data::page_views(0, RECORDS), &columns)?;
    let mut nulls = 0;
    let begin = process_cpu();
    for start in (0..ROUNDS).flat_map(|_| (0..RECORDS).step_by(BATCH)) {
        let batch = input.values.slice(start, BATCH.min(RECORDS - start));
        decoder.prepare(&batch).map_err(|e| e.to_string())?;
        let decoded = decoder.decode(&batch);
        nulls += decoded.bad.len() + decoded.columns.iter().map(|column| column.null_count()).sum::<usize>();
    }
    let spent = process_cpu() - begin;
    if nulls > 0 {
        return Err(format!("{nulls} values are missing"));
    }
    Ok((ROUNDS * RECORDS) as f64 / spent.as_secs_f64())
}
