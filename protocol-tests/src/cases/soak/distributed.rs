//! Distributed workers that are killed at random moments: also while they start, join, or take over from one that was killed
//! before.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Rounds, report};
use crate::Session;
use crate::cases::sink_kill::seed;
use crate::cases::sink_workers::scene::{Scene, Shape};
use crate::target::Sink;

/// How long nothing is done to the workers, at most.
const LONGEST: Duration = Duration::from_secs(4);

/// `kill -9` of one of three workers that share a connector; some come back at once, some when the others have taken over.
///
/// # Errors
/// The case fails.
pub async fn kills_of_distributed_workers(session: &Session) -> Result<()> {
    let shape = Shape {
        workers: 3,
        partitions: 6,
        tasks: 6,
        session: Duration::from_secs(6),
    };
    let mut random = StdRng::seed_from_u64(seed()?);
    let scene = Scene::new(session, shape).await?;
    let mut workers = Vec::new();
    for number in 0..scene.shape.workers {
        workers.push(scene.start(number).await?);
    }
    scene.create(&workers[0]).await?;
    scene.until_run(&all(&workers)).await?;
    let load = scene.load(random.random())?;
    let (mut rounds, mut away) = (Rounds::start(3)?, 0);
    while rounds.another() {
        pause(&mut random, LONGEST).await;
        let victim = random.random_range(0..workers.len());
        workers[victim].program.kill()?;
        if random.random_bool(0.4) {
            away += 1;
            pause(&mut random, scene.shape.session + LONGEST).await;
        }
        workers[victim] = scene.begin(victim).await?;
    }
    scene.until_run(&all(&workers)).await?;
    load.stop().await?;
    let census = scene.check().await?;
    let note = format!("{away} stayed away for a while");
    let times = u64::from(rounds.done());
    let name = "kill -9 of one of three distributed workers";
    report(name, times, &census, &note);
    scene.delete(&workers[0]).await?;
    for mut worker in workers {
        worker.stop().await?;
    }
    Ok(())
}

/// A while, at most so long.
async fn pause(random: &mut StdRng, most: Duration) {
    let pause = random.random_range(Duration::ZERO..most);
    tokio::time::sleep(pause).await;
}

fn all(workers: &[Sink]) -> Vec<&Sink> {
    workers.iter().collect()
}
