//! `kafka-rest.properties` → a checked [`Config`].
//!
//! In: properties (file and environment merged). Out: typed settings, and the Kafka clients' settings in librdkafka's
//! names. What fails: all bad values at once, as [`ConfigErrors`]. What has no effect is remembered as a warning.

mod clients;
mod consumers;
mod delivery;
mod endpoints;
mod http;
mod listeners;
mod schemas;
pub mod security;
mod stream;

use std::collections::HashMap;
use std::time::Duration;

use sluiceway_common::config_def::{ConfigErrors, Values};
use sluiceway_common::console::ConsoleConfig;
use sluiceway_common::kafka_config::{KafkaConfig, log_dropped};
use sluiceway_common::listener::ListenerSpec;
use sluiceway_common::props::Properties;
use sluiceway_common::tls::settings::TlsSettings;
use sluiceway_common::traces::TraceConfig;
use sluiceway_schemas::RegistryConfig;

use crate::base_url::UrlConfig;
use crate::config_keys::{NO_EFFECT, definition};
use crate::idempotency::config::IdempotencyConfig;
use crate::kinesis::config::KinesisConfig;
use crate::kinesis::put;
use crate::peers::config::PeersConfig;
use crate::sse::SseConfig;

use clients::Clients;
use security::{Beside, SecurityConfig};

pub(crate) use self::http::parse_headers;
pub use self::http::{CorsConfig, ExtraHeader, HttpConfig};
pub use consumers::ConsumersConfig;
pub use delivery::DeliveryConfig;
pub use endpoints::Endpoints;
pub use schemas::SubjectNames;
pub use stream::{RateConfig, StreamConfig};

/// The prefix of environment variables, as in the Docker images of the original.
pub const ENV_PREFIX: &str = "KAFKA_REST_";

/// Raw records: bodies that are no envelopes.
#[derive(Debug, Clone, Default)]
pub struct RawConfig {
    /// Patterns of the topics that take them; none: no topic does.
    pub topics: Vec<String>,
    /// Patterns of request headers that become record headers.
    pub forward: Vec<String>,
    /// Bytes of a body of lines that are written at once.
    pub block_bytes: usize,
    /// Records that a body of lines may bring.
    pub max_lines: usize,
}

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
    /// The page that they show.
    pub console: ConsoleConfig,
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
    /// Whether a request's trace context becomes headers of its records.
    pub trace_context: bool,
    /// Where spans go.
    pub traces: TraceConfig,
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
    /// The Kinesis front; `None`: it is off.
    pub kinesis: Option<KinesisConfig>,
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
        let delivery = delivery::read(&values, &producer);
        let urls = urls(&values, &listeners);
        let schema_registry = schemas::registry(properties, &values, &mut errors);
        let mut config = Self {
            listeners,
            tls,
            listeners_option: "listeners".to_owned(),
            admin_listeners: values.list("sluiceway.admin.listeners").to_vec(),
            console: ConsoleConfig::read(&values, &mut errors),
            http: http::read(&values),
            delivery,
            stream: stream::read(&values),
            endpoints: Endpoints::read(&values),
            v2_extras: values.boolean("sluiceway.v2.record.extras.enable"),
            trace_context: values.boolean("sluiceway.trace.context.enable"),
            traces: TraceConfig::read(&values, &mut errors),
            resource_name_authority: values.text("confluent.resource.name.authority").to_owned(),
            producer,
            consumers: consumers::read(&values),
            peers: PeersConfig::read(&values, &mut errors),
            idempotency: IdempotencyConfig::read(&values),
            kinesis: KinesisConfig::read(&values, &mut errors),
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
                block_bytes: values.size("sluiceway.raw.block.bytes"),
                max_lines: values.size("sluiceway.raw.lines.max"),
            },
            urls,
            schema_registry,
            subjects: schemas::subjects(properties, &mut errors),
            consumer,
            admin,
            security: SecurityConfig::read(properties, &values, &mut errors),
            stages: endpoints::stages(&values, &mut errors),
            warnings: warnings(properties),
        };
        config.warnings.extend(
            definition
                .unknown_keys(properties)
                .iter()
                .map(ToString::to_string),
        );
        let beside = Beside {
            clients: [&config.producer, &config.consumer, &config.admin],
            excluded: &[
                (config.peers.is_some(), "sluiceway.peers"),
                (config.idempotency.is_some(), "sluiceway.idempotency.enable"),
                (config.kinesis.is_some(), "sluiceway.kinesis.enable"),
            ],
        };
        config.security.check_callers(&beside, &mut errors);
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
        // A record of Kinesis' largest size has to pass; the other APIs keep to their own limit before it.
        let largest = self.delivery.max_record_bytes;
        let needed = put::MAX_RECORD + put::OVERHEAD;
        if self.kinesis.is_some() && largest < needed {
            self.producer.force("message.max.bytes", needed.to_string());
        }
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

fn millis(values: &Values, name: &str) -> Duration {
    values.millis(name).unwrap_or_default()
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
