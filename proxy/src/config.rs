//! `kafka-rest.properties` → a checked [`Config`].
//!
//! In: properties (file and environment merged). Out: typed settings, and the Kafka clients' settings in librdkafka's
//! names. What fails: all bad values at once, as [`ConfigErrors`]. What has no effect is remembered as a warning.

mod clients;
mod listeners;
pub mod security;

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::kafka_config::{KafkaConfig, log_dropped};
use sluiceway_common::listener::ListenerSpec;
use sluiceway_common::props::Properties;
use sluiceway_common::tls::settings::TlsSettings;
use sluiceway_schemas::{RegistryConfig, SubjectNameStrategy};

use crate::base_url::UrlConfig;
use crate::config_keys::{NO_EFFECT, definition};
use crate::idempotency::config::IdempotencyConfig;
use crate::keep_alive::KeepAlive;
use crate::media::Offers;
use crate::peers::config::PeersConfig;
use crate::sse::SseConfig;

use clients::Clients;
use security::SecurityConfig;

/// The prefix of environment variables, as in the Docker images of the original.
pub const ENV_PREFIX: &str = "KAFKA_REST_";

/// Checked settings of the proxy.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP clients connect.
    pub listeners: Vec<ListenerSpec>,
    /// TLS of those listeners that speak it, by the listener's name.
    pub tls: HashMap<String, TlsSettings>,
    /// The setting that chose them, for errors (the quick start has an option instead).
    pub listeners_option: String,
    /// Where metrics and probes are; empty: nowhere.
    pub admin_listeners: Vec<String>,
    /// Limits and times of HTTP.
    pub http: HttpConfig,
    /// What becomes of records.
    pub delivery: DeliveryConfig,
    /// v3's streams and batches of records.
    pub stream: StreamConfig,
    /// Which endpoints are served.
    pub endpoints: Endpoints,
    /// Whether records of v2 produce requests may have headers and a time.
    pub v2_extras: bool,
    /// The authority in v3's resource names.
    pub resource_name_authority: String,
    /// The producer's settings.
    pub producer: KafkaConfig,
    /// Consumer instances.
    pub consumers: ConsumersConfig,
    /// The replicas that share them; `None`: there is only this one.
    pub peers: Option<PeersConfig>,
    /// `Idempotency-Key`; `None`: the header has no effect.
    pub idempotency: Option<IdempotencyConfig>,
    /// Raw records.
    pub raw: RawConfig,
    /// Server-sent events.
    pub sse: SseConfig,
    /// Where absolute URLs begin.
    pub urls: UrlConfig,
    /// How the schema registry is reached; `None`: there is none.
    pub schema_registry: Option<RegistryConfig>,
    /// How subjects of keys and values are named, unless a record says.
    pub subjects: SubjectNames,
    /// The consumers' settings.
    pub consumer: KafkaConfig,
    /// The settings of the client that reads metadata and configurations.
    pub admin: KafkaConfig,
    /// Who may do what, and how often.
    pub security: SecurityConfig,
    /// First segments of paths that are no part of them: stages, as API Gateway has them.
    pub stages: Vec<String>,
    warnings: Vec<String>,
}

/// Limits and times of HTTP.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Whether h2c is spoken, too.
    pub http2: bool,
    /// Streams of one HTTP/2 connection.
    pub http2_max_streams: u32,
    /// Connections at once.
    pub max_connections: usize,
    /// Requests at once.
    pub max_requests: usize,
    /// Request line and headers, in bytes.
    pub max_header_bytes: usize,
    /// Body, in bytes.
    pub max_body_bytes: usize,
    /// Between two pieces of a body.
    pub body_timeout: Duration,
    /// Bytes a second of a body, on average; 0: any.
    pub body_min_rate: usize,
    /// Connection without a request.
    pub idle_timeout: Duration,
    /// How connections are kept besides.
    pub keep_alive: KeepAlive,
    /// Whole request; `None`: no limit.
    pub request_timeout: Option<Duration>,
    /// Requests under way at shutdown.
    pub shutdown_grace: Duration,
    /// Whether answers are compressed.
    pub compression: bool,
    /// Whether compressed bodies are decompressed.
    pub decompression: bool,
    /// Whether OPTIONS is refused.
    pub reject_options: bool,
    /// CORS, when it is on.
    pub cors: Option<CorsConfig>,
    /// Headers of every answer.
    pub extra_headers: Vec<ExtraHeader>,
    /// The media types that routes read and answer in.
    pub media: Offers,
}

