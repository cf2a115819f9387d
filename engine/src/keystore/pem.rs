//! PEM: certificates and a key, encrypted or not, in any order.

use std::cell::Cell;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::{Certificate, Identity, StoreError, written};

const KIND: &str = "PEM";

pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, StoreError> {
    written::certificates(KIND, &all(bytes)?)
}

pub(super) fn identity(bytes: &[u8], password: Option<&str>) -> Result<Identity, StoreError> {
    if !bytes.windows(16).any(|window| window == b"PRIVATE KEY-----") {
        return Err(StoreError::Without("private key"));
    }
    let certificates = all(bytes)?;
    if certificates.is_empty() {
        return Err(StoreError::Without("certificate"));
    }
    written::identity(KIND, &key(bytes, password)?, certificates)
}

fn all(bytes: &[u8]) -> Result<Vec<X509>, StoreError> {
    X509::stack_from_pem(bytes).map_err(|error| written::damaged(KIND, &error))
}

fn key(bytes: &[u8], password: Option<&str>) -> Result<PKey<Private>, StoreError> {
    let is_encrypted = Cell::new(false);
    let key = PKey::private_key_from_pem_callback(bytes, |buffer| {
        is_encrypted.set(true);
        let password = password.unwrap_or_default().as_bytes();
        // What is longer than OpenSSL takes opens nothing.
        let Some(place) = buffer.get_mut(..password.len()) else { return Ok(0) };
        place.copy_from_slice(password);
        Ok(password.len())
    });
    key.map_err(|error| match (is_encrypted.get(), password) {
        (true, None) => StoreError::NoPassword("the key in it"),
        (true, Some(_)) => StoreError::WrongPassword("the key in it"),
        (false, _) => written::damaged(KIND, &error),
    })
}
