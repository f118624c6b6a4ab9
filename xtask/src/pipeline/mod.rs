//! `cargo xtask pipeline`: the course's two pipelines from end to end on real parts, and the counts at every station.
//!
//! ```text
//! MariaDB ─▶ posting-emulator ─┬─ POST /test/topics/<user>.pin … (API key) ─▶ proxy ─▶ Kafka ─▶ sink ─▶ S3 ─▶ Spark, batch ─▶ report.html
//!                              └─ PutRecord of an SDK (signed) ─▶ proxy's Kinesis front ─▶ Kafka ─▶ Spark, streaming ─▶ Delta
//! ```
//!
//! Exit code 0 only if every station has as many rows of each table as posts were made.

mod files;
mod stations;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use tempfile::TempDir;

use crate::child::Foreground;
use crate::kafka::{Cluster, UpArgs};
use crate::programs::{self, Binaries};
use crate::{http, mysql, ports, python, s3, spark};
use files::{API_KEY, KEY_ID, KEY_SECRET};
use stations::{Counts, Report, TABLES};

const STOP: Duration = Duration::from_secs(30);
/// What the sink may take to write what lies in Kafka.
const SINK: Duration = Duration::from_secs(120);
/// How long the database is gone with `--fault`.
const GONE: Duration = Duration::from_secs(2);

/// How much, and where to.
#[derive(Debug, Args)]
pub(crate) struct PipelineArgs {
    /// Posts, each of three rows
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    posts: u64,
    /// Rows of each table of the database
    #[arg(long, default_value_t = 11_001, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Posts a second; 0: as fast as answers come
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Where the report, the views and the tables are left; what is there is replaced
    #[arg(long, default_value = "pipeline-out")]
    output: PathBuf,
    /// Kill the database in the middle, and start it again
    #[arg(long)]
    fault: bool,
    /// Stop before Spark
    #[arg(long)]
    no_spark: bool,
}

impl PipelineArgs {
    /// The short form of the gate: few posts, a database that is killed meanwhile, no Spark (it has steps of its own).
    pub(crate) fn short(output: &Path) -> Self {
        Self {
            posts: 240,
            rows: 2000,
            rate: 60,
            output: output.to_owned(),
            fault: true,
            no_spark: true,
        }
    }
}

/// The command: parts of its own, then [`run_on`].
pub(crate) fn run(args: &PipelineArgs) -> Result<()> {
    let binaries = programs::build()?;
    let name = format!("pipeline-{}", std::process::id());
    eprintln!("starting Kafka, S3 and MariaDB");
    let kafka = Cluster::start(&UpArgs {
        name: name.clone(),
        brokers: 1,
        auto_create: true,
        settings: Vec::new(),
        heap: "512m".to_owned(),
        line: None,
    })?;
    let s3 = s3::Server::start(&name)?;
    run_on(args, &binaries, &kafka.bootstrap(), &s3)
}

/// The pipelines on a Kafka and an S3 that are there.
pub(crate) fn run_on(
    args: &PipelineArgs,
    binaries: &Binaries,
    bootstrap: &str,
    s3: &s3::Server,
) -> Result<()> {
    let mut database = mysql::Server::start(&format!("pipeline-{}", std::process::id()))?;
    let scene = Scene::new(binaries, bootstrap, s3)?;
    scene.load(&database.url(), args.rows)?;
    let proxy = scene.proxy()?;
    scene.make_streams()?;
    let sink = scene.sink()?;
    let outcome = scene.all(args, &mut database);
    if outcome.is_err() {
        eprintln!(
            "-- end of the proxy's log\n{}\n-- end of the sink's log\n{}",
            proxy.log_tail(),
            sink.log_tail()
        );
    }
    outcome?;
    sink.stop(STOP)?;
    proxy.stop(STOP)
}

/// Names, addresses and files of one run.
struct Scene<'a> {
    binaries: &'a Binaries,
    bootstrap: &'a str,
    s3: &'a s3::Server,
    dir: TempDir,
    /// Like the course's user ids: 12 hexadecimal digits.
    user: String,
    bucket: String,
    proxy: String,
    connect: String,
    admin: [String; 2],
}

