//! Functions of JSON, several rows in one batch: NULLs, fields that come twice, escapes, what is no JSON. `!` before a
//! value: the row was told as failed. Every row is read again as a slice of its own.

use super::super::testing::{check, constant};

const DOCUMENTS: &[&str] = &[
    "J STRING: {\"a\": 1, \"b\": [ 1.50 , \"x\" ], \"a\": {\"c\": null}} | [1, \"a\", null, {\"k\" : 1e3, \"k\": \"\\u00e9\\/\\n\"}, true, 2.50, -0, 1E-2] | null | [1 | \"x\" | {} | [] | '' | {\"a\\\"b\": \"q\\\"\", \"é\": \"é\\ud83d\\ude00\"} | [\"\\ud800\"] | {\"a\":[{\"b\":1,\"c\":2,\"b\":3}]} | 12 ",
    "K STRING: {\"z\": 1, \"a\" : 2} | [ 2 ] | [] | {} | null | {\"a\": [1 ,2]} | [[]] | 1 | {\"b\":0} | {} | 7 | nope",
    "I INTEGER: 1 | 1 | 1 | 1 | 1 | 1 | null | 1 | 1 | 1 | 1 | 12",
];

#[test]
fn parts_of_documents() {
    check(
        DOCUMENTS,
        &[
            (
                "JSON_KEYS(J)",
                "[a, b] | null | null | !null | null | [] | null | !null | [a\"b, é] | !null | [a] | null",
            ),
            ("JSON_KEYS(K)", "[z, a] | null | null | [] | null | [a] | null | null | [b] | [] | null | !null"),
            (
                "JSON_ITEMS(J)",
                "null | [1, \"a\", null, {\"k\":\"é/\\n\"}, true, 2.50, -0, 1e-2] | null | !null | null | null | [] | !null | null | !null | null | null",
            ),
            ("JSON_ITEMS(K)", "null | [2] | [] | null | null | null | [[]] | null | null | null | null | !null"),
            (
                "JSON_RECORDS(J)",
                "{a={\"c\":null}, b=[1.50,\"x\"]} | null | null | !null | null | {} | null | !null | {a\"b=q\", é=é😀} | !null | {a=[{\"b\":3,\"c\":2}]} | null",
            ),
            (
                "JSON_RECORDS(K)",
                "{z=1, a=2} | null | null | {} | null | {a=[1,2]} | null | null | {b=0} | {} | null | !null",
            ),
            (
                "EXTRACTJSONFIELD(J, '$.b')",
                "[1.50,\"x\"] | null | null | !null | null | null | null | null | null | null | null | null",
            ),
            (
                "EXTRACTJSONFIELD(J, '$.a')",
                "{\"c\":null} | null | null | !null | null | null | null | null | null | null | [{\"b\":3,\"c\":2}] | null",
            ),
            (
                "EXTRACTJSONFIELD(J, '$[3]')",
                "null | {\"k\":\"é/\\n\"} | null | !null | null | null | null | null | null | null | null | null",
            ),
            (
                "EXTRACTJSONFIELD(J, '$[3].k')",
                "null | é/\n | null | !null | null | null | null | null | null | null | null | null",
            ),
            (
                "EXTRACTJSONFIELD(J, '$[7]')",
                "null | 1E-2 | null | !null | null | null | null | null | null | null | null | null",
            ),
        ],
        &[
            (
                "JSON_KEYS(J)",
                &[
                    "3: JSON_KEYS: not JSON: EOF while parsing a list at line 1 column 2",
                    "7: JSON_KEYS: not JSON: EOF while parsing a value at line 1 column 0",
                    "9: JSON_KEYS: not JSON: unexpected end of hex escape at line 1 column 9",
                ],
            ),
            ("JSON_ITEMS(K)", &["11: JSON_ITEMS: not JSON: expected ident at line 1 column 2"]),
            (
                "JSON_RECORDS(J)",
                &[
                    "3: JSON_RECORDS: not JSON: EOF while parsing a list at line 1 column 2",
                    "7: JSON_RECORDS: not JSON: EOF while parsing a value at line 1 column 0",
                    "9: JSON_RECORDS: not JSON: unexpected end of hex escape at line 1 column 9",
                ],
            ),
        ],
    );
}

