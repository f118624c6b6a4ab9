//! Topics that brokers create on first use (`auto.create.topics.enable`).
//!
//! In: the name of a topic that does not exist and that somebody writes to. Out: brokers that create topics were asked to, as
//! whoever the producer logs in as. What fails: they refuse, by their settings or rights. Kafka's protocol has no other request for
//! this than one for the topic's metadata that allows its creation. It is sent on connections of the proxy's own, one request at a
//! time: a librdkafka client that may create topics would ask for them again whenever it refreshes what it knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::types::RDKafkaErrorCode;

use crate::admin_client::AdminClient;
use crate::kafka_error::{FaultClass, KafkaFault, fault};
use crate::kafka_wire::WireAdmin;

/// How long the brokers' word on creating topics is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// See the module.
pub struct TopicCreation {
    admin: Arc<AdminClient>,
    /// Logs in as the producer does: it is its right to create topics that counts.
    wire: WireAdmin,
    word: Mutex<Option<(Instant, Option<bool>)>>,
}

impl TopicCreation {
    /// Nothing is asked yet.
    pub(crate) fn new(admin: Arc<AdminClient>, wire: WireAdmin) -> Self {
        Self {
            admin,
            wire,
            word: Mutex::default(),
        }
    }

    /// Whether brokers create topics; `None`: they don't tell.
    pub(crate) async fn is_on(&self) -> Option<bool> {
        let believed = *self.word.lock();
        if let Some((at, word)) = believed
            && at.elapsed() < BELIEVED
        {
            return word;
        }
        let word = self.admin.creates_topics().await;
        *self.word.lock() = Some((Instant::now(), word));
        word
    }

    /// Asks for a topic. It is there a little later, if at all.
    ///
    /// # Errors
    /// Brokers will not create it however often they are asked.
    pub(crate) async fn ask(&self, topic: &str) -> Result<(), KafkaFault> {
        match self.wire.ask_for_topic(topic).await {
            Err(refused) if refused.class == FaultClass::BadRequest => {
                Err(KafkaFault::new(FaultClass::Fatal, refused.message))
            }
            Err(refused) if refused.class == FaultClass::Authorization => {
                Err(fault(RDKafkaErrorCode::TopicAuthorizationFailed, topic))
            }
            _ => Ok(()),
        }
    }
}
