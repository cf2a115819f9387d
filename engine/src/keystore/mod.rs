//! Stores of certificates and keys as the programs around a server keep them: PEM, PKCS12 and Java's JKS. Which of them a
//! store is, its first bytes say; settings like `ssl.truststore.type` are often left at their default beside a store of
//! another kind.

mod jks;
mod pem;
mod pkcs12;
mod store;
#[cfg(test)]
mod tests;
mod written;

use base64::Engine;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey};
use openssl::x509::X509;

pub use store::{Source, Store, Unread};

/// A certificate, as DER.
pub type Certificate = Vec<u8>;

/// A key and who it belongs to.
#[derive(PartialEq, Eq)]
pub struct Identity {
    /// The certificate of the key, then those of the authorities above it.
    pub chain: Vec<Certificate>,
    /// PKCS#8, as PEM, not encrypted.
    pub key: Vec<u8>,
}

impl Identity {
    /// Whether rustls can sign with the key: RSA of 2,048 to 8,192 bits, ECDSA over P-256 or P-384, Ed25519.
    ///
    /// # Errors
    /// [`StoreError::Unusable`].
    pub fn check_that_rustls_signs(&self) -> Result<(), StoreError> {
        let key = PKey::private_key_from_pem(&self.key).map_err(|error| written::damaged("key", &error))?;
        let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
        let is_usable = match key.id() {
            Id::RSA => (2_048..=8_192).contains(&key.bits()),
            Id::EC => matches!(curve, Some(Nid::X9_62_PRIME256V1 | Nid::SECP384R1)),
            id => id == Id::ED25519,
        };
        if is_usable { Ok(()) } else { Err(StoreError::Unusable) }
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

/// What opens a store.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Passwords {
    /// Of the store.
    pub store: Option<String>,
    /// Of the key in it, where that is another one.
    pub key: Option<String>,
}

impl Passwords {
    fn store(&self) -> Option<&str> {
        self.store.as_deref()
    }

    fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.store())
    }

    /// The key in such a store has the password of the store.
    fn of_pkcs12(&self) -> Option<&str> {
        self.store().or(self.key.as_deref())
    }
}

/// Why a store cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It begins like none of those that are read.
    #[error("it is neither PEM nor a PKCS12 or JKS store")]
    Unknown,
    /// Java's other kind of store.
    #[error(
        "it is a JCEKS store, which is not read; make a PKCS12 store of it by `keytool -importkeystore -srckeystore STORE \
         -srcstoretype JCEKS -destkeystore STORE.p12 -deststoretype PKCS12`, and name that"
    )]
    Jceks,
    /// The store or the key in it is encrypted.
    #[error("{0} is encrypted, and no password is given")]
    NoPassword(&'static str),
    /// The store or the key in it has another one.
    #[error("{0} does not open with the password that is given")]
    WrongPassword(&'static str),
    /// It has nothing of what is looked for.
    #[error("there is no {0} in it")]
    Without(&'static str),
    /// TLS is not spoken with such a key here.
    #[error(
        "its key is of a kind that TLS is not spoken with here; make one of RSA with 2,048 to 8,192 bits, of the elliptic \
         curves P-256 or P-384, or of Ed25519, and have a certificate issued for it"
    )]
    Unusable,
    /// It breaks the rules of its kind.
    #[error("the {kind} in it cannot be read: {problem}")]
    Damaged {
        /// Which kind.
        kind: &'static str,
        /// What is wrong.
        problem: String,
    },
}

/// Whom a store trusts: its certificates. As in Java, the certificate of a key is one of them.
///
/// # Errors
/// See [`StoreError`].
pub fn trusted(bytes: &[u8], passwords: &Passwords) -> Result<Vec<Certificate>, StoreError> {
    let certificates = match Kind::of(bytes)? {
        Kind::Pem => pem::certificates(bytes)?,
        Kind::Der => vec![bytes.to_vec()],
        Kind::Pkcs12 => pkcs12::trusted(bytes, passwords.of_pkcs12())?,
        Kind::Jks => jks::read(bytes, passwords.store())?.trusted,
    };
    if certificates.is_empty() { Err(StoreError::Without("certificate")) } else { Ok(certificates) }
}

/// The key of a store, the first if it has several, and its certificates.
///
/// # Errors
/// See [`StoreError`].
pub fn identity(bytes: &[u8], passwords: &Passwords) -> Result<Identity, StoreError> {
    match Kind::of(bytes)? {
        Kind::Pem => pem::identity(bytes, passwords.key()),
        Kind::Der => Err(StoreError::Without("private key")),
        Kind::Pkcs12 => pkcs12::identity(bytes, passwords.of_pkcs12()),
        Kind::Jks => jks::read(bytes, passwords.store())?.identity(passwords.key()),
    }
}

/// Certificates as PEM, one after the other.
pub fn as_pem(certificates: &[Certificate]) -> String {
    const LINE: usize = 64;
    let mut pem = String::new();
    for certificate in certificates {
        let text = base64::engine::general_purpose::STANDARD.encode(certificate);
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(LINE.min(rest.len()));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}

enum Kind {
    Pem,
    /// One certificate.
    Der,
    Pkcs12,
    Jks,
}

impl Kind {
    fn of(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes {
            _ if bytes.windows(10).any(|window| window == b"-----BEGIN") => Ok(Self::Pem),
            [0xfe, 0xed, 0xfe, 0xed, ..] => Ok(Self::Jks),
            [0xce, 0xce, 0xce, 0xce, ..] => Err(StoreError::Jceks),
            // A sequence of DER.
            [0x30, ..] if X509::from_der(bytes).is_ok() => Ok(Self::Der),
            [0x30, ..] => Ok(Self::Pkcs12),
            _ => Err(StoreError::Unknown),
        }
    }
}
