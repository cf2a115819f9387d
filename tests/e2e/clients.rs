//! Clients that other people wrote for ksqlDB, run against a server of ours. What they need is installed once into a
//! cache outside the checkout; what cannot be installed fails the test and says why.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use e2e::process::Server;

/// Longest time an installation or a script may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Checks of `raw-http` that are not to hold, and why.
const ON_PURPOSE: [(&str, &str); 2] = [
    ("GET /is_valid_property/unknown is 400/40000", "ksqlDB 8.3.1 answers true (recording http-small-endpoints)"),
    ("SELECT on /ksql is 400/40002", "without FROM it is a syntax error in 8.3.1 (recording errors-syntax-4)"),
];

/// Where a client's packages live on between runs; locked as long as the value lives.
pub(crate) struct Cache {
    pub(crate) dir: PathBuf,
    _lock: File,
}

impl Cache {
    pub(crate) fn new(client: &str) -> Self {
        let dir = std::env::temp_dir().join("millstream-clients").join(client);
        fs::create_dir_all(&dir).unwrap();
        let lock = File::create(dir.join("lock")).unwrap();
        lock.lock().unwrap();
        Self { dir, _lock: lock }
    }

    /// Runs `install` unless it was run to its end for the same `recipe`.
    pub(crate) fn holds(&self, recipe: &str, install: impl FnOnce(&Path)) {
        let complete = self.dir.join("complete");
        if fs::read_to_string(&complete).is_ok_and(|done| done == recipe) {
            return;
        }
        install(&self.dir);
        fs::write(complete, recipe).unwrap();
    }
}

/// Runs a program to its end; its exit code and all it printed.
pub(crate) fn output(command: &mut Command, needs: &str) -> (bool, String) {
    let mut printed = tempfile::tempfile().unwrap();
    let program = command.get_program().to_owned();
    let copy = || printed.try_clone().unwrap();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(copy())
        .stderr(copy())
        .spawn()
        .unwrap_or_else(|e| panic!("{} cannot be started ({e}): install {needs}", program.display()));
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > deadline {
            child.kill().and_then(|()| child.wait()).unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut text = String::new();
    printed.rewind().unwrap();
    printed.read_to_string(&mut text).unwrap();
    assert!(status.is_some(), "{} did not end:\n{text}", program.display());
    (status.is_some_and(|status| status.success()), text)
}

/// Runs a step of an installation.
pub(crate) fn install(command: &mut Command, needs: &str) {
    let (done, text) = output(command, needs);
    assert!(done, "{command:?} failed:\n{text}");
}

/// Runs a client's script against a fresh server.
fn run(command: &mut Command) -> (bool, String) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    output(command.env("KSQLDB_URL", &server.url).env("PYTHONDONTWRITEBYTECODE", "1"), "it")
}

/// The packages in an environment of this Python's own; its interpreter.
pub(crate) fn python(cache: &Cache, python: &OsStr, packages: &[&[&str]]) -> PathBuf {
    cache.holds(&format!("{} {packages:?}", python.display()), |dir| {
        install(Command::new(python).args(["-m", "venv", "--clear"]).arg(dir.join("venv")), "python3-venv");
        for packages in packages {
            install(Command::new(dir.join("venv/bin/pip")).args(["-q", "install"]).args(*packages), "pip");
        }
    });
    cache.dir.join("venv/bin/python")
}

/// A Python that is old enough for PyPI `ksql`, whose dependency uses names that 3.10 has removed.
fn old_python() -> Option<PathBuf> {
    let versions = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv/versions"));
    let entries = versions.and_then(|versions| fs::read_dir(versions).ok()).into_iter().flatten();
    let pyenv = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let old = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| name.starts_with("3.9.") || name.starts_with("3.8."))
    };
    let on_path = ["python3.9", "python3.8"].map(PathBuf::from);
    let mut candidates = pyenv.filter(old).map(|version| version.join("bin/python")).chain(on_path);
    candidates.find(|python| Command::new(python).arg("--version").output().is_ok_and(|out| out.status.success()))
}

#[test]
fn raw_http() {
    let Some(clients) = e2e::shared("clients") else { return };
    let cache = Cache::new("raw-http");
    let python = python(&cache, OsStr::new("python3"), &[&["httpx[http2]", "websockets"]]);
    let (_, text) = run(Command::new(python).arg(clients.join("raw-http/contract.py")));
    assert!(text.contains(" checks held"), "it did not run to its end:\n{text}");
    let failed = text.lines().filter_map(|line| line.strip_prefix("FAIL "));
    let failed: Vec<&str> = failed.map(|line| line.split("   saw: ").next().unwrap_or(line)).collect();
    assert_eq!(failed, ON_PURPOSE.map(|(check, _)| check), "{text}");
}

#[test]
fn npm_ksqldb_client() {
    let Some(clients) = e2e::shared("clients") else { return };
    let folder = clients.join("npm-ksqldb-client");
    let package = fs::read_to_string(folder.join("package.json")).unwrap();
    let cache = Cache::new("npm-ksqldb-client");
    cache.holds(&package, |dir| {
        fs::write(dir.join("package.json"), &package).unwrap();
        install(Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(dir), "nodejs and npm");
    });
    let modules = cache.dir.join("node_modules");
    let (passed, text) = run(Command::new("node").arg(folder.join("smoke.js")).env("NODE_PATH", modules));
    assert!(passed, "{text}");
}

#[test]
fn pypi_ksql() {
    let Some(clients) = e2e::shared("clients") else { return };
    let Some(old) = old_python() else {
        assert!(std::env::var_os("CI").is_none(), "PyPI ksql needs Python 3.9 or older, which is not here");
        eprintln!("PyPI ksql needs Python 3.9 or older, which is not here and not in Debian 12: it was not run");
        return;
    };
    let cache = Cache::new("py-ksql");
    let packages: [&[&str]; 2] = [&["setuptools<70", "wheel"], &["--no-build-isolation", "ksql"]];
    let python = python(&cache, old.as_os_str(), &packages);
    let (passed, text) = run(Command::new(python).arg(clients.join("py-ksql/smoke.py")));
    assert!(passed, "{text}");
}

#[test]
fn crate_ksqldb() {
    let Some(clients) = e2e::shared("clients") else { return };
    let folder = clients.join("rust-ksqldb");
    let cache = Cache::new("rust-ksqldb");
    // Cargo writes a lock file beside the manifest, and the reading room is read-only.
    fs::create_dir_all(cache.dir.join("src")).unwrap();
    for file in ["Cargo.toml", "src/main.rs"] {
        let (from, to) = (fs::read(folder.join(file)).unwrap(), cache.dir.join(file));
        if !fs::read(&to).is_ok_and(|there| there == from) {
            fs::write(to, from).unwrap();
        }
    }
    let target = cache.dir.join("target");
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet"])
        .current_dir(&cache.dir)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    install(&mut build, "the Rust toolchain, libssl-dev and pkg-config");
    let (passed, text) = run(&mut Command::new(target.join("debug/ksqldb-smoke")));
    assert!(passed, "{text}");
}
