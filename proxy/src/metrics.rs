//! What the proxy counts. Every counter of the hot path is resolved before the first request.
//!
//! Names begin with `sluiceway_proxy_` and end with their unit. Labels come from the program (route templates, codes,
//! formats), never from a client.

use std::sync::{Arc, OnceLock};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    exponential_buckets,
};

use crate::events::StreamEnd;
use crate::format::Format;

/// Statuses whose counters are resolved in advance; others are counted as `other`.
const STATUSES: [u16; 21] = [
    200, 201, 204, 207, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 416, 422, 429, 431, 500,
    503, 504,
];

/// All metrics of the proxy.
#[derive(Debug)]
pub struct Metrics {
    requests: IntCounterVec,
    durations: HistogramVec,
    /// Requests being served.
    pub in_flight: IntGauge,
    /// Requests refused before they were looked at, by reason.
    pub rejected: Rejections,
    /// Connections being served.
    pub connections: IntGauge,
    /// Connections accepted.
    pub accepted: IntCounter,
    /// TLS handshakes that failed.
    pub handshakes_failed: IntCounter,
    authenticated: IntCounterVec,
    not_authenticated: IntCounterVec,
    produced: IntCounterVec,
    produced_bytes: IntCounterVec,
    delivery_errors: IntCounterVec,
    kinesis_errors: IntCounterVec,
    batches: IntCounterVec,
    /// Producers that replaced one which failed for good.
    pub replacements: IntCounter,
    streams_ended: [IntCounter; StreamEnd::ALL.len()],
    /// Whether Kafka was reachable when it was last tried.
    pub kafka_up: IntGauge,
    /// Principals that got Kafka clients of their own.
    pub callers_came: IntCounter,
    /// Those whose clients ended, by the reason.
    pub callers_went: IntCounterVec,
}

/// Counters of refused requests.
#[derive(Debug)]
pub struct Rejections {
    /// More bytes on their way than allowed.
    pub backpressure: IntCounter,
    /// More requests than allowed.
    pub concurrency: IntCounter,
    /// A body that is too large.
    pub body_size: IntCounter,
    /// A header that is too large.
    pub header_size: IntCounter,
    /// A body that did not arrive in time.
    pub body_timeout: IntCounter,
    /// More consumer instances than allowed.
    pub instances: IntCounter,
    /// Beyond a limit on rates.
    pub rate: IntCounter,
    /// Beyond the usage plan of an API key.
    pub plan: IntCounter,
    /// Not allowed to the principal.
    pub forbidden: IntCounter,
}

