//! `GET /` and `GET /health`.

use std::sync::atomic::Ordering;

use http::StatusCode;
use serde::Serialize;

use super::Api;
use super::respond::{self, ApiError, Reply};
use crate::plugins::CONNECT_VERSION;

/// Stands where the original names its commit.
const COMMIT: &str = concat!("sluiceway-", env!("CARGO_PKG_VERSION"));

#[derive(Serialize)]
struct Info {
    version: &'static str,
    commit: &'static str,
    kafka_cluster_id: Option<String>,
}

/// The version of Connect that is followed, this program's own, and the cluster's id.
pub(super) async fn info(api: &Api) -> Result<Reply, ApiError> {
    let kafka_cluster_id = api.herder.kafka_cluster_id().await?;
    Ok(respond::ok(&Info {
        version: CONNECT_VERSION,
        commit: COMMIT,
        kafka_cluster_id,
    }))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    message: &'static str,
}

/// Whether the connectors of the command line have been started, or the worker works together with the others.
pub(super) fn health(api: &Api) -> Reply {
    if api.started.load(Ordering::Acquire) && api.herder.is_ready() {
        let message = "Worker has completed startup and is ready to handle requests.";
        respond::ok(&Health {
            status: "healthy",
            message,
        })
    } else {
        let message = "Worker is still starting up.";
        respond::json(
            StatusCode::SERVICE_UNAVAILABLE,
            &Health {
                status: "starting",
                message,
            },
        )
    }
}
