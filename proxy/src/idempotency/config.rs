//! `sluiceway.idempotency…` → settings.

use std::time::Duration;

use sluiceway_common::config_def::Values;

/// Settings of `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct IdempotencyConfig {
    /// The topic of notes.
    pub(crate) topic: String,
    /// Its partitions when it is made.
    pub(crate) partitions: i32,
    /// Its copies when it is made; `None`: the broker's default.
    pub(crate) replication_factor: Option<i16>,
    /// How long notes count.
    pub(crate) retention: Duration,
    /// For a request.
    pub(crate) timeout: Duration,
    /// Bytes of notes in memory.
    pub(crate) max_bytes: usize,
}

impl IdempotencyConfig {
    /// Reads the settings; `None`: it is off.
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let name = |rest: &str| format!("sluiceway.idempotency.{rest}");
        let factor = values.number(&name("topic.replication.factor"));
        let partitions = values.number(&name("topic.partitions"));
        values.boolean(&name("enable")).then(|| Self {
            topic: values.text(&name("topic")).to_owned(),
            partitions: i32::try_from(partitions).unwrap_or(1),
            replication_factor: i16::try_from(factor).ok().filter(|factor| *factor > 0),
            retention: values.millis(&name("retention.ms")).unwrap_or_default(),
            timeout: values.millis(&name("timeout.ms")).unwrap_or_default(),
            max_bytes: values.size(&name("memory.max.bytes")),
        })
    }
}
