//! The ways a script is run.

use std::fs;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use e2e::kafka::Kafka;
use e2e::process::{self, Server};
use libtest_mimic::Failed;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::script::Script;

/// A way to run a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// In a shell with its own server on the embedded log.
    Plain,
    /// The server gets `kill -9` in the middle and is started again.
    Killed,
    /// Topics have three partitions instead of one; rows may come in another order.
    Partitions,
    /// Topics are Kafka's.
    Kafka,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Killed, Self::Partitions, Self::Kafka];

    /// What is said behind the script's name.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Killed => " killed",
            Self::Partitions => " partitions",
            Self::Kafka => " kafka",
        }
    }

    pub(crate) fn keeps_order(self) -> bool {
        self != Self::Partitions
    }

    /// Whether ids of queries end in how many there were before; on Kafka they follow the offsets of commands.
    pub(crate) fn numbers_queries(self) -> bool {
        self != Self::Kafka
    }
}

/// What the runs share: one broker, which one script at a time has for itself.
#[derive(Default)]
pub(crate) struct Bench {
    kafka: Mutex<Option<Kafka>>,
}

impl Bench {
    /// What the script shows, data and notices in the order in which a person sees them, then the exit code unless it is 0.
    pub(crate) fn run(&self, script: &Script, mode: Mode) -> Result<String, Failed> {
        match mode {
            Mode::Plain => plain(script, &script.text()?, &[]),
            Mode::Partitions => plain(script, &script.over_three_partitions()?, &[]),
            Mode::Killed => killed(script),
            Mode::Kafka => self.on_kafka(script),
        }
    }

    fn on_kafka(&self, script: &Script) -> Result<String, Failed> {
        let mut kafka = self.kafka.lock().unwrap_or_else(PoisonError::into_inner);
        let kafka = kafka.get_or_insert_with(Kafka::start);
        let shown = plain(script, &script.text()?, &["-D", &format!("bootstrap.servers={}", kafka.bootstrap)]);
        empty(&kafka.bootstrap)?;
        shown
    }
}

/// What a shell has shown, and how it ended.
struct Shown {
    text: String,
    code: i32,
}

/// A shell with a server of its own.
fn plain(script: &Script, text: &str, options: &[&str]) -> Result<String, Failed> {
    let data = tempfile::tempdir()?;
    let data_dir = format!("data.dir={}", data.path().display());
    let settings: Vec<String> = script.settings()?.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut own = vec!["-D", &data_dir, "-D", "listeners=http://127.0.0.1:0"];
    own.extend(settings.iter().flat_map(|setting| ["-D", setting]));
    Ok(shell(script, text, &[&own, options].concat())?.told())
}

/// A shell on a server that is killed behind the statement in the middle, and another on the one that takes its place.
fn killed(script: &Script) -> Result<String, Failed> {
    let data = tempfile::tempdir()?;
    let halves = script.halves()?;
    let settings = script.settings()?;
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = Server::start(data.path(), &settings);
    let first = shell(script, &halves.first, &[&server.url])?;
    server.kill();
    if first.code != 0 {
        return Ok(first.told());
    }
    let server = Server::start(data.path(), &settings);
    let again = shell(script, &halves.session, &[&server.url])?;
    let second = shell(script, &halves.second, &[&server.url])?;
    // What the session was told a second time.
    let fresh = second.text.strip_prefix(&again.text).unwrap_or(&second.text);
    Ok(Shown { text: first.text + fresh, code: second.code }.told())
}

/// Runs a text under the script's name.
fn shell(script: &Script, text: &str, options: &[&str]) -> Result<Shown, Failed> {
    let place = tempfile::tempdir()?;
    let file = place.path().join(script.name());
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
    fs::write(&file, text)?;
    let mut both = tempfile::tempfile()?;
    let status = Command::new(process::binary())
        .args(options)
        // A query that does not end fails its test, and no other.
        .args(["--query-timeout", "30000", "-f"])
        .arg(script.name())
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(both.try_clone()?)
        .stderr(both.try_clone()?)
        .status()?;
    both.rewind()?;
    let mut text = String::new();
    both.read_to_string(&mut text)?;
    Ok(Shown { text, code: status.code().unwrap_or(-1) })
}

impl Shown {
    fn told(self) -> String {
        let mut text = without_port(&self.text);
        if self.code != 0 {
            text.push_str(&format!("[exit code {}]\n", self.code));
        }
        text
    }
}

/// The text without the port that the server happened to get.
fn without_port(shown: &str) -> String {
    let mut parts = shown.split("127.0.0.1:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("127.0.0.1:PORT");
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    text
}

/// Deletes all topics of a broker.
fn empty(bootstrap: &str) -> Result<(), Failed> {
    let config: rdkafka::ClientConfig = [("bootstrap.servers".to_owned(), bootstrap.to_owned())].into_iter().collect();
    let consumer: BaseConsumer = config.create()?;
    let names = || -> Result<Vec<String>, Failed> {
        let metadata = consumer.fetch_metadata(None, Duration::from_secs(30))?;
        let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
        Ok(names.filter(|name| !name.starts_with("__")).collect())
    };
    let left = names()?;
    if left.is_empty() {
        return Ok(());
    }
    let left: Vec<&str> = left.iter().map(String::as_str).collect();
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(admin.delete_topics(&left, &AdminOptions::new()))?;
    e2e::eventually("Kafka's topics are gone", || names().ok().filter(Vec::is_empty));
    Ok(())
}
