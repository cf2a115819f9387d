//! Why a broker's certificate is not trusted. The library says only that it is not, so that one more connection is made to
//! look at the certificate; nothing is sent over it.

use std::collections::BTreeMap;
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode};
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::{X509, X509VerifyResult};

const PATIENCE: Duration = Duration::from_secs(3);
/// Where systems keep the authorities they trust.
const OF_SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Codes of OpenSSL's `x509_vfy.h`.
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const OTHER_NAME: i32 = 62;
const OTHER_ADDRESS: i32 = 64;

/// What is wrong with the certificate of the broker at `HOST:PORT`, and what to do. `None` if nothing is found.
pub(in crate::log::kafka) fn why_untrusted(address: &str, properties: &BTreeMap<String, String>) -> Option<String> {
    let (host, _) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let problems = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&problems);
    let mut context = SslContext::builder(SslMethod::tls_client()).ok()?;
    trust(&mut context, properties)?;
    // All that is wrong is wanted, not the first of it.
    context.set_verify_callback(SslVerifyMode::PEER, move |is_right, chain| {
        if !is_right {
            told.lock().unwrap_or_else(PoisonError::into_inner).push(chain.error());
        }
        true
    });
    let mut ssl = Ssl::new(&context.build()).ok()?;
    let names = ssl.param_mut();
    names.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match host.parse::<IpAddr>() {
        Ok(address) => names.set_ip(address).ok()?,
        Err(_) => {
            names.set_host(host).ok()?;
            ssl.set_hostname(host).ok()?;
        }
    }
    let at = address.to_socket_addrs().ok()?.next()?;
    let stream = TcpStream::connect_timeout(&at, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    // Whether the broker goes on with it does not matter: its certificate comes first.
    let _ = ssl.connect(stream);
    let problems = problems.lock().unwrap_or_else(PoisonError::into_inner);
    told_of(host, &problems)
}

fn trust(context: &mut SslContextBuilder, properties: &BTreeMap<String, String>) -> Option<()> {
    if let Some(pem) = properties.get("ssl.ca.pem") {
        for certificate in X509::stack_from_pem(pem.as_bytes()).ok()? {
            context.cert_store_mut().add_cert(certificate).ok()?;
        }
    }
    let named = properties.get("ssl.ca.location").filter(|location| *location != "probe").map(String::as_str);
    let is_probed = properties.get("ssl.ca.location").is_some() && named.is_none();
    let file = named.or_else(|| OF_SYSTEM.iter().copied().find(|path| is_probed && Path::new(path).is_file()));
    match file.map(Path::new) {
        Some(path) if path.is_file() => context.set_ca_file(path).ok(),
        // A directory is not read here; that its authorities are trusted cannot be said then.
        _ => Some(()),
    }
}

fn told_of(host: &str, problems: &[X509VerifyResult]) -> Option<String> {
    let is = |codes: &[i32]| problems.iter().find(|problem| codes.contains(&problem.as_raw()));
    let others =
        |problem: &&X509VerifyResult| ![OTHER_NAME, OTHER_ADDRESS, EXPIRED, NOT_YET_VALID].contains(&problem.as_raw());
    if let Some(problem) = problems.iter().find(others) {
        let what = problem.error_string();
        return Some(format!(
            "its certificate is of an authority that is not trusted ({what}): ssl.truststore.location must name it"
        ));
    }
    if is(&[OTHER_NAME, OTHER_ADDRESS]).is_some() {
        return Some(format!(
            "its certificate is for other names than {host}: bootstrap.servers and the brokers' advertised.listeners must \
             name it as its certificate does"
        ));
    }
    is(&[EXPIRED, NOT_YET_VALID]).map(|_| "its certificate is not valid at this time".to_owned())
}
