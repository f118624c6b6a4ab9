//! `schema.registry.url` and what belongs to it.
//!
//! In: properties and a prefix (`value.converter.`, or none). Settings are found as `<prefix>schema.registry.<name>` and
//! as `<prefix><name>`, as in Confluent's client. Out: [`RegistryConfig`]. What fails: [`ConfigProblem`].

use std::time::Duration;

use http::Uri;
use sluiceway_common::props::Properties;
use sluiceway_common::secret::Secret;
use sluiceway_common::tls::settings::StoreSettings;
use thiserror::Error;

pub use auth::Auth;

mod auth;

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigProblem {
    /// `schema.registry.url` is not set. The text is that of Confluent's converters.
    #[error("Missing required configuration \"schema.registry.url\" which has no default value.")]
    MissingUrl,
    /// A value that cannot be used. The value itself is left out when it may hold a secret.
    #[error("Invalid value for configuration {key}: {reason}")]
    Invalid {
        /// The setting, with its prefix.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// One URL of a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Scheme, host and port, and path without a `/` at its end. No credentials.
    pub text: String,
    /// User and password that stood in the URL.
    pub user_info: Option<Secret>,
}

impl std::fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Trust and key stores (`schema.registry.ssl.*`), as files or as PEM text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsStores {
    /// `ssl.truststore.*`; `None`: the system's certificates are trusted.
    pub trust: Option<StoreSettings>,
    /// `ssl.keystore.*`: who asks.
    pub identity: Option<StoreSettings>,
    /// Where the settings stand: what is before `ssl.` in their names.
    pub prefix: String,
}

/// How a registry is reached, and what is kept of its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// URLs, tried in turn.
    pub urls: Vec<BaseUrl>,
    /// Who asks.
    pub auth: Auth,
    /// Trust and key stores.
    pub tls: TlsStores,
    /// `http.connect.timeout.ms`: longest time to connect to one URL.
    pub connect_timeout: Duration,
    /// `http.read.timeout.ms`: longest time from a request to the end of its answer, per URL.
    pub request_timeout: Duration,
    /// `max.schemas.per.subject`: schemas kept, by id and by subject alike.
    pub cache_size: usize,
    /// `missing.cache.size`: answers "not found" kept.
    pub missing_cache_size: usize,
    /// `missing.id.cache.ttl.sec`: how long "not found" is believed.
    pub missing_time_to_live: Duration,
    /// `latest.cache.ttl.sec`: how long the latest version of a subject is believed. Zero: asked every time. Java's own
    /// default, -1 for ever, is as if it were not set: what is registered meanwhile has to be seen.
    pub latest_time_to_live: Duration,
    /// Longest answer that is read, in bytes.
    pub max_answer: usize,
}

impl RegistryConfig {
    /// Settings for `url` (one or several, separated by commas), all others at their defaults.
    ///
    /// # Errors
    /// When a URL is none.
    pub fn new(url: &str) -> Result<Self, ConfigProblem> {
        let properties = Properties::from([("schema.registry.url".to_owned(), url.to_owned())]);
        Self::from_properties(&properties, "")
    }

    /// Reads the settings under `prefix`.
    ///
    /// # Errors
    /// [`ConfigProblem::MissingUrl`] without `schema.registry.url`; a value that cannot be used.
    pub fn from_properties(properties: &Properties, prefix: &str) -> Result<Self, ConfigProblem> {
        let settings = Settings { properties, prefix };
        let urls = urls(&settings)?;
        Ok(Self {
            auth: auth::read(&settings)?,
            tls: settings.tls(),
            urls,
            connect_timeout: settings.connect_timeout()?,
            request_timeout: settings.request_timeout()?,
            cache_size: settings.number("max.schemas.per.subject", 1000)? as usize,
            missing_cache_size: settings.number("missing.cache.size", 10_000)? as usize,
            missing_time_to_live: Duration::from_secs(
                settings.number("missing.id.cache.ttl.sec", 1)?,
            ),
            latest_time_to_live: Duration::from_secs(match settings.text(LATEST_TTL) {
                Some("-1") => 1,
                _ => settings.number(LATEST_TTL, 1)?,
            }),
            max_answer: 16 << 20,
        })
    }
}

const LATEST_TTL: &str = "latest.cache.ttl.sec";

/// Properties under a prefix.
struct Settings<'a> {
    properties: &'a Properties,
    prefix: &'a str,
}

