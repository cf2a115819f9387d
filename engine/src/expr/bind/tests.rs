use super::super::testing::{Table, bind_text, constant, rows, table};
use super::super::{ExprError, Scope, Typed};

fn columns() -> Table {
    table(&[
        "ID INTEGER: 1",
        "L BIGINT: 1",
        "S STRING: a",
        "D DOUBLE: 1",
        "A ARRAY<BIGINT>: null",
        "B ARRAY<BOOLEAN>: null",
        "M MAP<STRING, INTEGER>: null",
        "R STRUCT<CITY STRING, ZIP INTEGER>: null",
        "DT DATE: null",
        "T BOOLEAN: true",
        "C DECIMAL(12, 2): 1",
    ])
}

fn message(text: &str) -> String {
    match bind_text(text, &columns().scope) {
        Ok(typed) => panic!("{text} binds to {typed:?}"),
        Err(error) => error.to_string(),
    }
}

fn ty(text: &str) -> String {
    bind_text(text, &Scope::default()).map(|typed: Typed| typed.ty.to_string()).unwrap()
}

#[test]
fn errors_have_ksqldbs_texts() {
    for (expression, expected) in [
        ("NOSUCH", "column 'NOSUCH' cannot be resolved."),
        ("X.ID", "column 'X.ID' cannot be resolved."),
        ("R->NOSUCH", "Could not find field 'NOSUCH' in 'R'."),
        ("S->CITY", "Expected STRUCT type, got: STRING"),
        ("S[1]", "Subscript expression (S[1]) do not apply to STRING."),
        ("NOSUCH(S)", "Can't find any functions with the name 'NOSUCH'"),
        ("M < M", "Cannot compare M (MAP<STRING, INTEGER>) to M (MAP<STRING, INTEGER>) with LESS_THAN."),
        ("ID >= 'x'", "Cannot compare ID (INTEGER) to 'x' (STRING) with GREATER_THAN_OR_EQUAL."),
        ("S BETWEEN 10 AND 'a'", "Cannot compare S (STRING) to 10 (INTEGER) with GREATER_THAN_OR_EQUAL."),
        (
            "5.0 / NULL",
            "Error processing expression: (5.0 / null). Arithmetic on types DECIMAL(2, 1) and null are not supported.",
        ),
        (
            "ARRAY[1, 2, 3] + NULL",
            "Error processing expression: (ARRAY[1, 2, 3] + null). Arithmetic on types ARRAY<INTEGER> and null are not \
             supported.",
        ),
        ("CAST(A AS INTEGER)", "Cast of ARRAY<BIGINT> to INTEGER is not supported"),
        ("CAST(TRUE AS INTEGER)", "Cast of BOOLEAN to INTEGER is not supported"),
        ("ARRAY[1, 'a']", "invalid input syntax for type INTEGER: \"a\"."),
        ("MAP('a' := 1, 'b' := 'x')", "invalid input syntax for type INTEGER: \"x\"."),
        ("STRUCT(A := 1, A := 2)", "Duplicate field names found in STRUCT: '`A` INTEGER' and '`A` INTEGER'"),
        ("CASE WHEN ID THEN 'a' END", "WHEN operand type should be boolean.\nType for 'ID' is INTEGER"),
        (
            "CASE WHEN ID > 1 THEN 'a' ELSE 1 END",
            "Invalid Case expression. Type for the default clause should be the same as for 'THEN' clauses.\nTHEN type: \
             STRING.\nDEFAULT type: INTEGER.",
        ),
        ("L IN (10, 'x')", "invalid input syntax for type BIGINT: \"x\"."),
        ("CASE WHEN ID = 1 THEN NULL ELSE NULL END", "Invalid Case expression. All case branches have NULL type"),
        (
            "CASE WHEN ID = 1 THEN 1 WHEN ID = 2 THEN 'x' END",
            "Invalid Case expression. Type for all 'THEN' clauses should be the same.\nTHEN expression 'WHEN (ID = 2) \
             THEN 'x'' has type: STRING.\nPrevious THEN expression(s) type: INTEGER.",
        ),
        ("C IN (10, 'x')", "invalid input syntax for type DECIMAL: \"x\"."),
        ("T IN (TRUE, 'maybe')", "invalid input syntax for type BOOLEAN: \"maybe\"."),
        (
            "T IN (TRUE, 10)",
            "operator does not exist: BOOLEAN = INTEGER (10)\nHint: You might need to add explicit type casts.",
        ),
        (
            "A IN (A, ARRAY[T])",
            "operator does not exist: ARRAY<BIGINT> = ARRAY<BOOLEAN> (ARRAY[T])\nHint: You might need to add explicit \
             type casts.",
        ),
        (
            "S IN (10, D)",
            "operator does not exist: STRING = DOUBLE (D)\nHint: You might need to add explicit type casts.",
        ),
        (
            "UCASE(ID)",
            "Function 'ucase' does not accept parameters (INTEGER).\nValid alternatives are:\nUCASE(VARCHAR \
             input)\nFor detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;",
        ),
        (
            "COALESCE(S, ID)",
            "Function 'COALESCE' does not accept parameters (STRING, INTEGER).\nValid alternatives are:\nCOALESCE(T \
             first, T... others)\nFor detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;",
        ),
        ("CAST(1 AS NOSUCH)", "Cannot resolve unknown type: NOSUCH"),
    ] {
        assert_eq!(message(expression), expected, "{expression}");
    }
}

