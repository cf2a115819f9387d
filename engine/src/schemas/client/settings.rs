//! What the client of a registry is told.

pub use crate::keystore::{Source, Store};

/// How a registry is reached.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// `http://HOST:PORT/PATH`, in the order in which they are tried.
    pub urls: Vec<String>,
    /// User and password; without them those that stand in the URL.
    pub user: Option<(String, String)>,
    /// Whom to trust; nobody said: the authorities that browsers trust.
    pub trusted: Option<Store>,
    /// The client's own certificate and key.
    pub own: Option<Store>,
}

/// Which part of the settings will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// [`ClientSettings::urls`].
    Urls,
    /// [`ClientSettings::trusted`].
    Trusted,
    /// [`ClientSettings::own`].
    Own,
}

impl std::fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSettings").field("servers", &self.urls.len()).finish_non_exhaustive()
    }
}
