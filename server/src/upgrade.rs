//! Requests that ask to go on in another protocol.

use axum::http::{HeaderMap, header};

/// Whether the client asks to go on in that protocol (`websocket`, `h2c`).
pub(crate) fn is_asked_for(headers: &HeaderMap, protocol: &str) -> bool {
    lists(headers, header::CONNECTION, "upgrade") && lists(headers, header::UPGRADE, protocol)
}

fn lists(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_headers_must_say_so() {
        let asked = |connection: &'static str, upgrade: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONNECTION, header::HeaderValue::from_static(connection));
            headers.insert(header::UPGRADE, header::HeaderValue::from_static(upgrade));
            is_asked_for(&headers, "h2c")
        };
        assert!(asked("Upgrade, HTTP2-Settings", "h2c"));
        assert!(asked("upgrade", "websocket, H2C"));
        assert!(!asked("close", "h2c"));
        assert!(!asked("Upgrade", "websocket"));
        assert!(!is_asked_for(&HeaderMap::new(), "h2c"));
    }
}
