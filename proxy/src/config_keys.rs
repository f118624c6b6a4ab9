//! The table of keys: every name of `kafka-rest.properties`, its type, default and meaning.
//!
//! The doc texts are the user documentation (`--print-config-docs` prints them). Keys that are accepted without effect
//! are listed in `no_effect.rs` with the reason that is logged when someone sets them.

mod beyond;
mod consumers;
mod idempotency;
mod kinesis;
mod no_effect;
mod peers;
mod records;
mod security;

use sluiceway_common::config_def::{ConfigDef, Importance, Key, Kind};
use sluiceway_common::console::ConsoleConfig;
use sluiceway_common::traces::TraceConfig;

pub(crate) use no_effect::NO_EFFECT;

/// The declared keys.
#[must_use]
pub fn definition() -> ConfigDef {
    let def = ConfigDef::new()
        .keys("Kafka", kafka())
        .keys(
            "Listeners and connections",
            listeners().into_iter().chain(beyond::connections()),
        )
        .keys("TLS", security::tls())
        .keys(
            "Authentication and authorisation",
            security::authentication(),
        )
        .keys("Limits", limits())
        .keys("Limits on rates", security::rates())
        .keys("HTTP", http().into_iter().chain(beyond::http()))
        .keys("Topics and delivery", delivery())
        .keys("Records of the v2 API", beyond::v2_records())
        .keys("Raw records", beyond::raw())
        .keys("Consumers", consumers::keys())
        .keys("Replicas", peers::keys())
        .keys("Events and reads without a group", beyond::streams())
        .keys("Records of the v3 API", records::keys())
        .keys("Idempotency keys", idempotency::keys())
        .keys("Kinesis", kinesis::keys())
        .keys("Traces", TraceConfig::keys())
        .keys("Accepted without effect", no_effect())
        .keys("Refused unless off", refused());
    let prefixes = [
        "client.",
        "producer.",
        "consumer.",
        "admin.",
        "schema.registry.",
        "listener.name.",
        "confluent.",
        "kafka.rest.",
    ];
    prefixes.into_iter().fold(def, ConfigDef::prefix)
}

fn kafka() -> Vec<Key> {
    vec![
        Key::required(
            "bootstrap.servers",
            Kind::String,
            "Kafka brokers, `host:port` with commas between them; `PLAINTEXT://host:port` is understood. Any key with the prefix `client.` goes to all Kafka clients, with `producer.`, `consumer.` or `admin.` to one kind; the names are those of Kafka's Java clients.",
        ),
        Key::with(
            "id",
            Kind::String,
            "",
            "This proxy's name, part of the names it makes up for consumer instances.",
        ),
        Key::with(
            "schema.registry.url",
            Kind::List,
            "http://localhost:8081",
            "Where the schema registry is, several URLs with commas; empty: the formats with schemas are refused. Other keys with the prefix `schema.registry.` are those of Confluent's client: `basic.auth.credentials.source`, `basic.auth.user.info`, `bearer.auth.token`, `ssl.truststore.location` and the like.",
        ),
    ]
}

fn listeners() -> Vec<Key> {
    vec![
        Key::with("listeners", Kind::List, "", "Where HTTP clients connect: `http://host:port` or `https://host:port`, several with commas; port 0 takes a free one. Empty: `http://0.0.0.0:` and `port`.").importance(Importance::High),
        Key::with("port", Kind::Int, "8082", "Port when `listeners` is empty.").between(0, 65535),
        Key::with("sluiceway.admin.listeners", Kind::List, "http://0.0.0.0:9102", "Where `/metrics`, `/livez`, `/readyz` and `/console` are; empty: nowhere."),
        ConsoleConfig::enable_key(),
        ConsoleConfig::other_key(),
        Key::with("http2.enabled", Kind::Boolean, "true", "Whether HTTP/2 is spoken besides HTTP/1.1 on the same port: by ALPN with TLS, with prior knowledge (h2c) without."),
        Key::with("idle.timeout.ms", Kind::Long, "30000", "Milliseconds after which a connection without a request under way is closed; a request header that does not arrive whole in this time counts as none.").at_least(1),
        Key::with("shutdown.graceful.ms", Kind::Long, "5000", "Milliseconds that requests under way have to finish after a signal to stop.").at_least(0),
        Key::with("server.connection.limit", Kind::Int, "0", "Connections served at once over all listeners; 0: `sluiceway.connections.max`. For a further one, those go that have been idle for longest, a second at least; while none is, it waits.").at_least(0),
        Key::with("connector.connection.limit", Kind::Int, "0", "The same; the smaller of the two that are set counts.").at_least(0),
        Key::with("sluiceway.connections.max", Kind::Int, "10000", "Connections served at once when neither of the two above is set.").at_least(1),
        Key::with("sluiceway.http2.max.streams", Kind::Int, "256", "Requests under way at once on one HTTP/2 connection.").between(1, 100_000),
    ]
}

