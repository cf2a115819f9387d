//! What clients are told of errors that are none of theirs. Files, addresses and the words of libraries are for the operator
//! alone.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fmt, io};

use super::LogError;

impl LogError {
    /// What a client is told of it; the operator learns all of it.
    pub fn told(&self) -> String {
        let what = match self {
            Self::UnknownTopic(_) | Self::UnknownPartition { .. } | Self::TopicExists(_) | Self::Invalid(_) => {
                return self.to_string();
            }
            // It has been reported once; whoever tries again meanwhile adds nothing.
            Self::Unwritable(_) => return self.to_string(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "The server's disk is full",
            Self::Io { .. } | Self::DataDir(_) | Self::Store(_) => "The server could not use its data directory",
            Self::Corrupt { .. } => "Data of the server is damaged",
            Self::Broker(_) => "Kafka did not do what it was asked for",
        };
        reported(what, self)
    }
}

/// Reports a problem to the operator under a number; the text for the client says what happened, and that number.
pub fn reported(what: &str, problem: &dyn fmt::Display) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Unlike any other in the logs that are kept, and short enough to be read out.
    let id = format!("{:x}-{}", since.as_secs(), NEXT.fetch_add(1, Ordering::Relaxed));
    tracing::error!(id, "{what}: {problem}");
    format!("{what}. The server's log has more about it under {id}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_learn_what_and_a_number_but_no_file() {
        let source = io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
        let told = LogError::Io { what: "writing /data/topics/a".to_owned(), source }.told();
        assert!(told.starts_with("The server's disk is full. The server's log has more about it under "), "{told}");
        assert!(!told.contains("/data"), "{told}");
        assert_eq!(LogError::UnknownTopic("a".to_owned()).told(), "topic a does not exist");
    }
}
