//! Texts, bytes and JSON, several rows in one batch: NULLs, constants beside columns, surrogate pairs, failing rows. `!`
//! before a value: the row was told as failed. Every row is read again as a slice of its own.

use super::super::testing::{check, constant};

const TEXTS: &[&str] = &[
    "S STRING: Hello World | '' | null | a😀b😀ß | aXbXaX",
    "U STRING: o | '' | null | 😀 | X",
    "P STRING: *- | '' | null | é😀 | x",
    "I INTEGER: 2 | 0 | null | -3 | 4",
    "N INTEGER: 1 | 2 | null | -1 | 2147483647",
];

#[test]
fn search_and_padding() {
    check(
        TEXTS,
        &[
            ("INSTR(S, U)", "5 | 0 | 0 | 2 | 2"),
            ("INSTR(S, '')", "1 | 0 | 0 | 1 | 1"),
            ("INSTR('xo😀o', U)", "2 | 1 | 0 | 3 | 0"),
            ("INSTR(S, U, I)", "5 | 0 | !null | 5 | 4"),
            ("INSTR(S, U, 1, N)", "5 | 0 | !null | 0 | 0"),
            ("INSTR(S, 'X', -1, 2)", "0 | 0 | 0 | 0 | 4"),
            ("INSTR(S, '😀', 4)", "0 | 0 | 0 | 5 | 0"),
            ("INSTR(S, '😀', -1)", "0 | 0 | 0 | 5 | 0"),
            ("INSTR(S, '😀', -1, 2)", "0 | 0 | 0 | 2 | 0"),
            ("INSTR(S, '', 2, 3)", "4 | 0 | 0 | 4 | 4"),
            ("INSTR(S, '', -1, 2)", "10 | 0 | 0 | 6 | 5"),
            ("INSTR(S, 'b', 1, 0)", "0 | 0 | 0 | 0 | 0"),
            ("INSTR(S, 'Hello World and more')", "0 | 0 | 0 | 0 | 0"),
            ("INSTR(S, NULL)", "0 | 0 | 0 | 0 | 0"),
            ("INSTR(NULL, S)", "0 | 0 | 0 | 0 | 0"),
            ("INSTR(S, U, 2147483647)", "0 | 0 | 0 | 0 | 0"),
            ("INSTR(S, U, -2147483648)", "0 | 0 | 0 | 0 | 0"),
            ("INSTR(SUBSTRING(S, 2), U)", "4 | 0 | 0 | 1 | 1"),
            ("LPAD(S, 6, P)", "Hello  | null | null | a😀b😀 | aXbXaX"),
            ("RPAD(S, 6, P)", "Hello  | null | null | a😀b😀 | aXbXaX"),
            ("LPAD(S, I, P)", "He | null | null | null | aXbX"),
            ("RPAD(S, 2, P)", "He | null | null | a� | aX"),
            ("LPAD(S, 14, '😀')", "😀�Hello World | 😀😀😀😀😀😀😀 | null | 😀😀😀�a😀b😀ß | 😀😀😀😀aXbXaX"),
            ("RPAD(S, 14, '😀é')", "Hello World😀é | 😀é😀é😀é😀é😀 | null | a😀b😀ß😀é😀é� | aXbXaX😀é😀é😀"),
            ("RPAD('a', N, 'xyz')", "a | ax | null | null | !null"),
            ("LPAD('', 3, U)", "ooo | null | null | 😀� | XXX"),
            ("LPAD(S, 16777217, 'x')", "!null | !null | null | !null | !null"),
            ("LPAD(S, NULL, 'x')", "null | null | null | null | null"),
            ("SPLIT(S, U)", "[Hell,  W, rld] | [] | null | [a, b, ß] | [a, b, a, ]"),
            ("SPLIT(S, '')", "[H, e, l, l, o,  , W, o, r, l, d] | [] | null | [a, 😀, b, 😀, ß] | [a, X, b, X, a, X]"),
            ("SPLIT('a😀b', P)", "[a😀b] | [a, 😀, b] | null | [a😀b] | [a😀b]"),
            ("SPLIT(S, 'lo')", "[Hel,  World] | [] | null | [a😀b😀ß] | [aXbXaX]"),
            ("SPLIT(S, NULL)", "null | null | null | null | null"),
            ("SPLIT_TO_MAP(S, U, 'b')", "{} | null | null | {=} | {=}"),
            ("SPLIT_TO_MAP('k=v', U, U)", "null | null | null | null | null"),
            ("SPLIT_TO_MAP(S, 'X', '😀')", "{} | {} | null | {a=b} | {}"),
            ("FIELD(U, 'x', 'o', '', '😀')", "2 | 3 | 0 | 4 | 0"),
            ("FIELD('o', U, 'o')", "1 | 2 | 2 | 2 | 2"),
            ("FIELD(NULL, U)", "0 | 0 | 0 | 0 | 0"),
            ("FIELD(U)", "0 | 0 | 0 | 0 | 0"),
            ("FIELD(U, NULL, U)", "2 | 2 | 0 | 2 | 2"),
            ("ELT(I, S, U, P)", "o | null | !null | null | null"),
            ("ELT(1, S)", "Hello World |  | null | a😀b😀ß | aXbXaX"),
            ("ELT(2, S)", "null | null | null | null | null"),
            ("ELT(3, 'a', 'b', NULL)", "null | null | null | null | null"),
            ("ELT(N, 'a', U)", "a |  | !null | null | null"),
            ("CHR(I)", "\u{2} | \0 | null | null | \u{4}"),
            ("CHR(55357)", "null | null | null | null | null"),
            ("CHR(N)", "\u{1} | \u{2} | null | null | null"),
        ],
        &[
            ("INSTR(S, U, I)", &["2: argument 3 of INSTR is NULL"]),
            (
                "RPAD('a', N, 'xyz')",
                &[
                    "4: RPAD: the result has more than the 8388608 bytes that millstream.functions.value.max.bytes allows",
                ],
            ),
        ],
    );
}

