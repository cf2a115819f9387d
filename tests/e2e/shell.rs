//! The interactive shell as a person meets it, in a terminal.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::eventually;
use e2e::http::ksql;
use e2e::pretend;
use e2e::process::Server;
use e2e::terminal::{Terminal, keys};
use serde_json::json;
use tempfile::TempDir;

/// A server with a stream of two rows, and a home directory.
struct House {
    server: Server,
    home: TempDir,
    _data: TempDir,
}

impl House {
    fn build() -> Self {
        let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = Server::start(data.path(), &[]);
        let statements = "CREATE STREAM RIDES (DRIVER VARCHAR KEY, KM INT, STOPS ARRAY<VARCHAR>)
              WITH (KAFKA_TOPIC='rides', VALUE_FORMAT='JSON', PARTITIONS=1);
            INSERT INTO RIDES (DRIVER, KM, STOPS) VALUES ('Zoë 日本', 12, ARRAY['park', 'port']);
            INSERT INTO RIDES (DRIVER, KM) VALUES ('Bo', NULL);";
        ksql(&server.url, statements, &json!({}));
        Self { server, home, _data: data }
    }

    fn shell(&self) -> Terminal {
        Terminal::start(&[&self.server.url], self.home.path())
    }

    fn push_queries(&self) -> usize {
        let answer = ksql(&self.server.url, "SHOW QUERIES;", &json!({}));
        let queries = answer[0]["queries"].as_array().unwrap();
        queries.iter().filter(|query| query["queryType"] == "PUSH").count()
    }
}

const FROM_THE_BEGINNING: &str = "SET 'auto.offset.reset' = 'earliest';";

#[test]
fn a_statement_spans_lines_and_comes_back_from_the_history() {
    let house = House::build();
    let shell = house.shell();
    shell.type_line("SELECT 'a;b' AS T, KM");
    shell.type_line("FROM RIDES;");
    shell.wait_for("| a;b | 12");
    shell.wait_for_prompt();
    shell.press(keys::CTRL_D);
    assert_eq!(shell.exit_code(), Some(0));

    let shell = house.shell();
    shell.press(keys::UP);
    shell.wait_for("ksql> SELECT 'a;b' AS T, KM\nFROM RIDES;");
    shell.press(keys::ENTER);
    shell.wait_for("| a;b | 12");
    shell.wait_for_prompt();
    assert!(shell.run("history").contains("1  SELECT 'a;b' AS T, KM\n       FROM RIDES;"), "{}", shell.screen());

    let other = house.shell();
    other.run("SHOW TABLES;");
    shell.run("SHOW TYPES;");
    let later = house.shell().run("history");
    assert!(later.contains("SHOW TABLES;") && later.contains("SHOW TYPES;"), "of two shells at once: {later}");
}

#[test]
fn tab_completes_keywords_and_what_the_server_has() {
    let house = House::build();
    let shell = house.shell();
    shell.press("descr\t");
    shell.wait_for("ksql> describe");
    eventually("names of the server", || {
        shell.press(" rid\t");
        std::thread::sleep(std::time::Duration::from_millis(100));
        if shell.screen().contains("describe rides") {
            return Some(());
        }
        shell.press("\x7f\x7f\x7f\x7f");
        None
    });
    shell.press(";\r");
    shell.wait_for("ARRAY<VARCHAR(STRING)>");
    shell.wait_for_prompt();
    shell.type_line("SELECT *");
    shell.type_line("FROM RIDES");
    shell.press("WHERE DRI\t");
    shell.wait_for("WHERE DRIVER");
    shell.press(keys::CTRL_C);
    shell.wait_for_prompt();
    shell.press("csas\t");
    shell.wait_for("CREATE STREAM s AS SELECT * FROM x EMIT CHANGES;");
}

#[test]
fn control_c_ends_the_query_and_not_the_shell() {
    let house = House::build();
    let shell = house.shell();
    shell.run(FROM_THE_BEGINNING);
    shell.press("SELECT * FROM RIDES EMIT CHANGES;\r");
    shell.wait_for("Bo");
    assert_eq!(house.push_queries(), 1);
    shell.press(keys::CTRL_C);
    shell.wait_for("Query terminated");
    shell.wait_for_prompt();
    assert!(!shell.screen().contains("^C"), "{}", shell.screen());
    eventually("the server ends the query", || (house.push_queries() == 0).then_some(()));
    assert!(shell.run("SHOW STREAMS;").contains("rides"));
}

