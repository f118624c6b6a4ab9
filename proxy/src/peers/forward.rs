//! A request on an instance: answered here, or passed on to the replica that has it.
//!
//! In: the request, its body read whole (bounded, as handlers read it). Out: the handler's answer, or the other
//! replica's as it comes. A request is passed on once: it carries the mark of replicas, and who gets it answers 421 if
//! the instance is elsewhere, on which the first replica looks again. What fails: nobody has it in time (503).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::Peers;
use super::claim::Key;
use super::client::{PeerError, strip_hop_by_hop};
use super::membership::{Chosen, Replica};
use super::ownership::{Place, parts as key_parts};
use crate::api::v2::consumers;
use crate::api::{Asked, Request};
use crate::app::App;
use crate::body::{self, Body};
use crate::config::ExtraHeader;
use crate::connections::Active;
use crate::consumer::options::Options;
use crate::consumer::{ConsumerError, Instance};
use crate::dispatch::handle;
use crate::error::Error;
use crate::layer::shed;
use crate::respond::Response;
use crate::router::Endpoint;

/// Where requests on instances are.
const INSTANCES: &str = "/consumers/{group}/instances/{instance}";
/// With 421: the instance is not here.
const ELSEWHERE: HeaderName = HeaderName::from_static("sluiceway-elsewhere");
/// The value of that header when the replica drains.
const DRAINING: &str = "draining";
/// Pause before looking again.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether a route is about an instance.
pub(crate) fn is_of_instance(template: &str) -> bool {
    template.starts_with(INSTANCES)
}

/// What has not worked so far, and for how long.
struct Tries {
    since: Option<Instant>,
    limit: Duration,
}

impl Tries {
    /// Waits a little before the next try.
    async fn again(&mut self, reason: &str) -> Result<(), Error> {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.limit {
            return Err(Error::Unreachable(reason.to_owned()));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
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
    let mut tries = Tries {
        since: None,
        limit: peers.config.takeover_timeout,
    };
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
    let mut tries = Tries {
        since: None,
        limit: peers.config.takeover_timeout,
    };
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

/// The head of a POST.
fn post(request: &Request<'_>) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::POST;
    parts.uri = request.uri.clone();
    parts.headers = request.headers.clone();
    parts
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
    let mut tries = Tries {
        since: None,
        limit: peers.config.takeover_timeout,
    };
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

impl Peers {
    fn count(&self, error: &PeerError) {
        self.metrics.forwarded(match error {
            PeerError::Connect(_) => "unreachable",
            PeerError::Broken(_) | PeerError::Timeout => "broken",
        });
    }

    /// Sends a request to another replica, for as long as that lives.
    async fn pass_on(
        &self,
        replica: &Replica,
        parts: &Parts,
        bytes: &Bytes,
    ) -> Result<http::Response<Incoming>, PeerError> {
        let mut request = http::Request::new(Full::new(bytes.clone()));
        *request.method_mut() = match &parts.method {
            // Its length is that of the answer to GET.
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        *request.uri_mut() = parts.uri.clone();
        *request.headers_mut() = passed_on(&parts.headers, &parts.uri);
        let call = self
            .client
            .call(replica.address, request, self.config.response_timeout);
        tokio::select! {
            result = call => result,
            () = replica.gone.cancelled() => Err(PeerError::Broken("it counts as dead".into())),
        }
    }
}

/// The headers of a request that is passed on: `Host` stays the client's, for the URLs in the answer.
fn passed_on(headers: &HeaderMap, uri: &Uri) -> HeaderMap {
    let mut headers = headers.clone();
    strip_hop_by_hop(&mut headers);
    for name in [header::CONTENT_LENGTH, header::EXPECT] {
        headers.remove(name);
    }
    let authority = uri
        .authority()
        .and_then(|authority| authority.as_str().parse().ok());
    if let Some(authority) = authority {
        headers.insert(header::HOST, authority);
    }
    headers
}

/// Another replica's answer as our own.
async fn settle(
    app: &App,
    asked: &Parts,
    response: http::Response<Incoming>,
) -> Result<Response, Error> {
    let (mut parts, incoming) = response.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::DATE);
    // They are set on every answer, on this one once more.
    for ExtraHeader { name, .. } in &app.config.http.extra_headers {
        parts.headers.remove(name);
    }
    let body = if incoming.is_end_stream() {
        Body::Empty
    } else if asked.method == Method::HEAD {
        let whole = incoming.collect().await;
        let gone = |error: hyper::Error| Error::Unreachable(error.to_string());
        Body::Chunked(whole.map_err(gone)?.to_bytes())
    } else {
        Body::Forwarded(Box::new(Forwarded {
            incoming,
            kept: None,
        }))
    };
    Ok(http::Response::from_parts(parts, body))
}

fn elsewhere(draining: bool) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    let why = HeaderValue::from_static(if draining { DRAINING } else { "other" });
    response.headers_mut().insert(ELSEWHERE, why);
    response
}

fn says_draining(response: &http::Response<Incoming>) -> bool {
    let why = response.headers().get(ELSEWHERE);
    why.is_some_and(|why| why == DRAINING)
}

fn is_elsewhere(response: &http::Response<Incoming>) -> bool {
    response.status() == StatusCode::MISDIRECTED_REQUEST
        && response.headers().contains_key(ELSEWHERE)
}

/// The body of another replica's answer.
#[derive(Debug)]
pub struct Forwarded {
    incoming: Incoming,
    /// What marks the request as under way.
    kept: Option<(Active, Option<shed::Place>)>,
}

impl Forwarded {
    /// Keeps what marks the request as under way until the answer ends.
    pub fn keep(&mut self, marks: (Active, Option<shed::Place>)) {
        self.kept = Some(marks);
    }

    /// The next piece. An answer that breaks off breaks ours off, too, so that nobody takes it for whole.
    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        if frame.is_none() {
            self.kept = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }
}
