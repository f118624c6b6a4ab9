//! What an instance's client calls back with: log lines, errors, rebalances. What a rebalance leaves is noted in
//! [`Assignments`].

use std::error::Error as StdError;
use std::sync::Arc;

use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

use super::assignments::{Assignments, Change};
use super::java_order::TopicPartition;
use crate::client_context::Context;

/// The callbacks of an instance's client.
#[derive(Debug)]
pub(crate) struct Callbacks {
    inner: Context,
    assignments: Arc<Assignments>,
}

impl Callbacks {
    pub(crate) fn new(inner: Context, assignments: Arc<Assignments>) -> Self {
        Self { inner, assignments }
    }
}

impl ClientContext for Callbacks {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.inner.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.inner.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        self.inner.generate_oauth_token(config)
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assigned = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let revoked = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
        if assigned {
            self.assignments.set_starts(list);
        }
        let step_by_step = matches!(
            consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        );
        let result = match (assigned, step_by_step) {
            (true, true) => consumer.incremental_assign(list),
            (true, false) => consumer.assign(list),
            (false, true) => consumer.incremental_unassign(list),
            (false, false) => consumer.unassign(),
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a consumer instance's client refuses an assignment");
        }
        if !assigned && !revoked {
            let error = KafkaError::Rebalance(RDKafkaErrorCode::from(event));
            tracing::debug!(%error, "a rebalance failed");
        }
        // The client is not asked what is left: one that is being closed has nobody any longer who would answer, and
        // waits for ever.
        let change = match (assigned, step_by_step) {
            (true, true) => Change::More(names(list)),
            (true, false) => Change::All(names(list)),
            (false, true) => Change::Less(names(list)),
            (false, false) => Change::All(Vec::new()),
        };
        self.assignments.note(change, assigned);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "offsets of a consumer instance were not committed");
        }
    }
}

/// Topics and partitions of a list.
pub(crate) fn names(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let name = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        (element.topic().to_owned(), element.partition())
    };
    list.elements().iter().map(name).collect()
}
