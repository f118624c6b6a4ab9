//! The Kafka clients' settings: prefixes cut off, Java's names translated, defaults filled in.

use sluiceway_common::config_def::{ConfigErrors, Values};
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::props::{Properties, with_prefix};

/// Proxy settings whose names begin like those of Kafka clients.
const NOT_FOR_CLIENTS: [&str; 10] = [
    "client.init.timeout.ms",
    "client.timeout.ms",
    "producer.threads",
    "producer.max.block.ms",
    "consumer.request.timeout.ms",
    "consumer.request.max.bytes",
    "consumer.instance.timeout.ms",
    "consumer.threads",
    "consumer.iterator.timeout.ms",
    "consumer.iterator.backoff.ms",
];

/// The settings of the three kinds of clients.
pub(super) struct Clients {
    pub(super) producer: KafkaConfig,
    pub(super) consumer: KafkaConfig,
    pub(super) admin: KafkaConfig,
}

pub(super) fn clients(
    properties: &Properties,
    values: &Values,
    errors: &mut ConfigErrors,
) -> Clients {
    let mut merged = |role, prefix| {
        let mut java = Properties::new();
        // That it is missing was told already.
        if properties.contains_key("bootstrap.servers") {
            let servers = values.text("bootstrap.servers").to_owned();
            java.insert("bootstrap.servers".to_owned(), servers);
        }
        let own: Properties = properties
            .iter()
            .filter(|(key, _)| !NOT_FOR_CLIENTS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        java.extend(with_prefix(&own, "client."));
        java.extend(with_prefix(&own, prefix));
        let config = KafkaConfig::translate(role, &java).unwrap_or_else(|found| {
            for error in found.0 {
                let mut names = [prefix, "client."]
                    .map(|start| format!("{start}{}", error.key))
                    .into_iter();
                let error = match names.find(|name| own.contains_key(name)) {
                    Some(name) => error.written(&name),
                    None => error,
                };
                // A setting of all clients is told once.
                if !errors.0.contains(&error) {
                    errors.0.push(error);
                }
            }
            KafkaConfig::default()
        });
        (config, java)
    };
    let (mut producer, java) = merged(Role::Producer, "producer.");
    let (mut admin, _) = merged(Role::Admin, "admin.");
    producer_defaults(&mut producer, &java);
    let (mut consumer, _) = merged(Role::Consumer, "consumer.");
    consumer_defaults(&mut consumer, values);
    for config in [&mut producer, &mut consumer, &mut admin] {
        config.default_to("client.id", "sluiceway-proxy");
        config.default_to("socket.nagle.disable", "true");
    }
    // GETs must not create topics.
    admin.force("allow.auto.create.topics", "false");
    Clients {
        producer,
        consumer,
        admin,
    }
}

/// The Java consumer's defaults where librdkafka's differ, and bounds on the memory of an instance.
fn consumer_defaults(consumer: &mut KafkaConfig, values: &Values) {
    let prefetch = values.size("sluiceway.consumer.prefetch.bytes");
    let kbytes = (prefetch / 1024).to_string();
    let fetch = prefetch.clamp(1_048_576, 52_428_800).to_string();
    for (name, value) in [
        ("auto.offset.reset", "latest"),
        ("isolation.level", "read_uncommitted"),
        ("allow.auto.create.topics", "true"),
        ("check.crcs", "true"),
        ("fetch.wait.max.ms", "500"),
        ("queued.max.messages.kbytes", kbytes.as_str()),
        ("fetch.max.bytes", fetch.as_str()),
        // A full queue lasts longer than this, so that reads without a pause find it filled; an instance that nobody reads looks so
        // often whether there is room.
        ("fetch.queue.backoff.ms", "10"),
    ] {
        consumer.default_to(name, value);
    }
    // The brokers decide these in the newer protocol of groups, and librdkafka refuses them then.
    let protocol = consumer.settings.get("group.protocol");
    if protocol.is_none_or(|protocol| !protocol.eq_ignore_ascii_case("consumer")) {
        for (name, value) in [
            ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", "45000"),
            ("heartbeat.interval.ms", "3000"),
        ] {
            consumer.default_to(name, value);
        }
    }
    agree(consumer);
    // As in the original, whatever the properties say: the proxy's own limits go before it.
    consumer.force("socket.timeout.ms", "30000");
    // Offsets are stored when records are answered with, not when they are fetched.
    consumer.force("enable.auto.offset.store", "false");
    // The end of a partition ends a read early.
    consumer.force("enable.partition.eof", "true");
}

/// librdkafka makes no consumer of pairs that Java takes: a poll interval below the session's time, and fetches below the
/// size of a message, which is the producers' affair.
fn agree(consumer: &mut KafkaConfig) {
    let number = |name: &str| consumer.settings.get(name)?.parse::<u64>().ok();
    let interval = number("max.poll.interval.ms").unwrap_or(300_000);
    let session = number("session.timeout.ms").filter(|session| interval < *session);
    let fetch = number("fetch.max.bytes").map(|bytes| bytes.clamp(1000, 1_000_000));
    if let Some(session) = session {
        consumer.force("max.poll.interval.ms", session.to_string());
    }
    if let Some(bytes) = fetch {
        consumer.default_to("message.max.bytes", bytes.to_string());
    }
}

/// Milliseconds that the client waits for more records before it sends. A lone request does not notice so few; under load the
/// records that are being handed over just then go along, and the slowest requests take a quarter less time than with none.
const LINGER_MS: &str = "0.05";
/// Requests under way to one broker. While so many are, records gather, and the next request takes them all: under
/// load requests share batches without anybody having waited for company. More than this sends smaller batches and
/// costs the brokers more; one would let slow partitions hold up quick ones.
const IN_FLIGHT: &str = "3";

/// How long the client goes on trying records for a topic that the brokers say is missing, if it has seen it to come or go just now.
/// The proxy has looked the topic up before, so this is for brokers that lag behind one another only.
const PROPAGATION_MS: &str = "5000";

fn producer_defaults(producer: &mut KafkaConfig, java: &Properties) {
    let user = |name: &str| java.get(name).map(|value| value.trim());
    // As Kafka's own client: settings that exclude idempotence switch it off, unless it was asked for.
    let excluded = user("acks").is_some_and(|acks| acks != "all" && acks != "-1")
        || user("retries") == Some("0")
        || user("max.in.flight.requests.per.connection")
            .is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 5));
    producer.default_to(
        "enable.idempotence",
        if excluded { "false" } else { "true" },
    );
    for (name, value) in [
        ("acks", "all"),
        ("partitioner", "murmur2_random"),
        ("linger.ms", LINGER_MS),
        ("max.in.flight.requests.per.connection", IN_FLIGHT),
        ("sticky.partitioning.linger.ms", "10"),
        ("message.max.bytes", "1048576"),
        ("delivery.timeout.ms", "120000"),
        ("request.timeout.ms", "30000"),
        // The client asks for every topic that it ever wrote to, again and again: it would bring back what was removed. The proxy asks
        // for the creation of a topic itself, when somebody writes to it.
        ("allow.auto.create.topics", "false"),
        ("topic.metadata.propagation.max.ms", PROPAGATION_MS),
    ] {
        producer.default_to(name, value);
    }
}
