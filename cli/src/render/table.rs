//! Tables of text, columns as wide as the data needs and the layout allows.

use unicode_width::UnicodeWidthStr;

use super::layout::{Layout, grouped};

/// What a column takes besides its cells: a bar and a space on each side.
const FRAME: usize = 3;

/// A list as the shell shows entities: header, a rule, rows, a rule; each row by itself where a terminal has no room for all
/// columns. A terminal shows as many rows as the layout says.
pub(crate) fn list(layout: Layout, headers: &[&str], rows: &[Vec<String>]) -> String {
    let (rows, hidden) = layout.shortened(rows);
    let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| printable_row(row)).collect();
    let wanted = wanted_widths(&headers, &rows);
    if layout.is_too_narrow(&wanted, FRAME) {
        let upright = rows.iter().zip(1..).map(|(row, number)| upright(layout, &headers, row, &[], number));
        return upright.chain(more(hidden, "row")).collect::<Vec<_>>().join("\n");
    }
    let widths = layout.fit(wanted, FRAME);
    let line = |cells: Vec<String>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        format!(" {} ", padded.join(" | ")).trim_end().to_owned()
    };
    let rule = "-".repeat(widths.iter().sum::<usize>() + FRAME * widths.len().saturating_sub(1) + 2);
    let mut out: Vec<String> = physical_lines(layout, &headers, &widths).into_iter().map(line).collect();
    out.push(rule.clone());
    for row in &rows {
        out.extend(physical_lines(layout, row, &widths).into_iter().map(line));
    }
    out.push(rule);
    out.extend(more(hidden, "row"));
    out.join("\n")
}

/// What stands under an answer that is not shown to its end.
pub(crate) fn more(hidden: usize, what: &str) -> Option<String> {
    let s = if hidden == 1 { "" } else { "s" };
    (hidden > 0).then(|| format!("… {} {what}{s} more; SET CLI MAX-ROWS 0 shows all", grouped(hidden as u64)))
}

/// A row where columns do not fit beside each other: one below the other.
fn upright(layout: Layout, headers: &[String], row: &[String], dim: &[bool], number: u64) -> String {
    let terminal = layout.terminal.unwrap_or(usize::MAX);
    let names = headers.iter().map(|header| header.width()).max().unwrap_or(0).min(terminal / 2);
    let room = terminal.saturating_sub(names + FRAME + 1).max(1);
    let title = format!("-[ {number} ]");
    let mut out = vec![format!("{title}{}", "-".repeat((names + 2 * FRAME).saturating_sub(title.width())))];
    for (i, (header, cell)) in headers.iter().zip(row).enumerate() {
        let (header, cell) = (layout.lines(header, names), layout.lines(cell, room));
        for at in 0..header.len().max(cell.len()) {
            let part = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
            let text = dimmed(part(&cell), layout.colours && dim.get(i) == Some(&true));
            out.push(format!("{} | {text}", pad(&part(&header), names)).trim_end().to_owned());
        }
    }
    out.join("\n")
}

fn dimmed(text: String, is_dim: bool) -> String {
    if is_dim { format!("\x1b[2m{text}\x1b[0m") } else { text }
}

/// What stands in a row of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// Whether it is no value but the lack of one, which a terminal shows less bright.
    pub(crate) dim: bool,
}

impl Cell {
    /// A value.
    pub(crate) fn value(text: String) -> Self {
        Self { text, dim: false }
    }
}

/// Rows of a query, printed as they come; a column grows when a value needs it.
pub(crate) struct Grid {
    layout: Layout,
    headers: Vec<String>,
    /// As wide as the data wants to be.
    wanted: Vec<usize>,
    /// As wide as the layout lets them be.
    widths: Vec<usize>,
    started: bool,
    /// How many rows there were, if each is shown by itself.
    upright: Option<u64>,
}

impl Grid {
    /// A grid with these column names.
    pub(crate) fn new(layout: Layout, headers: Vec<String>) -> Self {
        let headers = printable_row(&headers);
        let wanted = wanted_widths(&headers, &[]);
        let widths = layout.fit(wanted.clone(), FRAME);
        Self { layout, headers, wanted, widths, started: false, upright: None }
    }

