//! Maps over several rows: NULL rows, NULL keys and values, constants beside columns.

use crate::expr::testing::check;

/// Maps beside what makes them.
const MAPS: &[&str] = &[
    "M MAP<STRING, INTEGER>: MAP('x' := 1, 'y' := 2) | null \
     | MAP('n' := CAST(NULL AS INTEGER), 'o' := 1) | MAP('zz' := 3, 'Aa' := 4, 'BB' := 5, 'x' := 6)",
    "K STRING: y | x | n | null",
    "L ARRAY<STRING>: ARRAY['a', 'b', 'a'] | ARRAY['a', NULL] | null | ARRAY['null', NULL]",
    "V ARRAY<INTEGER>: ARRAY[1, 2, 3] | ARRAY[CAST(NULL AS INTEGER)] | ARRAY[1] | ARRAY[1, 2, 3]",
    "I INTEGER: 1 | null | 2 | 2",
    "G MAP<STRING, ARRAY<STRING>>: MAP('a' := ARRAY['x', NULL]) | null \
     | MAP('b' := NULL, 'a' := ARRAY['y']) | MAP('a' := CAST(NULL AS ARRAY<STRING>))",
    "P MAP<STRING, STRING>: MAP('1' := '2') | null | MAP('x' := '1', 'y' := 'z') \
     | MAP('7' := CAST(NULL AS STRING))",
];

#[test]
fn functions_of_maps() {
    check(
        MAPS,
        &[
            ("M[K]", "2 | null | null | null"),
            ("M['x']", "1 | null | null | 6"),
            ("MAP('x' := 7, 'y' := I)[K]", "1 | 7 | null | null"),
            ("M[NULL]", "null | null | null | null"),
            ("MAP_KEYS(M)", "[x, y] | null | [n, o] | [zz, Aa, BB, x]"),
            ("MAP_VALUES(M)", "[1, 2] | null | [null, 1] | [3, 4, 5, 6]"),
            ("MAP_UNION(M, MAP('x' := 9))", "{x=9, y=2} | {x=9} | {n=null, o=1, x=9} | {zz=3, Aa=4, BB=5, x=9}"),
            (
                "MAP_UNION(MAP('x' := I, 'q' := 0), M)",
                "{x=1, q=0, y=2} | {x=null, q=0} | {x=2, q=0, n=null, o=1} | {x=6, q=0, zz=3, Aa=4, BB=5}",
            ),
            ("MAP_UNION(NULL, M)", "{x=1, y=2} | null | {n=null, o=1} | {zz=3, Aa=4, BB=5, x=6}"),
            ("MAP_UNION(G, MAP('a' := ARRAY['c']))", "{a=[c]} | {a=[c]} | {b=null, a=[c]} | {a=[c]}"),
            (
                "ENTRIES(M, true)",
                "[Struct{K=x,V=1}, Struct{K=y,V=2}] | null | [Struct{K=n}, Struct{K=o,V=1}] | [Struct{K=Aa,V=4}, Struct{K=BB,V=5}, Struct{K=x,V=6}, Struct{K=zz,V=3}]",
            ),
            (
                "ENTRIES(M, false)",
                "[Struct{K=x,V=1}, Struct{K=y,V=2}] | null | [Struct{K=n}, Struct{K=o,V=1}] | [Struct{K=zz,V=3}, Struct{K=Aa,V=4}, Struct{K=BB,V=5}, Struct{K=x,V=6}]",
            ),
            (
                "ENTRIES(M, I > 1)",
                "[Struct{K=x,V=1}, Struct{K=y,V=2}] | null | [Struct{K=n}, Struct{K=o,V=1}] | [Struct{K=Aa,V=4}, Struct{K=BB,V=5}, Struct{K=x,V=6}, Struct{K=zz,V=3}]",
            ),
            ("ENTRIES(M, CAST(NULL AS BOOLEAN))", "!null | !null | !null | !null"),
            ("ENTRIES(P, true)", "[Struct{K=1,V=2}] | null | [Struct{K=x,V=1}, Struct{K=y,V=z}] | [Struct{K=7}]"),
            ("AS_MAP(L, V)", "{a=3, b=2} | {a=null, null=null} | null | {null=1, null=2}"),
            ("AS_MAP(ARRAY['k', 'l'], V)", "{k=1, l=2} | {k=null, l=null} | {k=1, l=null} | {k=1, l=2}"),
            ("AS_MAP(L, ARRAY[8, 9])", "{a=null, b=9} | {a=8, null=9} | null | {null=8, null=9}"),
        ],
        &[],
    );
}

