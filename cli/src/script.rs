//! Runs texts of several statements, one after the other, until one fails. A script may hold commands of the shell too.

use std::path::Path;

use crate::client::ClientError;
use crate::commands::{self, Outcome};
use crate::mistake::{Mistake, Script};
use crate::session::{Session, SessionError};

/// Scripts may run each other this deep.
const MAX_DEPTH: usize = 16;

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
    /// What to tell the user: what is wrong, where.
    pub(crate) message: String,
    /// Exit code of a process that has nothing more to do.
    pub(crate) code: u8,
}

/// Exit code: a statement or the whole command failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code: no server answers.
pub(crate) const UNREACHABLE: u8 = 3;
/// Exit code: the user pressed Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// Runs every statement and command of a text; stops at the first that fails.
pub(crate) async fn run(session: &mut Session, script: Script<'_>) -> Result<Flow, Stopped> {
    for piece in sql::split(script.text) {
        match run_one(session, piece.text).await {
            Ok(Flow::Done) => {}
            Ok(Flow::Exit) => return Ok(Flow::Exit),
            Err(error) => return Err(stopped(error, piece.text, |mistake| mistake.show(script, piece.span))),
        }
    }
    Ok(Flow::Done)
}

/// Runs the statements of a file.
pub(crate) async fn run_file(session: &mut Session, path: &Path) -> Result<Flow, Stopped> {
    let name = path.display().to_string();
    let failed = |message| Stopped { message, code: FAILED };
    let text = std::fs::read_to_string(path).map_err(|error| failed(format!("{name}: {error}")))?;
    if session.depth >= MAX_DEPTH {
        return Err(failed(format!("{name}: scripts are nested too deeply; does it run itself?")));
    }
    session.depth += 1;
    let result = run(session, Script { name: Some(&name), text: &text }).await;
    session.depth -= 1;
    result
}

async fn run_one(session: &mut Session, text: &str) -> Result<Flow, SessionError> {
    match commands::run(session, text).await? {
        Outcome::Exit => return Ok(Flow::Exit),
        Outcome::Done => return Ok(Flow::Done),
        Outcome::NotACommand => {}
    }
    let statement = if text.ends_with(';') { text.to_owned() } else { format!("{text};") };
    session.run(&statement).await.map(|()| Flow::Done)
}

fn stopped(error: SessionError, statement: &str, show: impl FnOnce(&Mistake) -> String) -> Stopped {
    let (mistake, code) = match error {
        SessionError::Script(inner) => return inner,
        SessionError::Interrupted(message) => return Stopped { message: message.to_owned(), code: INTERRUPTED },
        SessionError::Client(error @ (ClientError::Unreachable(..) | ClientError::BadUrl(..))) => {
            return Stopped { message: error.to_string(), code: UNREACHABLE };
        }
        SessionError::Client(ClientError::Refused(refusal)) => (Mistake::of_refusal(&refusal, statement), FAILED),
        SessionError::Syntax(mistake) => (mistake, FAILED),
        other => (Mistake::somewhere(other.to_string()), FAILED),
    };
    Stopped { message: show(&mistake), code }
}
