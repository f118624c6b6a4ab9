"""The running parts, and access to them by the clients that users have."""

import json
import os
import re
import time
from dataclasses import dataclass

import boto3
from botocore.config import Config
from confluent_kafka import Consumer, TopicPartition

#: Seconds until something that must happen has happened, on a machine that is busy with other tests.
LIMIT = 60


@dataclass
class Parts:
    """Where the parts are, from `SLUICEWAY_*` variables (set by `cargo xtask verify`)."""

    proxy: str
    connect: str
    bootstrap: str
    s3: str
    s3_key: str
    s3_secret: str
    bucket: str
    user: str

    @classmethod
    def from_environment(cls):
        names = cls.__dataclass_fields__
        return cls(**{name: os.environ[f"SLUICEWAY_{name.upper()}"] for name in names})

    def store(self):
        """An S3 client as users make one."""
        return boto3.client("s3", endpoint_url=self.s3, aws_access_key_id=self.s3_key,
                            aws_secret_access_key=self.s3_secret, region_name="us-east-1",
                            config=Config(s3={"addressing_style": "path"}))

    def topic(self, table):
        """`<user>.pin` and so on."""
        return f"{self.user}.{table}"

    def records_in_kafka(self, topic, count):
        """The first `count` messages of partition 0, by offset."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "unused", "enable.auto.commit": False,
                             "log_level": 0})
        consumer.assign([TopicPartition(topic, 0, 0)])
        found, deadline = {}, time.monotonic() + LIMIT
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                found[message.offset()] = message
        consumer.close()
        return found

    def objects(self, prefix):
        """Key and text of every object under a prefix."""
        store = self.store()
        pages = store.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: store.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode() for key in keys}

    def lines_by_offset(self, folder, topic):
        """Reads all objects of a topic: offset → record, and the number of lines of each object by start offset.

        Fails on a key with another name, on an object that is not lines of JSON, and on an offset that stands twice.
        """
        name = re.compile(f"{folder}/{re.escape(topic)}/partition=0/{re.escape(topic)}\\+0\\+(\\d{{10}})\\.json")
        records, sizes = {}, {}
        for key, text in self.objects(f"{folder}/{topic}/").items():
            match = name.fullmatch(key)
            assert match, f"unexpected object {key}"
            assert text.endswith("\n"), f"{key} does not end with a line feed"
            lines, start = text[:-1].split("\n"), int(match[1])
            sizes[start] = len(lines)
            for offset, line in enumerate(lines, start):
                assert offset not in records, f"offset {offset} of {topic} lies in two objects"
                records[offset] = json.loads(line)
        return records, sizes


def wait_for(condition, what):
    """Waits until `condition()` is true."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {LIMIT} s"
        time.sleep(0.2)