impl<'a> Scene<'a> {
    fn new(binaries: &'a Binaries, bootstrap: &'a str, s3: &'a s3::Server) -> Result<Self> {
        let user = format!("{:012x}", std::process::id() as u64 + 0x00c0_ffee_0000);
        let url = |port: &u16| format!("http://127.0.0.1:{port}");
        let urls: Vec<String> = ports::free(4)?.iter().map(url).collect();
        Ok(Self {
            binaries,
            bootstrap,
            s3,
            dir: crate::scratch::folder()?,
            bucket: s3.create_bucket(&format!("user-{user}"))?,
            user,
            proxy: urls[0].clone(),
            connect: urls[1].clone(),
            admin: [urls[2].clone(), urls[3].clone()],
        })
    }

    fn stage(&self) -> String {
        format!("{}/test", self.proxy)
    }

    fn topics(&self) -> [String; 3] {
        TABLES.map(|table| format!("{}.{table}", self.user))
    }

    fn streams(&self) -> [String; 3] {
        TABLES.map(|table| format!("streaming-{}-{table}", self.user))
    }

    fn load(&self, url: &str, rows: u64) -> Result<()> {
        let mut command = self.binaries.command("posting-emulator")?;
        command
            .args(["load", "--rows", &rows.to_string()])
            .env(files::DATABASE_URL, url);
        let status = Foreground::start(&mut command)?.wait()?;
        ensure!(
            status.success(),
            "posting-emulator load ended with {status}"
        );
        Ok(())
    }

    fn proxy(&self) -> Result<Foreground> {
        let file = files::proxy(self)?;
        let mut command = self.binaries.command("sluiceway-proxy")?;
        let url = format!("{}/openapi.json", self.proxy);
        programs::start(
            &mut command,
            &[&file],
            &url,
            &self.dir.path().join("proxy.log"),
        )
    }

    fn sink(&self) -> Result<Foreground> {
        let (worker, connector) = files::sink(self)?;
        let mut command = self.binaries.command("sluiceway-sink")?;
        command.envs(s3::CREDENTIALS);
        let log = self.dir.path().join("sink.log");
        programs::start(&mut command, &[&worker, &connector], &self.connect, &log)
    }

