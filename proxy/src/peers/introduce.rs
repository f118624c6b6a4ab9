//! What a replica tells another of a request that it passes on: how its client came, and who that is.
//!
//! ```text
//! Sluiceway-Caller: base64({"secure":true,"stage":"test","principal":{"name":"alice","roles":["writers"],"method":"BASIC"}})
//! ```
//!
//! It counts only together with the proof that a replica sent it ([`super::MARK`]); in other requests it is written over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::Peers;
use crate::auth::principal::{Method, Principal};
use crate::server::Peer;

const CALLER: HeaderName = HeaderName::from_static("sluiceway-caller");

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// Whether the client came by https.
    pub(crate) secure: bool,
    /// The stage in front of its path.
    pub(crate) stage: Option<String>,
    /// Who it is, when that has to be known.
    pub(crate) principal: Option<PassedPrincipal>,
}

/// A principal, but for its rights: each replica has the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PassedPrincipal {
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) method: Method,
}

impl Passed {
    /// What this replica knows of a request.
    pub(crate) fn of(peer: &Peer, principal: Option<&Principal>, stage: Option<&str>) -> Self {
        Self {
            secure: peer.client.secure,
            stage: stage.map(str::to_owned),
            principal: principal.map(|principal| PassedPrincipal {
                name: principal.name.to_string(),
                roles: principal.roles.clone(),
                method: principal.method,
            }),
        }
    }

    fn header(&self) -> Option<HeaderValue> {
        let json = serde_json::to_vec(self).ok()?;
        let mut value = HeaderValue::from_str(&STANDARD.encode(json)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// What another replica tells of a request; `None`: no replica sent it.
pub(crate) fn introduced(peers: &Peers, headers: &HeaderMap) -> Option<Passed> {
    if !peers.is_marked(headers) {
        return None;
    }
    let bytes = STANDARD.decode(headers.get(CALLER)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The same; and what a request of our own carries in case that it is passed on.
pub(crate) fn introduce(peers: &Peers, headers: &mut HeaderMap, own: Passed) -> Option<Passed> {
    let passed = introduced(peers, headers);
    if passed.is_none() {
        headers.remove(CALLER);
        if let Some(header) = own.header() {
            headers.insert(CALLER, header);
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_told_arrives() {
        let passed = Passed {
            secure: true,
            stage: Some("test".into()),
            principal: Some(PassedPrincipal {
                name: "CN=é".into(),
                roles: vec!["r".into()],
                method: Method::Mtls,
            }),
        };
        let header = passed.header().unwrap();
        assert!(header.is_sensitive());
        let bytes = STANDARD.decode(header).unwrap();
        assert_eq!(serde_json::from_slice::<Passed>(&bytes).unwrap(), passed);
    }
}
