//! Certificates and keys.

use std::sync::Arc;

use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::settings::{ClientSettings, Part};
use crate::keystore::{self, Unread};

/// What the settings say of TLS.
pub(super) fn config(settings: &ClientSettings) -> Result<TlsConfig, (Part, String)> {
    let mut builder = TlsConfig::builder();
    if let Some(store) = &settings.trusted {
        let certificates = store.trusted().map_err(|problem| unread(Part::Trusted, &problem))?;
        builder = builder.root_certs(RootCerts::Specific(Arc::new(owned(&certificates))));
    }
    if let Some(store) = &settings.own {
        let own = store.read(|bytes, passwords| {
            let own = keystore::identity(bytes, passwords)?;
            own.check_that_rustls_signs().map(|()| own)
        });
        let own = own.map_err(|problem| unread(Part::Own, &problem))?;
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

fn unread(part: Part, problem: &Unread) -> (Part, String) {
    let advice = match part {
        _ if !problem.is_shut() => "",
        Part::Own => ": see ksql.schema.registry.ssl.keystore.password and ksql.schema.registry.ssl.key.password",
        Part::Trusted | Part::Urls => ": see ksql.schema.registry.ssl.truststore.password",
    };
    (part, format!("{problem}{advice}"))
}
