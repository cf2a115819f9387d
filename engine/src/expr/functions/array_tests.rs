//! Arrays over several rows: NULL rows, NULL elements, constants beside columns, nested elements.

use crate::expr::testing::check;

/// Arrays of numbers beside numbers.
const NUMBERS: &[&str] = &[
    "A ARRAY<INTEGER>: ARRAY[3, 1, NULL, 3] | null | ARRAY[5] | SLICE(ARRAY[1], 1, 0) \
     | ARRAY[2, NULL, NULL, 7, 2] | ARRAY[-1, 0]",
    "B ARRAY<INTEGER>: ARRAY[2, 3] | ARRAY[5] | null | ARRAY[NULL, 9, 9] | ARRAY[7, NULL] \
     | SLICE(ARRAY[1], 1, 0)",
    "X INTEGER: 3 | 1 | null | 5 | null | 0",
    "Y INTEGER: 2 | 3 | 1 | null | 9 | 2",
];

#[test]
fn numbers_as_sets() {
    check(
        NUMBERS,
        &[
            ("ARRAY_LENGTH(A)", "4 | null | 1 | 0 | 5 | 2"),
            ("ARRAY_CONTAINS(A, X)", "true | false | false | false | true | true"),
            ("ARRAY_CONTAINS(A, 3)", "true | false | false | false | false | false"),
            ("ARRAY_CONTAINS(ARRAY[1, 5, NULL], X)", "false | true | true | true | true | false"),
            ("ARRAY_CONTAINS(A, NULL)", "true | false | false | false | true | false"),
            (
                "ARRAY_CONCAT(A, B)",
                "[3, 1, null, 3, 2, 3] | [5] | [5] | [null, 9, 9] | [2, null, null, 7, 2, 7, null] | [-1, 0]",
            ),
            (
                "ARRAY_CONCAT(A, ARRAY[8])",
                "[3, 1, null, 3, 8] | [8] | [5, 8] | [8] | [2, null, null, 7, 2, 8] | [-1, 0, 8]",
            ),
            ("ARRAY_CONCAT(NULL, A)", "[3, 1, null, 3] | null | [5] | [] | [2, null, null, 7, 2] | [-1, 0]"),
            (
                "ARRAY_CONCAT(ARRAY[8, NULL], B)",
                "[8, null, 2, 3] | [8, null, 5] | [8, null] | [8, null, null, 9, 9] | [8, null, 7, null] | [8, null]",
            ),
            ("ARRAY_DISTINCT(A)", "[3, 1, null] | null | [5] | [] | [2, null, 7] | [-1, 0]"),
            ("ARRAY_EXCEPT(A, B)", "[1, null] | null | null | [] | [2] | [-1, 0]"),
            ("ARRAY_EXCEPT(A, ARRAY[3, NULL])", "[1] | null | [5] | [] | [2, 7] | [-1, 0]"),
            (
                "ARRAY_EXCEPT(ARRAY[2, 3, 2, 5, NULL], B)",
                "[5, null] | [2, 3, null] | null | [2, 3, 5] | [2, 3, 5] | [2, 3, 5, null]",
            ),
            ("ARRAY_INTERSECT(A, B)", "[3] | null | null | [] | [null, 7] | []"),
            ("ARRAY_INTERSECT(A, ARRAY[NULL, 2, 3])", "[3, null] | null | [] | [] | [2, null] | []"),
            ("ARRAY_INTERSECT(ARRAY[9, 5, 9, NULL], B)", "[] | [5] | null | [9, null] | [null] | []"),
            ("ARRAY_UNION(A, B)", "[3, 1, null, 2] | null | null | [null, 9] | [2, null, 7] | [-1, 0]"),
            (
                "ARRAY_UNION(A, ARRAY[3, 8, 8])",
                "[3, 1, null, 8] | null | [5, 3, 8] | [3, 8] | [2, null, 7, 3, 8] | [-1, 0, 3, 8]",
            ),
            (
                "ARRAY_UNION(ARRAY[3, 8], B)",
                "[3, 8, 2] | [3, 8, 5] | null | [3, 8, null, 9] | [3, 8, 7, null] | [3, 8]",
            ),
            ("ARRAY_REMOVE(A, X)", "[1, null] | null | [5] | [] | [2, 7, 2] | [-1]"),
            ("ARRAY_REMOVE(A, 3)", "[1, null] | null | [5] | [] | [2, null, null, 7, 2] | [-1, 0]"),
            ("ARRAY_REMOVE(A, NULL)", "[3, 1, 3] | null | [5] | [] | [2, 7, 2] | [-1, 0]"),
            (
                "ARRAY_REMOVE(ARRAY[3, 5, NULL, 3], X)",
                "[5, null] | [3, 5, null, 3] | [3, 5, 3] | [3, null, 3] | [3, 5, 3] | [3, 5, null, 3]",
            ),
        ],
        &[],
    );
}

