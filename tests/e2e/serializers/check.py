# What Confluent's serializers write we read, and what we write they read, byte for byte: by tables, on the log of the server at
# argv[1], or on the broker at argv[2].
import sys

from avro_cases import CASES as AVRO, EVOLUTIONS as AVRO_EVOLUTIONS
from confluent_kafka.schema_registry import SchemaRegistryClient
from json_cases import CASES as JSON, EVOLUTIONS as JSON_EVOLUTIONS
from logs import Embedded, Kafka, Server
from peers import PEERS, schema_id
from protobuf_cases import CASES as PROTOBUF, EVOLUTIONS as PROTOBUF_EVOLUTIONS
from sql_cases import COLUMNS, FORMATS, KEYS, WAYS

failures = []


def equal(what, seen, expected):
    if seen != expected:
        failures.append(f"{what}:\n  saw      {seen}\n  expected {expected}")


class Check:
    def __init__(self, server, log):
        self.server, self.log = server, log
        self.registry = SchemaRegistryClient({"url": server.url})

    def theirs(self, case, form):
        """A case of what they write: we read it, and write it as they did."""
        name, peer = case["name"], PEERS[form]
        self.log.create(name)
        if "compatibility" in case:
            for half in ["key", "value"]:
                self.registry.set_compatibility(subject_name=f"{name}-{half}", level=case["compatibility"])
        references = case.get("references", {})

        def write(part, is_key):
            return None if part[1] is None else peer.write(self.registry, name, is_key, *part, references)

        values = [write(value, False) for value in case["records"]]
        keys = [write(key, True) for key in case["keys"]] if "keys" in case else [None] * len(values)
        self.log.put(name, list(zip(keys, values)))
        properties = [f"kafka_topic='{name}'", f"value_format='{form}'", case.get("with_", "")]
        if "keys" in case:
            properties.append(f"key_format='{form}'")
        self.server.run(f"CREATE STREAM {name} WITH ({', '.join(filter(None, properties))});")
        types, rows = self.server.rows(f"SELECT * FROM {name};")
        equal(f"{name}, types", types, case["types"])
        equal(f"{name}, rows", rows, case["rows"])
        schemas = {schema_id(value) for value in values if value is not None}
        if len(schemas) == 1 and case.get("exact", form != "JSON_SR"):
            self.copied(case, form, schemas.pop(), [value for value in values if value is not None])

    def copied(self, case, form, schema, values):
        """With their schema, our bytes are theirs."""
        name = case["name"]
        properties = [f"value_format='{form}'", f"value_schema_id={schema}", case.get("with_", "")]
        if "keys" in case:
            properties.append(f"key_format='{form}'")
        properties = ", ".join(filter(None, properties))
        # Columns of a schema by its number keep the case of its names.
        self.server.run(f"CREATE STREAM {name}_same WITH (kafka_topic='{name}', {properties});")
        self.server.run(
            f"CREATE STREAM {name}_copy WITH (kafka_topic='{name}_copy', {properties}) AS SELECT * FROM {name}_same;"
        )
        seen = [value.hex() for _, value in self.log.get(f"{name}_copy", len(values))]
        equal(f"{name}, bytes", seen, [value.hex() for value in values])

    def ours(self, number, form, with_):
        """Rows of all types: they read them, and write the same bytes."""
        name, peer = f"ours_{number}", PEERS[form]
        columns = ", ".join(f"c{i} {column[0]}" for i, column in enumerate(COLUMNS))
        properties = ", ".join(filter(None, [f"kafka_topic='{name}'", f"format='{form}'", "partitions=1", with_]))
        self.server.run(f"CREATE STREAM {name} (k STRING KEY, {columns}) WITH ({properties});")
        self.server.run(f"INSERT INTO {name} VALUES ('all', {', '.join(column[1] for column in COLUMNS)});")
        self.server.run(f"INSERT INTO {name} (k, c1) VALUES ('few', 1);")
        (key, full), (_, empty) = self.log.get(name, 2)
        at = FORMATS[form]
        equal(
            f"{name} {form}, key", peer.read(self.registry, name, True, key), {"K": "all"} if form == "PROTOBUF" else "all"
        )
        value = peer.read(self.registry, name, False, full)
        for i, column in enumerate(COLUMNS):
            equal(f"{name} {form} {with_}, {column[0]}", value.get(f"C{i}"), column[at])
        equal(f"{name} {form} {with_}, bytes", peer.again(self.registry, full, value).hex(), full.hex())
        nulls = peer.read(self.registry, name, False, empty)
        equal(f"{name} {form} {with_}, NULLs", {name: kept for name, kept in nulls.items() if kept is not None}, {"C1": 1})

    def windowed(self, form):
        """Keys of windows: a key as it is without a window, and eight bytes of when that starts."""
        peer, name = PEERS[form], f"windowed_{form}"
        schema, key = KEYS[form]
        self.server.run(
            f"CREATE STREAM {name}_in (k STRING KEY, v INT) WITH (kafka_topic='{name}_in', format='JSON', partitions=1);"
        )
        self.server.run(f"INSERT INTO {name}_in (ROWTIME, k, v) VALUES (25000, 'a', 1);")
        self.server.run(
            f"CREATE TABLE {name} WITH (kafka_topic='{name}', format='{form}') AS "
            f"SELECT k, COUNT(*) AS n FROM {name}_in WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;"
        )
        written = self.log.get(name, 1)[0][0]
        equal(f"{name}, key", peer.read(self.registry, name, True, written[:-8]), key)
        equal(f"{name}, window", int.from_bytes(written[-8:], "big"), 20000)
        self.log.create(f"{name}_theirs")
        theirs = peer.write(self.registry, f"{name}_theirs", True, schema, key) + (30000).to_bytes(8, "big")
        self.log.put(f"{name}_theirs", [(theirs, b'{"V":5}')])
        self.server.run(
            f"CREATE STREAM {name}_theirs (k STRING KEY, v INT) WITH (kafka_topic='{name}_theirs', key_format='{form}', "
            "value_format='JSON', window_type='TUMBLING', window_size='10 SECONDS');"
        )
        rows = self.server.rows(f"SELECT k, windowstart, windowend, v FROM {name}_theirs;")[1]
        equal(f"{name}, rows", rows, [["a", 30000, 40000, 5]])


def main():
    server = Server(sys.argv[1])
    log = Kafka(server, sys.argv[2]) if len(sys.argv) > 2 else Embedded(server)
    check = Check(server, log)
    done = 0
    for form, cases in [
        ("AVRO", AVRO + AVRO_EVOLUTIONS),
        ("PROTOBUF", PROTOBUF + PROTOBUF_EVOLUTIONS),
        ("JSON_SR", JSON + JSON_EVOLUTIONS),
    ]:
        for case in cases:
            attempt(case["name"], lambda: check.theirs(case, form))
            done += 1
    for number, (form, with_) in enumerate(WAYS):
        attempt(f"ours {form} {with_}", lambda: check.ours(number, form, with_))
    for form in PEERS:
        attempt(f"windowed {form}", lambda: check.windowed(form))
    done += len(WAYS) + len(PEERS)
    for failure in failures:
        print(failure)
    print(f"{done} cases on {log.name}")
    print("failed" if failures else "done")


def attempt(name, check):
    try:
        check()
    except Exception as error:
        failures.append(f"{name}: {type(error).__name__}: {error}")


main()
