// Confluent's own client for Node against a running proxy: node clients.js <modules> <proxy> <topic>.
// It speaks what was there before v2 (`Accept: application/vnd.kafka.v1+json, …`), so the proxy has
// `sluiceway.lenient.media.types=true`. Prints one line of JSON: what it was told. Fails by its exit code.
'use strict';

const assert = require('assert');
const path = require('path');
const { promisify } = require('util');

const [modules, url, name] = process.argv.slice(2);
const KafkaRest = require(path.join(modules, 'kafka-rest'));
const call = (object, method, ...args) => promisify(object[method].bind(object))(...args);

async function main() {
    const client = new KafkaRest({ url });
    const brokers = await call(client.brokers, 'list');
    assert(brokers.length > 0);

    const topic = client.topic(name);
    const binary = await call(topic, 'produce', 'first', { key: 'k', value: 'second' }, { partition: 0, value: 'third' });
    assert.deepStrictEqual(binary.offsets.map((place) => place.error_code), [null, null, null]);

    const schema = new KafkaRest.AvroSchema({
        name: 'Pin', type: 'record', fields: [{ name: 'index', type: 'int' }, { name: 'title', type: ['null', 'string'] }],
    });
    const avro = client.topic(name + '-avro');
    const registered = await call(avro, 'produce', schema, { index: 1, title: { string: 'a' } });
    assert(registered.value_schema_id > 0);
    // The client keeps the id and names it from now on.
    const again = await call(avro, 'produce', schema, { index: 2, title: null });
    assert.strictEqual(again.value_schema_id, registered.value_schema_id);

    const topics = await call(client.topics, 'list');
    assert(topics.some((one) => one.name === undefined ? one.raw === name : one.name === name));
    const described = await call(client.topics, 'get', name);
    const partitions = await call(described.partitions, 'list');
    assert.strictEqual(partitions.length, described.raw.partitions.length);

    const instance = await call(client.consumer(name + '-group'), 'join', { format: 'binary', 'auto.offset.reset': 'earliest' });
    assert(instance.uri.startsWith(url));
    await call(instance, 'shutdown');

    await assert.rejects(call(client.topics, 'get', name + '-absent'), (error) => error.status === 404);
    console.log(JSON.stringify({ binary: binary.offsets, avro: [registered, again].map((one) => one.offsets[0]) }));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
