//! Reads through a consumer instance of the REST proxy, beside the bare consume loop.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::rest_client::RestClient;
use super::rest_proxy::Proxy;
use super::statistics::{grouped, median, micros_each};
use super::topic::Topic;
use super::{Settings, consume_loop, produce_loop, usage};

const V2: &str = "application/vnd.kafka.v2+json";

/// Options of `bench consume`.
#[derive(Debug, Args)]
pub(crate) struct ConsumeArgs {
    /// Rounds of loop and reads; medians are compared
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Records in the topic
    #[arg(long, default_value_t = 400_000)]
    records: u64,
    /// Bytes of JSON a record
    #[arg(long, default_value_t = 493)]
    record_size: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    /// `max_bytes` of each read
    #[arg(long, default_value_t = 1_000_000)]
    max_bytes: u64,
    /// Formats of the consumer instances; may be repeated
    #[arg(long = "format", value_enum, default_values_t = [Format::Json, Format::Binary])]
    formats: Vec<Format>,
    #[command(flatten)]
    settings: Settings,
}

/// The format of a consumer instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Binary,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Binary => "binary",
        }
    }
}

/// One pass over the topic.
struct Pass {
    format: Format,
    records_per_second: f64,
    cpu_us: f64,
    requests: u64,
}

/// Runs the rounds and prints every pass, then medians and ratios.
pub(crate) fn run(args: &ConsumeArgs) -> Result<()> {
    let broker = super::start_broker("consume")?;
    let dir = crate::scratch::folder()?;
    let proxy = Proxy::start(&broker, &dir, &args.settings)?;
    let topic = Topic::create(&broker.bootstrap(), "consume", args.partitions)?;
    let (count, size) = (args.records, args.record_size);
    produce_loop::fill(
        &broker.bootstrap(),
        &topic.name,
        args.partitions,
        count,
        size,
    )?;
    let (mut loops, mut passes) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let rate = consume_loop::run(&broker.bootstrap(), &topic, count)?;
        println!(
            "round {round}  bare consume loop  {:>9} records/s  {:.2} µs CPU a record",
            grouped(rate.records_per_second),
            rate.cpu_us
        );
        loops.push(rate);
        for format in &args.formats {
            let pass = read(args, &proxy, &topic, *format, round)?;
            print_pass(round, &pass, proxy.memory()?);
            passes.push(pass);
        }
    }
    print_ratios(args, &loops, &passes);
    println!("peak memory of the proxy {:.1} MiB", proxy.memory()?.peak);
    proxy.program.stop(Duration::from_secs(30))
}

fn print_pass(round: u32, pass: &Pass, memory: usage::Memory) {
    println!(
        "round {round}  {:<17}  {:>9} records/s  {:.2} µs CPU a record  {} requests  {:.1} MiB",
        pass.format.name(),
        grouped(pass.records_per_second),
        pass.cpu_us,
        pass.requests,
        memory.resident,
    );
}

fn print_ratios(args: &ConsumeArgs, loops: &[produce_loop::Rate], passes: &[Pass]) {
    let base = median(
        &loops
            .iter()
            .map(|rate| rate.records_per_second)
            .collect::<Vec<_>>(),
    );
    println!("medians: bare loop {} records/s", grouped(base));
    for format in &args.formats {
        let mine = passes.iter().filter(|pass| pass.format == *format);
        let (rates, cpu): (Vec<_>, Vec<_>) = mine
            .map(|pass| (pass.records_per_second, pass.cpu_us))
            .unzip();
        println!(
            "medians: {}: {} records/s = {:.1} % of the loop; CPU {:.2} µs a record",
            format.name(),
            grouped(median(&rates)),
            100.0 * median(&rates) / base,
            median(&cpu),
        );
    }
}

/// Reads the whole topic once through a new instance.
fn read(
    args: &ConsumeArgs,
    proxy: &Proxy,
    topic: &Topic,
    format: Format,
    round: u32,
) -> Result<Pass> {
    let mut client = RestClient::connect(&proxy.address)?;
    let name = format.name();
    let group = format!("/consumers/bench-{name}-{round}");
    let instance = format!("{group}/instances/reader");
    client.call(
        "POST",
        &group,
        V2,
        &format!("{{\"name\":\"reader\",\"format\":\"{name}\"}}"),
    )?;
    let partitions = partitions(topic);
    client.call("POST", &format!("{instance}/assignments"), V2, &partitions)?;
    client.call(
        "POST",
        &format!("{instance}/positions/beginning"),
        V2,
        &partitions,
    )?;
    let path = format!(
        "{instance}/records?max_bytes={}&timeout=5000",
        args.max_bytes
    );
    let accept = format!("application/vnd.kafka.{name}.v2+json");
    let (start, cpu) = (Instant::now(), usage::cpu(proxy.pid()?)?);
    let (mut read, mut requests) = (0_u64, 0_u64);
    while read < args.records {
        ensure!(
            start.elapsed() < Duration::from_secs(300),
            "{read} of {} records came",
            args.records
        );
        read += count(client.call("GET", &path, &accept, "")?);
        requests += 1;
    }
    let (took, cpu) = (start.elapsed(), usage::cpu(proxy.pid()?)? - cpu);
    client.call("DELETE", &instance, V2, "").context("delete")?;
    ensure!(
        read == args.records,
        "{read} records came instead of {}",
        args.records
    );
    Ok(Pass {
        format,
        records_per_second: read as f64 / took.as_secs_f64(),
        cpu_us: micros_each(cpu, read),
        requests,
    })
}

fn partitions(topic: &Topic) -> String {
    let one = |partition| format!("{{\"topic\":\"{}\",\"partition\":{partition}}}", topic.name);
    let all: Vec<String> = (0..topic.partitions).map(one).collect();
    format!("{{\"partitions\":[{}]}}", all.join(","))
}

/// Records in an answer: each has one member `offset`, which the values of the bench do not have.
fn count(answer: &[u8]) -> u64 {
    const MEMBER: &[u8] = b"\"offset\":";
    // Quick: the client shares the cores with what it measures.
    memchr::memmem::find_iter(answer, MEMBER).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_an_answer_are_counted() {
        assert_eq!(count(b"[]"), 0);
        assert_eq!(
            count(br#"[{"value":1,"offset":0},{"value":"x","offset":1}]"#),
            2
        );
    }
}
