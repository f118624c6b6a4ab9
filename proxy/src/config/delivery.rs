//! What becomes of records on their way to Kafka.

use std::time::Duration;

use sluiceway_common::config_def::Values;
use sluiceway_common::kafka_config::KafkaConfig;

use super::millis;

/// What becomes of records.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// Bytes on their way to Kafka.
    pub max_in_flight_bytes: usize,
    /// Longest wait of records without key and partition for a partition with none on their way; zero: the client
    /// places them.
    pub longest_turn_wait: Duration,
    /// Connections on which batches are written at once; 0: librdkafka writes all records.
    pub batch_connections: usize,
    /// Largest record, as the Java client computes its size.
    pub max_record_bytes: usize,
    /// Wait for metadata while no broker answers.
    pub max_block: Duration,
    /// Wait for a topic under creation.
    pub topic_creation_wait: Duration,
    /// Age at which what is known of a topic is looked up again.
    pub metadata_ttl: Duration,
    /// Look-ups for GETs.
    pub metadata_timeout: Duration,
    /// Look-ups at once.
    pub metadata_concurrency: usize,
}

/// Reads it; the producer's settings bound it, too.
pub(super) fn read(values: &Values, producer: &KafkaConfig) -> DeliveryConfig {
    let number = |name: &str| {
        producer
            .settings
            .get(name)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let memory = number("queue.buffering.max.kbytes").map(|kbytes| kbytes * 1024);
    DeliveryConfig {
        max_in_flight_bytes: memory
            .unwrap_or_else(|| values.size("sluiceway.produce.max.inflight.bytes")),
        longest_turn_wait: match producer.settings.get("partitioner").map(String::as_str) {
            Some("murmur2_random") => millis(values, "sluiceway.produce.turn.wait.ms"),
            _ => Duration::ZERO,
        },
        batch_connections: values.size("sluiceway.produce.batch.connections"),
        max_record_bytes: number("message.max.bytes").unwrap_or(1_048_576),
        max_block: millis(values, "producer.max.block.ms"),
        topic_creation_wait: millis(values, "sluiceway.topic.creation.wait.ms"),
        metadata_ttl: millis(values, "sluiceway.metadata.ttl.ms"),
        metadata_timeout: millis(values, "sluiceway.metadata.timeout.ms"),
        metadata_concurrency: values.size("sluiceway.metadata.concurrency"),
    }
}
