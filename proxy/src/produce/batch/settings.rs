//! Whether batches can be written here with the producer's settings, and how.
//!
//! In: the producer's translated settings. Out: [`WriterSettings`], or the setting for whose sake librdkafka writes all.
//! Only what is known to mean the same here is taken: a setting that is not on the list is librdkafka's to honour.

use std::time::Duration;

use sluiceway_common::kafka_config::KafkaConfig;
use sluiceway_kafka_tokens::Given;

use crate::kafka_wire::Settings;

/// How batches are written.
#[derive(Debug, Clone)]
pub(crate) struct WriterSettings {
    /// How to reach brokers, and as whom.
    pub(crate) wire: Settings,
    /// 1, or -1 for all in-sync replicas.
    pub(crate) acks: i16,
    /// Whether brokers tell repeated batches.
    pub(crate) idempotent: bool,
    /// Limit on one answer of a broker.
    pub(crate) request_timeout: Duration,
    /// Limit on a batch, with all that is tried.
    pub(crate) delivery_timeout: Duration,
    /// Pause before a batch is sent again.
    pub(crate) backoff: Duration,
    /// Bytes of the largest batch.
    pub(crate) batch_bytes: usize,
}

/// Settings that are read here, by the connection, or before.
const HONOURED: [&str; 28] = [
    "acks",
    "allow.auto.create.topics",
    "batch.size",
    "bootstrap.servers",
    "client.id",
    "delivery.timeout.ms",
    "enable.idempotence",
    "enable.sasl.oauthbearer.unsecure.jwt",
    "message.max.bytes",
    "message.timeout.ms",
    "partitioner",
    "receive.message.max.bytes",
    "request.timeout.ms",
    "retry.backoff.ms",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.config",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
];

/// Settings of librdkafka's own queues, threads and connections: they mean nothing here, or what waits for its turn has
/// the same by other means.
const MEANINGLESS: [&str; 24] = [
    "connections.max.idle.ms",
    "linger.ms",
    "log.connection.close",
    "log_level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "metadata.max.age.ms",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "retry.backoff.max.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.nagle.disable",
    "socket.timeout.ms",
    "statistics.interval.ms",
    "sticky.partitioning.linger.ms",
    "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
];

/// Values that say what is done anyway.
const DONE_ANYWAY: [(&str, &str); 7] = [
    ("broker.address.family", "any"),
    ("client.dns.lookup", "use_all_dns_ips"),
    ("compression.codec", "none"),
    ("compression.type", "none"),
    ("enable.ssl.certificate.verification", "true"),
    ("message.send.max.retries", "2147483647"),
    ("retries", "2147483647"),
];

impl WriterSettings {
    /// Reads them. At most `connections` are in use at once; connecting and looking up take `timeout` at most.
    ///
    /// # Errors
    /// Why librdkafka has to write all records.
    pub(crate) fn read(
        producer: &KafkaConfig,
        (connections, timeout): (usize, Duration),
        token: Option<Given>,
    ) -> Result<Self, String> {
        let get = |name: &str| producer.settings.get(name).map(|value| value.trim());
        let millis = |name: &str, or: u64| {
            let number = get(name).and_then(|text| text.parse::<f64>().ok());
            number.map_or(Duration::from_millis(or), |millis| {
                Duration::from_secs_f64((millis / 1000.0).clamp(0.001, 1e9))
            })
        };
        if let Some(name) = foreign(producer) {
            return Err(format!("{name} is set"));
        }
        let acks = match get("acks") {
            Some("1") => 1,
            Some("0") => return Err("acks is 0".to_owned()),
            _ => -1,
        };
        let mut wire = Settings::read(producer, connections, timeout, token);
        wire.kept = connections;
        if let Some(reason) = &wire.impossible {
            return Err(reason.clone());
        }
        let size =
            |name: &str, or: usize| get(name).and_then(|text| text.parse().ok()).unwrap_or(or);
        let delivery =
            get("message.timeout.ms").map_or("delivery.timeout.ms", |_| "message.timeout.ms");
        Ok(Self {
            wire,
            acks,
            idempotent: get("enable.idempotence") == Some("true"),
            request_timeout: millis("request.timeout.ms", 30_000),
            delivery_timeout: millis(delivery, 120_000),
            backoff: millis("retry.backoff.ms", 100),
            batch_bytes: size("batch.size", 1_000_000).min(size("message.max.bytes", 1_000_000)),
        })
    }
}

/// A setting that only librdkafka honours.
fn foreign(producer: &KafkaConfig) -> Option<&str> {
    let known = |(name, value): &(&String, &String)| {
        let (name, value) = (name.as_str(), value.trim());
        HONOURED.contains(&name)
            || MEANINGLESS.contains(&name)
            || DONE_ANYWAY.contains(&(name, value))
    };
    let mut foreign = producer.settings.iter().filter(|setting| !known(setting));
    foreign.next().map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<WriterSettings, String> {
        let mut config = KafkaConfig::default();
        config.force("bootstrap.servers", "a:1");
        for (name, value) in settings {
            config.force(name, *value);
        }
        WriterSettings::read(&config, (4, Duration::from_secs(1)), None)
    }

    #[test]
    fn what_is_honoured() {
        let settings = read(&[
            ("acks", "1"),
            ("request.timeout.ms", "5000"),
            ("delivery.timeout.ms", "7000"),
            ("batch.size", "16384"),
            ("linger.ms", "5"),
        ]);
        let settings = settings.unwrap();
        assert_eq!((settings.acks, settings.idempotent), (1, false));
        assert_eq!(settings.request_timeout, Duration::from_secs(5));
        assert_eq!(settings.delivery_timeout, Duration::from_secs(7));
        assert_eq!((settings.batch_bytes, settings.wire.kept), (16_384, 4));
        for (name, value) in DONE_ANYWAY {
            assert!(read(&[(name, value)]).is_ok(), "{name}");
        }
        let plain = read(&[("enable.idempotence", "true"), ("acks", "all")]).unwrap();
        assert_eq!(
            (plain.acks, plain.idempotent, plain.batch_bytes),
            (-1, true, 1_000_000)
        );
    }

    #[test]
    fn what_only_librdkafka_does() {
        for (name, value) in [
            ("compression.type", "gzip"),
            ("acks", "0"),
            ("ssl.crl.location", "/crl"),
            ("message.send.max.retries", "0"),
            ("transactional.id", "t"),
        ] {
            let why = read(&[(name, value)]).unwrap_err();
            assert!(why.contains(name), "{why}");
        }
        let kerberos = [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanisms", "GSSAPI"),
        ];
        assert!(read(&kerberos).unwrap_err().contains("GSSAPI"));
    }
}
