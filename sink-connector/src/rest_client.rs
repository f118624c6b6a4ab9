//! A client of Connect's REST API and of a REST proxy, for [`crate::apply`] and [`crate::trial`].
//!
//! In: a base URL, and perhaps a user. Out: status and JSON of each answer. What fails: [`CallError`], which says whether
//! the same request may be sent again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use sluiceway_common::auth::verifier::API_KEY;
use sluiceway_common::secret::Secret;
#[cfg(feature = "tls")]
use sluiceway_common::tls::{
    client::{self, Connector, Trust, is_of_tls},
    store::{Identity, Store, StoreError},
};
use thiserror::Error;

#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// How long one request may take; a worker takes as long for one of Kafka's time-outs at most.
const PATIENCE: Duration = Duration::from_secs(95);
/// Largest answer that is read.
const ANSWER_BYTES: usize = 16 << 20;

/// Why a request was not answered as wished.
#[derive(Debug, Error)]
pub enum CallError {
    /// The base URL is none.
    #[error("{0}: not a URL of the kind http://host:port")]
    Url(String),
    /// `https` without certificates to trust, with one that is not trusted on either side, or in a build without TLS.
    #[error("{url}: {reason}")]
    Tls {
        /// The URL.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody answered.
    #[error("{method} {url}: {reason}")]
    Unanswered {
        /// The request.
        method: Method,
        /// Its URL.
        url: String,
        /// What came instead.
        reason: String,
    },
    /// An answer that says no.
    #[error("{method} {url}: {status}: {message}")]
    Refused {
        /// The request.
        method: Method,
        /// Its URL.
        url: String,
        /// The status.
        status: StatusCode,
        /// `message` of its body, or the body.
        message: String,
    },
}

impl CallError {
    /// The status of an answer that says no.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same request may succeed later: workers that are starting, changing places or out of reach.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Url(_) | Self::Tls { .. } => false,
            Self::Unanswered { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::CONFLICT
                            | StatusCode::TOO_MANY_REQUESTS
                            | StatusCode::REQUEST_TIMEOUT
                    )
            }
        }
    }
}

/// A client of one server.
#[derive(Debug)]
pub struct RestClient {
    client: Client<Connector, Full<Bytes>>,
    base: String,
    /// What the server asks for: a header and its value.
    credentials: Vec<(HeaderName, Secret)>,
}

impl RestClient {
    /// A client of `base` (`http://host:port`, a path may follow). What the server asks for stands in environment variables:
    /// `<prefix>_USER` and `<prefix>_PASSWORD`, `<prefix>_TOKEN` (a bearer token), `<prefix>_API_KEY`. `https` trusts the
    /// system's certificates, or those of the PEM file that `<prefix>_CA_FILE` names, and shows the certificate of the PEM file
    /// `<prefix>_CERT_FILE`, whose key is in the same file or in `<prefix>_KEY_FILE`.
    ///
    /// # Errors
    /// The URL is none, or `https` cannot be spoken.
    pub fn new(base: &str, prefix: &str) -> Result<Self, CallError> {
        let base = base.trim_end_matches('/').to_owned();
        let uri: http::Uri = base.parse().map_err(|_| CallError::Url(base.clone()))?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(CallError::Url(base)),
        };
        let variable = |name: &str| std::env::var(format!("{prefix}_{name}")).ok();
        let credentials = credentials(variable);
        let files = Files {
            trusted: variable("CA_FILE"),
            certificate: variable("CERT_FILE"),
            key: variable("KEY_FILE"),
        };
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector(&base, https, files)?),
            base,
            credentials,
        })
    }

    /// The server.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET path`; the answer's JSON.
    ///
    /// # Errors
    /// No answer, or one that says no.
    pub async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.call(Method::GET, path, None).await
    }

    /// A request with `application/json`; the answer's JSON (`null` when it has none).
    ///
    /// # Errors
    /// No answer, or one that says no.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        self.call_as(method, path, "application/json", body).await
    }

    /// The same with another media type.
    ///
    /// # Errors
    /// No answer, or one that says no.
    pub async fn call_as(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        let url = format!("{}{path}", self.base);
        let unanswered = |reason: String| CallError::Unanswered {
            method: method.clone(),
            url: url.clone(),
            reason,
        };
        let request = self
            .request(&method, &url, media, body)
            .map_err(|error| unanswered(error.to_string()))?;
        let (status, bytes) = tokio::time::timeout(PATIENCE, self.exchange(request))
            .await
            .map_err(|_| unanswered(format!("no answer within {PATIENCE:?}")))?
            .map_err(|error| match causes(&*error) {
                reason if is_of_tls(&*error) => CallError::Tls {
                    url: url.clone(),
                    reason,
                },
                reason => unanswered(reason),
            })?;
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let message = value["message"].as_str().map_or_else(
            || String::from_utf8_lossy(&bytes).into_owned(),
            str::to_owned,
        );
        Err(CallError::Refused {
            method,
            url,
            status,
            message,
        })
    }

    fn request(
        &self,
        method: &Method,
        url: &str,
        media: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, "application/json, */*; q=0.5");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, media);
        }
        for (name, value) in &self.credentials {
            request = request.header(name, value.expose());
        }
        let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
        request.body(Full::new(bytes))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await?;
        Ok((parts.status, body.to_bytes()))
    }
}

