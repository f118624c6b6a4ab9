//! The table of keys: every name of `kafka-rest.properties`, its type, default and meaning.
//!
//! The doc texts are the user documentation (`--print-config-docs` prints them). Keys that are accepted without effect
//! are listed in [`NO_EFFECT`] with the reason that is logged when someone sets them.

use sluiceway_common::config_def::{ConfigDef, Importance, Key, Kind};

/// The declared keys.
#[must_use]
pub fn definition() -> ConfigDef {
    let def = ConfigDef::new()
        .keys("Kafka", kafka())
        .keys("Listeners and connections", listeners())
        .keys("Limits", limits())
        .keys("HTTP", http())
        .keys("Topics and delivery", delivery())
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
    ]
}

fn listeners() -> Vec<Key> {
    vec![
        Key::with("listeners", Kind::List, "", "Where HTTP clients connect: `http://host:port`, several with commas; port 0 takes a free one. Empty: `http://0.0.0.0:` and `port`.").importance(Importance::High),
        Key::with("port", Kind::Int, "8082", "Port when `listeners` is empty.").between(0, 65535),
        Key::with("sluiceway.admin.listeners", Kind::List, "http://0.0.0.0:9102", "Where `/metrics`, `/livez` and `/readyz` are; empty: nowhere."),
        Key::with("http2.enabled", Kind::Boolean, "true", "Whether HTTP/2 without TLS (h2c, prior knowledge) is spoken besides HTTP/1.1 on the same port."),
        Key::with("idle.timeout.ms", Kind::Long, "30000", "Milliseconds after which a connection without a request under way is closed; a request header that does not arrive whole in this time counts as none.").at_least(1),
        Key::with("shutdown.graceful.ms", Kind::Long, "5000", "Milliseconds that requests under way have to finish after a signal to stop.").at_least(0),
        Key::with("server.connection.limit", Kind::Int, "0", "Connections served at once over all listeners; 0: `sluiceway.connections.max`. Further ones wait in the system's queue.").at_least(0),
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
        Key::with("sluiceway.requests.max", Kind::Int, "4096", "Requests served at once over all connections; above: 503.").at_least(1),
        Key::with("request.timeout.ms", Kind::Long, "0", "Milliseconds after which a request is answered with 504; 0: never. Records handed to Kafka by then are still delivered.").at_least(0),
        Key::with("sluiceway.produce.max.inflight.bytes", Kind::Int, "67108864", "Bytes of bodies and of records (each with 256 bytes for its bookkeeping) that may be on their way to Kafka at once; above: 429 with `Retry-After`. `producer.buffer.memory`, when set, is the limit instead. A single request is taken whatever its size while nothing else is on its way.").at_least(1),
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
            "api.v2.enable",
            Kind::Boolean,
            "true",
            "Whether the v2 API is served.",
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
        Key::with("sluiceway.metadata.ttl.ms", Kind::Long, "10000", "Milliseconds after which what is known of a topic is looked up again, in the background.").at_least(100),
        Key::with("sluiceway.metadata.timeout.ms", Kind::Long, "10000", "Milliseconds that a look-up for a GET may take; then 50003.").at_least(100),
        Key::with("sluiceway.metadata.concurrency", Kind::Int, "8", "Look-ups at once; further ones wait.").between(1, 256),
    ]
}

