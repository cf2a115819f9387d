//! Statement → steps: names, types, keys and formats checked, every error with ksqlDB's text.

pub mod step;
