//! `cargo xtask verify`: the checks against real parts, the second half of the gate.
//!
//! Starts two real Kafka brokers, a real S3 server and the Python clients, runs every step, and ends
//! what it started, whatever happens. A part that cannot start is a failure.

mod analytics;
mod chart;
mod conformance;
mod console;
mod console_tools;
mod embedded;
mod image;
mod kinesis_clients;
pub(crate) mod parts;
mod pipeline;
mod rest_clients;
mod steps;
mod test_runner;
mod up_and_down;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use embedded::EmbeddedBroker;
use parts::RealParts;
use steps::Steps;

use crate::pipeline::PipelineArgs;
use crate::programs::{self, Binaries};

/// Which checks to run.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Only the real-part tests whose names contain this
    filter: Option<String>,
    /// Only this step; may be repeated
    #[arg(long = "step", value_enum)]
    steps: Vec<Step>,
    /// How long the step console-hour looks at the page
    #[arg(long, default_value_t = 60)]
    minutes: u32,
}

/// The steps, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Python's confluent-kafka on the real and the embedded broker: the same cases
    Conformance,
    /// Kafka's console tools on the real and the embedded broker: the same cases
    ConsoleTools,
    /// requests, confluent-kafka, boto3, fastavro, pyarrow and clients of Connect's REST API on the two programs, real
    /// Kafka and real S3
    Pipeline,
    /// Others' clients of the REST proxy, Python's serializers and Java's console tools on the proxy, Kafka and a registry
    RestClients,
    /// `cargo xtask kafka|s3 up|status|down`, as they are typed
    UpAndDown,
    /// boto3 and requests on the proxy's Kinesis front and real Kafka
    Kinesis,
    /// The console: its files are what its sources give; a browser walks through it on the quick start and on real parts
    Console,
    /// MariaDB, the posting emulator, the proxy's two fronts and the sink: the counts agree, though the database is killed
    WholePipeline,
    /// The real-part tests of protocol-tests
    Tests,
    /// The Helm chart (rendered, checked, its pods started as processes) and the layout of the images
    Chart,
    /// The package `analytics` on real Kafka, real S3 and a real Spark
    Analytics,
    /// Its DAG in a real Airflow, over objects of the sink. By name only
    Airflow,
    /// The package submitted to a standalone Spark cluster of one master and two workers. By name only
    SparkCluster,
    /// Spark reads the sink's Avro and Parquet objects. By name only: it fetches half a gigabyte the first time, and
    /// takes a minute
    Spark,
    /// The console with 10,000 topics, many connectors and objects, and large records. By name only: it takes minutes
    ConsoleScale,
    /// The console left open on the quick start (`--minutes`), each view visited every minute: its memory is bounded.
    /// By name only
    ConsoleHour,
}

impl VerifyArgs {
    fn wants(&self, step: Step) -> bool {
        match (self.steps.is_empty(), &self.filter) {
            (false, _) => self.steps.contains(&step),
            (true, Some(_)) => step == Step::Tests,
            (true, None) => !matches!(
                step,
                Step::Airflow
                    | Step::Spark
                    | Step::SparkCluster
                    | Step::ConsoleScale
                    | Step::ConsoleHour
            ),
        }
    }

    /// Whether only steps are wanted that measure on the quick start. They run by themselves.
    fn measures(&self) -> Result<bool> {
        let alone = |step: &&Step| matches!(step, Step::ConsoleScale | Step::ConsoleHour);
        let measuring = self.steps.iter().filter(alone).count();
        ensure!(
            measuring == 0 || measuring == self.steps.len(),
            "the steps console-scale and console-hour measure: run them without the others"
        );
        Ok(measuring > 0)
    }
}

/// Runs the steps; all of them, so that one run shows everything that is wrong.
pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    if args.measures()? {
        return measure_the_console(args);
    }
    let steps = Steps::new();
    let binaries = steps.need("build of the programs", programs::build)?;
    let parts = steps.need("start of the real parts", RealParts::start)?;
    run_broker_steps(args, &steps, &parts, &binaries);
    run_patient_steps(args, &steps, &parts, &binaries);
    let mut tests = test_runner::Output::default();
    // Both mostly wait: for sessions to end and records to arrive here, for browsers and Spark there.
    std::thread::scope(|scope| {
        if args.wants(Step::Tests) {
            let (steps, parts, tests) = (&steps, &parts, &mut tests);
            scope.spawn(move || {
                steps.run("real-part tests", || {
                    test_runner::run(parts, args.filter.as_deref(), tests)
                })
            });
        }
        run_client_steps(args, &steps, &parts, &binaries);
    });
    drop(parts);
    tests.print();
    steps.print();
    // Last, so that the whole output ends as a test runner's does.
    tests.print_closing_line();
    steps.outcome()
}

