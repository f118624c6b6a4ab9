//! [`ClusterAdmin`] on the wire: one file a kind of thing, this one tells where.

mod acls;
mod configs;
mod groups;
mod log_dirs;
mod offsets;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::{BrokerId, MetadataRequest, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use sluiceway_common::kafka_config::KafkaConfig;
use sluiceway_kafka_tokens::Given;

use super::error::WireError;
use super::pool::{Pool, To};
use super::settings::Settings;
use crate::cluster_admin::acl::{AclBinding, AclFilter};
use crate::cluster_admin::{
    Broker, Cluster, ClusterAdmin, Config, ConfigChange, ConfigResource, CreatedTopic, Group,
    NewTopic, OffsetSpec, Outcome, PartitionOffset, Reassignment, Topic,
};
use crate::health::Health;
use crate::kafka_error::KafkaFault;

/// Any version: later ones of these requests have the same shape.
const NEWEST: i16 = i16::MAX;

/// See the module.
pub(crate) struct WireAdmin {
    pool: Pool,
    health: Arc<Health>,
}

/// Logs in at a broker, and does nothing else.
///
/// # Errors
/// No broker can be reached, or it refuses; then the class is [`Authentication`](crate::kafka_error::FaultClass).
pub(crate) async fn log_in(
    config: &KafkaConfig,
    timeout: Duration,
    token: Option<Given>,
) -> Result<(), KafkaFault> {
    let pool = Pool::new(Settings::read(config, 1, timeout, token));
    let request = MetadataRequest::default()
        .with_topics(Some(vec![]))
        .with_allow_auto_topic_creation(false);
    Ok(pool.metadata(&request).await.map(drop)?)
}

impl WireAdmin {
    /// Connects with the admin client's settings, when it is first asked; `token`: to log in with this one.
    pub(crate) fn new(
        config: &KafkaConfig,
        (connections, timeout): (usize, Duration),
        health: Arc<Health>,
        token: Option<Given>,
    ) -> Self {
        let settings = Settings::read(config, connections, timeout, token);
        let pool = Pool::new(settings);
        if let Some(reason) = pool.impossible() {
            tracing::warn!("the v3 API cannot reach Kafka with these settings: {reason}");
        }
        Self { pool, health }
    }

    /// Sends a request, again while it may help.
    async fn call<R: Request>(
        &self,
        to: To<'_>,
        request: &R,
        newest: i16,
        name: &'static str,
        check: impl Fn(&R::Response) -> Result<(), WireError>,
    ) -> Result<R::Response, KafkaFault> {
        if let Some(fault) = self.health.hopeless() {
            return Err(fault);
        }
        let check = &check;
        let attempt = || async move {
            let answer = self.pool.call(to, request, newest, name).await?;
            check(&answer).map(|()| answer)
        };
        Ok(self.pool.retried(attempt).await?)
    }

    async fn describe_cluster(&self) -> Result<Cluster, KafkaFault> {
        if let Some(fault) = self.health.hopeless() {
            return Err(fault);
        }
        let request = MetadataRequest::default()
            .with_topics(Some(vec![]))
            .with_allow_auto_topic_creation(false);
        let answer = self.pool.metadata(&request).await?;
        let mut brokers: Vec<Broker> = answer
            .brokers
            .iter()
            .map(|broker| Broker {
                id: broker.node_id.0,
                host: broker.host.to_string(),
                port: broker.port,
                rack: broker.rack.as_ref().map(ToString::to_string),
            })
            .collect();
        brokers.sort_unstable_by_key(|broker| broker.id);
        Ok(Cluster {
            id: answer.cluster_id.map(|id| id.to_string()),
            controller: Some(answer.controller_id.0).filter(|id| *id >= 0),
            brokers,
        })
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

fn broker_ids(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}

/// The fault of an answer that leaves out what was asked for.
fn incomplete() -> KafkaFault {
    KafkaFault::new(
        crate::kafka_error::FaultClass::Fatal,
        "Kafka answered without what was asked for.",
    )
}

impl ClusterAdmin for WireAdmin {
    fn cluster(&self) -> Outcome<'_, Cluster> {
        Box::pin(self.describe_cluster())
    }

    fn topics<'a>(
        &'a self,
        names: Option<Vec<String>>,
        authorized_operations: bool,
    ) -> Outcome<'a, Vec<Topic>> {
        Box::pin(self.describe_topics(names, authorized_operations))
    }

    fn create_topic(&self, topic: NewTopic) -> Outcome<'_, CreatedTopic> {
        Box::pin(self.make_topic(topic))
    }

    fn delete_topic<'a>(&'a self, name: &'a str) -> Outcome<'a, ()> {
        Box::pin(self.remove_topic(name))
    }

    fn grow_topic<'a>(&'a self, name: &'a str, partitions: i32) -> Outcome<'a, ()> {
        Box::pin(self.add_partitions(name, partitions))
    }

    fn configs(&self, resources: Vec<ConfigResource>) -> Outcome<'_, Vec<Vec<Config>>> {
        Box::pin(self.describe_configs(resources))
    }

    fn alter_configs(
        &self,
        resource: ConfigResource,
        changes: Vec<ConfigChange>,
        validate_only: bool,
    ) -> Outcome<'_, ()> {
        Box::pin(self.change_configs(resource, changes, validate_only))
    }

    fn reassignments(&self) -> Outcome<'_, Vec<Reassignment>> {
        Box::pin(self.list_reassignments())
    }

    fn group_ids(&self) -> Outcome<'_, Vec<String>> {
        Box::pin(self.list_groups())
    }

    fn group<'a>(&'a self, id: &'a str) -> Outcome<'a, Option<Group>> {
        Box::pin(self.describe_group(id))
    }

    fn remove_member<'a>(&'a self, group: &'a str, instance_id: &'a str) -> Outcome<'a, ()> {
        Box::pin(self.leave_group(group, instance_id))
    }

    fn committed<'a>(&'a self, group: &'a str) -> Outcome<'a, Vec<PartitionOffset>> {
        Box::pin(self.list_committed(group))
    }

    fn offsets(
        &self,
        partitions: Vec<(String, i32)>,
        spec: OffsetSpec,
    ) -> Outcome<'_, Vec<PartitionOffset>> {
        Box::pin(self.list_offsets(partitions, spec))
    }

    fn sizes(&self, partitions: Vec<(String, i32)>) -> Outcome<'_, Vec<PartitionOffset>> {
        Box::pin(self.describe_sizes(partitions))
    }

    fn acls(&self, filter: AclFilter) -> Outcome<'_, Vec<AclBinding>> {
        Box::pin(self.describe_acls(filter))
    }

    fn create_acls(&self, acls: Vec<AclBinding>) -> Outcome<'_, ()> {
        Box::pin(self.add_acls(acls))
    }

    fn delete_acls(&self, filter: AclFilter) -> Outcome<'_, Vec<AclBinding>> {
        Box::pin(self.remove_acls(filter))
    }
}
