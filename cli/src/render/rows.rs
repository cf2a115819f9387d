//! The lines of a query's answer, read and shown.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::layout::Layout;
use super::records::{Field, csv_header, csv_line, json_line};
use super::table::{Cell, Grid, printable};
use crate::args::OutputFormat;
use crate::output::Records;

/// Rows that are kept to be laid out together, at most.
const LAID_OUT_TOGETHER: usize = 1000;
/// Bytes of other forms that are kept to be written together.
const WRITTEN_TOGETHER: usize = 16 << 10;

/// One line of a query's answer: a piece of a JSON array.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// The query's columns.
    Header { schema: String },
    /// One row; a tombstone removes its key from a table.
    Row { columns: Vec<Field>, tombstone: bool },
    /// How it ended.
    Final(String),
    /// The server gave up.
    Error(String),
    /// Something that this version does not know.
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
        let Some(element) = Element::first(line) else { return Self::Text(line.to_owned()) };
        if let Some(header) = element.header {
            return Self::Header { schema: header["schema"].as_str().unwrap_or_default().to_owned() };
        }
        if let Some(row) = element.row {
            let columns = row.columns.into_iter().map(Field::of_raw).collect();
            return Self::Row { columns, tombstone: row.tombstone };
        }
        if let Some(message) = element.final_message {
            return Self::Final(message);
        }
        if let Some(error) = element.error_message {
            let message = error.get("message").and_then(Value::as_str);
            return Self::Error(message.map_or_else(|| error.to_string(), ToOwned::to_owned));
        }
        if element.kind.as_deref() == Some("generic_error")
            && let Some(message) = element.message
        {
            return Self::Error(message);
        }
        Self::Text(line.to_owned())
    }
}

/// An element of the array.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Element<'a> {
    header: Option<Value>,
    #[serde(borrow)]
    row: Option<Row<'a>>,
    final_message: Option<String>,
    error_message: Option<Value>,
    /// Those of an error that is no element of an array.
    #[serde(rename = "@type")]
    kind: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    columns: Vec<&'a RawValue>,
    #[serde(default)]
    tombstone: bool,
}