#[test]
fn characters_by_code() {
    check(
        &[
            "E STRING: \\u004b | \\ud83d\\ude00 | null | \\ud83d | x | \\u004 | \\u0041\\u0042\\u0043 | \\u+04b | '' | \\u0041\\u0042",
        ],
        &[("CHR(E)", "K | 😀 | null | null | null | null | null | K | null | AB")],
        &[],
    );
}

#[test]
fn joining_and_parts() {
    check(
        TEXTS,
        &[
            ("CONCAT_WS(U, S, P)", "Hello Worldo*- |  | null | a😀b😀ß😀é😀 | aXbXaXXx"),
            ("CONCAT_WS('-', S, NULL, U)", "Hello World-o | - |  | a😀b😀ß-😀 | aXbXaX-X"),
            ("CONCAT_WS(NULL, S, U)", "null | null | null | null | null"),
            ("CONCAT_WS(S)", "!null | !null | !null | !null | !null"),
            ("CONCAT_WS(U, NULL, NULL)", " |  | null |  | "),
            ("CONCAT(S, U, P)", "Hello Worldo*- |  |  | a😀b😀ß😀é😀 | aXbXaXXx"),
            ("CONCAT(S)", "Hello World |  |  | a😀b😀ß | aXbXaX"),
            ("CONCAT(NULL, U)", "o |  |  | 😀 | X"),
            ("REPLACE(S, U, P)", "Hell*- W*-rld |  | null | aé😀bé😀ß | axbxax"),
            ("REPLACE(S, '', '_')", "_H_e_l_l_o_ _W_o_r_l_d_ | _ | null | _a_😀_b_😀_ß_ | _a_X_b_X_a_X_"),
            ("REPLACE(S, 'X', U)", "Hello World |  | null | a😀b😀ß | aXbXaX"),
            ("REPLACE('o😀o', U, '')", "😀 | o😀o | null | oo | o😀o"),
            ("REPLACE(S, 'l', NULL)", "null | null | null | null | null"),
            ("SUBSTRING(S, I)", "ello World |  | null | 😀ß | XaX"),
            ("SUBSTRING(S, 2, I)", "el |  | null |  | XbXa"),
            ("SUBSTRING(S, 3, 3)", "llo |  | null | �b� | bXa"),
            ("SUBSTRING(S, 3, 1)", "l |  | null | � | b"),
            ("SUBSTRING(S, 2, 1)", "e |  | null | � | X"),
            ("SUBSTRING(S, -2, 9)", "ld |  | null | �ß | aX"),
            ("SUBSTRING(S, 3, 0)", " |  | null |  | "),
            ("INITCAP(S)", "Hello World |  | null | A😀b😀ß | Axbxax"),
            ("LCASE(S)", "hello world |  | null | a😀b😀ß | axbxax"),
            ("UCASE(S)", "HELLO WORLD |  | null | A😀B😀SS | AXBXAX"),
            ("TRIM(S)", "Hello World |  | null | a😀b😀ß | aXbXaX"),
        ],
        &[],
    );
}

