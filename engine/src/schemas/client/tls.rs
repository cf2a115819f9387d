//! Certificates and keys, as PEM.

use std::sync::Arc;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::settings::{ClientSettings, Store};

/// Bytes of a file of certificates.
const MAX_BYTES: u64 = 16 << 20;

/// What the settings say of TLS.
pub(super) fn config(settings: &ClientSettings) -> Result<TlsConfig, String> {
    let mut builder = TlsConfig::builder();
    if let Some(store) = &settings.trusted {
        let (certificates, _) = read(store)?;
        if certificates.is_empty() {
            return Err(format!("{}: there is no certificate in it", name(store)));
        }
        builder = builder.root_certs(RootCerts::Specific(Arc::new(certificates)));
    }
    if let Some(store) = &settings.own {
        let (certificates, key) = read(store)?;
        let key = key.ok_or_else(|| format!("{}: there is no private key in it that is not encrypted", name(store)))?;
        if certificates.is_empty() {
            return Err(format!("{}: there is no certificate in it", name(store)));
        }
        builder = builder.client_cert(Some(ClientCert::new_with_certs(&certificates, key)));
    }
    Ok(builder.build())
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
            "{}: it is not PEM. JKS and PKCS12 stores are not read: write the certificates with \
             `keytool -list -rfc -keystore STORE`, keys with `openssl pkcs12 -in STORE -nodes`, and name that file",
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
    Ok((certificates, key))
}
