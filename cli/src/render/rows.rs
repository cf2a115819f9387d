//! The lines of a query's answer, read and shown.

use serde_json::Value;

use super::layout::Layout;
use super::records::{csv_line, json_line};
use super::table::{Cell, Grid};
use crate::args::OutputFormat;

/// Rows that are kept to be laid out together, at most.
const LAID_OUT_TOGETHER: usize = 1000;
/// Bytes of other forms that are kept to be written together.
const WRITTEN_TOGETHER: usize = 16 << 10;

/// One line of `/query`: a piece of a JSON array, or a line of PRINT.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// The query's columns.
    Header { schema: String },
    /// One row; a tombstone removes its key from a table.
    Row { columns: Vec<Value>, tombstone: bool },
    /// How it ended.
    Final(String),
    /// The server gave up.
    Error(String),
    /// PRINT's text.
    Text(String),
    /// Nothing to show.
    Nothing,
}

impl Line {
    /// Reads one line.
    pub(crate) fn read(line: &str) -> Self {
        if matches!(line.trim(), "" | "[" | "]") {
            return Self::Nothing;
        }
        let Ok(Value::Object(map)) = first_value(line) else { return Self::Text(line.to_owned()) };
        if let Some(header) = map.get("header") {
            return Self::Header { schema: header["schema"].as_str().unwrap_or_default().to_owned() };
        }
        if let Some(row) = map.get("row") {
            let columns = row["columns"].as_array().cloned().unwrap_or_default();
            return Self::Row { columns, tombstone: row["tombstone"].as_bool().unwrap_or(false) };
        }
        if let Some(message) = map.get("finalMessage") {
            return Self::Final(message.as_str().unwrap_or_default().to_owned());
        }
        if let Some(error) = map.get("errorMessage") {
            let message = error.get("message").and_then(Value::as_str);
            return Self::Error(message.map_or_else(|| error.to_string(), ToOwned::to_owned));
        }
        Self::Text(line.to_owned())
    }
}

/// Parses the object of a line of a JSON array: `[{…},`, `{…},`, `{…}]`.
fn first_value(line: &str) -> serde_json::Result<Value> {
    let start = line.trim().trim_start_matches('[');
    let mut values = serde_json::Deserializer::from_str(start).into_iter();
    values.next().unwrap_or(Ok(Value::Null))
}

