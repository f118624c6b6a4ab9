//! Many partitions in few tasks.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::{SINK_LIMIT, numbered, wait_for_objects};
use crate::connector::Connector;
use crate::target::Sink;
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! sink_scale_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_scale thousands_of_partitions_in_two_tasks);
    };
}

const PARTITIONS: i32 = 2_000;
/// Every so many-th partition gets a record.
const STEP: usize = 4;

/// Two thousand partitions, two tasks, `flush.size` 1: each record becomes an object, each offset is committed, and both
/// tasks have a share.
///
/// # Errors
/// The case fails.
pub async fn thousands_of_partitions_in_two_tasks(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("many", PARTITIONS).await?,
        session.bucket("many").await?,
    );
    let used: Vec<i32> = (0..PARTITIONS).step_by(STEP).collect();
    let records: Vec<_> = used
        .iter()
        .flat_map(|partition| numbered(*partition, 0..1))
        .collect();
    session.kafka.write(&topic, &records).await?;
    let connector = Connector::json(session, "many", &topic, &bucket)
        .set("flush.size", "1")
        .set("tasks.max", "2");
    let mut sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    let keys = wait_for_objects(&bucket, used.len()).await?;
    let key = |partition| {
        format!("topics/{topic}/partition={partition}/{topic}+{partition}+0000000000.json")
    };
    let expected: BTreeSet<String> = used.iter().map(key).collect();
    ensure!(
        keys.into_iter().collect::<BTreeSet<_>>() == expected,
        "other objects"
    );
    eventually("waiting for the commits", SINK_LIMIT, async || {
        let committed = session.kafka.committed(&connector.group(), &topic)?;
        let done = used.iter().all(|partition| {
            committed
                .get(partition)
                .is_some_and(|found| found.offset == 1)
        });
        Ok(done.then_some(()))
    })
    .await?;
    // One may have written everything before the other has joined.
    eventually(
        "waiting for the shares of both tasks",
        SINK_LIMIT,
        async || {
            let scrape = sink.admin.get("/metrics", None).await?.text()?;
            let shares: Vec<i64> = scrape
                .lines()
                .filter(|line| line.starts_with("sluiceway_sink_assigned_partitions{"))
                .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
                .collect();
            let all = shares.iter().sum::<i64>() == i64::from(PARTITIONS);
            Ok((shares.len() == 2 && all && !shares.contains(&0)).then_some(()))
        },
    )
    .await?;
    sink.stop().await
}