/// A header of every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
    /// Whether it is added to one of the same name, or replaces it.
    pub append: bool,
}

/// What browsers of other origins may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsConfig {
    /// Origins, or `*`.
    pub origins: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Request headers.
    pub headers: Vec<String>,
    /// Response headers.
    pub exposed: String,
}

/// What becomes of records.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// Bytes on their way to Kafka.
    pub max_in_flight_bytes: usize,
    /// Longest wait of records without key and partition for a partition with none on their way; zero: the client
    /// places them.
    pub longest_turn_wait: Duration,
    /// Largest record, as the Java client computes its size.
    pub max_record_bytes: usize,
    /// Wait for metadata while no broker answers.
    pub max_block: Duration,
    /// Wait for a topic under creation.
    pub topic_creation_wait: Duration,
    /// Age at which what is known of a topic is looked up again.
    pub metadata_ttl: Duration,
    /// Look-ups for GETs.
    pub metadata_timeout: Duration,
    /// Look-ups at once.
    pub metadata_concurrency: usize,
}

/// Consumer instances.
#[derive(Debug, Clone)]
pub struct ConsumersConfig {
    /// Longest wait of a read.
    pub request_timeout: Duration,
    /// Bytes of keys and values that a read returns at most.
    pub max_bytes: usize,
    /// Bytes above which a read answers at once; `None`: when everything is read.
    pub min_bytes: Option<usize>,
    /// Time without a request after which an instance is closed.
    pub instance_timeout: Duration,
    /// Blocking calls at once; `None`: no limit.
    pub threads: Option<usize>,
    /// Instances at once.
    pub max_instances: usize,
    /// Silence after which a read with records answers.
    pub linger: Duration,
    /// Time that a group has to say what an instance reads before its first read begins to wait.
    pub join_wait: Duration,
    /// Partitions read without a group at once.
    pub max_partition_reads: usize,
    /// Records that such a read returns at most.
    pub max_partition_records: usize,
    /// This proxy's name in the names of instances.
    pub id: String,
}

/// Raw records: bodies that are no envelopes.
#[derive(Debug, Clone, Default)]
pub struct RawConfig {
    /// Patterns of the topics that take them; none: no topic does.
    pub topics: Vec<String>,
    /// Patterns of request headers that become record headers.
    pub forward: Vec<String>,
}

/// v3's streams and batches of records.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// Age from which a stream's records are refused.
    pub max_duration: Duration,
    /// Time from the first of them until the stream is closed.
    pub grace: Duration,
    /// Bytes that a streamed record's JSON may have; `None`: as a body.
    pub max_request_bytes: Option<usize>,
    /// Entries of a batch.
    pub max_batch_entries: usize,
    /// Limits on rates, when they are on.
    pub rates: Option<RateConfig>,
}

/// Limits on the rates of v3's records.
#[derive(Debug, Clone, Copy)]
pub struct RateConfig {
    /// Records a second per cluster of a path.
    pub records: u32,
    /// Records a second altogether.
    pub records_global: u32,
    /// Bytes of JSON a second per cluster of a path.
    pub bytes: u32,
    /// Bytes of JSON a second altogether.
    pub bytes_global: u32,
    /// Time after which a cluster that is not written to is forgotten.
    pub expiry: Duration,
}

/// How subjects are named.
#[derive(Debug, Clone, Copy)]
pub struct SubjectNames {
    /// Of keys' schemas.
    pub key: SubjectNameStrategy,
    /// Of values' schemas.
    pub value: SubjectNameStrategy,
}

/// Which endpoints are served.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Whether v2 is.
    pub v2: bool,
    /// Whether v3 is.
    pub v3: bool,
    /// Whether the API's description is.
    pub openapi: bool,
    allowed: Vec<String>,
    blocked: Vec<String>,
}

impl Endpoints {
    /// Whether the endpoint of this name (`api.v2.topics.list`) is served.
    #[must_use]
    pub fn serves(&self, name: &str) -> bool {
        let listed = |list: &[String]| {
            list.iter().any(|item| match item.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => item == name,
            })
        };
        (self.v2 || !name.starts_with("api.v2."))
            && (self.v3 || !name.starts_with("api.v3."))
            && (self.allowed.is_empty() || listed(&self.allowed))
            && !listed(&self.blocked)
    }
}

