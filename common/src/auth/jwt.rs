//! Bearer tokens: JSON Web Tokens (RFC 7519), signed by a key of the identity provider.
//!
//! In: a token, and the provider's keys. Out: [`Claims`]. Only signatures with public keys are known (RSA, ECDSA,
//! Ed25519), only the algorithms that the settings name are taken, and a key verifies only its own kind of signature:
//! a token can choose neither `none` nor a shared secret. Issuer, audience and times are always checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 * 1024;

/// What tokens must say.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// `iss`.
    pub issuer: String,
    /// One of `aud`.
    pub audiences: Vec<String>,
    /// Names of algorithms: `RS256`, `ES256` …
    pub algorithms: Vec<String>,
    /// The claim that is the principal's name.
    pub name_claim: String,
    /// The claim that lists its roles.
    pub roles_claim: String,
    /// Seconds that clocks may differ.
    pub skew: i64,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The principal's name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Seconds since 1970 at which it ends.
    pub expires: i64,
}

/// Why a token is not taken. None of these holds a part of the token.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum TokenFault {
    /// It is no token.
    #[error("it is malformed")]
    Malformed,
    /// Its algorithm is not one of those that are taken.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// No key of the provider has its `kid`.
    #[error("its key is unknown")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// It has ended, or tells no end.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// Another issuer.
    #[error("its issuer is not accepted")]
    Issuer,
    /// For somebody else.
    #[error("its audience is not accepted")]
    Audience,
    /// The claim that names the principal is missing.
    #[error("it names nobody")]
    Nameless,
}

/// A public key of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub id: Option<String>,
    /// The algorithm that it is for, when the provider says.
    algorithm: Option<String>,
    public: Public,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct RawKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// Reads a JSON Web Key Set (RFC 7517); keys of kinds that are not known are left out.
    ///
    /// # Errors
    /// It is no key set.
    pub fn read_set(json: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json)?;
        let keys = set.keys.into_iter();
        Ok(keys
            .filter_map(|key| Self::of(serde_json::from_value(key).ok()?))
            .collect())
    }

    fn of(raw: RawKey) -> Option<Self> {
        if raw
            .purpose
            .as_deref()
            .is_some_and(|purpose| purpose != "sig")
        {
            return None;
        }
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let point = |x: Option<String>, y: Option<String>, size: usize| {
            let (x, y) = (bytes(x)?, bytes(y)?);
            (x.len() == size && y.len() == size).then(|| [vec![4], x, y].concat())
        };
        let public = match (raw.kty.as_str(), raw.crv.as_deref()) {
            ("RSA", _) => Public::Rsa {
                n: bytes(raw.n)?,
                e: bytes(raw.e)?,
            },
            ("EC", Some("P-256")) => Public::P256(point(raw.x, raw.y, 32)?),
            ("EC", Some("P-384")) => Public::P384(point(raw.x, raw.y, 48)?),
            ("OKP", Some("Ed25519")) => Public::Ed25519(bytes(raw.x)?),
            _ => return None,
        };
        Some(Self {
            id: raw.kid,
            algorithm: raw.alg,
            public,
        })
    }

    fn verify(&self, algorithm: &str, signed: &[u8], proof: &[u8]) -> Result<(), TokenFault> {
        if self
            .algorithm
            .as_deref()
            .is_some_and(|own| own != algorithm)
        {
            return Err(TokenFault::Algorithm);
        }
        let elliptic = |kind: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(kind, key).verify(signed, proof)
        };
        let rsa = |kind: &'static signature::RsaParameters, n: &[u8], e: &[u8]| {
            RsaPublicKeyComponents { n, e }.verify(kind, signed, proof)
        };
        let verified = match (&self.public, algorithm) {
            (Public::Rsa { n, e }, "RS256") => rsa(&signature::RSA_PKCS1_2048_8192_SHA256, n, e),
            (Public::Rsa { n, e }, "RS384") => rsa(&signature::RSA_PKCS1_2048_8192_SHA384, n, e),
            (Public::Rsa { n, e }, "RS512") => rsa(&signature::RSA_PKCS1_2048_8192_SHA512, n, e),
            (Public::Rsa { n, e }, "PS256") => rsa(&signature::RSA_PSS_2048_8192_SHA256, n, e),
            (Public::Rsa { n, e }, "PS384") => rsa(&signature::RSA_PSS_2048_8192_SHA384, n, e),
            (Public::Rsa { n, e }, "PS512") => rsa(&signature::RSA_PSS_2048_8192_SHA512, n, e),
            (Public::P256(key), "ES256") => elliptic(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Public::P384(key), "ES384") => elliptic(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Public::Ed25519(key), "EdDSA") => elliptic(&signature::ED25519, key),
            _ => return Err(TokenFault::Algorithm),
        };
        verified.map_err(|_| TokenFault::Signature)
    }
}

