//! The interactive shell.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::{DefaultHistory, History};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use crate::complete::{self, Names};
use crate::entry;
use crate::history::{self, Kept};
use crate::render::grouped;
use crate::script::{self, Flow};
use crate::session::Session;

const PROMPT: &str = "ksql> ";

/// Reads, runs and prints until the user leaves.
pub(crate) async fn run(session: &mut Session, history_file: Option<PathBuf>) -> Result<(), String> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(10_000)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(|e| e.to_string())?
        .build();
    let names = Arc::new(Mutex::new(Names::default()));
    let mut editor = Editor::<ShellHelper, DefaultHistory>::with_config(config.clone()).map_err(|e| e.to_string())?;
    let colours = session.output.has_colours();
    editor.set_helper(Some(ShellHelper { names: Arc::clone(&names), colours }));
    let mut kept = history_file.or_else(default_history_file).map(|file| Kept::open(file, &config));
    for entry in kept.iter().flat_map(Kept::entries) {
        let _ = editor.add_history_entry(entry);
    }
    loop {
        // While the user thinks: names of what others made meanwhile, too.
        tokio::spawn(learn(session.client.clone(), Arc::clone(&names)));
        let typed = match editor.readline(PROMPT) {
            Ok(typed) => typed,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        // A press before this was meant for what is over.
        session.output.interrupts.forget();
        if typed.trim().is_empty() {
            continue;
        }
        let entries: Vec<&str> = editor.history().iter().map(String::as_str).collect();
        let typed = match history::expand(&typed, &entries) {
            None => typed,
            Some(Ok(statement)) => {
                session.output.remark(&history::without_secrets(&statement));
                statement
            }
            Some(Err(problem)) => {
                session.output.notice(&problem);
                continue;
            }
        };
        let _ = editor.add_history_entry(typed.trim());
        kept.iter_mut().for_each(|kept| kept.add(&typed));
        if run_entry(session, &typed, editor.history()).await == Flow::Exit {
            return Ok(());
        }
    }
}

/// Runs what was typed. Errors are shown and the shell goes on.
async fn run_entry(session: &mut Session, typed: &str, history: &DefaultHistory) -> Flow {
    session.output.echo(&history::without_secrets(typed));
    if typed.trim().trim_end_matches(';').eq_ignore_ascii_case("history") {
        show_history(session, history);
        return Flow::Done;
    }
    match script::run(session, None, typed).await {
        Ok(flow) => flow,
        Err(stopped) => {
            if !stopped.message.is_empty() {
                session.output.notice(&stopped.message);
            }
            Flow::Done
        }
    }
}

/// Shows what was typed, the last of it where a terminal shows no more.
fn show_history(session: &mut Session, history: &DefaultHistory) {
    let most = session.chosen.max_rows.filter(|_| session.output.is_terminal()).unwrap_or(usize::MAX);
    let hidden = history.len().saturating_sub(most);
    if hidden > 0 {
        let hidden = grouped(hidden as u64);
        session.output.notice(&format!("… {hidden} before these; SET CLI MAX-ROWS 0 shows all"));
    }
    for (i, entry) in history.iter().enumerate().skip(hidden) {
        let entry = history::without_secrets(entry).replace('\n', "\n       ");
        session.output.line(&format!("{:5}  {entry}", i + 1));
    }
}

fn default_history_file() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".millstream_history"))
}

async fn learn(client: crate::client::Client, names: Arc<Mutex<Names>>) {
    // A server that is away now may be back later; until then the old names do.
    if let Some(found) = Names::ask(&client).await {
        *names.lock() = found;
    }
}

/// What rustyline asks while a statement is typed.
struct ShellHelper {
    names: Arc<Mutex<Names>>,
    colours: bool,
}

impl Helper for ShellHelper {}

impl Validator for ShellHelper {
    /// Enter runs what is complete, else it begins a new line: all lines of a statement are edited together.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let complete = history::is_event(context.input()) || entry::is_complete(context.input());
        Ok(if complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

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
        let (start, words) = complete::candidates(&self.names.lock(), line.get(..pos).unwrap_or(line));
        Ok((start, words.into_iter().map(|word| Pair { display: word.clone(), replacement: word }).collect()))
    }
}