#[test]
fn maps_in_expressions() {
    check(
        MAPS,
        &[
            ("MAP('a' := I, K := 2)", "{a=1, y=2} | {a=null, x=2} | {a=2, n=2} | {a=2, null=2}"),
            ("MAP(K := 1, 'null' := I)", "{y=1, null=1} | {x=1, null=null} | {n=1, null=2} | {null=2}"),
            ("MAP(K := 1, 'y' := 2, 'x' := 3)", "{y=2, x=3} | {y=2, x=3} | {n=1, y=2, x=3} | {null=1, y=2, x=3}"),
            ("MAP('a' := 1, 'b' := 2, 'a' := I)", "{b=2, a=1} | {b=2, a=null} | {b=2, a=2} | {b=2, a=2}"),
            ("MAP(1 := K, I := 'z')", "{1=z} | {1=x} | {1=n, 2=z} | {1=null, 2=z}"),
            ("MAP(2 := 'two', 1 := 'one')[I]", "one | null | two | two"),
            ("M = MAP('y' := 2, 'x' := 1)", "true | false | false | false"),
            ("M <> MAP('y' := 2, 'x' := 1)", "false | false | true | true"),
            ("M IS DISTINCT FROM MAP('y' := 2, 'x' := 1)", "false | true | true | true"),
            ("CAST(M AS STRING)", "{x=1, y=2} | null | {n=null, o=1} | {zz=3, Aa=4, BB=5, x=6}"),
            ("CAST(M AS MAP<STRING, BIGINT>)", "{x=1, y=2} | null | {n=null, o=1} | {zz=3, Aa=4, BB=5, x=6}"),
            ("CAST(P AS MAP<INTEGER, INTEGER>)", "{1=2} | null | !null | {7=null}"),
            ("CAST(P AS MAP<STRING, INTEGER>)", "{1=2} | null | !null | {7=null}"),
            ("CAST(P AS MAP<INTEGER, STRING>)", "{1=2} | null | !null | {7=null}"),
            ("G['a']", "[x, null] | null | [y] | null"),
            ("MAP_VALUES(G)", "[[x, null]] | null | [[y], null] | [null]"),
            ("MAP_KEYS(G)", "[a] | null | [a, b] | [a]"),
            (
                "TRANSFORM(M, (k, v) => UCASE(k), (k, v) => v + 1)",
                "{X=2, Y=3} | null | !null | {ZZ=4, AA=5, BB=6, X=7}",
            ),
            ("TRANSFORM(P, (k, v) => v, (k, v) => k)", "{2=1} | null | {1=x, z=y} | {null=7}"),
            ("TRANSFORM(P, (k, v) => LEN(k), (k, v) => v)", "{1=2} | null | !null | {1=null}"),
            ("TRANSFORM(P, (k, v) => LEN(v), (k, v) => k)", "{1=1} | null | !null | {}"),
            ("TRANSFORM(M, (k, v) => 'same', (k, v) => v)", "!null | null | !null | !null"),
            ("FILTER(G, (k, v) => v IS NULL)", "{} | null | {b=null} | {a=null}"),
            (
                "MAP_KEYS(TRANSFORM(M, (k, v) => k + 'b', (k, v) => v))",
                "[yb, xb] | null | [nb, ob] | [xb, zzb, Aab, BBb]",
            ),
        ],
        &[],
    );
}
