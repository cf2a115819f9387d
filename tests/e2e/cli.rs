//! The shell without a terminal: scripts, exit codes, what goes where.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Output;

use e2e::process::{Server, run, signal, spawn};
use serde_json::Value;
use tempfile::TempDir;

/// Exit codes.
const FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const UNREACHABLE: Option<i32> = Some(3);
const INTERRUPTED: Option<i32> = Some(130);

const RIDES: &str =
    "CREATE STREAM rides (id INT KEY, km INT) WITH (kafka_topic='rides', value_format='json', partitions=1);
    INSERT INTO rides (id, km) VALUES (1, 12);
    INSERT INTO rides (id, km) VALUES (2, NULL);";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn server() -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (Server::start(data.path(), &[]), data)
}

/// Standard output and standard error of a run that must succeed.
fn ok(output: &Output) -> (String, String) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    (out, err)
}

#[test]
fn a_setting_without_effect_says_so() {
    let (server, _data) = server();
    let set = "SET 'ksql.streams.num.standby.replicas'='1'; SET 'auto.offset.reset'='earliest';";
    let (out, _) = ok(&run(&[&server.url, "-e", set], ""));
    assert!(out.contains("'ksql.streams.num.standby.replicas' has no effect: this server works alone"), "{out}");
    assert!(!out.contains("'auto.offset.reset' has no effect"), "{out}");
}

#[test]
fn a_script_stops_at_its_first_failure() {
    let (server, _data) = server();
    let output = run(&[&server.url, "-e", "SHOW STREAMS; SELECT * FROM nowhere EMIT CHANGES; SHOW TABLES;"], "");
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).contains("NOWHERE"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("no streams yet"), "what came before it ran: {}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("no tables"), "the statement behind the failure must not run");
}

#[test]
fn a_failure_in_a_file_is_found_by_name_line_and_column() {
    let (server, data) = server();
    let file = data.path().join("rides.sql");
    fs::write(&file, format!("-- rides\n{RIDES}\n\nSELECT id,\n  klm FROM rides EMIT CHANGES;\nSHOW TABLES;\n"))
        .unwrap();
    let name = file.display().to_string();
    let output = run(&[&server.url, "-f", &name], "");
    assert_eq!(output.status.code(), FAILED);
    let error = text(&output.stderr);
    assert!(error.starts_with(&format!("{name}:7:3: SELECT column 'KLM' cannot be resolved.")), "{error}");
    assert!(error.contains("7 |   klm FROM rides EMIT CHANGES;\n  |   ^^^"), "{error}");

    fs::write(&file, "SHOW STREAMS;\n\nSHOW RIVERS;\n").unwrap();
    let output = run(&[&server.url, "-f", &name], "");
    assert!(text(&output.stderr).starts_with(&format!("{name}:3:6: Syntax Error")), "{}", text(&output.stderr));
    assert_eq!(run(&[&server.url, "-f", "/no/such/file.sql"], "").status.code(), FAILED);

    let outer = data.path().join("outer.sql");
    fs::write(&outer, format!("RUN SCRIPT '{name}';\nSHOW TABLES;\n")).unwrap();
    let output = run(&[&server.url, "-f", &outer.display().to_string()], "");
    assert!(text(&output.stderr).starts_with(&format!("{name}:3:6:")), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("no tables"), "{}", text(&output.stdout));
    fs::write(&outer, format!("RUN SCRIPT '{}';", outer.display())).unwrap();
    let output = run(&[&server.url, "-f", &outer.display().to_string()], "");
    assert!(text(&output.stderr).contains("nested too deeply"), "{}", text(&output.stderr));
}

#[test]
fn statements_come_from_standard_input_too() {
    let (server, _data) = server();
    let (out, _) = ok(&run(&[&server.url], &format!("{RIDES}\nSHOW STREAMS;")));
    assert!(out.contains("Stream created"), "{out}");
    let (out, _) = ok(&run(&[&server.url], "output json\n; SHOW STREAMS; exit; SHOW NONSENSE;"));
    assert!(out.contains("\"name\": \"RIDES\""), "commands of the shell work, and exit ends the script: {out}");
    let output = run(&[&server.url], "SHOW STREAMS;\nSHOW NONSENSE;");
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).starts_with("stdin:2:6: "), "{}", text(&output.stderr));
}

