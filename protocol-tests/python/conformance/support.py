"""The broker under test, and short ways to write to it and read from it.

A real broker and the embedded one must pass the same cases; nothing here knows which one it is.
"""

import os
import time
import unittest
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP_VARIABLE = "SLUICEWAY_BOOTSTRAP"
#: Seconds that one operation may take, on a machine that is busy with other tests.
LIMIT = 30
#: librdkafka's own log stays out of the tests' output; errors reach the callers anyway.
QUIET = {"log_level": 0}


def bootstrap():
    """`host:port` of the broker under test."""
    return os.environ[BOOTSTRAP_VARIABLE]


def unique(prefix):
    """A name that no other case uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


class BrokerCase(unittest.TestCase):
    """A case with an admin client; what it creates by `topic()` and `consumer()` is closed or deleted at the end."""

    def setUp(self):
        self.admin = AdminClient({"bootstrap.servers": bootstrap(), **QUIET})

    def topic(self, partitions=1, config=None, prefix="conformance"):
        """Creates a topic and waits until it can be written to."""
        name = unique(prefix)
        self.admin.create_topics([NewTopic(name, partitions, 1, config=config or {})])[name].result(LIMIT)
        self.addCleanup(self.delete_topic, name)
        self.wait_for(lambda: len(self.partitions_with_leader(name)) == partitions, f"leaders of {name}")
        return name

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result(LIMIT)

    def partitions_with_leader(self, name):
        topic = self.admin.list_topics(name, timeout=LIMIT).topics[name]
        return [] if topic.error else [p for p in topic.partitions.values() if p.leader >= 0]

    def producer(self, **settings):
        return Producer({"bootstrap.servers": bootstrap(), "linger.ms": 5, **QUIET, **settings})

    def consumer(self, group=None, **settings):
        """A consumer that starts at the beginning and commits only when told."""
        consumer = Consumer({
            "bootstrap.servers": bootstrap(),
            "group.id": group or unique("group"),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 500,
            **QUIET,
            **settings,
        })
        self.addCleanup(consumer.close)
        return consumer

    def write(self, topic, records, **settings):
        """Produces `records` (keyword arguments of `produce`) and returns the acknowledged messages in that order."""
        producer, delivered = self.producer(**settings), {}
        for index, record in enumerate(records):
            def done(error, message, index=index):
                delivered[index] = (error, message)
            producer.produce(topic, on_delivery=done, **record)
            producer.poll(0)
        self.assertEqual(producer.flush(LIMIT), 0, "records without an answer")
        errors = [error for error, _ in delivered.values() if error]
        self.assertEqual(errors, [])
        return [delivered[index][1] for index in range(len(records))]

    def read(self, consumer, count):
        """Polls until `count` messages have come."""
        messages, deadline = [], time.monotonic() + LIMIT
        while len(messages) < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is None:
                continue
            self.assertIsNone(message.error())
            messages.append(message)
        self.assertEqual(len(messages), count, "messages read")
        return messages

    def read_partitions(self, topic, partitions, count, **settings):
        """Reads `count` messages from the start of these partitions, without a group."""
        consumer = self.consumer(**settings)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        return self.read(consumer, count)

    def wait_for(self, condition, what, limit=LIMIT):
        """Waits until `condition()` is true."""
        deadline = time.monotonic() + limit
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} did not come within {limit} s")
            time.sleep(0.05)

    def assert_fails(self, code, operation):
        """`operation()` raises a KafkaException with this code."""
        with self.assertRaises(KafkaException) as caught:
            operation()
        error = caught.exception.args[0]
        self.assertEqual(error.code(), code, f"{error} instead of {KafkaError(code)}")
        return error


def kept(message):
    """What must survive the way through the broker."""
    return (message.key(), message.value(), message.headers(), message.timestamp(), message.partition())
