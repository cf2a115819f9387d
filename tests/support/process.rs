//! `millstream` as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
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

/// Starts `millstream` with its standard output and error piped.
pub fn spawn(args: &[&str]) -> Child {
    command(args).stdin(Stdio::null()).spawn().expect("millstream starts")
}

/// The same with a standard input that the test feeds.
pub fn spawn_fed(args: &[&str]) -> Child {
    command(args).stdin(Stdio::piped()).spawn().expect("millstream starts")
}

/// Sends a signal by its name.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} could not be sent");
}

/// Processor time that a process has used since its start.
pub fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| after_name.split_whitespace().nth(field).and_then(|ticks| ticks.parse::<u64>().ok());
    // User and system time, in hundredths of a second on every Linux.
    Duration::from_millis(10 * (ticks(11).expect("a number") + ticks(12).expect("a number")))
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

/// `millstream` with all of its output piped.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("HOME");
    command
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
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
        let begin = Instant::now();
        let mut child = Self::spawn(data_dir, settings, Stdio::inherit());
        let line = first_line(&mut child);
        let url =
            line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("first line: {line:?}")).to_owned();
        Self { child, url, started_in: begin.elapsed() }
    }

    /// Starts a server that listens at that address and may not be open for long; returns when it accepts connections.
    pub fn opening(data_dir: &Path, url: &str, settings: &[(&str, &str)]) -> Self {
        let begin = Instant::now();
        let settings: Vec<_> = settings.iter().copied().chain([("listeners", url)]).collect();
        let child = Self::spawn(data_dir, &settings, Stdio::inherit());
        let address = url.trim_start_matches("http://");
        crate::eventually("it listens", || TcpStream::connect(address).ok().map(drop));
        Self { child, url: url.to_owned(), started_in: begin.elapsed() }
    }

    /// The same with variables of the environment; its standard error goes nowhere.
    ///
    /// # Errors
    /// See [`Server::try_start`].
    pub fn try_start_in(
        data_dir: &Path,
        settings: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> Result<Self, (Option<i32>, String)> {
        let mut command = Self::command(data_dir, settings);
        command.stdin(Stdio::null()).env("MILLSTREAM_LOG", "warn").envs(variables.iter().copied());
        Self::begun(command.spawn().expect("millstream starts"))
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_some()
    }

    /// The same for a server that may well end at once.
    ///
    /// # Errors
    /// It has ended: its exit code and what it wrote to standard error.
    pub fn try_start(data_dir: &Path, settings: &[(&str, &str)]) -> Result<Self, (Option<i32>, String)> {
        Self::begun(Self::spawn(data_dir, settings, Stdio::piped()))
    }

    /// The same with the settings in a file.
    ///
    /// # Errors
    /// See [`Server::try_start`].
    pub fn try_start_with(data_dir: &Path, file: &Path) -> Result<Self, (Option<i32>, String)> {
        let mut command = Self::command(data_dir, &[]);
        command.arg(file).stdin(Stdio::null()).env("MILLSTREAM_LOG", "warn");
        Self::begun(command.spawn().expect("millstream starts"))
    }

    fn begun(mut child: Child) -> Result<Self, (Option<i32>, String)> {
        let begin = Instant::now();
        let line = first_line(&mut child);
        let mut stderr = child.stderr.take().expect("piped");
        if let Some(url) = line.trim().strip_prefix("listening on ") {
            std::thread::spawn(move || drop(std::io::copy(&mut stderr, &mut std::io::sink())));
            return Ok(Self { child, url: url.to_owned(), started_in: begin.elapsed() });
        }
        let mut text = String::new();
        stderr.read_to_string(&mut text).expect("it is text");
        Err((child.wait().expect("it ends").code(), text))
    }

    /// Starts a server and kills it after a while, however far it has got.
    pub fn kill_while_starting(data_dir: &Path, settings: &[(&str, &str)], after: Duration) {
        let mut child = Self::spawn(data_dir, settings, Stdio::inherit());
        std::thread::sleep(after);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// The same for a server that may take so much address space and no more; with its standard error.
    pub fn start_confined(data_dir: &Path, settings: &[(&str, &str)], bytes: u64) -> (Self, ChildStderr) {
        Self::start_limited(data_dir, settings, &format!("-v {}", bytes / 1024))
    }

    /// The same under a limit as the shell's `ulimit` takes it.
    pub fn start_limited(data_dir: &Path, settings: &[(&str, &str)], limit: &str) -> (Self, ChildStderr) {
        let begin = Instant::now();
        let server = Self::command(data_dir, settings);
        let mut confined = Command::new("sh");
        confined.args(["-c", "ulimit $0; exec \"$@\"", limit]);
        confined.arg(server.get_program()).args(server.get_args()).env_remove("HOME").env("MILLSTREAM_LOG", "warn");
        let pipes = confined.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("sh starts");
        let stderr = child.stderr.take().expect("piped");
        let line = first_line(&mut child);
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            panic!("first line: {line:?}\n{}", std::io::read_to_string(stderr).unwrap_or_default())
        };
        (Self { child, url: url.to_owned(), started_in: begin.elapsed() }, stderr)
    }

    /// Starts a server that tells on standard error what `MILLSTREAM_LOG` asks for; with that.
    pub fn start_telling(data_dir: &Path, settings: &[(&str, &str)], what: &str) -> (Self, ChildStderr) {
        let begin = Instant::now();
        let mut command = Self::command(data_dir, settings);
        command.stdin(Stdio::null()).env("MILLSTREAM_LOG", what);
        let mut child = command.spawn().expect("millstream starts");
        let stderr = child.stderr.take().expect("piped");
        let line = first_line(&mut child);
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            panic!("first line: {line:?}\n{}", std::io::read_to_string(stderr).unwrap_or_default())
        };
        (Self { child, url: url.to_owned(), started_in: begin.elapsed() }, stderr)
    }

    fn spawn(data_dir: &Path, settings: &[(&str, &str)], stderr: Stdio) -> Child {
        let mut command = Self::command(data_dir, settings);
        command.stdin(Stdio::null()).stderr(stderr).env("MILLSTREAM_LOG", "warn").spawn().expect("millstream starts")
    }

    fn command(data_dir: &Path, settings: &[(&str, &str)]) -> Command {
        let mut args = vec!["server".to_owned()];
        let mut set = |name: &str, value: &str| args.extend(["-D".to_owned(), format!("{name}={value}")]);
        set("listeners", "http://127.0.0.1:0");
        set("data.dir", &data_dir.display().to_string());
        settings.iter().for_each(|(name, value)| set(name, value));
        command(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory now, bytes.
    pub fn memory(&self) -> u64 {
        self.memory_as("VmRSS:")
    }

    /// The most resident memory it has had, bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory_as("VmHWM:")
    }

    fn memory_as(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("its memory is known");
        let kilobytes = line.trim().trim_end_matches("kB").trim();
        kilobytes.parse::<u64>().expect("a number") * 1024
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the process is there").count()
    }

    /// Processor time that it has used since its start.
    pub fn cpu(&self) -> Duration {
        cpu(self.pid())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its state can be asked")
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; returns whether it ended with exit code 0 within ten seconds.
    pub fn terminate(self) -> bool {
        self.stop("TERM", Duration::from_secs(10))
    }

    /// The same within another time.
    pub fn terminate_within(self, patience: Duration) -> bool {
        self.stop("TERM", patience)
    }

    /// Ctrl-C; returns whether it ended with exit code 0 within ten seconds.
    pub fn interrupt(self) -> bool {
        self.stop("INT", Duration::from_secs(10))
    }

    fn stop(mut self, with: &str, patience: Duration) -> bool {
        signal(self.pid(), with);
        let deadline = Instant::now() + patience;
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

/// The first line of standard output; what follows is read and thrown away.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
    stdout.read_line(&mut line).expect("its output can be read");
    std::thread::spawn(move || drop(std::io::copy(&mut stdout, &mut std::io::sink())));
    line
}
