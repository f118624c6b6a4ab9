//! What librdkafka tells: logs, errors, delivery reports, the wish for a token.
//!
//! One context for all clients. Delivery reports go to [`Deliveries`], connection errors to [`Health`].

use std::error::Error as StdError;
use std::sync::Arc;

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, Timestamp};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use sluiceway_kafka_tokens::Given;

use crate::health::Health;
use crate::tracker::{Deliveries, Delivery};

/// The callbacks of a client.
#[derive(Debug, Clone)]
pub struct Context {
    /// Which client, for logs.
    pub client: &'static str,
    /// Where reports go.
    pub deliveries: Arc<Deliveries>,
    /// Where connection errors go.
    pub health: Arc<Health>,
    /// The token of a caller; `None`: the settings tell the way to tokens.
    pub token: Option<Given>,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let client = self.client;
        // Clients that others still hold outlive the proxy, and perhaps the brokers.
        let level = if self.health.has_ended() {
            RDKafkaLogLevel::Debug
        } else {
            level
        };
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::error!(target: "librdkafka", client, facility, "{message}");
            }
            RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", client, facility, "{message}")
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", client, facility, "{message}");
            }
            RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "librdkafka", client, facility, "{message}")
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
                self.health.refused(reason);
            }
            Some(RDKafkaErrorCode::AllBrokersDown) => self.health.down(reason),
            _ => tracing::debug!(target: "librdkafka", client = self.client, %error, "{reason}"),
        }
    }

    /// That there is none comes back through [`ClientContext::error`].
    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        match &self.token {
            Some(token) => Ok(token.answer()?),
            None => sluiceway_kafka_tokens::answer(config),
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let delivery = match result {
            Ok(message) => Delivery::Stored {
                partition: message.partition(),
                offset: message.offset(),
                appended: match message.timestamp() {
                    Timestamp::LogAppendTime(millis) => Some(millis),
                    _ => None,
                },
            },
            Err((error, _)) => {
                Delivery::Failed(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail))
            }
        };
        self.deliveries.report(opaque, delivery);
    }
}
