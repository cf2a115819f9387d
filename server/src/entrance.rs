//! What every request passes on its way in, and its answer on its way out, also while the server opens: who is kept out, the
//! headers that all answers have, and the log of requests.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::response::Response;
use engine::config::Config;

use crate::cors::{self, Cors, Verdict};
use crate::headers::Headers;
use crate::origin::Origins;
use crate::request_log::{RequestLine, RequestLog};

/// What the settings say of it.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// Headers of every answer.
    headers: Headers,
    /// Who is told of requests.
    log: Option<RequestLog>,
    /// Which web pages are let in.
    origins: Origins,
    /// Which web pages of other origins are, and what they are told.
    cors: Option<Cors>,
}

impl Entrance {
    /// Of a server that listens at these addresses and is known to clients as `host`.
    ///
    /// # Errors
    /// What is wrong with a setting.
    pub(crate) fn new(config: &Config, addresses: &[SocketAddr], host: &str) -> Result<Self, String> {
        Ok(Self {
            headers: Headers::of(config)?,
            log: RequestLog::of(config)?,
            origins: Origins::new(addresses, host),
            cors: Cors::new(config),
        })
    }

    /// The answer to a request of that client. `answer` makes it if the request is let in.
    pub(crate) async fn pass<F>(
        &self,
        client: SocketAddr,
        request: Request,
        answer: impl FnOnce(Request) -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
    {
        let asked = self
            .log
            .as_ref()
            .map(|_| RequestLine::new(client, request.method(), request.uri(), request.version(), request.headers()));
        let response = self.finish(self.admit(request, answer).await);
        if let (Some(log), Some(asked)) = (&self.log, &asked) {
            log.tell(asked, response.status());
        }
        response
    }

    /// The answer with the headers that all have.
    pub(crate) fn finish(&self, mut answer: Response) -> Response {
        self.headers.add_to(&mut answer);
        answer
    }

    async fn admit<F>(&self, request: Request, answer: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let is_web_socket = request.uri().path().starts_with("/ws/");
        if let Some(refusal) = self.origins.refusal(&request, self.cors.as_ref(), is_web_socket) {
            return refusal;
        }
        let verdict = match &self.cors {
            Some(cors) if !is_web_socket => cors.check(request.method(), request.headers()),
            _ => Verdict::Usual,
        };
        match verdict {
            Verdict::Usual => answer(request).await,
            Verdict::Answered(answer) => answer,
            Verdict::Let(origin) => {
                let mut answer = answer(request).await;
                cors::name_origin(&mut answer, origin);
                answer
            }
        }
    }
}
