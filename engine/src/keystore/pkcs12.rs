//! PKCS12, with the ciphers that Java encrypted with until 2021, too.

use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;
use openssl::x509::X509;

use super::{Certificate, Identity, StoreError, written};

const KIND: &str = "PKCS12 store";
const STORE: &str = "what is in it";
/// What OpenSSL says where a password is not the one.
const SHUT: &[&str] = &["mac verify failure", "pkcs12 cipherfinal error", "bad decrypt"];

pub(super) fn trusted(bytes: &[u8], password: Option<&str>) -> Result<Vec<Certificate>, StoreError> {
    let store = open(bytes, password)?;
    let mut others: Vec<X509> = store.ca.into_iter().flatten().collect();
    // Those above the certificate of a key are there to be shown to others.
    let own = store.cert.map(|own| written::chain(own, &mut others));
    written::certificates(KIND, own.iter().filter_map(|chain| chain.first()).chain(&others))
}

pub(super) fn identity(bytes: &[u8], password: Option<&str>) -> Result<Identity, StoreError> {
    let store = open(bytes, password)?;
    let key = store.pkey.ok_or(StoreError::Without("private key"))?;
    written::identity(KIND, &key, store.cert.into_iter().chain(store.ca.into_iter().flatten()).collect())
}

fn open(bytes: &[u8], password: Option<&str>) -> Result<ParsedPkcs12_2, StoreError> {
    let store = Pkcs12::from_der(bytes).map_err(|error| written::damaged(KIND, &error))?;
    // OpenSSL takes no such text.
    if password.is_some_and(|password| password.contains('\0')) {
        return Err(StoreError::WrongPassword(STORE));
    }
    // Old ciphers; where they cannot be had, what they encrypted does not open, and OpenSSL says so.
    let _old_ciphers = Provider::try_load(None, "legacy", true);
    store.parse2(password.unwrap_or_default()).map_err(|error| {
        let is_shut = error.errors().iter().any(|error| error.reason().is_some_and(|reason| SHUT.contains(&reason)));
        match password {
            _ if !is_shut => written::damaged(KIND, &error),
            None => StoreError::NoPassword(STORE),
            Some(_) => StoreError::WrongPassword(STORE),
        }
    })
}
