//! Results → responses. The only place where an [`Error`] becomes a status, headers and a body.
//!
//! v2 and v3 share the shape of errors, `{"error_code":…,"message":…}`; what differs is the media type, which the
//! caller negotiated. Errors of the router (no path, no method, nothing acceptable) have none, as in the original.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::body::Body;
use crate::decompress;
use crate::entity::ErrorMessage;
use crate::error::Error;
use crate::kinesis::fault::Fault;
use crate::media::Negotiated;

/// A response of the proxy.
pub type Response = http::Response<Body>;

/// 200 with a JSON body.
pub fn json(negotiated: &Negotiated, entity: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(entity).map_err(|_| Error::Internal)?;
    Ok(bytes(StatusCode::OK, negotiated, body))
}

/// A body of this media type.
#[must_use]
pub fn bytes(status: StatusCode, negotiated: &Negotiated, body: Vec<u8>) -> Response {
    let mut response = http::Response::new(Body::Chunked(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, negotiated.header());
    response
}

/// 204.
#[must_use]
pub fn no_content() -> Response {
    let mut response = http::Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An error. Without `negotiated` its body has no media type.
#[must_use]
pub fn error(error: &Error, negotiated: Option<&Negotiated>) -> Response {
    let code = error.code();
    let mut response = http::Response::default();
    *response.status_mut() = code.status;
    let headers = response.headers_mut();
    if matches!(error, Error::MalformedMediaType | Error::HeaderTooLarge) {
        // The original refuses these before anything that could write a body.
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("must-revalidate,no-cache,no-store"),
        );
        return response;
    }
    if let Some(kind) = gateway_kind(error) {
        return gateway(response, kind, &error.to_string());
    }
    if let Some(negotiated) = negotiated {
        headers.insert(header::CONTENT_TYPE, negotiated.header());
    }
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    refused(error, headers);
    if matches!(error, Error::UnsupportedEncoding(_)) {
        let accepted = HeaderValue::from_static(decompress::ACCEPTED);
        headers.insert(header::ACCEPT_ENCODING, accepted);
    }
    let message = ErrorMessage {
        error_code: code.number,
        message: error.to_string(),
    };
    let body = serde_json::to_vec(&message).unwrap_or_default();
    *response.body_mut() = Body::Chunked(Bytes::from(body));
    response
}

/// What only refusals of the gate carry: the way to authenticate, the time to wait, and a media type of their own.
fn refused(error: &Error, headers: &mut HeaderMap) {
    let json = HeaderValue::from_static("application/json");
    match error {
        Error::Unauthenticated { basic } => {
            let challenge = match basic {
                Some(realm) => format!("Basic realm=\"{}\"", realm.replace(['"', '\\'], "")),
                None => "Bearer".to_owned(),
            };
            let challenge = HeaderValue::from_str(&challenge);
            headers.insert(
                header::WWW_AUTHENTICATE,
                challenge.unwrap_or(HeaderValue::from_static("Basic")),
            );
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        }
        Error::Forbidden(_)
        | Error::IdentityProvider
        | Error::TooManyCallers(_)
        | Error::Unavailable { .. } => {
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        }
        Error::RateLimited(wait) => {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        }
        _ => {}
    }
}

/// The kind of an error that AWS API Gateway would answer with.
fn gateway_kind(error: &Error) -> Option<&'static str> {
    match error {
        Error::GatewayForbidden => Some("ForbiddenException"),
        Error::GatewayThrottled => Some("TooManyRequestsException"),
        Error::GatewayQuota => Some("LimitExceededException"),
        _ => None,
    }
}

/// An answer in API Gateway's form.
fn gateway(mut response: Response, kind: &'static str, message: &str) -> Response {
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert("x-amzn-errortype", HeaderValue::from_static(kind));
    let body = serde_json::json!({ "message": message }).to_string();
    *response.body_mut() = Body::Chunked(Bytes::from(body));
    response
}

