# What Confluent's JSONSerializer writes, and the rows that are to be read of it.
def schema(_required=(), **properties):
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "R",
        "type": "object",
        "properties": {
            name: {"connect.index": i, **(kind if isinstance(kind, dict) else {"type": kind})}
            for i, (name, kind) in enumerate(properties.items())
        },
        **({"required": list(_required)} if _required else {}),
    }


def optional(kind):
    return {"oneOf": [{"type": "null"}, kind if isinstance(kind, dict) else {"type": kind}]}


def connect(kind, name, **parameters):
    titled = {"type": kind, "title": f"org.apache.kafka.connect.data.{name}", "connect.version": 1}
    return titled | ({"connect.parameters": parameters} if parameters else {})


CASES = [
    dict(
        name="json_types",
        records=[
            (
                schema(
                    b="boolean",
                    i={"type": "integer", "connect.type": "int32"},
                    l="integer",
                    d="number",
                    s="string",
                    e={"enum": ["RED", "GREEN"]},
                    y={"type": "string", "connect.type": "bytes"},
                    a={"type": "array", "items": {"type": "integer"}},
                    p={"type": "object", "connect.type": "map", "additionalProperties": {"type": "number"}},
                    r={
                        "type": "object",
                        "properties": {"x": {"type": "integer"}, "y": {"type": "array", "items": {"type": "string"}}},
                    },
                ),
                value,
            )
            for value in [
                dict(
                    b=True,
                    i=-(2**31),
                    l=2**63 - 1,
                    d=-0.1,
                    s='Größe 😀 "\\\n',
                    e="GREEN",
                    y="AP8=",
                    a=[1, 2],
                    p={"k": 1.5},
                    r=dict(x=1, y=["z"]),
                ),
                {},
            ]
        ],
        types="`B` BOOLEAN, `I` INTEGER, `L` BIGINT, `D` DOUBLE, `S` STRING, `E` STRING, `Y` BYTES, `A` ARRAY<BIGINT>, "
        "`P` MAP<STRING, DOUBLE>, `R` STRUCT<`X` BIGINT, `Y` ARRAY<STRING>>",
        rows=[
            [
                True,
                -2147483648,
                9223372036854775807,
                -0.1,
                'Größe 😀 "\\\n',
                "GREEN",
                "AP8=",
                [1, 2],
                {"k": 1.5},
                {"X": 1, "Y": ["z"]},
            ],
            [None] * 10,
        ],
    ),
    dict(
        name="json_logical_types",
        records=[
            (
                schema(
                    m=connect("number", "Decimal", scale="2", **{"connect.decimal.precision": "6"})
                    | {"connect.type": "bytes"},
                    dt=connect("integer", "Date") | {"connect.type": "int32"},
                    tm=connect("integer", "Time") | {"connect.type": "int32"},
                    ts=connect("integer", "Timestamp") | {"connect.type": "int64"},
                ),
                dict(m=-1234.5, dt=-1, tm=86399999, ts=1709208000001),
            )
        ],
        types="`M` DECIMAL(6, 2), `DT` DATE, `TM` TIME, `TS` TIMESTAMP",
        rows=[[-1234.5, "1969-12-31", "23:59:59", "2024-02-29T12:00:00.001"]],
    ),
    dict(
        name="json_nullable",
        records=[
            (
                schema(
                    i=optional("integer"),
                    s={"type": ["string", "null"]},
                    a=optional({"type": "array", "items": optional("number")}),
                    r=optional({"type": "object", "properties": {"x": optional("boolean")}}),
                ),
                value,
            )
            for value in [dict(i=1, s="t", a=[None, 2.0], r=dict(x=None)), dict(i=None, s=None, a=None, r=None), {}]
        ],
        types="`I` BIGINT, `S` STRING, `A` ARRAY<DOUBLE>, `R` STRUCT<`X` BOOLEAN>",
        rows=[[1, "t", [None, 2.0], {"X": None}], [None] * 4, [None] * 4],
    ),
    dict(
        name="json_references",
        records=[
            (
                schema(p={"$ref": "place.json"}, q={"$ref": "#/definitions/Q"})
                | {"definitions": {"Q": {"type": "array", "items": {"type": "integer"}}}},
                dict(p=dict(city="Bern"), q=[1]),
            )
        ],
        references={"place.json": '{"$id":"place.json","type":"object","properties":{"city":{"type":"string"}}}'},
        types="`P` STRUCT<`CITY` STRING>, `Q` ARRAY<BIGINT>",
        rows=[[{"CITY": "Bern"}, [1]]],
    ),
    dict(
        name="json_keys",
        keys=[(schema(a="integer", b="string"), dict(a=1, b="x"))],
        records=[(schema(v="integer"), dict(v=10))],
        types="`ROWKEY` STRUCT<`A` BIGINT, `B` STRING>, `V` BIGINT",
        rows=[[{"A": 1, "B": "x"}, 10]],
    ),
    dict(
        name="json_bare_value",
        records=[({"type": "string"}, "a"), ({"type": "string"}, "")],
        with_="wrap_single_value=false",
        types="`ROWVAL` STRING",
        rows=[["a"], [""]],
    ),
]

EVOLUTIONS = [
    dict(
        name="json_optional_added",
        compatibility="NONE",
        records=[
            (schema(a="integer"), dict(a=1)),
            (
                schema(a="integer", b="string", c=optional({"type": "array", "items": {"type": "number"}})),
                dict(a=2, b="x", c=[0.5]),
            ),
        ],
        types="`A` BIGINT, `B` STRING, `C` ARRAY<DOUBLE>",
        rows=[[1, None, None], [2, "x", [0.5]]],
    ),
    dict(
        name="json_removed",
        records=[(schema(a="integer", b="string"), dict(a=1, b="x")), (schema(a="integer"), dict(a=2))],
        types="`A` BIGINT",
        rows=[[1], [2]],
    ),
    dict(
        name="json_integer_to_number",
        records=[(schema(a="integer"), dict(a=1)), (schema(a="number"), dict(a=0.5))],
        types="`A` DOUBLE",
        rows=[[1.0], [0.5]],
    ),
]
