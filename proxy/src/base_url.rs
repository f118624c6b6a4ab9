//! The proxy's address as its clients see it: the beginning of every absolute URL in an answer.
//!
//! In: settings, and a request's headers. Out: `scheme://authority` and a path prefix, without a slash at the end. In
//! order: `sluiceway.public.url`; what a front server says in `Forwarded` or `X-Forwarded-*` (only if
//! `sluiceway.forwarded.headers.enable` says that there is one); `advertised.listeners`; `host.name`; the request's Host.

use http::header::{FORWARDED, HOST};
use http::{HeaderMap, Uri};
use sluiceway_common::listener::ListenerSpec;

/// Where absolute URLs begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlConfig {
    /// The whole beginning, whatever the request says.
    pub public_url: Option<String>,
    /// Whether `Forwarded` and `X-Forwarded-*` are believed.
    pub forwarded: bool,
    /// Scheme and authority of each of `advertised.listeners`.
    pub advertised: Vec<(String, String)>,
    /// `host.name`, perhaps empty.
    pub host_name: String,
    /// Scheme and port of each listener, and of `port` if there is none.
    pub ports: Vec<(String, u16)>,
}

impl UrlConfig {
    /// The settings of the listeners in use; `port` counts where there are none of a scheme.
    #[must_use]
    pub fn new(advertised: &[String], host_name: &str, listeners: &[ListenerSpec]) -> Self {
        let split = |text: &String| {
            let (scheme, rest) = text.trim().split_once("://")?;
            let authority = rest.split('/').next().filter(|rest| !rest.is_empty())?;
            Some((scheme.to_ascii_lowercase(), authority.to_owned()))
        };
        Self {
            advertised: advertised.iter().filter_map(split).collect(),
            host_name: host_name.to_owned(),
            ports: listeners
                .iter()
                .map(|spec| (spec.scheme.clone(), spec.port))
                .collect(),
            ..Self::default()
        }
    }
}

/// The beginning of absolute URLs in the answer to a request that came in by `scheme`.
#[must_use]
pub fn base_url(config: &UrlConfig, scheme: &str, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(url) = &config.public_url {
        return url.clone();
    }
    let own = || own_authority(config, scheme, uri, headers);
    let forwarded = if config.forwarded {
        Forwarded::read(headers)
    } else {
        Forwarded::default()
    };
    let Forwarded {
        proto,
        host,
        port,
        prefix,
    } = forwarded;
    let scheme = proto.as_deref().unwrap_or(scheme);
    let authority = match (host, port) {
        (Some(host), Some(port)) => format!("{}:{port}", without_port(&host)),
        (Some(host), None) => host,
        (None, Some(port)) => format!("{}:{port}", without_port(&own())),
        (None, None) => own(),
    };
    let authority = without_default_port(scheme, &authority);
    format!("{scheme}://{authority}{}", prefix.unwrap_or_default())
}

fn own_authority(config: &UrlConfig, scheme: &str, uri: &Uri, headers: &HeaderMap) -> String {
    let same = |(name, _): &&(String, String)| name == scheme;
    if let Some((_, authority)) = config.advertised.iter().find(same) {
        return authority.clone();
    }
    let ports = config.ports.iter().filter(|(name, _)| name == scheme);
    let port = ports.map(|(_, port)| *port).next_back();
    let asked = uri.authority().map(|authority| authority.as_str());
    let asked = asked.or_else(|| text(headers, HOST.as_str()));
    match (config.host_name.as_str(), asked) {
        ("", Some(asked)) => asked.to_owned(),
        // A client of HTTP/1.0 need not say whom it called.
        ("", None) => port.map_or_else(
            || "localhost".to_owned(),
            |port| format!("localhost:{port}"),
        ),
        (name, Some(asked)) if without_port(without_default_port(scheme, asked)) == asked => {
            name.to_owned()
        }
        (name, _) => port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")),
    }
}

/// What a front server says of the request it forwarded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Forwarded {
    proto: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    prefix: Option<String>,
}

