//! Regular expressions. Patterns are the `regex` crate's: Java's look-around and back-references are refused.

use std::cell::RefCell;

use regex::{Captures, Regex};

use super::row::{Row, int, text};
use super::{Category, Context, Function, Variation};
use crate::types::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "REGEXP_EXTRACT",
        Category::RegularExpression,
        &[
            Variation::row("(VARCHAR pattern, VARCHAR input) VARCHAR", extract).says(
                "Returns first substring of the input that matches the given regex pattern",
                &["The regex pattern", "The input string to apply regex on"],
            ),
            Variation::row("(VARCHAR pattern, VARCHAR input, INT group) VARCHAR", extract).says(
                "Returns the first substring of the input that matches the regex pattern and the capturing group number \
                 specified",
                &["The regex pattern", "The input string to apply regex on", "The capturing group number"],
            ),
        ],
    )
    .spelled("regexp_extract")
    .says("extract the first subtring matched by a regex pattern")
    .example("REGEXP_EXTRACT('(.*) (.*)', 'hello there', 2)", "there"),
    Function::scalar(
        "REGEXP_EXTRACT_ALL",
        Category::RegularExpression,
        &[
            Variation::row("(VARCHAR pattern, VARCHAR input) ARRAY<VARCHAR>", extract_all),
            Variation::row("(VARCHAR pattern, VARCHAR input, INT group) ARRAY<VARCHAR>", extract_all),
        ],
    )
    .spelled("regexp_extract_all")
    .says("Every part of a text that matches a pattern, or a group of it.")
    .example("REGEXP_EXTRACT_ALL('[a-z]+', 'ab 1 cd')", "[ab, cd]"),
    Function::scalar(
        "REGEXP_REPLACE",
        Category::RegularExpression,
        &[Variation::row("(VARCHAR str, VARCHAR regexp, VARCHAR newStr) VARCHAR", replace)],
    )
    .spelled("regexp_replace")
    .says("The text with every match of a pattern replaced; `$1` in the new text is the first group.")
    .example("REGEXP_REPLACE('abcd', '(.)(.)', '$2$1')", "badc"),
    Function::scalar(
        "REGEXP_SPLIT_TO_ARRAY",
        Category::RegularExpression,
        &[Variation::row("(VARCHAR string, VARCHAR regexp) ARRAY<VARCHAR>", split)],
    )
    .spelled("regexp_split_to_array")
    .says("The text, cut at every match of a pattern.")
    .example("REGEXP_SPLIT_TO_ARRAY('aabcda', '(ab|cd)')", "[a, , a]"),
];

thread_local! {
    /// The last pattern, compiled: most calls have a constant one.
    static LAST: RefCell<Option<(String, Regex)>> = const { RefCell::new(None) };
}

fn with_regex<T>(pattern: &str, apply: impl FnOnce(&Regex) -> T) -> Result<T, String> {
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(known, _)| known != pattern) {
            let regex =
                Regex::new(pattern).map_err(|error| format!("'{pattern}' is no regular expression: {error}"))?;
            *last = Some((pattern.to_owned(), regex));
        }
        last.as_ref().map(|(_, regex)| apply(regex)).ok_or_else(String::new)
    })
}

fn group(args: &[Value]) -> Result<usize, String> {
    if args.len() < 3 {
        return Ok(0);
    }
    let group = int(args, 2)?;
    usize::try_from(group).map_err(|_| format!("there is no group {group}"))
}

fn captured(captures: &Captures<'_>, group: usize) -> Value {
    captures.get(group).map_or(Value::Null, |found| Value::String(found.as_str().to_owned()))
}

fn extract(args: &[Value], _: &Context<'_>) -> Row {
    let (input, group) = (text(args, 1)?, group(args)?);
    with_regex(text(args, 0)?, |regex| regex.captures(input).map_or(Value::Null, |captures| captured(&captures, group)))
}

fn extract_all(args: &[Value], _: &Context<'_>) -> Row {
    let (input, group) = (text(args, 1)?, group(args)?);
    with_regex(text(args, 0)?, |regex| {
        if group >= regex.captures_len() {
            return Value::Null;
        }
        Value::Array(regex.captures_iter(input).map(|captures| captured(&captures, group)).collect())
    })
}

fn replace(args: &[Value], _: &Context<'_>) -> Row {
    let (input, new) = (text(args, 0)?, text(args, 2)?);
    with_regex(text(args, 1)?, |regex| {
        let mut out = String::with_capacity(input.len());
        let mut end = 0;
        for captures in regex.captures_iter(input) {
            let Some(whole) = captures.get(0) else { continue };
            out.push_str(input.get(end..whole.start()).unwrap_or_default());
            expand(new, &captures, &mut out)?;
            end = whole.end();
        }
        out.push_str(input.get(end..).unwrap_or_default());
        Ok(Value::String(out))
    })?
}

/// Java's replacement text: `$1`, `${name}`, `\` before a literal character.
fn expand(new: &str, captures: &Captures<'_>, out: &mut String) -> Result<(), String> {
    let mut rest = new.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push(rest.next().ok_or("character to be escaped is missing")?),
            '$' if rest.peek() == Some(&'{') => {
                rest.next();
                let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
                out.push_str(captures.name(&name).map_or("", |found| found.as_str()));
            }
            '$' => {
                let mut group = rest.next().and_then(|c| c.to_digit(10)).ok_or("illegal group reference")? as usize;
                if group >= captures.len() {
                    return Err(format!("there is no group {group}"));
                }
                // More digits belong to the number as long as there is such a group.
                while let Some(longer) =
                    rest.peek().and_then(|c| c.to_digit(10)).map(|digit| group * 10 + digit as usize)
                {
                    if longer >= captures.len() {
                        break;
                    }
                    group = longer;
                    rest.next();
                }
                out.push_str(captures.get(group).map_or("", |found| found.as_str()));
            }
            c => out.push(c),
        }
    }
    Ok(())
}

fn split(args: &[Value], _: &Context<'_>) -> Row {
    let (input, pattern) = (text(args, 0)?, text(args, 1)?);
    let part = |part: &str| Value::String(part.to_owned());
    if input.is_empty() {
        return Ok(Value::Array(vec![part("")]));
    }
    if pattern.is_empty() {
        return Ok(Value::Array(input.chars().map(|c| part(c.encode_utf8(&mut [0; 4]))).collect()));
    }
    with_regex(pattern, |regex| Value::Array(regex.split(input).map(part).collect()))
}
