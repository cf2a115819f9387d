//! The routing table. Paths are matched here, by hand, because ksqlDB's rules are not those of axum's router: empty
//! segments do not count, a wrong method or an unmatched `Accept` is 404, and HEAD is a wrong method.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use engine::engine::Engine;
use percent_encoding::percent_decode_str;

use crate::accept::{Chosen, Media, choose};
use crate::cors::{self, Cors, Verdict};
use crate::{reply, routes};

/// What every route may use.
pub struct Server {
    /// The engine.
    pub engine: Engine,
    /// `host:port` under which clients know this server.
    pub host: String,
    /// Id of the Kafka cluster or of the embedded log.
    pub cluster_id: String,
    /// `ksql.service.id`
    pub service_id: String,
    /// Whether the cluster was ended by `/ksql/terminate`.
    pub(crate) is_terminated: AtomicBool,
    /// Which web pages of other origins are let in.
    cors: Option<Cors>,
}

impl Server {
    /// A server for that engine, known to clients as `host`.
    pub fn new(engine: Engine, host: String) -> Self {
        let service_id = engine.config().service_id().to_owned();
        let cors = Cors::new(engine.config());
        Self {
            engine,
            host,
            cluster_id: "millstream".to_owned(),
            service_id,
            is_terminated: AtomicBool::new(false),
            cors,
        }
    }
}

/// The HTTP application.
pub fn app(server: Arc<Server>) -> Router {
    Router::new().fallback(dispatch).with_state(server)
}

/// What the plain routes produce.
const PLAIN: &[Media] = &[Media::KsqlJson, Media::Json];

async fn dispatch(State(server): State<Arc<Server>>, request: Request) -> Response {
    let verdict = match &server.cors {
        Some(cors) if !request.uri().path().starts_with("/ws/") => cors.check(request.method(), request.headers()),
        _ => Verdict::Usual,
    };
    match verdict {
        Verdict::Usual => route(server, request).await,
        Verdict::Answered(answer) => answer,
        Verdict::Let(origin) => {
            let mut answer = route(server, request).await;
            cors::name_origin(&mut answer, origin);
            answer
        }
    }
}

async fn route(server: Arc<Server>, request: Request) -> Response {
    let path: Vec<String> = segments(request.uri().path());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let (&Method::GET, ["chc", "ready" | "live"]) = (request.method(), path.as_slice()) {
        return routes::health::alive();
    }
    if server.is_terminated.load(Ordering::Relaxed) {
        return reply::bare_error(50304, "The server is shut down");
    }
    match (request.method(), path.as_slice()) {
        (&Method::GET, ["ws", "query"]) => return routes::ws_query::get(server, request).await,
        (&Method::GET, []) => return routes::root::get(),
        (&Method::POST, ["query-stream"]) => return routes::query_stream::post(server, request).await,
        (&Method::POST, ["query"]) => return routes::query::post(server, request).await,
        (&Method::POST, ["inserts-stream"]) => return routes::inserts_stream::post(server, request).await,
        (&Method::POST, ["close-query"]) => return routes::close_query::post(server, request).await,
        _ => {}
    }
    if choose(request.headers(), PLAIN) == Chosen::Nothing {
        return reply::not_found();
    }
    match (request.method(), path.as_slice()) {
        (&Method::GET, ["info"]) => routes::info::get(&server),
        (&Method::GET, ["healthcheck"]) => routes::health::get(&server),
        (&Method::GET, ["v1", "metadata"]) => routes::metadata::get(&server),
        (&Method::GET, ["v1", "metadata", "id"]) => routes::metadata::get_id(&server),
        (&Method::GET, ["status"]) => routes::status::get_all(&server),
        (&Method::GET, ["status", kind, entity, action]) => routes::status::get(&server, kind, entity, action),
        (&Method::GET, ["is_valid_property", name]) => routes::properties::is_valid(&server, name),
        (&Method::GET, ["clusterStatus"]) => routes::cluster::off(),
        (&Method::POST, ["heartbeat" | "lag"]) => routes::cluster::post(request).await,
        (&Method::POST, ["ksql", "terminate"]) => routes::terminate::post(server, request).await,
        (&Method::POST, ["ksql"]) => routes::ksql::post(server, request).await,
        _ => reply::not_found(),
    }
}

/// The segments of a path, percent-decoded, without empty ones.
fn segments(path: &str) -> Vec<String> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn decodes_paths() {
        assert_eq!(segments("//status/stream/%60S%2f%60/create/"), ["status", "stream", "`S/`", "create"]);
        assert_eq!(segments("/%/%4"), ["%", "%4"]);
    }
}
