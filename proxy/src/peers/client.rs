//! The HTTP client between replicas: the one place that knows how they are reached.
//!
//! In: a replica's address and a request. Out: its answer, the body still to be read. What fails: [`PeerError`].

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;

use super::config::PeersConfig;

/// The header with which a replica proves that it is one. Its value is the secret.
pub const MARK: HeaderName = HeaderName::from_static("sluiceway-peer");
/// Connections that nobody used for so long are closed; the other side does it later.
const IDLE: Duration = Duration::from_secs(10);

/// Why another replica does not answer.
#[derive(Debug, Error)]
pub(crate) enum PeerError {
    /// It cannot be connected to: it has seen nothing of the request.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It went away before it answered: what it did is not known.
    #[error("it went away before it answered: {0}")]
    Broken(String),
    /// It does not answer in time.
    #[error("it does not answer in time")]
    Timeout,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct PeerClient {
    http: Client<HttpConnector, Full<Bytes>>,
    mark: HeaderValue,
}

impl PeerClient {
    pub(crate) fn new(config: &PeersConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.connect_timeout));
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self {
            http,
            mark: config.mark.clone(),
        }
    }

    /// Sends a request, whose URI has a path and a query, and waits for the beginning of the answer.
    pub(crate) async fn call(
        &self,
        to: SocketAddr,
        mut request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Response<Incoming>, PeerError> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let uri = format!("http://{to}{path}").parse();
        *request.uri_mut() =
            uri.map_err(|error: http::uri::InvalidUri| PeerError::Connect(error.to_string()))?;
        request.headers_mut().insert(MARK, self.mark.clone());
        match tokio::time::timeout(limit, self.http.request(request)).await {
            Err(_) => Err(PeerError::Timeout),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(PeerError::Connect(chain(&error))),
            Ok(Err(error)) => Err(PeerError::Broken(chain(&error))),
        }
    }

    /// Whether a request says that a replica sent it: `None` when it does not say so, `Some(false)` when it lies.
    pub(crate) fn mark_of(&self, headers: &HeaderMap) -> Option<bool> {
        let given = headers.get(MARK)?;
        Some(same(given.as_bytes(), self.mark.as_bytes()))
    }
}

/// Compares in a time that does not tell where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differences == 0
}

fn chain(error: &dyn std::error::Error) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Removes what concerns one connection only.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    const NAMES: [HeaderName; 7] = [
        header::CONNECTION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
    ];
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in NAMES.iter().chain(&named) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_or_not() {
        assert!(same(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!same(b"abc", other));
        }
    }

    #[test]
    fn what_concerns_a_connection_is_removed() {
        let mut headers = HeaderMap::new();
        headers.insert("connection", HeaderValue::from_static("close, X-Own"));
        headers.insert("x-own", HeaderValue::from_static("1"));
        headers.insert("keep-alive", HeaderValue::from_static("1"));
        headers.insert("accept", HeaderValue::from_static("*/*"));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}
