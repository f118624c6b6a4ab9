"""Records go in and come out as they were: codecs, keys, nulls, headers, timestamps, order, limits."""

import time

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, KafkaError, TopicPartition

from .support import LIMIT, BrokerCase, kept, unique

#: Six years ago, in milliseconds.
OLD = 1_577_836_800_000


class Codecs(BrokerCase):
    """A batch is stored and handed out in whatever codec the client chose."""

    def check(self, codec):
        topic = self.topic(partitions=2)
        records = [
            {
                "key": f"key-{n}".encode(),
                "value": (f"value {n} of {codec} " * 20).encode(),
                "headers": [("codec", codec.encode()), ("empty", b""), ("null", None)],
                "timestamp": OLD + n,
                "partition": n % 2,
            }
            for n in range(300)
        ]
        self.write(topic, records, **{"compression.type": codec})
        messages = self.read_partitions(topic, [0, 1], len(records))
        for partition in (0, 1):
            mine = [m for m in messages if m.partition() == partition]
            self.assertEqual([m.offset() for m in mine], list(range(150)))
            expected = [
                (r["key"], r["value"], r["headers"], (TIMESTAMP_CREATE_TIME, r["timestamp"]), partition)
                for r in records if r["partition"] == partition
            ]
            self.assertEqual([kept(m) for m in mine], expected)

    def test_none(self):
        self.check("none")

    def test_gzip(self):
        self.check("gzip")

    def test_snappy(self):
        self.check("snappy")

    def test_lz4(self):
        self.check("lz4")

    def test_zstd(self):
        self.check("zstd")

    def test_mixed_in_one_partition(self):
        topic = self.topic()
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            self.write(topic, [{"value": f"{codec} {n}".encode()} for n in range(10)], **{"compression.type": codec})
        values = [m.value().decode() for m in self.read_partitions(topic, [0], 50)]
        expected = [f"{codec} {n}" for codec in ("none", "gzip", "snappy", "lz4", "zstd") for n in range(10)]
        self.assertEqual(values, expected)


