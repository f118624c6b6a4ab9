//! Kafka Connect's REST API over HTTP/1.1.
//!
//! In: connections on the worker's `listeners`. Out: JSON answers with Connect's status codes and bodies. A request is
//! carried out to its end even if its client goes away, so that no change is left half done; it is answered with 500
//! when it takes longer than `sluiceway.rest.request.timeout.ms`. Errors become answers in [`respond`] and nowhere
//! else.
//!
//! ```text
//! connection ─▶ server ─▶ gate ─▶ router (path, method) ─▶ need ─▶ forward ─▶ connectors | plugins | offsets | objects | loggers | root ─▶ herder
//!                 ▲                                   │                                     │
//!                 │                                   ▼ another worker                      │
//!                 └───────────────────── respond ◀──────────────────────────────────────────┘
//! ```

mod audit;
mod body;
mod call;
mod connectors;
mod cors;
mod events;
mod explain;
mod forward;
mod gate;
mod introduce;
mod loggers;
mod need;
mod objects;
mod offsets;
mod plugins;
mod refused;
mod respond;
mod root;
mod router;
mod server;
mod service;
mod ways;

pub(crate) use events::Events;
pub(crate) use gate::Gate;
pub(crate) use loggers::Loggers;
pub(crate) use server::{BoundSockets, RestServer};
pub(crate) use ways::Ways;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::herder::Herder;
use crate::stored::Stores;
use crate::worker::RestConfig;
use crate::written::Written;

/// What the handlers share.
pub(crate) struct Api {
    /// Whom they ask.
    pub(crate) herder: Arc<dyn Herder>,
    /// Objects, looked at.
    pub(crate) stores: Stores,
    /// Objects that this worker wrote last.
    pub(crate) written: Written,
    /// Levels of the log.
    pub(crate) loggers: Arc<Loggers>,
    /// The API's settings.
    pub(crate) config: RestConfig,
    /// Who may call, and how often; `None`: anybody.
    pub(crate) gate: Option<Gate>,
    /// How other workers are reached.
    pub(crate) ways: Ways,
    /// Set once the worker has started, with all connectors of the command line.
    pub(crate) started: Arc<AtomicBool>,
}

/// Which part of the API a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    All,
    /// All but `/admin/…`.
    WithoutAdmin,
    /// Only `/admin/…`.
    Admin,
}
