//! The registry's servers: which one is asked, and what is done when none has an answer.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, AsSendBody, Body, Timeout};

use crate::schemas::SchemaError;

use super::answers::{Answer, SentId};
use super::pauses::{ANSWER, Asking, Pauses};
use super::settings::{ClientSettings, Part};
use super::tls;

/// How long a connection may take, and a question to all servers, or all questions for a schema.
const CONNECT: Duration = Duration::from_secs(2);
pub(super) const ALL: Duration = Duration::from_secs(10);

/// How long a server that could not be reached is left out where another one has answered.
const AWAY: Duration = Duration::from_secs(15);

/// Bytes of an answer.
const MAX_ANSWER: u64 = 16 << 20;

/// What is sent and accepted.
const MEDIA: &str = "application/vnd.schemaregistry.v1+json";
const ACCEPTED: &str = "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json";

/// One of the registry's servers.
struct Server {
    /// Without credentials, and without `/` at its end.
    url: String,
    /// The header that says who asks.
    authorization: Option<String>,
    /// When it could not be reached.
    away: Mutex<Option<Instant>>,
}

/// Why a server gave no answer.
struct Failed {
    why: String,
    /// It was reached, and has not answered in time.
    is_slow: bool,
}

pub(super) struct Servers {
    servers: Vec<Server>,
    agent: Agent,
    /// Who has answered last.
    first: AtomicUsize,
    pauses: Pauses,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.servers.iter().map(|server| &server.url)).finish()
    }
}

