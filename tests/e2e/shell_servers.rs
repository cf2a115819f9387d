//! The shell and servers that want to know who it is, say no more, break off, or are not there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::Duration;

use e2e::eventually;
use e2e::pretend;
use e2e::process::{self, Server, run, signal, spawn};
use e2e::terminal::{Terminal, keys};
use tempfile::TempDir;

/// Exit codes.
const FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const UNREACHABLE: Option<i32> = Some(3);
const TIMED_OUT: Option<i32> = Some(4);
const INTERRUPTED: Option<i32> = Some(130);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn server() -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (Server::start(data.path(), &[]), data)
}

fn succeeded(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_server_is_told_who_the_user_is() {
    let (url, told) = pretend::with_user("Basic Wm/DqzphOmI=");
    succeeded(&run(&[&url, "-u", "Zo\u{eb}", "-p", "a:b", "-e", "SHOW STREAMS;"], ""));
    assert!(told.try_iter().all(|user| user.is_some()), "in every request");
    let output = run(&[&url, "-e", "SHOW STREAMS;"], "");
    assert_eq!(output.status.code(), FAILED, "the server is there");
    assert!(text(&output.stderr).contains("Unauthorized"), "{}", text(&output.stderr));
    told.try_iter().for_each(drop);

    let (other, told_other) = pretend::with_user("Bearer abc");
    let output = run(&[&url, "--user", "Zo\u{eb}", "--password", "a:b"], &format!("server {other}\n"));
    assert_eq!(output.status.code(), FAILED);
    assert!(told_other.try_iter().all(|user| user.is_none()), "a password is for one server");
    let (third, _data) = server();
    let there_and_back = format!("server {}\nserver {url}/\nSHOW STREAMS;", third.url);
    succeeded(&run(&[&url, "--user", "Zo\u{eb}", "--password", "a:b"], &there_and_back));
    succeeded(
        &process::command(&[&url, "-u", "Zo\u{eb}", "-e", "SHOW STREAMS;"])
            .env("MILLSTREAM_PASSWORD", "a:b")
            .output()
            .unwrap(),
    );
    succeeded(&process::command(&[&other, "-e", "SHOW STREAMS;"]).env("MILLSTREAM_TOKEN", "abc").output().unwrap());
    succeeded(&run(&[&other, "--token", "abc", "-e", "SHOW STREAMS;"], ""));

    for wrong in [&["-u", "a", "-t", "b"][..], &["-p", "a"], &["-t"]] {
        let output = run(&[&[url.as_str()], wrong].concat(), "");
        assert_eq!(output.status.code(), USAGE, "{wrong:?}");
    }
}

#[test]
fn another_server_is_told_who_the_user_is_there() {
    let (zoe, told) = pretend::with_user("Basic em9lOnNla3JldA==");
    let (home, (own, _data)) = (tempfile::tempdir().unwrap(), server());
    let address = zoe.trim_start_matches("http://");
    let there_and_back =
        format!("server http://zoe:sekret@{address};\nserver {}\nserver {zoe}\nSHOW STREAMS;", own.url);
    let output = run(&[&own.url], &there_and_back);
    succeeded(&output);
    assert!(!text(&output.stderr).contains("sekret"), "{}", text(&output.stderr));
    assert!(told.try_iter().all(|user| user.is_some()));

    let shell = Terminal::start(&[&own.url], home.path());
    let screen = shell.run(&format!("server {zoe}"));
    assert!(screen.contains("401 Unauthorized") && screen.contains("server http://NAME@HOST:PORT"), "{screen}");
    let named = format!("server http://zoe@{address}");
    shell.press(&format!("{named}\r"));
    shell.wait_for("Password of zoe: ");
    shell.press("sekret\r");
    shell.wait_for("is RUNNING");
    shell.wait_for_prompt();
    assert!(!shell.screen().contains("sekret"), "{}", shell.screen());
    shell.press(&format!("{named}\r"));
    eventually("asked again", || (shell.screen().matches("Password of zoe: ").count() == 2).then_some(()));
    shell.press(keys::CTRL_C);
    shell.wait_for_prompt();
    let written = fs::read_to_string(home.path().join(".millstream_history")).unwrap();
    assert!(written.contains(&named) && !written.contains("sekret"), "{written}");
}

#[test]
fn passwords_are_not_kept_in_files() {
    let (home, (own, _data)) = (tempfile::tempdir().unwrap(), server());
    fs::write(home.path().join(".millstream_history"), "#V2\nserver http://zoe:sekret@h\n").unwrap();
    let shell = Terminal::start(&[&own.url], home.path());
    let file = |name: &str| fs::read_to_string(home.path().join(name)).unwrap();
    let screen = shell.run("history");
    assert!(screen.contains("server http://zoe@h"), "of an earlier version: {screen}");
    assert!(!file(".millstream_history").contains("sekret"));
    shell.run("spool 'seen.txt'");
    shell.run("server http://zoe:sekret@127.0.0.1:1");
    shell.run("DEFINE password = 'sekret';");
    shell.run("SHOW TYPES; server zoe:se/kret@127.0.0.1:1");
    assert!(shell.run("!!").contains("server zoe@127.0.0.1:1\n"), "{}", shell.screen());
    let screen = shell.run("SET 'ksql.streams.producer.sasl.jaas.config' = 'sekret';");
    assert!(screen.contains("to '[hidden]'"), "{screen}");
    let screen =
        shell.run("CREATE SOURCE CONNECTOR c WITH ('connector.class'='Jdbc', 'connection.password'='sekret');");
    assert_eq!(screen.matches("sekret").count(), 1, "as it was typed: {screen}");
    let screen = shell.run("history");
    assert!(screen.contains("'connection.password'='[string]'") && !screen.contains("sekret"), "{screen}");
    shell.run("spool off");
    shell.press(&keys::UP.repeat(3));
    shell.wait_for("'connection.password'='sekret'");
    for name in ["seen.txt", ".millstream_history"] {
        let written = file(name);
        assert!(written.contains("'connection.password'='[string]'"), "{name}: {written}");
        assert!(written.contains("server http://zoe@127.0.0.1:1"), "{name}: {written}");
        assert!(!written.contains("sekret"), "{name}: {written}");
    }
    let mode = fs::metadata(home.path().join(".millstream_history")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "for nobody else");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    for url in ["http://127.0.0.1:1", "127.0.0.1:1"] {
        let output = run(&[url, "-e", "SHOW STREAMS;"], "");
        assert_eq!(output.status.code(), UNREACHABLE);
        assert!(text(&output.stderr).contains("http://127.0.0.1:1: Connection refused"), "{}", text(&output.stderr));
    }
    for url in
        ["http://u:sekret@127.0.0.1:1", "u:sekret@127.0.0.1:1", "https://u:sekret@127.0.0.1:1", "http://u:sekret@["]
    {
        let output = run(&[url, "-e", "SHOW STREAMS;"], "");
        assert_eq!(output.status.code(), UNREACHABLE);
        assert!(!text(&output.stderr).contains("sekret"), "{}", text(&output.stderr));
    }
    let output = run(&["https://127.0.0.1:1", "-e", "SHOW STREAMS;"], "");
    assert!(text(&output.stderr).contains("https is not supported"), "{}", text(&output.stderr));
}

#[test]
fn a_server_that_says_no_more_is_left_when_the_time_is_up() {
    let url = pretend::silent();
    let output = run(&[&url, "--query-timeout", "300", "-e", "SELECT * FROM s;"], "");
    assert_eq!(output.status.code(), TIMED_OUT);
    assert_eq!(text(&output.stderr), "Time is up\n", "whether there are rows, nobody knows");
}

#[test]
fn one_control_c_leaves_a_server_that_says_no_more() {
    let (url, (other, data)) = (pretend::silent(), server());
    let pipe = data.path().join("pipe").display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("server http://{}", silent.local_addr().unwrap());
    for (url, line) in [
        (&url, "SET 'auto.offset.reset'='earliest';"),
        (&other.url, server.as_str()),
        (&other.url, &format!("run script '{pipe}'")),
        (&other.url, &format!("spool '{pipe}'")),
    ] {
        let mut child = spawn(&[url, "-e", &format!("output\n{line}")]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("Current output format")));
        std::thread::sleep(Duration::from_millis(200));
        signal(child.id(), "INT");
        assert_eq!(child.wait().unwrap().code(), INTERRUPTED, "{line}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_a_failure() {
    const ROW: &str = "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER\"}},\n{\"row\":{\"columns\":[7]}},\n";
    const FAILED_ROW: &str = "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER\"}},\n{\"row\":{\"columns\":[7]}},\n\
        {\"errorMessage\":{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"the disk is gone\"}},\n]";
    const CUT_ROW: &str = "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER\"}},\n{\"row\":{\"columns\":[7]";
    const PRINTED: &str = "rowtime: 7, key: <null>, value: x, partition: 0\n";
    const FAILED_PRINT: &str = "rowtime: 7, key: <null>, value: x, partition: 0\n\
        {\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"the disk is gone\"}\n";
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("script.sql").display().to_string();
    let answers = [
        (FAILED_ROW, false, "the disk is gone"),
        (FAILED_PRINT, false, "the disk is gone"),
        (ROW, false, "the answer ended before it was complete"),
        (CUT_ROW, false, "the answer ended before it was complete"),
        (ROW, true, "the connection to the server broke"),
        (PRINTED, true, "the connection to the server broke"),
    ];
    for (lines, is_cut, told) in answers {
        let url = pretend::answering(lines, is_cut);
        let query = if lines.starts_with('[') { "SELECT * FROM s EMIT CHANGES;" } else { "PRINT t;" };
        fs::write(&file, format!("{query}\nSHOW TABLES;\n")).unwrap();
        for format in ["tabular", "csv", "json", "jsonl"] {
            let from_file = run(&[&url, "--output", format, "-f", &file], "");
            let from_text = run(&[&url, "--output", format, "-e", query], "");
            for output in [from_file, from_text, run(&[&url, "--output", format], query)] {
                let (out, err) = (text(&output.stdout), text(&output.stderr));
                assert_eq!(output.status.code(), FAILED, "{query} {format}: {out}{err}");
                assert!(out.contains('7') && !out.contains("the disk is gone"), "{query} {format}: {out}");
                assert!(err.contains(told), "{query} {format}: {err}");
            }
        }
    }
    let output = run(&[&pretend::answering("", false), "-e", "SELECT * FROM s;"], "");
    assert_eq!(output.status.code(), FAILED, "that there are no rows, nobody said");
    let url = pretend::answering(PRINTED, false);
    succeeded(&run(&[&url, "-e", "PRINT t;"], ""));
}
