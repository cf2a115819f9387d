//! Where the server listens and who it says it is.

use std::net::{SocketAddr, ToSocketAddrs};

use engine::config::setting::{self, TextSetting};
use engine::config::{Config, is_known, nearest};

use crate::headers::Headers;
use crate::request_log::RequestLog;

/// What [`crate::run`] needs to know.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen, one address at least; port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Where to listen for the schema registry's clients alone.
    pub listen_registry: Vec<SocketAddr>,
    /// `host:port` under which clients know this server; the listening address when not given.
    pub advertised: Option<String>,
    /// The engine's properties.
    pub properties: Config,
    /// What the operator should know about the settings.
    pub warnings: Vec<String>,
}

impl ServerConfig {
    /// From ksqlDB's properties in any order; a later one overrides an earlier one of the same name.
    ///
    /// # Errors
    /// A name that is probably a mistake, or a value that will not do; the text names the property and says what to do.
    pub fn from_settings(settings: Vec<(String, String)>) -> Result<Self, String> {
        for (name, _) in &settings {
            if let Some(known) = misspelt(name) {
                return Err(format!("unknown property '{name}': did you mean '{known}'?"));
            }
        }
        let properties = Config::new(settings).map_err(|e| e.to_string())?;
        let listeners: Vec<&str> = properties.list(setting::LISTENERS).collect();
        if listeners.is_empty() {
            return Err("listeners: http://HOST:PORT is expected".to_owned());
        }
        let addresses = |setting: TextSetting| {
            properties.list(setting).map(|url| listener(setting.name(), url)).collect::<Result<Vec<_>, _>>()
        };
        let listen = addresses(setting::LISTENERS)?;
        let listen_registry = addresses(setting::SCHEMA_REGISTRY_LISTENERS)?;
        if !listen_registry.is_empty() && properties.list(setting::SCHEMA_REGISTRY_URL).next().is_some() {
            let (own, elsewhere) = (setting::SCHEMA_REGISTRY_LISTENERS.name(), setting::SCHEMA_REGISTRY_URL.name());
            return Err(format!("{own}: {elsewhere} names another registry; leave one of them out"));
        }
        if !listen_registry.is_empty() && !properties.get(setting::SCHEMA_REGISTRY_ENABLED) {
            let (own, off) = (setting::SCHEMA_REGISTRY_LISTENERS.name(), setting::SCHEMA_REGISTRY_ENABLED.name());
            return Err(format!("{own}: {off} switches the registry off; leave one of them out"));
        }
        let advertised = properties.get(setting::ADVERTISED_LISTENER).map(host_and_port);
        let advertised = advertised.or_else(|| listeners.first().and_then(|url| own_name(url))).map(str::to_owned);
        // A mistake in them stops the start before anything is opened.
        Headers::of(&properties)?;
        RequestLog::of(&properties)?;
        let warnings = warnings(&properties);
        Ok(Self { listen, listen_registry, advertised, properties, warnings })
    }

    /// Where the server keeps its data.
    pub fn data_dir(&self) -> &str {
        self.properties.get(setting::DATA_DIR)
    }
}

/// Whether a property of that name means anything to the server or to Kafka's client.
pub fn is_property(name: &str) -> bool {
    is_known(name)
}

/// The property that was probably meant by a name nobody knows.
pub fn misspelt(name: &str) -> Option<&'static str> {
    if is_known(name) { None } else { nearest(name) }
}

/// Settings that change nothing, and names nobody knows.
fn warnings(properties: &Config) -> Vec<String> {
    let ineffective = properties.ineffective().map(|(name, reason)| format!("{name} has no effect: {reason}"));
    let unknown = properties.settings().filter(|(name, _)| !is_property(name));
    ineffective.chain(unknown.map(|(name, _)| format!("{name} has no effect: nobody knows this property"))).collect()
}

/// The `host:port` of a listener that is given by a name, under which clients will ask for it.
fn own_name(url: &str) -> Option<&str> {
    let (name, port) = host_and_port(url).rsplit_once(':')?;
    let is_name = name != "localhost" && !name.starts_with('[') && name.parse::<std::net::IpAddr>().is_err();
    (is_name && port != "0").then_some(host_and_port(url))
}

