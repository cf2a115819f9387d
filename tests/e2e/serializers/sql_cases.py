# What we write: a column of each SQL type, and what Confluent's deserializers make of it. (type, literal, Avro, Protobuf, JSON)
from datetime import date, datetime, time, timezone
from decimal import Decimal

MOMENT = datetime(2024, 2, 29, 12, 0, 0, 1000, timezone.utc)

COLUMNS = [
    ("BOOLEAN", "true", True, True, True),
    ("INT", "-2147483648", -(2**31), -(2**31), -(2**31)),
    ("BIGINT", "9223372036854775807", 2**63 - 1, str(2**63 - 1), 2**63 - 1),
    ("DOUBLE", "-1E300", -1e300, -1e300, -1e300),
    ("STRING", "'Größe 😀 \"\\'", 'Größe 😀 "\\', 'Größe 😀 "\\', 'Größe 😀 "\\'),
    ("BYTES", "TO_BYTES('00ff','hex')", b"\x00\xff", "AP8=", "AP8="),
    ("DECIMAL(6, 2)", "1234.50", Decimal("1234.50"), {"value": "AeI6", "precision": 6, "scale": 2}, 1234.5),
    (
        "DECIMAL(38, 0)",
        "CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))",
        Decimal("9" * 38),
        {"value": "SztMqFqGxHoJiiI//////w==", "precision": 38},
        10**38 - 1,
    ),
    ("DATE", "'1969-12-31'", date(1969, 12, 31), {"year": 1969, "month": 12, "day": 31}, -1),
    (
        "TIME",
        "'23:59:59.999'",
        time(23, 59, 59, 999000),
        {"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999000000},
        86399999,
    ),
    ("TIMESTAMP", "'2024-02-29T12:00:00.001'", MOMENT, "2024-02-29T12:00:00.001Z", 1709208000001),
    ("ARRAY<INT>", "ARRAY[1, 300]", [1, 300], [1, 300], [1, 300]),
    (
        "MAP<STRING, BIGINT>",
        "MAP('a' := 1)",
        [{"key": "a", "value": 1}],
        [{"key": "a", "value": "1"}],
        [{"key": "a", "value": 1}],
    ),
    ("STRUCT<x INT, y STRING>", "STRUCT(x := 5, y := 'w')", {"X": 5, "Y": "w"}, {"X": 5, "Y": "w"}, {"X": 5, "Y": "w"}),
    (
        "ARRAY<STRUCT<m MAP<STRING, ARRAY<INT>>>>",
        "ARRAY[STRUCT(m := MAP('k' := ARRAY[1]))]",
        [{"M": [{"key": "k", "value": [1]}]}],
        [{"M": [{"key": "k", "value": [1]}]}],
        [{"M": [{"key": "k", "value": [1]}]}],
    ),
    (
        "ARRAY<DECIMAL(4, 1)>",
        "ARRAY[CAST(150.5 AS DECIMAL(4, 1))]",
        [Decimal("150.5")],
        [{"value": "BeE=", "precision": 4, "scale": 1}],
        [150.5],
    ),
    (
        "ARRAY<TIMESTAMP>",
        "ARRAY[PARSE_TIMESTAMP('2024-02-29T12:00:00.001', 'yyyy-MM-dd''T''HH:mm:ss.SSS')]",
        [MOMENT],
        ["2024-02-29T12:00:00.001Z"],
        [1709208000001],
    ),
    (
        "STRUCT<d DATE, t TIME>",
        "STRUCT(d := PARSE_DATE('2024-02-29', 'yyyy-MM-dd'), t := PARSE_TIME('00:00:01', 'HH:mm:ss'))",
        {"D": date(2024, 2, 29), "T": time(0, 0, 1)},
        {"D": {"year": 2024, "month": 2, "day": 29}, "T": {"seconds": 1}},
        {"D": 19782, "T": 1000},
    ),
]

FORMATS = {"AVRO": 2, "PROTOBUF": 3, "JSON_SR": 4}

# Formats, with the ways of Protobuf to say NULL.
WAYS = [
    ("AVRO", ""),
    ("JSON_SR", ""),
    ("PROTOBUF", ""),
    ("PROTOBUF", "value_protobuf_nullable_representation='OPTIONAL'"),
    ("PROTOBUF", "value_protobuf_nullable_representation='WRAPPER'"),
]

# A schema of a STRING key K, and its value.
KEYS = {
    "AVRO": ({"type": "string"}, "a"),
    "JSON_SR": ({"type": "string"}, "a"),
    "PROTOBUF": (('syntax = "proto3"; message ConnectDefault1 { string K = 1; }', "ConnectDefault1"), {"K": "a"}),
}