/// Names of the columns in a header's schema text: ``  `A` INTEGER KEY, `B` STRUCT<`X` STRING>  ``.
fn column_names(schema: &str) -> Vec<String> {
    let (mut names, mut depth, mut rest) = (Vec::new(), 0_i32, schema);
    let mut expects_name = true;
    while let Some(c) = rest.chars().next() {
        match c {
            '`' => {
                let (name, after) = quoted_name(&rest[1..]);
                if expects_name && depth == 0 {
                    names.push(name);
                    expects_name = false;
                }
                rest = after;
                continue;
            }
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => expects_name = true,
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    names
}

/// A name behind its opening back quote, and what follows the closing one; a doubled one stands for itself.
fn quoted_name(text: &str) -> (String, &str) {
    let (mut name, mut rest) = (String::new(), text);
    while let Some((piece, after)) = rest.split_once('`') {
        name.push_str(piece);
        let Some(more) = after.strip_prefix('`') else { return (name, after) };
        name.push('`');
        rest = more;
    }
    (name + rest, "")
}

/// The rows of one query on their way to the user, in the form that was asked for.
pub(crate) struct Results {
    format: OutputFormat,
    names: Vec<String>,
    /// Lines that wait to be written.
    text: String,
    /// Rows that wait to be laid out.
    rows: Vec<Vec<Cell>>,
    grid: Option<Grid>,
    layout: Layout,
    /// How many rows of a table are still shown, if not all are.
    room: Option<usize>,
    hidden: usize,
}

impl Results {
    /// For one query.
    pub(crate) fn new(format: OutputFormat, layout: Layout, max_rows: Option<usize>) -> Self {
        let (names, text, rows) = (Vec::new(), String::new(), Vec::new());
        Self { format, names, text, rows, grid: None, layout, room: max_rows, hidden: 0 }
    }

    /// The columns are known.
    pub(crate) fn header(&mut self, raw: &str, schema: &str) {
        self.names = column_names(schema);
        match self.format {
            OutputFormat::Tabular => self.grid = Some(Grid::new(self.layout, self.names.clone())),
            OutputFormat::Json => self.raw(raw),
            OutputFormat::Csv => {
                self.text.push_str(&csv_line(self.names.iter().map(|name| Value::from(name.as_str()))))
            }
            OutputFormat::JsonLines => {}
        }
    }

    /// A row.
    pub(crate) fn row(&mut self, raw: &str, columns: Vec<Value>, tombstone: bool) {
        match self.format {
            OutputFormat::Tabular if self.room == Some(0) => self.hidden += 1,
            OutputFormat::Tabular => {
                self.room = self.room.map(|room| room - 1);
                self.rows.push(columns.iter().map(|value| self.cell(value, tombstone)).collect());
            }
            OutputFormat::Json => self.raw(raw),
            OutputFormat::Csv => self.text.push_str(&csv_line(columns)),
            OutputFormat::JsonLines => self.text.push_str(&json_line(&self.names, columns, tombstone)),
        }
    }

    fn cell(&self, value: &Value, tombstone: bool) -> Cell {
        match value {
            Value::Null if tombstone => Cell { text: "<TOMBSTONE>".to_owned(), dim: true },
            // Without colours a terminal shows by brackets that it is not the text.
            Value::Null if self.layout.terminal.is_some() && !self.layout.colours => Cell::value("<null>".to_owned()),
            Value::Null => Cell { text: "null".to_owned(), dim: true },
            Value::String(text) => Cell::value(text.clone()),
            other => Cell::value(other.to_string()),
        }
    }

    /// A line of PRINT.
    pub(crate) fn text(&mut self, line: &str) {
        match self.format {
            OutputFormat::Tabular | OutputFormat::Json => {
                self.text.push_str(line);
                self.text.push('\n');
            }
            OutputFormat::Csv => self.text.push_str(&csv_line([Value::from(line)])),
            OutputFormat::JsonLines => self.text.push_str(&format!("{}\n", Value::from(line))),
        }
    }

    /// A line of the server's answer as it came, without what makes an array of all of them.
    pub(crate) fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim().trim_start_matches('[').trim_end_matches([',', ']']));
        self.text.push('\n');
    }

    /// Whether lines wait to be written.
    pub(crate) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// Whether rows wait to be laid out.
    pub(crate) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Whether no more should be kept.
    pub(crate) fn are_many(&self) -> bool {
        self.rows.len() >= LAID_OUT_TOGETHER || self.text.len() >= WRITTEN_TOGETHER
    }

    /// Rows that were left out, as there are too many for a screen.
    pub(crate) fn hidden(&self) -> usize {
        self.hidden
    }

    /// All that waits, as lines with their ends.
    pub(crate) fn take(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        let rows = std::mem::take(&mut self.rows);
        if let Some(grid) = self.grid.as_mut().filter(|_| !rows.is_empty()) {
            text.push_str(&grid.rows(&rows));
            text.push('\n');
        }
        text
    }

    /// All that waits, and what closes it.
    pub(crate) fn end(&mut self) -> String {
        let text = self.take();
        text + &self.close()
    }

    /// What closes it.
    pub(crate) fn close(&mut self) -> String {
        self.grid.as_mut().map(|grid| format!("{}\n", grid.end())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_array() {
        let header = Line::read(r#"[{"header":{"queryId":"q","schema":"`A` INTEGER KEY, `B` STRUCT<`X` STRING>"}},"#);
        assert_eq!(header, Line::Header { schema: "`A` INTEGER KEY, `B` STRUCT<`X` STRING>".to_owned() });
        let row = Line::read(r#"{"row":{"columns":[1,[2]]}},"#);
        assert_eq!(row, Line::Row { columns: vec![1.into(), vec![2].into()], tombstone: false });
        assert_eq!(Line::read(r#"{"finalMessage":"Limit Reached"}]"#), Line::Final("Limit Reached".to_owned()));
        assert_eq!(Line::read("]"), Line::Nothing);
        assert_eq!(Line::read("rowtime: 1, key: [a]"), Line::Text("rowtime: 1, key: [a]".to_owned()));
    }

    fn results(format: OutputFormat, max_rows: Option<usize>) -> Results {
        let mut results = Results::new(format, Layout::default(), max_rows);
        results.header(r#"[{"header":{}},"#, "`A` INTEGER KEY, `B` STRING");
        results
    }

    #[test]
    fn a_form_for_every_reader() {
        let rows = |format| {
            let mut results = results(format, None);
            results.row(r#"{"row":{"columns":[1,"null"]}},"#, vec![1.into(), "null".into()], false);
            results.row(r#"{"row":{"columns":[2,null]}},"#, vec![2.into(), Value::Null], false);
            results.text("a, b");
            results.end()
        };
        assert_eq!(rows(OutputFormat::Csv), "A,B\n1,null\n2,\n\"a, b\"\n");
        assert_eq!(rows(OutputFormat::JsonLines), "{\"A\":1,\"B\":\"null\"}\n{\"A\":2,\"B\":null}\n\"a, b\"\n");
        let json = "{\"header\":{}}\n{\"row\":{\"columns\":[1,\"null\"]}}\n{\"row\":{\"columns\":[2,null]}}\na, b\n";
        assert_eq!(rows(OutputFormat::Json), json);
    }

    #[test]
    fn a_table_may_be_shortened() {
        let mut results = results(OutputFormat::Tabular, Some(1));
        for n in 0..3 {
            results.row("", vec![n.into(), Value::Null], false);
        }
        assert_eq!(results.end(), "+---+------+\n| A | B    |\n+---+------+\n| 0 | null |\n+---+------+\n");
        assert_eq!(results.hidden(), 2);
    }

    #[test]
    fn names_are_found_outside_of_types() {
        assert_eq!(
            column_names("`A` INTEGER KEY, `B` STRUCT<`X` STRING, `Y` DECIMAL(4, 2)>, `c` STRING"),
            ["A", "B", "c"]
        );
        assert_eq!(column_names("`a``b` INTEGER KEY, ```` STRING, `c, <``` INTEGER, `d"), ["a`b", "`", "c, <`", "d"]);
    }
}