/// Keys without effect, and why.
pub(crate) const NO_EFFECT: &[(&str, Kind, &str, &str)] = &[
    (
        "zookeeper.connect",
        Kind::String,
        "",
        "ZooKeeper is not used; brokers are found through bootstrap.servers",
    ),
    (
        "host.name",
        Kind::String,
        "",
        "only absolute URLs of the consumer API need it, which this version does not serve",
    ),
    (
        "advertised.listeners",
        Kind::List,
        "",
        "only absolute URLs of the consumer API need it, which this version does not serve",
    ),
    (
        "schema.registry.url",
        Kind::String,
        "",
        "this version does not serve the schema formats",
    ),
    (
        "consumer.request.timeout.ms",
        Kind::Int,
        "1000",
        "this version does not serve the consumer API",
    ),
    (
        "consumer.request.max.bytes",
        Kind::Long,
        "67108864",
        "this version does not serve the consumer API",
    ),
    (
        "consumer.instance.timeout.ms",
        Kind::Int,
        "300000",
        "this version does not serve the consumer API",
    ),
    (
        "consumer.threads",
        Kind::Int,
        "50",
        "this version does not serve the consumer API",
    ),
    (
        "consumer.iterator.timeout.ms",
        Kind::Int,
        "1",
        "it has none in the original either",
    ),
    (
        "consumer.iterator.backoff.ms",
        Kind::Int,
        "50",
        "this version does not serve the consumer API",
    ),
    (
        "fetch.min.bytes",
        Kind::Int,
        "-1",
        "this version does not serve the consumer API",
    ),
    (
        "producer.threads",
        Kind::Int,
        "5",
        "it has none in the original either",
    ),
    (
        "simpleconsumer.pool.size.max",
        Kind::Int,
        "25",
        "it has none in the original either",
    ),
    (
        "simpleconsumer.pool.timeout.ms",
        Kind::Int,
        "1000",
        "it has none in the original either",
    ),
    (
        "client.init.timeout.ms",
        Kind::Int,
        "60000",
        "it has none in the original either",
    ),
    (
        "client.timeout.ms",
        Kind::Int,
        "500",
        "it has none in the original either",
    ),
    (
        "api.v3.enable",
        Kind::Boolean,
        "true",
        "this version does not serve the v3 API",
    ),
    (
        "kafka.rest.resource.extension.class",
        Kind::List,
        "",
        "Java classes cannot run here",
    ),
    (
        "confluent.resource.name.authority",
        Kind::String,
        "",
        "this version does not serve the v3 API",
    ),
    (
        "rate.limit.enable",
        Kind::Boolean,
        "false",
        "requests are limited by sluiceway.requests.max and sluiceway.produce.max.inflight.bytes",
    ),
    (
        "rate.limit.backend",
        Kind::String,
        "guava",
        "see rate.limit.enable",
    ),
    (
        "rate.limit.permits.per.sec",
        Kind::Int,
        "50",
        "see rate.limit.enable",
    ),
    (
        "rate.limit.per.cluster.permits.per.sec",
        Kind::Int,
        "50",
        "see rate.limit.enable",
    ),
    (
        "rate.limit.per.cluster.cache.expiry.ms",
        Kind::Int,
        "3600000",
        "see rate.limit.enable",
    ),
    (
        "rate.limit.timeout.ms",
        Kind::Long,
        "0",
        "see rate.limit.enable",
    ),
    (
        "rate.limit.default.cost",
        Kind::Int,
        "1",
        "see rate.limit.enable",
    ),
    (
        "rate.limit.costs",
        Kind::String,
        "",
        "see rate.limit.enable",
    ),
    (
        "use.custom.request.logging",
        Kind::Boolean,
        "true",
        "the access log is the log target sluiceway_proxy::access (RUST_LOG)",
    ),
    (
        "request.logger.name",
        Kind::String,
        "io.confluent.rest-utils.requests",
        "the access log is the log target sluiceway_proxy::access (RUST_LOG)",
    ),
    (
        "null.request.body.always.publishes.empty.record",
        Kind::Boolean,
        "false",
        "this version does not serve the schema formats",
    ),
    (
        "metrics.jmx.prefix",
        Kind::String,
        "kafka.rest",
        "there is no JMX; metrics are on sluiceway.admin.listeners",
    ),
    (
        "metric.reporters",
        Kind::List,
        "",
        "there is no JMX; metrics are on sluiceway.admin.listeners",
    ),
    (
        "metrics.num.samples",
        Kind::Int,
        "2",
        "there is no JMX; metrics are on sluiceway.admin.listeners",
    ),
    (
        "metrics.sample.window.ms",
        Kind::Long,
        "30000",
        "there is no JMX; metrics are on sluiceway.admin.listeners",
    ),
    (
        "metrics.tag.map",
        Kind::List,
        "",
        "there is no JMX; metrics are on sluiceway.admin.listeners",
    ),
    (
        "listener.protocol.map",
        Kind::List,
        "",
        "listeners name their protocol themselves",
    ),
    (
        "thread.pool.min",
        Kind::Int,
        "8",
        "requests do not occupy threads",
    ),
    (
        "thread.pool.max",
        Kind::Int,
        "200",
        "requests do not occupy threads",
    ),
    (
        "request.queue.capacity",
        Kind::Int,
        "2147483647",
        "requests do not occupy threads",
    ),
    (
        "request.queue.capacity.init",
        Kind::Int,
        "128",
        "requests do not occupy threads",
    ),
    (
        "request.queue.capacity.growby",
        Kind::Int,
        "64",
        "requests do not occupy threads",
    ),
    (
        "max.response.header.size",
        Kind::Int,
        "8192",
        "response headers are short",
    ),
    (
        "response.mediatype.preferred",
        Kind::List,
        "application/json,application/vnd.kafka.v2+json",
        "media types are those of the API",
    ),
    (
        "response.mediatype.default",
        Kind::String,
        "application/json",
        "media types are those of the API",
    ),
    (
        "csrf.prevention.token.endpoint",
        Kind::String,
        "/csrf",
        "see csrf.prevention.enable",
    ),
    (
        "csrf.prevention.token.expiration.minutes",
        Kind::Int,
        "30",
        "see csrf.prevention.enable",
    ),
    (
        "csrf.prevention.token.max.entries",
        Kind::Int,
        "10000",
        "see csrf.prevention.enable",
    ),
    (
        "access.control.skip.options",
        Kind::Boolean,
        "true",
        "there is no authentication",
    ),
    (
        "authentication.realm",
        Kind::String,
        "",
        "there is no authentication",
    ),
    (
        "authentication.roles",
        Kind::List,
        "*",
        "there is no authentication",
    ),
    (
        "authentication.skip.paths",
        Kind::List,
        "",
        "there is no authentication",
    ),
    (
        "ssl.keystore.location",
        Kind::String,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.keystore.password",
        Kind::Password,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.keystore.type",
        Kind::String,
        "JKS",
        "there are no https listeners",
    ),
    (
        "ssl.keystore.reload",
        Kind::Boolean,
        "false",
        "there are no https listeners",
    ),
    (
        "ssl.keystore.watch.location",
        Kind::String,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.key.password",
        Kind::Password,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.truststore.location",
        Kind::String,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.truststore.password",
        Kind::Password,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.truststore.type",
        Kind::String,
        "JKS",
        "there are no https listeners",
    ),
    (
        "ssl.client.authentication",
        Kind::String,
        "NONE",
        "there are no https listeners",
    ),
    (
        "ssl.client.auth",
        Kind::Boolean,
        "false",
        "there are no https listeners",
    ),
    (
        "ssl.enabled.protocols",
        Kind::List,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.cipher.suites",
        Kind::List,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.protocol",
        Kind::String,
        "TLS",
        "there are no https listeners",
    ),
    (
        "ssl.provider",
        Kind::String,
        "",
        "there are no https listeners",
    ),
    (
        "ssl.endpoint.identification.algorithm",
        Kind::String,
        "",
        "there are no https listeners",
    ),
    (
        "debug",
        Kind::Boolean,
        "false",
        "errors carry no stack traces; raise RUST_LOG instead",
    ),
    (
        "dos.filter.max.requests.per.sec",
        Kind::Int,
        "25",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.max.requests.per.connection.per.sec",
        Kind::Int,
        "25",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.delay.ms",
        Kind::Long,
        "100",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.max.wait.ms",
        Kind::Long,
        "50",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.throttle.ms",
        Kind::Long,
        "30000",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.throttled.requests",
        Kind::Int,
        "5",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.max.requests.ms",
        Kind::Long,
        "30000",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.max.idle.tracker.ms",
        Kind::Long,
        "30000",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.insert.headers",
        Kind::Boolean,
        "true",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.ip.whitelist",
        Kind::String,
        "",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.managed.attr",
        Kind::Boolean,
        "false",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.enabled",
        Kind::Boolean,
        "false",
        "there is no limit per client address; see sluiceway.requests.max",
    ),
    (
        "dos.filter.tenant.enabled",
        Kind::Boolean,
        "false",
        "see dos.filter.enabled",
    ),
    (
        "dos.filter.tenant.max.requests.per.sec",
        Kind::Int,
        "25",
        "see dos.filter.enabled",
    ),
    (
        "network.traffic.rate.limit.enable",
        Kind::Boolean,
        "false",
        "traffic is limited by sluiceway.produce.max.inflight.bytes",
    ),
    (
        "network.traffic.rate.limit.bytes.per.sec",
        Kind::Int,
        "20971520",
        "see network.traffic.rate.limit.enable",
    ),
    (
        "sni.check.enabled",
        Kind::Boolean,
        "false",
        "there are no https listeners",
    ),
];

fn no_effect() -> impl Iterator<Item = Key> {
    NO_EFFECT.iter().map(|(name, kind, default, why)| {
        Key::with(name, *kind, default, why).importance(Importance::Low)
    })
}

/// Settings that protect something: to accept and ignore them would be worse than to refuse them.
fn refused() -> Vec<Key> {
    vec![
        Key::with(
            "authentication.method",
            Kind::String,
            "NONE",
            "Clients are not authenticated in this version; anything but NONE is refused.",
        )
        .one_of(&["NONE"], true),
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
