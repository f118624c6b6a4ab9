//! Everything the handlers share, made once at start.

use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use rdkafka::error::KafkaError;
use sluiceway_common::traces::{TraceError, Traces};
use sluiceway_schemas::Registry as SchemaRegistry;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin_client::AdminClient;
use crate::admission::Admission;
use crate::auth::callers::Callers;
use crate::auth::gate::{Gate, GateError};
use crate::body::Limits;
use crate::cluster_admin::ClusterAdmin;
use crate::config::Config;
use crate::consumer::Consumers;
use crate::consumer::metrics::ConsumerMetrics;
use crate::consumer::places::Places;
use crate::format::Format;
use crate::health::Health;
use crate::idempotency::Idempotency;
use crate::kafka_clients::{Common, KafkaClients, Login};
use crate::kinesis::{Kinesis, KinesisError};
use crate::metrics::{Metrics, ProducedMetrics, Reading, RouteMetrics};
use crate::openapi::Document;
use crate::peers::config::PeersConfig;
use crate::peers::{self, Peers, Pen};
use crate::produce::turn::Turns;
use crate::producer_pool::ProducerPool;
use crate::rate_limit::RateLimits;
use crate::router::{Router, Target};
use crate::sse::Streams;
use crate::topics::Topics;
use crate::tracker::Deliveries;

