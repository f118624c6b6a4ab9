//! Load over endless v3 requests: each connection sends records in chunks and reads the answers that come back
//! meanwhile, as fast as the proxy takes them.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::LocalSet;

use super::{record, usage};

/// What to send.
#[derive(Debug, Clone)]
pub(super) struct StreamLoad<'a> {
    /// `host:port`
    pub(super) address: &'a str,
    /// The topic to produce to.
    pub(super) topic: &'a str,
    /// How many connections, one request each.
    pub(super) connections: usize,
    /// Records a chunk of the request.
    pub(super) chunk: usize,
    /// Bytes a record.
    pub(super) size: usize,
    /// Not measured.
    pub(super) warm_up: Duration,
    /// Measured.
    pub(super) measured: Duration,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamOutcome {
    /// Records that were sent over the whole run; each was answered with 200.
    pub(super) sent: u64,
    /// Answers in the measured window.
    pub(super) answered: u64,
    /// CPU time of the watched process in the window.
    pub(super) cpu: Duration,
}

/// The member that every answer of a stored record has, and nothing else in it.
const STORED: &[u8] = b"\"error_code\":200";

/// Runs the load and watches the CPU time of `pid`.
///
/// # Errors
/// A connection fails, or a record is answered with anything but 200.
pub(super) fn run(load: &StreamLoad<'_>, pid: u32) -> Result<StreamOutcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(LocalSet::new().run_until(drive(load, pid)))
}

async fn drive(load: &StreamLoad<'_>, pid: u32) -> Result<StreamOutcome> {
    let chunks: Rc<Vec<Vec<u8>>> = Rc::new((0..64).map(|number| chunk(load, number)).collect());
    let from = Instant::now() + load.warm_up;
    let until = from + load.measured;
    let mut tasks = Vec::new();
    for _ in 0..load.connections {
        let stream = TcpStream::connect(load.address).await?;
        stream.set_nodelay(true)?;
        let (reader, mut writer) = stream.into_split();
        writer.write_all(head(load).as_bytes()).await?;
        let sending =
            tokio::task::spawn_local(send(writer, Rc::clone(&chunks), load.chunk as u64, until));
        tasks.push((
            sending,
            tokio::task::spawn_local(receive(reader, from, until)),
        ));
    }
    tokio::time::sleep_until(from.into()).await;
    let before = usage::cpu(pid)?;
    tokio::time::sleep_until(until.into()).await;
    let cpu = usage::cpu(pid)? - before;
    let (mut sent, mut answered) = (0, 0);
    for (sending, receiving) in tasks {
        let (mine, _open) = sending.await??;
        let (in_all, in_window) = receiving.await??;
        ensure!(
            in_all == mine,
            "{mine} records were sent on a connection, {in_all} answered with 200"
        );
        sent += mine;
        answered += in_window;
    }
    Ok(StreamOutcome {
        sent,
        answered,
        cpu,
    })
}

fn head(load: &StreamLoad<'_>) -> String {
    format!(
        "POST /v3/clusters/bench/topics/{}/records HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        load.topic, load.address
    )
}

/// One chunk of the request with `load.chunk` records, framing included.
fn chunk(load: &StreamLoad<'_>, number: u64) -> Vec<u8> {
    let first = number * load.chunk as u64;
    let records = (first..).take(load.chunk).map(|number| {
        let data = record::json(number, load.size);
        format!("{{\"value\":{{\"type\":\"JSON\",\"data\":{data}}}}}\n")
    });
    let body: String = records.collect();
    format!("{:x}\r\n{body}\r\n", body.len()).into_bytes()
}

/// How many records were sent, and the open half: to close it before the last answer is to hang up.
async fn send(
    mut writer: OwnedWriteHalf,
    chunks: Rc<Vec<Vec<u8>>>,
    records: u64,
    until: Instant,
) -> Result<(u64, OwnedWriteHalf)> {
    let mut sent = 0;
    for chunk in chunks.iter().cycle() {
        if Instant::now() >= until {
            break;
        }
        writer.write_all(chunk).await?;
        sent += records;
    }
    writer.write_all(b"0\r\n\r\n").await?;
    Ok((sent, writer))
}

/// Counts the answers until the response ends: in all, and in the window.
async fn receive(mut reader: OwnedReadHalf, from: Instant, until: Instant) -> Result<(u64, u64)> {
    let (mut in_all, mut in_window, mut kept) = (0, 0, Vec::with_capacity(128 * 1024));
    loop {
        if reader.read_buf(&mut kept).await? == 0 {
            bail!("the connection was closed before the last answer");
        }
        let found = kept
            .windows(STORED.len())
            .filter(|window| *window == STORED)
            .count() as u64;
        in_all += found;
        let now = Instant::now();
        if now >= from && now < until {
            in_window += found;
        }
        if kept.ends_with(b"\r\n0\r\n\r\n") {
            return Ok((in_all, in_window));
        }
        // What may be the beginning of an answer's member or of the last chunk stays.
        let keep = kept.len().min(STORED.len() - 1);
        kept.drain(..kept.len() - keep);
    }
}