#[test]
fn masks_and_digests() {
    check(
        TEXTS,
        &[
            ("MASK(S)", "Xxxxx-Xxxxx |  | null | x--x--x | xXxXxX"),
            ("MASK(S, U, 'y', '9', '?')", "oyyyy?oyyyy | !null | null | y??y??y | yXyXyX"),
            ("MASK(S, '', NULL, NULL, NULL)", "!null | !null | null | !null | !null"),
            ("MASK(S, '😀', NULL, NULL, 'z')", "😀elloz😀orld |  | null | azzbzzß | a😀b😀a😀"),
            ("MASK(S, NULL, NULL, NULL, NULL)", "Hello World |  | null | a😀b😀ß | aXbXaX"),
            ("MASK(NULL)", "null | null | null | null | null"),
            ("MASK_LEFT(S, I)", "Xxllo World |  | null | !null | xXxXaX"),
            ("MASK_LEFT(S, NULL)", "!null | !null | null | !null | !null"),
            ("MASK_LEFT(S, 3)", "Xxxlo World |  | null | x--b😀ß | xXxXaX"),
            ("MASK_RIGHT(S, 4)", "Hello Wxxxx |  | null | a😀x--x | aXxXxX"),
            ("MASK_RIGHT(S, N)", "Hello Worlx |  | null | !null | xXxXxX"),
            ("MASK_KEEP_LEFT(S, 2)", "Hexxx-Xxxxx |  | null | a😀x--x | aXxXxX"),
            ("MASK_KEEP_LEFT(S, N)", "Hxxxx-Xxxxx |  | null | !null | aXbXaX"),
            ("MASK_KEEP_RIGHT(S, 4)", "Xxxxx-Xorld |  | null | x--b😀ß | xXbXaX"),
            ("MASK_KEEP_RIGHT(S, I)", "Xxxxx-Xxxld |  | null | !null | xXbXaX"),
            ("MASK_LEFT(S, 2, U, NULL, '1', '2')", "oello World | !null | null | a22b😀ß | aXbXaX"),
            ("MASK_RIGHT(S, NULL, 'ab', NULL, NULL, NULL)", "!null | !null | null | !null | !null"),
            ("MASK_RIGHT(S, -1, 'ab', NULL, NULL, NULL)", "!null | !null | null | !null | !null"),
            ("MASK_LEFT(NULL, -1)", "null | null | null | null | null"),
            (
                "MD5(S)",
                "b10a8db164e0754105b7a99be72e3fe5 | d41d8cd98f00b204e9800998ecf8427e | null | 237238e71a5a2dd6d7ed3bb2c1b17a7b | dbe0575e625e70e0b0db7d8cda6799dc",
            ),
            ("MD5(NULL)", "null | null | null | null | null"),
            (
                "MD5(RPAD(U, 130, 'ab'))",
                "bc698536b58d46ec900dc019cf673fb8 | d5be913aa1eaf92b9b656f3e3ce87c21 | null | 9faa5ec266c5726185df69bd8f2b6760 | acc19c78a3cf811c6cce262ede3ff968",
            ),
        ],
        &[
            ("MASK(S, U, 'y', '9', '?')", &["1: MASK: invalid mask character: ''"]),
            (
                "MASK_LEFT(ELT(4, U, P, U, S), NULL)",
                &[
                    "0: MASK_LEFT: argument 2 is NULL or of another type",
                    "1: MASK_LEFT: argument 2 is NULL or of another type",
                    "3: MASK_LEFT: argument 2 is NULL or of another type",
                    "4: MASK_LEFT: argument 2 is NULL or of another type",
                ],
            ),
            ("MASK_LEFT(S, I)", &["3: MASK_LEFT: the number of characters must not be negative, but is -3"]),
            (
                "MASK_RIGHT(S, NULL, 'ab', NULL, NULL, NULL)",
                &[
                    "0: MASK_RIGHT: invalid mask character: 'ab'",
                    "1: MASK_RIGHT: invalid mask character: 'ab'",
                    "3: MASK_RIGHT: invalid mask character: 'ab'",
                    "4: MASK_RIGHT: invalid mask character: 'ab'",
                ],
            ),
        ],
    );
}

