//! HTTP load: connections that are kept alive, each with one request in flight. A few microseconds a
//! request, so that the generator takes little of the cores it shares with what it measures.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::usage;
use super::{record, response, statistics};

/// What to send.
#[derive(Debug, Clone)]
pub(crate) struct Load<'a> {
    /// `host:port`
    pub(crate) address: &'a str,
    /// The topic to produce to.
    pub(crate) topic: &'a str,
    /// How many connections.
    pub(crate) connections: usize,
    /// Records a request.
    pub(crate) batch: usize,
    /// Bytes a record.
    pub(crate) size: usize,
    /// Not measured.
    pub(crate) warm_up: Duration,
    /// Measured.
    pub(crate) measured: Duration,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Requests answered with 200 over the whole run, warm-up included.
    pub(crate) requests_in_all: u64,
    /// Requests a second.
    pub(crate) requests_per_second: f64,
    /// Median latency.
    pub(crate) p50_ms: f64,
    /// Latency that one request in a hundred exceeds.
    pub(crate) p99_ms: f64,
    /// Requests in the measured window.
    pub(crate) requests: u64,
    /// CPU time in the window, of each process that was watched.
    pub(crate) cpu: Vec<Duration>,
}

/// Runs the load, and watches the CPU time of `pids`. Any answer but 200 is an error.
pub(crate) fn run(load: &Load<'_>, pids: &[u32]) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(LocalSet::new().run_until(drive(load, pids)))
}

async fn drive(load: &Load<'_>, pids: &[u32]) -> Result<Outcome> {
    let requests: Rc<Vec<Vec<u8>>> = Rc::new(requests(load));
    let from = Instant::now() + load.warm_up;
    let until = from + load.measured;
    let mut connections = Vec::new();
    for number in 0..load.connections {
        let stream = TcpStream::connect(load.address).await?;
        stream.set_nodelay(true)?;
        connections.push(tokio::task::spawn_local(connection(
            stream,
            requests.clone(),
            number,
            from,
            until,
        )));
    }
    tokio::time::sleep_until(from.into()).await;
    let before = cpu_of(pids)?;
    tokio::time::sleep_until(until.into()).await;
    let after = cpu_of(pids)?;
    let (mut latencies, mut in_all) = (Vec::new(), 0);
    for task in connections {
        let (mine, count) = task.await??;
        latencies.extend(mine);
        in_all += count;
    }
    latencies.sort_unstable();
    ensure!(!latencies.is_empty(), "no request was answered");
    Ok(Outcome {
        requests_in_all: in_all,
        requests_per_second: latencies.len() as f64 / load.measured.as_secs_f64(),
        p50_ms: statistics::percentile_ms(&latencies, 50.0),
        p99_ms: statistics::percentile_ms(&latencies, 99.0),
        requests: latencies.len() as u64,
        cpu: after
            .iter()
            .zip(&before)
            .map(|(after, before)| *after - *before)
            .collect(),
    })
}

fn cpu_of(pids: &[u32]) -> Result<Vec<Duration>> {
    pids.iter().map(|pid| usage::cpu(*pid)).collect()
}

/// Different requests, about 3 MB of them at most, ready to be written.
fn requests(load: &Load<'_>) -> Vec<Vec<u8>> {
    let count = (6_000 / load.batch).clamp(16, 1_000) as u64;
    let request = |number: u64| {
        let body = record::produce_request(number * load.batch as u64, load.batch, load.size);
        let head = format!(
            "POST /topics/{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/vnd.kafka.json.v2+json\r\n\
             Content-Length: {}\r\n\r\n",
            load.topic,
            load.address,
            body.len()
        );
        [head.into_bytes(), body.into_bytes()].concat()
    };
    (0..count).map(request).collect()
}

/// One connection, until the end: latencies in the window (microseconds), and how many requests in all.
async fn connection(
    mut stream: TcpStream,
    requests: Rc<Vec<Vec<u8>>>,
    first: usize,
    from: Instant,
    until: Instant,
) -> Result<(Vec<u32>, u64)> {
    let (mut latencies, mut count, mut buffer) = (Vec::new(), 0_u64, Vec::with_capacity(64 * 1024));
    for request in requests.iter().cycle().skip(first * 7) {
        let start = Instant::now();
        if start >= until {
            break;
        }
        stream.write_all(request).await?;
        read_response(&mut stream, &mut buffer).await?;
        count += 1;
        let end = Instant::now();
        if end >= from && end < until {
            latencies.push(u32::try_from((end - start).as_micros()).unwrap_or(u32::MAX));
        }
    }
    Ok((latencies, count))
}

async fn read_response(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!(
                "the connection was closed in the middle: {}",
                String::from_utf8_lossy(buffer)
            );
        }
        match response::complete(buffer)? {
            Some(200) => return Ok(()),
            Some(status) => bail!(
                "answer with status {status}: {}",
                String::from_utf8_lossy(buffer)
            ),
            None => {}
        }
    }
}
