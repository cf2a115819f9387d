//! Who the user is: a name and a password, or a token.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, Config, Editor, Helper};

use crate::args::Args;
use crate::script::{INTERRUPTED, Stopped};

/// The variables that say the same as `--password` and `--token`.
const PASSWORD: &str = "MILLSTREAM_PASSWORD";
const TOKEN: &str = "MILLSTREAM_TOKEN";

/// The header that tells a server, if the command line or the environment says who the user is. A password that is not given
/// is asked for. The server in this process knows no users.
pub(crate) fn header(args: &Args) -> Result<Option<HeaderValue>, Stopped> {
    if args.url.is_none() {
        return Ok(None);
    }
    let text = match (&args.user, args.token.clone().or_else(|| variable(TOKEN))) {
        (Some(user), _) => {
            let given = args.password.clone().or_else(|| variable(PASSWORD));
            let password = given.map_or_else(|| ask_password(user), Ok)?;
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
        (None, Some(token)) => format!("Bearer {token}"),
        (None, None) => return Ok(None),
    };
    let not_a_token = |_| Stopped::failed(format!("--token or {TOKEN}: not a token"));
    let mut header = HeaderValue::from_str(&text).map_err(not_a_token)?;
    header.set_sensitive(true);
    Ok(Some(header))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a password from the terminal, wherever standard input and output go.
fn ask_password(user: &str) -> Result<String, Stopped> {
    let failed = |error| match error {
        ReadlineError::Interrupted => Stopped { message: String::new(), code: INTERRUPTED },
        error => Stopped::failed(format!("--user: the password cannot be asked for ({error}); {PASSWORD} gives it")),
    };
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
