//! One run, from start to summary:
//!
//! ```text
//! ports free? ─▶ parts up ─▶ welcome ─▶ posts flow, live line ─▶ emulator stops ─▶ proxy drains
//!   ─▶ wait (bounded) until S3 has what was acknowledged ─▶ sink stops ─▶ check ─▶ summary
//! ```
//!
//! What is not in S3 when the wait is over stays in Kafka, whose data the next run finds.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use posting_emulator::{Emulator, EmulatorError, Options, Pace, ProxyTarget, Stats, Target};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    alarms::Alarms,
    args::Args,
    audit, connector, figures,
    live::Live,
    objects::Objects,
    parts::Parts,
    ports,
    progress::Progress,
    summary::{Check, Summary},
    topics,
    verify::TopicPartition,
    welcome::Welcome,
};

/// Longest wait for the tail after Ctrl-C; it closes within the connector's rotation schedule.
const INTERRUPTED_WAIT: Duration = Duration::from_secs(10);

/// How often the session looks round.
const TICK: Duration = Duration::from_millis(250);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it should.
    Good,
    /// Posts were not made whole, or records are not where they should be.
    Bad,
}

/// A running quick start.
struct Session {
    args: Args,
    parts: Parts,
    progress: Progress,
    emulator: Arc<Emulator>,
    stats: Arc<Stats>,
    stop: CancellationToken,
    began: Instant,
}

/// What is known when the sink has stopped.
struct Ending {
    /// From the first post to the last.
    posted_in: Duration,
    /// Whether S3 got everything in time.
    all_in_s3: bool,
    /// The check, when there is one; an error when objects could not be read.
    check: anyhow::Result<Option<Check>>,
}

/// Runs until all posts are made or `stop` is cancelled.
///
/// # Errors
/// When a part does not start, or the objects cannot be read back.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<Outcome> {
    ports::check(&args).await?;
    let parts = Parts::start(&args).await?;
    let session = Session::start(args, parts, stop).await?;
    session.run().await
}

fn emulator_options(args: &Args, proxy: &str) -> anyhow::Result<Options> {
    Ok(Options {
        seed: args.seed,
        user: args.user.clone(),
        posts: args.posts,
        workers: args.workers,
        pace: match args.rate {
            0.0 => Pace::Unlimited,
            rate => Pace::PerSecond(rate),
        },
        target: Target::Proxy(ProxyTarget::new(proxy)?),
        ..Options::default()
    })
}

// === impl Session ===

impl Session {
    async fn start(args: Args, parts: Parts, stop: CancellationToken) -> anyhow::Result<Self> {
        let (names, group) = (topics::names(&args.user), connector::group(&args.user));
        let progress = Progress::start(&parts.bootstrap, names, &group).await?;
        let options = emulator_options(&args, &parts.urls().proxy)?;
        let stats = match args.posts {
            Some(_) => Stats::with_acknowledgements(),
            None => Stats::new(),
        };
        Ok(Self {
            emulator: Arc::new(Emulator::new(options)?),
            stats: Arc::new(stats),
            began: Instant::now(),
            args,
            parts,
            progress,
            stop,
        })
    }

    async fn run(mut self) -> anyhow::Result<Outcome> {
        print!("{}", self.welcome());
        let mut live = Live::new(self.figures());
        let posting = self.post(&mut live).await;
        let posted_in = self.began.elapsed();
        if self.stop.is_cancelled() {
            live.end();
            println!("draining; once more ends at once");
        }
        self.parts.drain_proxy().await;
        let all_in_s3 = self.wait_for_s3(&mut live).await;
        live.show(self.figures());
        live.end();
        self.parts.stop_sink().await;
        let checked = match self.args.posts {
            Some(_) => Some(self.check().await),
            None => None,
        };
        let ending = Ending {
            posted_in,
            all_in_s3,
            check: checked.transpose(),
        };
        let outcome = self.finish(ending).await;
        posting.context("the posting emulator broke off")?;
        outcome
    }

