//! `sluiceway.peers…` → checked settings.
//!
//! In: parsed values. Out: [`PeersConfig`], or `None` when there are no peers. What fails: peers without a secret, or a
//! secret without peers.

use std::time::Duration;

use http::HeaderValue;
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};

/// Characters that the secret must have.
pub(crate) const MIN_SECRET: usize = 16;

const SECRET: &str = "sluiceway.peers.secret";

/// How this replica finds the others and speaks with them.
#[derive(Debug, Clone)]
pub struct PeersConfig {
    /// Hosts and ports.
    pub(crate) places: Vec<(String, u16)>,
    /// The secret, as a header that is not shown.
    pub(crate) mark: HeaderValue,
    /// The topic of claims.
    pub(crate) topic: String,
    /// Its copies; `None`: the broker's default.
    pub(crate) replication_factor: Option<i16>,
    /// Between two look-ups of names.
    pub(crate) refresh: Duration,
    /// Between two probes.
    pub(crate) probe_interval: Duration,
    /// For the answer to a probe.
    pub(crate) probe_timeout: Duration,
    /// Failed probes that make a replica count as dead.
    pub(crate) probe_failures: u32,
    /// For a connection.
    pub(crate) connect_timeout: Duration,
    /// For the beginning of an answer.
    pub(crate) response_timeout: Duration,
    /// For an instance to move.
    pub(crate) takeover_timeout: Duration,
}

impl PeersConfig {
    /// Reads the settings.
    pub(crate) fn read(values: &Values, errors: &mut ConfigErrors) -> Option<Self> {
        let places = values.list("sluiceway.peers");
        let secret = values.secret(SECRET).filter(|secret| !secret.is_empty());
        if places.is_empty() {
            return None;
        }
        let Some(secret) = secret else {
            let reason =
                "it must be set together with sluiceway.peers, to the same text in all replicas";
            errors.0.push(ConfigError::other(SECRET, reason));
            return None;
        };
        // Checked with the key.
        let mut mark = HeaderValue::from_str(secret.expose()).ok()?;
        mark.set_sensitive(true);
        let millis = |name: &str| {
            let name = format!("sluiceway.peers.{name}.ms");
            values.millis(&name).unwrap_or_default()
        };
        let factor = values.number("sluiceway.peers.topic.replication.factor");
        Some(Self {
            places: places
                .iter()
                .filter_map(|place| parse_place(place).ok())
                .collect(),
            mark,
            topic: values.text("sluiceway.peers.topic").to_owned(),
            replication_factor: i16::try_from(factor).ok().filter(|factor| *factor > 0),
            refresh: millis("refresh"),
            probe_interval: millis("probe.interval"),
            probe_timeout: millis("probe.timeout"),
            probe_failures: u32::try_from(values.size("sluiceway.peers.probe.failures"))
                .unwrap_or(u32::MAX),
            connect_timeout: millis("connect.timeout"),
            response_timeout: millis("response.timeout"),
            takeover_timeout: millis("takeover.timeout"),
        })
    }
}

/// Reads `host:port`, with or without `http://`.
///
/// # Errors
/// Another scheme, no port, no host: what is wrong.
pub(crate) fn parse_place(text: &str) -> Result<(String, u16), String> {
    let text = text.trim();
    let authority = match text.split_once("://") {
        Some(("http", rest)) => rest.trim_end_matches('/'),
        Some((scheme, _)) => {
            return Err(format!(
                "replicas speak http with one another, not {scheme}"
            ));
        }
        None => text,
    };
    let malformed = || format!("\"{text}\" is not host:port");
    let (host, port) = authority.rsplit_once(':').ok_or_else(malformed)?;
    let port = port.parse().map_err(|_| malformed())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(['/', ' ']) || port == 0 {
        return Err(malformed());
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = |host: &str, port| Ok((host.to_owned(), port));
        assert_eq!(parse_place("a:1"), place("a", 1));
        assert_eq!(parse_place(" http://a.b:8082/ "), place("a.b", 8082));
        assert_eq!(parse_place("[::1]:8082"), place("::1", 8082));
        for bad in [
            "",
            "a",
            "a:",
            ":1",
            "a:0",
            "a:70000",
            "https://a:1",
            "a b:1",
        ] {
            assert!(parse_place(bad).is_err(), "{bad}");
        }
    }
}
