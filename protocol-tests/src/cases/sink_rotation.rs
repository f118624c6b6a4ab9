//! When objects are completed: by count, by the clock, and never for nothing.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{numbered, wait_for_commit, wait_for_objects};
use crate::connector::Connector;
use crate::kafka::Record;
use crate::target::Sink;
use crate::{Session, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_rotation_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_rotation
            flush_size_one_writes_every_record_by_itself a_tail_waits_for_its_flush_size
            the_schedule_writes_the_tail_of_every_partition the_schedule_writes_no_empty_objects
            large_objects_go_out_in_parts);
    };
}

/// Many closes in a row, in order.
///
/// # Errors
/// The case fails.
pub async fn flush_size_one_writes_every_record_by_itself(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("ones", 2).await?,
        session.bucket("ones").await?,
    );
    session
        .kafka
        .write(&topic, &[numbered(0, 0..60), numbered(1, 0..40)].concat())
        .await?;
    let connector = Connector::json(session, "ones", &topic, &bucket).set("flush.size", "1");
    let _sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    wait_for_objects(&bucket, 100).await?;
    let tiles = tiling::check_complete(
        &topic,
        &session.kafka.read_all(&topic)?,
        &bucket.objects("").await?,
    )?;
    ensure!(
        tiles.values().flatten().all(|tile| tile.count == 1),
        "{tiles:?}"
    );
    wait_for_commit(session, &connector, &topic, &[(0, 60), (1, 40)]).await
}

/// Until the records come that complete it; then it is one object.
///
/// # Errors
/// The case fails.
pub async fn a_tail_waits_for_its_flush_size(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("tail", 1).await?,
        session.bucket("tail").await?,
    );
    session.kafka.write(&topic, &numbered(0, 0..8)).await?;
    let connector = Connector::json(session, "tail", &topic, &bucket).set("flush.size", "5");
    let _sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    wait_for_objects(&bucket, 1).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 5)]).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    wait_for_objects(&bucket, 1).await?;
    session.kafka.write(&topic, &numbered(0, 8..11)).await?;
    wait_for_objects(&bucket, 2).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 10)]).await?;
    let tiles = tiling::check(
        &topic,
        &session.kafka.read_all(&topic)?,
        &bucket.objects("").await?,
    )?;
    ensure!(tiling::end_of(&tiles, 0) == 10, "{tiles:?}");
    Ok(())
}

/// rotate.schedule.interval.ms with a flush.size that is never reached.
///
/// # Errors
/// The case fails.
pub async fn the_schedule_writes_the_tail_of_every_partition(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("timed", 3).await?,
        session.bucket("timed").await?,
    );
    let records = [numbered(0, 0..7), numbered(1, 0..1), numbered(2, 0..4)].concat();
    session.kafka.write(&topic, &records).await?;
    let connector = scheduled(Connector::json(session, "timed", &topic, &bucket));
    let _sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 7), (1, 1), (2, 4)]).await?;
    session.kafka.write(&topic, &numbered(1, 1..3)).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 7), (1, 3), (2, 4)]).await?;
    tiling::check_complete(
        &topic,
        &session.kafka.read_all(&topic)?,
        &bucket.objects("").await?,
    )?;
    Ok(())
}

fn scheduled(connector: Connector) -> Connector {
    connector
        .set("flush.size", "1000")
        .set("rotate.schedule.interval.ms", "700")
        .set("timezone", "UTC")
}

/// Rotations pass without records, before the first and after the last.
///
/// # Errors
/// The case fails.
pub async fn the_schedule_writes_no_empty_objects(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("idle", 1).await?,
        session.bucket("idle").await?,
    );
    let connector = scheduled(Connector::json(session, "idle", &topic, &bucket));
    let _sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    wait_for_objects(&bucket, 0).await?;
    session.kafka.write(&topic, &numbered(0, 0..2)).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 2)]).await?;
    let objects = bucket.keys("").await?.len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    wait_for_objects(&bucket, objects).await?;
    tiling::check_complete(
        &topic,
        &session.kafka.read_all(&topic)?,
        &bucket.objects("").await?,
    )?;
    Ok(())
}

/// An object of three parts, in parts of exactly s3.part.size but the last.
///
/// # Errors
/// The case fails.
pub async fn large_objects_go_out_in_parts(session: &Session) -> Result<()> {
    const RECORDS: i64 = 120;
    let (topic, bucket) = (
        session.topic("parts", 1).await?,
        session.bucket("parts").await?,
    );
    let value = |n: i64| format!("{{\"n\":{n},\"filling\":\"{}\"}}", "x".repeat(100_000));
    let records: Vec<Record> = (0..RECORDS).map(|n| Record::value(0, value(n))).collect();
    session.kafka.write(&topic, &records).await?;
    let connector =
        Connector::json(session, "parts", &topic, &bucket).set("flush.size", &RECORDS.to_string());
    let _sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    let keys = wait_for_objects(&bucket, 1).await?;
    let object = bucket.object(&keys[0]).await?;
    let size = object.body.len();
    tiling::check_complete(&topic, &session.kafka.read_all(&topic)?, &[object])?;
    if let Some(parts) = bucket.part_sizes(&keys[0]).await? {
        let size = i64::try_from(size)?;
        ensure!(
            parts == [5_242_880, 5_242_880, size - 2 * 5_242_880],
            "{parts:?}"
        );
    }
    Ok(())
}
