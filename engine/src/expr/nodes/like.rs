//! `LIKE`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use datafusion_common::Result;

use super::{Frame, Operation};

/// `text LIKE pattern [ESCAPE c]`; NULL is an error of the row.
#[derive(Debug)]
pub(in super::super) struct Like {
    pub(in super::super) escape: Option<char>,
}

impl Operation for Like {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let (text, pattern) = (frame.arg(0)?, frame.arg(1)?);
        let (texts, patterns) = (text.array.as_string::<i32>(), pattern.array.as_string::<i32>());
        let mut current: Option<(&str, Pattern)> = None;
        let mut state = Vec::new();
        let found = BooleanBuffer::collect_bool(frame.len(), |row| {
            if text.is_null(row) || pattern.is_null(row) {
                frame.fail(row, || "LIKE on NULL".to_owned());
                return false;
            }
            let wanted = patterns.value(pattern.index(row));
            let known = match current.take() {
                Some(known) if known.0 == wanted => known,
                _ => (wanted, Pattern::new(wanted, self.escape)),
            };
            let (_, pattern) = current.insert(known);
            pattern.matches(texts.value(text.index(row)), &mut state)
        });
        Ok(Arc::new(BooleanArray::new(found, None)))
    }
}

/// A pattern, cut at every `%`. Each piece is looked for once, from the left, so that the time a text takes grows with
/// its length, however many `%` there are.
struct Pattern {
    first: Piece,
    middle: Vec<Piece>,
    /// None: there is no `%`.
    last: Option<Piece>,
}

impl Pattern {
    fn new(pattern: &str, escape: Option<char>) -> Self {
        let mut pieces = Vec::new();
        let mut piece = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                c if Some(c) == escape => piece.push(Some(chars.next().unwrap_or(c))),
                '%' => pieces.push(std::mem::take(&mut piece)),
                '_' => piece.push(None),
                c => piece.push(Some(c)),
            }
        }
        let last = Piece::new(piece);
        let mut pieces = pieces.into_iter().map(Piece::new);
        match pieces.next() {
            None => Self { first: last, middle: Vec::new(), last: None },
            Some(first) => Self { first, middle: pieces.filter(|piece| !piece.is_empty()).collect(), last: Some(last) },
        }
    }

    fn matches(&self, text: &str, state: &mut Vec<u64>) -> bool {
        let Some(rest) = self.first.after_start(text) else { return false };
        let Some(last) = &self.last else { return rest.is_empty() };
        let Some(mut rest) = last.before_end(rest) else { return false };
        self.middle.iter().all(|piece| match piece.after_first(rest, state) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

/// What stands between two `%`.
enum Piece {
    Text(String),
    /// With `_` in it.
    Holes(Holes),
}

impl Piece {
    fn new(chars: Vec<Option<char>>) -> Self {
        match chars.iter().copied().collect::<Option<String>>() {
            Some(text) => Self::Text(text),
            None => Self::Holes(Holes::new(chars)),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The rest of a text that starts with it.
    fn after_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(piece) => text.strip_prefix(piece.as_str()),
            Self::Holes(holes) => {
                let mut rest = text.chars();
                let fits = holes.chars.iter().all(|wanted| rest.next().is_some_and(|c| wanted.is_none_or(|w| w == c)));
                fits.then_some(rest.as_str())
            }
        }
    }

    /// The beginning of a text that ends with it.
    fn before_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(piece) => text.strip_suffix(piece.as_str()),
            Self::Holes(holes) => {
                let mut rest = text.chars();
                let mut wanted = holes.chars.iter().rev();
                let fits = wanted.all(|wanted| rest.next_back().is_some_and(|c| wanted.is_none_or(|w| w == c)));
                fits.then_some(rest.as_str())
            }
        }
    }

    /// What follows its first occurrence in a text.
    fn after_first<'t>(&self, text: &'t str, state: &mut Vec<u64>) -> Option<&'t str> {
        match self {
            Self::Text(piece) => text.find(piece.as_str()).and_then(|at| text.get(at + piece.len()..)),
            Self::Holes(holes) => holes.after_first(text, state),
        }
    }
}

/// Characters, some of which may be any. Sought with one bit for each ("shift-and"): the bit is set while the text so far
/// ends like the piece up to there.
struct Holes {
    chars: Vec<Option<char>>,
    /// The places of every character, those that any may stand at among them.
    places: HashMap<char, Box<[u64]>>,
    /// The places that any character may stand at.
    any: Box<[u64]>,
}

