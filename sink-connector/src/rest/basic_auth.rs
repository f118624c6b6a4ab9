//! `rest.extension.classes=…BasicAuthSecurityRestExtension`: every request of the REST API needs a user and password.
//!
//! In: the `Authorization` header and the client's address. Out: the user's name; else 401 with the original's text, or 429 for an
//! address that guesses. Hashes are computed off the runtime's threads, a few at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;
use sluiceway_common::auth::Identity;
use sluiceway_common::auth::basic::{BasicAuth, UserPassword};
use sluiceway_common::auth::guessing::Guessing;
use tokio::sync::Semaphore;

use super::respond::{ApiError, Reply};

/// Slow hashes that are computed at once.
const SLOW_CHECKS: usize = 4;

/// See the module.
pub(crate) struct RestUsers {
    basic: Arc<BasicAuth>,
    slow: Semaphore,
    guessing: Option<Guessing>,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nobody, or nobody who is known.
    Unknown,
    /// Its address guesses, and waits so long.
    Guessing(Duration),
}

impl RestUsers {
    /// These users; an address may show so many wrong passwords in a minute (0: any number).
    pub(crate) fn new(basic: BasicAuth, failures_per_minute: u32) -> Self {
        Self {
            basic: Arc::new(basic),
            guessing: Guessing::new(f64::from(failures_per_minute)),
            slow: Semaphore::new(SLOW_CHECKS),
        }
    }

    /// Who sends the request. Several headers are wrong in any case.
    pub(super) async fn identify(
        &self,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<Arc<Identity>, Refused> {
        if let Some(guessing) = &self.guessing {
            guessing.check(address).map_err(Refused::Guessing)?;
        }
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return Err(Refused::Unknown);
        };
        let given = given.to_str().ok().and_then(UserPassword::read);
        let given = given.ok_or(Refused::Unknown)?;
        if let Some(known) = self.basic.remembered(&given) {
            return Ok(known);
        }
        let known = self.check(given).await;
        if let (None, Some(guessing)) = (&known, &self.guessing) {
            guessing.failed(address);
        }
        known.ok_or(Refused::Unknown)
    }

    async fn check(&self, given: UserPassword) -> Option<Arc<Identity>> {
        let _slot = self.slow.acquire().await;
        let basic = Arc::clone(&self.basic);
        let checked = tokio::task::spawn_blocking(move || basic.check(&given)).await;
        checked.unwrap_or(None)
    }
}

impl Refused {
    /// The answer.
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::Unknown => unauthorized(),
            Self::Guessing(wait) => {
                let mut reply = ApiError::plain(StatusCode::TOO_MANY_REQUESTS).reply();
                let seconds = HeaderValue::from(wait.as_secs() + 1);
                reply.headers_mut().insert(RETRY_AFTER, seconds);
                reply
            }
        }
    }
}

/// The original's refusal, with the header that HTTP asks for besides.
fn unauthorized() -> Reply {
    let mut reply = Response::new(Full::from("User cannot access the resource."));
    *reply.status_mut() = StatusCode::UNAUTHORIZED;
    let challenge = HeaderValue::from_static("Basic realm=\"KafkaConnect\"");
    reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    reply
}
