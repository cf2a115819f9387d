//! Certificates and keys, as PEM.

use std::sync::Arc;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::settings::{ClientSettings, Part, Store};

/// Bytes of a file of certificates.
const MAX_BYTES: u64 = 16 << 20;

/// What the settings say of TLS.
pub(super) fn config(settings: &ClientSettings) -> Result<TlsConfig, (Part, String)> {
    let mut builder = TlsConfig::builder();
    if let Some(store) = &settings.trusted {
        let (certificates, _) = read(store).map_err(|problem| (Part::Trusted, problem))?;
        builder = builder.root_certs(RootCerts::Specific(Arc::new(certificates)));
    }
    if let Some(store) = &settings.own {
        let wrong = |problem| (Part::Own, problem);
        let (certificates, key) = read(store).map_err(wrong)?;
        let keyless = || format!("{}: there is no private key in it that is not encrypted", name(store));
        let key = key.ok_or_else(keyless).map_err(wrong)?;
        builder = builder.client_cert(Some(ClientCert::new_with_certs(&certificates, key)));
    }
    Ok(builder.build())
}

/// What went wrong between the two, with what can be done about it.
pub(super) fn told(problem: String) -> String {
    let is_of = |words: &[&str]| words.iter().any(|word| problem.contains(word));
    let advice = if is_of(&["UnknownIssuer"]) {
        "its certificate is of an authority that is not trusted: ksql.schema.registry.ssl.truststore.location must name \
         that authority's, as PEM"
    } else if is_of(&["not valid for name", "NotValidForName"]) {
        "its certificate is for other names than the one in ksql.schema.registry.url"
    } else if is_of(&["certificate required", "CertificateRequired"]) {
        "it wants a certificate of this server: ksql.schema.registry.ssl.keystore.location must name one with its key, \
         as PEM"
    } else {
        return problem;
    };
    format!("{problem}: {advice}")
}

fn name(store: &Store) -> &str {
    match store {
        Store::File(path) => path,
        Store::Text(_) => "the certificates that stand in the settings",
    }
}

fn read(store: &Store) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>), String> {
    let text = match store {
        Store::Text(text) => text.clone().into_bytes(),
        Store::File(path) => {
            let length = std::fs::metadata(path).map_err(|error| format!("{path}: {error}"))?.len();
            if length > MAX_BYTES {
                return Err(format!("{path}: it has more than {} MiB", MAX_BYTES >> 20));
            }
            std::fs::read(path).map_err(|error| format!("{path}: {error}"))?
        }
    };
    if !text.windows(10).any(|bytes| bytes == b"-----BEGIN") {
        return Err(format!(
            "{}: it is not PEM. JKS and PKCS12 stores are not read. Make a PEM file of the certificates of one by \
             `keytool -list -rfc -keystore STORE > FILE.pem`; of a key and its certificates by `keytool \
             -importkeystore -srckeystore STORE -destkeystore STORE.p12 -deststoretype PKCS12` (unless it is PKCS12) and \
             `openssl pkcs12 -in STORE.p12 -nodes -out FILE.pem`; and name that file",
            name(store)
        ));
    }
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in parse_pem(&text) {
        match item.map_err(|error| format!("{}: {error}", name(store)))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            PemItem::PrivateKey(found) => key = Some(found),
            _ => {}
        }
    }
    if certificates.is_empty() {
        return Err(format!("{}: there is no certificate in it", name(store)));
    }
    Ok((certificates, key))
}
