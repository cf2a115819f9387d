//! Certificates and keys.

use std::sync::Arc;

use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::settings::{ClientSettings, Part, Source, Store};
use crate::keystore::{self, StoreError};

/// Bytes of a file of certificates.
const MAX_BYTES: u64 = 16 << 20;

/// What the settings say of TLS.
pub(super) fn config(settings: &ClientSettings) -> Result<TlsConfig, (Part, String)> {
    let mut builder = TlsConfig::builder();
    if let Some(store) = &settings.trusted {
        let certificates = read(store, Part::Trusted, keystore::trusted)?;
        builder = builder.root_certs(RootCerts::Specific(Arc::new(owned(&certificates))));
    }
    if let Some(store) = &settings.own {
        let own = read(store, Part::Own, |bytes, passwords| {
            let own = keystore::identity(bytes, passwords)?;
            own.check_that_rustls_signs().map(|()| own)
        })?;
        let key = PrivateKey::from_pem(&own.key).map_err(|error| (Part::Own, error.to_string()))?;
        builder = builder.client_cert(Some(ClientCert::new_with_certs(&owned(&own.chain), key)));
    }
    Ok(builder.build())
}

fn owned(certificates: &[keystore::Certificate]) -> Vec<Certificate<'static>> {
    certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect()
}

/// What went wrong between the two, with what can be done about it.
pub(super) fn told(problem: String) -> String {
    let is_of = |words: &[&str]| words.iter().any(|word| problem.contains(word));
    let advice = if is_of(&["UnknownIssuer"]) {
        "its certificate is of an authority that is not trusted: ksql.schema.registry.ssl.truststore.location must name it"
    } else if is_of(&["not valid for name", "NotValidForName"]) {
        "its certificate is for other names than the one in ksql.schema.registry.url"
    } else if is_of(&["certificate required", "CertificateRequired"]) {
        "it wants a certificate of this server: ksql.schema.registry.ssl.keystore.location must name one"
    } else {
        return problem;
    };
    format!("{problem}: {advice}")
}

fn read<T>(
    store: &Store,
    part: Part,
    take: impl Fn(&[u8], &keystore::Passwords) -> Result<T, StoreError>,
) -> Result<T, (Part, String)> {
    let unread = |path: &str, error: std::io::Error| (part, format!("{path}: {error}"));
    let (name, bytes) = match &store.source {
        Source::Text(text) => ("the certificates that stand in the settings", text.clone().into_bytes()),
        Source::File(path) => {
            let length = std::fs::metadata(path).map_err(|error| unread(path, error))?.len();
            if length > MAX_BYTES {
                return Err((part, format!("{path}: it has more than {} MiB", MAX_BYTES >> 20)));
            }
            (path.as_str(), std::fs::read(path).map_err(|error| unread(path, error))?)
        }
    };
    take(&bytes, &store.passwords).map_err(|problem| {
        let is_shut = matches!(problem, StoreError::NoPassword(_) | StoreError::WrongPassword(_));
        let advice = match part {
            _ if !is_shut => "",
            Part::Own => ": see ksql.schema.registry.ssl.keystore.password and ksql.schema.registry.ssl.key.password",
            Part::Trusted | Part::Urls => ": see ksql.schema.registry.ssl.truststore.password",
        };
        (part, format!("{name}: {problem}{advice}"))
    })
}