#[test]
fn subscripts_of_structs_say_what_to_write() {
    assert_eq!(
        message("R['CITY']"),
        "Subscript expression (R['CITY']) do not apply to STRUCT<`CITY` STRING, `ZIP` INTEGER>. Use the dereference \
         operator for STRUCTS: R->'CITY'"
    );
}

/// What stands under these is looked at when code is made.
#[test]
fn some_operands_are_looked_at_last() {
    for (text, late) in [
        ("NOT (ID = 'x')", true),
        ("(ID = 'x') BETWEEN TRUE AND TRUE", true),
        ("CAST(ID = 'x' AS STRING)", true),
        ("(ID = 'x') IS NULL", true),
        ("S LIKE (ID + S)", true),
        ("ID IN (1, 'x')", true),
        ("A[ID + S]", true),
        ("ID = 'x'", false),
        ("ID = 'x' OR NOT (S = 1)", false),
        ("NOT (ID = 'x') AND S = 1", false),
        ("LEN(ID = 'x')", false),
    ] {
        let error = bind_text(text, &columns().scope).unwrap_err();
        assert_eq!(matches!(error, ExprError::Code { .. }), late, "{text}: {error:?}");
    }
}

#[test]
fn unknown_names_come_with_the_nearest() {
    let columns = table(&["LATITUDE DOUBLE: 1"]);
    let error = bind_text("latitud", &columns.scope).unwrap_err();
    assert!(matches!(&error, ExprError::UnknownColumn { nearest: Some(name), .. } if name == "LATITUDE"));
    assert_eq!(error.hint().unwrap(), "did you mean `LATITUDE`?");
}

#[test]
fn types_follow_ksqldbs_rules() {
    for (expression, expected) in [
        ("1 + 2", "INTEGER"),
        ("1 + 2147483648", "BIGINT"),
        ("1 + 1e0", "DOUBLE"),
        ("0.05", "DECIMAL(3, 2)"),
        ("1.5 + 1.25", "DECIMAL(4, 2)"),
        ("1.5 * 1.25", "DECIMAL(6, 3)"),
        ("1.5 / 2", "DECIMAL(13, 12)"),
        ("CAST(1 AS DECIMAL(10, 2)) / CAST(1 AS DECIMAL(4, 1))", "DECIMAL(16, 7)"),
        ("CAST(1 AS DECIMAL(33, 7)) / 3000000000", "DECIMAL(38, 12)"),
        ("CAST(1 AS DECIMAL(38, 0)) / CAST(1 AS DECIMAL(38, 38))", "DECIMAL(38, 6)"),
        ("CAST(1 AS DECIMAL(38, 0)) * CAST(1 AS DECIMAL(38, 38))", "DECIMAL(38, 20)"),
        ("CAST(1 AS DECIMAL(20, 10)) * CAST(1 AS DECIMAL(20, 10))", "DECIMAL(38, 20)"),
        ("CAST(1 AS DECIMAL(38, 2)) + 1", "DECIMAL(38, 2)"),
        ("CAST(1 AS DECIMAL(38, 38)) + CAST(1 AS DECIMAL(38, 0))", "DECIMAL(38, 20)"),
        ("1.50 % 2", "DECIMAL(3, 2)"),
        ("ARRAY[1, 2147483648, '2e1']", "ARRAY<DECIMAL(19, 0)>"),
        ("ARRAY[1, 2147483648]", "ARRAY<BIGINT>"),
        ("STRUCT(A := 1, B := 'x')", "STRUCT<`A` INTEGER, `B` STRING>"),
        ("STRUCT()", "STRUCT< >"),
        ("MAP('a' := 1.5)", "MAP<STRING, DECIMAL(2, 1)>"),
        ("CASE WHEN TRUE THEN NULL ELSE 1 END", "INTEGER"),
    ] {
        assert_eq!(ty(expression), expected, "{expression}");
    }
}

