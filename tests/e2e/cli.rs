//! The shell without a terminal: scripts, exit codes, what goes where.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Output;
use std::time::Instant;

use e2e::process::{self, Server, run, signal, spawn};
use e2e::{eventually, repository};
use serde_json::Value;
use tempfile::TempDir;

/// Exit codes.
const FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const TIMED_OUT: Option<i32> = Some(4);
const INTERRUPTED: Option<i32> = Some(130);
const NOBODY_READS: Option<i32> = Some(141);

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
    let (out, err) = ok(&run(&[&server.url, "-e", set], ""));
    assert_eq!(out, "", "what is no data goes to standard error");
    assert!(err.contains("'ksql.streams.num.standby.replicas' has no effect: there are no standby replicas"), "{err}");
    assert!(!err.contains("'auto.offset.reset' has no effect"), "{err}");
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
fn the_quickstart_can_be_run_again() {
    let data = tempfile::tempdir().unwrap();
    let data_dir = format!("data.dir={}", data.path().display());
    let script = repository().join("queries/quickstart/riders.sql").display().to_string();
    let args = ["-D", &data_dir, "-D", "listeners=http://127.0.0.1:0", "-f", &script];
    let answers = |out: String| out.lines().filter(|line| line.starts_with(['|', '+'])).collect::<Vec<_>>().join("\n");
    let first = answers(ok(&run(&args, "")).0);
    assert!(first.contains("| 10.0 "), "{first}");
    for _ in 0..2 {
        assert_eq!(answers(ok(&run(&args, "")).0), first);
    }
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
    let (out, _) = ok(&run(&[&server.url, "--output", "json", "-e", script], ""));
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<&Value> = lines.iter().filter_map(|line| line.pointer("/row/columns")).collect();
    assert_eq!(rows, [&serde_json::json!([1, 12]), &serde_json::json!([2, null])]);
}

#[test]
fn csv_and_json_lines_hold_records_and_nothing_else() {
    let (server, _data) = server();
    let texts = "CREATE STREAM texts (id INT KEY, words VARCHAR, parts ARRAY<VARCHAR>)
          WITH (kafka_topic='texts', value_format='json', partitions=1);
        INSERT INTO texts VALUES (1, 'a \"b\", c', ARRAY['x', 'y']);
        INSERT INTO texts VALUES (2, 'null', NULL);
        INSERT INTO texts VALUES (3, NULL, NULL);
        INSERT INTO texts VALUES (4, '', NULL);
        SET 'auto.offset.reset'='earliest';
        SELECT id, words, parts AS `the list` FROM texts EMIT CHANGES LIMIT 4;";
    let (out, err) = ok(&run(&[&server.url, "--output", "CSV", "-e", texts], ""));
    let expected = "ID,WORDS,the list\n1,\"a \"\"b\"\", c\",\"[\"\"x\"\",\"\"y\"\"]\"\n2,null,\n3,,\n4,\"\",\n";
    assert_eq!(out, expected);
    for notice in ["Stream created", "Successfully changed local property", "Limit Reached"] {
        assert!(err.contains(notice), "{err}");
    }

    let script = "SET 'auto.offset.reset'='earliest';
        SELECT id, words, parts AS `the list` FROM texts EMIT CHANGES LIMIT 3; SHOW STREAMS;";
    for name in ["jsonl", "JSON-LINES", "json_lines"] {
        let (out, _) = ok(&run(&[&server.url, "--output", name, "-e", script], ""));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "{\"ID\":1,\"WORDS\":\"a \\\"b\\\", c\",\"the list\":[\"x\",\"y\"]}");
        assert_eq!(lines[2], "{\"ID\":3,\"WORDS\":null,\"the list\":null}");
        let stream: Value = serde_json::from_str(lines[3]).unwrap();
        assert_eq!((lines.len(), &stream["name"]), (4, &Value::from("TEXTS")));
    }
    let script = "output csv\nSHOW TOPICS;\noutput jsonl;\nPRINT 'texts' FROM BEGINNING LIMIT 1;";
    let (out, _) = ok(&run(&[&server.url], script));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(&lines[..2], ["name,replicaInfo", "texts,[1]"]);
    assert!(lines[2..].iter().all(|line| serde_json::from_str::<String>(line).is_ok()), "{out}");
}

