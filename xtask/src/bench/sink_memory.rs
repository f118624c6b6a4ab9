//! Memory of the sink with the same records in one open file and in many.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::sink::{Connector, Worker};
use super::topic::Topic;
use super::{Settings, produce_loop, usage};
use crate::{kafka, s3};

/// Options of `bench sink-memory`.
#[derive(Debug, Args)]
pub(crate) struct MemoryArgs {
    /// Open files (partitions); may be repeated
    #[arg(long = "files", default_values_t = [1, 500])]
    files: Vec<i32>,
    /// Records in all
    #[arg(long, default_value_t = 200_000)]
    records: u64,
    /// Bytes of JSON a record
    #[arg(long, default_value_t = 493)]
    record_size: usize,
    #[command(flatten)]
    settings: Settings,
}

/// Measures each number of files with a worker of its own.
pub(crate) fn run(args: &MemoryArgs) -> Result<()> {
    let broker = super::start_broker("memory")?;
    let store = s3::Server::start(&format!("bench-memory-{}", std::process::id()))?;
    println!(
        "{} records of {} B, none of the files is ever full",
        args.records, args.record_size
    );
    for files in &args.files {
        measure(args, &broker, &store, *files)?;
    }
    Ok(())
}

fn measure(
    args: &MemoryArgs,
    broker: &kafka::Cluster,
    store: &s3::Server,
    files: i32,
) -> Result<()> {
    let bootstrap = broker.bootstrap();
    let name = format!("memory-{files}");
    let topic = Topic::create(&bootstrap, &name, files)?;
    produce_loop::fill(
        &bootstrap,
        &topic.name,
        files,
        args.records,
        args.record_size,
    )?;
    let connector = Connector {
        name,
        topic: &topic.name,
        flush_size: args.records + 1,
        tasks: 1,
        settings: &args.settings,
    };
    let worker = Worker::start(&connector, broker, store)?;
    let idle = usage::memory(worker.pid()?)?;
    let start = Instant::now();
    while worker
        .metric("sluiceway_sink_consumed_records_total")
        .unwrap_or_default()
        < args.records as f64
    {
        worker.program.check_running()?;
        ensure!(
            start.elapsed() < Duration::from_secs(300),
            "the records are not consumed"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(2));
    let (open, held) = (
        worker.metric("sluiceway_sink_open_files")?,
        worker.metric("sluiceway_sink_budget_used_bytes")?,
    );
    let memory = usage::memory(worker.pid()?)?;
    println!(
        "{files:>4} partitions: {open} open files, {:.1} MiB counted in buffers; memory {:.1} MiB, peak {:.1} MiB, \
         at the start {:.1} MiB",
        held / 1_048_576.0,
        memory.resident,
        memory.peak,
        idle.resident
    );
    worker.program.stop(Duration::from_secs(60))
}
