//! Regular expressions.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use regex::{Captures, Regex};

use super::columns::{Compiled, Kept, Numbers, Texts, nullable_texts, texts};
use super::java_regex::{compile, matches};
use super::nested::lists;
use super::{Batch, Category, Function, Variation};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "REGEXP_EXTRACT",
        Category::RegularExpression,
        &[
            Variation::batch("(VARCHAR pattern, VARCHAR input) VARCHAR", extract),
            Variation::batch("(VARCHAR pattern, VARCHAR input, INT group) VARCHAR", extract),
        ],
    )
    .spelled("regexp_extract")
    .says("The first part of a text that matches a pattern, or a group of it.")
    .example("REGEXP_EXTRACT('(.*) (.*)', 'hello there', 2)", "there"),
    Function::scalar(
        "REGEXP_EXTRACT_ALL",
        Category::RegularExpression,
        &[
            Variation::batch("(VARCHAR pattern, VARCHAR input) ARRAY<VARCHAR>", extract_all)
                .says("Every part that matches.", &["The pattern.", "The text."]),
            Variation::batch("(VARCHAR pattern, VARCHAR input, INT group) ARRAY<VARCHAR>", extract_all)
                .says("A group of every part that matches.", &["The pattern.", "The text.", "Number of the group."]),
        ],
    )
    .spelled("regexp_extract_all")
    .says("Every part of a text that matches a pattern, or a group of it.")
    .example("REGEXP_EXTRACT_ALL('[a-z]+', 'ab 1 cd')", "[ab, cd]"),
    Function::scalar(
        "REGEXP_REPLACE",
        Category::RegularExpression,
        &[Variation::batch("(VARCHAR str, VARCHAR regexp, VARCHAR newStr) VARCHAR", replace)
            .says("", &["The text.", "The pattern.", "What takes the place of every match."])],
    )
    .spelled("regexp_replace")
    .says("The text with every match of a pattern replaced; `$1` in the new text is the first group.")
    .example("REGEXP_REPLACE('abcd', '(.)(.)', '$2$1')", "badc"),
    Function::scalar(
        "REGEXP_SPLIT_TO_ARRAY",
        Category::RegularExpression,
        &[Variation::batch("(VARCHAR string, VARCHAR regexp) ARRAY<VARCHAR>", split)
            .says("", &["The text.", "The pattern."])],
    )
    .spelled("regexp_split_to_array")
    .says(
        "The text, cut at every match of a pattern. A pattern that matches nothing at all cuts between all characters.",
    )
    .example("REGEXP_SPLIT_TO_ARRAY('aabcda', '(ab|cd)')", "[a, , a]"),
];

thread_local! {
    static REGEXES: Kept<Regex> = Kept::new(HashMap::new());
}

fn regexes<'a>(batch: &Batch<'a>, i: usize) -> Result<Compiled<'a, Regex>, ArrowError> {
    Compiled::new(batch, i, &REGEXES, compile)
}

/// The group of every row: argument 2, or the whole match.
struct Groups<'a>(Option<Numbers<'a, Int32Type>>);

impl<'a> Groups<'a> {
    fn new(batch: &Batch<'a>) -> Result<Self, ArrowError> {
        Ok(Self(if batch.args.len() > 2 { Some(Numbers::new(batch, 2)?) } else { None }))
    }

    fn at(&self, row: usize) -> Result<usize, String> {
        let Some(numbers) = &self.0 else { return Ok(0) };
        usize::try_from(numbers.at(row)).map_err(|_| format!("No group {}", numbers.at(row)))
    }
}

fn extract(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (mut regexes, given, groups) = (regexes(batch, 0)?, Texts::new(batch, 1)?, Groups::new(batch)?);
    Ok(nullable_texts(batch, |row, out| {
        let found = regexes.at(row)?.captures(given.at(row));
        let group = groups.at(row)?;
        let part = found.as_ref().and_then(|found| found.get(group));
        out.push_str(part.map_or("", |part| part.as_str()));
        Ok(part.is_some())
    }))
}