#[test]
fn numbers_in_order() {
    check(
        NUMBERS,
        &[
            ("ARRAY_MAX(A)", "3 | null | 5 | null | 7 | 0"),
            ("ARRAY_MIN(A)", "1 | null | 5 | null | 2 | -1"),
            ("ARRAY_SORT(A)", "[1, 3, 3, null] | null | [5] | [] | [2, 2, 7, null, null] | [-1, 0]"),
            ("ARRAY_SORT(A, 'desc')", "[3, 3, 1, null] | null | [5] | [] | [7, 2, 2, null, null] | [0, -1]"),
            ("ARRAY_SORT(B, 'Ascending')", "[2, 3] | [5] | null | [9, 9, null] | [7, null] | []"),
            ("ARRAY_SORT(A, 'sideways')", "null | null | null | null | null | null"),
            ("ARRAY_SORT(A, NULL)", "null | null | null | null | null | null"),
            ("ARRAY_JOIN(A)", "3,1,null,3 | null | 5 |  | 2,null,null,7,2 | -1,0"),
            ("ARRAY_JOIN(A, '; ')", "3; 1; null; 3 | null | 5 |  | 2; null; null; 7; 2 | -1; 0"),
            ("SLICE(A, 1, Y)", "[3, 1] | null | [5] | [] | null | [-1, 0]"),
            ("SLICE(A, X, Y)", "[] | null | [5] | null | null | null"),
            ("SLICE(A, NULL, 1)", "[3] | null | [5] | null | [2] | [-1]"),
            ("SLICE(A, 2, NULL)", "[1, null, 3] | null | [] | null | [null, null, 7, 2] | [0]"),
            ("SLICE(A, 0, 1)", "null | null | null | null | null | null"),
            ("SLICE(A, 3, 1)", "null | null | null | null | null | null"),
            ("SLICE(A, 2, 1)", "[] | null | [] | null | [] | []"),
            ("SLICE(A, 1, -1)", "null | null | null | null | null | null"),
            ("SLICE(ARRAY[7, 8, 9], X, 3)", "[9] | [7, 8, 9] | [7, 8, 9] | null | [7, 8, 9] | null"),
        ],
        &[],
    );
}

#[test]
fn numbers_in_expressions() {
    check(
        NUMBERS,
        &[
            ("A[X]", "null | null | !null | null | !null | null"),
            ("A[-1]", "3 | null | 5 | null | 2 | 0"),
            ("ARRAY[4, 5, 6][Y]", "5 | 6 | 4 | !null | null | 5"),
            ("ARRAY[X, Y, 1]", "[3, 2, 1] | [1, 3, 1] | [null, 1, 1] | [5, null, 1] | [null, 9, 1] | [0, 2, 1]"),
            ("A = B", "false | false | false | false | false | false"),
            ("A <> B", "true | false | false | true | true | true"),
            ("A = ARRAY[5]", "false | false | true | false | false | false"),
            ("A IS DISTINCT FROM B", "true | true | true | true | true | true"),
            ("ARRAY[3, 1, NULL, 3] IN (A, B)", "true | false | false | false | false | false"),
            ("CAST(A AS STRING)", "[3, 1, null, 3] | null | [5] | [] | [2, null, null, 7, 2] | [-1, 0]"),
            ("CAST(A AS ARRAY<BIGINT>)", "[3, 1, null, 3] | null | [5] | [] | [2, null, null, 7, 2] | [-1, 0]"),
            ("CAST(A AS ARRAY<STRING>)", "[3, 1, null, 3] | null | [5] | [] | [2, null, null, 7, 2] | [-1, 0]"),
            (
                "CAST(A AS ARRAY<DECIMAL(3, 2)>)",
                "[3.00, 1.00, null, 3.00] | null | [5.00] | [] | [2.00, null, null, 7.00, 2.00] | [-1.00, 0.00]",
            ),
            ("CAST(A AS ARRAY<DECIMAL(2, 2)>)", "!null | null | !null | [] | !null | !null"),
        ],
        &[],
    );
}

