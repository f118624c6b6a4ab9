//! An identity provider: signs tokens and publishes its key, which it can change.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub struct Provider {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    key: parking_lot::Mutex<(String, EcdsaKeyPair)>,
    fetches: AtomicUsize,
}

fn pair() -> EcdsaKeyPair {
    let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    pub async fn start(id: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State {
            key: parking_lot::Mutex::new((id.to_owned(), pair())),
            fetches: AtomicUsize::new(0),
        });
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                served.fetches.fetch_add(1, Ordering::Relaxed);
                let body = served.keys();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::Relaxed)
    }

    pub fn rotate(&self, id: &str) {
        *self.state.key.lock() = (id.to_owned(), pair());
    }

    /// A token of alice, valid for a minute, with these claims changed.
    pub fn token(&self, changes: &Value) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mut claims = json!({"iss": "https://issuer.example", "aud": "rest", "sub": "alice",
            "groups": ["writers"], "iat": now, "exp": now + 60});
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let key = self.state.key.lock();
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": key.0});
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let proof = key.1.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(proof))
    }

    /// A token that says it needs no signature.
    pub fn unsigned(&self) -> String {
        let token = self.token(&Value::Null);
        let claims = token.split('.').nth(1).unwrap();
        format!("{}.{claims}.", encode(json!({"alg": "none"}).to_string()))
    }
}

impl State {
    fn keys(&self) -> String {
        let key = self.key.lock();
        let point = key.1.public_key().as_ref();
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": key.0, "use": "sig", "alg": "ES256",
            "x": encode(&point[1..33]), "y": encode(&point[33..])}]})
        .to_string()
    }
}