fn limits() -> Vec<Key> {
    vec![
        Key::with("max.request.header.size", Kind::Int, "8192", "Bytes that a request's line and headers may have together; above: 431.").between(256, 262_144),
        Key::with("sluiceway.request.max.bytes", Kind::Int, "67108864", "Bytes that a request's body may have; above: 413.").between(1, 1_073_741_824),
        Key::with("sluiceway.body.timeout.ms", Kind::Long, "30000", "Milliseconds that a client may leave between two pieces of a body; above: 408.").at_least(1),
        Key::with("sluiceway.body.min.rate", Kind::Int, "1000", "Bytes a second that a body has to bring on average, after ten seconds; slower: 408. 0: any. Streams of v3 records are as slow as they like.").at_least(0),
        Key::with("sluiceway.requests.max", Kind::Int, "4096", "Requests served at once over all connections; above: 503.").at_least(1),
        Key::with("request.timeout.ms", Kind::Long, "0", "Milliseconds after which a request is answered with 504; 0: never. Records handed to Kafka by then are still delivered.").at_least(0),
        Key::with("sluiceway.produce.max.inflight.bytes", Kind::Int, "67108864", "Bytes of bodies and of records (each with 256 bytes for its bookkeeping) that may be on their way to Kafka at once; above: 429 with `Retry-After`. `producer.buffer.memory`, when set, is the limit instead. A single request is taken whatever its size while nothing else is on its way.").at_least(1),
        Key::with("sluiceway.produce.turn.wait.ms", Kind::Long, "10", "Milliseconds that a v2 request, or what came together of a v3 stream, waits at most if its records have neither key nor partition, while each partition of its topic has such records on their way; then it goes in one batch with all that wait. Its records go to one partition. 0, or another `producer.partitioner` than `murmur2_random`: Kafka's client places them, without waiting.").between(0, 10_000),
        Key::with("sluiceway.produce.batch.connections", Kind::Int, "8", "Connections to brokers on which the proxy writes batches itself: v2 requests, and what came together of v3 streams, whose records have neither key nor partition. 0: librdkafka writes all records; so it does when the producer has settings that only it knows, such as `producer.compression.type`, `producer.acks=0` or Kerberos, what a broker does not take just then, and what comes while all connections are in use.").between(0, 256),
    ]
}