impl Config {
    /// Checks properties.
    ///
    /// # Errors
    /// Every bad value.
    pub fn parse(properties: &Properties) -> Result<Self, ConfigErrors> {
        let definition = definition();
        let (values, mut errors) = definition.parse_all(properties);
        let (listeners, tls) = listeners::read(properties, &values, &mut errors);
        let Clients {
            producer,
            consumer,
            admin,
        } = clients::clients(properties, &values, &mut errors);
        let delivery = delivery(&values, &producer);
        let urls = urls(&values, &listeners);
        let schema_registry = schema_registry(properties, &values, &mut errors);
        let mut config = Self {
            listeners,
            tls,
            listeners_option: "listeners".to_owned(),
            admin_listeners: values.list("sluiceway.admin.listeners").to_vec(),
            http: http(&values),
            delivery,
            stream: stream(&values),
            endpoints: Endpoints {
                v2: values.boolean("api.v2.enable"),
                v3: values.boolean("api.v3.enable"),
                openapi: values.boolean("sluiceway.openapi.enable"),
                allowed: values.list("api.endpoints.allowlist").to_vec(),
                blocked: values.list("api.endpoints.blocklist").to_vec(),
            },
            v2_extras: values.boolean("sluiceway.v2.record.extras.enable"),
            resource_name_authority: values.text("confluent.resource.name.authority").to_owned(),
            producer,
            consumers: consumers(&values),
            peers: PeersConfig::read(&values, &mut errors),
            idempotency: IdempotencyConfig::read(&values),
            sse: SseConfig {
                max_streams: values.size("sluiceway.sse.streams.max"),
                max_duration: millis(&values, "sluiceway.sse.max.duration.ms"),
                heartbeat: millis(&values, "sluiceway.sse.heartbeat.ms"),
                stall: millis(&values, "sluiceway.sse.stall.ms"),
                chunk_bytes: values.size("sluiceway.sse.chunk.bytes"),
            },
            raw: RawConfig {
                topics: values.list("sluiceway.raw.topics").to_vec(),
                forward: values.list("sluiceway.raw.forward.headers").to_vec(),
            },
            urls,
            schema_registry,
            subjects: subjects(properties, &mut errors),
            consumer,
            admin,
            security: SecurityConfig::read(properties, &values, &mut errors),
            stages: stages(&values, &mut errors),
            warnings: warnings(properties),
        };
        config.warnings.extend(
            definition
                .unknown_keys(properties)
                .iter()
                .map(ToString::to_string),
        );
        config.size_queues();
        errors.into_result().map(|()| config)
    }

    /// Logs what was accepted without effect.
    pub fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        log_dropped("producer", &self.producer.dropped);
        log_dropped("consumers", &self.consumer.dropped);
        log_dropped("admin client", &self.admin.dropped);
    }

    /// What was accepted without effect.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// librdkafka's queue must never be the first to be full: admission counts before it.
    fn size_queues(&mut self) {
        let bytes = self
            .delivery
            .max_in_flight_bytes
            .max(2 * self.http.max_body_bytes);
        let kbytes = (bytes / 1024 + 1).clamp(1024, 2_097_151);
        self.producer
            .force("queue.buffering.max.kbytes", kbytes.to_string());
        self.producer.force("queue.buffering.max.messages", "0");
    }
}

/// `sluiceway.stages`: names that cannot be taken for a resource.
fn stages(values: &Values, errors: &mut ConfigErrors) -> Vec<String> {
    const KEY: &str = "sluiceway.stages";
    let stages = values.list(KEY);
    for stage in stages {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let taken = ["topics", "consumers", "brokers", "v3"].contains(&stage.as_str());
        if stage.is_empty() || !stage.chars().all(allowed) || taken {
            let reason = "a stage has letters, digits, - and _, and is no resource of the API";
            errors.0.push(ConfigError::invalid(KEY, stage, reason));
        }
    }
    stages.to_vec()
}

