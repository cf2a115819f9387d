//! What Tab offers: by what stands before the word, names that the server has, keywords, commands, files.

use std::path::Path;

use serde_json::{Map, Value};
use wire::{Entity, SourceDescription};

use crate::client::{Client, request};
use crate::commands;

const ASK: &str =
    "DESCRIBE STREAMS; DESCRIBE TABLES; SHOW FUNCTIONS; SHOW TOPICS; SHOW QUERIES; SHOW PROPERTIES; SHOW TYPES;";

/// First words of statements.
const STATEMENTS: [&str; 20] = [
    "ALTER",
    "ASSERT",
    "CREATE",
    "DEFINE",
    "DESCRIBE",
    "DROP",
    "EXPLAIN",
    "INSERT",
    "LIST",
    "PAUSE",
    "PRINT",
    "RESUME",
    "RUN",
    "SELECT",
    "SET",
    "SHOW",
    "SPOOL",
    "TERMINATE",
    "UNDEFINE",
    "UNSET",
];
/// Words that end a list of sources which can be shown.
const SHOWN: [&str; 9] =
    ["ALL", "CONNECTORS", "FUNCTIONS", "PROPERTIES", "QUERIES", "STREAMS", "TABLES", "TOPICS", "TYPES"];
const FORMATS: [&str; 4] = ["DELIMITED", "JSON", "KAFKA", "NONE"];
const WITH: [&str; 15] = [
    "CLEANUP_POLICY",
    "FORMAT",
    "KAFKA_TOPIC",
    "KEY_DELIMITER",
    "KEY_FORMAT",
    "PARTITIONS",
    "REPLICAS",
    "RETENTION_MS",
    "TIMESTAMP",
    "TIMESTAMP_FORMAT",
    "VALUE_DELIMITER",
    "VALUE_FORMAT",
    "WINDOW_SIZE",
    "WINDOW_TYPE",
    "WRAP_SINGLE_VALUE",
];
/// Statements to fill in, by what ksqlDB's shell calls them.
const TEMPLATES: [(&str, &str); 5] = [
    ("cs", "CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"),
    ("ct", "CREATE TABLE t (k VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);"),
    ("csas", "CREATE STREAM s AS SELECT * FROM x EMIT CHANGES;"),
    ("ctas", "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM x GROUP BY k EMIT CHANGES;"),
    ("ii", "INSERT INTO s (k, v) VALUES ('a', 1);"),
];

/// What exists on the server.
#[derive(Debug, Default)]
pub(crate) struct Names {
    streams: Vec<Source>,
    tables: Vec<Source>,
    functions: Vec<String>,
    topics: Vec<String>,
    queries: Vec<String>,
    properties: Vec<String>,
    types: Vec<String>,
}

#[derive(Debug)]
struct Source {
    name: String,
    columns: Vec<String>,
}

impl Names {
    /// Asks a server; `None` when it does not answer.
    pub(crate) async fn ask(client: &Client) -> Option<Self> {
        let answer = client.statements(&request(ASK, &Map::new(), &Map::new())).await.ok()?;
        let mut names = Self::default();
        answer.into_iter().for_each(|entity| names.learn(entity));
        Some(names)
    }

    fn learn(&mut self, entity: Value) {
        match serde_json::from_value(entity) {
            Ok(Entity::SourceDescriptions(found)) => {
                for source in found.source_descriptions {
                    if source.kind == "TABLE" { &mut self.tables } else { &mut self.streams }.push(known(source));
                }
            }
            Ok(Entity::Functions(found)) => self.functions = found.functions.into_iter().map(|f| f.name).collect(),
            Ok(Entity::Topics(found)) => self.topics = found.topics.into_iter().map(|topic| topic.name).collect(),
            Ok(Entity::Queries(found)) => self.queries = found.queries.into_iter().map(|query| query.id).collect(),
            Ok(Entity::Properties(found)) => {
                let settable = found.properties.iter().filter(|property| property.editable);
                let names = settable.map(|property| property.name.as_str());
                let short = names.map(|name| name.strip_prefix("ksql.streams.").unwrap_or(name));
                self.properties = short.map(ToOwned::to_owned).collect();
            }
            Ok(Entity::Types(found)) => self.types = found.schemas().into_iter().map(|(name, _)| name).collect(),
            _ => {}
        }
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.streams.iter().chain(&self.tables)
    }
}

