//! v3's streamed produce under load, beside the bare producer loop.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

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
    let measured = Duration::from_secs(args.seconds);
    let (mut loops, mut rates, mut cpus) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let topic = Topic::create(
            &broker.bootstrap(),
            &format!("loop-{round}"),
            args.partitions,
        )?;
        let bootstrap = broker.bootstrap();
        let rate = produce_loop::run(&bootstrap, &topic.name, args.record_size, WARM_UP, measured)?;
        println!(
            "round {round}  bare producer loop  {:>9} records/s  {:.2} µs CPU a record",
            grouped(rate.records_per_second),
            rate.cpu_us
        );
        loops.push(rate.records_per_second);
        let (rate, cpu) = point(args, &broker, &proxy, round)?;
        println!(
            "round {round}  v3 stream           {:>9} records/s  {cpu:.2} µs CPU a record  {:.1} MiB",
            grouped(rate),
            proxy.memory()?.resident
        );
        rates.push(rate);
        cpus.push(cpu);
    }
    println!(
        "medians: v3 stream {} records/s = {:.1} % of the loop ({}); CPU {:.2} µs a record; peak memory {:.1} MiB",
        grouped(median(&rates)),
        100.0 * median(&rates) / median(&loops),
        grouped(median(&loops)),
        median(&cpus),
        proxy.memory()?.peak
    );
    proxy.program.stop(Duration::from_secs(30))
}

/// One point: records a second, microseconds of the proxy's CPU a record. Afterwards the topic holds exactly what was
/// sent.
fn point(args: &StreamArgs, broker: &Cluster, proxy: &Proxy, round: u32) -> Result<(f64, f64)> {
    let topic = Topic::create(
        &broker.bootstrap(),
        &format!("stream-{round}"),
        args.partitions,
    )?;
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
    let stored = topic.records()?;
    ensure!(
        stored == outcome.sent,
        "{} records were sent, {stored} are in the topic",
        outcome.sent
    );
    Ok((
        outcome.answered as f64 / load.measured.as_secs_f64(),
        micros_each(outcome.cpu, outcome.answered),
    ))
}