const BYTES: &[&str] = &[
    "T STRING: Hello | '' | null | é😀 | 0x1ff | zz | aGk",
    "E STRING: utf8 | hex | ascii | ASCII | HEX | hex | Base64",
    "F STRING: HEX | utf8 | utf8 | base64 | ascii | utf8 | base64",
    "I INTEGER: 2 | 0 | null | -3 | 1 | 9 | 2",
];

#[test]
fn encodings() {
    check(
        BYTES,
        &[
            ("FROM_BYTES(TO_BYTES(T, E), 'hex')", "48656C6C6F |  | null | 3F3F | 01FF | !null | 6869"),
            (
                "FROM_BYTES(TO_BYTES(T, 'utf8'), 'hex')",
                "48656C6C6F |  | null | C3A9F09F9880 | 3078316666 | 7A7A | 61476B",
            ),
            ("FROM_BYTES(TO_BYTES('aGk=', E), 'hex')", "61476B3D | !null | 61476B3D | 61476B3D | !null | !null | 6869"),
            ("FROM_BYTES(TO_BYTES(T, 'nope'), 'hex')", "!null | !null | null | !null | !null | !null | !null"),
            ("FROM_BYTES(TO_BYTES(T, NULL), 'hex')", "null | null | null | null | null | null | null"),
            ("FROM_BYTES(TO_BYTES(T, 'utf8'), E)", "Hello |  | null | ������ | 3078316666 | 7A7A | YUdr"),
            ("FROM_BYTES(TO_BYTES(T, 'utf8'), F)", "48656C6C6F |  | null | w6nwn5iA | 0x1ff | zz | YUdr"),
            (
                "FROM_BYTES(TO_BYTES('ff41c3a9f09f', 'hex'), E)",
                "�Aé� | FF41C3A9F09F | �A���� | �A���� | FF41C3A9F09F | FF41C3A9F09F | /0HDqfCf",
            ),
            ("FROM_BYTES(TO_BYTES(T, 'utf8'), 'nope')", "!null | !null | null | !null | !null | !null | !null"),
            ("ENCODE(T, E, F)", "48656c6c6f |  | null | Pz8= | \u{1}� | !null | !null"),
            ("ENCODE(T, 'utf8', F)", "48656c6c6f | !null | null | w6nwn5iA | 0x1ff | !null | YUdr"),
            ("ENCODE(T, 'utf8', 'hex')", "48656c6c6f |  | null | c3a9f09f9880 | 3078316666 | 7a7a | 61476b"),
            ("ENCODE(T, 'hex', 'nope')", "!null | !null | null | !null | !null | !null | !null"),
            ("ENCODE(T, 'Ä', 'ä')", "!null | !null | null | !null | !null | !null | !null"),
            (
                "UUID(TO_BYTES(RPAD(T, 16, 'x'), 'ascii'))",
                "48656c6c-6f78-7878-7878-787878787878 | 78787878-7878-7878-7878-787878787878 | null | null | 30783166-6678-7878-7878-787878787878 | 7a7a7878-7878-7878-7878-787878787878 | 61476b78-7878-7878-7878-787878787878",
            ),
            ("UUID(TO_BYTES(T, 'utf8'))", "null | null | null | null | null | null | null"),
        ],
        &[
            ("FROM_BYTES(TO_BYTES(T, E), 'hex')", &["5: TO_BYTES: 'zz' is not hexadecimal"]),
            (
                "ENCODE(T, E, F)",
                &["5: ENCODE: 'zz' is not hexadecimal", "6: ENCODE: cannot encode 'base64' as 'base64'"],
            ),
            (
                "ENCODE(T, 'hex', 'nope')",
                &[
                    "0: ENCODE: 'Hello' is not hexadecimal",
                    "1: ENCODE: unknown encoding 'nope'",
                    "3: ENCODE: 'é😀' is not hexadecimal",
                    "4: ENCODE: unknown encoding 'nope'",
                    "5: ENCODE: 'zz' is not hexadecimal",
                    "6: ENCODE: 'aGk' is not hexadecimal",
                ],
            ),
        ],
    );
}