fn known(source: SourceDescription) -> Source {
    let quoted = |name: String| if name.chars().any(char::is_lowercase) { format!("`{name}`") } else { name };
    Source { name: quoted(source.name), columns: source.fields.into_iter().map(|field| quoted(field.name)).collect() }
}

/// Where the word before the cursor begins in what is `typed` (which ends at the cursor), and what it could become.
pub(crate) fn candidates(names: &Names, typed: &str) -> (usize, Vec<String>) {
    let template = TEMPLATES.iter().find(|(short, _)| typed.trim().eq_ignore_ascii_case(short));
    if let Some((_, statement)) = template {
        return (0, vec![(*statement).to_owned()]);
    }
    let statement = sql::split(typed).pop().filter(|piece| !piece.complete).map_or("", |piece| piece.text);
    // The piece ends with its last word; a space behind that is the cursor's.
    let statement = if typed.ends_with(char::is_whitespace) { format!("{statement} ") } else { statement.to_owned() };
    let context = Context::of(&statement);
    if context.wants_file() {
        return files(typed);
    }
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || (context.dotted() && ".-".contains(c));
    let start =
        typed.rfind(|c: char| !is_part(c)).map_or(0, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8));
    let start = if typed[..start].ends_with('`') { start - 1 } else { start };
    let word = &typed[start..];
    let (words, narrow) = context.words(names, &statement);
    if word.is_empty() && !narrow {
        return (start, Vec::new());
    }
    let mut found: Vec<String> = words.into_iter().filter(|known| begins_like(known, word)).collect();
    if !word.is_empty() && word.chars().all(|c| !c.is_uppercase()) && !context.quoted {
        found
            .iter_mut()
            .filter(|word| !word.contains('`') && !context.dotted())
            .for_each(|word| word.make_ascii_lowercase());
    }
    found.sort_unstable();
    found.dedup();
    (start, found)
}

