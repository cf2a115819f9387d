//! Tables of text, columns as wide as the data needs.

use unicode_width::UnicodeWidthStr;

/// A list as the shell shows entities: header, a rule, rows, a rule.
pub(crate) fn list(headers: &[&str], rows: &[Vec<String>]) -> String {
    let widths = widths(headers.iter().copied(), rows);
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        format!(" {} ", padded.join(" | ")).trim_end().to_owned()
    };
    let rule = "-".repeat(widths.iter().sum::<usize>() + 3 * widths.len().saturating_sub(1) + 2);
    let mut out = vec![line(&mut headers.iter().copied()), rule.clone()];
    for row in rows {
        for physical in physical_lines(row) {
            out.push(line(&mut physical.iter().map(String::as_str)));
        }
    }
    out.push(rule);
    out.join("\n")
}

/// Rows of a query, printed as they come; a column grows when a value needs it.
pub(crate) struct Grid {
    headers: Vec<String>,
    widths: Vec<usize>,
    started: bool,
}

impl Grid {
    /// A grid with these column names.
    pub(crate) fn new(headers: Vec<String>) -> Self {
        let widths = headers.iter().map(|header| header.width()).collect();
        Self { headers, widths, started: false }
    }

    /// Lines for these rows, with the header first or again when a column had to grow.
    pub(crate) fn rows(&mut self, rows: &[Vec<String>]) -> String {
        let wanted = widths(self.headers.iter().map(String::as_str), rows);
        let grows = wanted.iter().zip(&self.widths).any(|(wanted, now)| wanted > now);
        let mut out = Vec::new();
        if grows {
            if self.started {
                out.push(self.rule());
            }
            self.widths = self.widths.iter().zip(wanted).map(|(now, wanted)| wanted.max(*now)).collect();
        }
        if grows || !self.started {
            out.extend([self.rule(), self.row(&self.headers), self.rule()]);
            self.started = true;
        }
        for row in rows {
            out.extend(physical_lines(row).iter().map(|line| self.row(line)));
        }
        out.join("\n")
    }

    /// The closing line, or the whole empty table.
    pub(crate) fn end(&mut self) -> String {
        if self.started { self.rule() } else { format!("{}\n{}", self.rows(&[]), self.rule()) }
    }

    fn rule(&self) -> String {
        let dashes: Vec<String> = self.widths.iter().map(|width| "-".repeat(width + 2)).collect();
        format!("+{}+", dashes.join("+"))
    }

    fn row(&self, cells: &[String]) -> String {
        let padded: Vec<String> = cells.iter().zip(&self.widths).map(|(cell, width)| pad(cell, *width)).collect();
        format!("| {} |", padded.join(" | "))
    }
}

/// A row with line breaks inside its cells as several lines.
fn physical_lines(row: &[String]) -> Vec<Vec<String>> {
    let height = row.iter().map(|cell| cell.split('\n').count()).max().unwrap_or(1);
    (0..height).map(|i| row.iter().map(|cell| cell.split('\n').nth(i).unwrap_or("").to_owned()).collect()).collect()
}

fn widths<'a>(headers: impl Iterator<Item = &'a str>, rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |i: usize| {
        let lines = rows.iter().filter_map(move |row| row.get(i)).flat_map(|cell| cell.split('\n'));
        lines.map(UnicodeWidthStr::width).max().unwrap_or(0)
    };
    headers.enumerate().map(|(i, header)| header.width().max(widest(i))).collect()
}

fn pad(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn a_list_is_as_wide_as_its_widest_cell() {
        let text = list(&["Name", "N"], &[row(&["a", "1000"]), row(&["long name", "2"])]);
        let expected = " Name      | N\n------------------\n a         | 1000\n long name | 2\n------------------";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_grid_says_its_header_again_when_a_column_grows() {
        let mut grid = Grid::new(row(&["K"]));
        assert_eq!(grid.rows(&[row(&["a"])]), "+---+\n| K |\n+---+\n| a |");
        assert_eq!(grid.rows(&[row(&["b"])]), "| b |");
        assert_eq!(grid.rows(&[row(&["wide"])]), "+---+\n+------+\n| K    |\n+------+\n| wide |");
        assert_eq!(grid.end(), "+------+");
    }

    #[test]
    fn an_empty_grid_still_shows_its_columns() {
        assert_eq!(Grid::new(row(&["K"])).end(), "+---+\n| K |\n+---+\n+---+");
    }

    #[test]
    fn wide_characters_count_by_their_width() {
        assert_eq!(list(&["N"], &[row(&["日本"])]), " N\n------\n 日本\n------");
    }
}
