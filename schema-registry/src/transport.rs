//! One question to the registry over HTTP: the URLs in turn, with time-outs.
//!
//! In: method, path, body. Out: the JSON of a 2xx. What fails: an error answer as it is; when no URL answers, the last
//! failure; when the identity provider gives no token, that. A URL that answered is the first to be asked the next time.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sluiceway_common::secret::Secret;

#[cfg(feature = "tls")]
use sluiceway_common::tls::client::Connector;

use crate::config::{BaseUrl, ConfigProblem, RegistryConfig};
use crate::error::RegistryError;
use crate::events::Counters;
use tokens::Tokens;

#[cfg(feature = "tls")]
mod tls;
mod tokens;

#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// Confluent's client's own code for an error answer that is no JSON: what stands in front of a registry answers in HTML.
const NO_JSON: u32 = 50005;
/// So many characters of such an answer are told.
const TOLD: usize = 1024;

/// The body of an error answer.
#[derive(Deserialize)]
struct ErrorBody {
    error_code: Option<u32>,
    message: Option<String>,
}

/// A question, whichever URL it goes to.
struct Asking<'a> {
    method: Method,
    path: &'a str,
    body: Option<Bytes>,
    token: Option<Secret>,
}

/// The way to the registry.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client<Connector, Full<Bytes>>,
    config: RegistryConfig,
    /// Of an identity provider, if it gives them.
    tokens: Option<Tokens>,
    first: AtomicUsize,
    pub(crate) counters: Counters,
}

impl Transport {
    pub(crate) fn new(config: RegistryConfig) -> Result<Self, ConfigProblem> {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(config.connect_timeout));
        http.set_nodelay(true);
        #[cfg(feature = "tls")]
        let connector = {
            let https = config.urls.iter().any(|url| url.text.starts_with("https:"));
            tls::connector(http, &config.tls, https)?
        };
        #[cfg(not(feature = "tls"))]
        let connector = http;
        let tokens = config.auth.provider().map(|(settings, margin)| {
            Tokens::open(settings, margin).map_err(|error| ConfigProblem::Invalid {
                key: "bearer.auth.issuer.endpoint.url".to_owned(),
                reason: error.to_string(),
            })
        });
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            tokens: tokens.transpose()?,
            config,
            first: AtomicUsize::new(0),
            counters: Counters::default(),
        })
    }

    /// Asks the URLs in turn until one answers with something other than a 5xx.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, RegistryError> {
        let asking = Asking {
            method,
            path,
            body: body.map(Bytes::from),
            token: match &self.tokens {
                Some(tokens) => Some(tokens.token().await?),
                None => None,
            },
        };
        let first = self.first.load(Relaxed);
        let count = self.config.urls.len();
        let mut last = None;
        for index in (0..count).map(|step| (first + step) % count) {
            let url = &self.config.urls[index];
            if last.is_some() {
                self.counters.failed_over(&url.text);
            }
            match self.ask_one(url, &asking).await {
                Err(error) if error.is_transient() => {
                    self.counters.failed(&url.text, &error);
                    last = Some(error);
                }
                answer => {
                    self.first.store(index, Relaxed);
                    return answer;
                }
            }
        }
        Err(last.unwrap_or_else(|| RegistryError::Unreachable {
            url: String::new(),
            reason: "no URL".to_owned(),
        }))
    }

    async fn ask_one<T: DeserializeOwned>(
        &self,
        url: &BaseUrl,
        asking: &Asking<'_>,
    ) -> Result<T, RegistryError> {
        self.counters.asked(&url.text, asking.path);
        let limit = self.config.request_timeout;
        match tokio::time::timeout(limit, self.exchange(url, asking)).await {
            Ok(Ok((status, bytes))) if status.is_success() => serde_json::from_slice(&bytes)
                .map_err(|error| RegistryError::BadAnswer {
                    url: url.text.clone(),
                    reason: error.to_string(),
                }),
            Ok(Ok((status, bytes))) => Err(error_answer(status, &bytes)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(RegistryError::TimedOut {
                url: url.text.clone(),
                millis: limit.as_millis() as u64,
            }),
        }
    }

    async fn exchange(
        &self,
        url: &BaseUrl,
        asking: &Asking<'_>,
    ) -> Result<(StatusCode, Bytes), RegistryError> {
        let unreachable = |error: &(dyn std::error::Error + 'static)| RegistryError::Unreachable {
            url: url.text.clone(),
            reason: root_cause(error),
        };
        let request = self
            .request(url, asking)
            .map_err(|error| unreachable(&error))?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| unreachable(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), self.config.max_answer)
            .collect()
            .await
            .map_err(|error| RegistryError::BadAnswer {
                url: url.text.clone(),
                reason: error.to_string(),
            })?;
        Ok((status, body.to_bytes()))
    }

    fn request(
        &self,
        url: &BaseUrl,
        asking: &Asking<'_>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(&asking.method)
            .uri(format!("{}{}", url.text, asking.path))
            .header(ACCEPT, format!("{MEDIA_TYPE}, application/json; q=0.5"));
        if asking.body.is_some() {
            request = request.header(CONTENT_TYPE, MEDIA_TYPE);
        }
        if let Some(headers) = request.headers_mut() {
            let token = asking.token.as_ref();
            self.config.auth.add_to(url, token, headers);
        }
        request.body(Full::new(asking.body.clone().unwrap_or_default()))
    }
}

fn error_answer(status: StatusCode, body: &[u8]) -> RegistryError {
    let body = serde_json::from_slice(body).unwrap_or_else(|_| ErrorBody {
        error_code: Some(NO_JSON),
        message: Some(String::from_utf8_lossy(body).chars().take(TOLD).collect()),
    });
    RegistryError::Response {
        status: status.as_u16(),
        error_code: body.error_code.unwrap_or(u32::from(status.as_u16())),
        message: body
            .message
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("no message").to_owned()),
    }
}

/// The innermost error, as Java words the common ones.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    let mut found = None;
    loop {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            found = Some(io.kind());
        }
        match inner.source() {
            Some(source) => inner = source,
            None => break,
        }
    }
    match found {
        Some(std::io::ErrorKind::ConnectionRefused) => "Connection refused".to_owned(),
        Some(std::io::ErrorKind::ConnectionReset) => "Connection reset".to_owned(),
        Some(std::io::ErrorKind::TimedOut) => "Connect timed out".to_owned(),
        _ => inner.to_string(),
    }
}