fn http() -> Vec<Key> {
    vec![
        Key::with(
            "compression.enable",
            Kind::Boolean,
            "true",
            "Whether answers are compressed (gzip) for clients that accept it.",
        ),
        Key::with(
            "access.control.allow.origin",
            Kind::String,
            "",
            "Origins that browsers may call from, with commas between them, or `*`; empty: no CORS.",
        ),
        Key::with(
            "access.control.allow.methods",
            Kind::String,
            "",
            "Methods that browsers may use; empty: GET,POST,HEAD.",
        ),
        Key::with(
            "access.control.allow.headers",
            Kind::String,
            "",
            "Headers that browsers may send; empty: X-Requested-With,Content-Type,Accept,Origin.",
        ),
        Key::with(
            "access.control.expose.headers",
            Kind::String,
            "",
            "Headers that browsers may read.",
        ),
        Key::with(
            "reject.options.request",
            Kind::Boolean,
            "false",
            "Whether OPTIONS is answered with 405.",
        ),
        Key::with(
            "response.http.headers.config",
            Kind::String,
            "",
            "Headers of every answer: `add X-A: 1, set X-B: 2`.",
        )
        .check(|text| crate::config::parse_headers(text).map(drop)),
        Key::with(
            "nosniff.prevention.enable",
            Kind::Boolean,
            "false",
            "Whether answers carry `X-Content-Type-Options: nosniff`.",
        ),
        Key::with(
            "hsts.header.enable",
            Kind::Boolean,
            "false",
            "Whether answers carry `Strict-Transport-Security`.",
        ),
        Key::with(
            "sluiceway.stages",
            Kind::List,
            "",
            "Stages as API Gateway has them (`test,prod`): with one of them in front, paths are the same as without, and absolute URLs in answers begin with it.",
        ),
        Key::with(
            "api.v2.enable",
            Kind::Boolean,
            "true",
            "Whether the v2 API is served.",
        ),
        Key::with(
            "api.v3.enable",
            Kind::Boolean,
            "true",
            "Whether the v3 API is served.",
        ),
        Key::with(
            "sluiceway.lenient.media.types",
            Kind::Boolean,
            "false",
            "Whether v2 also takes the media types that the original's versions 5 to 7.2 took: `application/json`, `application/vnd.kafka.v1+json`, `application/vnd.kafka+json`, `application/octet-stream` (bodies of records in these are `binary`), and the v1 types of the formats. Without it they are answered with 406 and 415, as in 7.9.",
        ),
        Key::with(
            "confluent.resource.name.authority",
            Kind::String,
            "",
            "Authority in the `resource_name`s of the v3 API: `crn://<authority>/kafka=…`.",
        ),
        Key::with(
            "api.endpoints.allowlist",
            Kind::List,
            "",
            "Endpoints that are served (`api.v2.topics.list`, `api.v2.produce-to-topic.*`); empty: all.",
        ),
        Key::with(
            "api.endpoints.blocklist",
            Kind::List,
            "",
            "Endpoints that are not served: 404 for GET, 405 otherwise.",
        ),
    ]
}

fn delivery() -> Vec<Key> {
    vec![
        Key::with("producer.max.block.ms", Kind::Long, "60000", "Milliseconds that a record waits for its topic's metadata while no broker answers; then it fails with 50003. A topic or partition that Kafka says does not exist fails at once.").at_least(0),
        Key::with("sluiceway.topic.creation.wait.ms", Kind::Long, "10000", "Milliseconds that a record waits for a topic that the brokers create on first use.").at_least(0),
        Key::with("sluiceway.metadata.ttl.ms", Kind::Long, "10000", "Milliseconds after which what is known of a topic is looked up again, in the background; if nobody wrote for twice as long, before the next record is taken.").at_least(100),
        Key::with("sluiceway.metadata.timeout.ms", Kind::Long, "10000", "Milliseconds that a look-up for a GET may take; then 50003.").at_least(100),
        Key::with("sluiceway.metadata.concurrency", Kind::Int, "8", "Look-ups at once; further ones wait.").between(1, 256),
    ]
}

fn no_effect() -> impl Iterator<Item = Key> {
    NO_EFFECT.iter().map(|(name, kind, default, why)| {
        Key::with(name, *kind, default, why).importance(Importance::Low)
    })
}

/// Settings that protect something: to accept and ignore them would be worse than to refuse them.
fn refused() -> Vec<Key> {
    vec![
        Key::with(
            "csrf.prevention.enable",
            Kind::Boolean,
            "false",
            "Not available in this version; `true` is refused.",
        )
        .check(only_false),
        Key::with(
            "proxy.protocol.enabled",
            Kind::Boolean,
            "false",
            "Not available in this version; `true` is refused.",
        )
        .check(only_false),
    ]
}

fn only_false(text: &str) -> Result<(), String> {
    match text {
        "true" => Err("this version cannot do it; leave it out".into()),
        _ => Ok(()),
    }
}
