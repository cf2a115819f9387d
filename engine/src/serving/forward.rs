//! Pull queries on tables whose rows are with other servers of the service: each is asked for those of its partitions, over
//! HTTP, in the same words.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use ureq::{Agent, BodyReader};

use crate::config::setting;
use crate::rows::{RowBatch, RowFormat};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// Rows handed on at once.
const ROWS: usize = 1024;
/// What is read of an answer that is a refusal.
const REFUSAL_BYTES: u64 = 64 << 10;

/// Asks other servers.
pub(crate) struct Forwarding {
    agent: Agent,
}

/// What other servers are asked for.
pub(crate) struct Question<'a> {
    /// One query, variables replaced.
    pub(crate) sql: &'a str,
    /// What the session has set.
    pub(crate) properties: &'a BTreeMap<String, String>,
    pub(crate) format: RowFormat,
    pub(crate) timeout: Duration,
}

/// The rows of another server, as they come.
pub(crate) struct Forwarded {
    url: String,
    lines: BufReader<BodyReader<'static>>,
    format: RowFormat,
}

impl Forwarding {
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("millstream/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().new_agent() }
    }

    /// Asks a server for the rows of some partitions; it has them all if there is an answer.
    ///
    /// # Errors
    /// It cannot be reached, or does not answer: in words for the operator.
    pub(crate) fn ask(&self, url: &str, partitions: &[u32], question: &Question<'_>) -> Result<Forwarded, String> {
        let mut properties = question.properties.clone();
        let wanted: Vec<String> = partitions.iter().map(ToString::to_string).collect();
        properties.insert(setting::PULL_PARTITIONS.name().to_owned(), wanted.join(","));
        let body = json!({ "sql": question.sql, "properties": properties }).to_string();
        let accept = match question.format {
            RowFormat::Json => "application/vnd.ksqlapi.delimited.v1",
            RowFormat::Protobuf => "application/vnd.ksql.v1+protobuf",
        };
        let request = self.agent.post(format!("{url}/query-stream")).header("accept", accept);
        let sent = request.config().timeout_global(Some(question.timeout)).build().send(body);
        let failed = |problem: &dyn std::fmt::Display| format!("{url}: {problem}");
        let mut answer = sent.map_err(|error| failed(&error))?;
        if answer.status() != 200 {
            let said = answer.body_mut().with_config().limit(REFUSAL_BYTES).read_to_string().unwrap_or_default();
            let said: Value = serde_json::from_str(&said).unwrap_or_default();
            return Err(failed(&said["message"].as_str().unwrap_or("it refuses")));
        }
        let lines = BufReader::new(answer.into_body().into_with_config().limit(u64::MAX).reader());
        let mut forwarded = Forwarded { url: url.to_owned(), lines, format: question.format };
        // What the columns are is known.
        forwarded.line()?;
        Ok(forwarded)
    }
}

impl Forwarded {
    /// The next rows; `None`: that was all.
    ///
    /// # Errors
    /// They break off: in words for the operator.
    pub(crate) fn next(&mut self) -> Result<Option<RowBatch>, String> {
        let mut batch = RowBatch::default();
        while batch.ends.len() < ROWS {
            let Some(line) = self.line()? else { break };
            match self.format {
                RowFormat::Json if line.starts_with('[') => batch.data.extend_from_slice(line.as_bytes()),
                _ => {
                    let value: Value = serde_json::from_str(&line).unwrap_or_default();
                    let message =
                        value["row"]["protobufBytes"].as_str().and_then(|row| BASE64_STANDARD.decode(row).ok());
                    match message.filter(|_| self.format == RowFormat::Protobuf) {
                        Some(message) => batch.data.extend_from_slice(&message),
                        None => return Err(format!("{}: {line}", self.url)),
                    }
                }
            }
            batch.ends.push(batch.data.len());
        }
        Ok((!batch.ends.is_empty()).then_some(batch))
    }

    /// The next line that is not empty, without what joins elements of a JSON array.
    fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.lines.read_line(&mut line).map_err(|error| format!("{}: {error}", self.url))?;
            if read == 0 {
                return Ok(None);
            }
            let text = line.trim_end();
            let text = match self.format {
                RowFormat::Json => text,
                RowFormat::Protobuf => text.trim_end_matches([',', ']']),
            };
            if !text.is_empty() {
                return Ok(Some(text.to_owned()));
            }
        }
    }
}
