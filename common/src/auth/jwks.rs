//! The identity provider's keys: fetched, kept, and fetched again when they are old or a token names an unknown one.
//!
//! A provider that does not answer costs nothing as long as the keys that are known fit; they are believed for a day
//! at most. Unknown names lead to one fetch in ten seconds, whoever makes them up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::tls::client::{Connector, Trust, connector};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use parking_lot::RwLock;
use thiserror::Error;

use super::jwt::Key;

/// Shortest time between two fetches that unknown names ask for.
const PAUSE: Duration = Duration::from_secs(10);
/// A key set that is not fetched again is believed for this long.
const MAX_AGE: Duration = Duration::from_secs(86_400);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 1024 * 1024;

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum JwksError {
    /// The address.
    #[error("oauthbearer.jwks.endpoint.url: {0}")]
    Url(String),
    /// The provider.
    #[error("the keys of the identity provider cannot be fetched from {url}: {reason}")]
    Fetch {
        /// From where.
        url: String,
        /// Why not.
        reason: String,
    },
}

type HttpsClient = Client<Connector, Full<Bytes>>;

/// See the module.
pub struct Jwks {
    url: http::Uri,
    refresh: Duration,
    client: HttpsClient,
    keys: RwLock<Option<(Arc<[Key]>, Instant)>>,
    /// When the last fetch began; held while one is under way.
    fetching: tokio::sync::Mutex<Option<Instant>>,
}

impl Jwks {
    /// Keys from this address: https, or http on this machine. Older than `refresh`, they are fetched again.
    ///
    /// # Errors
    /// [`JwksError::Url`].
    pub fn new(url: &str, refresh: Duration) -> Result<Self, JwksError> {
        let wrong = |reason: &str| JwksError::Url(format!("{url} {reason}"));
        let uri: http::Uri = url.parse().map_err(|_| wrong("is no URL"))?;
        let host = uri.host().ok_or_else(|| wrong("names no host"))?;
        let local = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if local => {}
            _ => {
                return Err(wrong(
                    "is not https; keys that come in clear can be replaced on their way",
                ));
            }
        }
        let trust = match uri.scheme_str() {
            Some("https") => Trust::System,
            _ => Trust::Nobody,
        };
        let connector = connector(HttpConnector::new(), trust, None);
        let connector = connector.map_err(|error| JwksError::Url(error.to_string()))?;
        Ok(Self {
            url: uri,
            refresh,
            client: Client::builder(TokioExecutor::new()).build(connector),
            keys: RwLock::default(),
            fetching: tokio::sync::Mutex::default(),
        })
    }

    /// The keys, with the one of this name if the provider has it.
    ///
    /// # Errors
    /// [`JwksError::Fetch`] while there are none to go on with.
    pub async fn keys(self: &Arc<Self>, wanted: Option<&str>) -> Result<Arc<[Key]>, JwksError> {
        let known = self.known();
        if let Some((keys, at)) = known {
            let found = wanted.is_none_or(|id| keys.iter().any(|k| k.id.as_deref() == Some(id)));
            if found {
                if at.elapsed() > self.refresh {
                    let this = Arc::clone(self);
                    tokio::spawn(async move { this.refetch().await });
                }
                return Ok(keys);
            }
        }
        let fetched = self.refetch().await;
        match self.known() {
            Some((keys, _)) => Ok(keys),
            None => Err(fetched
                .err()
                .unwrap_or_else(|| self.failed("it has not answered yet"))),
        }
    }

    fn known(&self) -> Option<(Arc<[Key]>, Instant)> {
        let known = self.keys.read().clone();
        known.filter(|(_, at)| at.elapsed() < MAX_AGE)
    }

    /// Fetches, unless that was done just now.
    async fn refetch(&self) -> Result<(), JwksError> {
        let mut last = self.fetching.lock().await;
        if last.is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(());
        }
        *last = Some(Instant::now());
        let fetched = tokio::time::timeout(TIMEOUT, self.fetch()).await;
        let keys = fetched.unwrap_or_else(|_| Err(self.failed("it does not answer")));
        match keys {
            Ok(keys) => {
                tracing::info!(url = %self.url, keys = keys.len(), "the keys of the identity provider were fetched");
                *self.keys.write() = Some((keys.into(), Instant::now()));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "tokens are checked with the keys that are known");
                Err(error)
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, JwksError> {
        let response = self
            .client
            .get(self.url.clone())
            .await
            .map_err(|error| self.failed(error))?;
        if !response.status().is_success() {
            return Err(self.failed(response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_BYTES);
        let body = body.collect().await.map_err(|error| self.failed(error))?;
        let keys = Key::read_set(&body.to_bytes())
            .map_err(|_| self.failed("its answer is no JSON Web Key Set"))?;
        if keys.is_empty() {
            return Err(self.failed("it has no key that can be used"));
        }
        Ok(keys)
    }

    fn failed(&self, reason: impl ToString) -> JwksError {
        JwksError::Fetch {
            url: self.url.to_string(),
            reason: reason.to_string(),
        }
    }
}