#[test]
fn parts_of_bytes() {
    check(
        BYTES,
        &[
            (
                "FROM_BYTES(LPAD(TO_BYTES(T, 'utf8'), 7, TO_BYTES('ab', 'utf8')), 'hex')",
                "616248656C6C6F | 61626162616261 | null | 61C3A9F09F9880 | 61623078316666 | 61626162617A7A | 6162616261476B",
            ),
            (
                "FROM_BYTES(RPAD(TO_BYTES(T, 'utf8'), 7, TO_BYTES('ab', 'utf8')), 'hex')",
                "48656C6C6F6162 | 61626162616261 | null | C3A9F09F988061 | 30783166666162 | 7A7A6162616261 | 61476B61626162",
            ),
            (
                "FROM_BYTES(RPAD(TO_BYTES('abc', 'utf8'), I, TO_BYTES(T, 'utf8')), 'hex')",
                "6162 | null | null | null | 61 | 6162637A7A7A7A7A7A | 6162",
            ),
            (
                "FROM_BYTES(LPAD(TO_BYTES(T, 'utf8'), 2147483647, TO_BYTES('a', 'utf8')), 'hex')",
                "!null | !null | null | !null | !null | !null | !null",
            ),
            (
                "FROM_BYTES(SUBSTRING(TO_BYTES(T, 'utf8'), I), 'hex')",
                "656C6C6F |  | null | 9F9880 | 3078316666 |  | 476B",
            ),
            ("FROM_BYTES(SUBSTRING(TO_BYTES(T, 'utf8'), 2, 2), 'hex')", "656C |  | null | A9F0 | 7831 | 7A | 476B"),
            ("FROM_BYTES(SUBSTRING(TO_BYTES(T, 'utf8'), 2, I), 'hex')", "656C |  | null |  | 78 | 7A | 476B"),
            ("FROM_BYTES(SUBSTRING(TO_BYTES(T, 'utf8'), -2, 1), 'hex')", "6C |  | null | 98 | 66 | 7A | 47"),
            (
                "FROM_BYTES(CONCAT_WS(TO_BYTES('-', 'ascii'), TO_BYTES(T, 'utf8'), TO_BYTES(E, 'utf8')), 'hex')",
                "48656C6C6F2D75746638 | 2D686578 | 6173636969 | C3A9F09F98802D4153434949 | 30783166662D484558 | 7A7A2D686578 | 61476B2D426173653634",
            ),
            (
                "FROM_BYTES(CONCAT_WS(TO_BYTES(T, 'utf8'), TO_BYTES('a', 'ascii'), TO_BYTES('b', 'ascii')), 'hex')",
                "6148656C6C6F62 | 6162 | null | 61C3A9F09F988062 | 61307831666662 | 617A7A62 | 6161476B62",
            ),
            (
                "FROM_BYTES(CONCAT_WS(TO_BYTES(T, 'utf8')), 'hex')",
                "!null | !null | !null | !null | !null | !null | !null",
            ),
            (
                "FROM_BYTES(CONCAT(TO_BYTES(T, 'utf8'), TO_BYTES(E, 'utf8')), 'hex')",
                "48656C6C6F75746638 | 686578 | 6173636969 | C3A9F09F98804153434949 | 3078316666484558 | 7A7A686578 | 61476B426173653634",
            ),
            (
                "FROM_BYTES(SPLIT(TO_BYTES(T, 'utf8'), TO_BYTES('l', 'utf8'))[1], 'utf8')",
                "He |  | null | é😀 | 0x1ff | zz | aGk",
            ),
        ],
        &[],
    );
}

