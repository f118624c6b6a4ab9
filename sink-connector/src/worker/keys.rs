//! The worker's configuration keys: Kafka Connect's own with their names and defaults, and this program's under
//! `sluiceway.`.
//!
//! Keys that concern only source connectors or the JVM are declared too, so that an existing worker file gives no
//! warnings; their text says that they have no effect.

mod callers;

use sluiceway_common::config_def::{ConfigDef, Importance, Key, Kind};
use sluiceway_common::console::ConsoleConfig;
use sluiceway_common::traces::TraceConfig;

/// Client settings that a worker file may hold besides the declared keys: security of the worker's own clients.
const CLIENT_PREFIXES: [&str; 2] = ["sasl.", "ssl."];
/// Settings that are read elsewhere.
const PREFIXES: [&str; 14] = [
    "consumer.",
    "producer.",
    "admin.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "config.providers.",
    "listeners.https.",
    "internal.",
    "metrics.context.",
    "topic.creation.",
    // Settings of the internal topics.
    "config.storage.",
    "offset.storage.",
    "status.storage.",
];

/// All keys a worker file may hold.
pub fn definition() -> ConfigDef {
    let def = ConfigDef::new()
        .keys("Kafka", kafka())
        .keys("Converters", converters())
        .keys("Tasks", tasks())
        .keys("REST API", rest())
        .keys("Callers of the REST API", callers::keys())
        .keys("Sluiceway", own())
        .keys("Traces", TraceConfig::keys())
        .keys("Distributed mode", distributed())
        .keys("Without effect", ignored());
    CLIENT_PREFIXES
        .into_iter()
        .chain(PREFIXES)
        .fold(def, ConfigDef::prefix)
}

fn kafka() -> Vec<Key> {
    vec![
        Key::with(
            "bootstrap.servers",
            Kind::List,
            "localhost:9092",
            "Brokers to begin with, `host:port` separated by commas. Tasks use them too unless `consumer.bootstrap.servers` is set.",
        )
        .importance(Importance::High),
        Key::with(
            "client.id",
            Kind::String,
            "",
            "Client id of the worker's own clients; tasks have `connector-consumer-<connector>-<task>`.",
        ),
        Key::with(
            "security.protocol",
            Kind::String,
            "PLAINTEXT",
            "For the worker's own clients. As in Kafka Connect, tasks take theirs from `consumer.security.protocol`.",
        )
        .one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], true),
        Key::with(
            "request.timeout.ms",
            Kind::Int,
            "40000",
            "How long the worker's own clients wait for a broker's answer.",
        )
        .at_least(0),
    ]
}

fn converters() -> Vec<Key> {
    vec![
        Key::required(
            "key.converter",
            Kind::Class,
            "Converter of record keys for connectors that name none; its options follow as `key.converter.…`.",
        ),
        Key::required(
            "value.converter",
            Kind::Class,
            "Converter of record values for connectors that name none; its options follow as `value.converter.…`.",
        ),
        Key::with(
            "header.converter",
            Kind::Class,
            "org.apache.kafka.connect.storage.SimpleHeaderConverter",
            "Converter of record headers for connectors that name none.",
        ),
        Key::with(
            "config.providers",
            Kind::List,
            "",
            "Aliases of config providers (`env,file`); each needs `config.providers.<alias>.class`. A connector refers to them as `${alias:path:key}`.",
        ),
        Key::with(
            "connector.client.config.override.policy",
            Kind::String,
            "All",
            "Which `consumer.override.…`, `producer.override.…` and `admin.override.…` settings a connector may use: `All`, `None` or `Principal` (only `sasl.jaas.config`, `sasl.mechanism`, `security.protocol`).",
        ),
    ]
}

