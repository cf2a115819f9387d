//! `java.util.regex` patterns. Classes mean what they mean in Java (`\d` is ASCII, `.` stops at every line end). The `regex`
//! crate searches in time that is linear in the text; what it has not got (look-around, back-references, atomic groups,
//! possessive quantifiers) is searched for by trying, with `fancy-regex`, in texts that are not long, and not for ever.

use std::cell::RefCell;
use std::ops::Range;
use std::time::{Duration, Instant};

use fancy_regex::Captures;
use regex::{CaptureLocations, Regex, RegexBuilder};

use loops::Loops;
use translate::Translator;

mod loops;
mod translate;

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

/// How many ways of matching are tried in one search, and in how long a text, by the loops within each other around what
/// has to be tried: each loop may read all of the text, so that a search takes some 2^33 steps, some seconds.
const TRIES: [Tries; 3] = [
    Tries { ways: 1 << 19, text: 1 << 14 },
    Tries { ways: 1 << 15, text: 1 << 11 },
    Tries { ways: 1 << 15, text: 1 << 8 },
];
/// How often counted loops within each other may go round together.
const ROUNDS: u64 = 1000;
/// Such a pattern is cut into parts, each of which is compiled for itself: bytes of the pattern, what all parts together may
/// take as programs and as much again in memory for searching, and how many instructions may hold them together.
const TRIED_PATTERN: usize = 2048;
const TRIED_PROGRAM: usize = 1 << 20;
const TRIED_INSTRUCTIONS: usize = 1 << 16;

/// What a search by trying may cost.
#[derive(Debug, Clone, Copy)]
struct Tries {
    /// Ways of matching.
    ways: usize,
    /// Bytes of the text.
    text: usize,
}

/// A pattern of Java.
pub(super) struct Pattern {
    program: Program,
    patience: Duration,
}

