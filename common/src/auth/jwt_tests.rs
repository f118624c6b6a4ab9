//! Tokens that are right, and every trick with one that is not.
#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;

struct Provider {
    pair: EcdsaKeyPair,
    keys: Vec<Key>,
}

fn provider() -> Provider {
    let random = SystemRandom::new();
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let set = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
         "x": encode(&point[1..33]), "y": encode(&point[33..])},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-256", "kid": "enc", "use": "enc",
         "x": encode(&point[1..33]), "y": encode(&point[33..])},
    ]});
    let keys = Key::read_set(set.to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), 1, "shared and encryption keys are left out");
    Provider { pair, keys }
}

fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://issuer.example".into(),
        audiences: vec!["rest".into()],
        algorithms: vec!["RS256".into(), "ES256".into()],
        name_claim: "sub".into(),
        roles_claim: "groups".into(),
        skew: 30,
    }
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "aud": ["other", "rest"], "sub": "alice",
        "groups": ["writers"], "exp": NOW + 60, "nbf": NOW - 60, "iat": NOW - 60})
}

impl Provider {
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let proof = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(proof.unwrap()))
    }

    fn check(&self, token: &str) -> Result<Claims, TokenFault> {
        Token::read(token, &rules())?.verify(&self.keys, &rules(), NOW)
    }

    fn with(&self, change: impl FnOnce(&mut Value)) -> Result<Claims, TokenFault> {
        let mut claims = claims();
        change(&mut claims);
        self.check(&self.sign(&json!({"alg": "ES256", "kid": "one"}), &claims))
    }
}

#[test]
fn a_right_token_names_its_principal() {
    let found = provider().with(|_| {}).unwrap();
    let alice = Claims {
        name: "alice".into(),
        roles: vec!["writers".into()],
        expires: NOW + 60,
    };
    assert_eq!(found, alice);
}

#[test]
fn claims_are_checked() {
    let provider = provider();
    let fault = |change: fn(&mut Value)| provider.with(change).unwrap_err();
    assert_eq!(fault(|c| c["exp"] = json!(NOW - 31)), TokenFault::Expired);
    assert_eq!(fault(|c| c["exp"] = json!("tomorrow")), TokenFault::Expired);
    assert_eq!(fault(|c| c["nbf"] = json!(NOW + 31)), TokenFault::Early);
    assert_eq!(fault(|c| c["iat"] = json!(NOW + 31)), TokenFault::Early);
    assert_eq!(
        fault(|c| c["iss"] = json!("https://evil")),
        TokenFault::Issuer
    );
    assert_eq!(fault(|c| c["aud"] = json!("else")), TokenFault::Audience);
    assert_eq!(fault(|c| c["aud"] = Value::Null), TokenFault::Audience);
    assert_eq!(fault(|c| c["sub"] = json!("")), TokenFault::Nameless);
    assert!(
        provider.with(|c| c["exp"] = json!(NOW - 29)).is_ok(),
        "skew"
    );
}

#[test]
fn tricks_with_the_algorithm() {
    let provider = provider();
    let fault = |header: Value| {
        let token = provider.sign(&header, &claims());
        provider.check(&token).unwrap_err()
    };
    for alg in ["none", "None", "HS256", "ES384", "es256", ""] {
        assert_eq!(
            fault(json!({"alg": alg, "kid": "one"})),
            TokenFault::Algorithm
        );
    }
    // The algorithm is one that is taken, but not with this key.
    assert_eq!(
        fault(json!({"alg": "RS256", "kid": "one"})),
        TokenFault::Algorithm
    );
    assert_eq!(
        fault(json!({"alg": "ES256", "kid": "two"})),
        TokenFault::UnknownKey
    );
    assert_eq!(
        fault(json!({"alg": "ES256", "kid": "one", "crit": ["exp"]})),
        TokenFault::Malformed
    );
}

#[test]
fn changed_and_broken_tokens() {
    let provider = provider();
    let token = provider.sign(&json!({"alg": "ES256", "kid": "one"}), &claims());
    assert!(provider.check(&token).is_ok());
    let (signed, proof) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let mut other = claims();
    other["sub"] = json!("root");
    let forged = URL_SAFE_NO_PAD.encode(other.to_string());
    let cases = [
        (format!("{header}.{forged}.{proof}"), TokenFault::Signature),
        (format!("{signed}."), TokenFault::Signature),
        (signed.to_owned(), TokenFault::Malformed),
        (format!("{token}="), TokenFault::Malformed),
        (String::new(), TokenFault::Malformed),
        ("a".repeat(20_000), TokenFault::Malformed),
    ];
    for (token, expected) in cases {
        assert_eq!(provider.check(&token).unwrap_err(), expected, "{token}");
    }
}
