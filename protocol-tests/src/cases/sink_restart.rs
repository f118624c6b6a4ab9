//! What a stop and a start do: nothing is written twice, nothing is missing, and what a user does to the offsets
//! counts.

use std::time::Duration;

use anyhow::{Result, ensure};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::{SINK_LIMIT, numbered, wait_for_commit, wait_for_objects};
use crate::connector::Connector;
use crate::load::{Load, Pace};
use crate::target::{Sink, SinkFiles};
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_restart_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_restart
            a_clean_stop_leaves_the_tail_to_the_next_start stops_under_load_lose_and_repeat_nothing
            reset_offsets_write_the_same_objects_again a_foreign_commit_is_respected
            orphaned_uploads_are_aborted a_planned_record_that_is_gone_is_not_waited_for
            plans_of_more_than_the_memory_are_kept);
    };
}

/// Open files are dropped on a stop, and read again after it.
///
/// # Errors
/// The case fails.
pub async fn a_clean_stop_leaves_the_tail_to_the_next_start(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("stop", 1).await?,
        session.bucket("stop").await?,
    );
    let connector = Connector::json(session, "stop", &topic, &bucket);
    let files = SinkFiles::write(session, &[], std::slice::from_ref(&connector))?;
    session.kafka.write(&topic, &numbered(0, 0..5)).await?;
    let mut sink = files.start().await?;
    wait_for_commit(session, &connector, &topic, &[(0, 3)]).await?;
    sink.stop().await?;
    wait_for_objects(&bucket, 1).await?;
    session.kafka.write(&topic, &numbered(0, 5..9)).await?;
    let mut sink = files.start().await?;
    wait_for_commit(session, &connector, &topic, &[(0, 9)]).await?;
    sink.stop().await?;
    let tiles = tiling::check_complete(
        &topic,
        &session.kafka.read_all(&topic)?,
        &bucket.objects("").await?,
    )?;
    ensure!(tiles[&0].len() == 3, "{tiles:?}");
    ensure!(
        bucket
            .open_uploads()
            .await?
            .is_none_or(|open| open.is_empty()),
        "an upload is left open"
    );
    Ok(())
}

/// SIGTERM again and again while records come, with scheduled rotation. A member that leaves is not waited for.
///
/// # Errors
/// The case fails.
pub async fn stops_under_load_lose_and_repeat_nothing(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("stops", 3).await?,
        session.bucket("stops").await?,
    );
    let connector = Connector::json(session, "stops", &topic, &bucket)
        .set("flush.size", "60")
        .set("rotate.schedule.interval.ms", "400")
        .set("timezone", "UTC");
    let files = SinkFiles::write(session, &[], std::slice::from_ref(&connector))?;
    let pace = Pace {
        burst: 20,
        pause: Duration::from_millis(30),
        filling: 200,
    };
    let load = Load::start(&session.parts.kafka, &topic, 3, pace, 1)?;
    let committed = || -> Result<i64> {
        let committed = session.kafka.committed(&connector.group(), &topic)?;
        Ok(committed.values().map(|committed| committed.offset).sum())
    };
    for pause in [100, 350, 20, 600] {
        let mut sink = files.start().await?;
        let before = committed()?;
        eventually("waiting for a commit", SINK_LIMIT, async || {
            Ok((committed()? > before).then_some(()))
        })
        .await?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        sink.stop().await?;
    }
    load.stop().await?;
    let mut sink = files.start().await?;
    let end: i64 = session
        .kafka
        .ends(&topic)?
        .values()
        .map(|(_, end)| end)
        .sum();
    eventually("waiting for the rest", SINK_LIMIT, async || {
        Ok((committed()? == end).then_some(()))
    })
    .await?;
    sink.stop().await?;
    tiling::check_complete(
        &topic,
        &session.kafka.read_all(&topic)?,
        &bucket.objects("").await?,
    )?;
    Ok(())
}

/// Offsets put back to 0 by the user while the connector is stopped: flush.size makes the same objects, so nothing is
/// added and nothing changes.
///
/// # Errors
/// The case fails.
pub async fn reset_offsets_write_the_same_objects_again(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("again", 1).await?,
        session.bucket("again").await?,
    );
    let connector = Connector::json(session, "again", &topic, &bucket);
    let files = SinkFiles::write(session, &[], std::slice::from_ref(&connector))?;
    session.kafka.write(&topic, &numbered(0, 0..9)).await?;
    let mut sink = files.start().await?;
    wait_for_commit(session, &connector, &topic, &[(0, 9)]).await?;
    sink.stop().await?;
    let before = bucket.objects("").await?;
    commit(session, &connector, &topic, 0, "").await?;
    let mut sink = files.start().await?;
    wait_for_commit(session, &connector, &topic, &[(0, 9)]).await?;
    sink.stop().await?;
    let after = bucket.objects("").await?;
    ensure!(
        before.len() == 3 && after.len() == 3,
        "{} objects, then {}",
        before.len(),
        after.len()
    );
    let same = before
        .iter()
        .zip(&after)
        .all(|(before, after)| before.key == after.key && before.body == after.body);
    ensure!(same, "another object");
    Ok(())
}

/// Commits as any other program of the group could as soon as the last member has left.
pub(super) async fn commit(
    session: &Session,
    connector: &Connector,
    topic: &str,
    offset: i64,
    metadata: &str,
) -> Result<()> {
    commit_each(session, connector, topic, &[(offset, metadata)]).await
}

