//! A real Apache Kafka broker (KRaft, one node) for tests. Its jars come by Maven into a cache directory; without a JDK,
//! Maven or the registry the test fails and says why.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::free_port;

const VERSION: &str = "4.3.1";

/// Two tests at once must not fetch the jars at once.
static FETCH: Mutex<()> = Mutex::new(());

/// A broker; killed when dropped.
pub struct Kafka {
    child: Child,
    /// `127.0.0.1:PORT`
    pub bootstrap: String,
    ports: BTreeMap<&'static str, u16>,
    classpath: String,
    dir: tempfile::TempDir,
    _turn: Turn,
}

/// What a broker has beside its open listener, by which its clients are `User:ANONYMOUS`.
#[derive(Default)]
pub struct Secured {
    /// Listeners, with their protocols.
    pub listeners: Vec<(&'static str, &'static str)>,
    /// Further settings of the broker.
    pub settings: Vec<String>,
    /// Users as the storage tool's `--add-scram` takes them.
    pub scram: Vec<String>,
}

impl Kafka {
    /// Where its partitions are, a directory each.
    pub fn logs(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    /// Starts a broker with an empty log and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&Secured::default())
    }

    /// The same for a test that needs the machine for itself, as it starts many servers: no other broker runs meanwhile.
    pub fn start_alone() -> Self {
        Self::start_in(Turn::take(true), &Secured::default())
    }

    /// The same with further listeners.
    pub fn start_with(secured: &Secured) -> Self {
        Self::start_in(Turn::take(false), secured)
    }

    fn start_in(turn: Turn, secured: &Secured) -> Self {
        let lib = jars();
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (port, controller) = (free_port(), free_port());
        let properties = dir.path().join("server.properties");
        let ports: BTreeMap<_, _> = secured.listeners.iter().map(|(name, _)| (*name, free_port())).collect();
        let settings = settings(port, controller, &ports, secured, &dir.path().join("logs"));
        fs::write(&properties, settings).expect("settings are written");
        let classpath = format!("{}/*", lib.display());
        let id = java(&classpath, &["kafka.tools.StorageTool", "random-uuid"]);
        let file = properties.display().to_string();
        let mut format = vec!["kafka.tools.StorageTool", "format", "--standalone", "-t", id.trim(), "-c", &file];
        secured.scram.iter().for_each(|user| format.extend(["--add-scram", user]));
        java(&classpath, &format);
        let child = run(&classpath, dir.path());
        let bootstrap = format!("127.0.0.1:{port}");
        let mut kafka = Self { child, bootstrap, ports, classpath, dir, _turn: turn };
        kafka.wait();
        kafka
    }

    /// The port of a listener of [`Secured::listeners`].
    pub fn port(&self, listener: &str) -> u16 {
        self.ports[listener]
    }

    /// Runs a tool of Kafka's to its end.
    pub fn tool(&self, args: &[&str]) -> String {
        java(&self.classpath, args)
    }

    /// `kill -9`, as when the machine goes away.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Starts it again, with its log and at its address, and waits until it answers.
    pub fn restart(&mut self) {
        self.child = run(&self.classpath, self.dir.path());
        self.wait();
    }

    /// Runs a program of Kafka's, or of more jars, to its end; what it prints.
    pub fn program(&self, more: &Path, args: &[&str]) -> String {
        java(&format!("{}:{}", self.classpath, more.display()), args)
    }

    fn wait(&mut self) {
        use rdkafka::consumer::{BaseConsumer, Consumer};
        let config: rdkafka::ClientConfig =
            [("bootstrap.servers".to_owned(), self.bootstrap.clone())].into_iter().collect();
        let client: BaseConsumer = config.create().expect("a client");
        let deadline = Instant::now() + Duration::from_secs(60);
        while client.fetch_metadata(None, Duration::from_secs(1)).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = fs::read_to_string(self.dir.path().join("broker.log")).unwrap_or_default();
                panic!("the broker ended with {status}:\n{log}");
            }
            assert!(Instant::now() < deadline, "the broker does not answer on {}", self.bootstrap);
        }
    }
}