#[test]
fn logic_has_two_values() {
    let columns = table(&["A INTEGER: 1 | null | 2", "B INTEGER: 1 | 1 | null", "S STRING: abc | null | a%c"]);
    for (expression, expected) in [
        ("A = 1", ["true", "false", "false"]),
        ("NOT (A = 1)", ["false", "true", "true"]),
        ("A <> 1", ["false", "false", "true"]),
        ("A = B", ["true", "false", "false"]),
        ("A IS DISTINCT FROM B", ["false", "true", "true"]),
        ("A IS NOT DISTINCT FROM NULL", ["false", "true", "false"]),
        ("A IN (1, NULL)", ["true", "false", "false"]),
        ("A NOT IN (1, 2)", ["false", "true", "false"]),
        ("A IN (2.0, '1.000')", ["true", "false", "true"]),
        ("A BETWEEN 0 AND 1", ["true", "false", "false"]),
        ("S LIKE 'a%'", ["true", "!null", "true"]),
        ("NOT S LIKE 'a!%c' ESCAPE '!'", ["true", "!null", "false"]),
        ("A > 0 OR B > 0", ["true", "true", "true"]),
        ("A IS NULL", ["false", "true", "false"]),
        ("CASE WHEN A = 1 THEN 'one' WHEN A = 2 THEN 'two' END", ["one", "null", "two"]),
        ("CASE A WHEN 1 THEN 'one' ELSE 'other' END", ["one", "other", "other"]),
    ] {
        assert_eq!(rows(expression, &columns), expected, "{expression}");
    }
}

#[test]
fn failures_stay_within_the_smallest_value() {
    let columns = table(&["A INTEGER: 1 | 0 | null", "S STRING: x | y | z"]);
    for (expression, expected) in [
        ("10 / A", ["10", "!null", "!null"]),
        ("A + 1", ["2", "1", "!null"]),
        ("10 / A + 1", ["11", "!null", "!null"]),
        ("ARRAY[10 / A, 7]", ["[10, 7]", "![null, 7]", "![null, 7]"]),
        ("STRUCT(F := 10 / A, G := S)", ["Struct{F=10,G=x}", "!Struct{G=y}", "!Struct{G=z}"]),
        ("MAP('k' := 10 / A)", ["{k=10}", "!{k=null}", "!{k=null}"]),
        // Arithmetic fails the call it is an argument of; calls and casts within arguments do not.
        ("COALESCE(10 / A, 5)", ["10", "!null", "!null"]),
        ("COALESCE(CAST(S AS INTEGER), 5)", ["!5", "!5", "!5"]),
        ("COALESCE(ABS(10 / A), 5)", ["10", "!5", "!5"]),
        ("COALESCE(A, 5) + ABS(10 / A)", ["11", "!null", "!null"]),
        ("(10 / A) = 3", ["false", "!null", "!null"]),
        ("A <> 0 AND 10 / A > 1", ["true", "false", "false"]),
        ("A = 0 OR 10 / A > 1", ["true", "true", "!null"]),
        ("CASE WHEN A = 0 THEN 0 ELSE 10 / A END", ["10", "0", "!null"]),
        ("CAST(S AS INTEGER)", ["!null", "!null", "!null"]),
        ("S + CAST(A AS STRING)", ["x1", "y0", "znull"]),
    ] {
        assert_eq!(rows(expression, &columns), expected, "{expression}");
    }
}