/// Arrays of the other flat types.
const FLAT: &[&str] = &[
    "S ARRAY<STRING>: ARRAY['b', 'a', NULL, 'b', ''] | ARRAY['�', '😀'] | null | ARRAY['x']",
    "T STRING: a | 😀 | x | null",
    "D ARRAY<DOUBLE>: ARRAY[1.5E0, SQRT(-1), 0E0, -0E0, SQRT(-1), 0E0] | ARRAY[NULL, 2E0] | null \
     | ARRAY[1E300, -1E0]",
    "N ARRAY<DECIMAL(5, 2)>: ARRAY[1.10, 1.1, -2.25] | ARRAY[NULL, 999.99] | null | ARRAY[0.01]",
    "F ARRAY<BOOLEAN>: ARRAY[true, false, NULL] | ARRAY[false] | null | ARRAY[true, true]",
    "Z ARRAY<BYTES>: ARRAY[TO_BYTES('80', 'hex'), TO_BYTES('7f', 'hex'), TO_BYTES('7f00', 'hex')] \
     | ARRAY[NULL, TO_BYTES('', 'hex')] | null | ARRAY[TO_BYTES('01', 'hex')]",
    "W ARRAY<DATE>: ARRAY[CAST('2020-01-02' AS DATE), CAST('1969-12-31' AS DATE)] \
     | ARRAY[CAST(NULL AS DATE)] | null | ARRAY[CAST('2020-01-02' AS DATE)]",
];

#[test]
fn arrays_of_texts() {
    check(
        FLAT,
        &[
            ("ARRAY_CONTAINS(S, T)", "true | true | false | false"),
            ("ARRAY_REMOVE(S, T)", "[b, null, b, ] | [�] | null | [x]"),
            ("ARRAY_DISTINCT(S)", "[b, a, null, ] | [�, 😀] | null | [x]"),
            ("ARRAY_SORT(S)", "[, a, b, b, null] | [😀, �] | null | [x]"),
            ("ARRAY_SORT(S, 'DESCENDING')", "[b, b, a, , null] | [�, 😀] | null | [x]"),
            ("ARRAY_MAX(S)", "b | � | null | x"),
            ("ARRAY_MIN(S)", " | 😀 | null | x"),
            ("ARRAY_JOIN(S, T)", "baaanullaba | �😀😀 | null | x"),
            ("ARRAY_JOIN(S, NULL)", "banullb | �😀 | null | x"),
            ("ARRAY_UNION(S, ARRAY[T, 'y'])", "[b, a, null, , y] | [�, 😀, y] | null | [x, null, y]"),
            ("ARRAY_INTERSECT(S, ARRAY[T, 'b'])", "[b, a] | [😀] | null | []"),
            ("ARRAY_CONCAT(S, ARRAY[T])", "[b, a, null, b, , a] | [�, 😀, 😀] | [x] | [x, null]"),
        ],
        &[],
    );
}