    /// As the course does by hand, through API Gateway.
    fn make_streams(&self) -> Result<()> {
        for name in self.streams() {
            let url = format!("{}/streams/{name}", self.stage());
            let answer = http::call_with(
                "POST",
                &url,
                &[("x-api-key", API_KEY)],
                Some(r#"{"ShardCount": 2}"#),
            )?;
            ensure!(
                answer.status == 200,
                "{url}: {} {}",
                answer.status,
                answer.body
            );
        }
        Ok(())
    }

    fn all(&self, args: &PipelineArgs, database: &mut mysql::Server) -> Result<()> {
        let output = std::path::absolute(&args.output)?;
        let mut report = Report::new(args.posts);
        let (acknowledged, streamed) = self.emulate(args, database)?;
        report.add("emulator → topics: acknowledged", acknowledged);
        report.add(
            "Kafka: records in the topics",
            stations::in_kafka(self.bootstrap, &self.topics())?,
        );
        report.add("S3: lines in the objects", self.in_s3(args.posts)?);
        report.add("emulator → streams: acknowledged", streamed);
        report.add(
            "Kafka: records in the streams",
            stations::in_kafka(self.bootstrap, &self.streams())?,
        );
        if !args.no_spark {
            let spark = spark::installed()?;
            report.add(
                "Spark, batch: rows read from S3",
                self.batch(&spark, &output.join("batch"))?,
            );
            report.add(
                "Spark, streaming: rows in Delta",
                self.stream(&spark, &output.join("stream"))?,
            );
        }
        println!("{report}");
        if !args.no_spark {
            println!("report: {}", output.join("batch/report.html").display());
            println!("tables: {}", output.join("stream").display());
        }
        report.verdict()
    }

    /// Posts, and perhaps a database that is gone in the middle; what was acknowledged.
    fn emulate(
        &self,
        args: &PipelineArgs,
        database: &mut mysql::Server,
    ) -> Result<(Counts, Counts)> {
        let log = self.dir.path().join("emulator.log");
        let (posts, rate, stage) = (args.posts.to_string(), args.rate.to_string(), self.stage());
        let mut command = self.binaries.command("posting-emulator")?;
        command
            .args([
                "--posts",
                &posts,
                "--rate",
                &rate,
                "--workers",
                "8",
                "--user",
                &self.user,
            ])
            .args([
                "--proxy-url",
                &stage,
                "--kinesis-url",
                &stage,
                "--kinesis-protocol",
                "sdk",
            ])
            .env(files::DATABASE_URL, database.url())
            .env("POSTING_EMULATOR_API_KEY", API_KEY)
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", KEY_SECRET)
            .env("AWS_REGION", "us-east-1");
        eprintln!("{posts} posts");
        let started = Instant::now();
        let mut emulator = Foreground::start_logged(&mut command, &log)?;
        if args.fault {
            std::thread::sleep(Duration::from_secs(1));
            emulator
                .check_running()
                .context("the emulator had ended before the database was killed")?;
            database.kill()?;
            std::thread::sleep(GONE);
            emulator
                .check_running()
                .context("a lost database must not end the emulator")?;
            database.start_again()?;
        }
        let status = emulator.wait()?;
        let text = std::fs::read_to_string(&log)?;
        ensure!(
            status.success(),
            "posting-emulator ended with {status}:\n{text}"
        );
        eprintln!("{posts} posts in {:.1} s", started.elapsed().as_secs_f64());
        if args.fault {
            ensure!(
                text.contains("errors: database"),
                "the emulator noticed nothing of a lost database:\n{text}"
            );
        }
        Ok((
            stations::of_table(&text, "records acknowledged .")?,
            stations::of_table(&text, "records in streams -")?,
        ))
    }

    /// Waits until S3 has as many lines, then what it has.
    fn in_s3(&self, posts: u64) -> Result<Counts> {
        let python = python::interpreter()?;
        let until = Instant::now() + SINK;
        loop {
            let counts =
                stations::in_s3(&python, &self.s3.endpoint(), &self.bucket, &self.topics())?;
            if counts.iter().all(|count| *count >= posts) || Instant::now() > until {
                return Ok(counts);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn batch(&self, spark: &spark::Spark, output: &Path) -> Result<Counts> {
        eprintln!("Spark, batch");
        let mut command = spark.command();
        command
            .args(["-m", "analytics", "batch", "--user", &self.user])
            .args(["--input", &format!("s3a://{}/topics", self.bucket)])
            .args(["--s3-endpoint", &self.s3.endpoint(), "--output"])
            .arg(output)
            .envs(s3::CREDENTIALS);
        let text = captured(&mut command)?;
        let read = |table: &str| {
            let line = text
                .lines()
                .find(|line| line.split_whitespace().next() == Some(table));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            let number = number.and_then(|number| number.replace(',', "").parse().ok());
            number.with_context(|| format!("no rows of {table} in\n{text}"))
        };
        Ok([read("pin")?, read("geo")?, read("user")?])
    }

    fn stream(&self, spark: &spark::Spark, output: &Path) -> Result<Counts> {
        eprintln!("Spark, streaming");
        // Checkpoints of another run's topics are of no use.
        if output.exists() {
            std::fs::remove_dir_all(output)?;
        }
        let mut command = spark.command();
        command
            .args(["-m", "analytics", "stream", "--once", "--user", &self.user])
            .args([
                "--kafka",
                self.bootstrap,
                "--topic-names",
                "streaming-{user}-{table}",
                "--output",
            ])
            .arg(output);
        let text = captured(&mut command)?;
        let rows = |table: &str| {
            let name = format!("{}_{table}_table", self.user);
            let line = text.lines().find_map(|line| line.strip_prefix(&name));
            let number = line.and_then(|rest| rest.trim().parse().ok());
            number.with_context(|| format!("no rows of {name} in\n{text}"))
        };
        Ok([rows("pin")?, rows("geo")?, rows("user")?])
    }
}

/// What a command prints; its errors go to this terminal.
fn captured(command: &mut Command) -> Result<String> {
    use std::io::Read as _;
    let mut child = Foreground::start(command.stdout(Stdio::piped()))?;
    let mut text = String::new();
    let mut pipe = child.take_stdout().context("no pipe")?;
    pipe.read_to_string(&mut text)?;
    let status = child.wait()?;
    if !status.success() {
        bail!(
            "{} ended with {status}\n{text}",
            command.get_program().to_string_lossy()
        );
    }
    Ok(text)
}
