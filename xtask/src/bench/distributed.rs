//! How a cluster of distributed workers grows: with workers, with connectors, with partitions.
//!
//! For each size: from the start of a worker to its readiness, from a change to the moment when everything runs where it
//! belongs, times of REST calls, memory of each worker.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::usage;
use crate::child::Foreground;
use crate::programs::{self, Binaries};
use crate::{http, kafka, ports, s3};

/// Options of `bench distributed`.
#[derive(Debug, Args)]
pub(crate) struct DistributedArgs {
    /// Workers at most, one after the other, with a task a partition
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Partitions of that topic
    #[arg(long, default_value_t = 48)]
    partitions: i32,
    /// Connectors in one cluster of two workers
    #[arg(long, default_value_t = 200)]
    connectors: usize,
    /// Partitions that one connector takes by `topics.regex`, 100 a topic
    #[arg(long, default_value_t = 10_000)]
    regex_partitions: i32,
}

/// What may take long on a small machine.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(50);
/// Calls of which times are given.
const CALLS: usize = 50;

/// Runs the three kinds of growth.
pub(crate) fn run(args: &DistributedArgs) -> Result<()> {
    let broker = super::start_broker("distributed")?;
    let store = s3::Server::start(&format!("bench-distributed-{}", std::process::id()))?;
    if args.workers > 0 {
        grow_workers(args, &Fleet::new("workers", &broker, &store)?)?;
    }
    if args.connectors > 0 {
        grow_connectors(args, &Fleet::new("connectors", &broker, &store)?)?;
    }
    if args.regex_partitions > 0 {
        grow_partitions(args, &Fleet::new("partitions", &broker, &store)?)?;
    }
    Ok(())
}

