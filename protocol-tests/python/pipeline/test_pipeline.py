"""What was posted is in Kafka and, exactly once, in S3 objects of the right names."""

import json
import unittest

import requests

from . import rows
from .support import LIMIT, Parts, wait_for

SINGLE_POSTS = 60
BATCHES = 2
BATCH = 250
TABLES = ("pin", "geo", "user")
JSON_V2 = "application/vnd.kafka.json.v2+json"


class Pipeline(unittest.TestCase):
    """One run: everything is posted first, then each case looks at one place."""

    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.session = requests.Session()
        #: table → offset → the row that the proxy has acknowledged there
        cls.posted = {table: {} for table in TABLES}
        cls.answers = []
        for post in rows.posts(SINGLE_POSTS):
            for table in TABLES:
                cls.post(table, [post[table]])
        for number in range(BATCHES):
            batch = list(rows.posts(BATCH, seed=number))
            for table in TABLES:
                cls.post(table, [post[table] for post in batch])

    @classmethod
    def post(cls, table, values):
        """The request of the course's emulator: no key, no Accept; success is status 200."""
        payload = json.dumps({"records": [{"value": value} for value in values]})
        answer = requests.request("POST", f"{cls.parts.proxy}/topics/{cls.parts.topic(table)}",
                                  headers={"Content-Type": JSON_V2}, data=payload, timeout=LIMIT)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        cls.answers.append((len(values), answer))
        for value, offset in zip(values, answer.json()["offsets"]):
            assert offset["offset"] not in cls.posted[table], "an offset was given twice"
            cls.posted[table][offset["offset"]] = value

    def test_answers_have_the_documented_form(self):
        for count, answer in self.answers:
            self.assertEqual(answer.headers["Content-Type"], "application/vnd.kafka.v2+json")
            body = answer.json()
            self.assertEqual({k: v for k, v in body.items() if k != "offsets"},
                             {"key_schema_id": None, "value_schema_id": None})
            self.assertEqual(len(body["offsets"]), count)
            for entry in body["offsets"]:
                expected = {"partition": 0, "offset": entry["offset"], "error_code": None, "error": None}
                self.assertEqual(entry, expected)

    def test_every_offset_is_used_once(self):
        for table in TABLES:
            self.assertEqual(sorted(self.posted[table]), list(range(SINGLE_POSTS + BATCHES * BATCH)))

    def test_kafka_holds_what_was_posted(self):
        for table in TABLES:
            found = self.parts.records_in_kafka(self.parts.topic(table), len(self.posted[table]))
            self.assertEqual({offset: json.loads(m.value()) for offset, m in found.items()}, self.posted[table])
            self.assertEqual({m.key() for m in found.values()}, {None})

    def test_one_object_a_record_with_flush_size_1(self):
        for table in TABLES:
            records, sizes = self.sunk("topics", table)
            self.assertEqual(records, self.posted[table])
            self.assertEqual(set(sizes.values()), {1})

    def test_objects_of_100_records_and_a_rest_closed_by_the_clock(self):
        for table in TABLES:
            records, sizes = self.sunk("batches", table)
            self.assertEqual(records, self.posted[table])
            self.assertLessEqual(max(sizes.values()), 100)
            self.assertGreater(max(sizes.values()), 1)

    def sunk(self, folder, table):
        """Waits until as many records lie under the folder as were posted, then what lies there."""
        topic, count = self.parts.topic(table), len(self.posted[table])
        wait_for(lambda: len(self.parts.lines_by_offset(folder, topic)[0]) >= count, f"{count} records in {folder}")
        return self.parts.lines_by_offset(folder, topic)

    def test_nothing_else_is_in_the_bucket(self):
        for folder in ("topics", "batches"):
            for table in TABLES:
                self.sunk(folder, table)
        expected = {f"{folder}/{self.parts.topic(table)}" for folder in ("topics", "batches") for table in TABLES}
        self.assertEqual({"/".join(key.split("/")[:2]) for key in self.parts.objects("")}, expected)

    def test_topics_are_listed(self):
        listed = requests.get(f"{self.parts.proxy}/topics", timeout=LIMIT).json()
        self.assertLessEqual({self.parts.topic(table) for table in TABLES}, set(listed))

    def test_connectors_run(self):
        names = requests.get(f"{self.parts.connect}/connectors", timeout=LIMIT).json()
        self.assertEqual(sorted(names), ["batches", "posts"])
        for name in names:
            status = requests.get(f"{self.parts.connect}/connectors/{name}/status", timeout=LIMIT).json()
            self.assertEqual((status["name"], status["connector"]["state"], status["type"]), (name, "RUNNING", "sink"))
            self.assertEqual({task["state"] for task in status["tasks"]}, {"RUNNING"})

    def test_keep_alive_and_binary_records(self):
        topic = f"binary-{self.parts.user}"
        for _ in range(3):
            answer = self.session.post(f"{self.parts.proxy}/topics/{topic}", timeout=LIMIT,
                                       headers={"Content-Type": "application/vnd.kafka.binary.v2+json"},
                                       json={"records": [{"key": "a2V5", "value": "AP8="}]})
            self.assertEqual(answer.status_code, 200, answer.text)
        found = self.parts.records_in_kafka(topic, 3)
        self.assertEqual([(m.key(), m.value()) for m in found.values()], [(b"key", b"\x00\xff")] * 3)
