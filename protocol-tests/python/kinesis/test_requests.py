"""The course's scripts: their requests, as they stand there, through a stage of the gateway that the proxy is."""

import base64
import json
import time
import unittest

import requests

from .support import LIMIT, Parts, client

PIN = {"index": 7528, "unique_id": "fbe53c66-3442-4773-b19e-d3ec6f54dddf", "title": "No Title Data Available",
       "description": "No description available Story format", "poster_name": "User Info Error",
       "follower_count": "User Info Error", "tag_list": "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e",
       "is_image_or_video": "multi-video(story page format)", "image_src": "Image src error.", "downloaded": 0,
       "save_location": "Local save in /data/mens-fashion", "category": "mens-fashion"}
GEO = {"ind": 7528, "timestamp": "2020-08-28T03:52:47", "latitude": -89.9787, "longitude": -173.293, "country": "Albania"}
USER = {"ind": 7528, "first_name": "Abigail", "last_name": "Ali", "age": 20, "date_joined": "2015-10-24 11:23:51"}
ROWS = {"pin": PIN, "geo": GEO, "user": USER}

#: Seconds that a deleted stream is watched for: a producer that could bring it back would within one.
STAYS_AWAY = 3


class Scripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.invoke_url = f"{cls.parts.proxy}/test"
        cls.kinesis = client(cls.parts.proxy)
        cls.user = f"{int(cls.parts.run):012x}"
        cls.streams = {table: f"streaming-{cls.user}-{table}" for table in ROWS}
        for name in cls.streams.values():
            answer = requests.request("POST", f"{cls.invoke_url}/streams/{name}", json={"ShardCount": 1}, timeout=LIMIT)
            assert answer.status_code == 200, answer.text

    @classmethod
    def tearDownClass(cls):
        for name in cls.streams.values():
            answer = requests.delete(f"{cls.invoke_url}/streams/{name}", timeout=LIMIT)
            assert answer.status_code == 200, answer.text

    def test_user_posting_emulation(self):
        for table, row in ROWS.items():
            invoke_url = f"{self.invoke_url}/topics/{self.user}.{table}"
            payload = json.dumps({"records": [{"value": row}]})
            headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
            response = requests.request("POST", invoke_url, headers=headers, data=payload, timeout=LIMIT)
            self.assertEqual(response.status_code, 200, response.text)
            # The topic may hold records of other steps.
            offset = response.json()["offsets"][0]["offset"]
            self.assertIsInstance(offset, int)
            self.assertGreaterEqual(offset, 0)
            self.assertEqual(response.json(), {"offsets": [{"partition": 0, "offset": offset, "error_code": None, "error": None}],
                                               "key_schema_id": None, "value_schema_id": None})

    def test_user_posting_emulation_streaming(self):
        for table, row in ROWS.items():
            invoke_url = f"{self.invoke_url}/streams/{self.streams[table]}/record"
            payload = json.dumps({"StreamName": self.streams[table], "Data": row, "PartitionKey": "partition-1"})
            headers = {"Content-Type": "application/json"}
            response = requests.request("PUT", invoke_url, headers=headers, data=payload, timeout=LIMIT)
            self.assertEqual(response.status_code, 200, response.text)
            self.assertEqual(response.json()["ShardId"], "shardId-000000000000")
            self.assertRegex(response.json()["SequenceNumber"], "^[1-9][0-9]+$")
            # As Spark's reader gets it.
            token = self.kinesis.get_shard_iterator(StreamName=self.streams[table], ShardId="shardId-000000000000",
                                                    ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            record = self.kinesis.get_records(ShardIterator=token)["Records"][0]
            self.assertEqual(json.loads(record["Data"].decode()), row)
            self.assertEqual(record["PartitionKey"], "partition-1")

    def test_every_resource_of_the_kinesis_proxy(self):
        name = f"{self.streams['pin']}-resources"
        streams, json_type = f"{self.invoke_url}/streams", {"Content-Type": "application/json"}
        made = requests.post(f"{streams}/{name}", headers=json_type, timeout=LIMIT)
        self.assertEqual((made.status_code, made.text), (200, ""))
        described = requests.get(f"{streams}/{name}", timeout=LIMIT).json()["StreamDescription"]
        self.assertEqual(len(described["Shards"]), 5)
        listed = requests.get(streams, timeout=LIMIT).json()
        later = listed["HasMoreStreams"] and listed["StreamNames"][-1] < name  # a list ends after 100
        self.assertTrue(later or name in listed["StreamNames"], listed)
        body = {"records": [{"data": json.dumps(row), "partition-key": table} for table, row in ROWS.items()]}
        put = requests.put(f"{streams}/{name}/records", json=body, timeout=LIMIT)
        self.assertEqual((put.status_code, put.json()["FailedRecordCount"]), (200, 0), put.text)
        shards = {record["ShardId"] for record in put.json()["Records"]}
        found = []
        for shard in shards:
            token = requests.get(f"{streams}/{name}/sharditerator", params={"shard-id": shard}, timeout=LIMIT)
            while token is not None:
                answer = requests.get(f"{streams}/{name}/records", headers={"Shard-Iterator": token.json()["ShardIterator"]
                                      if "ShardIterator" in token.json() else token.json()["NextShardIterator"]}, timeout=LIMIT)
                self.assertEqual(answer.status_code, 200, answer.text)
                found += [json.loads(base64.b64decode(record["Data"])) for record in answer.json()["Records"]]
                token = answer if answer.json()["MillisBehindLatest"] else None
        self.assertEqual(sorted(found, key=str), sorted(ROWS.values(), key=str))
        self.assertEqual(requests.delete(f"{streams}/{name}", timeout=LIMIT).status_code, 200)
        # A stream goes in the background, here as there. It stays away although this Kafka creates topics on first use: nobody writes to it.
        until = time.monotonic() + LIMIT
        while "StreamDescription" in (answer := requests.get(f"{streams}/{name}", timeout=LIMIT).json()):
            self.assertLess(time.monotonic(), until, answer)
            time.sleep(0.1)
        until = time.monotonic() + STAYS_AWAY
        while time.monotonic() < until:
            self.assertEqual(answer["__type"], "ResourceNotFoundException")
            time.sleep(0.1)
            answer = requests.get(f"{streams}/{name}", timeout=LIMIT).json()
        put = requests.put(f"{streams}/{name}/record", json={"Data": {}, "PartitionKey": "k"}, timeout=LIMIT)
        self.assertEqual((put.status_code, put.json()["__type"]), (400, "ResourceNotFoundException"))

    def test_bodies_that_are_wrong(self):
        record = f"{self.invoke_url}/streams/{self.streams['pin']}/record"
        for body, name in (
            ("", "SerializationException"),
            ("{", "SerializationException"),
            ('{"Data": {}}', "ValidationException"),
            ('{"PartitionKey": "k"}', "ValidationException"),
            ('{"Data": {}, "PartitionKey": ""}', "ValidationException"),
            ('{"Data": "' + "x" * 1048576 + '", "PartitionKey": "k"}', "ValidationException"),
        ):
            answer = requests.put(record, data=body, headers={"Content-Type": "application/json"}, timeout=LIMIT)
            self.assertEqual((answer.status_code, answer.json()["__type"]), (400, name), body[:80])
        huge = requests.put(record, data="x" * (13 * 1024 * 1024), timeout=LIMIT)
        self.assertEqual(huge.status_code, 413)
        missing = requests.put(f"{self.invoke_url}/streams/missing-{self.user}/record",
                               json={"Data": {}, "PartitionKey": "k"}, timeout=LIMIT)
        self.assertEqual((missing.status_code, missing.json()["__type"]), (400, "ResourceNotFoundException"))
        no_token = requests.get(f"{self.invoke_url}/streams/{self.streams['pin']}/records", timeout=LIMIT)
        self.assertEqual((no_token.status_code, no_token.json()["__type"]), (400, "ValidationException"))

    def test_targets_and_bodies_that_are_wrong(self):
        def call(target, body, url=f"{self.parts.proxy}/"):
            return requests.post(url, data=body, timeout=LIMIT,
                                 headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})

        for target, body, name in (
            ("DynamoDB_20120810.ListTables", "{}", "UnknownOperationException"),
            ("Kinesis_20131202.", "{}", "UnknownOperationException"),
            ("Kinesis_20131202.PutRecord", "", "ValidationException"),
            ("Kinesis_20131202.PutRecord", "nonsense", "SerializationException"),
            ("Kinesis_20131202.PutRecord", '{"StreamName": 5}', "SerializationException"),
            ("Kinesis_20131202.PutRecord", json.dumps({"StreamName": self.streams["pin"], "Data": "no base64!", "PartitionKey": "k"}),
             "SerializationException"),
            ("Kinesis_20131202.GetRecords", '{"ShardIterator": "' + "A" * 5000 + '"}', "InvalidArgumentException"),
            ("Kinesis_20131202.ListStreams", "[" * 500, "SerializationException"),
        ):
            answer = call(target, body)
            self.assertEqual((answer.status_code, answer.json()["__type"]), (400, name), f"{target} {body[:60]}")
            self.assertEqual(answer.headers["x-amzn-errortype"], name)
        self.assertEqual(call("Kinesis_20131202.ListStreams", "", f"{self.invoke_url}/").status_code, 200)
        cbor = requests.post(f"{self.parts.proxy}/", data=b"\xa0", timeout=LIMIT, headers={
            "X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-cbor-1.1"})
        self.assertEqual(cbor.status_code, 400)
        self.assertIn("AWS_CBOR_DISABLE", cbor.text)

    def test_nobody_is_anonymous_where_signatures_are_checked(self):
        unsigned = requests.post(f"{self.parts.guarded}/", data="{}", timeout=LIMIT,
                                 headers={"X-Amz-Target": "Kinesis_20131202.ListStreams"})
        self.assertEqual((unsigned.status_code, unsigned.json()["__type"]), (400, "AccessDeniedException"))
        for method, path in (("GET", "/streams"), ("PUT", "/streams/a/record"), ("DELETE", "/streams/a"), ("GET", "/topics")):
            answer = requests.request(method, self.parts.guarded + path, timeout=LIMIT)
            self.assertEqual(answer.status_code, 403, f"{method} {path} {answer.text}")
