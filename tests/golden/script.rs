//! A script, and its pieces for modes that do not run it in one go.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::repository;
use libtest_mimic::Failed;

/// A script with what it must show.
pub(crate) struct Script {
    file: PathBuf,
}

/// A script in two parts, each as long as the whole: what belongs to the other part is blank.
pub(crate) struct Halves {
    pub(crate) first: String,
    /// Starts with what the first part did to its session.
    pub(crate) second: String,
    /// Only that.
    pub(crate) session: String,
}

impl Script {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    /// Its name from the root of the checkout: errors name the file as it was given.
    pub(crate) fn name(&self) -> &Path {
        self.file.strip_prefix(repository()).unwrap_or(&self.file)
    }

    pub(crate) fn text(&self) -> Result<String, Failed> {
        Ok(fs::read_to_string(&self.file)?)
    }

    /// The settings its server needs, as `-- server: name=value` lines of the script say.
    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>, Failed> {
        let text = self.text()?;
        let settings = text.lines().filter_map(|line| line.strip_prefix("-- server: ")?.split_once('='));
        Ok(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Where what it must show stands.
    pub(crate) fn expected_file(&self) -> PathBuf {
        self.file.with_extension("out")
    }

    pub(crate) fn expected(&self) -> Result<String, Failed> {
        let file = self.expected_file();
        let read = fs::read_to_string(&file);
        Ok(read.map_err(|e| format!("{}: {e}; UPDATE_GOLDEN=1 writes it", file.display()))?)
    }

    /// The script cut behind the statement in its middle.
    pub(crate) fn halves(&self) -> Result<Halves, Failed> {
        let text = self.text()?;
        let pieces = sql::split(&text);
        let in_first = &pieces[..pieces.len() / 2];
        let end = in_first.last().map_or(0, |piece| piece.span.end as usize);
        let (first, second) = text.split_at(end);
        let mut session = String::new();
        for piece in in_first.iter().filter(|piece| is_of_session(piece.text)) {
            let start = piece.span.start as usize;
            session.push_str(&blank(&text[session.len()..start]));
            session.push_str(piece.text);
        }
        session.push_str(&blank(&first[session.len()..]));
        Ok(Halves { first: first.to_owned(), second: format!("{session}{second}"), session })
    }

    /// The script over topics of three partitions where it says one.
    pub(crate) fn over_three_partitions(&self) -> Result<String, Failed> {
        let one = regex::Regex::new(r"(?i)\b(partitions\s*=\s*)1\b")?;
        Ok(one.replace_all(&self.text()?, "${1}3").into_owned())
    }
}

/// Whether a statement changes nothing but the shell's own session.
fn is_of_session(statement: &str) -> bool {
    let word = statement.split_whitespace().next().unwrap_or_default().to_uppercase();
    ["SET", "UNSET", "DEFINE", "UNDEFINE"].contains(&word.as_str())
}

/// As many bytes and lines of nothing.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}
