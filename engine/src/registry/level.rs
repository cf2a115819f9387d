//! Compatibility levels and modes.

use serde::{Deserialize, Serialize};

/// What a new version of a subject must go with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Nothing.
    None,
    /// It reads what was written with the version before it.
    Backward,
    /// It reads what was written with any version.
    BackwardTransitive,
    /// What is written with it is read by the version before it.
    Forward,
    /// What is written with it is read by all versions.
    ForwardTransitive,
    /// Both, with the version before it.
    Full,
    /// Both, with all versions.
    FullTransitive,
}

impl Level {
    const ALL: [(&str, Self); 7] = [
        ("NONE", Self::None),
        ("BACKWARD", Self::Backward),
        ("BACKWARD_TRANSITIVE", Self::BackwardTransitive),
        ("FORWARD", Self::Forward),
        ("FORWARD_TRANSITIVE", Self::ForwardTransitive),
        ("FULL", Self::Full),
        ("FULL_TRANSITIVE", Self::FullTransitive),
    ];

    /// The level of that name, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| level)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, level)| *level == self).map_or("NONE", |(name, _)| name)
    }

    /// Whether the new version must read what the older ones wrote.
    pub(super) fn is_backward(self) -> bool {
        matches!(self, Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive)
    }

    /// Whether the older versions must read what the new one writes.
    pub(super) fn is_forward(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }

    /// Whether it counts for all versions.
    pub(super) fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Everything but choosing ids.
    Readwrite,
    /// Reading.
    Readonly,
    /// Reading, whatever is said of single subjects.
    ReadonlyOverride,
    /// Registering with ids that the client names, without looking at compatibility.
    Import,
    /// As [`Mode::Readwrite`], for what is handed on to another registry.
    Forward,
}

impl Mode {
    const ALL: [(&str, Self); 5] = [
        ("READWRITE", Self::Readwrite),
        ("READONLY", Self::Readonly),
        ("READONLY_OVERRIDE", Self::ReadonlyOverride),
        ("IMPORT", Self::Import),
        ("FORWARD", Self::Forward),
    ];

    /// The mode of that name, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, mode)| mode)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, mode)| *mode == self).map_or("READWRITE", |(name, _)| name)
    }

    /// Whether nothing may be changed.
    pub(super) fn is_readonly(self) -> bool {
        matches!(self, Self::Readonly | Self::ReadonlyOverride)
    }
}
