//! How an identity is proven.

use serde::{Deserialize, Serialize};

/// How an identity was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// User name and password.
    Basic,
    /// A signed token.
    Bearer,
    /// An API key.
    ApiKey,
    /// A client certificate.
    Mtls,
    /// A signature of AWS (Kinesis).
    Signature,
    /// Whatever Kafka takes.
    Kafka,
}

impl Method {
    /// Its name in settings and in the audit log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Bearer => "BEARER",
            Self::ApiKey => "API_KEY",
            Self::Mtls => "MTLS",
            Self::Signature => "SIGNATURE",
            Self::Kafka => "KAFKA",
        }
    }
}
