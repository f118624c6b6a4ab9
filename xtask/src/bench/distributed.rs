//! How a cluster of distributed workers grows: with workers, with connectors, with partitions.
//!
//! For each size: from the start of a worker to its readiness, from a change to the moment when everything runs where it
//! belongs and has its partitions, times of REST calls, memory of each worker. Nothing is written to the topics: what is
//! measured is the work of sharing, not that of the sink.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::fleet::{Fleet, Worker, memories, quantiles, settle, stop_all};
use crate::s3;

/// Options of `bench distributed`.
#[derive(Debug, Args)]
pub(crate) struct DistributedArgs {
    /// Workers at most, one after the other, with a task a partition; 0: not this kind
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Partitions of that topic
    #[arg(long, default_value_t = 48)]
    partitions: usize,
    /// Connectors in one cluster of two workers, shown at a quarter, a half and all of them; 0: not this kind
    #[arg(long, default_value_t = 200)]
    connectors: usize,
    /// Partitions that one connector of eight tasks takes by `topics.regex`, 100 a topic, one size after the other; 0: not
    /// this kind
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 3_000, 10_000])]
    regex_partitions: Vec<usize>,
    /// `consumer.session.timeout.ms` of that kind
    #[arg(long, default_value_t = 45_000)]
    regex_session_ms: u32,
}

/// Partitions of each topic that the pattern matches.
const EACH: usize = 100;
/// Topics that are made with one request.
const AT_ONCE: usize = 10;
const REGEX_TASKS: usize = 8;

