//! v3's streams and batches of records.

use std::time::Duration;

use sluiceway_common::config_def::Values;

use super::millis;

/// v3's streams and batches of records.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// Age from which a stream's records are refused.
    pub max_duration: Duration,
    /// Time from the first of them until the stream is closed.
    pub grace: Duration,
    /// Bytes that a streamed record's JSON may have; `None`: as a body.
    pub max_request_bytes: Option<usize>,
    /// Entries of a batch.
    pub max_batch_entries: usize,
    /// Limits on rates, when they are on.
    pub rates: Option<RateConfig>,
}

/// Limits on the rates of v3's records.
#[derive(Debug, Clone, Copy)]
pub struct RateConfig {
    /// Records a second per cluster of a path.
    pub records: u32,
    /// Records a second altogether.
    pub records_global: u32,
    /// Bytes of JSON a second per cluster of a path.
    pub bytes: u32,
    /// Bytes of JSON a second altogether.
    pub bytes_global: u32,
    /// Time after which a cluster that is not written to is forgotten.
    pub expiry: Duration,
}

/// Reads it.
pub(super) fn read(values: &Values) -> StreamConfig {
    let name = |rest: &str| format!("api.v3.produce.{rest}");
    let rate = |rest: &str| {
        let value = values.size(&name(&format!("rate.limit.{rest}")));
        u32::try_from(value).unwrap_or(u32::MAX)
    };
    let rates = values
        .boolean(&name("rate.limit.enabled"))
        .then(|| RateConfig {
            records: rate("max.requests.per.sec"),
            records_global: rate("max.requests.global.per.sec"),
            bytes: rate("max.bytes.per.sec"),
            bytes_global: rate("max.bytes.global.per.sec"),
            expiry: millis(values, &name("rate.limit.cache.expiry.ms")),
        });
    StreamConfig {
        max_duration: millis(values, "streaming.connection.max.duration.ms"),
        grace: millis(values, "streaming.connection.max.duration.grace.period.ms"),
        max_request_bytes: Some(values.size(&name("request.size.limit.max.bytes")))
            .filter(|bytes| *bytes > 0),
        max_batch_entries: values.size(&name("batch.maximum.entries")),
        rates,
    }
}
