//! The bare librdkafka consume loop: what the machine and the broker allow.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::produce_loop::Rate;
use super::topic::Topic;
use super::{statistics, usage};

/// Reads the whole topic once, from the first fetch to the last record.
pub(crate) fn run(bootstrap: &str, topic: &Topic, count: u64) -> Result<Rate> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "bench-bare-loop")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..topic.partitions {
        partitions.add_partition_offset(&topic.name, partition, Offset::Beginning)?;
    }
    let (start, cpu) = (Instant::now(), usage::cpu(std::process::id())?);
    consumer.assign(&partitions)?;
    let (mut read, mut bytes) = (0_u64, 0_usize);
    while read < count {
        ensure!(
            start.elapsed() < Duration::from_secs(300),
            "{read} of {count} records came"
        );
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            bytes += message?.payload_len();
            read += 1;
        }
    }
    ensure!(bytes > 0, "the records were empty");
    let (took, cpu) = (start.elapsed(), usage::cpu(std::process::id())? - cpu);
    Ok(Rate {
        records_per_second: count as f64 / took.as_secs_f64(),
        cpu_us: statistics::micros_each(cpu, count),
    })
}
