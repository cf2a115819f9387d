//! A throw-away PostgreSQL whose changes can be followed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::clients::{install, output};
use crate::registry_clients::free_port;

/// A server; stopped when dropped.
pub(super) struct Postgres {
    child: Child,
    pub(super) port: u16,
    dir: TempDir,
}

impl Postgres {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        if is_root() {
            // It runs as no root.
            install(Command::new("chown").arg("postgres").arg(dir.path()), "Debian's package postgresql");
        }
        install(program("initdb").arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "--no-sync"]), "it");
        let port = free_port();
        let mut server = program("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "wal_level=logical", "fsync=off", "shared_buffers=32MB"] {
            server.args(["-c", setting]);
        }
        server.arg("-c").arg(format!("unix_socket_directories={}", dir.path().display()));
        let child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postgres = Self { child, port, dir };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !postgres.try_run("SELECT 1").0 {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer: {}", postgres.try_run("SELECT 1").1);
            std::thread::sleep(Duration::from_millis(50));
        }
        postgres
    }

    /// Runs statements; what they print, a row a line.
    pub(super) fn run(&self, statements: &str) -> String {
        let (done, text) = self.try_run(statements);
        assert!(done, "{text}");
        text
    }

    pub(super) fn try_run(&self, statements: &str) -> (bool, String) {
        let mut psql = Command::new(tool("psql"));
        psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-X",
            "-q",
            "-A",
            "-t",
            "-c",
            statements,
        ]);
        output(psql.current_dir(self.dir.path()), "Debian's package postgresql")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It has processes of its own, which end with it when it is asked.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u"), "coreutils").1.trim() == "0"
}

/// Debian keeps the server's programs by its versions, outside of the path.
fn tool(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).max();
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// A program of the server, as a user who may run it.
fn program(name: &str) -> Command {
    if !is_root() {
        return Command::new(tool(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(tool(name));
    command
}