#[test]
fn json_output_is_json_and_nothing_else() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let (out, err) = ok(&run(&[&server.url, "--output", "JSON", "-e", "SHOW STREAMS"], ""));
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&shown["streams"][0]["name"], err.as_str()), (&Value::from("RIDES"), ""));

    let script = "SET 'auto.offset.reset'='earliest'; SELECT * FROM rides EMIT CHANGES LIMIT 2;";
    let (out, err) = ok(&run(&[&server.url, "--output", "json", "-e", script], ""));
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<&Value> = lines.iter().filter_map(|line| line.pointer("/row/columns")).collect();
    assert_eq!(rows, [&serde_json::json!([1, 12]), &serde_json::json!([2, null])]);
    assert_eq!(err, "");
}

#[test]
fn variables_and_limits_from_the_command_line() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let earliest = "SET 'auto.offset.reset'='earliest';";
    let query = format!("{earliest} SELECT km AS ${{what}} FROM rides EMIT CHANGES;");
    let (out, _) = ok(&run(&[&server.url, "-d", "what=LENGTH", "--query-row-limit", "1", "-e", &query], ""));
    assert_eq!(
        out.lines().skip(1).collect::<Vec<_>>(),
        ["+--------+", "| LENGTH |", "+--------+", "| 12     |", "+--------+", "Limit Reached"]
    );
    let (out, _) = ok(&run(&[&server.url, "--query-timeout", "300", "-e", "SELECT * FROM rides EMIT CHANGES;"], ""));
    assert!(out.contains("Time is up"), "{out}");
    let output = run(&[&server.url, "-e", "SHOW ${nothing};"], "");
    assert_eq!(output.status.code(), FAILED);
}

#[test]
fn control_c_ends_a_script() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let script = "SET 'auto.offset.reset'='earliest'; SELECT * FROM rides EMIT CHANGES; SHOW TABLES;";
    let mut child = spawn(&[&server.url, "-e", script]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line.contains("| 2  | null |")));
    signal(child.id(), "INT");
    let rest: Vec<String> = lines.collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), INTERRUPTED);
    assert_eq!(rest, ["+----+------+"], "the table is closed, and nothing behind the query runs");
    assert_eq!(text(&output.stderr), "Query terminated\n");
}

#[test]
fn mistakes_are_explained() {
    let (server, _data) = server();
    let output = run(&[&server.url, "-e", "SELEC * FROM s;"], "");
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).contains('^') && text(&output.stderr).contains("SELECT"), "{}", text(&output.stderr));
    let output = run(&[&server.url, "-e", "SET 'auto.ofset.reset'='earliest';"], "");
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).contains("did you mean 'auto.offset.reset'?"), "{}", text(&output.stderr));
    let output = run(&[&server.url, "--no-such-flag"], "");
    assert_eq!(output.status.code(), USAGE);
    assert!(text(&output.stderr).contains("--no-such-flag"), "{}", text(&output.stderr));
    let output = run(&["-D", "auto.ofset.reset=earliest", "-e", "SHOW STREAMS;"], "");
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).contains("did you mean"), "{}", text(&output.stderr));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    for url in ["http://127.0.0.1:1", "127.0.0.1:1"] {
        let output = run(&[url, "-e", "SHOW STREAMS;"], "");
        assert_eq!(output.status.code(), UNREACHABLE);
        assert!(text(&output.stderr).contains("http://127.0.0.1:1: Connection refused"), "{}", text(&output.stderr));
    }
    let output = run(&["https://127.0.0.1:1", "-e", "SHOW STREAMS;"], "");
    assert!(text(&output.stderr).contains("https is not supported"), "{}", text(&output.stderr));
}
