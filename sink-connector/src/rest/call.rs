//! A request with its body, as the handlers take it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::body;
use super::gate::Visit;
use super::need::Principal;
use super::respond::ApiError;
use crate::worker::Operation;

/// See the module.
pub(super) struct Call {
    pub(super) method: Method,
    /// As the client wrote it.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Who sent it; `None`: nobody has to be known.
    pub(super) principal: Option<Arc<Principal>>,
}

impl Call {
    /// Reads the body, of at most `limit` bytes, and checks what is asked of every request.
    pub(super) async fn read(
        method: Method,
        request: Request<Incoming>,
        visit: Visit,
        limit: usize,
    ) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let limited = Limited::new(body, limit);
        let body = match limited.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(ApiError::plain(StatusCode::PAYLOAD_TOO_LARGE));
            }
            Err(error) => {
                return Err(ApiError::bad_request(format!(
                    "The request body ended early: {error}"
                )));
            }
        };
        if visit.introduced.is_some_and(|told| !told.has_body(&body)) {
            let message = "The body is not the one that the worker signed";
            return Err(ApiError::forbidden(message));
        }
        body::check_content_type(&parts.headers, &body)?;
        if !accepts_json(&parts.headers) {
            return Err(ApiError::plain(StatusCode::NOT_ACCEPTABLE));
        }
        let query = parts.uri.query().map(str::to_owned);
        Ok(Self {
            method,
            path: parts.uri.path().to_owned(),
            query,
            headers: parts.headers,
            body,
            principal: visit.principal,
        })
    }

    /// Whether its sender may read this connector.
    pub(super) fn may_read(&self, connector: &str) -> bool {
        let principal = self.principal.as_ref();
        principal.is_none_or(|who| who.rights.allow(Operation::Read, connector))
    }

    /// The host that the request was sent to, as its client wrote it.
    pub(super) fn host(&self) -> Option<&str> {
        self.headers
            .get(http::header::HOST)
            .and_then(|host| host.to_str().ok())
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .peekable();
    if accepted.peek().is_none() {
        return true;
    }
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let essence = range
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        let refused = range
            .split(';')
            .skip(1)
            .any(|parameter| parameter.trim() == "q=0");
        !refused && ["application/json", "application/*", "*/*", "*"].contains(&essence.as_str())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accept_headers() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, value.parse().unwrap());
            accepts_json(&headers)
        };
        assert!(accepts_json(&HeaderMap::new()));
        assert!(
            accepts("application/json")
                && accepts("text/html, */*;q=0.1")
                && accepts("application/*")
        );
        assert!(!accepts("text/html") && !accepts("application/json;q=0"));
    }
}
