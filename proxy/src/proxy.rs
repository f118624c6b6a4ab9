//! The proxy as a whole: start, addresses, drain.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use prometheus::Registry;
use sluiceway_common::admin::{AdminCallers, AdminServer, Guard};
use sluiceway_common::auth::verifier::Caller;
use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::console::{self, Console, Entrance};
use sluiceway_common::listener::ListenerError;
use thiserror::Error;
use tokio::task::AbortHandle;

use crate::admission::Admission;
use crate::app::{App, AppError};
use crate::auth::gate::GateError;
use crate::auth::principal::Method;
use crate::auth::rights::Operation;
use crate::config::Config;
use crate::server::Server;

/// Why the proxy does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Bad settings.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Its parts cannot be made.
    #[error(transparent)]
    App(#[from] AppError),
    /// A listener cannot be bound.
    #[error(transparent)]
    Listener(#[from] ListenerError),
}

/// A running proxy. Dropping it stops accepting; [`Proxy::drain`] ends it in order.
pub struct Proxy {
    app: Arc<App>,
    server: Server,
    admin: AdminServer,
    watch: AbortHandle,
}

/// Whom `/metrics` and `/log-levels` let in; `None`: anybody.
fn admin_callers(config: &Config) -> Result<Option<Arc<AdminCallers>>, AppError> {
    let security = &config.security;
    if !security.admin {
        return Ok(None);
    }
    if security.auth.methods.is_empty() || security.auth.uses(Method::Kafka) {
        let missing = "sluiceway.admin.authentication.enable needs authentication.method=BASIC, BEARER, API_KEY or MTLS";
        return Err(GateError(missing.into()).into());
    }
    let verifier = security.auth.verifier().map_err(GateError)?;
    let admission = security.admission();
    let may_change = Box::new(move |caller: &Caller| admission.may_all(Operation::Admin, caller));
    Ok(Some(Arc::new(AdminCallers::new(verifier, may_change))))
}

impl Proxy {
    /// Starts listening. Kafka is connected to in the background: the proxy starts without it, and `/readyz` tells.
    ///
    /// # Errors
    /// See [`StartError`].
    // A boxed future is compiled here, once; that of an `async fn` is compiled again by each program and test that waits for it.
    pub fn start(
        config: Config,
        registry: Registry,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(Self::begin(config, registry))
    }

    async fn begin(config: Config, registry: Registry) -> Result<Self, StartError> {
        config.log_warnings();
        let app = App::new(config, &registry)?;
        let health = Arc::clone(&app.health);
        let ready = Arc::new(move || health.check());
        let listeners = &app.config.admin_listeners;
        // Without an admin listener there is nowhere to show it.
        let settings = Some(&app.config.console).filter(|_| !listeners.is_empty());
        let console = settings
            .and_then(|settings| Console::start(settings, console::PROXY, registry.clone()));
        let guard = Guard {
            tls: app.config.tls.clone(),
            callers: admin_callers(&app.config)?,
            failures_per_minute: app.config.security.failures_per_minute,
            levels_closed: !app.config.security.auth.methods.is_empty(),
            console: console.clone(),
        };
        let option = "sluiceway.admin.listeners";
        let admin = AdminServer::start_guarded(listeners, option, guard, registry, ready).await?;
        let server = Server::start(&app).await?;
        if let Some(console) = console {
            console.open([(console::PROXY, server.entrance(&app))]);
        }
        if let Some(peers) = &app.peers {
            peers.start();
        }
        app.begin();
        tokio::spawn(Admission::measure(Arc::downgrade(&app.admission)));
        let watch = tokio::spawn(Arc::clone(&app).watch_kafka()).abort_handle();
        for address in server.addresses() {
            tracing::info!(%address, "the REST proxy listens");
        }
        Ok(Self {
            app,
            server,
            admin,
            watch,
        })
    }

    /// Where HTTP clients connect.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// Where metrics and probes are.
    #[must_use]
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        self.admin.addresses()
    }

    /// Lets the console in, where an admin listener of another's shows it.
    #[must_use]
    pub fn entrance(&self) -> Entrance {
        self.server.entrance(&self.app)
    }

    /// Stops accepting, answers what is under way, delivers what was accepted, and ends.
    pub fn drain(self) -> BoxFuture<'static, ()> {
        Box::pin(self.finish())
    }

    async fn finish(self) {
        let Self {
            app,
            server,
            admin,
            watch,
        } = self;
        watch.abort();
        // While requests are still taken: they are passed on to whoever has the instances next.
        if let Some(peers) = &app.peers {
            peers.drain(app.config.http.shutdown_grace).await;
        }
        app.stopping.cancel();
        server.drain().await;
        let (producer, grace) = (Arc::clone(&app.producer), app.config.http.shutdown_grace);
        app.consumers.close_all(grace).await;
        if let Some(callers) = &app.callers {
            callers.drain(grace).await;
        }
        // Only records whose requests did not wait for them can be left.
        app.turns.drained(grace).await;
        let flushed = tokio::task::spawn_blocking(move || producer.flush(grace)).await;
        if let Err(error) = flushed {
            tracing::warn!(%error, "the producer could not be flushed");
        }
        app.health.end();
        let traces = app.traces.clone();
        // Blocks for as long as the collector takes, a bounded time.
        let _ = tokio::task::spawn_blocking(move || traces.end()).await;
        drop(admin);
    }
}
