//! The case's JSON ⟷ bytes on a topic, by the topic's formats (conformance.md §5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::formats::NullableAs;
use engine::types::{Column, SqlType};
use serde_json::Value as Json;

use crate::case::Window;
use crate::protobuf;
use crate::schemas::Subject;
use crate::value::{self, Value};

/// How one side (key or value) of a topic is written.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    /// Upper-case format name.
    pub(crate) format: String,
    /// Declared columns of that side.
    pub(crate) columns: Vec<Column>,
    /// Where the schemas of its records are, if the format has any.
    pub(crate) subject: Subject,
    /// How messages without a schema tell NULL from a default.
    pub(crate) nullable: Option<NullableAs>,
}

/// What stands in the keys of a topic besides the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowKind {
    Time { size_ms: i64 },
    Session,
}

impl Side {
    /// Serialises as the test driver's producers do.
    pub(crate) fn encode(&self, json: &Json) -> Result<Option<Vec<u8>>, String> {
        if json.is_null() {
            return Ok(None);
        }
        let bytes = match self.format.as_str() {
            "JSON" => serde_json::to_vec(json).map_err(|e| e.to_string())?,
            "DELIMITED" => text(json).into_bytes(),
            "KAFKA" => self.encode_kafka(json)?,
            "NONE" => return Ok(None),
            "AVRO" | "PROTOBUF" | "JSON_SR" => self.subject.encode(json)?,
            "PROTOBUF_NOSR" => self.messages()?.encode(json)?,
            other => return Err(format!("format {other} is not known")),
        };
        Ok(Some(bytes))
    }

    fn encode_kafka(&self, json: &Json) -> Result<Vec<u8>, String> {
        let bad = |what: &str| format!("{json} is no {what}");
        let number = || text(json);
        Ok(match self.columns.first().map(|column| &column.ty) {
            Some(SqlType::Integer) => number().parse::<i32>().map_err(|_| bad("INTEGER"))?.to_be_bytes().to_vec(),
            Some(SqlType::Bigint) => number().parse::<i64>().map_err(|_| bad("BIGINT"))?.to_be_bytes().to_vec(),
            Some(SqlType::Double) => number().parse::<f64>().map_err(|_| bad("DOUBLE"))?.to_be_bytes().to_vec(),
            // BYTES too: cases hold the text whose bytes they are.
            _ => number().into_bytes(),
        })
    }

    /// Deserialises as the test driver's consumers do.
    pub(crate) fn decode(&self, bytes: Option<&[u8]>, exact: bool) -> Result<Value, String> {
        let Some(bytes) = bytes else { return Ok(Value::Null) };
        let utf8 = || String::from_utf8(bytes.to_vec()).map_err(|_| format!("{bytes:?} is no text"));
        match self.format.as_str() {
            "JSON" => {
                let json = serde_json::from_slice(bytes).map_err(|e| format!("{}: {e}", utf8().unwrap_or_default()))?;
                Ok(value::from_json(&json, exact))
            }
            "DELIMITED" => Ok(Value::Text(utf8()?)),
            "NONE" => Err("a record has a key although the key format is NONE".to_owned()),
            "KAFKA" => match self.columns.first().map(|column| &column.ty) {
                Some(SqlType::Integer) => Ok(Value::Int(i64::from(i32::from_be_bytes(sized(bytes)?)))),
                Some(SqlType::Bigint) => Ok(Value::Int(i64::from_be_bytes(sized(bytes)?))),
                Some(SqlType::Double) => Ok(Value::Double(f64::from_be_bytes(sized(bytes)?))),
                Some(SqlType::Bytes) => Ok(utf8().map_or_else(|_| Value::Bytes(bytes.to_vec()), Value::Text)),
                _ => Ok(Value::Text(utf8()?)),
            },
            "AVRO" | "PROTOBUF" | "JSON_SR" => self.subject.decode(bytes, exact),
            "PROTOBUF_NOSR" => self.messages()?.decode(bytes, &[]),
            other => Err(format!("format {other} is not known")),
        }
    }

    /// The messages of the declared columns.
    fn messages(&self) -> Result<protobuf::Reader, String> {
        let text = engine::formats::protobuf::schema_text(&self.columns).map_err(|e| e.to_string())?;
        protobuf::Reader::new(&protobuf::nullable(&text, self.nullable), &[])
    }
}

/// Appends the window to a serialised key.
pub(crate) fn encode_window(mut key: Vec<u8>, window: &Window) -> Vec<u8> {
    if window.kind == "SESSION" {
        key.extend(window.end.to_be_bytes());
    }
    key.extend(window.start.to_be_bytes());
    key
}

/// Splits a serialised key into key and window.
pub(crate) fn decode_window(bytes: &[u8], kind: WindowKind) -> Result<(&[u8], Window), String> {
    let tail = match kind {
        WindowKind::Time { .. } => 8,
        WindowKind::Session => 16,
    };
    let split = bytes.len().checked_sub(tail).ok_or("a windowed key is too short")?;
    let (key, window) = bytes.split_at(split);
    let start = i64::from_be_bytes(sized(&window[tail - 8..])?);
    Ok((
        key,
        match kind {
            WindowKind::Time { size_ms } => {
                Window { start, end: start.saturating_add(size_ms), kind: "TIME".to_owned() }
            }
            WindowKind::Session => {
                Window { start, end: i64::from_be_bytes(sized(&window[..8])?), kind: "SESSION".to_owned() }
            }
        },
    ))
}

/// A header's value as cases write it.
pub(crate) fn header_text(value: Option<&[u8]>) -> Option<String> {
    value.map(|bytes| STANDARD.encode(bytes))
}

/// A header's value from base64.
pub(crate) fn header_bytes(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|e| format!("header {text}: {e}"))
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("{N} bytes expected, {} found", bytes.len()))
}

fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
