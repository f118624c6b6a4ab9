//! Contexts of clients that need no callback but the one for tokens, and the first login of a consumer.

use std::error::Error as StdError;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};

/// How long a consumer's first wish for a token is waited for: it is there once the client is made.
const FIRST_POLL: Duration = Duration::from_millis(50);

/// A context that gives tokens, and does nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoginContext;

impl ClientContext for LoginContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        crate::answer(config)
    }
}

impl ConsumerContext for LoginContext {}

/// Whether a client of these settings asks its context for tokens.
#[must_use]
pub fn by_tokens(config: &ClientConfig) -> bool {
    let is = |name: &str, value: &str| {
        let found = config.get(name);
        found.is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    is("sasl.mechanisms", "OAUTHBEARER") || is("sasl.mechanism", "OAUTHBEARER")
}

/// Whether a client of these settings has no token unless it is polled, which the library's admin client never is.
/// (The first unsecured token is made by librdkafka itself.)
#[must_use]
pub fn never_by_admin_clients(config: &ClientConfig) -> bool {
    by_tokens(config) && config.get("enable.sasl.oauthbearer.unsecure.jwt") != Some("true")
}

/// Lets a consumer that is not being polled yet ask for its first token: until it has one, it reaches no broker.
pub fn log_in<C: ConsumerContext>(config: &ClientConfig, consumer: &BaseConsumer<C>) {
    if by_tokens(config) {
        // Nothing is assigned yet, so no record can come; an error is told to the context as well.
        let _nothing = consumer.poll(FIRST_POLL);
    }
}
