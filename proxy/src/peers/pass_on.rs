//! Passing a request on to another replica, and taking its answer for our own.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::Peers;
use super::client::{PeerError, strip_hop_by_hop};
use super::forwarded::Forwarded;
use super::membership::Replica;
use crate::app::App;
use crate::body::Body;
use crate::config::ExtraHeader;
use crate::error::Error;
use crate::respond::Response;

impl Peers {
    /// Counts a request that did not arrive.
    pub(super) fn count(&self, error: &PeerError) {
        self.metrics.forwarded(match error {
            PeerError::Connect(_) => "unreachable",
            PeerError::Broken(_) | PeerError::Timeout => "broken",
        });
    }

    /// Sends a request to another replica, for as long as that lives.
    pub(super) async fn pass_on(
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
pub(super) async fn settle(
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
        // Events go on for ever: they end with this replica, as its own do.
        let events = crate::sse::is_stream(&parts.headers);
        let ends = events.then(|| app.stopping.clone().cancelled_owned());
        Body::Forwarded(Box::new(Forwarded::new(incoming, ends)))
    };
    Ok(http::Response::from_parts(parts, body))
}
