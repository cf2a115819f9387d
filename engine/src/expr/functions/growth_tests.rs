//! Little input may not make much of a value, nor of time.

use crate::expr::testing::{REGISTRY, Table, bind_text, evaluate, failures, rows, table};
use crate::expr::{Settings, compile};

const TOO_LARGE: &str = "the result has more than the 8388608 bytes that millstream.functions.value.max.bytes allows";

/// One text of 20,000 letters, one of three.
fn long_and_short() -> Table {
    table(&[&format!("S STRING: {} | abc", "a".repeat(20_000)), "N INTEGER: 20000 | 3"])
}

fn rows_within(settings: &Settings, expression: &str, columns: &Table) -> Vec<String> {
    let typed = bind_text(expression, &columns.scope).unwrap();
    evaluate(&compile(&typed, &REGISTRY, settings).unwrap(), &typed, &columns.columns, columns.len)
}

#[test]
fn what_makes_much_of_little_is_stopped() {
    let columns = long_and_short();
    for (expression, short) in [
        ("LEN(REPLACE(S, 'a', S))", "5"),
        ("LEN(REPLACE(REPLACE(S, 'a', LPAD('', 30, 'a')), 'a', LPAD('', 30, 'a')))", "902"),
        ("LEN(REGEXP_REPLACE(S, 'a+', LPAD('', 1000, '$0')))", "502"),
        ("LEN(ARRAY_JOIN(GENERATE_SERIES(1, N), S))", "9"),
        ("LEN(LPAD(S, N * 1000, 'x'))", "3000"),
        ("LEN(RPAD(S, N * 1000, 'x'))", "3000"),
        ("LEN(REDUCE(GENERATE_SERIES(1, N), S, (s, x) => s + s))", "24"),
        ("ARRAY_LENGTH(GENERATE_SERIES(1, N * 1000))", "3000"),
        ("ARRAY_LENGTH(TRANSFORM(GENERATE_SERIES(1, N), x => S))", "3"),
        ("ARRAY_LENGTH(REDUCE(GENERATE_SERIES(1, N), ARRAY[1], (s, x) => ARRAY_CONCAT(s, s)))", "8"),
    ] {
        assert_eq!(rows(expression, &columns), ["!null", short], "{expression}");
        let told = failures(expression, &columns);
        assert!(told.iter().any(|message| message.ends_with(TOO_LARGE)), "{expression}: {told:?}");
    }
    // A call that fails within another is NULL there.
    assert_eq!(rows("LEN(REDUCE(GENERATE_SERIES(1, N), S, (s, x) => CONCAT(s, s)))", &columns), ["!0", "24"]);
    // A constant that is too large, and what is not.
    assert_eq!(rows("LPAD('x', 9000000, 'y')", &columns), ["!null", "!null"]);
    assert_eq!(rows("LEN(CONCAT(S, S, S))", &columns), ["60000", "9"]);
}

#[test]
fn the_largest_value_is_a_setting() {
    let columns = long_and_short();
    let within = |value_bytes| {
        rows_within(&Settings { value_bytes, ..Settings::default() }, "LEN(REPLACE(S, 'a', 'aa'))", &columns)
    };
    assert_eq!(within(40_000), ["40000", "4"]);
    assert_eq!(within(39_999), ["!null", "4"]);
}

#[test]
fn a_lambda_visits_so_many_elements_for_a_row() {
    let settings = Settings { lambda_elements: 40_000, ..Settings::default() };
    let columns = table(&["N INTEGER: 1000 | 3 | 20 | 70"]);
    let nested = "REDUCE(TRANSFORM(GENERATE_SERIES(1, N), x => REDUCE(GENERATE_SERIES(1, N), 0, (s, y) => s + y)), 0, \
                  (s, x) => s + x)";
    // A call that fails within another is NULL there. Rows that are too much together are not each by itself.
    assert_eq!(rows_within(&settings, nested, &columns), ["!0", "18", "4200", "173950"]);
    // What a lambda reads besides its elements counts, too.
    let columns = long_and_short();
    let long = "ARRAY_LENGTH(FILTER(GENERATE_SERIES(1, N), x => LEN(S) > x))";
    assert_eq!(rows_within(&settings, long, &columns), ["!null", "2"]);
    assert_eq!(rows_within(&settings, "ARRAY_LENGTH(FILTER(GENERATE_SERIES(1, N), x => 1 > x))", &columns)[1], "0");
}

#[test]
fn searching_takes_no_longer_than_the_texts_are() {
    let text = "a".repeat(500_000);
    let columns = table(&[&format!("S STRING: {text}"), &format!("W STRING: {}b", "a".repeat(250_000))]);
    for (expression, expected) in [
        ("INSTR(S, W)", "0"),
        ("INSTR(S, W, -1)", "0"),
        ("INSTR(S, SUBSTRING(W, 1, 250000), 1, 250001)", "250001"),
        ("INSTR(S, SUBSTRING(W, 1, 250000), -1, 250001)", "1"),
        ("ARRAY_LENGTH(SPLIT(TO_BYTES(S, 'utf8'), TO_BYTES(W, 'utf8')))", "1"),
        ("ARRAY_LENGTH(SPLIT(S, W))", "1"),
        ("S LIKE W", "false"),
        ("S LIKE CONCAT('%', W)", "false"),
        ("CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', S)", "!null"),
        ("PARSE_TIMESTAMP(S, 'VV')", "!null"),
        ("PARSE_TIMESTAMP('1', REPLACE(S, 'a', '['))", "!null"),
        ("PARSE_DATE(S, 'z')", "!null"),
    ] {
        assert_eq!(rows(expression, &columns).join(""), expected, "{expression}");
    }
}
