//! The lines of a query's answer, read and shown.

use serde_json::Value;

use super::layout::Layout;
use super::table::Grid;

/// Rows that are kept to be laid out together, at most.
const LAID_OUT_TOGETHER: usize = 1000;

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

/// Collects rows and turns them into text.
pub(crate) struct RowPrinter {
    layout: Layout,
    grid: Option<Grid>,
    waiting: Vec<Vec<String>>,
}

impl RowPrinter {
    /// For one query.
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, grid: None, waiting: Vec::new() }
    }

    /// The columns are known.
    pub(crate) fn header(&mut self, schema: &str) {
        self.grid = Some(Grid::new(self.layout, column_names(schema)));
    }

    /// Keeps a row until the next [`RowPrinter::flush`].
    pub(crate) fn row(&mut self, columns: &[Value], tombstone: bool) {
        let cell = |value: &Value| match value {
            Value::Null if tombstone => "<TOMBSTONE>".to_owned(),
            Value::Null => "null".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.waiting.push(columns.iter().map(cell).collect());
    }

    /// Whether rows wait.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The text of the waiting rows if there are so many that no more should be kept.
    pub(crate) fn flush_when_many(&mut self) -> Option<String> {
        if self.waiting.len() < LAID_OUT_TOGETHER { None } else { self.flush() }
    }

    /// The text of the waiting rows.
    pub(crate) fn flush(&mut self) -> Option<String> {
        let grid = self.grid.as_mut().filter(|_| !self.waiting.is_empty())?;
        Some(grid.rows(&std::mem::take(&mut self.waiting)))
    }

    /// The text of the waiting rows and the closing line.
    pub(crate) fn end(&mut self) -> Option<String> {
        let rows = self.flush();
        let rule = self.grid.as_mut()?.end();
        Some(rows.map_or(rule.clone(), |rows| format!("{rows}\n{rule}")))
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

    #[test]
    fn names_are_found_outside_of_types() {
        assert_eq!(
            column_names("`A` INTEGER KEY, `B` STRUCT<`X` STRING, `Y` DECIMAL(4, 2)>, `c` STRING"),
            ["A", "B", "c"]
        );
        assert_eq!(column_names("`a``b` INTEGER KEY, ```` STRING, `c, <``` INTEGER, `d"), ["a`b", "`", "c, <`", "d"]);
    }
}
