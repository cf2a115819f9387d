# What Confluent's AvroSerializer writes, and the rows that are to be read of it.
from datetime import date, datetime, time, timezone
from decimal import Decimal
from uuid import UUID


class More(dict):
    """A field with more than its type."""


def record(_name="R", **fields):
    entries = [{"name": name, **(field if isinstance(field, More) else {"type": field})} for name, field in fields.items()]
    return {"type": "record", "name": _name, "namespace": "peers", "fields": entries}


def more(kind, **attributes):
    return More(type=kind, **attributes)


def optional(kind):
    return more(["null", kind], default=None)


def logical(kind, logical_type, **attributes):
    return {"type": kind, "logicalType": logical_type, **attributes}


COLOURS = {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN"]}
PLACE = record("Place", city="string", at=optional({"type": "array", "items": "double"}))

CASES = [
    dict(
        name="avro_primitives",
        records=[
            (record(b="boolean", i="int", l="long", f="float", d="double", y="bytes", s="string"), value)
            for value in [
                dict(b=True, i=-(2**31), l=2**63 - 1, f=0.5, d=-1e300, y=b"\x00\xff", s="Größe 😀"),
                dict(b=False, i=2**31 - 1, l=-(2**63), f=-2.0, d=0.1, y=b"", s=""),
            ]
        ],
        types="`B` BOOLEAN, `I` INTEGER, `L` BIGINT, `F` DOUBLE, `D` DOUBLE, `Y` BYTES, `S` STRING",
        rows=[
            [True, -2147483648, 9223372036854775807, 0.5, -1e300, "AP8=", "Größe 😀"],
            [False, 2147483647, -9223372036854775808, -2.0, 0.1, "", ""],
        ],
    ),
    dict(
        name="avro_logical_types",
        records=[
            (
                record(
                    m=logical("bytes", "decimal", precision=6, scale=2),
                    mf=logical("fixed", "decimal", name="F5", size=5, precision=10, scale=3),
                    big=logical("bytes", "decimal", precision=38, scale=10),
                    dt=logical("int", "date"),
                    tm=logical("int", "time-millis"),
                    ts=logical("long", "timestamp-millis"),
                    tmu=logical("long", "time-micros"),
                    tsu=logical("long", "timestamp-micros"),
                    u=logical("string", "uuid"),
                ),
                dict(
                    m=Decimal("-1234.50"),
                    mf=Decimal("1234567.891"),
                    big=Decimal("1234567890123456789012345678.0123456789"),
                    dt=date(1969, 12, 31),
                    tm=time(23, 59, 59, 999000),
                    ts=datetime(2024, 2, 29, 12, 0, 0, 1000, timezone.utc),
                    tmu=time(0, 0, 1, 1),
                    tsu=datetime(1970, 1, 1, 0, 0, 1, 1, timezone.utc),
                    u=UUID("12345678-1234-5678-1234-567812345678"),
                ),
            )
        ],
        types="`M` DECIMAL(6, 2), `MF` DECIMAL(10, 3), `BIG` DECIMAL(38, 10), `DT` DATE, `TM` TIME, `TS` TIMESTAMP, "
        "`TMU` BIGINT, `TSU` BIGINT, `U` STRING",
        rows=[
            [
                -1234.5,
                1234567.891,
                "1234567890123456789012345678.0123456789",
                "1969-12-31",
                "23:59:59",
                "2024-02-29T12:00:00.001",
                1000001,
                1000001,
                "12345678-1234-5678-1234-567812345678",
            ]
        ],
    ),
    dict(
        name="avro_nullable",
        records=[
            (
                record(
                    i=optional("int"),
                    s=more(["string", "null"], default="x"),
                    m=optional(logical("bytes", "decimal", precision=4, scale=1)),
                    e=optional(COLOURS),
                    a=optional({"type": "array", "items": ["null", "int"]}),
                    p=optional({"type": "map", "values": ["null", "string"]}),
                    r=optional(PLACE),
                ),
                value,
            )
            for value in [
                dict(
                    i=1, s="t", m=Decimal("99.9"), e="GREEN", a=[1, None], p={"k": None}, r=dict(city="Bern", at=[46.9, 7.4])
                ),
                dict(i=None, s=None, m=None, e=None, a=None, p=None, r=None),
                dict(i=0, s="", m=Decimal(0), e="RED", a=[], p={}, r=dict(city="", at=None)),
            ]
        ],
        types="`I` INTEGER, `S` STRING, `M` DECIMAL(4, 1), `E` STRING, `A` ARRAY<INTEGER>, `P` MAP<STRING, STRING>, "
        "`R` STRUCT<`CITY` STRING, `AT` ARRAY<DOUBLE>>",
        rows=[
            [1, "t", 99.9, "GREEN", [1, None], {"k": None}, {"CITY": "Bern", "AT": [46.9, 7.4]}],
            [None] * 7,
            [0, "", 0.0, "RED", [], {}, {"CITY": "", "AT": None}],
        ],
    ),
    dict(
        name="avro_nested",
        records=[
            (
                record(
                    aa={"type": "array", "items": {"type": "array", "items": "long"}},
                    am={"type": "array", "items": {"type": "map", "values": PLACE}},
                    ma={"type": "map", "values": {"type": "array", "items": "peers.Place"}},
                    rr=record("Outer", inner=record("Inner", e=COLOURS, x={"type": "fixed", "name": "X", "size": 3})),
                ),
                dict(
                    aa=[[1, 2], [], [3]],
                    am=[{"home": dict(city="Bern", at=[1.5])}],
                    ma={"all": [dict(city="Basel", at=None), dict(city="Genf", at=[])]},
                    rr=dict(inner=dict(e="RED", x=b"abc")),
                ),
            )
        ],
        types="`AA` ARRAY<ARRAY<BIGINT>>, `AM` ARRAY<MAP<STRING, STRUCT<`CITY` STRING, `AT` ARRAY<DOUBLE>>>>, "
        "`MA` MAP<STRING, ARRAY<STRUCT<`CITY` STRING, `AT` ARRAY<DOUBLE>>>>, "
        "`RR` STRUCT<`INNER` STRUCT<`E` STRING, `X` BYTES>>",
        rows=[
            [
                [[1, 2], [], [3]],
                [{"home": {"CITY": "Bern", "AT": [1.5]}}],
                {"all": [{"CITY": "Basel", "AT": None}, {"CITY": "Genf", "AT": []}]},
                {"INNER": {"E": "RED", "X": "YWJj"}},
            ]
        ],
    ),
    dict(
        name="avro_union_of_several",
        records=[(record(u=["null", "int", "string", "boolean"]), dict(u=value)) for value in [1, "one", None, True]],
        types="`U` STRUCT<`INT` INTEGER, `STRING` STRING, `BOOLEAN` BOOLEAN>",
        rows=[
            [{"INT": 1, "STRING": None, "BOOLEAN": None}],
            [{"INT": None, "STRING": "one", "BOOLEAN": None}],
            [None],
            [{"INT": None, "STRING": None, "BOOLEAN": True}],
        ],
    ),
    dict(
        name="avro_connects_map",
        records=[
            (
                record(
                    p={
                        "type": "array",
                        "items": {
                            "type": "record",
                            "name": "MapEntry",
                            "namespace": "io.confluent.connect.avro",
                            "connect.internal.type": "MapEntry",
                            "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": "string"}],
                        },
                    }
                ),
                dict(p=[dict(key=1, value="one"), dict(key=2, value="two")]),
            )
        ],
        types="`P` MAP<STRING, STRING>",
        rows=[[{"1": "one", "2": "two"}]],
        # A MAP has texts as keys.
        exact=False,
    ),
    dict(
        name="avro_references",
        records=[
            (
                record(p="peers.Place", all={"type": "array", "items": "peers.Place"}),
                dict(p=dict(city="Bern", at=None), all=[]),
            )
        ],
        references={
            "peers.Place": '{"type":"record","name":"Place","namespace":"peers","fields":[{"name":"city","type":"string"},'
            '{"name":"at","type":["null",{"type":"array","items":"double"}],"default":null}]}'
        },
        types="`P` STRUCT<`CITY` STRING, `AT` ARRAY<DOUBLE>>, `ALL` ARRAY<STRUCT<`CITY` STRING, `AT` ARRAY<DOUBLE>>>",
        rows=[[{"CITY": "Bern", "AT": None}, []]],
    ),
    dict(
        name="avro_bare_value",
        records=[({"type": "long"}, 7), ({"type": "long"}, -1), ({"type": "long"}, None)],
        with_="wrap_single_value=false",
        types="`ROWVAL` BIGINT",
        rows=[[7], [-1]],
    ),
    dict(
        name="avro_bare_bytes",
        keys=[({"type": "bytes"}, b"\x00\xff"), ({"type": "bytes"}, b"")],
        records=[({"type": "bytes"}, b"\xff\x00"), ({"type": "bytes"}, b"")],
        with_="wrap_single_value=false",
        types="`ROWKEY` BYTES, `ROWVAL` BYTES",
        rows=[["AP8=", "/wA="], ["", ""]],
    ),
    dict(
        name="avro_key_of_fields",
        keys=[
            (record(a="int", b=optional("string")), dict(a=1, b="x")),
            (record(a="int", b=optional("string")), dict(a=2, b=None)),
        ],
        records=[(record(v="int"), dict(v=10)), (record(v="int"), None)],
        types="`ROWKEY` STRUCT<`A` INTEGER, `B` STRING>, `V` INTEGER",
        rows=[[{"A": 1, "B": "x"}, 10]],
    ),
    dict(
        name="avro_bare_keys",
        keys=[({"type": "string"}, "a"), ({"type": "string"}, "b")],
        records=[(record(v="int"), dict(v=10)), (record(v="int"), dict(v=20))],
        types="`ROWKEY` STRING, `V` INTEGER",
        rows=[["a", 10], ["b", 20]],
    ),
]


