//! A line for each request, for whoever asks for it (`millstream.http.log.requests`, or with queries): who asked for what and got which status,
//! as error, warning or information. ksqlDB's settings say what is left out.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use engine::clock::{Clock, System};
use engine::config::{Config, setting};
use engine::counters::Rate;
use regex::Regex;

/// Which requests are told of, and how.
#[derive(Debug)]
pub(crate) struct RequestLog {
    /// With what follows the `?`.
    with_queries: bool,
    ignored: Option<Regex>,
    by_path: BTreeMap<String, Rate>,
    by_status: BTreeMap<String, Rate>,
}

/// What a line needs to know of a request.
#[derive(Debug)]
pub(crate) struct RequestLine {
    client: SocketAddr,
    method: Method,
    uri: Uri,
    version: Version,
    agent: String,
}

impl RequestLine {
    pub(crate) fn new(client: SocketAddr, method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        let agent = agent.unwrap_or_else(|| "-".to_owned());
        Self { client, method: method.clone(), uri: uri.clone(), version, agent }
    }
}

impl RequestLog {
    /// As the settings say; `None` if nobody wants one.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, String> {
        let pattern = config.get(setting::ENDPOINT_LOGGING_IGNORED_PATHS_REGEX);
        let compile = |pattern| {
            Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|error| format!("{}: {error}", setting::ENDPOINT_LOGGING_IGNORED_PATHS_REGEX.name()))
        };
        let rates = |setting| rates(config, setting);
        let log = Self {
            with_queries: config.get(setting::ENDPOINT_LOGGING_LOG_QUERIES),
            ignored: Some(pattern).filter(|pattern| !pattern.is_empty()).map(compile).transpose()?,
            by_path: rates(setting::LOGGING_SERVER_RATE_LIMITED_REQUEST_PATHS)?,
            by_status: rates(setting::LOGGING_SERVER_RATE_LIMITED_RESPONSE_CODES)?,
        };
        Ok((config.get(setting::HTTP_LOG_REQUESTS) || log.with_queries).then_some(log))
    }

    /// Tells of a request that has been answered.
    pub(crate) fn tell(&self, asked: &RequestLine, status: StatusCode) {
        if let Some(line) = self.line(asked, status, System.now_ms()) {
            match status.as_u16() {
                500.. => tracing::error!("{line}"),
                400.. => tracing::warn!("{line}"),
                _ => tracing::info!("{line}"),
            }
        }
    }

    fn line(&self, asked: &RequestLine, status: StatusCode, now_ms: i64) -> Option<String> {
        let RequestLine { client, method, uri, version, agent } = asked;
        let path = uri.path();
        let target = uri.path_and_query().filter(|_| self.with_queries).map_or(path, |target| target.as_str());
        if self.ignored.as_ref().is_some_and(|ignored| ignored.is_match(target)) {
            return None;
        }
        let is_over = |rate: Option<&Rate>| rate.is_some_and(|rate| !rate.take(1, now_ms));
        if is_over(self.by_path.get(path)) || is_over(self.by_status.get(status.as_str())) {
            return None;
        }
        Some(format!("{} - - \"{method} {target} {version:?}\" {} {agent:?}", client.ip(), status.as_u16()))
    }
}

/// `/query:10,/ksql:0.5`: so many lines a second.
fn rates(config: &Config, list: setting::TextSetting) -> Result<BTreeMap<String, Rate>, String> {
    let rate = |entry: &str| {
        let (name, rate) = entry.rsplit_once(':')?;
        let rate = rate.trim().parse::<f64>().ok().filter(|rate| *rate > 0.0)?;
        Some((name.trim().to_owned(), Rate::new(rate, System.now_ms())))
    };
    config
        .list(list)
        .map(|entry| rate(entry).ok_or_else(|| format!("{}: '{entry}': NAME:NUMBER is expected", list.name())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(settings: &[(&str, &str)]) -> Result<Option<RequestLog>, String> {
        let on = [("millstream.http.log.requests", "true")];
        RequestLog::of(&Config::new(on.iter().chain(settings).copied()).unwrap())
    }

    fn asked(uri: &'static str) -> RequestLine {
        let (client, headers) = (SocketAddr::from(([10, 0, 0, 1], 7)), HeaderMap::new());
        RequestLine::new(client, &Method::GET, &Uri::from_static(uri), Version::HTTP_11, &headers)
    }

    #[test]
    fn a_line_says_who_asked_for_what() {
        assert!(RequestLog::of(&Config::default()).unwrap().is_none(), "nobody asked for it");
        let (ws, ok, now) = (asked("/ws/query?request=x"), StatusCode::OK, System.now_ms());
        let plain = log(&[]).unwrap().unwrap();
        assert_eq!(plain.line(&ws, ok, now).unwrap(), "10.0.0.1 - - \"GET /ws/query HTTP/1.1\" 200 \"-\"");
        let whole = log(&[("ksql.endpoint.logging.log.queries", "true")]).unwrap().unwrap();
        assert!(whole.line(&ws, ok, now).unwrap().contains("GET /ws/query?request=x HTTP"));
        let less = log(&[("ksql.endpoint.logging.ignored.paths.regex", "/chc/.*|/info")]).unwrap().unwrap();
        assert!(less.line(&asked("/info"), ok, now).is_none() && less.line(&asked("/infos"), ok, now).is_some());
        assert!(log(&[("ksql.endpoint.logging.ignored.paths.regex", "(")]).is_err());
    }

    #[test]
    fn lines_have_a_rate() {
        let settings = [
            ("ksql.logging.server.rate.limited.request.paths", "/query:1"),
            ("ksql.logging.server.rate.limited.response.codes", "401:1"),
        ];
        let (log, later) = (log(&settings).unwrap().unwrap(), System.now_ms() + 60_000);
        let many = |uri, status, at| (0..5).filter(|_| log.line(&asked(uri), status, at).is_some()).count();
        assert_eq!(many("/query", StatusCode::OK, later), 2, "and what was saved");
        assert_eq!(many("/ksql", StatusCode::OK, later), 5);
        assert_eq!(many("/ksql", StatusCode::UNAUTHORIZED, later), 2);
        assert!(super::tests::log(&[("ksql.logging.server.rate.limited.request.paths", "/query")]).is_err());
    }
}
