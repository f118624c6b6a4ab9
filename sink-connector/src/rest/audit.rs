//! The audit log of the REST API, once its callers have to be known: who asked for what, from where, and what became of it.
//!
//! In: an answered request. Out: a line of the log target `sluiceway_sink::audit`, as `sluiceway.audit.log` says. A request that a worker
//! passes on to another stands in the logs of both.

use std::net::SocketAddr;

use http::{Method, StatusCode};

use super::router::Route;
use crate::worker::Audit;

const TARGET: &str = "sluiceway_sink::audit";

/// A request of which the log may tell once it is answered.
pub(super) struct Audited<'a> {
    /// Where it came from.
    pub(super) peer: SocketAddr,
    /// Who sent it; `None`: it was not let in.
    pub(super) principal: Option<&'a str>,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    /// Whether its route and method change something; see [`changes`].
    pub(super) changes: bool,
}

impl Audited<'_> {
    /// It was answered.
    pub(super) fn done(&self, audit: Audit, status: StatusCode) {
        let Self {
            peer, method, path, ..
        } = self;
        let forbidden = status == StatusCode::FORBIDDEN;
        let status = status.as_u16();
        match self.principal {
            None if audit >= Audit::Denied => {
                tracing::warn!(target: TARGET, %peer, %method, path, status, "denied");
            }
            Some(principal) if forbidden && audit >= Audit::Denied => {
                tracing::warn!(target: TARGET, %peer, principal, %method, path, status, "denied");
            }
            Some(principal) if audit == Audit::All || (audit == Audit::Admin && self.changes) => {
                tracing::info!(target: TARGET, %peer, principal, %method, path, status, "done");
            }
            _ => {}
        }
    }
}

/// Whether a request changes connectors, offsets or log levels. A PUT that only validates does not.
pub(super) fn changes(method: &Method, route: Option<&Route>) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let validates = matches!(route, Some(Route::Validate(_) | Route::Explain(_)));
    !reads && !validates && route.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something() {
        let stop = Route::Stop("c".into());
        assert!(changes(&Method::PUT, Some(&stop)));
        assert!(!changes(&Method::GET, Some(&stop)));
        assert!(!changes(&Method::PUT, Some(&Route::Validate("x".into()))));
        assert!(!changes(&Method::PUT, None));
    }
}
