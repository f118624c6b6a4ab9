//! Partitions change hands: by joining, by leaving, and by sleeping. Whoever lost a partition writes nothing of it any
//! more that the new owner does not write in the same way.

use std::time::Duration;

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::sink_kill::seed;
use super::{SINK_LIMIT, expect_status};
use crate::connector::Connector;
use crate::fight::{session_timeout, with_session_timeout};
use crate::group::{members, state};
use crate::http::Request;
use crate::load::{Load, Pace};
use crate::parts::Kind;
use crate::s3::Bucket;
use crate::target::SinkFiles;
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_rebalance_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_rebalance
            workers_join_and_leave a_sleeper_writes_nothing_twice tasks_without_partitions_leave_at_once);
    };
}

const PARTITIONS: i32 = 3;
const PACE: Pace = Pace {
    burst: 20,
    pause: Duration::from_millis(30),
    filling: 200,
};

struct Scene<'a> {
    session: &'a Session,
    topic: String,
    bucket: Bucket,
    connector: Connector,
    timeout: Duration,
}

impl<'a> Scene<'a> {
    async fn new(session: &'a Session, name: &str) -> Result<Self> {
        let (topic, bucket) = (
            session.topic(name, PARTITIONS).await?,
            session.bucket(name).await?,
        );
        let timeout = session_timeout(session).await?;
        let connector = Connector::json(session, name, &topic, &bucket)
            .set("flush.size", "100")
            .set("rotate.schedule.interval.ms", "300")
            .set("timezone", "UTC");
        let connector = with_session_timeout(connector, timeout);
        Ok(Self {
            session,
            topic,
            bucket,
            connector,
            timeout,
        })
    }

    fn files(&self) -> Result<SinkFiles> {
        SinkFiles::write(self.session, &[], std::slice::from_ref(&self.connector))
    }

    fn committed(&self) -> Result<Vec<i64>> {
        let committed = self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?;
        Ok((0..PARTITIONS)
            .map(|partition| committed.get(&partition).map_or(0, |found| found.offset))
            .collect())
    }

    /// Waits until every partition has got on since `before`.
    async fn all_get_on(&self, what: &str) -> Result<()> {
        let before = self.committed()?;
        eventually(what, SINK_LIMIT, async || {
            let now = self.committed()?;
            Ok(now
                .iter()
                .zip(&before)
                .all(|(now, before)| now > before)
                .then_some(()))
        })
        .await
    }

    async fn finish(&self, load: Load) -> Result<()> {
        load.stop().await?;
        let ends: Vec<i64> = self
            .session
            .kafka
            .ends(&self.topic)?
            .values()
            .map(|(_, end)| *end)
            .collect();
        eventually("waiting for the rest", SINK_LIMIT, async || {
            Ok((self.committed()? == ends).then_some(()))
        })
        .await?;
        let records = self.session.kafka.read_all(&self.topic)?;
        let tiles = tiling::check_complete(&self.topic, &records, &self.bucket.objects("").await?)?;
        ensure!(tiles.len() == usize::try_from(PARTITIONS)?, "{tiles:?}");
        Ok(())
    }
}

/// A second worker comes and goes under load.
///
/// # Errors
/// The case fails.
pub async fn workers_join_and_leave(session: &Session) -> Result<()> {
    let scene = Scene::new(session, "join").await?;
    let load = Load::start(&session.parts.kafka, &scene.topic, PARTITIONS, PACE, 2)?;
    let (stays, visits) = (scene.files()?, scene.files()?);
    let mut first = stays.start().await?;
    scene.all_get_on("waiting for the first worker").await?;
    for pause in [200, 900] {
        let mut second = visits.start().await?;
        scene.all_get_on("waiting for both workers").await?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        second.stop().await?;
        scene
            .all_get_on("waiting for the first worker alone")
            .await?;
    }
    scene.finish(load).await?;
    first.stop().await
}

/// The rule that the plan rests on: SIGSTOP a worker until its session is over and another one has its partitions,
/// then let it go on with everything it held. In turn, at random moments.
///
/// # Errors
/// The case fails.
pub async fn a_sleeper_writes_nothing_twice(session: &Session) -> Result<()> {
    let rounds = if session.parts.kind == Kind::Real {
        8
    } else {
        2
    };
    let mut random = StdRng::seed_from_u64(seed()?);
    let scene = Scene::new(session, "sleep").await?;
    let load = Load::start(&session.parts.kafka, &scene.topic, PARTITIONS, PACE, 3)?;
    let mut workers = [scene.files()?.start().await?, scene.files()?.start().await?];
    scene.all_get_on("waiting for both workers").await?;
    for round in 0..rounds {
        let sleeper = &mut workers[round % 2].program;
        tokio::time::sleep(random.random_range(Duration::ZERO..Duration::from_millis(700))).await;
        sleeper.signal("STOP")?;
        tokio::time::sleep(scene.timeout).await;
        scene
            .all_get_on("waiting for the other worker to take over")
            .await?;
        sleeper.signal("CONT")?;
        tokio::time::sleep(random.random_range(Duration::ZERO..Duration::from_millis(500))).await;
        scene.all_get_on("waiting for both workers again").await?;
    }
    scene.finish(load).await?;
    for worker in &mut workers {
        worker.stop().await?;
    }
    Ok(())
}

/// More tasks than partitions: those without one leave their group, too, when the connector is deleted, and nobody waits for
/// their sessions to end.
///
/// # Errors
/// The case fails.
pub async fn tasks_without_partitions_leave_at_once(session: &Session) -> Result<()> {
    let scene = Scene::new(session, "idle").await?;
    let session_timeout = SINK_LIMIT * 5;
    let connector = with_session_timeout(scene.connector.clone(), session_timeout)
        .set("consumer.override.heartbeat.interval.ms", "500")
        .set("tasks.max", "5");
    let files = SinkFiles::write(session, &[], std::slice::from_ref(&connector))?;
    let mut worker = files.start().await?;
    let group = connector.group();
    eventually("waiting for five members", SINK_LIMIT, async || {
        let members = members(&session.kafka, &group)?;
        let idle = members.iter().filter(|member| member.partitions.is_empty());
        Ok((members.len() == 5 && idle.count() == 2).then_some(()))
    })
    .await?;
    let path = format!("/connectors/{}", connector.name);
    let answer = worker.http.call(&Request::new("DELETE", &path)).await?;
    expect_status(&answer, 204)?;
    eventually("waiting for all members to leave", SINK_LIMIT, async || {
        let state = state(&session.kafka, &group)?;
        let nobody = state.is_none_or(|state| ["Empty", "Dead"].contains(&&*state));
        Ok(nobody.then_some(()))
    })
    .await?;
    worker.stop().await
}