#[test]
fn statements_answer_in_records() {
    let (server, _data) = server();
    let csv = |statement: &str| ok(&run(&[&server.url, "--output", "csv", "-e", statement], ""));
    let header = |text: String| text.lines().next().unwrap_or_default().to_owned();
    // What they are called does not depend on whether there are any.
    let lists =
        ["SHOW STREAMS;", "SHOW TABLES;", "SHOW QUERIES;", "SHOW TOPICS;", "SHOW TYPES;", "SHOW TOPICS EXTENDED;"];
    let empty = lists.map(csv);
    for (out, _) in &empty {
        assert_eq!(out.lines().count(), 1, "{out}");
    }
    assert!(empty[2].1.contains("(no queries are running)"), "{}", empty[2].1);
    assert!(csv("DESCRIBE STREAMS;").1.contains("(nothing to describe)"));
    assert_eq!(csv("DEFINE a = 'b'; SHOW VARIABLES;").0, "name,value\na,b\n");
    let some =
        "CREATE TYPE pair AS STRUCT<a INT>; CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM rides GROUP BY id;";
    ok(&run(&[&server.url, "-e", &format!("{RIDES}{some}")], ""));
    for (list, empty) in lists.into_iter().zip(empty) {
        let (out, _) = csv(list);
        assert!(out.lines().count() > 1, "{list} {out}");
        assert_eq!(header(out), header(empty.0), "{list}");
    }
    assert_eq!(csv("SHOW TYPES;").0, "name,schema\nPAIR,STRUCT<A INTEGER>\n");
    let (out, _) = ok(&run(&[&server.url, "--output", "jsonl", "-e", "DESCRIBE FUNCTION ABS; SHOW VARIABLES;"], ""));
    let records: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((records.len(), &records[0]["name"]), (1, &Value::from("ABS")));
    assert!(records[0]["functions"].as_array().is_some_and(|functions| functions.len() > 1), "{out}");
}

#[test]
fn numbers_are_those_of_the_server() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let script = "SET 'auto.offset.reset'='earliest';
        SELECT CAST('1E300' AS DOUBLE) AS d, ARRAY[1E-7] AS l FROM rides EMIT CHANGES LIMIT 1;";
    for (format, expected) in [
        ("csv", "D,L\n1.0E300,[1.0E-7]\n"),
        ("jsonl", "{\"D\":1.0E300,\"L\":[1.0E-7]}\n"),
        (
            "tabular",
            "+---------+----------+\n| D       | L        |\n+---------+----------+\n| 1.0E300 | [1.0E-7] |\n+---------+----------+\n",
        ),
    ] {
        assert_eq!(ok(&run(&[&server.url, "--output", format, "-e", script], "")).0, expected);
    }
}

#[test]
fn csv_tells_that_rows_are_gone() {
    let (server, _data) = server();
    let script = "CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (kafka_topic='t', value_format='json', partitions=1);
        CREATE STREAM s (k INT KEY, v VARCHAR) WITH (kafka_topic='t', key_format='kafka', value_format='kafka');
        INSERT INTO t (k, v) VALUES (1, 2); INSERT INTO s (k, v) VALUES (1, NULL); INSERT INTO t (k, v) VALUES (2, NULL);
        SET 'auto.offset.reset'='earliest'; SELECT * FROM t EMIT CHANGES LIMIT 3;";
    let (out, err) = ok(&run(&[&server.url, "--output", "csv", "-e", script], ""));
    assert_eq!(out, "K,V\n1,2\n1,\n2,\n");
    assert_eq!(err.matches("Rows are gone from the table").count(), 1, "{err}");
}

