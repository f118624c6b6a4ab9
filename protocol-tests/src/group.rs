//! A consumer group as its coordinator describes it: members, and which partitions each was given.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::consumer::Consumer;

use crate::kafka::Kafka;

const ASK_TIMEOUT: Duration = Duration::from_secs(20);

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The id that the coordinator gave it.
    pub id: String,
    /// `client.id`
    pub client: String,
    /// Partitions of all topics that it was given.
    pub partitions: BTreeSet<i32>,
}

/// The members of a group; none while it is rebalancing.
///
/// # Errors
/// The coordinator does not answer, or answers what is no assignment.
pub fn members(kafka: &Kafka, group: &str) -> Result<Vec<GroupMember>> {
    let asker = kafka.asker(group)?;
    let list = tokio::task::block_in_place(|| asker.fetch_group_list(Some(group), ASK_TIMEOUT))?;
    let described = list.groups().iter().find(|found| found.name() == group);
    let stable = described.filter(|group| group.state() == "Stable");
    let members = stable.map_or(&[][..], |group| group.members());
    members
        .iter()
        .map(|member| {
            Ok(GroupMember {
                id: member.id().to_owned(),
                client: member.client_id().to_owned(),
                partitions: partitions(member.assignment().unwrap_or_default())
                    .context("an assignment that is none")?,
            })
        })
        .collect()
}

/// The state of a group by its coordinator's word: `Stable`, `PreparingRebalance`, `Empty` …; none of one that it does not know.
///
/// # Errors
/// The coordinator does not answer.
pub fn state(kafka: &Kafka, group: &str) -> Result<Option<String>> {
    let asker = kafka.asker(group)?;
    let list = tokio::task::block_in_place(|| asker.fetch_group_list(Some(group), ASK_TIMEOUT))?;
    let described = list.groups().iter().find(|found| found.name() == group);
    Ok(described.map(|group| group.state().to_owned()))
}

/// The partitions in an assignment as members are given it: version, topics with their partitions, user data.
fn partitions(mut assignment: &[u8]) -> Option<BTreeSet<i32>> {
    let mut partitions = BTreeSet::new();
    if assignment.is_empty() {
        return Some(partitions);
    }
    let bytes = &mut assignment;
    take(bytes, 2)?;
    for _ in 0..number(bytes)? {
        let length = take(bytes, 2)?;
        take(
            bytes,
            usize::from(u16::from_be_bytes(length.try_into().ok()?)),
        )?;
        for _ in 0..number(bytes)? {
            partitions.insert(number(bytes)?);
        }
    }
    Some(partitions)
}

fn number(bytes: &mut &[u8]) -> Option<i32> {
    Some(i32::from_be_bytes(take(bytes, 4)?.try_into().ok()?))
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_assignment_is_read() {
        let bytes = [
            &[0, 1, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2][..],
            &[0, 0, 0, 7, 0, 0, 1, 0],
            &[0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(partitions(&bytes), Some(BTreeSet::from([7, 256])));
        assert_eq!(partitions(&bytes[..15]), None);
        assert_eq!(partitions(&[]), Some(BTreeSet::new()));
    }
}
