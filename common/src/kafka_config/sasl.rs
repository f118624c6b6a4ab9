//! SASL settings: mechanisms and JAAS lines.

use super::KafkaConfig;
use super::iam::{self, IamSettings};
use super::oidc;
use crate::config_def::{ConfigError, ConfigErrors};
use crate::jaas::JaasConfig;
use crate::props::Properties;

/// The mechanisms that librdkafka speaks here.
const SPOKEN: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

/// Whether this module translates `key`.
pub(super) fn owns(key: &str) -> bool {
    key.starts_with("sasl.")
}

/// Translates all `sasl.*` settings.
pub(super) fn translate(java: &Properties, out: &mut KafkaConfig, errors: &mut ConfigErrors) {
    let text = |key: &str| java.get(key).map(|text| text.trim());
    let mechanism = text("sasl.mechanism").or_else(|| text("sasl.mechanisms"));
    match mechanism {
        Some(iam::MECHANISM) => out.set("sasl.mechanisms", "OAUTHBEARER"),
        Some(name) if uses_sasl(java) && !name.is_empty() && !SPOKEN.contains(&name) => {
            let reason = match name {
                "GSSAPI" => "Kerberos is not supported",
                _ => "there is no such mechanism",
            };
            let reason = format!("{reason}; use {}, or {}", SPOKEN.join(", "), iam::MECHANISM);
            let error = ConfigError::invalid("sasl.mechanism", name, reason);
            errors.0.push(error);
        }
        Some(name) if !name.is_empty() => out.set("sasl.mechanisms", name),
        _ => {}
    }
    let handler = text("sasl.login.callback.handler.class").unwrap_or_default();
    let by_provider = mechanism == Some("OAUTHBEARER")
        && !handler.ends_with(iam::OAUTH_HANDLER)
        && asks_a_provider(java, handler);
    for (key, value) in java.iter().filter(|(key, _)| owns(key)) {
        match oidc::owns(key) {
            true if by_provider => {}
            true => out.drop_key(key, oidc::UNUSED),
            false => translate_one(key, value.trim(), out),
        }
    }
    let jaas = text("sasl.jaas.config").and_then(|line| {
        JaasConfig::parse(line)
            .map_err(|reason| {
                let error = ConfigError::invalid("sasl.jaas.config", line, reason);
                errors.0.push(error);
            })
            .ok()
    });
    if mechanism == Some(iam::MECHANISM) || handler.ends_with(iam::OAUTH_HANDLER) {
        by_iam(java, jaas.as_ref(), out, errors);
    } else if by_provider {
        oidc::translate(java, jaas.as_ref(), out, errors);
    } else if let Some(jaas) = jaas {
        apply_jaas(&jaas, out, errors);
    }
}

/// A client that logs in by AWS IAM: what speaks against it is told here, not by a broker that breaks off.
fn by_iam(
    java: &Properties,
    jaas: Option<&JaasConfig>,
    out: &mut KafkaConfig,
    errors: &mut ConfigErrors,
) {
    if !uses_sasl(java) {
        let found = java.get("security.protocol").map_or("", |text| text.trim());
        errors.0.push(ConfigError::invalid(
            "security.protocol",
            found,
            "sasl.mechanism=AWS_MSK_IAM logs in over SASL; set security.protocol=SASL_SSL",
        ));
    }
    if let Some(other) = jaas
        .map(JaasConfig::module_name)
        .filter(|name| !["IAMLoginModule", "OAuthBearerLoginModule"].contains(name))
    {
        errors.0.push(ConfigError::other(
            "sasl.jaas.config",
            format!(
                "sasl.jaas.config: {other} does not go with sasl.mechanism=AWS_MSK_IAM; write \
                 software.amazon.msk.auth.iam.IAMLoginModule required;"
            ),
        ));
    }
    let bootstrap = java.get("bootstrap.servers").map_or("", String::as_str);
    let settings = IamSettings::read(jaas, bootstrap, out, errors);
    out.set("sasl.oauthbearer.config", settings.to_text());
    out.iam = Some(settings);
}

/// Whether the client is to ask an identity provider. One that names Kafka's handler but no address is told so.
fn asks_a_provider(java: &Properties, handler: &str) -> bool {
    let set = |key: &str| java.get(key).is_some_and(|text| !text.trim().is_empty());
    set(oidc::ENDPOINT)
        || handler.ends_with(oidc::HANDLER)
        || java
            .get("sasl.oauthbearer.method")
            .is_some_and(|text| text.trim() == "oidc")
}

pub(super) fn uses_sasl(java: &Properties) -> bool {
    java.get("security.protocol")
        .is_some_and(|protocol| protocol.trim().to_ascii_uppercase().starts_with("SASL"))
}

fn translate_one(key: &str, value: &str, out: &mut KafkaConfig) {
    match key {
        "sasl.mechanism" | "sasl.mechanisms" | "sasl.jaas.config" => {}
        "sasl.client.callback.handler.class"
        | "sasl.login.callback.handler.class"
        | "sasl.login.class" => {
            let known = [
                "IAMClientCallbackHandler",
                iam::OAUTH_HANDLER,
                oidc::HANDLER,
            ];
            if !known.iter().any(|class| value.ends_with(class)) {
                out.drop_key(key, "a Java class cannot run here");
            }
        }
        _ if key.starts_with("sasl.kerberos.") => out.drop_key(key, "Kerberos is not supported"),
        _ if key.starts_with("sasl.login.") => {
            out.drop_key(key, "tokens are refreshed before they expire")
        }
        _ => out.pass_if_known(key, value),
    }
}

fn apply_jaas(jaas: &JaasConfig, out: &mut KafkaConfig, errors: &mut ConfigErrors) {
    match jaas.module_name() {
        "PlainLoginModule" | "ScramLoginModule" => {
            for (option, setting) in [("username", "sasl.username"), ("password", "sasl.password")]
            {
                match jaas.option(option) {
                    Some(value) => out.set(setting, value),
                    None => errors.0.push(ConfigError::other(
                        "sasl.jaas.config",
                        format!(
                            "sasl.jaas.config: the login module {} needs the option {option}",
                            jaas.module_name()
                        ),
                    )),
                }
            }
        }
        "IAMLoginModule" => errors.0.push(ConfigError::other(
            "sasl.jaas.config",
            "sasl.jaas.config: the IAMLoginModule goes with sasl.mechanism=AWS_MSK_IAM; set it, or name the login module \
             of the mechanism that is meant",
        )),
        // Unsecured tokens: `sasl.oauthbearer.config` has all there is to say.
        "OAuthBearerLoginModule" => {}
        other => errors.0.push(ConfigError::other(
            "sasl.jaas.config",
            format!("sasl.jaas.config: the login module {other} is not supported"),
        )),
    }
}