/// The process, with the settings in a directory.
fn run(classpath: &str, dir: &Path) -> Child {
    let log = fs::File::options().create(true).append(true).open(dir.join("broker.log")).expect("a log file");
    Command::new("java")
        .args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"])
        .args([classpath, "kafka.Kafka"])
        .arg(dir.join("server.properties"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|e| panic!("java cannot be started ({e}): install a JDK 17"))
}

/// Brokers that run at the same time: any number, or one that is alone.
static RUNNING: (Mutex<(usize, bool)>, Condvar) = (Mutex::new((0, false)), Condvar::new());

/// A broker's place among those that run.
struct Turn {
    alone: bool,
}

impl Turn {
    /// Waits for it.
    fn take(alone: bool) -> Self {
        let (running, changed) = &RUNNING;
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let must_wait = |(count, is_alone): &mut (usize, bool)| *is_alone || (alone && *count > 0);
        let mut running = changed.wait_while(running, must_wait).unwrap_or_else(PoisonError::into_inner);
        *running = (running.0 + 1, alone);
        Self { alone }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (running, changed) = &RUNNING;
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = (running.0 - 1, running.1 && !self.alone);
        changed.notify_all();
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(port: u16, controller: u16, ports: &BTreeMap<&'static str, u16>, secured: &Secured, logs: &Path) -> String {
    let others = |of: &dyn Fn(&str, &str) -> String| -> String {
        secured.listeners.iter().map(|(name, protocol)| format!(",{}", of(name, protocol))).collect()
    };
    // Certificates are for names, not for addresses.
    let more = others(&|name, _| format!("{name}://localhost:{}", ports[name]));
    let protocols = others(&|name, protocol| format!("{name}:{protocol}"));
    let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{more}");
    let settings = [
        "process.roles=broker,controller".to_owned(),
        "node.id=1".to_owned(),
        format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
        format!("listeners={listeners}"),
        format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}{more}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}"),
        format!("log.dirs={}", logs.display()),
        "offsets.topic.replication.factor=1".to_owned(),
        "offsets.topic.num.partitions=4".to_owned(),
        "transaction.state.log.replication.factor=1".to_owned(),
        "transaction.state.log.num.partitions=4".to_owned(),
        "transaction.state.log.min.isr=1".to_owned(),
        "share.coordinator.state.topic.replication.factor=1".to_owned(),
        "share.coordinator.state.topic.min.isr=1".to_owned(),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        // A broker that was killed is taken for dead sooner, and may come back sooner.
        "broker.session.timeout.ms=3000".to_owned(),
        "broker.heartbeat.interval.ms=500".to_owned(),
    ];
    settings.iter().chain(&secured.settings).map(|line| format!("{line}\n")).collect()
}

/// The broker's jars in the cache (`$MILLSTREAM_KAFKA_LIB`, else below the target directory's parent), fetched once.
fn jars() -> PathBuf {
    let _one = FETCH.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(lib) = std::env::var_os("MILLSTREAM_KAFKA_LIB") {
        return PathBuf::from(lib);
    }
    let cache = std::env::temp_dir().join(format!("millstream-kafka-{VERSION}"));
    let lib = cache.join("lib");
    if cache.join("complete").exists() {
        return lib;
    }
    fs::create_dir_all(&cache).expect("a cache directory");
    fs::write(cache.join("pom.xml"), pom()).expect("a pom is written");
    let status = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"])
        .current_dir(&cache)
        .status()
        .unwrap_or_else(|e| panic!("mvn cannot be started ({e}): install maven, the Kafka tests need it"));
    assert!(status.success(), "Maven could not fetch Kafka {VERSION}");
    fs::write(cache.join("complete"), "").expect("the cache is marked");
    lib
}

fn pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        )
    };
    let dependencies = [
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency("org.apache.kafka", "kafka-tools", VERSION),
        dependency("org.slf4j", "slf4j-simple", "1.7.36"),
    ]
    .concat();
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>millstream</groupId><artifactId>broker</artifactId>\
         <version>1</version><dependencies>{dependencies}</dependencies></project>"
    )
}

fn java(classpath: &str, args: &[&str]) -> String {
    let options = ["-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
    let output = Command::new("java").args(options).args(["-cp", classpath]).args(args).output();
    let output = output.unwrap_or_else(|e| panic!("java cannot be started ({e}): install a JDK 17"));
    assert!(output.status.success(), "java {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
