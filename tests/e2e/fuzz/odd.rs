//! Values that programs stumble over.

use fastrand::Rng;

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "7",
    "127",
    "255",
    "256",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
    "-99999999999999999999999999999999999999.99999",
    "0.1",
    "-0.0",
    "1.5",
    "0.000000000000000000000000000000000001",
    "1e308",
    "1.7976931348623157E308",
    "1E309",
    "-1e400",
    "5e-324",
    "1e-400",
    "1E2147483647",
    "1e99999999999",
    "1.0000000000000001",
    "253402300800000",
    "-62135596800001",
    "8640000000000000",
    "8640000000000001",
    "31556889864403199999",
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "%",
    "_",
    "\\",
    "''",
    "\n",
    "\r\n",
    "\t",
    "\u{0}",
    "null",
    "NULL",
    "true",
    "NaN",
    "Infinity",
    "{}",
    "[]",
    "{\"a\":1}",
    "{\"a\":[1,{\"b\":null}]}",
    "$.a[0]",
    "$",
    "$..",
    "[[[[[[[[",
    "${x}",
    "${",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "ǆ",
    "日本語",
    "😀",
    "👩‍👩‍👧‍👦",
    "\u{202e}abc",
    "\u{feff}",
    "\u{ffff}",
    "\u{10ffff}",
    "𝒳",
    "(",
    "(?i)a+",
    "(a+)+$",
    "[",
    "a{1000}",
    "(?<n>x)",
    "\\d+",
    "yyyy-MM-dd",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "'",
    "uuuu-DDD",
    "YYYY-'W'ww-e",
    "VV",
    "zzz",
    "SSSSSSSSSSSS",
    "hh a",
    "''''",
    "2021-02-30",
    "+999999999-12-31",
    "-999999999-01-01T00:00:00",
    "24:00:00",
    "23:59:60",
    "UTC",
    "Europe/Berlin",
    "+19:00",
    "UTC+99",
    "http://u:p@h:99999/p?q=%ZZ#f",
    "://",
    "%00%",
    "utf8",
    "hex",
    "base64",
    "ascii",
    "AQID",
    "0x",
    "00ff1",
    "===",
];

const NAMES: &[&str] = &[
    "A",
    "b",
    "ROWTIME",
    "ROWKEY",
    "ROWPARTITION",
    "ROWOFFSET",
    "WINDOWSTART",
    "WINDOWEND",
    "KSQL_COL_0",
    "`a b`",
    "`SELECT`",
    "\"q\"",
    "``",
    "`a``b`",
    "`é`",
    "`😀`",
    "`.`",
    "`\n`",
    "é",
    "_x",
    "@x",
    "a$b",
    "1a",
    "A.B",
    "A.B.C",
    "A.*",
    "*",
    "`../x`",
    "`KSQL_PROCESSING_LOG`",
    "`a`.`b`",
];

const TYPES: &[&str] = &[
    "INT",
    "INTEGER",
    "BIGINT",
    "DOUBLE",
    "STRING",
    "VARCHAR",
    "VARCHAR(0)",
    "BOOLEAN",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "DECIMAL(1,0)",
    "DECIMAL(4,2)",
    "DECIMAL(38,38)",
    "DECIMAL(38,0)",
    "DECIMAL(39,1)",
    "DECIMAL(0,0)",
    "DECIMAL(2,5)",
    "ARRAY<INT>",
    "ARRAY<ARRAY<STRING>>",
    "MAP<STRING, INT>",
    "MAP<INT, STRING>",
    "MAP<STRING, ARRAY<DOUBLE>>",
    "STRUCT<A INT>",
    "STRUCT<A INT, B STRING>",
    "STRUCT<`x y` STRUCT<Z MAP<STRING, BYTES>>>",
    "STRUCT<>",
    "NOTYPE",
    "ADDR",
];

/// Longest text that is made of one piece.
const LONG: usize = 100_000;

fn of<'a>(random: &mut Rng, pool: &[&'a str]) -> &'a str {
    pool[random.usize(..pool.len())]
}

/// A number as it stands in a statement or in JSON.
pub(super) fn number(random: &mut Rng) -> String {
    match random.u8(..10) {
        0 => "9".repeat(random.usize(1..400)),
        1 => random.i64(..).to_string(),
        2 => format!("{}e{}", random.i32(..), random.i32(-400..400)),
        3 => random.i32(-10..100).to_string(),
        _ => of(random, NUMBERS).to_owned(),
    }
}

/// A text, without quotes around it.
pub(super) fn text(random: &mut Rng) -> String {
    match random.u8(..16) {
        0 => of(random, TEXTS).repeat(random.usize(1..50)),
        1 => "x".repeat(random.usize(1..LONG)),
        2 => number(random),
        3 => format!("{}{}", of(random, TEXTS), of(random, TEXTS)),
        4 => (0..random.usize(1..20)).map(|_| random.char(..)).collect(),
        _ => of(random, TEXTS).to_owned(),
    }
}

/// A text as it stands in a statement.
pub(super) fn quoted(random: &mut Rng) -> String {
    format!("'{}'", text(random).replace('\'', "''"))
}

/// An identifier.
pub(super) fn name(random: &mut Rng) -> String {
    match random.u8(..20) {
        0 => "n".repeat(random.usize(1..5_000)),
        1 => format!("`{}`", text(random).replace('`', "``")),
        _ => of(random, NAMES).to_owned(),
    }
}

/// A type.
pub(super) fn ty(random: &mut Rng) -> String {
    match random.u8(..20) {
        0 => {
            let depth = random.usize(1..200);
            format!("{}INT{}", "ARRAY<".repeat(depth), ">".repeat(depth))
        }
        _ => of(random, TYPES).to_owned(),
    }
}