/// The steps that need the quick start only, and nothing beside them for minutes or an hour: they measure, so on a release
/// build, as its users have it.
fn measure_the_console(args: &VerifyArgs) -> Result<()> {
    programs::continue_in_release_build()?;
    let steps = Steps::new();
    let binaries = Binaries::beside_this()?;
    if args.wants(Step::ConsoleScale) {
        steps.run("the console at scale", || console::scale(&binaries));
    }
    if args.wants(Step::ConsoleHour) {
        steps.run("the console left open", || {
            console::hour(&binaries, args.minutes)
        });
    }
    steps.print();
    steps.outcome()
}

/// The steps whose clients of others wait for the registry, or for topics to come and go, with their own patience: nothing runs
/// beside them.
fn run_patient_steps(args: &VerifyArgs, steps: &Steps, parts: &RealParts, binaries: &Binaries) {
    if args.wants(Step::Pipeline) {
        steps.run("real clients on the pipeline", || {
            pipeline::run(parts, binaries)
        });
    }
    if args.wants(Step::RestClients) {
        steps.run("others' clients of the REST proxy", || {
            rest_clients::run(parts, binaries)
        });
    }
    if args.wants(Step::Kinesis) {
        steps.run("boto3 on the Kinesis front", || {
            kinesis_clients::run(parts, binaries)
        });
    }
}

/// The other steps that have programs of others as clients, one after the other.
fn run_client_steps(args: &VerifyArgs, steps: &Steps, parts: &RealParts, binaries: &Binaries) {
    if args.wants(Step::UpAndDown) {
        steps.run("parts up and down", || up_and_down::run(parts));
    }
    if args.wants(Step::Chart) {
        steps.run("the chart's manifests", || chart::check(binaries));
        steps.run("the chart's pods", || chart::run(parts, binaries));
        steps.run("the chart's pods, guarded", || {
            chart::run_guarded(parts, binaries)
        });
        steps.run("the images' files", || image::run(binaries));
    }
    if args.wants(Step::Analytics) {
        steps.run("Spark batch and streaming", || {
            analytics::run(parts, binaries)
        });
    }
    if args.wants(Step::Console) {
        steps.run("a browser on the console", || {
            console::walk(parts, binaries)
        });
    }
    if args.wants(Step::Airflow) {
        steps.run("the DAG in Airflow", || analytics::dag(binaries));
    }
    if args.wants(Step::SparkCluster) {
        steps.run("spark-submit on a cluster", analytics::cluster);
    }
    if args.wants(Step::WholePipeline) {
        steps.run("the whole pipeline", || whole_pipeline(parts, binaries));
    }
    if args.wants(Step::Spark) {
        steps.run("Spark on the sink's files", || {
            pipeline::spark(parts, binaries)
        });
    }
}

/// `cargo xtask pipeline` in its short form, on the parts of this run.
fn whole_pipeline(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let output = crate::scratch::folder()?;
    let args = PipelineArgs::short(output.path());
    crate::pipeline::run_on(&args, binaries, &parts.kafka.bootstrap(), &parts.s3)
}

/// Runs the broker's checks (conformance and console tools) on a broker that runs already.
pub(crate) fn check_broker(bootstrap: &str) -> Result<()> {
    let steps = Steps::new();
    let python = crate::python::interpreter()?;
    steps.run("confluent-kafka", || conformance::run(&python, bootstrap));
    steps.run("Kafka's console tools", || console_tools::run(bootstrap));
    steps.print();
    steps.outcome()
}

/// The same cases on the real and the embedded broker. confluent-kafka mostly waits (for sessions and
/// rebalances to end) and the console tools mostly compute, so they run at the same time.
fn run_broker_steps(args: &VerifyArgs, steps: &Steps, parts: &RealParts, binaries: &Binaries) {
    let kinds = [Step::Conformance, Step::ConsoleTools];
    if !kinds.iter().any(|step| args.wants(*step)) {
        return;
    }
    let embedded = steps.run("start of the embedded broker", || {
        EmbeddedBroker::start(binaries)
    });
    let mut brokers = vec![("Kafka", parts.kafka.bootstrap())];
    brokers.extend(
        embedded
            .as_ref()
            .map(|broker| ("the embedded broker", broker.bootstrap())),
    );
    std::thread::scope(|scope| {
        for (name, bootstrap) in &brokers {
            if args.wants(Step::Conformance) {
                let name = format!("confluent-kafka on {name}");
                scope
                    .spawn(move || steps.run(&name, || conformance::run(&parts.python, bootstrap)));
            }
        }
        for (name, bootstrap) in &brokers {
            if args.wants(Step::ConsoleTools) {
                let name = format!("Kafka's console tools on {name}");
                steps.run(&name, || console_tools::run(bootstrap));
            }
        }
    });
}
