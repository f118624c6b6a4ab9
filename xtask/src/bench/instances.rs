//! Many consumer instances in one proxy: threads, memory, and whether a read of one waits for the others.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::rest_client::RestClient;
use super::rest_proxy::Proxy;
use super::statistics::median;
use super::topic::Topic;
use super::{Settings, produce_loop, usage};

const V2: &str = "application/vnd.kafka.v2+json";
const JSON: &str = "application/vnd.kafka.json.v2+json";
/// Records in the topic.
const RECORDS: u64 = 100;

/// Options of `bench instances`.
#[derive(Debug, Args)]
pub(crate) struct InstancesArgs {
    /// How many
    #[arg(long, default_value_t = 1000)]
    instances: usize,
    /// Join groups (one each) instead of assigning partitions
    #[arg(long)]
    subscribe: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Makes the instances, reads with each, and prints what they cost; then reads with some while all others wait.
pub(crate) fn run(args: &InstancesArgs) -> Result<()> {
    let broker = super::start_broker("instances")?;
    let dir = crate::scratch::folder()?;
    let settings = args.settings.with(&[
        ("sluiceway.consumer.instances.max", "100000"),
        ("consumer.instance.timeout.ms", "3600000"),
    ]);
    let proxy = Proxy::start(&broker, &dir, &settings)?;
    let topic = Topic::create(&broker.bootstrap(), "instances", 1)?;
    produce_loop::fill(&broker.bootstrap(), &topic.name, 1, RECORDS, 200)?;
    let start = Cost::now(&proxy)?;
    println!("none: {} threads, {:.1} MiB", start.threads, start.memory);
    let mut client = RestClient::connect(&proxy.address)?;
    let began = Instant::now();
    for number in 0..args.instances {
        create(&mut client, &topic.name, number, args.subscribe)?;
    }
    report("made", args.instances, &start, &Cost::now(&proxy)?);
    for number in 0..args.instances {
        let path = format!("{}/records?timeout=20000", path(number));
        let answer = client.call("GET", &path, JSON, "")?;
        ensure!(
            answer.windows(9).any(|window| window == b"\"offset\":"),
            "instance {number} read nothing"
        );
    }
    report("read once", args.instances, &start, &Cost::now(&proxy)?);
    println!("all that in {:.1} s", began.elapsed().as_secs_f64());
    side_by_side(args, &proxy)?;
    std::thread::sleep(Duration::from_secs(5));
    let idle = usage::cpu(proxy.pid()?)?;
    std::thread::sleep(Duration::from_secs(10));
    let idle = usage::cpu(proxy.pid()?)? - idle;
    println!("idle: {:.2} % of one core", idle.as_secs_f64() * 10.0);
    proxy.program.stop(Duration::from_secs(60))
}

fn path(number: usize) -> String {
    format!("/consumers/bench-{number}/instances/i")
}

fn create(client: &mut RestClient, topic: &str, number: usize, subscribe: bool) -> Result<()> {
    let options = r#"{"name":"i","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"false","consumer.request.timeout.ms":"20000"}"#;
    client.call("POST", &format!("/consumers/bench-{number}"), V2, options)?;
    let (resource, body) = match subscribe {
        true => ("subscription", format!("{{\"topics\":[\"{topic}\"]}}")),
        false => (
            "assignments",
            format!("{{\"partitions\":[{{\"topic\":\"{topic}\",\"partition\":0}}]}}"),
        ),
    };
    let path = format!("{}/{resource}", path(number));
    client.call("POST", &path, V2, &body).map(drop)
}

/// A look at one instance while 100 others wait for records that do not come.
fn side_by_side(args: &InstancesArgs, proxy: &Proxy) -> Result<()> {
    let waiting = args.instances.saturating_sub(1).min(100);
    std::thread::scope(|scope| {
        for number in 1..=waiting {
            scope.spawn(move || -> Result<()> {
                let mut client = RestClient::connect(&proxy.address)?;
                let path = format!("{}/records?timeout=5000", path(number));
                client.call("GET", &path, JSON, "").map(drop)
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        let mut client = RestClient::connect(&proxy.address)?;
        let (mut times, one) = (Vec::new(), path(0));
        for _ in 0..20 {
            let seek = r#"{"partitions":[{"topic":"instances","partition":0}]}"#;
            client.call("POST", &format!("{one}/positions/beginning"), V2, seek)?;
            let began = Instant::now();
            client.call("GET", &format!("{one}/records?timeout=5000"), JSON, "")?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        println!(
            "a read of {RECORDS} records while {waiting} others wait: {:.1} ms (median of 20)",
            median(&times)
        );
        Ok(())
    })
}

/// What a proxy takes.
struct Cost {
    threads: usize,
    memory: f64,
}

impl Cost {
    fn now(proxy: &Proxy) -> Result<Self> {
        let pid = proxy.pid()?;
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"))?.count();
        let memory = usage::memory(pid)?.resident;
        Ok(Self { threads, memory })
    }
}

fn report(what: &str, count: usize, start: &Cost, now: &Cost) {
    let each = count.max(1) as f64;
    println!(
        "{count} {what}: {} threads ({:.2} each), {:.1} MiB ({:.2} each)",
        now.threads,
        (now.threads as f64 - start.threads as f64) / each,
        now.memory,
        (now.memory - start.memory) / each,
    );
}
