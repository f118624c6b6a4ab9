"""Avro and Parquet objects, in every codec, read back by fastavro and pyarrow."""

import base64
import io
import json
import unittest
from datetime import date, datetime, timezone
from decimal import Decimal

import fastavro
import pyarrow.parquet
from confluent_kafka import Producer
from kafka_connect import KafkaConnect

from .support import Parts, wait_for

ROWS = 40
CONNECT = "org.apache.kafka.connect."
AVRO_CODECS = ("null", "deflate", "snappy", "bzip2")
#: What the codec is called in the object's name.
PARQUET_CODECS = {"none": "", "snappy": ".snappy", "gzip": ".gz", "zstd": ".zstd", "lz4_raw": ".lz4raw"}


def optional(kind, **more):
    return {"type": kind, "optional": True, **more}


SCHEMA = {
    "type": "struct", "name": "lab.Order", "optional": False, "fields": [
        {"field": "id", "type": "int64", "optional": False},
        {"field": "small", "type": "int8", "optional": False},
        {"field": "flag", "type": "boolean", "optional": False},
        {"field": "ratio", "type": "double", "optional": False},
        {"field": "name", **optional("string")},
        {"field": "raw", "type": "bytes", "optional": False},
        # Without a precision it has 64 digits, more than some readers know.
        {"field": "price", **optional("bytes", name=CONNECT + "data.Decimal", version=1,
                                      parameters={"scale": "2", "connect.decimal.precision": "18"})},
        # As many as Spark knows: the one is a long there, the other bytes.
        {"field": "total", "type": "bytes", "optional": False, "name": CONNECT + "data.Decimal", "version": 1,
         "parameters": {"scale": "3", "connect.decimal.precision": "38"}},
        {"field": "at", **optional("int64", name=CONNECT + "data.Timestamp", version=1)},
        {"field": "day", **optional("int32", name=CONNECT + "data.Date", version=1)},
        {"field": "tags", "type": "array", "optional": False, "items": {"type": "string", "optional": False}},
        {"field": "scores", "type": "map", "optional": False, "keys": {"type": "string", "optional": False},
         "values": {"type": "int32", "optional": False}},
        {"field": "inner", **optional("struct", name="lab.Inner",
                                      fields=[{"field": "x", **optional("int32")}, {"field": "y", **optional("string")}])},
    ]}


def row(number):
    """A row as a reader should see it; every third one has nulls."""
    some = number % 3 != 0
    return {
        "id": 10**15 + number,
        "small": number % 100 - 50,
        "flag": number % 2 == 0,
        "ratio": number / 8,
        "name": f"Zwölf {number} \U0001F484" if some else None,
        "raw": bytes([number, 255]),
        "price": Decimal(number * 1001 - 500) / 100 if some else None,
        "total": Decimal(number - 7) * 10**19 / 1000,
        "at": datetime.fromtimestamp(1_700_000_000 + number, timezone.utc) if some else None,
        "day": date.fromordinal(date(2024, 2, 28).toordinal() + number) if some else None,
        "tags": ["a", "ü"][:number % 3],
        "scores": {"k": number} if some else {},
        "inner": {"x": number, "y": None} if some else None,
    }


def payload(values):
    """A row as Connect's JSON converter reads it."""
    price, at, day = values["price"], values["at"], values["day"]

    def decimal(number, scale, size):
        unscaled = int(number.scaleb(scale))
        return base64.b64encode(unscaled.to_bytes(size, "big", signed=True)).decode()

    return {**values, "raw": base64.b64encode(values["raw"]).decode(),
            "price": decimal(price, 2, 8) if price is not None else None,
            "total": decimal(values["total"], 3, 12),
            "at": round(at.timestamp() * 1000) if at else None,
            "day": (day - date(1970, 1, 1)).days if day else None}


class Formats(unittest.TestCase):
    """One topic, a connector a codec; made and removed by a client of Connect's REST API that nobody here wrote."""

    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.bucket = f"formats-{cls.parts.user}"
        cls.topic = f"orders-{cls.parts.user}"
        cls.rows = [row(number) for number in range(ROWS)]
        cls.parts.store().create_bucket(Bucket=cls.bucket)
        producer = Producer({"bootstrap.servers": cls.parts.bootstrap})
        for values in cls.rows:
            producer.produce(cls.topic, json.dumps({"schema": SCHEMA, "payload": payload(values)}), partition=0)
        assert producer.flush(60) == 0, "records were not acknowledged"
        cls.connect = KafkaConnect(url=cls.parts.connect)
        cls.names = []
        for codec in AVRO_CODECS:
            cls.create("avro", "AvroFormat", {"avro.codec": codec}, codec)
        for codec in PARQUET_CODECS:
            cls.create("parquet", "ParquetFormat", {"parquet.codec": codec}, codec)

    @classmethod
    def create(cls, kind, format_class, options, codec):
        name = f"{kind}-{codec}"
        config = {
            "connector.class": "io.confluent.connect.s3.S3SinkConnector", "tasks.max": "1", "topics": cls.topic,
            "storage.class": "io.confluent.connect.s3.storage.S3Storage", "topics.dir": name, "flush.size": str(ROWS),
            "format.class": f"io.confluent.connect.s3.format.{kind}.{format_class}",
            "key.converter": CONNECT + "storage.StringConverter", "value.converter": CONNECT + "json.JsonConverter",
            "s3.bucket.name": cls.bucket, "s3.region": "us-east-1", "store.url": cls.parts.s3,
            "aws.access.key.id": cls.parts.s3_key, "aws.secret.access.key": cls.parts.s3_secret, **options}
        cls.connect.create_connector({"name": name, "config": config})
        cls.names.append(name)

    @classmethod
    def tearDownClass(cls):
        for name in cls.names:
            cls.connect.delete_connector(name)

    def body(self, folder, ending):
        key = f"{folder}/{self.topic}/partition=0/{self.topic}+0+0000000000{ending}"
        store = self.parts.store()
        found = []

        def there():
            listed = store.list_objects_v2(Bucket=self.bucket, Prefix=f"{folder}/").get("Contents", [])
            found[:] = [entry["Key"] for entry in listed]
            return found

        wait_for(there, key)
        self.assertEqual(found, [key])
        return store.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def test_fastavro_reads_avro(self):
        for codec in AVRO_CODECS:
            with self.subTest(codec):
                reader = fastavro.reader(io.BytesIO(self.body(f"avro-{codec}", ".avro")))
                self.assertEqual(reader.metadata["avro.codec"], codec)
                self.assertEqual(reader.writer_schema["name"], "lab.Order")
                self.assertEqual(list(reader), self.rows)

    def test_pyarrow_reads_parquet(self):
        for codec, ending in PARQUET_CODECS.items():
            with self.subTest(codec):
                table = pyarrow.parquet.read_table(io.BytesIO(self.body(f"parquet-{codec}", f"{ending}.parquet")))
                found = [{**values, "scores": dict(values["scores"])} for values in table.to_pylist()]
                self.assertEqual(found, self.rows)

    def test_status_is_seen_by_the_client(self):
        listed = self.connect.list_connectors(expand="status", pattern="^(avro|parquet)-")
        self.assertEqual(sorted(listed), sorted(self.names))
        wait_for(lambda: all(task["state"] == "RUNNING" for name in self.names
                             for task in self.connect.get_connector_status(name)["tasks"]), "RUNNING tasks")


if __name__ == "__main__":
    unittest.main()
