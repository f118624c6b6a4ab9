//! The worker: reads its configuration, listens, runs connectors, stops in order.
//!
//! In: a [`WorkerConfig`], the connectors of the command line, a metrics registry. Out: a running [`Worker`]. It starts
//! without Kafka and with bad connector files; only its own configuration and its ports can keep it from starting.
//!
//! A distributed worker shares its connectors with others through Kafka ([`WorkerConfig::distributed`]); it starts
//! without Kafka too, and is ready when it knows the cluster and is a member of it.
//!
//! Start: sockets are bound → herder → REST API and admin listener answer → connectors are started → ready.
//! Stop: not ready → REST API closed → tasks end (`task.shutdown.graceful.timeout.ms`) → admin listener closed.

mod clients;
mod config;
mod distributed_config;
mod files;
mod headers;
mod identity;
pub(crate) mod json_config;
mod keys;
mod providers;
mod rest_config;
mod rights;
mod workers_tls;

pub use clients::role_prefix;
pub use config::{OverridePolicy, WorkerConfig};
pub use distributed_config::{DistributedConfig, InternalTopic};
pub use files::{ConnectorFile, ConnectorRequest};
pub use keys::definition;
pub use providers::Providers;
pub use rest_config::{AdminApi, Audit, RestConfig};
pub use rights::{Operation, Rights, Rules};
pub use workers_tls::WorkersTls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use prometheus::Registry;
use sluiceway_common::admin::{AdminCallers, AdminServer, Guard, Readiness};
use sluiceway_common::auth::verifier::Caller;
use sluiceway_common::config_def::{ConfigError, ConfigErrors};
use sluiceway_common::console::{self, Console, Entrance};
use sluiceway_common::listener::ListenerError;
use sluiceway_common::logging;
use sluiceway_common::traces::{TraceError, Traces};
use thiserror::Error;

use crate::budget::Budget;
use crate::connector::Host;
use crate::herder::{ConnectorStates, DistributedHerder, Herder, NotStarted, StandaloneHerder};
use crate::metrics::SinkMetrics;
use crate::rest::{Api, BoundSockets, Events, Gate, Loggers, Part, RestServer, Ways};
use crate::status::ConnectorStatus;
use crate::stored::Stores;
use crate::written::Written;

