//! How wide tables may be: the terminal's width and what `SET CLI` chose.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A column is not squeezed below this to make a table fit the terminal.
const NARROWEST: usize = 8;

/// A cell of a result takes so many lines at most where rows are counted, too.
const TALLEST: usize = 20;

/// What limits the width of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Columns of the terminal; `None` where the output is a file or a pipe, which no table is too wide for.
    pub(crate) terminal: Option<usize>,
    /// Whether what does not fit into a column goes on below (`SET CLI WRAP ON`) or is cut off.
    pub(crate) wrap: bool,
    /// The width of every column (`SET CLI COLUMN-WIDTH`); `None` fits them to the data.
    pub(crate) column: Option<usize>,
    /// How many rows of a result, or lines of another answer, are shown in a terminal (`SET CLI MAX-ROWS`); `None` shows all,
    /// and all of each.
    pub(crate) max_rows: Option<usize>,
    /// Whether a terminal has colours.
    pub(crate) colours: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { terminal: None, wrap: true, column: None, max_rows: Some(200), colours: false }
    }
}

impl Layout {
    /// The widths to use for columns that want to be `wanted` wide, each taking `frame` more characters.
    pub(super) fn fit(&self, wanted: Vec<usize>, frame: usize) -> Vec<usize> {
        if let Some(width) = self.column {
            return wanted.iter().map(|_| width).collect();
        }
        let Some(terminal) = self.terminal else { return wanted };
        let room = terminal.saturating_sub(1 + frame * wanted.len());
        if wanted.iter().sum::<usize>() <= room {
            return wanted;
        }
        // The widest columns give way, all to the same width: the largest that fits.
        let fits = |limit: usize| wanted.iter().map(|width| (*width).min(limit)).sum::<usize>() <= room;
        let limit = (NARROWEST..=room).rev().find(|limit| fits(*limit)).unwrap_or(NARROWEST);
        wanted.into_iter().map(|width| width.min(limit)).collect()
    }

    /// Whether a terminal has no room for columns that want to be so wide, however narrow they are made.
    pub(super) fn is_too_narrow(&self, wanted: &[usize], frame: usize) -> bool {
        let least = 1 + wanted.iter().map(|width| (*width).min(NARROWEST) + frame).sum::<usize>();
        self.column.is_none() && wanted.len() > 1 && self.terminal.is_some_and(|terminal| terminal < least)
    }

    /// What is shown of all rows or lines, and how many are not.
    pub(super) fn shortened<'a, T>(&self, all: &'a [T]) -> (&'a [T], usize) {
        let most = self.max_rows.filter(|_| self.terminal.is_some()).unwrap_or(usize::MAX);
        let shown = all.get(..most).unwrap_or(all);
        (shown, all.len() - shown.len())
    }

    /// The lines a cell takes in a column of that width.
    pub(super) fn lines(&self, cell: &str, width: usize) -> Vec<String> {
        let most = if self.terminal.is_some() && self.max_rows.is_some() { TALLEST } else { usize::MAX };
        let lines = cell.split('\n');
        if self.wrap {
            let mut shown: Vec<String> =
                lines.flat_map(|line| Pieces { rest: Some(line), width }).take(most.saturating_add(1)).collect();
            if shown.len() > most {
                shown.truncate(most);
                shown.last_mut().into_iter().for_each(|last| *last = cut(last, width, true));
            }
            return shown;
        }
        lines.take(most).map(|line| cut(line, width, is_wider(line, width))).collect()
    }
}

/// A line as far as it fits; what is missing is marked.
fn cut(line: &str, width: usize, incomplete: bool) -> String {
    if !incomplete {
        return line.to_owned();
    }
    let room = width.saturating_sub(1);
    let mut head = line;
    while is_wider(head, room) {
        let shorter = head.split_at(end_within(head, room)).0;
        // Not even one character fits.
        head = if shorter.len() < head.len() { shorter } else { "" };
    }
    format!("{head}…")
}