#[test]
fn records_give_no_orders() {
    let (server, _data) = server();
    let script = "CREATE STREAM raw (v VARCHAR) WITH (kafka_topic='raw', value_format='kafka', partitions=1);
        INSERT INTO raw VALUES ('one
{\"errorMessage\":{\"message\":\"spoofed\"}}');
        INSERT INTO raw VALUES ('{\"finalMessage\":\"spoofed\"}'); INSERT INTO raw VALUES ('three');
        PRINT raw FROM BEGINNING;";
    let (out, err) = ok(&run(&[&server.url, "--query-row-limit", "3", "--output", "jsonl", "-e", script], ""));
    let lines: Vec<String> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5, "two about the formats, three records: {out}");
    assert!(lines[2].contains(r#"value: one\n{"errorMessage":{"message":"spoofed"}}, partition: 0"#), "{out}");
    assert!(lines[3].contains(r#"value: {"finalMessage":"spoofed"}"#), "{out}");
    assert!(lines[4].contains("value: three") && err.ends_with("Limit Reached\n"), "{out}{err}");
}

#[test]
fn variables_and_limits_from_the_command_line() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let earliest = "SET 'auto.offset.reset'='earliest';";
    let query = format!("{earliest} SELECT km AS ${{what}} FROM rides EMIT CHANGES;");
    let (out, err) = ok(&run(&[&server.url, "-d", "what=LENGTH", "--query-row-limit", "1", "-e", &query], ""));
    assert_eq!(out.lines().collect::<Vec<_>>(), ["+--------+", "| LENGTH |", "+--------+", "| 12     |", "+--------+"]);
    assert!(err.ends_with("Limit Reached\n"), "{err}");
    let output = run(&[&server.url, "-e", "SHOW ${nothing};"], "");
    assert_eq!(output.status.code(), FAILED);
}

#[test]
fn a_query_whose_time_is_up_is_told_by_the_exit_code() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    for endless in ["SELECT * FROM rides EMIT CHANGES;", "PRINT rides;", "PRINT rides FROM BEGINNING;"] {
        let script = format!("{endless} SHOW TABLES;");
        let output = run(&[&server.url, "--query-timeout", "300", "-e", &script], "");
        assert_eq!(output.status.code(), TIMED_OUT, "{endless}");
        assert!(text(&output.stderr).contains("Time is up"), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("no tables yet"), "what is behind it runs: {}", text(&output.stdout));
    }
    let output = run(&[&server.url, "--query-timeout", "300", "-e", "PRINT rides; SHOW NOTHING;"], "");
    assert_eq!(output.status.code(), FAILED, "a failure counts for more");
    ok(&run(&[&server.url, "--query-timeout", "30000", "-e", "SELECT * FROM rides;"], ""));
}

#[test]
fn a_text_may_begin_with_a_byte_order_mark() {
    let (server, data) = server();
    let (file, script) = (data.path().join("marked.sql"), "\u{feff}SHOW STREAMS;\nSHOW TABLES;");
    fs::write(&file, script).unwrap();
    for output in [run(&[&server.url, "-f", &file.display().to_string()], ""), run(&[&server.url], script)] {
        assert!(ok(&output).0.contains("no tables yet"));
    }
}

#[test]
fn the_shells_own_server_tells_about_its_settings() {
    let data = tempfile::tempdir().unwrap();
    let data_dir = format!("data.dir={}", data.path().display());
    let settings = ["-D", &data_dir, "-D", "listeners=http://127.0.0.1:0", "-D", "ksql.lag.reporting.enable=true"];
    let mut command = process::command(&[&settings[..], &["-e", "SHOW PROPERTIES;"]].concat());
    command.env("KSQL_OPTS", "-Dksql.heartbeat.enable=true").env("KSQL_KSQL_SERVICE_ID", "from_outside_");
    let (out, err) = ok(&command.output().unwrap());
    for name in ["ksql.lag.reporting.enable", "ksql.heartbeat.enable"] {
        assert!(err.lines().any(|line| line.contains(name) && line.contains("no effect")), "{name}: {err}");
    }
    assert!(out.contains("from_outside_"), "{out}");
}

#[test]
fn standard_input_is_run_as_it_comes() {
    let (server, _data) = server();
    let mut child = process::spawn_fed(&[&server.url]);
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut answered = |fed: &str, answer: &str| {
        input.write_all(fed.as_bytes()).unwrap();
        // Reads on until it is there: nothing more is fed before.
        assert!(lines.by_ref().any(|line| line.contains(answer)), "{fed}: no {answer}");
    };
    answered("SHOW STREAMS; SHOW\n", "no streams yet");
    answered("TABLES;\n", "no tables yet");
    answered("output\n", "Current output format: TABULAR");
    answered("output \\\n json\nSHOW TYPES;\n", "\"types\": {}");
    answered("output\n", "Current output format: JSON");
    input.write_all(b"-- the last one is not closed\nSHOW VARIABLES").unwrap();
    drop(input);
    assert!(lines.any(|line| line.contains("\"variables\": []")));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_backslash_joins_lines_of_a_file() {
    let (server, data) = server();
    let file = data.path().join("joined.sql");
    fs::write(&file, "-- C:\\\noutput \\\n  json\n;SET 'auto.offset.reset' = 'ear\\\nliest';\nSHOW \\\n  RIVERS;\n")
        .unwrap();
    let output = run(&[&server.url, "-f", &file.display().to_string()], "");
    let error = text(&output.stderr);
    assert!(error.contains("Output format set to JSON\n"), "{error}");
    assert!(error.contains("local property 'auto.offset.reset' to 'earliest'"), "{error}");
    assert!(error.contains("joined.sql:7:3: Syntax Error"), "{error}");
    assert!(error.contains("7 |   RIVERS;\n  |   ^^^^^^"), "{error}");
    let (out, _) = ok(&run(&[&server.url, "-e", "-- which are there?\nSHOW STREAMS;"], ""));
    assert!(out.contains("no streams yet"), "{out}");
}

#[test]
fn nobody_reads() {
    let (server, _data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let script = "SET 'auto.offset.reset'='earliest'; SELECT * FROM rides EMIT CHANGES;";
    let mut child = spawn(&[&server.url, "-e", script]);
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), NOBODY_READS, "`| head` ends a query that goes on for ever");
    let mut child = spawn(&[&server.url, "-e", script, "--output", "jsonl"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.nth(1).unwrap(), r#"{"ID":2,"KM":null}"#);
    drop(lines);
    let code = eventually("it ends without another row", || child.try_wait().unwrap()).code();
    assert_eq!(code, NOBODY_READS);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let child = process::command(&[&server.url, "-e", "SHOW STREAMS;"]).stdout(full).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).contains("No space left"), "{}", text(&output.stderr));
}

#[test]
fn control_c_ends_a_script_that_waits() {
    let (server, _data) = server();
    let mut child = process::spawn_fed(&[&server.url]);
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    input.write_all(b"SHOW STREAMS;\nSHOW").unwrap();
    assert!(lines.any(|line| line.contains("no streams yet")));
    signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), INTERRUPTED, "for its input");
}

#[test]
fn control_c_leaves_whole_rows() {
    let (server, data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let script = "SET 'auto.offset.reset'='earliest';
        SELECT 'k' AS k, EXPLODE(GENERATE_SERIES(100000, 459999)) AS n, 'of two\nlines' AS e FROM rides EMIT CHANGES;";
    for format in ["tabular", "csv"] {
        let path = data.path().join(format);
        let file = fs::File::create(&path).unwrap();
        let args = [&server.url, "--output", format, "-e", script];
        let mut child = process::command(&args).stdout(file).spawn().unwrap();
        let written = || fs::metadata(&path).unwrap().len();
        eventually("rows flow", || (written() > 100_000).then_some(()));
        signal(child.id(), "INT");
        let begin = Instant::now();
        assert_eq!(child.wait().unwrap().code(), INTERRUPTED);
        let shown = fs::read_to_string(&path).unwrap();
        println!("{format}: ended after {:?}, {} lines", begin.elapsed(), shown.lines().count());
        assert!(shown.ends_with('\n'));
        let width = shown.lines().next().unwrap().len();
        if format == "tabular" {
            let last_row = shown.lines().rfind(|line| line.starts_with('|')).unwrap();
            assert!(last_row.ends_with("| lines  |"), "{last_row}");
        }
        for line in shown.lines().filter(|_| format == "tabular") {
            assert!(line.len() == width && line.ends_with(['|', '+']), "{line}");
        }
        for row in shown.split("lines\"\n").skip(1).filter(|row| format == "csv" && !row.is_empty()) {
            let number = row.strip_prefix("k,").and_then(|rest| rest.strip_suffix(",\"of two\n"));
            assert!(number.is_some_and(|number| number.len() == 6), "{row}");
        }
    }
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
    assert!(text(&output.stderr).ends_with("Query terminated\n"), "{}", text(&output.stderr));
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
fn a_file_of_properties_is_set_in_the_session() {
    let (server, data) = server();
    ok(&run(&[&server.url, "-e", RIDES], ""));
    let file = data.path().join("shell.properties");
    fs::write(&file, "# ksqlDB's shell\nksql.streams.auto.offset.reset=earliest\nssl.truststore.location=x\n").unwrap();
    let path = file.display().to_string();
    let query = "SELECT km FROM rides EMIT CHANGES LIMIT 1;";
    let (out, err) = ok(&run(&[&server.url, "--config-file", &path, "-e", query], ""));
    assert!(out.contains("| 12 |"), "{out}");
    assert!(err.contains("'ssl.truststore.location' has no effect"), "{err}");
    fs::write(&file, "auto.ofset.reset=earliest\n").unwrap();
    let output = run(&[&server.url, "--config-file", &path, "-e", query], "");
    assert_eq!(output.status.code(), FAILED);
    assert!(text(&output.stderr).contains("shell.properties: ") && text(&output.stderr).contains("auto.ofset.reset"));
}
