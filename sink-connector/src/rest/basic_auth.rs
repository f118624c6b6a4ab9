//! `rest.extension.classes=…BasicAuthSecurityRestExtension`: every request of the REST API needs a user and password.
//!
//! In: the `Authorization` header. Out: whether the request may go on; else 401 with the original's text. Hashes are
//! computed off the runtime's threads, a few at once.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;
use sluiceway_common::auth::basic::{BasicAuth, UserPassword};
use tokio::sync::Semaphore;

use super::respond::Reply;

/// Slow hashes that are computed at once.
const SLOW_CHECKS: usize = 4;

/// See the module.
pub(crate) struct RestUsers {
    basic: Arc<BasicAuth>,
    slow: Semaphore,
}

impl RestUsers {
    /// These users.
    pub(crate) fn new(basic: BasicAuth) -> Self {
        Self {
            basic: Arc::new(basic),
            slow: Semaphore::new(SLOW_CHECKS),
        }
    }

    /// Whether the request's credentials are right. Several headers are wrong in any case.
    pub(super) async fn let_in(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return false;
        };
        let Some(given) = given.to_str().ok().and_then(UserPassword::read) else {
            return false;
        };
        if self.basic.remembered(&given).is_some() {
            return true;
        }
        let _slot = self.slow.acquire().await;
        let basic = Arc::clone(&self.basic);
        let checked = tokio::task::spawn_blocking(move || basic.check(&given).is_some()).await;
        checked.unwrap_or(false)
    }
}

/// The original's refusal, with the header that HTTP asks for besides.
pub(super) fn unauthorized() -> Reply {
    let mut reply = Response::new(Full::from("User cannot access the resource."));
    *reply.status_mut() = StatusCode::UNAUTHORIZED;
    let challenge = HeaderValue::from_static("Basic realm=\"KafkaConnect\"");
    reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    reply
}
