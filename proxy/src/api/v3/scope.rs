//! What nearly every v3 request begins with: its path parameters, and the cluster that its path names.

use std::time::{Duration, Instant};

use crate::api::Request;
use crate::cluster_admin::Cluster;
use crate::error::Error;

use super::links::Links;

/// How long an answer waits at most until what it has done can be seen. Brokers learn of changes a moment after the
/// controller has made them.
const SETTLE: Duration = Duration::from_millis(500);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// The cluster of a request.
pub(super) struct Scope {
    /// Its addresses.
    pub(super) links: Links,
    /// What it is.
    pub(super) cluster: Cluster,
}

/// The path parameter of this number.
pub(super) fn param(request: &Request<'_>, number: usize) -> Result<String, Error> {
    request.matched.param(request.path, number)
}

/// The path parameter of this number, which has to be a Java `Integer`.
pub(super) fn int_param(request: &Request<'_>, number: usize) -> Result<i32, Error> {
    param(request, number)?
        .parse()
        .map_err(|_| Error::PathParameter)
}

/// Whether the query says so, as Java's `Boolean` reads it.
pub(super) fn flag(request: &Request<'_>, name: &str) -> bool {
    request
        .query(name)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The addresses in the cluster of this id.
pub(super) fn links(request: &Request<'_>, cluster: &str) -> Links {
    let authority = &request.app.config.resource_name_authority;
    Links::new(&request.base_url(), authority, cluster)
}

/// The cluster that the path names.
pub(super) async fn scope(request: &Request<'_>) -> Result<Scope, Error> {
    find(request, "cannot be found.").await
}

/// The same for consumer groups, which put it in other words.
pub(super) async fn group_scope(request: &Request<'_>) -> Result<Scope, Error> {
    find(request, "could not be found.").await
}

async fn find(request: &Request<'_>, missing: &str) -> Result<Scope, Error> {
    let id = param(request, 0)?;
    let cluster = request.app.cluster.cluster().await?;
    if cluster.id.as_ref() != Some(&id) {
        return Err(Error::NotFoundAs(format!("Cluster {id} {missing}")));
    }
    Ok(Scope {
        links: links(request, &id),
        cluster,
    })
}

/// Waits until `seen`, but not for long.
pub(super) async fn settle<F: Future<Output = bool> + Send>(mut seen: impl FnMut() -> F) {
    let deadline = Instant::now() + SETTLE;
    while !seen().await && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}
