//! Who the user is: a name and a password, or a token. Each server is told only what was given for it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderValue, InvalidHeaderValue};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, Config, Editor, Helper};

use crate::args::Args;
use crate::script::{INTERRUPTED, Stopped};
use crate::session::SessionError;

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
            let password = given.map_or_else(|| ask_password(user).map_err(not_asked), Ok)?;
            basic(user, &password)
        }
        (None, Some(token)) => format!("Bearer {token}"),
        (None, None) => return Ok(None),
    };
    let not_a_token = |_| Stopped::failed(format!("--token or {TOKEN}: not a token"));
    Ok(Some(sensitive(&text).map_err(not_a_token)?))
}

fn not_asked(error: ReadlineError) -> Stopped {
    match error {
        ReadlineError::Interrupted => Stopped { message: String::new(), code: INTERRUPTED },
        error => Stopped::failed(format!("--user: the password cannot be asked for ({error}); {PASSWORD} gives it")),
    }
}

/// A URL that may say who the user is, `http://NAME[:PASSWORD]@HOST:PORT`, without that; and the header that says it. A
/// password that is not there is asked for.
pub(crate) fn of_url(url: &str) -> Result<(String, Option<HeaderValue>), SessionError> {
    let Some((before, user, after)) = user_of(url) else { return Ok((url.to_owned(), None)) };
    let (name, password) = user.split_once(':').map_or((user, None), |(name, password)| (name, Some(password)));
    let name = decoded(name);
    if name.is_empty() {
        return Err(SessionError::Usage("server: a name is expected before '@'".to_owned()));
    }
    let asked = |error| match error {
        ReadlineError::Interrupted => SessionError::Interrupted(""),
        error => SessionError::Usage(format!(
            "server: the password of {name} cannot be asked for ({error}); a script may say http://NAME:PASSWORD@HOST:PORT"
        )),
    };
    let password = password.map_or_else(|| ask_password(&name).map_err(asked), |password| Ok(decoded(password)))?;
    // It is plain ASCII.
    Ok((format!("{before}{after}"), sensitive(&basic(&name, &password)).ok()))
}

/// The same URL without the password in it.
pub(crate) fn without_password(url: &str) -> String {
    match user_of(url).and_then(|(before, user, after)| Some((before, user.split_once(':')?.0, after))) {
        Some((before, name, after)) => format!("{before}{name}@{after}"),
        None => url.to_owned(),
    }
}

/// What stands in a URL before its user, the user, and what comes behind the `@`. A `/` may stand bare in a password.
fn user_of(url: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (user, after) = rest.rsplit_once('@')?;
    Some((before, user, after))
}

/// A text with `%40` and the like for what has a meaning in URLs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn sensitive(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut header = HeaderValue::from_str(text)?;
    header.set_sensitive(true);
    Ok(header)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a password from the terminal, wherever standard input and output go.
fn ask_password(user: &str) -> Result<String, ReadlineError> {
    let config = Config::builder().behavior(Behavior::PreferTerm).build();
    let mut editor = Editor::<Masked, DefaultHistory>::with_config(config)?;
    editor.set_helper(Some(Masked));
    editor.readline(&format!("Password of {user}: "))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_say_who_the_user_is() {
        let told = |url: &str| {
            let (url, header) = of_url(url).unwrap();
            (url, header.map(|header| header.to_str().unwrap().to_owned()))
        };
        assert_eq!(told("http://h:1"), ("http://h:1".to_owned(), None));
        for url in ["http://zoe:a%3Ab@h:1/x", "zoe:a:b@h:1/x", "z%6Fe:a:b@h:1/x"] {
            let (url, header) = told(url);
            assert_eq!(url.trim_start_matches("http://"), "h:1/x");
            assert_eq!(header.unwrap(), format!("Basic {}", STANDARD.encode("zoe:a:b")));
        }
        let header = told("http://zoe:p@ss/%zz@h:1").1;
        assert_eq!(header.unwrap(), format!("Basic {}", STANDARD.encode("zoe:p@ss/%zz")));
        assert!(of_url("http://:p@h").is_err());
    }

    #[test]
    fn a_url_is_kept_without_its_password() {
        for (url, kept) in [
            ("http://zoe:p@ss@h:1/x", "http://zoe@h:1/x"),
            ("zoe:p@h", "zoe@h"),
            ("http://zoe@h", "http://zoe@h"),
            ("http://h:1", "http://h:1"),
        ] {
            assert_eq!(without_password(url), kept);
        }
    }
}