impl Metrics {
    /// Creates and registers them.
    ///
    /// # Errors
    /// A name is taken in this registry: another proxy runs in this process.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter_vec = |name: &str, help: &str, labels: &[&str]| {
            let vec = IntCounterVec::new(Opts::new(named(name), help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok::<_, prometheus::Error>(vec)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(named(name), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(named(name), help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        // 0.25 ms to 65 s.
        let options = HistogramOpts::new(
            named("request_duration_seconds"),
            "Time from a request's header to its answer, by route.",
        )
        .buckets(exponential_buckets(0.000_25, 2.0, 19)?);
        let durations = HistogramVec::new(options, &["route"])?;
        registry.register(Box::new(durations.clone()))?;
        let rejected = counter_vec(
            "rejected_requests_total",
            "Requests refused by a limit of the proxy, by reason.",
            &["reason"],
        )?;
        let ended = counter_vec(
            "event_streams_ended_total",
            "Event streams that ended, by reason.",
            &["reason"],
        )?;
        Ok(Self {
            streams_ended: StreamEnd::ALL.map(|end| ended.with_label_values(&[end.name()])),
            requests: counter_vec(
                "requests_total",
                "Requests answered, by route, method and status.",
                &["route", "method", "status"],
            )?,
            durations,
            in_flight: gauge("in_flight_requests", "Requests being served.")?,
            rejected: Rejections::new(&rejected),
            connections: gauge("open_connections", "Connections being served.")?,
            accepted: counter("accepted_connections_total", "Connections accepted.")?,
            handshakes_failed: counter(
                "failed_tls_handshakes_total",
                "TLS handshakes that failed on https listeners.",
            )?,
            authenticated: counter_vec(
                "authenticated_requests_total",
                "Requests whose sender is known, by method of authentication.",
                &["method"],
            )?,
            not_authenticated: counter_vec(
                "authentication_failures_total",
                "Requests refused for their credentials, by method of authentication.",
                &["method"],
            )?,
            produced: counter_vec(
                "produced_records_total",
                "Records that Kafka acknowledged, by format.",
                &["format"],
            )?,
            produced_bytes: counter_vec(
                "produced_bytes_total",
                "Bytes of keys and values in requests that were decoded, by format.",
                &["format"],
            )?,
            delivery_errors: counter_vec(
                "delivery_errors_total",
                "Records that failed, by the error_code of their result.",
                &["code"],
            )?,
            batches: counter_vec(
                "batches_total",
                "Batches that the proxy wrote itself, by result: landed, repeated, handed_over (to librdkafka), failed.",
                &["result"],
            )?,
            kinesis_errors: counter_vec(
                "kinesis_errors_total",
                "Calls of the Kinesis front answered with an error, by its name.",
                &["error"],
            )?,
            replacements: counter(
                "producer_replacements_total",
                "Producers that replaced one which failed for good.",
            )?,
            callers_came: counter(
                "callers_admitted_total",
                "Principals that got Kafka clients of their own.",
            )?,
            callers_went: counter_vec(
                "callers_ended_total",
                "Principals whose own Kafka clients ended, by the reason.",
                &["reason"],
            )?,
            kafka_up: gauge(
                "kafka_up",
                "Whether Kafka was reachable when it was last tried (1) or not (0).",
            )?,
        })
    }

    /// Counts an event stream that ended.
    pub fn streams_ended(&self, end: StreamEnd) {
        self.streams_ended[end as usize].inc();
    }

    /// The metrics of a route.
    #[must_use]
    pub fn route(self: &Arc<Self>, template: &'static str, method: &'static str) -> RouteMetrics {
        RouteMetrics {
            metrics: Arc::clone(self),
            template,
            method,
            duration: self.durations.with_label_values(&[template]),
            statuses: Default::default(),
            other: OnceLock::new(),
        }
    }

    /// The counters of records of a format.
    #[must_use]
    pub fn produced(&self, format: Format) -> ProducedMetrics {
        let name = format.name();
        ProducedMetrics {
            records: self.produced.with_label_values(&[name]),
            bytes: self.produced_bytes.with_label_values(&[name]),
        }
    }

    /// Counts a request whose sender is known.
    pub fn authenticated(&self, method: &str) {
        self.authenticated.with_label_values(&[method]).inc();
    }

    /// Counts a request that was refused for its credentials.
    pub fn not_authenticated(&self, method: &str) {
        self.not_authenticated.with_label_values(&[method]).inc();
    }

    /// Counts what became of a batch.
    pub fn batches(&self, result: &str) {
        self.batches.with_label_values(&[result]).inc();
    }

    /// Counts a call of Kinesis that was answered with this error.
    pub fn kinesis_errors(&self, name: &str) {
        self.kinesis_errors.with_label_values(&[name]).inc();
    }

    /// Counts records that failed with this code.
    pub fn delivery_errors(&self, code: u32, records: u64) {
        self.delivery_errors
            .with_label_values(&[code.to_string().as_str()])
            .inc_by(records);
    }
}

impl Rejections {
    fn new(vec: &IntCounterVec) -> Self {
        let reason = |reason: &str| vec.with_label_values(&[reason]);
        Self {
            backpressure: reason("backpressure"),
            concurrency: reason("concurrency"),
            body_size: reason("body_size"),
            header_size: reason("header_size"),
            body_timeout: reason("body_timeout"),
            instances: reason("consumer_instances"),
            rate: reason("rate"),
            plan: reason("usage_plan"),
            forbidden: reason("forbidden"),
        }
    }
}

/// Metrics of one route and method.
#[derive(Debug)]
pub struct RouteMetrics {
    metrics: Arc<Metrics>,
    template: &'static str,
    method: &'static str,
    duration: Histogram,
    statuses: [OnceLock<IntCounter>; STATUSES.len()],
    other: OnceLock<IntCounter>,
}

impl RouteMetrics {
    /// Counts an answer.
    pub fn observe(&self, status: u16, seconds: f64) {
        self.duration.observe(seconds);
        let known = STATUSES.iter().position(|known| *known == status);
        let cell = known
            .and_then(|at| self.statuses.get(at))
            .unwrap_or(&self.other);
        cell.get_or_init(|| {
            let text = known.map_or_else(|| "other".to_owned(), |_| status.to_string());
            self.metrics
                .requests
                .with_label_values(&[self.template, self.method, text.as_str()])
        })
        .inc();
    }
}

/// Counters of records of one format.
#[derive(Debug, Clone)]
pub struct ProducedMetrics {
    /// Acknowledged records.
    pub records: IntCounter,
    /// Their keys' and values' bytes.
    pub bytes: IntCounter,
}

/// A gauge that is read when it is scraped.
pub struct Reading {
    gauge: IntGauge,
    read: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl Reading {
    /// Registers a gauge whose value is `read` at each scrape.
    ///
    /// # Errors
    /// The name is taken.
    pub fn register(
        registry: &Registry,
        name: &str,
        help: &str,
        read: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        let gauge = IntGauge::new(named(name), help)?;
        registry.register(Box::new(Self {
            gauge,
            read: Box::new(read),
        }))
    }
}

impl Collector for Reading {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set((self.read)());
        self.gauge.collect()
    }
}

pub(crate) fn named(name: &str) -> String {
    format!("sluiceway_proxy_{name}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use prometheus::TextEncoder;

    #[test]
    fn what_was_observed_is_scraped() {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::new(&registry).unwrap());
        let route = metrics.route("/topics/{topic}", "POST");
        route.observe(200, 0.001);
        route.observe(200, 0.002);
        route.observe(418, 0.002);
        metrics.delivery_errors(50003, 2);
        metrics.produced(Format::Json).records.inc_by(7);
        Reading::register(&registry, "queued_bytes", "Bytes.", || 42).unwrap();
        let text = TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        for line in [
            "sluiceway_proxy_requests_total{method=\"POST\",route=\"/topics/{topic}\",status=\"200\"} 2",
            "sluiceway_proxy_requests_total{method=\"POST\",route=\"/topics/{topic}\",status=\"other\"} 1",
            "sluiceway_proxy_request_duration_seconds_count{route=\"/topics/{topic}\"} 3",
            "sluiceway_proxy_delivery_errors_total{code=\"50003\"} 2",
            "sluiceway_proxy_produced_records_total{format=\"json\"} 7",
            "sluiceway_proxy_queued_bytes 42",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(Metrics::new(&registry).is_err());
    }
}
