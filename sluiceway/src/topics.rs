//! The user's three topics: created when missing, as the course's users create theirs by hand.

use std::time::Duration;

use anyhow::{Context, bail};
use posting_emulator::Table;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The names of the user's topics.
pub(crate) fn names(user: &str) -> Vec<String> {
    Table::ALL.iter().map(|table| table.topic(user)).collect()
}

/// Creates the user's topics; those that exist stay as they are. New ones have one partition, and
/// the cluster's default replication.
///
/// # Errors
/// When Kafka cannot be reached within 10 s or refuses.
pub(crate) async fn create(bootstrap: &str, user: &str) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "sluiceway-quick-start")
        .create()
        .context("cannot make a Kafka client")?;
    let names = names(user);
    // -1: the broker's default.replication.factor.
    let topics: Vec<NewTopic<'_>> = names
        .iter()
        .map(|name| NewTopic::new(name, 1, TopicReplication::Fixed(-1)))
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(REQUEST_TIMEOUT))
        .operation_timeout(Some(REQUEST_TIMEOUT));
    let created = admin.create_topics(&topics, &options);
    let created = created.await.with_context(|| {
        format!(
            "no Kafka answers at {bootstrap} in {} s (--bootstrap-servers; without TLS and login)",
            REQUEST_TIMEOUT.as_secs()
        )
    })?;
    for outcome in created {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => bail!("cannot create topic {topic} at {bootstrap}: {code}"),
        }
    }
    Ok(())
}
