//! Tokens of an identity provider: OAuth's client credentials grant (RFC 6749, 4.4), as Kafka's own
//! `OAuthBearerLoginCallbackHandler` asks for them; or a token that something else keeps in a file.
//!
//! In: [`OidcSettings`]. Out: a token, with its life. What fails: the way to the provider, its refusal (told in its own words, without
//! the secret), an answer that is none. Whoever asks tries again.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use thiserror::Error;

use crate::kafka_config::OidcSettings;
use crate::secret::Secret;
#[cfg(feature = "tls")]
use crate::tls::client::Connector;

mod answer;

#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// Longest answer, and longest file, that is read.
const MAX_BYTES: usize = 1024 * 1024;

/// A token with which its owner says who it is.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub text: Secret,
    /// When it was made, and when it ends.
    pub life: (SystemTime, SystemTime),
}

impl Token {
    /// Whether less than `percent` of its life is over.
    #[must_use]
    pub fn is_younger_than(&self, percent: u32, now: SystemTime) -> bool {
        now < self.at(percent)
    }

    /// The moment at which so much of its life is over.
    #[must_use]
    pub fn at(&self, percent: u32) -> SystemTime {
        let (made, ends) = self.life;
        made + ends.duration_since(made).unwrap_or_default() * percent / 100
    }
}

/// The identity provider cannot be asked, refuses, or answers with something else. Holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no token from {endpoint}: {reason}")]
pub struct NoToken {
    /// The address without its query.
    pub endpoint: String,
    /// Why not, and what to look at.
    pub reason: String,
}

/// See the module.
#[derive(Debug)]
pub struct TokenEndpoint {
    settings: Arc<OidcSettings>,
    client: Client<Connector, Full<Bytes>>,
}

impl TokenEndpoint {
    /// Makes ready to ask; asks nobody yet.
    ///
    /// # Errors
    /// The trust store cannot be read, or this build has no TLS.
    pub fn open(settings: &Arc<OidcSettings>) -> Result<Self, NoToken> {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(settings.connect_timeout));
        let connector = connector(http, settings).map_err(|reason| failed(settings, reason))?;
        let remote = settings.endpoint.strip_prefix("http://");
        if remote.is_some_and(|rest| !is_local(rest)) {
            tracing::warn!(
                endpoint = told(settings),
                "the client's secret goes to the token endpoint in clear; use https"
            );
        }
        Ok(Self {
            settings: Arc::clone(settings),
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Asks for the next token.
    ///
    /// # Errors
    /// [`NoToken`].
    pub async fn token(&self) -> Result<Token, NoToken> {
        let got = match self.settings.file() {
            Some(path) => from_file(path).await,
            None => self.ask().await,
        };
        got.map_err(|reason| failed(&self.settings, reason))
    }

    async fn ask(&self) -> Result<Token, String> {
        let limit = self.settings.connect_timeout + self.settings.read_timeout;
        let exchange = async {
            let response = self.client.request(request(&self.settings)?).await;
            let response = response.map_err(|error| crate::causes::line(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_BYTES)
                .collect()
                .await;
            let body = body.map_err(|error| format!("its answer breaks off: {error}"))?;
            Ok::<_, String>((status, body.to_bytes()))
        };
        let (status, body) = tokio::time::timeout(limit, exchange)
            .await
            .map_err(|_| format!("it does not answer within {limit:?}"))??;
        if !status.is_success() {
            let why = answer::refusal(&body, &self.settings.client_secret);
            return Err(format!("it refuses with {status}{why}"));
        }
        answer::token(&body, SystemTime::now())
    }
}

async fn from_file(path: &str) -> Result<Token, String> {
    let size = tokio::fs::metadata(path)
        .await
        .map_err(|error| error.to_string())?;
    if size.len() > MAX_BYTES as u64 {
        return Err("the file is no token: it is larger than a megabyte".to_owned());
    }
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| error.to_string())?;
    answer::bare(text.trim(), None, SystemTime::now())
}

/// The question, header for header as Kafka's Java client puts it.
fn request(settings: &OidcSettings) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri = settings
        .endpoint
        .parse()
        .map_err(|_| "the address is no URL")?;
    let mut form = "grant_type=client_credentials".to_owned();
    if let Some(scope) = &settings.scope {
        form.push_str("&scope=");
        form.push_str(&encoded(scope));
    }
    let secret = settings.client_secret.expose();
    let pair = match settings.encode_header {
        true => format!("{}:{}", encoded(&settings.client_id), encoded(secret)),
        false => format!("{}:{secret}", settings.client_id),
    };
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let mut basic = HeaderValue::from_str(&basic).map_err(|error| error.to_string())?;
    basic.set_sensitive(true);
    Request::post(uri)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, basic)
        .header(CACHE_CONTROL, "no-cache")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(form))
        .map_err(|error| error.to_string())
}

/// A value in a form.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn failed(settings: &OidcSettings, reason: String) -> NoToken {
    NoToken {
        endpoint: told(settings).to_owned(),
        reason,
    }
}

/// The address as it may be printed: what stands behind a question mark may be a secret.
fn told(settings: &OidcSettings) -> &str {
    let address = settings.endpoint.split('?').next();
    address.unwrap_or_default()
}

/// Whether an address, from its host on, is this machine's.
fn is_local(rest: &str) -> bool {
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

#[cfg(feature = "tls")]
fn connector(http: HttpConnector, settings: &OidcSettings) -> Result<Connector, String> {
    use crate::tls::client::{self, Trust};
    use crate::tls::store::Store;
    let trust = match &settings.trust {
        Some(store) => {
            let trusted = Store::from(store).trusted();
            let trusted =
                trusted.map_err(|error| format!("{error}; {}", error.advice("ssl.truststore")));
            Trust::These(trusted?)
        }
        None if settings.endpoint.starts_with("https:") => Trust::System,
        None => Trust::Nobody,
    };
    client::connector(http, trust, None).map_err(|error| error.to_string())
}

#[cfg(not(feature = "tls"))]
fn connector(http: HttpConnector, settings: &OidcSettings) -> Result<Connector, String> {
    match settings.endpoint.starts_with("https:") {
        true => Err("this program was built without TLS".to_owned()),
        false => Ok(http),
    }
}

#[cfg(test)]
#[path = "token_endpoint/tests.rs"]
mod tests;
