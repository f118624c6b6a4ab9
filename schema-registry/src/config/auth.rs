//! Who asks: `basic.auth.*` and `bearer.auth.*`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use sluiceway_common::jaas::JaasConfig;
use sluiceway_common::kafka_config::OidcSettings;
use sluiceway_common::secret::Secret;

use super::{BaseUrl, ConfigProblem, Settings};

/// What goes into the header `Authorization`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// What the URL holds, if it holds something (`basic.auth.credentials.source=URL`).
    #[default]
    Url,
    /// `user:password` (`USER_INFO`, `SASL_INHERIT`).
    Basic(Secret),
    /// A token (`bearer.auth.credentials.source`).
    Bearer(Bearer),
}

/// A token and for what it is shown: Confluent Cloud wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    token: TokenSource,
    /// `bearer.auth.logical.cluster`, sent as `target-sr-cluster`.
    logical_cluster: Option<HeaderValue>,
    /// `bearer.auth.identity.pool.id`, sent as `Confluent-Identity-Pool-Id`.
    identity_pool: Option<HeaderValue>,
}

/// Where a token is from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TokenSource {
    /// It was given (`STATIC_TOKEN`).
    Given(Secret),
    /// An identity provider gives it (`OAUTHBEARER`).
    Provider(Arc<OidcSettings>, Duration),
}

impl Auth {
    /// The identity provider that gives tokens, and how long before its end a token is not used any more.
    pub(crate) fn provider(&self) -> Option<(&Arc<OidcSettings>, Duration)> {
        match self {
            Self::Bearer(Bearer {
                token: TokenSource::Provider(settings, margin),
                ..
            }) => Some((settings, *margin)),
            _ => None,
        }
    }

