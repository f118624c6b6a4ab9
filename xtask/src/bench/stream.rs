//! v3's streamed produce under load, beside the bare producer loop and requests of v2 with as many records as a chunk has.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::load::{self, Load};
use super::rest_proxy::Proxy;
use super::statistics::{grouped, median, micros_each};
use super::stream_load::{self, StreamLoad};
use super::topic::Topic;
use super::{Settings, produce_loop};
use crate::kafka::Cluster;

const WARM_UP: Duration = Duration::from_secs(2);

/// Options of `bench stream`.
#[derive(Debug, Args)]
pub(crate) struct StreamArgs {
    /// Rounds of loop and stream; medians are compared
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measured seconds of each point
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Connections, one endless request each
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Records a chunk of the request
    #[arg(long, default_value_t = 100)]
    chunk: usize,
    /// Bytes of JSON a record
    #[arg(long, default_value_t = 493)]
    record_size: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the rounds and prints every point, then medians and ratios.
pub(crate) fn run(args: &StreamArgs) -> Result<()> {
    let broker = super::start_broker("stream")?;
    let dir = crate::scratch::folder()?;
    let proxy = Proxy::start(&broker, &dir, &args.settings)?;
    let (mut loops, mut batches, mut streams) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        for (name, measure, points) in [
            ("bare producer loop", bare_loop as Measure, &mut loops),
            ("v2 requests", v2, &mut batches),
            ("v3 stream", v3, &mut streams),
        ] {
            let point = measure(args, &broker, &proxy, round)?;
            println!(
                "round {round}  {name:<18}  {:>9} records/s  {:.2} µs CPU a record  {:.1} MiB",
                grouped(point.rate),
                point.cpu_us,
                proxy.memory()?.resident
            );
            points.push(point);
        }
    }
    let rate =
        |points: &[Point]| median(&points.iter().map(|point| point.rate).collect::<Vec<_>>());
    let cpu =
        |points: &[Point]| median(&points.iter().map(|point| point.cpu_us).collect::<Vec<_>>());
    println!(
        "medians: v3 stream {} records/s = {:.1} % of the loop ({}) and {:.1} % of v2 requests ({}); CPU {:.2} µs a record = \
         {:.2} times that of v2 requests ({:.2}); peak memory {:.1} MiB",
        grouped(rate(&streams)),
        100.0 * rate(&streams) / rate(&loops),
        grouped(rate(&loops)),
        100.0 * rate(&streams) / rate(&batches),
        grouped(rate(&batches)),
        cpu(&streams),
        cpu(&streams) / cpu(&batches),
        cpu(&batches),
        proxy.memory()?.peak
    );
    proxy.program.stop(Duration::from_secs(30))
}

/// What one measurement of one round says.
struct Point {
    /// Records a second.
    rate: f64,
    /// Microseconds of CPU a record: of the loop or of the proxy.
    cpu_us: f64,
}

type Measure = fn(&StreamArgs, &Cluster, &Proxy, u32) -> Result<Point>;

fn topic(args: &StreamArgs, broker: &Cluster, name: &str, round: u32) -> Result<Topic> {
    let name = format!("{name}-{round}");
    Topic::create(&broker.bootstrap(), &name, args.partitions)
}

fn bare_loop(args: &StreamArgs, broker: &Cluster, _: &Proxy, round: u32) -> Result<Point> {
    let topic = topic(args, broker, "loop", round)?;
    let (bootstrap, measured) = (broker.bootstrap(), Duration::from_secs(args.seconds));
    let rate = produce_loop::run(&bootstrap, &topic.name, args.record_size, WARM_UP, measured)?;
    Ok(Point {
        rate: rate.records_per_second,
        cpu_us: rate.cpu_us,
    })
}

/// Requests of v2, on four times as many connections: each waits for its answer, where a stream sends on.
fn v2(args: &StreamArgs, broker: &Cluster, proxy: &Proxy, round: u32) -> Result<Point> {
    let topic = topic(args, broker, "batches", round)?;
    let load = Load {
        address: &proxy.address,
        topic: &topic.name,
        connections: args.connections * 4,
        batch: args.chunk,
        size: args.record_size,
        warm_up: WARM_UP,
        measured: Duration::from_secs(args.seconds),
    };
    let outcome = load::run(&load, &[proxy.pid()?])?;
    holds(&topic, outcome.requests_in_all * args.chunk as u64)?;
    let cpu = outcome.cpu.first().context("no process was watched")?;
    Ok(Point {
        rate: outcome.requests_per_second * args.chunk as f64,
        cpu_us: micros_each(*cpu, outcome.requests * args.chunk as u64),
    })
}

fn v3(args: &StreamArgs, broker: &Cluster, proxy: &Proxy, round: u32) -> Result<Point> {
    let topic = topic(args, broker, "stream", round)?;
    let load = StreamLoad {
        address: &proxy.address,
        topic: &topic.name,
        connections: args.connections,
        chunk: args.chunk,
        size: args.record_size,
        warm_up: WARM_UP,
        measured: Duration::from_secs(args.seconds),
    };
    let outcome = stream_load::run(&load, proxy.pid()?)?;
    holds(&topic, outcome.sent)?;
    Ok(Point {
        rate: outcome.answered as f64 / load.measured.as_secs_f64(),
        cpu_us: micros_each(outcome.cpu, outcome.answered),
    })
}

/// Fails unless the topic holds exactly what was sent.
fn holds(topic: &Topic, sent: u64) -> Result<()> {
    let stored = topic.records()?;
    ensure!(
        stored == sent,
        "{sent} records were sent, {stored} are in the topic"
    );
    Ok(())
}