fn tasks() -> Vec<Key> {
    vec![
        Key::with(
            "offset.flush.interval.ms",
            Kind::Long,
            "60000",
            "Accepted; a task commits as soon as the objects before an offset are completed.",
        )
        .at_least(1),
        Key::with(
            "offset.flush.timeout.ms",
            Kind::Long,
            "5000",
            "Accepted and without effect.",
        )
        .at_least(1),
        Key::with(
            "task.shutdown.graceful.timeout.ms",
            Kind::Long,
            "5000",
            "How long a connector's tasks may take to end when they are stopped, for all of them together.",
        )
        .at_least(0),
        Key::with(
            "topic.tracking.enable",
            Kind::Boolean,
            "true",
            "Whether `GET /connectors/{name}/topics` lists the topics that were read.",
        ),
        Key::with(
            "topic.tracking.allow.reset",
            Kind::Boolean,
            "true",
            "Whether `PUT /connectors/{name}/topics/reset` is allowed.",
        ),
    ]
}

fn rest() -> Vec<Key> {
    vec![
        Key::with(
            "listeners",
            Kind::List,
            "http://:8083",
            "Where the REST API listens: `http://host:port`, separated by commas; port 0 takes a free one.",
        )
        .importance(Importance::High),
        Key::optional(
            "admin.listeners",
            Kind::List,
            "Where `/admin/loggers` listens. Unset: on `listeners`; empty: nowhere.",
        ),
        Key::optional(
            "rest.host.name",
            Kind::String,
            "Before Kafka 3.0: host of the listener. Used when `listeners` is not set.",
        )
        .importance(Importance::Low),
        Key::optional(
            "rest.port",
            Kind::Int,
            "Before Kafka 3.0: port of the listener. Used when `listeners` is not set.",
        )
        .importance(Importance::Low)
        .between(0, 65_535),
        Key::optional(
            "rest.advertised.host.name",
            Kind::String,
            "Host by which other workers and `worker_id` know this one.",
        ),
        Key::optional(
            "rest.advertised.port",
            Kind::Int,
            "Port by which other workers and `worker_id` know this one.",
        )
        .between(0, 65_535),
        Key::optional(
            "rest.advertised.listener",
            Kind::String,
            "Which listener other workers use, `http` or `https`. Unset: `http` where a listener speaks it. Whom they trust, and the certificate that they show: `listeners.https.ssl.…`, else `ssl.…`.",
        )
        .check(advertised),
        Key::with(
            "rest.extension.classes",
            Kind::List,
            "",
            "Empty, or `org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension`: every request then needs a user. Other classes cannot be loaded and are refused.",
        ),
        Key::with(
            "java.security.auth.login.config",
            Kind::String,
            "",
            "The JAAS login configuration whose section `authentication.realm` names the password file of that extension and of BASIC. As a Java option it is read from `KAFKA_OPTS`.",
        ),
        Key::with(
            "sluiceway.rest.authentication.password.file",
            Kind::String,
            "",
            "That password file itself: lines `user=password`; a password may stand as `MD5:`, `CRYPT:` or `PBKDF2-SHA256:` (`sluiceway-proxy --hash-password` makes one).",
        ),
        Key::with(
            "sluiceway.rest.authentication.failures.per.minute",
            Kind::Int,
            "60",
            "Wrong credentials that an address may show in a minute; then 429 until time has passed. 0: any number.",
        )
        .at_least(0),
        Key::with(
            "access.control.allow.origin",
            Kind::String,
            "",
            "Origins that a browser may call the REST API from: `*` or a comma-separated list. Empty: none.",
        ),
        Key::with(
            "access.control.allow.methods",
            Kind::String,
            "",
            "Methods allowed to those origins. Empty: GET, POST and HEAD.",
        ),
        Key::with(
            "response.http.headers.config",
            Kind::String,
            "",
            "Headers of every answer: `set name: value` or `add name: value`, separated by commas.",
        ),
    ]
}

fn advertised(text: &str) -> Result<(), String> {
    match text.to_ascii_lowercase().as_str() {
        "" | "http" | "https" => Ok(()),
        _ => Err("it must be http or https".to_owned()),
    }
}

