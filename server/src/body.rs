//! Reading request bodies. The parser's texts are Jackson's where clients' tests know them.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};
use tokio::time::timeout;

use crate::app::Server;
use crate::reply;

/// Largest body of a request that is read as a whole.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// What Jackson says about where a text comes from.
const SOURCE: &str = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line";

/// The whole body, or the answer to give instead. It must be here in time.
pub(crate) async fn read(body: Body, patience: Duration) -> Result<Bytes, Response> {
    match timeout(patience, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(reply::bare_error(41300, "Request Entity Too Large")),
        Ok(Err(error)) => Err(reply::bare_error(40000, format!("The body could not be read: {error}"))),
        Err(_) => {
            let limit = patience.as_millis();
            let message = format!("The body did not arrive within {limit} ms (millstream.http.receive.timeout.ms).");
            let mut response = reply::bare_error(40800, message);
            // What arrives later is not to be taken for the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            Err(response)
        }
    }
}

/// The whole body as a request, or the answer to give instead.
pub(crate) async fn read_json<T: DeserializeOwned>(server: &Server, body: Body) -> Result<T, Response> {
    let bytes = read(body, server.limits.receive).await?;
    if bytes.is_empty() {
        let message = "Cannot invoke \"io.vertx.core.buffer.Buffer.getBytes()\" because \"<parameter1>\" is null";
        return Err(reply::bare_error(50000, message));
    }
    match parse(&bytes) {
        Ok(value) => Ok(value),
        Err(message) => Err(reply::bare_error(40000, format!("Invalid JSON in request: {message}"))),
    }
}

/// Reads a JSON document; what follows it is ignored, of a repeated field the last one counts.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut documents = Deserializer::from_slice(bytes).into_iter::<Value>();
    let value = match documents.next() {
        // Without names, an array's elements would count as fields.
        Some(Ok(Value::Array(_))) => return Err("Cannot deserialize an object from an array".to_owned()),
        Some(Ok(value)) => value,
        Some(Err(error)) => return Err(parse_message(bytes, &error)),
        None => return Err("No content to map due to end-of-input".to_owned()),
    };
    serde_json::from_value(value).map_err(|error| field_message(&error))
}

fn parse_message(bytes: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        let marker = if bytes.trim_ascii_start().first() == Some(&b'[') { "Array" } else { "Object" };
        return format!(
            "Unexpected end-of-input: expected close marker for {marker} (start marker at {SOURCE}: 1, column: 1])\n at \
             {SOURCE}: {line}, column: {}]",
            column + 1
        );
    }
    let token: String = String::from_utf8_lossy(bytes)
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        .collect();
    if line == 1 && token.starts_with(|c: char| c.is_alphabetic()) {
        return format!(
            "Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or \
             'false')\n at {SOURCE}: 1, column: 1]"
        );
    }
    error.to_string()
}

fn field_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => format!("Missing required creator property '{field}' (index 0)"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use wire::{KsqlRequest, QueryStreamRequest};

    use super::*;

    #[test]
    fn is_as_lenient_as_ksqldb() {
        let request: KsqlRequest = parse(br#"{"ksql":"a","ksql":5,"streamsProperties":null,"x":1} tail"#).unwrap();
        assert_eq!(request.ksql, "5");
        assert!(parse::<KsqlRequest>(b"{}").unwrap().ksql.is_empty());
    }

    #[test]
    fn says_what_jackson_says() {
        assert!(parse::<KsqlRequest>(b"{").unwrap_err().ends_with("line: 1, column: 2]"));
        assert!(parse::<KsqlRequest>(b"x").unwrap_err().starts_with("Unrecognized token 'x': was expecting"));
        assert!(parse::<QueryStreamRequest>(b"{}").unwrap_err().contains("Missing required creator property 'sql'"));
    }
}
