//! Who sent a request that one worker passes on to another: `sluiceway.rest.workers.secret`.
//!
//! ```text
//! Sluiceway-Caller: base64({"name":"alice","roles":[],"method":"BASIC","at":1700000000,"body":"<SHA-256>"})
//! Sluiceway-Signature: base64(HMAC-SHA256(secret, method \n path?query \n Sluiceway-Caller))
//! ```
//!
//! The caller's own credentials stay with the worker that was asked, and one that came by certificate can be passed on at all.
//! In: a request and its sender. Out: headers; on the other side, the sender. What fails: a signature that is not one of the
//! workers', that is older than five minutes, or of another request: the request is then treated as anybody's.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sluiceway_common::auth::method::Method as Proof;
use sluiceway_common::secret::Secret;

use super::need::Principal;

/// Seconds for which a signature counts, and by which the workers' clocks may differ.
const VALID: u64 = 300;
pub(super) const CALLER: HeaderName = HeaderName::from_static("sluiceway-caller");
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("sluiceway-signature");

/// What a worker tells another of a request that it passes on. Rights are not among it: each worker has the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Introduced {
    pub(super) name: String,
    pub(super) roles: Vec<String>,
    pub(super) method: Proof,
    /// Seconds since 1970.
    at: u64,
    /// Of the body, in base64.
    body: String,
}

/// What a signature covers besides the headers.
pub(super) struct Signed<'a> {
    pub(super) method: &'a Method,
    /// Path and query.
    pub(super) target: &'a str,
}

impl Introduced {
    fn new(principal: &Principal, body: &[u8], at: u64) -> Self {
        Self {
            name: principal.name.to_string(),
            roles: principal.roles.clone(),
            method: principal.method,
            at,
            body: digest(body),
        }
    }

    /// Whether this is the body that was signed.
    pub(super) fn has_body(&self, body: &[u8]) -> bool {
        self.body == digest(body)
    }
}

/// The headers that introduce a caller; `None` where one of them cannot be written.
pub(super) fn introduce(
    secret: &Secret,
    signed: &Signed<'_>,
    principal: &Principal,
    body: &[u8],
) -> Option<[(HeaderName, HeaderValue); 2]> {
    introduce_at(secret, signed, &Introduced::new(principal, body, now()))
}

fn introduce_at(
    secret: &Secret,
    signed: &Signed<'_>,
    introduced: &Introduced,
) -> Option<[(HeaderName, HeaderValue); 2]> {
    let caller = STANDARD.encode(serde_json::to_vec(introduced).ok()?);
    let proof = mac(secret, signed, &caller)?.finalize().into_bytes();
    let mut proof = HeaderValue::try_from(STANDARD.encode(proof)).ok()?;
    proof.set_sensitive(true);
    let caller = HeaderValue::try_from(caller).ok()?;
    Some([(CALLER, caller), (SIGNATURE, proof)])
}

/// Whom another worker introduces; `None`: no worker sent this request.
pub(super) fn introduced(
    secret: &Secret,
    signed: &Signed<'_>,
    headers: &HeaderMap,
) -> Option<Introduced> {
    introduced_at(secret, signed, headers, now())
}

fn introduced_at(
    secret: &Secret,
    signed: &Signed<'_>,
    headers: &HeaderMap,
    now: u64,
) -> Option<Introduced> {
    let caller = headers.get(CALLER)?.to_str().ok()?;
    let proof = STANDARD.decode(headers.get(SIGNATURE)?).ok()?;
    // Takes the same time wherever the first difference is.
    mac(secret, signed, caller)?.verify_slice(&proof).ok()?;
    let introduced: Introduced = serde_json::from_slice(&STANDARD.decode(caller).ok()?).ok()?;
    (introduced.at.abs_diff(now) <= VALID).then_some(introduced)
}

fn mac(secret: &Secret, signed: &Signed<'_>, caller: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    for part in [signed.method.as_str(), "\n", signed.target, "\n", caller] {
        mac.update(part.as_bytes());
    }
    Some(mac)
}

fn digest(body: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(body))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::worker::Rights;

    const NOW: u64 = 1_800_000_000;

    fn signed(target: &str) -> Signed<'_> {
        Signed {
            method: &Method::PUT,
            target,
        }
    }

    #[test]
    fn only_what_a_worker_signed_counts() {
        let principal = Principal {
            name: "CN=é".into(),
            roles: vec!["ops".into()],
            method: Proof::Mtls,
            rights: Rights::All,
        };
        let secret = Secret::new("a-secret-of-the-workers");
        let told = Introduced::new(&principal, b"{}", NOW);
        let path = "/connectors/c/pause?forward=false";
        let headers = introduce_at(&secret, &signed(path), &told).unwrap();
        let headers: HeaderMap = headers.into_iter().collect();
        let read = |secret: &Secret, path: &str, headers: &HeaderMap, now: u64| {
            introduced_at(secret, &signed(path), headers, now)
        };
        let found = read(&secret, path, &headers, NOW + 299).unwrap();
        assert_eq!((&found, found.has_body(b"{}")), (&told, true));
        assert!(!found.has_body(b"{} "), "another body");
        assert!(read(&secret, path, &headers, NOW + 301).is_none(), "old");
        assert!(
            read(&secret, path, &headers, NOW - 301).is_none(),
            "of the future"
        );
        assert!(read(&secret, "/connectors/d/pause", &headers, NOW).is_none());
        assert!(read(&Secret::new("another"), path, &headers, NOW).is_none());
        assert!(read(&secret, path, &HeaderMap::new(), NOW).is_none());
        let mut other = headers.clone();
        let caller = Introduced {
            name: "root".into(),
            ..told
        };
        let caller = STANDARD.encode(serde_json::to_vec(&caller).unwrap());
        other.insert(CALLER, HeaderValue::try_from(caller).unwrap());
        assert!(read(&secret, path, &other, NOW).is_none(), "another name");
    }
}
