//! The AWS SDK's own credentials providers, by the names that they have in Java: each is a link of the default chain.

/// Where a provider of the SDK finds credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// `AWS_ACCESS_KEY_ID` and its like.
    Environment,
    /// The profile of `AWS_PROFILE`.
    Profile,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, for the role `AWS_ROLE_ARN`.
    WebIdentity,
    /// The endpoint that a container is told of (`AWS_CONTAINER_CREDENTIALS_…`).
    Container,
    /// The metadata service of an instance.
    Instance,
    /// The container's endpoint where there is one, else the instance's.
    ContainerOrInstance,
}

/// Packages of the SDK for Java, version 2 and 1.
const PACKAGES: [&str; 3] = [
    "software.amazon.awssdk.auth.credentials.",
    "com.amazonaws.auth.profile.",
    "com.amazonaws.auth.",
];

impl Provider {
    /// The provider of a Java class.
    pub(super) fn of(class: &str) -> Option<Self> {
        let short = PACKAGES
            .iter()
            .find_map(|package| class.strip_prefix(package));
        Some(match short.unwrap_or(class) {
            "EnvironmentVariableCredentialsProvider" => Self::Environment,
            "ProfileCredentialsProvider" => Self::Profile,
            "WebIdentityTokenFileCredentialsProvider" | "WebIdentityTokenCredentialsProvider" => {
                Self::WebIdentity
            }
            "ContainerCredentialsProvider" => Self::Container,
            "InstanceProfileCredentialsProvider" => Self::Instance,
            "EC2ContainerCredentialsProviderWrapper" => Self::ContainerOrInstance,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_both_sdks_are_known() {
        for (class, provider) in [
            (
                "software.amazon.awssdk.auth.credentials.InstanceProfileCredentialsProvider",
                Provider::Instance,
            ),
            (
                "com.amazonaws.auth.InstanceProfileCredentialsProvider",
                Provider::Instance,
            ),
            (
                "com.amazonaws.auth.profile.ProfileCredentialsProvider",
                Provider::Profile,
            ),
            (
                "com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper",
                Provider::ContainerOrInstance,
            ),
            (
                "EnvironmentVariableCredentialsProvider",
                Provider::Environment,
            ),
        ] {
            assert_eq!(Provider::of(class), Some(provider), "{class}");
        }
        for class in [
            "",
            "com.example.ProfileCredentialsProvider",
            "com.amazonaws.auth.",
        ] {
            assert_eq!(Provider::of(class), None, "{class}");
        }
    }
}