#[test]
fn arrays_of_doubles_and_decimals() {
    check(
        FLAT,
        &[
            ("ARRAY_DISTINCT(D)", "[1.5, NaN, 0.0, -0.0] | [null, 2.0] | null | [1.0E300, -1.0]"),
            ("ARRAY_SORT(D)", "[-0.0, 0.0, 0.0, 1.5, NaN, NaN] | [2.0, null] | null | [-1.0, 1.0E300]"),
            ("ARRAY_SORT(D, 'DESC')", "[NaN, NaN, 1.5, 0.0, 0.0, -0.0] | [2.0, null] | null | [1.0E300, -1.0]"),
            ("ARRAY_MAX(D)", "NaN | 2.0 | null | 1.0E300"),
            ("GREATEST(D[1], D[2])", "NaN | 2.0 | null | 1.0E300"),
            ("ARRAY_MIN(D)", "-0.0 | 2.0 | null | -1.0"),
            ("ARRAY_CONTAINS(D, -0E0)", "true | false | false | false"),
            ("ARRAY_CONTAINS(D, SQRT(-1))", "true | false | false | false"),
            ("ARRAY_JOIN(D)", "1.5,NaN,0.0,-0.0,NaN,0.0 | null,2.0 | null | 1.0E300,-1.0"),
            ("D = ARRAY[NULL, 2E0]", "false | true | false | false"),
            ("ARRAY_DISTINCT(N)", "[1.10, -2.25] | [null, 999.99] | null | [0.01]"),
            ("ARRAY_MAX(N)", "1.10 | 999.99 | null | 0.01"),
            ("ARRAY_SORT(N)", "[-2.25, 1.10, 1.10] | [999.99, null] | null | [0.01]"),
            ("ARRAY_JOIN(N)", "1.10,1.10,-2.25 | null,999.99 | null | 0.01"),
            ("ARRAY_CONTAINS(N, CAST(1.1 AS DECIMAL(5, 2)))", "true | false | false | false"),
            (
                "ARRAY_CONCAT(N, N)",
                "[1.10, 1.10, -2.25, 1.10, 1.10, -2.25] | [null, 999.99, null, 999.99] | null | [0.01, 0.01]",
            ),
            ("N[2]", "1.10 | 999.99 | null | null"),
            ("SLICE(N, 1, 1)", "[1.10] | [null] | null | [0.01]"),
            ("CAST(N AS STRING)", "[1.10, 1.10, -2.25] | [null, 999.99] | null | [0.01]"),
            ("CAST(N AS ARRAY<INTEGER>)", "[1, 1, -2] | [null, 999] | null | [0]"),
            ("CAST(N AS ARRAY<DECIMAL(3, 1)>)", "[1.1, 1.1, -2.3] | !null | null | [0.0]"),
            ("CAST(N AS ARRAY<DOUBLE>)", "[1.1, 1.1, -2.25] | [null, 999.99] | null | [0.01]"),
        ],
        &[],
    );
}

#[test]
fn arrays_of_booleans_bytes_and_dates() {
    check(
        FLAT,
        &[
            ("ARRAY_SORT(F)", "[false, true, null] | [false] | null | [true, true]"),
            ("ARRAY_DISTINCT(F)", "[true, false, null] | [false] | null | [true]"),
            ("ARRAY_MAX(F)", "true | false | null | true"),
            ("ARRAY_JOIN(F, '-')", "true-false-null | false | null | true-true"),
            ("ARRAY_CONTAINS(F, false)", "true | true | false | false"),
            ("CAST(S AS ARRAY<BOOLEAN>)", "[false, false, null, false, false] | [false, false] | null | [false]"),
            ("CAST(S AS ARRAY<INTEGER>)", "!null | !null | null | !null"),
            (
                "ARRAY_SORT(Z) = ARRAY[TO_BYTES('80', 'hex'), TO_BYTES('7f', 'hex'), TO_BYTES('7f00', 'hex')]",
                "true | false | false | false",
            ),
            ("ARRAY_MAX(Z) = TO_BYTES('7f00', 'hex')", "true | false | false | false"),
            ("ARRAY_CONTAINS(Z, TO_BYTES('7f', 'hex'))", "true | false | false | false"),
            (
                "CAST(Z AS STRING)",
                "[java.nio.HeapByteBuffer[pos=0 lim=1 cap=1], java.nio.HeapByteBuffer[pos=0 lim=1 cap=1], java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]] | [null, java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]] | null | [java.nio.HeapByteBuffer[pos=0 lim=1 cap=1]]",
            ),
            ("ARRAY_JOIN(Z)", "!null | !null | null | !null"),
            ("ARRAY_SORT(W)", "[1969-12-31, 2020-01-02] | [null] | null | [2020-01-02]"),
            ("ARRAY_MIN(W)", "1969-12-31 | null | null | 2020-01-02"),
            ("ARRAY_CONTAINS(W, CAST('2020-01-02' AS DATE))", "true | false | false | true"),
            ("CAST(W AS STRING)", "[2020-01-02, 1969-12-31] | [null] | null | [2020-01-02]"),
            (
                "CAST(W AS ARRAY<TIMESTAMP>)",
                "[2020-01-02T00:00:00.000, 1969-12-31T00:00:00.000] | [null] | null | [2020-01-02T00:00:00.000]",
            ),
            ("ARRAY_JOIN(W)", "!null | !null | null | !null"),
        ],
        &[],
    );
}

