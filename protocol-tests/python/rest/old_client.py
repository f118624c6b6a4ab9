"""PyPI's kafka-rest posts three records: old_client.py <packages> <proxy> <topic>. Prints what its handlers were told."""

import collections
import collections.abc
import json
import sys
import threading

packages, proxy, topic = sys.argv[1:]
# Names that Python 3.10 took out of the library, which tornado 4 still uses.
for name in ("Callable", "Iterable", "Mapping", "MutableMapping"):
    setattr(collections, name, getattr(collections.abc, name))
sys.path.insert(0, packages)

from kafka_rest.client import KafkaRESTClient  # noqa: E402

SCHEMA = {"type": "record", "name": "Old", "fields": [{"name": "index", "type": "int"},
                                                      {"name": "title", "type": ["null", "string"]}]}

host, port = proxy.rsplit(":", 1)
client = KafkaRESTClient(host, int(port), flush_length_threshold=3, flush_time_threshold_seconds=1,
                         shutdown_timeout_seconds=1)
told = {"succeeded": 0, "failed": 0, "dropped": 0}
done = threading.Event()


def produced(_topic, succeeded, failed):
    told["succeeded"] += len(succeeded)
    told["failed"] += len(failed)
    if told["succeeded"] >= 3:
        done.set()


def dropped(*_):
    told["dropped"] += 1
    done.set()


client.registrar.register("produce_success", produced)
client.registrar.register("drop_message", dropped)
for number in range(3):
    client.produce(topic, {"index": number, "title": f"t{number}"}, SCHEMA)
done.wait(30)
client.shutdown(block=True)
print(json.dumps(told))