    fn welcome(&self) -> Welcome {
        Welcome {
            user: self.args.user.clone(),
            kafka: self.parts.bootstrap.clone(),
            s3: self.parts.storage.endpoint.clone(),
            proxy: self.parts.urls().proxy.clone(),
            connect: self.parts.urls().connect.clone(),
            schemas: self.parts.urls().schemas.clone(),
            admin: self.parts.urls().admin.clone(),
            objects: self.parts.objects_at(&self.args),
            from_earlier_runs: self.progress.snapshot().in_kafka().unsigned_abs(),
        }
    }

    fn tick(&self, live: &mut Live) {
        if live.is_due() {
            live.show(self.figures());
        }
    }

    fn figures(&self) -> crate::live::Figures {
        figures::gather(&self.stats, &self.progress, &self.parts.registry)
    }

    /// Lets the emulator post until it ends, and shows how it goes.
    async fn post(&self, live: &mut Live) -> anyhow::Result<()> {
        let (emulator, stop) = (Arc::clone(&self.emulator), self.stop.clone());
        let stats = Arc::clone(&self.stats);
        let mut run: JoinHandle<Result<(), EmulatorError>> =
            tokio::spawn(async move { emulator.run(stop, stats).await });
        let mut alarms = Alarms::default();
        loop {
            if let Ok(ended) = timeout(TICK, &mut run).await {
                return Ok(ended??);
            }
            self.tick(live);
            alarms.look(&self.parts.statuses());
        }
    }

    /// Waits until S3 has everything that was acknowledged; false when it has not in time.
    async fn wait_for_s3(&self, live: &mut Live) -> bool {
        let limit = match self.stop.is_cancelled() {
            true => self.args.wait().min(INTERRUPTED_WAIT),
            false => self.args.wait(),
        };
        let (deadline, targets) = (Instant::now() + limit, self.targets());
        loop {
            if self.progress.snapshot().reached(&targets) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            self.tick(live);
            tokio::time::sleep(TICK).await;
        }
    }

    /// What must be in S3 before the sink is stopped: everything that the emulator was told is
    /// stored, and in a run that is ended by hand also what others have posted meanwhile.
    fn targets(&self) -> BTreeMap<TopicPartition, i64> {
        let mut targets = match self.args.posts {
            Some(_) => BTreeMap::new(),
            None => self.progress.snapshot().ends(),
        };
        for ((table, partition), end) in self.stats.ends() {
            let topic = table.topic(&self.args.user);
            let target = targets.entry(TopicPartition { topic, partition });
            let target = target.or_insert(end);
            *target = end.max(*target);
        }
        targets
    }

    async fn check(&self) -> anyhow::Result<Check> {
        let objects = Objects::open(&self.parts.storage).await;
        let acknowledgements = self.stats.acknowledgements();
        let (source, user) = (self.emulator.source(), &self.args.user);
        audit::check(&objects, source, user, acknowledgements)
            .await
            .context("cannot check the objects")
    }

    /// Prints the summary and ends the remaining parts.
    async fn finish(self, ending: Ending) -> anyhow::Result<Outcome> {
        let figures = self.figures();
        let (check, unread) = match ending.check {
            Ok(check) => (check, None),
            Err(error) => (None, Some(error)),
        };
        let summary = Summary {
            posted_in: ending.posted_in,
            elapsed: self.began.elapsed(),
            counts: self.stats.counts(),
            in_kafka: figures.in_kafka,
            in_s3: figures.in_s3,
            objects: figures.objects,
            check,
        };
        print!("\n{summary}");
        let outcome = judge(&self.args, &summary, ending.all_in_s3);
        drop(self.progress);
        self.parts.stop().await;
        unread.map_or(Ok(outcome), Err)
    }
}

/// Says what is not as it should be.
fn judge(args: &Args, summary: &Summary, all_in_s3: bool) -> Outcome {
    let Some(wanted) = args.posts else {
        return Outcome::Good;
    };
    let made = summary.counts.posts;
    if made != wanted {
        eprintln!("sluiceway: {made} of {wanted} posts were made whole");
    }
    if !all_in_s3 {
        eprintln!("sluiceway: S3 did not get everything in time (--wait-seconds)");
    }
    let check = summary.check.as_ref();
    let sound = check.is_some_and(|check| check.problems.count == 0);
    match made == wanted && all_in_s3 && sound {
        true => Outcome::Good,
        false => Outcome::Bad,
    }
}
