//! OAUTHBEARER with tokens of an identity provider (OIDC client credentials), or of a file.
//!
//! In: `sasl.oauthbearer.token.endpoint.url`, and `clientId`, `clientSecret`, `scope` of the `OAuthBearerLoginModule` in
//! `sasl.jaas.config`. Out: [`OidcSettings`]. As with AWS IAM, librdkafka is told by the text of `sasl.oauthbearer.config`, which
//! it hands back when it wants a token; but it prints that text in its debug output, so the text only names a place in a list
//! of this process, where the settings lie with their secret. What fails: settings that cannot work, under their key.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;

use super::KafkaConfig;
use crate::config_def::{ConfigError, ConfigErrors};
use crate::jaas::JaasConfig;
use crate::props::Properties;
use crate::secret::Secret;
use crate::tls::settings::StoreSettings;

/// Where tokens come from: `http:`, `https:` or `file:`.
pub(super) const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
/// The class of Kafka's own library that asks there.
pub(super) const HANDLER: &str = "OAuthBearerLoginCallbackHandler";

/// Why such a setting has no effect with another way to log in.
pub(super) const UNUSED: &str =
    "only sasl.mechanism=OAUTHBEARER with sasl.oauthbearer.token.endpoint.url uses it";

const JAAS: &str = "sasl.jaas.config";
const LINE: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"<id>\" \
                    clientSecret=\"<secret>\" scope=\"<scope>\";";
/// What librdkafka is told begins so.
const TEXT: &str = "oidc-settings=";
/// Settings that are remembered; those that were not asked for longest are forgotten. A program has a few; each changed
/// secret of a connector's override adds one.
const REMEMBERED: usize = 1000;
/// Java's `sasl.login.connect.timeout.ms` and `sasl.login.read.timeout.ms` have no default: no limit. Here there is one.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Who asks which identity provider for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// `https://…/token`, or `file:///…` of a file that holds a token.
    pub endpoint: String,
    /// The name at the provider.
    pub client_id: String,
    /// The password at the provider.
    pub client_secret: Secret,
    /// What the token is to be good for.
    pub scope: Option<String>,
    /// Whether name and password are percent-encoded in the header (RFC 6749), which Java does on request only.
    pub encode_header: bool,
    /// Whom to trust as the provider; `None`: the system's authorities.
    pub trust: Option<StoreSettings>,
    /// Limit on connecting.
    pub connect_timeout: Duration,
    /// Limit on the answer, once connected.
    pub read_timeout: Duration,
}

/// Settings by their numbers.
#[derive(Default)]
struct Known {
    /// The last one was asked for last.
    list: VecDeque<(u64, Arc<OidcSettings>)>,
    /// No number is given twice.
    next: u64,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

impl OidcSettings {
    /// The text by which librdkafka is told; the settings are remembered under it.
    #[must_use]
    pub fn to_text(self: &Arc<Self>) -> String {
        let mut known = KNOWN.lock();
        if let Some((number, _)) = known.list.iter().find(|(_, settings)| settings == self) {
            return format!("{TEXT}{number}");
        }
        let number = known.next;
        known.next += 1;
        known.list.push_back((number, Arc::clone(self)));
        if known.list.len() > REMEMBERED {
            known.list.pop_front();
        }
        format!("{TEXT}{number}")
    }

    /// The settings that are remembered under that text; `None` when it is none, or they are forgotten.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Arc<Self>> {
        let number: u64 = text.strip_prefix(TEXT)?.parse().ok()?;
        let mut known = KNOWN.lock();
        let place = known.list.iter().position(|(one, _)| *one == number)?;
        let entry = known.list.remove(place)?;
        let settings = Arc::clone(&entry.1);
        known.list.push_back(entry);
        Some(settings)
    }

