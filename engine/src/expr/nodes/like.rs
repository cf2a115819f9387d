//! `LIKE`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use datafusion_common::Result;
use regex::Regex;

use super::{Frame, Operation};

/// `text LIKE pattern [ESCAPE c]`; wildcards do not match line ends, NULL is an error of the row.
#[derive(Debug)]
pub(in super::super) struct Like {
    pub(in super::super) escape: Option<char>,
}

impl Operation for Like {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let (text, pattern) = (frame.arg(0)?, frame.arg(1)?);
        let (texts, patterns) = (text.array.as_string::<i32>(), pattern.array.as_string::<i32>());
        let mut current: Option<(&str, Option<Regex>)> = None;
        let found = BooleanBuffer::collect_bool(frame.len(), |row| {
            if text.is_null(row) || pattern.is_null(row) {
                frame.fail(row, || "LIKE on NULL".to_owned());
                return false;
            }
            let wanted = patterns.value(pattern.index(row));
            if current.as_ref().is_none_or(|(known, _)| *known != wanted) {
                current = Some((wanted, Regex::new(&translate(wanted, self.escape)).ok()));
            }
            let regex = current.as_ref().and_then(|(_, regex)| regex.as_ref());
            regex.is_some_and(|regex| regex.is_match(texts.value(text.index(row))))
        });
        Ok(Arc::new(BooleanArray::new(found, None)))
    }
}

/// A LIKE pattern as a regular expression.
fn translate(pattern: &str, escape: Option<char>) -> String {
    const ANY: &str = "[^\\n\\r\\u{85}\\u{2028}\\u{2029}]";
    let mut out = String::from("\\A");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let (c, literal) = if Some(c) == escape { (chars.next().unwrap_or(c), true) } else { (c, false) };
        match c {
            '%' if !literal => {
                out.push_str(ANY);
                out.push('*');
            }
            '_' if !literal => out.push_str(ANY),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str("\\z");
    out
}
