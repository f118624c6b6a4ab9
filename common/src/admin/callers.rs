//! Who the callers of the admin listener are, where it asks: those of the program's API, by the same methods.
//!
//! In: a request's head and its connection. Out: a [`Caller`], or the answer that refuses it. An address that showed too many
//! wrong credentials waits, with right ones as well: otherwise their answer would tell that they are.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::text;
use crate::auth::guessing::Guessing;
use crate::auth::verifier::{Caller, Unknown, Verifier};
use crate::tls::stream::Client;

/// See the module.
pub struct AdminCallers {
    verifier: Verifier,
    may_change: MayChange,
}

/// Says whether a caller may change log levels.
pub type MayChange = Box<dyn Fn(&Caller) -> bool + Send + Sync>;

impl AdminCallers {
    /// Whoever this verifier knows may look, and whoever `may_change` says may change log levels.
    #[must_use]
    pub fn new(verifier: Verifier, may_change: MayChange) -> Self {
        Self {
            verifier,
            may_change,
        }
    }

    /// Whether this one may change log levels.
    pub(super) fn may_change(&self, caller: &Caller) -> bool {
        (self.may_change)(caller)
    }

    /// Who sends a request.
    ///
    /// # Errors
    /// The answer to it: 401, 429, or 503 while the identity provider does not answer.
    pub(super) async fn identify(
        &self,
        guessing: Option<&Guessing>,
        headers: &HeaderMap,
        (address, client): (IpAddr, &Client),
    ) -> Result<Caller, Box<Response<Full<Bytes>>>> {
        if let Some(guessing) = guessing {
            let checked = guessing.check(address);
            checked.map_err(|wait| Box::new(too_many(wait)))?;
        }
        let unknown = match self.verifier.identify(headers, client).await {
            Ok(caller) => return Ok(caller),
            Err(unknown) => unknown,
        };
        if let (Unknown::Wrong(..), Some(guessing)) = (&unknown, guessing) {
            guessing.failed(address);
        }
        if unknown != Unknown::Nothing {
            tracing::warn!(%address, reason = %unknown, "admin listener: credentials were refused");
        }
        Err(Box::new(match unknown {
            Unknown::Unavailable(_) => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the identity provider does not answer\n",
            ),
            Unknown::Nothing | Unknown::Wrong(..) => self.unauthorized(),
        }))
    }

    fn unauthorized(&self) -> Response<Full<Bytes>> {
        let mut response = text(StatusCode::UNAUTHORIZED, "unauthorized\n");
        for challenge in self.verifier.challenges("metrics") {
            let headers = response.headers_mut();
            headers.append(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn too_many(wait: Duration) -> Response<Full<Bytes>> {
    let mut response = text(
        StatusCode::TOO_MANY_REQUESTS,
        "too many wrong credentials came from this address\n",
    );
    let seconds = HeaderValue::from(wait.as_secs() + 1);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
