//! The worker: reads its configuration, listens, runs connectors, stops in order.
//!
//! In: a [`WorkerConfig`], the connectors of the command line, a metrics registry. Out: a running [`Worker`]. It starts
//! without Kafka and with bad connector files; only its own configuration and its ports can keep it from starting.
//!
//! Start: sockets are bound → herder → REST API and admin listener answer → connectors are started → ready.
//! Stop: not ready → REST API closed → tasks end (`task.shutdown.graceful.timeout.ms`) → admin listener closed.

mod clients;
mod config;
mod files;
mod headers;
mod identity;
mod keys;
mod providers;
mod rest_config;

pub use clients::role_prefix;
pub use config::{OverridePolicy, WorkerConfig};
pub(crate) use files::scalar;
pub use files::{ConnectorFile, ConnectorRequest};
pub use keys::definition;
pub use providers::Providers;
pub use rest_config::{AdminApi, RestConfig};

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::Registry;
use sluiceway_common::admin::{AdminServer, Readiness};
use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::listener::ListenerError;
use sluiceway_common::logging;
use thiserror::Error;

use crate::budget::Budget;
use crate::connector::Host;
use crate::herder::{ConnectorStates, Herder, StandaloneHerder};
use crate::metrics::SinkMetrics;
use crate::rest::{Api, BoundSockets, Events, Loggers, Part, RestServer};
use crate::status::ConnectorStatus;

/// Why a worker does not start.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// A port is taken, or a listener cannot be bound.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The registry has metrics of the same names.
    #[error("cannot register the worker's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A running worker.
pub struct Worker {
    herder: Arc<StandaloneHerder>,
    rest: RestServer,
    admin: Option<AdminServer>,
    worker_id: String,
    started: Arc<AtomicBool>,
}

impl Worker {
    /// Starts a worker and its connectors. A connector that cannot be started is logged and shown `FAILED`.
    ///
    /// # Errors
    /// When a port is taken or a setting of the worker itself cannot be used.
    pub async fn start(
        config: WorkerConfig,
        connectors: Vec<ConnectorFile>,
        registry: Registry,
    ) -> Result<Self, WorkerError> {
        let config = Arc::new(config);
        if config.is_distributed() {
            tracing::warn!(
                "group.id and config.storage.topic are set, but this is a standalone worker: \
                 its connectors are not shared with other workers and are gone when it ends"
            );
        }
        let sockets = bind(&config.rest).await?;
        let worker_id = identity::worker_id(&config.rest, sockets.addresses().first());
        let herder = herder(&config, &worker_id, &registry)?;
        let started = Arc::new(AtomicBool::new(false));
        let rest = serve(&config, sockets, &herder, &started, &registry)?;
        let admin = admin(&config, registry, &started).await?;
        let worker = Self {
            herder,
            rest,
            admin,
            worker_id,
            started,
        };
        tracing::info!(
            worker = worker.worker_id,
            listeners = ?worker.rest.addresses(),
            admin = ?worker.admin_addresses(),
            bootstrap_servers = config.bootstrap_servers,
            "worker started"
        );
        worker.start_connectors(connectors).await;
        Ok(worker)
    }

    async fn start_connectors(&self, connectors: Vec<ConnectorFile>) {
        let total = connectors.len();
        let mut running = 0;
        for file in connectors {
            running += usize::from(self.herder.start_file(file).await);
        }
        self.started.store(true, Ordering::Release);
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

    /// Where the REST API listens.
    pub fn rest_addresses(&self) -> &[SocketAddr] {
        self.rest.addresses()
    }

    /// Where metrics and health listen.
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        self.admin.as_ref().map_or(&[], AdminServer::addresses)
    }

    /// `host:port` by which this worker is known.
    pub fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// State of every connector and its tasks.
    pub fn statuses(&self) -> Vec<ConnectorStatus> {
        self.herder.statuses()
    }

    /// Stops everything and waits for it, for a bounded time. Open files are dropped: their records are read again
    /// from the committed offsets at the next start.
    pub async fn stop(self) {
        self.started.store(false, Ordering::Release);
        self.rest.stop().await;
        self.herder.shut_down().await;
        tracing::info!(worker = self.worker_id, "worker stopped");
    }
}

async fn bind(rest: &RestConfig) -> Result<BoundSockets, ListenerError> {
    let part = if rest.admin == AdminApi::OnListeners {
        Part::All
    } else {
        Part::WithoutAdmin
    };
    let sockets = BoundSockets::none()
        .bind(&rest.listeners, &rest.listeners_option, part)
        .await?;
    match &rest.admin {
        AdminApi::On(own) => sockets.bind(own, "admin.listeners", Part::Admin).await,
        AdminApi::OnListeners | AdminApi::Off => Ok(sockets),
    }
}

fn herder(
    config: &Arc<WorkerConfig>,
    worker_id: &str,
    registry: &Registry,
) -> Result<Arc<StandaloneHerder>, WorkerError> {
    let metrics = Arc::new(SinkMetrics::register(registry)?);
    let budget = match usize::try_from(config.memory_budget_bytes).unwrap_or(usize::MAX) {
        0 => Budget::new(Budget::default_bytes()),
        bytes => Budget::new(bytes),
    };
    let host = Host::new(Arc::clone(config), worker_id.to_owned(), metrics, budget);
    let herder = Arc::new(StandaloneHerder::new(Arc::new(host))?);
    registry.register(Box::new(ConnectorStates::new(Arc::downgrade(&herder))?))?;
    Ok(herder)
}

fn serve(
    config: &WorkerConfig,
    sockets: BoundSockets,
    herder: &Arc<StandaloneHerder>,
    started: &Arc<AtomicBool>,
    registry: &Registry,
) -> Result<RestServer, WorkerError> {
    let apply = |levels: &str| {
        if let Err(error) = logging::set_levels(levels) {
            tracing::warn!(error, levels, "log levels were not changed");
        }
    };
    let api = Api {
        herder: Arc::clone(herder) as Arc<dyn Herder>,
        loggers: Arc::new(Loggers::new(Box::new(apply))),
        config: config.rest.clone(),
        started: Arc::clone(started),
    };
    Ok(RestServer::start(
        sockets,
        Arc::new(api),
        Events::register(registry)?,
    ))
}

async fn admin(
    config: &WorkerConfig,
    registry: Registry,
    started: &Arc<AtomicBool>,
) -> Result<Option<AdminServer>, ListenerError> {
    if config.admin_listeners.is_empty() {
        return Ok(None);
    }
    let started = Arc::clone(started);
    let ready: Readiness = Arc::new(move || {
        if started.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err("the worker is starting or stopping".to_owned())
        }
    });
    let option = &config.admin_listeners_option;
    AdminServer::start(&config.admin_listeners, option, registry, ready)
        .await
        .map(Some)
}