#[test]
fn documents_as_one() {
    check(
        DOCUMENTS,
        &[
            (
                "JSON_CONCAT(J, K)",
                "{\"a\":2,\"b\":[1.50,\"x\"],\"z\":1} | [1,\"a\",null,{\"k\":\"é/\\n\"},true,2.50,-0,1e-2,2] | null | null | null | {\"a\":[1,2]} | [[]] | null | {\"a\\\"b\":\"q\\\"\",\"é\":\"é😀\",\"b\":0} | null | [{\"a\":[{\"b\":3,\"c\":2}]},7] | null",
            ),
            (
                "JSON_CONCAT(J)",
                "{\"a\":{\"c\":null},\"b\":[1.50,\"x\"]} | [1,\"a\",null,{\"k\":\"é/\\n\"},true,2.50,-0,1e-2] | null | null | [\"x\"] | {} | [] | null | {\"a\\\"b\":\"q\\\"\",\"é\":\"é😀\"} | null | {\"a\":[{\"b\":3,\"c\":2}]} | [12]",
            ),
            (
                "JSON_CONCAT(K, '{\"a\": 9, \"q\": {\"r\": 1, \"r\": 2}}', K)",
                "{\"z\":1,\"a\":2,\"q\":{\"r\":2}} | [2,{\"a\":9,\"q\":{\"r\":2}},2] | [{\"a\":9,\"q\":{\"r\":2}}] | {\"a\":9,\"q\":{\"r\":2}} | null | {\"a\":[1,2],\"q\":{\"r\":2}} | [[],{\"a\":9,\"q\":{\"r\":2}},[]] | [1,{\"a\":9,\"q\":{\"r\":2}},1] | {\"b\":0,\"a\":9,\"q\":{\"r\":2}} | {\"a\":9,\"q\":{\"r\":2}} | [7,{\"a\":9,\"q\":{\"r\":2}},7] | null",
            ),
            (
                "JSON_CONCAT(J, NULL)",
                "null | null | null | null | null | null | null | null | null | null | null | null",
            ),
        ],
        &[],
    );
}

#[test]
fn what_documents_hold() {
    check(
        DOCUMENTS,
        &[
            (
                "JSON_ARRAY_CONTAINS(J, 1)",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, I)",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, 'a')",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, NULL)",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, TRUE)",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, 2.5E0)",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, 1E0)",
                "false | false | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, CAST(0 AS BIGINT))",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, 2.5)",
                "false | false | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(J, 0.01E0)",
                "false | true | null | false | false | false | false | false | false | false | false | false",
            ),
            (
                "JSON_ARRAY_CONTAINS(K, J)",
                "false | false | false | false | null | false | false | false | false | false | false | false",
            ),
            ("JSON_ARRAY_LENGTH(J)", "null | 8 | null | !null | null | null | 0 | !null | null | 1 | null | null"),
            (
                "IS_JSON_STRING(J)",
                "true | true | false | false | true | true | true | false | true | true | true | true",
            ),
        ],
        &[],
    );
}

