//! `millstream` in a pseudo-terminal, seen as a person sees it: the screen after all escape sequences.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use vt100::Parser;

use crate::{eventually, process};

const ROWS: u16 = 40;
const COLUMNS: u16 = 100;

/// Keys as a terminal sends them.
pub mod keys {
    /// Enter.
    pub const ENTER: &str = "\r";
    /// Tab.
    pub const TAB: &str = "\t";
    /// Arrow up.
    pub const UP: &str = "\x1b[A";
    /// Ctrl-C.
    pub const CTRL_C: &str = "\x03";
    /// Ctrl-D.
    pub const CTRL_D: &str = "\x04";
    /// Ctrl-L.
    pub const CTRL_L: &str = "\x0c";
}

/// A shell in a terminal; killed when dropped.
pub struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    screen: Arc<Mutex<Parser>>,
    reading: Arc<Reading>,
}

/// How far the screen has followed.
#[derive(Default)]
struct Reading {
    /// Whether nothing is read from the terminal.
    held: AtomicBool,
    /// Lines that were shown.
    lines: AtomicUsize,
}

impl Terminal {
    /// Starts `millstream` and waits for its first prompt. `home` is where it keeps its history.
    pub fn start(args: &[&str], home: &Path) -> Self {
        Self::start_in(args, home, &[])
    }

    /// The same with more environment variables.
    pub fn start_in(args: &[&str], home: &Path, environment: &[(&str, &str)]) -> Self {
        let terminal = Self::start_at(args, home, environment, "");
        terminal.wait_for_prompt();
        terminal
    }

    /// The same for a shell that shows something else before its first prompt: waits for that.
    pub fn start_at(args: &[&str], home: &Path, environment: &[(&str, &str)], first: &str) -> Self {
        let (pty, pts) = open().expect("a pseudo-terminal");
        pty.resize(Size::new(ROWS, COLUMNS)).expect("it has a size");
        let command = Command::new(process::binary()).args(args).env("HOME", home).env("TERM", "xterm-256color");
        let command = environment.iter().fold(command, |command, (name, value)| command.env(name, value));
        let child = command.current_dir(home).spawn(pts).expect("millstream starts");
        let pty = Arc::new(pty);
        let size = |cells| NonZero::new(cells).expect("a terminal has cells");
        let screen = Arc::new(Mutex::new(Parser::new(size(ROWS), size(COLUMNS), 0)));
        let reading = Arc::new(Reading::default());
        let (reader, shown, progress) = (Arc::clone(&pty), Arc::clone(&screen), Arc::clone(&reading));
        std::thread::spawn(move || show(&reader, &shown, &progress));
        let terminal = Self { child, pty, screen, reading };
        terminal.wait_for(first);
        terminal
    }

    /// Shows nothing more, as if the terminal were slow, until [`Terminal::go_on`].
    pub fn hold(&self) {
        self.reading.held.store(true, Ordering::SeqCst);
    }

    /// Ends [`Terminal::hold`].
    pub fn go_on(&self) {
        self.reading.held.store(false, Ordering::SeqCst);
    }

    /// Lines that have been shown since the start.
    pub fn lines(&self) -> usize {
        self.reading.lines.load(Ordering::SeqCst)
    }

    /// Waits until the shell does nothing: while the screen stands still, because the terminal takes no more.
    pub fn wait_until_idle(&self) {
        let mut before = None;
        eventually("an idle shell", || {
            std::thread::sleep(std::time::Duration::from_millis(200));
            let cpu = process::cpu(self.child.id());
            (before.replace(cpu) == Some(cpu)).then_some(())
        });
    }

    /// Where a word stands on the screen, as a cell's whole text: whether it is dim.
    pub fn dim_words(&self, word: &str) -> Vec<bool> {
        let parser = self.lock();
        let screen = parser.screen();
        let mut found = Vec::new();
        for (row, line) in (0..).zip(screen.rows(0, COLUMNS)) {
            for (at, _) in line.match_indices(&format!("| {word} ")) {
                let column = u16::try_from(line[..at].chars().count() + 2).expect("a screen is small");
                found.push(screen.cell(row, column).is_some_and(vt100::Cell::dim));
            }
        }
        found
    }

    /// Presses keys, one after the other.
    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a text without Enter and waits until its end is on the screen.
    pub fn type_text(&self, text: &str) {
        self.press(text);
        self.wait_for(text.lines().last().unwrap_or_default().trim_end());
    }

    /// Types a text that does not end a statement, with Enter.
    pub fn type_line(&self, text: &str) {
        self.type_text(text);
        self.press(keys::ENTER);
    }

    /// Clears the screen, runs a statement or a command and returns the screen with what it showed.
    pub fn run(&self, statement: &str) -> String {
        self.press(keys::CTRL_L);
        eventually("an empty screen", || (self.screen().trim() == "ksql>").then_some(()));
        self.type_line(statement);
        self.wait_for_prompt();
        self.screen()
    }

    /// Waits until there is a prompt with nothing behind it.
    pub fn wait_for_prompt(&self) {
        self.wait("a prompt", |screen| {
            let (row, column) = screen.cursor_position();
            let line = screen.rows(0, COLUMNS).nth(usize::from(row)).unwrap_or_default();
            line.trim_end() == "ksql>" && column == 6
        });
    }

    /// Waits until the screen shows that text.
    pub fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        self.lock().screen().contents()
    }

    /// Waits until the process has ended; its exit code.
    pub fn exit_code(mut self) -> Option<i32> {
        let status = eventually("the shell ends", || self.child.try_wait().expect("its state can be asked"));
        status.code()
    }

    fn wait(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !holds(self.lock().screen()) {
            assert!(std::time::Instant::now() < deadline, "waited in vain for {what:?}:\n{}", self.screen());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Draws what the process writes.
fn show(mut pty: &Pty, screen: &Mutex<Parser>, reading: &Reading) {
    let mut bytes = [0; 4096];
    // The read fails when the process has ended.
    while let Ok(len) = pty.read(&mut bytes) {
        if len == 0 {
            return;
        }
        screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..len]);
        reading.lines.fetch_add(bytes[..len].iter().filter(|&&byte| byte == b'\n').count(), Ordering::SeqCst);
        while reading.held.load(Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}