impl Settings<'_> {
    /// The value of `name`, with or without `schema.registry.` before it. Blank is as if it were not set.
    fn text(&self, name: &str) -> Option<&str> {
        ["schema.registry.", ""]
            .iter()
            .filter_map(|space| {
                self.properties
                    .get(&format!("{}{space}{name}", self.prefix))
            })
            .map(|value| value.trim())
            .find(|value| !value.is_empty())
    }

    fn secret(&self, name: &str) -> Secret {
        Secret::new(self.text(name).unwrap_or_default())
    }

    fn invalid(&self, name: &str, reason: impl Into<String>) -> ConfigProblem {
        ConfigProblem::Invalid {
            key: format!("{}{name}", self.prefix),
            reason: reason.into(),
        }
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, ConfigProblem> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<u32>()
                .map(u64::from)
                .map_err(|_| self.invalid(name, format!("{text} is not a number from 0"))),
        }
    }

    fn millis(&self, name: &str, default: u64) -> Result<Duration, ConfigProblem> {
        match self.number(name, default)? {
            0 => Err(self.invalid(name, "a time-out must be at least 1 ms")),
            millis => Ok(Duration::from_millis(millis)),
        }
    }

    fn connect_timeout(&self) -> Result<Duration, ConfigProblem> {
        self.millis("http.connect.timeout.ms", 10_000)
    }

    fn request_timeout(&self) -> Result<Duration, ConfigProblem> {
        self.millis("http.read.timeout.ms", 10_000)
    }

    fn tls(&self) -> TlsStores {
        let text = |name: &str| self.text(name).map(str::to_owned);
        TlsStores {
            trust: StoreSettings::truststore(&text),
            identity: StoreSettings::keystore(&text),
            prefix: format!("{}schema.registry.", self.prefix),
        }
    }
}

fn urls(settings: &Settings<'_>) -> Result<Vec<BaseUrl>, ConfigProblem> {
    const KEY: &str = "schema.registry.url";
    let text = settings
        .properties
        .get(&format!("{}{KEY}", settings.prefix))
        .ok_or(ConfigProblem::MissingUrl)?;
    let urls: Vec<BaseUrl> = text
        .split(',')
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(|url| base_url(url).map_err(|reason| settings.invalid(KEY, reason)))
        .collect::<Result<_, _>>()?;
    if urls.is_empty() {
        return Err(ConfigProblem::MissingUrl);
    }
    Ok(urls)
}

/// Splits the credentials off; reasons never hold them.
fn base_url(url: &str) -> Result<BaseUrl, String> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or("a URL begins with http:// or https://")?;
    let host_end = rest.find('/').unwrap_or(rest.len());
    let (user_info, host) = match rest[..host_end].rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, &rest[..host_end]),
    };
    if !matches!(scheme, "http" | "https") {
        return Err("a URL begins with http:// or https://".to_owned());
    }
    if scheme == "https" && cfg!(not(feature = "tls")) {
        return Err("this program was built without TLS".to_owned());
    }
    if host.is_empty() || rest.contains(char::is_whitespace) {
        return Err("a URL has a host and no blanks".to_owned());
    }
    let text = format!("{scheme}://{host}{}", &rest[host_end..]);
    let text = text.trim_end_matches('/').to_owned();
    let uri: Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    if uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err("a URL has a host and no query".to_owned());
    }
    Ok(BaseUrl {
        text,
        user_info: user_info.map(|text| Secret::new(auth::percent_decode(text))),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn properties(entries: &[(&str, &str)]) -> Properties {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn urls_may_be_several_and_hold_credentials() {
        let config = RegistryConfig::new("http://u:p%40w@a:1/x/ , http://b:2").unwrap();
        assert_eq!(config.urls[0].text, "http://a:1/x");
        assert_eq!(config.urls[0].user_info.as_ref().unwrap().expose(), "u:p@w");
        assert_eq!(config.urls[1].text, "http://b:2");
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("p@w") && !shown.contains("p%40w"),
            "{shown}"
        );
    }

    #[test]
    fn settings_stand_under_their_prefix_with_and_without_the_registrys_name() {
        let given = properties(&[
            ("value.converter.schema.registry.url", "http://a:1"),
            ("value.converter.http.read.timeout.ms", "500"),
            ("value.converter.schema.registry.missing.cache.size", "7"),
            ("value.converter.latest.cache.ttl.sec", "-1"),
        ]);
        let config = RegistryConfig::from_properties(&given, "value.converter.").unwrap();
        assert_eq!(config.request_timeout, Duration::from_millis(500));
        assert_eq!(config.missing_cache_size, 7);
        assert_eq!(config.latest_time_to_live, Duration::from_secs(1));
        assert_eq!(
            RegistryConfig::from_properties(&given, "key.converter."),
            Err(ConfigProblem::MissingUrl)
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_without_secrets() {
        for url in [
            "ftp://u:secret@x",
            "u:secret@x",
            "http://u:secret@/",
            "http://u:secret@a b",
        ] {
            let problem = RegistryConfig::new(url).unwrap_err().to_string();
            assert!(problem.contains("schema.registry.url"), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
        for (key, value) in [("http.read.timeout.ms", "0"), ("missing.cache.size", "x")] {
            let given = properties(&[("schema.registry.url", "http://a"), (key, value)]);
            let problem = RegistryConfig::from_properties(&given, "").unwrap_err();
            assert!(problem.to_string().contains(key), "{problem}");
        }
    }
}
