//! A worker of Kafka Connect with Debezium's connectors and Confluent's Avro converter, all from Maven's registry.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use e2e::http::request;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::postgres::Postgres;
use crate::clients::{Cache, install};
use crate::registry_clients::free_port;

const KAFKA: &str = "4.3.1";
/// Confluent's own artifacts are not in Maven's registry. This one holds Confluent's converter, serializers and client 7.2.1.
const CONVERTER: &str = "com.snowflake:snowflake-kafka-connector:1.8.1";
const CONNECTORS: [(&str, &str); 2] = [("postgres", "3.7.0.Final"), ("jdbc", "3.6.0.Final")];
const PATIENCE: Duration = Duration::from_secs(90);

/// A worker; killed when dropped.
pub(super) struct Worker {
    child: Child,
    url: String,
    dir: TempDir,
    installed: PathBuf,
    /// Connect adds one connector at a time, and refuses another until it runs.
    adding: Mutex<()>,
}

impl Worker {
    /// Starts one and waits until it answers.
    pub(super) fn start(bootstrap: &str) -> Self {
        let installed = installed();
        let dir = tempfile::tempdir().unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let settings = dir.path().join("connect.properties");
        fs::write(&settings, properties(bootstrap, &url, &installed.join("plugins"))).unwrap();
        let log = File::create(dir.path().join("connect.log")).unwrap();
        let child = Command::new("java")
            .args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(["-Duser.timezone=UTC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"])
            .arg(installed.join("libs/*"))
            .arg("org.apache.kafka.connect.cli.ConnectDistributed")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("java cannot be started ({e}): install a JDK 17"));
        let mut worker = Self { child, url, dir, installed, adding: Mutex::default() };
        let deadline = Instant::now() + PATIENCE;
        while !worker.answers() {
            let ended = worker.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "Kafka Connect does not start:\n{}", worker.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        worker
    }

    fn answers(&self) -> bool {
        let listens = TcpStream::connect(self.url.trim_start_matches("http://")).is_ok();
        listens && request(&self.url, "GET", "/connectors", &[], "").status == 200
    }

