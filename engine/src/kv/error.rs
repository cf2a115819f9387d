//! What goes wrong in the data directory.

use std::io;

use crate::incident::reported;

/// Why the data directory, or the database in it, could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// The request makes no sense (a name that is too long, …).
    #[error("{0}")]
    Invalid(String),
    /// A file of the data directory, or an entry of the database, is damaged.
    #[error("{file} is corrupt: {problem}")]
    Corrupt {
        /// The file, or the space of the database.
        file: String,
        /// What is wrong in it, and where.
        problem: String,
    },
    /// State is laid out in a way that is not known here.
    #[error(
        "the state in '{space}' was written by another version of Millstream (it holds {found}; this version knows \
         {known}). Start that version again, or let the query begin anew: drop what it makes, or terminate it, and create \
         it again"
    )]
    Layout {
        /// The store's space in the database.
        space: String,
        /// Kind and version of what is there.
        found: String,
        /// Kind and version that this version writes.
        known: String,
    },
    /// The data directory cannot be used (locked by another process, foreign files, no permission).
    #[error("{0}")]
    DataDir(String),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// The call and the file.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// The database failed.
    #[error("local store: {0}")]
    Store(String),
    /// Nothing can be written for now: the disk is full, say. Writing goes on by itself when that is over.
    #[error("the data directory cannot be written to: {0}")]
    Unwritable(String),
}

/// Result of this module's calls.
pub type Result<T> = std::result::Result<T, KvError>;

impl KvError {
    /// Whether the same call may well succeed a little later, without anybody doing anything about it.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Unwritable(_))
    }

    /// What a client is told of it; the operator learns all of it.
    pub fn told(&self) -> String {
        let what = match self {
            Self::Invalid(_) | Self::Layout { .. } => return self.to_string(),
            // It has been reported once; whoever tries again meanwhile adds nothing.
            Self::Unwritable(_) => return self.to_string(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "The server's disk is full",
            Self::Io { .. } | Self::DataDir(_) | Self::Store(_) => "The server could not use its data directory",
            Self::Corrupt { .. } => "Data of the server is damaged",
        };
        reported(what, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_learn_what_and_a_number_but_no_file() {
        let source = io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
        let told = KvError::Io { what: "writing /data/topics/a".to_owned(), source }.told();
        assert!(told.starts_with("The server's disk is full. The server's log has more about it under "), "{told}");
        assert!(!told.contains("/data"), "{told}");
        let told = KvError::Invalid("the name 'a' will not do".to_owned()).told();
        assert_eq!(told, "the name 'a' will not do");
    }
}