impl Forwarded {
    /// RFC 7239's header first, then the customary ones. Of lists the first item counts: the outermost server.
    fn read(headers: &HeaderMap) -> Self {
        let first = |name: &str| {
            let item = text(headers, name)?.split(',').next()?.trim();
            (!item.is_empty()).then(|| item.to_owned())
        };
        let standard = first(FORWARDED.as_str()).unwrap_or_default();
        let parameter = |wanted: &str| {
            standard.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let value = value.trim().trim_matches('"');
                (name.trim().eq_ignore_ascii_case(wanted) && !value.is_empty())
                    .then(|| value.to_owned())
            })
        };
        let prefix = first("x-forwarded-prefix").or_else(|| first("x-forwarded-path"));
        let proto = parameter("proto").or_else(|| first("x-forwarded-proto"));
        Self {
            proto: proto
                .map(|proto| proto.to_ascii_lowercase())
                .filter(|proto| matches!(proto.as_str(), "http" | "https")),
            host: parameter("host").or_else(|| first("x-forwarded-host")),
            port: first("x-forwarded-port").and_then(|port| port.parse().ok()),
            prefix: prefix
                .map(|prefix| prefix.trim_matches('/').to_owned())
                .filter(|prefix| !prefix.is_empty())
                .map(|prefix| format!("/{prefix}")),
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// URLs name a port only when it is not the scheme's own.
fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let default = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(default).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    fn base(config: &UrlConfig, pairs: &[(&'static str, &str)]) -> String {
        base_url(
            config,
            "http",
            &Uri::from_static("/consumers/g"),
            &headers(pairs),
        )
    }

    #[test]
    fn the_host_that_was_asked() {
        let config = UrlConfig::default();
        for (host, expected) in [
            ("127.0.0.1:8082", "http://127.0.0.1:8082"),
            ("other.example:81", "http://other.example:81"),
            ("other.example:80", "http://other.example"),
            ("[::1]:8082", "http://[::1]:8082"),
            ("plain", "http://plain"),
        ] {
            let forwarded = [
                ("host", host),
                ("x-forwarded-host", "x"),
                ("forwarded", "host=y"),
            ];
            assert_eq!(base(&config, &forwarded), expected);
        }
        assert_eq!(base(&config, &[]), "http://localhost");
    }

    #[test]
    fn settings_go_before_the_host() {
        let listeners = [ListenerSpec::parse("http://0.0.0.0:8082").unwrap()];
        let named = UrlConfig::new(&[], "rest.example", &listeners);
        assert_eq!(base(&named, &[("host", "a:1")]), "http://rest.example:8082");
        assert_eq!(base(&named, &[("host", "a")]), "http://rest.example");
        let advertised = ["https://no:1".to_owned(), "http://yes:2/".to_owned()];
        let advertised = UrlConfig::new(&advertised, "rest.example", &listeners);
        assert_eq!(base(&advertised, &[("host", "a:1")]), "http://yes:2");
        let public = UrlConfig {
            public_url: Some("https://api.example/kafka".to_owned()),
            ..advertised
        };
        assert_eq!(
            base(&public, &[("host", "a:1")]),
            "https://api.example/kafka"
        );
    }

    #[test]
    fn a_front_server_is_believed_when_allowed() {
        let config = UrlConfig {
            forwarded: true,
            ..UrlConfig::default()
        };
        for (said, expected) in [
            (
                &[
                    ("x-forwarded-host", "p.example:9"),
                    ("x-forwarded-proto", "https"),
                ][..],
                "https://p.example:9",
            ),
            (
                &[(
                    "forwarded",
                    "for=1.2.3.4;Host=\"f.example\";proto=https, host=inner",
                )],
                "https://f.example",
            ),
            (
                &[
                    ("x-forwarded-host", "a, b"),
                    ("x-forwarded-prefix", "/kafka/"),
                ],
                "http://a/kafka",
            ),
            (
                &[("x-forwarded-proto", "https"), ("x-forwarded-port", "443")],
                "https://h",
            ),
            (&[("x-forwarded-proto", "gopher")], "http://h:1"),
        ] {
            let mut all = vec![("host", "h:1")];
            all.extend_from_slice(said);
            assert_eq!(base(&config, &all), expected, "{said:?}");
        }
    }
}
