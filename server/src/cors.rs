//! Requests of web pages from other origins (CORS): `access.control.allow.*` says which are let in.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use engine::config::{Config, setting};

use crate::reply;

/// Who is let in, and with what.
#[derive(Debug)]
pub(crate) struct Cors {
    /// Origins; `*` stands for any text.
    origins: Vec<String>,
    methods: HeaderValue,
    headers: HeaderValue,
}

/// What to do with a request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It comes from no page of another origin.
    Usual,
    /// The answer is to name this origin.
    Let(HeaderValue),
    /// The browser only asked what it may do, or the origin is not let in: this is the answer.
    Answered(Response),
}

impl Cors {
    /// From the server's settings; `None` if no other origin is named.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let origins: Vec<String> = config.list(setting::ACCESS_CONTROL_ALLOW_ORIGIN).map(str::to_owned).collect();
        let listed = |setting, usual: &'static str| {
            let listed = config.list(setting).collect::<Vec<_>>().join(",");
            HeaderValue::from_str(&listed)
                .ok()
                .filter(|_| !listed.is_empty())
                .unwrap_or(HeaderValue::from_static(usual))
        };
        (!origins.is_empty()).then(|| Self {
            origins,
            methods: listed(setting::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,HEAD"),
            headers: listed(setting::ACCESS_CONTROL_ALLOW_HEADERS, "X-Requested-With,Content-Type,Accept,Origin"),
        })
    }

    /// Whether pages of that origin are let in.
    pub(crate) fn lets_in(&self, origin: &str) -> bool {
        self.origins.iter().any(|pattern| matches(pattern, origin))
    }

    /// Looks at a request before it is routed.
    pub(crate) fn check(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        let Some(origin) = headers.get(header::ORIGIN) else { return Verdict::Usual };
        if !origin.to_str().is_ok_and(|origin| self.lets_in(origin)) {
            return Verdict::Answered(reply::with(StatusCode::FORBIDDEN, None, "CORS Rejected - Invalid origin"));
        }
        if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return Verdict::Let(origin.clone());
        }
        let mut answer = reply::with(StatusCode::NO_CONTENT, None, "");
        name_origin(&mut answer, origin.clone());
        let also: [(HeaderName, &HeaderValue); 2] = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, &self.methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers),
        ];
        answer.headers_mut().extend(also.map(|(name, value)| (name, value.clone())));
        Verdict::Answered(answer)
    }
}

/// Tells the browser that pages of that origin may read the answer. Since they may send credentials, `*` would not do.
pub(crate) fn name_origin(answer: &mut Response, origin: HeaderValue) {
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// Whether a pattern whose `*` stand for any text is that text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| matches(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(settings: &[(&str, &str)]) -> Option<Cors> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Cors::new(&Config::new(settings).unwrap())
    }

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn stars_stand_for_any_text() {
        assert!(matches("*", "http://a"));
        assert!(matches("http://*.a.com", "http://x.y.a.com"));
        assert!(!matches("http://*.a.com", "http://a.com"));
        assert!(!matches("http://a", "http://a.evil"));
    }

    #[test]
    fn only_named_origins_are_let_in() {
        assert!(cors(&[]).is_none());
        let cors = cors(&[("access.control.allow.origin", "http://a, http://b")]).unwrap();
        let from = |origin| headers(&[(header::ORIGIN, origin)]);
        assert!(matches!(cors.check(&Method::POST, &HeaderMap::new()), Verdict::Usual));
        assert!(matches!(cors.check(&Method::POST, &from("http://b")), Verdict::Let(origin) if origin == "http://b"));
        let Verdict::Answered(refused) = cors.check(&Method::POST, &from("http://c")) else { panic!("let in") };
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn browsers_learn_what_they_may_do() {
        let settings = [("access.control.allow.origin", "*"), ("access.control.allow.methods", "GET,POST")];
        let asked = headers(&[(header::ORIGIN, "http://a"), (header::ACCESS_CONTROL_REQUEST_METHOD, "POST")]);
        let Verdict::Answered(answer) = cors(&settings).unwrap().check(&Method::OPTIONS, &asked) else { panic!() };
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let told = |name| answer.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(told(header::ACCESS_CONTROL_ALLOW_ORIGIN), "http://a");
        assert_eq!(told(header::ACCESS_CONTROL_ALLOW_METHODS), "GET,POST");
        assert_eq!(told(header::ACCESS_CONTROL_ALLOW_HEADERS), "X-Requested-With,Content-Type,Accept,Origin");
    }
}