impl Servers {
    pub(super) fn new(settings: &ClientSettings) -> Result<Self, (Part, String)> {
        let servers = settings.urls.iter().map(|url| Server::new(url, settings.user.as_ref()));
        let servers = servers.collect::<Result<Vec<_>, _>>().map_err(|problem| (Part::Urls, problem))?;
        if servers.is_empty() {
            return Err((Part::Urls, "http://HOST:PORT is expected".to_owned()));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("millstream/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls::config(settings)?);
        let agent = config.build().new_agent();
        Ok(Self { servers, agent, first: AtomicUsize::new(0), pauses: Pauses::default() })
    }

    /// What stands at a path.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, SchemaError> {
        self.ask(Method::GET, path, None, ALL, |_| true)?.read()
    }

    /// What stands at a path and never changes, if it is told in time: a server that has nothing there may be behind another
    /// that has.
    pub(super) fn get_anywhere<T: DeserializeOwned>(&self, path: &str, within: Duration) -> Result<T, SchemaError> {
        self.ask(Method::GET, path, None, within, |answer| answer.status != 404)?.read()
    }

    /// Deletes what stands at a path.
    pub(super) fn delete(&self, path: &str) -> Result<(), SchemaError> {
        self.ask(Method::DELETE, path, None, ALL, |_| true)?.read::<Value>().map(drop)
    }

    /// All of them, without credentials.
    pub(super) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.url.clone()).collect()
    }

    /// Registers a schema and tells its id.
    pub(super) fn register(&self, path: &str, body: &Value, subject: &str) -> Result<i32, SchemaError> {
        let answer = self.ask(Method::POST, path, Some(body), ALL, |_| true)?;
        match answer.read::<SentId>() {
            Ok(sent) => Ok(sent.id),
            Err(SchemaError::Refused { message, .. }) if answer.status == 409 => {
                Err(SchemaError::Incompatible { subject: subject.to_owned(), why: message })
            }
            Err(error) => Err(error),
        }
    }

    /// The first answer of a server that will do, beginning with the one that answered last; else the last that will not.
    fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        within: Duration,
        will_do: impl Fn(&Answer) -> bool,
    ) -> Result<Answer, SchemaError> {
        let question = format!("{method} {path}");
        let asking = self.pauses.check(&question)?;
        let deadline = Instant::now() + within;
        let (count, first) = (self.servers.len(), self.first.load(Ordering::Relaxed));
        let (mut problems, mut is_there, mut is_cut, mut other) = (Vec::new(), false, false, None);
        for at in (0..count).map(|step| (first + step) % count) {
            let Some(server) = self.servers.get(at) else { continue };
            if other.is_some() && server.away.lock().is_some_and(|since| since.elapsed() < AWAY) {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now()).min(ANSWER);
            if left.is_zero() {
                break;
            }
            match self.ask_one(server, &method, path, body, left) {
                Ok(answer) if answer.may_pass() => {
                    is_there |= !answer.is_of_nobody();
                    problems.push(answer.refusal().to_string());
                }
                Ok(answer) if will_do(&answer) => {
                    self.first.store(at, Ordering::Relaxed);
                    self.pauses.end(&question);
                    return Ok(answer);
                }
                Ok(answer) => other = Some(answer),
                Err(Failed { why, is_slow }) => {
                    // What is registered or deleted may take long where everything else is answered.
                    let is_busy = is_slow && method != Method::GET && asking == Asking::Anybody;
                    is_there |= is_busy;
                    // It had less time than a server may take: that tells nothing of it.
                    let was_cut = is_slow && within < ANSWER;
                    is_cut |= was_cut;
                    if !is_busy && !was_cut {
                        *server.away.lock() = Some(Instant::now());
                    }
                    problems.push(format!("{}: {why}", server.url));
                }
            }
        }
        if let Some(answer) = other {
            self.pauses.end(&question);
            return Ok(answer);
        }
        let why = problems.join("; ");
        if is_there {
            self.pauses.pause_one(&question, &why);
        } else if !is_cut {
            self.pauses.pause_all(asking, &why);
        }
        Err(SchemaError::Unavailable(why))
    }

    fn ask_one(
        &self,
        server: &Server,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Answer, Failed> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", server.url));
        request = request.header("Accept", ACCEPTED).header("Content-Type", MEDIA);
        if let Some(authorization) = &server.authorization {
            request = request.header("Authorization", authorization);
        }
        let told = |error: ureq::Error| {
            let is_slow = matches!(&error, ureq::Error::Timeout(Timeout::Global));
            let why = match error {
                ureq::Error::Timeout(_) => format!("no answer within {} s", patience.as_secs().max(1)),
                ureq::Error::Io(error) => tls::told(error.to_string()),
                other => tls::told(other.to_string()),
            };
            Failed { why, is_slow }
        };
        let response = match body {
            Some(body) => self.send(request.body(body.to_string()), patience),
            None => self.send(request.body(()), patience),
        };
        let mut response = response.map_err(told)?;
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(told)?;
        Ok(Answer { from: server.url.clone(), status, location, body })
    }

    fn send(
        &self,
        request: ureq::http::Result<Request<impl AsSendBody>>,
        patience: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request?).timeout_global(Some(patience)).build())
    }
}

impl Server {
    fn new(url: &str, user: Option<&(String, String)>) -> Result<Self, String> {
        let (scheme, rest) = url.trim().split_once("://").ok_or("http://HOST:PORT is expected")?;
        if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            return Err(format!("'{scheme}' is neither http nor https"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains('@') {
            return Err("an @ stands behind the host: write / in a password as %2F".to_owned());
        }
        let (in_url, host) = match authority.rsplit_once('@') {
            Some((credentials, host)) => (credentials.split_once(':').or(Some((credentials, ""))), host),
            None => (None, authority),
        };
        if host.is_empty() {
            return Err("http://HOST:PORT is expected".to_owned());
        }
        let in_url = in_url.map(|(user, password)| (decoded(user), decoded(password)));
        let user = user.cloned().or(in_url);
        let authorization =
            user.map(|(user, password)| format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))));
        let url = format!("{}://{host}/{path}", scheme.to_ascii_lowercase());
        let url = url.trim_end_matches('/').to_owned();
        url.parse::<ureq::http::Uri>().map_err(|error| format!("{url}: {error}"))?;
        Ok(Self { url, authorization, away: Mutex::default() })
    }
}

/// Without `%XX`.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
