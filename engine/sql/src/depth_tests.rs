//! Statements as deep as they may be, and deeper: read, written, read again, copied and dropped on a stack of the size that
//! threads have.

use crate::{STACK_BYTES, Variables, format, parse, parse_one};

/// Something around itself, that often.
type Nested = Box<dyn Fn(usize) -> String>;

/// All that can be nested, each with a name.
fn kinds() -> Vec<(&'static str, Nested)> {
    let around = |before: &'static str, inner: &'static str, after: &'static str| {
        move |n: usize| format!("SELECT {}{inner}{} FROM s;", before.repeat(n), after.repeat(n))
    };
    let typed = |before: &'static str, after: &'static str| {
        move |n: usize| format!("CREATE TYPE t AS {}INT{};", before.repeat(n), after.repeat(n))
    };
    let mut kinds: Vec<(&'static str, Nested)> = Vec::new();
    for (before, inner, after) in [
        ("(", "1", ")"),
        ("1 + (", "1", ")"),
        ("NOT ", "TRUE", ""),
        ("- ", "x", ""),
        ("f(1, ", "1", ")"),
        ("f(a, x => ", "1", ")"),
        ("CASE WHEN a THEN ", "1", " END"),
        ("CASE ", "1", " WHEN 1 THEN 1 END"),
        ("CASE WHEN ", "a", " THEN 1 ELSE 2 END"),
        ("CAST(", "1", " AS INT)"),
        ("ARRAY[", "1", "]"),
        ("MAP(1 := ", "1", ")"),
        ("STRUCT(a := ", "1", ")"),
        ("a[", "1", "]"),
        ("1 IN (1, ", "1", ")"),
        ("1 IN (", "1", ", 2)"),
        ("(", "1", " BETWEEN 1 AND 2)"),
        ("(1 BETWEEN 1 AND ", "1", ")"),
        ("('a' LIKE ", "1", ")"),
        ("(", "1", " IS NULL)"),
        ("(1 = ", "1", ")"),
        ("", "1", " + 1"),
        ("", "1", " || 1"),
        ("", "1", " * 1"),
        ("", "a", " AND b"),
        ("", "a", " OR b"),
        ("", "a", "[1]"),
        ("", "a", "->b"),
        ("", "a", " AT TIME ZONE 'UTC'"),
    ] {
        kinds.push((before, Box::new(around(before, inner, after))));
    }
    for (before, after) in [("ARRAY<", ">"), ("MAP<INT, ", ">"), ("MAP<", ", INT>"), ("STRUCT<a ", ">"), ("", " ARRAY")]
    {
        kinds.push((before, Box::new(typed(before, after))));
    }
    kinds.push(("EXPLAIN", Box::new(|n| format!("{}SELECT 1 FROM s;", "EXPLAIN ".repeat(n)))));
    // chains in levels
    for (open, operators, close) in
        [("(", " + 1", ")"), ("(", " OR a", ")"), ("NOT (", " AND a", ")"), ("- (", " || 1", ")")]
    {
        kinds.push((
            open,
            Box::new(move |n| {
                let chain = format!("{}{close}", operators.repeat(n)).repeat(n);
                format!("SELECT * FROM s WHERE {}1{chain};", open.repeat(n))
            }),
        ));
    }
    kinds
}

/// How often `kind` can be repeated.
fn most(kind: &dyn Fn(usize) -> String) -> usize {
    let (mut good, mut bad) = (1, 4096);
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        match parse(&kind(middle), &Variables::default()) {
            Ok(_) => good = middle,
            Err(_) => bad = middle,
        }
    }
    good
}

fn on_a_stack_of_ours(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).unwrap().join().unwrap();
}

#[test]
fn what_is_read_can_be_written_and_read_again() {
    on_a_stack_of_ours(|| {
        for (name, kind) in kinds() {
            let text = kind(most(&*kind));
            let parsed = parse_one(&text, &Variables::default()).unwrap();
            let written = format!("{};", format(&parsed.statement));
            let again = parse_one(&written, &Variables::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(again.statement, parsed.statement, "{name}");
            assert_eq!(format!("{};", format(&again.clone().statement)), written, "{name}");
            assert!(!format!("{again:?}").is_empty());
        }
    });
}

#[test]
fn what_is_too_deep_is_refused_with_its_place() {
    on_a_stack_of_ours(|| {
        for (name, kind) in kinds() {
            // far beyond, where the text is still small
            let far = if kind(2000).len() > 1 << 20 { 200 } else { 2000 };
            for n in [most(&*kind) + 1, far] {
                let error = parse(&kind(n), &Variables::default()).unwrap_err();
                assert!(error.message.contains("levels deep"), "{name} {n}: {error}");
                assert!(error.message.starts_with("Failed to prepare statement: line 1:"), "{name}: {error}");
            }
        }
    });
}

#[test]
fn what_is_not_deep_may_be_long() {
    let operators = |operator: &str| format!("SELECT 1 FROM s WHERE i = 0{};", operator.repeat(499));
    for operator in [" OR i = 1", " AND i = 1", " + 1", " || 'a'"] {
        assert!(parse(&operators(operator), &Variables::default()).is_ok(), "{operator}");
    }
    for list in ["i IN (1 + 2 + 3", "f(1 + 2 + 3", "ARRAY[1 + 2 + 3", "CASE i WHEN 1 + 2 + 3 THEN 1"] {
        let (open, item) = list.split_at(list.find('1').unwrap());
        let close = if open.contains('[') {
            "]"
        } else if open.contains("CASE") {
            " END"
        } else {
            ")"
        };
        let between = if open.contains("CASE") { " WHEN " } else { ", " };
        let text = format!("SELECT {open}{}{close} FROM s;", vec![item; 10_000].join(between));
        assert!(parse(&text, &Variables::default()).is_ok(), "{open}");
    }
}
