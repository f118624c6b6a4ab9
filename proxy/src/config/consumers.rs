//! Consumer instances, and reads without a group.

use std::time::Duration;

use sluiceway_common::config_def::Values;

use super::millis;

/// Consumer instances.
#[derive(Debug, Clone)]
pub struct ConsumersConfig {
    /// Longest wait of a read.
    pub request_timeout: Duration,
    /// Bytes of keys and values that a read returns at most.
    pub max_bytes: usize,
    /// Bytes above which a read answers at once; `None`: when everything is read.
    pub min_bytes: Option<usize>,
    /// Time without a request after which an instance is closed.
    pub instance_timeout: Duration,
    /// Blocking calls at once; `None`: no limit.
    pub threads: Option<usize>,
    /// Instances at once.
    pub max_instances: usize,
    /// Silence after which a read with records answers.
    pub linger: Duration,
    /// Time that a group has to say what an instance reads before its first read begins to wait.
    pub join_wait: Duration,
    /// Partitions read without a group at once.
    pub max_partition_reads: usize,
    /// Records that such a read returns at most.
    pub max_partition_records: usize,
    /// This proxy's name in the names of instances.
    pub id: String,
}

/// Reads it.
pub(super) fn read(values: &Values) -> ConsumersConfig {
    ConsumersConfig {
        request_timeout: millis(values, "consumer.request.timeout.ms"),
        max_bytes: values.size("consumer.request.max.bytes"),
        min_bytes: usize::try_from(values.number("fetch.min.bytes")).ok(),
        instance_timeout: millis(values, "consumer.instance.timeout.ms"),
        threads: usize::try_from(values.number("consumer.threads")).ok(),
        max_instances: values.size("sluiceway.consumer.instances.max"),
        linger: millis(values, "sluiceway.consumer.linger.ms"),
        join_wait: millis(values, "sluiceway.consumer.join.wait.ms"),
        max_partition_reads: values.size("sluiceway.partition.reads.max"),
        max_partition_records: values.size("sluiceway.partition.reads.max.records"),
        id: values.text("id").to_owned(),
    }
}