/// Why a worker does not start.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// A port is taken, or a listener cannot be bound.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A distributed worker cannot work with what it found in Kafka.
    #[error(transparent)]
    Herder(#[from] NotStarted),
    /// Connectors of the command line for a distributed worker.
    #[error("a distributed worker takes no connector files; create connectors by its REST API")]
    ConnectorFiles,
    /// The registry has metrics of the same names.
    #[error("cannot register the worker's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// Spans cannot be sent.
    #[error(transparent)]
    Traces(#[from] TraceError),
}

/// A running worker.
pub struct Worker {
    herder: Arc<dyn Herder>,
    rest: RestServer,
    admin: Option<AdminServer>,
    worker_id: String,
    started: Arc<AtomicBool>,
    traces: Traces,
}

impl Worker {
    /// Starts a worker and its connectors. A connector that cannot be started is logged and shown `FAILED`.
    ///
    /// # Errors
    /// When a port is taken or a setting of the worker itself cannot be used.
    // A boxed future is compiled here, once; that of an `async fn` is compiled again by each program and test that waits for it.
    pub fn start(
        config: WorkerConfig,
        connectors: Vec<ConnectorFile>,
        registry: Registry,
    ) -> BoxFuture<'static, Result<Self, WorkerError>> {
        Box::pin(Self::begin(config, connectors, registry))
    }

    async fn begin(
        config: WorkerConfig,
        connectors: Vec<ConnectorFile>,
        registry: Registry,
    ) -> Result<Self, WorkerError> {
        let config = Arc::new(config);
        if config.distributed.is_some() && !connectors.is_empty() {
            return Err(WorkerError::ConnectorFiles);
        }
        if config.distributed.is_none() && config.is_distributed() {
            tracing::warn!(
                "group.id and config.storage.topic are set, but this is a standalone worker: its connectors are not \
                 shared with other workers and are gone when it ends; start it with --distributed to share them"
            );
        }
        let ways = Ways::new(&config.rest, config.distributed.is_some())?;
        let sockets = bind(&config.rest).await?;
        let worker_id = identity::worker_id(&config.rest, &sockets.addresses());
        let started = Arc::new(AtomicBool::new(false));
        let loggers = Arc::new(Loggers::new(Box::new(apply_levels)));
        let host = host(&config, &worker_id, &registry)?;
        let (written, traces) = (host.metrics.written.clone(), host.traces.clone());
        let (herder, standalone) = herder(host, &loggers).await?;
        registry.register(Box::new(ConnectorStates::new(Arc::downgrade(&herder))?))?;
        let rest = serve(
            &config,
            sockets,
            &herder,
            (loggers, written, ways),
            &started,
            &registry,
        )?;
        let admin = admin(&config, registry, (&herder, &started), rest.entrance()).await?;
        let worker = Self {
            herder,
            rest,
            admin,
            worker_id,
            started,
            traces,
        };
        tracing::info!(
            worker = worker.worker_id,
            listeners = ?worker.rest.addresses(),
            admin = ?worker.admin_addresses(),
            bootstrap_servers = config.bootstrap_servers,
            "worker started"
        );
        if let Some(standalone) = standalone {
            start_connectors(&standalone, connectors).await;
        }
        worker.started.store(true, Ordering::Release);
        Ok(worker)
    }

    /// Where the REST API listens.
    pub fn rest_addresses(&self) -> &[SocketAddr] {
        self.rest.addresses()
    }

    /// Where metrics and health listen.
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        self.admin.as_ref().map_or(&[], AdminServer::addresses)
    }

    /// Lets the console in, where an admin listener of another's shows it.
    #[must_use]
    pub fn entrance(&self) -> Entrance {
        self.rest.entrance()
    }

    /// `host:port` by which this worker is known.
    pub fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// State of every connector of which something runs here, and of those of its tasks that do.
    pub fn statuses(&self) -> Vec<ConnectorStatus> {
        let local = self.herder.local_statuses();
        local.into_iter().map(|local| local.status).collect()
    }

    /// Stops everything and waits for it, for a bounded time. Open files are dropped: their records are read again
    /// from the committed offsets by whoever has their partitions next.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        Box::pin(self.end())
    }

    async fn end(self) {
        self.started.store(false, Ordering::Release);
        self.rest.stop().await;
        self.herder.shut_down().await;
        // Blocks for as long as the collector takes, a bounded time.
        let _ = tokio::task::spawn_blocking(move || self.traces.end()).await;
        tracing::info!(worker = self.worker_id, "worker stopped");
    }
}

async fn start_connectors(herder: &StandaloneHerder, connectors: Vec<ConnectorFile>) {
    let total = connectors.len();
    let mut running = 0;
    for file in connectors {
        running += usize::from(herder.start_file(file).await);
    }
    let failed = total - running;
    if failed > 0 {
        tracing::error!(
            started = running,
            failed,
            "some connector files could not be used; see the errors above and GET /connectors?expand=status"
        );
    } else if total > 0 {
        tracing::info!(started = running, "connectors started");
    }
}

async fn bind(rest: &RestConfig) -> Result<BoundSockets, ListenerError> {
    let part = if rest.admin == AdminApi::OnListeners {
        Part::All
    } else {
        Part::WithoutAdmin
    };
    let sockets = BoundSockets::none()
        .bind(
            &rest.listeners,
            &rest.listeners_option,
            rest.tls.as_ref(),
            part,
        )
        .await?;
    match &rest.admin {
        AdminApi::On(own) => {
            let tls = rest.admin_tls.as_ref();
            sockets.bind(own, "admin.listeners", tls, Part::Admin).await
        }
        AdminApi::OnListeners | AdminApi::Off => Ok(sockets),
    }
}

fn host(
    config: &Arc<WorkerConfig>,
    worker_id: &str,
    registry: &Registry,
) -> Result<Arc<Host>, WorkerError> {
    let metrics = Arc::new(SinkMetrics::register(registry)?);
    let budget = match usize::try_from(config.memory_budget_bytes).unwrap_or(usize::MAX) {
        0 => Budget::new(Budget::default_bytes()),
        bytes => Budget::new(bytes),
    };
    let traces = Traces::start(&config.traces, "sluiceway-sink", registry)?;
    let id = worker_id.to_owned();
    Ok(Arc::new(Host::new(
        Arc::clone(config),
        id,
        metrics,
        budget,
        traces,
    )))
}