/// The same as comparing widths, without looking at all of a long text.
fn is_wider(text: &str, width: usize) -> bool {
    let near = text.char_indices().nth(2 * width + 2).map_or(text.len(), |(at, _)| at);
    text.get(..near).unwrap_or(text).width() > width
}

/// Where the last character ends that fits into a width; the first one always does.
fn end_within(text: &str, width: usize) -> usize {
    let (mut taken, mut end) = (0, 0);
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > width && end > 0 {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// A line in pieces that are at most `width` wide, cut behind a space or a comma where there is one near the end.
struct Pieces<'a> {
    rest: Option<&'a str>,
    width: usize,
}

impl Iterator for Pieces<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rest = self.rest.take()?;
        if !is_wider(rest, self.width) {
            return Some(rest.to_owned());
        }
        let end = end_within(rest, self.width);
        let (head, _) = rest.split_at(end);
        let gap = head.rfind([' ', ',']).map(|at| at + 1).filter(|at| *at * 2 > end);
        let (head, tail) = rest.split_at(gap.unwrap_or(end));
        self.rest = Some(tail.strip_prefix(' ').unwrap_or(tail)).filter(|tail| !tail.is_empty());
        Some(head.trim_end().to_owned())
    }
}

/// A number as people read it: `360,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    std::iter::once(head.to_owned()).filter(|head| !head.is_empty()).chain(groups).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(width: usize) -> Layout {
        Layout { terminal: Some(width), ..Layout::default() }
    }

    #[test]
    fn only_the_widest_columns_give_way() {
        assert_eq!(terminal(40).fit(vec![4, 100, 9], 3), [4, 17, 9]);
        assert_eq!(terminal(40).fit(vec![4, 10, 9], 3), [4, 10, 9]);
        assert_eq!(terminal(10).fit(vec![20, 20], 3), [NARROWEST, NARROWEST], "narrower would be unreadable");
        assert_eq!(Layout::default().fit(vec![500], 3), [500]);
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 360_000, 1_234_567].map(grouped), ["0", "999", "1,000", "360,000", "1,234,567"]);
    }

    #[test]
    fn a_fixed_width_is_for_every_column() {
        let layout = Layout { column: Some(5), ..terminal(80) };
        assert_eq!(layout.fit(vec![1, 50], 3), [5, 5]);
    }

    #[test]
    fn long_cells_wrap_between_words_or_are_cut() {
        let layout = Layout::default();
        assert_eq!(layout.lines("one two three", 8), ["one two", "three"]);
        assert_eq!(layout.lines("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(layout.lines("日本語", 4), ["日本", "語"], "a wide character is not cut in two");
        let cut = Layout { wrap: false, ..layout };
        assert_eq!(cut.lines("abcdefghij", 4), ["abc…"]);
        assert_eq!(cut.lines("abcd", 4), ["abcd"]);
        assert_eq!(cut.lines("日本語", 4), ["日…"]);
        for width in [0, 1] {
            assert_eq!(cut.lines("ab", width), ["…"], "column-width 1");
        }
        assert_eq!(cut.lines("日本語", 2), ["…"], "no room for half a character");
        assert_eq!(layout.lines("日本", 1), ["日", "本"]);
    }

    #[test]
    fn a_tall_cell_is_cut_in_a_terminal() {
        let tall = "x".repeat(10_000_000);
        let shown = terminal(80).lines(&tall, 10);
        assert_eq!((shown.len(), shown[0].as_str()), (TALLEST, "xxxxxxxxxx"));
        assert_eq!(shown[TALLEST - 1], "xxxxxxxxx…");
        let all = Layout { max_rows: None, ..terminal(80) };
        assert_eq!(all.lines(&"x".repeat(1000), 10).len(), 100);
        assert_eq!(Layout::default().lines(&"x".repeat(1000), 10).len(), 100);
    }
}
