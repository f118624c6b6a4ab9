//! TLS settings. librdkafka reads PEM and PKCS#12; a Java keystore (JKS) has to be converted once.

use super::KafkaConfig;
use crate::config_def::{ConfigError, ConfigErrors};
use crate::props::Properties;

/// Whether this module translates `key`.
pub(super) fn owns(key: &str) -> bool {
    key.starts_with("ssl.")
}

const JKS_HINT: &str = "a Java keystore (JKS) cannot be read; convert it to PEM (keytool -importkeystore … -deststoretype PKCS12, \
                        then openssl pkcs12 …) and set the matching .type to PEM";

/// Translates all `ssl.*` settings.
pub(super) fn translate(java: &Properties, out: &mut KafkaConfig, errors: &mut ConfigErrors) {
    let text = |key: &str| {
        java.get(key)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    };
    for (key, value) in java.iter().filter(|(key, _)| owns(key)) {
        translate_one(key, value.trim(), out);
    }
    if let Some(path) = text("ssl.truststore.location") {
        match store_type(path, text("ssl.truststore.type")) {
            StoreType::Pem => out.set("ssl.ca.location", path),
            _ => errors.0.push(ConfigError::invalid(
                "ssl.truststore.location",
                path,
                JKS_HINT,
            )),
        }
    }
    if let Some(path) = text("ssl.keystore.location") {
        match store_type(path, text("ssl.keystore.type")) {
            StoreType::Pem => {
                out.set("ssl.certificate.location", path);
                out.set("ssl.key.location", path);
            }
            StoreType::Pkcs12 => {
                out.set("ssl.keystore.location", path);
                if let Some(password) = text("ssl.keystore.password") {
                    out.set("ssl.keystore.password", password);
                }
            }
            StoreType::Jks => errors.0.push(ConfigError::invalid(
                "ssl.keystore.location",
                path,
                JKS_HINT,
            )),
        }
    }
}

#[derive(PartialEq)]
enum StoreType {
    Pem,
    Pkcs12,
    Jks,
}

/// The declared type; without one, what the file's ending says (Java's default is JKS).
fn store_type(path: &str, declared: Option<&str>) -> StoreType {
    let ending = path
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    match declared.map(str::to_ascii_uppercase).as_deref() {
        Some("PEM") => StoreType::Pem,
        Some("PKCS12") => StoreType::Pkcs12,
        Some(_) => StoreType::Jks,
        None if ["pem", "crt", "cert"].contains(&ending.as_str()) => StoreType::Pem,
        None if ["p12", "pfx"].contains(&ending.as_str()) => StoreType::Pkcs12,
        None => StoreType::Jks,
    }
}

fn translate_one(key: &str, value: &str, out: &mut KafkaConfig) {
    match key {
        "ssl.truststore.location"
        | "ssl.truststore.type"
        | "ssl.keystore.location"
        | "ssl.keystore.type"
        | "ssl.keystore.password" => {}
        "ssl.truststore.certificates" => out.set("ssl.ca.pem", value),
        "ssl.keystore.certificate.chain" => out.set("ssl.certificate.pem", value),
        "ssl.keystore.key" => out.set("ssl.key.pem", value),
        "ssl.key.password" => out.set("ssl.key.password", value),
        "ssl.endpoint.identification.algorithm" => {
            out.set(
                "ssl.endpoint.identification.algorithm",
                if value.is_empty() { "none" } else { value },
            );
        }
        "ssl.cipher.suites" if !value.is_empty() => out.set("ssl.cipher.suites", value),
        "ssl.truststore.password" => out.drop_key(key, "a PEM trust store has no password"),
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