    /// The file that holds the token, when it is one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        let rest = self.endpoint.strip_prefix("file:")?;
        Some(rest.strip_prefix("//").unwrap_or(rest))
    }

    fn read(java: &Properties, jaas: Option<&JaasConfig>, errors: &mut ConfigErrors) -> Self {
        let option = |name: &str| {
            let value = jaas.and_then(|jaas| jaas.option(name)).map(str::trim);
            value.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let setting = |key: &str| {
            let value = java.get(key).map(|text| text.trim());
            value.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let either = |name: &str, keys: &[&str]| {
            option(name).or_else(|| keys.iter().find_map(|key| setting(key)))
        };
        let mut millis = |key: &str| match setting(key).map(|text| text.parse::<u32>()) {
            None => TIMEOUT,
            Some(Ok(millis @ 1..)) => Duration::from_millis(millis.into()),
            Some(_) => {
                let found = setting(key).unwrap_or_default();
                let reason = "write milliseconds, at least 1";
                errors.0.push(ConfigError::invalid(key, &found, reason));
                TIMEOUT
            }
        };
        let (connect_timeout, read_timeout) = (
            millis("sasl.login.connect.timeout.ms"),
            millis("sasl.login.read.timeout.ms"),
        );
        let id_keys = [
            "sasl.oauthbearer.client.credentials.client.id",
            "sasl.oauthbearer.client.id",
        ];
        let secret_keys = [
            "sasl.oauthbearer.client.credentials.client.secret",
            "sasl.oauthbearer.client.secret",
        ];
        let secret = either("clientSecret", &secret_keys);
        Self {
            endpoint: setting(ENDPOINT).unwrap_or_default(),
            client_id: either("clientId", &id_keys).unwrap_or_default(),
            client_secret: Secret::new(secret.unwrap_or_default()),
            scope: either("scope", &["sasl.oauthbearer.scope"]),
            encode_header: setting("sasl.oauthbearer.header.urlencode").as_deref() == Some("true"),
            trust: StoreSettings::truststore(&option),
            connect_timeout,
            read_timeout,
        }
    }

    fn check(&self, errors: &mut ConfigErrors) {
        let mut wrong = |key: &str, reason: String| {
            errors.0.push(ConfigError::other(key, reason));
        };
        let host = |scheme: &str| {
            let rest = self.endpoint.strip_prefix(scheme)?;
            Some(!rest.is_empty() && !rest.starts_with(['/', ':', '?']))
        };
        let fits = match self.file() {
            Some(path) => path.starts_with('/'),
            None => host("https://").or_else(|| host("http://")) == Some(true),
        };
        if !fits {
            wrong(
                ENDPOINT,
                format!(
                    "{ENDPOINT} is \"{}\"; write https://<host>/<path of the token endpoint>, or file:///<path of a token>",
                    self.endpoint
                ),
            );
        }
        if self.file().is_none() && (self.client_id.is_empty() || self.client_secret.is_empty()) {
            wrong(
                JAAS,
                format!("{JAAS}: {ENDPOINT} needs clientId and clientSecret; write {LINE}"),
            );
        }
    }
}

/// Whether `key` is one of a client that asks an identity provider.
pub(super) fn owns(key: &str) -> bool {
    matches!(
        key,
        ENDPOINT
            | "sasl.oauthbearer.method"
            | "sasl.oauthbearer.client.id"
            | "sasl.oauthbearer.client.secret"
            | "sasl.oauthbearer.client.credentials.client.id"
            | "sasl.oauthbearer.client.credentials.client.secret"
            | "sasl.oauthbearer.scope"
            | "sasl.oauthbearer.header.urlencode"
            | "sasl.login.connect.timeout.ms"
            | "sasl.login.read.timeout.ms"
    )
}

/// Translates the settings of a client that logs in so.
pub(super) fn translate(
    java: &Properties,
    jaas: Option<&JaasConfig>,
    out: &mut KafkaConfig,
    errors: &mut ConfigErrors,
) {
    if let Some(jaas) = jaas {
        if jaas.module_name() != "OAuthBearerLoginModule" {
            errors.0.push(ConfigError::other(
                JAAS,
                format!(
                    "{JAAS}: {} does not go with {ENDPOINT}; write {LINE}",
                    jaas.module_name()
                ),
            ));
        }
        for name in jaas.options.keys() {
            let known = ["clientId", "clientSecret", "scope"].contains(&&**name)
                || name.starts_with("ssl.truststore.");
            if !known {
                out.drop_key(
                    &format!("{JAAS} {name}"),
                    "clientId, clientSecret, scope and ssl.truststore.* are honoured here",
                );
            }
        }
    }
    if java
        .get("enable.sasl.oauthbearer.unsecure.jwt")
        .is_some_and(|text| text.trim() == "true")
    {
        errors.0.push(ConfigError::other(
            ENDPOINT,
            format!(
                "{ENDPOINT} and enable.sasl.oauthbearer.unsecure.jwt=true exclude one another: tokens come from one of them; remove the \
                 other"
            ),
        ));
    }
    if !super::sasl::uses_sasl(java) {
        let found = java.get("security.protocol").map_or("", |text| text.trim());
        errors.0.push(ConfigError::invalid(
            "security.protocol",
            found,
            "sasl.mechanism=OAUTHBEARER logs in over SASL; set security.protocol=SASL_SSL",
        ));
    }
    let settings = OidcSettings::read(java, jaas, errors);
    settings.check(errors);
    let settings = Arc::new(settings);
    out.set("sasl.oauthbearer.config", settings.to_text());
    out.oidc = Some(settings);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::kafka_config::Role;

    const BASE: [(&str, &str); 5] = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "OAUTHBEARER"),
        (
            "sasl.login.callback.handler.class",
            "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
        ),
        (ENDPOINT, "https://id.example/oauth2/token"),
        (
            JAAS,
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"me\" \
             clientSecret='planted=\"s' scope=\"kafka write\";",
        ),
    ];

    fn with(changes: &[(&str, &str)]) -> Result<KafkaConfig, ConfigErrors> {
        let pairs = BASE.iter().chain(changes);
        let java = pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        KafkaConfig::translate(Role::Producer, &java)
    }

    #[test]
    fn javas_lines_are_settings_whose_secret_librdkafka_never_sees() {
        if !crate::kafka_config::has_tls() {
            return;
        }
        let config = with(&[("sasl.login.read.timeout.ms", "500")]).unwrap();
        assert!(config.dropped.is_empty(), "{:?}", config.dropped);
        assert_eq!(config.settings["sasl.mechanisms"], "OAUTHBEARER");
        assert!(!format!("{config:?} {:?}", config.settings).contains("planted"));
        let settings = config.oidc.clone().unwrap();
        assert_eq!(settings.client_id, "me");
        assert_eq!(settings.client_secret.expose(), "planted=\"s");
        assert_eq!(settings.scope.as_deref(), Some("kafka write"));
        assert_eq!(
            (settings.connect_timeout, settings.read_timeout),
            (TIMEOUT, Duration::from_millis(500))
        );
        let told = &config.settings["sasl.oauthbearer.config"];
        assert_eq!(OidcSettings::from_text(told), Some(settings));
        let again = with(&[("sasl.login.read.timeout.ms", "500")]).unwrap();
        assert_eq!(&again.settings["sasl.oauthbearer.config"], told);
        let other = with(&[]).unwrap();
        assert_ne!(&other.settings["sasl.oauthbearer.config"], told);
        for text in ["principal=admin", "oidc-settings=x", "oidc-settings=999999"] {
            assert_eq!(OidcSettings::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_needs_no_client() {
        if !crate::kafka_config::has_tls() {
            return;
        }
        let module =
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";
        let config = with(&[(ENDPOINT, "file:///var/run/token"), (JAAS, module)]).unwrap();
        assert_eq!(config.oidc.unwrap().file(), Some("/var/run/token"));
    }

    #[test]
    fn lines_that_cannot_work_say_what_to_write() {
        let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
        let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required username=u password=planted;";
        for (changes, told) in [
            (
                [(ENDPOINT, "id.example/token")].as_slice(),
                "is \"id.example/token\"; write https://",
            ),
            (&[(ENDPOINT, "https:///token")], "write https://"),
            (
                &[(JAAS, &format!("{module} clientId=me;"))],
                "needs clientId and clientSecret",
            ),
            (&[(JAAS, plain)], "PlainLoginModule does not go with"),
            (
                &[("security.protocol", "PLAINTEXT")],
                "set security.protocol=SASL_SSL",
            ),
            (
                &[("enable.sasl.oauthbearer.unsecure.jwt", "true")],
                "exclude one another",
            ),
            (
                &[("sasl.login.read.timeout.ms", "soon")],
                "write milliseconds",
            ),
            (&[(ENDPOINT, "")], "sasl.oauthbearer.token.endpoint.url"),
        ] {
            let error = with(changes).unwrap_err().to_string();
            assert!(
                error.contains(told) && !error.contains("planted"),
                "{told}: {error}"
            );
        }
    }
}
