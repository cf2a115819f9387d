//! Statements of the history: by short names, `!!`, `!3`, `!-2`, `!SEL`, `^old^new`; and as they may stand in a file.

use std::path::PathBuf;

use rustyline::Config;
use rustyline::history::{DefaultHistory, History};

use crate::credentials;
use crate::entry::Entry;

/// What was typed, in a file that outlives the shell: without passwords, which only the shell that is open remembers.
pub(crate) struct Kept {
    file: PathBuf,
    entries: DefaultHistory,
}

impl Kept {
    /// What earlier shells have left in a file, if there is one.
    pub(crate) fn open(file: PathBuf, config: &Config) -> Self {
        let mut entries = DefaultHistory::with_config(config);
        // A first run has no history file.
        let _ = entries.load(&file);
        let clean: Vec<String> = entries.iter().map(|entry| without_secrets(entry)).collect();
        if !clean.iter().eq(entries.iter()) {
            // Versions before kept passwords, too.
            let mut cleaned = DefaultHistory::with_config(config);
            let added = clean.iter().try_for_each(|entry| cleaned.add(entry).map(drop));
            let _ = added.and_then(|()| cleaned.save(&file));
            entries = cleaned;
        }
        Self { file, entries }
    }

    /// All of it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(String::as_str)
    }

    /// Adds what was typed. The shell goes on without a history file.
    pub(crate) fn add(&mut self, typed: &str) {
        // Only what is new is written: another shell may write there too.
        let _ = self.entries.add(&without_secrets(typed)).and_then(|_| self.entries.append(&self.file));
    }
}

/// What was typed as it may stand in a file: without passwords, without what a connector is told.
pub(crate) fn without_secrets(typed: &str) -> String {
    let typed = typed.trim();
    let mut entry = Entry::of(typed);
    let (mut shown, mut copied) = (String::new(), 0);
    while let Some(span) = entry.next(true) {
        let (text, written) = (entry.slice(span), entry.as_written(span));
        let (start, end) = (written.start as usize, written.end as usize);
        shown.push_str(&sql::without_credentials(typed.get(copied..start).unwrap_or_default()));
        shown.push_str(&match server_url(text) {
            Some((command, url)) => format!("{command}{}", credentials::without_password(url)),
            None => sql::masked_text(typed.get(start..end).unwrap_or(text)),
        });
        copied = end;
    }
    shown + &sql::without_credentials(typed.get(copied..).unwrap_or_default())
}

/// The command `server URL` in front of the URL, and that.
fn server_url(command: &str) -> Option<(&str, &str)> {
    let word = command.get(.."server".len()).filter(|word| word.eq_ignore_ascii_case("server"))?;
    let rest = command.strip_prefix(word)?;
    let url = rest.trim_start();
    (url.len() < rest.len()).then(|| command.split_at(command.len() - url.len()))
}

/// Whether a text is one of them: the first character decides, as no statement begins with it.
pub(crate) fn is_event(typed: &str) -> bool {
    typed.starts_with(['!', '^'])
}

/// What a text stands for, if it is a short name; or why it stands for nothing.
pub(crate) fn expand(typed: &str, entries: &[&str]) -> Option<Result<String, String>> {
    let event = typed.trim().trim_end_matches(';').trim_end();
    let found = if let Some(change) = event.strip_prefix('^') {
        changed(change, entries)
    } else {
        entry(event.strip_prefix('!')?, entries).map(str::to_owned)
    };
    Some(found.ok_or_else(|| format!("{event}: there is no such statement in the history")))
}

/// `old^new`: the last entry with another part.
fn changed(change: &str, entries: &[&str]) -> Option<String> {
    let (old, new) = change.split_once('^')?;
    let new = new.strip_suffix('^').unwrap_or(new);
    entries.last().filter(|last| !old.is_empty() && last.contains(old)).map(|last| last.replacen(old, new, 1))
}

/// `!`: the last one; a number: as `history` counts; below 0: from the end; else the last that begins so.
fn entry<'a>(name: &str, entries: &[&'a str]) -> Option<&'a str> {
    if name == "!" {
        return entries.last().copied();
    }
    if let Ok(number) = name.parse::<isize>() {
        let at = if number < 0 { entries.len().checked_add_signed(number) } else { usize::try_from(number - 1).ok() };
        return at.and_then(|at| entries.get(at)).copied();
    }
    let begins = |entry: &&str| entry.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    entries.iter().rev().copied().find(begins).filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_kept() {
        for (typed, kept) in [
            ("server http://zoe:sekret@h:1;", "server http://zoe@h:1;"),
            ("SERVER  'zoe:sekret@h:1'", "SERVER  'zoe@h:1'"),
            ("server http://h:1", "server http://h:1"),
            ("server zoe:sekret@h\nSHOW STREAMS;", "server zoe@h\nSHOW STREAMS;"),
            ("SHOW STREAMS; server http://zoe:se/kret@h -- x", "SHOW STREAMS; server http://zoe@h -- x"),
            ("/* http://zoe:sekret@h */ server zoe:se'kret@h", "/* http://[hidden]@h */ server zoe@h"),
            ("server \\\nzoe:sekret@h; SHOW TABLES;\n", "server zoe@h; SHOW TABLES;"),
            (
                "SHOW STREAMS; SET 'a.password' =\n 'sekret'; SHOW TA",
                "SHOW STREAMS; SET 'a.password' =\n '[string]'; SHOW TA",
            ),
            ("SELECT 'server zoe:it@h'\nFROM s;", "SELECT 'server zoe:it@h'\nFROM s;"),
            ("SET 'ssl.keystore.password'='sekret';", "SET 'ssl.keystore.password'='[string]';"),
            ("DEFINE password = 'sekret';", "DEFINE password = '[string]';"),
            (
                "CREATE SOURCE CONNECTOR c WITH ('connector.class'='Jdbc',\n 'connection.password'='sekret');",
                "CREATE SOURCE CONNECTOR c WITH ('connector.class'='Jdbc',\n 'connection.password'='[string]');",
            ),
            ("INSERT INTO s VALUES ('http://u:sekret@h');", "INSERT INTO s VALUES ('http://[hidden]@h');"),
            (" SELECT 'a@b' FROM servers; ", "SELECT 'a@b' FROM servers;"),
        ] {
            assert_eq!(without_secrets(typed), kept);
        }
    }

    #[test]
    fn short_names_of_statements() {
        let entries = ["SHOW STREAMS;", "SELECT a\nFROM s;", "SHOW TABLES;"];
        let expanded = |typed: &str| expand(typed, &entries).unwrap();
        assert_eq!(expanded("!!").unwrap(), "SHOW TABLES;");
        assert_eq!(expanded("!2").unwrap(), "SELECT a\nFROM s;");
        assert_eq!(expanded("!-3;").unwrap(), "SHOW STREAMS;");
        assert_eq!(expanded("!sel").unwrap(), "SELECT a\nFROM s;");
        assert_eq!(expanded("^TABLES^TYPES").unwrap(), "SHOW TYPES;");
        assert_eq!(expanded("^TABLES^TYPES^").unwrap(), "SHOW TYPES;");
        for typed in ["!4", "!0", "!-4", "!", "!DROP", "^nothing^a", "^", "!9999999999999999999999"] {
            assert_eq!(expanded(typed).unwrap_err(), format!("{typed}: there is no such statement in the history"));
        }
        assert!(expand("SHOW STREAMS;", &entries).is_none());
        assert!(expand("!!", &[]).unwrap().is_err());
    }
}
