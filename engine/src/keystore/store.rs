//! A store as settings name it: where it is, and what opens it.

use super::{Certificate, Identity, Passwords, StoreError, identity, trusted};

/// Bytes of a file of certificates.
const MAX_BYTES: u64 = 16 << 20;

/// Certificates, or a key with them.
#[derive(Clone, PartialEq, Eq)]
pub struct Store {
    /// Where they are.
    pub source: Source,
    /// What opens them.
    pub passwords: Passwords,
}

/// Where certificates are.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file: PEM, PKCS12 or JKS.
    File(String),
    /// Here, as PEM.
    Text(String),
}

/// Why nothing was got out of a store.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The file.
    #[error("{0}")]
    File(String),
    /// What is in it.
    #[error("{0}: {1}")]
    Store(String, StoreError),
}

impl Unread {
    /// Whether another password may help.
    pub fn is_shut(&self) -> bool {
        matches!(self, Self::Store(_, StoreError::NoPassword(_) | StoreError::WrongPassword(_)))
    }
}

impl Store {
    /// Whom it trusts.
    ///
    /// # Errors
    /// See [`Unread`].
    pub fn trusted(&self) -> Result<Vec<Certificate>, Unread> {
        self.read(trusted)
    }

    /// The key in it.
    ///
    /// # Errors
    /// See [`Unread`].
    pub fn identity(&self) -> Result<Identity, Unread> {
        self.read(identity)
    }

    /// What `take` gets out of it.
    ///
    /// # Errors
    /// See [`Unread`].
    pub fn read<T>(&self, take: impl Fn(&[u8], &Passwords) -> Result<T, StoreError>) -> Result<T, Unread> {
        let unread = |path: &str, error: std::io::Error| Unread::File(format!("{path}: {error}"));
        let (name, bytes) = match &self.source {
            Source::Text(text) => ("the certificates that stand in the settings", text.clone().into_bytes()),
            Source::File(path) => {
                let length = std::fs::metadata(path).map_err(|error| unread(path, error))?.len();
                if length > MAX_BYTES {
                    return Err(Unread::File(format!("{path}: it has more than {} MiB", MAX_BYTES >> 20)));
                }
                (path.as_str(), std::fs::read(path).map_err(|error| unread(path, error))?)
            }
        };
        take(&bytes, &self.passwords).map_err(|problem| Unread::Store(name.to_owned(), problem))
    }
}
