//! A member of a consumer group that only stays in it, so that there is something to see: a thread polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::eventually;
use crate::kafka::Kafka;

/// The client id of members; the recordings have members of this name.
const CLIENT: &str = "gt-client";

/// A member, until dropped.
pub struct Member {
    /// The id that the coordinator gave.
    pub id: String,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Member {
    /// Joins a group, is assigned a topic, and commits offset 1 of each partition, as the recorded one had.
    ///
    /// # Errors
    /// The broker does not let it join.
    pub async fn join(kafka: &Kafka, group: &str, topic: &str) -> Result<Self> {
        let consumer = kafka.consumer_named(group, CLIENT)?;
        consumer.subscribe(&[topic])?;
        let consumer = Arc::new(consumer);
        let ended = Arc::new(AtomicBool::new(false));
        let (polling, done) = (Arc::clone(&consumer), Arc::clone(&ended));
        let thread = std::thread::spawn(move || poll(&polling, &done));
        let member = Self {
            id: String::new(),
            ended,
            thread: Some(thread),
        };
        let asked = Arc::clone(&consumer);
        let id = eventually("joining a group", Duration::from_secs(30), async || {
            let list = tokio::task::block_in_place(|| {
                asked.fetch_group_list(Some(group), Duration::from_secs(10))
            })?;
            let members = list.groups().iter().flat_map(|group| group.members());
            let assigned =
                members.filter(|member| member.assignment().is_some_and(|bytes| !bytes.is_empty()));
            Ok(assigned.map(|member| member.id().to_owned()).next())
        });
        let mut member = member;
        member.id = id.await?;
        let mut first = TopicPartitionList::new();
        for partition in kafka.partitions(topic)? {
            first.add_partition_offset(topic, partition, Offset::Offset(1))?;
        }
        tokio::task::block_in_place(|| consumer.commit(&first, CommitMode::Sync))?;
        Ok(member)
    }
}

fn poll(consumer: &BaseConsumer, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        // What it reads does not matter; polling keeps it in the group.
        drop(consumer.poll(Duration::from_millis(100)));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