/// Runs the three kinds of growth.
pub(crate) fn run(args: &DistributedArgs) -> Result<()> {
    let sizes = &args.regex_partitions;
    ensure!(
        sizes.is_sorted() && sizes.iter().all(|size| size.is_multiple_of(EACH)),
        "--regex-partitions: growing multiples of {EACH}"
    );
    let broker = super::start_broker("distributed")?;
    let store = s3::Server::start(&format!("bench-distributed-{}", std::process::id()))?;
    if args.workers > 0 {
        grow_workers(args, &Fleet::new("workers", &broker, &store)?)?;
    }
    if args.connectors > 0 {
        grow_connectors(args.connectors, &Fleet::new("connectors", &broker, &store)?)?;
    }
    if sizes.iter().any(|size| *size > 0) {
        let fleet = Fleet::new("partitions", &broker, &store)?;
        let fleet = fleet.with("consumer.session.timeout.ms", args.regex_session_ms);
        grow_partitions(sizes, &fleet)?;
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn grow_workers(args: &DistributedArgs, fleet: &Fleet<'_>) -> Result<()> {
    let tasks = args.partitions;
    println!("\n{tasks} partitions, a task each; one worker after the other\n");
    println!("| workers | ready | all run | all partitions | tasks | GET status | memory |");
    println!("|---|---|---|---|---|---|---|");
    fleet.topics(&["wide".to_owned()], i32::try_from(tasks)?)?;
    let path = "/connectors/wide/status";
    let mut workers = Vec::new();
    for count in 1..=args.workers {
        let (worker, ready) = fleet.start()?;
        workers.push(worker);
        if count == 1 {
            let config = fleet.config(&[("topics", "wide"), ("tasks.max", &tasks.to_string())]);
            workers[0].create("wide", &config)?;
        }
        let settled = settle(&workers, path, tasks, tasks)?;
        println!(
            "| {count} | {} | {} | {} | {:?} | {} | {} |",
            seconds(ready),
            seconds(settled.run),
            seconds(settled.assigned),
            settled.tasks,
            workers[0].times(path)?,
            memories(&workers)?,
        );
    }
    if workers.len() > 1 {
        one_ends(&mut workers, path, tasks, tasks)?;
    }
    stop_all(workers)
}

fn grow_connectors(connectors: usize, fleet: &Fleet<'_>) -> Result<()> {
    println!("\n{connectors} connectors of one task, two workers\n");
    println!(
        "| connectors | POST each | all partitions after the last | GET all with status | memory |"
    );
    println!("|---|---|---|---|---|");
    fleet.topics(&["many".to_owned()], 1)?;
    let path = "/connectors?expand=status";
    let mut workers = vec![fleet.start()?.0, fleet.start()?.0];
    let mut made = 0;
    for size in [connectors.div_ceil(4), connectors.div_ceil(2), connectors] {
        let mut calls = Vec::new();
        for number in made..size {
            let config = fleet.config(&[("topics", "many"), ("tasks.max", "1")]);
            let call = Instant::now();
            workers[number % 2].create(&format!("many-{number}"), &config)?;
            calls.push(call.elapsed());
        }
        made = size;
        let settled = settle(&workers, path, size, size)?;
        println!(
            "| {size} | {} | {} | {} | {} |",
            quantiles(&mut calls),
            seconds(settled.assigned),
            workers[0].times(path)?,
            memories(&workers)?,
        );
    }
    one_ends(&mut workers, path, connectors, connectors)?;
    one_comes(&mut workers, fleet, path, connectors, connectors)?;
    stop_all(workers)
}

fn grow_partitions(sizes: &[usize], fleet: &Fleet<'_>) -> Result<()> {
    println!("\npartitions by topics.regex, {EACH} a topic, {REGEX_TASKS} tasks, two workers\n");
    println!(
        "| partitions | their topics were made in | all assigned after that | GET status | memory |"
    );
    println!("|---|---|---|---|---|");
    let path = "/connectors/regex/status";
    let mut workers = vec![fleet.start()?.0, fleet.start()?.0];
    let (mut made, mut all) = (0, 0);
    for size in sizes.iter().filter(|size| **size > 0) {
        let began = Instant::now();
        let names: Vec<String> = (made..size / EACH)
            .map(|number| format!("regex.{number:04}"))
            .collect();
        for some in names.chunks(AT_ONCE) {
            fleet.topics(some, i32::try_from(EACH)?)?;
        }
        let creation = began.elapsed();
        if made == 0 {
            let tasks = REGEX_TASKS.to_string();
            let config = fleet.config(&[("topics.regex", r"regex\.\d+"), ("tasks.max", &tasks)]);
            workers[0].create("regex", &config)?;
        }
        (made, all) = (size / EACH, *size);
        let settled = settle(&workers, path, REGEX_TASKS, all)?;
        println!(
            "| {size} | {} | {} | {} | {} |",
            seconds(creation),
            seconds(settled.assigned),
            workers[0].times(path)?,
            memories(&workers)?
        );
    }
    one_ends(&mut workers, path, REGEX_TASKS, all)?;
    one_comes(&mut workers, fleet, path, REGEX_TASKS, all)?;
    stop_all(workers)
}

/// The last worker is told to end.
fn one_ends(workers: &mut Vec<Worker>, path: &str, tasks: usize, partitions: usize) -> Result<()> {
    let gone = workers.pop().context("no worker")?;
    let ended = gone.stop()?;
    let settled = settle(workers, path, tasks, partitions)?;
    println!(
        "\none is told to end: its process ends after {}, all run elsewhere {} later and have their partitions {} later; memory {}",
        seconds(ended),
        seconds(settled.run),
        seconds(settled.assigned),
        memories(workers)?
    );
    Ok(())
}

/// A worker more.
fn one_comes(
    workers: &mut Vec<Worker>,
    fleet: &Fleet<'_>,
    path: &str,
    tasks: usize,
    partitions: usize,
) -> Result<()> {
    let (back, ready) = fleet.start()?;
    workers.push(back);
    let settled = settle(workers, path, tasks, partitions)?;
    println!(
        "one comes back: ready after {}, all run on all workers {} later and have their partitions {} later; memory {}",
        seconds(ready),
        seconds(settled.run),
        seconds(settled.assigned),
        memories(workers)?
    );
    Ok(())
}