/// Arrays of arrays, structs and maps.
const NESTED: &[&str] = &[
    "A ARRAY<ARRAY<INTEGER>>: ARRAY[ARRAY[1, NULL], ARRAY[2], ARRAY[1, NULL]] | null \
     | ARRAY[NULL, ARRAY[2]] | ARRAY[ARRAY[2]]",
    "S ARRAY<STRUCT<X INTEGER, Y STRING>>: \
     ARRAY[STRUCT(X := 1, Y := 'a'), STRUCT(X := 1, Y := CAST(NULL AS STRING)), STRUCT(X := 1, Y := 'a')] \
     | null | ARRAY[NULL, STRUCT(X := 2, Y := 'b')] \
     | ARRAY[STRUCT(X := CAST(NULL AS INTEGER), Y := CAST(NULL AS STRING)), NULL]",
    "M ARRAY<MAP<STRING, INTEGER>>: \
     ARRAY[MAP('a' := 1, 'b' := 2), MAP('b' := 2, 'a' := 1), MAP('a' := 1)] | null \
     | ARRAY[MAP('a' := CAST(NULL AS INTEGER)), NULL, MAP('b' := CAST(NULL AS INTEGER))] \
     | ARRAY[MAP('a' := 1)]",
    "V ARRAY<INTEGER>: ARRAY[2] | ARRAY[2] | null | ARRAY[1, NULL]",
];

#[test]
fn arrays_of_arrays() {
    check(
        NESTED,
        &[
            ("ARRAY_LENGTH(A)", "3 | null | 2 | 1"),
            ("ARRAY_DISTINCT(A)", "[[1, null], [2]] | null | [null, [2]] | [[2]]"),
            ("ARRAY_CONTAINS(A, V)", "true | false | true | false"),
            ("ARRAY_REMOVE(A, V)", "[[1, null], [1, null]] | null | [[2]] | [[2]]"),
            (
                "ARRAY_UNION(A, ARRAY[ARRAY[2], ARRAY[3]])",
                "[[1, null], [2], [3]] | null | [null, [2], [3]] | [[2], [3]]",
            ),
            ("ARRAY_EXCEPT(A, ARRAY[ARRAY[2]])", "[[1, null]] | null | [null] | []"),
            ("ARRAY_INTERSECT(A, ARRAY[V])", "[[2]] | null | [null] | []"),
            (
                "ARRAY_CONCAT(A, A)",
                "[[1, null], [2], [1, null], [1, null], [2], [1, null]] | null | [null, [2], null, [2]] | [[2], [2]]",
            ),
            ("SLICE(A, 1, 1)", "[[1, null]] | null | [null] | [[2]]"),
            ("A[1]", "[1, null] | null | null | [2]"),
            ("A[1][1]", "1 | null | null | 2"),
            ("ARRAY_SORT(A)", "[[1, null], [2], [1, null]] | null | [[2], null] | [[2]]"),
            ("ARRAY_MAX(A)", "[1, null] | null | [2] | [2]"),
            ("ARRAY_MIN(A)", "[1, null] | null | [2] | [2]"),
            ("ARRAY_JOIN(A)", "!null | null | !null | !null"),
            ("A = ARRAY[ARRAY[2]]", "false | false | false | true"),
            ("CAST(A AS STRING)", "[[1, null], [2], [1, null]] | null | [null, [2]] | [[2]]"),
            ("CAST(A AS ARRAY<ARRAY<BIGINT>>)", "[[1, null], [2], [1, null]] | null | [null, [2]] | [[2]]"),
        ],
        &[],
    );
}

