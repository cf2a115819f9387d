//! Reading request bodies. The parser's texts are those of ksqlDB's parser (Jackson), which clients' tests know.

mod jackson;

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

/// A body, by the name of its class in ksqlDB, which the parser's messages tell.
pub(crate) trait Request: DeserializeOwned {
    const CLASS: &str;
}

impl Request for wire::KsqlRequest {
    const CLASS: &str = "io.confluent.ksql.rest.entity.KsqlRequest";
}

impl Request for wire::QueryStreamRequest {
    const CLASS: &str = "io.confluent.ksql.rest.entity.QueryStreamArgs";
}

impl Request for wire::InsertsTarget {
    const CLASS: &str = "io.confluent.ksql.rest.entity.InsertsStreamArgs";
}

impl Request for wire::CloseQuery {
    const CLASS: &str = "io.confluent.ksql.rest.entity.CloseQueryArgs";
}

impl Request for wire::ClusterTerminateRequest {
    const CLASS: &str = "io.confluent.ksql.rest.entity.ClusterTerminateRequest";
}

/// What servers tell each other; nobody looks into it.
impl Request for Value {
    const CLASS: &str = "java.lang.Object";
}

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
pub(crate) async fn read_json<T: Request>(server: &Server, body: Body) -> Result<T, Response> {
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
pub(crate) fn parse<T: Request>(bytes: &[u8]) -> Result<T, String> {
    let mut documents = Deserializer::from_slice(bytes).into_iter::<Value>();
    let value = match documents.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) => return Err(jackson::not_json(bytes, &error)),
        None => return Err("No content to map due to end-of-input".to_owned()),
    };
    // Without names, an array's elements would count as fields.
    let result = if value.is_array() { Err(serde::de::Error::custom("an array")) } else { T::deserialize(&value) };
    result.map_err(|error| jackson::not_a_request(bytes, &value, T::CLASS, &error))
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
        let missing = parse::<QueryStreamRequest>(b"{\n\"a\":1}").unwrap_err();
        assert!(missing.starts_with("Missing required creator property 'sql' (index 0)\n at [Source: "), "{missing}");
        assert!(missing.contains("; line: 2, column: 6] (through reference chain: io."), "{missing}");
        let says = |body: &str, start: &str, end: &str| {
            let text = parse::<KsqlRequest>(body.as_bytes()).unwrap_err();
            assert!(text.starts_with(start) && text.contains(end), "{body}: {text}");
        };
        says(
            " [1]",
            "Cannot deserialize value of type `io.confluent.ksql.rest.entity.KsqlRequest` from Array",
            "column: 2]",
        );
        says("12", "Cannot construct instance of `io.confluent.ksql.rest.entity.KsqlRequest` (", "Number value (12)");
        says("{\"ksql\":{}}", "Cannot deserialize value of type `java.lang.String`", "column: 9] (through");
        says(
            "{\"commandSequenceNumber\":\"x\"}",
            "Cannot deserialize value of type `java.lang.Long` from String \"x\"",
            "",
        );
        let map = "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.Object>` from ";
        let says_map = |value: &str, what: &str| {
            says(&format!("{{\"sessionVariables\":{value}}}"), &format!("{map}{what}\n at ["), "column: 21] (through");
        };
        says_map("5", "Integer value (token `JsonToken.VALUE_NUMBER_INT`)");
        says_map("0.5", "Floating-point value (token `JsonToken.VALUE_NUMBER_FLOAT`)");
        says_map("true", "Boolean value (token `JsonToken.VALUE_TRUE`)");
        says_map("[]", "Array value (token `JsonToken.START_ARRAY`)");
        says(
            "{\"streamsProperties\":\"a\"}",
            "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): no \
             String-argument constructor/factory method to deserialize from String value ('a')\n",
            "[\"streamsProperties\"])",
        );
        says(
            "{\"commandSequenceNumber\":false}",
            "Cannot deserialize value of type `java.lang.Long` from Boolean value (token `JsonToken.VALUE_FALSE`)\n",
            "column: 26]",
        );
        says("{ksql:1}", "Unexpected character ('k' (code 107)): was expecting double-quote", "column: 2]");
        says("{\"ksql\": }", "Unexpected character ('}' (code 125)): expected a valid value", "column: 10]");
        says("{\"ksql\":\"a", "Unexpected end-of-input: was expecting closing quote", "");
    }
}