    /// Adds what a request to `url` says of who asks; `token` is the identity provider's.
    pub(crate) fn add_to(&self, url: &BaseUrl, token: Option<&Secret>, headers: &mut HeaderMap) {
        if let Some(value) = self.header(url, token) {
            headers.insert(AUTHORIZATION, value);
        }
        let Self::Bearer(bearer) = self else {
            return;
        };
        for (name, value) in [
            ("target-sr-cluster", &bearer.logical_cluster),
            ("confluent-identity-pool-id", &bearer.identity_pool),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }

    /// The header `Authorization` for `url`; `None` when nothing is to be sent.
    fn header(&self, url: &BaseUrl, token: Option<&Secret>) -> Option<HeaderValue> {
        let text = match self {
            Self::Url => basic(url.user_info.as_ref()?),
            Self::Basic(user_info) => basic(user_info),
            Self::Bearer(bearer) => {
                let token = match &bearer.token {
                    TokenSource::Given(token) => token,
                    TokenSource::Provider(..) => token?,
                };
                format!("Bearer {}", token.expose())
            }
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn basic(user_info: &Secret) -> String {
    format!("Basic {}", STANDARD.encode(user_info.expose()))
}

pub(super) fn read(settings: &Settings<'_>) -> Result<Auth, ConfigProblem> {
    const BEARER: &str = "bearer.auth.credentials.source";
    const BASIC: &str = "basic.auth.credentials.source";
    if let Some(source) = settings.text(BEARER) {
        if settings.text(BASIC).is_some() {
            return Err(
                settings.invalid(BEARER, format!("only one of it and {BASIC} may be given"))
            );
        }
        let token = match source {
            "STATIC_TOKEN" => given(settings),
            "OAUTHBEARER" => provider(settings),
            other => {
                let reason = format!("{other} is not supported; STATIC_TOKEN and OAUTHBEARER are");
                Err(settings.invalid(BEARER, reason))
            }
        };
        return bearer(settings, token?);
    }
    match settings.text(BASIC).unwrap_or("URL") {
        "URL" => Ok(Auth::Url),
        "USER_INFO" => user_info(settings),
        "SASL_INHERIT" => inherited(settings),
        other => Err(settings.invalid(
            BASIC,
            format!("{other} is none of URL, USER_INFO, SASL_INHERIT"),
        )),
    }
}

fn bearer(settings: &Settings<'_>, token: TokenSource) -> Result<Auth, ConfigProblem> {
    Ok(Auth::Bearer(Bearer {
        token,
        logical_cluster: sent_as_it_is(settings, "bearer.auth.logical.cluster")?,
        identity_pool: sent_as_it_is(settings, "bearer.auth.identity.pool.id")?,
    }))
}

fn given(settings: &Settings<'_>) -> Result<TokenSource, ConfigProblem> {
    const TOKEN: &str = "bearer.auth.token";
    let token = settings.secret(TOKEN);
    let sendable = HeaderValue::from_str(token.expose()).is_ok();
    if token.is_empty() || !sendable {
        return Err(settings.invalid(TOKEN, "a token of visible characters must be given"));
    }
    Ok(TokenSource::Given(token))
}

/// OAuth's client credentials grant. The provider is reached as the registry is: its trust store, its time-outs.
fn provider(settings: &Settings<'_>) -> Result<TokenSource, ConfigProblem> {
    const ENDPOINT: &str = "bearer.auth.issuer.endpoint.url";
    let needed = |name: &str| {
        let value = settings.text(name).map(str::to_owned);
        value.ok_or_else(|| settings.invalid(name, "OAUTHBEARER needs it"))
    };
    let endpoint = needed(ENDPOINT)?;
    if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
        return Err(settings.invalid(ENDPOINT, "a URL begins with http:// or https://"));
    }
    let oidc = OidcSettings {
        endpoint,
        client_id: needed("bearer.auth.client.id")?,
        client_secret: Secret::new(needed("bearer.auth.client.secret")?),
        scope: settings.text("bearer.auth.scope").map(str::to_owned),
        encode_header: false,
        trust: settings.tls().trust,
        connect_timeout: settings.connect_timeout()?,
        read_timeout: settings.request_timeout()?,
    };
    let margin = settings.number("bearer.auth.cache.expiry.buffer.seconds", 300)?;
    Ok(TokenSource::Provider(
        Arc::new(oidc),
        Duration::from_secs(margin),
    ))
}

/// A value that goes into a header of its own.
fn sent_as_it_is(
    settings: &Settings<'_>,
    name: &str,
) -> Result<Option<HeaderValue>, ConfigProblem> {
    let value = settings.text(name).map(HeaderValue::from_str).transpose();
    value.map_err(|_| settings.invalid(name, "it must be of visible characters"))
}

fn user_info(settings: &Settings<'_>) -> Result<Auth, ConfigProblem> {
    const USER_INFO: &str = "basic.auth.user.info";
    let secret = settings.secret(USER_INFO);
    if !secret.expose().contains(':') {
        return Err(settings.invalid(USER_INFO, "user:password must be given"));
    }
    Ok(Auth::Basic(secret))
}

fn inherited(settings: &Settings<'_>) -> Result<Auth, ConfigProblem> {
    const JAAS: &str = "sasl.jaas.config";
    let login = settings
        .text(JAAS)
        .and_then(|text| JaasConfig::parse(text).ok())
        .and_then(|login| {
            let user = login.options.get("username")?;
            let password = login.options.get("password")?;
            Some(format!("{}:{}", user.expose(), password.expose()))
        });
    match login {
        Some(user_info) => Ok(Auth::Basic(Secret::new(user_info))),
        None => Err(settings.invalid(JAAS, "SASL_INHERIT needs a user name and a password in it")),
    }
}

/// `%40` → `@`; what is no escape stays as it is.
pub(super) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match digits {
            Some(code) if *byte == b'%' => {
                out.push(code);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::RegistryConfig;
    use sluiceway_common::props::Properties;

    fn header(entries: &[(&str, &str)]) -> Result<String, ConfigProblem> {
        let mut properties: Properties = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        properties
            .entry("schema.registry.url".to_owned())
            .or_insert_with(|| "http://a".to_owned());
        let config = RegistryConfig::from_properties(&properties, "")?;
        let header = config.auth.header(&config.urls[0], None);
        Ok(header.map_or(String::new(), |value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn credentials_of_every_source() {
        let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"p\";";
        for (entries, expected) in [
            (&[][..], ""),
            (&[("schema.registry.url", "http://u:p@a")], "Basic dTpw"),
            (
                &[
                    ("basic.auth.credentials.source", "USER_INFO"),
                    ("schema.registry.basic.auth.user.info", "u:p"),
                ],
                "Basic dTpw",
            ),
            (
                &[
                    ("basic.auth.credentials.source", "SASL_INHERIT"),
                    ("sasl.jaas.config", jaas),
                ],
                "Basic dTpw",
            ),
            (
                &[
                    ("bearer.auth.credentials.source", "STATIC_TOKEN"),
                    ("bearer.auth.token", "t0"),
                ],
                "Bearer t0",
            ),
        ] {
            assert_eq!(header(entries).unwrap(), expected, "{entries:?}");
        }
    }

    #[test]
    fn a_token_is_shown_for_a_cluster_and_an_identity_pool() {
        let properties = Properties::from(
            [
                ("schema.registry.url", "http://a"),
                ("bearer.auth.credentials.source", "STATIC_TOKEN"),
                ("bearer.auth.token", "t0"),
                ("bearer.auth.logical.cluster", "lsrc-1"),
                ("bearer.auth.identity.pool.id", "pool-2"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let config = RegistryConfig::from_properties(&properties, "").unwrap();
        let mut headers = HeaderMap::new();
        config.auth.add_to(&config.urls[0], None, &mut headers);
        assert_eq!(headers["authorization"], "Bearer t0");
        assert_eq!(headers["target-sr-cluster"], "lsrc-1");
        assert_eq!(headers["confluent-identity-pool-id"], "pool-2");
    }

    #[test]
    fn sources_that_lack_something_are_refused() {
        for entries in [
            &[("basic.auth.credentials.source", "USER_INFO")][..],
            &[("basic.auth.credentials.source", "SASL_INHERIT")],
            &[("basic.auth.credentials.source", "x")],
            &[("bearer.auth.credentials.source", "STATIC_TOKEN")],
            &[("bearer.auth.credentials.source", "OAUTHBEARER")],
            &[
                ("bearer.auth.credentials.source", "STATIC_TOKEN"),
                ("bearer.auth.token", "t"),
                ("basic.auth.credentials.source", "URL"),
            ],
        ] {
            assert!(header(entries).is_err(), "{entries:?}");
        }
    }
}
