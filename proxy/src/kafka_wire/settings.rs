//! The client settings that matter to a connection, read from the admin client's translated settings.

use std::time::Duration;

use sluiceway_common::kafka_config::KafkaConfig;
use sluiceway_common::secret::Secret;
use sluiceway_kafka_tokens::{Given, Login};

/// How to reach the brokers, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `host:port` of the first brokers to ask.
    pub(crate) bootstrap: Vec<String>,
    /// The name in requests.
    pub(crate) client_id: String,
    /// Limit on connecting, and on one answer.
    pub(crate) timeout: Duration,
    /// Connections to all brokers together that may be in use at once.
    pub(crate) connections: usize,
    /// Idle connections that are kept for each broker.
    pub(crate) kept: usize,
    /// Largest answer, in bytes.
    pub(crate) max_answer_bytes: usize,
    /// What to prove who one is with.
    pub(crate) sasl: Option<Sasl>,
    /// TLS, when it is to be used.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    pub(crate) tls: Option<TlsSettings>,
    /// Why the settings ask for something that this connection cannot do.
    pub(crate) impossible: Option<String>,
}

/// A SASL mechanism and what it needs.
#[derive(Clone)]
pub(crate) struct Sasl {
    /// Which.
    pub(crate) mechanism: Mechanism,
    /// Name of the principal.
    pub(crate) username: String,
    /// Never printed.
    pub(crate) password: String,
    /// Where OAUTHBEARER's tokens come from.
    pub(crate) login: Option<Login>,
}

impl std::fmt::Debug for Sasl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sasl")
            .field("mechanism", &self.mechanism)
            .finish_non_exhaustive()
    }
}

/// The mechanisms that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// User and password as they are.
    Plain,
    /// SCRAM (RFC 5802) with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
    /// Bearer tokens (RFC 7628): those of AWS IAM, of an identity provider, and unsecured ones.
    OauthBearer,
}

impl Mechanism {
    /// Its name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Plain,
            Self::ScramSha256,
            Self::ScramSha512,
            Self::OauthBearer,
        ];
        all.into_iter()
            .find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

/// Settings of TLS, in librdkafka's names.
#[derive(Clone, Default)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub(crate) struct TlsSettings {
    /// PEM file of the authorities that are trusted; the system's when there is none.
    pub(crate) ca_file: Option<String>,
    /// The same as text.
    pub(crate) ca_pem: Option<String>,
    /// PEM file of the client's certificate chain.
    pub(crate) certificate_file: Option<String>,
    /// The same as text.
    pub(crate) certificate_pem: Option<String>,
    /// PEM file of the client's key.
    pub(crate) key_file: Option<String>,
    /// The same as text.
    pub(crate) key_pem: Option<String>,
    /// Password of an encrypted key.
    pub(crate) key_password: Option<Secret>,
    /// Whether the broker's name is compared with its certificate.
    pub(crate) check_name: bool,
}

impl std::fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSettings").finish_non_exhaustive()
    }
}

/// Idle connections that are kept for each broker.
const KEPT: usize = 2;
/// Largest answer that is read, as librdkafka's `receive.message.max.bytes`.
const MAX_ANSWER_BYTES: usize = 100_000_000;