#[test]
fn numbers_compute_as_in_java() {
    for (expression, expected) in [
        ("2147483647 + 1", "-2147483648"),
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("-7 % 3", "-1"),
        ("1e0 / 0", "Infinity"),
        ("1.5 + 1.25", "2.75"),
        ("1.5 / 0.5", "3.000000"),
        ("1.0 / 3.0", "0.333333"),
        ("-2.0 / 3.0", "-0.666667"),
        ("1.0 / 0.0", "!null"),
        ("1.0 % 0.0", "!null"),
        ("0.1 = 0.10", "true"),
        ("-(1.5)", "-1.5"),
        ("CAST(0.99 AS DECIMAL(2, 1))", "1.0"),
        ("CAST(1.99e0 AS INTEGER)", "1"),
        ("CAST(1e20 AS INTEGER)", "2147483647"),
        ("CAST(4294967297 AS INTEGER)", "1"),
        ("CAST(1e10 AS STRING)", "1.0E10"),
        ("CAST('Ye' AS BOOLEAN)", "true"),
        ("CAST(ARRAY[1, NULL] AS STRING)", "[1, null]"),
        ("CAST(STRUCT(A := 'bar') AS STRING)", "Struct{A=bar}"),
        ("CAST('2020-05' AS DATE)", "2020-05-01"),
        ("CAST('2020-05-26T10:00+0100' AS TIMESTAMP)", "2020-05-26T09:00:00.000"),
        ("CAST('2020-05-26' AS DATE) > '2020-05-25T23:00'", "true"),
        ("ARRAY[10, 20, 30][-1]", "30"),
        ("ARRAY[10][0]", "null"),
        ("MAP('a' := 1)['a']", "1"),
        ("STRUCT(A := STRUCT(B := 5))->A->B", "5"),
    ] {
        assert_eq!(constant(expression), expected, "{expression}");
    }
}

#[test]
fn rowtime_compares_with_text() {
    let columns = table(&["ROWTIME BIGINT: 0 | 86400000"]);
    assert_eq!(rows("ROWTIME >= '1970-01-02'", &columns), ["false", "true"]);
    assert_eq!(rows("ROWTIME BETWEEN '1970' AND '1970-01-01T12:00'", &columns), ["true", "false"]);
    assert_eq!(rows("ROWTIME IN ('1970-01-02')", &columns), ["false", "true"]);
}

#[test]
fn what_null_is_compared_with_may_fail() {
    let columns = table(&["A INTEGER: null | 1 | 3", "B INTEGER: 0 | 0 | 2"]);
    assert_eq!(rows("A = 6 / B", &columns), ["false", "!null", "true"]);
    assert_eq!(rows("A IS DISTINCT FROM 6 / B", &columns), ["!null", "!null", "false"]);
}

#[test]
fn decimals_of_any_claimed_precision_compute() {
    let columns = table(&["A DECIMAL(38, 19): 1.5 | 1234567890123456789.5", "B DECIMAL(38, 19): 0.5 | 3"]);
    for (expression, expected) in [
        ("A + B", ["2.0000000000000000000", "1234567890123456792.5000000000000000000"]),
        ("A * B", ["0.75000000000000000000", "!null"]),
        ("A / B", ["3.000000", "411522630041152263.166667"]),
        ("A * A * A * A * A", ["7.59375000000000000000", "!null"]),
        ("A / 3 / 7 / B", ["0.142857", "19596315716245345.865079"]),
        ("A % B", ["0.0000000000000000000", "0.5000000000000000000"]),
        ("CAST(A AS DECIMAL(4, 2))", ["1.50", "!null"]),
        ("A > B", ["true", "true"]),
    ] {
        assert_eq!(rows(expression, &columns), expected, "{expression}");
    }
}

#[test]
fn branches_and_lambdas_know_their_rows() {
    let columns = table(&[
        "A INTEGER: 1 | 0 | 2 | null",
        "L ARRAY<INTEGER>: ARRAY[1, 0] | ARRAY[2] | null | ARRAY[CAST(NULL AS INTEGER)]",
    ]);
    for (expression, expected) in [
        ("CASE WHEN A > 0 THEN TRANSFORM(L, x => 6 / x) ELSE L END", ["!null", "[2]", "null", "[null]"]),
        ("TRANSFORM(L, x => CASE WHEN x = 0 THEN A ELSE A / x END)", ["[1, 1]", "[0]", "null", "!null"]),
        ("FILTER(L, x => x > A AND 10 / x > 0)", ["[]", "[2]", "null", "[]"]),
        ("TRANSFORM(L, x => COALESCE(10 / x, -1))", ["![10, null]", "[5]", "null", "![null]"]),
        (
            "ARRAY[A, 1 / A, CAST(1 / A AS INTEGER)]",
            ["[1, 1, 1]", "![0, null, null]", "[2, 0, 0]", "![null, null, null]"],
        ),
    ] {
        assert_eq!(rows(expression, &columns), expected, "{expression}");
    }
}