#[test]
fn arrays_of_structs() {
    check(
        NESTED,
        &[
            ("ARRAY_DISTINCT(S)", "[Struct{X=1,Y=a}, Struct{X=1}] | null | [null, Struct{X=2,Y=b}] | [Struct{}, null]"),
            ("ARRAY_CONTAINS(S, STRUCT(X := 1, Y := 'a'))", "true | false | false | false"),
            ("ARRAY_CONTAINS(S, NULL)", "false | false | true | true"),
            (
                "ARRAY_REMOVE(S, STRUCT(X := 2, Y := 'b'))",
                "[Struct{X=1,Y=a}, Struct{X=1}, Struct{X=1,Y=a}] | null | [null] | [Struct{}, null]",
            ),
            ("ARRAY_UNION(S, S)", "[Struct{X=1,Y=a}, Struct{X=1}] | null | [null, Struct{X=2,Y=b}] | [Struct{}, null]"),
            (
                "ARRAY_EXCEPT(S, ARRAY[STRUCT(X := 1, Y := 'a')])",
                "[Struct{X=1}] | null | [null, Struct{X=2,Y=b}] | [Struct{}, null]",
            ),
            (
                "ARRAY_CONCAT(S, ARRAY[STRUCT(X := 9, Y := 'z')])",
                "[Struct{X=1,Y=a}, Struct{X=1}, Struct{X=1,Y=a}, Struct{X=9,Y=z}] | [Struct{X=9,Y=z}] | [null, Struct{X=2,Y=b}, Struct{X=9,Y=z}] | [Struct{}, null, Struct{X=9,Y=z}]",
            ),
            ("SLICE(S, 2, 2)", "[Struct{X=1}] | null | [Struct{X=2,Y=b}] | [null]"),
            (
                "ARRAY_SORT(S)",
                "[Struct{X=1,Y=a}, Struct{X=1}, Struct{X=1,Y=a}] | null | [Struct{X=2,Y=b}, null] | [Struct{}, null]",
            ),
            ("ARRAY_MAX(S)", "Struct{X=1,Y=a} | null | Struct{X=2,Y=b} | Struct{}"),
            ("S[1]->Y", "a | null | null | null"),
            (
                "CAST(S AS STRING)",
                "[Struct{X=1,Y=a}, Struct{X=1}, Struct{X=1,Y=a}] | null | [null, Struct{X=2,Y=b}] | [Struct{}, null]",
            ),
            (
                "CAST(S AS ARRAY<STRUCT<Y STRING, W INTEGER>>)",
                "[Struct{Y=a}, Struct{}, Struct{Y=a}] | null | [null, Struct{Y=b}] | [Struct{}, null]",
            ),
            ("CAST(S AS ARRAY<STRUCT<X STRING, Y INTEGER>>)", "!null | null | !null | [Struct{}, null]"),
        ],
        &[],
    );
}

#[test]
fn arrays_of_maps() {
    check(
        NESTED,
        &[
            ("ARRAY_DISTINCT(M)", "[{a=1, b=2}, {a=1}] | null | [{a=null}, null, {b=null}] | [{a=1}]"),
            ("ARRAY_CONTAINS(M, MAP('b' := 2, 'a' := 1))", "true | false | false | false"),
            ("ARRAY_REMOVE(M, MAP('a' := 1))", "[{a=1, b=2}, {b=2, a=1}] | null | [{a=null}, null, {b=null}] | []"),
            ("ARRAY_UNION(M, M)", "[{a=1, b=2}, {a=1}] | null | [{a=null}, null, {b=null}] | [{a=1}]"),
            (
                "ARRAY_CONCAT(M, M)",
                "[{a=1, b=2}, {b=2, a=1}, {a=1}, {a=1, b=2}, {b=2, a=1}, {a=1}] | null | [{a=null}, null, {b=null}, {a=null}, null, {b=null}] | [{a=1}, {a=1}]",
            ),
            ("ARRAY_INTERSECT(M, ARRAY[MAP('a' := 1)])", "[{a=1}] | null | [] | [{a=1}]"),
            ("ARRAY_SORT(M)", "[{a=1, b=2}, {b=2, a=1}, {a=1}] | null | [{a=null}, {b=null}, null] | [{a=1}]"),
            ("M[1]['a']", "1 | null | null | 1"),
            ("M = M", "true | false | true | true"),
            ("M[1] = MAP('b' := 2, 'a' := 1)", "true | false | false | false"),
            ("M[1] <> MAP('b' := 2, 'a' := 1)", "false | false | true | true"),
            ("CAST(M AS STRING)", "[{a=1, b=2}, {b=2, a=1}, {a=1}] | null | [{a=null}, null, {b=null}] | [{a=1}]"),
            (
                "CAST(M AS ARRAY<MAP<STRING, DOUBLE>>)",
                "[{a=1.0, b=2.0}, {b=2.0, a=1.0}, {a=1.0}] | null | [{a=null}, null, {b=null}] | [{a=1.0}]",
            ),
            ("CAST(A AS ARRAY<STRING>)", "[[1, null], [2], [1, null]] | null | [null, [2]] | [[2]]"),
            (
                "CAST(M AS ARRAY<STRING>)",
                "[{a=1, b=2}, {b=2, a=1}, {a=1}] | null | [{a=null}, null, {b=null}] | [{a=1}]",
            ),
        ],
        &[],
    );
}