impl Holes {
    fn new(chars: Vec<Option<char>>) -> Self {
        let set = |words: &mut [u64], at: usize| {
            if let Some(word) = words.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        };
        let mut any = vec![0; chars.len().div_ceil(64)].into_boxed_slice();
        chars.iter().enumerate().filter(|(_, c)| c.is_none()).for_each(|(at, _)| set(&mut any, at));
        let mut places: HashMap<char, Box<[u64]>> = HashMap::new();
        for (at, c) in chars.iter().enumerate() {
            if let Some(c) = c {
                set(places.entry(*c).or_insert_with(|| any.clone()), at);
            }
        }
        Self { chars, places, any }
    }

    fn after_first<'t>(&self, text: &'t str, state: &mut Vec<u64>) -> Option<&'t str> {
        state.clear();
        state.resize(self.any.len(), 0);
        let last = self.chars.len() - 1;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let places = self.places.get(&c).unwrap_or(&self.any);
            let mut carry = 1;
            for (word, places) in state.iter_mut().zip(places) {
                let shifted = (*word << 1) | carry;
                carry = *word >> 63;
                *word = shifted & places;
            }
            if state.last().is_some_and(|word| word >> (last % 64) & 1 == 1) {
                return Some(rest.as_str());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        Pattern::new(pattern, Some('!')).matches(text, &mut Vec::new())
    }

    /// The definition, by trying everything.
    fn by_definition(text: &[char], pattern: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['%', rest @ ..], text) => (0..=text.len()).any(|at| by_definition(&text[at..], rest)),
            (['_', rest @ ..], [_, text @ ..]) => by_definition(text, rest),
            ([wanted, rest @ ..], [c, text @ ..]) => wanted == c && by_definition(text, rest),
            _ => false,
        }
    }

    #[test]
    fn wildcards_match_everything_line_breaks_too() {
        for (text, pattern, found) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("x", "", false),
            ("a\r\n\u{85}\u{2028}b", "a%b", true),
            ("a\nb", "a_b", true),
            ("😀é", "__", true),
            ("😀é", "_", false),
            ("x😀é", "%_é", true),
            ("aa", "aa%aa", false),
            ("aaa", "aa%aa", false),
            ("aaaa", "aa%aa", true),
            ("100%", "100!%", true),
            ("100x", "100!%", false),
            ("a!b", "a!!b", true),
            ("a!", "a!", true),
            ("User_3", "User!_3", true),
            ("UserX3", "User!_3", false),
            (".*", ".*", true),
            ("ab", ".*", false),
        ] {
            assert_eq!(like(text, pattern), found, "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn patterns_match_what_the_definition_says() {
        let spell = |mut number: usize, letters: &[char], length: usize| -> Vec<char> {
            (0..length)
                .map(|_| {
                    let letter = letters[number % letters.len()];
                    number /= letters.len();
                    letter
                })
                .collect()
        };
        for text_length in 0..=5 {
            for text in (0..2_usize.pow(text_length)).map(|i| spell(i, &['a', 'é'], text_length as usize)) {
                for pattern_length in 0..=5 {
                    for i in 0..4_usize.pow(pattern_length) {
                        let pattern = spell(i, &['a', 'é', '_', '%'], pattern_length as usize);
                        let found = like(&text.iter().collect::<String>(), &pattern.iter().collect::<String>());
                        assert_eq!(found, by_definition(&text, &pattern), "{text:?} LIKE {pattern:?}");
                    }
                }
            }
        }
        // Pieces longer than a word of bits.
        let long = format!("{}_{}b", "a".repeat(70), "a".repeat(70));
        assert!(like(&format!("xx{}b", "a".repeat(200)), &format!("%{long}%")));
        assert!(!like(&format!("xx{}b", "a".repeat(140)), &format!("%{long}%")));
    }

    #[test]
    fn many_wildcards_take_no_longer_than_the_text_is() {
        let text = "a".repeat(1_000_000);
        assert!(!like(&text, &format!("{}b", "%a".repeat(50_000))));
        assert!(!like(&text, &format!("{}b%", "%a_".repeat(2000))));
        assert!(!like(&text, &format!("%{}_b%", "a".repeat(10_000))));
    }
}
