//! Distributed workers under harm: one is killed, one is told to end, one sleeps and wakes. The others go on with what
//! they have, take over what is left, and say so; in the end every record stands in exactly one object.
//!
//! Times are measured and printed, and compared with the session time-out only: a pause is one between two advances of
//! a partition's committed offset.

mod cut_off;
mod evidence;
mod progress;
pub(in crate::cases) mod scene;
mod task_records;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::SINK_LIMIT;
use crate::target::Sink;
use crate::{Session, eventually};
pub use cut_off::a_worker_without_kafka_stops_before_others_start;
use progress::Progress;
use scene::{Place, Scene, Shape, Told};
pub use task_records::tasks_of_a_restarted_connector_are_told;

/// The list of these cases.
#[macro_export]
macro_rules! sink_workers_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_workers
            workers_end_in_every_way a_rolling_restart_moves_only_what_it_must
            a_worker_without_kafka_stops_before_others_start tasks_of_a_restarted_connector_are_told);
    };
}

/// Two workers; each in its turn is killed, told to end, stopped and woken, and comes back.
///
/// # Errors
/// The case fails.
pub async fn workers_end_in_every_way(session: &Session) -> Result<()> {
    let shape = Shape {
        workers: 2,
        partitions: 6,
        tasks: 4,
        session: Duration::from_secs(8),
    };
    let scene = Scene::new(session, shape).await?;
    let (mut a, mut b) = (scene.start(0).await?, scene.start(1).await?);
    scene.create(&a).await?;
    scene.until_shared(&[&a, &b]).await?;
    let load = scene.load(7)?;
    let progress = Progress::watch(session, &scene)?;
    progress.settle().await?;

    let before = scene.placement(&a).await?;
    progress.begin();
    b.program.kill()?;
    let told = scene.until_taken_over(&[&a], &b).await?;
    progress.all_advance().await?;
    progress.report("SIGKILL", &told);
    // Those of the dead worker's partitions wait for its session; no other waits at all.
    progress.these_went_on(&partitions_of(&a, &before), scene.shape.session)?;

    progress.settle().await?;
    progress.begin();
    b = scene.start(1).await?;
    scene.until_shared(&[&a, &b]).await?;
    progress.all_advance().await?;
    progress.report("started again", &Told::default());
    progress.all_went_on(scene.shape.session)?;

    progress.settle().await?;
    progress.begin();
    let began = Instant::now();
    a.program.signal("TERM")?;
    let mut told = scene.until_taken_over(&[&b], &a).await?;
    let status = a.program.terminate(SINK_LIMIT).await;
    told.ended = status.is_ok().then(|| began.elapsed());
    progress.all_advance().await?;
    progress.report("SIGTERM", &told);
    // Nobody waits for a session to end.
    progress.all_went_on(scene.shape.session)?;
    a = scene.start(0).await?;
    scene.until_shared(&[&a, &b]).await?;

    progress.settle().await?;
    let before = scene.placement(&b).await?;
    progress.begin();
    a.program.signal("STOP")?;
    let told = scene.until_taken_over(&[&b], &a).await?;
    progress.all_advance().await?;
    progress.report("SIGSTOP", &told);
    progress.these_went_on(&partitions_of(&b, &before), scene.shape.session)?;
    progress.begin();
    a.program.signal("CONT")?;
    scene.until_shared(&[&a, &b]).await?;
    progress.all_advance().await?;
    progress.report("SIGCONT", &Told::default());
    // Its tasks end before they would join anew.
    progress.all_went_on(scene.shape.session)?;

    load.stop().await?;
    scene.check().await?;
    progress.stop()?;
    scene.delete(&b).await?;
    a.stop().await?;
    b.stop().await
}

/// Three workers, restarted one after the other: what ran on the two others stays there, as the same members of the tasks'
/// group; when the third is back, tasks move to it alone; no partition waits for a session to end.
///
/// # Errors
/// The case fails.
pub async fn a_rolling_restart_moves_only_what_it_must(session: &Session) -> Result<()> {
    let shape = Shape {
        workers: 3,
        partitions: 12,
        tasks: 6,
        session: Duration::from_secs(8),
    };
    let scene = Scene::new(session, shape).await?;
    let mut workers = Vec::new();
    for number in 0..scene.shape.workers {
        workers.push(scene.start(number).await?);
    }
    scene.create(&workers[0]).await?;
    scene.until_shared(&all(&workers)).await?;
    let load = scene.load(8)?;
    let progress = Progress::watch(session, &scene)?;
    for number in 0..scene.shape.workers {
        progress.settle().await?;
        let before = scene.placement(&workers[0]).await?;
        progress.begin();
        let mut gone = workers.remove(0);
        gone.program.signal("TERM")?;
        let told = scene.until_taken_over(&all(&workers), &gone).await?;
        eventually("waiting for its end", SINK_LIMIT, async || {
            Ok(gone.program.exited()?.map(drop))
        })
        .await?;
        let without = scene.placement(&workers[0]).await?;
        progress.all_advance().await?;
        progress.report("one of three ended", &told);
        progress.all_went_on(scene.shape.session)?;
        moves(&before, &without, |from, _| from == gone.http.authority())?;

        progress.settle().await?;
        progress.begin();
        let back = scene.start(number).await?;
        workers.push(back);
        scene.until_shared(&all(&workers)).await?;
        let after = scene.placement(&workers[0]).await?;
        progress.all_advance().await?;
        progress.report("it is back", &Told::default());
        progress.all_went_on(scene.shape.session)?;
        let name = workers.last().map_or("", |back| back.http.authority());
        moves(&without, &after, |_, to| to == name)?;
    }
    load.stop().await?;
    scene.check().await?;
    progress.stop()?;
    scene.delete(&workers[0]).await?;
    for mut worker in workers {
        worker.stop().await?;
    }
    Ok(())
}

/// The partitions of the tasks that run on a worker.
fn partitions_of(worker: &Sink, places: &BTreeMap<usize, Place>) -> BTreeSet<i32> {
    let name = worker.http.authority();
    let own = places.values().filter(|place| place.worker == name);
    own.flat_map(|place| &place.partitions).copied().collect()
}

fn all(workers: &[Sink]) -> Vec<&Sink> {
    workers.iter().collect()
}

/// Fails when a task moved that need not, or was started anew where it was. `may` takes the worker before and after.
fn moves(
    before: &BTreeMap<usize, Place>,
    after: &BTreeMap<usize, Place>,
    may: impl Fn(&str, &str) -> bool,
) -> Result<()> {
    let (mut tasks, mut partitions) = (0, 0);
    for ((task, old), new) in before.iter().zip(after.values()) {
        if may(&old.worker, &new.worker) {
            tasks += 1;
        } else {
            ensure!(
                old.worker == new.worker && old.member == new.member,
                "task {task} need not move: {old:?}, {new:?}"
            );
        }
        partitions += old.partitions.difference(&new.partitions).count();
    }
    ensure!(tasks > 0, "nothing moved: {before:?}");
    eprintln!("{tasks} tasks moved; {partitions} partitions went to another task");
    Ok(())
}