#[test]
fn numbers_from_bytes() {
    check(
        &[
            "H STRING: 0000002A | 2A000000 | null | 00 | '' | 00000000FFFFFFFE | FFFFFFFFFFFFFFFE | 3FF0000000000000",
            "O STRING: BIG_ENDIAN | little_endian | BIG_ENDIAN | middle | LITTLE_ENDIAN | LITTLE_ENDIAN | null | big_endian",
        ],
        &[
            ("INT_FROM_BYTES(TO_BYTES(H, 'hex'))", "42 | 704643072 | null | !null | !null | !null | !null | !null"),
            ("INT_FROM_BYTES(TO_BYTES(H, 'hex'), O)", "42 | 42 | null | !null | !null | !null | null | !null"),
            (
                "INT_FROM_BYTES(TO_BYTES('FFFFFFFE', 'hex'), O)",
                "-2 | -16777217 | -2 | !null | -16777217 | -16777217 | null | -2",
            ),
            (
                "BIGINT_FROM_BYTES(TO_BYTES(H, 'hex'))",
                "!null | !null | null | !null | !null | 4294967294 | -2 | 4607182418800017408",
            ),
            (
                "BIGINT_FROM_BYTES(TO_BYTES(H, 'hex'), O)",
                "!null | !null | null | !null | !null | -72057598332895232 | null | 4607182418800017408",
            ),
            (
                "DOUBLE_FROM_BYTES(TO_BYTES(H, 'hex'))",
                "!null | !null | null | !null | !null | 2.12199579E-314 | NaN | 1.0",
            ),
            (
                "DOUBLE_FROM_BYTES(TO_BYTES(H, 'hex'), O)",
                "!null | !null | null | !null | !null | -5.486121452805878E303 | null | 1.0",
            ),
            (
                "BIGINT_FROM_BYTES(TO_BYTES('0000000000000001', 'hex'), NULL)",
                "null | null | null | null | null | null | null | null",
            ),
        ],
        &[
            (
                "INT_FROM_BYTES(TO_BYTES(H, 'hex'), O)",
                &[
                    "3: INT_FROM_BYTES: 4 bytes are needed, but there are 1",
                    "4: INT_FROM_BYTES: 4 bytes are needed, but there are 0",
                    "5: INT_FROM_BYTES: 4 bytes are needed, but there are 8",
                    "7: INT_FROM_BYTES: 4 bytes are needed, but there are 8",
                ],
            ),
            (
                "INT_FROM_BYTES(TO_BYTES('FFFFFFFE', 'hex'), O)",
                &["3: INT_FROM_BYTES: the byte order must be BIG_ENDIAN or LITTLE_ENDIAN"],
            ),
            (
                "DOUBLE_FROM_BYTES(TO_BYTES(H, 'hex'))",
                &[
                    "0: DOUBLE_FROM_BYTES: 8 bytes are needed, but there are 4",
                    "1: DOUBLE_FROM_BYTES: 8 bytes are needed, but there are 4",
                    "3: DOUBLE_FROM_BYTES: 8 bytes are needed, but there are 1",
                    "4: DOUBLE_FROM_BYTES: 8 bytes are needed, but there are 0",
                ],
            ),
        ],
    );
}

#[test]
fn constants() {
    for (expression, expected) in [
        ("SPLIT('XaXX', 'X')", "[, a, , ]"),
        ("SPLIT_TO_MAP('k=v;k=w;x;;=y;z=', ';', '=')", "{k=w, =y, z=}"),
        ("SPLIT_TO_MAP('a:1:2,b:2,a:3', ',', ':')", "{a=3, b=2}"),
        ("CHR(128512)", "😀"),
        ("LCASE('ΑΣ ΣΑΣ İ')", "ας σας i\u{307}"),
        ("INITCAP('  ὀδυσσΕΥΣ  ΣΑΣ ßa')", "Ὀδυσσευς  Σας SSa"),
        ("MASK('Aa1-😀')", "Xxn---"),
        ("MD5('The quick brown fox jumps over the lazy dog')", "9e107d9d372bb6826bd81d3542a419d6"),
        ("FROM_BYTES(TO_BYTES('x''1F''', 'hex'), 'hex')", "1F"),
        ("FROM_BYTES(TO_BYTES('X''1f', 'hex'), 'hex')", "!null"),
        ("FROM_BYTES(TO_BYTES('0x', 'hex'), 'hex')", ""),
        ("FROM_BYTES(TO_BYTES('123', 'hex'), 'hex')", "!null"),
        ("ENCODE('ff', 'hex', 'HEX')", "!null"),
        ("ENCODE('zz', 'hex', 'nope')", "!null"),
        ("ARRAY_LENGTH(SPLIT(TO_BYTES('alal', 'utf8'), TO_BYTES('al', 'utf8')))", "3"),
        ("LEN(UUID())", "36"),
        ("INT_FROM_BYTES(TO_BYTES('FFFFFFFE', 'hex'), 'LITTLE_ENDIAN')", "-16777217"),
    ] {
        assert_eq!(constant(expression), expected, "{expression}");
    }
}
