//! Who asks for tokens, and whom: AWS (IAM) or an identity provider (OIDC).
//!
//! In: a client's settings. Out: a way to one token after the other; a keeper walks it. What fails: [`TokenError`].

use std::sync::Arc;
use std::time::SystemTime;

use sluiceway_common::kafka_config::{IamSettings, OidcSettings};
use sluiceway_common::token_endpoint::TokenEndpoint;

use crate::credentials::AwsCredentials;
use crate::{Token, TokenError, sign};

/// Whose tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Signed with AWS credentials.
    Iam(IamSettings),
    /// Given by an identity provider.
    Oidc(Arc<OidcSettings>),
}

impl Identity {
    /// Reads the text by which librdkafka was told; `None` when it is of another kind.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let oidc = OidcSettings::from_text(text).map(Self::Oidc);
        oidc.or_else(|| IamSettings::from_text(text).map(Self::Iam))
    }

    /// That text. It holds no secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Iam(settings) => settings.to_text(),
            Self::Oidc(settings) => settings.to_text(),
        }
    }

    /// The way to log in, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Iam(_) => "AWS_MSK_IAM",
            Self::Oidc(_) => "OAUTHBEARER",
        }
    }

    /// The name that librdkafka is told; brokers read theirs in the token.
    #[must_use]
    pub fn principal(&self) -> &str {
        match self {
            Self::Iam(_) => "aws-msk-iam",
            Self::Oidc(settings) if settings.client_id.is_empty() => "oidc",
            Self::Oidc(settings) => &settings.client_id,
        }
    }
}

/// The way to tokens.
pub(crate) enum Source {
    Aws(AwsCredentials),
    Provider(Box<TokenEndpoint>),
}

impl Source {
    /// Finds the way; asks nobody for a token yet.
    pub(crate) async fn open(identity: &Identity) -> Result<Self, TokenError> {
        Ok(match identity {
            Identity::Iam(settings) => Self::Aws(AwsCredentials::open(settings).await?),
            Identity::Oidc(settings) => Self::Provider(Box::new(TokenEndpoint::open(settings)?)),
        })
    }

    /// The next token.
    pub(crate) async fn token(&self) -> Result<Token, TokenError> {
        match self {
            Self::Aws(source) => {
                let credentials = source.fetch().await?;
                sign::token(&credentials, &source.region, SystemTime::now())
            }
            Self::Provider(provider) => Ok(provider.token().await?),
        }
    }
}