/// Why the proxy's parts could not be made.
#[derive(Debug, Error)]
pub enum AppError {
    /// A Kafka client refuses its settings.
    #[error("the Kafka {client} cannot be made: {source}")]
    Client {
        /// Which client.
        client: &'static str,
        /// What it says.
        source: KafkaError,
    },
    /// The registry has a metric of this name.
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The trust or key store of the schema registry cannot be read.
    #[error("the schema registry's client cannot be made: {0}")]
    Schemas(#[from] sluiceway_schemas::ConfigProblem),
    /// A file of users or keys cannot be used.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The Kinesis front cannot be made.
    #[error(transparent)]
    Kinesis(#[from] KinesisError),
    /// Spans cannot be sent.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// Two paths of the routing table exclude one another.
    #[error("the routing table is wrong: {0}")]
    Routes(#[from] matchit::InsertError),
}

/// What handlers share.
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// Routes.
    pub router: Arc<Router>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The way to Kafka.
    pub health: Arc<Health>,
    /// Bytes on their way.
    pub admission: Arc<Admission>,
    /// Requests whose records are on their way.
    pub deliveries: Arc<Deliveries>,
    /// Which partition records go to that may go to any.
    pub turns: Arc<Turns>,
    /// The producer.
    pub producer: Arc<ProducerPool>,
    /// Look-ups.
    pub admin: Arc<AdminClient>,
    /// The schema registry, if there is one.
    pub schemas: Option<SchemaRegistry>,
    /// Consumer instances.
    pub consumers: Arc<Consumers>,
    /// The replicas that share them; `None`: there is only this one.
    pub peers: Option<Arc<Peers>>,
    /// Keys of requests that are written once; `None`: they have no effect.
    pub idempotency: Option<Arc<Idempotency>>,
    /// The Kinesis front; `None`: it is off.
    pub kinesis: Option<Arc<Kinesis>>,
    /// What v3 asks of Kafka.
    pub cluster: Arc<dyn ClusterAdmin>,
    /// Topics that are written to.
    pub topics: Arc<Topics>,
    /// Limits on the rates of v3's records, when they are on.
    pub rate_limits: Option<Arc<RateLimits>>,
    /// Who may do what, and how often; `None` when no setting asks.
    pub gate: Option<Arc<Gate>>,
    /// Callers with Kafka clients of their own; `None`: all use the proxy's.
    pub callers: Option<Arc<Callers>>,
    /// The API's description.
    pub document: Arc<Document>,
    /// Where spans go.
    pub traces: Traces,
    /// Places for event streams.
    pub streams: Arc<Streams>,
    /// Told when the proxy is to stop: streams end then.
    pub stopping: CancellationToken,
    produced: Arc<[ProducedMetrics; Format::ALL.len()]>,
    /// By route, then by resource, then one for the rest.
    observed: Arc<[RouteMetrics]>,
}

impl App {
    /// Makes everything. Clients connect in the background.
    ///
    /// # Errors
    /// See [`AppError`].
    pub fn new(config: Config, registry: &Registry) -> Result<Arc<Self>, AppError> {
        let metrics = Arc::new(Metrics::new(registry)?);
        let health = Arc::new(Health::new(metrics.kafka_up.clone()));
        let deliveries = Arc::new(Deliveries::default());
        let schemas = config.schema_registry.clone().map(SchemaRegistry::new);
        let schemas = schemas.transpose()?;
        let admission = Admission::new(config.delivery.max_in_flight_bytes);
        let (expired, expirations) = mpsc::unbounded_channel();
        let common = Common {
            config: &config,
            metrics: &metrics,
            consumer_metrics: Arc::new(ConsumerMetrics::new(registry)?),
            places: Places::new(&config.consumers),
            deliveries: &deliveries,
            schemas: schemas.clone(),
        };
        let shared = config.peers.is_some().then_some(expired);
        let clients = KafkaClients::make(common, Login::own(&config), health, shared)?;
        let KafkaClients {
            health,
            producer,
            admin,
            cluster,
            topics,
            turns,
            consumers,
        } = clients;
        let with_peers = |peers: &PeersConfig| {
            let pen = Pen {
                producer: Arc::clone(&producer),
                deliveries: Arc::clone(&deliveries),
                admission: Arc::clone(&admission),
            };
            let parts = peers::Parts {
                pen,
                cluster: Arc::clone(&cluster),
                admin: Arc::clone(&admin),
                consumers: Arc::clone(&consumers),
                reader: config.consumer.client_config(),
                expired: expirations,
            };
            Peers::new(peers.clone(), parts, registry)
        };
        let keys = config.idempotency.clone();
        let keys = keys.map(|config| Idempotency::new(config, registry));
        let idempotency = keys.transpose()?.map(Arc::new);
        let peers = config.peers.as_ref().map(with_peers).transpose()?;
        let router = Router::new(&config.endpoints, config.http.media)?;
        let kinesis = config.kinesis.clone();
        let kinesis = kinesis.map(|config| Kinesis::new(config, &router));
        let kinesis = kinesis.transpose()?.map(Arc::new);
        let signed_calls = config
            .kinesis
            .as_ref()
            .is_some_and(|c| c.keys_file.is_some());
        let security = &config.security;
        let callers = security.callers.clone();
        let callers = callers.map(|callers| Callers::new(callers, Arc::clone(&metrics)));
        let app = Self {
            observed: observed(&router, &metrics).into(),
            produced: Arc::new(Format::ALL.map(|format| metrics.produced(format))),
            rate_limits: config.stream.rates.map(RateLimits::new).map(Arc::new),
            gate: Gate::new(security, &router, signed_calls, callers.clone(), &metrics)?,
            callers,
            document: Arc::default(),
            traces: Traces::start(&config.traces, "sluiceway-proxy", registry)?,
            streams: Streams::new(config.sse.max_streams, config.sse.max_duration),
            stopping: CancellationToken::new(),
            admission,
            config: Arc::new(config),
            router: Arc::new(router),
            metrics,
            health,
            deliveries,
            turns,
            producer,
            admin,
            schemas,
            consumers,
            peers,
            idempotency,
            kinesis,
            cluster,
            topics,
        };
        let app = Arc::new(app);
        app.register_readings(registry)?;
        Ok(app)
    }

    /// The same with a caller's own Kafka clients. Limits, counters and settings are shared. What would act as the proxy itself is
    /// left out: the settings exclude it beside such callers.
    ///
    /// # Errors
    /// A Kafka client refuses its settings.
    pub(crate) fn for_caller(
        &self,
        login: Login,
        health: Arc<Health>,
    ) -> Result<Arc<Self>, AppError> {
        let common = Common {
            config: &self.config,
            metrics: &self.metrics,
            consumer_metrics: Arc::clone(&self.consumers.metrics),
            places: self.consumers.places(),
            deliveries: &self.deliveries,
            schemas: self.schemas.clone(),
        };
        let clients = KafkaClients::make(common, login, health, None)?;
        Ok(Arc::new(Self {
            health: clients.health,
            producer: clients.producer,
            admin: clients.admin,
            cluster: clients.cluster,
            topics: clients.topics,
            turns: clients.turns,
            consumers: clients.consumers,
            config: Arc::clone(&self.config),
            router: Arc::clone(&self.router),
            metrics: Arc::clone(&self.metrics),
            admission: Arc::clone(&self.admission),
            deliveries: Arc::clone(&self.deliveries),
            schemas: self.schemas.clone(),
            rate_limits: self.rate_limits.clone(),
            document: Arc::clone(&self.document),
            traces: self.traces.clone(),
            streams: Arc::clone(&self.streams),
            stopping: self.stopping.child_token(),
            produced: Arc::clone(&self.produced),
            observed: Arc::clone(&self.observed),
            peers: None,
            idempotency: None,
            kinesis: None,
            gate: None,
            callers: None,
        }))
    }

    /// Begins to look after consumer instances, and to let callers in. Has to be called in a runtime.
    pub(crate) fn begin(self: &Arc<Self>) {
        tokio::spawn(Consumers::sweep(Arc::downgrade(&self.consumers)));
        if let Some(callers) = &self.callers {
            callers.open(self);
        }
    }

    /// The sum of something over the proxy's own Kafka clients and those of callers.
    fn total(&self, of: impl Fn(&Self) -> usize) -> usize {
        let callers = self.callers.as_ref();
        of(self) + callers.map_or(0, |callers| callers.total(of))
    }

    fn register_readings(self: &Arc<Self>, registry: &Registry) -> prometheus::Result<()> {
        let wide = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let weak = Arc::downgrade(self);
        let summed = move |of: fn(&Self) -> usize| {
            let weak = weak.clone();
            move || weak.upgrade().map_or(0, |app| wide(app.total(of)))
        };
        let records = summed(|app| app.producer.queued() + app.turns.records());
        Reading::register(
            registry,
            "queued_records",
            "Records on their way to Kafka.",
            records,
        )?;
        let admission = Arc::clone(&self.admission);
        let bytes = move || wide(admission.used());
        Reading::register(
            registry,
            "queued_bytes",
            "Bytes of bodies and records on their way to Kafka.",
            bytes,
        )?;
        let limit = wide(self.admission.limit());
        let help = "Bytes that may be on their way to Kafka at once; above, requests are answered with 429.";
        Reading::register(registry, "queue_limit_bytes", help, move || limit)?;
        let instances = summed(|app| app.consumers.count());
        Reading::register(
            registry,
            "consumer_instances",
            "Consumer instances.",
            instances,
        )?;
        let streams = Arc::clone(self);
        let streams = Arc::downgrade(&streams);
        let open = move || streams.upgrade().map_or(0, |app| wide(app.streams.open()));
        let help = "Server-sent event streams that are open.";
        Reading::register(registry, "open_event_streams", help, open)?;
        let help = "Partitions that are being read without a group.";
        // The places are those of all callers together.
        let own = Arc::clone(&self.consumers.partition_reads);
        let reads = move || wide(own.open());
        Reading::register(registry, "partition_reads", help, reads)?;
        let help = "Principals that have Kafka clients of their own.";
        let callers = self.callers.clone();
        Reading::register(registry, "callers", help, move || {
            callers.as_ref().map_or(0, |callers| wide(callers.count()))
        })?;
        let deliveries = Arc::clone(&self.deliveries);
        let waiting = move || wide(deliveries.requests());
        Reading::register(
            registry,
            "awaiting_delivery_requests",
            "Requests that wait for the delivery of their records.",
            waiting,
        )
    }

    /// Counters of records of a format.
    #[must_use]
    pub fn produced(&self, format: Format) -> &ProducedMetrics {
        &self.produced[format as usize]
    }

    /// Counters of what a request was matched with.
    #[must_use]
    pub fn observed(&self, target: Target) -> Option<&RouteMetrics> {
        let (routes, resources) = (self.router.routes().len(), self.router.resources().len());
        self.observed.get(match target {
            Target::Route(route) => route,
            Target::Options(resource) | Target::NoMethod(resource) => routes + resource,
            Target::NoPath => routes + resources,
        })
    }

    /// Bounds on request bodies.
    #[must_use]
    pub fn body_limits(&self) -> Limits {
        Limits {
            max_bytes: self.config.http.max_body_bytes,
            timeout: self.config.http.body_timeout,
            min_rate: self.config.http.body_min_rate,
        }
    }

    /// Asks Kafka for a sign of life, for `/readyz`: every second while it is away, seldom otherwise.
    pub async fn watch_kafka(self: Arc<Self>) {
        const TICK: Duration = Duration::from_secs(1);
        const TICKS_WHEN_UP: u32 = 15;
        let mut ticks = TICKS_WHEN_UP;
        loop {
            if ticks >= TICKS_WHEN_UP || self.health.check().is_err() {
                ticks = 0;
                if let Err(fault) = self.admin.look_for_brokers().await {
                    self.health.down(&fault.message);
                }
            }
            tokio::time::sleep(TICK).await;
            ticks += 1;
        }
    }
}

fn observed(router: &Router, metrics: &Arc<Metrics>) -> Vec<RouteMetrics> {
    let routes = router.routes().iter().map(|route| {
        let method = match route.method {
            http::Method::POST => "POST",
            http::Method::PUT => "PUT",
            http::Method::PATCH => "PATCH",
            http::Method::DELETE => "DELETE",
            _ => "GET",
        };
        metrics.route(route.template, method)
    });
    let resources = router
        .resources()
        .iter()
        .map(|resource| metrics.route(resource.template, "other"));
    let rest = std::iter::once_with(|| metrics.route("none", "other"));
    routes.chain(resources).chain(rest).collect()
}
