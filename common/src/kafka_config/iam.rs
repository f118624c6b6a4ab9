//! `AWS_MSK_IAM`: how a client that logs in by AWS IAM finds its identity.
//!
//! In: `sasl.jaas.config` with the `IAMLoginModule` (or the callback handler that AWS's library has for OAUTHBEARER), and
//! `bootstrap.servers`, whose names tell the region. Out: [`IamSettings`], which travel as the text of librdkafka's
//! `sasl.oauthbearer.config`: librdkafka hands that text back whenever it asks for a token, so whoever answers needs to
//! know nothing else.

use serde::{Deserialize, Serialize};

use super::KafkaConfig;
use crate::config_def::{ConfigError, ConfigErrors};
use crate::jaas::JaasConfig;

/// The mechanism's name in Java's settings; on the wire it is OAUTHBEARER.
pub(super) const MECHANISM: &str = "AWS_MSK_IAM";
/// The class of AWS's library that does the same over the mechanism OAUTHBEARER.
pub(super) const OAUTH_HANDLER: &str = "IAMOAuthBearerLoginCallbackHandler";

const JAAS: &str = "sasl.jaas.config";

/// Whose credentials sign the tokens, and for which region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IamSettings {
    /// Region of the cluster, as the brokers' names tell it; `None`: the AWS SDK's.
    pub region: Option<String>,
    /// Role to assume (`awsRoleArn`).
    pub role_arn: Option<String>,
    /// Session name of the assumed role (`awsRoleSessionName`).
    pub role_session_name: Option<String>,
    /// What the role's owner asks for besides (`awsRoleExternalId`).
    pub external_id: Option<String>,
    /// Region of the token service (`awsStsRegion`).
    pub sts_region: Option<String>,
    /// Profile of the credentials file (`awsProfileName`).
    pub profile: Option<String>,
}

impl IamSettings {
    /// The settings of a JAAS line for brokers with these names.
    pub(super) fn read(
        jaas: Option<&JaasConfig>,
        bootstrap: &str,
        out: &mut KafkaConfig,
        errors: &mut ConfigErrors,
    ) -> Self {
        let mut settings = Self {
            region: region_of(bootstrap),
            ..Self::default()
        };
        for (name, value) in jaas.iter().flat_map(|jaas| &jaas.options) {
            let value = Some(value.expose().trim().to_owned()).filter(|text| !text.is_empty());
            match name.as_str() {
                "awsRoleArn" => settings.role_arn = value,
                "awsRoleSessionName" => settings.role_session_name = value,
                "awsRoleExternalId" => settings.external_id = value,
                "awsStsRegion" => settings.sts_region = value,
                "awsProfileName" => settings.profile = value,
                "awsRoleAccessKeyId" | "awsRoleSecretAccessKey" | "awsRoleSessionToken" => {
                    errors.0.push(ConfigError::other(JAAS, format!(
                        "{JAAS}: keys are not taken from the option {name}; give them as AWS_ACCESS_KEY_ID and \
                         AWS_SECRET_ACCESS_KEY, or in a profile that awsProfileName names"
                    )));
                }
                "awsDebugCreds" | "awsMaxRetries" | "awsMaxBackOffTimeMs" => {
                    out.drop_key(&format!("{JAAS} {name}"), "the AWS SDK's own defaults hold");
                }
                _ => out.drop_key(
                    &format!("{JAAS} {name}"),
                    "the IAMLoginModule has awsRoleArn, awsRoleSessionName, awsRoleExternalId, awsStsRegion and awsProfileName",
                ),
            }
        }
        settings.check(errors);
        settings
    }

    fn check(&self, errors: &mut ConfigErrors) {
        let mut wrong = |text: String| errors.0.push(ConfigError::other(JAAS, text));
        match &self.role_arn {
            Some(arn) if !arn.starts_with("arn:") => wrong(format!(
                "{JAAS}: awsRoleArn is \"{arn}\", which is no ARN; write awsRoleArn=\"arn:aws:iam::<account>:role/<name>\""
            )),
            None if self.role_session_name.is_some() || self.external_id.is_some() => {
                wrong(format!(
                    "{JAAS}: awsRoleSessionName and awsRoleExternalId need awsRoleArn, the role that they are for"
                ));
            }
            _ => {}
        }
    }

    /// The text by which librdkafka is told.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads that text; `None` when it is none.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The region of a cluster, out of a broker's name (`b-1.demo.abc.c2.kafka.us-east-1.amazonaws.com:9098`); `None` for
/// names that MSK does not give. Tokens are valid in one region only.
fn region_of(bootstrap: &str) -> Option<String> {
    let hosts = bootstrap.split(',').map(|item| {
        let item = item.trim().rsplit("://").next().unwrap_or_default();
        item.rsplit_once(':').map_or(item, |(host, _)| host)
    });
    hosts.map(str::to_ascii_lowercase).find_map(|host| {
        let name = host
            .strip_suffix(".amazonaws.com")
            .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let (rest, region) = name.rsplit_once('.')?;
        let service = rest.rsplit('.').next()?;
        ["kafka", "kafka-serverless"]
            .contains(&service)
            .then(|| region.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_brokers() {
        for (bootstrap, region) in [
            (
                "b-1.demo.abc.c2.kafka.us-east-1.amazonaws.com:9098, b-2.x:9098",
                Some("us-east-1"),
            ),
            (
                "SASL_SSL://boot-x.c1.kafka-serverless.eu-west-2.amazonaws.com:9098",
                Some("eu-west-2"),
            ),
            (
                "b-1.d.a.c2.kafka.cn-north-1.amazonaws.com.cn:9098",
                Some("cn-north-1"),
            ),
            ("localhost:9092", None),
            ("kafka.us-east-1.example.com:9098", None),
        ] {
            assert_eq!(region_of(bootstrap).as_deref(), region, "{bootstrap}");
        }
    }

    #[test]
    fn settings_survive_their_text() {
        let settings = IamSettings {
            region: Some("eu-west-1".to_owned()),
            profile: Some("a profile = \"x\"".to_owned()),
            ..IamSettings::default()
        };
        assert_eq!(IamSettings::from_text(&settings.to_text()), Some(settings));
        assert_eq!(IamSettings::from_text("principal=admin"), None);
    }
}