/// A token taken apart, not yet believed.
pub struct Token<'t> {
    signed: &'t str,
    proof: Vec<u8>,
    claims: Map<String, Value>,
    algorithm: String,
    /// The name of the key that is said to have signed it.
    pub key: Option<String>,
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is malformed, or its algorithm is not one of `rules`.
    pub fn read(text: &'t str, rules: &TokenRules) -> Result<Self, TokenFault> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            kid: Option<String>,
            crit: Option<Value>,
        }
        if text.len() > MAX_TOKEN {
            return Err(TokenFault::Malformed);
        }
        let bytes = |text: &str| {
            URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| TokenFault::Malformed)
        };
        let (signed, proof) = text.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        let header: Header =
            serde_json::from_slice(&bytes(header)?).map_err(|_| TokenFault::Malformed)?;
        // Extensions that must be understood are not.
        if header.crit.is_some() {
            return Err(TokenFault::Malformed);
        }
        if !rules.algorithms.contains(&header.alg) {
            return Err(TokenFault::Algorithm);
        }
        Ok(Self {
            signed,
            proof: bytes(proof)?,
            claims: serde_json::from_slice(&bytes(claims)?).map_err(|_| TokenFault::Malformed)?,
            algorithm: header.alg,
            key: header.kid,
        })
    }

    /// Checks signature and claims; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// See [`TokenFault`].
    pub fn verify(&self, keys: &[Key], rules: &TokenRules, now: i64) -> Result<Claims, TokenFault> {
        let named = keys
            .iter()
            .filter(|key| self.key.is_none() || key.id == self.key);
        let mut verified = Err(TokenFault::UnknownKey);
        for key in named {
            verified = key.verify(&self.algorithm, self.signed.as_bytes(), &self.proof);
            if verified.is_ok() {
                break;
            }
        }
        verified?;
        self.check(rules, now)
    }

    fn check(&self, rules: &TokenRules, now: i64) -> Result<Claims, TokenFault> {
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        #[allow(clippy::cast_possible_truncation)]
        let time = |name: &str| {
            let value = self.claims.get(name)?;
            value.as_i64().or_else(|| value.as_f64().map(|n| n as i64))
        };
        if text("iss") != Some(rules.issuer.as_str()) {
            return Err(TokenFault::Issuer);
        }
        let audiences = list(self.claims.get("aud"), false);
        if !audiences.iter().any(|one| rules.audiences.contains(one)) {
            return Err(TokenFault::Audience);
        }
        let expires = time("exp").ok_or(TokenFault::Expired)?;
        if now >= expires.saturating_add(rules.skew) {
            return Err(TokenFault::Expired);
        }
        let starts = [time("nbf"), time("iat")];
        if starts
            .into_iter()
            .flatten()
            .any(|start| start > now.saturating_add(rules.skew))
        {
            return Err(TokenFault::Early);
        }
        let name = text(&rules.name_claim).filter(|name| !name.is_empty());
        Ok(Claims {
            name: name.ok_or(TokenFault::Nameless)?.to_owned(),
            roles: list(self.claims.get(&rules.roles_claim), true),
            expires,
        })
    }
}

/// A list, or one text (of words, as `scope` is).
fn list(value: Option<&Value>, words: bool) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(text)) if words => text.split(' ').map(str::to_owned).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