/// An answer of the Kinesis front; without a body for operations that say nothing.
#[must_use]
pub(crate) fn amazon(status: StatusCode, media: &'static str, body: Vec<u8>) -> Response {
    let mut response = http::Response::new(Body::Sized(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// An error of the Kinesis front. SDKs read the name from the body or from the header.
#[must_use]
pub(crate) fn kinesis(fault: &Fault, media: &'static str) -> Response {
    let body = serde_json::json!({ "__type": fault.name, "message": fault.message });
    let mut response = amazon(fault.status, media, body.to_string().into_bytes());
    let headers = response.headers_mut();
    headers.insert("x-amzn-errortype", HeaderValue::from_static(fault.name));
    if let Some(seconds) = fault.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer to OPTIONS: the methods of a resource, as text when text will do.
#[must_use]
pub fn options(allowed: &[&str], accepted: &[u8]) -> Response {
    let mut response = http::Response::default();
    let plain = matches!(accepted, b"*/*" | b"text/*" | b"text/plain" | b"*");
    let kind = if plain {
        HeaderValue::from_static("text/plain")
    } else {
        media(accepted)
    };
    if plain {
        *response.body_mut() = Body::Chunked(Bytes::from(allowed.join(", ")));
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    if let Ok(allow) = HeaderValue::from_str(&allowed.join(",")) {
        headers.insert(header::ALLOW, allow);
    }
    response
}

fn media(accepted: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(accepted).unwrap_or(HeaderValue::from_static("*/*"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::media::MediaType;

    fn shown(response: Response) -> (u16, Option<String>, String) {
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|kind| kind.to_str().unwrap().to_owned());
        let body = String::from_utf8(response.body_mut_bytes().to_vec()).unwrap();
        (response.status().as_u16(), kind, body)
    }

    trait Bodied {
        fn body_mut_bytes(&self) -> Bytes;
    }

    impl Bodied for Response {
        fn body_mut_bytes(&self) -> Bytes {
            match self.body() {
                Body::Empty | Body::Stream(_) | Body::Forwarded(_) | Body::Pushed(_) => {
                    Bytes::new()
                }
                Body::Chunked(bytes) | Body::Sized(bytes) => bytes.clone(),
            }
        }
    }

    #[test]
    fn errors_of_the_router_have_no_type() {
        let body = r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#.to_owned();
        assert_eq!(shown(error(&Error::NoSuchPath, None)), (404, None, body));
    }

    #[test]
    fn errors_of_a_resource_have_its_type() {
        let v2 = Negotiated::plain(MediaType::V2);
        let body = r#"{"error_code":40402,"message":"Partition not found."}"#.to_owned();
        let kind = Some("application/vnd.kafka.v2+json".to_owned());
        assert_eq!(
            shown(error(&Error::PartitionNotFound, Some(&v2))),
            (404, kind, body)
        );
        let refused = Error::Backpressure {
            in_flight: 7,
            retry_after: 12,
        };
        let full = error(&refused, Some(&v2));
        assert_eq!(full.headers()[header::RETRY_AFTER], "12");
        assert_eq!(full.status(), 429);
    }

    #[test]
    fn malformed_media_types_have_an_empty_answer() {
        let response = error(&Error::MalformedMediaType, None);
        assert_eq!(
            response.headers()[header::CACHE_CONTROL],
            "must-revalidate,no-cache,no-store"
        );
        assert_eq!(shown(response), (400, None, String::new()));
    }

    #[test]
    fn options_in_text_and_without() {
        let allowed = ["HEAD", "GET", "OPTIONS"];
        let text = options(&allowed, b"*/*");
        assert_eq!(text.headers()[header::ALLOW], "HEAD,GET,OPTIONS");
        assert_eq!(
            shown(text),
            (200, Some("text/plain".into()), "HEAD, GET, OPTIONS".into())
        );
        let named = options(&allowed, b"application/json");
        assert_eq!(
            shown(named),
            (200, Some("application/json".into()), String::new())
        );
    }
}