fn own() -> Vec<Key> {
    vec![
        Key::with(
            "sluiceway.admin.listeners",
            Kind::List,
            "http://0.0.0.0:9103",
            "Where `/metrics`, `/livez`, `/readyz` and `/console` listen. Empty: nowhere.",
        ),
        ConsoleConfig::enable_key(),
        ConsoleConfig::other_key(),
        Key::with(
            "sluiceway.admin.authentication.enable",
            Kind::Boolean,
            "false",
            "Whether `/metrics` and `/log-levels` ask who it is, as the REST API does; probes never do. To change log levels needs `write=*` where there are rules.",
        ),
        Key::with(
            "sluiceway.audit.log",
            Kind::String,
            "ADMIN",
            "What the log target `sluiceway_sink::audit` tells of, when callers of the REST API have to be known: NONE, DENIED, ADMIN (and changes of connectors, offsets, log levels), ALL.",
        )
        .one_of(&["NONE", "DENIED", "ADMIN", "ALL"], true),
        Key::with(
            "sluiceway.memory.budget.bytes",
            Kind::Long,
            "0",
            "Bytes that fetch queues, encoders and part buffers of all tasks may hold together. 0: half of the cgroup's memory limit, or 160 MiB when there is none.",
        )
        .at_least(0),
        Key::with(
            "sluiceway.rest.request.timeout.ms",
            Kind::Long,
            "90000",
            "How long a REST request may take before it is answered with 500.",
        )
        .at_least(1),
        Key::with(
            "sluiceway.rest.max.body.bytes",
            Kind::Long,
            "1048576",
            "Largest request body of the REST API; larger ones are answered with 413.",
        )
        .at_least(1),
        Key::with(
            "sluiceway.rest.max.connections",
            Kind::Int,
            "256",
            "Connections the REST API serves at once; further ones wait.",
        )
        .at_least(1),
        Key::with(
            "sluiceway.kafka.timeout.ms",
            Kind::Long,
            "10000",
            "How long a REST request waits for Kafka (cluster id, offsets).",
        )
        .at_least(1),
        Key::with(
            "sluiceway.max.connectors",
            Kind::Int,
            "10000",
            "Connectors one worker takes; a further one is refused. What runs is bounded by `sluiceway.max.tasks`.",
        )
        .at_least(0),
        Key::with(
            "sluiceway.max.tasks",
            Kind::Int,
            "2000",
            "Tasks one worker runs; each is a thread and a Kafka consumer. A connector that would exceed it fails to start.",
        )
        .at_least(1),
    ]
}

