//! An instance's client of librdkafka, made when Kafka is first needed.
//!
//! ```text
//! none ── a read, a commit, a look-up of offsets ──▶ made ── nothing is read any longer ──▶ none
//! ```
//!
//! A client costs threads (two, and one a broker) and half a megabyte, an instance without one a few kilobytes. Each client
//! has [`Assignments`] of its own: what one that is ending is still told is not the next one's.

use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use tokio::sync::Notify;

use super::assignments::Assignments;
use super::callbacks::Callbacks;
use super::error::ConsumerError;
use super::metrics::Held;
use crate::client_context::Context;

/// A client.
pub(crate) type Consumer = BaseConsumer<Callbacks>;

/// What a client is made with.
#[derive(Clone)]
pub(crate) struct Recipe {
    /// Its settings.
    pub(crate) config: ClientConfig,
    /// Where its log lines and errors go.
    pub(crate) context: Context,
    /// Counts the clients that there are.
    pub(crate) clients: prometheus::IntGauge,
}

/// See the module.
pub(crate) struct Client {
    recipe: Recipe,
    wake: Arc<Notify>,
    pub(super) assignments: Arc<Assignments>,
    made: Option<(Consumer, Held)>,
}

impl Recipe {
    /// Makes a client, which connects in the background. Blocks.
    ///
    /// # Errors
    /// The settings contradict one another.
    pub(crate) fn make(
        &self,
        assignments: Arc<Assignments>,
        wake: Arc<Notify>,
    ) -> Result<Consumer, ConsumerError> {
        let callbacks = Callbacks::new(self.context.clone(), assignments);
        let consumer: rdkafka::error::KafkaResult<Consumer> =
            self.config.create_with_context(callbacks);
        let mut consumer = consumer.map_err(|error| ConsumerError::Config(error.to_string()))?;
        sluiceway_kafka_tokens::log_in(&self.config, &consumer);
        consumer.set_nonempty_callback(move || wake.notify_one());
        Ok(consumer)
    }
}

impl Client {
    /// None yet.
    pub(crate) fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            wake: Arc::default(),
            assignments: Arc::default(),
            made: None,
        }
    }

    /// Told when the client has something.
    pub(super) fn wake(&self) -> &Notify {
        &self.wake
    }

    /// The client, if there is one.
    pub(super) fn get(&self) -> Option<&Consumer> {
        self.made.as_ref().map(|(consumer, _)| consumer)
    }

    /// The client, made if need be. Blocks.
    ///
    /// # Errors
    /// As [`Recipe::make`].
    pub(super) fn need(&mut self) -> Result<&Consumer, ConsumerError> {
        let (consumer, _) = match self.made.take() {
            Some(made) => self.made.insert(made),
            None => {
                let consumer = self
                    .recipe
                    .make(Arc::clone(&self.assignments), Arc::clone(&self.wake))?;
                self.made
                    .insert((consumer, Held::new(&self.recipe.clients)))
            }
        };
        Ok(consumer)
    }

    /// The same for what must not block.
    ///
    /// # Errors
    /// As [`Recipe::make`].
    pub(super) async fn needed(&mut self) -> Result<&Consumer, ConsumerError> {
        if self.made.is_none() {
            let recipe = self.recipe.clone();
            let (assignments, wake) = (Arc::clone(&self.assignments), Arc::clone(&self.wake));
            let made = tokio::task::spawn_blocking(move || recipe.make(assignments, wake)).await;
            let made =
                made.map_err(|_| ConsumerError::Unforeseen("making a client panicked"))??;
            self.made = Some((made, Held::new(&self.recipe.clients)));
        }
        self.need()
    }

    /// Ends the client: it commits what is stored and leaves its group, in the background. Nothing is assigned any longer.
    pub(super) fn end(&mut self) {
        self.assignments = Arc::default();
        let Some(made) = self.made.take() else {
            return;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(made))),
            Err(_) => drop(made),
        }
    }
}
