//! What the examples do not show: NULLs, edges, failing rows. `!` before a value: the row was told as failed.

use super::super::testing::{REGISTRY, constant, rows, table};
use super::{LIBRARY, Signature};

#[test]
fn every_signature_can_be_read() {
    for function in LIBRARY.iter().flat_map(|functions| functions.iter()) {
        for variation in function.variations {
            assert!(Signature::parse(variation.signature).is_some(), "{}{}", function.name, variation.signature);
        }
    }
}

#[test]
fn examples_are_true() {
    for function in REGISTRY.iter().filter(|function| !function.example.0.is_empty()) {
        assert_eq!(constant(function.example.0), function.example.1, "{}", function.example.0);
    }
}

fn check(columns: &[&str], cases: &[(&str, &[&str])]) {
    let columns = table(columns);
    for (expression, expected) in cases {
        assert_eq!(rows(expression, &columns), *expected, "{expression}");
    }
}

#[test]
fn text() {
    check(
        &[
            "S STRING: Hello World | '' | null | ünï 😀 ß",
            "U STRING: o | '' | null | ï",
            "I INTEGER: 2 | 0 | null | -3",
        ],
        &[
            ("UCASE(S)", &["HELLO WORLD", "", "null", "ÜNÏ 😀 SS"]),
            ("LEN(S)", &["11", "0", "null", "8"]),
            ("LEN(TO_BYTES(S, 'utf8'))", &["11", "0", "null", "13"]),
            ("SUBSTRING(S, I)", &["ello World", "", "null", "? ß"].map(|s| if s == "? ß" { "\u{fffd} ß" } else { s })),
            ("SUBSTRING(S, 2, 3)", &["ell", "", "null", "nï "]),
            ("SUBSTRING(S, 2, -1)", &["", "", "null", ""]),
            ("INSTR(S, U)", &["5", "0", "0", "3"]),
            ("INSTR(S, 'o', I)", &["5", "0", "!null", "0"]),
            ("INSTR(S, 'o', -1)", &["8", "0", "0", "0"]),
            ("CONCAT(S, '-', U)", &["Hello World-o", "-", "-", "ünï 😀 ß-ï"]),
            ("CONCAT_WS(U, 'a', 'b')", &["aob", "ab", "null", "aïb"]),
            ("S || U", &["Hello Worldo", "", "", "ünï 😀 ßï"]),
            ("REPLACE(S, U, '*')", &["Hell* W*rld", "*", "null", "ün* 😀 ß"]),
            ("LPAD(S, 3, '*')", &["Hel", "***", "null", "ünï"]),
            ("LPAD(S, 2147483647, '*')", &["!null", "!null", "null", "!null"]),
            ("RPAD(U, 3, '')", &["null", "null", "null", "null"]),
            ("SPLIT(S, U)", &["[Hell,  W, rld]", "[]", "null", "[ün,  😀 ß]"]),
            ("FIELD(U, 'x', 'o')", &["2", "0", "0", "0"]),
            ("ELT(I, 'one', 'two')", &["two", "null", "!null", "null"]),
            ("CHR(I)", &["\u{2}", "\0", "null", "null"]),
            ("CHR('\\u0041')", &["A", "A", "A", "A"]),
            ("MASK(S)", &["Xxxxx-Xxxxx", "", "null", "xxx----x"]),
            ("MASK(S, '*', NULL, NULL, NULL)", &["*ello *orld", "", "null", "ünï 😀 ß"]),
            ("MASK_LEFT(S, I)", &["Xxllo World", "", "null", "!null"]),
            ("REGEXP_EXTRACT('(l+)(.)', S, 2)", &["o", "null", "null", "null"]),
            ("REGEXP_EXTRACT('(', S)", &["!null", "!null", "null", "!null"]),
            ("REGEXP_REPLACE(S, '[aeo]', '<$0>')", &["H<e>ll<o> W<o>rld", "", "null", "ünï 😀 ß"]),
            ("SPLIT_TO_MAP('a:1,b,a:2:x', ',', ':')", &["{a=2}", "{a=2}", "{a=2}", "{a=2}"]),
        ],
    );
}

