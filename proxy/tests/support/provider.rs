//! An identity provider: signs tokens by any algorithm and publishes its key, which it can change.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub struct Provider {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    key: parking_lot::Mutex<Key>,
    fetches: AtomicUsize,
}

/// A key, and the one algorithm that it is for.
struct Key {
    id: String,
    algorithm: String,
    pair: Pair,
}

enum Pair {
    Elliptic(Box<EcdsaKeyPair>),
    Edwards(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// An RSA key takes its time to make.
fn rsa() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        key.private_key_to_pkcs8().unwrap()
    })
}

impl Key {
    /// A new one, but for RSA.
    fn new(id: &str, algorithm: &str) -> Self {
        let random = SystemRandom::new();
        let elliptic = |kind| {
            let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
            Box::new(EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap())
        };
        let pair = match algorithm {
            "ES256" => Pair::Elliptic(elliptic(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)),
            "ES384" => Pair::Elliptic(elliptic(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)),
            "EdDSA" => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Pair::Edwards(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
            _ => Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(rsa()).unwrap())),
        };
        Self {
            id: id.to_owned(),
            algorithm: algorithm.to_owned(),
            pair,
        }
    }

    fn sign(&self, algorithm: &str, text: &str) -> Vec<u8> {
        let (random, text) = (SystemRandom::new(), text.as_bytes());
        let padding: &dyn signature::RsaEncoding = match algorithm {
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            "PS256" => &signature::RSA_PSS_SHA256,
            "PS384" => &signature::RSA_PSS_SHA384,
            "PS512" => &signature::RSA_PSS_SHA512,
            _ => &signature::RSA_PKCS1_SHA256,
        };
        match &self.pair {
            Pair::Elliptic(pair) => pair.sign(&random, text).unwrap().as_ref().to_vec(),
            Pair::Edwards(pair) => pair.sign(text).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut proof = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, text, &mut proof).unwrap();
                proof
            }
        }
    }

    /// The public key as it is.
    fn bare(&self) -> &[u8] {
        match &self.pair {
            Pair::Elliptic(pair) => pair.public_key().as_ref(),
            Pair::Edwards(pair) => pair.public_key().as_ref(),
            Pair::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Elliptic(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(match &*self.algorithm {
                    "ES384" => 48,
                    _ => 32,
                });
                let curve = self
                    .algorithm
                    .replace("ES256", "P-256")
                    .replace("ES384", "P-384");
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Edwards(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
            }
            Pair::Rsa(pair) => {
                let parts = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": encode(parts.n), "e": encode(parts.e)})
            }
        };
        key["kid"] = json!(self.id);
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm);
        key
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    pub async fn start(id: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State {
            key: parking_lot::Mutex::new(Key::new(id, "ES256")),
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
        self.sign_by(id, "ES256");
    }

    /// Has a key of this name for this algorithm from now on.
    pub fn sign_by(&self, id: &str, algorithm: &str) {
        *self.state.key.lock() = Key::new(id, algorithm);
    }

    /// A token of alice, valid for a minute, with these claims changed.
    pub fn token(&self, changes: &Value) -> String {
        let algorithm = self.state.key.lock().algorithm.clone();
        self.token_by(&algorithm, changes)
    }

    /// The same, signed by an algorithm that need not be the key's own.
    pub fn token_by(&self, algorithm: &str, changes: &Value) -> String {
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
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": key.id});
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let proof = key.sign(algorithm, &signed);
        format!("{signed}.{}", encode(proof))
    }

    /// A token that says it needs no signature.
    pub fn unsigned(&self) -> String {
        let token = self.token(&Value::Null);
        let claims = token.split('.').nth(1).unwrap();
        format!("{}.{claims}.", encode(json!({"alg": "none"}).to_string()))
    }
}

impl Provider {
    /// A token whose signature takes the provider's public key for a shared secret: those who confuse the two take it.
    pub fn confused(&self) -> String {
        let token = self.token(&Value::Null);
        let claims = token.split('.').nth(1).unwrap();
        let key = self.state.key.lock();
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": key.id});
        let signed = format!("{}.{claims}", encode(header.to_string()));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.bare());
        format!(
            "{signed}.{}",
            encode(hmac::sign(&secret, signed.as_bytes()))
        )
    }
}

impl State {
    fn keys(&self) -> String {
        json!({"keys": [self.key.lock().public()]}).to_string()
    }
}
