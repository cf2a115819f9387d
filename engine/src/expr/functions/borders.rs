//! Looking for a sequence in another in time that grows with their lengths, not with the product of them.

/// For every beginning of what is looked for, how long its longest border is: what is both its start and its end
/// (Knuth, Morris, Pratt).
#[derive(Default)]
pub(super) struct Borders(Vec<usize>);

impl Borders {
    /// Gets ready to look for `wanted`.
    pub(super) fn of<T: PartialEq>(&mut self, wanted: &[T]) {
        self.0.clear();
        self.0.reserve(wanted.len());
        for (at, item) in wanted.iter().enumerate() {
            let border = if at == 0 { 0 } else { self.longer(wanted, self.0[at - 1], item) };
            self.0.push(border);
        }
    }

    /// Every place in `text` where `wanted` starts, also where occurrences overlap. Nothing is everywhere but at the end.
    pub(super) fn places<'a, T: PartialEq>(
        &'a self,
        text: &'a [T],
        wanted: &'a [T],
    ) -> impl Iterator<Item = usize> + 'a {
        let mut matched = 0;
        text.iter().enumerate().filter_map(move |(at, item)| {
            if wanted.is_empty() {
                return Some(at);
            }
            if matched == wanted.len() {
                matched = self.0[matched - 1];
            }
            matched = self.longer(wanted, matched, item);
            (matched == wanted.len()).then(|| at + 1 - matched)
        })
    }

    /// How much of `wanted` ends here, when `matched` of it ended one item before.
    fn longer<T: PartialEq>(&self, wanted: &[T], mut matched: usize, item: &T) -> usize {
        while matched > 0 && wanted.get(matched) != Some(item) {
            matched = self.0[matched - 1];
        }
        if wanted.get(matched) == Some(item) { matched + 1 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found() {
        for (text, wanted, places) in [
            ("abcab", "ab", &[0, 3][..]),
            ("aaaa", "aa", &[0, 1, 2]),
            ("aabaabaaab", "aabaaa", &[3]),
            ("abab", "abb", &[]),
            ("ab", "abc", &[]),
            ("abc", "", &[0, 1, 2]),
            ("", "", &[]),
        ] {
            let mut borders = Borders::default();
            borders.of("something before".as_bytes());
            borders.of(wanted.as_bytes());
            let found: Vec<usize> = borders.places(text.as_bytes(), wanted.as_bytes()).collect();
            assert_eq!(found, places, "{wanted} in {text}");
        }
    }

    #[test]
    fn it_takes_no_longer_than_the_texts_are() {
        let (text, wanted) = (vec![b'a'; 2_000_000], [vec![b'a'; 1_000_000], vec![b'b']].concat());
        let mut borders = Borders::default();
        borders.of(&wanted);
        assert_eq!(borders.places(&text, &wanted).count(), 0);
        borders.of(&wanted[..1_000_000]);
        assert_eq!(borders.places(&text, &wanted[..1_000_000]).count(), 1_000_001);
    }
}