fn distributed() -> Vec<Key> {
    let text = |name, doc| Key::optional(name, Kind::String, doc).importance(Importance::High);
    let number = |name, default, doc| Key::with(name, Kind::Int, default, doc);
    vec![
        text(
            "group.id",
            "Group of the workers of one cluster. It is the group of Connect's own workers: they and this program's cannot work side by side, so that a cluster is never run twice.",
        ),
        text(
            "config.storage.topic",
            "Topic of connector configurations and target states, in Connect's form; one partition, compacted. Further keys under `config.storage.` are settings of the topic.",
        ),
        text(
            "offset.storage.topic",
            "Topic of source offsets; a sink has none. It is made for a Connect cluster that may take over.",
        ),
        text(
            "status.storage.topic",
            "Topic of connector and task states, in Connect's form; compacted.",
        ),
        number(
            "config.storage.replication.factor",
            "3",
            "Replicas of that topic, and of the slot topic, when they are made; -1 leaves it to the broker.",
        )
        .at_least(-1),
        number(
            "offset.storage.replication.factor",
            "3",
            "Replicas of that topic when it is made; -1 leaves it to the broker.",
        )
        .at_least(-1),
        number(
            "offset.storage.partitions",
            "25",
            "Partitions of that topic when it is made; -1 leaves it to the broker.",
        )
        .at_least(-1),
        number(
            "status.storage.replication.factor",
            "3",
            "Replicas of that topic when it is made; -1 leaves it to the broker.",
        )
        .at_least(-1),
        number(
            "status.storage.partitions",
            "5",
            "Partitions of that topic when it is made; -1 leaves it to the broker.",
        )
        .at_least(-1),
        Key::with(
            "sluiceway.slots.topic",
            Kind::String,
            "",
            "Topic whose partitions are the slots that the workers share. Empty: `<group.id>-slots`.",
        ),
        number(
            "sluiceway.slots",
            "64",
            "Slots, that is partitions of the slot topic when it is made. Tasks are spread over slots and slots over workers, so it should be some times the number of workers. Must not be changed while workers run.",
        )
        .between(1, 1000),
        number(
            "session.timeout.ms",
            "6000",
            "After this long without a heartbeat a worker is taken for dead and its slots go to others (Connect's default is 10000). Also of the tasks' consumers unless `consumer.session.timeout.ms` is set. The broker's `group.min.session.timeout.ms` bounds it.",
        )
        .at_least(1),
        number(
            "heartbeat.interval.ms",
            "500",
            "How often a worker shows that it lives, and how soon it learns that slots move (Connect's default is 3000). Also of the tasks' consumers unless `consumer.heartbeat.interval.ms` is set.",
        )
        .at_least(1),
        number(
            "rebalance.timeout.ms",
            "60000",
            "How long a worker may take to give up slots before the group goes on without it.",
        )
        .at_least(1),
        number(
            "scheduled.rebalance.max.delay.ms",
            "300000",
            "Accepted and without effect: the slots of a missing worker move as soon as its session has ended.",
        ),
    ]
}

/// Keys of the original that mean nothing to a sink outside the JVM.
fn ignored() -> Vec<Key> {
    const NAMES: [&str; 24] = [
        "plugin.path",
        "plugin.discovery",
        "offset.storage.file.filename",
        "topic.creation.enable",
        "exactly.once.source.support",
        "transaction.boundary",
        "connect.protocol",
        "worker.sync.timeout.ms",
        "worker.unsync.backoff.ms",
        "inter.worker.key.generation.algorithm",
        "inter.worker.key.size",
        "inter.worker.key.ttl.ms",
        "inter.worker.signature.algorithm",
        "inter.worker.verification.algorithms",
        "metric.reporters",
        "metrics.num.samples",
        "metrics.recording.level",
        "metrics.sample.window.ms",
        "auto.include.jmx.reporter",
        "metadata.max.age.ms",
        "client.dns.lookup",
        "config.storage.partitions",
        "group.instance.id",
        "zookeeper.connect",
    ];
    let key = |name| {
        Key::optional(name, Kind::String, "Accepted and without effect.")
            .importance(Importance::Low)
    };
    NAMES.into_iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_key_is_documented() {
        for key in definition().iter() {
            assert!(key.doc.len() > 10 && key.doc.ends_with('.'), "{}", key.name);
            assert!(!key.group.is_empty(), "{}", key.name);
        }
    }

    /// Run with `SLUICEWAY_WRITE_DOCS=1` to write the tables anew.
    #[test]
    fn the_documentation_has_every_key() {
        const BEGIN: &str = "<!-- generated from the definition: begin -->\n";
        const END: &str = "<!-- generated from the definition: end -->";
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/configuration-worker.md"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let (head, rest) = text.split_once(BEGIN).unwrap();
        let (tables, tail) = rest.split_once(END).unwrap();
        let expected = definition().to_markdown();
        if std::env::var_os("SLUICEWAY_WRITE_DOCS").is_some() {
            std::fs::write(path, format!("{head}{BEGIN}{expected}{END}{tail}")).unwrap();
            return;
        }
        assert!(
            tables == expected,
            "docs/configuration-worker.md is behind the definition"
        );
    }
}
