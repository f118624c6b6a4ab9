//! `POST /v3/clusters/{cluster}/topics/{topic}/records`: records in, an answer for each out, over one request.
//!
//! The cluster is not looked at, as in the original; answers repeat it.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;

use crate::api::Request;
use crate::body::Body;
use crate::decompress::Encoding;
use crate::error::Error;
use crate::idempotency;
use crate::media;
use crate::raw;
use crate::respond::{self, Response};
use crate::stream::{self, Single};
use crate::trace_context::TraceContext;

/// Starts the stream of answers. With an `Idempotency-Key` there is one record and no stream.
///
/// # Errors
/// The request does not say that it is JSON, or says a charset other than the two; everything later is told in the stream.
pub(crate) async fn stream(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    if request.media.is_none() {
        return Err(Error::NoMediaType);
    }
    check_charset(request.headers)?;
    // A stream is split while it comes; compressed, it would have to be kept whole.
    if request.app.config.http.decompression
        && let Some(_compressed) = Encoding::of(request.headers)?
    {
        let text = "a streamed body; v3's records:batch and v2 take it".to_owned();
        return Err(Error::UnsupportedEncoding(text));
    }
    let cluster = request.matched.param(request.path, 0)?;
    let topic = request.matched.param(request.path, 1)?;
    if let Some(key) = idempotency::key_of(request)? {
        let (body, _permit) = request.body(body).await?;
        request.charge(0, 1);
        let single = Single {
            cluster,
            topic: topic.into(),
            body: body.clone(),
            trace: TraceContext::of(request),
        };
        return Box::pin(idempotency::once(request, key, ("", &body), single)).await;
    }
    let account = request.caller.account.cloned();
    let sender = stream::Sender {
        account,
        trace: TraceContext::of(request),
    };
    let answers = stream::produce(Arc::clone(request.app), sender, &cluster, &topic, body);
    let mut response = respond::bytes(StatusCode::OK, request.negotiated, Vec::new());
    *response.body_mut() = Body::Stream(Box::new(answers));
    Ok(response)
}

/// The original lets a body call itself ISO-8859-1, too, and reads it as the UTF-8 that JSON is.
fn check_charset(headers: &HeaderMap) -> Result<(), Error> {
    let media_type = String::from_utf8_lossy(raw::content_type(headers));
    let known = |charset: &String| {
        ["UTF-8", "ISO-8859-1"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
    };
    match media::parameter(&media_type, "charset") {
        Some(charset) if !known(&charset) => Err(Error::BadRequest(
            "Unsupported charset in Content-Type header. Supports \"UTF-8\" and \"ISO-8859-1\"."
                .to_owned(),
        )),
        _ => Ok(()),
    }
}
