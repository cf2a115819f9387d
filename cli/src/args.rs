//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, value_parser};

/// Millstream: streaming SQL, compatible with ksqlDB, in one binary.
///
/// Without arguments it opens a shell with a server on the embedded log in the same process.
///
/// Exit codes: 0 all went well, 1 a statement failed, 2 wrong arguments, 3 no server answers, 4 a query was ended by
/// --query-timeout, 130 Ctrl-C, 141 nobody reads standard output any more.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// A running server, e.g. http://localhost:8088; without it a server is started in this process.
    pub(crate) url: Option<String>,

    /// Run these statements and exit; the exit code is not 0 at the first failure.
    #[arg(short = 'e', long, value_name = "STATEMENTS", conflicts_with = "file", allow_hyphen_values = true)]
    pub(crate) execute: Option<String>,

    /// Run the statements of a file and exit.
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// How results are shown; words about them go to standard error.
    #[arg(long, value_enum, ignore_case = true, default_value = "tabular")]
    pub(crate) output: OutputFormat,

    /// Who the user is, for a server that asks; the password is asked for if it is not given.
    #[arg(short = 'u', long, value_name = "NAME", requires = "url", conflicts_with = "token")]
    pub(crate) user: Option<String>,

    /// The user's password. Others on this machine may see it in the list of processes; they do not see the variable
    /// MILLSTREAM_PASSWORD, which does the same.
    #[arg(short = 'p', long, value_name = "PASSWORD", requires = "user")]
    pub(crate) password: Option<String>,

    /// A bearer token instead of a name. Others on this machine may see it in the list of processes; they do not see the
    /// variable MILLSTREAM_TOKEN, which does the same.
    #[arg(short = 't', long, value_name = "TOKEN", requires = "url")]
    pub(crate) token: Option<String>,

    /// File of properties that are SET in the session, as in ksqlDB's shell.
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,

    /// Value of a variable, used as ${name}; may be repeated.
    #[arg(short = 'd', long = "define", value_name = "NAME=VALUE", value_parser = key_value)]
    pub(crate) define: Vec<(String, String)>,

    /// Property of the server in this process; may be repeated.
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) property: Vec<(String, String)>,

    /// End streamed queries after so many rows.
    #[arg(long, value_name = "ROWS", value_parser = value_parser!(u64).range(1..))]
    pub(crate) query_row_limit: Option<u64>,

    /// End queries and PRINT after so many milliseconds; the statements behind them run, the exit code is 4.
    #[arg(long, value_name = "MILLISECONDS", value_parser = value_parser!(u64).range(1..))]
    pub(crate) query_timeout: Option<u64>,

    /// File that keeps the shell's history.
    #[arg(long, value_name = "FILE")]
    pub(crate) history_file: Option<PathBuf>,
}

/// What else the binary does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server until it is stopped by SIGTERM or Ctrl-C.
    ///
    /// Its properties come from the file, from variables KSQL_… as ksqlDB's images take them (KSQL_LISTENERS is listeners,
    /// KSQL_OPTS holds -Dname=value), and from -D; later ones win.
    Server {
        /// ksqlDB's server.properties, plus `data.dir`.
        file: Option<PathBuf>,
        /// Say what of a ksqlDB with the same service id and brokers would go on here with millstream.take.over=all, and do
        /// nothing. The exit code is 1 if something cannot be taken over.
        #[arg(long, conflicts_with = "queries_file")]
        dry_run: bool,
        /// Headless: run the statements of this file and take no others, as ksql.queries.file does.
        #[arg(long, value_name = "FILE")]
        queries_file: Option<String>,
        /// Property that overrides the file; may be repeated.
        #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = key_value)]
        property: Vec<(String, String)>,
    },
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Tables, columns as wide as the data needs.
    Tabular,
    /// JSON as the server sent it.
    Json,
    /// Comma-separated values with a line of names (RFC 4180); NULL is nothing, an empty text "".
    Csv,
    /// One JSON object for each row.
    #[value(name = "jsonl", alias = "json-lines", alias = "json_lines", alias = "ndjson")]
    JsonLines,
}

impl OutputFormat {
    /// As users write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tabular => "TABULAR",
            Self::Json => "JSON",
            Self::Csv => "CSV",
            Self::JsonLines => "JSONL",
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text}: KEY=VALUE is expected"))?;
    if key.trim().is_empty() {
        return Err(format!("{text}: the name before '=' is missing"));
    }
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_or_a_subcommand() {
        let args = Args::parse_from(["millstream", "http://h:1", "-e", "SHOW STREAMS;", "--output", "JSON"]);
        assert_eq!(args.url.as_deref(), Some("http://h:1"));
        assert_eq!(args.output, OutputFormat::Json);
        let args = Args::parse_from(["millstream", "server", "a.properties", "-D", "listeners=http://0.0.0.0:0"]);
        assert!(matches!(args.command, Some(Command::Server { property, .. }) if property[0].1 == "http://0.0.0.0:0"));
    }

    #[test]
    fn a_property_needs_a_name_and_a_value() {
        assert!(Args::try_parse_from(["millstream", "server", "-D", "listeners"]).is_err());
        assert!(Args::try_parse_from(["millstream", "--no-such-flag"]).is_err());
    }

    #[test]
    fn limits_of_nothing_are_no_limits() {
        for limit in ["--query-row-limit", "--query-timeout"] {
            assert!(Args::try_parse_from(["millstream", limit, "1"]).is_ok());
            assert!(Args::try_parse_from(["millstream", limit, "0"]).is_err());
        }
    }

    #[test]
    fn statements_may_begin_with_a_comment_and_formats_have_several_names() {
        let args = Args::parse_from(["millstream", "-e", "-- all of them\nSHOW STREAMS;", "--output", "JSON-Lines"]);
        assert_eq!(args.execute.as_deref(), Some("-- all of them\nSHOW STREAMS;"));
        assert_eq!(args.output, OutputFormat::JsonLines);
    }
}
