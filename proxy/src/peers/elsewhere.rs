//! 421 between replicas: the instance is not here.

use http::{HeaderName, HeaderValue, StatusCode};
use hyper::body::Incoming;

use crate::respond::Response;

/// With 421: the instance is not here.
const ELSEWHERE: HeaderName = HeaderName::from_static("sluiceway-elsewhere");
/// The value of that header when the replica drains.
const DRAINING: &str = "draining";

/// The answer of a replica that does not have the instance.
pub(super) fn elsewhere(draining: bool) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    let why = HeaderValue::from_static(if draining { DRAINING } else { "other" });
    response.headers_mut().insert(ELSEWHERE, why);
    response
}

/// Whether it drains.
pub(super) fn says_draining(response: &http::Response<Incoming>) -> bool {
    let why = response.headers().get(ELSEWHERE);
    why.is_some_and(|why| why == DRAINING)
}

/// Whether an answer is that one.
pub(super) fn is_elsewhere(response: &http::Response<Incoming>) -> bool {
    response.status() == StatusCode::MISDIRECTED_REQUEST
        && response.headers().contains_key(ELSEWHERE)
}
