//! Where the server listens and who it says it is.

use std::net::SocketAddr;

use engine::config::Config;

/// What [`crate::run`] needs to know.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `host:port` under which clients know this server; the listening address when not given.
    pub advertised: Option<String>,
    /// The engine's properties.
    pub properties: Config,
}

impl Default for ServerConfig {
    /// ksqlDB's port on every interface.
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 8088)), advertised: None, properties: Config::default() }
    }
}
