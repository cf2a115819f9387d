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
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use crate::commands;
use crate::complete::{self, Names};
use crate::mistake::Script;
use crate::script::{self, Flow};
use crate::session::Session;

const PROMPT: &str = "ksql> ";
/// As wide as [`PROMPT`], so that the lines of a statement stand below each other.
const CONTINUATION: &str = "    > ";

/// Reads, runs and prints until the user leaves.
pub(crate) async fn run(session: &mut Session, history_file: Option<PathBuf>) -> Result<(), String> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(10_000)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(|e| e.to_string())?
        .build();
    let shared = Arc::new(Shared::default());
    let mut editor = Editor::<ShellHelper, DefaultHistory>::with_config(config).map_err(|e| e.to_string())?;
    editor
        .set_helper(Some(ShellHelper { shared: Arc::clone(&shared), colours: std::env::var_os("NO_COLOR").is_none() }));
    let history_file = history_file.or_else(default_history_file);
    if let Some(file) = &history_file {
        // A first run has no history file.
        let _ = editor.load_history(file);
    }
    let mut entry = String::new();
    loop {
        if entry.is_empty() {
            // While the user thinks: names of what others made meanwhile, too.
            tokio::spawn(learn(session.client.clone(), Arc::clone(&shared)));
        }
        entry.clone_into(&mut shared.typed.lock());
        let line = match editor.readline(if entry.is_empty() { PROMPT } else { CONTINUATION }) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                entry.clear();
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        if !take(&mut entry, &line) {
            continue;
        }
        let typed = std::mem::take(&mut entry);
        if typed.trim().is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(typed.trim());
        if let Some(file) = &history_file {
            // Only what is new: another shell may write there too.
            let _ = editor.append_history(file);
        }
        session.layout.terminal = editor.dimensions().map(|(columns, _)| usize::from(columns)).filter(|n| *n > 0);
        if run_entry(session, &typed, editor.history()).await == Flow::Exit {
            return Ok(());
        }
    }
}

/// Adds a line to what is typed so far; true when that is something to run. A `\` at the end continues any line.
fn take(entry: &mut String, line: &str) -> bool {
    if !entry.is_empty() {
        entry.push('\n');
    }
    if let Some(line) = line.trim_end().strip_suffix('\\') {
        entry.push_str(line);
        return false;
    }
    entry.push_str(line);
    is_complete(entry)
}

/// A command of the shell is complete as it is, SQL when its last statement is closed by `;`.
fn is_complete(entry: &str) -> bool {
    commands::is_command(entry) || sql::split(entry).last().is_none_or(|piece| piece.complete)
}

/// Runs what was typed. Errors are shown and the shell goes on.
async fn run_entry(session: &mut Session, typed: &str, history: &DefaultHistory) -> Flow {
    session.output.echo(typed);
    if typed.trim().trim_end_matches(';').eq_ignore_ascii_case("history") {
        for (i, entry) in history.iter().enumerate() {
            session.output.line(&format!("{:5}  {}", i + 1, entry.replace('\n', "\n       ")));
        }
        return Flow::Done;
    }
    match script::run(session, Script { name: None, text: typed }).await {
        Ok(flow) => flow,
        Err(stopped) => {
            session.output.line(&stopped.message);
            Flow::Done
        }
    }
}

fn default_history_file() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".millstream_history"))
}

async fn learn(client: crate::client::Client, shared: Arc<Shared>) {
    // A server that is away now may be back later; until then the old names do.
    if let Some(names) = Names::ask(&client).await {
        *shared.names.lock() = names;
    }
}

/// What the helper needs to know from the loop.
#[derive(Default)]
struct Shared {
    names: Mutex<Names>,
    /// The lines of the statement that were typed before the one being edited.
    typed: Mutex<String>,
}

/// What rustyline asks while a line is typed.
struct ShellHelper {
    shared: Arc<Shared>,
    colours: bool,
}

impl Helper for ShellHelper {}

impl Validator for ShellHelper {}

impl Hinter for ShellHelper {
    type Hint = String;
}

impl Highlighter for ShellHelper {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        if default && self.colours { Cow::Owned(format!("\x1b[1;36m{prompt}\x1b[0m")) } else { Cow::Borrowed(prompt) }
    }
}

impl Completer for ShellHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = self.shared.typed.lock().clone();
        let before = line.get(..pos).unwrap_or(line);
        let (start, words) = complete::candidates(&self.shared.names.lock(), &typed, before);
        Ok((start, words.into_iter().map(|word| Pair { display: word.clone(), replacement: word }).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_goes_on_until_its_semicolon() {
        let mut entry = String::new();
        assert!(!take(&mut entry, "SELECT *"));
        assert!(!take(&mut entry, "FROM x -- a comment;"));
        assert!(!take(&mut entry, "WHERE v = 'a;"));
        assert!(take(&mut entry, "b';"));
        assert_eq!(entry, "SELECT *\nFROM x -- a comment;\nWHERE v = 'a;\nb';");
        assert!(is_complete("help") && is_complete("spool off") && is_complete("") && is_complete("-- nothing"));
        assert!(!is_complete("SHOW STREAMS; SELECT"));
    }

    #[test]
    fn a_backslash_continues_a_line() {
        let mut entry = String::new();
        assert!(!take(&mut entry, "output \\"));
        assert!(take(&mut entry, "json"));
        assert_eq!(entry, "output \njson");
    }
}