#[test]
fn one_control_c_is_enough_while_rows_flow() {
    let house = House::build();
    let shell = house.shell();
    shell.run(FROM_THE_BEGINNING);
    // Rows as wide as the screen.
    let many =
        "SELECT EXPLODE(GENERATE_SERIES(100000, 459999)) AS N, RPAD('', 80, 'x') AS X FROM RIDES EMIT CHANGES;\r";
    shell.press(many);
    shell.wait_for("| 100");
    // The screen stands still and the queue before it fills up, until the shell can write no more.
    shell.hold();
    shell.wait_until_idle();
    let before = shell.lines();
    shell.press(keys::CTRL_C);
    std::thread::sleep(Duration::from_secs(1));
    shell.go_on();
    shell.wait_for("Query terminated");
    shell.wait_for_prompt();
    let more = shell.lines() - before;
    println!("{more} lines after Ctrl-C");
    // 4 KiB that the terminal had taken already, one piece that the shell had begun to write, and how it ended.
    assert!(more <= 80, "{more} lines came after Ctrl-C:\n{}", shell.screen());
    eventually("the server ends the query", || (house.push_queries() == 0).then_some(()));
    assert!(shell.run("SHOW STREAMS;").contains("rides"), "{}", shell.screen());

    // While the screen follows.
    for _ in 0..5 {
        shell.press(many);
        shell.wait_for("| 10");
        let begin = Instant::now();
        shell.press(keys::CTRL_C);
        shell.wait_for("Query terminated");
        shell.wait_for_prompt();
        println!("from Ctrl-C to the prompt: {:?}", begin.elapsed());
        shell.run("clear");
    }
}

#[test]
fn a_second_control_c_ends_a_shell_that_hangs() {
    let house = House::build();
    let shell = house.shell();
    shell.run(FROM_THE_BEGINNING);
    shell.press("SELECT EXPLODE(GENERATE_SERIES(100000, 459999)) AS N FROM RIDES EMIT CHANGES;\r");
    shell.wait_for("| 100");
    shell.hold();
    shell.wait_until_idle();
    shell.press(keys::CTRL_C);
    std::thread::sleep(Duration::from_millis(1500));
    shell.press(keys::CTRL_C);
    assert_eq!(shell.exit_code(), Some(130));
}

#[test]
fn lines_of_a_statement_are_edited_together() {
    let house = House::build();
    let shell = house.shell();
    shell.type_line("SELECT 1 AS ONE,");
    shell.type_line("'b' AS TWO");
    shell.type_text("FROM RIDES;");
    // Up to the first line, whose 1 becomes 12.
    shell.press(keys::UP);
    shell.press(keys::UP);
    shell.press("\x01\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C2\r");
    shell.wait_for("| 12  | b   |");
    shell.wait_for_prompt();
    assert!(
        shell.run("history").contains("1  SELECT 12 AS ONE,\n       'b' AS TWO\n       FROM RIDES;"),
        "{}",
        shell.screen()
    );

    // Pasted: nothing runs before Enter, then both statements do.
    shell.press("\x1b[200~SHOW STREAMS;\nSELECT KM,\n 'pasted' AS P FROM RIDES;\x1b[201~");
    shell.wait_for(" 'pasted' AS P FROM RIDES;");
    assert!(!shell.screen().contains("Stream Name"), "{}", shell.screen());
    shell.press(keys::ENTER);
    shell.wait_for("| 12   | pasted |");
    assert!(shell.screen().contains("Stream Name"), "{}", shell.screen());
}

#[test]
fn statements_of_the_history_have_short_names() {
    let house = House::build();
    let shell = house.shell();
    shell.run("SHOW STREAMS;");
    shell.run("SHOW TYPES;");
    assert!(shell.run("!1").contains("SHOW STREAMS;\n Stream Name"), "{}", shell.screen());
    assert!(shell.run("^STREAMS^TOPICS").contains("SHOW TOPICS;\n Kafka Topic"), "{}", shell.screen());
    assert!(shell.run("!7").contains("!7: there is no such statement in the history"), "{}", shell.screen());
    let history = shell.run("history");
    assert!(history.contains("3  SHOW STREAMS;\n    4  SHOW TOPICS;\n    5  history"), "{history}");
}