/// The herder of the worker's mode, and once more when it takes connector files.
async fn herder(
    host: Arc<Host>,
    loggers: &Arc<Loggers>,
) -> Result<(Arc<dyn Herder>, Option<Arc<StandaloneHerder>>), WorkerError> {
    if let Some(config) = host.worker.distributed.clone() {
        let loggers = Arc::clone(loggers);
        let on_logger =
            Box::new(move |logger: &str, level: &str| loggers.set_by_name(logger, level));
        let herder = DistributedHerder::start(host, config, on_logger).await?;
        return Ok((herder, None));
    }
    let herder = Arc::new(StandaloneHerder::new(host)?);
    Ok((Arc::clone(&herder) as Arc<dyn Herder>, Some(herder)))
}

fn apply_levels(levels: &str) {
    if let Err(error) = logging::set_levels(levels) {
        tracing::warn!(error, levels, "log levels were not changed");
    }
}

fn serve(
    config: &WorkerConfig,
    sockets: BoundSockets,
    herder: &Arc<dyn Herder>,
    (loggers, written, ways): (Arc<Loggers>, Written, Ways),
    started: &Arc<AtomicBool>,
    registry: &Registry,
) -> Result<RestServer, WorkerError> {
    let api = Api {
        herder: Arc::clone(herder),
        loggers,
        stores: Stores::default(),
        written,
        gate: Gate::new(&config.rest)?,
        ways,
        config: config.rest.clone(),
        started: Arc::clone(started),
    };
    Ok(RestServer::start(
        sockets,
        Arc::new(api),
        Events::register(registry)?,
    ))
}

/// Whom `/metrics` and `/log-levels` let in; `None`: anybody.
fn admin_callers(config: &WorkerConfig) -> Result<Option<Arc<AdminCallers>>, ConfigErrors> {
    let (rest, key) = (&config.rest, "sluiceway.admin.authentication.enable");
    if !rest.metrics_users {
        return Ok(None);
    }
    let wrong = |key: &str, message| ConfigErrors(vec![ConfigError::other(key, message)]);
    if rest.auth.methods.is_empty() {
        let message =
            format!("{key} needs users: set authentication.method or rest.extension.classes");
        return Err(wrong(key, message));
    }
    let verifier = rest.auth.verifier();
    let verifier = verifier.map_err(|reason| wrong(rest.users_key(), reason))?;
    let rules = rest.rules.clone();
    let may_change = Box::new(move |caller: &Caller| {
        let rights = || rules.rights(&caller.name, &caller.roles);
        rules.is_empty() || rights().allow_all(Operation::Write)
    });
    Ok(Some(Arc::new(AdminCallers::new(verifier, may_change))))
}

async fn admin(
    config: &WorkerConfig,
    registry: Registry,
    (herder, started): (&Arc<dyn Herder>, &Arc<AtomicBool>),
    entrance: Entrance,
) -> Result<Option<AdminServer>, WorkerError> {
    if config.admin_listeners.is_empty() {
        return Ok(None);
    }
    let (started, herder) = (Arc::clone(started), Arc::downgrade(herder));
    let ready: Readiness = Arc::new(move || {
        let is_ready = || herder.upgrade().is_some_and(|herder| herder.is_ready());
        if started.load(Ordering::Acquire) && is_ready() {
            Ok(())
        } else {
            Err("the worker is starting or stopping".to_owned())
        }
    });
    let option = &config.admin_listeners_option;
    let console = Console::start(&config.console, console::SINK, registry.clone());
    if let Some(console) = &console {
        console.open([(console::SINK, entrance)]);
    }
    let guard = Guard {
        tls: config.admin_tls.clone(),
        callers: admin_callers(config)?,
        failures_per_minute: config.rest.failures_per_minute,
        levels_closed: !config.rest.auth.methods.is_empty(),
        console,
    };
    let server =
        AdminServer::start_guarded(&config.admin_listeners, option, guard, registry, ready);
    Ok(Some(server.await?))
}