#[test]
fn series() {
    check(
        &[
            "A INTEGER: 1 | 5 | null | -3 | 2147483647 | 0",
            "B BIGINT: 4 | 1 | 2 | -3 | -9223372036854775808 | 3",
            "C INTEGER: 3 | 2 | 1 | -4 | 2147483646 | 30",
            "S INTEGER: 2 | -2 | 1 | 0 | -1 | 7",
        ],
        &[
            (
                "GENERATE_SERIES(A, C)",
                "[1, 2, 3] | [5, 4, 3, 2] | !null | [-3, -4] | [2147483647, 2147483646] | [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]",
            ),
            (
                "GENERATE_SERIES(A, C, S)",
                "[1, 3] | [5, 3] | !null | !null | [2147483647, 2147483646] | [0, 7, 14, 21, 28]",
            ),
            (
                "GENERATE_SERIES(A, 3)",
                "[1, 2, 3] | [5, 4, 3] | !null | [-3, -2, -1, 0, 1, 2, 3] | !null | [0, 1, 2, 3]",
            ),
            ("GENERATE_SERIES(1, 3)", "[1, 2, 3] | [1, 2, 3] | [1, 2, 3] | [1, 2, 3] | [1, 2, 3] | [1, 2, 3]"),
            ("GENERATE_SERIES(B, 2)", "[4, 3, 2] | [1, 2] | [2] | [-3, -2, -1, 0, 1, 2] | !null | [3, 2]"),
            (
                "GENERATE_SERIES(B, CAST(9223372036854775807 AS BIGINT))",
                "!null | !null | !null | !null | !null | !null",
            ),
            ("GENERATE_SERIES(CAST(1 AS BIGINT), B, S)", "[1, 3] | [1] | [1, 2] | !null | !null | [1]"),
            ("ARRAY_LENGTH(GENERATE_SERIES(0, 999999))", "1000000 | 1000000 | 1000000 | 1000000 | 1000000 | 1000000"),
            ("ARRAY_LENGTH(GENERATE_SERIES(0, 2100000))", "!null | !null | !null | !null | !null | !null"),
        ],
        &[],
    );
}

#[test]
fn failures_are_told_with_the_name_of_the_function() {
    check(
        &["A INTEGER: 1 | null | 3 | 2147483647", "S INTEGER: 0 | 1 | -1 | 1"],
        &[],
        &[
            (
                "GENERATE_SERIES(A, 5, S)",
                &[
                    "1: argument 1 of GENERATE_SERIES is NULL",
                    "0: GENERATE_SERIES: the step must not be zero",
                    "2: GENERATE_SERIES: the step has the wrong sign",
                    "3: GENERATE_SERIES: the step has the wrong sign",
                ],
            ),
            (
                "GENERATE_SERIES(-1, A)",
                &[
                    "1: argument 2 of GENERATE_SERIES is NULL",
                    "3: GENERATE_SERIES: the result has more than the 8388608 bytes that \
                     millstream.functions.value.max.bytes allows",
                ],
            ),
            ("ARRAY_SORT(ARRAY[A / S, 1])", &["1: arithmetic on NULL", "0: / by zero"]),
            (
                "TRANSFORM(MAP('a' := A, 'b' := 3), (k, v) => CAST(v AS STRING), (k, v) => k)",
                &["2: TRANSFORM made the same key twice"],
            ),
        ],
    );
}

#[test]
fn nulls_without_a_type() {
    let null = "null | null";
    let cases: Vec<(&str, &str)> = [
        "ARRAY_LENGTH(NULL)",
        "ARRAY_CONCAT(NULL, NULL)",
        "ARRAY_DISTINCT(NULL)",
        "ARRAY_UNION(NULL, NULL)",
        "ARRAY_INTERSECT(NULL, NULL)",
        "ARRAY_REMOVE(NULL, NULL)",
        "ARRAY_REMOVE(NULL, I)",
        "ARRAY_MAX(NULL)",
        "ARRAY_SORT(NULL)",
        "ARRAY_JOIN(NULL)",
        "SLICE(NULL, I, NULL)",
        "AS_MAP(NULL, NULL)",
        "MAP_KEYS(NULL)",
        "MAP_VALUES(NULL)",
        "MAP_UNION(NULL, NULL)",
    ]
    .map(|expression| (expression, null))
    .to_vec();
    check(&["I INTEGER: 1 | null"], &cases, &[]);
    check(&["I INTEGER: 1 | null"], &[("ARRAY_CONTAINS(NULL, I)", "false | false")], &[]);
}