    /// The lines of each of these rows, with the header first or again when a column had to grow.
    pub(crate) fn rows(&mut self, rows: &[Vec<Cell>]) -> Vec<String> {
        let dim: Vec<Vec<bool>> = rows.iter().map(|row| row.iter().map(|cell| cell.dim).collect()).collect();
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| printable_cell(&cell.text)).collect()).collect();
        for (now, wanted) in self.wanted.iter_mut().zip(wanted_widths(&self.headers, &rows)) {
            *now = wanted.max(*now);
        }
        if !self.started && !rows.is_empty() && self.layout.is_too_narrow(&self.wanted, FRAME) {
            self.upright = Some(0);
            self.started = true;
        }
        if let Some(shown) = &mut self.upright {
            let numbered = rows.iter().zip(&dim).zip(*shown + 1..);
            let text =
                numbered.map(|((row, dim), number)| upright(self.layout, &self.headers, row, dim, number)).collect();
            *shown += rows.len() as u64;
            return text;
        }
        let widths = self.layout.fit(self.wanted.clone(), FRAME);
        let mut out = Vec::new();
        if widths != self.widths || !self.started {
            if self.started {
                out.push(self.rule());
            }
            self.widths = widths;
            self.started = true;
            out.push(self.rule());
            out.push(self.row(&self.headers, &[]));
            out.push(self.rule());
        }
        out.extend(rows.iter().zip(&dim).map(|(row, dim)| self.row(row, dim)));
        out
    }

    /// The closing line, or the whole empty table.
    pub(crate) fn end(&mut self) -> String {
        if self.upright.is_some() {
            return "-".repeat(2 * FRAME);
        }
        if self.started { self.rule() } else { format!("{}\n{}", self.rows(&[]).join("\n"), self.rule()) }
    }

    fn rule(&self) -> String {
        let dashes: Vec<String> = self.widths.iter().map(|width| "-".repeat(width + 2)).collect();
        format!("+{}+", dashes.join("+"))
    }

    fn row(&self, cells: &[String], dim: &[bool]) -> String {
        let line = |cells: Vec<String>| {
            let padded = cells.iter().zip(&self.widths).enumerate().map(|(i, (cell, width))| {
                let padded = pad(cell, *width);
                dimmed(padded, self.layout.colours && dim.get(i) == Some(&true))
            });
            format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
        };
        physical_lines(self.layout, cells, &self.widths).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A row as the lines it takes: cells may hold line breaks, or not fit into their columns.
fn physical_lines(layout: Layout, row: &[String], widths: &[usize]) -> Vec<Vec<String>> {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| layout.lines(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    (0..height).map(|i| cells.iter().map(|lines| lines.get(i).cloned().unwrap_or_default()).collect()).collect()
}

fn wanted_widths(headers: &[String], rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |i: usize| {
        let lines = rows.iter().filter_map(move |row| row.get(i)).flat_map(|cell| cell.split('\n'));
        lines.map(UnicodeWidthStr::width).max().unwrap_or(0)
    };
    headers.iter().enumerate().map(|(i, header)| header.width().max(widest(i))).collect()
}

fn pad(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
}

fn printable_row(row: &[String]) -> Vec<String> {
    row.iter().map(|cell| printable_cell(cell)).collect()
}

/// A cell without what would move the cursor or change the terminal's colours; line breaks stay.
fn printable_cell(cell: &str) -> String {
    escaped(&cell.replace("\r\n", "\n"), |c| c.is_control() && c != '\n')
}

/// The same for a text that stands in no column: a tab does no harm there.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |c| c.is_control() && c != '\n' && c != '\t')
}

fn escaped(text: &str, is_escaped: fn(char) -> bool) -> String {
    let shown = text.chars().flat_map(|c| {
        let escaped = is_escaped(c).then(|| c.escape_debug());
        let kept = escaped.is_none().then_some(c);
        escaped.into_iter().flatten().chain(kept)
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::value((*text).to_owned())).collect()
    }

    #[test]
    fn a_list_is_as_wide_as_its_widest_cell() {
        let text = list(Layout::default(), &["Name", "N"], &[row(&["a", "1000"]), row(&["long name", "2"])]);
        let expected = " Name      | N\n------------------\n a         | 1000\n long name | 2\n------------------";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_terminal_shows_the_beginning_of_a_long_list() {
        let rows: Vec<Vec<String>> = (0..1203).map(|n| row(&[&n.to_string()])).collect();
        let layout = Layout { terminal: Some(80), max_rows: Some(2), ..Layout::default() };
        let expected = " N\n---\n 0\n 1\n---\n… 1,201 rows more; SET CLI MAX-ROWS 0 shows all";
        assert_eq!(list(layout, &["N"], &rows), expected);
        for layout in [Layout { terminal: None, ..layout }, Layout { max_rows: None, ..layout }] {
            assert_eq!(list(layout, &["N"], &rows).lines().count(), 1206);
        }
        assert!(list(layout, &["N"], &rows[..3]).ends_with("… 1 row more; SET CLI MAX-ROWS 0 shows all"));
    }

    #[test]
    fn a_grid_says_its_header_again_when_a_column_grows() {
        let mut grid = Grid::new(Layout::default(), row(&["K"]));
        assert_eq!(grid.rows(&[cells(&["a"])]).join("\n"), "+---+\n| K |\n+---+\n| a |");
        assert_eq!(grid.rows(&[cells(&["b"])]).join("\n"), "| b |");
        assert_eq!(grid.rows(&[cells(&["wide"])]).join("\n"), "+---+\n+------+\n| K    |\n+------+\n| wide |");
        assert_eq!(grid.end(), "+------+");
    }

    #[test]
    fn the_lack_of_a_value_is_dim_where_there_are_colours() {
        let lack = || vec![Cell { text: "null".to_owned(), dim: true }, Cell::value("null".to_owned())];
        let mut grid = Grid::new(Layout { colours: true, ..Layout::default() }, row(&["A", "B"]));
        let shown = grid.rows(&[lack()]).join("\n");
        assert_eq!(shown.lines().last(), Some("| \x1b[2mnull\x1b[0m | null |"));
        let mut grid = Grid::new(Layout::default(), row(&["A", "B"]));
        assert_eq!(grid.rows(&[lack()]).join("\n").lines().last(), Some("| null | null |"));
    }

    #[test]
    fn an_empty_grid_still_shows_its_columns() {
        assert_eq!(Grid::new(Layout::default(), row(&["K"])).end(), "+---+\n| K |\n+---+\n+---+");
    }

    #[test]
    fn wide_characters_count_by_their_width() {
        assert_eq!(list(Layout::default(), &["N"], &[row(&["日本"])]), " N\n------\n 日本\n------");
    }

    #[test]
    fn what_would_upset_the_terminal_is_shown_as_text() {
        let text = list(Layout::default(), &["V"], &[row(&["a\tb\u{1b}[31m"]), row(&["one\r\ntwo"])]);
        assert_eq!(text, " V\n----------------\n a\\tb\\u{1b}[31m\n one\n two\n----------------");
    }

    #[test]
    fn columns_that_do_not_fit_stand_one_below_the_other() {
        let layout = Layout { terminal: Some(24), ..Layout::default() };
        let headers = row(&["KEY", "A LONG NAME", "C"]);
        let mut grid = Grid::new(layout, headers);
        let shown =
            grid.rows(&[cells(&["one two three four five", "2", "long enough"]), cells(&["x", "y", "z"])]).join("\n");
        let expected = "-[ 1 ]-----------\nKEY         | one two\n            | three\n            | four five\n\
                        A LONG NAME | 2\nC           | long\n            | enough\n\
                        -[ 2 ]-----------\nKEY         | x\nA LONG NAME | y\nC           | z";
        assert_eq!(shown, expected);
        assert!(grid.rows(&[cells(&["1", "2", "3"])]).join("\n").starts_with("-[ 3 ]"));
        assert_eq!(grid.end(), "------");
        assert!(list(layout, &["Stream Name", "Kafka Topic"], &[row(&["S", "s"])]).contains(" S        | s"));
        let narrow = Layout { terminal: Some(12), ..layout };
        assert_eq!(list(narrow, &["Name", "Topic"], &[row(&["S", "s"])]), "-[ 1 ]-----\nName  | S\nTopic | s");
        assert!(
            list(Layout { column: Some(3), ..narrow }, &["Name", "Topic"], &[]).starts_with(" Na"),
            "as it was SET"
        );
    }

    #[test]
    fn a_table_is_no_wider_than_the_terminal() {
        let layout = Layout { terminal: Some(24), ..Layout::default() };
        let mut grid = Grid::new(layout, row(&["K", "WORDS"]));
        let shown = grid.rows(&[cells(&["1", "the quick brown fox"])]).join("\n");
        assert_eq!(
            shown,
            "+---+------------------+\n| K | WORDS            |\n+---+------------------+\n\
                           | 1 | the quick brown  |\n|   | fox              |"
        );
        assert!(shown.lines().all(|line| line.width() <= 24));
    }
}
