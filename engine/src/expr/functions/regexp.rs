//! Regular expressions.

use std::collections::HashMap;
use std::str::Chars;

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use super::columns::{Compiled, Kept, Numbers, Texts, append, nullable_texts, texts};
use super::java_regex::Pattern;
use super::nested::text_lists;
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
    static PATTERNS: Kept<Pattern> = Kept::new(HashMap::new());
}

fn patterns<'a>(batch: &Batch<'a>, i: usize) -> Result<Compiled<'a, Pattern>, ArrowError> {
    Compiled::new(batch, i, &PATTERNS, Pattern::new)
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
    let (mut patterns, given, groups) = (patterns(batch, 0)?, Texts::new(batch, 1)?, Groups::new(batch)?);
    Ok(nullable_texts(batch, |row, out| {
        let (pattern, text) = (patterns.at(row)?, given.at(row));
        let part = pattern.find(text, groups.at(row)?)?.and_then(|found| text.get(found));
        out.push_str(part.unwrap_or_default());
        Ok(part.is_some())
    }))
}

fn extract_all(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (mut patterns, given, groups) = (patterns(batch, 0)?, Texts::new(batch, 1)?, Groups::new(batch)?);
    Ok(text_lists(batch, |row, parts| {
        let (pattern, group, text) = (patterns.at(row)?, groups.at(row)?, given.at(row));
        if group >= pattern.group_count() {
            return Ok(false);
        }
        pattern.each_match(text, |_, groups| {
            parts.push_option(groups.get(group).and_then(|range| text.get(range)));
            Ok(())
        })?;
        Ok(true)
    }))
}

fn replace(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, mut patterns, new) = (Texts::new(batch, 0)?, patterns(batch, 1)?, Texts::new(batch, 2)?);
    Ok(texts(batch, |row, out| {
        let (text, pattern) = (given.at(row), patterns.at(row)?);
        let mut end = 0;
        pattern.each_match(text, |whole, groups| {
            append(batch, text.get(end..whole.start).unwrap_or_default(), out)?;
            end = whole.end;
            let group = |i| groups.get(i).and_then(|range| text.get(range)).unwrap_or_default();
            expand(new.at(row), pattern, group, |part| append(batch, part, out))
        })?;
        out.push_str(text.get(end..).unwrap_or_default());
        Ok(())
    }))
}

/// Java's replacement text: `$1`, `${name}`, `\` before a literal character.
fn expand<'t>(
    new: &str,
    pattern: &Pattern,
    group_text: impl Fn(usize) -> &'t str,
    mut push: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = new.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => push(rest.next().ok_or("character to be escaped is missing")?.encode_utf8(&mut [0; 4]))?,
            '$' if rest.as_str().starts_with('{') => {
                let named = &rest.as_str()[1..];
                let (name, after) = named.split_once('}').unwrap_or((named, ""));
                rest = after.chars();
                push(pattern.group_named(name).map_or("", &group_text))?;
            }
            '$' => {
                let digit =
                    |rest: &Chars<'_>| rest.clone().next().and_then(|c| c.to_digit(10)).map(|digit| digit as usize);
                let mut group = digit(&rest).ok_or("Illegal group reference")?;
                rest.next();
                if group >= pattern.group_count() {
                    return Err(format!("No group {group}"));
                }
                // More digits belong to the number as long as there is such a group.
                while let Some(longer) = digit(&rest).map(|digit| group * 10 + digit)
                    && longer < pattern.group_count()
                {
                    group = longer;
                    rest.next();
                }
                push(group_text(group))?;
            }
            c => push(c.encode_utf8(&mut [0; 4]))?,
        }
    }
    Ok(())
}

fn split(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, mut patterns) = (Texts::new(batch, 0)?, patterns(batch, 1)?);
    Ok(text_lists(batch, |row, parts| {
        let (text, pattern) = (given.at(row), patterns.at(row)?);
        // A pattern that can be empty cuts as `String.split` does: no empty parts at the ends.
        let may_be_empty = pattern.may_be_empty();
        let (mut start, mut ends_empty) = (0, false);
        pattern.each_match(text, |whole, _| {
            ends_empty = whole.is_empty() && whole.end == text.len();
            // An empty match that cuts off nothing cuts nothing.
            let nothing = if may_be_empty { 0 } else { start };
            if whole.end != nothing {
                parts.push(text.get(start..whole.start).unwrap_or_default());
                start = whole.end;
            }
            Ok(())
        })?;
        // Nor does one at the end of the text leave an empty part behind it.
        if start < text.len() || !ends_empty || may_be_empty {
            parts.push(text.get(start..).unwrap_or_default());
        }
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
            ("REGEXP_EXTRACT_ALL('(?<=l|r)[a-z]', S)", ["[l, o, l, d]", "[]", "[]", "null"]),
            ("REGEXP_REPLACE(S, '(.)\\1', '<$1>')", ["He<l>o World", "", "a,b<,>c", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY(S, '(?=[A-Z])')", ["[Hello , World]", "[]", "[a,b,,c]", "null"]),
            ("REGEXP_EXTRACT_ALL('[a-z]+', S)", ["[ello, orld]", "[]", "[a, b, c]", "null"]),
            ("REGEXP_REPLACE(S, '[aeo]', '<$0>')", ["H<e>ll<o> W<o>rld", "", "<a>,b,,c", "null"]),
            ("REGEXP_REPLACE('añb', '(?<x>a)(.)', '<${x}${y}$2$10$1\\$>')", ["<aña0a$>b"; 4]),
            ("REGEXP_REPLACE('ab', 'b', '$')", ["!null"; 4]),
            ("REGEXP_REPLACE(S, '(a)?', '$9')", ["!null", "!null", "!null", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY(S, '[ ,]+')", ["[Hello, World]", "[]", "[a, b, c]", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY(S, ',')", ["[Hello World]", "[]", "[a, b, , c]", "null"]),
            ("REGEXP_SPLIT_TO_ARRAY('a,b,', '(?<=,)')", ["[a,, b,]"; 4]),
            ("REGEXP_SPLIT_TO_ARRAY('a,b,', ',')", ["[a, b, ]"; 4]),
            ("REGEXP_SPLIT_TO_ARRAY(S, '')", ["[H, e, l, l, o,  , W, o, r, l, d]", "[]", "[a, ,, b, ,, ,, c]", "null"]),
        ] {
            assert_eq!(rows(expression, &table), expected, "{expression}");
        }
    }
}
