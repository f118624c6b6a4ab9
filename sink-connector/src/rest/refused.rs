//! Requests that are not let in, and their answers.

use std::time::Duration;

use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;
use sluiceway_common::auth::plan::Exceeded;

use super::respond::{ApiError, Reply};

/// The original extension's refusal.
const NO_ACCESS: &str = "User cannot access the resource.";

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nobody, or nobody who is known.
    Unknown {
        /// What may be shown instead.
        challenges: Vec<HeaderValue>,
        /// Whether the answer is the original extension's: text.
        as_extension: bool,
    },
    /// No API key, or an unknown one.
    Key,
    /// The identity provider does not answer.
    ProviderAway,
    /// Too many requests, or too many wrong credentials; it may come again after so long.
    Limited(Duration),
    /// More than the plan of an API key allows.
    Plan(Exceeded),
}

impl Refused {
    /// The answer.
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::Unknown {
                challenges,
                as_extension,
            } => unauthorized(challenges, as_extension),
            Self::Key => ApiError::forbidden("The API key is missing or unknown").reply(),
            Self::ProviderAway => {
                let message = "The identity provider does not answer; try again later";
                let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message);
                after(Duration::from_secs(1), error.reply())
            }
            Self::Limited(wait) => {
                let error = ApiError::plain(StatusCode::TOO_MANY_REQUESTS);
                // Whole seconds, and never too early.
                after(wait + Duration::from_millis(999), error.reply())
            }
            Self::Plan(exceeded) => {
                let (message, wait) = match exceeded {
                    Exceeded::Rate => ("The rate of the API key's plan is exceeded", Some(1)),
                    Exceeded::Quota => ("The quota of the API key's plan is exceeded", None),
                };
                let reply = ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).reply();
                match wait {
                    Some(seconds) => after(Duration::from_secs(seconds), reply),
                    None => reply,
                }
            }
        }
    }
}

fn unauthorized(challenges: Vec<HeaderValue>, as_extension: bool) -> Reply {
    let mut reply = match as_extension {
        true => {
            let mut reply = Response::new(Full::from(NO_ACCESS));
            *reply.status_mut() = StatusCode::UNAUTHORIZED;
            reply
        }
        false => ApiError::new(StatusCode::UNAUTHORIZED, NO_ACCESS).reply(),
    };
    for challenge in challenges {
        reply.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    reply
}

fn after(wait: Duration, mut reply: Reply) -> Reply {
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    reply.headers_mut().insert(RETRY_AFTER, seconds);
    reply
}
