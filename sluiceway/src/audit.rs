//! The check at the end of `--posts N`: reads the objects back and compares them with what was
//! acknowledged.

use std::collections::BTreeMap;

use anyhow::Context;
use posting_emulator::{Acknowledgement, DatetimeFormat, Source, Table};
use serde_json::Value;

use crate::{
    connector::FLUSH_SIZE,
    objects::Objects,
    summary::Check,
    verify::{Object, Problems, TopicPartition, Verifier, share_out, start_of},
};

/// Compares all acknowledgements with the objects of their topics.
///
/// # Errors
/// When the objects cannot be read.
pub(crate) async fn check(
    objects: &Objects,
    source: &Source,
    user: &str,
    acknowledgements: Vec<Acknowledgement>,
) -> anyhow::Result<Check> {
    let records = acknowledgements.len() as u64;
    let mut partitions: BTreeMap<(Table, i32), Vec<Acknowledgement>> = BTreeMap::new();
    for record in acknowledgements {
        let partition = partitions.entry((record.table, record.partition));
        partition.or_default().push(record);
    }
    let mut problems = Problems::default();
    for ((table, partition), mut records) in partitions {
        records.sort_unstable_by_key(|record| record.offset);
        let topic = table.topic(user);
        let at = TopicPartition { topic, partition };
        problems.extend(check_partition(objects, source, at, &records).await?);
    }
    Ok(Check { records, problems })
}

/// Compares the acknowledgements of one partition, in the order of their offsets.
async fn check_partition(
    objects: &Objects,
    source: &Source,
    at: TopicPartition,
    records: &[Acknowledgement],
) -> anyhow::Result<Problems> {
    let lowest = records.first().map_or(0, |record| record.offset);
    let named = named(objects, &at, lowest).await?;
    let starts: Vec<i64> = named.iter().map(|(start, _)| *start).collect();
    let (below, shares) = share_out(records, &starts, |record| record.offset);
    let mut verifier = Verifier::new(at);
    verifier.offsets(records.iter().map(|record| record.offset));
    below
        .iter()
        .for_each(|record| verifier.below(record.offset));
    for ((start, key), share) in named.iter().zip(shares) {
        let object = Object::read(key, *start, &objects.get(key).await?);
        verifier.object(&object, &expected(source, share).await?);
    }
    Ok(verifier.finish())
}

/// What each acknowledged offset must hold.
async fn expected(
    source: &Source,
    records: &[Acknowledgement],
) -> anyhow::Result<Vec<(i64, Value)>> {
    let mut values = Vec::with_capacity(records.len());
    for record in records {
        let row = source.row(record.table, record.row).await?;
        let json = row.to_json(DatetimeFormat::default());
        let value = serde_json::from_str(&json).context("a row is not JSON")?;
        values.push((record.offset, value));
    }
    Ok(values)
}

/// The objects of a topic-partition that may hold offsets from `lowest` on: start and key.
async fn named(
    objects: &Objects,
    at: &TopicPartition,
    lowest: i64,
) -> anyhow::Result<Vec<(i64, String)>> {
    let TopicPartition { topic, partition } = at;
    let prefix = format!("topics/{topic}/partition={partition}/{topic}+{partition}+");
    let keys = objects.keys(&prefix).await?;
    let mut named: Vec<(i64, String)> = keys
        .into_iter()
        .filter_map(|key| start_of(&key).map(|start| (start, key)))
        .collect();
    named.sort_unstable();
    let first = first_of_interest(&named, lowest);
    Ok(named.split_off(first))
}

/// The first object that may hold `lowest`. Most records lie within the flush size of the start;
/// where records were skipped, the last object that begins at or below `lowest` reaches further.
fn first_of_interest(named: &[(i64, String)], lowest: i64) -> usize {
    let near = named.partition_point(|(start, _)| *start <= lowest - FLUSH_SIZE);
    let at_or_below = named.partition_point(|(start, _)| *start <= lowest);
    near.min(at_or_below.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(starts: &[i64], lowest: i64) -> usize {
        let named: Vec<_> = starts.iter().map(|start| (*start, String::new())).collect();
        first_of_interest(&named, lowest)
    }

    #[test]
    fn objects_of_earlier_runs_are_not_read_again() {
        assert_eq!(first(&[], 0), 0);
        assert_eq!(first(&[0, 100, 200], 0), 0);
        assert_eq!(first(&[0, 100, 200, 300], 300), 3);
        assert_eq!(first(&[0, 100, 200, 300], 299), 2);
        assert_eq!(first(&[0, 100, 150, 200], 249), 2);
        assert_eq!(
            first(&[0, 100, 200], 1000),
            2,
            "an object with skipped records"
        );
    }
}
