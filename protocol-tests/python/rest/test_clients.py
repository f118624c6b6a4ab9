"""Packages for the REST proxy from the public registries, as they are."""

import base64
import json
import os
import subprocess
import sys
import time
import unittest

from kafka_rest.kafka_rest import Consumer, Producer
from pymapr_kafkarest.kafkarest import MaprKlient, MaprKProducer

from .support import LIMIT, Parts

FOLDER = os.path.dirname(os.path.abspath(__file__))


def gather(read, count):
    """Reads again until so many records have come."""
    found, deadline = read(), time.monotonic() + LIMIT
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records came within {LIMIT} s"
        found += read()
    return found


class Clients(unittest.TestCase):
    """One package a case."""

    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()

    def test_nlp_kafka_rest_api(self):
        """PyPI nlp-kafka-rest-api: posts JSON, reads binary by a consumer instance with a subscription."""
        topic, common = f"nlp-{self.parts.run}", {"kafka_rest_api_url": self.parts.proxy, "auth_headers": {}}
        producer = Producer(topic_id=f"{topic}-response", **common)
        keys = producer.produce(["first", {"second": 2}], "/endpoint")
        consumer = Consumer(topic_id=topic, consumer_group=f"g-{topic}", instance="i", **common)
        with consumer:
            found = []
            for records, left in consumer.consume(keys, interval_sec=0.1):
                found += records
        self.assertEqual(left, set())
        payloads = {record["key"]: record["value"]["payload"] for record in found}
        self.assertEqual(payloads, dict(zip(keys, ["first", {"second": 2}])))

    def test_pymapr_kafkarest(self):
        """PyPI pymapr-kafkarest: v2 produce (its loop posts again after a success: four times in all), and a JSON consumer
        by its steps."""
        topic, base = f"mapr-{self.parts.run}", self.parts.proxy + "/"
        MaprKProducer(base, headers={}).produce([{"value": {"n": n}} for n in range(3)], topic=topic)
        client = MaprKlient(base, f"g-{topic}", headers={}, topics=[topic], instance="i")
        client.connect()
        client.subscribe()
        found = gather(client.consume, 12)
        self.assertEqual([record["value"] for record in found], [{"n": 0}, {"n": 1}, {"n": 2}] * 4)
        self.assertEqual(client._subscription_topics(), {"topics": [topic]})
        client._seek_beginning()
        self.assertEqual(gather(client.consume, 12), found)
        client._instance_delete()

    def test_kafka_rest_of_pypi(self):
        """PyPI kafka-rest: Avro by the media types of v1. It is of Python 3.3's days, so the standard library gets its
        old names back, in a process of its own: its package has the name of another one here."""
        command = [sys.executable, os.path.join(FOLDER, "old_client.py"), self.parts.old_packages, self.parts.proxy,
                   f"old-{self.parts.run}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), {"succeeded": 3, "failed": 0, "dropped": 0})
        found = self.parts.read(f"old-{self.parts.run}", "avro", 3)
        self.assertEqual([record["value"] for record in found],
                         [{"index": n, "title": {"string": f"t{n}"}} for n in range(3)])

    def test_kafka_rest_of_npm(self):
        """npm kafka-rest, Confluent's own client for Node."""
        topic = f"node-{self.parts.run}"
        script = os.path.join(FOLDER, "../../node/clients.js")
        command = ["node", "--no-deprecation", script, self.parts.node_modules, self.parts.proxy, topic]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([place["offset"] for place in told["binary"]], [0, 1, 2])
        found = self.parts.read(topic, "binary", 3)
        values = [base64.b64decode(record["value"]).decode() for record in found]
        self.assertEqual((values, found[1]["key"]), (["first", "second", "third"], "aw=="))
        avro = self.parts.read(f"{topic}-avro", "avro", 2)
        self.assertEqual([record["value"] for record in avro],
                         [{"index": 1, "title": {"string": "a"}}, {"index": 2, "title": None}])

    def test_java_console_tools(self):
        """What kafka-console-producer wrote before; kafka-console-consumer looks at the rest afterwards."""
        topic = f"java-{self.parts.run}"
        found = self.parts.read(topic, "json", 3)
        self.assertEqual([(record["key"], record["value"]) for record in found],
                         [(n, {"java": n}) for n in range(3)])
        self.parts.produce(topic, "json", {"records": [{"key": n, "value": {"proxy": n}} for n in range(3)]})
