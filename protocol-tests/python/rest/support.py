"""The running parts, and the proxy's consumers by plain requests."""

import os
import time
from dataclasses import dataclass

import requests
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient

#: Seconds until something that must happen has happened, on a machine that is busy with other tests.
LIMIT = 60
V2 = "application/vnd.kafka.v2+json"


def media(name):
    """The media type of an embedded format."""
    return f"application/vnd.kafka.{name}.v2+json"


@dataclass
class Parts:
    """Where the parts are, from `SLUICEWAY_*` variables (set by `cargo xtask verify`)."""

    proxy: str
    bootstrap: str
    registry: str
    #: What the names of this run end with.
    run: str
    #: Folder of the Python packages that want older companions.
    old_packages: str
    #: Folder of Node's packages.
    node_modules: str

    @classmethod
    def from_environment(cls):
        names = cls.__dataclass_fields__
        return cls(**{name: os.environ[f"SLUICEWAY_{name.upper()}"] for name in names})

    def registry_client(self):
        """Confluent's client of the registry that the proxy asks, too."""
        return SchemaRegistryClient({"url": self.registry})

    def produce(self, topic, name, body):
        """Posts records in an embedded format; the answer."""
        answer = requests.post(f"{self.proxy}/topics/{topic}", json=body, timeout=LIMIT,
                               headers={"Content-Type": media(name), "Accept": V2})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        found = answer.json()
        assert all(entry["error_code"] is None for entry in found["offsets"]), found
        return found

    def read(self, topic, name, count):
        """The first records of a topic by a consumer instance of the proxy."""
        group = f"{self.proxy}/consumers/read-{topic}"
        created = requests.post(group, json={"format": name, "auto.offset.reset": "earliest"}, timeout=LIMIT,
                                headers={"Content-Type": V2})
        assert created.status_code == 200, created.text
        instance = created.json()["base_uri"]
        subscribed = requests.post(f"{instance}/subscription", json={"topics": [topic]}, timeout=LIMIT,
                                   headers={"Content-Type": V2})
        assert subscribed.status_code == 204, subscribed.text
        found, deadline = [], time.monotonic() + LIMIT
        while len(found) < count and time.monotonic() < deadline:
            answer = requests.get(f"{instance}/records", headers={"Accept": media(name)}, timeout=LIMIT)
            assert answer.status_code == 200, answer.text
            found += answer.json()
        assert requests.delete(instance, timeout=LIMIT).status_code == 204
        return found

    def messages(self, topic, count):
        """The first messages of partition 0 as they lie in Kafka."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": f"messages-{topic}",
                             "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0})
        consumer.subscribe([topic])
        found, deadline = [], time.monotonic() + LIMIT
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                found.append(message)
        consumer.close()
        return found

    def write(self, topic, records):
        """Writes keys and values that are bytes already."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "log_level": 0})
        for key, value in records:
            producer.produce(topic, key=key, value=value)
        assert producer.flush(LIMIT) == 0