#[test]
fn numbers() {
    check(
        &[
            "I INTEGER: -7 | -2147483648 | null",
            "D DOUBLE: -7.5 | 0.1 | null",
            "N DECIMAL(10, 3): -7.5 | 9999999.999 | null",
        ],
        &[
            ("ABS(I)", &["7", "-2147483648", "null"]),
            ("ABS(N)", &["7.500", "9999999.999", "null"]),
            ("CEIL(N)", &["-7.000", "10000000.000", "null"]),
            ("FLOOR(N)", &["-8.000", "9999999.000", "null"]),
            ("ROUND(I)", &["-7", "-2147483648", "!null"]),
            ("ROUND(D)", &["-7", "0", "null"]),
            ("ROUND(D, -1)", &["-10.0", "0.0", "null"]),
            ("ROUND(N)", &["-7", "10000000", "null"]),
            ("ROUND(N, 1)", &["-7.500", "10000000.000", "null"]),
            ("TRUNC(N, 2)", &["-7.500", "9999999.990", "null"]),
            ("SQRT(D)", &["NaN", "0.31622776601683794", "null"]),
            ("SIGN(N)", &["-1", "1", "null"]),
            ("LOG(1, D)", &["NaN", "NaN", "null"]),
            ("GREATEST(I, 5)", &["5", "5", "5"]),
            ("LEAST(N, 1.25)", &["-7.500", "1.250", "1.250"]),
            ("GEO_DISTANCE(D, 0, D, 0, 'MI')", &["0.0", "0.0", "!null"]),
            ("ROUND(GEO_DISTANCE(1, 1, 2, 2, ' Kilometres '))", &["157", "157", "157"]),
            ("ROUND(GEO_DISTANCE(1, 1, 2, 2, CAST(NULL AS STRING)))", &["157", "157", "157"]),
            ("ROUND(GEO_DISTANCE(1, 1, 2, 2, NULL))", &["157", "157", "157"]),
            ("GEO_DISTANCE(NULL, 1, 2, 2)", &["!null", "!null", "!null"]),
            ("GEO_DISTANCE(1, 1, 2, 2, 'yards')", &["!null", "!null", "!null"]),
            ("GEO_DISTANCE(91, 0, 0, D)", &["!null", "!null", "!null"]),
            ("GENERATE_SERIES(I, -5, 2)", &["[-7, -5]", "!null", "!null"]),
            (
                "ARRAY_LENGTH(GENERATE_SERIES(CAST(I AS BIGINT), -9223372036854775808, -1))",
                &["!null", "!null", "!null"],
            ),
        ],
    );
}

#[test]
fn collections() {
    check(
        &[
            "A ARRAY<INTEGER>: ARRAY[3, 1, NULL, 3] | null | ARRAY[5]",
            "B ARRAY<INTEGER>: ARRAY[2, 3] | ARRAY[5] | null",
            "M MAP<STRING, INTEGER>: MAP('x' := 1, 'y' := 2) | null | MAP('n' := CAST(NULL AS INTEGER), 'o' := 1)",
        ],
        &[
            ("ARRAY_CONTAINS(A, CAST(NULL AS INTEGER))", &["true", "false", "false"]),
            ("ARRAY_CONCAT(A, B)", &["[3, 1, null, 3, 2, 3]", "[5]", "[5]"]),
            ("ARRAY_DISTINCT(A)", &["[3, 1, null]", "null", "[5]"]),
            ("ARRAY_UNION(A, B)", &["[3, 1, null, 2]", "null", "null"]),
            ("ARRAY_SORT(A)", &["[1, 3, 3, null]", "null", "[5]"]),
            ("ARRAY_SORT(A, 'sideways')", &["null", "null", "null"]),
            ("ARRAY_MAX(A)", &["3", "null", "5"]),
            ("ARRAY_REMOVE(A, 3)", &["[1, null]", "null", "[5]"]),
            ("ARRAY_JOIN(A, NULL)", &["31null3", "null", "5"]),
            ("SLICE(A, 2, NULL)", &["[1, null, 3]", "null", "[]"]),
            ("SLICE(A, 5, 9)", &["null", "null", "null"]),
            ("A[-1]", &["3", "null", "5"]),
            ("M['y']", &["2", "null", "null"]),
            ("MAP_UNION(M, MAP('x' := 9))", &["{x=9, y=2}", "{x=9}", "{n=null, o=1, x=9}"]),
            ("TRANSFORM(A, x => x + B[1])", &["!null", "null", "!null"]),
            ("TRANSFORM(B, x => x * A[1])", &["[6, 9]", "!null", "null"]),
            ("TRANSFORM(M, (k, v) => 'same', (k, v) => v)", &["!null", "null", "!null"]),
            ("FILTER(A, x => x > 2)", &["[3, 3]", "null", "[5]"]),
            ("FILTER(M, (k, v) => v > 1)", &["{y=2}", "null", "{}"]),
            ("REDUCE(B, 10, (s, x) => s + x)", &["15", "15", "10"]),
            ("REDUCE(A, 10, (s, x) => s + x)", &["!null", "10", "15"]),
            ("REDUCE(B, CAST(NULL AS INTEGER), (s, x) => s + x)", &["null", "null", "null"]),
            ("REDUCE(B, NULL, (s, x) => x)", &["null", "null", "null"]),
            ("REDUCE(B, NULL, (s, x) => x > 2)", &["null", "null", "null"]),
            ("REDUCE(M, NULL, (s, k, v) => k)", &["null", "null", "null"]),
            ("REDUCE(B, 1, (s, x) => NULL)", &["null", "null", "1"]),
            ("TRANSFORM(B, x => NULL)", &["[null, null]", "[null]", "null"]),
            ("ARRAY_LENGTH(TRANSFORM(B, x => REDUCE(B, NULL, (s, y) => y)))", &["2", "1", "null"]),
            ("TRANSFORM(B, x => REDUCE(B, x, (s, y) => s + y))", &["[7, 8]", "[10]", "null"]),
            ("COALESCE(A, B)", &["[3, 1, null, 3]", "[5]", "[5]"]),
            ("NULLIF(A, ARRAY[5])", &["[3, 1, null, 3]", "null", "null"]),
            ("TO_JSON_STRING(M)", &["{\"x\":1,\"y\":2}", "null", "{\"n\":null,\"o\":1}"]),
        ],
    );
}

