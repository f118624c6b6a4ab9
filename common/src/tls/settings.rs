//! `ssl.*` settings of a listener, as Kafka's servers name them.
//!
//! In: properties, and the prefixes under which a listener's own settings stand. Out: [`TlsSettings`]. What fails:
//! values that would leave the listener less protected than they say.

use std::time::Duration;

use super::principal::MappingRules;
use crate::props::Properties;
use crate::secret::Secret;

/// How a listener speaks TLS.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// `ssl.keystore.location`, or the PEM texts `ssl.keystore.certificate.chain` and `ssl.keystore.key`.
    pub keystore: Option<StoreSettings>,
    /// `ssl.truststore.location` or `ssl.truststore.certificates`: who signs clients' certificates.
    pub truststore: Option<StoreSettings>,
    /// `ssl.client.authentication`, `ssl.client.auth`.
    pub client_auth: ClientAuth,
    /// `ssl.enabled.protocols`; empty: TLS 1.2 and 1.3.
    pub protocols: Vec<String>,
    /// `ssl.cipher.suites` by their IANA names; empty: all that are safe.
    pub cipher_suites: Vec<String>,
    /// `ssl.principal.mapping.rules`.
    pub mapping: MappingRules,
    /// How often the files are looked at for a change; `None`: never.
    pub reload: Option<Duration>,
}

/// A store as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The file; `None` when `pem` has the text.
    pub location: Option<String>,
    /// PEM text.
    pub pem: Option<Secret>,
    /// `PEM`, `PKCS12`, `JKS`; `None`: as the file's first bytes say.
    pub kind: Option<String>,
    /// The store's password.
    pub password: Option<Secret>,
    /// The key's own password.
    pub key_password: Option<Secret>,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They may.
    Requested,
    /// They must.
    Required,
}

impl TlsSettings {
    /// Reads the settings; those under an earlier prefix win over those under a later one, key by key.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn read(properties: &Properties, prefixes: &[&str]) -> Result<Self, (String, String)> {
        let find = |name: &str| {
            prefixes.iter().find_map(|prefix| {
                let key = format!("{prefix}{name}");
                let value = properties.get(&key)?.trim().to_owned();
                (!value.is_empty()).then_some((key, value))
            })
        };
        let text = |name: &str| find(name).map(|(_, value)| value);
        let list = |name: &str| -> Vec<String> {
            let text = text(name).unwrap_or_default();
            let items = text.split(',').map(str::trim);
            items.filter(|i| !i.is_empty()).map(str::to_owned).collect()
        };
        let (rules_key, rules) = find("ssl.principal.mapping.rules")
            .unwrap_or_else(|| ("ssl.principal.mapping.rules".into(), "DEFAULT".into()));
        let interval = match find("sluiceway.ssl.reload.interval.ms") {
            None => 10_000,
            Some((key, value)) => match value.parse() {
                Ok(millis @ 100..) => millis,
                _ => return Err((key, "write milliseconds, at least 100".into())),
            },
        };
        let reload = text("ssl.keystore.reload").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let settings = Self {
            client_auth: client_auth(&find)?,
            protocols: list("ssl.enabled.protocols"),
            cipher_suites: list("ssl.cipher.suites"),
            mapping: MappingRules::parse(&rules).map_err(|reason| (rules_key, reason))?,
            reload: reload.then(|| Duration::from_millis(interval)),
            keystore: StoreSettings::keystore(&text),
            truststore: StoreSettings::truststore(&text),
        };
        if settings.keystore.is_none() {
            let key = format!("{}ssl.keystore.location", prefixes.first().unwrap_or(&""));
            return Err((
                key,
                "an https listener needs a key store: set it to a PEM, PKCS#12 or JKS file with a private key and its certificates".into(),
            ));
        }
        Ok(settings)
    }
}

impl StoreSettings {
    /// `ssl.keystore.*` with `ssl.key.password`: PEM text goes before a file. `text` finds a setting's value, if it is
    /// set and not blank.
    pub fn keystore(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let (chain, key) = ("ssl.keystore.certificate.chain", "ssl.keystore.key");
        let mut keystore = match (text(chain), text(key)) {
            (Some(chain), Some(key)) => Self::pem(&format!("{chain}\n{key}")),
            _ => store(text, "ssl.keystore")?,
        };
        keystore.key_password = text("ssl.key.password").map(Secret::new);
        Some(keystore)
    }

    /// `ssl.truststore.*`, in the same way.
    pub fn truststore(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        match text("ssl.truststore.certificates") {
            Some(pem) => Some(Self::pem(&pem)),
            None => store(text, "ssl.truststore"),
        }
    }

    fn pem(text: &str) -> Self {
        Self {
            location: None,
            pem: Some(Secret::new(text)),
            kind: Some("PEM".into()),
            password: None,
            key_password: None,
        }
    }
}

fn store(text: &impl Fn(&str) -> Option<String>, name: &str) -> Option<StoreSettings> {
    Some(StoreSettings {
        location: Some(text(&format!("{name}.location"))?),
        pem: None,
        kind: text(&format!("{name}.type")),
        password: text(&format!("{name}.password")).map(Secret::new),
        key_password: None,
    })
}

fn client_auth(
    find: &impl Fn(&str) -> Option<(String, String)>,
) -> Result<ClientAuth, (String, String)> {
    if let Some((key, value)) = find("ssl.client.authentication") {
        return match value.to_ascii_uppercase().as_str() {
            "NONE" => Ok(ClientAuth::None),
            "REQUESTED" => Ok(ClientAuth::Requested),
            "REQUIRED" => Ok(ClientAuth::Required),
            _ => Err((key, "it must be NONE, REQUESTED or REQUIRED".into())),
        };
    }
    let Some((key, value)) = find("ssl.client.auth") else {
        return Ok(ClientAuth::None);
    };
    // The REST Proxy's is a boolean, Kafka's and Connect's a word.
    match value.to_ascii_lowercase().as_str() {
        "false" | "none" => Ok(ClientAuth::None),
        "true" | "required" => Ok(ClientAuth::Required),
        "requested" => Ok(ClientAuth::Requested),
        _ => Err((
            key,
            "it must be true, false, required, requested or none".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<TlsSettings, (String, String)> {
        let properties = crate::props::parse(text).unwrap();
        TlsSettings::read(&properties, &["listener.name.https.", ""])
    }

    #[test]
    fn a_listeners_own_settings_win() {
        let settings = read(
            "ssl.keystore.location=/a.jks\nssl.keystore.password=s3cret\nssl.client.auth=true\n\
             listener.name.https.ssl.keystore.location=/b.pem\nlistener.name.https.ssl.keystore.type=PEM\n\
             ssl.enabled.protocols=TLSv1.3, TLSv1.2",
        )
        .unwrap();
        let store = settings.keystore.as_ref().unwrap();
        assert_eq!(store.location.as_deref(), Some("/b.pem"));
        assert_eq!(settings.client_auth, ClientAuth::Required);
        assert_eq!(settings.protocols, ["TLSv1.3", "TLSv1.2"]);
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(read("").unwrap_err().0.ends_with("ssl.keystore.location"));
        let wrong = "ssl.keystore.location=/a\nssl.client.authentication=SOMETIMES";
        assert_eq!(read(wrong).unwrap_err().0, "ssl.client.authentication");
        let rules = "ssl.keystore.location=/a\nssl.principal.mapping.rules=RULE:(/x/";
        assert_eq!(read(rules).unwrap_err().0, "ssl.principal.mapping.rules");
    }
}
