//! Topics, partitions, configs, records and groups through the admin client.

use std::time::Duration;

use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::wire::Wire;
use super::{Bench, SOON, consumer, numbered, produce, read};

fn admin(bench: &Bench) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", bench.bootstrap())
        .create()
        .unwrap()
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)))
}

async fn create(
    admin: &AdminClient<DefaultClientContext>,
    topic: NewTopic<'_>,
) -> Result<(), RDKafkaErrorCode> {
    let created = admin
        .create_topics([&topic], &options())
        .await
        .unwrap()
        .remove(0);
    created.map(drop).map_err(|(_, code)| code)
}

fn topic<'a>(name: &'a str, partitions: i32) -> NewTopic<'a> {
    NewTopic::new(name, partitions, TopicReplication::Fixed(1))
}

/// Partitions of each topic.
fn topics(bench: &Bench) -> Vec<(String, usize)> {
    let metadata = consumer(&bench.bootstrap(), "g");
    let metadata = metadata.fetch_metadata(None, SOON).unwrap();
    metadata
        .topics()
        .iter()
        .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
        .collect()
}

#[tokio::test]
async fn topics_are_made_grown_and_removed_and_stay_so() {
    let bench = Bench::start().await;
    let client = admin(&bench);
    create(&client, topic("a.b", 2)).await.unwrap();
    create(&client, topic("gone", 1)).await.unwrap();
    assert_eq!(
        create(&client, topic("a.b", 2)).await,
        Err(RDKafkaErrorCode::TopicAlreadyExists)
    );
    assert_eq!(
        create(&client, topic("a_b", 1)).await,
        Err(RDKafkaErrorCode::InvalidTopic)
    );
    assert_eq!(
        create(&client, topic("bad name", 1)).await,
        Err(RDKafkaErrorCode::InvalidTopic)
    );
    assert_eq!(
        create(&client, topic("none", 0)).await,
        Err(RDKafkaErrorCode::InvalidPartitions)
    );
    let replicated = NewTopic::new("none", 1, TopicReplication::Fixed(3));
    assert_eq!(
        create(&client, replicated).await,
        Err(RDKafkaErrorCode::InvalidReplicationFactor)
    );
    let odd = topic("none", 1).set("bogus", "1");
    assert_eq!(
        create(&client, odd).await,
        Err(RDKafkaErrorCode::InvalidConfig)
    );
    let grow = async |count| {
        let grown = client
            .create_partitions([&NewPartitions::new("a.b", count)], &options())
            .await
            .unwrap();
        grown.into_iter().next().unwrap().map_err(|(_, code)| code)
    };
    grow(5).await.unwrap();
    assert_eq!(
        grow(5).await.unwrap_err(),
        RDKafkaErrorCode::InvalidPartitions
    );
    client
        .delete_topics(&["gone"], &options())
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let again = client
        .delete_topics(&["gone"], &options())
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        again.unwrap_err().1,
        RDKafkaErrorCode::UnknownTopicOrPartition
    );
    assert_eq!(topics(&bench), [("a.b".to_owned(), 5)]);
    let bench = bench.restart().await;
    assert_eq!(topics(&bench), [("a.b".to_owned(), 5)]);
}

#[tokio::test]
async fn a_topic_that_is_made_again_is_empty_and_without_offsets() {
    let bench = Bench::start().await;
    let client = admin(&bench);
    produce(&bench.bootstrap(), "t", &numbered(3), &[]);
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset("t", 0, Offset::Offset(2))
        .unwrap();
    let reader = consumer(&bench.bootstrap(), "g");
    reader.commit(&offsets, CommitMode::Sync).unwrap();
    client
        .delete_topics(&["t"], &options())
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    create(&client, topic("t", 1)).await.unwrap();
    assert_eq!(reader.fetch_watermarks("t", 0, SOON).unwrap(), (0, 0));
    let committed = reader.committed_offsets(offsets, SOON).unwrap();
    assert_eq!(committed.elements()[0].offset(), Offset::Invalid);
}

#[tokio::test]
async fn topics_are_not_made_when_that_is_switched_off() {
    let bench = Bench::start_with(|options| options.auto_create_topics = false).await;
    let answers = produce(
        &bench.bootstrap(),
        "t",
        &numbered(1),
        &[("message.timeout.ms", "2000")],
    );
    assert!(answers[0].is_err());
    assert!(topics(&bench).is_empty());
}

