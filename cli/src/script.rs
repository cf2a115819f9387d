//! Runs texts of several statements, one after the other, until one fails. A script may hold commands of the shell too.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::client::ClientError;
use crate::commands::{self, Outcome};
use crate::entry::Entry;
use crate::mistake::{Mistake, Script};
use crate::output::is_closed;
use crate::session::{Session, SessionError};

/// Scripts may run each other this deep.
const MAX_DEPTH: usize = 16;
/// A line, the lines of a statement, or a file may have this many bytes; a server takes less.
const MAX_BYTES: usize = 64 << 20;

/// Whether to go on after a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It is done.
    Done,
    /// It said `exit`.
    Exit,
}

/// Why a text was not run to its end.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Stopped {
    /// What to tell the user: what is wrong, where. Nothing where nobody is left to be told.
    pub(crate) message: String,
    /// Exit code of a process that has nothing more to do.
    pub(crate) code: u8,
}

impl Stopped {
    /// A statement or the whole command failed.
    pub(crate) fn failed(message: String) -> Self {
        Self { message, code: FAILED }
    }
}

/// Exit code: a statement or the whole command failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code: no server answers.
pub(crate) const UNREACHABLE: u8 = 3;
/// Exit code: all went well, but a query was ended by `--query-timeout`.
pub(crate) const TIMED_OUT: u8 = 4;
/// Exit code: the user pressed Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;
/// Exit code: nobody reads standard output any more (`| head`); what the signal for that would leave.
const CLOSED: u8 = 141;

/// Runs every statement and command of a text; stops at the first that fails.
pub(crate) async fn run(session: &mut Session, name: Option<&str>, text: &str) -> Result<Flow, Stopped> {
    let mut entry = Entry::default();
    for line in without_mark(text).split('\n') {
        entry.push(line);
        if run_ready(session, name, &mut entry, false).await? == Flow::Exit {
            return Ok(Flow::Exit);
        }
    }
    run_ready(session, name, &mut entry, true).await
}

/// Runs the statements of a file.
pub(crate) async fn run_file(session: &mut Session, path: &Path) -> Result<Flow, Stopped> {
    let name = path.display().to_string();
    let path = path.to_owned();
    // A pipe may keep it waiting.
    let Some(read) = session.output.interruptible(spawn_blocking(move || read_file(&path))).await else {
        return Err(Stopped { message: String::new(), code: INTERRUPTED });
    };
    let text = read.map_err(io::Error::other).flatten().map_err(|error| Stopped::failed(format!("{name}: {error}")))?;
    if session.depth >= MAX_DEPTH {
        return Err(Stopped::failed(format!("{name}: scripts are nested too deeply; does it run itself?")));
    }
    session.depth += 1;
    let result = run(session, Some(&name), &text).await;
    session.depth -= 1;
    result
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::Error::other(format!("more than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("not UTF-8"))
}

/// Runs what comes on standard input, each statement as soon as it is there.
pub(crate) async fn run_stdin(session: &mut Session) -> Result<Flow, Stopped> {
    let name = Some("stdin");
    let mut lines = stdin_lines();
    let mut entry = Entry::default();
    let mut is_first = true;
    loop {
        let Some(line) = session.output.interruptible(lines.recv()).await else {
            return Err(Stopped { message: String::new(), code: INTERRUPTED });
        };
        let Some(line) = line else { return run_ready(session, name, &mut entry, true).await };
        let line = line.map_err(|problem| Stopped::failed(format!("stdin: {problem}")))?;
        entry.push(if std::mem::take(&mut is_first) { without_mark(&line) } else { &line });
        if entry.waiting() > MAX_BYTES {
            return Err(Stopped::failed(format!("stdin: a statement of more than {MAX_BYTES} bytes")));
        }
        if run_ready(session, name, &mut entry, false).await? == Flow::Exit {
            return Ok(Flow::Exit);
        }
    }
}

/// A text without the byte order mark that some editors begin it with.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The lines of standard input as they come. A thread of its own waits for them, which does not keep the process alive.
fn stdin_lines() -> mpsc::Receiver<Result<String, String>> {
    let (send, lines) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut bytes = Vec::new();
            let read = (&mut stdin).take(MAX_BYTES as u64 + 1).read_until(b'\n', &mut bytes);
            let line = match read {
                Ok(0) => return,
                Ok(_) => {
                    bytes.pop_if(|last| *last == b'\n');
                    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
                }
                Err(error) => Err(error.to_string()),
            };
            let failed = line.is_err();
            if send.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    lines
}

/// Runs what is complete.
async fn run_ready(
    session: &mut Session,
    name: Option<&str>,
    entry: &mut Entry,
    at_end: bool,
) -> Result<Flow, Stopped> {
    while let Some(span) = entry.next(at_end) {
        let statement = entry.slice(span);
        match run_one(session, statement).await {
            Ok(Flow::Done) => {}
            Ok(Flow::Exit) => return Ok(Flow::Exit),
            Err(error) => {
                return Err(stopped(error, statement, |mistake| mistake.show(Script { name, entry }, span)));
            }
        }
    }
    Ok(Flow::Done)
}

async fn run_one(session: &mut Session, text: &str) -> Result<Flow, SessionError> {
    if text == ";" {
        return Ok(Flow::Done);
    }
    let outcome = match commands::run(session, text).await? {
        Outcome::Exit => return Ok(Flow::Exit),
        Outcome::Done => Ok(Flow::Done),
        Outcome::NotACommand => {
            let statement = if text.ends_with(';') { text.to_owned() } else { format!("{text};") };
            session.run(&statement).await.map(|()| Flow::Done)
        }
    };
    match session.output.failure() {
        Some(error) => Err(SessionError::Output(error)),
        None if session.output.interrupts.pressed() => {
            session.output.stop_at_once();
            outcome.and(Err(SessionError::Interrupted("")))
        }
        None => outcome,
    }
}

fn stopped(error: SessionError, statement: &str, show: impl FnOnce(&Mistake) -> String) -> Stopped {
    let (mistake, code) = match error {
        SessionError::Script(inner) => return inner,
        SessionError::Interrupted(message) => return Stopped { message: message.to_owned(), code: INTERRUPTED },
        SessionError::Output(error) if is_closed(&error) => return Stopped { message: String::new(), code: CLOSED },
        SessionError::Client(error @ (ClientError::Unreachable(..) | ClientError::BadUrl(..))) => {
            return Stopped { message: error.to_string(), code: UNREACHABLE };
        }
        SessionError::Client(ClientError::Refused(refusal)) => (Mistake::of_refusal(&refusal, statement), FAILED),
        SessionError::Syntax(mistake) => (mistake, FAILED),
        other => (Mistake::somewhere(other.to_string()), FAILED),
    };
    Stopped { message: show(&mistake), code }
}