impl<'a> Element<'a> {
    /// That of a line: `[{…},`, `{…},`, `{…}]`.
    fn first(line: &'a str) -> Option<Self> {
        let start = line.trim().trim_start_matches('[');
        serde_json::Deserializer::from_str(start).into_iter().next()?.ok()
    }
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
    /// What waits to be written.
    text: Records,
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
        let (names, text, rows) = (Vec::new(), Records::default(), Vec::new());
        Self { format, names, text, rows, grid: None, layout, room: max_rows, hidden: 0 }
    }

    /// The columns are known.
    pub(crate) fn header(&mut self, raw: &str, schema: &str) {
        self.names = column_names(schema);
        match self.format {
            OutputFormat::Tabular => self.grid = Some(Grid::new(self.layout, self.names.clone())),
            OutputFormat::Json => self.raw(raw),
            OutputFormat::Csv => self.push(&csv_header(&self.names)),
            OutputFormat::JsonLines => {}
        }
    }

    /// A row.
    pub(crate) fn row(&mut self, raw: &str, columns: Vec<Field>, tombstone: bool) {
        match self.format {
            OutputFormat::Tabular if self.room == Some(0) => self.hidden += 1,
            OutputFormat::Tabular => {
                self.room = self.room.map(|room| room - 1);
                self.rows.push(columns.into_iter().map(|field| self.cell(field, tombstone)).collect());
            }
            OutputFormat::Json => self.raw(raw),
            OutputFormat::Csv => self.push(&csv_line(columns)),
            OutputFormat::JsonLines => self.push(&json_line(&self.names, &columns, tombstone)),
        }
    }

    fn cell(&self, field: Field, tombstone: bool) -> Cell {
        match field {
            Field::Null if tombstone => Cell { text: "<TOMBSTONE>".to_owned(), dim: true },
            // Without colours a terminal shows by brackets that it is not the text.
            Field::Null if self.layout.terminal.is_some() && !self.layout.colours => Cell::value("<null>".to_owned()),
            Field::Null => Cell { text: "null".to_owned(), dim: true },
            Field::Text(text) | Field::Json(text) => Cell::value(text),
        }
    }

    /// A line of PRINT.
    pub(crate) fn text(&mut self, line: &str) {
        match self.format {
            OutputFormat::Tabular | OutputFormat::Json => self.push(&format!("{line}\n")),
            OutputFormat::Csv => self.push(&csv_header(&[line])),
            OutputFormat::JsonLines => self.push(&format!("{}\n", Value::from(line))),
        }
    }

    /// A line of the server's answer as it came, without what makes an array of all of them.
    pub(crate) fn raw(&mut self, line: &str) {
        self.push(&format!("{}\n", line.trim().trim_start_matches('[').trim_end_matches([',', ']'])));
    }

    /// A record as it is, for a program; a terminal must not take it for orders.
    fn push(&mut self, record: &str) {
        if self.layout.terminal.is_some() {
            self.text.push(&printable(record));
        } else {
            self.text.push(record);
        }
    }

    /// Whether lines wait to be written.
    pub(crate) fn has_text(&self) -> bool {
        !self.text.text().is_empty()
    }

    /// Whether rows wait to be laid out.
    pub(crate) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Whether no more should be kept.
    pub(crate) fn are_many(&self) -> bool {
        self.rows.len() >= LAID_OUT_TOGETHER || self.text.text().len() >= WRITTEN_TOGETHER
    }

    /// Rows that were left out, as there are too many for a screen.
    pub(crate) fn hidden(&self) -> usize {
        self.hidden
    }

    /// All that waits.
    pub(crate) fn take(&mut self) -> Records {
        let mut text = std::mem::take(&mut self.text);
        let rows = std::mem::take(&mut self.rows);
        if let Some(grid) = self.grid.as_mut().filter(|_| !rows.is_empty()) {
            grid.rows(&rows).iter().for_each(|row| text.push(&format!("{row}\n")));
        }
        text
    }

    /// All that waits, and what closes it.
    pub(crate) fn end(&mut self) -> Records {
        let mut text = self.take();
        self.grid.as_mut().into_iter().for_each(|grid| text.push(&format!("{}\n", grid.end())));
        text
    }

    /// What closes it; what waits is given up.
    pub(crate) fn close(&mut self) -> Records {
        (self.text, self.rows) = (Records::default(), Vec::new());
        self.end()
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
        assert_eq!(row, Line::Row { columns: vec![json("1"), json("[2]")], tombstone: false });
        assert_eq!(Line::read(r#"{"finalMessage":"Limit Reached"}]"#), Line::Final("Limit Reached".to_owned()));
        let error = r#"{"@type":"generic_error","error_code":50000,"message":"no"}"#;
        assert_eq!(Line::read(error), Line::Error("no".to_owned()));
        assert_eq!(Line::read(&format!(r#"{{"errorMessage":{error}}},"#)), Line::Error("no".to_owned()));
        assert_eq!(Line::read("]"), Line::Nothing);
        assert_eq!(Line::read("something else"), Line::Text("something else".to_owned()));
        let gone = Line::read(r#"{"row":{"columns":["k",null],"tombstone":true}},"#);
        assert_eq!(gone, Line::Row { columns: vec![Field::Text("k".to_owned()), Field::Null], tombstone: true });
    }

    fn json(text: &str) -> Field {
        Field::Json(text.to_owned())
    }

    #[test]
    fn a_terminal_takes_no_orders_from_records() {
        let order = "a\tb\u{1b}]0;owned\u{7}\u{9b}31m";
        for format in [OutputFormat::Tabular, OutputFormat::Json, OutputFormat::Csv, OutputFormat::JsonLines] {
            let layout = Layout { terminal: Some(80), ..Layout::default() };
            let mut results = Results::new(format, layout, None);
            results.text(order);
            results.raw(order);
            let shown = results.end();
            assert!(!shown.text().contains(['\u{1b}', '\u{7}', '\u{9b}']), "{format:?}: {shown:?}");
            let mut results = Results::new(OutputFormat::Csv, Layout::default(), None);
            results.text(order);
            assert_eq!(results.end().text(), format!("{order}\n"), "a program gets it as it is");
        }
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
            results.row(r#"{"row":{"columns":[1,"null"]}},"#, vec![json("1"), Field::Text("null".into())], false);
            results.row(r#"{"row":{"columns":[2,null]}},"#, vec![json("2"), Field::Null], false);
            results.text("a, b");
            results.end().text().to_owned()
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
            results.row("", vec![json(&n.to_string()), Field::Null], false);
        }
        assert_eq!(results.end().text(), "+---+------+\n| A | B    |\n+---+------+\n| 0 | null |\n+---+------+\n");
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