enum Program {
    /// With room for the groups of its last match.
    Linear { regex: Regex, bytes: usize, groups: RefCell<CaptureLocations> },
    /// Tries one way after the other.
    Trying { regex: fancy_regex::Regex, tries: Tries },
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
            Program::Trying { regex, .. } => regex.captures_len(),
        }
    }

    /// Number of a group that has a name.
    pub(super) fn group_named(&self, name: &str) -> Option<usize> {
        match &self.program {
            Program::Linear { regex, .. } => regex.capture_names().position(|known| known == Some(name)),
            Program::Trying { regex, .. } => regex.capture_names().position(|known| known == Some(name)),
        }
    }

    /// Whether it matches nothing at all.
    pub(super) fn may_be_empty(&self) -> bool {
        match &self.program {
            Program::Linear { regex, .. } => regex.is_match(""),
            Program::Trying { regex, .. } => regex.is_match("").unwrap_or(false),
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
            Program::Trying { regex, tries } => {
                let groups = regex.captures_from_pos(text, start).map_err(|_| {
                    let ways = tries.ways;
                    format!("a regular expression with look-around or back-references took more than {ways} attempts")
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
            Program::Trying { .. } => COST_BETWEEN_LOOKS + 1,
        }
    }

    fn check_length(&self, text: &str) -> Result<(), String> {
        let (at_most, what) = match &self.program {
            Program::Linear { bytes, .. } => (SEARCH_COST / bytes, "of this size"),
            Program::Trying { tries, .. } => (tries.text, "with look-around or back-references"),
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
        if line.ends_with("error building NFA") {
            return refused("it is too large");
        }
        refused(line.trim_start_matches("error: "))
    };
    let translated = Translator::new(pattern, false).translate().map_err(|why| refused(&why))?;
    let Some(translated) = translated else {
        if pattern.len() > TRIED_PATTERN {
            return Err(format!(
                "a regular expression of {} bytes with look-around or back-references is too long: at most {TRIED_PATTERN}",
                pattern.len()
            ));
        }
        let translated = Translator::new(pattern, true).translate().map_err(|why| refused(&why))?;
        let Loops { depth, rounds } = Loops::of(pattern);
        let Some(tries) = TRIES.get(depth).filter(|_| rounds <= ROUNDS) else {
            return Err(refused("too many loops around look-around or back-references"));
        };
        return tried(pattern, &translated.unwrap_or_default(), *tries).map_err(|error| last_line(&error.to_string()));
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

/// A pattern that is searched for by trying. No part can begin or end but at one of three characters.
fn tried(pattern: &str, translated: &str, tries: Tries) -> Result<Program, fancy_regex::Error> {
    let parts = 1 + pattern.bytes().filter(|byte| b"(\\+".contains(byte)).count();
    let bytes = (TRIED_PROGRAM / parts).clamp(PROGRAM_BYTES[0], PROGRAM_BYTES[3]);
    let mut builder = fancy_regex::RegexBuilder::new(translated);
    builder.backtrack_limit(tries.ways).max_prog_size(TRIED_INSTRUCTIONS);
    builder.delegate_size_limit(bytes).delegate_dfa_size_limit(bytes).delegate_dfa_skip_cache_capacity_check(false);
    builder.build().map(|regex| Program::Trying { regex, tries })
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
            // A boundary is one of ASCII words, whichever way is taken.
            ("\\b.", "éa", Some("a")),
            ("\\b.(?=.*)", "éa", Some("a")),
            ("\\Bé", "aé", None),
            ("\\Ba", "éa ba", Some("a")),
            ("(?i-s:A)(?x) b", "ab", Some("ab")),
        ] {
            let pattern_of = Pattern::new(pattern).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(pattern_of.find(text, 0).unwrap().and_then(|range| text.get(range)), found, "{pattern}");
        }
        for (pattern, why) in [
            ("(a", "unclosed group"),
            ("\\y", "escape sequence"),
            ("(?i", "not closed"),
            ("(a)?(?(1)b|c)", "'(?' with '(' is not supported"),
            ("(?P<n>a)", "'(?' with 'P' is not supported"),
            ("(?U)a*", "'(?' with 'U' is not supported"),
            ("(?=a)(?R)", "'(?' with 'R' is not supported"),
        ] {
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
        let error = pattern.find(&"a".repeat(TRIES[0].text + 1), 0).unwrap_err();
        assert!(error.ends_with("with look-around or back-references: at most 16384"), "{error}");
        pattern.patience = Duration::ZERO;
        assert!(pattern.each_match(&"a".repeat(TRIES[0].text), |_, _| Ok(())).unwrap_err().contains("take more than"));
    }

    #[test]
    fn what_is_tried_is_small() {
        let pattern = "(?=a)[ab]{300}".repeat(200);
        let error = Pattern::new(&pattern).map(drop).unwrap_err();
        assert!(
            error.ends_with("of 2800 bytes with look-around or back-references is too long: at most 2048"),
            "{error}"
        );
        let error = Pattern::new(&"(?=a)\\p{L}{90}".repeat(120)).map(drop).unwrap_err();
        assert!(error.ends_with("it is too large"), "{error}");
        for nested in ["(?:(?:(?>a?){500}){500}){500}b", "(?:(?:(?>a?){32}){32})+b", r"(((?=a)a*)*)*b\1+(((a\1)*)*)*"] {
            let error = Pattern::new(nested).map(drop).unwrap_err();
            assert!(error.ends_with("too many loops around look-around or back-references"), "{error}");
        }
        assert!(Pattern::new(&"(?=a)[ab]{30}".repeat(100)).is_ok());
        assert_eq!(Pattern::new("\\w+(?!\\p{L})").map(drop), Ok(()));
    }

    #[test]
    fn braces_that_are_no_quantifiers_make_no_possessive_ones() {
        let long = "é".repeat(TRIES[0].text);
        for pattern in ["\\x{e9}+", "\\p{L}+", "}?é+}*"] {
            assert_eq!(Pattern::new(pattern).unwrap().find(&long, 0), Ok(Some(0..long.len())), "{pattern}");
        }
        assert_eq!(Pattern::new("a{2}+a").unwrap().find("aaa", 0), Ok(Some(0..3)));
        assert_eq!(Pattern::new("a{1,9}+a").unwrap().find("aaa", 0), Ok(None));
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
