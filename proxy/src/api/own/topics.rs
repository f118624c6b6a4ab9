//! `GET /sluiceway/topics`: topics a page at a time, with their sizes.
//!
//! | parameter | what it is |
//! |---|---|
//! | `contains` | only topics whose names contain this, whatever their case |
//! | `internal` | `true`: also those that brokers keep for themselves |
//! | `sort` | `name` (the default), `-name`, `partitions`, `-partitions` |
//! | `skip` | so many of them are left out at the front |
//! | `limit` | topics at most: 50 unless said, 500 at most |
//!
//! Sizes are asked for the page's topics alone. Where Kafka does not tell one, it is null.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::number;
use crate::api::Request;
use crate::cluster_admin::{OffsetSpec, PartitionOffset, Topic};
use crate::error::Error;
use crate::respond::{self, Response};

/// Topics of a page.
const LIMIT: usize = 50;
const MOST: usize = 500;
/// Partitions of a page whose sizes are asked for; a page with more has none.
const PARTITIONS: usize = 10_000;

#[derive(Serialize)]
struct Page {
    /// Topics that the caller may see.
    total: usize,
    /// Those that `contains` leaves.
    matching: usize,
    skip: usize,
    topics: Vec<Summary>,
}

#[derive(Serialize)]
struct Summary {
    name: String,
    internal: bool,
    partitions: usize,
    replication_factor: usize,
    /// Records between the first and the next offsets, over all partitions.
    records: Option<i64>,
    /// The sum of the next offsets: what it grows by is what was written.
    end_offset: Option<i64>,
    /// Bytes on the disks of the partitions' leaders.
    bytes: Option<i64>,
}

/// Answers.
///
/// # Errors
/// Kafka does not answer, or a parameter is none.
pub(crate) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let (skip, limit) = (number(request, "skip")?, number(request, "limit")?);
    let (skip, limit) = (skip.unwrap_or(0), limit.unwrap_or(LIMIT).clamp(1, MOST));
    let internal = request.query("internal").as_deref() == Some("true");
    let mut topics = request.app.cluster.topics(None, false).await?;
    topics.retain(|topic| (internal || !topic.internal) && request.may_see(&topic.name));
    let total = topics.len();
    if let Some(part) = request.query("contains") {
        let part = part.to_lowercase();
        topics.retain(|topic| topic.name.to_lowercase().contains(&part));
    }
    sort(&mut topics, request.query("sort").as_deref())?;
    let matching = topics.len();
    let shown: Vec<Topic> = topics.into_iter().skip(skip).take(limit).collect();
    let page = Page {
        total,
        matching,
        skip,
        topics: summaries(request, shown).await,
    };
    respond::json(request.negotiated, &page)
}

/// They come by name.
fn sort(topics: &mut [Topic], by: Option<&str>) -> Result<(), Error> {
    match by {
        None | Some("name") => {}
        Some("-name") => topics.reverse(),
        Some("partitions") => topics.sort_by_key(|topic| topic.partitions.len()),
        Some("-partitions") => topics.sort_by_key(|topic| Reverse(topic.partitions.len())),
        Some(other) => {
            let shown: String = other.chars().take(64).collect();
            let message =
                format!("sort \"{shown}\" is none of: name, -name, partitions, -partitions.");
            return Err(Error::BadRequest(message));
        }
    }
    Ok(())
}

async fn summaries(request: &Request<'_>, topics: Vec<Topic>) -> Vec<Summary> {
    let admin = &request.app.cluster;
    let led = topics.iter().flat_map(|topic| {
        let led = topic.partitions.iter().filter(|info| info.leader >= 0);
        led.map(|info| (topic.name.clone(), info.id))
    });
    let led: Vec<(String, i32)> = led.collect();
    let few = !led.is_empty() && led.len() <= PARTITIONS;
    let (mut begins, mut ends, mut bytes) = (None, None, None);
    if few {
        // What cannot be told now is left out rather than failing the list.
        let (begin, end, size) = tokio::join!(
            admin.offsets(led.clone(), OffsetSpec::Earliest),
            admin.offsets(led.clone(), OffsetSpec::Latest),
            admin.sizes(led),
        );
        begins = begin.ok().map(sums);
        ends = end.ok().map(sums);
        bytes = size.ok().map(sums);
    }
    let summary = |topic: Topic| {
        let of = |sums: &Option<HashMap<String, i64>>| {
            let sums = sums.as_ref()?;
            sums.get(&topic.name).copied()
        };
        let copies = topic
            .partitions
            .first()
            .map_or(0, |info| info.replicas.len());
        Summary {
            internal: topic.internal,
            partitions: topic.partitions.len(),
            replication_factor: copies,
            records: of(&ends).zip(of(&begins)).map(|(end, begin)| end - begin),
            end_offset: of(&ends),
            bytes: of(&bytes),
            name: topic.name,
        }
    };
    topics.into_iter().map(summary).collect()
}

fn sums(offsets: Vec<PartitionOffset>) -> HashMap<String, i64> {
    let mut sums = HashMap::new();
    for PartitionOffset { topic, offset, .. } in offsets {
        *sums.entry(topic).or_insert(0) += offset;
    }
    sums
}
