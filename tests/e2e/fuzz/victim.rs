//! A server that is tried, in a process of its own with a bound on its memory, and what must hold whatever was sent to it.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, rows};
use e2e::process::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::profile::Batch;
use super::wire::{self, Reply, Until};

/// More address space is not to be had: what asks for more ends the process, and not the machine.
const MOST_MEMORY: u64 = 6 << 30;
/// More than a batch takes many times over, resident.
const MOST_RESIDENT: u64 = 1 << 29;
/// Processor time, of a build that is not optimised, after which an answer has taken too long. Time on the clock says more
/// about what else the machine does.
const MOST_CPU: Duration = Duration::from_secs(5);
/// SIGTERM ends it within this time.
const END: Duration = Duration::from_secs(60);
/// Requests that are shown when something is wrong.
const SHOWN: usize = 6;
/// As much of each as is shown.
const SHOWN_BYTES: usize = 2_000;

/// What ksqlDB answers with 500 in its own words, and we therefore, too.
const MEANT: &[&str] = &[
    "Cannot invoke",
    "Failed to deserialize buffer",
    "No enum constant",
    "Failed to guarantee existence of topic",
    "different partition/replica/retention configuration",
    "Cannot repartition a TABLE source",
    "Window advancement interval should be",
    "Can't infer a type of null",
    "is not a STRUCT type",
    "Expected STRUCT type",
    "Subscript expression (",
    "Duplicate field names found in STRUCT",
    "KSQL_SHARED_RUNTIME_ENABLED",
    "Not recognizable as ksql",
    "Timed out while waiting for a previous command",
];

/// A running server that is not to be trusted.
pub(super) struct Victim {
    server: Option<Server>,
    /// Where it listens.
    pub(super) url: String,
    told: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
    recent: VecDeque<Vec<u8>>,
    batch: Batch,
    data: TempDir,
}

impl Victim {
    /// Starts one on a fresh directory.
    pub(super) fn start(batch: Batch) -> Self {
        Self::on(tempfile::tempdir().expect("a temporary directory"), batch)
    }

    /// Starts one on a directory.
    pub(super) fn on(data: TempDir, batch: Batch) -> Self {
        let (server, stderr) = Server::start_confined(data.path(), &[], MOST_MEMORY);
        let (url, told) = (server.url.clone(), Arc::<Mutex<String>>::default());
        let listener = Some(listen(stderr, Arc::clone(&told)));
        Self { server: Some(server), url, told, listener, recent: VecDeque::new(), batch, data }
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("it was not stopped")
    }

    /// Sends a request in pieces and reads what comes; the connection is closed afterwards.
    pub(super) fn ask(&mut self, pieces: &[&[u8]], until: Until) -> Reply {
        self.recent.push_back(pieces.concat());
        if self.recent.len() > SHOWN {
            self.recent.pop_front();
        }
        let before = self.server().cpu();
        let mut stream = wire::connect(&self.url);
        wire::send(&mut stream, pieces);
        let reply = wire::receive(&mut stream, until);
        self.check();
        let spent = self.server().cpu() - before;
        if reply.hangs || spent > MOST_CPU {
            self.fail(&format!("no end after {spent:?} of processor time"));
        }
        reply
    }

    /// An answer is no error of the server's own, or one that is meant.
    pub(super) fn answered(&self, reply: &Reply) {
        let text = reply.text();
        let failed = text.contains("HTTP/1.1 5") || text.contains("\"error_code\":5");
        if failed && !MEANT.iter().any(|meant| text.contains(meant)) {
            self.fail(&text);
        }
    }

    /// A request of HTTP/1.1 with a JSON body.
    pub(super) fn post(&mut self, path: &str, body: &Value, until: Until) -> Reply {
        let body = body.to_string();
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        self.ask(&[head.as_bytes(), body.as_bytes()], until)
    }

    /// It is there, and nothing in it has panicked.
    pub(super) fn check(&mut self) {
        let ended = self.server().ended();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(status) = ended {
            self.fail(&format!("it ended with {status}:\n{told}"));
        }
        if told.contains("panicked") {
            self.fail(&format!("it panicked:\n{told}"));
        }
    }

    /// An answer did not come at all: says why, which may take a moment to be known.
    pub(super) fn fail_without_answer(&mut self, reply: &Reply) -> ! {
        std::thread::sleep(Duration::from_secs(1));
        self.check();
        self.fail(&format!("no answer, but {:?}", reply.text()));
    }

