//! The settings of traces, which both programs have.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use crate::config_def::{ConfigError, ConfigErrors, Key, Kind, Values};
use crate::secret::Secret;

const ENDPOINT: &str = "sluiceway.trace.otlp.endpoint";
const HEADERS: &str = "sluiceway.trace.otlp.headers";
const TIMEOUT: &str = "sluiceway.trace.otlp.timeout.ms";
const RATIO: &str = "sluiceway.trace.sampling.ratio";
const SERVICE: &str = "sluiceway.trace.service.name";
const QUEUE: &str = "sluiceway.trace.queue.max";

/// The path of traces in OTLP over HTTP.
const PATH: &str = "/v1/traces";

/// Where spans go, and which.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceConfig {
    /// The collector's URL, path included; empty: there are no spans.
    pub endpoint: String,
    /// Headers of each request to it, e.g. a key.
    pub headers: Vec<(String, Secret)>,
    /// How long a request may take, repetitions included.
    pub timeout: Duration,
    /// Part of the traces that begin here, from 0 to 1.
    pub ratio: f64,
    /// What the spans' service is called; empty: as the program.
    pub service: String,
    /// Spans that may wait for the collector; further ones are dropped.
    pub queue: usize,
}

impl TraceConfig {
    /// The keys.
    #[must_use]
    pub fn keys() -> Vec<Key> {
        vec![
            Key::with(ENDPOINT, Kind::String, "", "Collector that takes spans by OTLP over HTTP (protobuf), e.g. `http://collector:4318`; `/v1/traces` is added to a URL without a path. Empty: no spans are made."),
            Key::with(HEADERS, Kind::Password, "", "Headers of each request to the collector: `name=value`, with commas between them."),
            Key::with(TIMEOUT, Kind::Int, "10000", "Milliseconds that spans may take to the collector, repetitions included; then they are dropped and counted.").between(100, 600_000),
            Key::with(RATIO, Kind::Double, "1.0", "Part of the traces that begin here that is recorded, from 0 to 1. A caller's decision (the flags of `traceparent`) is kept.").check(is_part),
            Key::with(SERVICE, Kind::String, "", "`service.name` of the spans; empty: the program's name. `OTEL_RESOURCE_ATTRIBUTES` in the environment adds others."),
            Key::with(QUEUE, Kind::Int, "2048", "Spans that may wait for the collector; further ones are dropped and counted.").between(1, 1_000_000),
        ]
    }

    /// Reads them.
    #[must_use]
    pub fn read(values: &Values, errors: &mut ConfigErrors) -> Self {
        let endpoint = values.text(ENDPOINT);
        let endpoint = url(endpoint).unwrap_or_else(|reason| {
            errors
                .0
                .push(ConfigError::invalid(ENDPOINT, endpoint, reason));
            String::new()
        });
        let text = values.secret(HEADERS).map_or("", Secret::expose);
        let headers = headers(text).unwrap_or_else(|reason| {
            errors.0.push(ConfigError::other(HEADERS, reason));
            Vec::new()
        });
        Self {
            endpoint,
            headers,
            timeout: values.millis(TIMEOUT).unwrap_or_default(),
            ratio: values.double(RATIO),
            service: values.text(SERVICE).trim().to_owned(),
            queue: values.size(QUEUE),
        }
    }
}

fn is_part(text: &str) -> Result<(), String> {
    let part = text
        .trim()
        .parse::<f64>()
        .is_ok_and(|part| (0.0..=1.0).contains(&part));
    part.then_some(())
        .ok_or_else(|| "it must be from 0 to 1".to_owned())
}

/// The URL with its path.
fn url(text: &str) -> Result<String, &'static str> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(String::new());
    }
    let uri: Uri = text.parse().map_err(|_| "it is no URL")?;
    let secured = uri.scheme_str() == Some("https");
    if uri.host().is_none() || !(secured || uri.scheme_str() == Some("http")) {
        return Err("it must be http:// or https:// and a host");
    }
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err("credentials belong into sluiceway.trace.otlp.headers");
    }
    Ok(match uri.path() {
        "" | "/" => format!("{text}{PATH}"),
        _ => text.to_owned(),
    })
}

/// `name=value,…`; the value is never part of an error.
fn headers(text: &str) -> Result<Vec<(String, Secret)>, String> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or("a header is name=value")?;
            let (name, value) = (name.trim(), value.trim());
            HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))?;
            HeaderValue::try_from(value)
                .map_err(|_| format!("the value of {name} is none of a header"))?;
            Ok((name.to_owned(), Secret::new(value)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_gets_the_protocols() {
        for (given, wanted) in [
            ("", Ok("")),
            ("http://c:4318", Ok("http://c:4318/v1/traces")),
            ("https://c/", Ok("https://c/v1/traces")),
            ("http://c/otlp/v1/traces", Ok("http://c/otlp/v1/traces")),
            ("c:4318", Err("it must be http:// or https:// and a host")),
            (
                "grpc://c:4317",
                Err("it must be http:// or https:// and a host"),
            ),
            (
                "http://u:p@c",
                Err("credentials belong into sluiceway.trace.otlp.headers"),
            ),
            ("http://c c", Err("it is no URL")),
        ] {
            assert_eq!(
                url(given).as_deref().map_err(|reason| *reason),
                wanted,
                "{given}"
            );
        }
    }

    #[test]
    fn headers_are_pairs_and_their_values_secret() {
        let read = headers("x-key = planted=1 , b=2,").unwrap_or_default();
        let shown: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        assert_eq!(shown, [("x-key", "planted=1"), ("b", "2")]);
        assert!(!format!("{read:?}").contains("planted"));
        for wrong in ["x", "x y=planted", "x=planted\u{7}"] {
            let error = headers(wrong).err().unwrap_or_default();
            assert!(
                !error.is_empty() && !error.contains("planted"),
                "{wrong:?}: {error}"
            );
        }
    }
}