fn http(values: &Values) -> HttpConfig {
    let connections = ["server.connection.limit", "connector.connection.limit"];
    let connections = connections
        .iter()
        .map(|name| values.size(name))
        .filter(|limit| *limit > 0)
        .min();
    HttpConfig {
        http2: values.boolean("http2.enabled"),
        http2_max_streams: u32::try_from(values.size("sluiceway.http2.max.streams"))
            .unwrap_or(u32::MAX),
        max_connections: connections.unwrap_or_else(|| values.size("sluiceway.connections.max")),
        max_requests: values.size("sluiceway.requests.max"),
        max_header_bytes: values.size("max.request.header.size"),
        max_body_bytes: values.size("sluiceway.request.max.bytes"),
        body_timeout: millis(values, "sluiceway.body.timeout.ms"),
        body_min_rate: values.size("sluiceway.body.min.rate"),
        idle_timeout: millis(values, "idle.timeout.ms"),
        keep_alive: keep_alive(values),
        request_timeout: Some(millis(values, "request.timeout.ms")).filter(|time| !time.is_zero()),
        shutdown_grace: millis(values, "shutdown.graceful.ms"),
        compression: values.boolean("compression.enable"),
        decompression: values.boolean("sluiceway.request.decompression.enable"),
        reject_options: values.boolean("reject.options.request"),
        cors: cors(values),
        extra_headers: extra_headers(values),
        media: Offers {
            lenient: values.boolean("sluiceway.lenient.media.types"),
        },
    }
}

fn keep_alive(values: &Values) -> KeepAlive {
    let unless_off = |name: &str| Some(millis(values, name)).filter(|time| !time.is_zero());
    KeepAlive {
        tcp: unless_off("sluiceway.tcp.keepalive.ms"),
        http2_interval: unless_off("sluiceway.http2.keepalive.interval.ms"),
        http2_timeout: millis(values, "sluiceway.http2.keepalive.timeout.ms"),
        max_age: unless_off("sluiceway.connection.max.age.ms"),
    }
}

