"""Avro, JSON Schema and Protobuf: confluent-kafka reads what the proxy wrote and the other way round, by one registry."""

import datetime
import json
import unittest

from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from .support import Parts

AVRO = json.dumps({
    "type": "record", "name": "Pin", "namespace": "w", "fields": [
        {"name": "index", "type": "long"},
        {"name": "title", "type": ["null", "string"], "default": None},
        {"name": "raw", "type": "bytes"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["IMAGE", "VIDEO"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "double"}},
        {"name": "place", "type": ["null", {"type": "record", "name": "Place", "fields": [
            {"name": "lat", "type": "float"}]}], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
})
JSON_SCHEMA = json.dumps({
    "title": "Pin", "type": "object", "required": ["index"],
    "properties": {"index": {"type": "integer"}, "title": {"type": ["string", "null"]}},
})
PROTOBUF = """syntax = "proto3";
package w;
message Other { int32 unused = 1; }
message Pin {
  int64 index = 1;
  string title = 2;
  repeated string tags = 3;
  Place place = 4;
  message Place { double lat = 1; }
}
"""


def pin_class():
    """The class that protoc would make of PROTOBUF."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="pin.proto", package="w", syntax="proto3")
    file.message_type.add(name="Other").field.add(name="unused", number=1, type=kinds.TYPE_INT32, label=1)
    pin = file.message_type.add(name="Pin")
    pin.field.add(name="index", number=1, type=kinds.TYPE_INT64, label=1)
    pin.field.add(name="title", number=2, type=kinds.TYPE_STRING, label=1)
    pin.field.add(name="tags", number=3, type=kinds.TYPE_STRING, label=3)
    pin.field.add(name="place", number=4, type=kinds.TYPE_MESSAGE, label=1, type_name=".w.Pin.Place")
    pin.nested_type.add(name="Place").field.add(name="lat", number=1, type=kinds.TYPE_DOUBLE, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("w.Pin"))


class Serializers(unittest.TestCase):
    """Each format in both directions."""

    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.registry = cls.parts.registry_client()

    def topic(self, name):
        return f"{name}-{self.parts.run}"

    def written_by_the_proxy(self, topic, format_, schema, values, deserializer):
        self.parts.produce(topic, format_, {"value_schema": schema, "records": [{"value": one} for one in values]})
        context = SerializationContext(topic, MessageField.VALUE)
        return [deserializer(one.value(), context) for one in self.parts.messages(topic, len(values))]

    def read_by_the_proxy(self, topic, format_, values, serializer):
        context = SerializationContext(topic, MessageField.VALUE)
        self.parts.write(topic, [(None, serializer(one, context)) for one in values])
        return [one["value"] for one in self.parts.read(topic, format_, len(values))]

    def test_avro_written_by_the_proxy(self):
        values = [
            {"index": 1, "title": {"string": "Zwölf"}, "raw": "\u0000\u00ff", "kind": "VIDEO", "tags": ["a", ""],
             "counts": {"x": 1.5}, "place": {"w.Place": {"lat": 0.5}}, "at": 1600000000123},
            {"index": -9007199254740993, "title": None, "raw": "", "kind": "IMAGE", "tags": [], "counts": {},
             "place": None, "at": 0},
        ]
        found = self.written_by_the_proxy(self.topic("avro-in"), "avro", AVRO, values, AvroDeserializer(self.registry))
        at = datetime.datetime(2020, 9, 13, 12, 26, 40, 123000, tzinfo=datetime.timezone.utc)
        self.assertEqual(found[0], {"index": 1, "title": "Zwölf", "raw": b"\x00\xff", "kind": "VIDEO",
                                    "tags": ["a", ""], "counts": {"x": 1.5}, "place": {"lat": 0.5}, "at": at})
        self.assertEqual((found[1]["index"], found[1]["place"]), (-9007199254740993, None))

    def test_avro_read_by_the_proxy(self):
        at = datetime.datetime(2020, 9, 13, 12, 26, 40, 123000, tzinfo=datetime.timezone.utc)
        value = {"index": 1, "title": "Zwölf", "raw": b"\x00\xff", "kind": "VIDEO", "tags": ["a"],
                 "counts": {"x": 1.5}, "place": {"lat": 0.5}, "at": at}
        found = self.read_by_the_proxy(self.topic("avro-out"), "avro", [value], AvroSerializer(self.registry, AVRO))
        self.assertEqual(found, [{"index": 1, "title": {"string": "Zwölf"}, "raw": "\u0000\u00ff", "kind": "VIDEO",
                                  "tags": ["a"], "counts": {"x": 1.5}, "place": {"w.Place": {"lat": 0.5}},
                                  "at": 1600000000123}])

    def test_json_schema_written_by_the_proxy(self):
        values = [{"index": 1, "title": "a"}, {"index": 2, "title": None, "more": [1, {"b": 2.5}]}]
        deserializer = JSONDeserializer(JSON_SCHEMA, schema_registry_client=self.registry)
        found = self.written_by_the_proxy(self.topic("json-in"), "jsonschema", JSON_SCHEMA, values, deserializer)
        self.assertEqual(found, values)

    def test_json_schema_read_by_the_proxy(self):
        values = [{"index": 1, "title": "a"}, {"index": 2, "title": None}]
        serializer = JSONSerializer(JSON_SCHEMA, self.registry)
        self.assertEqual(self.read_by_the_proxy(self.topic("json-out"), "jsonschema", values, serializer), values)

    def test_protobuf_written_by_the_proxy(self):
        pin = pin_class()
        deserializer = ProtobufDeserializer(pin, {"use.deprecated.format": False})
        # The first message of a schema is the one that JSON is read as.
        schema = PROTOBUF.replace("message Other { int32 unused = 1; }\n", "")
        values = [{"index": "5", "title": "é", "tags": ["a", "b"], "place": {"lat": 1.5}}, {"index": 0}]
        found = self.written_by_the_proxy(self.topic("proto-in"), "protobuf", schema, values, deserializer)
        place = pin.DESCRIPTOR.nested_types_by_name["Place"]
        self.assertEqual(found[0], pin(index=5, title="é", tags=["a", "b"],
                                       place=message_factory.GetMessageClass(place)(lat=1.5)))
        self.assertEqual(found[1], pin())

    def test_protobuf_read_by_the_proxy(self):
        pin = pin_class()
        serializer = ProtobufSerializer(pin, self.registry, {"use.deprecated.format": False})
        found = self.read_by_the_proxy(self.topic("proto-out"), "protobuf", [pin(index=7, title="x", tags=["t"])],
                                       serializer)
        # The second message of its file: the index in front of the value says so.
        self.assertEqual((found[0]["index"], found[0]["title"], found[0]["tags"]), ("7", "x", ["t"]))

    def test_keys_have_schemas_of_their_own(self):
        topic = self.topic("avro-keys")
        body = {"key_schema": '"string"', "value_schema": '"int"', "records": [{"key": "k", "value": 3}]}
        self.parts.produce(topic, "avro", body)
        deserializer = AvroDeserializer(self.registry)
        message = self.parts.messages(topic, 1)[0]
        self.assertEqual(deserializer(message.key(), SerializationContext(topic, MessageField.KEY)), "k")
        self.assertEqual(deserializer(message.value(), SerializationContext(topic, MessageField.VALUE)), 3)
        subjects = self.registry.get_subjects()
        self.assertLessEqual({f"{topic}-key", f"{topic}-value"}, set(subjects))