fn grow_workers(args: &DistributedArgs, fleet: &Fleet<'_>) -> Result<()> {
    let tasks = usize::try_from(args.partitions)?;
    println!("\n{tasks} partitions, a task each; one worker after the other");
    fleet.topics(&["wide".to_owned()], args.partitions)?;
    let mut workers = Vec::new();
    for count in 1..=args.workers {
        let (worker, ready) = fleet.start()?;
        workers.push(worker);
        let began = Instant::now();
        if count == 1 {
            let config = fleet.config(&[("topics", "wide"), ("tasks.max", &tasks.to_string())]);
            workers[0].create("wide", &config)?;
        }
        let shares = wait(|| {
            let status = workers[0].get("/connectors/wide/status")?;
            let shares = shares(&status, &workers);
            let all = shares.iter().sum::<usize>() == tasks && !shares.contains(&0);
            Ok(all.then_some(shares))
        })?;
        println!(
            "{count} workers: ready after {:.2} s, all tasks run after {:.2} s more, tasks {shares:?}, status {}, memory {}",
            ready.as_secs_f64(),
            began.elapsed().as_secs_f64(),
            workers[0].times("/connectors/wide/status")?,
            memories(&workers)?,
        );
    }
    let gone = workers.pop().context("no worker")?;
    let began = Instant::now();
    gone.program.stop(LIMIT)?;
    let ended = began.elapsed();
    wait(|| {
        let status = workers[0].get("/connectors/wide/status")?;
        Ok((shares(&status, &workers).iter().sum::<usize>() == tasks).then_some(()))
    })?;
    println!(
        "one told to end: its process ended after {:.2} s, all tasks run elsewhere after {:.2} s",
        ended.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    stop_all(workers)
}

fn grow_connectors(args: &DistributedArgs, fleet: &Fleet<'_>) -> Result<()> {
    println!("\n{} connectors of one task, two workers", args.connectors);
    fleet.topics(&["many".to_owned()], 1)?;
    let mut workers = vec![fleet.start()?.0, fleet.start()?.0];
    let mut creations = Vec::new();
    let began = Instant::now();
    for number in 0..args.connectors {
        let config = fleet.config(&[("topics", "many"), ("tasks.max", "1")]);
        let call = Instant::now();
        workers[number % 2].create(&format!("many-{number}"), &config)?;
        creations.push(call.elapsed());
    }
    let created = began.elapsed();
    wait_for_all(&workers, args.connectors)?;
    println!(
        "created one by one in {:.1} s ({}), all run {:.2} s after the last; GET /connectors?expand=status {}, memory {}",
        created.as_secs_f64(),
        quantiles(&mut creations),
        (began.elapsed().saturating_sub(created)).as_secs_f64(),
        workers[0].times("/connectors?expand=status")?,
        memories(&workers)?,
    );
    let gone = workers.pop().context("no worker")?;
    let began = Instant::now();
    gone.program.stop(LIMIT)?;
    let ended = began.elapsed();
    wait_for_all(&workers, args.connectors)?;
    println!(
        "one told to end: its process ended after {:.2} s, all run on the other after {:.2} s, memory {}",
        ended.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        memories(&workers)?
    );
    let began = Instant::now();
    let (back, ready) = fleet.start()?;
    workers.push(back);
    wait(|| {
        let status = workers[0].get("/connectors?expand=status")?;
        let shares = shares(&status, &workers);
        Ok((shares.iter().sum::<usize>() == args.connectors && !shares.contains(&0)).then_some(()))
    })?;
    println!(
        "it comes back: ready after {:.2} s, all run, on both, after {:.2} s",
        ready.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    stop_all(workers)
}

fn grow_partitions(args: &DistributedArgs, fleet: &Fleet<'_>) -> Result<()> {
    const EACH: i32 = 100;
    let topics: Vec<String> = (0..args.regex_partitions / EACH)
        .map(|number| format!("regex.{number:04}"))
        .collect();
    let began = Instant::now();
    for some in topics.chunks(10) {
        fleet.topics(some, EACH)?;
    }
    println!(
        "\n{} partitions of {} topics by topics.regex (made in {:.0} s), 4 tasks, two workers",
        args.regex_partitions,
        topics.len(),
        began.elapsed().as_secs_f64()
    );
    let workers = vec![fleet.start()?.0, fleet.start()?.0];
    let config = fleet.config(&[("topics.regex", r"regex\.\d+"), ("tasks.max", "4")]);
    let began = Instant::now();
    workers[0].create("regex", &config)?;
    let wanted = f64::from(args.regex_partitions);
    let assigned = |workers: &[Worker]| -> Result<f64> {
        workers
            .iter()
            .map(|worker| worker.metric("sluiceway_sink_assigned_partitions"))
            .sum()
    };
    wait(|| Ok((assigned(&workers)? >= wanted).then_some(())))?;
    println!(
        "all assigned after {:.1} s; status {}, memory {}",
        began.elapsed().as_secs_f64(),
        workers[0].times("/connectors/regex/status")?,
        memories(&workers)?
    );
    let mut workers = workers;
    let gone = workers.pop().context("no worker")?;
    let began = Instant::now();
    gone.program.stop(LIMIT)?;
    wait(|| Ok((assigned(&workers)? >= wanted).then_some(())))?;
    println!(
        "one told to end: all assigned to the other after {:.1} s, memory {}",
        began.elapsed().as_secs_f64(),
        memories(&workers)?
    );
    stop_all(workers)
}

// === the fleet ===

/// Workers of one cluster.
struct Fleet<'a> {
    name: &'static str,
    bootstrap: String,
    store: &'a s3::Server,
    bucket: String,
    dir: TempDir,
}

struct Worker {
    program: Foreground,
    rest: String,
    admin: String,
}

impl<'a> Fleet<'a> {
    fn new(name: &'static str, broker: &kafka::Cluster, store: &'a s3::Server) -> Result<Self> {
        Ok(Self {
            name,
            bootstrap: broker.bootstrap(),
            bucket: store.create_bucket(&format!("fleet-{name}"))?,
            store,
            dir: crate::scratch::folder()?,
        })
    }

    fn topics(&self, names: &[String], partitions: i32) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .create()?;
        let topics: Vec<NewTopic<'_>> = names
            .iter()
            .map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)))
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(LIMIT));
        for outcome in runtime.block_on(admin.create_topics(&topics, &options))? {
            outcome.map_err(|(name, code)| anyhow::anyhow!("topic {name}: {code}"))?;
        }
        Ok(())
    }

    fn config(&self, own: &[(&str, &str)]) -> Value {
        let mut config = json!({
            "connector.class": "io.confluent.connect.s3.S3SinkConnector",
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "flush.size": "1000",
            "s3.bucket.name": self.bucket,
            "s3.region": "us-east-1",
            "store.url": self.store.endpoint(),
        });
        for (key, value) in own {
            config[*key] = json!(value);
        }
        config
    }

    /// A further worker, and how long it took to be ready.
    fn start(&self) -> Result<(Worker, Duration)> {
        let urls: Vec<String> = ports::free(2)?
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}"))
            .collect();
        let (name, id) = (self.name, urls[0].rsplit(':').next().unwrap_or_default());
        let mut file = format!(
            "bootstrap.servers={}\nlisteners={}\nsluiceway.admin.listeners={}\ngroup.id={name}\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=false\n\
             offset.storage.partitions=1\n",
            self.bootstrap, urls[0], urls[1],
        );
        for kind in ["config", "offset", "status"] {
            write!(
                file,
                "{kind}.storage.topic={name}-{kind}\n{kind}.storage.replication.factor=1\n"
            )?;
        }
        let path = self.dir.path().join(format!("{id}.properties"));
        fs::write(&path, file)?;
        let mut command = Binaries::beside_this()?.command("sluiceway-sink")?;
        command
            .arg("--distributed")
            .env("AWS_ACCESS_KEY_ID", s3::ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", s3::SECRET_KEY);
        let log = self.dir.path().join(format!("{id}.log"));
        let began = Instant::now();
        let health = format!("{}/health", urls[0]);
        let program = programs::start(&mut command, &[&path], &health, &log)?;
        let worker = Worker {
            program,
            rest: urls[0].clone(),
            admin: urls[1].clone(),
        };
        Ok((worker, began.elapsed()))
    }
}

