"""A sink that cannot finish leaves its plan beside the committed offset; what Java clients make of that group is looked at
afterwards by `cargo xtask verify`, with Kafka's own tools."""

import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from confluent_kafka import Consumer, Producer, TopicPartition
from kafka_connect import KafkaConnect

from .support import Parts, wait_for


class OneObject(BaseHTTPRequestHandler):
    """A store that takes the first object and is too busy for any other."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.answer(200)

    def do_GET(self):
        self.answer(200, b"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")

    def do_PUT(self):
        first = "0000000000" in self.path
        self.answer(200 if first else 503, b"" if first else b"<Error><Code>SlowDown</Code></Error>")

    def log_message(self, *_):
        pass


class Unfinished(unittest.TestCase):

    def test_the_plan_stays_with_the_offset(self):
        parts = Parts.from_environment()
        name, topic = f"unfinished-{parts.user}", f"unfinished-{parts.user}"
        producer = Producer({"bootstrap.servers": parts.bootstrap})
        for number in range(5):
            producer.produce(topic, f"record {number}", partition=0)
        self.assertEqual(producer.flush(60), 0)
        store = ThreadingHTTPServer(("127.0.0.1", 0), OneObject)
        threading.Thread(target=store.serve_forever, daemon=True).start()
        self.addCleanup(store.server_close)
        self.addCleanup(store.shutdown)
        connect = KafkaConnect(url=parts.connect)
        connect.create_connector({"name": name, "config": {
            "connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": topic, "flush.size": "2",
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "s3.bucket.name": "busy", "s3.region": "us-east-1",
            "store.url": f"http://127.0.0.1:{store.server_address[1]}",
            "aws.access.key.id": "key", "aws.secret.access.key": "secret"}})
        group = Consumer({"bootstrap.servers": parts.bootstrap, "group.id": f"connect-{name}", "log_level": 0})
        self.addCleanup(group.close)

        def committed():
            place = group.committed([TopicPartition(topic, 0)], timeout=10)[0]
            return place.offset, bool(place.metadata)

        wait_for(lambda: committed() == (2, True), "the plan of the second object")
        connect.delete_connector(name)
        self.assertEqual(committed(), (2, True))


if __name__ == "__main__":
    unittest.main()