#[test]
fn json_urls_bytes_and_dates() {
    check(
        &["J STRING: {\"a\":{\"b\":[1.50,\"x\"]}} | [1 | null", "T TIMESTAMP: 1970-01-02 | 2020-02-29T12:00 | null"],
        &[
            ("EXTRACTJSONFIELD(J, '$.a.b[1]')", &["x", "!null", "null"]),
            ("EXTRACTJSONFIELD(J, '$.a.b')", &["[1.50,\"x\"]", "!null", "null"]),
            ("EXTRACTJSONFIELD(J, '$.z')", &["null", "!null", "null"]),
            ("IS_JSON_STRING(J)", &["true", "false", "false"]),
            ("JSON_ARRAY_LENGTH(J)", &["null", "!null", "null"]),
            ("JSON_CONCAT(J, '1')", &["[{\"a\":{\"b\":[1.50,\"x\"]}},1]", "null", "null"]),
            ("FROM_BYTES(TO_BYTES('aGVsbG8', 'base64'), 'utf8')", &["hello", "hello", "hello"]),
            ("URL_EXTRACT_HOST('http://[bad')", &["!null", "!null", "!null"]),
            ("URL_EXTRACT_HOST('a b')", &["!null", "!null", "!null"]),
            ("INT_FROM_BYTES(TO_BYTES('00', 'hex'))", &["!null", "!null", "!null"]),
            ("ENCODE('0x1', 'hex', 'base64')", &["AQ==", "AQ==", "AQ=="]),
            ("FORMAT_TIMESTAMP(T, 'EEE d MMM')", &["Fri 2 Jan", "Sat 29 Feb", "null"]),
            ("FORMAT_TIMESTAMP(T, 'foo')", &["!null", "!null", "null"]),
            ("CAST(T AS DATE)", &["1970-01-02", "2020-02-29", "null"]),
            ("DATEADD(HOURS, 24, CAST(T AS DATE))", &["1970-01-03", "2020-03-01", "null"]),
            ("TIMESTAMPSUB(DAYS, 1, T) < T", &["true", "true", "false"]),
            ("T > '2000'", &["false", "true", "false"]),
            ("STRINGTODATE('x', 'yyyy')", &["!null", "!null", "!null"]),
            ("PARSE_TIME('2020', 'yyyy')", &["!null", "!null", "!null"]),
        ],
    );
}

#[test]
fn table_functions_yield_arrays() {
    use super::super::testing::{env, evaluate};
    use super::super::{Settings, bind_table_function, compile};

    let columns = table(&["A ARRAY<INTEGER>: ARRAY[1, NULL, 2] | null | ARRAY[3] | SLICE(ARRAY[1], 1, 0)"]);
    let cases: &[(&str, &[&str])] = &[
        (
            "CUBE_EXPLODE(A)",
            &["[[null, null, null], [null, null, 2], [1, null, null], [1, null, 2]]", "null", "[[null], [3]]", "[[]]"],
        ),
        ("CUBE_EXPLODE(ARRAY[4])", &["[[null], [4]]"; 4]),
        ("CUBE_EXPLODE(GENERATE_SERIES(1, 21))", &["!null"; 4]),
        ("EXPLODE(A)", &["[1, null, 2]", "null", "[3]", "[]"]),
    ];
    for (expression, expected) in cases {
        let expr = sql::parse_expression(expression).unwrap();
        let typed = bind_table_function(&expr, &columns.scope, env()).unwrap().typed;
        let evaluator = compile(&typed, &REGISTRY, &Settings::default()).unwrap();
        assert_eq!(evaluate(&evaluator, &typed, &columns.columns, columns.len), *expected, "{expression}");
    }
}
