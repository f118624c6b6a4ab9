//! The bare loop beside `flush.size=1`: what the S3 server and the S3 client library allow, without Kafka and sink.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use super::statistics::{grouped, micros_each};
use super::usage;
use crate::{programs, s3};

/// Puts in flight that are tried; the sink's own limit is the last. The best counts.
const IN_FLIGHT: [u32; 4] = [8, 16, 32, 64];

/// What a loop reached.
pub(super) struct Puts {
    in_flight: u32,
    pub(super) objects_per_second: f64,
    /// Microseconds of CPU of the loop's process an object.
    cpu_us: f64,
    /// And of the S3 server.
    server_us: f64,
}

/// Puts `objects` of `bytes` into buckets of their own, with several numbers of puts in flight, and prints each. The best.
pub(super) fn run(store: &s3::Server, round: u32, objects: u64, bytes: usize) -> Result<Puts> {
    let mut best: Option<Puts> = None;
    for in_flight in IN_FLIGHT {
        let bucket = store.create_bucket(&format!("loop-{round}-{in_flight}"))?;
        let puts = measure(store, &bucket, objects, bytes, in_flight)?;
        println!(
            "round {round}  bare puts, {:>2} in flight  {:>9} objects/s  {:.0} µs CPU an object, the S3 server {:.0} µs",
            puts.in_flight,
            grouped(puts.objects_per_second),
            puts.cpu_us,
            puts.server_us
        );
        if best
            .as_ref()
            .is_none_or(|best| puts.objects_per_second > best.objects_per_second)
        {
            best = Some(puts);
        }
    }
    best.context("nothing was tried")
}

fn measure(
    store: &s3::Server,
    bucket: &str,
    objects: u64,
    bytes: usize,
    in_flight: u32,
) -> Result<Puts> {
    let mut command = programs::example("put_speed")?;
    command
        .args([store.endpoint(), bucket.to_owned(), objects.to_string()])
        .args([bytes.to_string(), in_flight.to_string()])
        .envs(s3::CREDENTIALS)
        .stderr(Stdio::inherit());
    let (own, server) = (usage::cpu_of_children()?, usage::cpu(store.pid()?)?);
    let output = command.output()?;
    let (own, server) = (
        usage::cpu_of_children()? - own,
        usage::cpu(store.pid()?)? - server,
    );
    ensure!(output.status.success(), "put_speed: {}", output.status);
    let took: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(Puts {
        in_flight,
        objects_per_second: objects as f64 / took,
        cpu_us: micros_each(own, objects),
        server_us: micros_each(server, objects),
    })
}
