//! The cases: functions over a [`crate::Session`], run on embedded and on real parts alike. Each module begins with
//! a list of its cases for [`crate::tests`].

pub mod config_files;
pub mod connect_rest;
pub mod connect_takeover;
pub mod deleted_topics;
pub mod documented;
pub mod examples;
pub mod golden;
pub mod idempotency;
mod kafka_callers;
pub mod kafka_login;
mod kafka_plain;
pub mod kafka_security;
mod kafka_tokens;
pub mod kept_connections;
pub mod metrics;
pub mod monitoring;
pub mod pages;
pub mod peers;
pub mod peers_names;
pub mod quick_start;
pub mod rest_beyond;
pub mod rest_openapi;
pub mod rest_raw;
pub mod rest_streams;
pub mod rest_v2_connections;
pub mod rest_v2_errors;
pub mod rest_v2_groups;
pub mod rest_v2_metadata;
pub mod rest_v2_produce;
pub mod sink_credentials;
pub mod sink_kill;
pub mod sink_layout;
pub mod sink_rebalance;
pub mod sink_requests;
pub mod sink_restart;
pub mod sink_rotation;
pub mod sink_scale;
pub mod sink_takeover;
pub mod sink_workers;
pub mod soak;
pub mod traces;

pub use soak::{
    brokers as soak_brokers, distributed as soak_distributed, hostile as soak_hostile,
    memory as soak_memory, mixed as soak_mixed, s3_faults as soak_s3_faults, uneven as soak_uneven,
    workers as soak_workers,
};

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http::{Client, Request, Response};
use crate::kafka::Record;
use crate::s3::Bucket;

/// The type of everything in API version 2 but records.
pub const V2: &str = "application/vnd.kafka.v2+json";
/// Records as JSON.
pub const V2_JSON: &str = "application/vnd.kafka.json.v2+json";
/// Records as base64.
pub const V2_BINARY: &str = "application/vnd.kafka.binary.v2+json";

/// What a sink may take to write what it has; machines of the gate are slow.
const SINK_LIMIT: Duration = Duration::from_secs(60);

/// A produce request in JSON.
#[must_use]
pub fn produce(path: &str, body: &Value) -> Request {
    Request::new("POST", path)
        .header("Content-Type", V2_JSON)
        .header("Accept", V2)
        .body(body.to_string())
}

/// Fails unless the answer has this status; the message shows the body.
///
/// # Errors
/// Another status.
pub fn expect_status(answer: &Response, status: u16) -> Result<()> {
    ensure!(
        answer.status == status,
        "{} instead of {status}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}

/// Produces and returns the entries of `offsets`, none of which may have an error.
///
/// # Errors
/// Anything but a 200 without errors.
pub async fn produce_ok(http: &Client, path: &str, body: &Value) -> Result<Vec<(i64, i64)>> {
    let answer = http.call(&produce(path, body)).await?;
    expect_status(&answer, 200)?;
    acknowledged(&answer.json()?)
}

/// Partition and offset of every entry of a produce answer.
///
/// # Errors
/// An entry has an error.
pub fn acknowledged(answer: &Value) -> Result<Vec<(i64, i64)>> {
    let entries = answer["offsets"].as_array().context("no offsets")?;
    let place = |entry: &Value| {
        ensure!(
            entry["error_code"].is_null() && entry["error"].is_null(),
            "{entry}"
        );
        let partition = entry["partition"].as_i64().context("no partition")?;
        Ok((partition, entry["offset"].as_i64().context("no offset")?))
    };
    entries.iter().map(place).collect()
}

/// Records `{"n": 5, "p": 0}` of a partition, each to lie at the offset of its number. The blanks show who writes JSON
/// anew.
#[must_use]
pub fn numbered(partition: i32, numbers: std::ops::Range<i64>) -> Vec<Record> {
    let record = |n| Record {
        offset: n,
        ..Record::value(partition, format!("{{\"n\": {n}, \"p\": {partition}}}"))
    };
    numbers.map(record).collect()
}

/// Waits until each of these partitions has this committed offset in the connector's group.
async fn wait_for_commit(
    session: &crate::Session,
    connector: &crate::connector::Connector,
    topic: &str,
    ends: &[(i32, i64)],
) -> Result<()> {
    crate::eventually("waiting for the commit", SINK_LIMIT, async || {
        let committed = session.kafka.committed(&connector.group(), topic)?;
        let reached = |(partition, end): &(i32, i64)| {
            committed
                .get(partition)
                .is_some_and(|found| found.offset == *end)
        };
        Ok(ends.iter().all(reached).then_some(()))
    })
    .await
}

/// Waits until a bucket holds this many objects, and returns their keys.
///
/// # Errors
/// It does not within the limit; the message says how many there are.
pub async fn wait_for_objects(bucket: &Bucket, count: usize) -> Result<Vec<String>> {
    let what = format!("waiting for {count} objects");
    let found = crate::eventually(&what, SINK_LIMIT, async || {
        let keys = bucket.keys("").await?;
        Ok((keys.len() >= count).then_some(keys))
    });
    let keys = match found.await {
        Ok(keys) => keys,
        Err(error) => return Err(error.context(format!("there are {:?}", bucket.keys("").await?))),
    };
    ensure!(keys.len() == count, "more than {count} objects: {keys:?}");
    Ok(keys)
}