fn cors(values: &Values) -> Option<CorsConfig> {
    let items = |name: &str, default: &str| -> Vec<String> {
        let text = values.text_opt(name).unwrap_or(default);
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let origins = items("access.control.allow.origin", "");
    (!origins.is_empty()).then(|| CorsConfig {
        origins,
        methods: items("access.control.allow.methods", "GET,POST,HEAD"),
        headers: items(
            "access.control.allow.headers",
            "X-Requested-With,Content-Type,Accept,Origin",
        ),
        exposed: items("access.control.expose.headers", "").join(","),
    })
}

fn extra_headers(values: &Values) -> Vec<ExtraHeader> {
    let mut headers =
        parse_headers(values.text("response.http.headers.config")).unwrap_or_default();
    let mut set = |name: &'static str, value: &'static str| {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        headers.push(ExtraHeader {
            name,
            value,
            append: false,
        });
    };
    if values.boolean("nosniff.prevention.enable") {
        set("x-content-type-options", "nosniff");
    }
    if values.boolean("hsts.header.enable") {
        set(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        );
    }
    headers
}

/// Reads `add X-A: 1, set X-B: 2`. Dates are no different from other values.
pub(crate) fn parse_headers(text: &str) -> Result<Vec<ExtraHeader>, String> {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let read = |item: &str| {
        let (action, header) = item.split_once(' ')?;
        let append = matches!(action, "add" | "addDate");
        if !append && !matches!(action, "set" | "setDate") {
            return None;
        }
        let (name, value) = header.split_once(':')?;
        Some(ExtraHeader {
            name: name.trim().parse().ok()?,
            value: value.trim().parse().ok()?,
            append,
        })
    };
    items
        .map(|item| {
            read(item)
                .ok_or_else(|| format!("\"{item}\" is not `add Name: value` or `set Name: value`"))
        })
        .collect()
}

fn millis(values: &Values, name: &str) -> Duration {
    values.millis(name).unwrap_or_default()
}

fn delivery(values: &Values, producer: &KafkaConfig) -> DeliveryConfig {
    let number = |name: &str| {
        producer
            .settings
            .get(name)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let memory = number("queue.buffering.max.kbytes").map(|kbytes| kbytes * 1024);
    DeliveryConfig {
        max_in_flight_bytes: memory
            .unwrap_or_else(|| values.size("sluiceway.produce.max.inflight.bytes")),
        longest_turn_wait: match producer.settings.get("partitioner").map(String::as_str) {
            Some("murmur2_random") => millis(values, "sluiceway.produce.turn.wait.ms"),
            _ => Duration::ZERO,
        },
        max_record_bytes: number("message.max.bytes").unwrap_or(1_048_576),
        max_block: millis(values, "producer.max.block.ms"),
        topic_creation_wait: millis(values, "sluiceway.topic.creation.wait.ms"),
        metadata_ttl: millis(values, "sluiceway.metadata.ttl.ms"),
        metadata_timeout: millis(values, "sluiceway.metadata.timeout.ms"),
        metadata_concurrency: values.size("sluiceway.metadata.concurrency"),
    }
}

fn consumers(values: &Values) -> ConsumersConfig {
    ConsumersConfig {
        request_timeout: millis(values, "consumer.request.timeout.ms"),
        max_bytes: values.size("consumer.request.max.bytes"),
        min_bytes: usize::try_from(values.number("fetch.min.bytes")).ok(),
        instance_timeout: millis(values, "consumer.instance.timeout.ms"),
        threads: usize::try_from(values.number("consumer.threads")).ok(),
        max_instances: values.size("sluiceway.consumer.instances.max"),
        linger: millis(values, "sluiceway.consumer.linger.ms"),
        join_wait: millis(values, "sluiceway.consumer.join.wait.ms"),
        max_partition_reads: values.size("sluiceway.partition.reads.max"),
        max_partition_records: values.size("sluiceway.partition.reads.max.records"),
        id: values.text("id").to_owned(),
    }
}

fn schema_registry(
    properties: &Properties,
    values: &Values,
    errors: &mut ConfigErrors,
) -> Option<RegistryConfig> {
    const URL: &str = "schema.registry.url";
    let urls = values.list(URL).join(",");
    if urls.is_empty() {
        return None;
    }
    let own = properties
        .iter()
        .filter(|(key, _)| key.starts_with("schema.registry."));
    let mut own: Properties = own
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    own.insert(URL.to_owned(), urls);
    RegistryConfig::from_properties(&own, "")
        .map_err(|problem| errors.0.push(ConfigError::other(URL, problem.to_string())))
        .ok()
}

/// The strategies of keys and values: as the registry's setting, as the producer's, else by topic.
fn subjects(properties: &Properties, errors: &mut ConfigErrors) -> SubjectNames {
    let mut strategy = |side: &str| {
        let keys = ["schema.registry.", "producer."]
            .map(|prefix| format!("{prefix}{side}.subject.name.strategy"));
        let set = keys
            .iter()
            .find_map(|key| properties.get_key_value(key.as_str()));
        set.map_or(SubjectNameStrategy::TopicName, |(key, class)| {
            SubjectNameStrategy::from_name(class).unwrap_or_else(|| {
                let reason =
                    "it must be TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy";
                errors.0.push(ConfigError::invalid(key, class, reason));
                SubjectNameStrategy::TopicName
            })
        })
    };
    SubjectNames {
        key: strategy("key"),
        value: strategy("value"),
    }
}

fn urls(values: &Values, listeners: &[ListenerSpec]) -> UrlConfig {
    let public_url = values.text("sluiceway.public.url").trim_end_matches('/');
    UrlConfig {
        public_url: Some(public_url.to_owned()).filter(|url| !url.is_empty()),
        forwarded: values.boolean("sluiceway.forwarded.headers.enable"),
        ..UrlConfig::new(
            values.list("advertised.listeners"),
            values.text("host.name"),
            listeners,
        )
    }
}

fn stream(values: &Values) -> StreamConfig {
    let name = |rest: &str| format!("api.v3.produce.{rest}");
    let rate = |rest: &str| {
        let value = values.size(&name(&format!("rate.limit.{rest}")));
        u32::try_from(value).unwrap_or(u32::MAX)
    };
    let rates = values
        .boolean(&name("rate.limit.enabled"))
        .then(|| RateConfig {
            records: rate("max.requests.per.sec"),
            records_global: rate("max.requests.global.per.sec"),
            bytes: rate("max.bytes.per.sec"),
            bytes_global: rate("max.bytes.global.per.sec"),
            expiry: millis(values, &name("rate.limit.cache.expiry.ms")),
        });
    StreamConfig {
        max_duration: millis(values, "streaming.connection.max.duration.ms"),
        grace: millis(values, "streaming.connection.max.duration.grace.period.ms"),
        max_request_bytes: Some(values.size(&name("request.size.limit.max.bytes")))
            .filter(|bytes| *bytes > 0),
        max_batch_entries: values.size(&name("batch.maximum.entries")),
        rates,
    }
}

fn warnings(properties: &Properties) -> Vec<String> {
    let set = NO_EFFECT
        .iter()
        .filter(|(name, ..)| properties.contains_key(*name));
    set.map(|(name, _, _, why)| format!("configuration key \"{name}\" has no effect: {why}"))
        .collect()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
