//! The workers' internal topics: made when they are missing, checked when they are there.
//!
//! In: the topics' settings and an admin client. Out: nothing, or why the worker cannot work with what is there. As
//! Connect does it, a topic is made compacted, and one that is there and not compacted is refused, because it would
//! lose connectors; the config topic must have one partition, because its order is what all workers agree by.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use sluiceway_kafka_tokens::never_by_admin_clients;
use thiserror::Error;

use crate::worker::{DistributedConfig, InternalTopic};

const POLICY: &str = "cleanup.policy";
const COMPACT: &str = "compact";

/// Why the internal topics cannot be used.
#[derive(Debug, Error)]
pub(super) enum TopicError {
    /// May be over by itself.
    #[error("the brokers cannot be asked about the worker's topics: {0}")]
    Kafka(#[from] KafkaError),
    /// A topic cannot be made.
    #[error("topic {topic} ({key}) cannot be made: {reason}")]
    NotMade {
        topic: String,
        key: &'static str,
        reason: String,
    },
    /// A topic is there and is not what it must be.
    #[error(
        "topic {topic} ({key}) has {setting}={found}; it must be {wanted}, or connectors would be lost: change the \
         topic or name another one"
    )]
    Unfit {
        topic: String,
        key: &'static str,
        setting: &'static str,
        found: String,
        wanted: &'static str,
    },
}

/// Makes what is missing and checks the rest.
pub(super) async fn prepare(
    client: &ClientConfig,
    config: &DistributedConfig,
    timeout: Duration,
) -> Result<(), TopicError> {
    if never_by_admin_clients(client) {
        // Whoever reads the topics tells when one is not there.
        tracing::info!(
            "with AWS_MSK_IAM and OAUTHBEARER the worker's topics are taken as they are: they have to be there, compacted, the config topic \
             with one partition"
        );
        return Ok(());
    }
    let admin: AdminClient<DefaultClientContext> = client.create()?;
    let options = AdminOptions::new()
        .request_timeout(Some(timeout))
        .operation_timeout(Some(timeout));
    let topics = [
        &config.config_topic,
        &config.offset_topic,
        &config.status_topic,
        &config.slot_topic,
    ];
    for topic in topics {
        make(&admin, topic, &options).await?;
    }
    for topic in [&config.config_topic, &config.status_topic] {
        check(&admin, topic, &options).await?;
    }
    let admin_client = admin.inner();
    let metadata = admin_client.fetch_metadata(Some(&config.config_topic.name), timeout)?;
    let partitions = metadata
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len());
    if partitions > 1 {
        return Err(TopicError::Unfit {
            topic: config.config_topic.name.clone(),
            key: config.config_topic.key,
            setting: "partitions",
            found: partitions.to_string(),
            wanted: "1",
        });
    }
    Ok(())
}

async fn make(
    admin: &AdminClient<DefaultClientContext>,
    topic: &InternalTopic,
    options: &AdminOptions,
) -> Result<(), TopicError> {
    let replication = TopicReplication::Fixed(topic.replication);
    let mut new = NewTopic::new(&topic.name, topic.partitions, replication).set(POLICY, COMPACT);
    for (key, value) in &topic.settings {
        new = new.set(key, value);
    }
    let results = admin.create_topics([&new], options).await?;
    let not_made = |reason: String| TopicError::NotMade {
        topic: topic.name.clone(),
        key: topic.key,
        reason,
    };
    match results.into_iter().next() {
        Some(Ok(_)) => {
            tracing::info!(
                topic = topic.name,
                partitions = topic.partitions,
                "topic made"
            );
            Ok(())
        }
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        // It may be there all the same; if it is not, the readers say so.
        Some(Err((
            _,
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed,
        ))) => {
            tracing::warn!(
                topic = topic.name,
                "no right to make the topic; taking it for there"
            );
            Ok(())
        }
        Some(Err((_, RDKafkaErrorCode::InvalidReplicationFactor))) => Err(not_made(format!(
            "the cluster has fewer brokers than {} replicas; set its replication.factor",
            topic.replication
        ))),
        Some(Err((_, code))) => Err(not_made(code.to_string())),
        None => Err(not_made("no answer".to_owned())),
    }
}

async fn check(
    admin: &AdminClient<DefaultClientContext>,
    topic: &InternalTopic,
    options: &AdminOptions,
) -> Result<(), TopicError> {
    let asked = [ResourceSpecifier::Topic(&topic.name)];
    let described = admin.describe_configs(&asked, options).await?;
    let found = match described.into_iter().next() {
        Some(Ok(resource)) => resource.get(POLICY).and_then(|entry| entry.value.clone()),
        Some(Err(code)) => {
            tracing::warn!(topic = topic.name, %code, "cannot see whether the topic is compacted");
            None
        }
        None => None,
    };
    match found {
        Some(policy) if policy != COMPACT => Err(TopicError::Unfit {
            topic: topic.name.clone(),
            key: topic.key,
            setting: POLICY,
            found: policy,
            wanted: COMPACT,
        }),
        _ => Ok(()),
    }
}
