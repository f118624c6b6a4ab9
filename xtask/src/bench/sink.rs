//! The S3 sink reading a full topic, beside the bare consume loop.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

use super::statistics::{grouped, median};
use super::topic::Topic;
use super::{Settings, consume_loop, produce_loop, statistics, store_loop, usage};
use crate::child::Foreground;
use crate::programs::{self, Binaries};
use crate::{http, kafka, ports, s3};

/// Options of `bench sink`.
#[derive(Debug, Args)]
pub(crate) struct SinkArgs {
    /// Rounds of loop and sink; medians are compared
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Records in the topic; rounded down so that the files come out even
    #[arg(long, default_value_t = 1_200_000)]
    records: u64,
    /// Files (objects) in all
    #[arg(long, default_value_t = 24)]
    files: u64,
    /// Partitions of the topic
    #[arg(long, default_value_t = 12)]
    partitions: i32,
    /// Tasks of the connector
    #[arg(long, default_value_t = 1)]
    tasks: u32,
    /// Bytes of JSON a record
    #[arg(long, default_value_t = 469)]
    record_size: usize,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the rounds and prints every one, then medians and the difference.
pub(crate) fn run(args: &SinkArgs) -> Result<()> {
    let broker = super::start_broker("sink")?;
    let store = s3::Server::start(&format!("bench-sink-{}", std::process::id()))?;
    let flush_size = (args.records / args.files).max(1);
    let count = flush_size * args.files;
    let bootstrap = broker.bootstrap();
    let topic = Topic::create(&bootstrap, "sink-input", args.partitions)?;
    produce_loop::fill(
        &bootstrap,
        &topic.name,
        args.partitions,
        count,
        args.record_size,
    )?;
    println!(
        "{count} records of {} B in {} partitions, {} objects, JSON without schemas, tasks.max={}",
        args.record_size, args.partitions, args.files, args.tasks
    );
    let (mut loops, mut sinks) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let rate = consume_loop::run(&bootstrap, &topic, count)?;
        println!(
            "round {round}  bare consume loop  {:>9} records/s  {:.2} µs CPU a record",
            grouped(rate.records_per_second),
            rate.cpu_us
        );
        loops.push(rate);
        let connector = Connector {
            name: format!("bench-{round}"),
            topic: &topic.name,
            flush_size,
            tasks: args.tasks,
            settings: &args.settings,
        };
        let server = usage::cpu(store.pid()?)?;
        let (rate, memory) = measure(&connector, &broker, &store, &topic, count)?;
        println!(
            "round {round}  sink               {:>9} records/s  {:.2} µs CPU a record  peak {:.1} MiB",
            grouped(rate.records_per_second),
            rate.cpu_us,
            memory.peak
        );
        if flush_size == 1 {
            let server = usage::cpu(store.pid()?)? - server;
            beside_puts(&store, round, (count, args.record_size + 1), &rate, server)?;
        }
        sinks.push(rate);
    }
    print_medians(&loops, &sinks);
    Ok(())
}

/// The same objects put by the S3 client library alone; `server` is what the sink's cost the S3 server.
fn beside_puts(
    store: &s3::Server,
    round: u32,
    (objects, bytes): (u64, usize),
    sink: &produce_loop::Rate,
    server: Duration,
) -> Result<()> {
    let bare = store_loop::run(store, round, objects, bytes)?;
    println!(
        "round {round}  sink               {:>9} objects/s = {:.1} % of the best bare loop; {:.0} µs CPU an object, the S3 server {:.0} µs",
        grouped(sink.records_per_second),
        100.0 * sink.records_per_second / bare.objects_per_second,
        sink.cpu_us,
        statistics::micros_each(server, objects)
    );
    Ok(())
}

fn print_medians(loops: &[produce_loop::Rate], sinks: &[produce_loop::Rate]) {
    let of = |rates: &[produce_loop::Rate], value: fn(&produce_loop::Rate) -> f64| {
        median(&rates.iter().map(value).collect::<Vec<_>>())
    };
    let (base, sink) = (
        of(loops, |rate| rate.records_per_second),
        of(sinks, |rate| rate.records_per_second),
    );
    let (base_cpu, sink_cpu) = (of(loops, |rate| rate.cpu_us), of(sinks, |rate| rate.cpu_us));
    println!(
        "medians: bare loop {} records/s, {base_cpu:.2} µs CPU a record",
        grouped(base)
    );
    println!(
        "medians: sink {} records/s = {:.1} % of the loop; {sink_cpu:.2} µs CPU a record, {:.2} µs more than the loop",
        grouped(sink),
        100.0 * sink / base,
        sink_cpu - base_cpu
    );
}

