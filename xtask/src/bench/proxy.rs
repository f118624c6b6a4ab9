//! The REST proxy under load, beside the bare producer loop and a bare HTTP server.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::bare_http;
use super::load::{self, Load, Outcome};
use super::rest_proxy::Proxy;
use super::statistics::{grouped, median, micros_each};
use super::topic::Topic;
use super::{Settings, produce_loop, usage};
use crate::kafka;

/// Options of `bench proxy`.
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// Rounds of loop, 1 record, 100 records; medians are compared. One more goes before them, uncounted: a JVM that has
    /// just started compiles its code meanwhile
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measured seconds of each point
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Records a request; may be repeated
    #[arg(long = "batch", default_values_t = [1, 100])]
    batches: Vec<usize>,
    /// Bytes of JSON a record
    #[arg(long, default_value_t = 493)]
    record_size: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    #[command(flatten)]
    settings: Settings,
}

/// One point of one round.
struct Point {
    batch: usize,
    outcome: Outcome,
    proxy_cpu_us: f64,
}

/// Runs the rounds and prints every point, then medians and ratios.
pub(crate) fn run(args: &ProxyArgs) -> Result<()> {
    let broker = super::start_broker("proxy")?;
    let dir = crate::scratch::folder()?;
    let proxy = Proxy::start(&broker, &dir, &args.settings)?;
    println!(
        "{} connections, {} B a record, {} partitions, acks=all; idle memory of the proxy {:.1} MiB",
        args.connections,
        args.record_size,
        args.partitions,
        proxy.memory()?.resident
    );
    let (mut loops, mut points) = (Vec::new(), Vec::new());
    let bare_http = measure_bare_http(args)?;
    for round in 0..=args.rounds {
        let counts = round > 0;
        let rate = bare_loop(args, &broker, round)?;
        println!(
            "round {round}  bare producer loop        {:>9} records/s  {:.2} µs CPU a record",
            grouped(rate.records_per_second),
            rate.cpu_us
        );
        loops.extend(counts.then_some(rate));
        for batch in &args.batches {
            let point = measure(&proxy, args, &broker, round, *batch)?;
            print_point(round, &point, proxy.memory()?);
            points.extend(counts.then_some(point));
        }
    }
    print_ratios(&loops, &points, &bare_http);
    println!("peak memory of the proxy {:.1} MiB", proxy.memory()?.peak);
    proxy.program.stop(Duration::from_secs(30))
}

fn bare_loop(args: &ProxyArgs, broker: &kafka::Cluster, round: u32) -> Result<produce_loop::Rate> {
    let topic = Topic::create(
        &broker.bootstrap(),
        &format!("loop-{round}"),
        args.partitions,
    )?;
    let span = Duration::from_secs(args.seconds);
    produce_loop::run(
        &broker.bootstrap(),
        &topic.name,
        args.record_size,
        Duration::from_secs(2),
        span,
    )
}

fn load_of<'a>(args: &ProxyArgs, address: &'a str, topic: &'a str, batch: usize) -> Load<'a> {
    Load {
        address,
        topic,
        connections: args.connections,
        batch,
        size: args.record_size,
        warm_up: Duration::from_secs(3),
        measured: Duration::from_secs(args.seconds),
    }
}

/// What HTTP alone costs for one number of records a request.
struct BareHttp {
    batch: usize,
    requests_per_second: f64,
    /// Generator and server together, a record.
    cpu_us: f64,
}

fn measure_bare_http(args: &ProxyArgs) -> Result<Vec<BareHttp>> {
    let measure = |batch: &usize| {
        let load = load_of(args, "", "bare", *batch);
        let outcome = bare_http::run(&load)?;
        let records = outcome.requests * *batch as u64;
        let bare = BareHttp {
            batch: *batch,
            requests_per_second: outcome.requests_per_second,
            cpu_us: micros_each(outcome.cpu[0], records),
        };
        println!(
            "HTTP alone, {batch:>3} records a request  {:>7} req/s  generator and server {:.2} µs CPU a record",
            grouped(bare.requests_per_second),
            bare.cpu_us
        );
        Ok(bare)
    };
    args.batches.iter().map(measure).collect()
}

