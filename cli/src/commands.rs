//! What the shell itself understands: `help`, `exit`, `output`, `server`, `set cli`, `spool`, `version`, …

use std::fs::File;
use std::io;

use clap::ValueEnum;
use tokio::task::spawn_blocking;

use crate::args::OutputFormat;
use crate::session::{Result, Session, SessionError};

/// What a line was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A command of the shell; done.
    Done,
    /// Leave the shell.
    Exit,
    /// Not a command: SQL.
    NotACommand,
}

/// First words of commands. They need no `;`.
pub(crate) const WORDS: [&str; 13] = [
    "clear",
    "exit",
    "help",
    "history",
    "output",
    "quit",
    "request-pipelining",
    "run script",
    "server",
    "set",
    "set cli",
    "spool",
    "version",
];

const HELP: &str = "\
Statements end with ';' and may span lines. Tab completes, Ctrl-R searches the history, Ctrl-C stops a query or clears
what is typed, Ctrl-D leaves the shell.

  help                        this text
  exit, quit                  leave
  clear                       clear the screen
  history                     statements of this and earlier sessions; !! !3 !-2 !SEL and ^old^new run one again
  version                     version of the server
  output [FORMAT]             show or choose how results are shown: TABULAR, JSON, CSV, JSONL
  server [URL]                show or change the server; in http://NAME@HOST:PORT NAME says who you are, the password is
                              asked for
  set                         show what was SET in this session
  set cli wrap ON|OFF         whether cells that are too wide go on in the next line or are cut off
  set cli column-width N      width of every column; 0 fits columns to the data and the terminal
  set cli max-rows N          rows of a table, or lines of another answer, that are shown in a terminal; 0 shows all
  request-pipelining [ON|OFF] whether a statement may overtake the ones before it
  run script 'FILE'           run the statements of a file
  spool 'FILE' | spool OFF    copy what is typed and shown to a file

A first look:  SHOW STREAMS;  SHOW TABLES;  SHOW TOPICS;  SHOW QUERIES;  SHOW FUNCTIONS;  DESCRIBE name;
From the beginning of a topic:  SET 'auto.offset.reset' = 'earliest';
Short for a statement to fill in, with Tab:  cs  ct  csas  ctas  ii";

/// Whether a text is a command of the shell, which ends with its line.
pub(crate) fn is_command(text: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || c == ';').filter(|word| !word.is_empty());
    let (Some(first), second) = (words.next(), words.next()) else { return false };
    let second = second.map(str::to_ascii_lowercase);
    match first.to_ascii_lowercase().as_str() {
        "help" | "?" | "exit" | "quit" | "clear" | "history" | "version" | "output" | "server" | "spool"
        | "request-pipelining" => true,
        "set" => second.is_none_or(|word| word == "cli"),
        "run" => second.is_some_and(|word| word == "script") && text.matches('\'').count() == 2,
        _ => false,
    }
}

/// Runs a line if it is a command.
pub(crate) async fn run(session: &mut Session, line: &str) -> Result<Outcome> {
    let line = line.trim().trim_end_matches(';').trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match (word.to_ascii_lowercase().as_str(), rest) {
        ("help" | "?", _) => session.output.line(HELP),
        ("exit" | "quit", "") => return Ok(Outcome::Exit),
        ("clear", "") => session.output.clear(),
        ("version", "") => {
            let client = session.client.clone();
            let info = session.wait_for(client.info()).await?;
            session.output.line(&format!("Version: {}", info.server.version));
        }
        ("output", "") => {
            session.output.line(&format!("Current output format: {}", session.format.name()));
        }
        ("output", name) => {
            session.format = output_format(name)?;
            session.output.notice(&format!("Output format set to {}", session.format.name()));
        }
        ("server", "") => {
            let url = session.client.url().to_owned();
            session.output.line(&format!("Server: {url}"));
        }
        ("server", url) => {
            let client = session.client_of(unquoted(url))?;
            let info = session.wait_for(client.info()).await?;
            session.output.notice(&format!("Server {} is {}.", client.url(), info.server.server_status));
            session.switch_to(client);
        }
        ("set", "") => {
            let table = session.properties_table();
            session.output.line(&table);
        }
        ("set", rest) => match rest.split_once(char::is_whitespace) {
            Some((cli, setting)) if cli.eq_ignore_ascii_case("cli") => set_cli(session, setting.trim())?,
            _ => return Ok(Outcome::NotACommand),
        },
        ("request-pipelining", value) => {
            session.pipelining = if value.is_empty() { session.pipelining } else { on_or_off(word, value)? };
            let state = if session.pipelining { "ON" } else { "OFF" };
            session.output.notice(&format!("Request pipelining is {state}"));
        }
        ("spool", argument) => spool(session, argument).await?,
        _ => return Ok(Outcome::NotACommand),
    }
    Ok(Outcome::Done)
}

