//! Both programs on three brokers that are killed and restarted under load.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Rounds, report};
use crate::Session;
use crate::cases::sink_kill::seed;
use crate::cluster::{Cluster, Way};
use crate::fight::{Fight, Scenario};
use crate::program::Program;
use crate::rest_load::{RestLoad, Told};
use crate::target::Proxy;
use crate::tiling::Census;

/// Clients of the proxy, half of them with a key.
const CLIENTS: usize = 8;
const BROKERS: u32 = 3;

/// A broker is killed (or stopped), which moves the leaders of a third of all partitions and sometimes the group's
/// coordinator; it comes back; the next one goes. Meanwhile clients produce through the proxy, and the sink drains a topic.
///
/// # Errors
/// The case fails.
pub async fn brokers_are_killed(_: &Session) -> Result<()> {
    let cluster = Cluster::from_environment()?;
    let session = &Session::on(&cluster).await?;
    let mut random = StdRng::seed_from_u64(seed()?);
    let posts = session.topic("posts", 6).await?;
    let mut proxy = Proxy::start(session, &[]).await?;
    let fight = Fight::prepare(session, Scenario::scheduled("drained")).await?;
    let load = fight.load(random.random())?;
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    let pause = Duration::from_millis(20);
    let clients = RestLoad::start(&proxy.http, &posts, CLIENTS, pause, None);
    let (mut rounds, mut sink_pauses) = (Rounds::start(2)?, Vec::new());
    while rounds.another() {
        let broker = rounds.done() % BROKERS + 1;
        let kill = rounds.done() % 4 != 0;
        let way = if kill { Way::Kill } else { Way::Term };
        tokio::time::sleep(Duration::from_millis(random.random_range(0..1000))).await;
        cluster.stop(broker, way).await?;
        let stopped = Instant::now();
        all_get_on(&fight, &mut workers).await?;
        sink_pauses.push(stopped.elapsed());
        cluster.start(broker).await?;
        all_get_on(&fight, &mut workers).await?;
    }
    let told = clients.stop().await?;
    proxy.stop().await?;
    let times = u64::from(rounds.done());
    report_proxy(session, &posts, &told, times)?;
    let census = fight.finish(load, &mut workers).await?;
    let longest = sink_pauses.iter().max().copied().unwrap_or_default();
    let note = format!(
        "every partition goes on after at most {:.1} s",
        longest.as_secs_f64()
    );
    report("broker killed or restarted: sink", times, &census, &note);
    Ok(())
}

/// Waits until every partition has got on.
async fn all_get_on(fight: &Fight<'_>, workers: &mut [Program]) -> Result<()> {
    let committed = || {
        fight
            .session
            .kafka
            .committed(&fight.connector.group(), &fight.topic)
    };
    let before = committed()?;
    crate::eventually(
        "waiting for every partition to get on",
        Duration::from_secs(90),
        async || {
            workers.iter_mut().try_for_each(Program::ensure_runs)?;
            let now = committed()?;
            let on = now.iter().all(|(partition, now)| {
                before
                    .get(partition)
                    .is_none_or(|before| now.offset > before.offset)
            });
            Ok(on.then_some(()))
        },
    )
    .await
}

fn report_proxy(session: &Session, topic: &str, told: &Told, times: u64) -> Result<()> {
    let log = session.kafka.read_all(topic)?;
    let verdict = told.judge(&log)?;
    let (longest, median) = told.longest_pauses();
    let census = Census {
        records: verdict.records,
        objects: 0,
        orphaned: 0,
        lost: verdict.lost,
        duplicated: verdict.duplicated,
    };
    let note = format!(
        "{} out of order; a client waits at most {:.1} s (median of the longest {:.1} s); refused {:?}",
        verdict.disordered,
        longest.as_secs_f64(),
        median.as_secs_f64(),
        told.refusals
    );
    report("broker killed or restarted: proxy", times, &census, &note);
    ensure!(!told.places.is_empty(), "nothing was written");
    ensure!(
        verdict.lost + verdict.duplicated + verdict.disordered == 0,
        "{verdict:?}"
    );
    Ok(())
}
