//! How wide tables may be: the terminal's width and what `SET CLI` chose.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A column is not squeezed below this to make a table fit the terminal.
const NARROWEST: usize = 8;

/// What limits the width of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Columns of the terminal; `None` where the output is a file or a pipe, which no table is too wide for.
    pub(crate) terminal: Option<usize>,
    /// Whether what does not fit into a column goes on below (`SET CLI WRAP ON`) or is cut off.
    pub(crate) wrap: bool,
    /// The width of every column (`SET CLI COLUMN-WIDTH`); `None` fits them to the data.
    pub(crate) column: Option<usize>,
}

impl Default for Layout {
    fn default() -> Self {
        Self { terminal: None, wrap: true, column: None }
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

    /// The lines a cell takes in a column of that width.
    pub(super) fn lines(&self, cell: &str, width: usize) -> Vec<String> {
        let lines = cell.split('\n');
        if self.wrap {
            return lines.flat_map(|line| wrapped(line, width)).collect();
        }
        let cut = |line: &str| match wrapped(line, width).split_first() {
            Some((head, rest)) if !rest.is_empty() => {
                let room = width.saturating_sub(1);
                format!("{}…", wrapped(head, room).into_iter().next().unwrap_or_default())
            }
            _ => line.to_owned(),
        };
        lines.map(cut).collect()
    }
}

/// A line in pieces that are at most `width` wide, cut behind a space or a comma where there is one near the end.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.width() > width {
        let mut taken = 0;
        let mut end = 0;
        for (at, c) in rest.char_indices() {
            taken += c.width().unwrap_or(0);
            if taken > width && end > 0 {
                break;
            }
            end = at + c.len_utf8();
        }
        let (head, _) = rest.split_at(end);
        let gap = head.rfind([' ', ',']).map(|at| at + 1).filter(|at| *at * 2 > end);
        let (head, tail) = rest.split_at(gap.unwrap_or(end));
        pieces.push(head.trim_end().to_owned());
        rest = tail.strip_prefix(' ').unwrap_or(tail);
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
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
    }
}
