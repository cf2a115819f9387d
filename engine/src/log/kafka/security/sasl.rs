//! Who the client is.

use std::collections::BTreeMap;

use super::jaas::{self, Entry};
use super::{Given, Security};

const KERBEROS: &str = "GSSAPI (Kerberos) is not supported: have the brokers offer SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN \
                        beside it (sasl.enabled.mechanisms of a listener), and name that";
const TOKENS: &str = "OAUTHBEARER is not supported: have the brokers offer SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN beside it \
                      (sasl.enabled.mechanisms of a listener), and name that";
const KNOWN: &str = "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 is expected";

/// librdkafka's own settings that say it.
const OWN: &[&str] = &["sasl.username", "sasl.password"];
/// Java's name for a file of entries, and that of Kafka's clients in it.
const JAAS_FILE: &str = "java.security.auth.login.config";
const PROGRAM: &str = "KafkaClient";

pub(super) fn translate(security: &Security, to: &mut BTreeMap<String, String>) -> Result<(), String> {
    let protocol = security.get("security.protocol").map_or("security.protocol", |given| &given.name);
    let Some(given) = security.get("sasl.mechanism").or_else(|| security.get("sasl.mechanisms")) else {
        return Err(format!("{protocol}: it asks for SASL, and no sasl.mechanism says which, so that {KERBEROS}"));
    };
    let mechanism = given.value.trim().to_ascii_uppercase();
    if let Some(other) = security.get("sasl.mechanisms")
        && !other.value.trim().eq_ignore_ascii_case(&mechanism)
    {
        return Err(other.refused(&format!("{} names another one; leave one of them out", given.name)));
    }
    match mechanism.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => {}
        "GSSAPI" => return Err(given.refused(KERBEROS)),
        "OAUTHBEARER" => return Err(given.refused(TOKENS)),
        _ => return Err(given.refused(KNOWN)),
    }
    to.insert("sasl.mechanism".to_owned(), mechanism.clone());
    if let Some((given, entry)) = login(security)? {
        let (user, password) = credentials(entry, &mechanism).map_err(|problem| given.refused(&problem))?;
        to.insert("sasl.username".to_owned(), user);
        to.insert("sasl.password".to_owned(), password);
    }
    if to.contains_key("sasl.username") && to.contains_key("sasl.password") {
        return Ok(());
    }
    Err(given.refused("sasl.jaas.config must say which user it is, and the password"))
}

/// What is said of who the client is, and where: in a setting, else in a file as Java has them.
fn login(security: &Security) -> Result<Option<(&Given, Entry)>, String> {
    if let Some(given) = security.get("sasl.jaas.config") {
        security.check_alone(given, OWN)?;
        let entry = jaas::read(&given.value).map_err(|problem| given.refused(&problem))?;
        return Ok(Some((given, entry)));
    }
    let is_said = OWN.iter().any(|own| security.own.contains_key(*own));
    let Some(given) = security.get(JAAS_FILE).filter(|_| !is_said) else { return Ok(None) };
    let path = given.value.trim();
    let text = std::fs::read_to_string(path).map_err(|error| given.refused(&format!("{path}: {error}")))?;
    match jaas::of_program(&text, PROGRAM) {
        Ok(Some(entry)) => Ok(Some((given, entry))),
        Ok(None) => Err(given.refused(&format!("{path} has no entry {PROGRAM}, and no sasl.jaas.config is given"))),
        Err(problem) => Err(given.refused(&format!("{path}: {problem}"))),
    }
}

/// User and password of a login module that goes with the mechanism.
fn credentials(entry: Entry, mechanism: &str) -> Result<(String, String), String> {
    let module = if mechanism == "PLAIN" {
        "org.apache.kafka.common.security.plain.PlainLoginModule"
    } else {
        "org.apache.kafka.common.security.scram.ScramLoginModule"
    };
    // Some programs carry Kafka's classes in a package of their own.
    if !entry.module.ends_with(module) {
        return Err(format!("with sasl.mechanism={mechanism} its class must be {module}"));
    }
    let (mut user, mut password) = (None, None);
    for (at, (name, value)) in entry.options.into_iter().enumerate() {
        match name.as_str() {
            "username" => user = Some(value),
            "password" => password = Some(value),
            "tokenauth" if value.eq_ignore_ascii_case("false") => {}
            "tokenauth" => return Err("delegation tokens (tokenauth) are not supported; leave it out".to_owned()),
            _ => return Err(format!("option {} is neither username nor password; leave it out", at + 1)),
        }
    }
    let missing = |what: &str| format!("there is no {what} in it");
    Ok((user.ok_or_else(|| missing("username"))?, password.ok_or_else(|| missing("password"))?))
}
