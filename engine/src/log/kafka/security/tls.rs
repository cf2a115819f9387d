//! Whom the client trusts, and the certificate and the key that are its own.

use std::collections::BTreeMap;

use super::{Given, Security};
use crate::keystore::{self, Passwords, Source, Store, Unread};

const OWN_AUTHORITIES: &[&str] = &["ssl.ca.location", "ssl.ca.pem"];
const OWN_CERTIFICATE: &[&str] =
    &["ssl.certificate.location", "ssl.certificate.pem", "ssl.key.location", "ssl.key.pem"];
/// What OpenSSL offers of TLSv1.3, whatever a list of ciphers says.
const SUITES_OF_1_3: &[&str] = &["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];

pub(super) fn translate(security: &Security, to: &mut BTreeMap<String, String>) -> Result<(), String> {
    let mut set = |name: &str, value: String| to.insert(name.to_owned(), value);
    match trusted(security)? {
        Some(pem) => drop(set("ssl.ca.pem", pem)),
        // The library's own idea of where the system keeps its authorities is that of the machine it was built on.
        None if OWN_AUTHORITIES.iter().all(|name| !security.own.contains_key(*name)) => {
            set("ssl.ca.location", "probe".to_owned());
        }
        None => {}
    }
    if let Some((chain, key)) = identity(security)? {
        set("ssl.certificate.pem", chain);
        set("ssl.key.pem", key);
    } else if let Some(password) = security.get("ssl.key.password") {
        set("ssl.key.password", password.value.clone());
    }
    if let Some(given) = security.get("ssl.endpoint.identification.algorithm") {
        let algorithm = match given.value.trim().to_ascii_lowercase().as_str() {
            "" | "none" => "none",
            "https" => "https",
            _ => return Err(given.refused("https is expected, or nothing for no check of names")),
        };
        set("ssl.endpoint.identification.algorithm", algorithm.to_owned());
    }
    check_versions(security)?;
    if let Some(given) = security.get("ssl.cipher.suites") {
        set("ssl.cipher.suites", ciphers(given)?);
    }
    Ok(())
}

/// The certificates it trusts, as PEM.
fn trusted(security: &Security) -> Result<Option<String>, String> {
    let (text, location) = (security.get("ssl.truststore.certificates"), security.get("ssl.truststore.location"));
    let password = security.get("ssl.truststore.password");
    let Some((given, source)) = source(text, location)? else { return Ok(None) };
    security.check_alone(given, OWN_AUTHORITIES)?;
    let passwords = Passwords { store: password.map(|given| given.value.clone()), key: None };
    let certificates = Store { source, passwords }.trusted();
    let certificates = certificates.map_err(|problem| unread(given, &problem, "ssl.truststore.password"))?;
    Ok(Some(keystore::as_pem(&certificates)))
}

/// Its own certificates and the key, as PEM.
fn identity(security: &Security) -> Result<Option<(String, String)>, String> {
    let (chain, key) = (security.get("ssl.keystore.certificate.chain"), security.get("ssl.keystore.key"));
    let text = match (chain, key) {
        (Some(chain), Some(key)) => {
            Some(Given { name: key.name.clone(), value: format!("{}\n{}", chain.value, key.value) })
        }
        (Some(given), None) => return Err(given.refused("ssl.keystore.key must be given, too")),
        (None, Some(given)) => return Err(given.refused("ssl.keystore.certificate.chain must be given, too")),
        (None, None) => None,
    };
    let Some((given, source)) = source(text.as_ref(), security.get("ssl.keystore.location"))? else { return Ok(None) };
    security.check_alone(given, OWN_CERTIFICATE)?;
    let password = |name: &str| security.get(name).map(|given| given.value.clone());
    let passwords = Passwords { store: password("ssl.keystore.password"), key: password("ssl.key.password") };
    let own = Store { source, passwords }.identity();
    let own = own.map_err(|problem| unread(given, &problem, "ssl.keystore.password and ssl.key.password"))?;
    let key = String::from_utf8(own.key).map_err(|_| given.refused("the key in it cannot be written as PEM"))?;
    Ok(Some((keystore::as_pem(&own.chain), key)))
}

fn source<'a>(text: Option<&'a Given>, location: Option<&'a Given>) -> Result<Option<(&'a Given, Source)>, String> {
    match (text, location) {
        (Some(text), Some(location)) => {
            Err(location.refused(&format!("{} is given, too; leave one of them out", text.name)))
        }
        (Some(text), None) => Ok(Some((text, Source::Text(text.value.clone())))),
        (None, Some(location)) => Ok(Some((location, Source::File(location.value.trim().to_owned())))),
        (None, None) => Ok(None),
    }
}

fn unread(given: &Given, problem: &Unread, passwords: &str) -> String {
    let advice = if problem.is_shut() { format!(": see {passwords}") } else { String::new() };
    given.refused(&format!("{problem}{advice}"))
}

/// Both versions of TLS are offered, and the broker chooses: the library has no setting for it. Files that name but one,
/// which are many, are taken: what is spoken is at least as safe, and the broker can allow that one alone.
fn check_versions(security: &Security) -> Result<(), String> {
    const ADVICE: &str = "TLSv1.2 and TLSv1.3 are offered, and the brokers choose: name one of them, or leave it out";
    if let Some(given) = security.get("ssl.enabled.protocols") {
        let has = |version: &str| given.value.split(',').any(|named| named.trim().eq_ignore_ascii_case(version));
        match (has("TLSv1.2"), has("TLSv1.3")) {
            (true, true) => {}
            (false, false) => return Err(given.refused(ADVICE)),
            _ => tracing::warn!("{}: {ADVICE}; both are offered", given.name),
        }
    }
    match security.get("ssl.protocol") {
        Some(given)
            if !["TLS", "TLSv1.2", "TLSv1.3"].iter().any(|name| name.eq_ignore_ascii_case(given.value.trim())) =>
        {
            Err(given.refused(ADVICE))
        }
        _ => Ok(()),
    }
}

/// A list of Java's names, or one that OpenSSL reads as it is. Java's says what may be used of all versions, OpenSSL's
/// leaves out TLSv1.3.
fn ciphers(given: &Given) -> Result<String, String> {
    let names: Vec<&str> = given.value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if !names.iter().any(|name| name.starts_with("TLS_") || name.starts_with("SSL_")) {
        return Ok(given.value.trim().to_owned());
    }
    if let Some(missing) = SUITES_OF_1_3.iter().find(|suite| !names.contains(*suite)) {
        return Err(given.refused(&format!(
            "the suites of TLSv1.3 are always offered, all of them: name {missing}, too, or leave the list out and have \
             the brokers (their ssl.cipher.suites) choose"
        )));
    }
    let older = names.into_iter().filter(|name| !SUITES_OF_1_3.contains(name));
    let older: Vec<&str> = older
        .map(|name| openssl_name(name).ok_or_else(|| given.refused(&format!("OpenSSL has no cipher {name}"))))
        .collect::<Result<_, _>>()?;
    match older.is_empty() {
        true => Err(given.refused("one suite of TLSv1.2 must be named, too, or the list left out")),
        false => Ok(older.join(":")),
    }
}

fn openssl_name(java: &str) -> Option<&'static str> {
    const NO_SUCH_CIPHER: &str = "(NONE)";
    (!java.contains('\0')).then(|| openssl::ssl::cipher_name(java)).filter(|name| *name != NO_SUCH_CIPHER)
}
