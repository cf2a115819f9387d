# Confluent's own serializers register with the registry at argv[1], write, and read what they wrote, also by a client
# that knows nothing yet.
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.timestamp_pb2 import Timestamp


def client():
    return SchemaRegistryClient({"url": sys.argv[1]})


def context(topic):
    return SerializationContext(topic, MessageField.VALUE)


avro = '{"type":"record","name":"R","fields":[{"name":"A","type":"int"}]}'
bytes_ = AvroSerializer(client(), avro)({"A": 5}, context("avro"))
assert AvroDeserializer(client())(bytes_, context("avro")) == {"A": 5}

json_schema = '{"$schema":"http://json-schema.org/draft-07/schema#","title":"T","type":"object","properties":{"A":{"type":"integer"}}}'
bytes_ = JSONSerializer(json_schema, client())({"A": 5}, context("json"))
assert JSONDeserializer(json_schema, schema_registry_client=client())(bytes_, context("json")) == {"A": 5}

config = {"use.deprecated.format": False}
bytes_ = ProtobufSerializer(Timestamp, client(), config)(Timestamp(seconds=7), context("proto"))
assert ProtobufDeserializer(Timestamp, config)(bytes_, context("proto")).seconds == 7
# It sends a descriptor; what is kept is a text.
text = client().get_latest_version("proto-value").schema.schema_str
assert "message Timestamp {" in text and "int64 seconds = 1;" in text, text

registry = client()
assert registry.get_subjects() == ["avro-value", "json-value", "proto-value"]
registry.set_compatibility(subject_name="avro-value", level="FULL")
assert registry.get_compatibility("avro-value") == "FULL"
wider = Schema(avro.replace('"int"', '"long"'), "AVRO")
assert not registry.test_compatibility("avro-value", wider)
try:
    registry.register_schema("avro-value", wider)
    raise AssertionError("it was taken")
except SchemaRegistryError as error:
    assert error.http_status_code == 409, error
registered = registry.lookup_schema("avro-value", Schema(avro, "AVRO"))
assert registered.version == 1 and registry.get_schema(registered.schema_id).schema_str == avro
assert registry.delete_subject("avro-value") == [1] and registry.delete_subject("avro-value", permanent=True) == [1]
print("done")
