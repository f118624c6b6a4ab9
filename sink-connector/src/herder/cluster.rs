//! The Kafka cluster's id, asked for in the background until it is known.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use sluiceway_kafka_tokens::{LoginContext, log_in};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How long a request waits for an id that is not known yet (the original does not start without it).
const WAIT: Duration = Duration::from_secs(10);
/// Pause between two questions to brokers that did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// The id, once a broker has told it.
pub(crate) struct ClusterId {
    id: watch::Receiver<Option<String>>,
    asking: AbortHandle,
}

impl ClusterId {
    /// Begins to ask with a client of these settings; each question takes at most `timeout`.
    pub(crate) fn start(client: ClientConfig, timeout: Duration) -> Self {
        let (found, id) = watch::channel(None);
        let asking = tokio::spawn(async move {
            while found.borrow().is_none() {
                let client = client.clone();
                match tokio::task::spawn_blocking(move || ask(&client, timeout)).await {
                    Ok(Some(id)) => drop(found.send_replace(Some(id))),
                    _ => tokio::time::sleep(PAUSE).await,
                }
            }
        });
        Self {
            id,
            asking: asking.abort_handle(),
        }
    }

    /// The id, or `None` when it does not become known within [`WAIT`].
    pub(crate) async fn get(&self) -> Option<String> {
        let mut id = self.id.clone();
        let known = tokio::time::timeout(WAIT, id.wait_for(Option::is_some)).await;
        known.ok()?.ok()?.clone()
    }
}

impl Drop for ClusterId {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

fn ask(client: &ClientConfig, timeout: Duration) -> Option<String> {
    let consumer: BaseConsumer<LoginContext> = client
        .create_with_context(LoginContext)
        .map_err(|error| tracing::warn!(%error, "cannot ask for the Kafka cluster's id"))
        .ok()?;
    log_in(client, &consumer);
    consumer.client().fetch_cluster_id(timeout)
}
