//! The routing table. Paths are matched here, by hand, because ksqlDB's rules are not those of axum's router: empty
//! segments do not count, and a wrong method or an unmatched `Accept` is 404. HEAD is answered as GET without the body.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use engine::engine::Engine;
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;

use crate::accept::{Chosen, Media, choose};
use crate::gate::Gate;
use crate::health::Health;
use crate::limits::Limits;
use crate::listen::{Entrances, Serves};
use crate::{registry, reply, routes};

/// What every route may use.
pub(crate) struct Server {
    /// The engine.
    pub(crate) engine: Engine,
    /// The way to it.
    pub(crate) gate: Gate,
    /// `host:port` under which clients know this server.
    pub(crate) host: String,
    /// Id of the Kafka cluster or of the embedded log.
    pub(crate) cluster_id: String,
    /// `ksql.service.id`
    pub(crate) service_id: String,
    /// What clients may take.
    pub(crate) limits: Limits,
    /// Places for requests.
    pub(crate) requests: Arc<Semaphore>,
    /// What every request passes.
    pub(crate) entrances: Entrances,
    /// Whether its parts work.
    pub(crate) health: Health,
    life: AtomicU8,
}

/// Whether the server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Serving,
    /// It is being stopped.
    Stopping,
    /// The cluster was ended by `/ksql/terminate`.
    Terminated,
}

impl Server {
    /// A server for that engine that is known to clients as `host`.
    pub(crate) fn new(engine: Engine, host: String, entrances: Entrances) -> Self {
        let config = engine.config();
        let service_id = config.service_id().to_owned();
        let limits = Limits::new(config);
        Self {
            gate: Gate::new(limits.workers, limits.turn),
            cluster_id: engine.log().cluster_id().unwrap_or("millstream").to_owned(),
            service_id,
            requests: Arc::new(Semaphore::new(limits.requests)),
            limits,
            entrances,
            health: Health::default(),
            life: AtomicU8::new(Life::Serving as u8),
            engine,
            host,
        }
    }

    /// From now on requests are refused.
    pub(crate) fn begin_to_stop(&self) {
        self.life.store(Life::Stopping as u8, Ordering::Relaxed);
    }

    /// The cluster has ended.
    pub(crate) fn be_terminated(&self) {
        self.life.store(Life::Terminated as u8, Ordering::Relaxed);
    }

    /// The answer to any request while the server does not serve.
    fn refusal(&self) -> Option<Response> {
        let life = self.life.load(Ordering::Relaxed);
        if life == Life::Stopping as u8 {
            return Some(reply::bare_error(50303, "The server is shutting down"));
        }
        (life == Life::Terminated as u8).then(|| reply::bare_error(50304, "The server is shut down"))
    }
}

/// What the plain routes produce.
const PLAIN: &[Media] = &[Media::KsqlJson, Media::Json];

/// The answer to a request; HEAD gets the head of what GET would get. (A WebSocket has no such head.)
pub(crate) async fn answer(server: Arc<Server>, serves: Serves, mut request: Request) -> Response {
    if request.method() != Method::HEAD || request.uri().path().starts_with("/ws/") {
        return route(server, serves, request).await;
    }
    *request.method_mut() = Method::GET;
    reply::head_of(route(server, serves, request).await)
}

async fn route(server: Arc<Server>, serves: Serves, request: Request) -> Response {
    let path: Vec<String> = segments(request.uri().path());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let (&Method::GET, ["chc", "ready" | "live"] | ["livez"]) = (request.method(), path.as_slice()) {
        return routes::health::alive();
    }
    if let Some(refusal) = server.refusal() {
        return refusal;
    }
    if serves == Serves::Registry || registry::is_path(&path) {
        match server.engine.own_registry() {
            Some(own) => {
                let own = Arc::clone(own);
                return registry::answer(server, own, request).await;
            }
            None if serves == Serves::Registry => return reply::not_found(),
            None => {}
        }
    }
    match (request.method(), path.as_slice()) {
        (&Method::GET, ["ws", "query"]) => return routes::ws_query::get(server, request).await,
        (&Method::GET, []) => return routes::root::get(),
        (&Method::GET, ["readyz"]) => return routes::health::alive(),
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
        (&Method::GET, ["status"]) => routes::status::get_all(server).await,
        (&Method::GET, ["status", kind, entity, action]) => routes::status::get(server, kind, entity, action).await,
        (&Method::GET, ["is_valid_property", name]) => routes::properties::is_valid(&server, name),
        (&Method::GET, ["clusterStatus"]) => routes::cluster::off(),
        (&Method::POST, ["heartbeat" | "lag"]) => routes::cluster::post(&server, request).await,
        (&Method::POST, ["ksql", "terminate"]) => routes::terminate::post(server, request).await,
        (&Method::POST, ["ksql"]) => routes::ksql::post(server, request).await,
        _ => reply::not_found(),
    }
}

/// The segments of a path, percent-decoded, without empty ones.
pub(crate) fn segments(path: &str) -> Vec<String> {
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
