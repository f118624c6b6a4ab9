//! Reading whole topics.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::{Kafka, Record, base_config};

/// What reading a whole topic may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

impl Kafka {
    /// Every record of a topic up to the ends of its partitions at the time of the call, ordered by
    /// partition and offset.
    ///
    /// # Errors
    /// The topic does not exist, the broker does not answer, or reading takes too long.
    pub fn read_all(&self, topic: &str) -> Result<Vec<Record>> {
        tokio::task::block_in_place(|| self.read_blocking(topic))
    }

    fn read_blocking(&self, topic: &str) -> Result<Vec<Record>> {
        let consumer = self.consumer("protocol-tests-reader")?;
        let mut open = self.ends(topic)?;
        let mut assignment = TopicPartitionList::new();
        for (partition, (low, _)) in &open {
            assignment.add_partition_offset(topic, *partition, Offset::Offset(*low))?;
        }
        open.retain(|_, (low, end)| low < end);
        consumer.assign(&assignment)?;
        let mut records = Vec::new();
        let until = Instant::now() + READ_TIMEOUT;
        while !open.is_empty() {
            ensure!(Instant::now() < until, "{topic}: {open:?} are not reached");
            let Some(message) = consumer.poll(Duration::from_millis(200)) else {
                continue;
            };
            let record = Record::read(&message?);
            if let Some((_, end)) = open.get(&record.partition) {
                if record.offset + 1 >= *end {
                    open.remove(&record.partition);
                }
                records.push(record);
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        Ok(records)
    }

    /// Every committed record of a topic, as a consumer with `read_committed` is given them, by partition and offset.
    ///
    /// # Errors
    /// As [`Kafka::read_all`].
    pub fn read_committed(&self, topic: &str) -> Result<Vec<Record>> {
        tokio::task::block_in_place(|| {
            let mut open = self.partitions(topic)?;
            let mut config = base_config(&self.bootstrap);
            config
                .set("group.id", "protocol-tests-reader")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("isolation.level", "read_committed");
            let consumer: BaseConsumer = config.create()?;
            let mut assignment = TopicPartitionList::new();
            for partition in &open {
                assignment.add_partition_offset(topic, *partition, Offset::Beginning)?;
            }
            consumer.assign(&assignment)?;
            let (mut records, until) = (Vec::new(), Instant::now() + READ_TIMEOUT);
            while !open.is_empty() {
                ensure!(
                    Instant::now() < until,
                    "{topic}: {open:?} are not read to their ends"
                );
                match consumer.poll(Duration::from_millis(200)) {
                    None => {}
                    Some(Ok(message)) => records.push(Record::read(&message)),
                    Some(Err(KafkaError::PartitionEOF(at))) => open.retain(|one| *one != at),
                    Some(Err(error)) => return Err(error.into()),
                }
            }
            records.sort_by_key(|record| (record.partition, record.offset));
            Ok(records)
        })
    }
}
