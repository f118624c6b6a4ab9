//! TLS settings. librdkafka reads PEM; Java's binary stores (JKS, PKCS#12) become PEM text in its settings.
//!
//! In: `ssl.*` settings. Out: librdkafka's. A PEM file is handed on by its name, so that clients that are made later
//! have what it holds by then; any other store is read once, here. What fails: a store that is missing or cannot be
//! opened, under the key that names it. Stores count only when `security.protocol` says SSL, as in Java.

use super::KafkaConfig;
use crate::config_def::{ConfigError, ConfigErrors};
use crate::props::Properties;
use crate::tls::settings::StoreSettings;

/// Whether this module translates `key`.
pub(super) fn owns(key: &str) -> bool {
    key.starts_with("ssl.")
}

/// Translates all `ssl.*` settings.
pub(super) fn translate(java: &Properties, out: &mut KafkaConfig, errors: &mut ConfigErrors) {
    for (key, value) in java.iter().filter(|(key, _)| owns(key)) {
        translate_one(key, value.trim(), out);
    }
    let text = |key: &str| {
        let value = java.get(key).map(|value| value.trim());
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let protocol = text("security.protocol").unwrap_or_default();
    // For a key that is named as librdkafka does (ssl.key.location).
    if let Some(password) = text("ssl.key.password") {
        out.set("ssl.key.password", password);
    }
    let stores = [
        ("ssl.truststore", StoreSettings::truststore(&text)),
        ("ssl.keystore", StoreSettings::keystore(&text)),
    ];
    for (name, settings) in stores {
        let Some(settings) = settings else { continue };
        let (key, value) = match &settings.location {
            Some(file) => (format!("{name}.location"), file.as_str()),
            None if name == "ssl.truststore" => (format!("{name}.certificates"), "(PEM text)"),
            None => (format!("{name}.key"), "(PEM text)"),
        };
        if !protocol.to_ascii_uppercase().ends_with("SSL") {
            out.drop_key(&key, "security.protocol is neither SSL nor SASL_SSL");
        } else if let Err(reason) = store(name, &settings, out) {
            errors.0.push(ConfigError::invalid(&key, value, reason));
        }
    }
}

#[cfg(feature = "tls")]
fn store(name: &str, settings: &StoreSettings, out: &mut KafkaConfig) -> Result<(), String> {
    use crate::tls::store::{Store, StoreError, certificates_pem};
    let store = Store::from(settings);
    let told = |error: StoreError| format!("{error}; {}", error.advice(name));
    let file = match &settings.location {
        Some(file) if store.is_pem().map_err(told)? => Some(file),
        _ => None,
    };
    if name == "ssl.truststore" {
        let trusted = store.trusted().map_err(told)?;
        match file {
            Some(file) => out.set("ssl.ca.location", file),
            None => out.set("ssl.ca.pem", certificates_pem(&trusted)),
        }
        return Ok(());
    }
    let identity = store.identity().map_err(told)?;
    match file {
        Some(file) => {
            out.set("ssl.certificate.location", file);
            out.set("ssl.key.location", file);
            if let (None, Some(password)) = (&settings.key_password, &settings.password) {
                out.set("ssl.key.password", password.expose());
            }
        }
        None => {
            out.set("ssl.certificate.pem", identity.chain_pem());
            out.set("ssl.key.pem", identity.key_pem().expose());
        }
    }
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn store(_: &str, _: &StoreSettings, _: &mut KafkaConfig) -> Result<(), String> {
    Err("this program was built without TLS".to_owned())
}

fn translate_one(key: &str, value: &str, out: &mut KafkaConfig) {
    match key {
        "ssl.truststore.location"
        | "ssl.truststore.type"
        | "ssl.truststore.password"
        | "ssl.truststore.certificates"
        | "ssl.keystore.location"
        | "ssl.keystore.type"
        | "ssl.keystore.password"
        | "ssl.keystore.certificate.chain"
        | "ssl.keystore.key"
        | "ssl.key.password" => {}
        "ssl.endpoint.identification.algorithm" => {
            out.set(
                "ssl.endpoint.identification.algorithm",
                if value.is_empty() { "none" } else { value },
            );
        }
        "ssl.cipher.suites" if !value.is_empty() => out.set("ssl.cipher.suites", value),
        "ssl.protocol"
        | "ssl.enabled.protocols"
        | "ssl.provider"
        | "ssl.keymanager.algorithm"
        | "ssl.trustmanager.algorithm"
        | "ssl.secure.random.implementation"
        | "ssl.engine.factory.class" => {
            out.drop_key(
                key,
                "it configures the JVM's TLS; TLS 1.2 and 1.3 are offered",
            );
        }
        _ => out.pass_if_known(key, value),
    }
}
