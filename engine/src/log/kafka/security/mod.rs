//! What secures the connection of a client: the settings of Kafka's Java clients in librdkafka's terms.
//!
//! ```text
//! jaas     sasl.jaas.config, read
//! sasl     who the client is: mechanism, user, password
//! tls      whom it trusts, its own certificate and key: stores of any kind become PEM
//! probe    why a broker's certificate is not trusted, which librdkafka does not say
//! ```

mod jaas;
mod probe;
mod sasl;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::fmt;

pub(super) use probe::why_untrusted;

/// What is said of one client's security.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// librdkafka's own settings, by its names.
    pub own: BTreeMap<String, String>,
    /// Those that are put into its terms, by their names without a prefix.
    pub java: BTreeMap<&'static str, Given>,
}

/// A setting as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// With its prefix.
    pub name: String,
    /// It may be a password.
    pub value: String,
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security").field("settings", &(self.own.len() + self.java.len())).finish_non_exhaustive()
    }
}

/// The same for librdkafka.
pub(super) struct Translated {
    /// By its names.
    pub(super) properties: BTreeMap<String, String>,
    /// Who the client says it is.
    pub(super) principal: String,
}

/// Puts settings into librdkafka's terms.
///
/// # Errors
/// Which of them cannot be, and what to do. No text shows a value that may be a password.
pub(super) fn translated(security: &Security) -> Result<Translated, String> {
    let (is_tls, is_sasl) = match security.get("security.protocol") {
        None => (false, false),
        Some(given) => match given.value.trim().to_ascii_uppercase().as_str() {
            "PLAINTEXT" => (false, false),
            "SSL" => (true, false),
            "SASL_PLAINTEXT" => (false, true),
            "SASL_SSL" => (true, true),
            _ => return Err(given.refused("PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL is expected")),
        },
    };
    let mut properties = security.own.clone();
    if let Some(protocol) = security.get("security.protocol") {
        properties.insert("security.protocol".to_owned(), protocol.value.trim().to_ascii_lowercase());
    }
    if is_tls {
        tls::translate(security, &mut properties)?;
    }
    if is_sasl {
        sasl::translate(security, &mut properties)?;
    }
    let principal = match properties.get("sasl.username") {
        Some(user) if is_sasl => format!("user '{user}'"),
        _ if is_tls && properties.keys().any(|name| name.starts_with("ssl.certificate.")) => {
            "the name in this server's certificate".to_owned()
        }
        _ => "a client without a name (User:ANONYMOUS)".to_owned(),
    };
    Ok(Translated { properties, principal })
}

impl Security {
    fn get(&self, bare: &str) -> Option<&Given> {
        self.java.get(bare)
    }

    /// Refuses one beside librdkafka's own that say the same.
    fn check_alone(&self, given: &Given, own: &[&str]) -> Result<(), String> {
        match own.iter().find(|own| self.own.contains_key(**own)) {
            Some(own) => Err(given.refused(&format!("{own} says the same in another way; leave one of them out"))),
            None => Ok(()),
        }
    }
}

impl Given {
    fn refused(&self, problem: &str) -> String {
        format!("{}: {problem}", self.name)
    }
}
