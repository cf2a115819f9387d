//! `java.util.regex` patterns. Classes mean what they mean in Java (`\d` is ASCII, `.` stops at every line end). The `regex`
//! crate searches in time that is linear in the text; what it has not got (look-around, back-references, atomic groups,
//! possessive quantifiers) is searched for by trying, with `fancy-regex`, in texts that are not long, and not for ever.

use std::cell::RefCell;
use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;
use std::time::{Duration, Instant};

use fancy_regex::Captures;
use regex::{CaptureLocations, Regex, RegexBuilder};

/// What a compiled pattern may take, in bytes; the smallest that is enough says how long a search may be for each byte of
/// the text.
const PROGRAM_BYTES: [usize; 5] = [1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20];
/// Bytes of the program times bytes of the text in a search: a search that goes through every state of the program at every
/// byte takes about 5 s then, most take a thousandth.
const SEARCH_COST: usize = 1 << 35;
/// How long all matches of a text may be searched for. Each search may read the rest of the text (`a[^b]*b|a` does in
/// `aaaa`), so that searches together take the square of its length.
const PATIENCE: Duration = Duration::from_secs(5);
/// The clock is looked at whenever searches may have cost this much together.
const COST_BETWEEN_LOOKS: usize = SEARCH_COST / 4;

/// How many ways of matching are tried in one search, and in how long a text: each way may read all of it, so that a search
/// takes 2^33 steps at most, some seconds.
const WAYS: usize = 1 << 19;
const TRIED_BYTES: usize = 1 << 14;

/// A pattern of Java.
pub(super) struct Pattern {
    program: Program,
    patience: Duration,
}

enum Program {
    /// With room for the groups of its last match.
    Linear { regex: Regex, bytes: usize, groups: RefCell<CaptureLocations> },
    /// Tries one way after the other.
    Trying(fancy_regex::Regex),
}

/// The groups of a match.
pub(super) enum Groups<'a> {
    Linear(&'a CaptureLocations),
    Trying(&'a Captures<'a, str>),
}

impl Groups<'_> {
    /// Where a group stands, if it took part.
    pub(super) fn get(&self, group: usize) -> Option<Range<usize>> {
        match self {
            Self::Linear(groups) => groups.get(group).map(|(start, end)| start..end),
            Self::Trying(groups) => groups.get(group).map(|found| found.start()..found.end()),
        }
    }
}

