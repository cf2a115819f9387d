//! Acknowledgements of `/inserts-stream`.

use serde::Serialize;

/// `{"seq":0,"status":"ok"}`
#[derive(Debug, Clone, Serialize)]
pub struct InsertAck {
    /// Number of the row within the request, from 0.
    pub seq: u64,
    /// Always `ok`.
    pub status: &'static str,
}

impl InsertAck {
    /// Row `seq` is durable.
    pub fn ok(seq: u64) -> Self {
        Self { seq, status: "ok" }
    }
}

/// `{"@type":"InsertError","status":"error","seq":3,"message":"..","error_code":40000}`
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "@type", rename = "InsertError")]
pub struct InsertError {
    /// Always `error`.
    pub status: &'static str,
    /// Number of the refused row.
    pub seq: u64,
    /// Why.
    pub message: String,
    /// HTTP status × 100, plus a detail.
    pub error_code: u32,
}

impl InsertError {
    /// Row `seq` was refused.
    pub fn new(seq: u64, error_code: u32, message: String) -> Self {
        Self { status: "error", seq, message, error_code }
    }
}