#[test]
fn null_does_not_look_like_the_text() {
    let house = House::build();
    let insert = "INSERT INTO RIDES (DRIVER, KM) VALUES ('null', NULL);";
    ksql(&house.server.url, insert, &json!({}));
    let shell = house.shell();
    shell.run(FROM_THE_BEGINNING);
    shell.run("SELECT DRIVER, KM FROM RIDES EMIT CHANGES LIMIT 3;");
    assert_eq!(shell.dim_words("null"), [true, false, true], "the text is not, the lack of a value is");
    let plain = Terminal::start_in(&[&house.server.url], house.home.path(), &[("NO_COLOR", "1")]);
    plain.run(FROM_THE_BEGINNING);
    let screen = plain.run("SELECT DRIVER, KM FROM RIDES EMIT CHANGES LIMIT 3;");
    assert!(screen.contains("| null     | <null> |"), "{screen}");
}

#[test]
fn a_long_result_is_shortened() {
    let house = House::build();
    let shell = house.shell();
    let many = "SELECT DRIVER, EXPLODE(GENERATE_SERIES(1, 1234)) AS N FROM RIDES WHERE DRIVER = 'Bo';";
    shell.run("SET CLI MAX-ROWS 3");
    let screen = shell.run(many);
    assert!(
        screen.contains("| Bo     | 3 |\n+--------+---+\n… 1,231 rows more; SET CLI MAX-ROWS 0 shows all"),
        "{screen}"
    );
    assert!(screen.contains("\n1,234 rows in "), "{screen}");
    shell.run("SET CLI MAX-ROWS 0");
    let screen = shell.run(many);
    assert!(screen.contains("| Bo     | 1234 |\n") && !screen.contains("rows more"), "{screen}");
}

#[test]
fn a_long_answer_of_a_statement_is_shortened() {
    let house = House::build();
    let shell = house.shell();
    shell.run("SET CLI MAX-ROWS 3");
    for (statement, what) in
        [("SHOW FUNCTIONS;", "rows"), ("SHOW PROPERTIES;", "rows"), ("DESCRIBE FUNCTION ABS;", "lines")]
    {
        let screen = shell.run(statement);
        assert!(screen.contains(&format!(" {what} more; SET CLI MAX-ROWS 0 shows all")), "{screen}");
        assert!(screen.lines().count() < 30, "{screen}");
    }
    shell.run("SET CLI MAX-ROWS 0");
    let screen = shell.run("DESCRIBE FUNCTION ABS;");
    assert!(screen.contains("Variation   : ABS(") && !screen.contains(" more; "), "{screen}");
}

#[test]
fn a_query_that_goes_on_shows_how_it_goes() {
    let house = House::build();
    let shell = house.shell();
    shell.run(FROM_THE_BEGINNING);
    shell.press("SELECT * FROM RIDES EMIT CHANGES;\r");
    shell.wait_for("2 rows, ");
    shell.wait_for("a second; Ctrl-C ends the query");
    ksql(&house.server.url, "INSERT INTO RIDES (DRIVER, KM) VALUES ('Cy', 3);", &json!({}));
    shell.wait_for("3 rows, ");
    let screen = shell.screen();
    assert_eq!(screen.matches("Ctrl-C ends the query").count(), 1, "it moves down: {screen}");
    assert!(screen.contains("| Cy       | 3    | null            |\n3 rows, "), "{screen}");
    shell.press(keys::CTRL_C);
    shell.wait_for("Query terminated");
    shell.wait_for_prompt();
    assert!(!shell.screen().contains("Ctrl-C ends the query"), "{}", shell.screen());
}

#[test]
fn control_c_at_the_password_prompt_leaves() {
    let house = House::build();
    let shell = Terminal::start_at(&[&house.server.url, "-u", "zoe"], house.home.path(), &[], "Password of zoe: ");
    shell.press(keys::CTRL_C);
    assert_eq!(shell.exit_code(), Some(130), "as anywhere else");
}

