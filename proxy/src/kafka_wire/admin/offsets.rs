//! First, last and last stable offsets, asked of the partitions' leaders.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest};

use super::{NEWEST, WireAdmin, incomplete, topic_name};
use crate::cluster_admin::{OffsetSpec, PartitionOffset};
use crate::kafka_error::KafkaFault;
use crate::kafka_wire::error::WireError;
use crate::kafka_wire::fault::{check_moved, fault};
use crate::kafka_wire::pool::To;

const EARLIEST: i64 = -2;
const LATEST: i64 = -1;
const READ_UNCOMMITTED: i8 = 0;
const READ_COMMITTED: i8 = 1;

type Offsets = HashMap<(String, i32), i64>;

impl WireAdmin {
    pub(super) async fn list_offsets(
        &self,
        partitions: Vec<(String, i32)>,
        spec: OffsetSpec,
    ) -> Result<Vec<PartitionOffset>, KafkaFault> {
        let attempt = || self.list_offsets_once(&partitions, spec);
        let found = self.pool.retried(attempt).await?;
        let with_offset = |(topic, partition): &(String, i32)| {
            let offset = found.get(&(topic.clone(), *partition)).copied();
            Some(PartitionOffset {
                topic: topic.clone(),
                partition: *partition,
                offset: offset?,
            })
        };
        let offsets: Option<_> = partitions.iter().map(with_offset).collect();
        offsets.ok_or_else(incomplete)
    }

    async fn list_offsets_once(
        &self,
        partitions: &[(String, i32)],
        spec: OffsetSpec,
    ) -> Result<Offsets, WireError> {
        let leaders = self.leaders(partitions).await?;
        let mut found = Offsets::new();
        for (leader, topics) in leaders {
            let request = request(topics, spec);
            let answer = self
                .pool
                .call(To::Broker(leader), &request, NEWEST, "listOffsets")
                .await?;
            for topic in &answer.topics {
                for partition in &topic.partitions {
                    check_moved(partition.error_code, None)?;
                    let key = (topic.name.to_string(), partition.partition_index);
                    found.insert(key, partition.offset);
                }
            }
        }
        Ok(found)
    }

    /// Leader → topic → partitions.
    pub(super) async fn leaders(
        &self,
        partitions: &[(String, i32)],
    ) -> Result<BTreeMap<i32, BTreeMap<String, Vec<i32>>>, WireError> {
        let mut names: Vec<String> = partitions.iter().map(|(topic, _)| topic.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let topics = self.describe_topics(Some(names), false).await?;
        let mut leaders: BTreeMap<i32, BTreeMap<String, Vec<i32>>> = BTreeMap::new();
        for (name, id) in partitions {
            let topic = topics.iter().find(|topic| topic.name == *name);
            let info = topic.and_then(|topic| topic.partitions.iter().find(|info| info.id == *id));
            let leader = match info {
                None => return Err(KafkaFault::unknown_topic().into()),
                Some(info) if info.leader < 0 => {
                    let code = kafka_protocol::ResponseError::LeaderNotAvailable;
                    return Err(WireError::Moved(fault(code, None)));
                }
                Some(info) => info.leader,
            };
            let topics = leaders.entry(leader).or_default();
            topics.entry(name.clone()).or_default().push(*id);
        }
        Ok(leaders)
    }
}

fn request(topics: BTreeMap<String, Vec<i32>>, spec: OffsetSpec) -> ListOffsetsRequest {
    let (timestamp, isolation) = match spec {
        OffsetSpec::Earliest => (EARLIEST, READ_UNCOMMITTED),
        OffsetSpec::Latest => (LATEST, READ_UNCOMMITTED),
        OffsetSpec::LatestStable => (LATEST, READ_COMMITTED),
    };
    let partition = |id: &i32| {
        ListOffsetsPartition::default()
            .with_partition_index(*id)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp)
    };
    let topic = |(name, ids): (&String, &Vec<i32>)| {
        ListOffsetsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(ids.iter().map(partition).collect())
    };
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation)
        .with_topics(topics.iter().map(topic).collect())
}
