//! `Prefer: status=strict` (RFC 7240): the status of a produce answer tells what became of the records.
//!
//! As in the original a v2 produce request is answered with 200 whatever became of its records; each has its result in
//! the body. Who prefers it strict gets the truth in the status, too:
//!
//! | records | status | |
//! |---|---|---|
//! | all written | 200 | |
//! | some failed | 207 | each with an `error_code` that says what kind of failure it is |
//! | all failed | that of their kind | the gravest if there are several |
//! | Kafka is known to be away | 503 | at once, nothing is enqueued |

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::error::{Code, retry_later};
use crate::respond::Response;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const STRICT: &str = "status=strict";

/// Whether a request prefers a strict status.
#[must_use]
pub fn strict(headers: &HeaderMap) -> bool {
    // Nearly no request has the header: one look-up, then.
    headers.contains_key(PREFER)
        && headers
            .get_all(PREFER)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .any(is_strict)
}

fn is_strict(preference: &str) -> bool {
    let Some((name, value)) = preference.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("status")
        && value
            .trim()
            .trim_matches('"')
            .eq_ignore_ascii_case("strict")
}

/// Tells in an answer whose status is strict when to try again if that is worth it, and that the preference was followed.
pub fn follow(response: &mut Response, retry_after: u32) {
    if retry_later(response.status()) {
        let seconds = HeaderValue::from(retry_after);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    applied(response);
}

/// Says in the answer that the preference was followed.
pub fn applied(response: &mut Response) {
    let value = HeaderValue::from_static(STRICT);
    response.headers_mut().insert(APPLIED, value);
}

/// The failures of a request's records, as its status tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    records: usize,
    failed: usize,
    gravest: Option<StatusCode>,
}

impl Outcome {
    /// A record was written.
    pub fn stored(&mut self) {
        self.records += 1;
    }

    /// A record was not.
    pub fn failed(&mut self, code: Code) {
        self.records += 1;
        self.failed += 1;
        self.gravest = self.gravest.max(Some(code.status));
    }

    /// The status that tells it all.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.gravest {
            None => StatusCode::OK,
            Some(gravest) if self.failed == self.records => gravest,
            Some(_) => StatusCode::MULTI_STATUS,
        }
    }

    /// Puts the status into an answer, and when to try again if that is worth it.
    pub fn apply(&self, response: &mut Response, retry_after: u32) {
        *response.status_mut() = self.status();
        follow(response, retry_after);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::codes;

    #[test]
    fn preferences() {
        for (value, expected) in [
            ("status=strict", true),
            ("respond-async, Status = \"strict\"", true),
            ("wait=10; status=strict", true),
            ("status=lax", false),
            ("strict", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]);
            assert_eq!(strict(&headers), expected, "{value}");
        }
        assert!(!strict(&HeaderMap::new()));
    }

    #[test]
    fn statuses() {
        let mut outcome = Outcome::default();
        assert_eq!(outcome.status(), 200);
        outcome.failed(codes::PAYLOAD_TOO_LARGE);
        assert_eq!(outcome.status(), 413);
        outcome.failed(codes::BROKER_NOT_AVAILABLE);
        outcome.failed(codes::TOPIC_NOT_FOUND);
        assert_eq!(outcome.status(), 503, "the gravest");
        let mut response = Response::default();
        outcome.apply(&mut response, 7);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        outcome.stored();
        assert_eq!(outcome.status(), 207);
        let mut response = Response::default();
        outcome.apply(&mut response, 7);
        assert_eq!(response.headers().get(header::RETRY_AFTER), None);
        assert_eq!(response.headers()["preference-applied"], "status=strict");
    }
}