#[test]
fn values_as_json() {
    check(
        &[
            "A ARRAY<INTEGER>: ARRAY[3, NULL, -1] | null | ARRAY[5]",
            "M MAP<STRING, DOUBLE>: MAP('y' := 1.5E0, 'a\"b' := 1E10) | null | MAP('é' := CAST(NULL AS DOUBLE), '' := 0E0)",
            "R STRUCT<ZED INTEGER, B ARRAY<MAP<STRING, STRING>>>: STRUCT(ZED := 1, B := ARRAY[MAP('b' := 'x', 'a' := 'y')]) | null | STRUCT(ZED := CAST(NULL AS INTEGER), B := CAST(NULL AS ARRAY<MAP<STRING, STRING>>))",
            "D DECIMAL(6, 2): -1.5 | null | 1234.50",
            "T TIME: 10:05 | null | 23:59:59",
            "E DATE: 2020-02-29 | null | 1969-12-31",
            "W TIMESTAMP: 2020-02-29T12:00 | null | 1969-12-31T23:59:59.999",
            "F DOUBLE: 1E300 | null | -0.5",
            "B BOOLEAN: true | null | false",
            "S STRING: a\"\\b | null | é😀/",
            "L BIGINT: 9223372036854775807 | null | -1",
        ],
        &[
            ("TO_JSON_STRING(A)", "[3,null,-1] | null | [5]"),
            ("TO_JSON_STRING(M)", "{\"a\\\"b\":1.0E10,\"y\":1.5} | null | {\"\":0.0,\"é\":null}"),
            ("TO_JSON_STRING(R)", "{\"B\":[{\"a\":\"y\",\"b\":\"x\"}],\"ZED\":1} | null | {\"B\":null,\"ZED\":null}"),
            ("TO_JSON_STRING(D)", "-1.50 | null | 1234.50"),
            ("TO_JSON_STRING(T)", "\"10:05\" | null | \"23:59:59\""),
            ("TO_JSON_STRING(E)", "\"2020-02-29\" | null | \"1969-12-31\""),
            ("TO_JSON_STRING(W)", "\"2020-02-29T12:00:00.000\" | null | \"1969-12-31T23:59:59.999\""),
            ("TO_JSON_STRING(F)", "1.0E300 | null | -0.5"),
            ("TO_JSON_STRING(B)", "true | null | false"),
            ("TO_JSON_STRING(S)", "\"a\\\"\\\\b\" | null | \"é😀/\""),
            ("TO_JSON_STRING(L)", "9223372036854775807 | null | -1"),
            ("TO_JSON_STRING(SQRT(F))", "1.0E150 | null | \"NaN\""),
            ("TO_JSON_STRING(EXP(F))", "\"Infinity\" | null | 0.6065306597126334"),
            ("TO_JSON_STRING(TO_BYTES(S, 'utf8'))", "\"YSJcYg==\" | null | \"w6nwn5iALw==\""),
            ("TO_JSON_STRING(NULL)", "null | null | null"),
            (
                "TO_JSON_STRING(ARRAY[R, R])",
                "[{\"B\":[{\"a\":\"y\",\"b\":\"x\"}],\"ZED\":1},{\"B\":[{\"a\":\"y\",\"b\":\"x\"}],\"ZED\":1}] | [null,null] | [{\"B\":null,\"ZED\":null},{\"B\":null,\"ZED\":null}]",
            ),
            (
                "TO_JSON_STRING(MAP('m' := M, 'a' := M))",
                "{\"a\":{\"a\\\"b\":1.0E10,\"y\":1.5},\"m\":{\"a\\\"b\":1.0E10,\"y\":1.5}} | {\"a\":null,\"m\":null} | {\"a\":{\"\":0.0,\"é\":null},\"m\":{\"\":0.0,\"é\":null}}",
            ),
            ("TO_JSON_STRING(ARRAY[W])", "[\"2020-02-29T12:00:00.000\"] | [null] | [\"1969-12-31T23:59:59.999\"]"),
            ("TO_JSON_STRING(MAP(1 := A))", "{\"1\":[3,null,-1]} | {\"1\":null} | {\"1\":[5]}"),
            (
                "TO_JSON_STRING(STRUCT(`b` := S, `a` := STRUCT(`y` := D, `x` := F)))",
                "{\"a\":{\"x\":1.0E300,\"y\":-1.50},\"b\":\"a\\\"\\\\b\"} | {\"a\":{\"x\":null,\"y\":null},\"b\":null} | {\"a\":{\"x\":-0.5,\"y\":1234.50},\"b\":\"é😀/\"}",
            ),
        ],
        &[],
    );
}

#[test]
fn constants() {
    for (expression, expected) in [
        ("JSON_CONCAT('[1]', '[]', '[[2], 3]')", "[1,[2],3]"),
        ("JSON_ARRAY_CONTAINS('[\"\\u0061\", \"b\"]', 'a')", "true"),
        ("JSON_ARRAY_CONTAINS('[1] x', 1)", "false"),
        ("JSON_ARRAY_CONTAINS(' [1] ', 1)", "true"),
        ("JSON_ARRAY_CONTAINS('[[1]]', ARRAY[1])", "false"),
        ("TO_JSON_STRING(1.5)", "1.5"),
        ("TO_JSON_STRING(CHR(7) + CHR(10) + CHR(127))", "\"\\u0007\\n\u{7f}\""),
    ] {
        assert_eq!(constant(expression), expected, "{expression}");
    }
}

#[test]
fn documents_may_be_nested_as_deeply_as_they_like() {
    // Deeper than a stack could follow.
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let documents = format!("J STRING: {open}{close} | {open} | {{\"a\": {open}{close}}}");
    check(
        &[&documents],
        &[
            ("IS_JSON_STRING(J)", "true | false | true"),
            ("JSON_ARRAY_LENGTH(J)", "1 | !null | null"),
            ("JSON_KEYS(J)", "null | !null | [a]"),
            ("LEN(JSON_ITEMS(J)[1])", "199998 | !null | null"),
            ("LEN(JSON_RECORDS(J)['a'])", "null | !null | 200000"),
            ("LEN(JSON_CONCAT(J, '1'))", "200002 | null | 200010"),
            ("LEN(EXTRACTJSONFIELD(J, '$.a'))", "null | !null | 200000"),
            ("JSON_ARRAY_CONTAINS(J, 1)", "false | false | false"),
        ],
        &[],
    );
}
