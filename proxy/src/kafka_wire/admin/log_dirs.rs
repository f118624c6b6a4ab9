//! Bytes of partitions on their leaders' disks.

use std::collections::HashMap;

use kafka_protocol::messages::DescribeLogDirsRequest;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;

use super::{NEWEST, WireAdmin, topic_name};
use crate::cluster_admin::PartitionOffset;
use crate::kafka_error::KafkaFault;
use crate::kafka_wire::error::WireError;
use crate::kafka_wire::pool::To;

impl WireAdmin {
    /// Tried once: nothing fails without it. Partitions of which a broker does not tell are left out.
    pub(super) async fn describe_sizes(
        &self,
        partitions: Vec<(String, i32)>,
    ) -> Result<Vec<PartitionOffset>, KafkaFault> {
        let found = self.sizes_once(&partitions).await?;
        let with_size = |(topic, partition): (String, i32)| {
            let offset = *found.get(&(topic.clone(), partition))?;
            Some(PartitionOffset {
                topic,
                partition,
                offset,
            })
        };
        Ok(partitions.into_iter().filter_map(with_size).collect())
    }

    async fn sizes_once(
        &self,
        partitions: &[(String, i32)],
    ) -> Result<HashMap<(String, i32), i64>, WireError> {
        let mut found = HashMap::new();
        for (leader, topics) in self.leaders(partitions).await? {
            let topics = topics.into_iter().map(|(name, ids)| {
                DescribableLogDirTopic::default()
                    .with_topic(topic_name(&name))
                    .with_partitions(ids)
            });
            let request = DescribeLogDirsRequest::default().with_topics(Some(topics.collect()));
            let to = To::Broker(leader);
            let answer = self
                .pool
                .call(to, &request, NEWEST, "describeLogDirs")
                .await?;
            // A disk that failed has no topics.
            for topic in answer.results.iter().flat_map(|dir| &dir.topics) {
                for partition in topic.partitions.iter().filter(|part| !part.is_future_key) {
                    let key = (topic.name.to_string(), partition.partition_index);
                    found.insert(key, partition.partition_size);
                }
            }
        }
        Ok(found)
    }
}
