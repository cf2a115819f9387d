//! What an evaluation costs beyond the expression itself: the ledger of failures, the column of row numbers, a `RecordBatch`.
//! `cargo test --release -p engine --lib -- --ignored --nocapture cost_of_an_evaluation`

use std::hint::black_box;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::*;
use crate::expr::testing::{REGISTRY, bind_text};
use crate::expr::{Scope, ScopeColumn};

const CALLS: u32 = 20_000;

/// Nanoseconds of one call, the shortest of some rounds.
fn nanos(mut call: impl FnMut()) -> f64 {
    let round = |call: &mut dyn FnMut()| {
        let begin = Instant::now();
        (0..CALLS).for_each(|_| call());
        begin.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..5).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement, for release builds"]
fn cost_of_an_evaluation() {
    for len in [1, 64, 1024] {
        let numbers: ArrayRef = Arc::new((0..len as i64).collect::<Int64Array>());
        let texts: ArrayRef = Arc::new((0..len).map(|i| Some(format!("text {i}"))).collect::<StringArray>());
        let column = |name: &str, ty| ScopeColumn { source: None, name: name.to_owned(), ty };
        let columns = [numbers, texts];
        let mut scope = Scope::default();
        scope.columns = vec![column("N", SqlType::Bigint), column("S", SqlType::String)];
        for text in ["N > 500", "N + 1", "UCASE(S)", "CASE WHEN N % 2 = 0 THEN S ELSE 'x' END"] {
            let evaluator = compile(&bind_text(text, &scope).unwrap(), &REGISTRY, &Settings::default()).unwrap();
            let rows = Rows { columns: &columns, len };
            let whole = nanos(|| drop(black_box(evaluator.eval(rows, &mut RowErrors::default()))));
            let batch = evaluator.batch(rows).unwrap();
            let bare = nanos(|| drop(black_box(evaluator.expr.evaluate(&batch).unwrap())));
            let with_batch = nanos(|| drop(black_box(evaluator.batch(rows).unwrap())));
            let numbered = nanos(|| drop(black_box(numbering(len))));
            let ledger = nanos(|| drop(black_box(collect(|| ()).failures)));
            println!(
                "{len:>5} rows  {text:<40} whole {whole:>9.0} ns  bare {bare:>9.0}  batch {with_batch:>5.0} (numbers {numbered:>4.0})  \
                 ledger {ledger:>3.0}  beyond the expression {:>5.1} %",
                (whole - bare) / whole * 100.0
            );
        }
    }
}