fn output_format(name: &str) -> Result<OutputFormat> {
    OutputFormat::from_str(name, true)
        .map_err(|_| SessionError::Usage(format!("output {name}: TABULAR, JSON, CSV or JSONL is expected")))
}

/// `SET CLI WRAP ON|OFF`, `SET CLI COLUMN-WIDTH n`, `SET CLI MAX-ROWS n`
fn set_cli(session: &mut Session, setting: &str) -> Result<()> {
    let (name, value) = setting.split_once(char::is_whitespace).unwrap_or((setting, ""));
    let value = unquoted(value.trim());
    let number = |what: &str| {
        let expected = |_| SessionError::Usage(format!("set cli {name} {value}: a number of {what} is expected, or 0"));
        value.parse().map(|n: usize| Some(n).filter(|n| *n > 0)).map_err(expected)
    };
    match unquoted(name).to_ascii_uppercase().as_str() {
        "WRAP" => session.chosen.wrap = on_or_off("set cli wrap", value)?,
        "COLUMN-WIDTH" => session.chosen.column = number("characters")?,
        "MAX-ROWS" => session.chosen.max_rows = number("rows")?,
        _ => {
            let known = "WRAP ON|OFF, COLUMN-WIDTH n or MAX-ROWS n is expected";
            return Err(SessionError::Usage(format!("set cli {setting}: {known}")));
        }
    }
    Ok(())
}

fn on_or_off(command: &str, value: &str) -> Result<bool> {
    match value.to_ascii_uppercase().as_str() {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        _ => Err(SessionError::Usage(format!("{command} {value}: ON or OFF is expected"))),
    }
}

async fn spool(session: &mut Session, argument: &str) -> Result<()> {
    if argument.eq_ignore_ascii_case("off") {
        return match session.output.spool_off() {
            true => Ok(()),
            false => Err(SessionError::Usage("spool is not on".to_owned())),
        };
    }
    let file = unquoted(argument);
    if file.is_empty() {
        return Err(SessionError::Usage("spool 'FILE' or spool off is expected".to_owned()));
    }
    if session.output.is_spooling() {
        return Err(SessionError::Usage("spool is on already; spool off ends it".to_owned()));
    }
    let path = file.to_owned();
    let opened = session.output.interruptible(spawn_blocking(move || File::create(path))).await;
    let opened = opened.ok_or(SessionError::Interrupted("Not waited for"))?.map_err(io::Error::other);
    session.output.spool_to(opened.flatten().map_err(|e| SessionError::File(file.to_owned(), e))?);
    session.output.notice(&format!("Session will be spooled to {file}; enter SPOOL OFF to disable"));
    Ok(())
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::is_command;

    #[test]
    fn commands_need_no_semicolon() {
        for text in
            ["help", "Exit;", "set", "SET CLI WRAP OFF", "run script 'a b.sql'", "spool off", "server http://h:1"]
        {
            assert!(is_command(text), "{text}");
        }
        for text in ["", "SET 'a'='b'", "run script", "run script '", "SELECT 1", "SHOW STREAMS"] {
            assert!(!is_command(text), "{text}");
        }
    }
}
