//! Out of OpenSSL's hands into bytes.

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509VerifyResult};

use super::{Certificate, Identity, StoreError};

pub(super) fn certificates<'a>(
    kind: &'static str,
    certificates: impl IntoIterator<Item = &'a X509>,
) -> Result<Vec<Certificate>, StoreError> {
    let ders: Result<_, ErrorStack> = certificates.into_iter().map(|certificate| certificate.to_der()).collect();
    ders.map_err(|error| damaged(kind, &error))
}

/// The key with its own certificate, then each time the one of who issued the last. A store may hold others beside, and
/// in any order.
pub(super) fn identity(kind: &'static str, key: &PKey<Private>, mut among: Vec<X509>) -> Result<Identity, StoreError> {
    let is_own = |certificate: &X509| certificate.public_key().is_ok_and(|public| public.public_eq(key));
    let own = among.iter().position(is_own).ok_or(StoreError::Without("certificate of the key"))?;
    let chain = chain(among.swap_remove(own), &mut among);
    let key = key.private_key_to_pem_pkcs8().map_err(|error| damaged(kind, &error))?;
    Ok(Identity { chain: certificates(kind, &chain)?, key })
}

/// The certificate and those above it, which are taken out of the others.
pub(super) fn chain(own: X509, others: &mut Vec<X509>) -> Vec<X509> {
    let mut chain = vec![own];
    while let Some(issuer) = chain.last().and_then(|last| others.iter().position(|other| has_issued(other, last))) {
        chain.push(others.swap_remove(issuer));
    }
    chain
}

fn has_issued(issuer: &X509, certificate: &X509) -> bool {
    issuer.issued(certificate) == X509VerifyResult::OK
}

/// What OpenSSL says first, without its places in its source.
pub(super) fn damaged(kind: &'static str, error: &ErrorStack) -> StoreError {
    let problem = error.errors().iter().find_map(|error| error.reason()).unwrap_or("it breaks the rules of that");
    StoreError::Damaged { kind, problem: problem.to_owned() }
}
