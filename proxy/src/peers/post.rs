//! POSTs that belong to one replica by what they are about: making an instance, producing with a key. Passed on there,
//! or answered here.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use super::Peers;
use super::client::PeerError;
use super::membership::Chosen;
use super::ownership::parts as key_parts;
use super::pass_on::settle;
use super::tries::Tries;
use crate::api::Request;
use crate::consumer::options::Options;
use crate::consumer::{ConsumerError, Instance};
use crate::error::Error;
use crate::respond::Response;

/// What came of making an instance.
pub(crate) enum Created {
    /// It is ours.
    Here(Arc<Instance>),
    /// Another replica was asked, and answered this.
    There(Response),
}

/// Makes an instance: one with a name where the name belongs, one without a name here.
///
/// # Errors
/// The name is taken, or the replica that it belongs to cannot be reached.
pub(crate) async fn create(
    request: &Request<'_>,
    peers: &Peers,
    group: &str,
    options: Options,
    body: &Bytes,
) -> Result<Created, Error> {
    peers.membership.known(peers.config.takeover_timeout).await;
    let marked = peers.is_marked(request.headers);
    let given = options.name.clone();
    let name = given
        .clone()
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let key = (group.to_owned(), name);
    let mut tries = Tries::within(peers.config.takeover_timeout);
    loop {
        if given.is_some() {
            peers.claims.sync().await?;
            if peers.claims.get(&key).is_some() {
                return Err(ConsumerError::AlreadyExists.into());
            }
        }
        let elsewhere = !marked && (given.is_some() || peers.membership.is_draining());
        let replica = match peers.membership.choose(&key_parts(&key)) {
            Chosen::There(replica) if elsewhere => replica,
            _ => return peers.make(group, options).await.map(Created::Here),
        };
        let parts = post(request);
        match peers.pass_on(&replica, &parts, body).await {
            Ok(response) => {
                peers.metrics.forwarded("answered");
                let response = settle(request.app, &parts, response).await?;
                return Ok(Created::There(response));
            }
            Err(error @ PeerError::Connect(_)) => {
                peers.count(&error);
                peers.membership.suspect(&replica, &error);
                tries.again(&error.to_string()).await?;
            }
            Err(error) => {
                peers.count(&error);
                return Err(Error::Unreachable(format!("its replica {error}")));
            }
        }
    }
}

/// Passes a POST on to the replica that `key` belongs to; `None`: it belongs here. Only for what may be done twice.
///
/// # Errors
/// The replica cannot be reached.
pub(crate) async fn relay(
    request: &Request<'_>,
    peers: &Peers,
    key: &[&[u8]],
    body: &Bytes,
) -> Result<Option<Response>, Error> {
    if peers.is_marked(request.headers) {
        return Ok(None);
    }
    peers.membership.known(peers.config.takeover_timeout).await;
    let parts = post(request);
    let mut tries = Tries::within(peers.config.takeover_timeout);
    loop {
        let Chosen::There(replica) = peers.membership.choose(key) else {
            return Ok(None);
        };
        match peers.pass_on(&replica, &parts, body).await {
            Ok(response) => {
                peers.metrics.forwarded("answered");
                return settle(request.app, &parts, response).await.map(Some);
            }
            Err(error) => {
                peers.count(&error);
                match error {
                    PeerError::Connect(_) => peers.membership.suspect(&replica, &error),
                    PeerError::Broken(_) => {}
                    PeerError::Timeout => {
                        return Err(Error::Unreachable(format!(
                            "a replica is asked, and {error}"
                        )));
                    }
                }
                tries.again(&error.to_string()).await?;
            }
        }
    }
}

/// The head of a POST.
fn post(request: &Request<'_>) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::POST;
    parts.uri = request.uri.clone();
    parts.headers = request.headers.clone();
    parts
}
