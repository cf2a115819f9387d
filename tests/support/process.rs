//! `millstream` as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary that `cargo build` made beside the running test.
pub fn binary() -> PathBuf {
    let mut path = std::env::current_exe().expect("the test knows where it is");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("millstream");
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

/// Runs `millstream` to its end with this standard input.
pub fn run(args: &[&str], stdin: &str) -> Output {
    use std::io::Write;
    let mut child = command(args).stdin(Stdio::piped()).spawn().expect("millstream starts");
    let mut input = child.stdin.take().expect("its input is piped");
    // The process may end without reading its input.
    let _ = input.write_all(stdin.as_bytes());
    drop(input);
    child.wait_with_output().expect("millstream ends")
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("HOME");
    command
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// From start to the first line.
    pub started_in: Duration,
}

impl Server {
    /// Starts a server with its data in `data_dir` on a free port.
    pub fn start(data_dir: &Path, settings: &[(&str, &str)]) -> Self {
        let mut args = vec!["server".to_owned()];
        let mut set = |name: &str, value: &str| args.extend(["-D".to_owned(), format!("{name}={value}")]);
        set("listeners", "http://127.0.0.1:0");
        set("data.dir", &data_dir.display().to_string());
        settings.iter().for_each(|(name, value)| set(name, value));
        let begin = Instant::now();
        let mut child = command(&args.iter().map(String::as_str).collect::<Vec<_>>())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("millstream starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line).expect("its output can be read");
        let url =
            line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("first line: {line:?}")).to_owned();
        std::thread::spawn(move || drop(std::io::copy(&mut stdout, &mut std::io::sink())));
        Self { child, url, started_in: begin.elapsed() }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; returns whether it ended with exit code 0 within ten seconds.
    pub fn terminate(mut self) -> bool {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM could not be sent");
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("its state can be asked") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Waits for a process that is expected to end by itself; returns its exit code and standard error.
    pub fn fails(args: &[&str]) -> (Option<i32>, String) {
        let mut child = command(args).stdin(Stdio::null()).spawn().expect("millstream starts");
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = child.try_wait().expect("its state can be asked") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("millstream {args:?} did not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut text = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut text).expect("it is text");
        (status.code(), text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
