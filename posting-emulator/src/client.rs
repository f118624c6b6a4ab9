//! Posts rows: one request a row, exactly as the original sends it.
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
    header::{CONTENT_TYPE, HeaderValue, USER_AGENT},
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
    options::ProxyTarget,
    retry::retry_after,
    stats::{ErrorKind, Stats},
    table::Table,
};

const JSON_V2: HeaderValue = HeaderValue::from_static("application/vnd.kafka.json.v2+json");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("posting-emulator/", env!("CARGO_PKG_VERSION")));
/// An answer to one record has some hundred bytes; more than this is no such answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// The connection to one proxy.
#[derive(Debug)]
pub(crate) struct ProxyClient {
    client: Client<HttpConnector, Full<Bytes>>,
    target: ProxyTarget,
    urls: [Uri; 3],
    /// Waits before retries so far: what the next one's jitter is drawn from.
    waits: AtomicU64,
}

/// A failed attempt, and how long the server asked to wait.
struct Refusal {
    failure: Failure,
    retry_after: Option<Duration>,
}

// === impl ProxyClient ===

impl ProxyClient {
    pub(crate) fn new(
        target: ProxyTarget,
        user: &str,
        workers: usize,
    ) -> Result<Self, http::Error> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(target.connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(workers)
            .build(connector);
        let url = |table: Table| target.topic_url(&table.topic(user));
        let urls = [url(Table::Pin)?, url(Table::Geo)?, url(Table::User)?];
        Ok(Self {
            client,
            target,
            urls,
            waits: AtomicU64::new(0),
        })
    }

    /// Posts one record until it is stored, lastingly refused, out of attempts or stopped; none
    /// when it was not stored. Every attempt is counted.
    pub(crate) async fn post(
        &self,
        table: Table,
        value: &str,
        stop: &CancellationToken,
        stats: &Stats,
    ) -> Option<Stored> {
        let body = Bytes::from(format!(r#"{{"records": [{{"value": {value}}}]}}"#));
        for retry in 0..=self.target.retry.retries {
            let refusal = match self.attempt(table, body.clone(), stats).await {
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

    async fn attempt(&self, table: Table, body: Bytes, stats: &Stats) -> Result<Stored, Refusal> {
        stats.request_sent(body.len());
        let exchange = timeout(self.target.request_timeout, self.exchange(table, body));
        exchange.await.unwrap_or_else(|_| {
            Err(Refusal {
                failure: Failure::retriable(ErrorKind::Timeout),
                retry_after: None,
            })
        })
    }

    async fn exchange(&self, table: Table, body: Bytes) -> Result<Stored, Refusal> {
        let broken = || Refusal {
            failure: Failure::retriable(ErrorKind::Connection),
            retry_after: None,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.urls[table.position()].clone();
        request.headers_mut().insert(CONTENT_TYPE, JSON_V2);
        request.headers_mut().insert(USER_AGENT, AGENT);
        let response = self.client.request(request).await.map_err(|_| broken())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| broken())?.to_bytes();
        answer::read(head.status, &body).map_err(|failure| Refusal {
            failure,
            retry_after: retry_after(&head.headers, jiff::Timestamp::now()),
        })
    }
}
