//! A worker that nothing from Kafka reaches any more, while its REST API and its store go on: it ends its tasks before
//! others start them, by its own word and by what it writes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::partitions_of;
use super::progress::Progress;
use super::scene::{Scene, Shape, Told};
use crate::cases::SINK_LIMIT;
use crate::cases::soak::{self, Rounds};
use crate::exposition::Scrape;
use crate::line::Line;
use crate::target::Sink;
use crate::{Session, eventually};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Two workers; the line to Kafka of one is cut, and mended when the other has taken over. What it had on its way to Kafka
/// arrives then, far too late.
///
/// # Errors
/// The case fails.
pub async fn a_worker_without_kafka_stops_before_others_start(session: &Session) -> Result<()> {
    let shape = Shape {
        workers: 2,
        partitions: 6,
        tasks: 4,
        session: Duration::from_secs(10),
    };
    let line = Line::from_environment().await?;
    let mut scene = Scene::new(session, shape).await?;
    scene.reach(1, &line.address)?;
    let (whole, cut) = (scene.start(0).await?, scene.start(1).await?);
    scene.create(&whole).await?;
    scene.until_shared(&[&whole, &cut]).await?;
    let load = scene.load(9)?;
    let progress = Progress::watch(session, &scene)?;
    let mut stage = Stage {
        line,
        scene,
        whole,
        cut,
        progress,
    };
    let (mut rounds, mut least) = (Rounds::start(1)?, Duration::MAX);
    while rounds.another() {
        least = least.min(stage.cut_and_mend().await?);
    }
    load.stop().await?;
    let census = stage.scene.check().await?;
    stage.progress.stop()?;
    let times = u64::from(rounds.done());
    let margin = least.as_secs_f64();
    let note = format!("it runs nothing any more {margin:.1} s or more before others start");
    soak::report("worker cut off from Kafka", times, &census, &note);
    stage.scene.delete(&stage.whole).await?;
    stage.cut.stop().await?;
    stage.whole.stop().await
}

struct Stage<'a> {
    line: Line,
    scene: Scene<'a>,
    whole: Sink,
    cut: Sink,
    progress: Progress,
}

impl Stage<'_> {
    /// One time. How long nothing of what moves ran anywhere, at least.
    async fn cut_and_mend(&self) -> Result<Duration> {
        let session = self.scene.shape.session;
        self.progress.settle().await?;
        let before = self.scene.placement(&self.whole).await?;
        let (staying, moving) = (
            partitions_of(&self.whole, &before),
            partitions_of(&self.cut, &before),
        );
        let name = self.cut.http.authority();
        let tasks: Vec<usize> = before
            .iter()
            .filter_map(|(task, place)| (place.worker == name).then_some(*task))
            .collect();
        let logs = || [self.cut.program.log(), self.whole.program.log()];
        let seen = logs().map(|log| log.len());

        self.progress.begin();
        self.line.cut();
        let began = Instant::now();
        let (stopped, started) =
            tokio::try_join!(self.stopped(began), self.started(&tasks, began))?;
        let told = self.until_taken_over().await?;
        self.progress.all_advance().await?;
        self.progress.report("cut off from Kafka", &told);
        self.progress.these_went_on(&staying, session)?;
        ensure!(
            stopped <= started,
            "it runs nothing after {stopped:?} only, the other something after {started:?}"
        );
        let [old, new] = logs();
        written_in_turn(&old[seen[0]..], &new[seen[1]..], &moving)?;

        self.progress.begin();
        self.line.mend();
        self.scene.until_shared(&[&self.whole, &self.cut]).await?;
        self.progress.all_advance().await?;
        self.progress.report("mended", &Told::default());
        self.progress.all_went_on(session)?;
        Ok(started - stopped)
    }

    /// Waits until the one that is cut off says so, and that nothing runs on it; when that was known at the latest.
    async fn stopped(&self, began: Instant) -> Result<Duration> {
        eventually("waiting for the end of its tasks", SINK_LIMIT, async || {
            let metrics = self.cut.admin.get("/metrics", None).await?.text()?;
            let metrics = Scrape::parse(&metrics)?;
            let sum = |name: &str| metrics.sum(name, &[]).unwrap_or_default();
            let fenced = sum("sluiceway_sink_worker_fenced") > 0.0;
            let runs = sum("sluiceway_sink_connector_tasks") > 0.0;
            Ok((fenced && !runs).then(|| began.elapsed()))
        })
        .await
    }

    /// Waits until one of these tasks runs on the other; until when none did for certain.
    async fn started(&self, tasks: &[usize], began: Instant) -> Result<Duration> {
        let mut none_until = Duration::ZERO;
        loop {
            let asked = began.elapsed();
            let states = self.scene.states(&self.whole).await?;
            let runs = |task: &usize| {
                // The connector itself comes first.
                let state = states.get(task + 1);
                state.is_some_and(|(state, on)| {
                    state == "RUNNING" && on == self.whole.http.authority()
                })
            };
            if tasks.iter().any(runs) {
                return Ok(none_until);
            }
            none_until = asked;
            ensure!(asked < SINK_LIMIT, "nobody takes over: {states:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The one that is cut off does not know who runs what, and says that it does not.
    async fn until_taken_over(&self) -> Result<Told> {
        let others = [&self.whole];
        let told = self.scene.until_taken_over(&others, &self.cut).await?;
        for (state, worker) in self.scene.states(&self.cut).await? {
            ensure!(
                state == "UNASSIGNED",
                "{state} on {worker}, says who is cut off"
            );
        }
        Ok(told)
    }
}

/// Of each of these partitions, the one that was cut off completed its last object before the other completed its first.
fn written_in_turn(old: &str, new: &str, partitions: &BTreeSet<i32>) -> Result<()> {
    for partition in partitions {
        let folder = format!("/partition={partition}/");
        let last = completed(old, &folder).max();
        let first = completed(new, &folder).min().context("nobody went on")?;
        ensure!(
            last.as_ref().is_none_or(|last| *last < first),
            "{partition}: the other wrote at {first}, who is cut off still at {last:?}"
        );
    }
    Ok(())
}

/// When a log's worker completed objects of a folder, in UTC and one form.
fn completed<'l>(log: &'l str, folder: &'l str) -> impl Iterator<Item = String> + 'l {
    let lines = log.lines().filter(move |line| line.contains(folder));
    lines.filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let time = line["timestamp"].as_str()?.to_owned();
        (line["message"] == "object written").then_some(time)
    })
}
