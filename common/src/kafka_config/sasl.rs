//! SASL settings: mechanisms, JAAS lines, AWS IAM.

use super::KafkaConfig;
use crate::config_def::{ConfigError, ConfigErrors};
use crate::jaas::JaasConfig;
use crate::props::Properties;

/// How a client that authenticates by AWS IAM finds its identity (`IAMLoginModule` of `sasl.jaas.config`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IamSettings {
    /// Role to assume (`awsRoleArn`).
    pub role_arn: Option<String>,
    /// Session name of the assumed role (`awsRoleSessionName`).
    pub role_session_name: Option<String>,
    /// Region of the token service (`awsStsRegion`).
    pub sts_region: Option<String>,
    /// Profile of the credentials file (`awsProfileName`).
    pub profile: Option<String>,
}

/// Whether this module translates `key`.
pub(super) fn owns(key: &str) -> bool {
    key.starts_with("sasl.")
}

/// Translates all `sasl.*` settings.
pub(super) fn translate(java: &Properties, out: &mut KafkaConfig, errors: &mut ConfigErrors) {
    let mechanism = java
        .get("sasl.mechanism")
        .or_else(|| java.get("sasl.mechanisms"))
        .map(|text| text.trim());
    match mechanism {
        Some("AWS_MSK_IAM") => {
            out.set("sasl.mechanisms", "OAUTHBEARER");
            out.iam = Some(IamSettings::default());
        }
        Some("GSSAPI") if uses_sasl(java) => errors.0.push(ConfigError::invalid(
            "sasl.mechanism",
            "GSSAPI",
            "Kerberos is not supported; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM",
        )),
        Some(name) if !name.is_empty() => out.set("sasl.mechanisms", name),
        _ => {}
    }
    for (key, value) in java.iter().filter(|(key, _)| owns(key)) {
        translate_one(key, value.trim(), out, errors);
    }
}

fn uses_sasl(java: &Properties) -> bool {
    java.get("security.protocol")
        .is_some_and(|protocol| protocol.trim().to_ascii_uppercase().starts_with("SASL"))
}

fn translate_one(key: &str, value: &str, out: &mut KafkaConfig, errors: &mut ConfigErrors) {
    match key {
        "sasl.mechanism" | "sasl.mechanisms" => {}
        "sasl.jaas.config" => match JaasConfig::parse(value) {
            Ok(jaas) => apply_jaas(&jaas, out, errors),
            Err(reason) => errors.0.push(ConfigError::invalid(key, value, reason)),
        },
        "sasl.client.callback.handler.class"
        | "sasl.login.callback.handler.class"
        | "sasl.login.class" => {
            if !value.ends_with("IAMClientCallbackHandler")
                && !value.ends_with("OAuthBearerLoginCallbackHandler")
            {
                out.drop_key(key, "a Java class cannot run here");
            }
        }
        "sasl.oauthbearer.token.endpoint.url" => {
            out.set("sasl.oauthbearer.method", "oidc");
            out.set("sasl.oauthbearer.token.endpoint.url", value);
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
        "IAMLoginModule" => {
            let option = |name: &str| jaas.option(name).map(str::to_owned);
            out.iam = Some(IamSettings {
                role_arn: option("awsRoleArn"),
                role_session_name: option("awsRoleSessionName"),
                sts_region: option("awsStsRegion"),
                profile: option("awsProfileName"),
            });
        }
        "OAuthBearerLoginModule" => {
            for (option, setting) in [
                ("clientId", "sasl.oauthbearer.client.id"),
                ("clientSecret", "sasl.oauthbearer.client.secret"),
                ("scope", "sasl.oauthbearer.scope"),
            ] {
                if let Some(value) = jaas.option(option) {
                    out.set(setting, value);
                }
            }
        }
        other => errors.0.push(ConfigError::other(
            "sasl.jaas.config",
            format!("sasl.jaas.config: the login module {other} is not supported"),
        )),
    }
}