/// User and password go before a token: there is one `Authorization`.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Vec<(HeaderName, Secret)> {
    let basic = variable("USER").map(|user| {
        let password = variable("PASSWORD").unwrap_or_default();
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    });
    let bearer = || variable("TOKEN").map(|token| format!("Bearer {}", token.trim()));
    let authorization = basic.or_else(bearer).map(|text| (AUTHORIZATION, text));
    let key = variable("API_KEY").map(|key| (API_KEY, key.trim().to_owned()));
    let all = authorization.into_iter().chain(key);
    all.map(|(name, text)| (name, Secret::new(text))).collect()
}

/// PEM files of `https`.
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
struct Files {
    trusted: Option<String>,
    certificate: Option<String>,
    /// `None`: beside the certificate.
    key: Option<String>,
}

#[cfg(feature = "tls")]
impl Files {
    /// What is shown to a server that asks for a certificate.
    fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let store = |file: &str| Store::file(file, Some("PEM"), None);
        let certificate = self.certificate.as_deref().map(store);
        match (certificate, self.key.as_deref()) {
            (None, _) => Ok(None),
            (Some(both), None) => both.identity().map(Some),
            (Some(certificate), Some(key)) => Ok(Some(Identity {
                chain: certificate.trusted()?,
                key: store(key).private_key()?,
            })),
        }
    }
}

#[cfg(feature = "tls")]
fn connector(base: &str, https: bool, files: Files) -> Result<Connector, CallError> {
    let failed = |error: &dyn std::error::Error| CallError::Tls {
        url: base.to_owned(),
        reason: error.to_string(),
    };
    let trust = match &files.trusted {
        Some(file) => {
            let trusted = Store::file(file, Some("PEM"), None).trusted();
            Trust::These(trusted.map_err(|error| failed(&error))?)
        }
        None if https => Trust::System,
        None => Trust::Nobody,
    };
    let identity = files.identity().map_err(|error| failed(&error))?;
    let connector = client::connector(HttpConnector::new(), trust, identity);
    connector.map_err(|error| failed(&error))
}

#[cfg(not(feature = "tls"))]
fn connector(base: &str, https: bool, _files: Files) -> Result<Connector, CallError> {
    if https {
        return Err(CallError::Tls {
            url: base.to_owned(),
            reason: "this program was built without TLS".to_owned(),
        });
    }
    Ok(HttpConnector::new())
}

#[cfg(not(feature = "tls"))]
fn is_of_tls(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}

/// An error with what caused it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        text = format!("{text}: {cause}");
        inner = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_base_is_a_url() {
        assert!(RestClient::new("http://127.0.0.1:1/", "NOBODY").is_ok());
        let error = RestClient::new("sink:8083", "NOBODY").unwrap_err();
        assert!(error.to_string().contains("http://host:port"), "{error}");
    }

    #[test]
    fn what_the_server_asks_for() {
        let shown = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(key, _)| *key == name);
            let found = credentials(|name| find(name).map(|(_, value)| (*value).to_owned()));
            let texts = found
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.expose()));
            texts.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(shown(&[]), "");
        assert_eq!(
            shown(&[("USER", "u"), ("TOKEN", "t")]),
            "authorization: Basic dTo="
        );
        let both = [("TOKEN", "t\n"), ("API_KEY", "k")];
        assert_eq!(shown(&both), "authorization: Bearer t, x-api-key: k");
    }

    #[test]
    fn what_may_be_sent_again() {
        let refused = |status| CallError::Refused {
            method: Method::PUT,
            url: String::new(),
            status,
            message: String::new(),
        };
        assert!(refused(StatusCode::CONFLICT).is_transient());
        assert!(refused(StatusCode::INTERNAL_SERVER_ERROR).is_transient());
        assert!(!refused(StatusCode::BAD_REQUEST).is_transient());
        assert!(!refused(StatusCode::UNAUTHORIZED).is_transient());
    }
}
