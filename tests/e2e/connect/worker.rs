//! A worker of Kafka Connect with Debezium's connectors and Apicurio's Avro converter, all from Maven's registry.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::http::request;
use e2e::repository;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::postgres::Postgres;
use crate::clients::{Cache, install};
use crate::registry_clients::free_port;

const KAFKA: &str = "4.3.1";
const CONVERTER: &str = "2.6.13.Final";
const CONNECTORS: [(&str, &str); 2] = [("postgres", "3.7.0.Final"), ("jdbc", "3.6.0.Final")];
const PATIENCE: Duration = Duration::from_secs(90);

/// A worker; killed when dropped.
pub(super) struct Worker {
    child: Child,
    url: String,
    dir: TempDir,
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
            .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"])
            .arg(installed.join("libs/*"))
            .arg("org.apache.kafka.connect.cli.ConnectDistributed")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("java cannot be started ({e}): install a JDK 17"));
        let mut worker = Self { child, url, dir };
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

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("connect.log")).unwrap_or_default()
    }

    /// Adds a connector and waits until its task runs.
    pub(super) fn create(&self, name: &str, config: &Value) {
        let body = json!({ "name": name, "config": config }).to_string();
        let headers = [("Content-Type", "application/json")];
        let answer = request(&self.url, "POST", "/connectors", &headers, &body);
        assert_eq!(answer.status, 201, "{}\n{}", answer.body, self.log());
        let deadline = Instant::now() + PATIENCE;
        while self.state(name) != json!("RUNNING") {
            assert!(Instant::now() < deadline, "{name} is {}:\n{}", self.state(name), self.log());
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
    cache.holds(&format!("{KAFKA} {CONVERTER} {CONNECTORS:?}"), |dir| {
        let runtime = ["connect-runtime", "connect-json"].map(|artifact| ("org.apache.kafka", artifact, KAFKA));
        fetch(dir, "libs", &[&runtime[..], &[("org.slf4j", "slf4j-simple", "1.7.36")]].concat());
        fetch(dir, "plugins/apicurio", &[("io.apicurio", "apicurio-registry-utils-converter", CONVERTER)]);
        converter(&dir.join("plugins/apicurio"));
        for (database, version) in CONNECTORS {
            let artifact = format!("io.debezium:debezium-connector-{database}:{version}:tar.gz:plugin");
            let mut copy = Command::new("mvn");
            copy.args(["-q", "-B", "dependency:copy", &format!("-Dartifact={artifact}"), "-DoutputDirectory=archives"]);
            install(copy.current_dir(dir), "maven");
            let archive = dir.join(format!("archives/debezium-connector-{database}-{version}-plugin.tar.gz"));
            install(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(dir.join("plugins")), "tar");
            fs::remove_file(archive).unwrap();
        }
    });
    cache.dir.clone()
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

/// Makes the converter's folder a plugin: without what the worker brings, and with a word that it is one.
fn converter(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["kafka-clients", "connect-", "slf4j"].iter().any(|brought| name.starts_with(brought)) {
            fs::remove_file(path).unwrap();
        }
    }
    let service = "META-INF/services/org.apache.kafka.connect.storage.Converter";
    let class = "io.apicurio.registry.utils.converter.AvroConverter";
    let script = format!("import zipfile; zipfile.ZipFile('services.jar', 'w').writestr('{service}', '{class}')");
    install(Command::new("python3").args(["-c", &script]).current_dir(folder), "Python 3");
}

/// Apicurio's API in front of our registry, for its converter.
pub(super) struct Adapter {
    child: Child,
    url: String,
}

impl Adapter {
    pub(super) fn start(registry: &str) -> Self {
        let port = free_port();
        let child = Command::new("python3")
            .arg(repository().join("tests/e2e/connect/apicurio.py"))
            .args([registry, &port.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("python3 cannot be started ({e})"));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the adapter does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, url: format!("http://127.0.0.1:{port}/apis/registry/v2") }
    }

    /// A connector's settings, with those of its converters.
    pub(super) fn with_converters(&self, mut config: Value) -> Value {
        for half in ["key", "value"] {
            config[format!("{half}.converter")] = json!("io.apicurio.registry.utils.converter.AvroConverter");
            for (name, value) in [
                ("url", self.url.as_str()),
                ("auto-register", "true"),
                ("as-confluent", "true"),
                ("use-id", "contentId"),
                ("headers.enabled", "false"),
            ] {
                config[format!("{half}.converter.apicurio.registry.{name}")] = json!(value);
            }
        }
        config
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
