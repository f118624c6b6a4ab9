//! Errors of S3 requests, and what to do about each.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::{CONNECT_EXCEPTION, Exception};

/// What to do about a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Wait and try again: the server is busy, away, or broke off.
    Retry,
    /// The multipart upload is gone: read the file's records again.
    Gone,
    /// Trying again cannot help: the task fails.
    Fail,
}

/// A failed request to S3. Holds no credentials: neither do the SDK's errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Error {
    /// The request's name: `PutObject`.
    pub(crate) operation: &'static str,
    /// HTTP status, when there was an answer.
    pub(crate) status: Option<u16>,
    /// S3's error code, when the answer held one: `NoSuchBucket`.
    pub(crate) code: String,
    /// S3's message, or the client's.
    pub(crate) message: String,
    verdict: Verdict,
}

/// Codes that mean "later", whatever their status.
const RETRY_CODES: [&str; 13] = [
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestTimeout",
    "RequestLimitExceeded",
    "InternalError",
    "ServiceUnavailable",
    "OperationAborted",
    "ConditionalRequestConflict",
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "RequestTimeTooSkewed",
];

/// S3's own words, for stores that leave them out.
const WRONG_SIGNATURE: &str = "The request signature we calculated does not match the signature you provided. Check your \
    key and signing method.";

/// Codes of credentials that are over. Something may renew them while we wait, or nobody does.
const EXPIRED_CODES: [&str; 3] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
];

impl S3Error {
    /// Reads what the SDK reports.
    pub(crate) fn new<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = metadata
            .and_then(|meta| meta.code())
            .unwrap_or_default()
            .to_owned();
        let message = match metadata.and_then(|meta| meta.message()) {
            Some(message) => message.to_owned(),
            None if code == "SignatureDoesNotMatch" => WRONG_SIGNATURE.to_owned(),
            None => causes(error),
        };
        let verdict = match error {
            SdkError::ServiceError(_) => judge(status.unwrap_or(0), &code),
            SdkError::ConstructionFailure(_) => Verdict::Fail,
            SdkError::DispatchFailure(failure) if failure.is_user() => Verdict::Fail,
            _ => Verdict::Retry,
        };
        Self {
            operation,
            status,
            code,
            message,
            verdict,
        }
    }

    /// Whether the credentials are over.
    pub(super) fn credentials_expired(&self) -> bool {
        EXPIRED_CODES.contains(&self.code.as_str())
    }

    /// The same for good: nobody has renewed the credentials for a while.
    pub(super) fn given_up(mut self) -> Self {
        self.verdict = Verdict::Fail;
        self.message
            .push_str("; the credentials have expired and nothing renews them: renew them, then restart the task");
        self
    }

    /// What to do about it.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The same error with the place that could not be reached, in the words of the original's HTTP client.
    pub(crate) fn towards(mut self, endpoint: Option<&str>) -> Self {
        let place = endpoint.and_then(|url| url.split("://").nth(1));
        if let (None, Some(place)) = (self.status, place) {
            let place = place.trim_end_matches('/');
            let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
            let address = match host.parse::<std::net::IpAddr>() {
                Ok(address) => format!(" [/{address}]"),
                Err(_) => String::new(),
            };
            self.message = format!("Connect to {place}{address} failed: {}", self.message);
        }
        self
    }

    /// As a failed task shows it.
    pub(crate) fn exception(&self) -> Exception {
        match self.status {
            Some(status) => Exception::new(
                CONNECT_EXCEPTION,
                format!(
                    "{} (Service: S3, Status Code: {status}, Code: {})",
                    self.message, self.code
                ),
            ),
            None => Exception::new(
                "software.amazon.awssdk.core.exception.SdkClientException",
                format!("Unable to execute HTTP request: {}", self.message),
            ),
        }
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(
                f,
                "{}: {status} {}: {}",
                self.operation, self.code, self.message
            ),
            None => write!(f, "{}: {}", self.operation, self.message),
        }
    }
}

/// What lies at the bottom of an error without an answer: the system's own words where there are some, else the chain
/// of messages.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut messages: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(system) = cause.downcast_ref::<std::io::Error>()
            && system.raw_os_error().is_some()
        {
            let text = system.to_string();
            return text
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_owned();
        }
        let text = cause.to_string();
        if messages.last() != Some(&text) {
            messages.push(text);
        }
        next = cause.source();
    }
    messages.join(": ")
}

fn judge(status: u16, code: &str) -> Verdict {
    match (status, code) {
        (_, "NoSuchUpload") => Verdict::Gone,
        (_, code) if RETRY_CODES.contains(&code) => Verdict::Retry,
        // What the store does not implement it will not do the next time either.
        (501, _) => Verdict::Fail,
        (429 | 500..=599, _) => Verdict::Retry,
        _ => Verdict::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_server_is_told_in_the_systems_words() {
        let refused = std::io::Error::from_raw_os_error(111);
        let error = S3Error {
            operation: "HeadBucket",
            status: None,
            code: String::new(),
            message: causes(&refused),
            verdict: Verdict::Retry,
        };
        let text = error
            .towards(Some("http://127.0.0.1:19999"))
            .exception()
            .message;
        assert_eq!(
            text,
            "Unable to execute HTTP request: Connect to 127.0.0.1:19999 [/127.0.0.1] failed: Connection refused"
        );
        let nested = std::io::Error::other("timed out");
        assert_eq!(causes(&nested), "timed out");
    }

    #[test]
    fn busy_servers_are_asked_again_and_refusals_are_final() {
        assert_eq!(judge(503, "SlowDown"), Verdict::Retry);
        assert_eq!(judge(500, ""), Verdict::Retry);
        assert_eq!(judge(400, "RequestTimeout"), Verdict::Retry);
        assert_eq!(judge(400, "ExpiredToken"), Verdict::Retry);
        assert_eq!(judge(409, "ConditionalRequestConflict"), Verdict::Retry);
        assert_eq!(judge(404, "NoSuchUpload"), Verdict::Gone);
        for (status, code) in [
            (404, "NoSuchBucket"),
            (403, "AccessDenied"),
            (412, "PreconditionFailed"),
            (403, "SignatureDoesNotMatch"),
            (400, "EntityTooSmall"),
        ] {
            assert_eq!(judge(status, code), Verdict::Fail, "{code}");
        }
    }
}