/// Records a second that the cores have time for if each costs them what it costs in the bare loop, which leaves none of them
/// idle, and then its share of a bare request: a proxy that did no work of its own.
fn limit(base: f64, http: &BareHttp) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let in_loop = cores / base;
    cores / (in_loop + http.cpu_us / 1e6)
}

fn print_point(round: u32, point: &Point, memory: usage::Memory) {
    let outcome = &point.outcome;
    let per_request = micros_each(outcome.cpu[0], outcome.requests);
    println!(
        "round {round}  {:>3} records a request  {:>9} records/s  {:>7} req/s  p50 {:.2} ms  p99 {:.2} ms  \
         CPU {:.2} µs a record, {per_request:.1} µs a request (broker {:.1} µs a request)  {:.1} MiB",
        point.batch,
        grouped(outcome.requests_per_second * point.batch as f64),
        grouped(outcome.requests_per_second),
        outcome.p50_ms,
        outcome.p99_ms,
        point.proxy_cpu_us,
        micros_each(outcome.cpu[1], outcome.requests),
        memory.resident,
    );
}

fn print_ratios(loops: &[produce_loop::Rate], points: &[Point], bare_http: &[BareHttp]) {
    let base = median(
        &loops
            .iter()
            .map(|rate| rate.records_per_second)
            .collect::<Vec<_>>(),
    );
    let base_cpu = median(&loops.iter().map(|rate| rate.cpu_us).collect::<Vec<_>>());
    println!(
        "medians: bare loop {} records/s, {base_cpu:.2} µs CPU a record",
        grouped(base)
    );
    for http in bare_http {
        let batch = &http.batch;
        let of = |value: &dyn Fn(&Point) -> f64| {
            median(
                &points
                    .iter()
                    .filter(|point| point.batch == *batch)
                    .map(value)
                    .collect::<Vec<_>>(),
            )
        };
        let requests = of(&|point| point.outcome.requests_per_second);
        let records = requests * *batch as f64;
        println!(
            "medians: {batch} records a request: {} req/s, {} records/s = {:.1} % of the loop, {:.1} % of loop and bare HTTP \
             on the same cores; p50 {:.2} ms, p99 {:.2} ms; CPU {:.2} µs a record = {:.2} times the loop's",
            grouped(requests),
            grouped(records),
            100.0 * records / base,
            100.0 * records / limit(base, http),
            of(&|point| point.outcome.p50_ms),
            of(&|point| point.outcome.p99_ms),
            of(&|point| point.proxy_cpu_us),
            of(&|point| point.proxy_cpu_us) / base_cpu,
        );
    }
}

/// One point. Afterwards the topic holds exactly the records that were acknowledged.
fn measure(
    proxy: &Proxy,
    args: &ProxyArgs,
    broker: &kafka::Cluster,
    round: u32,
    batch: usize,
) -> Result<Point> {
    let topic = Topic::create(
        &broker.bootstrap(),
        &format!("proxy-{round}-{batch}"),
        args.partitions,
    )?;
    let load = load_of(args, &proxy.address, &topic.name, batch);
    let broker_pid = broker
        .first_process()
        .context("the broker does not run")?
        .pid;
    let outcome = load::run(&load, &[proxy.pid()?, broker_pid])?;
    let (stored, sent) = (topic.records()?, outcome.requests_in_all * batch as u64);
    ensure!(
        stored == sent,
        "{sent} records were acknowledged, {stored} are in the topic"
    );
    let proxy_cpu_us = micros_each(outcome.cpu[0], outcome.requests * batch as u64);
    Ok(Point {
        batch,
        outcome,
        proxy_cpu_us,
    })
}
