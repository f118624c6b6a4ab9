//! `GET /sluiceway/consumers`: the consumer instances of this replica. Whoever is known sees their own, as an instance is
//! not there for others; where nobody is asked who they are, all are shown.

use serde::Serialize;

use crate::api::Request;
use crate::consumer::overview::Seen;
use crate::error::Error;
use crate::respond::{self, Response};

#[derive(Serialize)]
struct Instances {
    instances: Vec<Instance>,
}

#[derive(Serialize)]
struct Instance {
    group: String,
    name: String,
    format: &'static str,
    /// Who made it, when that is known.
    owner: Option<String>,
    /// Milliseconds since it was last used.
    idle_ms: u128,
    /// Milliseconds after which it is closed if nobody uses it.
    expires_in_ms: u128,
    /// Whether a request is using it now; what it reads is not told then.
    in_use: bool,
    /// Topics it is subscribed to.
    topics: Vec<String>,
    /// Partitions that it reads.
    partitions: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    topic: String,
    partition: i32,
}

/// Answers.
///
/// # Errors
/// None of its own.
pub(crate) fn list(request: &Request<'_>) -> Result<Response, Error> {
    let asking = request.caller.principal.map(|principal| &*principal.name);
    let mut seen = request.app.consumers.overview();
    seen.retain(|one| match &one.owner {
        Some(owner) => Some(&**owner) == asking,
        None => true,
    });
    seen.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    let instances = seen.into_iter().map(Instance::from).collect();
    respond::json(request.negotiated, &Instances { instances })
}

impl From<Seen> for Instance {
    fn from(seen: Seen) -> Self {
        let place = |(topic, partition)| Place { topic, partition };
        Self {
            group: seen.group,
            name: seen.name,
            format: seen.format.name(),
            owner: seen.owner.map(|owner| owner.to_string()),
            idle_ms: seen.idle.as_millis(),
            expires_in_ms: seen.ends_in.as_millis(),
            in_use: seen.in_use,
            topics: seen.topics,
            partitions: seen.partitions.into_iter().map(place).collect(),
        }
    }
}
