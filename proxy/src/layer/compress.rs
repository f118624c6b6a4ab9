//! gzip for clients that accept it, and the `Vary` that says so.
//!
//! As in the original: answers to GET and POST with a status of success and a body; `Vary` is on all of those.

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tower::{Layer, Service};

use super::{Answer, Call};
use crate::body::Body;
use crate::respond::Response;

/// See the module; `false`: never.
#[derive(Debug, Clone, Copy)]
pub struct CompressLayer(pub bool);

impl<S> Layer<S> for CompressLayer {
    type Service = Compress<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Compress {
            inner,
            enabled: self.0,
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Compress<S> {
    inner: S,
    enabled: bool,
}

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Nothing,
    Vary,
    Gzip,
}

impl<S> Service<Call> for Compress<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Compressed<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let wish = match *call.request.method() {
            Method::GET | Method::POST if self.enabled => wish(call.request.headers()),
            _ => Wish::Nothing,
        };
        Compressed {
            inner: self.inner.call(call),
            wish,
        }
    }
}

/// The future of [`Compress`].
#[derive(Debug)]
pub struct Compressed<F> {
    inner: F,
    wish: Wish,
}

impl<F: Future<Output = Answer> + Unpin> Future for Compressed<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Ok(response) = ready!(Pin::new(&mut self.inner).poll(context));
        Poll::Ready(Ok(finish(response, self.wish)))
    }
}

fn finish(mut response: Response, wish: Wish) -> Response {
    let status = response.status();
    if wish == Wish::Nothing || !status.is_success() || status == StatusCode::NO_CONTENT {
        return response;
    }
    response.headers_mut().insert(
        header::VARY,
        HeaderValue::from_static("Accept-Encoding, User-Agent"),
    );
    let body = response.body();
    if wish == Wish::Gzip && !body.is_empty() && !body.is_stream() {
        let plain = std::mem::take(response.body_mut()).into_bytes();
        let compressed = gzip(&plain);
        if compressed.is_some() {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = Body::Chunked(compressed.unwrap_or(plain));
    }
    response
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(plain.len() / 4 + 64),
        Compression::default(),
    );
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn wish(headers: &HeaderMap) -> Wish {
    let mut values = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    if values.any(|value| value.split(',').any(accepts_gzip)) {
        Wish::Gzip
    } else {
        Wish::Vary
    }
}

fn accepts_gzip(item: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
    let forbidden = |part: &str| {
        part.strip_prefix("q=")
            .is_some_and(|q| q.trim().parse::<f32>().unwrap_or(1.0) <= 0.0)
    };
    named && !parts.any(forbidden)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;

    fn answer(status: u16, wish: Wish) -> Response {
        let mut response = http::Response::new(Body::Chunked(Bytes::from_static(b"{\"a\":1}")));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        finish(response, wish)
    }

    #[test]
    fn encodings_that_are_accepted() {
        for (value, expected) in [
            ("gzip", Wish::Gzip),
            ("deflate, GZIP;q=0.5", Wish::Gzip),
            ("gzip;q=0", Wish::Vary),
            ("br", Wish::Vary),
            ("", Wish::Vary),
        ] {
            let headers = HeaderMap::from_iter([(
                header::ACCEPT_ENCODING,
                HeaderValue::from_str(value).unwrap(),
            )]);
            assert_eq!(wish(&headers), expected, "{value}");
        }
        assert_eq!(wish(&HeaderMap::new()), Wish::Vary);
    }

    #[test]
    fn successes_vary_and_errors_do_not() {
        assert_eq!(
            answer(200, Wish::Vary).headers()[header::VARY],
            "Accept-Encoding, User-Agent"
        );
        assert!(answer(404, Wish::Gzip).headers().is_empty());
        assert!(answer(200, Wish::Nothing).headers().is_empty());
    }

    #[test]
    fn gzip_is_read_back() {
        let response = answer(200, Wish::Gzip);
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        let mut text = String::new();
        let bytes = response.into_body().into_bytes();
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "{\"a\":1}");
    }
}