impl Settings {
    /// Reads the translated settings of the admin client; `token`: to log in with this one.
    pub(crate) fn read(
        config: &KafkaConfig,
        connections: usize,
        timeout: Duration,
        token: Option<Given>,
    ) -> Self {
        let get = |name: &str| {
            config
                .settings
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let protocol = get("security.protocol")
            .unwrap_or("plaintext")
            .to_ascii_lowercase();
        let mut impossible = None;
        let sasl = match protocol.starts_with("sasl") {
            true => sasl(config, &get, token)
                .map_err(|reason| impossible = Some(reason))
                .ok(),
            false => None,
        };
        let tls = protocol.ends_with("ssl").then(|| tls(&get));
        if tls.is_some() && !cfg!(feature = "tls") {
            impossible = Some("this build has no TLS".to_owned());
        }
        let mut max_answer_bytes = MAX_ANSWER_BYTES;
        if let Some(bytes) = get("receive.message.max.bytes").and_then(|text| text.parse().ok()) {
            max_answer_bytes = bytes;
        }
        Self {
            bootstrap: bootstrap(get("bootstrap.servers").unwrap_or_default()),
            client_id: get("client.id").unwrap_or("sluiceway-proxy").to_owned(),
            timeout,
            connections,
            kept: KEPT,
            max_answer_bytes,
            sasl,
            tls,
            impossible,
        }
    }
}

fn sasl<'a>(
    config: &KafkaConfig,
    get: &impl Fn(&str) -> Option<&'a str>,
    token: Option<Given>,
) -> Result<Sasl, String> {
    let name = get("sasl.mechanisms")
        .or_else(|| get("sasl.mechanism"))
        .unwrap_or("GSSAPI");
    let mechanism = match Mechanism::from_name(name) {
        Some(Mechanism::Plain) => Some(Mechanism::Plain),
        Some(Mechanism::OauthBearer) => {
            let unsecured = get("enable.sasl.oauthbearer.unsecure.jwt") == Some("true");
            let kept = config.iam.is_some() || config.oidc.is_some();
            (unsecured || kept || token.is_some()).then_some(Mechanism::OauthBearer)
        }
        Some(scram) if cfg!(feature = "tls") => Some(scram),
        _ => None,
    };
    let mechanism = mechanism.ok_or_else(|| {
        format!(
            "the v3 API's own connection to Kafka speaks PLAIN, SCRAM, AWS_MSK_IAM and OAUTHBEARER with \
             sasl.oauthbearer.token.endpoint.url or unsecured tokens, not {name} as sasl.mechanism asks for"
        )
    })?;
    let login = match (mechanism, token) {
        (Mechanism::OauthBearer, Some(token)) => Some(Login::Given(token)),
        (Mechanism::OauthBearer, None) => {
            let login = Login::parse(get("sasl.oauthbearer.config"));
            Some(login.map_err(|error| error.to_string())?)
        }
        _ => None,
    };
    Ok(Sasl {
        mechanism,
        login,
        username: get("sasl.username").unwrap_or_default().to_owned(),
        password: get("sasl.password").unwrap_or_default().to_owned(),
    })
}

fn tls<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> TlsSettings {
    let owned = |name: &str| get(name).map(str::to_owned);
    TlsSettings {
        ca_file: owned("ssl.ca.location"),
        ca_pem: owned("ssl.ca.pem"),
        certificate_file: owned("ssl.certificate.location"),
        certificate_pem: owned("ssl.certificate.pem"),
        key_file: owned("ssl.key.location"),
        key_pem: owned("ssl.key.pem"),
        key_password: get("ssl.key.password").map(Secret::new),
        check_name: get("ssl.endpoint.identification.algorithm") != Some("none"),
    }
}

/// `PLAINTEXT://a:1, b` → `a:1`, `b:9092`.
fn bootstrap(text: &str) -> Vec<String> {
    let address = |item: &str| {
        let address = item.rsplit("://").next().unwrap_or(item);
        match address.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => address.to_owned(),
            _ => format!("{address}:9092"),
        }
    };
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(address)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Settings {
        let mut config = KafkaConfig::default();
        for (name, value) in settings {
            config.force(name, *value);
        }
        Settings::read(&config, 4, Duration::from_secs(1), None)
    }

    #[test]
    fn addresses() {
        let settings = read(&[("bootstrap.servers", "PLAINTEXT://a:1, b ,[::1]:3")]);
        assert_eq!(settings.bootstrap, ["a:1", "b:9092", "[::1]:3"]);
        assert!(settings.sasl.is_none() && settings.tls.is_none() && settings.impossible.is_none());
    }

    #[test]
    fn mechanisms() {
        let with = |mechanism| {
            read(&[
                ("security.protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanisms", mechanism),
                ("sasl.username", "u"),
                ("sasl.password", "secret"),
            ])
        };
        let plain = with("PLAIN").sasl.unwrap();
        assert_eq!(plain.mechanism, Mechanism::Plain);
        assert!(!format!("{plain:?}").contains("secret"));
        assert!(with("GSSAPI").impossible.unwrap().contains("GSSAPI"));
        assert!(with("OAUTHBEARER").impossible.is_some());
        let unsecured = |config| {
            read(&[
                ("security.protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanisms", "OAUTHBEARER"),
                ("enable.sasl.oauthbearer.unsecure.jwt", "true"),
                ("sasl.oauthbearer.config", config),
            ])
        };
        assert!(unsecured("principal=admin").sasl.unwrap().login.is_some());
        let told = unsecured("scope=a").impossible.unwrap();
        assert!(told.contains("no principal"), "{told}");
    }
}
