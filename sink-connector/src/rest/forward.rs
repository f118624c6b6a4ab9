//! Requests that another worker has to carry out.
//!
//! In: a request. Out: that worker's answer, or this one's when it is the one to act. A change of a connector goes to
//! the worker that holds the connector's slot, the restart of a task to the one that runs it; everything else any
//! worker answers. A request is handed on once: it carries `forward=false` then, as between Connect's own workers. A
//! worker that cannot be reached has not acted, and this one acts in its place; one that was reached and did not
//! answer may have acted, which is a 500 that says so. One with which this worker does not agree on TLS ([`super::ways`]) has not
//! acted, and is a 500 as well: what is set wrongly would not be seen otherwise. Where callers have to be known, the other
//! worker is told who it is, signed by what the workers share ([`super::introduce`]), or without that is shown the
//! caller's own credentials.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use sluiceway_common::auth::verifier::API_KEY;
use sluiceway_common::secret::Secret;

use super::call::Call;
use super::introduce::{self, Signed};
use super::respond::{ApiError, Reply};
use super::router::{Route, query_flag};
use super::service::handle;
use super::ways::{Connection, NoWay};
use super::{Api, Gate, body};
use crate::herder::{Concern, OtherWorker};

/// Largest answer of another worker.
const ANSWER_BYTES: usize = 64 << 20;
/// How far the worker that acted has come in the config topic: between workers only.
const POSITION: HeaderName = HeaderName::from_static("sluiceway-position");

/// What a request is about, when one worker has to carry it out.
enum About {
    Connector(String),
    Task(String, u32),
}

/// Why another worker's answer is not there.
enum Missing {
    /// It was not reached: it has not acted.
    NoWay(NoWay),
    /// It may have acted.
    NoAnswer(String),
}

/// Answers a request, or has it answered.
pub(super) async fn serve(api: &Api, route: Route, call: &Call) -> Result<Reply, ApiError> {
    let handed_on = query_flag(call.query.as_deref(), "forward") == Some(false);
    let about = About::of(&route, call);
    if let Some(about) = about.as_ref().filter(|_| !handed_on)
        && let Some(worker) = api.herder.elsewhere(about.concern())
    {
        match hand_on(api, &worker, call).await {
            Ok(reply) => return Ok(take_over(api, reply).await),
            Err(Missing::NoWay(NoWay::Away(error))) => tracing::warn!(
                worker = worker.id,
                %error,
                "the worker that should carry out a request is not reached; doing it here"
            ),
            Err(Missing::NoWay(NoWay::Tls(reason))) => {
                tracing::error!(worker = worker.id, reason, "TLS to another worker failed");
                return Err(ApiError::not_secure(&worker.id, &reason));
            }
            Err(Missing::NoAnswer(reason)) => return Err(ApiError::no_answer(&worker.id, &reason)),
        }
    }
    let mut reply = handle(api, route, call).await?;
    if let (true, Some(_), Some(position)) = (handed_on, about, api.herder.position()) {
        let position = HeaderValue::from(position);
        reply.headers_mut().insert(POSITION, position);
    }
    Ok(reply)
}

/// The other worker's answer, once this worker knows what came of it.
async fn take_over(api: &Api, mut reply: Reply) -> Reply {
    let position = reply.headers_mut().remove(POSITION);
    let position = position.and_then(|value| value.to_str().ok()?.parse().ok());
    if let Some(position) = position {
        api.herder.reaches(position).await;
    }
    reply
}

async fn hand_on(api: &Api, worker: &OtherWorker, call: &Call) -> Result<Reply, Missing> {
    let secret = api.gate.as_ref().and_then(Gate::workers_secret);
    let timeout = api.config.request_timeout;
    let stream = api.ways.connect(worker).await.map_err(Missing::NoWay)?;
    match tokio::time::timeout(timeout, exchange(stream, call, secret)).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(Missing::NoAnswer(api.ways.told(&*error))),
        Err(_) => Err(Missing::NoAnswer(format!("none within {timeout:?}"))),
    }
}

async fn exchange(
    stream: Connection,
    call: &Call,
    secret: Option<&Secret>,
) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to another worker ended");
        }
    });
    let query = call.query.as_deref().filter(|query| !query.is_empty());
    let query = query.map_or_else(String::new, |query| format!("{query}&"));
    let target = format!("{}?{query}forward=false", call.path);
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(&target)
        .body(Full::new(call.body.clone()))?;
    *request.headers_mut() = headers(call, secret, &target);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body: Bytes = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
    let mut reply = Reply::new(Full::new(body));
    *reply.status_mut() = parts.status;
    for name in [CONTENT_TYPE, LOCATION, POSITION] {
        if let Some(value) = parts.headers.get(&name) {
            reply.headers_mut().insert(name, value.clone());
        }
    }
    Ok(reply)
}

/// The client's headers, but those of its connection; and who it is. Host is among them: the answer's Location is for the client.
fn headers(call: &Call, secret: Option<&Secret>, target: &str) -> HeaderMap {
    let mut headers = call.headers.clone();
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    // Only a worker's own words count.
    headers.remove(introduce::CALLER);
    headers.remove(introduce::SIGNATURE);
    if let (Some(secret), Some(principal)) = (secret, &call.principal) {
        let method = &call.method;
        let signed = Signed { method, target };
        if let Some(told) = introduce::introduce(secret, &signed, principal, &call.body) {
            headers.remove(AUTHORIZATION);
            headers.remove(API_KEY);
            headers.extend(told);
        }
    }
    headers
}

impl About {
    fn of(route: &Route, call: &Call) -> Option<Self> {
        let reads = call.method == Method::GET;
        match route {
            // What cannot be read is refused here.
            Route::Connectors if !reads => {
                let request = body::create(&call.body).ok()?;
                Some(Self::Connector(request.name))
            }
            Route::Connector(name) | Route::Config(name) | Route::Offsets(name) if !reads => {
                Some(Self::Connector(name.clone()))
            }
            Route::Restart(name)
            | Route::Pause(name)
            | Route::Resume(name)
            | Route::Stop(name)
            | Route::TopicsReset(name) => Some(Self::Connector(name.clone())),
            Route::TaskRestart(name, task) => Some(Self::Task(name.clone(), task.parse().ok()?)),
            _ => None,
        }
    }

    fn concern(&self) -> Concern<'_> {
        match self {
            Self::Connector(name) => Concern::Connector(name),
            Self::Task(name, task) => Concern::Task(name, *task),
        }
    }
}

impl ApiError {
    fn not_secure(worker: &str, reason: &str) -> Self {
        let message = format!(
            "Worker {worker}, which has to carry out this request, was not given it, for TLS between the workers fails: {reason}"
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    fn no_answer(worker: &str, reason: &str) -> Self {
        let message = format!(
            "Worker {worker}, which has to carry out this request, was reached and has not answered ({reason}); the \
             request may have been carried out: look before you repeat it"
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}