    /// The test has failed: says what came last, and how to see it again.
    pub(super) fn fail(&self, what: &str) -> ! {
        let mut shown = String::new();
        for request in &self.recent {
            let text = String::from_utf8_lossy(&request[..request.len().min(SHOWN_BYTES)]).into_owned();
            shown += &format!("--- {} bytes\n{text}\n", request.len());
        }
        let file = self.keep();
        panic!("{what}\n{shown}--- the last ones are in {}\nagain: {}", file.display(), self.batch.replay());
    }

    /// Writes down the last requests as they were.
    fn keep(&self) -> PathBuf {
        let file = std::env::temp_dir().join(format!("millstream-fuzz-{}", self.batch.seed));
        let bytes: Vec<u8> =
            self.recent.iter().flat_map(|request| request.iter().copied().chain(*b"\n---\n")).collect();
        fs::write(&file, bytes).expect("a file in the temporary directory");
        file
    }

    /// What is known to be good still works: a stream, a table of it, rows, a pull query.
    pub(super) fn works(&mut self, number: usize) {
        let statements = format!(
            "CREATE STREAM GOOD{number} (ID INT KEY, V INT) WITH (KAFKA_TOPIC='good{number}', VALUE_FORMAT='JSON', PARTITIONS=1);
             CREATE TABLE GOODS{number} AS SELECT V, COUNT(*) AS N FROM GOOD{number} GROUP BY V;
             INSERT INTO GOOD{number} VALUES (1, 7); INSERT INTO GOOD{number} VALUES (2, 7); INSERT INTO GOOD{number} VALUES (3, 8);"
        );
        ksql(&self.url, &statements, &json!({"auto.offset.reset": "earliest"}));
        self.still_works(number);
    }

    /// What [`Self::works`] has made is right.
    pub(super) fn still_works(&mut self, number: usize) {
        let query = format!("SELECT * FROM GOODS{number};");
        eventually("what is known to be good works", || {
            (rows(&self.url, &query, &json!({})) == [json!([7, 2]), json!([8, 1])]).then_some(())
        });
        self.check();
    }

    /// Clients that have gone have left no query behind.
    pub(super) fn left_behind_nothing(&self) {
        eventually("queries of clients that are gone have ended", || {
            let queries = ksql(&self.url, "SHOW QUERIES;", &json!({}));
            (!queries.to_string().contains("\"PUSH\"")).then_some(())
        });
    }

    /// Streams, tables, types and persistent queries.
    pub(super) fn catalog(&self) -> Vec<String> {
        let lists = ksql(&self.url, "SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW TYPES;", &json!({}));
        let listed = |list: &Value, name: &str| {
            list.as_array().into_iter().flatten().map(|item| item[name].to_string()).collect()
        };
        let mut names: Vec<String> = listed(&lists[0]["streams"], "name");
        names.extend::<Vec<String>>(listed(&lists[1]["tables"], "name"));
        let mut queries = lists[2]["queries"].clone();
        queries.as_array_mut().expect("a list").retain(|query| query["queryType"] == "PERSISTENT");
        names.extend::<Vec<String>>(listed(&queries, "id"));
        names.extend(lists[3]["types"].as_object().into_iter().flat_map(|types| types.keys().cloned()));
        names.sort();
        names
    }

    /// Stops it in an orderly way and starts it again on its data: all is there.
    pub(super) fn restart(self) -> Self {
        self.restart_after(|_| ())
    }

    /// The same; meanwhile something is done to its data.
    pub(super) fn restart_after(mut self, change: impl FnOnce(&Path)) -> Self {
        let catalog = self.catalog();
        let data = self.end();
        change(data.path());
        let again = Self::on(data, self.batch);
        if again.catalog() != catalog {
            again.fail(&format!("before the restart: {catalog:?}\nafter it: {:?}", again.catalog()));
        }
        again
    }

    /// Stops it in an orderly way.
    pub(super) fn stop(mut self) {
        drop(self.end());
    }

    fn end(&mut self) -> TempDir {
        self.check();
        let peak = self.server().peak_memory();
        if peak > MOST_RESIDENT {
            self.fail(&format!("it had {peak} bytes in memory at once"));
        }
        let stopped = self.server.take().is_some_and(|server| server.terminate_within(END));
        if !stopped {
            self.fail("SIGTERM did not end it with exit code 0");
        }
        self.listener.take().map(JoinHandle::join);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if told.contains("panicked") {
            self.fail(&format!("it panicked at its end:\n{told}"));
        }
        std::mem::replace(&mut self.data, tempfile::tempdir().expect("a temporary directory"))
    }
}

/// Collects what a process says on standard error.
fn listen(stderr: ChildStderr, told: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            // What it warns of is not looked at, and may be much.
            if !line.windows(6).any(|word| word == b" WARN ") {
                told.push_str(&String::from_utf8_lossy(&line));
                told.push('\n');
            }
        }
    })
}