fn host_and_port(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

/// An address that is listened on, from a setting of that name.
fn listener(name: &str, url: &str) -> Result<SocketAddr, String> {
    let shown = sql::without_credentials(url);
    if url.starts_with("https://") {
        return Err(format!("{name}={shown}: https is not supported yet, use http"));
    }
    let address = host_and_port(url);
    let resolved = address.to_socket_addrs().map_err(|e| format!("{name}={shown}: {e}"))?.next();
    resolved.ok_or_else(|| format!("{name}={shown}: http://HOST:PORT is expected"))
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
    fn names_of_other_servers_are_no_mistakes() {
        for (name, value) in [
            ("access.control.skip.options", "false"),
            ("compression.enable", "false"),
            ("listener.protocol.map", "A:http"),
        ] {
            let warnings = from(&[(name, value)]).unwrap().warnings;
            assert_eq!(
                warnings,
                [format!("{name} has no effect: ksqlDB does not read it, other servers of Confluent do")]
            );
        }
    }

    #[test]
    fn a_server_that_was_to_be_closed_does_not_start() {
        for (name, value) in [
            ("authentication.method", "BASIC"),
            ("ksql.authentication.plugin.class", "x.Y"),
            ("ksql.security.extension.class", "x.Y"),
            ("ksql.resource.extension.class", "x.Y"),
            ("ksql.access.validator.enable", "on"),
            ("listeners.proxy.protocol", "true"),
        ] {
            let error = from(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(name) && error.contains(": "), "{error}");
        }
        for (name, value) in [
            ("authentication.method", "NONE"),
            ("ksql.access.validator.enable", "auto"),
            ("ssl.client.authentication", "none"),
            ("ssl.keystore.location", ""),
            ("enable.fips", "false"),
        ] {
            assert!(from(&[(name, value)]).is_ok(), "{name}");
        }
    }

    #[test]
    fn without_an_https_listener_tls_has_no_effect_and_with_one_there_is_no_start() {
        for name in ["ssl.keystore.location", "ssl.cipher.suites", "ksql.ssl.keystore.alias.external"] {
            let tls = from(&[(name, "x")]).unwrap();
            assert_eq!(
                tls.warnings,
                [format!("{name} has no effect: TLS is not supported yet, and no listener asks for it")]
            );
            assert!(from(&[(name, "x"), ("listeners", "https://0.0.0.0:1")]).is_err());
        }
    }

    #[test]
    fn security_that_would_not_reach_kafka_is_refused() {
        let kafka = ("bootstrap.servers", "localhost:9092");
        let error = from(&[kafka, ("ksql.streams.sasl.login.class", "x.Y")]).unwrap_err();
        assert!(error.starts_with("ksql.streams.sasl.login.class is not supported: "), "{error}");
        for name in ["ksql.streams.security.protocol", "producer.security.protocol", "security.protocol"] {
            assert!(from(&[kafka, (name, "SSL")]).unwrap().warnings.is_empty(), "{name}");
        }
    }

    #[test]
    fn what_has_no_effect_is_named() {
        let config =
            from(&[("ksql.heartbeat.enable", "true"), ("my.own.setting", "1"), ("ksql.max.push.queries", "3")]);
        assert_eq!(
            config.unwrap().warnings,
            [
                "ksql.heartbeat.enable has no effect: servers reach each other at ksql.advertised.listener, and know of each other by their \
                 consumer group",
                "my.own.setting has no effect: nobody knows this property"
            ]
        );
    }

    #[test]
    fn listeners_say_where() {
        let usual = from(&[]).unwrap().listen;
        assert!(usual.iter().all(|at| at.ip().is_loopback()), "nobody else is let in unless somebody says so");
        let config = from(&[("listeners", "http://0.0.0.0:1"), ("listeners", "http://127.0.0.1:9")]).unwrap();
        assert_eq!(config.listen, [SocketAddr::from(([127, 0, 0, 1], 9))]);
        let two = from(&[("listeners", "http://0.0.0.0:1, http://127.0.0.1:2")]).unwrap().listen;
        assert_eq!(two, [SocketAddr::from(([0, 0, 0, 0], 1)), SocketAddr::from(([127, 0, 0, 1], 2))]);
        assert!(from(&[("listeners", "http://0.0.0.0:1,https://127.0.0.1:2")]).is_err());
        assert!(from(&[("listeners", "")]).is_err());
        assert!(from(&[("listeners", "https://0.0.0.0:1")]).is_err());
        assert!(from(&[("listeners", "nonsense")]).is_err());
        let registry = ("schema.registry.listeners", "http://127.0.0.1:3,http://127.0.0.1:4");
        assert_eq!(from(&[registry]).unwrap().listen_registry.len(), 2);
        let error = from(&[registry, ("ksql.schema.registry.url", "http://127.0.0.1:5")]).unwrap_err();
        assert!(error.starts_with("schema.registry.listeners: ksql.schema.registry.url names another"), "{error}");
        let error = from(&[registry, ("millstream.schema.registry.enabled", "false")]).unwrap_err();
        assert!(error.contains("switches the registry off"), "{error}");
    }
}
