//! Sends rows: one request a row, exactly as the original sends it (to Kinesis: see [`crate::streams`]).
//!
//! ```text
//! POST /topics/<user>.pin          Content-Type: application/vnd.kafka.json.v2+json
//! {"records": [{"value": {…}}]}    no Accept, no key
//! ```
//!
//! Connections are kept alive and bounded by the number of workers; every wait has a time-out;
//! retries are bounded by the [`RetryPolicy`](crate::RetryPolicy) and end when the run stops.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Method, Request, Uri,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    answer::{self, Failure, Stored},
    options::{KinesisTarget, ProxyTarget},
    retry::retry_after,
    stats::{ErrorKind, Stats},
    streams::{RequestError, Streams},
    table::Table,
};

const JSON_V2: HeaderValue = HeaderValue::from_static("application/vnd.kafka.json.v2+json");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("posting-emulator/", env!("CARGO_PKG_VERSION")));
/// An answer to one record has some hundred bytes; more than this is no such answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// What requests look like.
#[derive(Debug)]
enum Wire {
    /// Records for the topics of these URLs.
    Topics(Box<[Uri; 3]>),
    /// Records for Kinesis streams.
    Streams(Box<Streams>),
}

/// The connections to one target.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    target: ProxyTarget,
    wire: Wire,
    /// Waits before retries so far: what the next one's jitter is drawn from.
    waits: AtomicU64,
}

/// A failed attempt, and how long the server asked to wait.
struct Refusal {
    failure: Failure,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn at_once(failure: Failure) -> Self {
        let retry_after = None;
        Self {
            failure,
            retry_after,
        }
    }
}

// === impl Sender ===

impl Sender {
    /// To the REST proxy's topics.
    pub(crate) fn to_proxy(
        target: ProxyTarget,
        user: &str,
        workers: usize,
    ) -> Result<Self, http::Error> {
        let url = |table: Table| target.topic_url(&table.topic(user));
        let urls = [url(Table::Pin)?, url(Table::Geo)?, url(Table::User)?];
        Ok(Self::new(target, Wire::Topics(Box::new(urls)), workers))
    }

    /// To Kinesis' streams.
    pub(crate) fn to_streams(
        target: KinesisTarget,
        user: &str,
        workers: usize,
    ) -> Result<Self, http::Error> {
        let endpoint = target.endpoint.clone();
        let streams = Streams::new(target, user)?;
        Ok(Self::new(
            endpoint,
            Wire::Streams(Box::new(streams)),
            workers,
        ))
    }

    fn new(target: ProxyTarget, wire: Wire, workers: usize) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(target.connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(workers)
            .build(connector);
        Self {
            client,
            target,
            wire,
            waits: AtomicU64::new(0),
        }
    }

    /// Sends one record, row `number` as JSON, until it is stored, lastingly refused, out of attempts
    /// or stopped; none when it was not stored. Every attempt is counted. Kinesis does not say where.
    pub(crate) async fn send(
        &self,
        table: Table,
        number: u64,
        value: &str,
        stop: &CancellationToken,
        stats: &Stats,
    ) -> Option<Option<Stored>> {
        for retry in 0..=self.target.retry.retries {
            let refusal = match self.attempt(table, number, value, stats).await {
                Ok(stored) => return Some(stored),
                Err(refusal) => refusal,
            };
            stats.failed(refusal.failure.kind);
            let last = retry == self.target.retry.retries;
            if last || !refusal.failure.retriable || !self.wait(retry, &refusal, stop).await {
                break;
            }
            stats.retried();
        }
        stats.gave_up();
        None
    }

    /// Waits before the next attempt; false when the run was stopped meanwhile.
    async fn wait(&self, retry: u32, refusal: &Refusal, stop: &CancellationToken) -> bool {
        let salt = self.waits.fetch_add(1, Ordering::Relaxed);
        let pause = self.target.retry.pause(retry, refusal.retry_after, salt);
        stop.run_until_cancelled(sleep(pause)).await.is_some()
    }

    async fn attempt(
        &self,
        table: Table,
        number: u64,
        value: &str,
        stats: &Stats,
    ) -> Result<Option<Stored>, Refusal> {
        // Signatures are of the moment, so each attempt has a request of its own.
        let request = self.request(table, number, value).map_err(|error| {
            stats.note(format!("a request cannot be made: {error}"));
            Refusal::at_once(Failure::lasting(ErrorKind::Request))
        })?;
        let size = http_body::Body::size_hint(request.body()).lower();
        stats.request_sent(usize::try_from(size).unwrap_or(usize::MAX));
        let exchange = timeout(self.target.request_timeout, self.exchange(request));
        exchange
            .await
            .unwrap_or_else(|_| Err(Refusal::at_once(Failure::retriable(ErrorKind::Timeout))))
    }

    fn request(
        &self,
        table: Table,
        number: u64,
        value: &str,
    ) -> Result<Request<Full<Bytes>>, RequestError> {
        let urls = match &self.wire {
            Wire::Topics(urls) => urls,
            Wire::Streams(streams) => return streams.request(table, &number.to_string(), value),
        };
        let body = Bytes::from(format!(r#"{{"records": [{{"value": {value}}}]}}"#));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = urls[table.position()].clone();
        request.headers_mut().insert(CONTENT_TYPE, JSON_V2);
        Ok(request)
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Option<Stored>, Refusal> {
        let broken = || Refusal::at_once(Failure::retriable(ErrorKind::Connection));
        request.headers_mut().insert(USER_AGENT, AGENT);
        if let Some(key) = &self.target.api_key {
            request.headers_mut().insert(API_KEY, key.clone());
        }
        let response = self.client.request(request).await.map_err(|_| broken())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| broken())?.to_bytes();
        let read = match &self.wire {
            Wire::Topics(_) => answer::read(head.status, &body).map(Some),
            Wire::Streams(_) => answer::read_streamed(head.status, &body).map(|()| None),
        };
        read.map_err(|failure| Refusal {
            failure,
            retry_after: retry_after(&head.headers, jiff::Timestamp::now()),
        })
    }
}
