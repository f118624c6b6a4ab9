//! Passes requests on: to a program of this process over a connection in memory, or to the other program's console over TCP.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Body, Entrance, Visitor, refusal};
use crate::tls::stream::Client;

/// Bytes that a connection in memory holds in each direction.
const PIPE: usize = 64 * 1024;
/// How long reaching the other program may take.
const REACH: Duration = Duration::from_secs(3);
/// Headers of one connection, which are not passed on; and the origin: the console's own page needs no CORS.
const OF_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::ORIGIN,
    HeaderName::from_static("keep-alive"),
];

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The other program's admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    url: String,
    authority: String,
}

/// A URL that cannot be used.
#[derive(Debug, Error)]
#[error(
    "write http://host:port, the other program's sluiceway.admin.listeners; https and paths are not taken"
)]
pub struct OtherError;

impl Other {
    /// Reads `http://host:port`; empty: there is none.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Option<Self>, OtherError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let uri: Uri = text.parse().map_err(|_| OtherError)?;
        let authority = uri.authority().ok_or(OtherError)?;
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/");
        if !plain || authority.as_str().contains('@') || uri.query().is_some() {
            return Err(OtherError);
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Some(Self {
            url: format!("http://{authority}"),
            authority: format!("{}:{port}", authority.host()),
        }))
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Has the other program's console answer.
    pub(super) async fn pass_on(&self, request: Request<Incoming>, path: &str) -> Response<Body> {
        let reached = tokio::time::timeout(REACH, TcpStream::connect(&self.authority)).await;
        let reached = reached.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let stream = match reached {
            Ok(stream) => stream,
            Err(error) => {
                let message = format!(
                    "{} is not reached ({error}): start the other program, or correct sluiceway.console.other.url",
                    self.url
                );
                return refusal(StatusCode::BAD_GATEWAY, &message);
            }
        };
        let (mut parts, body) = request.into_parts();
        // Looked at already; the other console sees another Host than the page's.
        parts.headers.remove("sec-fetch-site");
        if let Ok(host) = HeaderValue::from_str(&self.authority) {
            parts.headers.insert(header::HOST, host);
        }
        exchange(stream, rewritten(parts, path), body).await
    }
}

/// Has a program of this process answer, as if the client had come to its own listener.
pub(super) async fn inside(
    entrance: &Entrance,
    request: Request<Incoming>,
    path: &str,
    from: (SocketAddr, Client),
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    exchange(enter(entrance, from), rewritten(parts, path), body).await
}

/// Its answer to `GET /` with these credentials.
pub(super) async fn ask_root(
    entrance: &Entrance,
    headers: &HeaderMap,
    from: (SocketAddr, Client),
) -> Response<Body> {
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    for name in [
        header::HOST,
        header::AUTHORIZATION,
        HeaderName::from_static("x-api-key"),
    ] {
        for value in headers.get_all(&name) {
            request.headers_mut().append(&name, value.clone());
        }
    }
    let (parts, ()) = request.into_parts();
    let answer = exchange(enter(entrance, from), parts, Empty::<Bytes>::new()).await;
    // Read to its end: the server counts it as answered.
    let (parts, body) = answer.into_parts();
    match body.collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            Response::from_parts(
                parts,
                http_body_util::Full::new(body)
                    .map_err(|never| match never {})
                    .boxed_unsync(),
            )
        }
        Err(error) => refusal(
            StatusCode::BAD_GATEWAY,
            &format!("the API broke off: {error}"),
        ),
    }
}

fn enter(entrance: &Entrance, (address, client): (SocketAddr, Client)) -> tokio::io::DuplexStream {
    let (near, stream) = tokio::io::duplex(PIPE);
    entrance(Visitor {
        stream,
        address,
        client,
    });
    near
}

/// The request's head with another path and the same query.
fn rewritten(mut parts: http::request::Parts, path: &str) -> http::request::Parts {
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    // It was part of a URI before.
    if let Ok(target) = target.parse::<PathAndQuery>() {
        parts.uri = Uri::from(target);
    }
    OF_CONNECTION.iter().for_each(|name| {
        parts.headers.remove(name);
    });
    parts.version = http::Version::HTTP_11;
    parts.extensions.clear();
    parts
}

async fn exchange<B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    parts: http::request::Parts,
    body: B,
) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static + Unpin,
    B::Error: Into<Error>,
{
    let request = Request::from_parts(parts, body);
    match answered(stream, request).await {
        Ok(response) => response,
        Err(error) => refusal(
            StatusCode::BAD_GATEWAY,
            &format!("the API closed the connection without an answer: {error}"),
        ),
    }
}

async fn answered<B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<B>,
) -> Result<Response<Body>, hyper::Error>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static + Unpin,
    B::Error: Into<Error>,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer's body, or when nobody reads that any longer.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of the console ended");
        }
    });
    let (mut parts, body) = sender.send_request(request).await?.into_parts();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        parts.headers.remove(name);
    }
    parts.extensions.clear();
    // The sender ends the connection when it goes; it stays until the body was read.
    let body = body.map_err(move |error| {
        let _open = &sender;
        Error::from(error)
    });
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_other_programs_url() {
        let other = Other::parse("http://sink:9103/").unwrap().unwrap();
        assert_eq!(other.url(), "http://sink:9103");
        assert_eq!(other.authority, "sink:9103");
        assert_eq!(Other::parse(" ").unwrap(), None);
        for bad in [
            "sink:9103",
            "https://sink:9103",
            "http://a@b:1",
            "http://h:1/x",
            "http://h/?x",
        ] {
            assert!(Other::parse(bad).is_err(), "{bad}");
        }
    }
}
