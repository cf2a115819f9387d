//! As much of RFC 6455 as `/ws/query` needs: the handshake, text and close frames to the client, and attention to what
//! the client sends only as far as it ends the connection.

mod frames;
mod sha1;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) use frames::Socket;

use crate::reply;

/// What the key of a handshake is extended with before it is hashed.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer that switches protocols, if the request has a key.
pub(crate) fn accept(headers: &HeaderMap) -> Option<Response> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    let accept = HeaderValue::from_str(&accept_key(key)).ok()?;
    let mut response = reply::with(StatusCode::SWITCHING_PROTOCOLS, None, "");
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Some(response)
}

fn accept_key(key: &str) -> String {
    STANDARD.encode(sha1::sha1(format!("{key}{GUID}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::accept_key;

    #[test]
    fn answers_the_key_of_the_rfc() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
