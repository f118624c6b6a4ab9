//! Answers: JSON bodies, and the one place where errors become status codes.
//!
//! Every error body is `{"error_code": <status>, "message": "<text>"}`.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::herder::HerderError;

/// An answer.
pub(super) type Reply = Response<Full<Bytes>>;

/// A refused request, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// `HTTP 404 Not Found` and the like, of what never reaches a handler.
    pub(super) fn plain(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        Self::new(status, format!("HTTP {} {reason}", status.as_u16()))
    }

    pub(super) fn timed_out() -> Self {
        let message = "Request timed out. The worker is currently busy with this or another request of the same \
                       connector; the request is carried out nevertheless.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub(super) fn reply(&self) -> Reply {
        #[derive(Serialize)]
        struct Body<'a> {
            error_code: u16,
            message: &'a str,
        }
        json(
            self.status,
            &Body {
                error_code: self.status.as_u16(),
                message: &self.message,
            },
        )
    }
}

impl From<HerderError> for ApiError {
    fn from(error: HerderError) -> Self {
        let status = match &error {
            HerderError::NotFound(_) => StatusCode::NOT_FOUND,
            HerderError::AlreadyExists(_) | HerderError::Conflict(_) => StatusCode::CONFLICT,
            HerderError::BadRequest(_) => StatusCode::BAD_REQUEST,
            HerderError::Forbidden(_) => StatusCode::FORBIDDEN,
            HerderError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

/// An answer with a JSON body.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> Reply {
    let bytes = match serde_json::to_vec(body) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "cannot write an answer as JSON");
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    let mut reply = Response::new(Full::new(Bytes::from(bytes)));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// 200 with a JSON body.
pub(super) fn ok<T: Serialize>(body: &T) -> Reply {
    json(StatusCode::OK, body)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

/// 201 with the new resource's address, absolute when the request says which host it was sent to.
pub(super) fn created<T: Serialize>(host: Option<&str>, path: &str, body: &T) -> Reply {
    let mut reply = json(StatusCode::CREATED, body);
    let location = host.map_or_else(|| path.to_owned(), |host| format!("http://{host}{path}"));
    if let Ok(location) = HeaderValue::try_from(location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

/// The methods of a resource, for OPTIONS and 405.
pub(super) fn with_allow(mut reply: Reply, allow: &str) -> Reply {
    if let Ok(allow) = HeaderValue::try_from(allow) {
        reply.headers_mut().insert(ALLOW, allow);
    }
    reply
}

/// A name as it stands in a path.
pub(super) fn encode_segment(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes()
        .fold(String::with_capacity(name.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
                out.push(char::from(byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn errors_have_their_status() {
        let cases = [
            (HerderError::no_connector("n"), 404),
            (HerderError::AlreadyExists("n".into()), 409),
            (HerderError::not_stopped("n"), 400),
            (HerderError::Forbidden("no".into()), 403),
            (HerderError::Conflict("later".into()), 409),
            (HerderError::Internal("kafka".into()), 500),
        ];
        for (error, status) in cases {
            assert_eq!(ApiError::from(error).status.as_u16(), status);
        }
        assert_eq!(
            ApiError::plain(StatusCode::METHOD_NOT_ALLOWED).message,
            "HTTP 405 Method Not Allowed"
        );
    }

    #[test]
    fn the_location_is_absolute_and_encoded() {
        let path = format!("/connectors/{}", encode_segment("a b/ü"));
        let reply = created(Some("h:1"), &path, &());
        assert_eq!(
            reply.headers()[LOCATION].to_str().unwrap(),
            "http://h:1/connectors/a%20b%2F%C3%BC"
        );
        assert_eq!(
            created(None, "/x", &()).headers()[LOCATION]
                .to_str()
                .unwrap(),
            "/x"
        );
    }
}
