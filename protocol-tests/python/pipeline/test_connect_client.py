"""A connector's life by `kafka-connect-py`, a client of Connect's REST API that nobody here wrote."""

import unittest

import requests
from kafka_connect import KafkaConnect

from .support import Parts, wait_for

PLUGIN = "io.confluent.connect.s3.S3SinkConnector"


class ConnectClient(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.parts = Parts.from_environment()
        cls.client = KafkaConnect(url=cls.parts.connect)
        cls.name = f"client-{cls.parts.user}"
        cls.config = {
            "name": cls.name, "connector.class": PLUGIN, "tasks.max": "2", "topics": f"nothing-{cls.parts.user}",
            "storage.class": "io.confluent.connect.s3.storage.S3Storage", "flush.size": "3",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "s3.bucket.name": cls.parts.bucket, "s3.region": "us-east-1", "store.url": cls.parts.s3,
            "aws.access.key.id": cls.parts.s3_key, "aws.secret.access.key": cls.parts.s3_secret}

    def state(self):
        return self.client.get_connector_status(self.name)["connector"]["state"]

    def test_cluster_and_plugins(self):
        info = self.client.get_cluster_info()
        self.assertEqual(set(info), {"version", "commit", "kafka_cluster_id"})
        plugins = self.client.list_connector_plugins()
        self.assertIn((PLUGIN, "sink"), [(plugin["class"], plugin["type"]) for plugin in plugins])

    def test_validation_tells_every_error(self):
        found = self.client.validate_connector_config(PLUGIN, {"connector.class": PLUGIN, "flush.size": "many"})
        errors = {entry["value"]["name"]: entry["value"]["errors"] for entry in found["configs"]}
        self.assertIn("Not a number of type INT", errors["flush.size"][0])
        for key in ("name", "s3.bucket.name", "storage.class", "format.class"):
            self.assertTrue(errors[key], key)
        self.assertEqual(found["error_count"], sum(map(len, errors.values())))

    def test_a_connector_lives(self):
        created = self.client.create_connector({"name": self.name, "config": self.config})
        self.addCleanup(self.client.delete_connector, self.name)
        self.assertEqual((created["name"], created["type"]), (self.name, "sink"))
        with self.assertRaises(requests.HTTPError) as refused:
            self.client.create_connector({"name": self.name, "config": self.config})
        self.assertEqual(refused.exception.response.status_code, 409)
        self.assertIn(self.name, self.client.list_connectors())
        wait_for(lambda: [task["state"] for task in self.client.get_connector_status(self.name)["tasks"]] == ["RUNNING"] * 2,
                 "two RUNNING tasks")
        self.assertEqual(len(self.client.list_connector_tasks(self.name)), 2)
        self.assertEqual(self.client.get_connector_task_status(self.name, 1)["id"], 1)
        self.client.pause_connector(self.name)
        wait_for(lambda: self.state() == "PAUSED", "PAUSED")
        self.client.resume_connector(self.name)
        wait_for(lambda: self.state() == "RUNNING", "RUNNING")
        self.client.restart_connector(self.name)
        self.assertEqual(self.client.restart_connector(self.name, include_tasks=True)["name"], self.name)
        self.client.restart_connector_task(self.name, 0)
        self.client.update_connector(self.name, {**self.config, "flush.size": "7"})
        self.assertEqual(self.client.get_connector_config(self.name)["flush.size"], "7")
        self.assertEqual(self.client.get_connector(self.name)["config"]["aws.secret.access.key"], "********")
        self.assertEqual(self.client.list_connector_topics(self.name), {self.name: {"topics": []}})
        self.client.reset_connector_topics(self.name)
        self.client.stop_connector(self.name)
        wait_for(lambda: self.state() == "STOPPED", "STOPPED")
        self.assertEqual(self.client.list_connector_tasks(self.name), [])


if __name__ == "__main__":
    unittest.main()
