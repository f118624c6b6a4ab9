//! Workers of one cluster on a bench's broker and store: started with files as a user writes them, asked by REST, ended.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::usage;
use crate::child::Foreground;
use crate::programs::{self, Binaries};
use crate::{http, kafka, ports, s3};

/// What may take long on a small machine.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(50);
/// Calls of which times are given.
const CALLS: usize = 50;

/// A cluster of workers: its name, its topics, its files. Dropped workers end with it.
pub(super) struct Fleet<'a> {
    name: &'static str,
    bootstrap: String,
    store: &'a s3::Server,
    bucket: String,
    /// Lines that its workers' files have besides.
    settings: String,
    dir: TempDir,
}

/// A running worker.
pub(super) struct Worker {
    program: Foreground,
    rest: String,
    admin: String,
}

/// When tasks had come to rest after a change.
pub(super) struct Settled {
    /// All tasks were said to run.
    pub(super) run: Duration,
    /// Each worker had the partitions of its tasks.
    pub(super) assigned: Duration,
    /// Tasks of each worker.
    pub(super) tasks: Vec<usize>,
}

impl<'a> Fleet<'a> {
    /// A cluster of this name; nothing runs yet.
    pub(super) fn new(
        name: &'static str,
        broker: &kafka::Cluster,
        store: &'a s3::Server,
    ) -> Result<Self> {
        Ok(Self {
            name,
            bootstrap: broker.bootstrap(),
            bucket: store.create_bucket(&format!("fleet-{name}"))?,
            store,
            settings: String::new(),
            dir: crate::scratch::folder()?,
        })
    }

    /// The same with a setting more in its workers' files.
    pub(super) fn with(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.settings.push_str(&format!("{key}={value}\n"));
        self
    }

    /// Makes topics.
    pub(super) fn topics(&self, names: &[String], partitions: i32) -> Result<()> {
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
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        for outcome in runtime.block_on(admin.create_topics(&topics, &options))? {
            outcome.map_err(|(name, code)| anyhow::anyhow!("topic {name}: {code}"))?;
        }
        Ok(())
    }

    /// A connector's configuration with these of its own.
    pub(super) fn config(&self, own: &[(&str, &str)]) -> Value {
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
    pub(super) fn start(&self) -> Result<(Worker, Duration)> {
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
        file.push_str(&self.settings);
        let path = self.dir.path().join(format!("{id}.properties"));
        fs::write(&path, file)?;
        let mut command = Binaries::beside_this()?.command("sluiceway-sink")?;
        command.arg("--distributed").envs(s3::CREDENTIALS);
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
    /// Makes a connector.
    pub(super) fn create(&self, name: &str, config: &Value) -> Result<()> {
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
    pub(super) fn times(&self, path: &str) -> Result<String> {
        let mut times = Vec::new();
        for _ in 0..CALLS {
            let began = Instant::now();
            self.get(path)?;
            times.push(began.elapsed());
        }
        Ok(quantiles(&mut times))
    }

    /// Partitions that its tasks have.
    pub(super) fn partitions(&self) -> Result<usize> {
        const NAME: &str = "sluiceway_sink_assigned_partitions";
        let text = http::get(&format!("{}/metrics", self.admin))?.body;
        let samples = text.lines().filter(|line| {
            line.strip_prefix(NAME)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        Ok(samples
            .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
            .sum())
    }

    /// Ends it as an operator would; how long that took.
    pub(super) fn stop(self) -> Result<Duration> {
        let began = Instant::now();
        self.program.stop(LIMIT)?;
        Ok(began.elapsed())
    }
}

/// Waits until `tasks` tasks run, on each worker some (where there are several for each), and have `partitions` together,
/// each worker its share, give or take a tenth: assignors do not divide exactly. `path` is the status of one connector, or
/// of all with `expand=status`.
pub(super) fn settle(
    workers: &[Worker],
    path: &str,
    tasks: usize,
    partitions: usize,
) -> Result<Settled> {
    let began = Instant::now();
    let mut run = None;
    let found = wait(|| {
        let first = workers.first().context("no worker")?;
        let shares = shares(&first.get(path)?, workers);
        let idle = tasks >= 4 * workers.len() && shares.contains(&0);
        if shares.iter().sum::<usize>() != tasks || idle {
            run = None;
            return Ok(None);
        }
        let run = *run.get_or_insert_with(|| began.elapsed());
        let mut all = 0;
        for (worker, share) in workers.iter().zip(&shares) {
            let (found, wanted) = (worker.partitions()?, share * partitions / tasks);
            if found.abs_diff(wanted) * 10 > wanted {
                return Ok(None);
            }
            all += found;
        }
        Ok((all == partitions).then_some((run, shares)))
    });
    let (run, tasks) = found.with_context(|| format!("{path} does not come to rest"))?;
    Ok(Settled {
        run,
        assigned: began.elapsed(),
        tasks,
    })
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

/// Looks until something is found. A look may fail meanwhile: a status that nobody has told yet is a 404.
fn wait<T>(mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        let late = began.elapsed() >= LIMIT;
        match look() {
            Ok(Some(found)) => return Ok(found),
            Err(error) if late => return Err(error.context(format!("not within {LIMIT:?}"))),
            Ok(None) if late => bail!("not within {LIMIT:?}"),
            Ok(None) | Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Median and slowest.
pub(super) fn quantiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| {
        let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, Duration::as_secs_f64) * 1000.0
    };
    format!("median {:.1} ms, slowest {:.1} ms", at(50), at(100))
}

/// Resident memory of each.
pub(super) fn memories(workers: &[Worker]) -> Result<String> {
    let memory = |worker: &Worker| -> Result<String> {
        let memory = usage::memory(worker.program.id()?.pid)?;
        Ok(format!("{:.0}", memory.resident))
    };
    let each: Vec<String> = workers.iter().map(memory).collect::<Result<_>>()?;
    Ok(format!("{} MiB", each.join(" ")))
}

/// Ends all of them.
pub(super) fn stop_all(workers: Vec<Worker>) -> Result<()> {
    workers
        .into_iter()
        .try_for_each(|worker| worker.stop().map(drop))
}
