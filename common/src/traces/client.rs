//! The exporter's way to the collector: HTTP/1.1 on the program's runtime, TLS by the system's certificates, answers bounded.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};

use crate::tls::client::{ClientTlsError, Connector, Trust, connector};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// See the module.
pub(super) struct CollectorClient {
    client: Client<Connector, Full<Bytes>>,
    /// The exporter has a thread of its own, without a runtime.
    runtime: tokio::runtime::Handle,
    timeout: Duration,
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CollectorClient")
    }
}

impl CollectorClient {
    /// A client whose requests run on the runtime that this is called in.
    ///
    /// # Errors
    /// The system has no certificates that could be trusted, and `secured` needs them.
    pub(super) fn new(secured: bool, timeout: Duration) -> Result<Self, ClientTlsError> {
        let trust = if secured {
            Trust::System
        } else {
            Trust::Nobody
        };
        let connector = connector(HttpConnector::new(), trust, None)?;
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: tokio::runtime::Handle::current(),
            timeout,
        })
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let exchange = async move {
            let answer = client.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        // Timers, too, are the runtime's.
        let timed = async move { tokio::time::timeout(timeout, exchange).await };
        self.runtime.spawn(timed).await??
    }
}