#[test]
fn control_c_clears_a_half_typed_statement() {
    let house = House::build();
    let shell = house.shell();
    shell.type_line("SELECT nonsense");
    shell.type_text("FROM nowhere");
    shell.press(keys::CTRL_C);
    shell.wait_for_prompt();
    assert!(shell.run("SHOW STREAMS;").contains("rides"), "nothing of it may be left:\n{}", shell.screen());
}

#[test]
fn there_are_three_ways_to_leave() {
    let house = House::build();
    for way in [keys::CTRL_D, "exit\r", "QUIT;\r"] {
        let shell = house.shell();
        shell.press(way);
        assert_eq!(shell.exit_code(), Some(0), "{way:?}");
    }
}

#[test]
fn results_fit_the_terminal() {
    let house = House::build();
    let shell = house.shell();
    shell.run(FROM_THE_BEGINNING);
    let screen = shell.run("SELECT * FROM RIDES EMIT CHANGES LIMIT 2;");
    let expected = "\
+----------+------+-----------------+
| DRIVER   | KM   | STOPS           |
+----------+------+-----------------+
| Zoë 日本 | 12   | [\"park\",\"port\"] |
| Bo       | null | null            |
+----------+------+-----------------+
Limit Reached
2 rows in ";
    assert!(screen.contains(expected), "{screen}");

    let long = "SELECT KM, 'the quick brown fox jumps over the lazy dog and over again and again and again and again' \
                AS FOX FROM RIDES EMIT CHANGES LIMIT 1;";
    shell.press(long);
    shell.press(keys::ENTER);
    shell.wait_for("Limit Reached\n1 row in");
    shell.wait_for("| 12 | the quick");
    let screen = shell.run("SET CLI COLUMN-WIDTH 9");
    assert!(!screen.contains("expected"), "{screen}");
    let screen = shell.run("SELECT DRIVER, 'the quick brown fox' AS FOX FROM RIDES EMIT CHANGES LIMIT 1;");
    assert!(screen.contains("| Zoë 日本  | the quick |\n|           | brown fox |"), "{screen}");
    shell.run("SET CLI WRAP OFF");
    let screen = shell.run("SELECT DRIVER, 'the quick brown fox' AS FOX FROM RIDES EMIT CHANGES LIMIT 1;");
    assert!(screen.contains("| Zoë 日本  | the quic… |\n+---"), "{screen}");
    let screen = shell.run("SHOW QUERIES;");
    assert!(screen.contains("no queries are running"), "{screen}");
}

#[test]
fn an_empty_result_says_why() {
    let house = House::build();
    let shell = house.shell();
    shell.press("SELECT * FROM RIDES EMIT CHANGES;\r");
    shell.wait_for("SET 'auto.offset.reset' = 'earliest';");
    shell.wait_for("Ctrl-C");
    shell.press(keys::CTRL_C);
    shell.wait_for_prompt();

    shell.run(FROM_THE_BEGINNING);
    let raw = "CREATE STREAM RAW (V VARCHAR) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='KAFKA', PARTITIONS=1);
        CREATE STREAM BAD (V INT) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON');
        INSERT INTO RAW (V) VALUES ('no json');";
    ksql(&house.server.url, raw, &json!({}));
    shell.press("SELECT * FROM BAD EMIT CHANGES;\r");
    shell.wait_for("were skipped");
    shell.press(keys::CTRL_C);
    shell.wait_for_prompt();

    let screen = shell.run("SELECT * FROM RIDES WHERE KM > 1000;");
    assert!(screen.contains("(no rows)"), "{screen}");
}

#[test]
fn mistakes_are_pointed_at() {
    let house = House::build();
    let shell = house.shell();
    let screen = shell.run("SELECT * FORM RIDES;");
    assert!(screen.contains("1 | SELECT * FORM RIDES;\n  |          ^^^^"), "{screen}");
    assert!(screen.contains("did you mean FROM?"), "{screen}");
    let screen = shell.run("SELECT DRIVR FROM RIDES EMIT CHANGES;");
    assert!(screen.contains("  |        ^^^^^ did you mean `DRIVER`?"), "{screen}");
    let screen = shell.run("SET 'auto.ofset.reset' = 'earliest';");
    assert!(screen.contains("did you mean 'auto.offset.reset'?"), "{screen}");
    let screen = shell.run("output xml");
    assert!(screen.contains("TABULAR, JSON, CSV or JSONL is expected"), "{screen}");
    assert!(shell.run("help").contains("run script 'FILE'"));
}

#[test]
fn scripts_variables_and_spooling() {
    let house = House::build();
    let shell = house.shell();
    let file = |name: &str| house.home.path().join(name);
    fs::write(file("make.sql"), "CREATE TYPE ${kind} AS STRUCT<A INT>;\nSHOW TYPES;\n").unwrap();
    fs::write(file("bad.sql"), "SHOW STREAMS;\n\nSHOW NOTHING;\n").unwrap();
    shell.run("DEFINE kind = 'PAIR';");
    let screen = shell.run("SHOW VARIABLES;");
    assert!(screen.contains("kind") && screen.contains("PAIR"), "{screen}");
    let screen = shell.run("SPOOL 'seen.txt';");
    assert!(screen.contains("seen.txt"), "{screen}");
    let screen = shell.run("RUN SCRIPT 'make.sql';");
    assert!(screen.contains("STRUCT<A INTEGER>"), "{screen}");
    shell.run("SPOOL OFF");
    shell.run("SHOW STREAMS;");
    let spooled = fs::read_to_string(file("seen.txt")).unwrap();
    assert!(spooled.contains("ksql> RUN SCRIPT 'make.sql';") && spooled.contains("STRUCT<A INTEGER>"), "{spooled}");
    assert!(!spooled.contains("SHOW STREAMS"), "{spooled}");
    let screen = shell.run("RUN SCRIPT 'bad.sql';");
    assert!(screen.contains("bad.sql:3:6: Syntax Error"), "{screen}");
    let screen = shell.run("RUN SCRIPT 'nowhere.sql';");
    assert!(screen.contains("nowhere.sql: No such file"), "{screen}");
}

#[test]
fn the_shell_outlives_its_server() {
    let House { server, home, _data } = House::build();
    let shell = Terminal::start(&[&server.url], home.path());
    shell.press("SELECT * FROM RIDES EMIT CHANGES;\r");
    shell.wait_for("No rows yet");
    server.kill();
    shell.wait_for("the connection to the server broke");
    shell.wait_for_prompt();
    let screen = shell.run("SHOW STREAMS;");
    assert!(screen.contains("cannot reach the server at http://127.0.0.1:"), "{screen}");
    assert!(screen.contains("Connection refused"), "{screen}");

    let other = Server::start(Path::new(&home.path().join("data")), &[]);
    let screen = shell.run(&format!("server {}", other.url));
    assert!(screen.contains("is RUNNING"), "{screen}");
    assert!(shell.run("SHOW STREAMS;").contains("no streams yet"));

    // A server that stops orderly ends its queries first.
    let stream = "CREATE STREAM S (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";
    ksql(&other.url, stream, &json!({}));
    shell.press("SELECT * FROM S EMIT CHANGES;\r");
    shell.wait_for("No rows yet");
    assert!(other.terminate(), "it ends with exit code 0 while a shell is listening");
    shell.wait_for("Query Completed");
    shell.wait_for_prompt();
}

#[test]
fn a_server_that_does_not_answer_can_be_left() {
    let url = pretend::silent();
    let home = tempfile::tempdir().unwrap();
    let shell = Terminal::start(&[&url], home.path());
    let set = "SET 'auto.offset.reset'='earliest';\r";
    for statement in ["SHOW STREAMS;\r", "SELECT * FROM x EMIT CHANGES;\r", set] {
        shell.press(statement);
        std::thread::sleep(std::time::Duration::from_millis(200));
        shell.press(keys::CTRL_C);
        shell.wait_for_prompt();
    }
    assert!(shell.screen().contains("the server may still run the statement"), "{}", shell.screen());
    assert!(shell.screen().contains("Query terminated"), "{}", shell.screen());
    shell.press(keys::CTRL_D);
    assert_eq!(shell.exit_code(), Some(0));
}
