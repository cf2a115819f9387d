//! The interactive shell.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use serde_json::Value;

use crate::client::request;
use crate::commands::{self, Outcome};
use crate::session::Session;

/// Names and keywords that TAB completes.
type Words = Arc<Mutex<Vec<String>>>;

/// Statements that the shell completes lines with.
const COMMANDS: [&str; 9] = ["help", "exit", "clear", "history", "version", "output", "server", "spool", "run script"];

/// Reads, runs and prints until the user leaves.
pub(crate) async fn run(session: &mut Session, history_file: Option<PathBuf>) -> Result<(), String> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(10_000)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(|e| e.to_string())?
        .build();
    let words = Words::default();
    let mut editor = Editor::<ShellHelper, DefaultHistory>::with_config(config).map_err(|e| e.to_string())?;
    editor.set_helper(Some(ShellHelper { words: Arc::clone(&words) }));
    let history_file = history_file.or_else(default_history_file);
    if let Some(file) = &history_file {
        // A first run has no history file.
        let _ = editor.load_history(file);
    }
    learn_names(session, &words).await;
    loop {
        match editor.readline("ksql> ") {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                let _ = editor.add_history_entry(line.trim());
                if let Some(file) = &history_file {
                    let _ = editor.save_history(file);
                }
                if !run_line(session, &line, editor.history()).await {
                    return Ok(());
                }
                if changes_names(&line) {
                    learn_names(session, &words).await;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Runs one entry; false ends the shell. Errors are shown and the shell goes on.
async fn run_line(session: &mut Session, line: &str, history: &DefaultHistory) -> bool {
    session.output.echo(line);
    match commands::run(session, line).await {
        Ok(Outcome::Exit) => return false,
        Ok(Outcome::Done) => {}
        Ok(Outcome::History) => {
            for (i, entry) in history.iter().enumerate() {
                session.output.line(&format!("{:5}  {entry}", i + 1));
            }
        }
        Ok(Outcome::NotACommand) => {
            if let Err(error) = session.run(line).await {
                session.output.line(&error.to_string());
            }
        }
        Err(error) => session.output.line(&error.to_string()),
    }
    true
}

fn default_history_file() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".millstream_history"))
}

fn changes_names(line: &str) -> bool {
    let first = line.trim_start().get(..6).unwrap_or_default().to_ascii_uppercase();
    matches!(first.trim_end(), "CREATE" | "DROP" | "ALTER" | "RUN" | "SERVER")
}

/// Asks the server for the names of sources, columns and functions.
async fn learn_names(session: &Session, words: &Words) {
    let mut found: Vec<String> = sql::keywords().map(ToOwned::to_owned).collect();
    found.extend(COMMANDS.iter().map(|command| (*command).to_owned()));
    let ask = request(
        "DESCRIBE STREAMS; DESCRIBE TABLES; SHOW FUNCTIONS; SHOW TOPICS;",
        &session.properties,
        &session.variables,
    );
    for entity in session.client.statements(&ask).await.unwrap_or_default() {
        collect_names(&entity, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    *words.lock() = found;
}

/// Every `name` anywhere in an entity.
fn collect_names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(name) if key == "name" => found.push(name.clone()),
                    other => collect_names(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, found)),
        _ => {}
    }
}

/// What rustyline asks while a line is typed.
struct ShellHelper {
    words: Words,
}

impl Helper for ShellHelper {}

impl Hinter for ShellHelper {
    type Hint = String;
}

impl Highlighter for ShellHelper {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        if default { Cow::Owned(format!("\x1b[1;36m{prompt}\x1b[0m")) } else { Cow::Borrowed(prompt) }
    }
}

impl Validator for ShellHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

/// A command of the shell is complete as it is, SQL when its last statement is closed by `;`.
fn is_complete(input: &str) -> bool {
    let trimmed = input.trim();
    let first = trimmed.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default().to_ascii_lowercase();
    let is_command = ["help", "?", "exit", "quit", "clear", "history", "version", "output", "server", "spool"]
        .contains(&first.as_str())
        || trimmed.eq_ignore_ascii_case("set");
    trimmed.is_empty()
        || is_command
        || sql::split(input).last().is_none_or(|piece| piece.complete || piece.text.trim().is_empty())
}

impl Completer for ShellHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(candidates(&self.words.lock(), line, pos))
    }
}

/// The words that begin like the one before the cursor, in the case it is typed in.
fn candidates(words: &[String], line: &str, pos: usize) -> (usize, Vec<Pair>) {
    let before = line.get(..pos).unwrap_or(line);
    let start = before
        .rfind(|c: char| !(c.is_alphanumeric() || "_-.@".contains(c)))
        .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
    let typed = &before[start..];
    if typed.is_empty() {
        return (start, Vec::new());
    }
    let lower = typed.chars().all(|c| !c.is_uppercase());
    let fits = |word: &&String| {
        word.len() >= typed.len()
            && word.is_char_boundary(typed.len())
            && word[..typed.len()].eq_ignore_ascii_case(typed)
    };
    let found = words.iter().filter(fits).map(|word| {
        let text = if lower && word.chars().all(|c| !c.is_lowercase()) { word.to_lowercase() } else { word.clone() };
        Pair { display: text.clone(), replacement: text }
    });
    (start, found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> Vec<String> {
        let words: Vec<String> = ["SELECT", "SESSION", "Mixed", "RIDERS"].map(ToOwned::to_owned).to_vec();
        candidates(&words, typed, typed.len()).1.into_iter().map(|pair| pair.replacement).collect()
    }

    #[test]
    fn completion_keeps_the_case_that_is_typed() {
        assert_eq!(found("se"), ["select", "session"]);
        assert_eq!(found("SEL"), ["SELECT"]);
        assert_eq!(found("select * from ri"), ["riders"]);
        assert_eq!(found("mi"), ["Mixed"], "a name with its own case keeps it");
        assert!(found("select ").is_empty());
    }

    #[test]
    fn a_line_goes_on_until_its_semicolon() {
        assert!(!is_complete("SELECT *"));
        assert!(is_complete("SELECT *\nFROM x;"));
        assert!(!is_complete("INSERT INTO x VALUES (';"));
        assert!(is_complete("help") && is_complete("exit") && is_complete("spool off") && is_complete(""));
    }
}