fn begins_like(known: &str, word: &str) -> bool {
    let (known, word) = (known.trim_start_matches('`'), word.trim_start_matches('`'));
    known.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// What stands before the word that is typed.
struct Context {
    /// Words in upper case, symbols, and strings as `'`-quoted text; the last one first.
    before: Vec<String>,
    /// Whether the word is within quotes.
    quoted: bool,
}

impl Context {
    fn of(statement: &str) -> Self {
        let mut before = Vec::new();
        let mut rest = statement;
        while let Some(c) = rest.chars().next() {
            let of_topic = before.last().is_some_and(|token| token == "PRINT");
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || (of_topic && ".-".contains(c));
            let len = match c {
                '\'' => match rest[1..].find('\'') {
                    Some(end) => end + 2,
                    None => break,
                },
                c if is_part(c) => {
                    let len = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
                    if len == rest.len() {
                        rest = "";
                        break;
                    }
                    len
                }
                c => c.len_utf8(),
            };
            let (token, tail) = rest.split_at(len);
            if !token.trim().is_empty() {
                before.push(if c == '\'' { token.to_owned() } else { token.to_ascii_uppercase() });
            }
            rest = tail;
        }
        before.reverse();
        Self { before, quoted: rest.starts_with('\'') }
    }

    fn nth(&self, back: usize) -> &str {
        self.before.get(back).map_or("", String::as_str)
    }

    fn wants_file(&self) -> bool {
        self.quoted && matches!(self.nth(0), "SCRIPT" | "SPOOL")
    }

    /// Whether dots and dashes belong to the word: names of topics and properties.
    fn dotted(&self) -> bool {
        self.quoted || self.nth(0) == "PRINT"
    }

    /// What may come here, and whether that is so little that it can be offered before a letter is typed.
    fn words(&self, names: &Names, statement: &str) -> (Vec<String>, bool) {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let with = |found: &[String], words: &[&str]| [found.to_vec(), own(words)].concat();
        let of = |sources: &[Source]| sources.iter().map(|source| source.name.clone()).collect::<Vec<_>>();
        let sources = || names.sources().map(|source| source.name.clone()).collect::<Vec<_>>();
        if self.quoted {
            return match (self.nth(1), self.nth(0)) {
                (_, "SET" | "UNSET") => (names.properties.clone(), true),
                (name, "=") if name.ends_with("FORMAT") => (own(&FORMATS), true),
                ("'auto.offset.reset'", "=") => (own(&["earliest", "latest"]), true),
                _ => (Vec::new(), false),
            };
        }
        match (self.nth(1), self.nth(0)) {
            (_, "") => (own(&STATEMENTS).into_iter().chain(own(&commands::WORDS)).collect(), false),
            (_, "FROM" | "JOIN" | "INTO") => (sources(), true),
            (_, "DESCRIBE") => (with(&sources(), &["EXTENDED", "FUNCTION", "STREAMS", "TABLES"]), true),
            ("DROP" | "ALTER", "STREAM") => (of(&names.streams), true),
            ("DROP" | "ALTER", "TABLE") => (of(&names.tables), true),
            ("DROP", "TYPE") => (names.types.clone(), true),
            ("DESCRIBE", "FUNCTION") => (names.functions.clone(), true),
            (_, "PRINT") => (names.topics.clone(), true),
            (_, "TERMINATE" | "PAUSE" | "RESUME") => (with(&names.queries, &["ALL"]), true),
            (_, "EXPLAIN") => (with(&names.queries, &["SELECT"]), true),
            (_, "SHOW" | "LIST") => (own(&SHOWN), true),
            (_, "(" | ",") if self.in_with() => (own(&WITH), true),
            (_, ".") => (self.columns(names, statement), true),
            _ => {
                let keywords = sql::keywords().map(ToOwned::to_owned).collect();
                (
                    [keywords, self.columns(names, statement), names.functions.clone(), names.types.clone(), sources()]
                        .concat(),
                    false,
                )
            }
        }
    }

    /// Whether the last `(` that is not closed follows WITH.
    fn in_with(&self) -> bool {
        let mut closed = 0;
        for (at, token) in self.before.iter().enumerate() {
            match token.as_str() {
                ")" => closed += 1,
                "(" if closed == 0 => return self.nth(at + 1) == "WITH",
                "(" => closed -= 1,
                _ => {}
            }
        }
        false
    }

    /// Columns of the sources that the statement names; of all while it names none.
    fn columns(&self, names: &Names, statement: &str) -> Vec<String> {
        let upper = statement.to_ascii_uppercase();
        let words: Vec<&str> = upper.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let is_named = |source: &&Source| words.contains(&source.name.to_ascii_uppercase().trim_matches('`'));
        let named: Vec<&Source> = names.sources().filter(is_named).collect();
        let columns = |source: &Source| source.columns.clone();
        if named.is_empty() {
            names.sources().flat_map(columns).collect()
        } else {
            named.into_iter().flat_map(columns).collect()
        }
    }
}

/// Files whose path begins like what is typed behind the last quote.
fn files(line: &str) -> (usize, Vec<String>) {
    let start = line.rfind('\'').map_or(line.len(), |at| at + 1);
    let path = &line[start..];
    let (dir, name) = path.rsplit_once('/').map_or(("", path), |(dir, name)| (dir, name));
    let folder = match (dir, path.starts_with('/')) {
        ("", true) => "/",
        ("", false) => ".",
        _ => dir,
    };
    let Ok(entries) = Path::new(folder).read_dir() else { return (start, Vec::new()) };
    let prefix = &path[..path.len() - name.len()];
    let found = entries.flatten().filter_map(|entry| {
        let file = entry.file_name().into_string().ok().filter(|file| file.starts_with(name))?;
        let slash = if entry.path().is_dir() { "/" } else { "" };
        Some(format!("{prefix}{file}{slash}"))
    });
    let mut found: Vec<String> = found.filter(|path| !name.is_empty() || !path.starts_with('.')).collect();
    found.sort_unstable();
    (start, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let source = |name: &str, columns: &[&str]| Source { name: name.to_owned(), columns: own(columns) };
        Names {
            streams: vec![source("RIDES", &["DRIVER", "KM"]), source("`Mixed`", &["`Own`"])],
            tables: vec![source("DRIVERS", &["ID", "NAME"])],
            functions: own(&["ROUND"]),
            topics: own(&["rides-in", "Rest"]),
            queries: own(&["CTAS_DRIVERS_1"]),
            properties: own(&["auto.offset.reset", "processing.guarantee"]),
            types: own(&["ADDRESS"]),
        }
    }

    fn found(line: &str) -> Vec<String> {
        candidates(&names(), line).1
    }

    #[test]
    fn the_place_decides_what_is_offered() {
        assert_eq!(found("select * from "), ["DRIVERS", "RIDES", "`Mixed`"]);
        assert_eq!(found("SELECT * FROM RI"), ["RIDES"]);
        assert_eq!(found("drop stream r"), ["rides"]);
        assert_eq!(found("PRINT r"), ["Rest", "rides-in"], "topics keep their case");
        assert_eq!(found("print rides-"), ["rides-in"]);
        assert_eq!(found("TERMINATE C"), ["CTAS_DRIVERS_1"]);
        assert_eq!(found("describe function r"), ["round"]);
        assert_eq!(found("show ty"), ["types"]);
        assert_eq!(found("SET 'auto."), ["auto.offset.reset"]);
        assert_eq!(found("SET 'auto.offset.reset' = '"), ["earliest", "latest"]);
        assert_eq!(found("create stream s (v int) with (value_f"), ["value_format"]);
        assert_eq!(found("create stream s (v int) with (value_format='js"), ["JSON"]);
        assert_eq!(found("sel"), ["select"]);
        assert!(found("selekt ").is_empty() && found("").is_empty());
    }

    #[test]
    fn columns_are_those_of_the_sources_that_are_named() {
        assert_eq!(found("SELECT * FROM RIDES R WHERE R.D"), ["DRIVER"]);
        assert_eq!(found("SELECT * FROM DRIVERS WHERE NAM"), ["NAME", "NAMESPACE"]);
        assert_eq!(candidates(&names(), "select *\nfrom rides\nwhere k").1, ["key", "km"]);
        assert_eq!(found("select ow"), ["`Own`"]);
    }

    #[test]
    fn completion_keeps_the_case_that_is_typed() {
        assert_eq!(found("SEL"), ["SELECT"]);
        assert_eq!(candidates(&names(), "select * from ri"), (14, vec!["rides".to_owned()]));
    }

    #[test]
    fn short_names_become_statements() {
        assert!(found("csas").first().is_some_and(|statement| statement.starts_with("CREATE STREAM s AS SELECT")));
        assert_eq!(candidates(&names(), "select 1\ncs").0, 9, "only where a statement begins");
    }

    #[test]
    fn scripts_are_files() {
        let dir = std::env::temp_dir();
        let file = dir.join("millstream-complete-test.sql");
        std::fs::write(&file, "").unwrap();
        let typed = format!("run script '{}/millstream-complete-t", dir.display());
        assert_eq!(candidates(&names(), &typed).1, [file.display().to_string()]);
        std::fs::remove_file(file).unwrap();
    }
}