impl Pattern {
    /// Compiles a pattern; the error says what is wrong with it or not supported.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        Ok(Self { program: compile(pattern)?, patience: PATIENCE })
    }

    /// Number of groups, the whole match among them.
    pub(super) fn group_count(&self) -> usize {
        match &self.program {
            Program::Linear { regex, .. } => regex.captures_len(),
            Program::Trying(regex) => regex.captures_len(),
        }
    }

    /// Number of a group that has a name.
    pub(super) fn group_named(&self, name: &str) -> Option<usize> {
        match &self.program {
            Program::Linear { regex, .. } => regex.capture_names().position(|known| known == Some(name)),
            Program::Trying(regex) => regex.capture_names().position(|known| known == Some(name)),
        }
    }

    /// Whether it matches nothing at all.
    pub(super) fn may_be_empty(&self) -> bool {
        match &self.program {
            Program::Linear { regex, .. } => regex.is_match(""),
            Program::Trying(regex) => regex.is_match("").unwrap_or(false),
        }
    }

    /// Where a group of the first match stands in a text.
    ///
    /// # Errors
    /// The text is too long for the pattern, or the search takes too long.
    pub(super) fn find(&self, text: &str, group: usize) -> Result<Option<Range<usize>>, String> {
        let mut found = None;
        self.check_length(text)?;
        self.search(text, 0, |_, groups| found = groups.get(group))?;
        Ok(found)
    }

    /// Calls `each` with the whole and the groups of every match, as `Matcher.find` finds them: an empty one may follow
    /// right after another.
    ///
    /// # Errors
    /// Those of `each`; the text is too long for the pattern; its matches take too long.
    pub(super) fn each_match(
        &self,
        text: &str,
        mut each: impl FnMut(Range<usize>, &Groups<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.check_length(text)?;
        let (mut start, mut cost, mut deadline) = (0, 0, None);
        while start <= text.len() {
            cost += self.cost(text.len() - start);
            if cost > COST_BETWEEN_LOOKS {
                cost = 0;
                let now = Instant::now();
                if now > *deadline.get_or_insert(now + self.patience) {
                    return Err(format!("the matches of a regular expression take more than {} s", PATIENCE.as_secs()));
                }
            }
            let mut told = Ok(());
            let is_over = !self.search(text, start, |range, groups| {
                start = range.end;
                if range.is_empty() {
                    start += text.get(range.end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                }
                told = each(range, groups);
            })?;
            told?;
            if is_over {
                break;
            }
        }
        Ok(())
    }

    /// Calls `found` with the first match from `start` on; says whether there is one.
    fn search(&self, text: &str, start: usize, found: impl FnOnce(Range<usize>, &Groups<'_>)) -> Result<bool, String> {
        match &self.program {
            Program::Linear { regex, groups, .. } => {
                let mut groups = groups.borrow_mut();
                let whole = regex.captures_read_at(&mut groups, text, start).map(|whole| whole.range());
                let is_there = whole.is_some();
                if let Some(whole) = whole {
                    found(whole, &Groups::Linear(&groups));
                }
                Ok(is_there)
            }
            Program::Trying(regex) => {
                let groups = regex.captures_from_pos(text, start).map_err(|_| {
                    format!("a regular expression with look-around or back-references took more than {WAYS} attempts")
                })?;
                let whole = groups.as_ref().and_then(|groups| groups.get(0)).map(|whole| whole.start()..whole.end());
                match whole.zip(groups.as_ref()) {
                    Some((whole, groups)) => found(whole, &Groups::Trying(groups)),
                    None => return Ok(false),
                }
                Ok(true)
            }
        }
    }

    /// What a search through so many bytes may cost.
    fn cost(&self, bytes: usize) -> usize {
        match &self.program {
            Program::Linear { bytes: program, .. } => program * bytes,
            Program::Trying(_) => COST_BETWEEN_LOOKS + 1,
        }
    }

    fn check_length(&self, text: &str) -> Result<(), String> {
        let (at_most, what) = match &self.program {
            Program::Linear { bytes, .. } => (SEARCH_COST / bytes, "of this size"),
            Program::Trying(_) => (TRIED_BYTES, "with look-around or back-references"),
        };
        if text.len() > at_most {
            return Err(format!(
                "a text of {} bytes is too long for a regular expression {what}: at most {at_most}",
                text.len()
            ));
        }
        Ok(())
    }
}

/// A pattern as a program: the smallest of `PROGRAM_BYTES` that it fits in, if it can be searched for in linear time.
fn compile(pattern: &str) -> Result<Program, String> {
    let refused = |why: &str| format!("'{pattern}' is not a regular expression that is supported: {why}");
    let last_line = |message: &str| {
        let line = message.lines().last().unwrap_or_default();
        refused(line.trim_start_matches("error: "))
    };
    let translated = Translator::new(pattern, false).translate().map_err(|why| refused(&why))?;
    let Some(translated) = translated else {
        let translated = Translator::new(pattern, true).translate().map_err(|why| refused(&why))?;
        let mut builder = fancy_regex::RegexBuilder::new(&translated.unwrap_or_default());
        builder.backtrack_limit(WAYS).delegate_size_limit(PROGRAM_BYTES[2]);
        return builder.build().map(Program::Trying).map_err(|error| last_line(&error.to_string()));
    };
    let mut failure = None;
    for bytes in PROGRAM_BYTES {
        match RegexBuilder::new(&translated).size_limit(bytes).build() {
            Ok(regex) => {
                let groups = RefCell::new(regex.capture_locations());
                return Ok(Program::Linear { regex, bytes, groups });
            }
            Err(regex::Error::Syntax(message)) => return Err(last_line(&message)),
            Err(error) => failure = Some(error.to_string()),
        }
    }
    Err(refused(&failure.unwrap_or_default()))
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    /// How many classes are open.
    depth: usize,
    /// `.` means every character.
    dot_all: bool,
    /// The last thing was a quantifier.
    quantified: bool,
    /// Groups with a number so far.
    groups: u32,
    /// It is for a program that tries.
    tries: bool,
    /// It can be searched for by trying only.
    must_try: bool,
}

impl<'a> Translator<'a> {
    fn new(pattern: &'a str, tries: bool) -> Self {
        // A flag group with an s: `(?s)`, `(?is:`.
        let dot_all = pattern
            .split("(?")
            .skip(1)
            .any(|group| group.chars().take_while(char::is_ascii_alphabetic).any(|flag| flag == 's'));
        let out = String::with_capacity(pattern.len() + 16);
        let rest = pattern.chars().peekable();
        Self { rest, out, depth: 0, dot_all, quantified: false, groups: 0, tries, must_try: false }
    }

    /// The pattern as the crates write it; `None`: it is for a program that does not try, and cannot be.
    fn translate(mut self) -> Result<Option<String>, String> {
        while let Some(c) = self.rest.next() {
            if self.depth > 0 {
                self.in_class(c)?;
            } else {
                self.outside(c)?;
            }
        }
        Ok(Some(self.out).filter(|_| self.tries || !self.must_try))
    }

    fn outside(&mut self, c: char) -> Result<(), String> {
        let quantifier = matches!(c, '*' | '+' | '?' | '}');
        // `a*+` gives nothing back.
        self.must_try |= c == '+' && self.quantified;
        // `a+?` is one quantifier; what follows it is none of its.
        self.quantified = quantifier && !(c == '?' && self.quantified);
        match c {
            '\\' => self.escape()?,
            '[' => self.open_class(),
            '.' if !self.dot_all => self.out.push_str("[^\\n\\r\\u{85}\\u{2028}\\u{2029}]"),
            '(' => self.open_group(),
            c => self.out.push(c),
        }
        Ok(())
    }

    fn open_group(&mut self) {
        self.out.push('(');
        // `(?` is no quantifier.
        if self.rest.next_if_eq(&'?').is_none() {
            self.groups += 1;
            return;
        }
        self.out.push('?');
        let mut rest = self.rest.clone();
        match (rest.next(), rest.next()) {
            (Some('=' | '!' | '>'), _) | (Some('<'), Some('=' | '!')) => self.must_try = true,
            (Some('<'), _) => self.groups += 1,
            _ => {}
        }
    }

    /// A back-reference: Java takes more digits as long as there is such a group.
    fn back_reference(&mut self, first: char) {
        self.must_try = true;
        let mut number = first.to_digit(10).unwrap_or_default();
        while let Some(longer) = self.rest.peek().and_then(|c| c.to_digit(10)).map(|digit| number * 10 + digit)
            && longer <= self.groups
        {
            number = longer;
            self.rest.next();
        }
        self.out.push_str(&format!("(?:\\{number})"));
    }

    fn open_class(&mut self) {
        self.depth += 1;
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        // A bracket that stands first is itself.
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str("\\]");
        }
    }

    fn in_class(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape()?,
            '[' => self.open_class(),
            ']' => {
                self.depth -= 1;
                self.out.push(']');
            }
            // Only `&&` is an operator in Java.
            '-' | '~' if self.rest.peek() == Some(&c) => {
                self.out.push('\\');
                self.out.push(c);
            }
            c => self.out.push(c),
        }
        Ok(())
    }

    /// Characters of a class, which may stand inside another.
    fn class(&mut self, members: &str, negated: bool) {
        match (self.depth > 0, negated) {
            (true, false) => self.out.push_str(members),
            (_, true) => self.out.push_str(&format!("[^{members}]")),
            (false, false) => self.out.push_str(&format!("[{members}]")),
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        const HORIZONTAL: &str = " \\t\\u{a0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}";
        let Some(c) = self.rest.next() else { return Err("nothing follows the last backslash".to_owned()) };
        match c {
            'd' | 'D' => self.class("0-9", c == 'D'),
            'w' | 'W' => self.class("a-zA-Z0-9_", c == 'W'),
            's' | 'S' => self.class(" \\t\\n\\x0b\\f\\r", c == 'S'),
            'h' | 'H' => self.class(HORIZONTAL, c == 'H'),
            'v' | 'V' => self.class("\\n\\x0b\\f\\r\\u{85}\\u{2028}\\u{2029}", c == 'V'),
            'p' | 'P' => self.property(c == 'P'),
            'b' if self.depth == 0 => self.out.push_str(if self.tries { "\\b" } else { "(?-u:\\b)" }),
            'R' => self.out.push_str("(?:\\r\\n|[\\n\\x0b\\f\\r\\u{85}\\u{2028}\\u{2029}])"),
            'Z' => self.out.push_str("\\n?\\z"),
            'e' => self.out.push_str("\\x1b"),
            'Q' => self.quote(),
            '0' => {
                let mut code = 0;
                while let Some(digit) =
                    self.rest.peek().and_then(|c| c.to_digit(8)).filter(|digit| code * 8 + digit <= 0o377)
                {
                    code = code * 8 + digit;
                    self.rest.next();
                }
                self.out.push_str(&format!("\\x{{{code:x}}}"));
            }
            'B' | 'A' | 'z' | 'n' | 't' | 'r' | 'f' | 'a' | 'x' | 'u' => {
                self.out.push('\\');
                self.out.push(c);
            }
            '1'..='9' if self.depth == 0 => self.back_reference(c),
            'k' if self.depth == 0 => {
                self.must_try = true;
                self.out.push_str("\\k");
            }
            c if c.is_ascii_alphabetic() => return Err(format!("Illegal/unsupported escape sequence \\{c}")),
            c => self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    /// `\Q…\E`
    fn quote(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// `\p{Alpha}`, `\pL`; those of POSIX are ASCII, the others Unicode's.
    fn property(&mut self, negated: bool) {
        let name: String = match self.rest.next_if_eq(&'{') {
            Some(_) => self.rest.by_ref().take_while(|c| *c != '}').collect(),
            None => self.rest.next().map(String::from).unwrap_or_default(),
        };
        let members = match name.as_str() {
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "Alpha" => "a-zA-Z",
            "Digit" => "0-9",
            "Alnum" => "a-zA-Z0-9",
            "XDigit" => "0-9a-fA-F",
            "ASCII" => "\\x00-\\x7f",
            "Cntrl" => "\\x00-\\x1f\\x7f",
            "Graph" => "!-~",
            "Print" => " -~",
            "Blank" => " \\t",
            "Space" => " \\t\\n\\x0b\\f\\r",
            "Punct" => "!-/:-@\\[-`{-~",
            _ => {
                let name = name.strip_prefix("Is").or_else(|| name.strip_prefix("java")).unwrap_or(&name);
                self.out.push_str(&format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' }));
                return;
            }
        };
        self.class(members, negated);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_java() {
        for (pattern, text, found) in [
            ("\\d+", "٣12", Some("12")),
            ("\\w+", "é_a1", Some("_a1")),
            ("[\\d&&[^3]]+", "3124", Some("124")),
            ("[^\\s,]+", " ,ab", Some("ab")),
            ("a.c", "a\rc", None),
            ("(?s)a.c", "a\nc", Some("a\nc")),
            ("\\bfoo\\b", "a foo.", Some("foo")),
            ("\\Qa.b\\E+", "a.bb", Some("a.bb")),
            ("\\p{Alpha}+", "1ab", Some("ab")),
            ("\\p{IsGreek}+", "aλ", Some("λ")),
            ("[a--z]+", "-a", Some("-a")),
            ("\\<b\\>", "<b>", Some("<b>")),
            ("(?<n>x)(?:y)", "xy", Some("xy")),
            ("\\u0041\\x42", "AB", Some("AB")),
            ("a{1,2}?", "aa", Some("a")),
            ("x*?y", "xxy", Some("xxy")),
            ("\\-\\ \\/", "- /", Some("- /")),
            ("a(?=b)", "acab", Some("a")),
            ("\\w+(?!\\w|:)", "ab: cd", Some("cd")),
            ("(?<=\\$)\\d+", "1 $23", Some("23")),
            ("(?<!-)\\b\\d+", "-1 23", Some("23")),
            ("(a|b)\\1", "abba", Some("bb")),
            ("(a|b)\\10", "abb0", Some("bb0")),
            ("(?<q>['x]).*?\\k<q>", "a 'b' c", Some("'b'")),
            ("a*+a", "aaa", None),
            ("(?>a|ab)c", "abc", None),
            ("[\\d&&[^3]]+(?=x)", "312x", Some("12")),
            ("(?i)(?=K)key", "KEY", Some("KEY")),
            ("(?=a).", "a\u{2028}", Some("a")),
        ] {
            let pattern_of = Pattern::new(pattern).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(pattern_of.find(text, 0).unwrap().and_then(|range| text.get(range)), found, "{pattern}");
        }
        for (pattern, why) in [("(a", "unclosed group"), ("\\y", "escape sequence")] {
            let error = Pattern::new(pattern).map(drop).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_search_is_the_shorter_the_larger_its_program() {
        let long = "a".repeat(8 << 20);
        assert_eq!(Pattern::new("a[^,]*,?$").unwrap().find(&long, 0), Ok(Some(0..8 << 20)));
        let large = Pattern::new("[ab]*a[ab]{5000}c").unwrap();
        assert_eq!(large.find(&long[..32 << 10], 0), Ok(None));
        let refused = large.find(&long, 0).unwrap_err();
        assert!(refused.contains("of 8388608 bytes is too long") && refused.ends_with("at most 32768"), "{refused}");
        assert_eq!(large.each_match(&long, |_, _| Ok(())), Err(refused));
    }

    #[test]
    fn matches_that_each_read_the_rest_end_in_time() {
        let (mut pattern, text) = (Pattern::new("a[^b]*b|a").unwrap(), "a".repeat(20_000));
        let count = |pattern: &Pattern| {
            let mut count = 0;
            let counted = pattern.each_match(&text, |_, _| {
                count += 1;
                Ok(())
            });
            counted.map(|()| count)
        };
        assert_eq!(count(&pattern), Ok(20_000));
        pattern.patience = Duration::ZERO;
        assert!(count(&pattern).unwrap_err().contains("take more than 5 s"));
    }

    /// Whatever the pattern, a row costs some seconds at most, and is an error then.
    #[test]
    fn what_is_tried_is_not_tried_for_ever() {
        let pattern = Pattern::new("(a|aa)+\\1b").unwrap();
        let error = pattern.find(&"a".repeat(64), 0).unwrap_err();
        assert!(error.contains("took more than 524288 attempts"), "{error}");
        let mut pattern = Pattern::new("a(?=a)").unwrap();
        let error = pattern.find(&"a".repeat(TRIED_BYTES + 1), 0).unwrap_err();
        assert!(error.ends_with("with look-around or back-references: at most 16384"), "{error}");
        pattern.patience = Duration::ZERO;
        assert!(pattern.each_match(&"a".repeat(TRIED_BYTES), |_, _| Ok(())).unwrap_err().contains("take more than"));
    }

    #[test]
    fn an_empty_match_may_follow_another_match() {
        let mut found = Vec::new();
        let each = |whole, _: &Groups<'_>| {
            found.push(whole);
            Ok(())
        };
        Pattern::new("a*").unwrap().each_match("aabé", each).unwrap();
        assert_eq!(found, [0..2, 2..2, 3..3, 5..5]);
    }
}
