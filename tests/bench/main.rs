//! Measures Millstream: `cargo run --release --bin bench -- [WORKLOAD]…`
//!
//! Data comes from a seeded generator and is complete before the clock starts; output is checked; throughput is records
//! per CPU second of this process. One line per figure: `NAME VALUE UNIT RATIO`, the ratio to W0 of the same run or `-`.

mod cpu;
mod data;
mod limit;

use std::process::ExitCode;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match run(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(_wanted: &[String]) -> Result<(), String> {
    let limit = limit::decode_and_encode(500_000)?;
    println!("W0 {limit:.0} records/cpu-s 1.00");
    Ok(())
}
