//! How loops of a pattern stand within each other, as far as they go round what has to be tried.

use std::iter::Peekable;
use std::str::Chars;

/// Of those parts of a pattern that must be tried; the rest is searched for in linear time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loops {
    /// Loops within each other, at most.
    pub(super) depth: usize,
    /// How often counted loops within each other go round, at most.
    pub(super) rounds: u64,
}

/// What stands between two quantifiers: a character, a class, a group.
#[derive(Debug, Default, Clone, Copy)]
struct Part {
    /// It must be tried, or has something in it that must.
    is_tried: bool,
    loops: Loops,
}

impl Part {
    fn tried(is_tried: bool) -> Self {
        Self { is_tried, loops: Loops::default() }
    }

    fn add(&mut self, part: Part) {
        self.is_tried |= part.is_tried;
        self.loops.depth = self.loops.depth.max(part.loops.depth);
        self.loops.rounds = self.loops.rounds.max(part.loops.rounds);
    }
}

impl Loops {
    /// Of a pattern as Java writes it.
    pub(super) fn of(pattern: &str) -> Self {
        let mut rest = pattern.chars().peekable();
        let mut groups = vec![Part::default()];
        while let Some(c) = rest.next() {
            let mut part = match c {
                '(' => {
                    groups.push(Part::tried(is_tried_group(&rest)));
                    continue;
                }
                ')' if groups.len() > 1 => groups.pop().unwrap_or_default(),
                '\\' => Part::tried(is_tried_escape(&mut rest)),
                '[' => {
                    skip_class(&mut rest);
                    Part::default()
                }
                _ => Part::default(),
            };
            part = quantified(part, &mut rest);
            if let Some(group) = groups.last_mut() {
                group.add(part);
            }
        }
        groups
            .into_iter()
            .fold(Part::default(), |mut all, group| {
                all.add(group);
                all
            })
            .loops
    }
}

/// Whether a group that has just begun is a look-around or an atomic one.
fn is_tried_group(rest: &Peekable<Chars<'_>>) -> bool {
    let mut rest = rest.clone();
    matches!(
        (rest.next(), rest.next(), rest.next()),
        (Some('?'), Some('=' | '!' | '>'), _) | (Some('?'), Some('<'), Some('=' | '!'))
    )
}

/// Whether what follows a backslash is a back-reference or a boundary; takes it.
fn is_tried_escape(rest: &mut Peekable<Chars<'_>>) -> bool {
    match rest.next() {
        Some('Q') => {
            while let Some(c) = rest.next() {
                if c == '\\' && rest.next_if_eq(&'E').is_some() {
                    break;
                }
            }
            false
        }
        escaped => {
            let close = match (escaped, rest.peek()) {
                (Some('p' | 'P' | 'x'), Some('{')) => Some('}'),
                (Some('k'), Some('<')) => Some('>'),
                _ => None,
            };
            if let Some(close) = close {
                rest.by_ref().find(|c| *c == close);
            }
            matches!(escaped, Some('1'..='9' | 'k' | 'b' | 'B'))
        }
    }
}

/// Takes the rest of a class; classes stand within classes.
fn skip_class(rest: &mut Peekable<Chars<'_>>) {
    let mut depth = 1;
    rest.next_if_eq(&'^');
    rest.next_if_eq(&']');
    while depth > 0 {
        match rest.next() {
            Some('\\') => drop(rest.next()),
            Some('[') => depth += 1,
            Some(']') => depth -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

/// The part with the quantifiers that follow it, which are taken.
fn quantified(mut part: Part, rest: &mut Peekable<Chars<'_>>) -> Part {
    loop {
        let rounds = match rest.next_if(|c| "*+?{".contains(*c)) {
            Some('?') => 0,
            Some('{') => {
                let counts: String = rest.by_ref().take_while(|c| *c != '}').collect();
                counts.split(',').filter_map(|count| count.trim().parse().ok()).max().unwrap_or(1)
            }
            Some(_) => 1,
            None => return part,
        };
        // `a*+` gives nothing back.
        part.is_tried |= rest.next_if_eq(&'+').is_some();
        rest.next_if_eq(&'?');
        if part.is_tried && rounds > 0 {
            part.loops.depth += 1;
            part.loops.rounds = part.loops.rounds.max(1).saturating_mul(rounds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_around_what_is_tried_are_counted() {
        for (pattern, depth, rounds) in [
            ("(?<=\\$)\\d+", 0, 0),
            ("^(?=.*[A-Z])(?=.{1,254}$).{8,}$", 0, 0),
            ("(.)\\1{2,}", 1, 2),
            ("(?:a(?=b)|c)*", 1, 1),
            ("(?:(?>a?){500}){20}", 2, 10_000),
            ("(?:(?:\\bx+)+){3}[(?=)*]*(?:y{7}){9}", 2, 3),
            ("a{9}+", 1, 9),
            ("(?:(?:(?=a)a)*?)+?", 2, 1),
            ("\\Q(?=a)*\\E*", 0, 0),
            ("(?=a", 0, 0),
            ("(?<=: )\\p{L}+\\x{e9}+(?:\\P{Lu}+)*", 0, 0),
            ("(?<q>a)(?:b\\k<q>*)+", 2, 1),
        ] {
            assert_eq!(Loops::of(pattern), Loops { depth, rounds }, "{pattern}");
        }
    }
}
