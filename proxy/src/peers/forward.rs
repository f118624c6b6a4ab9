//! A request on an instance: answered here, or passed on to the replica that has it.
//!
//! In: the request, its body read whole (bounded, as handlers read it). Out: the handler's answer, or the other
//! replica's as it comes. A request is passed on once: it carries the mark of replicas, and who gets it answers 421 if
//! the instance is elsewhere, on which the first replica looks again. What fails: nobody has it in time (503).

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;

use super::Peers;
use super::claim::Key;
use super::client::PeerError;
use super::elsewhere::{elsewhere, is_elsewhere, says_draining};
use super::ownership::Place;
use super::pass_on::settle;
use super::tries::Tries;
use crate::api::v2::consumers;
use crate::api::{Asked, Request};
use crate::app::App;
use crate::body;
use crate::consumer::ConsumerError;
use crate::dispatch::handle;
use crate::error::Error;
use crate::respond::Response;
use crate::router::Endpoint;

/// Where requests on instances are.
const INSTANCES: &str = "/consumers/{group}/instances/{instance}";

/// Whether a route is about an instance.
pub(crate) fn is_of_instance(template: &str) -> bool {
    template.starts_with(INSTANCES)
}

/// Answers a request on an instance, wherever that is.
///
/// # Errors
/// The handler's own, or the instance cannot be reached.
pub(crate) async fn answer(
    app: &Arc<App>,
    peers: &Peers,
    asked: Asked<'_>,
    mut body: Incoming,
) -> Result<Response, Error> {
    let path = asked.parts.uri.path();
    let key = (asked.matched.param(path, 0)?, asked.matched.param(path, 1)?);
    let marked = peers.is_marked(&asked.parts.headers);
    let mut permit = app.admission.empty();
    let bytes = body::read_all(&mut body, app.body_limits(), &mut permit).await?;
    let mut body = Some(body);
    let mut tries = Tries::within(peers.config.takeover_timeout);
    loop {
        match peers.place(&key, marked).await? {
            Place::Nowhere => {
                let Some(body) = body.take() else {
                    return Err(ConsumerError::NotFound.into());
                };
                return here(app, peers, &asked, &key, &bytes, body).await;
            }
            Place::Here => {
                let Some(drained) = body.take() else {
                    tries.again("it moves too often").await?;
                    return Err(Error::Unreachable("it has moved meanwhile".into()));
                };
                match here(app, peers, &asked, &key, &bytes, drained).await {
                    Err(Error::Consumer(ConsumerError::NotFound | ConsumerError::Fenced)) => {
                        // Another replica has it by now, or will.
                        peers.consumers.abandon(&key.0, &key.1).await;
                    }
                    result => return result,
                }
            }
            Place::Moving => tries.again("it is moving to another replica").await?,
            Place::There(_) if marked => {
                return Ok(elsewhere(peers.membership.is_draining()));
            }
            Place::There(replica) => match peers.pass_on(&replica, asked.parts, &bytes).await {
                Ok(response) if is_elsewhere(&response) => {
                    peers.metrics.forwarded("elsewhere");
                    if says_draining(&response) {
                        peers.membership.drains(&replica);
                    }
                    peers.claims.sync().await?;
                    tries.again("replicas disagree on where it is").await?;
                }
                Ok(response) => {
                    peers.metrics.forwarded("answered");
                    return settle(app, asked.parts, response).await;
                }
                Err(error) => {
                    peers.count(&error);
                    let repeatable = asked.endpoint != Endpoint::DeleteConsumer;
                    match error {
                        PeerError::Connect(_) => peers.membership.suspect(&replica, &error),
                        PeerError::Broken(_) if repeatable => {}
                        _ => return Err(Error::Unreachable(format!("its replica {error}"))),
                    }
                    tries.again(&error.to_string()).await?;
                }
            },
        }
    }
}

/// Has the handler answer, and writes down what changed.
async fn here(
    app: &Arc<App>,
    peers: &Peers,
    asked: &Asked<'_>,
    key: &Key,
    bytes: &Bytes,
    drained: Incoming,
) -> Result<Response, Error> {
    let request = Request {
        read: Some(bytes.clone()),
        ..asked.request(app)
    };
    if asked.endpoint == Endpoint::DeleteConsumer {
        // Somebody else's is not there.
        consumers::instance(&request)?;
        // First the claim: nobody is to revive an instance while it is being closed.
        peers.erase(key).await?;
    }
    let response = handle(asked.endpoint, &request, drained).await?;
    let changes = matches!(
        asked.endpoint,
        Endpoint::Subscribe | Endpoint::Unsubscribe | Endpoint::Assign
    );
    if changes && response.status().is_success() {
        peers.note(key).await?;
    }
    Ok(response)
}