fn extract_all(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (mut regexes, given, groups) = (regexes(batch, 0)?, Texts::new(batch, 1)?, Groups::new(batch)?);
    Ok(lists(batch, |row, parts| {
        let (regex, group) = (regexes.at(row)?, groups.at(row)?);
        if group >= regex.captures_len() {
            return Ok(false);
        }
        for found in matches(regex, given.at(row)) {
            parts.push_option(found.get(group).map(|part| part.as_str()));
        }
        Ok(true)
    }))
}

fn replace(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, mut regexes, new) = (Texts::new(batch, 0)?, regexes(batch, 1)?, Texts::new(batch, 2)?);
    Ok(texts(batch, |row, out| {
        let text = given.at(row);
        let mut end = 0;
        for found in matches(regexes.at(row)?, text) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(text.get(end..whole.start()).unwrap_or_default());
            expand(new.at(row), &found, out)?;
            end = whole.end();
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Ok(())
    }))
}

/// Java's replacement text: `$1`, `${name}`, `\` before a literal character.
fn expand(new: &str, captures: &Captures<'_>, out: &mut String) -> Result<(), String> {
    let mut rest = new.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push(rest.next().ok_or("character to be escaped is missing")?),
            '$' if rest.next_if_eq(&'{').is_some() => {
                let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
                out.push_str(captures.name(&name).map_or("", |found| found.as_str()));
            }
            '$' => {
                let mut group = rest.next().and_then(|c| c.to_digit(10)).ok_or("Illegal group reference")? as usize;
                if group >= captures.len() {
                    return Err(format!("No group {group}"));
                }
                // More digits belong to the number as long as there is such a group.
                while let Some(longer) =
                    rest.peek().and_then(|c| c.to_digit(10)).map(|digit| group * 10 + digit as usize)
                    && longer < captures.len()
                {
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

fn split(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, mut regexes) = (Texts::new(batch, 0)?, regexes(batch, 1)?);
    Ok(lists(batch, |row, parts| {
        let (text, regex) = (given.at(row), regexes.at(row)?);
        // A pattern that can be empty cuts as `String.split` does: no empty parts at the ends.
        let may_be_empty = regex.find("").is_some();
        let mut start = 0;
        for whole in matches(regex, text).filter_map(|found| found.get(0)) {
            if may_be_empty && whole.end() == 0 {
                continue;
            }
            parts.push(text.get(start..whole.start()).unwrap_or_default());
            start = whole.end();
        }
        parts.push(text.get(start..).unwrap_or_default());
        if may_be_empty {
            parts.trim();
        }
        Ok(true)
    }))
}

#[cfg(test)]
mod tests {
    use crate::expr::testing::{rows, table};

    #[test]
    fn regular_expressions() {
        let table = table(&["S STRING: Hello World | '' | a,b,,c | null", "P STRING: [a-z]+ | x* | ( | a"]);
        for (expression, expected) in [
            ("REGEXP_EXTRACT(P, S)", ["ello", "", "!null", "null"]),
            ("REGEXP_EXTRACT('(o)', S, 5)", ["null", "null", "null", "null"]),
            ("REGEXP_EXTRACT('(o)', S, -1)", ["!null", "!null", "!null", "null"]),
            ("REGEXP_EXTRACT_ALL('([a-z])([a-z])', S, 2)", ["[l, o, r, d]", "[]", "[]", "null"]),
            ("REGEXP_EXTRACT_ALL('[a-z]+', S)", ["[ello, orld]", "[]", "[a, b, c]", "null"]),
            ("REGEXP_REPLACE(S, '[aeo]', '<$0>')", ["H<e>ll<o> W<o>rld", "", "<a>,b,,c", "null"]),
            ("REGEXP_REPLACE(S, '(a)?', '$9')", ["!null", "!null", "!null", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY(S, '[ ,]+')", ["[Hello, World]", "[]", "[a, b, c]", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY(S, ',')", ["[Hello World]", "[]", "[a, b, , c]", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY(S, '')", ["[H, e, l, l, o,  , W, o, r, l, d]", "[]", "[a, ,, b, ,, ,, c]", "null"]),
        ] {
            assert_eq!(rows(expression, &table), expected, "{expression}");
        }
    }
}
