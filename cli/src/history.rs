//! Statements of the history by short names: `!!`, `!3`, `!-2`, `!SEL`, `^old^new`.

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
