//! A worker that nothing from Kafka reaches any more, while its REST API and its store go on: it ends its tasks before
//! others start them, by its own word and by what both write. A task that waits for Kafka's answer to a commit cannot end before it
//! comes; it writes nothing any more, and is gone when the line is mended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::evidence::Evidence;
use super::partitions_of;
use super::progress::Progress;
use super::scene::{Scene, Shape, Told};
use crate::cases::SINK_LIMIT;
use crate::cases::soak::{self, Rounds};
use crate::exposition::Scrape;
use crate::line::Line;
use crate::target::Sink;
use crate::{Session, eventually};

/// How the names of the tasks' threads begin.
const TASK: &str = "task-";

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
        session: Duration::from_secs(8),
    };
    let line = Line::from_environment().await?;
    let scene = Scene::new(session, shape).await?;
    scene.set(1, "bootstrap.servers", &line.address)?;
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
    let least = least.as_secs_f64();
    let note = format!("it has given up its tasks {least:.1} s or more before others go on");
    soak::report("worker cut off from Kafka", times, &census, &note);
    if soak::duration()?.is_some() {
        // It ends without Kafka, too.
        stage.line.cut();
    }
    stage.cut.stop().await?;
    stage.scene.delete(&stage.whole).await?;
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
    /// One time. How long before the other's first claim nothing ran on the one that was cut off.
    async fn cut_and_mend(&self) -> Result<Duration> {
        let session = self.scene.shape.session;
        self.progress.settle().await?;
        let before = self.scene.placement(&self.whole).await?;
        let (staying, moving) = (
            partitions_of(&self.whole, &before),
            partitions_of(&self.cut, &before),
        );
        let evidence = Evidence::from_now(&self.cut, &self.whole);

        self.progress.begin();
        self.line.cut();
        let began = Instant::now();
        let (stopped, told) = tokio::try_join!(self.stopped(began), self.taken_over())?;
        let waiting = self.cut.program.threads(TASK)?;
        eprintln!(
            "the one that is cut off says after {stopped:.1?} that nothing runs on it; {waiting} tasks wait for Kafka's answer"
        );
        self.progress.all_advance().await?;
        self.progress.report("cut off from Kafka", &told);
        self.progress.these_went_on(&staying, session)?;
        let lead = self.in_turn(&evidence, &moving)?;

        self.progress.begin();
        self.line.mend();
        self.scene.until_shared(&[&self.whole, &self.cut]).await?;
        self.progress.all_advance().await?;
        self.progress.report("mended", &Told::default());
        self.progress.all_went_on(session)?;
        self.no_task_is_left().await?;
        Ok(lead)
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

    /// Waits until all runs on the other. The one that is cut off does not know who runs what then, and says that it does not.
    async fn taken_over(&self) -> Result<Told> {
        let told = self
            .scene
            .until_taken_over(&[&self.whole], &self.cut)
            .await?;
        for (state, worker) in self.scene.states(&self.cut).await? {
            ensure!(
                state == "UNASSIGNED",
                "{state} on {worker}, says who is cut off"
            );
        }
        Ok(told)
    }

    /// Those that waited for Kafka have ended, too: there are as many threads as tasks.
    async fn no_task_is_left(&self) -> Result<()> {
        let what = "waiting for the end of those that waited for Kafka";
        eventually(what, SINK_LIMIT, async || {
            let threads = self.whole.program.threads(TASK)? + self.cut.program.threads(TASK)?;
            Ok((threads == self.scene.shape.tasks).then_some(()))
        })
        .await
    }

    /// Its tasks had ended before the other claimed anything, and before the other's own tasks, whose group has a session of its own, went
    /// on with its partitions. How long before.
    fn in_turn(&self, evidence: &Evidence, moving: &BTreeSet<i32>) -> Result<Duration> {
        let ended = evidence.ended(&self.cut, &self.scene.connector.name)?;
        let claimed = self.scene.first_claim(&self.whole, evidence.from)?;
        ensure!(
            ended < claimed,
            "its tasks ended at {ended:?}, the other claimed at {claimed:?}"
        );
        let mut least = claimed;
        for partition in moving {
            let last = evidence.last_object(&self.cut, *partition);
            let first = evidence.first_object(&self.whole, *partition);
            let first = first.with_context(|| format!("nobody went on with {partition}"))?;
            ensure!(
                ended < first && last.is_none_or(|last| last < first),
                "{partition}: its tasks ended at {ended:?}, its last object is of {last:?}, the other's first of {first:?}"
            );
            least = least.min(first);
        }
        Ok(least.duration_since(ended).unsigned_abs())
    }
}
