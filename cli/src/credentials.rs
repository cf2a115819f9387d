//! Who the user is: a name and a password, or a token.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, Config, Editor, Helper};

use crate::args::Args;

/// The header that tells a server, if the command line says who the user is. A password that is not given is asked for.
pub(crate) fn header(args: &Args) -> Result<Option<HeaderValue>, String> {
    let text = match (&args.user, &args.password, &args.token) {
        (Some(user), password, _) => {
            let password = password.clone().map_or_else(|| ask_password(user), Ok)?;
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
        (None, _, Some(token)) => format!("Bearer {token}"),
        (None, _, None) => return Ok(None),
    };
    let mut header = HeaderValue::from_str(&text).map_err(|_| "--token: not a token".to_owned())?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// Reads a password from the terminal, wherever standard input and output go.
fn ask_password(user: &str) -> Result<String, String> {
    let failed = |error| format!("--user: the password cannot be asked for ({error}); --password gives it");
    let config = Config::builder().behavior(Behavior::PreferTerm).build();
    let mut editor = Editor::<Masked, DefaultHistory>::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Masked));
    editor.readline(&format!("Password of {user}: ")).map_err(failed)
}

/// Shows a star for each character that is typed.
struct Masked;

impl Helper for Masked {}

impl Validator for Masked {}

impl Completer for Masked {
    type Candidate = String;
}

impl Hinter for Masked {
    type Hint = String;
}

impl Highlighter for Masked {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned("*".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}
