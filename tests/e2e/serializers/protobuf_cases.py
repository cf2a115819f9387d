# What Confluent's ProtobufSerializer writes, and the rows that are to be read of it.
P3 = 'syntax = "proto3"; package peers; '


def message(fields, more="", head=P3):
    return f"{head}message M {{ {fields} }} {more}", "peers.M"


SCALARS = [
    "double",
    "float",
    "int32",
    "int64",
    "uint32",
    "uint64",
    "sint32",
    "sint64",
    "fixed32",
    "fixed64",
    "sfixed32",
    "sfixed64",
    "bool",
    "string",
    "bytes",
]
NUMBERED = " ".join(f"{kind} f_{kind} = {i};" for i, kind in enumerate(SCALARS, 1))
IMPORTS = "".join(
    f'import "{path}.proto"; '
    for path in [
        "google/protobuf/timestamp",
        "google/protobuf/wrappers",
        "google/type/date",
        "google/type/timeofday",
        "confluent/type/decimal",
    ]
)

CASES = [
    dict(
        name="protobuf_scalars",
        records=[
            (
                message(NUMBERED),
                dict(
                    f_double=-1e300,
                    f_float=0.5,
                    f_int32=-(2**31),
                    f_int64=-(2**63),
                    f_uint32=2**32 - 1,
                    f_uint64=2**63 - 1,
                    f_sint32=-1,
                    f_sint64=-(2**40),
                    f_fixed32=2**31,
                    f_fixed64=5,
                    f_sfixed32=-5,
                    f_sfixed64=-(2**50),
                    f_bool=True,
                    f_string="Größe 😀",
                    f_bytes="AP8=",
                ),
            ),
            (message(NUMBERED), {}),
        ],
        types="`F_DOUBLE` DOUBLE, `F_FLOAT` DOUBLE, `F_INT32` INTEGER, `F_INT64` BIGINT, `F_UINT32` BIGINT, `F_UINT64` BIGINT, "
        "`F_SINT32` INTEGER, `F_SINT64` BIGINT, `F_FIXED32` BIGINT, `F_FIXED64` BIGINT, `F_SFIXED32` INTEGER, "
        "`F_SFIXED64` BIGINT, `F_BOOL` BOOLEAN, `F_STRING` STRING, `F_BYTES` BYTES",
        rows=[
            [
                -1e300,
                0.5,
                -2147483648,
                -9223372036854775808,
                4294967295,
                9223372036854775807,
                -1,
                -1099511627776,
                2147483648,
                5,
                -5,
                -1125899906842624,
                True,
                "Größe 😀",
                "AP8=",
            ],
            [0.0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, False, "", ""],
        ],
    ),
    dict(
        name="protobuf_nested",
        # A MAP has texts as keys, which an int32 is not written with.
        exact=False,
        records=[
            (
                message(
                    "repeated int64 packed = 1; repeated string texts = 2; map<string, int64> m = 3; map<int32, Sub> ms = 4; "
                    "Sub sub = 5; repeated Sub subs = 6; Colour colour = 7; message Sub { int32 x = 1; repeated Sub2 y = 2; }"
                    "message Sub2 { string z = 1; } enum Colour { RED = 0; GREEN = 5; }"
                ),
                value,
            )
            for value in [
                dict(
                    packed=["1", "-1", "300"],
                    texts=["a", ""],
                    m={"k": "5"},
                    ms={"-7": dict(x=1)},
                    sub=dict(x=2, y=[dict(z="q"), {}]),
                    subs=[{}, dict(x=3)],
                    colour="GREEN",
                ),
                {},
            ]
        ],
        types="`PACKED` ARRAY<BIGINT>, `TEXTS` ARRAY<STRING>, `M` MAP<STRING, BIGINT>, "
        "`MS` MAP<STRING, STRUCT<`X` INTEGER, `Y` ARRAY<STRUCT<`Z` STRING>>>>, "
        "`SUB` STRUCT<`X` INTEGER, `Y` ARRAY<STRUCT<`Z` STRING>>>, "
        "`SUBS` ARRAY<STRUCT<`X` INTEGER, `Y` ARRAY<STRUCT<`Z` STRING>>>>, `COLOUR` STRING",
        rows=[
            [
                [1, -1, 300],
                ["a", ""],
                {"k": 5},
                {"-7": {"X": 1, "Y": []}},
                {"X": 2, "Y": [{"Z": "q"}, {"Z": ""}]},
                [{"X": 0, "Y": []}, {"X": 3, "Y": []}],
                "GREEN",
            ],
            [[], [], {}, {}, None, [], "RED"],
        ],
    ),
    dict(
        name="protobuf_logical_types",
        records=[
            (
                message(
                    "google.protobuf.Timestamp ts = 1; google.type.Date dt = 2; google.type.TimeOfDay tm = 3; "
                    "confluent.type.Decimal m = 4 [(confluent.field_meta).params = {key: 'precision' value: '6'}, "
                    "(confluent.field_meta).params = {key: 'scale' value: '2'}]; google.protobuf.Int32Value i = 5; "
                    "google.protobuf.StringValue s = 6; optional int32 o = 7; optional string p = 8; "
                    "google.protobuf.BoolValue b = 9; google.protobuf.DoubleValue d = 10;",
                    head=P3 + IMPORTS + 'import "confluent/meta.proto"; ',
                ),
                value,
            )
            for value in [
                dict(
                    ts="2024-02-29T12:00:00.001Z",
                    dt=dict(year=1969, month=12, day=31),
                    tm=dict(hours=23, minutes=59, seconds=59),
                    m=dict(value="AeI6", precision=6, scale=2),
                    i=0,
                    s="",
                    o=0,
                    p="",
                    b=False,
                    d=1.5,
                ),
                {},
            ]
        ],
        types="`TS` TIMESTAMP, `DT` DATE, `TM` TIME, `M` DECIMAL(6, 2), `I` INTEGER, `S` STRING, `O` INTEGER, `P` STRING, "
        "`B` BOOLEAN, `D` DOUBLE",
        rows=[
            ["2024-02-29T12:00:00.001", "1969-12-31", "23:59:59", 1234.5, 0, "", 0, "", False, 1.5],
            [None, None, None, None, None, None, None, None, None, None],
        ],
    ),
    dict(
        name="protobuf_oneof",
        records=[
            (
                message("int32 a = 1; oneof choice { string s = 2; int64 l = 3; Sub r = 4; } message Sub { int32 x = 1; }"),
                value,
            )
            for value in [dict(a=1, s="t"), dict(a=2, l="9"), dict(a=3, r=dict(x=4)), dict(a=4)]
        ],
        types="`CHOICE_0` STRUCT<`S` STRING, `L` BIGINT, `R` STRUCT<`X` INTEGER>>, `A` INTEGER",
        rows=[
            [{"S": "t", "L": None, "R": None}, 1],
            [{"S": None, "L": 9, "R": None}, 2],
            [{"S": None, "L": None, "R": {"X": 4}}, 3],
            [None, 4],
        ],
    ),
    dict(
        name="protobuf_second_message",
        records=[
            (
                (
                    P3 + "message First { int32 a = 1; message In { bool c = 1; } } message Second { string b = 1; }",
                    "peers.Second",
                ),
                dict(b="x"),
            )
        ],
        with_="value_schema_full_name='peers.Second'",
        types="`B` STRING",
        rows=[["x"]],
    ),
    dict(
        name="protobuf_message_in_a_message",
        records=[
            (
                (
                    P3 + "message First { int32 a = 1; message No { int32 n = 1; } message In { bool c = 1; } }",
                    "peers.First.In",
                ),
                dict(c=True),
            )
        ],
        with_="value_schema_full_name='peers.First.In'",
        types="`C` BOOLEAN",
        rows=[[True]],
    ),
    dict(
        name="protobuf_proto2",
        # A default that was read is written.
        exact=False,
        records=[
            (
                message(
                    "required int32 a = 1; optional string b = 2 [default = 'd']; repeated int32 c = 3 [packed = true]; optional int64 e = 4;",
                    head='syntax = "proto2"; package peers; ',
                ),
                value,
            )
            for value in [dict(a=1, b="x", c=[1, 2], e="5"), dict(a=2)]
        ],
        types="`A` INTEGER, `B` STRING, `C` ARRAY<INTEGER>, `E` BIGINT",
        rows=[[1, "x", [1, 2], 5], [2, "d", [], 0]],
    ),
    dict(
        name="protobuf_imported_message",
        records=[
            (
                message("shop.Place p = 1; repeated shop.Place all = 2;", head=P3 + 'import "shop/place.proto"; '),
                dict(p=dict(city="Bern"), all=[{}]),
            )
        ],
        references={"shop/place.proto": 'syntax = "proto3"; package shop; message Place { string city = 1; }'},
        types="`P` STRUCT<`CITY` STRING>, `ALL` ARRAY<STRUCT<`CITY` STRING>>",
        rows=[[{"CITY": "Bern"}, [{"CITY": ""}]]],
    ),
    dict(
        name="protobuf_keys",
        keys=[(message("int64 a = 1;"), dict(a="5")), (message("int64 a = 1;"), {})],
        records=[(message("int32 v = 1;"), dict(v=10)), (message("int32 v = 1;"), None)],
        types="`A` BIGINT, `V` INTEGER",
        rows=[[5, 10]],
    ),
]

