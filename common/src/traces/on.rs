//! [`super::Traces`] by OpenTelemetry's SDK: its sampler, its batches, its exporter; the queue and what is told about it are ours.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
    SpanExporter as Export, SpanProcessor,
};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::client::CollectorClient;
use super::{Attribute, Begin, SpanKind, TraceConfig, TraceError, TraceParent};

/// Spans of one request to the collector.
const BATCH: usize = 512;
/// How long spans wait for others.
const DELAY: Duration = Duration::from_secs(2);
/// How long an ending program waits for its last spans.
const LAST: Duration = Duration::from_secs(3);

/// Where spans go, if they go anywhere.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Running>>);

struct Running {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traces({})", if self.is_on() { "on" } else { "off" })
    }
}

impl Traces {
    /// Starts the exporter, if there is a collector. Called in a runtime, which the exporter then uses.
    ///
    /// # Errors
    /// See [`TraceError`].
    pub fn start(
        config: &TraceConfig,
        program: &str,
        registry: &Registry,
    ) -> Result<Self, TraceError> {
        if config.endpoint.is_empty() {
            return Ok(Self::default());
        }
        let wrong = |reason: String| TraceError::Exporter {
            endpoint: config.endpoint.clone(),
            reason,
        };
        let secured = config.endpoint.starts_with("https:");
        let client = CollectorClient::new(secured, config.timeout);
        let client = client.map_err(|error| wrong(error.to_string()))?;
        let headers = config.headers.iter();
        let headers: HashMap<_, _> = headers
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&config.endpoint)
            .with_timeout(config.timeout)
            .with_headers(headers)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let told = Told::new(registry, &config.endpoint)?;
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = Counted {
            inner: exporter,
            waiting: Arc::clone(&waiting),
            told: told.clone(),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(config.queue)
            .with_max_export_batch_size(BATCH.min(config.queue))
            .with_scheduled_delay(DELAY)
            .build();
        let bounded = Bounded {
            inner: BatchSpanProcessor::builder(counted)
                .with_batch_config(batches)
                .build(),
            waiting,
            limit: config.queue,
            told,
        };
        let service = Some(config.service.as_str()).filter(|name| !name.is_empty());
        let resource = Resource::builder()
            .with_service_name(service.unwrap_or(program).to_owned())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(bounded)
            .with_resource(resource)
            .with_sampler(sampler)
            .build();
        let tracer = provider.tracer(program.to_owned());
        Ok(Self(Some(Arc::new(Running { provider, tracer }))))
    }

    /// Whether spans are made.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a span, where there are any; `begin` is asked only then. It ends when it is dropped.
    #[must_use]
    pub fn begin(&self, begin: impl FnOnce() -> Begin) -> Option<Span> {
        let running = self.0.as_ref()?;
        let begin = begin();
        let parent = match begin.parent {
            Some(parent) => Context::new().with_remote_span_context(context(parent)),
            None => Context::new(),
        };
        let mut builder = running.tracer.span_builder(begin.name);
        builder.span_kind = Some(match begin.kind {
            SpanKind::Server => opentelemetry::trace::SpanKind::Server,
            SpanKind::Producer => opentelemetry::trace::SpanKind::Producer,
            SpanKind::Consumer => opentelemetry::trace::SpanKind::Consumer,
        });
        builder.start_time = begin.at;
        let link = |linked| Link::with_context(context(linked));
        builder.links = Some(begin.links.into_iter().map(link).collect());
        Some(Span(running.tracer.build_with_context(builder, &parent)))
    }

    /// Sends what waits, for a bounded time, and stops. Blocks: not for a thread of the runtime.
    pub fn end(&self) {
        if let Some(running) = &self.0
            && let Err(error) = running.provider.shutdown_with_timeout(LAST)
        {
            tracing::warn!(%error, "the last spans may be missing");
        }
    }
}

fn context(parent: TraceParent) -> SpanContext {
    let flags = if parent.sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    SpanContext::new(
        TraceId::from(parent.trace_id),
        SpanId::from(parent.span_id),
        flags,
        true,
        TraceState::NONE,
    )
}

/// A span under way.
#[derive(Debug)]
pub struct Span(opentelemetry_sdk::trace::Span);

impl Span {
    /// Its trace and itself, as parent of others.
    #[must_use]
    pub fn context(&self) -> TraceParent {
        let context = self.0.span_context();
        TraceParent {
            trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(context.span_id().to_bytes()),
            sampled: context.is_sampled(),
        }
    }

    /// Whether anybody will see it: attributes of others need not be made.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.0.is_recording()
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: &'static str, value: impl Into<Attribute>) {
        if self.0.is_recording() {
            let value = match value.into() {
                Attribute::Text(text) => Value::from(text),
                Attribute::Number(number) => Value::from(number),
            };
            self.0.set_attribute(KeyValue::new(name, value));
        }
    }

    /// Something happened, now or at that time.
    pub fn event(&mut self, name: &'static str, at: Option<SystemTime>) {
        let at = at.unwrap_or_else(SystemTime::now);
        self.0.add_event_with_timestamp(name, at, Vec::new());
    }

    /// It failed.
    pub fn fail(&mut self, reason: impl Into<String>) {
        self.0.set_status(Status::error(reason.into()));
    }
}

/// What became of spans: counters, and a line when the collector goes away or is back.
#[derive(Clone, Debug)]
struct Told {
    endpoint: Arc<str>,
    exported: IntCounter,
    failed: IntCounter,
    dropped: IntCounter,
}

impl Told {
    fn new(registry: &Registry, endpoint: &str) -> prometheus::Result<Self> {
        let help = "Spans by what became of them: exported, failed (the collector did not take them), dropped (the queue was full).";
        let spans =
            IntCounterVec::new(Opts::new("sluiceway_trace_spans_total", help), &["outcome"])?;
        registry.register(Box::new(spans.clone()))?;
        let of = |outcome| spans.with_label_values(&[outcome]);
        Ok(Self {
            endpoint: endpoint.into(),
            exported: of("exported"),
            failed: of("failed"),
            dropped: of("dropped"),
        })
    }

    fn exported(&self, spans: usize) {
        self.exported.inc_by(spans as u64);
        tracing::debug!(spans, endpoint = %self.endpoint, "spans exported");
    }

    fn failed(&self, spans: usize, error: &dyn fmt::Display) {
        self.failed.inc_by(spans as u64);
        tracing::warn!(spans, endpoint = %self.endpoint, %error, "spans are lost: the collector does not take them");
    }

    /// No line of its own: each request would write one.
    fn dropped(&self) {
        self.dropped.inc();
    }
}

/// The exporter, and what it is asked to send.
#[derive(Debug)]
struct Counted {
    inner: SpanExporter,
    waiting: Arc<AtomicUsize>,
    told: Told,
}

impl Export for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.inner.export(batch).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        match &result {
            Ok(()) => self.told.exported(spans),
            Err(error) => self.told.failed(spans, error),
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Lets no more spans in than may wait.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
    limit: usize,
    told: Told,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut opentelemetry_sdk::trace::Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.limit {
            self.inner.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.told.dropped();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
