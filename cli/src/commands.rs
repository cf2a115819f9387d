//! What the shell itself understands: `help`, `exit`, `output`, `server`, `spool`, `version`, `history`, …

use crate::args::OutputFormat;
use crate::client::Client;
use crate::session::{Result, Session, SessionError};

/// What a line was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A command of the shell; done.
    Done,
    /// Leave the shell.
    Exit,
    /// Show the history.
    History,
    /// Not a command: SQL.
    NotACommand,
}

const HELP: &str = "\
Statements end with ';' and may span lines. Ctrl-C stops a query, Ctrl-D leaves the shell.

  help                      this text
  exit                      leave
  clear                     clear the screen
  history                   statements of this and earlier sessions
  version                   version of the server
  output [JSON|TABULAR]     show or choose how results are shown
  server [URL]              show or change the server
  set                       show what was SET in this session
  run script 'FILE'         run the statements of a file
  spool 'FILE' | spool off  copy what is typed and shown to a file

A first look:  SHOW STREAMS;  SHOW TABLES;  SHOW TOPICS;  SHOW QUERIES;  SHOW FUNCTIONS;
From the beginning of a topic:  SET 'auto.offset.reset' = 'earliest';";

/// Runs a line if it is a command.
pub(crate) async fn run(session: &mut Session, line: &str) -> Result<Outcome> {
    let line = line.trim().trim_end_matches(';').trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match (word.to_ascii_lowercase().as_str(), rest) {
        ("help" | "?", _) => session.output.line(HELP),
        ("exit" | "quit", "") => return Ok(Outcome::Exit),
        ("history", "") => return Ok(Outcome::History),
        ("clear", "") => session.output.line("\x1b[2J\x1b[H"),
        ("version", "") => {
            let info = session.client.info().await?;
            session.output.line(&format!("Version: {}", info.server.version));
        }
        ("output", "") => session.output.line(&format!("Current output format: {:?}", session.format)),
        ("output", name) => session.format = output_format(name)?,
        ("server", "") => {
            let url = session.client.url().to_owned();
            session.output.line(&format!("Server: {url}"));
        }
        ("server", url) => {
            let client = Client::new(unquoted(url))?;
            client.info().await?;
            session.client = client;
        }
        ("set", "") => {
            let table = session.properties_table();
            session.output.line(&table);
        }
        ("spool", argument) => spool(session, argument)?,
        _ => return Ok(Outcome::NotACommand),
    }
    Ok(Outcome::Done)
}

fn output_format(name: &str) -> Result<OutputFormat> {
    match name.to_ascii_uppercase().as_str() {
        "JSON" => Ok(OutputFormat::Json),
        "TABULAR" => Ok(OutputFormat::Tabular),
        _ => Err(SessionError::Usage(format!("output {name}: JSON or TABULAR is expected"))),
    }
}

fn spool(session: &mut Session, argument: &str) -> Result<()> {
    if argument.eq_ignore_ascii_case("off") {
        return if session.output.spool_off() {
            Ok(())
        } else {
            Err(SessionError::Usage("spool is not on".to_owned()))
        };
    }
    let file = unquoted(argument);
    if file.is_empty() {
        return Err(SessionError::Usage("spool 'FILE' or spool off is expected".to_owned()));
    }
    if session.output.is_spooling() {
        return Err(SessionError::Usage("spool is on already; spool off ends it".to_owned()));
    }
    session.output.spool_to(file).map_err(|e| SessionError::File(file.to_owned(), e))?;
    session.output.line(&format!("Session will be spooled to {file}; enter SPOOL OFF to disable"));
    Ok(())
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).unwrap_or(text)
}
