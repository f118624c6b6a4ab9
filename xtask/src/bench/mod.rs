//! `cargo xtask bench …`: the figures, each beside a bare librdkafka loop of the same run, because
//! absolute numbers of a machine on which broker, program and load share the cores mean little.

mod bare_http;
mod build;
mod consume;
mod consume_loop;
mod distributed;
mod fleet;
mod instances;
mod load;
mod produce_loop;
mod proxy;
mod record;
mod response;
mod rest_client;
mod rest_proxy;
mod sink;
mod sink_memory;
mod startup;
pub(crate) mod statistics;
mod store_loop;
mod stream;
mod stream_load;
mod topic;
mod usage;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::kafka::{Cluster, UpArgs};
use crate::programs;

/// Which bench, and on which build.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Stay in the debug build: to try a bench out, not to measure anything
    #[arg(long)]
    debug_build: bool,
    #[command(subcommand)]
    command: Command,
}

/// What to measure.
#[derive(Debug, Subcommand)]
enum Command {
    /// Requests and records a second, latencies, CPU and memory of the REST proxy
    Proxy(proxy::ProxyArgs),
    /// Records a second read through consumer instances of the REST proxy
    Consume(consume::ConsumeArgs),
    /// Threads and memory of many consumer instances in one REST proxy
    Instances(instances::InstancesArgs),
    /// Records a second produced over endless v3 requests
    Stream(stream::StreamArgs),
    /// Records a second and CPU of the S3 sink
    Sink(sink::SinkArgs),
    /// Memory of the sink with one and with 500 open files
    SinkMemory(sink_memory::MemoryArgs),
    /// Distributed workers: growth with workers, connectors and partitions
    Distributed(distributed::DistributedArgs),
    /// From start to the first answer, and memory when idle
    Startup(startup::StartupArgs),
    /// Cold build times and sizes (in a target folder of its own)
    Build,
}

/// Settings of the program under test on top of the bench's own.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// A property of the program; may be repeated (`--set producer.linger.ms=0.5`)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Settings {
    /// These, behind some of a bench's own.
    fn with(&self, own: &[(&str, &str)]) -> Self {
        let own = own.iter().map(|(key, value)| format!("{key}={value}"));
        Self {
            set: own.chain(self.set.iter().cloned()).collect(),
        }
    }

    fn lines(&self) -> String {
        self.set.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Runs one bench. All but `build` go on in a release build of xtask.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if let Command::Build = args.command {
        return build::run();
    }
    if !args.debug_build {
        programs::continue_in_release_build()?;
    }
    print_surroundings();
    match &args.command {
        Command::Proxy(args) => proxy::run(args),
        Command::Consume(args) => consume::run(args),
        Command::Instances(args) => instances::run(args),
        Command::Stream(args) => stream::run(args),
        Command::Sink(args) => sink::run(args),
        Command::SinkMemory(args) => sink_memory::run(args),
        Command::Distributed(args) => distributed::run(args),
        Command::Startup(args) => startup::run(args),
        Command::Build => Ok(()),
    }
}

/// What a reader needs to judge the figures.
fn print_surroundings() {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load
        .split_ascii_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned();
    println!("{cores} cores for broker, program and load together; load average before: {load}");
}

/// A broker for one bench; what is deleted goes at once, the disk is not endless.
fn start_broker(name: &str) -> Result<Cluster> {
    Cluster::start(&UpArgs {
        name: format!("bench-{name}-{}", std::process::id()),
        brokers: 1,
        auto_create: true,
        settings: vec![("log.segment.delete.delay.ms".to_owned(), "500".to_owned())],
        heap: "1g".to_owned(),
        line: None,
    })
}