class Records(BrokerCase):
    """Single records at their limits."""

    def test_null_and_empty_are_kept_apart(self):
        topic = self.topic()
        self.write(topic, [
            {"key": b"tombstone", "value": None},
            {"key": b"", "value": b""},
            {"key": None, "value": b"no key"},
        ])
        messages = self.read_partitions(topic, [0], 3)
        self.assertEqual([(m.key(), m.value()) for m in messages],
                         [(b"tombstone", None), (b"", b""), (None, b"no key")])

    def test_delivery_reports_name_partition_and_offset(self):
        topic = self.topic(partitions=3)
        reports = self.write(topic, [{"value": b"v", "partition": n % 3} for n in range(9)])
        self.assertEqual([(m.partition(), m.offset()) for m in reports], [(n % 3, n // 3) for n in range(9)])

    def test_all_levels_of_acks(self):
        topic = self.topic()
        for acks in ("0", "1", "all"):
            self.write(topic, [{"value": acks.encode()}], acks=acks)
        self.assertEqual([m.value() for m in self.read_partitions(topic, [0], 3)], [b"0", b"1", b"all"])

    def test_a_record_of_900_kilobytes(self):
        topic, value = self.topic(), bytes(range(256)) * 3_600
        self.write(topic, [{"value": value}])
        self.assertEqual(self.read_partitions(topic, [0], 1)[0].value(), value)

    def test_fetches_smaller_than_a_record_still_get_it(self):
        topic, value = self.topic(), b"x" * 200_000
        self.write(topic, [{"value": value}, {"value": b"next"}])
        messages = self.read_partitions(topic, [0], 2, **{"max.partition.fetch.bytes": 1_000, "fetch.max.bytes": 1_000,
                                                          "message.max.bytes": 1_000})
        self.assertEqual([m.value() for m in messages], [value, b"next"])

    def test_larger_than_the_topic_allows(self):
        topic = self.topic(config={"max.message.bytes": "10000"})
        self.write(topic, [{"value": b"x" * 9_000}])
        error = self.refused(topic, value=b"x" * 20_000)
        self.assertEqual(error.code(), KafkaError.MSG_SIZE_TOO_LARGE)

    def test_unknown_partition(self):
        error = self.refused(self.topic(), value=b"v", partition=7)
        self.assertIn(error.code(), (KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART))

    def test_log_append_time_is_the_brokers(self):
        topic = self.topic(config={"message.timestamp.type": "LogAppendTime"})
        before = int(time.time() * 1000)
        self.write(topic, [{"value": b"v", "timestamp": OLD}])
        kind, at = self.read_partitions(topic, [0], 1)[0].timestamp()
        self.assertEqual(kind, TIMESTAMP_LOG_APPEND_TIME)
        self.assertGreaterEqual(at, before)

    def refused(self, topic, **record):
        errors, producer = [], self.producer(**{"message.max.bytes": 2_000_000, "message.timeout.ms": 10_000})
        producer.produce(topic, on_delivery=lambda error, _: errors.append(error), **record)
        producer.flush(LIMIT)
        self.assertEqual(len(errors), 1)
        self.assertIsNotNone(errors[0])
        return errors[0]


class Idempotence(BrokerCase):
    """Sequence numbers: every record once, in order, with requests in flight."""

    def test_each_record_once_and_in_order(self):
        topic, count = self.topic(partitions=3), 6_000
        records = [{"value": str(n).encode(), "partition": n % 3} for n in range(count)]
        self.write(topic, records, **{"enable.idempotence": True, "max.in.flight": 5, "batch.num.messages": 50,
                                      "linger.ms": 1})
        messages = self.read_partitions(topic, [0, 1, 2], count)
        for partition in range(3):
            values = [int(m.value()) for m in messages if m.partition() == partition]
            self.assertEqual(values, list(range(partition, count, 3)))

    def test_two_producers_do_not_disturb_each_other(self):
        topic = self.topic()
        first, second = (self.producer(**{"enable.idempotence": True, "linger.ms": 0}) for _ in range(2))
        for n in range(50):
            for name, producer in (("first", first), ("second", second)):
                producer.produce(topic, value=f"{name} {n}".encode())
                producer.flush(LIMIT)
        values = [m.value().decode() for m in self.read_partitions(topic, [0], 100)]
        for name in ("first", "second"):
            self.assertEqual([v for v in values if v.startswith(name)], [f"{name} {n}" for n in range(50)])


class Positions(BrokerCase):
    """Where a partition starts, ends, and stood at a time."""

    def test_watermarks(self):
        topic, consumer = self.topic(), self.consumer()
        self.assertEqual(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=LIMIT), (0, 0))
        self.write(topic, [{"value": b"v"}] * 7)
        self.assertEqual(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=LIMIT), (0, 7))

    def test_offsets_for_times(self):
        topic, consumer = self.topic(partitions=2), self.consumer()
        self.write(topic, [{"value": b"v", "timestamp": OLD + 1_000 * n, "partition": 0} for n in range(10)])
        asked = [OLD - 5, OLD, OLD + 2_500, OLD + 9_000, OLD + 9_001]
        found = [consumer.offsets_for_times([TopicPartition(topic, 0, at)], timeout=LIMIT)[0].offset for at in asked]
        self.assertEqual(found, [0, 0, 3, 9, -1])
        empty = consumer.offsets_for_times([TopicPartition(topic, 1, OLD)], timeout=LIMIT)[0]
        self.assertEqual(empty.offset, -1)

    def test_times_inside_compressed_batches(self):
        topic, consumer = self.topic(), self.consumer()
        records = [{"value": b"v", "timestamp": OLD + n} for n in range(500)]
        self.write(topic, records, **{"compression.type": "gzip", "linger.ms": 200})
        found = consumer.offsets_for_times([TopicPartition(topic, 0, OLD + 321)], timeout=LIMIT)[0]
        self.assertEqual(found.offset, 321)

    def test_reading_waits_for_what_comes_later(self):
        topic, consumer = self.topic(), self.consumer(**{"fetch.wait.max.ms": 5_000})
        consumer.assign([TopicPartition(topic, 0, 0)])
        self.assertIsNone(consumer.poll(1))
        self.write(topic, [{"value": b"late"}])
        started = time.monotonic()
        self.assertEqual(self.read(consumer, 1)[0].value(), b"late")
        self.assertLess(time.monotonic() - started, 3, "a waiting fetch must be answered when data comes")

    def test_an_offset_out_of_range_follows_the_reset_policy(self):
        topic = self.topic()
        self.write(topic, [{"value": str(n).encode()} for n in range(3)])
        earliest = self.consumer()
        earliest.assign([TopicPartition(topic, 0, 1_000)])
        self.assertEqual(self.read(earliest, 1)[0].offset(), 0)
        strict = self.consumer(**{"auto.offset.reset": "error"})
        strict.assign([TopicPartition(topic, 0, 1_000)])
        codes, deadline = [], time.monotonic() + LIMIT
        while not codes and time.monotonic() < deadline:
            message = strict.poll(0.5)
            codes.extend([message.error().code()] if message is not None and message.error() else [])
        self.assertEqual(codes, [KafkaError._AUTO_OFFSET_RESET])


class AutomaticCreation(BrokerCase):
    """The broker under test creates topics when they are written to, never when they are only looked at."""

    def test_writing_creates_the_topic(self):
        topic = unique("automatic")
        self.addCleanup(self.delete_topic, topic)
        self.write(topic, [{"value": b"first"}])
        self.assertEqual(self.read_partitions(topic, [0], 1)[0].value(), b"first")

    def test_looking_does_not(self):
        topic = unique("absent")
        settings = {"allow.auto.create.topics": False}
        for _ in range(2):
            found = self.consumer(**settings).list_topics(topic, timeout=LIMIT).topics[topic]
            self.assertEqual(found.error.code(), KafkaError.UNKNOWN_TOPIC_OR_PART)
        self.assertNotIn(topic, self.admin.list_topics(timeout=LIMIT).topics)