#[tokio::test]
async fn configs_show_kafkas_defaults_and_what_was_altered() {
    let bench = Bench::start().await;
    let client = admin(&bench);
    create(&client, topic("t", 1).set("cleanup.policy", "compact"))
        .await
        .unwrap();
    let resource = ResourceSpecifier::Topic("t");
    let alter = async |name, value| {
        let change = AlterConfig::new(resource)
            .set(name, value)
            .set("cleanup.policy", "compact");
        client
            .alter_configs([&change], &options())
            .await
            .unwrap()
            .remove(0)
    };
    alter("retention.ms", "1000").await.unwrap();
    assert_eq!(alter_on_the_wire(&bench, 0, Some("x")), 40);
    assert_eq!(alter_on_the_wire(&bench, 1, None), 0, "deleted");
    assert_eq!(
        alter_on_the_wire(&bench, 2, Some("1")),
        40,
        "only lists can be appended to"
    );
    assert_eq!(alter_on_the_wire(&bench, 0, Some("2000")), 0);
    let bench = bench.restart().await;
    let client = admin(&bench);
    let described = client
        .describe_configs([&resource], &options())
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let entries = described.entry_map();
    let entry = |name: &str| (entries[name].value.as_deref(), &entries[name].source);
    assert_eq!(entries.len(), 36);
    assert_eq!(
        entry("retention.ms"),
        (Some("2000"), &ConfigSource::DynamicTopic)
    );
    assert_eq!(
        entry("cleanup.policy"),
        (Some("compact"), &ConfigSource::DynamicTopic)
    );
    assert_eq!(
        entry("segment.bytes"),
        (Some("1073741824"), &ConfigSource::Default)
    );
    let missing = ResourceSpecifier::Topic("none");
    let missing = client
        .describe_configs([&missing], &options())
        .await
        .unwrap()
        .remove(0);
    assert!(
        missing.unwrap().entries.is_empty(),
        "rdkafka does not tell the error"
    );
    let answers = produce(&bench.bootstrap(), "t", &numbered(1), &[]);
    assert!(
        answers[0].is_err(),
        "a compacted topic takes no record without a key: {answers:?}"
    );
}

/// The error code for a change of `retention.ms` (rdkafka does not tell it): 0 sets, 1 deletes, 2 appends.
fn alter_on_the_wire(bench: &Bench, operation: i8, value: Option<&'static str>) -> i16 {
    let config = AlterableConfig::default()
        .with_name("retention.ms".into())
        .with_config_operation(operation)
        .with_value(value.map(Into::into));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name("t".into())
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    Wire::connect(&bench.bootstrap())
        .call(1, &request)
        .responses[0]
        .error_code
}

#[tokio::test]
async fn deleted_records_are_not_read_any_more() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(10), &[]);
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset("t", 0, Offset::Offset(4))
        .unwrap();
    admin(&bench)
        .delete_records(&before, &options())
        .await
        .unwrap();
    let bench = bench.restart().await;
    let reader = consumer(&bench.bootstrap(), "g");
    assert_eq!(reader.fetch_watermarks("t", 0, SOON).unwrap(), (4, 10));
    assert_eq!(read(&bench.bootstrap(), "t", 4, 6).len(), 6);
}

#[tokio::test]
async fn groups_are_removed_when_nobody_uses_them() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(1), &[]);
    let member = consumer(&bench.bootstrap(), "g");
    member.subscribe(&["t"]).unwrap();
    let until = std::time::Instant::now() + SOON;
    while member.poll(Duration::from_millis(50)).is_none() {
        assert!(std::time::Instant::now() < until);
    }
    let client = admin(&bench);
    let delete = async || {
        client
            .delete_groups(&["g"], &options())
            .await
            .unwrap()
            .remove(0)
            .map_err(|(_, code)| code)
    };
    assert_eq!(delete().await.unwrap_err(), RDKafkaErrorCode::NonEmptyGroup);
    drop(member);
    delete().await.unwrap();
    assert_eq!(
        delete().await.unwrap_err(),
        RDKafkaErrorCode::GroupIdNotFound
    );
}
