//! A stand-in for an identity provider's token endpoint (OAuth's client credentials grant): it checks who asks and how, gives
//! unsecured tokens that live for a set time, and can be told to be out of order, or to refuse.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::json;

use crate::stand_in::StandIn;

/// The one client it knows; its secret.
pub const CLIENT: (&str, &str) = ("reporting", "planted-secret-of-reporting");
/// The scope that it grants.
pub const SCOPE: &str = "kafka write";

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Well,
    /// 503 to everybody.
    Down,
}

struct State {
    mood: Mood,
    life: Duration,
    given: usize,
    refused: usize,
}

/// A stand-in that listens; it ends when dropped.
pub struct TokenEndpoint {
    server: StandIn,
    state: Arc<Mutex<State>>,
}

impl TokenEndpoint {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(life: Duration, mood: Mood) -> Result<Self> {
        let state = State {
            mood,
            life,
            given: 0,
            refused: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = StandIn::start(move |request| answer(request, Arc::clone(&shared))).await?;
        Ok(Self { server, state })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/oauth2/token", self.server.url())
    }

    /// The properties of a client of Kafka that asks here, with a prefix before each.
    #[must_use]
    pub fn lines(&self, prefix: &str, secret: &str) -> Vec<(String, String)> {
        let jaas = format!(
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"{}\" clientSecret=\"{secret}\" \
             scope=\"{SCOPE}\";",
            CLIENT.0
        );
        [
            ("security.protocol", "SASL_PLAINTEXT".to_owned()),
            ("sasl.mechanism", "OAUTHBEARER".to_owned()),
            (
                "sasl.login.callback.handler.class",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
                    .to_owned(),
            ),
            ("sasl.oauthbearer.token.endpoint.url", self.url()),
            ("sasl.jaas.config", jaas),
        ]
        .map(|(key, value)| (format!("{prefix}{key}"), value))
        .to_vec()
    }

    /// Changes how it behaves.
    pub fn be(&self, mood: Mood) {
        self.locked().mood = mood;
    }

    /// How many tokens it gave, and how many questions it did not answer with one.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.locked();
        (state.given, state.refused)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let form = body.unwrap_or_default();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, json) = match (state.mood, check(&head, &form)) {
        (Mood::Down, _) => (503, json!({"error": "temporarily_unavailable"})),
        (Mood::Well, Err((status, error))) => (
            status,
            json!({"error": error, "error_description": "by the stand-in"}),
        ),
        (Mood::Well, Ok(())) => (200, token(state.life)),
    };
    match status {
        200 => state.given += 1,
        _ => state.refused += 1,
    }
    let mut response = Response::new(Full::from(json.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}

fn check(head: &http::request::Parts, form: &[u8]) -> Result<(), (u16, &'static str)> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let form_type = header("content-type") == Some("application/x-www-form-urlencoded");
    if head.method != "POST" || head.uri.path() != "/oauth2/token" || !form_type {
        return Err((400, "invalid_request"));
    }
    let (id, secret) = CLIENT;
    let wanted = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    if header("authorization") != Some(&wanted) {
        return Err((401, "invalid_client"));
    }
    match form {
        b"grant_type=client_credentials&scope=kafka+write" => Ok(()),
        _ => Err((400, "invalid_scope")),
    }
}

/// `expires_in` is longer than the token's own end: clients have to look at both.
fn token(life: Duration) -> serde_json::Value {
    let text = unsecured_token("machine", life);
    json!({"access_token": text, "token_type": "Bearer", "expires_in": 3600})
}

/// A token that nobody signed, for so long from now.
#[must_use]
pub fn unsecured_token(principal: &str, life: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let claims = json!({
        "sub": principal, "scope": SCOPE, "iat": now.as_secs_f64(), "exp": (now + life).as_secs_f64(),
    });
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", part(json!({"alg": "none"})), part(claims))
}
