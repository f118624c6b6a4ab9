"""boto3's Kinesis client, unchanged, on the proxy and Kafka."""

import datetime
import hashlib
import json
import time
import unittest

from botocore.exceptions import ClientError
from confluent_kafka import Consumer, Producer, TopicPartition

from .support import LIMIT, Parts, client

MIB = 1024 * 1024


def read(kinesis, stream, shard, **begin):
    """Everything from an iterator to the end of its shard."""
    token = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **begin)["ShardIterator"]
    return read_on(kinesis, token)[0]


def read_on(kinesis, token, **limits):
    """The records from an iterator to the end, and the iterator there."""
    found, deadline = [], time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        answer = kinesis.get_records(ShardIterator=token, **limits)
        found += answer["Records"]
        token = answer["NextShardIterator"]
        if answer["MillisBehindLatest"] == 0:
            return found, token
    raise AssertionError(f"no end after {len(found)} records")


class Boto3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.kinesis = client(cls.parts.proxy)

    def stream(self, name, shards):
        """A new stream."""
        name = f"{name}-{self.parts.run}"
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=name)
        self.addCleanup(self.remove, name)
        return name

    def remove(self, name):
        try:
            self.kinesis.delete_stream(StreamName=name)
        except self.kinesis.exceptions.ResourceNotFoundException:
            pass

    def refused(self, name, call, **arguments):
        """The message of an error of this name."""
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], name, caught.exception)
        return caught.exception.response["Error"]["Message"]

    def test_streams_are_made_described_listed_and_removed(self):
        name = self.stream("life", 3)
        described = self.kinesis.describe_stream(StreamName=name)["StreamDescription"]
        self.assertEqual((described["StreamName"], described["StreamStatus"], described["HasMoreShards"]), (name, "ACTIVE", False))
        self.assertEqual(described["StreamARN"], f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}")
        shards = described["Shards"]
        self.assertEqual([shard["ShardId"] for shard in shards], [f"shardId-{n:012}" for n in range(3)])
        self.assertEqual(shards[0]["HashKeyRange"]["StartingHashKey"], "0")
        self.assertEqual(shards[2]["HashKeyRange"]["EndingHashKey"], str(2**128 - 1))
        for before, after in zip(shards, shards[1:]):
            self.assertEqual(int(before["HashKeyRange"]["EndingHashKey"]) + 1, int(after["HashKeyRange"]["StartingHashKey"]))
        self.assertEqual(self.kinesis.list_shards(StreamName=name)["Shards"], shards)
        summary = self.kinesis.describe_stream_summary(StreamARN=described["StreamARN"])["StreamDescriptionSummary"]
        self.assertEqual((summary["StreamName"], summary["OpenShardCount"], summary["ConsumerCount"]), (name, 3, 0))
        # Page by page.
        first = self.kinesis.list_shards(StreamName=name, MaxResults=2)
        rest = self.kinesis.list_shards(NextToken=first["NextToken"])
        self.assertEqual(first["Shards"] + rest["Shards"], shards)
        self.assertNotIn("NextToken", rest)
        pages = self.kinesis.get_paginator("describe_stream").paginate(StreamName=name, PaginationConfig={"PageSize": 2})
        self.assertEqual([shard for page in pages for shard in page["StreamDescription"]["Shards"]], shards)
        others = [self.stream(f"life-{letter}", 1) for letter in "ab"]
        pages = self.kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2})
        listed = [found for page in pages for found in page["StreamNames"]]
        self.assertLessEqual({name, *others}, set(listed))
        self.assertEqual(listed, sorted(set(listed)))
        self.assertFalse([found for found in listed if found.startswith("__")])
        self.refused("ResourceInUseException", self.kinesis.create_stream, StreamName=name, ShardCount=1)
        self.kinesis.delete_stream(StreamName=name)
        self.kinesis.get_waiter("stream_not_exists").wait(StreamName=name)
        self.refused("ResourceNotFoundException", self.kinesis.put_record, StreamName=name, Data=b"x", PartitionKey="k")

    def test_records_go_where_their_keys_hash_to_and_come_back(self):
        name = self.stream("hash", 4)
        shards = self.kinesis.list_shards(StreamName=name)["Shards"]

        def shard_of(number):
            for shard in shards:
                if int(shard["HashKeyRange"]["StartingHashKey"]) <= number <= int(shard["HashKeyRange"]["EndingHashKey"]):
                    return shard["ShardId"]

        put = {}
        records = [{"Data": bytes([n % 256]) * (n % 7), "PartitionKey": f"key-{n % 40}-ü"} for n in range(500)]
        answer = self.kinesis.put_records(StreamName=name, Records=records)
        self.assertEqual(answer["FailedRecordCount"], 0)
        for record, result in zip(records, answer["Records"]):
            hashed = int.from_bytes(hashlib.md5(record["PartitionKey"].encode()).digest())
            self.assertEqual(result["ShardId"], shard_of(hashed))
            put[(result["ShardId"], result["SequenceNumber"])] = (record["Data"], record["PartitionKey"])
        for hash_key in (0, 2**127, 2**128 - 1):
            result = self.kinesis.put_record(StreamName=name, Data=b"\x00\xff", PartitionKey="k", ExplicitHashKey=str(hash_key))
            self.assertEqual(result["ShardId"], shard_of(hash_key))
            put[(result["ShardId"], result["SequenceNumber"])] = (b"\x00\xff", "k")
        found = {}
        for shard in shards:
            before = 0
            for record in read(self.kinesis, name, shard["ShardId"], ShardIteratorType="TRIM_HORIZON"):
                self.assertGreater(int(record["SequenceNumber"]), before)
                before = int(record["SequenceNumber"])
                arrived = record["ApproximateArrivalTimestamp"]
                self.assertLess(abs(arrived.timestamp() - time.time()), 3600)
                found[(shard["ShardId"], record["SequenceNumber"])] = (record["Data"], record["PartitionKey"])
        self.assertEqual(found, put)
        # The same in Kafka: the partition key is the record's key.
        consumer = Consumer({"bootstrap.servers": self.parts.bootstrap, "group.id": "unused", "log_level": 0})
        consumer.assign([TopicPartition(name, n, 0) for n in range(4)])
        in_kafka, deadline = [], time.monotonic() + LIMIT
        while len(in_kafka) < len(put) and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                in_kafka.append((message.value(), message.key().decode()))
        consumer.close()
        self.assertEqual(sorted(in_kafka), sorted(put.values()))

    def test_every_type_of_iterator(self):
        name, shard = self.stream("types", 1), "shardId-000000000000"

        def put(n):
            return self.kinesis.put_record(StreamName=name, Data=str(n).encode(), PartitionKey="k")["SequenceNumber"]

        def data(**begin):
            return [int(record["Data"]) for record in read(self.kinesis, name, shard, **begin)]

        self.assertEqual(data(ShardIteratorType="TRIM_HORIZON"), [])
        latest = self.kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
        first = [put(n) for n in range(5)]
        time.sleep(1.1)
        # boto3 sends whole seconds.
        middle = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        time.sleep(1.1)
        second = [put(n) for n in range(5, 10)]
        self.assertEqual(data(ShardIteratorType="TRIM_HORIZON"), list(range(10)))
        self.assertEqual(data(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=first[3]), list(range(3, 10)))
        self.assertEqual(data(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first[3]), list(range(4, 10)))
        self.assertEqual(data(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=second[-1]), [])
        self.assertEqual(data(ShardIteratorType="AT_TIMESTAMP", Timestamp=middle), list(range(5, 10)))
        self.assertEqual(data(ShardIteratorType="AT_TIMESTAMP", Timestamp=middle + datetime.timedelta(days=1)), [])
        self.assertEqual(data(ShardIteratorType="LATEST"), [])
        records, end = read_on(self.kinesis, latest, Limit=3)
        self.assertEqual([int(record["Data"]) for record in records], list(range(10)))
        put(10)
        self.assertEqual([record["Data"] for record in read_on(self.kinesis, end)[0]], [b"10"])
        # An iterator can be used again.
        part = self.kinesis.get_records(ShardIterator=latest, Limit=3)
        self.assertEqual(len(part["Records"]), 3)
        self.assertGreater(part["MillisBehindLatest"], 0)
        self.assertEqual(self.kinesis.get_records(ShardIterator=latest, Limit=3)["Records"], part["Records"])

    def test_records_of_kafkas_own_clients_are_read(self):
        name = self.stream("native", 1)
        producer = Producer({"bootstrap.servers": self.parts.bootstrap, "log_level": 0})
        for key, value in ((b"k", b"v"), (None, b"w"), (b"\xff", None)):
            producer.produce(name, key=key, value=value, partition=0)
        self.assertEqual(producer.flush(LIMIT), 0)
        records = read(self.kinesis, name, "shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
        self.assertEqual([(record["PartitionKey"], record["Data"]) for record in records],
                         [("k", b"v"), ("-", b"w"), ("\ufffd", b"")])

    def test_limits(self):
        name, key = self.stream("limits", 1), "k"
        whole = b"x" * (MIB - len(key))
        self.kinesis.put_record(StreamName=name, Data=whole, PartitionKey=key)
        self.refused("ValidationException", self.kinesis.put_record, StreamName=name, Data=whole + b"x", PartitionKey=key)
        five = [{"Data": whole, "PartitionKey": key}] * 5
        self.assertEqual(self.kinesis.put_records(StreamName=name, Records=five)["FailedRecordCount"], 0)
        more = five + [{"Data": b"x", "PartitionKey": key}]
        self.refused("InvalidArgumentException", self.kinesis.put_records, StreamName=name, Records=more)
        many = [{"Data": b"x", "PartitionKey": key}] * 501
        self.refused("ValidationException", self.kinesis.put_records, StreamName=name, Records=many)
        # Nothing of what was refused was written.
        records = read(self.kinesis, name, "shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
        self.assertEqual([len(record["Data"]) for record in records], [MIB - 1] * 6)
        for bad in ("", "a b", "é", "x" * 129):
            if bad:  # boto3 itself refuses an empty one
                self.refused("ValidationException", self.kinesis.create_stream, StreamName=bad, ShardCount=1)
        self.refused("LimitExceededException", self.kinesis.create_stream, StreamName=f"wide-{self.parts.run}", ShardCount=501)

    def test_what_is_not_there_or_garbled(self):
        name, shard = self.stream("errors", 1), "shardId-000000000000"
        missing = f"missing-{self.parts.run}"
        kinesis = self.kinesis
        message = self.refused("ResourceNotFoundException", kinesis.describe_stream, StreamName=missing)
        self.assertEqual(message, f"Stream {missing} under account 000000000000 not found.")
        self.refused("ResourceNotFoundException", kinesis.put_record, StreamName=missing, Data=b"", PartitionKey="k")
        self.refused("ResourceNotFoundException", kinesis.delete_stream, StreamName=missing)
        self.assertNotIn(missing, kinesis.list_streams()["StreamNames"])
        self.refused("ResourceNotFoundException", kinesis.get_shard_iterator, StreamName=name,
                     ShardId="shardId-000000000001", ShardIteratorType="LATEST")
        self.refused("InvalidArgumentException", kinesis.get_records, ShardIterator="garbled")
        token = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
        changed = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
        self.refused("InvalidArgumentException", kinesis.get_records, ShardIterator=changed)
        self.refused("InvalidArgumentException", kinesis.get_shard_iterator, StreamName=name, ShardId=shard,
                     ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber="49999")
        self.refused("InvalidArgumentException", kinesis.put_record, StreamName=name, Data=b"", PartitionKey="k",
                     ExplicitHashKey=str(2**128))
        self.refused("UnknownOperationException", kinesis.split_shard, StreamName=name, ShardToSplit=shard,
                     NewStartingHashKey="5")

    def test_an_old_iterator_of_a_stream_that_was_made_anew(self):
        name, shard = self.stream("anew", 1), "shardId-000000000000"
        for _ in range(3):
            self.kinesis.put_record(StreamName=name, Data=b"old", PartitionKey="k")
        token = self.kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
        self.kinesis.delete_stream(StreamName=name)
        self.kinesis.create_stream(StreamName=name, ShardCount=1)
        self.kinesis.put_record(StreamName=name, Data=b"new", PartitionKey="k")
        self.refused("InvalidArgumentException", self.kinesis.get_records, ShardIterator=token)
        records = read(self.kinesis, name, shard, ShardIteratorType="TRIM_HORIZON")
        self.assertEqual([record["Data"] for record in records], [b"new"])


class Signatures(unittest.TestCase):
    """A proxy that looks at signatures, with rules."""

    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.admin = client(cls.parts.guarded, *cls.parts.key(0))
        cls.writer = client(cls.parts.guarded, *cls.parts.key(1))
        cls.open, cls.closed = f"open-{cls.parts.run}", f"closed-{cls.parts.run}"
        for name in (cls.open, cls.closed):
            cls.admin.create_stream(StreamName=name, ShardCount=1)

    @classmethod
    def tearDownClass(cls):
        for name in (cls.open, cls.closed):
            cls.admin.delete_stream(StreamName=name)

    def code(self, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        return caught.exception.response["Error"]["Code"]

    def test_rights_are_those_of_the_keys_owner(self):
        record = {"Data": b"x", "PartitionKey": "k"}
        self.writer.put_record(StreamName=self.open, **record)
        self.admin.put_records(StreamName=self.closed, Records=[record])
        self.assertEqual(self.code(self.writer.put_record, StreamName=self.closed, **record), "AccessDeniedException")
        self.assertEqual(self.code(self.writer.delete_stream, StreamName=self.open), "AccessDeniedException")
        self.assertEqual(self.code(self.writer.create_stream, StreamName=f"open-2-{self.parts.run}", ShardCount=1), "AccessDeniedException")
        self.assertEqual(self.code(self.writer.get_shard_iterator, StreamName=self.open, ShardId="shardId-000000000000",
                                   ShardIteratorType="LATEST"), "AccessDeniedException")
        # An iterator is no right: it says what to read, not that one may.
        token = self.admin.get_shard_iterator(StreamName=self.closed, ShardId="shardId-000000000000",
                                              ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        self.assertEqual(self.code(self.writer.get_records, ShardIterator=token), "AccessDeniedException")
        listed = self.writer.list_streams(Limit=10000)["StreamNames"]
        self.assertIn(self.open, listed)
        self.assertNotIn(self.closed, listed)

    def test_iterators_expire(self):
        token = self.admin.get_shard_iterator(StreamName=self.open, ShardId="shardId-000000000000",
                                              ShardIteratorType="LATEST")["ShardIterator"]
        time.sleep(2.1)  # this proxy's live for two seconds
        self.assertEqual(self.code(self.admin.get_records, ShardIterator=token), "ExpiredIteratorException")

    def test_nobody_passes_without_a_right_signature(self):
        key, secret = self.parts.key(0)
        wrong_secret = client(self.parts.guarded, key, secret[:-1] + "x")
        unknown = client(self.parts.guarded, "AKIAUNKNOWNUNKNOWN00", secret)
        self.assertEqual(self.code(wrong_secret.list_streams), "InvalidSignatureException")
        self.assertEqual(self.code(unknown.list_streams), "UnrecognizedClientException")
        # The same request twice is Amazon's to allow, too; another body under its signature is not.
        late = client(self.parts.guarded, key, secret)
        late.meta.events.register("before-send.kinesis.*", lambda request, **_: request.headers.__setitem__(
            "X-Amz-Target", "Kinesis_20131202.DeleteStream"))
        self.assertEqual(self.code(late.describe_stream, StreamName=self.open), "InvalidSignatureException")
        self.assertEqual(self.admin.describe_stream(StreamName=self.open)["StreamDescription"]["StreamStatus"], "ACTIVE")