EVOLUTIONS = [
    dict(
        name="protobuf_field_added",
        records=[
            (message("int32 a = 1;"), dict(a=1)),
            (
                message(
                    "int32 a = 1; string b = 2; optional int32 c = 3; repeated int32 d = 4; S s = 5; message S { int32 x = 1; }"
                ),
                dict(a=2, b="x", c=0, d=[1], s={}),
            ),
        ],
        types="`A` INTEGER, `B` STRING, `C` INTEGER, `D` ARRAY<INTEGER>, `S` STRUCT<`X` INTEGER>",
        # The first writer had no such fields.
        rows=[[1, None, None, None, None], [2, "x", 0, [1], {"X": 0}]],
    ),
    dict(
        name="protobuf_field_removed",
        records=[
            (
                message("int32 a = 1; string gone = 2; S s = 3; message S { int32 x = 1; string gone = 2; }"),
                dict(a=1, gone="g", s=dict(x=1, gone="g")),
            ),
            (message("reserved 2; int32 a = 1; S s = 3; message S { int32 x = 1; }"), dict(a=2, s=dict(x=2))),
        ],
        types="`A` INTEGER, `S` STRUCT<`X` INTEGER>",
        rows=[[1, {"X": 1}], [2, {"X": 2}]],
    ),
    dict(
        name="protobuf_types_widened",
        compatibility="NONE",
        records=[
            (
                message("int32 a = 1; uint32 b = 2; float c = 3; bool d = 4; sint32 e = 5;"),
                dict(a=-1, b=4294967295, c=0.5, d=True, e=-3),
            ),
            (
                message("int64 a = 1; uint64 b = 2; double c = 3; int32 d = 4; sint64 e = 5;"),
                dict(a="5", b="6", c=1.5, d=7, e="-8"),
            ),
        ],
        types="`A` BIGINT, `B` BIGINT, `C` DOUBLE, `D` INTEGER, `E` BIGINT",
        # A BOOLEAN is no INTEGER.
        rows=[[5, 6, 1.5, 7, -8]],
    ),
    dict(
        name="protobuf_int32_to_int64",
        records=[
            (message("int32 a = 1; repeated int32 b = 2;"), dict(a=-1, b=[-1, 2])),
            (message("int64 a = 1; repeated int64 b = 2;"), dict(a="1099511627776", b=["3"])),
        ],
        types="`A` BIGINT, `B` ARRAY<BIGINT>",
        rows=[[-1, [-1, 2]], [1099511627776, [3]]],
    ),
    dict(
        name="protobuf_fields_renumbered",
        compatibility="NONE",
        records=[
            (message("int32 a = 1; string b = 2; int32 c = 3;"), dict(a=1, b="x", c=3)),
            (message("string b = 1; int32 c = 2; int32 a = 3;"), dict(a=4, b="y", c=6)),
        ],
        types="`B` STRING, `C` INTEGER, `A` INTEGER",
        rows=[["x", 3, 1], ["y", 6, 4]],
    ),
    dict(
        name="protobuf_field_renamed",
        records=[
            (message("int32 a = 1; int32 old = 2;"), dict(a=1, old=2)),
            (message("int32 a = 1; int32 new = 2;"), dict(a=3, new=4)),
        ],
        types="`A` INTEGER, `NEW` INTEGER",
        # ksqlDB takes fields by their names.
        rows=[[1, None], [3, 4]],
    ),
    dict(
        name="protobuf_enum_value_added",
        records=[
            (message("E e = 1; enum E { A = 0; B = 1; }"), dict(e="B")),
            (message("E e = 1; enum E { A = 0; B = 1; C = 2; }"), dict(e="C")),
        ],
        types="`E` STRING",
        rows=[["B"], ["C"]],
    ),
    dict(
        name="protobuf_another_message_of_the_topic",
        exact=False,
        compatibility="NONE",
        records=[
            ((P3 + "message M { int32 a = 1; } message Other { string o = 1; }", "peers.M"), dict(a=1)),
            ((P3 + "message M { int32 a = 1; } message Other { string o = 1; }", "peers.Other"), dict(o="x")),
        ],
        with_="value_schema_full_name='peers.M'",
        types="`A` INTEGER",
        # Told in the processing log.
        rows=[[1]],
    ),
]
