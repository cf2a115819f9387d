//! Which web pages may use this server. A browser sends requests of any page anywhere, to servers on its own machine too,
//! and names the page's origin. Without a word in the settings only pages that come from this server are let in.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;

use crate::cors::Cors;
use crate::reply;

/// What is known about the server's own names.
#[derive(Debug)]
pub(crate) struct Origins {
    /// The advertised name, if only this machine reaches the server. A page whose name was made to point to this machine
    /// (DNS rebinding) asks for a name that is not one of its.
    only_here: Option<String>,
}

impl Origins {
    /// Of a server that listens at these addresses and is known as `host`.
    pub(crate) fn new(addresses: &[SocketAddr], host: &str) -> Self {
        let name = || name(host).to_ascii_lowercase();
        Self { only_here: addresses.iter().all(|address| address.ip().is_loopback()).then(name) }
    }

    /// The answer to requests to names that are not this server's, and to those of foreign pages that could change
    /// something or read the answer. Pages that `cors` lets in are not foreign.
    pub(crate) fn refusal(&self, request: &Request, cors: Option<&Cors>, is_web_socket: bool) -> Option<Response> {
        let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let asked = authority.or_else(|| text(request.headers(), &header::HOST).map(str::to_owned));
        if let Some(asked) = asked.as_deref().filter(|asked| !self.is_own(name(asked))) {
            return Some(reply::json_error(
                42100,
                format!(
                    "This server is not '{asked}': it only serves this machine. Ask for localhost, or set \
                     ksql.advertised.listener to the name it is to be known by."
                ),
            ));
        }
        let harmless = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) && !is_web_socket;
        let origin = request.headers().get(header::ORIGIN).filter(|_| !harmless)?;
        let is_known = |origin: &str| {
            is_same(origin, asked.as_deref().unwrap_or_default()) || cors.is_some_and(|cors| cors.lets_in(origin))
        };
        if origin.to_str().is_ok_and(is_known) {
            return None;
        }
        Some(reply::json_error(
            40300,
            format!(
                "Web pages of {} may not use this server. To let them in, add it to access.control.allow.origin.",
                String::from_utf8_lossy(origin.as_bytes())
            ),
        ))
    }

    /// Whether a host's name is one of this server's, as far as it knows.
    fn is_own(&self, name: &str) -> bool {
        let Some(advertised) = &self.only_here else { return true };
        let name = name.to_ascii_lowercase();
        // 0.0.0.0 reaches this machine as well, and no page can have it as its name.
        let is_here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
        let is_address = || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(is_here);
        name == "localhost" || name.ends_with(".localhost") || name == *advertised || is_address()
    }
}

/// Whether a page of that origin comes from the host that is asked. Who ends TLS in front of this server is not known, so
/// the scheme does not count.
fn is_same(origin: &str, asked: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let bare = |host: &str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    bare(host) == bare(asked)
}

/// `host:port` without the port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use engine::config::Config;

    use super::*;

    fn check(listening: &str, method: Method, headers: &[(&str, &str)], cors: Option<&Cors>) -> Option<StatusCode> {
        let mut request = Request::builder().method(method).uri("/ksql");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let origins = Origins::new(&[listening.parse().unwrap()], "ksql.example:8088");
        origins.refusal(&request.body(Body::empty()).unwrap(), cors, false).map(|refusal| refusal.status())
    }

    #[test]
    fn foreign_pages_may_not_post() {
        let post = |headers: &[(&str, &str)]| check("0.0.0.0:8088", Method::POST, headers, None);
        assert_eq!(post(&[("host", "db:8088")]), None, "no browser, no origin");
        assert_eq!(post(&[("host", "db:8088"), ("origin", "http://db:8088")]), None);
        assert_eq!(post(&[("host", "DB"), ("origin", "https://db:443")]), None);
        for foreign in ["http://evil.example", "http://db:9000", "null", "file://", "http://db:8088.evil.example"] {
            let refused = post(&[("host", "db:8088"), ("origin", foreign)]);
            assert_eq!(refused, Some(StatusCode::FORBIDDEN), "{foreign}");
        }
        let get = check("0.0.0.0:8088", Method::GET, &[("host", "db"), ("origin", "http://evil.example")], None);
        assert_eq!(get, None, "the page cannot read the answer");
        let cors = Cors::new(&Config::new([("access.control.allow.origin", "http://evil.example")]).unwrap());
        let post = [("host", "db"), ("origin", "http://evil.example")];
        assert_eq!(check("0.0.0.0:8088", Method::POST, &post, cors.as_ref()), None, "it was let in");
    }

    #[test]
    fn a_server_for_this_machine_answers_to_its_own_names_only() {
        for own in
            ["localhost:8088", "127.0.0.1", "0.0.0.0:8088", "127.1.2.3:1", "[::1]:8088", "a.localhost", "KSQL.example"]
        {
            assert_eq!(check("127.0.0.1:8088", Method::GET, &[("host", own)], None), None, "{own}");
        }
        for other in ["evil.example:8088", "10.0.0.1", "localhost.evil.example", ""] {
            let refused = check("127.0.0.1:8088", Method::GET, &[("host", other)], None);
            assert_eq!(refused, Some(StatusCode::MISDIRECTED_REQUEST), "{other}");
            assert_eq!(check("0.0.0.0:8088", Method::GET, &[("host", other)], None), None);
        }
        assert_eq!(check("127.0.0.1:8088", Method::GET, &[], None), None, "HTTP/1.0 names nobody");
    }
}