ADDED = record(
    a="int",
    b=more("string", default="new"),
    c=more({"type": "array", "items": "int"}, default=[1, 2]),
    d=more({"type": "map", "values": "long"}, default={"k": 5}),
    e=more(COLOURS, default="GREEN"),
    f=optional("double"),
    g=more(record("G", x="int", y=more("boolean", default=True)), default={"x": 3}),
    h=more(logical("bytes", "decimal", precision=4, scale=2), default="\u0001\u0000"),
    i=more(logical("int", "date"), default=1),
)

EVOLUTIONS = [
    dict(
        name="avro_field_added_with_default",
        records=[
            (record(a="int"), dict(a=1)),
            (
                ADDED,
                dict(a=2, b="x", c=[], d={}, e="RED", f=0.5, g=dict(x=0, y=False), h=Decimal("1.00"), i=date(1970, 1, 3)),
            ),
        ],
        types="`A` INTEGER, `B` STRING, `C` ARRAY<INTEGER>, `D` MAP<STRING, BIGINT>, `E` STRING, `F` DOUBLE, "
        "`G` STRUCT<`X` INTEGER, `Y` BOOLEAN>, `H` DECIMAL(4, 2), `I` DATE",
        rows=[
            [1, "new", [1, 2], {"k": 5}, "GREEN", None, {"X": 3, "Y": True}, 2.56, "1970-01-02"],
            [2, "x", [], {}, "RED", 0.5, {"X": 0, "Y": False}, 1.0, "1970-01-03"],
        ],
    ),
    dict(
        name="avro_field_removed",
        records=[
            (
                record(a="int", gone={"type": "array", "items": PLACE}, b="string"),
                dict(a=1, gone=[dict(city="x", at=[1.0])], b="y"),
            ),
            (record(a="int", b="string"), dict(a=2, b="z")),
        ],
        types="`A` INTEGER, `B` STRING",
        rows=[[1, "y"], [2, "z"]],
    ),
    dict(
        name="avro_promotions",
        records=[
            (
                record(a="int", b="int", c="int", d="long", e="float", f="string", g="bytes"),
                dict(a=-1, b=2, c=3, d=4, e=0.25, f="é", g=b"z"),
            ),
            (
                record(a="long", b="double", c="float", d="double", e="double", f="bytes", g="string"),
                dict(a=2**40, b=0.5, c=1.5, d=2.5, e=3.5, f=b"\xff", g="w"),
            ),
        ],
        types="`A` BIGINT, `B` DOUBLE, `C` DOUBLE, `D` DOUBLE, `E` DOUBLE, `F` BYTES, `G` STRING",
        rows=[[-1, 2.0, 3.0, 4.0, 0.25, "w6k=", "z"], [1099511627776, 0.5, 1.5, 2.5, 3.5, "/w==", "w"]],
    ),
    dict(
        name="avro_union_widened",
        records=[
            (record(a="int", b=["null", "int"]), dict(a=1, b=2)),
            (record(a=["null", "int"], b=["null", "long"]), dict(a=None, b=2**40)),
        ],
        types="`A` INTEGER, `B` BIGINT",
        rows=[[1, 2], [None, 1099511627776]],
    ),
    dict(
        name="avro_union_with_one_more_type",
        records=[
            (record(a=["null", "int", "string"]), dict(a=1)),
            (record(a=["null", "int", "string", "double"]), dict(a=0.5)),
        ],
        types="`A` STRUCT<`INT` INTEGER, `STRING` STRING, `DOUBLE` DOUBLE>",
        rows=[[{"INT": 1, "STRING": None, "DOUBLE": None}], [{"INT": None, "STRING": None, "DOUBLE": 0.5}]],
    ),
    dict(
        name="avro_alias",
        records=[
            (record(old="int", r=record("Sub", was="string")), dict(old=1, r=dict(was="x"))),
            (
                record(new=more("int", aliases=["old"]), r=record("Sub", now=more("string", aliases=["was"]))),
                dict(new=2, r=dict(now="y")),
            ),
        ],
        types="`NEW` INTEGER, `R` STRUCT<`NOW` STRING>",
        rows=[[1, {"NOW": "x"}], [2, {"NOW": "y"}]],
    ),
    dict(
        name="avro_enum_symbol_added",
        records=[
            (record(e=COLOURS), dict(e="GREEN")),
            (record(e={**COLOURS, "symbols": ["BLUE", "GREEN", "RED"]}), dict(e="BLUE")),
            (record(e=COLOURS), dict(e="RED")),
        ],
        types="`E` STRING",
        rows=[["GREEN"], ["BLUE"], ["RED"]],
    ),
    dict(
        name="avro_fields_in_another_order",
        records=[
            (record(a="int", b="string", c="boolean"), dict(a=1, b="x", c=True)),
            (record(c="boolean", a="int", b="string"), dict(a=2, b="y", c=False)),
        ],
        types="`C` BOOLEAN, `A` INTEGER, `B` STRING",
        rows=[[True, 1, "x"], [False, 2, "y"]],
    ),
    dict(
        name="avro_nested_field_added",
        records=[
            (
                record(r=record("Sub", x="int"), a={"type": "array", "items": record("Item", x="int")}),
                dict(r=dict(x=1), a=[dict(x=1)]),
            ),
            (
                record(
                    r=record("Sub", x="long", y=more("string", default="d")),
                    a={"type": "array", "items": record("Item", x="int", y=more("int", default=7))},
                ),
                dict(r=dict(x=2, y="e"), a=[dict(x=2, y=3)]),
            ),
        ],
        types="`R` STRUCT<`X` BIGINT, `Y` STRING>, `A` ARRAY<STRUCT<`X` INTEGER, `Y` INTEGER>>",
        rows=[[{"X": 1, "Y": "d"}, [{"X": 1, "Y": 7}]], [{"X": 2, "Y": "e"}, [{"X": 2, "Y": 3}]]],
    ),
    dict(
        name="avro_became_another_type",
        compatibility="NONE",
        records=[
            (record(a="string", b="int"), dict(a="x", b=1)),
            (record(a="int", b="int"), dict(a=2, b=2)),
        ],
        # A text is no INTEGER: that record is told in the processing log and costs itself.
        types="`A` INTEGER, `B` INTEGER",
        rows=[[2, 2]],
    ),
]
