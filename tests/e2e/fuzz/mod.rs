//! What comes from outside, at random: mutated statements, requests and records. None of it may make the server panic, hang,
//! end or answer with an error of its own; afterwards it works as before, stops on SIGTERM and starts again with all it had.
//!
//! ```text
//! profile (seed, factor) → a batch for each seed → victim (a server process) ← wire (bytes, whole or in pieces)
//! sql:     corpus, grammar → mutate (on tree) → statements
//! http:    requests (HTTP/1.1), frames (HTTP/2, WebSocket)
//! records: good ones among bad ones, through every operator
//! ```
//!
//! `MILLSTREAM_FUZZ_FACTOR=10` does ten times as much; `MILLSTREAM_FUZZ_SEED=…` does again what a failure has printed.

mod http;
mod odd;
mod profile;
mod records;
mod sql;
mod victim;
mod wire;