/// From the start of the worker until everything is committed.
fn measure(
    connector: &Connector<'_>,
    broker: &kafka::Cluster,
    store: &s3::Server,
    topic: &Topic,
    count: u64,
) -> Result<(produce_loop::Rate, usage::Memory)> {
    let start = Instant::now();
    let worker = Worker::start(connector, broker, store)?;
    wait_for_commits(&worker, broker, connector, topic, count)?;
    let took = start.elapsed();
    let (cpu, memory) = (usage::cpu(worker.pid()?)?, usage::memory(worker.pid()?)?);
    let written = worker.metric("sluiceway_sink_object_records_total")?;
    ensure!(
        written == count as f64,
        "{written} of {count} records are in objects"
    );
    worker.program.stop(Duration::from_secs(30))?;
    let rate = produce_loop::Rate {
        records_per_second: count as f64 / took.as_secs_f64(),
        cpu_us: statistics::micros_each(cpu, count),
    };
    Ok((rate, memory))
}

fn wait_for_commits(
    worker: &Worker,
    broker: &kafka::Cluster,
    connector: &Connector<'_>,
    topic: &Topic,
    count: u64,
) -> Result<()> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("group.id", format!("connect-{}", connector.name))
        .create()?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(&topic.name, 0, topic.partitions - 1);
    let start = Instant::now();
    loop {
        let committed = client.committed_offsets(asked.clone(), Duration::from_secs(10))?;
        let offsets = committed
            .elements()
            .into_iter()
            .map(|entry| match entry.offset() {
                Offset::Offset(offset) => u64::try_from(offset).unwrap_or_default(),
                _ => 0,
            });
        let sum: u64 = offsets.sum();
        if sum == count {
            return Ok(());
        }
        worker.program.check_running()?;
        ensure!(
            start.elapsed() < Duration::from_secs(600),
            "{sum} of {count} records are committed"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the worker runs.
pub(crate) struct Connector<'a> {
    /// Its name.
    pub(crate) name: String,
    /// What it reads.
    pub(crate) topic: &'a str,
    /// Records an object.
    pub(crate) flush_size: u64,
    /// tasks.max
    pub(crate) tasks: u32,
    /// Further properties.
    pub(crate) settings: &'a Settings,
}

/// A worker with one connector.
pub(crate) struct Worker {
    /// The process.
    pub(crate) program: Foreground,
    admin: String,
    _dir: TempDir,
}

impl Worker {
    /// Starts it; the bucket is made first.
    pub(crate) fn start(
        connector: &Connector<'_>,
        broker: &kafka::Cluster,
        store: &s3::Server,
    ) -> Result<Self> {
        let bucket = store.create_bucket(&connector.name)?;
        let dir = crate::scratch::folder()?;
        let urls: Vec<String> = ports::free(2)?
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}"))
            .collect();
        let (worker_file, connector_file) = (
            dir.path().join("worker.properties"),
            dir.path().join("sink.properties"),
        );
        fs::write(
            &worker_file,
            format!(
                "bootstrap.servers={}\nlisteners={}\nsluiceway.admin.listeners={}\noffset.storage.file.filename={}\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.json.JsonConverter\n",
                broker.bootstrap(),
                urls[0],
                urls[1],
                dir.path().join("offsets").display()
            ),
        )?;
        fs::write(
            &connector_file,
            connector.properties(&bucket, &store.endpoint()),
        )?;
        let mut command = Binaries::beside_this()?.command("sluiceway-sink")?;
        command.envs(s3::CREDENTIALS);
        let log = dir.path().join("sink.log");
        let program = programs::start(
            &mut command,
            &[&worker_file, &connector_file],
            &urls[0],
            &log,
        )?;
        Ok(Self {
            program,
            admin: urls[1].clone(),
            _dir: dir,
        })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self.program.id()?.pid)
    }

    /// The sum of a metric over its labels.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let text = http::get(&format!("{}/metrics", self.admin))?.body;
        let samples: Vec<f64> = text
            .lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(['{', ' ']))
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        ensure!(!samples.is_empty(), "no metric {name}");
        Ok(samples.iter().sum())
    }
}

impl Connector<'_> {
    fn properties(&self, bucket: &str, endpoint: &str) -> String {
        let Self {
            name,
            topic,
            flush_size,
            tasks,
            settings,
        } = self;
        format!(
            "name={name}\nconnector.class=io.confluent.connect.s3.S3SinkConnector\ntasks.max={tasks}\ntopics={topic}\n\
             storage.class=io.confluent.connect.s3.storage.S3Storage\n\
             format.class=io.confluent.connect.s3.format.json.JsonFormat\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=false\n\
             flush.size={flush_size}\ns3.bucket.name={bucket}\ns3.region=us-east-1\nstore.url={endpoint}\n{}",
            settings.lines()
        )
    }
}
