# Confluent's serializers of the three formats behind one face: `write`, `read`, and `again`, which writes what was read
# with the schema it was written with.
import io
import json
import os
import sys
import tempfile

import fastavro
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.confluent import meta_pb2
from confluent_kafka.schema_registry.confluent.type import decimal_pb2
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2, wrappers_pb2
from google.type import date_pb2, timeofday_pb2
from grpc_tools import protoc

FRAME = 5
META = "confluent/meta.proto"


def context(topic, is_key):
    return SerializationContext(topic, MessageField.KEY if is_key else MessageField.VALUE)


def schema_id(message):
    return int.from_bytes(message[1:FRAME], "big")


def referring(client, language, schema, references):
    """The schema; those it refers to are registered under their names."""
    versions = []
    for name, text in references.items():
        client.register_schema(name, Schema(text, language))
        versions.append(SchemaReference(name, name, client.get_latest_version(name).version))
    return Schema(schema, language, versions)


class Avro:
    def write(self, client, topic, is_key, schema, value, references={}):
        schema = referring(client, "AVRO", json.dumps(schema), references)
        return AvroSerializer(client, schema)(value, context(topic, is_key))

    def read(self, client, topic, is_key, message):
        return AvroDeserializer(client)(message, context(topic, is_key))

    def again(self, client, message, value):
        parsed = fastavro.parse_schema(json.loads(client.get_schema(schema_id(message)).schema_str))
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, value)
        return message[:FRAME] + out.getvalue()


class Json:
    def write(self, client, topic, is_key, schema, value, references={}):
        schema = referring(client, "JSON", json.dumps(schema), references)
        return JSONSerializer(schema, client)(value, context(topic, is_key))

    def read(self, client, topic, is_key, message):
        schema = client.get_schema(schema_id(message))
        return JSONDeserializer(schema, schema_registry_client=client)(message, context(topic, is_key))

    def again(self, client, message, value):
        # Texts of JSON are many: Python's has spaces, and numbers and letters in ways of its own.
        return message


class Protobuf:
    """A schema is a text and the name of a message of it; a value is JSON as Protobuf maps it."""

    def write(self, client, topic, is_key, schema, value, references={}):
        text, name = schema
        message = message_class(text, name, references)
        serializer = ProtobufSerializer(message, client, {"use.deprecated.format": False})
        return serializer(json_format.ParseDict(value, message()), context(topic, is_key))

    def read(self, client, topic, is_key, message):
        registered = client.get_schema(schema_id(message))
        return json_format.MessageToDict(self.parsed(client, registered, message), preserving_proto_field_name=True)

    def again(self, client, message, value):
        registered = client.get_schema(schema_id(message))
        again = self.parsed(client, registered, message).SerializeToString(deterministic=True)
        return message[: FRAME + 1] + again

    def parsed(self, client, registered, message):
        """The first message of the schema, as Confluent's deserializer reads it."""
        references = {}
        for reference in registered.references or []:
            references[reference.name] = client.get_version(reference.subject, reference.version).schema.schema_str
        kind = message_class(registered.schema_str, None, references)
        # With a client, which knows no text yet, it asks for the descriptor that the registry makes of the schema.
        fresh = SchemaRegistryClient({"url": sys.argv[1]})
        return ProtobufDeserializer(kind, {"use.deprecated.format": False}, fresh)(message, None)


def message_class(text, name, references):
    """The class of a message, compiled by Google's compiler; without a name the first one."""
    with tempfile.TemporaryDirectory() as folder:
        if "(confluent.field_meta)" in text and META not in text:
            # ksqlDB's schemas, and so ours, use this option without its import.
            text = text.replace(";", f'; import "{META}";', 1)
        for path, source in {"schema.proto": text, **references}.items():
            os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(folder, path), "w") as file:
                file.write(source)
        known, out = os.path.join(folder, "known"), os.path.join(folder, "out")
        with open(known, "wb") as file:
            file.write(well_known().SerializeToString())
        arguments = ["protoc", f"-I{folder}", f"--descriptor_set_in={known}", "--include_imports"]
        assert protoc.main([*arguments, f"--descriptor_set_out={out}", "schema.proto"]) == 0, text
        with open(out, "rb") as file:
            compiled = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in compiled.file:
        pool.Add(file)
    file = pool.FindFileByName("schema.proto")
    found = pool.FindMessageTypeByName(name) if name else next(iter(file.message_types_by_name.values()))
    return message_factory.GetMessageClass(found)


def well_known():
    """Descriptors of what schemas import from others' files."""
    known, seen = descriptor_pb2.FileDescriptorSet(), set()

    def add(file):
        for other in file.dependencies:
            add(other)
        if file.name not in seen:
            seen.add(file.name)
            file.CopyToProto(known.file.add())

    for module in [meta_pb2, decimal_pb2, date_pb2, timeofday_pb2, timestamp_pb2, wrappers_pb2]:
        add(module.DESCRIPTOR)
    return known


PEERS = {"AVRO": Avro(), "PROTOBUF": Protobuf(), "JSON_SR": Json()}