    /// Confluent's classes, with what they need.
    pub(super) fn confluents_jar(&self) -> PathBuf {
        self.installed.join("plugins/confluent/confluent.jar")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("connect.log")).unwrap_or_default()
    }

    /// Adds a connector and waits until its task runs.
    pub(super) fn create(&self, name: &str, config: &Value) {
        let _one = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let body = json!({ "name": name, "config": config }).to_string();
        let headers = [("Content-Type", "application/json")];
        let answer = request(&self.url, "POST", "/connectors", &headers, &body);
        assert_eq!(answer.status, 201, "{}\n{}", answer.body, self.log());
        let deadline = Instant::now() + PATIENCE;
        while self.state(name) != json!("RUNNING") {
            let goes_on = self.state(name) != json!("FAILED") && Instant::now() < deadline;
            assert!(goes_on, "{name} is {}:\n{}", self.state(name), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn state(&self, name: &str) -> Value {
        let answer = request(&self.url, "GET", &format!("/connectors/{name}/status"), &[], "");
        answer.json()["tasks"][0]["state"].clone()
    }

    /// Asks again and again until the query has these rows.
    pub(super) fn until(&self, postgres: &Postgres, query: &str, rows: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, seen) = postgres.try_run(query);
            if seen.lines().eq(rows.iter().copied()) {
                return;
            }
            assert!(Instant::now() < deadline, "{query}\n{seen}instead of\n{}\n{}", rows.join("\n"), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn properties(bootstrap: &str, url: &str, plugins: &Path) -> String {
    let mut lines = vec![
        format!("bootstrap.servers={bootstrap}"),
        format!("listeners={url}"),
        format!("plugin.path={}", plugins.display()),
        "plugin.discovery=service_load".to_owned(),
        "group.id=connect".to_owned(),
        "rest.advertised.host.name=127.0.0.1".to_owned(),
        "key.converter=org.apache.kafka.connect.storage.StringConverter".to_owned(),
        "value.converter=org.apache.kafka.connect.storage.StringConverter".to_owned(),
        "offset.storage.partitions=1".to_owned(),
        "status.storage.partitions=1".to_owned(),
        "offset.flush.interval.ms=2000".to_owned(),
    ];
    for storage in ["config", "offset", "status"] {
        lines.push(format!("{storage}.storage.topic=connect-{storage}"));
        lines.push(format!("{storage}.storage.replication.factor=1"));
    }
    lines.join("\n")
}

/// Where the worker's jars and its plugins are.
fn installed() -> PathBuf {
    let cache = Cache::new("connect");
    cache.holds(&format!("{KAFKA} {CONVERTER} {CONNECTORS:?} {UNPACK}"), |dir| {
        // Of an older recipe.
        let _ = fs::remove_dir_all(dir.join("plugins"));
        let runtime = ["connect-runtime", "connect-json", "connect-file"];
        let runtime = runtime.map(|artifact| ("org.apache.kafka", artifact, KAFKA));
        fetch(dir, "libs", &[&runtime[..], &[("org.slf4j", "slf4j-simple", "1.7.36")]].concat());
        converter(dir);
        for (database, version) in CONNECTORS {
            let archive = artifact(dir, &format!("io.debezium:debezium-connector-{database}:{version}:tar.gz:plugin"));
            install(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(dir.join("plugins")), "tar");
            fs::remove_file(archive).unwrap();
        }
    });
    cache.dir.clone()
}

/// Fetches one artifact by its coordinates.
fn artifact(dir: &Path, coordinates: &str) -> PathBuf {
    let folder = dir.join("archives");
    let _ = fs::remove_dir_all(&folder);
    let mut copy = Command::new("mvn");
    copy.args(["-q", "-B", "dependency:copy", &format!("-Dartifact={coordinates}"), "-DoutputDirectory=archives"]);
    install(copy.current_dir(dir), "maven");
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

/// Copies artifacts and what they need into a folder.
fn fetch(dir: &Path, folder: &str, artifacts: &[(&str, &str, &str)]) {
    let dependencies: String = artifacts
        .iter()
        .map(|(group, artifact, version)| {
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
            )
        })
        .collect();
    let pom = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>millstream</groupId><artifactId>connect</artifactId>\
         <version>1</version><dependencies>{dependencies}</dependencies></project>"
    );
    fs::write(dir.join("pom.xml"), pom).unwrap();
    let mut copy = Command::new("mvn");
    copy.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    install(copy.arg(format!("-DoutputDirectory={folder}")).current_dir(dir), "maven");
}

/// Takes Confluent's classes, what they need, and what says that there is a converter, out of the artifact that holds them.
const UNPACK: &str = r#"
import sys, zipfile
taken = ("io/confluent/", "io/swagger/", "org/apache/avro/", "org/apache/commons/compress/", "com/fasterxml/", "com/google/",
    "META-INF/services/io.confluent", "META-INF/services/com.fasterxml")
with zipfile.ZipFile(sys.argv[1]) as whole, zipfile.ZipFile("confluent.jar", "w") as part:
    for name in whole.namelist():
        if name.startswith(taken):
            part.writestr(name, whole.read(name))
    part.writestr("META-INF/services/org.apache.kafka.connect.storage.Converter", "io.confluent.connect.avro.AvroConverter")
"#;

fn converter(dir: &Path) {
    let folder = dir.join("plugins/confluent");
    fs::create_dir_all(&folder).unwrap();
    let archive = artifact(dir, CONVERTER);
    install(Command::new("python3").args(["-c", UNPACK]).arg(&archive).current_dir(folder), "Python 3");
    fs::remove_file(archive).unwrap();
}

/// A connector's settings, with those of Confluent's converters for a registry.
pub(super) fn with_converters(mut config: Value, registry: &str) -> Value {
    for half in ["key", "value"] {
        config[format!("{half}.converter")] = json!("io.confluent.connect.avro.AvroConverter");
        config[format!("{half}.converter.schema.registry.url")] = json!(registry);
    }
    config
}
