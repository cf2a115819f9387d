//! Problems of records in few words. One is kept for each bad record, and names in a schema may be megabytes.

/// Bytes of a problem.
const BYTES_MAX: usize = 1024;

/// The beginning of a text that stands in a problem.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BYTES_MAX)).unwrap_or(text)
}

/// A problem that is kept.
pub(crate) fn short(mut problem: String) -> String {
    problem.truncate(problem.floor_char_boundary(BYTES_MAX));
    problem.shrink_to_fit();
    problem
}

/// The path of a part of what stands at another path, up to where the text is cut anyway.
pub(crate) fn join(path: &str, part: &str) -> String {
    match BYTES_MAX.checked_sub(path.len()) {
        None | Some(0) => path.to_owned(),
        Some(room) => format!("{path}/{}", part.get(..part.floor_char_boundary(room)).unwrap_or_default()),
    }
}

/// The names on the way to what is wrong, up to where the text is cut anyway.
pub(super) fn path_of(names: &[String]) -> String {
    let mut path = String::new();
    for name in names {
        if path.len() > BYTES_MAX {
            break;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(cut(name));
    }
    short(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_short_whatever_names_stand_in_it() {
        let long = "ä".repeat(1 << 20);
        assert_eq!(short(long.clone()), "ä".repeat(512));
        assert_eq!(cut("short"), "short");
        assert_eq!(path_of(&["a".to_owned(), "b".to_owned()]), "a.b");
        assert_eq!(path_of(&["a".to_owned(), long.clone(), long.clone()]).len(), 1024);
        assert_eq!(join("#", "a"), "#/a");
        let cut = join("#", &long);
        assert!(cut.len() <= 1026 && cut.starts_with("#/ää"));
        assert_eq!(join(&join(&cut, "b"), &long).len(), cut.len());
    }
}
