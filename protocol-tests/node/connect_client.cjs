// A connector's life by `kafka-connect-client`, a client of Connect's REST API that nobody here wrote.
//
// Where everything is stands in the variables SLUICEWAY_CONNECT, SLUICEWAY_S3, SLUICEWAY_S3_KEY, SLUICEWAY_S3_SECRET,
// SLUICEWAY_BUCKET, SLUICEWAY_USER; `cargo xtask verify` sets them. Exit status 1 with the first difference.
"use strict";

const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
// The packages lie where `cargo xtask` has installed them.
const { KafkaConnectClient } = createRequire(`${process.env.SLUICEWAY_NODE_PACKAGES}/`)("kafka-connect-client");

const PLUGIN = "io.confluent.connect.s3.S3SinkConnector";
const LIMIT_MS = 60_000;
const url = new URL(process.env.SLUICEWAY_CONNECT);
const client = new KafkaConnectClient({ host: url.hostname, port: url.port });
const name = `node-${process.env.SLUICEWAY_USER}`;
const topic = `nothing-${process.env.SLUICEWAY_USER}`;
const config = {
  "connector.class": PLUGIN,
  "tasks.max": "1",
  topics: topic,
  "storage.class": "io.confluent.connect.s3.storage.S3Storage",
  "flush.size": "3",
  "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
  "key.converter": "org.apache.kafka.connect.storage.StringConverter",
  "value.converter": "org.apache.kafka.connect.storage.StringConverter",
  "s3.bucket.name": process.env.SLUICEWAY_BUCKET,
  "s3.region": "us-east-1",
  "store.url": process.env.SLUICEWAY_S3,
  "aws.access.key.id": process.env.SLUICEWAY_S3_KEY,
  "aws.secret.access.key": process.env.SLUICEWAY_S3_SECRET,
};

async function until(what, condition) {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `${what} did not come within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function refused(status, request) {
  await assert.rejects(request, (error) => {
    assert.equal(error.response.status, status);
    assert.equal(error.response.data.error_code, status);
    return true;
  });
}

async function main() {
  const connector = client.connector(name);
  assert.deepEqual(Object.keys((await client.getCluster()).data).sort(), ["commit", "kafka_cluster_id", "version"]);
  const plugins = (await client.getConnectorPlugins({ connectorsOnly: false })).data;
  assert.ok(plugins.some((plugin) => plugin.class === PLUGIN && plugin.type === "sink"));
  const checked = (await client.validateConnectorConfig(PLUGIN, { "connector.class": PLUGIN })).data;
  assert.ok(checked.error_count >= 4 && checked.configs.length > 80);

  await refused(404, connector.get());
  assert.equal((await client.createConnector(name, config)).status, 201);
  await refused(409, client.createConnector(name, config));
  assert.ok((await client.getConnectors()).data.includes(name));
  const expanded = (await client.getConnectors({ expand: ["status"] })).data;
  assert.ok(typeof expanded === "object");
  const state = async () => (await connector.getStatus()).data.connector.state;
  const running = async () => (await connector.getStatus()).data.tasks[0]?.state === "RUNNING";
  await until("a RUNNING task", running);
  assert.equal((await connector.getTasks()).data.length, 1);
  assert.equal((await connector.getTaskStatus(0)).data.id, 0);
  assert.equal((await connector.pause()).status, 202);
  await until("PAUSED", async () => (await state()) === "PAUSED");
  assert.equal((await connector.resume()).status, 202);
  await until("RUNNING", async () => (await state()) === "RUNNING");
  assert.equal((await connector.restart({ includeTasks: true })).status, 204);
  assert.equal((await connector.restartTask(0)).status, 204);
  assert.equal((await connector.updateConfig({ ...config, "flush.size": "7" })).status, 200);
  assert.equal((await connector.getConfig()).data["flush.size"], "7");
  await connector.resetTopics();

  const place = { kafka_topic: topic, kafka_partition: 0 };
  await refused(400, connector.alterOffsets([{ partition: place, offset: { kafka_offset: 5 } }]));
  assert.equal((await connector.stop()).status, 204);
  await until("STOPPED", async () => (await state()) === "STOPPED");
  assert.deepEqual((await connector.getOffsets()).data, { offsets: [] });
  assert.equal((await connector.delete()).status, 204);
  await refused(404, connector.getStatus());
  console.log("kafka-connect-client: a connector lived and died");
}

main().catch((error) => {
  console.error(error.response ? `${error.message}: ${JSON.stringify(error.response.data)}` : error);
  process.exitCode = 1;
});
