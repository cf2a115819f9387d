//! Where the server listens and who it says it is.

use std::net::{SocketAddr, ToSocketAddrs};

use engine::config::{Config, nearest};

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

impl ServerConfig {
    /// From ksqlDB's properties in any order; a later one overrides an earlier one of the same name. The first of
    /// `listeners` decides where to listen. Errors name the property and what to do.
    pub fn from_settings(settings: Vec<(String, String)>) -> Result<Self, String> {
        for (name, _) in &settings {
            if let Some(known) = misspelt(name) {
                return Err(format!("unknown property '{name}': did you mean '{known}'?"));
            }
        }
        let properties = Config::new(settings).map_err(|e| e.to_string())?;
        check_authentication(&properties)?;
        let listen = listener(properties.list("listeners").next().unwrap_or("http://0.0.0.0:8088"))?;
        let advertised = properties.get("ksql.advertised.listener").map(|url| host_and_port(url).to_owned());
        Ok(Self { listen, advertised, properties })
    }
}

/// The property that was probably meant by a name nobody knows.
fn misspelt(name: &str) -> Option<&'static str> {
    if engine::config::find(name).is_some() { None } else { nearest(name) }
}

/// A server that was to be closed must not stand open.
fn check_authentication(properties: &Config) -> Result<(), String> {
    let method = properties.get("authentication.method").unwrap_or("NONE");
    if !method.eq_ignore_ascii_case("NONE") || properties.get("ksql.authentication.plugin.class").is_some() {
        return Err("authentication is not supported yet: leave out authentication.method and \
                    ksql.authentication.plugin.class, and put a proxy that asks for credentials in front"
            .to_owned());
    }
    Ok(())
}

fn host_and_port(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

fn listener(url: &str) -> Result<SocketAddr, String> {
    if url.starts_with("https://") {
        return Err(format!("listeners={url}: https is not supported yet, use http"));
    }
    let address = host_and_port(url);
    let resolved = address.to_socket_addrs().map_err(|e| format!("listeners={url}: {e}"))?.next();
    resolved.ok_or_else(|| format!("listeners={url}: http://HOST:PORT is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(settings: &[(&str, &str)]) -> Result<ServerConfig, String> {
        ServerConfig::from_settings(settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_mistyped_property_is_named_with_what_was_meant() {
        let error = from(&[("listners", "http://0.0.0.0:1")]).unwrap_err();
        assert_eq!(error, "unknown property 'listners': did you mean 'listeners'?");
    }

    #[test]
    fn a_server_that_was_to_be_closed_does_not_start() {
        assert!(from(&[("authentication.method", "BASIC")]).unwrap_err().contains("not supported yet"));
        assert!(from(&[("ksql.authentication.plugin.class", "x.Y")]).is_err());
        assert!(from(&[("authentication.method", "NONE")]).is_ok());
    }

    #[test]
    fn listeners_say_where() {
        let config = from(&[("listeners", "http://0.0.0.0:1"), ("listeners", "http://127.0.0.1:9")]).unwrap();
        assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 9)));
        assert!(from(&[("listeners", "https://0.0.0.0:1")]).is_err());
        assert!(from(&[("listeners", "nonsense")]).is_err());
    }
}
