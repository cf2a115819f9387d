//! Casts over several rows, those of nested values too.

use crate::expr::testing::check;

#[test]
fn casts() {
    check(
        &[
            "S STRING: 12 | ' 7 ' | x | null | true | 2020-05-06 | 1.005",
            "D DOUBLE: 1.5 | -0.0 | 1E300 | null | 2147483648 | -7.999 | 0.005",
            "N DECIMAL(12, 3): 1.500 | -0.005 | 123456789.999 | null | -214748364.9 | 7.5 | 0.005",
            "I INTEGER: 1 | -5 | 100 | null | 2147483647 | 0 | 7",
            "L BIGINT: 1 | -5 | 9223372036854775807 | null | 2147483648 | 0 | 7",
            "T TIMESTAMP: 2020-05-06T07:08:09.123 | 1969-12-31T23:59:59.999 | 1970-01-01 | null \
             | 2000-01-01T00:01 | 1970-01-02 | 1970-01-03",
            "Q STRUCT<A INTEGER, B STRING>: STRUCT(A := 1, B := '2') \
             | STRUCT(A := CAST(NULL AS INTEGER), B := 'x') | null | STRUCT(A := 3, B := CAST(NULL AS STRING)) \
             | null | STRUCT(A := 3, B := '4') | null",
        ],
        &[
            ("CAST(S AS INTEGER)", "12 | 7 | !null | null | !null | !null | !null"),
            ("CAST(S AS BIGINT)", "12 | 7 | !null | null | !null | !null | !null"),
            ("CAST(S AS DOUBLE)", "12.0 | 7.0 | !null | null | !null | !null | 1.005"),
            ("CAST(S AS BOOLEAN)", "false | false | false | null | true | false | false"),
            ("CAST(S AS DECIMAL(4, 2))", "12.00 | 7.00 | !null | null | !null | !null | 1.01"),
            ("CAST(S AS DATE)", "!null | !null | !null | null | !null | 2020-05-06 | !null"),
            ("CAST(S AS TIME)", "12:00 | !null | !null | null | !null | !null | !null"),
            ("CAST(S AS TIMESTAMP)", "!null | !null | !null | null | !null | 2020-05-06T00:00:00.000 | !null"),
            ("CAST(S AS BYTES) = TO_BYTES('12', 'ascii')", "!null | !null | !null | false | false | !null | !null"),
            ("CAST(D AS INTEGER)", "1 | 0 | 2147483647 | null | 2147483647 | -7 | 0"),
            ("CAST(D AS BIGINT)", "1 | 0 | 9223372036854775807 | null | 2147483648 | -7 | 0"),
            ("CAST(D AS DECIMAL(4, 2))", "1.50 | 0.00 | !null | null | !null | -8.00 | 0.01"),
            ("CAST(D AS STRING)", "1.5 | -0.0 | 1.0E300 | null | 2.147483648E9 | -7.999 | 0.005"),
            ("CAST(N AS INTEGER)", "1 | 0 | 123456789 | null | -214748364 | 7 | 0"),
            ("CAST(N AS BIGINT)", "1 | 0 | 123456789 | null | -214748364 | 7 | 0"),
            ("CAST(N AS DOUBLE)", "1.5 | -0.005 | 1.23456789999E8 | null | -2.147483649E8 | 7.5 | 0.005"),
            ("CAST(N AS DECIMAL(11, 2))", "1.50 | -0.01 | 123456790.00 | null | -214748364.90 | 7.50 | 0.01"),
            (
                "CAST(N AS DECIMAL(13, 4))",
                "1.5000 | -0.0050 | 123456789.9990 | null | -214748364.9000 | 7.5000 | 0.0050",
            ),
            ("CAST(N AS STRING)", "1.500 | -0.005 | 123456789.999 | null | -214748364.900 | 7.500 | 0.005"),
            ("CAST(I AS DECIMAL(3, 1))", "1.0 | -5.0 | !null | null | !null | 0.0 | 7.0"),
            ("CAST(I AS BIGINT)", "1 | -5 | 100 | null | 2147483647 | 0 | 7"),
            ("CAST(I AS DOUBLE)", "1.0 | -5.0 | 100.0 | null | 2.147483647E9 | 0.0 | 7.0"),
            ("CAST(L AS INTEGER)", "1 | -5 | -1 | null | -2147483648 | 0 | 7"),
            ("CAST(L AS DECIMAL(3, 1))", "1.0 | -5.0 | !null | null | !null | 0.0 | 7.0"),
            ("CAST(L AS DOUBLE)", "1.0 | -5.0 | 9.223372036854776E18 | null | 2.147483648E9 | 0.0 | 7.0"),
            ("CAST(T AS DATE)", "2020-05-06 | 1969-12-31 | 1970-01-01 | null | 2000-01-01 | 1970-01-02 | 1970-01-03"),
            ("CAST(T AS TIME)", "07:08:09 | 23:59:59 | 00:00 | null | 00:01 | 00:00 | 00:00"),
            (
                "CAST(CAST(T AS DATE) AS TIMESTAMP)",
                "2020-05-06T00:00:00.000 | 1969-12-31T00:00:00.000 | 1970-01-01T00:00:00.000 | null | 2000-01-01T00:00:00.000 | 1970-01-02T00:00:00.000 | 1970-01-03T00:00:00.000",
            ),
            (
                "CAST(T AS STRING)",
                "2020-05-06T07:08:09.123 | 1969-12-31T23:59:59.999 | 1970-01-01T00:00:00.000 | null | 2000-01-01T00:01:00.000 | 1970-01-02T00:00:00.000 | 1970-01-03T00:00:00.000",
            ),
            ("CAST(CAST(T AS TIME) AS STRING)", "07:08:09 | 23:59:59 | 00:00 | null | 00:01 | 00:00 | 00:00"),
            ("CAST(I > 0 AS STRING)", "true | false | true | false | true | false | true"),
            ("CAST(Q AS STRING)", "Struct{A=1,B=2} | Struct{B=x} | null | Struct{A=3} | null | Struct{A=3,B=4} | null"),
            (
                "CAST(Q AS STRUCT<B INTEGER, C DOUBLE, A BIGINT>)",
                "Struct{B=2,A=1} | !null | null | Struct{A=3} | null | Struct{B=4,A=3} | null",
            ),
            ("CAST(Q AS STRUCT<A STRING>)", "Struct{A=1} | Struct{} | null | Struct{A=3} | null | Struct{A=3} | null"),
            ("Q = STRUCT(A := 1, B := '2')", "true | false | false | false | false | false | false"),
            ("Q <> STRUCT(A := 1, B := '2')", "false | true | false | true | false | true | false"),
            ("Q->B", "2 | x | null | null | null | 4 | null"),
        ],
        &[],
    );
}