impl Worker {
    fn create(&self, name: &str, config: &Value) -> Result<()> {
        let body = json!({"name": name, "config": config}).to_string();
        let answer = http::call("POST", &format!("{}/connectors", self.rest), Some(&body))?;
        ensure!(answer.status == 201, "{}: {}", answer.status, answer.body);
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = http::get(&format!("{}{path}", self.rest))?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.body);
        Ok(serde_json::from_str(&answer.body)?)
    }

    /// Median and slowest of some calls.
    fn times(&self, path: &str) -> Result<String> {
        let mut times = Vec::new();
        for _ in 0..CALLS {
            let began = Instant::now();
            self.get(path)?;
            times.push(began.elapsed());
        }
        Ok(quantiles(&mut times))
    }

    fn metric(&self, name: &str) -> Result<f64> {
        let text = http::get(&format!("{}/metrics", self.admin))?.body;
        let samples = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        Ok(samples
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum())
    }
}

/// Tasks that run, by worker; of one status or of a list of them.
fn shares(status: &Value, workers: &[Worker]) -> Vec<usize> {
    let one = std::slice::from_ref(status);
    let all: Vec<&Value> = match status.as_object() {
        Some(map) if !map.contains_key("tasks") => {
            map.values().map(|item| &item["status"]).collect()
        }
        _ => one.iter().collect(),
    };
    let tasks: Vec<&Value> = all
        .iter()
        .flat_map(|status| status["tasks"].as_array().into_iter().flatten())
        .filter(|task| task["state"] == "RUNNING")
        .collect();
    let of = |worker: &Worker| {
        let on = |task: &&&Value| {
            let id = task["worker_id"].as_str().unwrap_or_default();
            worker.rest.ends_with(id) && !id.is_empty()
        };
        tasks.iter().filter(on).count()
    };
    workers.iter().map(of).collect()
}

fn wait_for_all(workers: &[Worker], connectors: usize) -> Result<()> {
    wait(|| {
        let status = workers[0].get("/connectors?expand=status")?;
        Ok((shares(&status, workers).iter().sum::<usize>() == connectors).then_some(()))
    })
}

fn wait<T>(mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        ensure!(began.elapsed() < LIMIT, "not within {LIMIT:?}");
        std::thread::sleep(PAUSE);
    }
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| {
        let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, Duration::as_secs_f64) * 1000.0
    };
    format!("median {:.1} ms, slowest {:.1} ms", at(50), at(100))
}

fn memories(workers: &[Worker]) -> Result<String> {
    let memory = |worker: &Worker| -> Result<String> {
        let memory = usage::memory(worker.program.id()?.pid)?;
        Ok(format!("{:.0}", memory.resident))
    };
    let each: Vec<String> = workers.iter().map(memory).collect::<Result<_>>()?;
    Ok(format!("{} MiB", each.join(" ")))
}

fn stop_all(workers: Vec<Worker>) -> Result<()> {
    workers
        .into_iter()
        .try_for_each(|worker| worker.program.stop(LIMIT))
}
