//! One request over HTTP/2 without TLS, by prior knowledge (h2c).

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::http::{Framing, Request, Response};

/// Sends the request on an HTTP/2 connection of its own.
///
/// # Errors
/// The server does not speak HTTP/2, or the call fails.
pub async fn call(authority: &str, request: &Request) -> Result<Response> {
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut message = http::Request::builder()
        .method(&*request.method)
        .uri(format!("http://{authority}{}", request.path));
    for (name, value) in &request.headers {
        message = message.header(name, value);
    }
    let body = Bytes::from(request.body.clone().unwrap_or_default());
    let answer = sender.send_request(message.body(Full::new(body))?).await?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    connection.abort();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    Ok(Response {
        status: head.status.as_u16(),
        headers: head.headers.iter().map(header).collect(),
        framing: Framing::Close,
        body,
        informational: 0,
    })
}