/// The same for each partition, from 0 on.
async fn commit_each(
    session: &Session,
    connector: &Connector,
    topic: &str,
    commits: &[(i64, &str)],
) -> Result<()> {
    let mut list = TopicPartitionList::new();
    for (partition, (offset, metadata)) in (0..).zip(commits) {
        let mut element = list.add_partition(topic, partition);
        element.set_offset(Offset::Offset(*offset))?;
        element.set_metadata(metadata);
    }
    let consumer = session.kafka.consumer(&connector.group())?;
    eventually(
        "waiting for the group to be empty",
        SINK_LIMIT,
        async || {
            let commit = || consumer.commit(&list, CommitMode::Sync);
            match tokio::task::block_in_place(commit) {
                Err(error)
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownMemberId) =>
                {
                    Ok(None)
                }
                result => Ok(Some(result?)),
            }
        },
    )
    .await
}

/// An offset with metadata of somebody else: the sink begins there and takes the metadata for nothing.
///
/// # Errors
/// The case fails.
pub async fn a_foreign_commit_is_respected(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("foreign", 1).await?,
        session.bucket("foreign").await?,
    );
    let connector = Connector::json(session, "foreign", &topic, &bucket);
    session.kafka.write(&topic, &numbered(0, 0..8)).await?;
    commit(
        session,
        &connector,
        &topic,
        2,
        "{\"left by\": \"another program\"}",
    )
    .await?;
    let mut sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 8)]).await?;
    sink.stop().await?;
    let keys = bucket.keys("").await?;
    let expected =
        [2, 5].map(|offset| format!("topics/{topic}/partition=0/{topic}+0+{offset:010}.json"));
    ensure!(keys == expected, "{keys:?}");
    Ok(())
}

/// An upload that a killed process left open under a key of this connector goes when the partition is assigned; one of
/// another program stays.
///
/// # Errors
/// The case fails.
pub async fn orphaned_uploads_are_aborted(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("orphan", 1).await?,
        session.bucket("orphan").await?,
    );
    if bucket.open_uploads().await?.is_none() {
        return Ok(());
    }
    let ours = format!("topics/{topic}/partition=0/{topic}+0+0000000000.json");
    let other = "other/program.json".to_owned();
    for key in [&ours, &other] {
        bucket.open_upload(key).await?;
    }
    session.kafka.write(&topic, &numbered(0, 0..2)).await?;
    // S3 tells the time of an upload in seconds: the assignment has to be later.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let connector = Connector::json(session, "orphan", &topic, &bucket);
    let _sink = Sink::start(session, &[connector]).await?;
    eventually("waiting for the orphan to go", SINK_LIMIT, async || {
        let open = bucket.open_uploads().await?.unwrap_or_default();
        ensure!(
            open.contains(&other),
            "the upload of another program is gone"
        );
        Ok((!open.contains(&ours)).then_some(()))
    })
    .await
}

/// A former owner planned to close its file after record 4; before the next owner comes, all these records are deleted (as
/// compaction may delete them). The boundary is passed without a new record, and the next records make files of their own.
///
/// # Errors
/// The case fails.
pub async fn a_planned_record_that_is_gone_is_not_waited_for(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("gone", 1).await?,
        session.bucket("gone").await?,
    );
    let connector = Connector::json(session, "gone", &topic, &bucket);
    session.kafka.write(&topic, &numbered(0, 0..5)).await?;
    commit(session, &connector, &topic, 2, "sluiceway:1 5").await?;
    session.kafka.delete_records(&topic, 0, 5).await?;
    let mut sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 5)]).await?;
    session.kafka.write(&topic, &numbered(0, 5..8)).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 8)]).await?;
    sink.stop().await?;
    let keys = bucket.keys("").await?;
    let expected = format!("topics/{topic}/partition=0/{topic}+0+0000000005.json");
    ensure!(keys == [expected], "{keys:?}");
    Ok(())
}

/// A former owner planned to close the files of all partitions far on; together, and each alone, they are more than the memory
/// of the next owner. Nothing but its boundary closes such a file, so one partition after the other is read up to it.
///
/// # Errors
/// The case fails.
pub async fn plans_of_more_than_the_memory_are_kept(session: &Session) -> Result<()> {
    const PARTITIONS: i32 = 4;
    const RECORDS: i64 = 500;
    let topic = session.topic("heavy", PARTITIONS).await?;
    let bucket = session.bucket("heavy").await?;
    let connector = Connector::json(session, "heavy", &topic, &bucket)
        .set("flush.size", "1000000")
        .set("rotate.idle.interval.ms", "200");
    for partition in 0..PARTITIONS {
        let records: Vec<_> = (0..RECORDS)
            .map(|n| crate::load::numbered(partition, n, 9_000))
            .collect();
        session.kafka.write(&topic, &records).await?;
    }
    commit_each(session, &connector, &topic, &[(0, "sluiceway:1 450"); 4]).await?;
    let memory = [("sluiceway.memory.budget.bytes", "2000000")];
    let files = SinkFiles::write(session, &memory, std::slice::from_ref(&connector))?;
    let mut sink = files.start().await?;
    let ends: Vec<_> = (0..PARTITIONS)
        .map(|partition| (partition, RECORDS))
        .collect();
    wait_for_commit(session, &connector, &topic, &ends).await?;
    sink.stop().await?;
    let records = session.kafka.read_all(&topic)?;
    let tiles = tiling::check_complete(&topic, &records, &bucket.objects("").await?)?;
    for (partition, tiles) in &tiles {
        let first = tiles.first().map(|tile| tile.count);
        ensure!(first == Some(450), "partition {partition}: {tiles:?}");
    }
    ensure!(tiles.len() == usize::try_from(PARTITIONS)?, "{tiles:?}");
    Ok(())
}
