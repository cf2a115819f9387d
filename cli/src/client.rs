//! Talks to a server over HTTP/1.1.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value};
use sql::Span;
use wire::{ErrorBody, GenericError, HINT, Info, KsqlRequest, SPAN};

/// Why the server did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The URL cannot be used.
    #[error("{0}: {1}")]
    BadUrl(String, &'static str),
    /// Nobody answers there.
    #[error("cannot reach the server at {0}: {1}")]
    Unreachable(String, String),
    /// The connection broke.
    #[error("the connection to the server broke: {0}")]
    Broken(String),
    /// The answer is not what ksqlDB would send.
    #[error("the server sent something unexpected: {0}")]
    Unexpected(String),
    /// The server refused.
    #[error("{}", .0.body.message())]
    Refused(Box<Refusal>),
}

impl ClientError {
    /// What the user may have meant, or could do.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.hint.as_deref(),
            _ => None,
        }
    }
}

/// What to do where the server does not know who the user is.
const WHO: &str = "-u NAME on the command line says who you are, and in the shell server http://NAME@HOST:PORT; the password \
                   is asked for";

/// Why the server refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What every client of ksqlDB is told.
    pub(crate) body: ErrorBody,
    /// The part of the request's text it is about, if the server says so.
    pub(crate) span: Option<Span>,
    /// What the user may have meant, if the server knows.
    pub(crate) hint: Option<String>,
}

/// Result of a request.
pub(crate) type Result<T> = std::result::Result<T, ClientError>;

/// One server.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    /// Who the user is.
    authorization: Option<HeaderValue>,
    http: Http<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client of the server at `url`; nothing is sent yet. Who the user is, is for that server alone.
    pub(crate) fn new(url: &str, authorization: Option<HeaderValue>) -> Result<Self> {
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let bad = |why| ClientError::BadUrl(sql::without_credentials(&with_scheme), why);
        let uri: Uri = with_scheme.parse().map_err(|_| bad("not a URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(bad("https is not supported yet, use http")),
            _ => return Err(bad("http://HOST:PORT is expected")),
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(bad(
                "a URL may be seen by others; -u NAME says who the user is, MILLSTREAM_PASSWORD the password",
            ));
        }
        let base = with_scheme.trim_end_matches('/').to_owned();
        Ok(Self { base, authorization, http: Http::builder(TokioExecutor::new()).build_http() })
    }

    /// Whether both are clients of one server.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        let place = |client: &Self| {
            let uri: Uri = client.base.parse().ok()?;
            Some((uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(80)))
        };
        place(self) == place(other)
    }

    /// The same client, of the user that the other one speaks for.
    pub(crate) fn with_user_of(self, other: &Self) -> Self {
        Self { authorization: other.authorization.clone(), ..self }
    }

    /// Where the server is.
    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    /// `GET /info`
    pub(crate) async fn info(&self) -> Result<Info> {
        let body = self.whole(Method::GET, "/info", String::new()).await?;
        read(&body)
    }

    /// Whether a property may be set in a session; perhaps with what should be known about it.
    pub(crate) async fn check_property(&self, name: &str) -> Result<Option<String>> {
        let path = format!("/is_valid_property/{}", percent_encoded(name));
        let (head, body) = self.send(Method::GET, &path, String::new()).await?.into_parts();
        let bytes = collect(body).await?;
        if !head.status.is_success() {
            return Err(refusal(head.status, &head.headers, &bytes));
        }
        Ok(head.headers.get(HINT).and_then(|hint| hint.to_str().ok()).map(str::to_owned))
    }

    /// `POST /ksql`: the entities as they came.
    pub(crate) async fn statements(&self, request: &KsqlRequest) -> Result<Vec<Value>> {
        let body = serde_json::to_string(request).map_err(|e| ClientError::Unexpected(e.to_string()))?;
        let answer = self.whole(Method::POST, "/ksql", body).await?;
        read(&answer)
    }

    /// `POST /query`: the lines of the answer as they come.
    pub(crate) async fn query(&self, request: &KsqlRequest) -> Result<Lines> {
        let body = serde_json::to_string(request).map_err(|e| ClientError::Unexpected(e.to_string()))?;
        let response = self.send(Method::POST, "/query", body).await?;
        if response.status() == StatusCode::OK {
            return Ok(Lines { body: response.into_body(), buffer: BytesMut::new(), ended: false });
        }
        let (head, body) = response.into_parts();
        Err(refusal(head.status, &head.headers, &collect(body).await?))
    }

    async fn whole(&self, method: Method, path: &str, body: String) -> Result<Bytes> {
        let (head, body) = self.send(method, path, body).await?.into_parts();
        let bytes = collect(body).await?;
        if head.status.is_success() { Ok(bytes) } else { Err(refusal(head.status, &head.headers, &bytes)) }
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Content-Type", "application/vnd.ksql.v1+json")
            .header("Accept", "application/vnd.ksql.v1+json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|e| ClientError::Unexpected(e.to_string()))?;
        self.http.request(request).await.map_err(|e| {
            let mut cause: &dyn std::error::Error = &e;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            ClientError::Unreachable(self.base.clone(), cause.to_string())
        })
    }
}

/// The lines of a streamed answer.
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
    ended: bool,
}

impl Lines {
    /// The next line without its end; `None` when the answer is over. Safe to drop and call again.
    pub(crate) async fn next(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&b| b == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                return Ok(Some(text(&line)));
            }
            if self.ended {
                let rest = self.buffer.split();
                return Ok((!rest.is_empty()).then(|| text(&rest)));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(e)) => return Err(ClientError::Broken(e.to_string())),
                None => self.ended = true,
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned()
}

async fn collect(body: Incoming) -> Result<Bytes> {
    let body = body.collect().await.map_err(|e| ClientError::Broken(e.to_string()))?;
    Ok(body.to_bytes())
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| ClientError::Unexpected(format!("{e} in {}", text(bytes))))
}

fn refusal(status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> ClientError {
    let is_unknown_user = status == StatusCode::UNAUTHORIZED;
    let body = match serde_json::from_slice(bytes) {
        Ok(body) => body,
        // A proxy has words of its own.
        Err(_) if is_unknown_user => {
            ErrorBody::Generic(GenericError { error_code: 40100, message: status.to_string() })
        }
        Err(_) => return ClientError::Unexpected(format!("{status} {}", text(bytes))),
    };
    let header = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let span = header(SPAN).and_then(|span| {
        let (start, end) = span.split_once('-')?;
        Some(Span { start: start.parse().ok()?, end: end.parse().ok()? })
    });
    let hint = header(HINT).or_else(|| is_unknown_user.then(|| WHO.to_owned()));
    ClientError::Refused(Box::new(Refusal { body, span, hint }))
}

/// A request of this session's properties and variables.
pub(crate) fn request(text: &str, properties: &Map<String, Value>, variables: &Map<String, Value>) -> KsqlRequest {
    KsqlRequest {
        ksql: text.to_owned(),
        streams_properties: properties.clone(),
        session_variables: variables.clone(),
        ..KsqlRequest::default()
    }
}

fn percent_encoded(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
